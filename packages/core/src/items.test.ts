import { arbitraries } from "@batonjs/testing/arbitraries";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isToolTraffic,
  isUserMessage,
  isVisible,
  type Item,
  itemsFor,
  type MessageItem,
  sameJson,
  textOf,
  type TurnItem,
  usageByAgent,
  usageOf,
  user,
  type VisibleItem,
} from "./index.ts";

const message = (more: Partial<MessageItem> = {}): MessageItem => ({
  type: "message",
  id: "m",
  role: "user",
  content: "hi",
  ...more,
});
const reasoning = (provider: string): VisibleItem => ({ type: "reasoning", id: provider, provider, data: 1 });
const hosted = (provider: string): VisibleItem => ({ type: "provider_item", id: provider, provider, data: 1 });
const hologram = { type: "hologram", id: "x" } as unknown as Item;

describe("items", () => {
  it("that models can be shown are messages, reasoning, calls, results and what providers add", () => {
    fc.assert(
      fc.property(arbitraries.item(), (item) => {
        const shown = ["message", "reasoning", "tool_call", "tool_result", "provider_item"].includes(item.type);
        expect(isVisible(item)).toBe(shown);
        expect(isToolTraffic(item)).toBe(["tool_call", "tool_result", "provider_item"].includes(item.type));
      }),
    );
    expect(() => isVisible(hologram)).toThrow(TypeError);
  });

  it("are a user's messages only where no agent made them", () => {
    expect(isUserMessage(message())).toBe(true);
    expect(isUserMessage(message({ agent: "A" }))).toBe(false);
    expect(isUserMessage(message({ role: "assistant" }))).toBe(false);
    expect(isUserMessage(message({ role: "developer" }))).toBe(false);
  });

  it("have a text", () => {
    const content = [
      { type: "text", text: "a" },
      { type: "image", url: "b" },
      { type: "refusal", refusal: "c" },
    ] as const;
    expect(textOf(user("hi"))).toBe("hi");
    expect(textOf({ role: "user", content })).toBe("ac");
    expect(textOf({ type: "tool_result", id: "r", callId: "c", output: "out", status: "ok" })).toBe("out");
    expect(textOf({ type: "tool_call", id: "c", callId: "c", name: "x", arguments: "{}" })).toBe("{}");
    expect(textOf({ ...reasoning("p"), summary: "hm" } as VisibleItem)).toBe("hm");
    expect(textOf(reasoning("p"))).toBe("");
    expect(textOf({ type: "note", id: "n", plugin: "p", data: "x" })).toBe("");
  });

  it("for a provider leave out what another provider made, and are the list itself where nothing is", () => {
    const mine = [message(), reasoning("a"), hosted("a")];
    expect(itemsFor("a", mine)).toBe(mine);
    expect(itemsFor("a", [...mine, reasoning("b"), hosted("b")])).toEqual(mine);
    expect(itemsFor("b", mine)).toEqual([message()]);
  });
});

describe("usage", () => {
  const turn = (agent: string | undefined, usage: TurnItem["usage"], more: Partial<TurnItem> = {}): TurnItem => ({
    type: "turn",
    id: "t",
    ...(agent === undefined ? {} : { agent }),
    model: "m",
    provider: "p",
    usage,
    finishReason: "stop",
    ...more,
  });
  const items: readonly Item[] = [
    message(),
    turn("A", { inputTokens: 10, outputTokens: 5 }),
    turn("B", { inputTokens: 1, outputTokens: 2, cachedInputTokens: 1, reasoningTokens: 1, totalTokens: 9 }),
    turn("A", { inputTokens: 3, outputTokens: 0 }, { purpose: "summary" }),
    turn(undefined, { inputTokens: 100, outputTokens: 0 }, { path: ["c"] }),
    { type: "rewind", id: "r", to: "m" },
  ];

  it("is a fold over all replies: of nested runs, of models beside, and of what was taken back", () => {
    expect(usageOf(items)).toEqual({
      requests: 4,
      inputTokens: 114,
      cachedInputTokens: 1,
      outputTokens: 7,
      reasoningTokens: 1,
      totalTokens: 15 + 9 + 3 + 100,
    });
    expect(usageOf([])).toMatchObject({ requests: 0, totalTokens: 0 });
  });

  it("is told by agent", () => {
    const byAgent = usageByAgent(items);
    expect([...byAgent.keys()]).toEqual(["A", "B"]);
    expect(byAgent.get("A")).toMatchObject({ requests: 2, inputTokens: 13 });
  });
});

describe("sameJson()", () => {
  it("is true of copies, whatever the order of their keys, and tells others apart", () => {
    const turned = (value: unknown): unknown => {
      if (typeof value !== "object" || value === null) return value;
      if (Array.isArray(value)) return value.map(turned);
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([key, element]) => [key, turned(element)]),
      );
    };
    fc.assert(
      fc.property(arbitraries.json(), arbitraries.json(), (a, b) => {
        expect(sameJson(a, turned(a))).toBe(true);
        expect(sameJson([a, 1], [a])).toBe(false);
        expect(sameJson(a, b)).toBe(sameJson(b, a));
      }),
    );
  });

  it("takes a field that is undefined for one that is not there, and inherited names for nothing", () => {
    expect(sameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(sameJson({ toString: 1 }, { other: 1 })).toBe(false);
    expect(sameJson({ a: undefined }, { b: 1 })).toBe(false);
    expect(sameJson([], {})).toBe(false);
    expect(sameJson(null, {})).toBe(false);
    expect(sameJson("1", 1)).toBe(false);
  });
});
