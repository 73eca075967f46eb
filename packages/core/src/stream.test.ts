import "@batonjs/testing/vitest";
import {
  Agent,
  approve,
  type Engine,
  fallback,
  handBack,
  handoff,
  type Item,
  type Model,
  ModelError,
  type RunEvent,
  run,
  Runner,
  type RunnerOptions,
  stream,
  tool,
  type ToolContext,
  user,
} from "@batonjs/core";
import {
  call,
  calls,
  collect,
  endEarly,
  eventSequence,
  fail,
  handOff,
  invariantsOf,
  reason,
  reply,
  say,
  scriptedModel,
  testClock,
  testIds,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { tick } from "./__fixtures__/promises.ts";

/** A support desk that uses much of what there is. Each call makes it anew. `part`: how far it gets. */
function desk(part: "to the approval" | "to the end" | "nowhere" = "to the approval") {
  const script = {
    Triage: [[reason("money"), handOff("billing", { issue: "refund", amount: 12 })]],
    Billing: [
      [
        say(["Let me ", "look."]),
        call("lookup", { id: 7 }),
        call("ask_clerk", { input: "Is 7 paid?" }),
        call("nothing"),
      ],
      [handOff("Expert")],
      [call("refund", { amount: 12 })],
      ...(part === "to the end" ? [[say(["Refunded ", "12."])]] : []),
    ],
    Clerk: [call("file", { id: 7 }), say(["It ", "is."])],
    Expert: [say(["Refund ", "it."])],
  };
  const model = scriptedModel(part === "nowhere" ? {} : script);
  const lookup = tool({
    name: "lookup",
    parameters: z.object({ id: z.number() }),
    sideEffects: "none",
    execute: ({ id }, run: ToolContext) => {
      run.progress({ done: 1 });
      return { id, paid: 12 };
    },
  });
  const file = tool({
    name: "file",
    parameters: z.object({ id: z.number() }),
    sideEffects: "none",
    execute: () => "filed",
  });
  const refund = tool({
    name: "refund",
    parameters: z.object({ amount: z.number() }),
    needsApproval: ({ amount }) => amount > 10,
    execute: ({ amount }) => `refunded ${amount}`,
  });
  const clerk = new Agent({ name: "Clerk", model, tools: [file] });
  const expert = new Agent({ name: "Expert", model });
  const billing = new Agent({
    name: "Billing",
    model,
    tools: [lookup, refund, clerk.asTool({ name: "ask_clerk" })],
    handoffs: [handoff(expert, { mode: "return" }), handBack()],
    outputGuardrails: [{ name: "tone", check: () => true }],
  });
  const triage = new Agent({
    name: "Triage",
    model,
    inputGuardrails: [{ name: "polite", check: () => true }],
    handoffs: [
      handoff(billing, {
        inputType: z.object({ issue: z.string(), amount: z.number() }),
        inputFilter: (data) => ({ inputHistory: data.inputHistory.slice(-1) }),
      }),
    ],
  });
  return { triage, model };
}

const makeRunner = (options: RunnerOptions = {}): Runner =>
  new Runner({ clock: testClock(0), newId: testIds(), maxConcurrentTools: 1, ...options });

describe("stream()", () => {
  it("tells a conversation with handoffs, tools, a nested agent, a consultation and an approval", async () => {
    const { triage } = desk("to the end");
    const runner = makeRunner();
    const first = runner.stream(triage, "I was charged twice");
    expect(eventSequence(await collect(first), { deltas: true })).toMatchInlineSnapshot(`
      [
        "run_started Triage",
        "guardrail input polite allowed",
        "item user: "I was charged twice"",
        "turn_started Triage, turn 1 of scripted, 1 item, offered transfer_to_billing",
        "reasoning_delta Triage "money"",
        "tool_call_delta Triage call_1 transfer_to_billing "{\\"issue\\":\\"refund\\",\\"amount\\":12}"",
        "item Triage thinks: "money"",
        "item Triage calls transfer_to_billing({"issue":"refund","amount":12}) [call_1]",
        "item turn of Triage: tool_calls",
        "turn_finished Triage tool_calls",
        "item result of call_1: "The conversation is with Billing now."",
        "item handoff Triage → Billing {"issue":"refund","amount":12}",
        "handoff Triage → Billing {"issue":"refund","amount":12}, 4 of 4 items seen by inputFilter",
        "turn_started Billing, turn 2 of scripted, 4 items, offered lookup, refund, ask_clerk, transfer_to_expert, transfer_back",
        "guardrail output tone allowed",
        "text_delta Billing "Let me "",
        "text_delta Billing "look."",
        "tool_call_delta Billing call_2 lookup "{\\"id\\":7}"",
        "tool_call_delta Billing call_3 ask_clerk "{\\"input\\":\\"Is 7 paid?\\"}"",
        "tool_call_delta Billing call_4 nothing "{}"",
        "item Billing: "Let me look."",
        "item Billing calls lookup({"id":7}) [call_2]",
        "item Billing calls ask_clerk({"input":"Is 7 paid?"}) [call_3]",
        "item Billing calls nothing({}) [call_4]",
        "item turn of Billing: tool_calls",
        "turn_finished Billing tool_calls",
        "item result of call_4 (error): "Cannot call \\"nothing\\": agent \\"Billing\\" has no such tool or handoff; it has \\"lookup\\", \\"refund\\", \\"ask_clerk\\", \\"transfer_to…"",
        "tool_finished nothing [call_4] error",
        "tool_started lookup [call_2]",
        "tool_progress lookup [call_2] {"done":1}",
        "item result of call_2: "{\\"id\\":7,\\"paid\\":12}"",
        "tool_finished lookup [call_2] ok",
        "tool_started ask_clerk [call_3]",
        "  item user: "Is 7 paid?"",
        "  turn_started Clerk, turn 1 of scripted, 1 item, offered file",
        "  tool_call_delta Clerk call_5 file "{\\"id\\":7}"",
        "  item Clerk calls file({"id":7}) [call_5]",
        "  item turn of Clerk: tool_calls",
        "  turn_finished Clerk tool_calls",
        "  tool_started file [call_5]",
        "  item result of call_5: "filed"",
        "  tool_finished file [call_5] ok",
        "  turn_started Clerk, turn 2 of scripted, 3 items, offered file",
        "  text_delta Clerk "It "",
        "  text_delta Clerk "is."",
        "  item Clerk: "It is."",
        "  item turn of Clerk: stop",
        "  turn_finished Clerk stop",
        "item result of call_3: "It is."",
        "tool_finished ask_clerk [call_3] ok",
        "turn_started Billing, turn 3 of scripted, 11 items, offered lookup, refund, ask_clerk, transfer_to_expert, transfer_back",
        "tool_call_delta Billing call_6 transfer_to_expert "{}"",
        "item Billing calls transfer_to_expert({}) [call_6]",
        "item turn of Billing: tool_calls",
        "turn_finished Billing tool_calls",
        "item result of call_6: "The conversation is with Expert now."",
        "item handoff Billing → Expert (return)",
        "handoff Billing → Expert (return)",
        "turn_started Expert, turn 4 of scripted, 13 items",
        "text_delta Expert "Refund " (consulting)",
        "text_delta Expert "it." (consulting)",
        "item Expert: "Refund it."",
        "item turn of Expert: stop",
        "turn_finished Expert stop",
        "item handoff Expert → Billing (back)",
        "handoff Expert → Billing (back), 13 of 14 items seen",
        "turn_started Billing, turn 5 of scripted, 13 items, offered lookup, refund, ask_clerk, transfer_to_expert, transfer_back",
        "tool_call_delta Billing call_7 refund "{\\"amount\\":12}"",
        "item Billing calls refund({"amount":12}) [call_7]",
        "item turn of Billing: tool_calls",
        "turn_finished Billing tool_calls",
        "item approval of call_7: asked",
        "approval_needed approval refund [call_7]",
        "run_finished Billing paused",
      ]
    `);
    const paused = await first.result;
    const second = runner.stream(triage, [...paused.toInputList(), approve(paused.pending[0]!)]);
    expect(eventSequence(await collect(second), { deltas: true })).toMatchInlineSnapshot(`
      [
        "run_started Billing",
        "item approval of call_7: approved",
        "item start of call_7",
        "tool_started refund [call_7]",
        "item result of call_7: "refunded 12"",
        "tool_finished refund [call_7] ok",
        "turn_started Billing, turn 1 of scripted, 15 items, offered lookup, refund, ask_clerk, transfer_to_expert, transfer_back",
        "guardrail output tone allowed",
        "text_delta Billing "Refunded "",
        "text_delta Billing "12."",
        "item Billing: "Refunded 12."",
        "item turn of Billing: stop",
        "turn_finished Billing stop",
        "run_finished Billing completed",
      ]
    `);
    const { history } = await second.result;
    expect(invariantsOf(history, { graph: triage, settled: true })).toEqual([]);
  });

  it("numbers events from 0 without a gap, nested ones included, each with run and agent", async () => {
    const events = await collect(makeRunner().stream(desk().triage, "I was charged twice"));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    expect(new Set(events.map(({ runId }) => runId))).toEqual(new Set(["run_1"]));
    const nested = events.filter(({ path }) => path !== undefined);
    expect(nested.length).toBeGreaterThan(5);
    for (const { path, agent } of nested) expect([path, agent]).toEqual([["call_3"], "Clerk"]);
    for (const event of events) expect(typeof event.agent).toBe("string");
  });

  it("begins with run_started and ends with exactly one of run_finished and run_failed", async () => {
    const ends = ({ type }: RunEvent): boolean => type === "run_finished" || type === "run_failed";
    const good = await collect(makeRunner().stream(desk().triage, "hi"));
    const broken = new Agent({ name: "Broken", model: scriptedModel([fail(new Error("down"))]) });
    const bad = await collect(makeRunner().stream(broken, "hi"));
    for (const [events, type] of [
      [good, "run_finished"],
      [bad, "run_failed"],
    ] as const) {
      expect(events[0]!.type).toBe("run_started");
      expect(events.filter(ends)).toEqual([events.at(-1)]);
      expect(events.at(-1)!.type).toBe(type);
    }
    expect(bad.at(-1)).toMatchObject({ type: "run_failed", code: "model_error", error: { name: "ModelError" } });
  });

  it("tells how long a model took, to its first event and to its end, and how long a tool took", async () => {
    const clock = testClock(0);
    const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms));
    let asked = 0;
    const model: Model = {
      name: "m",
      provider: "p",
      async *stream() {
        await wait(30);
        yield { type: "text_delta", delta: "x" };
        await wait(20);
        const items =
          (asked += 1) === 1
            ? [{ type: "tool_call" as const, callId: "c", name: "slow", arguments: "{}" }]
            : [{ type: "message" as const, role: "assistant" as const, content: "x" }];
        const finishReason = asked === 1 ? "tool_calls" : "stop";
        yield { type: "reply", items, finishReason, usage: { inputTokens: 1, outputTokens: 1 }, responseId: "resp" };
      },
    };
    const slow = tool({ name: "slow", execute: () => wait(70) });
    const running = makeRunner({ clock }).stream(new Agent({ name: "Host", model, tools: [slow] }), "hi");
    const collecting = collect(running);
    await clock.advance(1_000);
    const events = await collecting;
    expect(events.filter(({ type }) => type === "turn_finished")).toMatchObject([
      {
        turn: 1,
        model: "m",
        provider: "p",
        firstEventMs: 30,
        durationMs: 50,
        responseId: "resp",
        finishReason: "tool_calls",
      },
      { turn: 2, firstEventMs: 30, durationMs: 50, finishReason: "stop", usage: { inputTokens: 1, outputTokens: 1 } },
    ]);
    expect(events.find(({ type }) => type === "tool_finished")).toMatchObject({ durationMs: 70, status: "ok" });
    const { history } = await running.result;
    expect(history.filter(({ type }) => type === "turn")).toMatchObject([{ durationMs: 50 }, { durationMs: 50 }]);
    expect(events.at(-1)).toMatchObject({ type: "run_finished", usage: { requests: 2 } });
  });

  it("says of a turn no more than the model did: no response id, no time of a first event", async () => {
    const model = scriptedModel([reply({})], { responseIds: false });
    const running = makeRunner().stream(new Agent({ name: "Host", model }), "hi");
    const finished = (await collect(running)).find(({ type }) => type === "turn_finished");
    const turn = {
      agent: "Host",
      model: "scripted",
      provider: "scripted",
      finishReason: "stop",
      usage: { inputTokens: 10, outputTokens: 5 },
      durationMs: 0,
    };
    expect(finished).toStrictEqual({ ...turn, type: "turn_finished", seq: 4, runId: "run_1", turn: 1 });
    expect((await running.result).history.at(-1)).toStrictEqual({ ...turn, type: "turn", id: "run_1:1", at: 0 });
  });

  it("tells each recorded item once, in the order of the record", async () => {
    const running = makeRunner().stream(desk().triage, "I was charged twice");
    const items = (await collect(running)).flatMap((event) => (event.type === "item" ? [event.item] : []));
    expect(items).toEqual((await running.result).history);
  });

  it("is the same program as run(): items, usage, output and pending are equal", async () => {
    const options = { clock: testClock(0), newId: testIds() };
    const ran = await makeRunner(options).run(desk().triage, "I was charged twice");
    const running = makeRunner({ ...options, newId: testIds() }).stream(desk().triage, "I was charged twice");
    await collect(running);
    const streamed = await running.result;
    expect(streamed.history).toEqual(ran.history);
    expect(streamed.newItems).toEqual(ran.newItems);
    expect(streamed.usage).toEqual(ran.usage);
    expect(streamed.pending).toEqual(ran.pending);
    expect(streamed.status).toBe(ran.status);
    expect(streamed.lastAgent.name).toBe(ran.lastAgent.name);
    expect(JSON.stringify(streamed)).toBe(JSON.stringify(ran));
  });

  it.each<[string, () => Model]>([
    ["a model that fails", () => scriptedModel([fail(new ModelError("down", { kind: "server" }))])],
    ["a model that is cut", () => scriptedModel([endEarly("Hel")])],
    ["a model that never stops calling", () => scriptedModel(({ at }) => call("x", {}, { callId: `c${at.turn}` }))],
  ])("fails as run() does: %s", async (_, model) => {
    const outcome = async (running: Promise<unknown>): Promise<object> =>
      running.then(
        () => ({}),
        (error: ModelError) => ({
          name: error.name,
          code: error.code,
          message: error.message,
          items: error.items,
          kind: error.kind,
        }),
      );
    const ran = await outcome(makeRunner().run(new Agent({ name: "Host", model: model() }), "hi"));
    const running = makeRunner().stream(new Agent({ name: "Host", model: model() }), "hi");
    await collect(running);
    expect(await outcome(running.result)).toEqual(ran);
    expect(ran).toHaveProperty("code");
  });

  it("of the default runner takes agents with a model", async () => {
    const running = stream(new Agent({ name: "Host", model: scriptedModel([say("hi")]) }), "hi");
    expect(await collect(running.textStream)).toEqual(["hi"]);
    expect((await running.result).finalOutput).toBe("hi");
  });
});

