/**
 * Packs the packages, installs the tarballs in an empty project and makes one handoff there on every runtime:
 * Node 22 (also the oldest that `engines` allows), 24 and 26, Deno with no permissions, Bun and workerd. Then runs the
 * portable suites on Node 22 and 24, and follows the page "Write your own plugin" in another project.
 * `pnpm test:runtimes bun deno` runs only these, `pnpm test:runtimes portable` and `plugin` only the suites and the page.
 */
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine, command, countJunit, type Counts, root, total } from "../scripts/command.ts";
import { packPackages, type Tarball } from "../scripts/pack.ts";
import { followPage } from "./plugin.ts";
import { readManifest, type Runtime, runtimesIn, whyNot } from "./runtimes.ts";

const EXPECTED = "own model: Billing Agent: Your second charge will be refunded.\nmodel-local: Billing Agent";
const FILES = ["pnpm-workspace.yaml", "handoff.mjs", "main.mjs", "worker.mjs", "workerd.mjs"];
/** What runs the portable suites here: `scripts/test.ts` has the other runtimes. */
const PORTABLE = ["node22", "node24"];

const project = mkdtempSync(join(tmpdir(), "baton-runtimes-"));
const runtimes = runtimesIn(project);
const handoffRuntimes: Readonly<Record<string, Runtime>> = { ...runtimes, workerd: [process.execPath, []] };

try {
  await must("turbo", ["run", "build", "--output-logs=errors-only"], root);
  const tarballs = await packPackages(project);
  const names = process.argv.slice(2);
  const counts: Counts[] = [];
  const portable = names.length === 0 || names.includes("portable");
  if (portable || names.some((name) => name in handoffRuntimes)) await install(tarballs);
  if (names.length === 0 || names.some((name) => name in handoffRuntimes)) counts.push(await handoffs(names));
  if (portable) for (const name of PORTABLE) counts.push(await portableSuites(name));
  if (names.length === 0 || names.includes("plugin")) counts.push(await plugin(tarballs));
  const counted = total(counts);
  console.log(`\n${closingLine(counted)}`);
  process.exitCode = counted.failed === 0 && counted.passed > 0 ? 0 : 1;
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** The project: pinned peers and runtimes, and the tarballs as a user would install them. */
async function install(tarballs: readonly Tarball[]): Promise<void> {
  for (const file of FILES) cpSync(join(import.meta.dirname, file), join(project, file));
  const { dependencies, optionalDependencies } = readManifest();
  const packed = tarballs
    .filter(({ name }) => name !== "@batonjs/testing")
    .map(({ name, path }) => [name, `file:${path}`]);
  const manifest = {
    private: true,
    type: "module",
    dependencies: { ...dependencies, ...Object.fromEntries(packed) },
    optionalDependencies,
  };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
  await must("pnpm", ["install", "--no-lockfile", "--prefer-offline"], project);
}

/** Runs the program on each runtime. */
async function handoffs(names: readonly string[]): Promise<Counts> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const [name, runtime] of Object.entries(handoffRuntimes)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const missing = whyNot(runtime);
    if (missing !== undefined) {
      skipped += 1;
      console.log(`skipped ${name}: ${missing}`);
      continue;
    }
    const [program, args] = runtime;
    const file = name === "workerd" ? "workerd.mjs" : "main.mjs";
    const { ok, output } = await command(program, [...args, file], { cwd: project });
    const right = ok && output.trim() === EXPECTED;
    if (right) passed += 1;
    else failed += 1;
    console.log(`${right ? "ok    " : "FAILED"} ${name}`);
    if (!right) console.log(output);
  }
  return { passed, failed, skipped };
}

/** Each package's `portable/*.test.ts` on an older Node, from the sources. */
async function portableSuites(name: string): Promise<Counts> {
  const runtime = runtimes[name];
  const missing = runtime === undefined ? "it is not known" : whyNot(runtime);
  if (runtime === undefined || missing !== undefined) {
    console.log(`skipped portable on ${name}: ${missing}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const report = join(project, `${name}.xml`);
  const reporters = [
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
    "--test-reporter=dot",
    "--test-reporter-destination=stdout",
  ];
  const files = globSync("packages/*/portable/*.test.ts", { cwd: root });
  const { ok, output } = await command(runtime[0], [...runtime[1], "--test", ...reporters, ...files]);
  const counted = existsSync(report) ? countJunit(readFileSync(report, "utf8")) : { passed: 0, failed: 1, skipped: 0 };
  const counts = ok || counted.failed > 0 ? counted : { ...counted, failed: 1 };
  console.log(`${ok ? "ok    " : "FAILED"} portable on ${name}: ${counts.passed} of ${counts.passed + counts.failed}`);
  if (!ok) console.log(output);
  return counts;
}

/** Follows the page "Write your own plugin"; each of its commands counts. */
async function plugin(tarballs: readonly Tarball[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "baton-mine-"));
  let passed = 0;
  let failed = 0;
  try {
    for await (const { name, ok, output } of followPage(folder, tarballs)) {
      if (ok) passed += 1;
      else failed += 1;
      console.log(`${ok ? "ok    " : "FAILED"} plugin: ${name}`);
      if (!ok) console.log(output);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { passed, failed, skipped: 0 };
}

async function must(name: string, args: readonly string[], cwd: string): Promise<void> {
  const { ok, output } = await command(name, args, { cwd });
  if (!ok) throw new Error(`${name} ${args.join(" ")} failed:\n${output}`);
}
