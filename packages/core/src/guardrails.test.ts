import "@batonjs/testing/vitest";
import {
  Agent,
  type Guardrail,
  GuardrailError,
  handoff,
  type InputGuardrail,
  type Item,
  memorySessions,
  type OutputGuardrail,
  type Plugin,
  reject,
  type RunEvent,
  type RunOptions,
  Runner,
  type RunnerOptions,
  type SessionStore,
  tool,
  type ToolOutputGuardrail,
  user,
  type Verdict,
} from "@batonjs/core";
import {
  call,
  calls,
  collect,
  eventSequence,
  fail,
  handOff,
  invariantsOf,
  reply,
  say,
  type ScriptedModel,
  scriptedModel,
  testClock,
  transcript,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { tick } from "./__fixtures__/promises.ts";

const CANARY = "canary-7f3a";

const blockCanary: Guardrail<{ readonly text: string }> = {
  name: "no canary",
  check: ({ text }) => (text.includes(CANARY) ? { allow: false, reason: "it has the secret" } : true),
};

interface Told {
  readonly error: GuardrailError | undefined;
  readonly output: unknown;
  readonly events: readonly RunEvent[];
  readonly streamed: string;
  readonly stored: readonly Item[];
}

/** Streams a run on a session, and everything that anybody could see of it. */
async function tell(
  agent: Parameters<Runner["stream"]>[0],
  input: string | Parameters<Runner["stream"]>[1],
  options: RunnerOptions & { store?: Plugin; run?: RunOptions } = {},
): Promise<Told> {
  const { store = memorySessions(), run, plugins = [], ...rest } = options;
  const events: RunEvent[] = [];
  const tap: Plugin = { name: "tap", onEvent: (event) => void events.push(event) };
  const runner = new Runner({ ...rest, plugins: [...plugins, store, tap] });
  const running = runner.stream(agent as never, input, { session: "s", ...run } as never);
  const streamed = await collect(running);
  const outcome = await running.result.then(
    (result) => ({ output: result.finalOutput as unknown, error: undefined }),
    (error: unknown) => ({ output: undefined, error: error as GuardrailError }),
  );
  expect(streamed).toEqual(events);
  return {
    ...outcome,
    events,
    streamed: JSON.stringify(events, (_, value: unknown) =>
      value instanceof Error ? { ...value, message: value.message, cause: String(value.cause) } : value,
    ),
    stored: (await store.sessions!.read({ id: "s" })).items,
  };
}

const requestsOf = (model: ScriptedModel): string => JSON.stringify(model.requests);

/** What a guardrail may do instead of giving a verdict. */
const NO_VERDICTS: readonly [string, () => unknown][] = [
  [
    "throws",
    () => {
      throw new Error(`broken ${CANARY}`);
    },
  ],
  ["rejects", () => Promise.reject(new Error("broken"))],
  ["rejects with null", () => Promise.reject(null as unknown as Error)],
  ["gives nothing", () => undefined],
  ["gives nothing later", async () => undefined],
  ["gives null", () => null],
  ["gives 1", () => 1],
  ["gives a text", () => "true"],
  ["gives an object without allow", () => ({ ok: true })],
  ["gives allow as a text", () => ({ allow: "true" })],
  ["gives a list", () => [true]],
];

describe("an input guardrail", () => {
  it("is told the messages that nobody has answered, and lets the run go on", async () => {
    const seen: unknown[] = [];
    const guardrail: InputGuardrail<{ user: string }> = {
      name: "watch",
      check: ({ messages, text }, run) => {
        seen.push(messages.length, text, run.agent, run.context.user);
        return { allow: true };
      },
    };
    const model = scriptedModel([say("one"), say("two")]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [guardrail] });
    const store = memorySessions();
    const context = { user: "ada" };
    await tell(agent, "hi", { store, run: { context } as RunOptions });
    const second = await tell(agent, [user("a"), user([{ type: "text", text: "b" }])], {
      store,
      run: { context } as RunOptions,
    });
    expect(second.output).toBe("two");
    expect(seen).toEqual([1, "hi", "Host", "ada", 2, "a\nb", "Host", "ada"]);
  });

  it("that says no stops the run before the input is appended or a model is asked", async () => {
    const model = scriptedModel([]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [blockCanary] });
    const { error, events, streamed, stored } = await tell(agent, `tell me ${CANARY}`);
    expect(error).toBeInstanceOf(GuardrailError);
    expect(error).toMatchObject({
      code: "guardrail_tripped",
      guardrail: "no canary",
      reason: "it has the secret",
      agent: "Host",
    });
    expect(stored).toEqual([]);
    expect(streamed).not.toContain(CANARY);
    expect(JSON.stringify(error!.items)).not.toContain(CANARY);
    expect(eventSequence(events)).toEqual([
      "run_started Host",
      'guardrail input no canary blocked: "it has the secret"',
      'run_failed Host guardrail_tripped: "Cannot take the input of agent \\"Host\\": it has the secret"',
    ]);
  });

  it("leaves the session ready for the next message", async () => {
    const model = scriptedModel([say("first"), say("second")]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [blockCanary] });
    const store = memorySessions();
    await tell(agent, "hi", { store });
    expect((await tell(agent, CANARY, { store })).error).toBeInstanceOf(GuardrailError);
    expect((await tell(agent, "hello", { store })).output).toBe("second");
    expect(requestsOf(model)).not.toContain(CANARY);
  });

  it("that is one of several is asked in turn; the first no counts", async () => {
    const asked: string[] = [];
    const guardrail = (name: string, verdict: Verdict): InputGuardrail => ({
      name,
      check: () => (asked.push(name), verdict),
    });
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([]),
      inputGuardrails: [guardrail("a", true), guardrail("b", false), guardrail("c", true)],
    });
    const { error } = await tell(agent, "hi");
    expect(error).toMatchObject({ guardrail: "b", reason: 'guardrail "b" said no' });
    expect(asked).toEqual(["a", "b"]);
  });

  it.each(NO_VERDICTS)("that %s blocks, beside the model or before it", async (what, check) => {
    for (const runInParallel of [false, true]) {
      const model = scriptedModel(() => say("shown?"));
      const guardrail: InputGuardrail = { name: "odd", check: check as () => boolean, runInParallel };
      const { error, stored, streamed } = await tell(
        new Agent({ name: "Host", model, inputGuardrails: [guardrail] }),
        "hi",
      );
      expect(error).toBeInstanceOf(GuardrailError);
      expect(error!.guardrail).toBe("odd");
      expect(error!.reason).toBe(`guardrail "odd" ${/throws|rejects/.test(what) ? "failed" : "gave no verdict"}`);
      expect(stored).toEqual([]);
      expect(streamed).not.toContain("shown?");
      expect(streamed).not.toContain(CANARY);
    }
  });

  it.each([false, true])(
    "that never answers blocks when its time is over (beside the model: %s)",
    async (runInParallel) => {
      const clock = testClock();
      let signal: AbortSignal | undefined;
      const guardrail: InputGuardrail = {
        name: "slow",
        timeoutMs: 30,
        runInParallel,
        check: (_, run) => ((signal = run.signal), new Promise<boolean>(() => {})),
      };
      const agent = new Agent({ name: "Host", model: scriptedModel(() => say("x")), inputGuardrails: [guardrail] });
      const telling = tell(agent, "hi", { clock });
      await clock.advance(29);
      expect(signal!.aborted).toBe(false);
      await clock.advance(1);
      const { error, stored } = await telling;
      expect(error).toMatchObject({ guardrail: "slow" });
      expect(signal!.aborted).toBe(true);
      expect(stored).toEqual([]);
      expect(clock.pending).toBe(0);
    },
  );

  it("is not asked where there is no user message: decisions, results, the developer's text", async () => {
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([call("pay"), say("denied"), say("noted")]),
      tools: [tool({ name: "pay", needsApproval: true, execute: () => "" })],
      inputGuardrails: [{ name: "count", check: ({ messages }) => messages.length === 1 }],
    });
    const runner = new Runner();
    const paused = await runner.run(agent, "hi");
    const done = await runner.run(agent, [...paused.toInputList(), reject(paused.pending[0]!)]);
    expect(done.finalOutput).toBe("denied");
    const noted = await runner.run(agent, [...done.toInputList(), { role: "developer", content: "It is late." }]);
    expect(noted.finalOutput).toBe("noted");
  });

  it("of the specialist that owns the conversation judges the next message, not that of triage", async () => {
    const asked: string[] = [];
    const watch = (name: string): InputGuardrail => ({
      name,
      check: ({ text }) => (asked.push(`${name}: ${text}`), true),
    });
    const model = scriptedModel({ Triage: [handOff("billing")], Billing: [say("one"), say("two")] });
    const billing = new Agent({ name: "Billing", model, inputGuardrails: [watch("billing")] });
    const triage = new Agent({ name: "Triage", model, handoffs: [billing], inputGuardrails: [watch("triage")] });
    const store = memorySessions();
    await tell(triage, "first", { store });
    await tell(triage, "second", { store });
    expect(asked).toEqual(["triage: first", "billing: first", "billing: second"]);
  });

  it("of the target judges the messages before a handoff, and a no refuses the handoff", async () => {
    const model = scriptedModel({
      Triage: [handOff("billing"), say("I cannot pass you on.")],
      Billing: [],
    });
    const billing = new Agent({ name: "Billing", model, inputGuardrails: [blockCanary] });
    const triage = new Agent({ name: "Triage", model, handoffs: [billing] });
    const { output, events } = await tell(triage, `my code is ${CANARY}`);
    expect(output).toBe("I cannot pass you on.");
    expect(eventSequence(events, { items: false })).toContain(
      'handoff_refused transfer_to_billing [call_1]: "Cannot hand over to \\"Billing\\": it has the secret"',
    );
  });

  it("that trips while something was open has settled it all the same", async () => {
    const model = scriptedModel([call("pay")]);
    const agent = new Agent({
      name: "Host",
      model,
      tools: [tool({ name: "pay", needsApproval: true, execute: () => expect.fail() })],
      inputGuardrails: [blockCanary],
    });
    const store = memorySessions();
    await tell(agent, "hi", { store });
    const { error, stored } = await tell(agent, CANARY, { store });
    expect(error).toBeInstanceOf(GuardrailError);
    expect(invariantsOf(stored, { graph: agent })).toEqual([]);
    expect(JSON.stringify(stored)).not.toContain(CANARY);
  });
});

