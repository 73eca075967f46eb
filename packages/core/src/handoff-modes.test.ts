import "@batonjs/testing/vitest";
import {
  call,
  collect,
  eventSequence,
  handOff,
  invariantsOf,
  oracle,
  reason,
  say,
  type ScriptedModel,
  scriptedModel,
  testClock,
  testIds,
  transcript,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  Agent,
  type AnyAgent,
  approve,
  handBack,
  handoff,
  type HandoffMode,
  type InputItem,
  type Item,
  type ModelRequest,
  type RunContext,
  type RunEvent,
  Runner,
  type RunnerOptions,
  type RunResult,
  tool,
} from "./index.ts";

interface Said {
  readonly result: RunResult<unknown>;
  readonly events: readonly RunEvent[];
}

/** A conversation with `entry`: each message goes in behind the list of the run before it, read from JSON. */
class Conversation {
  #list: readonly InputItem[] = [];
  readonly #checks;
  readonly #runner;
  readonly model: ScriptedModel;
  entry: AnyAgent;

  constructor(entry: AnyAgent, model: ScriptedModel, options: RunnerOptions = {}) {
    this.entry = entry;
    this.model = model;
    this.#checks = oracle(() => this.entry);
    this.#runner = new Runner({ clock: testClock(), newId: testIds(), model, ...options, plugins: [this.#checks] });
  }

  async say(content: string, context?: unknown): Promise<Said> {
    const running = this.#runner.stream(this.entry as Agent, [...this.#list, { role: "user", content }], { context });
    const events = await collect(running);
    const result = (await running.result) as RunResult<unknown>;
    expect(invariantsOf(result.history)).toEqual([]);
    this.#list = JSON.parse(JSON.stringify(result.toInputList())) as InputItem[];
    return { result, events };
  }

  end(): void {
    this.#checks.assertClean();
    this.model.assertDone();
  }
}

const seenBy = (request: ModelRequest): string[] => transcript(request.items);
const asked = (model: ScriptedModel): string => model.requests.map(({ at }) => at.agent).join(" ");
const handoffs = (items: readonly Item[]): string[] =>
  items.flatMap((item) => (item.type === "handoff" ? [`${item.from}→${item.to} ${item.mode}`] : []));
const outputs = (items: readonly Item[]): Record<string, string> =>
  Object.fromEntries(items.flatMap((item) => (item.type === "tool_result" ? [[item.callId, item.output]] : [])));

/** A → B by `mode`. */
const pair = (mode?: HandoffMode): Agent => {
  const b = new Agent({ name: "B" });
  return new Agent({ name: "A", handoffs: [mode === undefined ? b : handoff(b, { mode })] });
};

describe('mode "pass"', () => {
  it("is the default: control stays, and the next message goes to the specialist with no call of the source", async () => {
    for (const mode of [undefined, "pass"] as const) {
      const model = scriptedModel({ A: [handOff("B")], B: [say("b1"), say("b2"), say("b3")] });
      const talk = new Conversation(pair(mode), model);
      const { result } = await talk.say("One");
      expect([result.finalOutput, result.lastAgent.name, result.activeAgent.name]).toEqual(["b1", "B", "B"]);
      await talk.say("Two");
      const last = await talk.say("Three");
      expect([last.result.finalOutput, asked(model)]).toEqual(["b3", "A B B B"]);
      talk.end();
    }
  });
});

describe('mode "turn"', () => {
  it("gives the next message to the source", async () => {
    const model = scriptedModel({ A: [handOff("B"), handOff("B"), say("a3")], B: [say("b1"), say("b2")] });
    const talk = new Conversation(pair("turn"), model);
    const first = await talk.say("One");
    expect([first.result.finalOutput, first.result.lastAgent.name, first.result.activeAgent.name]).toEqual([
      "b1",
      "B",
      "A",
    ]);
    await talk.say("Two");
    const third = await talk.say("Three");
    expect([third.result.finalOutput, asked(model)]).toEqual(["a3", "A B A B A"]);
    expect(seenBy(model.request(-1))).toMatchInlineSnapshot(`
      [
        "user: "One"",
        "A calls transfer_to_b({}) [call_1]",
        "result of call_1: "The conversation is with B now."",
        "B: "b1"",
        "user: "Two"",
        "A calls transfer_to_b({}) [call_2]",
        "result of call_2: "The conversation is with B now."",
        "B: "b2"",
        "user: "Three"",
      ]
    `);
    talk.end();
  });

  it("adds no handoff item for the way back, which no model decides", async () => {
    const model = scriptedModel({ A: [handOff("B"), say("a2")], B: [say("b1")] });
    const talk = new Conversation(pair("turn"), model);
    await talk.say("One");
    const { result } = await talk.say("Two");
    expect(handoffs(result.history)).toEqual(["A→B turn"]);
    talk.end();
  });

  it("lets the target finish when its turn was interrupted by the user", async () => {
    const slow = tool({ name: "slow", needsApproval: true, execute: () => "done" });
    const b = new Agent({ name: "B", tools: [slow] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "turn" })] });
    const model = scriptedModel({ A: [handOff("B"), say("a3")], B: [call("slow"), say("b2")] });
    const talk = new Conversation(a, model);
    expect((await talk.say("One")).result.status).toBe("paused");
    const second = await talk.say("Never mind");
    expect([second.result.finalOutput, second.result.activeAgent.name]).toEqual(["b2", "A"]);
    await talk.say("Three");
    expect(asked(model)).toBe("A B B A");
    talk.end();
  });

  it("gives control to the one that the last handoff named", async () => {
    const c = new Agent({ name: "C" });
    const b = new Agent({ name: "B", handoffs: [c] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "turn" })] });
    const model = scriptedModel({ A: [handOff("B")], B: [handOff("C")], C: [say("c1"), say("c2")] });
    const talk = new Conversation(a, model);
    await talk.say("One");
    expect((await talk.say("Two")).result.finalOutput).toBe("c2");
    talk.end();
  });
});

