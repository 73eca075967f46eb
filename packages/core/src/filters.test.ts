import "@batonjs/testing/vitest";
import { call, handOff, invariantsOf, oracle, reason, say, scriptedModel, testIds, transcript } from "@batonjs/testing";
import { arbitraries } from "@batonjs/testing/arbitraries";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Agent,
  compose,
  dropMessages,
  dropToolItems,
  type FilterData,
  type FilterResult,
  handBack,
  handoff,
  type InputFilter,
  isVisible,
  type Item,
  keepLast,
  type MessageItem,
  redact,
  type Redaction,
  Runner,
  summarize,
  textOf,
  tool,
  type VisibleItem,
} from "./index.ts";

const user = (content: string): MessageItem => ({ type: "message", id: content, role: "user", content });
const said = (content: string, agent = "A"): MessageItem => ({
  type: "message",
  id: content,
  agent,
  role: "assistant",
  content,
});
const called = (callId: string, args = "{}", name = "look"): VisibleItem => ({
  type: "tool_call",
  id: `call ${callId}`,
  agent: "A",
  callId,
  name,
  arguments: args,
});
const answered = (callId: string, output = "looked"): VisibleItem => ({
  type: "tool_result",
  id: `result ${callId}`,
  agent: "A",
  callId,
  output,
  status: "ok",
});
const thought: VisibleItem = { type: "reasoning", id: "thought", agent: "A", provider: "p", data: 1 };
const hosted: VisibleItem = { type: "provider_item", id: "hosted", agent: "A", provider: "p", data: 1 };
const transfer: readonly VisibleItem[] = [
  { ...called("t", "{}", "transfer_to_b"), handoff: true } as VisibleItem,
  answered("t", "The conversation is with B now."),
];

const data = (pieces: Partial<Pick<FilterData, keyof FilterResult>> = {}): FilterData => ({
  inputHistory: [user("u1"), said("a1"), called("1"), answered("1"), user("u2")],
  preHandoffItems: [thought, called("2"), answered("2"), hosted],
  newItems: [said("One moment."), called("3"), ...transfer, answered("3")],
  from: "A",
  to: "B",
  input: undefined,
  context: undefined,
  run: undefined as never,
  ...pieces,
});
const ids = (items: readonly { readonly id?: string }[] | undefined): string =>
  (items ?? []).map(({ id }) => id ?? "new").join(", ");
const pieces = (result: FilterResult): string[] => [
  ids(result.inputHistory),
  ids(result.preHandoffItems),
  ids(result.newItems),
];

describe("dropToolItems()", () => {
  it("drops calls, results and what providers have added; the transfer being made stays", () => {
    expect(pieces(dropToolItems(data()))).toEqual(["u1, a1, u2", "thought", "One moment., call t, result t"]);
  });

  it("keeps no transfer that was made before, nor one that failed", () => {
    const failed = [
      { ...called("f", "{}", "transfer_to_c"), handoff: true } as VisibleItem,
      { ...answered("f", "no"), status: "error" } as VisibleItem,
    ];
    const given = data({ inputHistory: [...transfer.map((item) => ({ ...item, id: `old ${item.id}` })), user("u")] });
    expect(pieces(dropToolItems({ ...given, newItems: [...failed, ...transfer] }))).toEqual([
      "u",
      "thought",
      "call t, result t",
    ]);
  });

  it("finds the transfer among other calls of its reply, and before one that failed", () => {
    const [call, answer] = transfer as [VisibleItem, VisibleItem];
    const failed = [
      { ...called("f", "{}", "transfer_to_c"), handoff: true } as VisibleItem,
      { ...answered("f", "no"), status: "error" } as VisibleItem,
    ];
    const wrong = { ...answered("3"), status: "error" } as VisibleItem;
    for (const newItems of [
      [call, called("3"), answer, answered("3")],
      [called("3"), call, wrong, answer],
      [call, failed[0]!, answer, failed[1]!],
      [call, failed[0]!, answer], // it has no answer yet
    ]) {
      expect(pieces(dropToolItems(data({ newItems })))[2]).toBe("call t, result t");
    }
    expect(pieces(dropToolItems(data({ newItems: [call, failed[0]!, failed[1]!] })))[2]).toBe("");
  });

  it("keeps the transfer alone where an older call has its id", () => {
    const old = [called("t"), answered("t")].map((item) => ({ ...item, id: `old ${item.id}` }));
    expect(pieces(dropToolItems(data({ newItems: [...old, ...transfer] })))[2]).toBe("call t, result t");
  });
});

