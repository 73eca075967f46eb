import "@batonjs/testing/vitest";
import {
  Agent,
  approve,
  type Engine,
  handoff,
  type InputGuardrailData,
  type Item,
  memorySessions,
  ModelError,
  run,
  Runner,
  type SessionStore,
  StoreError,
  tool,
  toolResult,
  type ToolContext,
  type ToolResultItem,
} from "@batonjs/core";
import {
  call,
  calls,
  collect,
  eventSequence,
  fail,
  handOff,
  invariantsOf,
  say,
  type Script,
  scriptedModel,
  testClock,
  transcript,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const resultsOf = (items: readonly Item[]): string[] =>
  transcript(items.filter(({ type, path }) => type === "tool_result" && path === undefined));

const outputOf = (items: readonly Item[]): string | undefined =>
  items.find((item): item is ToolResultItem => item.type === "tool_result" && item.path === undefined)?.output;

/** A boss that asks a clerk. */
function office(outer: Script, inner: Script, options: object = {}, clerkOptions: object = {}) {
  const outerModel = scriptedModel(outer);
  const innerModel = scriptedModel(inner);
  const clerk = new Agent({ name: "Clerk", instructions: "File.", model: innerModel, ...clerkOptions });
  const boss = new Agent({
    name: "Boss",
    model: outerModel,
    tools: [clerk.asTool({ name: "ask_clerk", ...options } as { name: string })],
  });
  return { boss, clerk, outerModel, innerModel };
}

const ask = (input = "Is it paid?") => call("ask_clerk", { input });

describe("agent.asTool()", () => {
  it("runs the agent in a transcript of its own, under the path of the call, and gives its answer as the result", async () => {
    const { boss, outerModel, innerModel } = office([[say("Let me ask."), ask()], say("Yes.")], [say("It is paid.")]);
    const result = await run(boss, "Was it paid?");
    expect(result.finalOutput).toBe("Yes.");
    expect(result.lastAgent.name).toBe("Boss");
    expect(transcript(innerModel.request(0).items)).toEqual(['user: "Is it paid?"']);
    expect(innerModel.request(0)).toMatchObject({
      instructions: "File.",
      tools: [],
      at: { agent: "Clerk", path: ["call_1"], turn: 1 },
    });
    expect(transcript(outerModel.request(1).items)).toEqual([
      'user: "Was it paid?"',
      'Boss: "Let me ask."',
      'Boss calls ask_clerk({"input":"Is it paid?"}) [call_1]',
      'result of call_1: "It is paid."',
    ]);
    expect(result.history.filter(({ path }) => path !== undefined).map(({ path }) => path)).toEqual([
      ["call_1"],
      ["call_1"],
      ["call_1"],
    ]);
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });

  it("is offered with a name, a description and parameters by default", async () => {
    const model = scriptedModel([say("ok"), say("ok")]);
    const clerk = new Agent({ name: "File Clerk", handoffDescription: "Knows the files.", model });
    await run(new Agent({ name: "Boss", model, tools: [clerk.asTool()] }), "hi");
    expect(model.request(0).tools).toMatchObject([
      {
        type: "function",
        name: "file_clerk",
        description: "Knows the files.",
        parameters: { type: "object", required: ["input"] },
      },
    ]);
    const bare = new Agent({ name: "Clerk", model });
    await run(new Agent({ name: "Boss", model, tools: [bare.asTool()] }), "hi");
    expect(model.request(1).tools[0]).toMatchObject({ description: "Ask Clerk." });
  });

  it("takes parameters, how they are put as a question, and how the answer is put", async () => {
    const { boss, innerModel } = office(
      [call("ask_clerk", { id: 7 }), say("ok")],
      [say('{"paid":true}')],
      {
        parameters: z.object({ id: z.number() }),
        input: ({ id }: { id: number }) => `Invoice ${id}?`,
        output: ({ paid }: { paid: boolean }) => (paid ? "paid" : "open"),
      },
      { outputType: z.object({ paid: z.boolean() }) },
    );
    const result = await run(boss, "hi");
    expect(transcript(innerModel.request(0).items)).toEqual(['user: "Invoice 7?"']);
    expect(resultsOf(result.history)).toEqual(['result of call_1: "paid"']);
  });

  it("asks with the arguments as JSON, and answers with the output as JSON, where nothing else is said", async () => {
    const { boss, innerModel } = office(
      [call("ask_clerk", { id: 7 }), say("ok")],
      [say('{ "paid": true }')],
      { parameters: z.object({ id: z.number() }) },
      { outputType: z.object({ paid: z.boolean() }) },
    );
    const result = await run(boss, "hi");
    expect(transcript(innerModel.request(0).items)).toEqual(['user: "{\\"id\\":7}"']);
    expect(resultsOf(result.history)).toEqual(['result of call_1: "{\\"paid\\":true}"']);
  });

  it("answers with nothing where the agent says nothing", async () => {
    const { boss } = office([ask(), say("ok")], [[]]);
    const { history } = await run(boss, "hi");
    expect(resultsOf(history)).toEqual(['result of call_1: ""']);
  });

  it("is run for a call that names no agent: it is the active one's", async () => {
    const { boss } = office([say("ok")], [say("It is paid.")]);
    const { history } = await run(boss, [
      { type: "message", id: "1", role: "user", content: "hi" },
      { type: "tool_call", id: "2", callId: "call_1", name: "ask_clerk", arguments: '{"input":"?"}' },
    ]);
    expect(resultsOf(history)).toEqual(['result of call_1: "It is paid."']);
  });

  it("has the agent's input guardrails judge the question, which has an id made of the call's", async () => {
    const asked: unknown[] = [];
    const inputGuardrails = [{ name: "spy", check: ({ messages }: InputGuardrailData) => asked.push(...messages) > 0 }];
    const { boss } = office([ask(), say("ok")], [say("Yes.")], {}, { inputGuardrails });
    await run(boss, "hi", { runId: "r" });
    expect(asked).toEqual([{ type: "message", id: "r:1:input", role: "user", content: "Is it paid?" }]);
  });

  it("counts its model replies in the usage of the run, by its own agent", async () => {
    const { boss } = office(
      [ask(), say("Yes.")],
      [call("x"), say("Paid.")],
      {},
      {
        tools: [tool({ name: "x", execute: () => "" })],
      },
    );
    const result = await run(boss, "hi");
    expect(result.usage.requests).toBe(4);
    expect(result.usageByAgent.get("Clerk")).toMatchObject({ requests: 2 });
    expect(result.usageByAgent.get("Boss")).toMatchObject({ requests: 2 });
  });

  it("gives the agent the context, the run's id and session; its tools have the path of the nested run", async () => {
    const seen: unknown[] = [];
    const look = tool({
      name: "look",
      execute: (_: undefined, run: ToolContext<{ user: string }>) => {
        seen.push(run.context.user, run.runId, run.session, run.agent, transcript(run.items));
        return "seen";
      },
    });
    const clerk = new Agent({ name: "Clerk", model: scriptedModel([call("look"), say("ok")]), tools: [look] });
    const boss = new Agent({
      name: "Boss",
      model: scriptedModel([ask(), say("ok")]),
      tools: [clerk.asTool({ name: "ask_clerk" })],
    });
    const runner = new Runner({ plugins: [memorySessions()] });
    await runner.run(boss, "hi", { context: { user: "ada" }, session: "s", runId: "r" });
    expect(seen.slice(0, 4)).toEqual(["ada", "r", { id: "s" }, "Clerk"]);
    expect((seen[4] as string[])[0]).toBe('user: "Is it paid?"');
  });

  it("hands over within the nested run without touching the one around it", async () => {
    const model = scriptedModel({
      Boss: [ask(), say("Boss again.")],
      Clerk: [handOff("Archivist")],
      Archivist: [say("From the archive.")],
    });
    const archivist = new Agent({ name: "Archivist", model });
    const clerk = new Agent({ name: "Clerk", model, handoffs: [archivist] });
    const boss = new Agent({ name: "Boss", model, tools: [clerk.asTool({ name: "ask_clerk" })] });
    const result = await run(boss, "hi");
    expect(resultsOf(result.history)).toEqual(['result of call_1: "From the archive."']);
    expect(result.lastAgent.name).toBe("Boss");
    expect(result.activeAgent.name).toBe("Boss");
    expect(result.finalOutput).toBe("Boss again.");
  });

  it("may be nested in itself, in another, and asked twice in one reply", async () => {
    const deep = scriptedModel([call("ask_clerk", { input: "deeper" }), say("bottom"), say("middle")]);
    const inner = new Agent({ name: "Inner", model: deep });
    const clerk = new Agent({ name: "Clerk", model: deep, tools: [inner.asTool({ name: "ask_clerk" })] });
    const boss = new Agent({
      name: "Boss",
      model: scriptedModel([ask(), say("top")]),
      tools: [clerk.asTool({ name: "ask_clerk" })],
    });
    const result = await run(boss, "hi");
    expect(result.history.map(({ path }) => path?.length ?? 0)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 1, 1, 1, 0, 0, 0]);
    expect(resultsOf(result.history)).toEqual(['result of call_1: "middle"']);

    const twice = office([calls(ask("one"), ask("two")), say("both")], ({ items }) => {
      const [first] = items;
      return say(first?.type === "message" && first.content === "one" ? "1" : "2");
    });
    const both = await run(twice.boss, "hi");
    expect(resultsOf(both.history).sort()).toEqual(['result of call_1: "1"', 'result of call_2: "2"']);
    expect(invariantsOf(both.history, { settled: true })).toEqual([]);
  });

  it("is run anew where a later call has the same call id", async () => {
    const again = (input: string) => call("ask_clerk", { input }, { callId: "call_0" });
    const { boss, innerModel } = office([again("one"), again("two"), say("ok")], [say("first"), say("second")]);
    const result = await run(boss, "hi");
    expect(resultsOf(result.history)).toEqual(['result of call_0: "first"', 'result of call_0: "second"']);
    expect(transcript(innerModel.request(1).items)).toEqual(['user: "two"']);
  });

  it("tells its events through the same stream, with its path", async () => {
    const { boss } = office([ask(), say("Yes.")], [say(["It is ", "paid."])]);
    const events = await collect(new Runner().stream(boss, "hi"));
    expect(eventSequence(events, { deltas: true, items: false })).toEqual([
      "run_started Boss",
      "turn_started Boss, turn 1 of scripted, 1 item, offered ask_clerk",
      'tool_call_delta Boss call_1 ask_clerk "{\\"input\\":\\"Is it paid?\\"}"',
      "turn_finished Boss tool_calls",
      "tool_started ask_clerk [call_1]",
      "  turn_started Clerk, turn 1 of scripted, 1 item",
      '  text_delta Clerk "It is "',
      '  text_delta Clerk "paid."',
      "  turn_finished Clerk stop",
      "tool_finished ask_clerk [call_1] ok",
      "turn_started Boss, turn 2 of scripted, 3 items, offered ask_clerk",
      'text_delta Boss "Yes."',
      "turn_finished Boss stop",
      "run_finished Boss completed",
    ]);
  });

  it("tells how long it took", async () => {
    const clock = testClock();
    const { boss } = office([ask(), say("Yes.")], async () => (await clock.advance(7), say("It is paid.")));
    const events = await collect(new Runner({ clock }).stream(boss, "hi"));
    expect(events.filter(({ type }) => type === "tool_finished")).toMatchObject([{ durationMs: 7 }]);
  });
});

