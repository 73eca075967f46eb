import "@batonjs/testing/vitest";
import {
  Agent,
  compact,
  type CompactOptions,
  handBack,
  type Item,
  memorySessions,
  type Plugin,
  RunError,
  Runner,
  StoreError,
  tool,
  user,
  type View,
  type VisibleItem,
} from "@batonjs/core";
import { call, calls, handOff, invariantsOf, reason, say, scriptedModel, testIds, transcript } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { rejection } from "./__fixtures__/promises.ts";

const window = (view: NonNullable<Plugin["view"]>): Plugin => ({ name: "window", view });
const runnerWith = (...plugins: Plugin[]): Runner => new Runner({ plugins, newId: testIds() });
const look = tool({ name: "look", execute: () => "seen" });
/** A conversation of two turns, with a tool call in the first. */
const CONVERSATION: readonly Item[] = [
  { type: "message", id: "u1", role: "user", content: "one" },
  { type: "reasoning", id: "r1", agent: "Host", provider: "scripted", summary: "hm", data: 1 },
  { type: "tool_call", id: "c1", agent: "Host", callId: "x1", name: "look", arguments: "{}" },
  { type: "tool_call", id: "c2", agent: "Host", callId: "x2", name: "look", arguments: "{}" },
  { type: "tool_result", id: "t1", agent: "Host", callId: "x1", output: "1", status: "ok" },
  { type: "tool_result", id: "t2", agent: "Host", callId: "x2", output: "2", status: "ok" },
  { type: "message", id: "a1", agent: "Host", role: "assistant", content: "first" },
];