describe("an input guardrail beside the model", () => {
  const held = (verdict: Promise<Verdict>): InputGuardrail => ({
    name: "beside",
    runInParallel: true,
    check: () => verdict,
  });

  it("lets the model begin, and holds back deltas, reply and append until it has said yes", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    const model = scriptedModel([say(["Hel", "lo"])]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [held(verdict.promise)] });
    const store = memorySessions();
    const events: RunEvent[] = [];
    const runner = new Runner({ plugins: [store, { name: "tap", onEvent: (event) => void events.push(event) }] });
    const running = runner.run(agent, "hi", { session: "s" });
    for (let i = 0; i < 5; i++) await tick();
    expect(model.requests).toHaveLength(1);
    expect(eventSequence(events, { deltas: true })).toEqual([
      "run_started Host",
      "turn_started Host, turn 1 of scripted, 1 item",
    ]);
    expect((await store.sessions!.read({ id: "s" })).items).toEqual([]);
    verdict.resolve(true);
    expect((await running).finalOutput).toBe("Hello");
    expect(eventSequence(events, { deltas: true }).slice(2)).toEqual([
      "guardrail input beside allowed",
      'item user: "hi"',
      'text_delta Host "Hel"',
      'text_delta Host "lo"',
      'item Host: "Hello"',
      "item turn of Host: stop",
      "turn_finished Host stop",
      "run_finished Host completed",
    ]);
    expect(transcript((await store.sessions!.read({ id: "s" })).items)).toEqual([
      'user: "hi"',
      'Host: "Hello"',
      "turn of Host: stop",
    ]);
  });

  it("that says no leaves nothing of the reply anywhere, and stops the model", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    const model = scriptedModel([say([CANARY, CANARY])]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [held(verdict.promise)] });
    const telling = tell(agent, "evil");
    for (let i = 0; i < 5; i++) await tick();
    verdict.resolve({ allow: false, reason: "no" });
    const { error, streamed, stored } = await telling;
    expect(error).toMatchObject({ name: "GuardrailError", guardrail: "beside", reason: "no" });
    expect(stored).toEqual([]);
    expect(streamed).not.toContain(CANARY);
    expect(streamed).not.toContain("evil");
    expect(error!.items).toEqual([]);
    await tick();
    expect(model.open).toBe(0);
  });

  it("that says no after the model has failed still keeps its input out", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    const model = scriptedModel([fail(new Error("model is down"))]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [held(verdict.promise)] });
    const telling = tell(agent, CANARY);
    for (let i = 0; i < 5; i++) await tick();
    verdict.resolve(false);
    const { error, streamed, stored } = await telling;
    expect(error).toBeDefined();
    expect(stored).toEqual([]);
    expect(streamed).not.toContain(CANARY);
  });

  it("that says yes after the model has failed keeps the user's message", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    const model = scriptedModel([fail(new Error("model is down"))]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [held(verdict.promise)] });
    const telling = tell(agent, "hi");
    for (let i = 0; i < 5; i++) await tick();
    verdict.resolve(true);
    const { error, stored } = await telling;
    expect(error).toMatchObject({ name: "ModelError" });
    expect(transcript(stored)).toEqual(['user: "hi"']);
    expect(transcript(error!.items)).toEqual(['user: "hi"']);
  });

  it("keeps its input out where the run is aborted before it has answered", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    const model = scriptedModel([say("x")]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [held(verdict.promise)] });
    const controller = new AbortController();
    const telling = tell(agent, CANARY, { run: { signal: controller.signal } });
    for (let i = 0; i < 5; i++) await tick();
    controller.abort(new Error("gone"));
    const { error, stored } = await telling;
    expect(error).toMatchObject({ name: "AbortError" });
    expect(stored).toEqual([]);
    verdict.resolve(true);
    await tick();
    expect(model.open).toBe(0);
  });

  it("may ask a model of its own; its input is still kept out, and what it took is counted", async () => {
    for (const session of [true, false]) {
      const judge = scriptedModel([say("evil")], { name: "judge" });
      const guardrail: InputGuardrail = {
        name: "judge",
        runInParallel: true,
        check: async ({ text }, run) => (await run.ask(judge, { input: text, purpose: "guardrail" })) !== "evil",
      };
      const model = scriptedModel([say("x")]);
      const store = memorySessions();
      const agent = new Agent({ name: "Host", model, inputGuardrails: [guardrail] });
      const runner = new Runner({ plugins: [store] });
      const error = (await runner
        .run(agent, CANARY, session ? { session: "s" } : {})
        .catch((e: unknown) => e)) as GuardrailError;
      expect(error).toBeInstanceOf(GuardrailError);
      const { items } = await store.sessions!.read({ id: "s" });
      expect(JSON.stringify([items, error.items])).not.toContain(CANARY);
      expect(transcript(session ? items : error.items)).toEqual(["turn of Host: stop (guardrail)"]);
    }
  });

  it("that asks a model and says yes keeps the order of the record", async () => {
    const judge = scriptedModel([say("fine")], { name: "judge" });
    const guardrail: InputGuardrail = {
      name: "judge",
      runInParallel: true,
      check: async ({ text }, run) => (await run.ask(judge, { input: text })) === "fine",
    };
    const agent = new Agent({ name: "Host", model: scriptedModel([say("hello")]), inputGuardrails: [guardrail] });
    const { output, stored, events } = await tell(agent, "hi");
    expect(output).toBe("hello");
    expect(transcript(stored)).toEqual([
      'user: "hi"',
      "turn of Host: stop (callback)",
      'Host: "hello"',
      "turn of Host: stop",
    ]);
    expect(invariantsOf(stored)).toEqual([]);
    const told = events.flatMap((event) => (event.type === "item" ? [event.item] : []));
    expect(told).toEqual(stored);
  });

  it("holds back what else is recorded before the model's reply: a view, another agent's taking over", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    const model = scriptedModel([say("x")]);
    const agent = new Agent({ name: "Host", model, inputGuardrails: [held(verdict.promise)] });
    const window: Plugin = { name: "window", view: (visible) => visible.slice(-1) };
    const gone = new Agent({ name: "Gone", model: scriptedModel([say("old")]) });
    const store = memorySessions();
    await tell(gone, "before", { store });
    const before = await store.sessions!.read({ id: "s" });
    const telling = tell(agent, CANARY, { store, plugins: [window] });
    for (let i = 0; i < 5; i++) await tick();
    expect(await store.sessions!.read({ id: "s" })).toEqual(before);
    verdict.resolve(false);
    const { stored, streamed } = await telling;
    expect(stored).toEqual(before.items);
    expect(streamed).not.toContain(CANARY);
  });

  it("runs after those that are not beside the model have agreed", async () => {
    const asked: string[] = [];
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([]),
      inputGuardrails: [
        { name: "beside", runInParallel: true, check: () => (asked.push("beside"), true) },
        { name: "before", check: () => (asked.push("before"), false) },
      ],
    });
    await tell(agent, "hi");
    expect(asked).toEqual(["before"]);
  });

  it("whose input cannot be stored ends the run: the reply is not stored without it", async () => {
    const memory = memorySessions();
    const broken: SessionStore = {
      durability: "none",
      read: (key, from) => memory.sessions!.read(key, from),
      append: (key, items, options) =>
        items.some((item) => item.type === "message" && item.role === "user")
          ? Promise.reject(new Error("disk full"))
          : memory.sessions!.append(key, items, options),
      delete: (key) => memory.sessions!.delete(key),
    };
    const verdict = Promise.withResolvers<Verdict>();
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([say("x")]),
      inputGuardrails: [held(verdict.promise)],
    });
    const telling = tell(agent, "hi", { store: { name: "broken", sessions: broken } });
    for (let i = 0; i < 5; i++) await tick();
    verdict.resolve(true);
    const { error, stored } = await telling;
    expect(error).toMatchObject({ name: "StoreError" });
    expect(stored).toEqual([]);
  });
});