describe("the result of a stream", () => {
  const chatty = (count: number) =>
    new Agent({ name: "Host", model: scriptedModel([say(Array.from({ length: count }, (_, i) => `${i} `))]) });

  it("may be awaited without iterating, however much is said", async () => {
    const running = new Runner({ maxQueuedEvents: 4 }).stream(chatty(1_000), "hi");
    expect(String((await running.result).finalOutput)).toHaveLength(3_890);
  });

  it("may be awaited where the text stream was taken and nobody reads it", async () => {
    const running = new Runner({ maxQueuedEvents: 4 }).stream(chatty(1_000), "hi");
    const { textStream, result } = running;
    expect(textStream).toBeDefined();
    expect((await result).status).toBe("completed");
  });

  it("may be awaited before and while somebody reads", async () => {
    const running = new Runner({ maxQueuedEvents: 4 }).stream(chatty(100), "hi");
    const [result, texts] = await Promise.all([running.result, collect(running.textStream)]);
    expect(texts.join("")).toBe(result.finalOutput);
  });

  it("that nobody looks at is no unhandled rejection", async () => {
    const running = new Runner().stream(
      new Agent({ name: "Host", model: scriptedModel([fail(new Error("down"))]) }),
      "hi",
    );
    await expect(collect(running.textStream)).rejects.toThrow("down");
    new Runner().stream(new Agent({ name: "Host", model: scriptedModel([fail(new Error("down"))]) }), "hi");
    await tick();
  });

  it("is the same promise each time, and rejects with the error that the iteration throws", async () => {
    const running = new Runner().stream(
      new Agent({ name: "Host", model: scriptedModel([fail(new Error("down"))]) }),
      "hi",
    );
    expect(running.result).toBe(running.result);
    const thrown: unknown = await (async () => {
      try {
        for await (const _ of running);
        return undefined;
      } catch (error) {
        return error;
      }
    })();
    await expect(running.result).rejects.toBe(thrown);
  });

  it("rejects with the caller's mistake where there is one", async () => {
    const running = new Runner().stream(new Agent({ name: "Host", model: scriptedModel([]) }), []);
    await expect(running.result).rejects.toThrow(TypeError);
    const again = new Runner().stream(new Agent({ name: "Host", model: scriptedModel([]) }), []);
    await expect(collect(again)).rejects.toThrow(TypeError);
  });
});