describe("Plugin.view", () => {
  it("chooses what the model sees; the choice is recorded, and the record keeps everything", async () => {
    const sites: unknown[] = [];
    const model = scriptedModel([say("ok")]);
    const plugin = window((visible, at) => {
      sites.push(at.agent, at.turn, visible.length);
      return visible.slice(-1);
    });
    const agent = new Agent({ name: "Host", model, tools: [look] });
    const result = await runnerWith(plugin).run(agent, [...CONVERSATION, user("two")]);
    expect(transcript(model.request(0).items)).toEqual(['user: "two"']);
    expect(result.history.slice(0, CONVERSATION.length)).toEqual(CONVERSATION);
    const views = result.history.filter(({ type }) => type === "view");
    expect(views).toMatchObject([{ type: "view", id: "run_1:view:8", plugin: "window", view: ["run_1:0"] }]);
    expect(sites).toEqual(["Host", 1, 8]);
  });

  it("may name ids, runs of ids, items, and put items in", async () => {
    const model = scriptedModel([say("ok")]);
    const put = { type: "message", id: "mine", role: "user", agent: "Host", content: "In short: one." } as const;
    const plugin = window((visible) => [put, ["a1", "run_1:0"], visible[0]!, "u1"]);
    const agent = new Agent({ name: "Host", model, tools: [look] });
    await runnerWith(plugin).run(agent, [...CONVERSATION, user("two")]);
    expect(transcript(model.request(0).items)).toEqual([
      'user (to Host): "In short: one."',
      'Host: "first"',
      'user: "two"',
      'user: "one"',
    ]);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ["a call without its result", ["u1", "c1", "a1", "run_1:0"], ["u1", "a1", "run_1:0"]],
    ["a result without its call", ["u1", "t1", "a1", "run_1:0"], ["u1", "a1", "run_1:0"]],
    ["results in another order", ["u1", "c1", "c2", "t2", "t1", "run_1:0"], ["u1", "c1", "c2", "t1", "t2", "run_1:0"]],
    ["a result before its call", ["u1", "t1", "c1", "run_1:0"], ["u1", "c1", "t1", "run_1:0"]],
    ["one of two calls", ["u1", "c2", "t2", "run_1:0"], ["u1", "c2", "t2", "run_1:0"]],
    ["reasoning without what it belongs to", ["u1", "r1", "a1", "run_1:0"], ["u1", "a1", "run_1:0"]],
    ["an item twice", ["u1", "a1", "a1", "u1", "run_1:0"], ["u1", "a1", "run_1:0"]],
  ])("that names %s leaves what a provider takes", async (_, view, seen) => {
    const model = scriptedModel([say("ok")]);
    const agent = new Agent({ name: "Host", model, tools: [look] });
    await runnerWith(window(() => view)).run(agent, [...CONVERSATION, user("two")]);
    // A call that has lost its reasoning is put in anew, under an id of its own.
    const ids = model.request(0).items.map((item) => (item.id.includes("loose") ? "c1" : item.id));
    expect(ids).toEqual(seen);
  });

  it("that gives nothing, or what is seen already, changes and records nothing", async () => {
    for (const view of [
      () => undefined,
      (visible: readonly VisibleItem[]) => visible,
      (visible: readonly VisibleItem[]) => visible.slice(),
      (visible: readonly VisibleItem[]) => void ((visible as VisibleItem[]).length = 0), // its own list
    ]) {
      const model = scriptedModel([say("ok")]);
      const agent = new Agent({ name: "Host", model, tools: [look] });
      const result = await runnerWith(window(view)).run(agent, [...CONVERSATION, user("two")]);
      expect(result.history.filter(({ type }) => type === "view")).toEqual([]);
      expect(model.request(0).items).toHaveLength(8);
    }
  });

  it("holds for the turns that follow, also in another process that has no such plugin", async () => {
    const store = memorySessions();
    const model = scriptedModel([call("look"), say("ok"), say("later")]);
    const agent = new Agent({ name: "Host", model, tools: [look] });
    let once = true;
    const plugin = window((visible) => (once ? ((once = false), visible.slice(-1)) : undefined));
    const runner = new Runner({ plugins: [store, plugin], newId: testIds() });
    await runner.run(agent, [...CONVERSATION, user("two")], { session: "s" });
    expect(transcript(model.request(1).items)).toEqual([
      'user: "two"',
      "Host calls look({}) [call_1]",
      'result of call_1: "seen"',
    ]);
    await new Runner({ plugins: [store] }).run(agent, "three", { session: "s" });
    expect(transcript(model.request(2).items)).toEqual([
      'user: "two"',
      "Host calls look({}) [call_1]",
      'result of call_1: "seen"',
      'Host: "ok"',
      'user: "three"',
    ]);
  });

  it("holds for every agent: those that it hands over to, and those that come back", async () => {
    const model = scriptedModel({
      A: [say("A knows the secret."), handOff("B"), say("A again.")],
      B: [handOff("transfer_back")],
    });
    const b = new Agent({ name: "B", model, handoffs: [handBack()] });
    const a = new Agent({ name: "A", model, handoffs: [b] });
    const plugin = window((visible, at) =>
      at.agent === "B" ? visible.filter((item) => !JSON.stringify(item).includes("secret")) : undefined,
    );
    const runner = runnerWith(plugin);
    const first = await runner.run(a, "hi, secret");
    const second = await runner.run(a, [...first.toInputList(), user("more")]);
    expect(second.finalOutput).toBe("A again.");
    for (const request of model.requests.slice(2)) expect(JSON.stringify(request.items)).not.toContain("secret");
    expect(JSON.stringify(second.history)).toContain("secret");
  });

  it("of several plugins is applied in their order, each on what the others left", async () => {
    const model = scriptedModel([say("ok")]);
    const seen: number[] = [];
    const first = {
      name: "first",
      view: (visible: readonly VisibleItem[]) => (seen.push(visible.length), visible.slice(-3)),
    };
    const second = {
      name: "second",
      view: async (visible: readonly VisibleItem[]) => (seen.push(visible.length), visible.slice(-2)),
    };
    const agent = new Agent({ name: "Host", model, tools: [look] });
    const result = await runnerWith(first, second).run(agent, [...CONVERSATION, user("two")]);
    expect(seen).toEqual([8, 2]); // of three, a result had lost its call
    expect(
      result.history.filter(({ type }) => type === "view").map((item) => (item as { plugin?: string }).plugin),
    ).toEqual(["first"]);
  });

  it("is asked for nested runs as well, and every view has an id of its own", async () => {
    const model = scriptedModel({
      Boss: [calls(call("clerk", { input: "a" }), call("clerk", { input: "b" })), say("done")],
      Clerk: [say("x"), say("y")],
    });
    const clerk = new Agent({ name: "Clerk", model });
    const boss = new Agent({ name: "Boss", model, tools: [clerk.asTool()] });
    const plugin = window((visible) => {
      const put: VisibleItem = { type: "message", id: "note", role: "user", agent: "Window", content: "note" };
      return [put, ...visible.filter((item) => item.type !== "message" || item.agent === undefined)];
    });
    const result = await runnerWith(plugin).run(boss, "hi");
    const ids = result.history.flatMap((item) => [
      item.id,
      ...(item.type === "view"
        ? item.view.flatMap((entry) => (typeof entry === "object" && "id" in entry ? [entry.id] : []))
        : []),
    ]);
    expect(result.history.filter(({ type }) => type === "view").length).toBeGreaterThanOrEqual(4);
    expect(new Set(ids).size).toBe(ids.length);
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });

  it.each<[string, () => unknown, string]>([
    [
      "throws",
      () => {
        throw new Error("no tokenizer");
      },
      "no tokenizer",
    ],
    ["rejects", () => Promise.reject(new Error("no tokenizer")), "no tokenizer"],
    [
      "names what is not there",
      () => ["nowhere"],
      'Cannot use the view of plugin "window": Cannot read the view of plugin "window": item "nowhere" is not among',
    ],
    ["leaves no user message", () => ["a1"], "leaves no user message"],
    ["leaves nothing", () => [], "leaves no user message"],
    ["gives null", () => null, "window"],
    ["gives a text", () => "u1", "window"],
    ["gives a number", () => 5, "window"],
    ["gives a list of nothing", () => [undefined], "window"],
    ["gives a list of null", () => [null, "u1"], "window"],
    ["gives a list of numbers", () => [1], "window"],
    [
      "puts in an item that no model is shown",
      () => ["u1", { type: "note", id: "n", plugin: "p", data: 1 }],
      'no model can be shown an item of type "note"',
    ],
  ])("that %s ends the run with a RunError that names the plugin, before a model is asked", async (_, view, why) => {
    const model = scriptedModel([]);
    const agent = new Agent({ name: "Host", model, tools: [look] });
    const error = await rejection(runnerWith(window(view as () => View)).run(agent, [...CONVERSATION, user("two")]));
    expect(error).toBeInstanceOf(RunError);
    expect(error).not.toBeInstanceOf(StoreError);
    expect(error.code).toBe("callback_failed");
    expect(error.message).toContain('plugin "window"');
    expect(error.message).toContain(why);
    expect(error.items.filter(({ type }) => type === "view")).toEqual([]);
  });
});