describe('mode "return"', () => {
  it("gives the answer to the source, as the answer of its call, in the same run", async () => {
    const model = scriptedModel({
      A: [[reason("who knows"), say("I'll ask."), handOff("B")], say("a1"), say("a2")],
      B: [say("42")],
    });
    const talk = new Conversation(pair("return"), model);
    const { result, events } = await talk.say("What is it?");
    expect([result.finalOutput, result.lastAgent.name, result.activeAgent.name]).toEqual(["a1", "A", "A"]);
    expect(transcript(result.history)).toMatchInlineSnapshot(`
      [
        "user: "What is it?"",
        "A thinks: "who knows"",
        "A: "I'll ask."",
        "A calls transfer_to_b({}) [call_1]",
        "turn of A: tool_calls",
        "result of call_1: "The conversation is with B now."",
        "handoff A → B (return)",
        "B: "42"",
        "turn of B: stop",
        "handoff B → A (back)",
        "A: "a1"",
        "turn of A: stop",
      ]
    `);
    expect(seenBy(model.request(2))).toMatchInlineSnapshot(`
      [
        "user: "What is it?"",
        "A thinks: "who knows"",
        "A: "I'll ask."",
        "A calls transfer_to_b({}) [call_1]",
        "result of call_1: "42"",
      ]
    `);
    expect(eventSequence(events, { items: false, deltas: true })).toMatchInlineSnapshot(`
      [
        "run_started A",
        "turn_started A, turn 1 of scripted, 1 item, offered transfer_to_b",
        "reasoning_delta A "who knows"",
        "text_delta A "I'll ask."",
        "tool_call_delta A call_1 transfer_to_b "{}"",
        "turn_finished A tool_calls",
        "handoff A → B (return)",
        "turn_started B, turn 2 of scripted, 5 items",
        "text_delta B "42" (consulting)",
        "turn_finished B stop",
        "handoff B → A (back), 5 of 6 items seen",
        "turn_started A, turn 3 of scripted, 5 items, offered transfer_to_b",
        "text_delta A "a1"",
        "turn_finished A stop",
        "run_finished A completed",
      ]
    `);
    await talk.say("Sure?");
    expect(seenBy(model.request(3)).slice(0, 4)).toEqual(seenBy(model.request(2)).slice(0, 4));
    talk.end();
  });

  it("shows the source what it saw, its call and the answer; not the work between", async () => {
    const look = tool({ name: "look", execute: () => "secret ledger" });
    const b = new Agent({ name: "B", tools: [look] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({
      A: [handOff("B"), say("a1")],
      B: [
        [say("Let me look."), reason("hm"), call("look")],
        [reason("so"), say("42")],
      ],
    });
    const talk = new Conversation(a, model);
    const { result } = await talk.say("What is it?");
    expect(seenBy(model.request(3))).toEqual([
      'user: "What is it?"',
      "A calls transfer_to_b({}) [call_1]",
      'result of call_1: "42"',
    ]);
    expect(JSON.stringify(result.history)).toContain("secret ledger");
    talk.end();
  });

  it("keeps the other calls of the reply that consulted, and their results", async () => {
    const look = tool({ name: "look", execute: () => "looked" });
    const b = new Agent({ name: "B" });
    const a = new Agent({ name: "A", tools: [look], handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({ A: [[handOff("B"), call("look")], say("a1")], B: [say("42")] });
    const talk = new Conversation(a, model);
    await talk.say("What is it?");
    expect(seenBy(model.request(2)).slice(1)).toEqual([
      "A calls transfer_to_b({}) [call_1]",
      "A calls look({}) [call_2]",
      'result of call_1: "42"',
      'result of call_2: "looked"',
    ]);
    talk.end();
  });

  it("may consult the same agent again, which sees its own answer and not the source's result twice", async () => {
    const model = scriptedModel({
      A: [handOff("B"), handOff("B"), say("a1")],
      B: [say("42"), say("43")],
    });
    const talk = new Conversation(pair("return"), model);
    const { result } = await talk.say("What is it?");
    expect(handoffs(result.history)).toEqual(["A→B return", "B→A back", "A→B return", "B→A back"]);
    expect(seenBy(model.request(3))).toMatchInlineSnapshot(`
      [
        "user: "What is it?"",
        "A calls transfer_to_b({}) [call_1]",
        "result of call_1: "The conversation is with B now."",
        "B: "42"",
        "A calls transfer_to_b({}) [call_2]",
        "result of call_2: "The conversation is with B now."",
      ]
    `);
    expect(seenBy(model.request(4))).toMatchInlineSnapshot(`
      [
        "user: "What is it?"",
        "A calls transfer_to_b({}) [call_1]",
        "result of call_1: "42"",
        "A calls transfer_to_b({}) [call_2]",
        "result of call_2: "43"",
      ]
    `);
    talk.end();
  });

  it("may consult several agents, one after the other", async () => {
    const b = new Agent({ name: "B" });
    const c = new Agent({ name: "C" });
    const a = new Agent({
      name: "A",
      handoffs: [handoff(b, { mode: "return" }), handoff(c, { mode: "return" })],
    });
    const model = scriptedModel({ A: [handOff("B"), handOff("C"), say("a1")], B: [say("b1")], C: [say("c1")] });
    const talk = new Conversation(a, model);
    await talk.say("Help");
    expect(seenBy(model.request(3))).toMatchInlineSnapshot(`
      [
        "user: "Help"",
        "A calls transfer_to_b({}) [call_1]",
        "result of call_1: "b1"",
        "A calls transfer_to_c({}) [call_2]",
        "result of call_2: "The conversation is with C now."",
      ]
    `);
    expect(seenBy(model.request(4)).slice(1)).toEqual([
      "A calls transfer_to_b({}) [call_1]",
      'result of call_1: "b1"',
      "A calls transfer_to_c({}) [call_2]",
      'result of call_2: "c1"',
    ]);
    talk.end();
  });

  it("tells the one consulted by run.handoff, and keeps the source's own handoff for the source", async () => {
    const told: unknown[] = [];
    const telling = (run: RunContext): string => {
      told.push([run.agent, run.handoff?.from, run.handoff?.input]);
      return "x";
    };
    const inputType = z.object({ n: z.number() });
    const c = new Agent({ name: "C", instructions: telling });
    const b = new Agent({ name: "B", instructions: telling, handoffs: [handoff(c, { mode: "return", inputType })] });
    const a = new Agent({ name: "A", instructions: telling, handoffs: [handoff(b, { inputType })] });
    const model = scriptedModel({
      A: [handOff("B", { n: 1 })],
      B: [handOff("C", { n: 2 }), say("b1")],
      C: [say("c1")],
    });
    const talk = new Conversation(a, model);
    await talk.say("Help");
    expect(told).toEqual([
      ["A", undefined, undefined],
      ["B", "A", { n: 1 }],
      ["C", "B", { n: 2 }],
      ["B", "A", { n: 1 }],
    ]);
    talk.end();
  });

  it("gives a structured answer as the text that the model wrote", async () => {
    const b = new Agent({ name: "B", outputType: z.object({ n: z.number() }) });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({ A: [handOff("B"), say("It is 42")], B: [say('{"n":42}')] });
    const talk = new Conversation(a, model);
    const { result } = await talk.say("What is it?");
    expect(outputs(model.request(2).items)).toEqual({ call_1: '{"n":42}' });
    // Seen: the consulted agent's parsed output was the run's.
    expect(result.finalOutput).toBe("It is 42");
    talk.end();
  });

  it("gives the answer of the tool where the one consulted takes it", async () => {
    const look = tool({ name: "look", execute: () => "42" });
    const b = new Agent({ name: "B", tools: [look], toolUseBehavior: "stop_on_first_tool" });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [call("look")] });
    const talk = new Conversation(a, model);
    const { events } = await talk.say("What is it?");
    expect(outputs(model.request(2).items)).toEqual({ call_1: "42" });
    expect(eventSequence(events, { items: false, deltas: true })).toContain('text_delta B "42" (consulting)');
    talk.end();
  });

  it("goes on after a crash in the middle of a consultation", async () => {
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [say("42")] });
    const talk = new Conversation(pair("return"), model);
    const { result } = await talk.say("What is it?");
    const whole = result.history;
    for (let cut = 1; cut < whole.length; cut++) {
      const rest = scriptedModel(({ at, items }) => {
        if (at.agent === "B") return say("42");
        return items.some((item) => item.type === "tool_result" && item.output === "42") ? say("a1") : handOff("B");
      });
      const list = structuredClone(whole.slice(0, cut));
      const again = await new Runner({ model: rest, newId: testIds("again") }).run(pair("return"), list);
      expect([cut, again.finalOutput, again.lastAgent.name]).toEqual([cut, "a1", "A"]);
      expect(invariantsOf(again.history)).toEqual([]);
    }
    talk.end();
  });
});

