/** What is in a packed package, compared with what a user needs of it. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

type Manifest = {
  readonly name: string;
  readonly license?: string;
  readonly exports: Readonly<Record<string, Readonly<Record<"types" | "default", string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
} & Readonly<Partial<Record<(typeof DEPENDENCIES)[number], Readonly<Record<string, string>>>>>;

const DEPENDENCIES = ["dependencies", "peerDependencies", "optionalDependencies"] as const;
/** What a user's package manager would run. */
const INSTALLING = ["preinstall", "install", "postinstall", "prepare"];
/** What is only for those who work on the package. */
const OWN =
  /\.test(-d)?\.|\.tsbuildinfo$|(^|\/)(__fixtures__|__snapshots__|node_modules|test|portable|bench|scripts)\//;

/** What is wrong with a package that was unpacked into `folder`, a sentence each. */
export function wrongContents(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const files = globSync("**", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return [
    ...wrongPages(folder, manifest),
    ...wrongEntries(folder, manifest),
    ...wrongManifest(manifest),
    ...files.filter((file) => OWN.test(file)).map((file) => `"${file}" is for those who work on the package`),
    ...files.filter((file) => file.endsWith(".js")).flatMap((file) => wrongScript(folder, file)),
    ...files.filter((file) => file.endsWith(".map")).flatMap((file) => wrongMap(folder, file)),
  ];
}

function wrongPages(folder: string, { name, license }: Manifest): string[] {
  const wrong: string[] = [];
  if (!text(folder, "README.md").startsWith(`# ${name}\n`)) wrong.push(`README.md does not begin with "# ${name}"`);
  if (!text(folder, "LICENSE").startsWith(`${license} License`)) wrong.push(`LICENSE is not the ${license} licence`);
  return wrong;
}

/** Every entry has its types and its module, every command a file that a shell can start. */
function wrongEntries(folder: string, manifest: Manifest): string[] {
  const wrong: string[] = [];
  for (const [entry, { types, default: module }] of Object.entries(manifest.exports))
    for (const target of [types, module])
      if (!existsSync(join(folder, target))) wrong.push(`export "${entry}" has no "${target}"`);
  for (const [name, file] of Object.entries(manifest.bin ?? {}))
    if (!text(folder, file).startsWith("#!/usr/bin/env node\n"))
      wrong.push(`command "${name}": "${file}" does not begin with "#!/usr/bin/env node"`);
  return wrong;
}

function wrongManifest(manifest: Manifest): string[] {
  const ranges = DEPENDENCIES.flatMap((kind) => Object.entries(manifest[kind] ?? {}));
  const unpublished = ranges.filter(([, range]) => /^(workspace|catalog|file|link):/.test(range));
  return [
    ...unpublished.map(
      ([name, range]) => `dependency "${name}" has the range "${range}", which only this workspace knows`,
    ),
    ...INSTALLING.filter((script) => manifest.scripts?.[script] !== undefined).map(
      (script) => `script "${script}" would run on a user's machine`,
    ),
  ];
}

/** A module has a source map. */
function wrongScript(folder: string, file: string): string[] {
  return existsSync(join(folder, `${file}.map`)) ? [] : [`"${file}" has no source map`];
}

/** A map leads to sources that are in the package, or in the map itself. */
function wrongMap(folder: string, file: string): string[] {
  const map = JSON.parse(text(folder, file)) as { sources: readonly string[]; sourcesContent?: readonly unknown[] };
  return map.sources
    .filter((_, index) => typeof map.sourcesContent?.[index] !== "string")
    .filter((source) => !existsSync(join(folder, dirname(file), source)))
    .map(
      (source) => `"${file}" leads to "${source}", which is not in the package (is "dist" old? delete it and build)`,
    );
}

function text(folder: string, file: string): string {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
