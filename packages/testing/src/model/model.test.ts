import type { Model } from "@batonjs/core";
import { expect, it } from "vitest";
import { chatDialect, type ModelSuite, testModel } from "./index.ts";

/** The groups of a suite, each with its number of tests. */
function groupsOf(suite: Partial<ModelSuite>): Readonly<Record<string, number>> {
  const groups: Record<string, number> = {};
  let group = "";
  testModel({
    dialect: chatDialect,
    create: () => ({}) as Model,
    describe(name, body) {
      groups[(group = name)] = 0;
      body();
    },
    it: () => (groups[group] = (groups[group] ?? 0) + 1),
    ...suite,
  });
  return groups;
}

// Outside of this repository vitest fails a `describe` without a test.
it("testModel() declares no group without a test, also where there is no network", () => {
  const all = groupsOf({});
  const offline = groupsOf({ network: false });
  expect(Object.values({ ...all, ...offline })).not.toContain(0);
  expect(Object.keys(all).filter((name) => !(name in offline))).toEqual(["Chat Completions: a time limit"]);
});

it("testModel() names the groups it knows", () => {
  expect(() => groupsOf({ groups: ["errors"] })).toThrow('Cannot run the group "errors": known groups are a request');
});