describe("returns nest", () => {
  const c = new Agent({ name: "C" });
  const chain = (inner: HandoffMode): Agent => {
    const b = new Agent({ name: "B", handoffs: [handoff(c, { mode: inner })] });
    return new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
  };

  it("as a stack: each answer goes to who asked", async () => {
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [handOff("C"), say("b1")], C: [say("c1")] });
    const talk = new Conversation(chain("return"), model);
    const { result } = await talk.say("Help");
    expect(handoffs(result.history)).toEqual(["A→B return", "B→C return", "C→B back", "B→A back"]);
    expect(outputs(model.request(3).items)).toEqual({ call_1: "The conversation is with B now.", call_2: "c1" });
    expect(outputs(model.request(4).items)).toEqual({ call_1: "b1" });
    expect([result.finalOutput, asked(model)]).toEqual(["a1", "A B C B A"]);
    talk.end();
  });

  for (const inner of ["pass", "turn"] as const) {
    it(`a "${inner}" within leaves the stack: whoever answers in the end answers the one who waits`, async () => {
      const model = scriptedModel({ A: [handOff("B"), say("a1"), say("a2")], B: [handOff("C")], C: [say("c1")] });
      const talk = new Conversation(chain(inner), model);
      const { result } = await talk.say("Help");
      expect(handoffs(result.history)).toEqual(["A→B return", `B→C ${inner}`, "C→A back"]);
      expect(outputs(model.request(3).items)).toEqual({ call_1: "c1" });
      expect([result.finalOutput, result.activeAgent.name]).toEqual(["a1", "A"]);
      await talk.say("Next");
      expect(asked(model)).toBe("A B C A A");
      talk.end();
    });
  }

  it('a "pass" within a "turn" that consults leaves the next message with the source of the turn', async () => {
    const b = new Agent({ name: "B", handoffs: [c] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const t = new Agent({ name: "T", handoffs: [handoff(a, { mode: "turn" })] });
    const model = scriptedModel({
      T: [handOff("A"), say("t2")],
      A: [handOff("B"), say("a1")],
      B: [handOff("C")],
      C: [say("c1")],
    });
    const talk = new Conversation(t, model);
    const { result } = await talk.say("Help");
    expect([result.finalOutput, result.activeAgent.name]).toEqual(["a1", "T"]);
    expect((await talk.say("Next")).result.finalOutput).toBe("t2");
    talk.end();
  });

  it("handing over to the one who waits is the return: nobody waits any more", async () => {
    const b = new Agent({ name: "B", handoffs: [handBack()] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [handOff("transfer_back")] });
    const talk = new Conversation(a, model);
    const { result } = await talk.say("Help");
    expect(handoffs(result.history)).toEqual(["A→B return", "B→A pass"]);
    expect(result.finalOutput).toBe("a1");
    expect(seenBy(model.request(2))).toEqual([
      'user: "Help"',
      "A calls transfer_to_b({}) [call_1]",
      'result of call_1: "The conversation is with B now."',
      "B calls transfer_back({}) [call_2]",
      'result of call_2: "The conversation is with A now."',
    ]);
    talk.end();
  });

  it("a pending approval of the one consulted pauses the run, and the answer comes back later", async () => {
    const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
    const b = new Agent({ name: "B", tools: [pay] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [call("pay"), say("b1")] });
    const runner = new Runner({ model, newId: testIds(), plugins: [oracle(a)] });
    const first = await runner.run(a, "Help");
    expect([first.status, first.lastAgent.name, first.activeAgent.name]).toEqual(["paused", "B", "B"]);
    const list = JSON.parse(JSON.stringify([...first.toInputList(), approve(first.pending[0]!)])) as Item[];
    const second = await runner.run(a, list);
    expect([second.finalOutput, second.lastAgent.name]).toEqual(["a1", "A"]);
    model.assertDone();
  });

  it("a new message while someone waits goes to the one consulted, and the one who waits sees it too", async () => {
    const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
    const b = new Agent({ name: "B", tools: [pay] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [call("pay"), say("b1")] });
    const talk = new Conversation(a, model);
    await talk.say("Help");
    const { result } = await talk.say("Hurry up");
    expect([result.finalOutput, asked(model)]).toEqual(["a1", "A B B A"]);
    expect(seenBy(model.request(3))).toEqual([
      'user: "Help"',
      "A calls transfer_to_b({}) [call_1]",
      'result of call_1: "b1"',
      'user: "Hurry up"',
    ]);
    talk.end();
  });
});

