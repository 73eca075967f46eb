import { expect, it } from "vitest";
import { type Release, wrongRelease } from "./next-release.ts";

const right: Release = {
  name: "@batonjs/x",
  before: "0.1.0",
  version: "0.2.0",
  jsrVersion: "0.2.0",
  changelog: "# @batonjs/x\n\n## 0.2.0\n\n### Minor Changes\n",
  named: true,
  changed: true,
};

it("wrongRelease() finds nothing in a release that is right, nor in a package that nobody changed", () => {
  expect(wrongRelease(right)).toEqual([]);
  const same = { version: "0.1.0", jsrVersion: "0.1.0", changelog: "", named: false, changed: false };
  expect(wrongRelease({ ...right, ...same })).toEqual([]);
});

it.each<[string, Partial<Release>, string]>([
  ["another version on JSR", { jsrVersion: "0.1.0" }, '"@batonjs/x" is 0.2.0 on npm and 0.1.0 on JSR'],
  [
    "a change that no changeset names",
    { named: false },
    '"@batonjs/x" has changed since 0.1.0, and no changeset names it: run pnpm changeset',
  ],
  ["a changelog without the version", { changelog: "" }, '"@batonjs/x": CHANGELOG.md does not begin with 0.2.0'],
])("wrongRelease() finds %s", (_, change, sentence) => {
  expect(wrongRelease({ ...right, ...change })).toEqual([sentence]);
});