describe("the events of a stream", () => {
  it("are handed out once", async () => {
    const running = new Runner().stream(new Agent({ name: "Host", model: scriptedModel([say("hi")]) }), "hi");
    await collect(running);
    expect(() => running[Symbol.asyncIterator]()).toThrow(
      new TypeError("Cannot iterate a run's stream twice: its events are handed out once"),
    );
    expect(() => running.textStream).toThrow(TypeError);
  });

  it("slow the model down where nobody reads them", async () => {
    let given = 0;
    const model: Model = {
      name: "m",
      provider: "p",
      async *stream() {
        for (; given < 1_000; given++) yield { type: "text_delta", delta: "x" };
        yield { type: "reply", items: [], finishReason: "stop", usage: { inputTokens: 0, outputTokens: 0 } };
      },
    };
    const running = new Runner({ maxQueuedEvents: 10 }).stream(new Agent({ name: "Host", model }), "hi");
    const events = running[Symbol.asyncIterator]();
    await events.next();
    for (let i = 0; i < 20; i++) await tick();
    expect(given).toBeGreaterThan(0);
    expect(given).toBeLessThanOrEqual(20);
    let read = 1;
    for (; !(await events.next()).done; read++) if (read % 100 === 0) expect(given).toBeLessThanOrEqual(read + 40);
    expect(given).toBe(1_000);
    expect((await running.result).status).toBe("completed");
  });

  it("still slow the model down where the result was asked for as well", async () => {
    let given = 0;
    const model: Model = {
      name: "m",
      provider: "p",
      async *stream() {
        for (; given < 500; given++) yield { type: "text_delta", delta: "x" };
        yield { type: "reply", items: [], finishReason: "stop", usage: { inputTokens: 0, outputTokens: 0 } };
      },
    };
    const running = new Runner({ maxQueuedEvents: 10 }).stream(new Agent({ name: "Host", model }), "hi");
    const events = running[Symbol.asyncIterator]();
    await events.next();
    const { result } = running;
    for (let i = 0; i < 20; i++) await tick();
    expect(given).toBeLessThanOrEqual(20);
    while (!(await events.next()).done);
    expect((await result).status).toBe("completed");
  });

  it("do not grow without bound where a tool tells much and nobody reads", async () => {
    const clock = testClock();
    let told = 0;
    const noisy = tool({
      name: "noisy",
      execute: (_: undefined, run: ToolContext) => {
        for (; told < 100_000; told++) run.progress(told);
        return "done";
      },
    });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("noisy"), say("done")]), tools: [noisy] });
    const running = new Runner({ clock, maxQueuedEvents: 10 }).stream(agent, "hi");
    const events = await collect(running);
    expect(events.at(-1)!.type).toBe("run_finished");
    expect(told).toBe(100_000);
    // Progress that nobody could read in time may be left out; nothing else is.
    const others = events.filter(({ type }) => type !== "tool_progress");
    expect(eventSequence(others, { items: false })).toHaveLength(8);
    expect(events.length).toBeLessThan(2_000);
  });

  it("are complete for who reads late", async () => {
    const running = new Runner().stream(
      new Agent({ name: "Host", model: scriptedModel([say(["a", "b", "c"])]) }),
      "hi",
    );
    await tick();
    expect(await collect(running.textStream)).toEqual(["a", "b", "c"]);
  });

  it("end with the run that fails: what was told before is told, then the error is thrown", async () => {
    const running = new Runner().stream(new Agent({ name: "Host", model: scriptedModel([endEarly("Hel")]) }), "hi");
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const { type } of running) seen.push(type);
      })(),
    ).rejects.toMatchObject({ kind: "truncated" });
    expect(seen).toEqual(["run_started", "item", "turn_started", "text_delta", "run_failed"]);
  });
});

