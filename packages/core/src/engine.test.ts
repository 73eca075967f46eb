import "@batonjs/testing/vitest";
import {
  call,
  calls,
  handOff,
  invariantsOf,
  oracle,
  say,
  scriptedModel,
  testClock,
  testIds,
  transcript,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  Agent,
  type Effect,
  type Engine,
  handoff,
  inProcess,
  type Item,
  type JsonSchema,
  type Outcome,
  RunError,
  Runner,
  type RunnerOptions,
  type Tool,
  tool,
} from "./index.ts";

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** A desk whose run checks, calls tools, hands over and asks guardrails; what happens outside is noted in `done`. */
function setup() {
  const done: string[] = [];
  const note = <T>(what: string, value: T): T => {
    done.push(what);
    return value;
  };
  const look = tool({
    name: "look",
    sideEffects: "none",
    parameters: z.object({ n: z.coerce.number() }),
    execute: ({ n }) => note(`look ${n + 1}`, `looked ${n}`),
  });
  const specialist = new Agent({
    name: "Specialist",
    inputGuardrails: [{ name: "polite", check: () => note("guardrail", true) }],
  });
  const desk = new Agent({
    name: "Desk",
    tools: [look],
    handoffs: [
      handoff(specialist, {
        inputType: z.object({ urgent: z.boolean().default(true) }),
        onHandoff: ({ urgent }) => note(`onHandoff ${urgent}`, undefined),
        inputFilter: async ({ inputHistory, input }) =>
          note(`filter ${JSON.stringify(input)}`, { inputHistory: inputHistory.slice(-1) }),
      }),
    ],
  });
  const model = scriptedModel(({ at, items }) => {
    const asked = items.some(({ type }) => type === "tool_call");
    if (at.agent !== "Desk") return note(`model ${at.agent}`, say(`${at.agent} says`));
    if (asked) return note("model Desk", handOff("specialist", {}, { callId: "pass" }));
    return note(
      "model Desk",
      calls(call("look", { n: "1" }, { callId: "a" }), call("look", { n: "2" }, { callId: "b" })),
    );
  });
  const start = (engine: Engine, options: RunnerOptions = {}) =>
    new Runner({ model, engine, plugins: [oracle(desk)], clock: testClock(), newId: testIds(), ...options }).run(
      desk,
      [
        { role: "user", content: "Hello" },
        { role: "assistant", content: "Hi" },
        { role: "user", content: "Help" },
      ],
      { runId: "run" },
    );
  return { done, desk, start };
}

/** Does effects one after the other, as data; outcomes that are known by their key are not asked for again. */
function durable(known: Map<string, Outcome>, crashAt = Infinity): Engine & { readonly performed: string[] } {
  const performed: string[] = [];
  return {
    performed,
    async perform(effects, run) {
      for (const effect of effects) {
        let outcome = known.get(effect.key);
        if (!outcome) {
          if (performed.length >= crashAt) throw new Error("crashed");
          performed.push(effect.key);
          outcome = json(await run.perform(json<Effect>(effect)));
          known.set(effect.key, outcome);
        }
        await run.record(json(outcome));
      }
    },
  };
}

