/**
 * Packs the packages, installs the tarballs in an empty project and makes one handoff there on every runtime:
 * Node 22, 24 and 26, Deno with no permissions, Bun and workerd. `pnpm test:runtimes bun deno` runs only these.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine, command, root } from "../scripts/command.ts";
import { packPackages } from "../scripts/pack.ts";

const EXPECTED = "own model: Billing Agent: Your second charge will be refunded.\nmodel-local: Billing Agent";
const FILES = ["pnpm-workspace.yaml", "handoff.mjs", "main.mjs", "worker.mjs", "workerd.mjs"];
const DENO = ["run", "--no-prompt", "--cached-only", "--no-lock", "--node-modules-dir=manual", "main.mjs"];

const project = mkdtempSync(join(tmpdir(), "baton-runtimes-"));
const runtimes: Readonly<Record<string, readonly [name: string, args: readonly string[]]>> = {
  node22: [olderNode("node22"), ["main.mjs"]],
  node24: [olderNode("node24"), ["main.mjs"]],
  node26: [process.execPath, ["main.mjs"]],
  deno: ["deno", DENO],
  bun: ["bun", ["run", "main.mjs"]],
  workerd: [process.execPath, ["workerd.mjs"]],
};

try {
  await install();
  process.exitCode = await handoffs(process.argv.slice(2));
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** The project: pinned peers and runtimes, and the tarballs as a user would install them. */
async function install(): Promise<void> {
  await must("turbo", ["run", "build", "--output-logs=errors-only"], root);
  for (const file of FILES) cpSync(join(import.meta.dirname, file), join(project, file));
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const { name, path } of await packPackages(project)) {
    if (name !== "@batonjs/testing") manifest.dependencies[name] = `file:${path}`;
  }
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
  await must("pnpm", ["install", "--no-lockfile", "--prefer-offline"], project);
}

/** Runs the program on each runtime; the number of runtimes that failed, at most 1. */
async function handoffs(names: readonly string[]): Promise<number> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const [name, [runtime, args]] of Object.entries(runtimes)) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (runtime.startsWith(project) && !existsSync(runtime)) {
      skipped += 1;
      console.log(`skipped ${name}: not published for ${process.platform}-${process.arch}`);
      continue;
    }
    const { ok, output } = await command(runtime, args, { cwd: project });
    const right = ok && output.trim() === EXPECTED;
    if (right) passed += 1;
    else failed += 1;
    console.log(`${right ? "ok    " : "FAILED"} ${name}`);
    if (!right) console.log(output);
  }
  console.log(`\n${closingLine({ passed, failed, skipped })}`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function olderNode(alias: string): string {
  return join(project, "node_modules", `${alias}-${process.platform}-${process.arch}`, "bin", "node");
}

async function must(name: string, args: readonly string[], cwd: string): Promise<void> {
  const { ok, output } = await command(name, args, { cwd });
  if (!ok) throw new Error(`${name} ${args.join(" ")} failed:\n${output}`);
}