describe("textStream and finalOutput", () => {
  const streamed = async (entry: AnyAgent, model: ScriptedModel): Promise<{ text: string; finalOutput: unknown }> => {
    const running = new Runner({ model }).stream(entry as Agent, "Help");
    let text = "";
    for await (const piece of running.textStream) text += `${piece}|`;
    return { text, finalOutput: (await running.result).finalOutput };
  };

  it("come only from an empty stack", async () => {
    const b = new Agent({ name: "B", handoffs: [handoff(new Agent({ name: "C" }), { mode: "return" })] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({
      A: [[say(["One ", "moment."]), handOff("B")], say(["a", "1"])],
      B: [[say("b?"), handOff("C")], say("b1")],
      C: [say("c1")],
    });
    expect(await streamed(a, model)).toEqual({ text: "One |moment.|a|1|", finalOutput: "a1" });
    model.assertDone();
  });

  it("are the specialist's after a pass and after a turn", async () => {
    for (const mode of ["pass", "turn"] as const) {
      const model = scriptedModel({ A: [handOff("B")], B: [say(["b", "1"])] });
      expect(await streamed(pair(mode), model)).toEqual({ text: "b|1|", finalOutput: "b1" });
    }
  });

  it("are of the type of the agent that answers", async () => {
    const b = new Agent({ name: "B", outputType: z.object({ n: z.number() }) });
    const a = new Agent({ name: "A", handoffs: [b] });
    const model = scriptedModel({ A: [handOff("B")], B: [say('{"n":1}')] });
    expect((await streamed(a, model)).finalOutput).toEqual({ n: 1 });
  });
});

describe("limits", () => {
  it("maxTurns counts the replies of all agents, and throws", async () => {
    const c = new Agent({ name: "C" });
    const b = new Agent({ name: "B", handoffs: [c] });
    const a = new Agent({ name: "A", handoffs: [b] });
    for (const maxTurns of [1, 2]) {
      const model = scriptedModel(({ handoffs: [spec] }) => (spec ? handOff(spec.name) : say("c1")));
      const running = new Runner({ model, maxTurns }).run(a, "Help");
      await expect(running).rejects.toMatchObject({
        name: "LimitError",
        limit: "maxTurns",
        max: maxTurns,
        actual: maxTurns,
        message: expect.stringMatching(/^Cannot go on with agent ".": \d model replies since the last input/),
      });
      expect(model.requests).toHaveLength(maxTurns);
    }
    const model = scriptedModel(({ handoffs: [spec] }) => (spec ? handOff(spec.name) : say("c1")));
    expect((await new Runner({ model, maxTurns: 3 }).run(a, "Help")).finalOutput).toBe("c1");
  });

  it("a run that was stopped by maxTurns goes on with the next message, at the agent it had come to", async () => {
    const model = scriptedModel({ A: [handOff("B")], B: [say("b1")] });
    const runner = new Runner({ model, newId: testIds(), maxTurns: 1 });
    const a = pair();
    const error = (await runner.run(a, "Help").catch((error: unknown) => error)) as { items: readonly Item[] };
    const result = await runner.run(a, [...error.items, { role: "user", content: "Go on" }]);
    expect([result.finalOutput, result.lastAgent.name]).toEqual(["b1", "B"]);
  });

  it("maxHandoffs is 10 by default, and what is beyond is refused with a reason, so that the user gets an answer", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `Agent ${i}`);
    const agents: Agent[] = [];
    for (const name of names.toReversed()) agents.unshift(new Agent({ name, handoffs: agents.slice(0, 1) }));
    const model = scriptedModel(({ handoffs: [spec], items }) => {
      const last = items.at(-1);
      return spec && !(last?.type === "tool_result" && last.status === "error") ? handOff(spec.name) : say("Here");
    });
    const result = await new Runner({ model, maxTurns: 100 }).run(agents[0]!, "Help");
    expect(handoffs(result.history)).toHaveLength(10);
    expect([result.lastAgent.name, result.finalOutput]).toEqual(["Agent 10", "Here"]);
    expect(Object.values(outputs(result.history)).at(-1)).toBe(
      'Cannot hand over to "Agent 11": 10 handoffs were made since the user spoke, and the limit maxHandoffs is 10. Answer the user yourself.',
    );
  });

  it("maxHandoffs is exact: at its value made, one more refused, 0 refuses all, the next message counts anew", async () => {
    const c = new Agent({ name: "C" });
    const b = new Agent({ name: "B", handoffs: [c] });
    const a = new Agent({ name: "A", handoffs: [b] });
    const eager = (): ScriptedModel =>
      scriptedModel(({ handoffs: [spec], items }) => {
        const last = items.at(-1);
        return spec && !(last?.type === "tool_result" && last.status === "error") ? handOff(spec.name) : say("Here");
      });
    const made = async (maxHandoffs: number): Promise<number> =>
      handoffs((await new Runner({ model: eager(), maxHandoffs }).run(a, "Help")).history).length;
    expect([await made(0), await made(1), await made(2), await made(3)]).toEqual([0, 1, 2, 2]);
    const talk = new Conversation(a, eager(), { maxHandoffs: 1 });
    expect((await talk.say("One")).result.lastAgent.name).toBe("B");
    expect((await talk.say("Two")).result.lastAgent.name).toBe("C");
  });

  it("a handoff to oneself is refused with a reason", async () => {
    const a: Agent = new Agent({ name: "A", handoffs: (): Agent[] => [a] });
    const model = scriptedModel({ A: [handOff("A"), say("a1")] });
    const talk = new Conversation(a, model);
    const { result, events } = await talk.say("Help");
    expect(outputs(result.history)).toEqual({ call_1: 'Cannot hand over to "A": it has the conversation already.' });
    expect(result.finalOutput).toBe("a1");
    expect(eventSequence(events, { items: false })).toContain(
      'handoff_refused transfer_to_a [call_1]: "Cannot hand over to \\"A\\": it has the conversation already."',
    );
    talk.end();
  });

  const a: Agent = new Agent({
    name: "A",
    tools: [tool({ name: "look", execute: () => "looked" })],
    handoffs: (): Agent[] => [b, c],
  });
  const b: Agent = new Agent({
    name: "B",
    tools: [
      tool({ name: "look", execute: () => "looked" }),
      tool({ name: "break", execute: () => Promise.reject(new Error("no")) }),
    ],
    handoffs: () => [a, c],
  });
  const c: Agent = new Agent({ name: "C", handoffs: () => [a, handoff(b, { toolName: "consult", mode: "return" })] });

  it("the same edge twice with nothing new in between is refused with a reason: A→B→A→B", async () => {
    const model = scriptedModel({ A: [handOff("B"), handOff("B"), say("a1")], B: [handOff("A")] });
    const talk = new Conversation(a, model);
    const { result } = await talk.say("Help");
    expect(handoffs(result.history)).toEqual(["A→B pass", "B→A pass"]);
    expect(outputs(result.history)["call_3"]).toBe(
      'Cannot hand over to "B": "A" has done that already, and nothing is new since. Answer the user yourself.',
    );
    talk.end();
  });

  it("A→B→A→C is legal", async () => {
    const model = scriptedModel({ A: [handOff("B"), handOff("C")], B: [handOff("A")], C: [say("c1")] });
    const talk = new Conversation(a, model);
    expect((await talk.say("Help")).result.finalOutput).toBe("c1");
    talk.end();
  });

  it("the same edge is free again after a tool's result", async () => {
    const model = scriptedModel({ A: [handOff("B"), handOff("B")], B: [call("look"), handOff("A"), say("b1")] });
    const talk = new Conversation(a, model);
    expect((await talk.say("Help")).result.finalOutput).toBe("b1");
    talk.end();
  });

  it("the same edge is not free again after a tool that failed", async () => {
    const model = scriptedModel({ A: [handOff("B"), handOff("B"), say("a1")], B: [[call("break"), handOff("A")]] });
    const talk = new Conversation(a, model);
    expect((await talk.say("Help")).result.finalOutput).toBe("a1");
    talk.end();
  });

  it("the same edge is free again after an answer was returned", async () => {
    const model = scriptedModel({
      A: [handOff("C"), handOff("C")],
      C: [handOff("consult"), handOff("A"), say("c1")],
      B: [say("b1")],
    });
    const talk = new Conversation(a, model);
    expect((await talk.say("Help")).result.finalOutput).toBe("c1");
    talk.end();
  });

  it("the same edge is free again after the user's next message", async () => {
    const model = scriptedModel({ A: [handOff("B"), say("a1"), handOff("B")], B: [handOff("A"), say("b1")] });
    const talk = new Conversation(a, model);
    await talk.say("Help");
    expect((await talk.say("Help")).result.finalOutput).toBe("b1");
    talk.end();
  });

  it("two agents that only hand over to each other end in an answer", async () => {
    const model = scriptedModel(({ at, items, handoffs: [spec] }) => {
      const last = items.at(-1);
      return last?.type === "tool_result" && last.status === "error" ? say(`${at.agent} answers`) : handOff(spec!.name);
    });
    const talk = new Conversation(a, model);
    expect((await talk.say("Help")).result.finalOutput).toBe("A answers");
  });
});

