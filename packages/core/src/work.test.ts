import "@batonjs/testing/vitest";
import {
  Agent,
  handoff,
  type Input,
  type Item,
  type Model,
  type ModelEvent,
  Runner,
  type RunResult,
  type SessionStore,
  tool,
  user,
  type VisibleItem,
} from "@batonjs/core";
import { testClock, testIds } from "@batonjs/testing";
import { describe, expect, it, vi } from "vitest";

const usage = { inputTokens: 1, outputTokens: 1 };
const said = (content: string): ModelEvent => ({
  type: "reply",
  items: [{ type: "message", role: "assistant", content }],
  finishReason: "stop",
  usage,
});
const called = (name: string, callId: string): ModelEvent => ({
  type: "reply",
  items: [{ type: "tool_call", callId, name, arguments: "{}" }],
  finishReason: "tool_calls",
  usage,
});

/** An old conversation: questions, tool calls, answers and turns. */
function conversation(length: number): Item[] {
  const items: Item[] = [];
  for (let i = 0; items.length < length; i++) {
    items.push(
      { type: "message", id: `u${i}`, role: "user", content: `question ${i}` },
      { type: "tool_call", id: `c${i}`, agent: "Host", callId: `x${i}`, name: "look", arguments: "{}" },
      { type: "tool_result", id: `t${i}`, agent: "Host", callId: `x${i}`, output: `seen ${i}`, status: "ok" },
      { type: "message", id: `a${i}`, agent: "Host", role: "assistant", content: `answer ${i}` },
      { type: "turn", id: `n${i}`, agent: "Host", model: "m", provider: "p", usage, finishReason: "stop" },
    );
  }
  return items;
}

/** A model that converts each item once, as adapters do, and counts how often it had to. */
function adapter(calls: number) {
  const known = new WeakSet<VisibleItem>();
  const counts = { conversions: 0, requests: 0 };
  const model: Model = {
    name: "m",
    provider: "p",
    async *stream({ items, at }) {
      counts.requests += 1;
      for (const item of items) {
        if (known.has(item)) continue;
        known.add(item);
        counts.conversions += 1;
      }
      yield at.turn <= calls ? called("look", `new${at.turn}`) : said("done");
    },
  };
  /** What was shown before is converted already. */
  const warm = (items: readonly Item[]): void => {
    for (const item of items) known.add(item as VisibleItem);
  };
  return { model, counts, warm };
}

/** A store that hands out what it has, and takes what it is given: it does no work of its own. */
function plainStore(items: readonly Item[]): SessionStore {
  const stored = [...items];
  return {
    durability: "none",
    read: async () => ({ items: stored, version: stored.length }),
    append: async (_, more) => stored.push(...more),
    delete: async () => {},
  };
}

const look = tool({ name: "look", parameters: { type: "object" }, execute: () => "seen" });

/** Counts what a turn does that could grow with the conversation. */
async function countTurn(length: number, how: "session" | "list", calls = 2) {
  const old = conversation(length);
  const { model, counts, warm } = adapter(calls);
  warm(old);
  const other = new Agent({ name: "Other", model });
  const agent = new Agent({ name: "Host", model, tools: [look], handoffs: [handoff(other)] });
  const clock = testClock();
  const timers = vi.spyOn(clock, "setTimeout");
  const spies = {
    stringify: vi.spyOn(JSON, "stringify"),
    parse: vi.spyOn(JSON, "parse"),
    clone: vi.spyOn(globalThis, "structuredClone"),
    timeouts: vi.spyOn(globalThis, "setTimeout"),
  };
  try {
    const plugins = how === "session" ? [{ name: "store", sessions: plainStore(old) }] : [];
    const runner = new Runner({ plugins, clock, newId: testIds() });
    const result =
      how === "session"
        ? await runner.run(agent, "and now?", { session: "s" })
        : await runner.run(agent, [...old, user("and now?")]);
    return {
      output: result.finalOutput,
      fresh: result.newItems.length,
      ...counts,
      timers: timers.mock.calls.length,
      ...Object.fromEntries(Object.entries(spies).map(([name, spy]) => [name, spy.mock.calls.length])),
    };
  } finally {
    vi.restoreAllMocks();
  }
}

