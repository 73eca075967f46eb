/**
 * Runs every test and closes with `N passed, N failed`: vitest, then the portable suites under Node, Deno and Bun.
 *
 * `pnpm test handoff -t "bad payload"` gives its arguments to vitest and leaves the portable suites out.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine, command, countJunit, root, total, type Counts } from "./command.ts";

/** What is read of vitest's JSON report. A file that does not load has no tests. */
type VitestReport = {
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly numPendingTests?: number;
  readonly numTodoTests?: number;
  readonly testResults?: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
};

const vitestArguments = process.argv.slice(2);
const reports = mkdtempSync(join(tmpdir(), "baton-test-"));
try {
  const runs = [await vitest()];
  if (vitestArguments.length === 0) runs.push(...(await portableSuites()));
  const counts = total(runs);
  if (counts.passed + counts.failed === 0) console.log("No test ran");
  console.log(`\n${closingLine(counts)}`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
} finally {
  rmSync(reports, { recursive: true, force: true });
}

async function vitest(): Promise<Counts> {
  const report = join(reports, "vitest.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { ok } = await command("vitest", ["run", ...reporters, ...vitestArguments], { show: true });
  const json = JSON.parse(read(report) || "{}") as VitestReport;
  const passed = json.numPassedTests ?? 0;
  const unloaded = (json.testResults ?? []).filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  const failed = (json.numFailedTests ?? 0) + unloaded.length;
  const skipped = (json.numPendingTests ?? 0) + (json.numTodoTests ?? 0);
  return orOneFailure({ passed, failed, skipped }, ok);
}

/**
 * Each package's `portable/*.test.ts`: `node:test` and `node:assert/strict` only, so that they run everywhere.
 * Under Deno, core's get no permission at all, the others files and this machine's network.
 */
async function portableSuites(): Promise<Counts[]> {
  const files = globSync("packages/*/portable/*.test.ts", { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .toSorted();
  const core = files.filter((path) => path.startsWith("packages/core/"));
  const others = files.filter((path) => !core.includes(path));
  const report = (name: string): string => join(reports, `${name}.xml`);
  const deno = (name: string): string[] => ["test", "--no-check", "--quiet", `--junit-path=${report(name)}`];
  const allowed = ["--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--allow-net=127.0.0.1,localhost"];
  const suites: { name: string; runner: string; args: string[]; files: string[] }[] = [
    { name: "node", runner: "node", args: ["--test", ...nodeReporters(report("node"))], files },
    { name: "deno-core", runner: "deno", args: deno("deno-core"), files: core },
    { name: "deno", runner: "deno", args: [...deno("deno"), ...allowed], files: others },
    { name: "bun", runner: "bun", args: ["test", "--reporter=junit", `--reporter-outfile=${report("bun")}`], files },
  ];
  const counted: Counts[] = [];
  for (const suite of suites.filter((one) => one.files.length > 0)) {
    const paths = suite.files.map((path) => `./${path}`);
    const { ok, output } = await command(suite.runner, [...suite.args, ...paths], { env: { NO_COLOR: "1" } });
    const counts = orOneFailure(countJunit(read(report(suite.name))), ok);
    if (!ok) console.log(output);
    console.log(` portable on ${suite.name.padEnd(9)} ${counts.passed} of ${counts.passed + counts.failed}`);
    counted.push(counts);
  }
  return counted;
}

function nodeReporters(junit: string): string[] {
  const spec = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  return [...spec, "--test-reporter=junit", `--test-reporter-destination=${junit}`];
}

/** A runner that failed without naming a failed test (a file that does not load) counts as one failure. */
function orOneFailure(counts: Counts, ok: boolean): Counts {
  return ok || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