describe("textStream", () => {
  it("gives the text for the user only: none of nested runs, none of consulted agents", async () => {
    const { triage } = desk("to the end");
    const runner = makeRunner();
    const first = runner.stream(triage, "I was charged twice");
    expect(await collect(first.textStream)).toEqual(["Let me ", "look."]);
    const paused = await first.result;
    const second = runner.stream(triage, [...paused.toInputList(), approve(paused.pending[0]!)]);
    expect(await collect(second.textStream)).toEqual(["Refunded ", "12."]);
  });

  it("may be left early, which stops the run", async () => {
    const model = scriptedModel([say(["a", "b", "c"])]);
    const running = new Runner({ maxQueuedEvents: 1 }).stream(new Agent({ name: "Host", model }), "hi");
    for await (const text of running.textStream) {
      expect(text).toBe("a");
      break;
    }
    await expect(running.result).rejects.toMatchObject({ name: "AbortError" });
    await tick();
    expect(model.open).toBe(0);
  });
});

describe("what an agent that was consulted tells", () => {
  it("is marked where it is text: the rest is for no user anyway", async () => {
    const model = scriptedModel({
      Host: [handOff("Expert"), say("Done.")],
      Expert: [[reason("hm"), call("look")], say("It is.")],
    });
    const expert = new Agent({ name: "Expert", model, tools: [tool({ name: "look", execute: () => "seen" })] });
    const host = new Agent({ name: "Host", model, handoffs: [handoff(expert, { mode: "return" })] });
    const events = await collect(makeRunner().stream(host, "hi"));
    const deltas = events.filter(({ type, agent }) => agent === "Expert" && type.endsWith("_delta"));
    expect(deltas.map((event) => [event.type, "consulting" in event])).toEqual([
      ["reasoning_delta", false],
      ["tool_call_delta", false],
      ["text_delta", true],
    ]);
  });
});

