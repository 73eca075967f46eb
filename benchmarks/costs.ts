/** What it costs to have a framework: to import it, to bundle it, to install it. */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, lstatSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { CORE, type Entry } from "./contestants.ts";

const here = import.meta.dirname;
const lowerQuartile = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 2]!;

/** CPU milliseconds of a process that does nothing but `program`. */
function processMs(program: string): number {
  const report = "; const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)";
  const args = ["--no-warnings", "--input-type=module", "--eval", program + report];
  return Number(execFileSync(process.execPath, args, { cwd: here, encoding: "utf8" }).trim().split("\n").at(-1));
}

const importsOf = ({ imports = [] }: Entry): string =>
  imports.map(([specifier]) => `import ${JSON.stringify(specifier)};`).join("");

/** CPU milliseconds of importing each, over an empty process, interleaved. Lower quartiles: what disturbs only adds. */
export function importCosts(entries: readonly Entry[], rounds: number): Map<string, number> {
  const costs = new Map(["", ...entries.map(({ id }) => id)].map((id): [string, number[]] => [id, []]));
  for (let i = 0; i < rounds; i++) {
    costs.get("")!.push(processMs(""));
    for (const entry of entries) costs.get(entry.id)!.push(processMs(importsOf(entry)));
  }
  const empty = lowerQuartile(costs.get("")!);
  return new Map(entries.map(({ id }) => [id, lowerQuartile(costs.get(id)!) - empty]));
}

/** Kilobytes of a bundle of what a program imports: minified and gzipped. Node's own modules stay outside. */
export async function bundleKb({ imports = [] }: Entry): Promise<number> {
  const contents = imports
    .map(([specifier, names]) => `export { ${names.join(", ")} } from "${specifier}";`)
    .join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here, sourcefile: "entry.js" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "es2024",
    logLevel: "silent",
    // What a framework loads only where it is installed.
    external: ["sqlite3", "better-sqlite3", "bufferutil", "utf-8-validate", "*.node"],
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length / 1_000;
}

interface Manifest {
  readonly name: string;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const packageName = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

const sizeOf = (files: readonly string[]): number => files.reduce((sum, file) => sum + lstatSync(file).size, 0);

/** Files of one package, without what is installed in it. */
const filesIn = (folder: string): string[] =>
  globSync("**/*", { cwd: folder, exclude: (name) => name === "node_modules" })
    .map((file) => join(folder, file))
    .filter((file) => lstatSync(file).isFile());

/** Packages and megabytes that installing it brings, what it needs as peers included. */
export function installed({ imports = [] }: Entry): { readonly packages: number; readonly mb: number } {
  if (imports[0]?.[0] === CORE) {
    const folder = join(here, dirname(dirname(CORE)));
    const { files = [] } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    const left = files.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
    const published = files
      .filter((pattern) => !pattern.startsWith("!"))
      .flatMap((pattern) => globSync([pattern, `${pattern}/**/*`], { cwd: folder, exclude: left }))
      .map((file) => join(folder, file))
      .filter((file) => lstatSync(file).isFile());
    return { packages: 1, mb: sizeOf(published) / 1_000_000 };
  }
  const folders = new Set<string>();
  const visit = (name: string, from: string): void => {
    const folder = folderOf(name, from);
    if (folder === undefined || folders.has(folder)) return;
    folders.add(folder);
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true);
    for (const each of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) visit(each, folder);
  };
  for (const [specifier] of imports) visit(packageName(specifier), here);
  return {
    packages: folders.size,
    mb: [...folders].reduce((sum, folder) => sum + sizeOf(filesIn(folder)), 0) / 1_000_000,
  };
}

/** Where `name` is found from a folder, as Node looks for it. */
function folderOf(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, "node_modules", name);
    if (existsSync(join(folder, "package.json"))) return realpathSync(folder);
    if (at === dirname(at)) return undefined;
  }
}