describe("dropMessages()", () => {
  it("drops the messages for which the predicate says yes, whoever said them, and nothing else", () => {
    const internal = dropMessages((message) => textOf(message).startsWith("[INTERNAL]"));
    const given = data({
      inputHistory: [user("[INTERNAL] x"), user("u"), answered("1", "[INTERNAL] y")],
      newItems: [said("[INTERNAL] z"), ...transfer],
    });
    expect(pieces(internal(given))).toEqual(["u, result 1", "thought, call 2, result 2, hosted", "call t, result t"]);
  });

  it("asks the predicate about messages only", () => {
    const asked: string[] = [];
    dropMessages(({ type }) => asked.push(type) < 0)(data());
    expect(new Set(asked)).toEqual(new Set(["message"]));
  });

  it("takes a function only", () => {
    expect(() => dropMessages("internal" as never)).toThrow('Cannot drop messages by "internal": expected a function');
  });
});

describe("keepLast()", () => {
  const kept = (n: number, given = data()): string[] => pieces(keepLast(n)(given));

  it("keeps the last items over all pieces", () => {
    const reply = "One moment., call 3, call t, result t, result 3";
    expect(kept(7)).toEqual(["u2", "result 2, hosted", reply]);
    expect(kept(10)).toEqual(["u2", "thought, call 2, result 2, hosted", reply]);
    expect(kept(12)[0]).toBe("call 1, result 1, u2");
    expect(kept(100)).toEqual(pieces(data()));
  });

  it("keeps the transfer and its reply, and the last user message even where it is older", () => {
    expect(kept(1)).toEqual(["u2", "", "One moment., call 3, call t, result t, result 3"]);
  });

  it("keeps the last user message, also where another filter has put something behind it", () => {
    const given = data({ inputHistory: [user("u1"), user("u2"), said("put in")] });
    expect(kept(1, given)[0]).toBe("u2");
    expect(kept(10, given)[0]).toBe("u2, put in");
  });

  it("keeps nothing in its place where the user has said nothing", () => {
    expect(kept(1, data({ inputHistory: [] }))[0]).toBe("");
    expect(kept(1, data({ inputHistory: [said("a1")] }))[0]).toBe("");
  });

  for (const n of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null, undefined]) {
    it(`refuses ${String(n)}`, () => {
      expect(() => keepLast(n as never)).toThrow(RangeError);
      expect(() => keepLast(n as never)).toThrow(
        `Cannot keep the last ${String(n)} items: expected a positive integer`,
      );
    });
  }
});

