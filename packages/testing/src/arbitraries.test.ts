import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { isVisible, type Item } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { arbitraries } from "./arbitraries.ts";
import { checkRequest } from "./oracle.ts";
import { invariantsOf } from "./record.ts";
import { transcript } from "./transcript.ts";

/** A sample is the same in every run. */
const sample = <T>(arbitrary: fc.Arbitrary<T>, count = 500): T[] => fc.sample(arbitrary, { numRuns: count, seed: 1 });

// Node's own, because toStrictEqual does not see `__proto__` as a key.
const survivesJson = (value: unknown): boolean => isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);

describe("arbitraries", () => {
  it("text() has lone surrogates, NUL and inherited names among ordinary text", () => {
    const texts = sample(arbitraries.text(), 2_000);
    expect(texts.some((text) => !text.isWellFormed())).toBe(true);
    expect(texts.some((text) => text.includes("\0"))).toBe(true);
    expect(texts).toContain("__proto__");
    expect(sample(arbitraries.wellFormedText(), 2_000).every((text) => text.isWellFormed())).toBe(true);
  });

  it("json() survives JSON, and has __proto__ as a key of its own", () => {
    const values = sample(arbitraries.json(), 2_000);
    expect(values.filter((value) => !survivesJson(value))).toEqual([]);
    expect(
      values.some((value) => value !== null && typeof value === "object" && Object.hasOwn(value, "__proto__")),
    ).toBe(true);
  });

  it("item() makes every type of item, and all survive JSON", () => {
    const items = sample(arbitraries.item(), 2_000);
    const types: readonly Item["type"][] = [
      "approval",
      "handoff",
      "message",
      "note",
      "provider_item",
      "reasoning",
      "rewind",
      "tool_call",
      "tool_result",
      "tool_start",
      "turn",
      "view",
    ];
    expect([...new Set(items.map(({ type }) => type))].toSorted()).toEqual(types);
    expect(items.filter((item) => !survivesJson(item))).toEqual([]);
    for (const item of sample(arbitraries.visibleItem())) expect(isVisible(item)).toBe(true);
  });

  it("item() can be written as a line of well-formed text, whatever it holds", () => {
    fc.assert(fc.property(arbitraries.item(), (item) => transcript([item]).every((line) => line.isWellFormed())));
  });

  it("transcript() holds every invariant", () => {
    fc.assert(
      fc.property(arbitraries.transcript(), (items) => {
        expect(invariantsOf(items, { settled: true })).toEqual([]);
      }),
    );
  });

  it("transcript() has calls, approvals, reasoning and handoffs between the agents that it is given", () => {
    const items = sample(arbitraries.transcript({ agents: ["X", "Y"], maxSteps: 20 }), 50).flat();
    const types = new Set(items.map(({ type }) => type));
    for (const type of ["tool_call", "approval", "reasoning", "handoff", "tool_start", "note"] as const)
      expect(types).toContain(type);
    const agents = new Set(items.map((item) => item.agent).filter((agent) => agent !== undefined));
    expect(agents).toEqual(new Set(["X", "Y"]));
  });

  it("request() passes the oracle", () => {
    fc.assert(
      fc.property(arbitraries.request(), (request) => {
        checkRequest(request);
      }),
    );
  });
});