describe("a nested run that cannot finish", () => {
  it.each<[string, Script, object, RegExp]>([
    [
      "a model that fails",
      [fail(new ModelError("overloaded", { kind: "overloaded" }))],
      {},
      /could not finish: overloaded/,
    ],
    [
      "a reply that is cut",
      [{ reply: "items", content: [say("Half")], options: { finishReason: "length" } }],
      {},
      /could not finish: .*length/,
    ],
    [
      "instructions that throw",
      [],
      { instructions: () => Promise.reject(new Error("no file")) },
      /could not finish: .*no file/,
    ],
    ["an input guardrail", [], { inputGuardrails: [{ name: "g", check: () => false }] }, /could not finish: .*said no/],
    [
      "an output guardrail",
      [say("x")],
      { outputGuardrails: [{ name: "g", check: () => false }] },
      /could not finish: .*said no/,
    ],
    [
      "output that does not fit",
      [say("x"), say("y")],
      { outputType: z.object({ n: z.number() }) },
      /could not finish: .*not JSON/,
    ],
  ])("because of %s is an error that the model of the one around it reads", async (_, inner, clerkOptions, why) => {
    const { boss } = office([ask(), say("Sorry.")], inner, {}, clerkOptions);
    const result = await run(boss, "hi");
    expect(result.finalOutput).toBe("Sorry.");
    const [line] = resultsOf(result.history);
    expect(line).toMatch(/^result of call_1 \(error\): /);
    expect(line).toMatch(why);
  });

  it.each<[string, object, string]>([
    [
      "how it is asked",
      {
        input: () => {
          throw new Error("no question");
        },
      },
      "its input failed: no question",
    ],
    [
      "how its answer is put",
      {
        output: () => {
          throw new Error("no answer");
        },
      },
      "its output failed: no answer",
    ],
    ["what it is asked, which is no text", { input: () => undefined }, "its input must give text, found undefined"],
    ["what its answer is, which is no text", { output: () => 5 }, "its output must give text, found number"],
  ])("because of %s is an error that the model reads", async (_, options, why) => {
    let used = 0;
    const { boss } = office([ask(), say("Sorry.")], () => say(`x${(used += 1)}`), options);
    const result = await run(boss, "hi");
    expect(result.finalOutput).toBe("Sorry.");
    expect(outputOf(result.history)).toBe(`"ask_clerk" could not finish: ${why}`);
  });

  it("because its tool is gone since it was checked is an error that the model reads", async () => {
    const clerk = new Agent({ name: "Clerk", model: scriptedModel([]) }).asTool({ name: "ask_clerk" });
    for (const left of [[], [tool({ name: "ask_clerk", execute: () => "filed" })]]) {
      let listed = 0;
      const source = { kind: "tool_source", name: "files", list: () => ((listed += 1) > 2 ? left : [clerk]) } as const;
      const boss = new Agent({ name: "Boss", model: scriptedModel([ask(), say("Sorry.")]), tools: [source] });
      const { history } = await run(boss, "hi");
      expect(resultsOf(history)).toEqual(['result of call_1 (error): "\\"ask_clerk\\" is no longer here"']);
    }
  });

  it("because its arguments no longer fit, which another process has checked, is an error that the model reads", async () => {
    const { boss } = office([call("ask_clerk", { input: 5 }), say("Sorry.")], []);
    const verdicts = [{ callId: "call_1", kind: "agent" }] as const;
    const engine: Engine = {
      async perform(effects, run) {
        for (const effect of effects)
          await run.record(effect.type === "check" ? { items: [], verdicts } : await run.perform(effect));
      },
    };
    const { history } = await new Runner({ engine }).run(boss, "hi");
    expect(outputOf(history)).toMatch(/^Invalid arguments: input: /);
    expect(resultsOf(history)[0]).toContain("(error)");
  });

  it("within its own maxTurns is an error; the run around it goes on with its own", async () => {
    const look = tool({ name: "look", execute: () => "" });
    const endless: Script = ({ at }) => call("look", {}, { callId: `c${at.turn}` });
    const { boss, innerModel } = office([ask(), say("Sorry.")], endless, { maxTurns: 3 }, { tools: [look] });
    const result = await run(boss, "hi", { maxTurns: 2 });
    expect(result.finalOutput).toBe("Sorry.");
    expect(innerModel.requests).toHaveLength(3);
    expect(resultsOf(result.history)[0]).toContain("3 model replies");
  });

  it("has the run's maxTurns where it has none of its own", async () => {
    const look = tool({ name: "look", execute: () => "" });
    const { boss, innerModel } = office(
      [ask(), say("Sorry.")],
      ({ at }) => call("look", {}, { callId: `c${at.turn}` }),
      {},
      { tools: [look] },
    );
    await run(boss, "hi", { maxTurns: 4 });
    expect(innerModel.requests).toHaveLength(4);
  });

  it.each([0, 1, 3])("at depth maxNesting (%d) is an error", async (maxNesting) => {
    const model = scriptedModel(({ items, at }) =>
      items.some(({ type }) => type === "tool_result") ? say(`end of ${at.path.length}`) : ask("deeper"),
    );
    // An agent that can ask itself: the tool is made of an agent that has it.
    const level = (depth: number): Agent =>
      new Agent({
        name: `L${depth}`,
        model,
        tools: depth > 10 ? [] : [level(depth + 1).asTool({ name: "ask_clerk" })],
      });
    const result = await run(level(0), "hi", { maxNesting });
    expect(Math.max(...result.history.map(({ path }) => path?.length ?? 0))).toBe(maxNesting);
    expect(JSON.stringify(result.history)).toContain("maxNesting");
    expect(result.finalOutput).toBe("end of 0");
  });

  it("because of the store ends the whole run", async () => {
    const memory = memorySessions().sessions!;
    const store: SessionStore = {
      durability: "none",
      read: (key) => memory.read(key),
      append: (key, items, options) =>
        items.some(({ path }) => path !== undefined)
          ? Promise.reject(new Error("disk full"))
          : memory.append(key, items, options),
      delete: (key) => memory.delete(key),
    };
    const { boss } = office([ask()], []);
    const runner = new Runner({ plugins: [{ name: "store", sessions: store }] });
    await expect(runner.run(boss, "hi", { session: "s" })).rejects.toBeInstanceOf(StoreError);
  });
});