describe("a graph that has lost its active agent", () => {
  const gone = new Agent({ name: "Gone" });
  const before = new Agent({ name: "A", handoffs: [gone] });
  const after = new Agent({ name: "A", instructions: "New." });

  it("lets the entry agent take over by a handoff item, and answer", async () => {
    const model = scriptedModel({ A: [handOff("gone"), say("a2"), say("a3")], Gone: [say("g1")] });
    const talk = new Conversation(before, model);
    await talk.say("One");
    talk.entry = after;
    const { result, events } = await talk.say("Two");
    expect(handoffs(result.newItems)).toEqual(["Gone→A pass"]);
    expect([result.finalOutput, result.lastAgent]).toEqual(["a2", after]);
    expect(seenBy(model.request(2))).toMatchInlineSnapshot(`
      [
        "user: "One"",
        "A calls transfer_to_gone({}) [call_1]",
        "result of call_1: "The conversation is with Gone now."",
        "Gone: "g1"",
        "user: "Two"",
      ]
    `);
    expect(eventSequence(events, { items: false })).toContain("handoff Gone → A");
    await talk.say("Three");
    talk.end();
  });

  it("has no handoff back to the agent that is gone", async () => {
    const model = scriptedModel({ A: [handOff("gone"), say("a2")], Gone: [say("g1")] });
    const talk = new Conversation(before, model);
    await talk.say("One");
    talk.entry = new Agent({ name: "A", handoffs: [handBack()] });
    await talk.say("Two");
    expect(model.request(2).handoffs).toEqual([]);
    talk.end();
  });

  it("answers what the agent that is gone has left open", async () => {
    const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
    const gone = new Agent({ name: "Gone", tools: [pay] });
    const before = new Agent({ name: "A", handoffs: [gone] });
    const model = scriptedModel({ A: [handOff("gone"), say("a2")], Gone: [call("pay")] });
    const talk = new Conversation(before, model);
    expect((await talk.say("One")).result.status).toBe("paused");
    talk.entry = after;
    const { result } = await talk.say("Two");
    expect(outputs(result.history)["call_2"]).toContain("no longer here");
    expect(result.finalOutput).toBe("a2");
    talk.end();
  });

  it("takes over for one that waits and is gone", async () => {
    const b = new Agent({ name: "B" });
    const history: Item[] = [
      { type: "message", id: "1", role: "user", content: "Help" },
      {
        type: "tool_call",
        id: "2",
        agent: "A",
        callId: "c2",
        name: "transfer_to_middle",
        arguments: "{}",
        handoff: true,
      },
      { type: "tool_result", id: "3", agent: "A", callId: "c2", output: "ok", status: "ok" },
      { type: "handoff", id: "4", agent: "A", callId: "c2", from: "A", to: "Middle", mode: "pass" },
      {
        type: "tool_call",
        id: "5",
        agent: "Middle",
        callId: "c5",
        name: "transfer_to_b",
        arguments: "{}",
        handoff: true,
      },
      { type: "tool_result", id: "6", agent: "Middle", callId: "c5", output: "ok", status: "ok" },
      { type: "handoff", id: "7", agent: "Middle", callId: "c5", from: "Middle", to: "B", mode: "return" },
    ];
    const model = scriptedModel({ B: [say("b1")], A: [say("a1")] });
    const entry = new Agent({ name: "A", handoffs: [b] });
    const result = await new Runner({ model, newId: testIds() }).run(entry, history);
    expect(handoffs(result.newItems)).toEqual(["B→Middle back", "Middle→A pass"]);
    expect(result.finalOutput).toBe("a1");
    expect(seenBy(model.request(1)).at(-1)).toBe('result of c5: "b1"');
  });
});