describe("turn_reset", () => {
  it("takes back what a model has shown that another replaces", async () => {
    const backup = scriptedModel([say("From the other.")], { name: "backup" });
    const model = scriptedModel([
      { reply: "fail", content: [say("From th")], error: new ModelError("cut", { kind: "stream_error" }) },
    ]);
    const runner = makeRunner({ plugins: [fallback([backup])] });
    const running = runner.stream(new Agent({ name: "Host", model }), "hi");
    expect(eventSequence(await collect(running), { deltas: true, items: false })).toEqual([
      "run_started Host",
      "turn_started Host, turn 1 of scripted, 1 item",
      'text_delta Host "From th"',
      'turn_reset Host: "model \\"scripted\\" failed"',
      'text_delta Host "From the other."',
      "turn_finished Host stop",
      "run_finished Host completed",
    ]);
    expect((await running.result).history.at(-1)).toMatchObject({ type: "turn", model: "backup" });
  });

  it("has nothing to take back of what an output guardrail still held back", async () => {
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([fail(new ModelError("cut", { kind: "stream_error" }), say("From th"))]),
      outputGuardrails: [{ name: "tone", check: () => true }],
    });
    const runner = makeRunner({ plugins: [fallback([scriptedModel([say("From the other.")])])] });
    expect(
      eventSequence(await collect(runner.stream(agent, "hi")), { deltas: true, items: false }).slice(1, -2),
    ).toEqual([
      "turn_started Host, turn 1 of scripted, 1 item",
      "guardrail output tone allowed",
      'text_delta Host "From the other."',
    ]);
  });

  it("takes back output that does not fit its schema", async () => {
    const model = scriptedModel([say("no json"), say('{"n":1}')]);
    const agent = new Agent({ name: "Host", model, outputType: z.object({ n: z.number() }) });
    const lines = eventSequence(await collect(makeRunner().stream(agent, "hi")), { deltas: true, items: false });
    expect(lines.map((line) => line.replace(/: ".*/, ""))).toEqual([
      "run_started Host",
      "turn_started Host, turn 1 of scripted, 1 item",
      'text_delta Host "no json"',
      "turn_finished Host stop",
      "turn_reset Host",
      "turn_started Host, turn 2 of scripted, 3 items",
      'text_delta Host "{\\"n\\":1}"',
      "turn_finished Host stop",
      "run_finished Host completed",
    ]);
  });
});