describe("a nested run that was interrupted", () => {
  it("takes up where it stopped: what it has done is not done again", async () => {
    const sessions = memorySessions();
    let ran = 0;
    const parts = (outer: Script, inner: Script) => {
      const look = tool({ name: "look", execute: () => `seen ${(ran += 1)}` });
      return office(outer, inner, {}, { tools: [look] });
    };
    const first = parts([ask()], [call("look"), fail(new Error("crash"))]);
    // The nested model's failure would be an answer; a store that fails is a crash.
    const memory = sessions.sessions!;
    let appends = 0;
    const crashing: SessionStore = {
      durability: "none",
      read: (key) => memory.read(key),
      append: (key, items, options) =>
        (appends += 1) > 6 ? Promise.reject(new Error("gone")) : memory.append(key, items, options),
      delete: (key) => memory.delete(key),
    };
    await expect(
      new Runner({ plugins: [{ name: "crashing", sessions: crashing }] }).run(first.boss, "hi", { session: "s" }),
    ).rejects.toBeInstanceOf(StoreError);
    expect(ran).toBe(1);
    const second = parts([say("Yes.")], [say("It is paid.")]);
    const result = await new Runner({ plugins: [sessions] }).run(second.boss, [], { session: "s" });
    expect(result.finalOutput).toBe("Yes.");
    expect(ran).toBe(1);
    expect(transcript(second.innerModel.request(0).items)).toEqual([
      'user: "Is it paid?"',
      "Clerk calls look({}) [call_1]",
      'result of call_1: "seen 1"',
    ]);
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });

  it("answers with an error where the answer it has does not fit what its agent has to give now", async () => {
    const { boss } = office([ask(), say("Yes.")], [say("It is paid.")]);
    const { history } = await run(boss, "hi");
    const end = history.findIndex(({ type }) => type === "tool_result");
    const later = office([say("Sorry.")], [], {}, { outputType: z.object({ paid: z.boolean() }) });
    const result = await run(later.boss, history.slice(0, end));
    expect(outputOf(result.history)).toMatch(/^"ask_clerk" could not finish: it is not JSON: /);
  });

  it("pauses for a tool that runs outside, within two levels, and goes on with its result", async () => {
    const build = (a: Script, b: Script, c: Script) => {
      const locate = tool({ name: "locate" });
      const inner = new Agent({ name: "Inner", model: scriptedModel(c), tools: [locate] });
      const middle = new Agent({ name: "Middle", model: scriptedModel(b), tools: [inner.asTool({ name: "inner" })] });
      return new Agent({ name: "Outer", model: scriptedModel(a), tools: [middle.asTool({ name: "middle" })] });
    };
    const question = { input: "?" };
    const paused = await run(
      build(
        [call("middle", question, { callId: "m" })],
        [call("inner", question, { callId: "i" })],
        [call("locate", {}, { callId: "l" })],
      ),
      "Where?",
    );
    expect(paused.pending).toMatchObject([{ kind: "tool_result", name: "locate", path: ["m", "i"], agent: "Inner" }]);
    const list = JSON.parse(JSON.stringify(paused.toInputList())) as Item[];
    const result = await run(build([say("Graz.")], [say("It is Graz.")], [say("Graz it is.")]), [
      ...list,
      toolResult(paused.pending[0]!, "Graz"),
    ]);
    expect(result.finalOutput).toBe("Graz.");
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });

  it("keeps its approved call when the agent was consulted by a handoff", async () => {
    const build = (boss: Script, expert: Script, clerk: Script, done: string[]) => {
      const pay = tool({ name: "pay", needsApproval: true, execute: () => void done.push("paid") });
      const clerkAgent = new Agent({ name: "Clerk", model: scriptedModel(clerk), tools: [pay] });
      const expertAgent = new Agent({
        name: "Expert",
        model: scriptedModel(expert),
        tools: [clerkAgent.asTool({ name: "ask_clerk" })],
      });
      return new Agent({
        name: "Boss",
        model: scriptedModel(boss),
        handoffs: [handoff(expertAgent, { mode: "return" })],
      });
    };
    const done: string[] = [];
    const paused = await run(build([handOff("expert")], [ask()], [call("pay")], done), "Pay");
    expect(paused.pending).toMatchObject([{ agent: "Clerk", name: "pay" }]);
    const result = await run(build([say("Done.")], [say("Paid it.")], [say("Paid.")], done), [
      ...paused.toInputList(),
      approve(paused.pending[0]!),
    ]);
    expect(result.finalOutput).toBe("Done.");
    expect(done).toEqual(["paid"]);
  });
});
