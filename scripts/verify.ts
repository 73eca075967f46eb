/**
 * The one gate: format, lint, types, build, tests on all runtimes, packages, size, the next release. CI runs the same.
 *
 * `pnpm verify lint types` runs only these steps, `pnpm verify --skip tests` all but these. Every step runs, also after
 * a failure; the exit code is 1 when one failed.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { closingLine, command, root } from "./command.ts";

/** What Deno's users can import, and what Deno runs here. */
const entries = globSync("packages/*/package.json", { cwd: root }).flatMap((file) => {
  const { exports } = JSON.parse(readFileSync(join(root, file), "utf8")) as {
    exports: Readonly<Record<string, string>>;
  };
  return Object.values(exports).map((path) => `./${join(dirname(file), path)}`);
});
const portable = globSync("packages/*/portable/*.ts", { cwd: root }).map((path) => `./${path}`);

const steps: Readonly<Record<string, readonly (readonly [name: string, args: readonly string[]])[]>> = {
  format: [["oxfmt", ["--check"]]],
  lint: [["oxlint", ["--type-aware", "--deny-warnings"]]],
  types: [["tsc", ["-b"]]],
  build: [["turbo", ["run", "build", "--output-logs=errors-only"]]],
  tests: [["node", ["scripts/test.ts"]]],
  deno: [
    ["deno", ["check", "--quiet", ...entries, ...portable]],
    ["deno", ["publish", "--dry-run", "--allow-dirty", "--quiet"]],
  ],
  unused: [["knip", ["--no-progress", "--no-config-hints"]]],
  packages: [["node", ["scripts/check-packages.ts"]]],
  size: [["size-limit", []]],
  runtimes: [["node", ["runtime-tests/run.ts"]]],
  release: [["node", ["scripts/check-release.ts"]]],
};

const [first, ...rest] = process.argv.slice(2);
const named = first === "--skip" ? rest : first === undefined ? [] : [first, ...rest];
const unknown = named.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`Cannot run ${unknown.join(", ")}: the steps are ${Object.keys(steps).join(", ")}`);
  process.exit(2);
}
const chosen = Object.keys(steps).filter((name) => named.length === 0 || named.includes(name) !== (first === "--skip"));

let failed = 0;
for (const step of chosen) {
  const started = performance.now();
  let ok = true;
  for (const [name, args] of steps[step] ?? []) {
    const finished = await command(name, args, { show: step === "tests" });
    if (!finished.ok || step === "size") console.log(finished.output.trimEnd());
    ok &&= finished.ok;
  }
  if (!ok) failed += 1;
  console.log(`${ok ? "ok    " : "FAILED"} ${step.padEnd(9)} ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
console.log(`\n${closingLine({ passed: chosen.length - failed, failed, skipped: 0 })}`);
process.exitCode = failed === 0 ? 0 : 1;
