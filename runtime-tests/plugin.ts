/**
 * Does what the page "Write your own plugin" says, as a reader would: in an empty folder outside of the repository, with
 * the packed packages and nothing but the page's files and commands.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { command, root } from "../scripts/command.ts";
import type { Tarball } from "../scripts/pack.ts";
import { commandsIn, filesIn } from "../scripts/page-files.ts";

const PAGE = "docs/write-a-plugin.md";
/** The sections whose commands are run as they stand; before them everything is written and installed. */
const SECTIONS = ["## 3. Run the suite", "## 5. Publish"];
/** What the page installs under which name, from where this repository has it. */
const LIBRARIES = ["@types/node", "eventsource-parser", "typescript", "vitest"];

type Manifest = Readonly<Record<"dependencies" | "devDependencies", Record<string, string>>>;

/** Follows the page in `folder`, and gives what each of its commands came to. */
export async function* followPage(
  folder: string,
  tarballs: readonly Tarball[],
): AsyncGenerator<{ readonly name: string; readonly ok: boolean; readonly output: string }> {
  for (const [path, text] of Object.entries(filesIn(PAGE))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  yield { name: "install", ...(await install(folder, tarballs)) };
  for (const line of SECTIONS.flatMap((section) => commandsIn(PAGE, section))) {
    const { ok, output } = await command("sh", ["-c", line], { cwd: folder, env: { NO_COLOR: "1" } });
    yield { name: line, ok, output };
  }
  const use = `import("baton-mine").then(({ fileSessions }) => console.log(fileSessions("sessions").name))`;
  const { ok, output } = await command("node", ["-e", use], { cwd: folder });
  yield { name: "what is built can be imported", ok: ok && output === "files\n", output };
}

/** The page's `npm install`, with tarballs for what is not published and the versions that this repository has tried. */
async function install(folder: string, tarballs: readonly Tarball[]): Promise<{ ok: boolean; output: string }> {
  const file = join(folder, "package.json");
  const template = JSON.parse(readFileSync(join(root, "packages/plugin-template/package.json"), "utf8")) as Manifest;
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  const devDependencies: Record<string, string> = {};
  for (const { name, path } of tarballs)
    if (name === "@batonjs/core" || name === "@batonjs/testing") devDependencies[name] = `file:${path}`;
  for (const name of LIBRARIES) devDependencies[name] = versionOf(name, [template.dependencies, own.devDependencies]);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), devDependencies }));
  writeFileSync(
    join(folder, "pnpm-workspace.yaml"),
    "packages: []\nnodeVersion: 26.10.0\nallowBuilds:\n  esbuild: false\n",
  );
  return command("pnpm", ["install", "--no-lockfile", "--prefer-offline"], { cwd: folder });
}

function versionOf(name: string, manifests: readonly Readonly<Record<string, string>>[]): string {
  const version = manifests.map((each) => each[name]).find((each) => each !== undefined);
  if (version !== undefined && version !== "catalog:") return version;
  const [, listed] = new RegExp(`^ {2}"?${name}"?: (.+)$`, "m").exec(catalog()) ?? [];
  if (listed === undefined) throw new Error(`Cannot install "${name}": the repository has no version of it`);
  return listed;
}

function catalog(): string {
  return readFileSync(join(root, "pnpm-workspace.yaml"), "utf8").split("\ncatalog:\n")[1] ?? "";
}
