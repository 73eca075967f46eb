import type { Item } from "@batonjs/core";
import { check, equal, rejects, says } from "./checks.ts";
import { message, messages, TEXTS } from "./samples.ts";
import type { Group } from "./subject.ts";

const key = { id: "s" };

/** One item of each type, with every field. */
const KINDS: readonly Item[] = [
  {
    type: "message",
    id: "1",
    at: 1_700_000_000_000,
    agent: "A",
    role: "assistant",
    content: [{ type: "text", text: "x" }],
  },
  { type: "reasoning", id: "2", agent: "A", provider: "p", data: { encrypted: "AAA=", nested: [[], {}, null] } },
  { type: "tool_call", id: "3", agent: "A", callId: "c", name: "pay", arguments: '{"n":9007199254740993}' },
  { type: "tool_start", id: "4", agent: "A", callId: "c" },
  { type: "tool_result", id: "5", agent: "A", callId: "c", output: "", status: "ok", path: ["c0", "c1"] },
  { type: "approval", id: "6", callId: "c", decision: "rejected", reason: "no" },
  {
    type: "handoff",
    id: "7",
    from: "A",
    to: "B",
    mode: "return",
    input: { a: 0.1, b: -1e-7, c: 1e300 },
    view: ["1", ["2", "3"]],
  },
  {
    type: "turn",
    id: "8",
    model: "m",
    provider: "p",
    usage: { inputTokens: 1, outputTokens: 2 },
    finishReason: "stop",
  },
  { type: "view", id: "9", plugin: "p", view: [] },
  { type: "rewind", id: "10", to: "1" },
  { type: "note", id: "11", plugin: "p", data: JSON.parse('{"__proto__":{"x":1},"constructor":null,"":false}') },
  { type: "provider_item", id: "12", provider: "p", data: 9_007_199_254_740_991 },
];

export function testValues({ test, capabilities }: Group): void {
  test("of every item type come back as they were", async ({ store }) => {
    await store.append(key, KINDS, { expectedVersion: 0, opId: "a" });
    equal(await store.read(key), { items: KINDS, version: KINDS.length }, "read");
    equal(({} as { x?: number }).x, undefined, "Object.prototype");
    equal(await store.append(key, KINDS, { expectedVersion: 0, opId: "a" }), KINDS.length, "repeated");
  });

  test("of a type that this release does not know are not the store's business", async ({ store }) => {
    const item = { type: "from_the_future", id: "1", field: [1] } as unknown as Item;
    await store.append(key, [item], { expectedVersion: 0, opId: "a" });
    equal((await store.read(key)).items, [item], "read");
  });

  test("of hostile text come back unit by unit", async ({ store }) => {
    const items = Object.entries(TEXTS).map(([name, text]) => message(name, text));
    const version = await store.append(key, items, { expectedVersion: 0, opId: "a" });
    const { items: found } = await store.read(key);
    for (const [at, item] of items.entries()) equal(found[at], item, item.id);
    equal(await store.append(key, items, { expectedVersion: 0, opId: "a" }), version, "repeated");
  });

  test("of 1 MiB come back whole, several in one append", async ({ store }) => {
    const items = [message("ascii", "x".repeat(2 ** 20)), message("wide", "\u2028é😀\0".repeat(2 ** 18))];
    await store.append(key, items, { expectedVersion: 0, opId: "a" });
    equal((await store.read(key)).items, items, "read");
    equal((await store.read(key, 1)).items, items.slice(1), "read from 1");
  });

  test("of 10,000 items come back in order, in one append and in many", async ({ store }) => {
    await store.append(key, messages("a", 9_000), { expectedVersion: 0, opId: "a" });
    for (let at = 0; at < 10; at++)
      await store.append(key, messages(`b${at}`, 100), { expectedVersion: 9_000 + at * 100, opId: `b${at}` });
    const { items, version } = await store.read(key);
    equal(version, 10_000, "version");
    const expected = [
      ...messages("a", 9_000),
      ...Array.from({ length: 10 }, (_, at) => messages(`b${at}`, 100)).flat(),
    ];
    check(items.length === expected.length, `expected 10,000 items, found ${items.length}`);
    const wrong = items.findIndex((item, at) => item.id !== expected[at]?.id);
    check(wrong === -1, `found ${items[wrong]?.id} at ${wrong}`);
    equal((await store.read(key, 9_998)).items, expected.slice(9_998), "read from 9,998");
    equal(await store.append(key, messages("a", 9_000), { expectedVersion: 0, opId: "a" }), 9_000, "repeated");
  });

  if (!capabilities.corruption) return;
  test("that were damaged reject with corrupt_item and say which it is", async ({ store, corrupt }) => {
    check(corrupt !== undefined, "capabilities.corruption needs `corrupt`");
    for (const [at, id] of ["first", "middle", "last"].entries()) {
      const key = { id };
      await store.append(key, messages("a", 3), { expectedVersion: 0, opId: "a" });
      await corrupt(key, at);
      const error = await rejects(store.read(key), id, "corrupt_item");
      says(error, new RegExp(`item ${at} `), id);
      check(!error.retryable, "a damaged item does not get better");
      if (at < 2) equal((await store.read(key, at + 1)).items, messages("a", 3).slice(at + 1), "what comes after it");
    }
  });
}