describe("a plugin that listens", () => {
  it("gets what the stream gets, in order, also where nobody streams", async () => {
    const seen: RunEvent[] = [];
    const tap = { name: "tap", onEvent: (event: RunEvent) => void seen.push(event) };
    await makeRunner({ plugins: [tap] }).run(desk().triage, "I was charged twice");
    const streamed = await collect(makeRunner().stream(desk().triage, "I was charged twice"));
    expect(eventSequence(seen, { deltas: true })).toEqual(eventSequence(streamed, { deltas: true }));
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i));
  });

  it("is told where it happens", async () => {
    const sites: unknown[] = [];
    const tap = {
      name: "tap",
      onEvent: ({ type }: RunEvent, at: object) => void (type === "turn_started" && sites.push(at)),
    };
    const model = scriptedModel([call("noop"), say("done")]);
    const agent = new Agent({ name: "Host", model, tools: [tool({ name: "noop", execute: () => "" })] });
    await makeRunner({ plugins: [tap] }).run(agent, "hi", { metadata: { a: 1 } });
    expect(sites).toEqual([
      { runId: "run_1", agent: "Host", turn: 1, path: [], metadata: { a: 1 } },
      { runId: "run_1", agent: "Host", turn: 2, path: [], metadata: { a: 1 } },
    ]);
  });

  it("that throws, or changes what it gets, changes nothing of the run", async () => {
    const plain = await makeRunner().run(desk().triage, "I was charged twice");
    const bad = {
      name: "bad",
      onEvent: (event: RunEvent) => {
        if (event.seq % 2 === 0) throw new Error("tap is broken");
      },
    };
    const rejecting = { name: "rejecting", onEvent: (() => Promise.reject(new Error("async"))) as () => void };
    const good: string[] = [];
    const other = { name: "good", onEvent: ({ type }: RunEvent) => void good.push(type) };
    const result = await makeRunner({ plugins: [bad, rejecting, other] }).run(desk().triage, "I was charged twice");
    expect(result.history).toEqual(plain.history);
    expect(good.at(-1)).toBe("run_finished");
    await tick();
  });

  it("is told nothing after the run has ended", async () => {
    let late: ((data: number) => void) | undefined;
    const seen: string[] = [];
    const leaky = tool({
      name: "leaky",
      execute: (_: undefined, run: ToolContext) => {
        late = (data) => run.progress(data);
        return "done";
      },
    });
    const tap = { name: "tap", onEvent: ({ type }: RunEvent) => void seen.push(type) };
    const agent = new Agent({ name: "Host", model: scriptedModel([call("leaky"), say("done")]), tools: [leaky] });
    await new Runner({ plugins: [tap] }).run(agent, "hi");
    late!(1);
    expect(seen.at(-1)).toBe("run_finished");
  });

  it("costs nothing where there is none: no event is made", async () => {
    // What is told of a turn reads the model's provider; without a listener only the turn item does.
    let reads = 0;
    const inner = scriptedModel([say("a"), say("b")]);
    const model: Model = {
      name: "m",
      get provider() {
        reads += 1;
        return "p";
      },
      stream: (request) => inner.stream(request),
    };
    const agent = new Agent({ name: "Host", model });
    await new Runner().run(agent, "hi");
    const silent = reads;
    reads = 0;
    await new Runner({ plugins: [{ name: "tap", onEvent: () => {} }] }).run(agent, "hi");
    expect(silent).toBeLessThan(reads);
  });
});