describe("redact()", () => {
  const SECRET = /\d{4}-\d{4}/;
  const redacted = (item: VisibleItem, ...patterns: readonly Redaction[]): VisibleItem | undefined =>
    redact(...patterns)(data({ inputHistory: [item] })).inputHistory?.[0] as VisibleItem | undefined;

  it("blots out every match, also without the flag g, in text and in parts", () => {
    expect(redacted(user("card 1111-2222 and 3333-4444"), SECRET)).toMatchObject({
      content: "card [redacted] and [redacted]",
    });
    const parts: MessageItem = {
      ...user("x"),
      content: [
        { type: "text", text: "1111-2222" },
        { type: "refusal", refusal: "not 1111-2222" },
        { type: "image", url: "https://example.com/1111-2222" },
      ],
    };
    expect(redacted(parts, SECRET)).toMatchObject({
      content: [
        { type: "text", text: "[redacted]" },
        { type: "refusal", refusal: "not [redacted]" },
        { type: "image", url: "https://example.com/1111-2222" },
      ],
    });
  });

  it("blots out what tools gave and what they were called with, numbers included", () => {
    expect(redacted(answered("1", "card 1111-2222"), SECRET)).toMatchObject({ output: "card [redacted]" });
    const args = JSON.stringify({ card: "1111-2222", list: ["x 1111-2222"], n: 42 });
    expect(redacted(called("1", args), SECRET)).toMatchObject({
      arguments: '{"card":"[redacted]","list":["x [redacted]"],"n":42}',
    });
    expect(redacted(called("1", '{"pin":4711}'), /4711/)).toMatchObject({ arguments: '{"pin":"[redacted]"}' });
  });

  it("finds what arguments have written with escapes", () => {
    // Seen: the text of the arguments did not match, and the secret went on.
    expect(redacted(called("1", '{"mail":"ada\\u0040example.com"}'), /\w+@\w+/)).toMatchObject({
      arguments: '{"mail":"[redacted].com"}',
    });
    expect(redacted(called("1", '{"text":"line\\nsecret"}'), /line\nsecret/)).toMatchObject({
      arguments: '{"text":"[redacted]"}',
    });
  });

  it("leaves arguments that are not JSON, and match, as an empty object", () => {
    expect(redacted(called("1", '{"card": 1111-2222'), SECRET)).toMatchObject({ arguments: "{}" });
    const other = called("1", '{"card": \\1111');
    expect(redacted(other, SECRET)).toBe(other);
    const escaped = called("1", '{"text":  "line\\n"}');
    expect(redacted(escaped, SECRET)).toBe(escaped);
  });

  it("keeps the keys and the form of arguments, also of hostile ones", () => {
    const args = '{"__proto__":{"x":"1111-2222"},"constructor":1}';
    expect((redacted(called("1", args), SECRET) as { arguments: string }).arguments).toBe(
      '{"__proto__":{"x":"[redacted]"},"constructor":1}',
    );
  });

  it("drops reasoning and what providers have added where they match: they cannot be changed", () => {
    const secret = { ...thought, summary: "the card is 1111-2222" } as VisibleItem;
    const opaque = { ...thought, data: { text: "1111-2222" } } as VisibleItem;
    const search = { ...hosted, data: ["1111-2222"] } as VisibleItem;
    for (const item of [secret, opaque, search]) expect(redacted(item, SECRET)).toBeUndefined();
    expect(redacted({ ...thought, data: { pin: 4711, ok: true } } as VisibleItem, /4711/)).toBeUndefined();
    const flag = { ...thought, data: { ok: true, no: null } } as VisibleItem;
    expect(redacted(flag, /true|null|object/)).toBe(flag);
    const parts = { ...user("x"), content: [{ type: "text", text: "no card" }] } as MessageItem;
    expect(redacted(parts, SECRET)).toBe(parts);
    expect(redacted(thought, SECRET)).toBe(thought);
    expect(redacted(hosted, SECRET)).toBe(hosted);
  });

  it("gives items without a match as they are", () => {
    const given = data();
    const result = redact(SECRET)(given);
    expect(result.inputHistory!.every((item, i) => item === given.inputHistory[i])).toBe(true);
    expect(result.newItems!.every((item, i) => item === given.newItems[i])).toBe(true);
  });

  it("applies several rules in order, each with its own replacement", () => {
    const rules = [{ pattern: /\d+/, replacement: "N" }, /N{2}/, { pattern: /x/g, replacement: "" }] as const;
    expect(redacted(user("12 34x"), ...rules)).toMatchObject({ content: "N N" });
  });

  it("finds the same at every use of a pattern with a state", () => {
    const filter = redact(/\d{4}/g);
    for (let i = 0; i < 3; i++) {
      expect(textOf(filter(data({ inputHistory: [user("1234")] })).inputHistory![0] as MessageItem)).toBe("[redacted]");
    }
  });

  it("takes regular expressions only", () => {
    expect(() => redact("secret" as never)).toThrow("Cannot redact by");
    expect(() => redact({ pattern: "secret" } as never)).toThrow(
      'Cannot redact by "secret": expected a regular expression',
    );
  });
});