describe("handBack()", () => {
  const c = new Agent({ name: "C", handoffs: [handBack()] });
  const b = new Agent({ name: "B", handoffs: [handBack(), c] });
  const a = new Agent({ name: "A", handoffs: [handBack(), b] });
  const offers = (model: ScriptedModel): string[] =>
    model.requests.map(
      ({ at, handoffs: specs }) => `${at.agent}: ${specs.map(({ name, to }) => `${name}→${to}`).join(" ")}`,
    );

  it("goes to whoever handed over last, and is hidden when nobody did", async () => {
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [handOff("transfer_back")] });
    const talk = new Conversation(a, model);
    const { result } = await talk.say("Help");
    expect(offers(model)).toEqual(["A: transfer_to_b→B", "B: transfer_back→A transfer_to_c→C", "A: transfer_to_b→B"]);
    expect([result.finalOutput, result.lastAgent]).toEqual(["a1", a]);
    talk.end();
  });

  it("goes back a whole chain, one by one", async () => {
    const model = scriptedModel({
      A: [handOff("B"), say("a1")],
      B: [handOff("C"), handOff("transfer_back")],
      C: [handOff("transfer_back")],
    });
    const talk = new Conversation(a, model);
    const { result } = await talk.say("Help");
    expect(handoffs(result.history)).toEqual(["A→B pass", "B→C pass", "C→B pass", "B→A pass"]);
    expect(offers(model).slice(2)).toEqual([
      "C: transfer_back→B",
      "B: transfer_back→A transfer_to_c→C",
      "A: transfer_to_b→B",
    ]);
    talk.end();
  });

  it("is there in later turns, and after a resume", async () => {
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [say("b1"), handOff("transfer_back")] });
    const talk = new Conversation(a, model);
    await talk.say("One");
    expect((await talk.say("Two")).result.finalOutput).toBe("a1");
    talk.end();
  });

  it("called when nobody handed over is answered", async () => {
    const model = scriptedModel({ A: [call("transfer_back"), say("a1")] });
    const talk = new Conversation(a, model);
    const { result } = await talk.say("Help");
    expect(outputs(result.history)).toEqual({
      call_1: 'Cannot call "transfer_back": nobody handed this conversation over.',
    });
    talk.end();
  });

  it("has a name, words and a filter of its own", async () => {
    const b = new Agent({
      name: "B",
      handoffs: [
        handBack({
          toolName: "give_up",
          toolDescription: "When you cannot help.",
          when: "anything else",
          inputFilter: ({ inputHistory }) => ({ inputHistory, preHandoffItems: [] }),
        }),
      ],
    });
    const a = new Agent({ name: "A", handoffs: [b] });
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [say("b1"), handOff("give_up")] });
    const talk = new Conversation(a, model);
    await talk.say("One");
    await talk.say("Two");
    expect(model.request(1).handoffs).toMatchObject([
      { name: "give_up", to: "A", description: "When you cannot help.\nUse for: anything else", when: "anything else" },
    ]);
    talk.end();
  });

  it("is an edge like any other: not twice with nothing new, and within maxHandoffs", async () => {
    const model = scriptedModel({ A: [handOff("B")], B: [handOff("transfer_back"), say("b1")] });
    const talk = new Conversation(a, model, { maxHandoffs: 1 });
    const { result } = await talk.say("Help");
    expect(outputs(result.history)["call_2"]).toContain("the limit maxHandoffs is 1");
    expect(result.lastAgent.name).toBe("B");
    talk.end();
  });

  it("within a consultation goes back to the one who waits", async () => {
    const b = new Agent({ name: "B", handoffs: [handBack()] });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" })] });
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [handOff("transfer_back")] });
    const talk = new Conversation(a, model);
    expect((await talk.say("Help")).result.finalOutput).toBe("a1");
    expect(model.request(1).handoffs).toMatchObject([{ name: "transfer_back", to: "A" }]);
    talk.end();
  });

  it("is hidden again when the answer of a consultation has come back", async () => {
    const b = new Agent({ name: "B" });
    const a = new Agent({ name: "A", handoffs: [handoff(b, { mode: "return" }), handBack()] });
    const model = scriptedModel({ A: [handOff("B"), say("a1")], B: [say("b1")] });
    const talk = new Conversation(a, model);
    await talk.say("Help");
    expect(model.request(2).handoffs.map(({ name }) => name)).toEqual(["transfer_to_b"]);
    talk.end();
  });
});