describe("an engine", () => {
  it("performs the batches, one at a time, as plain JSON with keys that are the same on every replay", async () => {
    const recording = (batches: string[][]): Engine => {
      let busy = false;
      return {
        async perform(effects, run) {
          expect(busy).toBe(false);
          busy = true;
          expect(JSON.parse(JSON.stringify(effects))).toEqual(effects);
          batches.push(effects.map(({ type, key }) => `${type} ${key}`));
          for (const effect of effects) await run.record(await run.perform(effect));
          busy = false;
        },
      };
    };
    const agent = () => {
      const model = scriptedModel([calls(call("a"), call("b")), say("done")]);
      const tools = ["a", "b"].map((name) => tool({ name, execute: () => name }));
      return new Agent({ name: "Host", model, tools });
    };
    const [first, second]: [string[][], string[][]] = [[], []];
    const result = await makeRunner({ engine: recording(first) }).run(agent(), "hi");
    await makeRunner({ engine: recording(second) }).run(agent(), "hi");
    expect(result.finalOutput).toBe("done");
    expect(second).toEqual(first);
    expect(first).toEqual([
      ["model model:1"],
      ["check check:run_1:1:2"],
      ["tool run_1:1", "tool run_1:2"],
      ["model model:8"],
    ]);
  });

  it("that fails ends the run: its error never becomes a tool's result", async () => {
    const lost = new Error("lost ownership");
    const engine: Engine = {
      async perform(effects, run) {
        for (const effect of effects) {
          if (effect.type === "tool") throw lost;
          await run.record(await run.perform(effect));
        }
      },
    };
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([call("a")]),
      tools: [tool({ name: "a", execute: () => "" })],
    });
    const error = (await new Runner({ engine }).run(agent, "hi").catch((e: unknown) => e)) as ModelError;
    expect(error).toMatchObject({ name: "RunError", code: "engine_error", cause: lost });
    expect(error.items.filter(({ type }) => type === "tool_result")).toEqual([]);
  });
});