describe("compose()", () => {
  it("applies filters in order, each to what the one before has left", async () => {
    const filter = compose(dropToolItems, keepLast(4), ({ inputHistory }) => ({
      inputHistory: [...inputHistory, user("put in")],
    }));
    expect(pieces(await filter(data()))).toEqual(["u2, put in", "thought", "One moment., call t, result t"]);
  });

  it("answers at once where all answer at once, and later where one does", async () => {
    expect(compose(dropToolItems, keepLast(4))(data())).not.toBeInstanceOf(Promise);
    const filter = compose(dropToolItems, async () => ({ preHandoffItems: [] }), keepLast(10));
    const result = filter(data());
    expect(result).toBeInstanceOf(Promise);
    expect(pieces(await result)).toEqual(["u1, a1, u2", "", "One moment., call t, result t"]);
  });

  it("waits for a thenable", async () => {
    const filter = compose((() => ({ then: (go: (result: FilterResult) => void) => go({ newItems: [] }) })) as never);
    expect(pieces(await filter(data()))[2]).toBe("");
  });

  it("takes a field that is undefined for unchanged, and no other field", async () => {
    let seen: FilterData | undefined;
    const filter = compose(
      () => ({ inputHistory: undefined, from: "evil" }) as never,
      (given) => {
        seen = given;
        return {};
      },
    );
    expect(pieces(await filter(data()))).toEqual(pieces(data()));
    expect(seen?.from).toBe("A");
  });

  it("of nothing changes nothing", async () => {
    expect(pieces(await compose()(data()))).toEqual(pieces(data()));
  });

  it("nests", async () => {
    const filter = compose(compose(dropToolItems), compose(compose(), keepLast(1)));
    expect(pieces(await filter(data()))).toEqual(["u2", "", "One moment., call t, result t"]);
  });

  it("takes functions only", () => {
    expect(() => compose(dropToolItems, "x" as never)).toThrow('Cannot compose "x": expected a filter');
  });

  it("fails where one of its filters fails", async () => {
    expect(() => compose(() => null as never)(data())).toThrow(TypeError);
    await expect(compose(async () => Promise.reject(new Error("no")))(data())).rejects.toThrow("no");
  });
});