describe("a cycle by an annotated function", () => {
  it("runs round and round, as often as something is new", async () => {
    const triage: Agent = new Agent({ name: "Triage", handoffs: (): Agent[] => [billing, technical] });
    const billing: Agent = new Agent({ name: "Billing", handoffs: () => [triage] });
    const technical: Agent = new Agent({ name: "Technical", handoffs: () => [triage] });
    const model = scriptedModel({
      Triage: [handOff("billing"), handOff("technical"), handOff("billing")],
      Billing: [handOff("triage"), say("b1")],
      Technical: [say("t1"), handOff("triage")],
    });
    const talk = new Conversation(triage, model);
    expect((await talk.say("One")).result.finalOutput).toBe("t1");
    expect((await talk.say("Two")).result.finalOutput).toBe("b1");
    talk.end();
  });

  it("calls the function once, and not before a run or a look at its handoffs", () => {
    let calls = 0;
    const a: Agent = new Agent({
      name: "A",
      handoffs: (): Agent[] => {
        calls += 1;
        return [];
      },
    });
    expect(calls).toBe(0);
    expect([a.handoffs, a.handoffs]).toEqual([[], []]);
    expect(calls).toBe(1);
  });

  it("of a function that gives no list, or a hole, says what is wrong", async () => {
    const model = scriptedModel([]);
    const broken = new Agent({ name: "A", model, handoffs: (() => undefined) as never });
    await expect(new Runner().run(broken, "Help")).rejects.toThrow(
      'Cannot read the handoffs of agent "A": expected a list of agents and handoffs',
    );
    const hole = new Agent({ name: "A", model, handoffs: () => [undefined as never] });
    await expect(new Runner().run(hole, "Help")).rejects.toThrow(
      'Cannot use element 0 of the handoffs of agent "A": expected an Agent or a handoff(), found undefined; where modules import each other, write handoffs as a function',
    );
  });
});

describe("a graph of 1000 agents in a circle", () => {
  it("is checked and run", async () => {
    const agents: Agent[] = Array.from(
      { length: 1000 },
      (_, i) => new Agent({ name: `Agent ${i}`, handoffs: (): Agent[] => [agents[(i + 1) % 1000]!] }),
    );
    const model = scriptedModel([handOff("Agent 1"), say("Here")]);
    const result = await new Runner({ model }).run(agents[0]!, "Help");
    expect(result.lastAgent.name).toBe("Agent 1");
  });
});
