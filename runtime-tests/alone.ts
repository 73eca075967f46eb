/**
 * Each packed package alone with core in an empty project, as `npm install` makes it: every entry imported on every
 * runtime, every command started, and all types checked under three versions of TypeScript.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { command, type Finished } from "../scripts/command.ts";
import type { Tarball } from "../scripts/pack.ts";
import { readManifest, runtimesIn, whyNot } from "./runtimes.ts";

/** How one check ended. Without `ok` it was left out, and `output` says why. */
export type Check = { readonly name: string; readonly ok?: boolean; readonly output: string };

type Installed = {
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

const TYPESCRIPTS = ["typescript-5.9", "typescript-6.0", "typescript-7.0"];
const STRICT = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true, target: "es2022" };
/** The two kinds of project that users have. */
const PROJECTS: Readonly<Record<string, object>> = {
  "a Node project": { ...STRICT, module: "nodenext", lib: ["es2022"], types: ["node"] },
  "a bundled project": { ...STRICT, module: "esnext", moduleResolution: "bundler", types: [] },
};
/** Beside the oldest Node that the package's `engines` allows. */
const RUNTIMES = ["node24", "node26", "deno", "bun"];
/** What nobody imports: vitest alone can load a set-up file of vitest. */
const NOT_IMPORTED = ["@batonjs/testing/vitest"];

/** Installs what the checks need in `folder`, then checks the packages in folders below it. */
export async function* eachAlone(folder: string, tarballs: readonly Tarball[]): AsyncGenerator<Check> {
  yield { name: "runtimes and compilers", ...(await installTools(folder)) };
  const projects = tarballs.map((tarball) => ({ ...tarball, folder: join(folder, basename(tarball.path, ".tgz")) }));
  const core = tarballs.find(({ name }) => name === "@batonjs/core");
  const installed = await Promise.all(
    projects.map(({ folder: project, path }) => install(project, [...new Set([core?.path ?? path, path])])),
  );
  for (const [index, project] of projects.entries()) {
    const result = installed[index];
    yield {
      name: `${project.name} alone with core: npm install`,
      ok: result?.ok === true,
      output: result?.output ?? "",
    };
    if (result?.ok === true) yield* checks(folder, project.folder, project.name);
  }
  yield* types(folder);
}

async function installTools(folder: string): Promise<Finished> {
  const { devDependencies, optionalDependencies } = readManifest();
  cpSync(join(import.meta.dirname, "pnpm-workspace.yaml"), join(folder, "pnpm-workspace.yaml"));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", devDependencies, optionalDependencies }),
  );
  return command("pnpm", ["install", "--no-lockfile", "--prefer-offline"], { cwd: folder });
}

async function install(project: string, paths: readonly string[]): Promise<Finished> {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  return command("npm", ["install", ...options, ...paths], { cwd: project });
}

/** Imports the entries, starts the commands, and looks at the ranges. */
async function* checks(folder: string, project: string, name: string): AsyncGenerator<Check> {
  const manifest = read(project, name);
  const entries = Object.keys(manifest.exports).map((entry) => join(name, entry));
  writeFileSync(join(project, "main.ts"), typesProgram(entries));
  const imported = entries.filter((entry) => !NOT_IMPORTED.includes(entry));
  writeFileSync(join(project, "main.mjs"), importProgram(imported));
  const oldest = manifest.engines.node === ">=22" ? "node22.0" : manifest.engines.node.replace(">=", "node");
  const runtimes = Object.entries(runtimesIn(folder)).filter(([runtime]) => [oldest, ...RUNTIMES].includes(runtime));
  if (!runtimes.some(([runtime]) => runtime === oldest))
    yield { name: `${name} on ${oldest}`, ok: false, output: "runtime-tests/package.json has no such Node" };
  yield* await Promise.all(
    runtimes.map(async ([runtime, [program, args]]): Promise<Check> => {
      const missing = whyNot([program, args]);
      if (missing !== undefined) return { name: `${name} on ${runtime}`, output: missing };
      const env = { NODE_NO_WARNINGS: "1" };
      const { ok, output } = await command(program, [...args, "main.mjs"], { cwd: project, env });
      return { name: `${name} on ${runtime}`, ok: ok && output.trim() === imported.join("\n"), output };
    }),
  );
  for (const bin of Object.keys(manifest.bin ?? {})) {
    const { ok, output } = await command(join(project, "node_modules/.bin", bin), ["--help"], { cwd: project });
    yield { name: `${name}: ${bin} --help`, ok: ok && output.startsWith(`Usage: ${bin} `), output };
  }
  const wrong = Object.entries(manifest.peerDependencies ?? {})
    .filter(([peer]) => peer === "@batonjs/core")
    .filter(([peer, range]) => range !== `^${read(project, peer).version}`);
  yield { name: `${name} wants this core`, ok: wrong.length === 0, output: wrong.join("\n") };
}

/** Says each entry that has something in it. */
function importProgram(entries: readonly string[]): string {
  return entries
    .map((entry) => `if (Object.keys(await import("${entry}")).length > 0) console.log("${entry}");\n`)
    .join("");
}

/** Uses every type that the entries lead to. */
function typesProgram(entries: readonly string[]): string {
  return entries
    .map(
      (entry, index) =>
        `import * as entry${index} from "${entry}";\nexport const used${index}: unknown = entry${index};\n`,
    )
    .join("");
}

/** All packages at once: each is resolved from its own project. */
async function* types(folder: string): AsyncGenerator<Check> {
  for (const [index, [project, compilerOptions]] of Object.entries(PROJECTS).entries()) {
    const file = `tsconfig.${index}.json`;
    writeFileSync(join(folder, file), JSON.stringify({ compilerOptions, include: ["*/main.ts"] }));
    for (const typescript of TYPESCRIPTS) {
      const tsc = join("node_modules", typescript, "bin/tsc");
      yield {
        name: `types: ${typescript} in ${project}`,
        ...(await command("node", [tsc, "-p", file], { cwd: folder })),
      };
    }
  }
}

function read(project: string, name: string): Installed {
  return JSON.parse(readFileSync(join(project, "node_modules", name, "package.json"), "utf8")) as Installed;
}