describe("summarize()", () => {
  const history = [user("Hello"), said("Hi"), called("1"), answered("1"), thought, said("Well"), user("Help")];
  const summarizing = (options?: Parameters<typeof summarize>[1], answer = "They said hello.") => {
    const model = scriptedModel([say(answer)], { name: "small" });
    return { model, filter: summarize(model, options) };
  };
  const asking = (filter: InputFilter, inputHistory: readonly VisibleItem[] = history) =>
    filter(data({ inputHistory }));

  async function run(filter: InputFilter, target: Agent = new Agent({ name: "B" })) {
    const model = scriptedModel({ A: [handOff("B")], B: [say("Done")] });
    const a = new Agent({ name: "A", handoffs: [handoff(target, { inputFilter: filter })] });
    const runner = new Runner({ model, plugins: [oracle(a)], newId: testIds() });
    const result = await runner.run(
      a,
      history.filter((item): item is MessageItem => item.type === "message"),
    );
    return { model, result };
  }

  it("puts a model's summary in the place of what came before the last user message, as no user's message", async () => {
    const { model: small, filter } = summarizing({ atLeast: 1 });
    const { model } = await run(filter);
    expect(transcript(model.request(1).items)).toEqual([
      'user (to A): "Summary of the conversation so far: They said hello."',
      'user: "Help"',
      "A calls transfer_to_b({}) [call_1]",
      'result of call_1: "The conversation is with B now."',
    ]);
    expect(small.request(0)).toMatchObject({ tools: [], handoffs: [] });
    expect(small.request(0).instructions).toContain("Summarise this conversation");
    expect(textOf(small.request(0).items[0]!)).toBe("user: Hello\nA: Hi\nA: Well");
    small.assertDone();
    model.assertDone();
  });

  it("tells the model of calls and results, and nothing of what only a provider can read", async () => {
    const asked: unknown[] = [];
    const run = { ask: async (...given: unknown[]) => (asked.push(given), "short") } as unknown as FilterData["run"];
    const inputHistory = [...history.slice(0, -1), hosted, { ...called("2"), agent: undefined } as never, user("Help")];
    const result = await summarize("small", { instructions: "Be brief." })({ ...data({ inputHistory }), run });
    expect(asked).toEqual([
      [
        "small",
        {
          instructions: "Be brief.",
          input: "user: Hello\nA: Hi\nA calls look({})\nresult: looked\nA: Well\nagent calls look({})",
          purpose: "summary",
        },
      ],
    ]);
    expect(result.inputHistory).toHaveLength(2);
  });

  it("counts in the usage of the run, and says what for", async () => {
    const { filter } = summarizing({ atLeast: 1 });
    const { result } = await run(filter);
    expect(result.usage.requests).toBe(3);
    expect(result.history.find((item) => item.type === "turn" && item.model === "small")).toMatchObject({
      purpose: "summary",
      agent: "A",
    });
    expect(invariantsOf(result.history)).toEqual([]);
  });

  it("keeps as many items before the last user message as it is told", async () => {
    const { filter } = summarizing({ atLeast: 1, keep: 1 });
    const { model } = await run(filter);
    expect(transcript(model.request(1).items).slice(1, 3)).toEqual(['A: "Well"', 'user: "Help"']);
  });

  it("asks nobody where there is little to summarise", async () => {
    const small = scriptedModel([]);
    const { model } = await run(summarize(small));
    expect(small.requests).toEqual([]);
    expect(transcript(model.request(1).items)[0]).toBe('user: "Hello"');
    expect(await asking(summarize(small, { atLeast: 7 }))).toEqual({});
  });

  it("asks nobody where there is nothing to summarise, whatever atLeast says", async () => {
    const small = scriptedModel([]);
    expect(await asking(summarize(small, { atLeast: 0 }), [user("Help")])).toEqual({});
    expect(await asking(summarize(small, { atLeast: 0, keep: 100 }))).toEqual({});
  });

  it("refuses the handoff where the model fails", async () => {
    const small = scriptedModel(() => {
      throw new Error("busy");
    });
    const model = scriptedModel({ A: [handOff("B"), say("Sorry")] });
    const a = new Agent({
      name: "A",
      handoffs: [handoff(new Agent({ name: "B" }), { inputFilter: summarize(small, { atLeast: 1 }) })],
    });
    const result = await new Runner({ model }).run(
      a,
      history.filter((item) => item.type === "message"),
    );
    expect(result.finalOutput).toBe("Sorry");
    expect(small.problems).toHaveLength(1);
    (small.problems as Error[]).length = 0;
  });

  it("may name a model that a plugin has", async () => {
    const small = scriptedModel([say("short")]);
    const model = scriptedModel({ A: [handOff("B")], B: [say("Done")] });
    const edge = handoff(new Agent({ name: "B" }), { inputFilter: summarize("mine/small", { atLeast: 1 }) });
    const plugin = { name: "mine", model: (name: string) => (name === "small" ? small : undefined) };
    await new Runner({ model, plugins: [plugin] }).run(new Agent({ name: "A", handoffs: [edge] }), [
      user("Hello"),
      user("Help"),
    ]);
    expect(transcript(model.request(1).items)[0]).toContain("short");
  });

  for (const [name, value] of [
    ["keep", -1],
    ["keep", 1.5],
    ["keep", Number.NaN],
    ["keep", "1"],
    ["atLeast", -1],
    ["atLeast", Number.POSITIVE_INFINITY],
  ] as const) {
    it(`refuses ${String(value)} as ${name}`, () => {
      expect(() => summarize("x", { [name]: value })).toThrow(
        `Cannot use ${value === "1" ? '"1"' : value} as ${name} of summarize() as it must be a whole number of at least 0`,
      );
    });
  }
});