describe("an output guardrail", () => {
  it("judges every text before anything of it is shown or appended", async () => {
    const verdict = Promise.withResolvers<Verdict>();
    const seen: string[] = [];
    const guardrail: OutputGuardrail = { name: "slow", check: ({ text }) => (seen.push(text), verdict.promise) };
    const model = scriptedModel([say(["Hel", "lo"])]);
    const store = memorySessions();
    const events: RunEvent[] = [];
    const runner = new Runner({ plugins: [store, { name: "tap", onEvent: (event) => void events.push(event) }] });
    const running = runner.run(new Agent({ name: "Host", model, outputGuardrails: [guardrail] }), "hi", {
      session: "s",
    });
    for (let i = 0; i < 5; i++) await tick();
    expect(seen).toEqual(["Hello"]);
    expect(eventSequence(events, { deltas: true })).toEqual([
      "run_started Host",
      'item user: "hi"',
      "turn_started Host, turn 1 of scripted, 1 item",
    ]);
    expect(transcript((await store.sessions!.read({ id: "s" })).items)).toEqual(['user: "hi"']);
    verdict.resolve(true);
    expect((await running).finalOutput).toBe("Hello");
    expect(eventSequence(events, { deltas: true }).slice(3)).toEqual([
      "guardrail output slow allowed",
      'text_delta Host "Hel"',
      'text_delta Host "lo"',
      'item Host: "Hello"',
      "item turn of Host: stop",
      "turn_finished Host stop",
      "run_finished Host completed",
    ]);
  });

  it("that says no leaves only the turn, blocked; no text, no call, no reasoning", async () => {
    let ran = 0;
    const model = scriptedModel([
      [
        { part: "reason", summary: CANARY } as const,
        say(["The code ", `is ${CANARY}`]),
        call("look", { code: CANARY }),
      ],
      say("next"),
    ]);
    const look = tool({ name: "look", parameters: z.object({ code: z.string() }), execute: () => (ran += 1) });
    const store = memorySessions();
    const agent = new Agent({ name: "Host", model, tools: [look], outputGuardrails: [blockCanary] });
    const { error, events, streamed, stored } = await tell(agent, "hi", { store });
    expect(error).toMatchObject({
      name: "GuardrailError",
      guardrail: "no canary",
      reason: "it has the secret",
      agent: "Host",
    });
    expect(transcript(stored)).toEqual(['user: "hi"', "turn of Host: blocked"]);
    expect(stored.at(-1)).toMatchObject({ usage: { inputTokens: 10, outputTokens: 5 } });
    expect(streamed).not.toContain(CANARY);
    expect(JSON.stringify(error!.items)).not.toContain(CANARY);
    expect(ran).toBe(0);
    expect(eventSequence(events, { deltas: true }).slice(3)).toEqual([
      'guardrail output no canary blocked: "it has the secret"',
      "item turn of Host: blocked",
      "turn_finished Host blocked",
      'run_failed Host guardrail_tripped: "Cannot show the answer of agent \\"Host\\": it has the secret"',
    ]);
    // The session goes on, and no later request has it.
    expect((await tell(agent, "again", { store })).output).toBe("next");
    expect(requestsOf(model)).not.toContain(CANARY);
  });

  it("judges the text beside calls, and keeps committed effects of earlier turns", async () => {
    const model = scriptedModel([[say("fine"), call("look")], say(CANARY)]);
    const look = tool({ name: "look", execute: () => "seen" });
    const agent = new Agent({ name: "Host", model, tools: [look], outputGuardrails: [blockCanary] });
    const { error, stored } = await tell(agent, "hi");
    expect(error).toBeInstanceOf(GuardrailError);
    expect(transcript(stored)).toEqual([
      'user: "hi"',
      'Host: "fine"',
      "Host calls look({}) [call_1]",
      "turn of Host: tool_calls",
      "start of call_1",
      'result of call_1: "seen"',
      "turn of Host: blocked",
    ]);
  });

  it("judges the messages of one reply together, each on lines of its own", async () => {
    const seen: string[] = [];
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([[say("one"), say("two")]]),
      outputGuardrails: [{ name: "see", check: ({ text }) => (seen.push(text), true) }],
    });
    await tell(agent, "hi");
    expect(seen).toEqual(["one\ntwo"]);
  });

  it("judges refusals and texts in parts", async () => {
    for (const content of [
      [{ type: "refusal" as const, refusal: CANARY }],
      [
        { type: "text" as const, text: "a" },
        { type: "text" as const, text: CANARY },
      ],
    ]) {
      const model = scriptedModel([reply({ items: [{ type: "message", role: "assistant", content }] })]);
      const { error } = await tell(new Agent({ name: "Host", model, outputGuardrails: [blockCanary] }), "hi");
      expect(error).toBeInstanceOf(GuardrailError);
    }
  });

  it("judges a tool's result that becomes the answer", async () => {
    const model = scriptedModel([call("look")]);
    const agent = new Agent({
      name: "Host",
      model,
      tools: [tool({ name: "look", execute: () => CANARY })],
      toolUseBehavior: "stop_on_first_tool",
      outputGuardrails: [blockCanary],
    });
    const { error, events } = await tell(agent, "hi");
    expect(error).toBeInstanceOf(GuardrailError);
    expect(error).toMatchObject({
      message: 'Cannot show the answer of agent "Host": it has the secret',
      agent: "Host",
    });
    const texts = events.filter(({ type }) => type === "text_delta");
    expect(texts).toEqual([]);
  });

  it("judges structured output before its schema does, also what is asked for again", async () => {
    const model = scriptedModel([say('{"a":1'), say(`{"a":"${CANARY}"}`)]);
    const agent = new Agent({
      name: "Host",
      model,
      outputType: z.object({ a: z.string() }),
      outputGuardrails: [blockCanary],
    });
    const { error, streamed } = await tell(agent, "hi");
    expect(error).toBeInstanceOf(GuardrailError);
    expect(streamed).not.toContain(CANARY);
  });

  it("keeps text that did not finish out of the error where it was not judged", async () => {
    const model = scriptedModel([reply({ items: [say(CANARY)], finishReason: "length" })]);
    const agent = new Agent({ name: "Host", model, outputGuardrails: [blockCanary] });
    const { error, streamed } = await tell(agent, "hi");
    expect(error).toMatchObject({ name: "ModelError" });
    expect(streamed).not.toContain(CANARY);
    expect(JSON.stringify({ ...error, message: error!.message })).not.toContain(CANARY);
  });

  it("of a consulted agent judges what it answers to the one that waits", async () => {
    const model = scriptedModel({ A: [handOff("B")], B: [say(CANARY)] });
    const b = new Agent({ name: "B", model, outputGuardrails: [blockCanary] });
    const a = new Agent({ name: "A", model, handoffs: [handoff(b, { mode: "return" })] });
    const { error, streamed, stored } = await tell(a, "hi");
    expect(error).toMatchObject({ agent: "B" });
    expect(streamed + JSON.stringify(stored)).not.toContain(CANARY);
  });

  it.each(NO_VERDICTS)("that %s blocks", async (_, check) => {
    const model = scriptedModel([say("shown?")]);
    const guardrail: OutputGuardrail = { name: "odd", check: check as () => boolean };
    const { error, streamed, stored } = await tell(
      new Agent({ name: "Host", model, outputGuardrails: [guardrail] }),
      "hi",
    );
    expect(error).toMatchObject({ name: "GuardrailError", guardrail: "odd" });
    expect(streamed).not.toContain("shown?");
    expect(streamed).not.toContain(CANARY);
    expect(transcript(stored)).toEqual(['user: "hi"', "turn of Host: blocked"]);
  });

  it("that never answers blocks when its time is over", async () => {
    const clock = testClock();
    const guardrail: OutputGuardrail = { name: "slow", check: () => new Promise<boolean>(() => {}) };
    const agent = new Agent({ name: "Host", model: scriptedModel([say("x")]), outputGuardrails: [guardrail] });
    const telling = tell(agent, "hi", { clock, callbackTimeoutMs: 40 });
    await clock.advance(40);
    expect((await telling).error).toMatchObject({ guardrail: "slow" });
    expect(clock.pending).toBe(0);
  });

  it("is not asked where there is no text", async () => {
    const model = scriptedModel([call("look"), say("done")]);
    const seen: string[] = [];
    const agent = new Agent({
      name: "Host",
      model,
      tools: [tool({ name: "look", execute: () => "" })],
      outputGuardrails: [{ name: "see", check: ({ text }) => (seen.push(text), true) }],
    });
    await tell(agent, "hi");
    expect(seen).toEqual(["done"]);
  });
});

