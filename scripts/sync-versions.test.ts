import { expect, it } from "vitest";
import { withVersion } from "./sync-versions.ts";

it("withVersion() changes the version and nothing else", () => {
  const before = '{\n  "name": "@batonjs/core",\n  "version": "0.0.0",\n  "exports": "./src/index.ts"\n}\n';
  expect(withVersion(before, "1.2.0-beta.1")).toBe(before.replace("0.0.0", "1.2.0-beta.1"));
});

it("withVersion() refuses a file without a version", () => {
  expect(() => withVersion('{ "name": "x" }', "1.0.0")).toThrow('deno.json has no "version" line');
});