describe("whatever filters do", () => {
  const look = tool({ name: "look", execute: () => "looked" });
  const any = (): fc.Arbitrary<InputFilter> => {
    const choose = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });
    const picking = (items: readonly VisibleItem[], keep: readonly boolean[]): VisibleItem[] =>
      items.filter((_, i) => keep[i % keep.length]);
    return fc.oneof(
      fc.constant(dropToolItems),
      fc.nat(12).map((n) => keepLast(n + 1)),
      fc.constantFrom(/[aeiou]/, /./, /look/).map((pattern) => redact(pattern)),
      fc.constantFrom("user", "assistant").map((role) => dropMessages((message) => message.role === role)),
      choose.map((keep): InputFilter => ({ inputHistory, preHandoffItems, newItems }) => ({
        inputHistory: picking(inputHistory, keep),
        preHandoffItems: picking(preHandoffItems, keep),
        newItems: picking(newItems, keep),
      })),
      choose.map((keep): InputFilter => ({ newItems, preHandoffItems }) => ({
        inputHistory: picking(newItems, keep),
        newItems: preHandoffItems,
      })),
      fc.constant<InputFilter>(({ inputHistory, newItems }) => ({
        inputHistory: inputHistory.toReversed(),
        newItems: newItems.toReversed(),
      })),
      fc.constant<InputFilter>(({ inputHistory, newItems }) => ({ newItems: [...inputHistory, ...newItems] })),
      arbitraries.visibleItem().map((item): InputFilter => ({ inputHistory }) => ({
        inputHistory: [...inputHistory, item],
      })),
      fc.constant<InputFilter>(async ({ newItems }) => ({
        newItems: newItems.map((item) => ("output" in item ? { ...item, output: "short" } : item)),
      })),
    );
  };
  const composed = fc
    .array(any(), { minLength: 1, maxLength: 3 })
    .chain((filters) => fc.constantFrom<InputFilter | readonly InputFilter[]>(filters, compose(...filters)));

  it("the next request can be sent, the record is whole, and going on from JSON shows the same", async () => {
    await fc.assert(
      fc.asyncProperty(composed, composed, fc.constantFrom("pass", "turn", "return"), async (there, back, mode) => {
        const b: Agent = new Agent({
          name: "B",
          tools: [look],
          handoffs: () => [handBack(), handoff(a, { inputFilter: back })],
        });
        const a: Agent = new Agent({
          name: "A",
          tools: [look],
          handoffs: (): never[] => [handoff(b, { inputFilter: there, mode })] as never[],
        });
        const turns: Record<string, number> = {};
        const model = scriptedModel(({ at, handoffs }) => {
          const turn = (turns[at.agent] = (turns[at.agent] ?? 0) + 1);
          if (turn % 3 === 1) return [reason("hm"), say("Let me look."), call("look"), call("look")];
          const to = handoffs.at(-1)?.name;
          if (turn % 3 === 2 && to !== undefined) return [reason("so"), say("Over to you."), handOff(to)];
          return [reason("done"), say("Done")];
        });
        const checks = oracle(a);
        const runner = new Runner({ model, plugins: [checks], newId: testIds(), maxTurns: 30 });
        let list: readonly Item[] = [];
        for (const content of ["One", "Two", "Three"]) {
          const result = await runner.run(a, [...list, { role: "user", content }]);
          expect(invariantsOf(result.history, { graph: a, settled: true })).toEqual([]);
          list = JSON.parse(JSON.stringify(result.toInputList())) as Item[];
        }
        checks.assertClean();
        expect(model.problems).toEqual([]);
        expect(list.filter(isVisible).length).toBeGreaterThan(6);
      }),
      { numRuns: 60 },
    );
  }, 30_000);
});