describe("an engine", () => {
  it("that passes effects and outcomes on as JSON gives the same record", async () => {
    const plain = setup();
    const whole = await plain.start(inProcess);
    const other = setup();
    const result = await other.start(durable(new Map()));
    expect(transcript(result.history)).toEqual(transcript(whole.history));
    expect(result.history).toEqual(json(result.history));
    expect(other.done).toEqual(plain.done);
    expect(invariantsOf(result.history, { graph: other.desk, settled: true })).toEqual([]);
  });

  it("is asked for one batch at a time, with keys that differ", async () => {
    let under = 0;
    let most = 0;
    const keys: string[] = [];
    const { start } = setup();
    await start({
      async perform(effects, run) {
        most = Math.max(most, (under += 1));
        keys.push(...effects.map(({ key }) => key));
        await inProcess.perform(effects, run);
        under -= 1;
      },
    });
    expect(most).toBe(1);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("that knows the outcomes of an earlier process goes on from there, and does nothing twice", async () => {
    const plain = setup();
    const known = new Map<string, Outcome>();
    const engine = durable(known);
    const whole = await plain.start(engine);
    const top = engine.performed;
    for (let crashAt = 0; crashAt < top.length; crashAt++) {
      const { done, start } = setup();
      const before = new Map<string, Outcome>();
      await expect(start(durable(before, crashAt))).rejects.toThrow("crashed");
      const result = await start(durable(before));
      expect(transcript(result.history)).toEqual(transcript(whole.history));
      expect([crashAt, done]).toEqual([crashAt, plain.done]);
    }
  });

  it("is told by a check what each call is, and what a tool may do twice", async () => {
    const work = (name: string, options: object = {}) => tool({ name, execute: () => name, ...options });
    const names = ["pay", "stamp", "look", "clerk", "locate", "transfer_to_expert", "other"];
    const model = scriptedModel([calls(...names.map((name) => call(name, {}, { callId: name })))]);
    const agent = new Agent({
      name: "Desk",
      tools: [
        work("pay", { verify: () => "paid", needsApproval: true }),
        work("stamp"),
        work("look", { sideEffects: "none" }),
        new Agent({ name: "Clerk" }).asTool({ name: "clerk", parameters: z.object({}), input: () => "hi" }),
        tool({ name: "locate", sideEffects: "idempotent" }),
      ],
      handoffs: [new Agent({ name: "Expert" })],
    });
    const known = new Map<string, Outcome>();
    await new Runner({ model, engine: durable(known) }).run(agent, "Help");
    const checked = [...known].filter(([key]) => key.startsWith("check:")).map(([, outcome]) => outcome);
    const no = { once: false, verifiable: false };
    expect(checked).toEqual([
      {
        items: [
          { type: "approval", agent: "Desk", callId: "pay", decision: "asked" },
          { type: "tool_result", agent: "Desk", callId: "other", status: "error", output: expect.any(String) },
        ],
        verdicts: [
          { callId: "pay", kind: "tool", once: true, verifiable: true },
          { callId: "stamp", kind: "tool", once: true, verifiable: false },
          { callId: "look", kind: "tool", ...no },
          { callId: "clerk", kind: "agent", ...no },
          { callId: "locate", kind: "client", ...no },
          { callId: "transfer_to_expert", kind: "handoff", to: "Expert" },
        ],
        events: [],
      },
    ]);
  });

  const started: readonly Item[] = [
    { type: "message", id: "1", role: "user", content: "pay" },
    { type: "tool_call", id: "2", agent: "Desk", callId: "c", name: "pay", arguments: "{}" },
    { type: "tool_start", id: "3", agent: "Desk", callId: "c" },
  ];

  it.each<[string, readonly Tool<unknown>[], Outcome[]]>([
    [
      "that is as it was",
      [tool({ name: "pay", execute: () => expect.fail(), verify: () => "paid" })],
      [
        { items: [], verdicts: [{ callId: "c", kind: "tool", once: true, verifiable: true }], events: [] },
        { items: [{ type: "tool_result", agent: "Desk", callId: "c", output: "paid", status: "ok" }], events: [] },
      ],
    ],
    ["that is gone", [], [{ items: [], verdicts: [{ callId: "c", kind: "tool", once: true }], events: [] }]],
  ])("is told that a call of a tool %s was started, and of no events where nobody listens", async (_, tools, told) => {
    const known = new Map<string, Outcome>();
    const agent = new Agent({ name: "Desk", model: scriptedModel([say("done")]), tools });
    await new Runner({ engine: durable(known) }).run(agent, started);
    expect([...known.values()].slice(0, -1)).toEqual(told);
  });

  it.each([
    ["begins now", false, { status: "error", output: "Invalid arguments: n: is required" }],
    ["was begun", true, { status: "unknown", output: "The outcome is unknown: Invalid arguments: n: is required" }],
  ])("that checked a call with another schema than it does it with: a call that %s", async (_, begun, expected) => {
    const deskOf = (parameters: JsonSchema) =>
      new Agent({
        name: "Desk",
        model: scriptedModel(() => say("done")),
        tools: [tool({ name: "pay", parameters, execute: () => expect.fail(), verify: () => expect.fail() })],
      });
    const input = begun ? started : started.slice(0, 2);
    const known = new Map<string, Outcome>();
    const before = new Runner({ engine: durable(known, 1) }).run(deskOf({ type: "object" }), input);
    await expect(before).rejects.toThrow("crashed");
    const after = await new Runner({ engine: durable(known) }).run(deskOf({ type: "object", required: ["n"] }), input);
    expect(after.history.find(({ type }) => type === "tool_result")).toMatchObject(expected);
  });

  it("that knows a check of another process waits for a schema no longer than for any callback", async () => {
    let answers = true;
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) => (answers ? Promise.resolve({ value }) : new Promise<never>(() => {})),
        jsonSchema: { input: () => ({ type: "object" }), output: () => ({ type: "object" }) },
      },
    };
    const model = scriptedModel(() => say("done"));
    const agent = new Agent({
      name: "Desk",
      model,
      tools: [tool({ name: "pay", parameters: schema, execute: () => expect.fail() })],
      handoffs: [handoff(new Agent({ name: "B", model }), { inputType: schema })],
    });
    for (const [name, handing, what] of [
      ["pay", {}, 'tool "pay"'],
      ["transfer_to_b", { handoff: true }, 'handoff "transfer_to_b"'],
    ] as const) {
      const call: Item = { type: "tool_call", id: "2", agent: "Desk", callId: "c", name, arguments: "{}", ...handing };
      const known = new Map<string, Outcome>();
      answers = true;
      const before = new Runner({ engine: durable(known, 1) }).run(agent, [started[0]!, call]);
      await expect(before).rejects.toThrow("crashed");
      answers = false;
      const runner = new Runner({ engine: durable(known), callbackTimeoutMs: 20 });
      const { history } = await runner.run(agent, [started[0]!, call]);
      const result = history.find((item) => item.type === "tool_result");
      const late = `the schema of ${what} of agent "Desk" has not answered within 20 ms`;
      expect(result).toMatchObject({ status: "error", output: expect.stringContaining(late) });
    }
  });

  it("that fails ends the run: no error of an engine becomes the answer of a tool", async () => {
    const { start, done } = setup();
    const lost: Engine = {
      perform(effects, run) {
        if (effects.some(({ type }) => type === "tool")) throw new Error("lost ownership");
        return inProcess.perform(effects, run);
      },
    };
    const error = await start(lost).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({ code: "engine_error", message: expect.stringContaining("lost ownership") });
    expect(done).toEqual(["model Desk"]);
    expect((error as RunError).items.some(({ type }) => type === "tool_result")).toBe(false);
  });
});
