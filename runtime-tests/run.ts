/**
 * Packs the packages, installs the tarballs in an empty project and makes one handoff there on every runtime:
 * Node 22, 24 and 26, Deno with no permissions, Bun and workerd. Then follows the page "Write your own plugin" in another.
 * `pnpm test:runtimes bun deno` runs only these, `pnpm test:runtimes plugin` only the page.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine, command, type Counts, root, total } from "../scripts/command.ts";
import { packPackages, type Tarball } from "../scripts/pack.ts";
import { followPage } from "./plugin.ts";

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
  await must("turbo", ["run", "build", "--output-logs=errors-only"], root);
  const tarballs = await packPackages(project);
  const names = process.argv.slice(2);
  const counts: Counts[] = [];
  if (names.length === 0 || names.some((name) => name in runtimes)) {
    await install(tarballs);
    counts.push(await handoffs(names));
  }
  if (names.length === 0 || names.includes("plugin")) counts.push(await plugin(tarballs));
  const all = total(counts);
  console.log(`\n${closingLine(all)}`);
  process.exitCode = all.failed === 0 && all.passed > 0 ? 0 : 1;
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** The project: pinned peers and runtimes, and the tarballs as a user would install them. */
async function install(tarballs: readonly Tarball[]): Promise<void> {
  for (const file of FILES) cpSync(join(import.meta.dirname, file), join(project, file));
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const { name, path } of tarballs) if (name !== "@batonjs/testing") manifest.dependencies[name] = `file:${path}`;
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
  await must("pnpm", ["install", "--no-lockfile", "--prefer-offline"], project);
}

/** Runs the program on each runtime. */
async function handoffs(names: readonly string[]): Promise<Counts> {
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
  return { passed, failed, skipped };
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

function olderNode(alias: string): string {
  return join(project, "node_modules", `${alias}-${process.platform}-${process.arch}`, "bin", "node");
}

async function must(name: string, args: readonly string[], cwd: string): Promise<void> {
  const { ok, output } = await command(name, args, { cwd });
  if (!ok) throw new Error(`${name} ${args.join(" ")} failed:\n${output}`);
}