describe("compact()", () => {
  const long = (turns: number): Item[] =>
    Array.from({ length: turns }, (_, i): Item[] => [
      { type: "message", id: `u${i}`, role: "user", content: `question ${i}` },
      { type: "tool_call", id: `c${i}`, agent: "Host", callId: `x${i}`, name: "look", arguments: "{}" },
      { type: "tool_result", id: `t${i}`, agent: "Host", callId: `x${i}`, output: `seen ${i}`, status: "ok" },
      { type: "message", id: `a${i}`, agent: "Host", role: "assistant", content: `answer ${i}` },
    ]).flat();

  it("puts a summary in the place of old items, cut before a user's message, and counts what it took", async () => {
    const side = scriptedModel([say("They asked much.")], { name: "side" });
    const model = scriptedModel([say("ok"), say("again")]);
    const agent = new Agent({ name: "Host", model, tools: [look] });
    const store = memorySessions();
    const runner = new Runner({ plugins: [store, compact({ model: side, atItems: 15, keepItems: 6 })] });
    const given = long(5);
    const result = await runner.run(agent, [...given, user("and now?")], { session: "s" });
    expect(transcript(model.request(0).items)).toEqual([
      'user (to Host): "Summary of the conversation so far: They asked much."',
      'user: "question 3"',
      "Host calls look({}) [x3]",
      'result of x3: "seen 3"',
      'Host: "answer 3"',
      'user: "question 4"',
      "Host calls look({}) [x4]",
      'result of x4: "seen 4"',
      'Host: "answer 4"',
      'user: "and now?"',
    ]);
    expect(side.request(0).items).toHaveLength(1);
    expect(JSON.stringify(side.request(0).items)).toContain("question 2");
    expect(JSON.stringify(side.request(0).items)).not.toContain("question 3");
    expect(result.history.filter((item) => item.type === "turn").map(({ purpose }) => purpose)).toEqual([
      "compact",
      undefined,
    ]);
    expect(result.usage.requests).toBe(2);
    expect(result.history.filter((item) => given.some(({ id }) => id === item.id))).toHaveLength(given.length);
    // Not long any more: it is not asked again.
    await runner.run(agent, "thanks", { session: "s" });
    expect(model.request(1).items).toHaveLength(12);
    expect(invariantsOf((await store.sessions!.read({ id: "s" })).items)).toEqual([]);
  });

  it("compacts by tokens where it is told to, and not before", async () => {
    const side = scriptedModel([say("short")], { name: "side" });
    const model = scriptedModel(() => say("ok"));
    const agent = new Agent({ name: "Host", model, tools: [look] });
    const options: CompactOptions = { model: side, atTokens: 60, keepItems: 4, estimateTokens: (text) => text.length };
    await new Runner({ plugins: [compact(options)] }).run(agent, [...long(1), user("?")]);
    expect(side.requests).toHaveLength(0);
    await new Runner({ plugins: [compact(options)] }).run(agent, [...long(3), user("?")]);
    expect(side.requests).toHaveLength(1);
  });

  it("that fails to summarise ends the run with a RunError; nothing of the view is recorded", async () => {
    const side = scriptedModel([{ reply: "fail", content: [], error: new Error("down") }], { name: "side" });
    const agent = new Agent({ name: "Host", model: scriptedModel([]), tools: [look] });
    const runner = new Runner({ plugins: [compact({ model: side, atItems: 10, keepItems: 6 })] });
    const error = await rejection(runner.run(agent, [...long(5), user("?")]));
    expect(error).toBeInstanceOf(RunError);
    expect(error.items.filter(({ type }) => type === "view")).toEqual([]);
  });

  it("keeps a reasoning item with what it belongs to", async () => {
    const side = scriptedModel(() => say("short"), { name: "side" });
    const model = scriptedModel([[reason("hm"), call("look")], say("ok")]);
    const agent = new Agent({ name: "Host", model, tools: [look] });
    const runner = new Runner({ plugins: [compact({ model: side, atItems: 10, keepItems: 6 })] });
    // The oracle in the model checks what it sees.
    const result = await runner.run(agent, [...long(3), user("?")]);
    expect(result.finalOutput).toBe("ok");
  });

  it("refuses wrong options", () => {
    const model = scriptedModel(() => say(""));
    for (const options of [{ atItems: 0 }, { keepItems: 0 }, { atItems: 1.5 }, { atItems: 5, keepItems: 5 }])
      expect(() => compact({ model, ...options })).toThrow(RangeError);
  });
});