describe("the same script, clock and ids", () => {
  it("give identical items and events, byte by byte, run after run", async () => {
    const once = async (): Promise<string> => {
      const runner = makeRunner();
      const { triage, model } = desk("to the end");
      const running = runner.stream(triage, "I was charged twice");
      const events = await collect(running);
      const paused = await running.result;
      const next = runner.stream(triage, [...paused.toInputList(), approve(paused.pending[0]!)]);
      events.push(...(await collect(next)));
      return JSON.stringify([events, (await next.result).history, model.requests]);
    };
    const first = await once();
    expect(await once()).toBe(first);
    expect(await once()).toBe(first);
  });

  it("replay to the same state: what is computed from the items of a run is what the run had", async () => {
    const { triage } = desk();
    const paused = await makeRunner().run(triage, "I was charged twice");
    const replayed = await makeRunner()
      .run(desk("nowhere").triage, JSON.parse(JSON.stringify(paused.toInputList())) as Item[])
      .catch((error: unknown) => error);
    expect(replayed).toMatchObject({ status: "paused", pending: paused.pending });
  });

  it("leave the inputs as they were", async () => {
    const freeze = <T>(value: T): T => {
      if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
        Object.freeze(value);
        Object.values(value).forEach(freeze);
      }
      return value;
    };
    const { triage } = desk("to the end");
    const first = await run(triage, freeze([user("I was charged twice")]), freeze({ metadata: { a: { b: 1 } } }));
    expect(first.status).toBe("paused");
    const list = freeze(first.toInputList());
    const second = await run(triage, freeze([...list, approve(first.pending[0]!)]));
    expect(second.status).toBe("completed");
  });
});