describe("the event of a guardrail", () => {
  it("tells what it judged, of which call, and how long it took", async () => {
    const yes = [{ name: "yes", check: () => true as const }];
    const model = scriptedModel([call("look"), say("done")]);
    const agent = new Agent({
      name: "Host",
      model,
      inputGuardrails: yes,
      outputGuardrails: [{ name: "no", check: (): Verdict => ({ allow: false }) }],
      tools: [tool({ name: "look", inputGuardrails: yes, outputGuardrails: yes, execute: () => "seen" })],
    });
    const { events } = await tell(agent, "hi", { clock: testClock(1_000) });
    const told = events.flatMap((event) => {
      if (event.type !== "guardrail") return [];
      const { seq: _, runId: _1, agent: _2, ...body } = event;
      return [body];
    });
    const allowed = { type: "guardrail", name: "yes", allowed: true, durationMs: 0 };
    expect(told).toStrictEqual([
      { ...allowed, kind: "input" },
      { ...allowed, kind: "tool_input", callId: "call_1" },
      { ...allowed, kind: "tool_output", callId: "call_1" },
      { ...allowed, kind: "output", name: "no", allowed: false, reason: 'guardrail "no" said no' },
    ]);
  });

  it("is not told of where there is nothing to judge: of no message that the target of a handoff would get", async () => {
    let asked = 0;
    const target = new Agent({
      name: "B",
      model: scriptedModel([say("done")]),
      inputGuardrails: [{ name: "count", check: () => (asked++, true) }],
    });
    const entry = new Agent({ name: "A", model: scriptedModel([handOff("B")]), handoffs: [target] });
    const { output } = await tell(entry, [{ role: "developer", content: "Greet." }]);
    expect([output, asked]).toEqual(["done", 0]);
  });
});

