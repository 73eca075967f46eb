/** What all packages have in common, so that a new one that is copied from a neighbour cannot drift. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./command.ts";

type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly type: string;
  readonly sideEffects: false | readonly string[];
  readonly license: string;
  readonly repository: { readonly directory: string };
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, string>>;
  readonly publishConfig: { readonly access: string; readonly exports: unknown };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
};
type DenoManifest = {
  readonly name: string;
  readonly version: string;
  readonly exports: unknown;
  readonly publish: unknown;
};

const read = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), "utf8")) as T;
const directories = globSync("packages/*/package.json", { cwd: root }).map(dirname).toSorted();

describe.each(directories)("%s", (directory) => {
  const manifest = read<Manifest>(`${directory}/package.json`);
  const deno = read<DenoManifest>(`${directory}/deno.json`);
  const entries = Object.entries(manifest.exports);

  it("is an ESM package without side effects for Node 22 and newer", () => {
    expect(manifest).toMatchObject({
      name: directory.replace("packages/", "@batonjs/"),
      type: "module",
      license: "MIT",
      repository: { directory },
      engines: { node: expect.stringMatching(/^>=22(\.\d+)?$/) },
      publishConfig: { access: "public", provenance: true },
    });
    // What has effects when it is imported is named: a set-up file for a test runner.
    for (const file of manifest.sideEffects || []) expect(file).toMatch(/\/vitest\.(ts|js)$/);
  });

  it("publishes from dist what it exports from src", () => {
    const built = entries.map(([name, source]) => {
      const file = source.replace("./src/", "./dist/").replace(/\.ts$/, "");
      return [name, { types: `${file}.d.ts`, default: `${file}.js` }];
    });
    expect(manifest.publishConfig.exports).toEqual(Object.fromEntries(built));
    for (const [, source] of entries) expect(existsSync(join(root, directory, source)), source).toBe(true);
  });

  it("says the same to JSR, and is left out there while it is private", () => {
    const [only, ...more] = entries.map(([, source]) => source);
    expect(deno).toMatchObject({
      name: manifest.name,
      version: manifest.version,
      exports: more.length === 0 ? only : manifest.exports,
    });
    expect(deno.publish === false).toBe(manifest.private === true);
  });

  it("needs core only of Baton, as a peer", () => {
    const own = (kind: Readonly<Record<string, string>> = {}): string[] =>
      Object.keys(kind).filter((name) => name.startsWith("@batonjs/"));
    expect(own(manifest.dependencies)).toEqual([]);
    const needed = own(manifest.peerDependencies).filter(
      (name) => manifest.peerDependenciesMeta?.[name]?.optional !== true,
    );
    expect(needed).toEqual(manifest.name === "@batonjs/core" ? [] : ["@batonjs/core"]);
  });

  it("is compiled by the root project", () => {
    const { references } = read<{ references: readonly { path: string }[] }>("tsconfig.json");
    expect(references).toContainEqual({ path: `./${directory}` });
  });
});

it("core depends on nothing", () => {
  const { dependencies, peerDependencies } = read<Manifest>("packages/core/package.json");
  expect({ dependencies, peerDependencies }).toEqual({ dependencies: undefined, peerDependencies: undefined });
});
