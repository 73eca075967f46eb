import { Agent, handoff, jsonSchemaOf, type SessionKey, sessionKey, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import {
  hostileArguments,
  hostileArgumentsSchema,
  hostileCallbacks,
  hostileKeys,
  hostileNamePairs,
  hostileNames,
  hostileNumbers,
  hostileResults,
  hostileTenantKeys,
  hostileTexts,
  hostileThrown,
} from "./index.ts";

const outcome = (attempt: () => unknown): "accept" | "reject" => {
  try {
    attempt();
    return "accept";
  } catch (error) {
    if (error instanceof TypeError) return "reject";
    throw error;
  }
};

describe("the corpus", () => {
  it("has the arguments 1 to 35, each once", () => {
    expect(hostileArguments.map(({ number }) => number)).toEqual(Array.from({ length: 35 }, (_, i) => i + 1));
    expect(jsonSchemaOf(hostileArgumentsSchema, "a tool")).toBe(hostileArgumentsSchema);
  });

  it("expects execution only of texts that are JSON objects", () => {
    for (const { value, what, expected } of hostileArguments) {
      if (expected !== "execute") continue;
      expect(typeof value, what).toBe("string");
      const parsed: unknown = JSON.parse(value as string);
      expect(parsed !== null && typeof parsed === "object" && !Array.isArray(parsed), what).toBe(true);
    }
  });

  it("reads large values anew each time", () => {
    const large = hostileArguments.find(({ number }) => number === 28);
    expect(String(large?.value)).toHaveLength(5_000_008);
    expect(hostileResults.every(({ what }) => what !== "")).toBe(true);
  });

  it("has every kind of hostile text", () => {
    expect(hostileTexts.filter(({ value }) => !value.isWellFormed()).map(({ what }) => what)).toEqual([
      "a lone high surrogate",
      "a lone low surrogate",
    ]);
    expect(new Set(hostileTexts.map(({ number }) => number))).toEqual(
      new Set(Array.from({ length: 15 }, (_, i) => 150 + i)),
    );
  });

  it("has callbacks, thrown values and numbers", () => {
    expect([hostileCallbacks, hostileThrown, hostileNumbers].map((list) => list.length)).toEqual([6, 8, 9]);
  });
});

describe("names", () => {
  it.each(hostileNames)("$what is accepted or rejected as the catalogue says", ({ value, expected }) => {
    expect({
      agent: outcome(() => new Agent({ name: value })),
      tool: outcome(() => tool({ name: value, execute: () => "" })),
    }).toEqual(expected);
    expect(outcome(() => handoff(new Agent({ name: "A" }), { toolName: value }))).toBe(expected.tool);
  });

  it("come in pairs that are different, or one name twice", () => {
    for (const { names } of hostileNamePairs.agents) expect(names[0]).not.toBe(names[1]);
    expect(hostileNamePairs.tools).toHaveLength(2);
  });
});

describe("keys", () => {
  it.each(hostileKeys)("$what is accepted or rejected as the catalogue says", ({ value, expected }) => {
    expect(outcome(() => sessionKey(value as string))).toBe(expected === "own" ? "accept" : "reject");
  });

  it("with a tenant are all accepted, and all different", () => {
    const keys = hostileTenantKeys.map((key: SessionKey) => sessionKey(key));
    expect(new Set(keys.map(({ tenant, id }) => JSON.stringify([tenant ?? null, id]))).size).toBe(keys.length);
  });
});
