/** What the other scripts run commands with: the repository's own tools, and counts read from their reports. */
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

/** The repository, wherever the script was started. */
export const root: string = join(import.meta.dirname, "..");

/** How a command ended. `output` is what it printed, both streams together, and empty when it was shown directly. */
export type Finished = { readonly ok: boolean; readonly output: string };

/** What a test runner counted. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

const environment = {
  ...process.env,
  PATH: [join(root, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter),
  TURBO_TELEMETRY_DISABLED: "1",
};

/** Runs a command at the repository's root. `show` prints its output while it runs, otherwise it is kept. */
export function command(
  name: string,
  args: readonly string[],
  options: { readonly show?: boolean; readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(name, args, {
      cwd: options.cwd ?? root,
      env: { ...environment, ...options.env },
      stdio: options.show ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    });
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("error", (error) => resolve({ ok: false, output: `${output}${error.message}\n` }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}

/** The line that a CI reads. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Adds up counts. */
export function total(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, one) => ({
      passed: sum.passed + one.passed,
      failed: sum.failed + one.failed,
      skipped: sum.skipped + one.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/**
 * Counts the tests of a JUnit report as node, deno and bun write it.
 *
 * Deno lists a suite as a test beside its own tests (`suite`, `suite > test`); only the tests are counted.
 */
export function countJunit(xml: string): Counts {
  const cases = [...xml.matchAll(/<testcase\b[^>]*?\bname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  const names = cases.map(([, name]) => name ?? "");
  const tests = cases.filter(([, name]) => !names.some((other) => other.startsWith(`${name} &gt; `)));
  const failed = tests.filter(([, , body]) => /<(failure|error)\b/.test(body ?? "")).length;
  const skipped = tests.filter(([, , body]) => /<skipped\b/.test(body ?? "")).length;
  return { passed: tests.length - failed - skipped, failed, skipped };
}
