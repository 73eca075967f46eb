import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { wrongContents } from "./tarball-contents.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-contents-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const manifest = {
  name: "@batonjs/x",
  license: "MIT",
  exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
  bin: { x: "./dist/bin.js" },
  peerDependencies: { "@batonjs/core": "^0.1.0" },
};
const map = JSON.stringify({ sources: ["../src/index.ts"] });
const right: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify(manifest),
  "README.md": "# @batonjs/x\n\nOne sentence.\n",
  LICENSE: "MIT License\n",
  "dist/index.js": "export {};\n",
  "dist/index.js.map": map,
  "dist/index.d.ts": "export {};\n",
  "dist/index.d.ts.map": map,
  "dist/bin.js": "#!/usr/bin/env node\n",
  "dist/bin.js.map": JSON.stringify({ sources: ["../src/bin.ts"], sourcesContent: [""] }),
  "src/index.ts": "export {};\n",
};

function wrong(changes: Readonly<Record<string, string | undefined>>): string[] {
  for (const [file, text] of Object.entries({ ...right, ...changes })) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return wrongContents(folder);
}

it("wrongContents() finds nothing in a package that has all", () => {
  expect(wrong({})).toEqual([]);
});

it.each<[string, Readonly<Record<string, string | undefined>>, string[]]>([
  ["a missing page", { "README.md": undefined }, ['README.md does not begin with "# @batonjs/x"']],
  ["a missing licence", { LICENSE: undefined }, ["LICENSE is not the MIT licence"]],
  ["an export without types", { "dist/index.d.ts": undefined }, ['export "." has no "./dist/index.d.ts"']],
  [
    "a command that no shell can start",
    { "dist/bin.js": "main();\n" },
    ['command "x": "./dist/bin.js" does not begin with "#!/usr/bin/env node"'],
  ],
  ["a test", { "src/x.test.ts": "" }, ['"src/x.test.ts" is for those who work on the package']],
  [
    "recorded answers",
    { "src/__fixtures__/a.json": "{}" },
    ['"src/__fixtures__/a.json" is for those who work on the package'],
  ],
  ["a module without a map", { "dist/index.js.map": undefined }, ['"dist/index.js" has no source map']],
  [
    "a map without its source",
    { "src/index.ts": undefined },
    ["dist/index.d.ts.map", "dist/index.js.map"].map(
      (file) =>
        `"${file}" leads to "../src/index.ts", which is not in the package (is "dist" old? delete it and build)`,
    ),
  ],
  [
    "a range of the workspace",
    { "package.json": JSON.stringify({ ...manifest, peerDependencies: { "@batonjs/core": "workspace:^" } }) },
    ['dependency "@batonjs/core" has the range "workspace:^", which only this workspace knows'],
  ],
  [
    "a script that runs on installing",
    { "package.json": JSON.stringify({ ...manifest, scripts: { postinstall: "true" } }) },
    ['script "postinstall" would run on a user\'s machine'],
  ],
])("wrongContents() finds %s", (_, changes, expected) => {
  expect(wrong(changes).toSorted()).toEqual(expected);
});
