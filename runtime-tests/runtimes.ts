/** The runtimes that the packed packages have to work on. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/command.ts";

/** A program, and what stands before the file that it is to run. */
export type Runtime = readonly [program: string, args: readonly string[]];

/** What `runtime-tests/package.json` says to install, by kind. */
export type RuntimeManifest = Readonly<
  Record<"dependencies" | "devDependencies" | "optionalDependencies", Readonly<Record<string, string>>>
>;

/** The pinned manifest of this folder. Its `optionalDependencies` are Node in the versions beside this repository's own. */
export function readManifest(): RuntimeManifest {
  return JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as RuntimeManifest;
}

const DENO = ["run", "--no-prompt", "--cached-only", "--no-lock", "--node-modules-dir=manual"];

/**
 * The runtimes by name, where `folder` has installed the `optionalDependencies` of this folder's manifest. `node22.0` and
 * `node22.16` are the oldest that a package's `engines` allows. Deno gets no permission.
 */
export function runtimesIn(folder: string): Readonly<Record<string, Runtime>> {
  const olderNode = (alias: string): Runtime => [
    join(folder, "node_modules", `${alias}-${process.platform}-${process.arch}`, "bin", "node"),
    [],
  ];
  return {
    "node22.0": olderNode("node22.0"),
    "node22.16": olderNode("node22.16"),
    node22: olderNode("node22"),
    node24: olderNode("node24"),
    node26: [process.execPath, []],
    deno: [join(root, "node_modules/.bin/deno"), DENO],
    bun: [join(root, "node_modules/.bin/bun"), ["run"]],
  };
}

/**
 * Why `runtime` has to be left out on this machine, or `undefined`. In CI only what is not published for the platform is
 * left out; what could not be installed there fails when it is started.
 */
export function whyNot([program]: Runtime): string | undefined {
  if (existsSync(program)) return undefined;
  const published = Object.keys(readManifest().optionalDependencies).some((alias) => program.includes(`/${alias}/`));
  if (!published) return `it is not published for ${process.platform}-${process.arch}`;
  return process.env["CI"] === "true" ? undefined : "it could not be installed";
}