describe("a guardrail of a tool", () => {
  const secret: ToolOutputGuardrail = blockCanary_();
  function blockCanary_(): ToolOutputGuardrail {
    return {
      name: "no secrets",
      check: ({ output }) => (output.includes(CANARY) ? { allow: false, reason: "it is secret" } : true),
    };
  }

  it("on its input is told name and checked arguments; a no keeps the tool from running", async () => {
    const seen: unknown[] = [];
    let ran = 0;
    const pay = tool({
      name: "pay",
      parameters: z.object({ amount: z.number() }),
      inputGuardrails: [
        {
          name: "limit",
          check: (data, run) => {
            seen.push({ ...data }, run.agent);
            return (data.arguments as { amount: number }).amount < 10 || { allow: false, reason: "too much" };
          },
        },
      ],
      execute: () => (ran += 1),
    });
    const model = scriptedModel([calls(call("pay", { amount: 5 }), call("pay", { amount: 50 })), say("done")]);
    const { stored, events } = await tell(new Agent({ name: "Host", model, tools: [pay] }), "hi");
    expect(ran).toBe(1);
    expect(seen).toEqual([
      { name: "pay", callId: "call_1", arguments: { amount: 5 } },
      "Host",
      { name: "pay", callId: "call_2", arguments: { amount: 50 } },
      "Host",
    ]);
    const results = transcript(stored.filter(({ type }) => type === "tool_result" || type === "tool_start"));
    expect(results.sort()).toEqual([
      'result of call_1: "1"',
      'result of call_2 (error): "Refused: too much"',
      "start of call_1",
    ]);
    expect(eventSequence(events, { items: false })).toContain('guardrail tool_input limit blocked: "too much"');
  });

  it("on its output withholds it from the model, the record and the events", async () => {
    const look = tool({ name: "look", outputGuardrails: [secret], execute: () => `code ${CANARY}` });
    const model = scriptedModel([call("look"), say("done")]);
    const { streamed, stored } = await tell(new Agent({ name: "Host", model, tools: [look] }), "hi");
    expect(streamed + JSON.stringify(stored) + requestsOf(model)).not.toContain(CANARY);
    expect(transcript(stored)).toContain('result of call_1: "The result is withheld: it is secret"');
  });

  it("on its output judges errors as well", async () => {
    const look = tool({
      name: "look",
      outputGuardrails: [secret],
      execute: () => {
        throw new Error(`code ${CANARY}`);
      },
    });
    const model = scriptedModel([call("look"), say("done")]);
    const { streamed, stored } = await tell(new Agent({ name: "Host", model, tools: [look] }), "hi");
    expect(streamed + JSON.stringify(stored) + requestsOf(model)).not.toContain(CANARY);
    expect(transcript(stored)).toContain('result of call_1 (error): "The result is withheld: it is secret"');
  });

  it.each(NO_VERDICTS)("that %s blocks, on input and output", async (_, check) => {
    let ran = 0;
    const odd = [{ name: "odd", check: check as () => boolean }];
    const first = tool({ name: "first", inputGuardrails: odd, execute: () => (ran += 1) });
    const last = tool({ name: "last", outputGuardrails: odd, execute: () => "hidden?" });
    const model = scriptedModel([calls(call("first"), call("last")), say("done")]);
    const { output, streamed } = await tell(new Agent({ name: "Host", model, tools: [first, last] }), "hi");
    expect(output).toBe("done");
    expect(ran).toBe(0);
    expect(streamed).not.toContain("hidden?");
  });

  it("that never answers blocks when its time is over", async () => {
    const clock = testClock();
    const slow = [{ name: "slow", timeoutMs: 20, check: () => new Promise<boolean>(() => {}) }];
    const first = tool({ name: "first", inputGuardrails: slow, execute: () => expect.fail() });
    const last = tool({ name: "last", outputGuardrails: slow, execute: () => "hidden?" });
    const model = scriptedModel([calls(call("first"), call("last")), say("done")]);
    const telling = tell(new Agent({ name: "Host", model, tools: [first, last] }), "hi", { clock });
    await clock.advance(20);
    const { output, streamed } = await telling;
    expect(output).toBe("done");
    expect(streamed).not.toContain("hidden?");
    expect(clock.pending).toBe(0);
  });
});