describe("a turn", () => {
  it.each(["session", "list"] as const)(
    "on a %s of 10,000 items converts, writes and waits as often as on one of 1,000",
    async (how) => {
      const small = await countTurn(1_000, how);
      const large = await countTurn(10_000, how);
      expect(large).toEqual(small);
      // Two calls with start and result, three turns, an answer; the user's message is converted too.
      expect(small).toMatchObject({ output: "done", requests: 3, fresh: 10, conversions: 5, clone: 0, timeouts: 0 });
    },
  );

  it("writes nothing as JSON but what has to be", async () => {
    const counts = await countTurn(1_000, "list");
    // A call's arguments are parsed, once each; a tool's text is taken as it is.
    expect(counts).toMatchObject({ stringify: 0, parse: 2 });
  });

  it("does not look at what was there before: further turns of a run read no old item", async () => {
    const reads = async (calls: number): Promise<number> => {
      let count = 0;
      const old = conversation(1_000).map((item) => {
        const { type } = item;
        return Object.defineProperty(item, "type", { enumerable: true, get: () => ((count += 1), type) });
      });
      const { model } = adapter(calls);
      const agent = new Agent({ name: "Host", model, tools: [look] });
      await new Runner({ maxTurns: 20 }).run(agent, [...old, user("and now?")]);
      return count;
    };
    const few = await reads(1);
    const many = await reads(10);
    expect(few).toBeLessThan(10_000); // a few for each item, to take the conversation over
    expect(many - few).toBeLessThan(10 * 20); // the last few, where a result finds its call
  });

  it("hands on the very items that it was given: models see the same objects turn after turn", async () => {
    const old = conversation(50);
    const seen: (readonly VisibleItem[])[] = [];
    const lengths: number[] = [];
    const model: Model = {
      name: "m",
      provider: "p",
      async *stream({ items, at }) {
        seen.push(items);
        lengths.push(items.length);
        await Promise.resolve();
        expect(items).toHaveLength(lengths.at(-1)!); // not changed while it is answered
        yield at.turn === 1 ? called("look", "new") : said("done");
      },
    };
    const agent = new Agent({ name: "Host", model, tools: [look] });
    await new Runner().run(agent, [...old, user("and now?")]);
    const [first, second] = seen as [readonly VisibleItem[], readonly VisibleItem[]];
    const shown = old.filter(({ type }) => type !== "turn");
    for (const [i, item] of shown.entries()) expect(first[i]).toBe(item);
    for (const [i, item] of first.slice(0, lengths[0]).entries()) expect(second[i]).toBe(item);
    expect(lengths).toEqual([shown.length + 1, shown.length + 3]);
  });

  it("with n handoffs in a conversation costs as much as with few: an agent that comes back is not shown all anew", async () => {
    const build = (hops: number) => {
      let requests = 0;
      const known = new WeakSet<VisibleItem>();
      let conversions = 0;
      const model: Model = {
        name: "m",
        provider: "p",
        async *stream({ items, at, handoffs }) {
          requests += 1;
          for (const item of items) {
            if (known.has(item)) continue;
            known.add(item);
            conversions += 1;
          }
          const last = items.at(-1)!;
          if (last.type === "message") yield called(handoffs[0]!.name, `hop${at.agent}${items.length}`);
          else yield said(`${at.agent} here`);
        },
      };
      const a: Agent = new Agent({ name: "A", model, handoffs: (): Agent[] => [b] });
      const b: Agent = new Agent({ name: "B", model, handoffs: (): Agent[] => [a] });
      return { a, hops, counts: () => ({ requests, conversions }) };
    };
    const converted = async (hops: number): Promise<number> => {
      const { a, counts } = build(hops);
      const runner = new Runner({ newId: testIds() });
      let list: Input = "0";
      for (let i = 1; i <= hops; i++) {
        const result: RunResult = await runner.run(a, list);
        list = [...result.toInputList(), user(String(i))];
      }
      return counts().conversions;
    };
    const [ten, twenty] = [await converted(10), await converted(20)];
    // Each hop adds a message, a call, its answer and a text, and no more.
    expect(twenty - ten).toBeLessThanOrEqual(10 * 4);
  });
});
