import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Agent,
  GuardrailError,
  handoff,
  type Model,
  ModelError,
  type ModelEvent,
  RunError,
  Runner,
  type RunResult,
  run,
  tool,
  wrapModel,
} from "@batonjs/core";
import { secret } from "@batonjs/core/tracing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  call,
  calls,
  collect,
  endEarly,
  fail,
  garbage,
  handOff,
  reason,
  reply,
  requestOf,
  say,
  type Script,
  scriptedModel,
  stall,
  testClock,
  transcript,
} from "../index.ts";
import { type Cassette, CassetteError, type CassetteOptions, openCassette } from "./index.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-cassette-"));
  path = join(folder, "deep/test.json");
  vi.stubEnv("CI", "");
  vi.stubEnv("BATON_CASSETTES", "");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

const clock = testClock();
const record = (model: Model, options: CassetteOptions = {}): Promise<Cassette> =>
  openCassette(path, { clock, ...options, record: model, mode: "record" });
const file = (): string => readFileSync(path, "utf8");

const message = (content: string) => ({ type: "message", id: "1", role: "user", content }) as const;

/** All events of one request. */
async function ask(
  model: Model,
  content: string,
  options: Parameters<typeof requestOf>[1] = {},
): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of model.stream(requestOf([message(content)], options))) events.push(event);
  return events;
}

/** A desk of two agents with tools; `model` is asked by both. */
function desk(model: Model, words: { readonly instructions?: string; readonly description?: string } = {}) {
  const { instructions = "Help with bills.", description = "Finds charges." } = words;
  const lookup = tool({
    name: "lookup",
    description,
    parameters: { type: "object", properties: { id: { type: "number" } } },
    sideEffects: "none",
    execute: () => "2 charges of 29 EUR",
  });
  const refund = tool({ name: "refund", parameters: { type: "object" }, execute: () => "Refunded." });
  const billing = new Agent({ name: "Billing", instructions, model, tools: [lookup, refund] });
  return new Agent({ name: "Triage", model, handoffs: [handoff(billing, { when: "refunds" })] });
}

/** A conversation with a handoff, reasoning and calls side by side. */
const script = (prefix = "call"): Script => ({
  Triage: [handOff("billing", {}, { callId: `${prefix}_x` })],
  Billing: [
    calls(
      reason("Look first.", { id: `rs_${prefix}`, encrypted_content: prefix.repeat(9), created_at: prefix.length }),
      say(["Let me ", "look."]),
      { type: "provider_item", provider: "scripted", data: { after: `rs_${prefix}` } },
      call("lookup", { id: 1 }, { callId: `${prefix}_y` }),
      call("refund", { id: 1 }, { callId: `${prefix}_z` }),
    ),
    reply({ items: [say(["You were ", "refunded."])], usage: { inputTokens: 7, outputTokens: 3 }, responseId: prefix }),
  ],
});
const converse = (model: Model): Promise<RunResult<string>> => run(desk(model), "I was charged twice");

async function recordDesk(prefix?: string): Promise<RunResult<string>> {
  const cassette = await record(scriptedModel(script(prefix), { chunkSize: 4 }));
  const result = await converse(cassette.model);
  cassette.close();
  return result;
}

describe("a cassette", () => {
  it("gives the same run again, with no model", async () => {
    const recorded = await recordDesk();
    const cassette = await openCassette(path);
    expect(cassette.recording).toBe(false);
    expect(cassette.model).toMatchObject({ name: "scripted", provider: "scripted" });
    const replayed = await converse(cassette.model);
    cassette.close();
    expect(replayed.finalOutput).toBe("You were refunded.");
    expect(replayed.usage).toEqual(recorded.usage);
    const names = { call_x: "call_1", call_y: "call_2", call_z: "call_3", rs_call: "id_1" };
    const named = (text: string): string =>
      text.replaceAll(/call_[xyz]|rs_call/g, (id) => names[id as keyof typeof names]);
    expect(transcript(replayed.history)).toEqual(transcript(recorded.history).map(named));
  });

  it("is a file that can be read", async () => {
    await recordDesk();
    const lines = file().split("\n");
    expect(lines.slice(lines.findIndex((line) => line.includes('"exchanges"'))).join("\n")).toMatchInlineSnapshot(`
      "  "exchanges": [
          {
            "number": 1,
            "agent": "Triage",
            "items": [{ "type": "message", "role": "user", "content": "I was charged twice" }],
            "stream": [{ "call": "call_1", "name": "transfer_to_billing", "arguments": ["{}"], "waits": [0] }],
            "end": {
              "reply": {
                "items": [{ "type": "tool_call", "callId": "call_1", "name": "transfer_to_billing", "arguments": "{}" }],
                "finishReason": "tool_calls",
                "usage": { "inputTokens": 10, "outputTokens": 5 },
                "responseId": "resp_1"
              },
              "wait": 0
            }
          },
          {
            "number": 2,
            "agent": "Billing",
            "continues": 1,
            "items": [
              {
                "type": "tool_call",
                "callId": "call_1",
                "name": "transfer_to_billing",
                "arguments": "{}",
                "agent": "Triage",
                "handoff": true
              },
              {
                "type": "tool_result",
                "agent": "Triage",
                "callId": "call_1",
                "output": "The conversation is with Billing now.",
                "status": "ok"
              }
            ],
            "stream": [
              { "reasoning": ["Look", " fir", "st."], "waits": [0, 0, 0] },
              { "text": ["Let me ", "look."], "waits": [0, 0] },
              { "call": "call_2", "name": "lookup", "arguments": ["{\\"id", "\\":1}"], "waits": [0, 0] },
              { "call": "call_3", "name": "refund", "arguments": ["{\\"id", "\\":1}"], "waits": [0, 0] }
            ],
            "end": {
              "reply": {
                "items": [
                  {
                    "type": "reasoning",
                    "summary": "Look first.",
                    "provider": "scripted",
                    "data": { "created_at": 0, "encrypted_content": "[encrypted]", "id": "id_1" }
                  },
                  { "type": "message", "role": "assistant", "content": "Let me look." },
                  { "type": "provider_item", "provider": "scripted", "data": { "after": "id_1" } },
                  { "type": "tool_call", "callId": "call_2", "name": "lookup", "arguments": "{\\"id\\":1}" },
                  { "type": "tool_call", "callId": "call_3", "name": "refund", "arguments": "{\\"id\\":1}" }
                ],
                "finishReason": "tool_calls",
                "usage": { "inputTokens": 10, "outputTokens": 5 },
                "responseId": "resp_2"
              },
              "wait": 0
            }
          },
          {
            "number": 3,
            "agent": "Billing",
            "continues": 2,
            "items": [
              {
                "type": "reasoning",
                "summary": "Look first.",
                "provider": "scripted",
                "data": { "created_at": 0, "encrypted_content": "[encrypted]", "id": "id_1" },
                "agent": "Billing"
              },
              { "type": "message", "role": "assistant", "content": "Let me look.", "agent": "Billing" },
              { "type": "provider_item", "provider": "scripted", "data": { "after": "id_1" }, "agent": "Billing" },
              {
                "type": "tool_call",
                "callId": "call_2",
                "name": "lookup",
                "arguments": "{\\"id\\":1}",
                "agent": "Billing"
              },
              {
                "type": "tool_call",
                "callId": "call_3",
                "name": "refund",
                "arguments": "{\\"id\\":1}",
                "agent": "Billing"
              },
              {
                "type": "tool_result",
                "agent": "Billing",
                "callId": "call_2",
                "output": "2 charges of 29 EUR",
                "status": "ok"
              },
              {
                "type": "tool_result",
                "agent": "Billing",
                "callId": "call_3",
                "output": "Refunded.",
                "status": "ok"
              }
            ],
            "stream": [{ "text": ["You were ", "refunded."], "waits": [0, 0] }],
            "end": {
              "reply": {
                "items": [{ "type": "message", "role": "assistant", "content": "You were refunded." }],
                "finishReason": "stop",
                "usage": { "inputTokens": 7, "outputTokens": 3 },
                "responseId": "resp_3"
              },
              "wait": 0
            }
          }
        ]
      }
      "
    `);
  });

  it("keeps the chunks of a stream, and the time between them", async () => {
    const clock = testClock();
    const slow: Model = {
      name: "slow",
      provider: "p",
      async *stream() {
        for (const delta of ["a", "b"]) {
          await clock.advance(20);
          yield { type: "text_delta", delta };
        }
        await clock.advance(5);
        yield { type: "reset", reason: "again" };
        yield { type: "reasoning_delta", delta: "hm" };
        yield { type: "tool_call_delta", callId: "x", name: "lookup", delta: "{" };
        yield { type: "tool_call_delta", callId: "x", delta: "}" };
        yield { type: "tool_call_delta", callId: "y", name: "lookup", delta: "{}" };
        await clock.advance(300);
        yield {
          type: "reply",
          items: [{ type: "message", role: "assistant", content: "ab" }],
          finishReason: "stop",
          usage: { inputTokens: 1, outputTokens: 2, cachedInputTokens: 1 },
          model: "slow-2026",
          notes: [{ plugin: "x", data: { id: "kept" } }],
        };
      },
    };
    const cassette = await record(slow, { clock });
    const recorded = await ask(cassette.model, "hi");
    cassette.close();
    expect(file()).toContain('{ "text": ["a", "b"], "waits": [20, 20] }');

    const replay = await openCassette(path);
    const named = JSON.parse(
      JSON.stringify(recorded).replace(/"x"/g, '"call_1"').replace(/"y"/g, '"call_2"'),
    ) as object;
    const plugin = { notes: [{ plugin: "x", data: { id: "kept" } }] };
    expect(await ask(replay.model, "hi")).toEqual(
      (named as ModelEvent[]).map((e) => (e.type === "reply" ? { ...e, ...plugin } : e)),
    );

    const timed = testClock();
    const waiting = await openCassette(path, { timing: "recorded", clock: timed });
    const arrivals: string[] = [];
    const done = (async () => {
      for await (const { type } of waiting.model.stream(requestOf([message("hi")])))
        arrivals.push(`${timed.now() - 1_700_000_000_000} ${type}`);
    })();
    await timed.advance(1_000);
    await done;
    expect(arrivals).toEqual([
      "20 text_delta",
      "40 text_delta",
      "45 reset",
      "45 reasoning_delta",
      "45 tool_call_delta",
      "45 tool_call_delta",
      "45 tool_call_delta",
      "345 reply",
    ]);
    expect(timed.pending).toBe(0);
  });

  it("is the same file when the same conversation is recorded again, under other ids", async () => {
    await recordDesk("call");
    const first = file();
    rmSync(path);
    await recordDesk("fc_67f2");
    expect(file()).toBe(first);
  });

  it("stays as it is when a new recording differs in timing alone", async () => {
    const at = (step: number): CassetteOptions => {
      let now = 0;
      return { clock: { ...testClock(), now: () => (now += step) } };
    };
    const once = async (step: number, text: string): Promise<void> => {
      const cassette = await record(scriptedModel([say(text)]), at(step));
      await ask(cassette.model, "hi");
      cassette.close();
    };
    await once(10, "Hello.");
    const first = file();
    await once(70, "Hello.");
    expect(file()).toBe(first);
    await once(70, "Good day.");
    expect(file()).toContain('"waits": [70]');
  });

  it("throws again what the model threw", async () => {
    const errors: readonly unknown[] = [
      new ModelError("Cannot answer", { kind: "rate_limit", status: 429, retryAfterMs: 2_000, partialText: "He" }),
      new RunError("No", { code: "mine" }),
      new GuardrailError("tone", "rude", "Not that", { agent: "Agent" }),
      new RangeError("out"),
      Object.assign(new Error("odd"), { name: "OddError" }),
      { just: "a value" },
    ];
    const cassette = await record(scriptedModel(errors.map((error) => fail(error, say("He")))));
    const thrownBy = async (model: Model): Promise<unknown[]> => {
      const thrown: unknown[] = [];
      for (const i of errors.keys()) thrown.push(await ask(model, `question ${i}`).catch((error: unknown) => error));
      return thrown;
    };
    expect(await thrownBy(cassette.model)).toEqual(errors);
    cassette.close();
    const replay = await openCassette(path);
    const thrown = await thrownBy(replay.model);
    replay.close();
    expect(thrown[0]).toBeInstanceOf(ModelError);
    expect(thrown[0]).toMatchObject({
      message: "Cannot answer",
      kind: "rate_limit",
      status: 429,
      retryAfterMs: 2_000,
      retryable: true,
      partialText: "He",
    });
    expect(thrown[1]).toBeInstanceOf(RunError);
    expect(thrown[1]).toMatchObject({ message: "No", code: "mine" });
    expect(thrown[2]).toBeInstanceOf(RunError);
    expect(thrown[2]).toMatchObject({ name: "GuardrailError", message: "Not that", code: "guardrail_tripped" });
    expect(thrown[3]).toBeInstanceOf(RangeError);
    expect(thrown[4]).toMatchObject({ name: "OddError", message: "odd" });
    expect(thrown[5]).toEqual({ just: "a value" });
  });

  it("ends without a reply where the model did", async () => {
    const cassette = await record(scriptedModel([endEarly("He")]));
    await ask(cassette.model, "hi");
    cassette.close();
    const { model } = await openCassette(path);
    expect(await ask(model, "hi")).toEqual([{ type: "text_delta", delta: "He" }]);
  });

  it("stops where a replay is aborted", async () => {
    const script = { Agent: [say(["a", "b", "c"])], Other: [say("Hello.")] };
    const cassette = await record(scriptedModel(script));
    await ask(cassette.model, "hi");
    await ask(cassette.model, "hi", { agent: "Other" });
    cassette.close();
    const replay = await openCassette(path, { timing: "recorded", clock });
    const stop = new AbortController();
    const seen: ModelEvent[] = [];
    const read = async (): Promise<void> => {
      for await (const event of replay.model.stream(requestOf([message("hi")], { signal: stop.signal }))) {
        seen.push(event);
        stop.abort("enough");
      }
    };
    await expect(read()).rejects.toBe("enough");
    expect(seen).toEqual([{ type: "text_delta", delta: "a" }]);
    await expect(ask(replay.model, "hi", { agent: "Other", signal: stop.signal })).rejects.toBe("enough");
    expect(() => replay.close()).toThrow('with 1 recording that no request has taken: 2 (agent "Other")');
  });

  it("stops a whole run that is aborted, while it waits as the model did", async () => {
    let now = 0;
    const cassette = await record(scriptedModel([say(["a", "b"])]), { clock: { ...clock, now: () => (now += 50) } });
    await run(new Agent({ name: "Agent", model: cassette.model }), "hi");
    cassette.close();
    const time = testClock();
    const replay = await openCassette(path, { timing: "recorded", clock: time });
    const stop = new AbortController();
    const replayed = run(new Agent({ name: "Agent", model: replay.model }), "hi", { signal: stop.signal });
    const failed = expect(replayed).rejects.toMatchObject({ code: "aborted" });
    await time.advance(60);
    stop.abort();
    await failed;
    await time.settle();
    expect(time.pending).toBe(0);
    replay.close();
  });

  it("waits for the abort where the recording was aborted while the model was silent", async () => {
    const askAborted = async (model: Model): Promise<unknown> => {
      const stop = new AbortController();
      const asked = ask(model, "hi", { signal: stop.signal });
      await clock.settle();
      stop.abort("enough");
      return asked.catch((error: unknown) => error);
    };
    const cassette = await record(scriptedModel([stall(say("He"))]));
    expect(await askAborted(cassette.model)).toBe("enough");
    cassette.close();
    expect(file()).toContain('"stopped": "aborted"');
    const replay = await openCassette(path);
    expect(await askAborted(replay.model)).toBe("enough");
    replay.close();
  });

  it("says so when a replay reads on where its recording was left", async () => {
    const cassette = await record(scriptedModel([say(["a", "b"])]));
    for await (const _ of cassette.model.stream(requestOf([message("hi")]))) break;
    cassette.close();
    const replay = await openCassette(path);
    await expect(ask(replay.model, "hi")).rejects.toThrow("Cannot go on with recording 1");
    expect(() => replay.close()).toThrow(CassetteError);
  });

  it("records all models of a runner as a plugin", async () => {
    const names = { Triage: "small", Billing: "large" } as const;
    const play = (cassette: Cassette, scripted: Model): Promise<RunResult<string>> => {
      const billing = new Agent({ name: "Billing", model: `test/${names.Billing}` });
      const triage = new Agent({ name: "Triage", model: `test/${names.Triage}`, handoffs: [billing] });
      const test = {
        name: "test",
        model: (name: string): Model => ({ ...scripted, name, stream: (r) => scripted.stream(r) }),
      };
      return new Runner({ plugins: [test, cassette.plugin] }).run(triage, "refund me");
    };
    const cassette = await openCassette(path, { mode: "record", clock });
    await play(cassette, scriptedModel({ Triage: [handOff("billing")], Billing: [say("Done.")] }));
    cassette.close();
    expect(() => cassette.model).toThrow("no model is given; set the option record");
    const replay = await openCassette(path);
    const result = await play(replay, scriptedModel([]));
    replay.close();
    const turns = result.history.filter((item) => item.type === "turn");
    expect(turns.map(({ model }) => model)).toEqual(["small", "large"]);
  });

  it("does not call what makes the real model to replay it", async () => {
    await recordDesk();
    const make = vi.fn<() => Model>();
    const cassette = await openCassette(path, { record: make });
    await converse(cassette.model);
    cassette.close();
    expect(make).not.toHaveBeenCalled();
    rmSync(path);
    const recording = await openCassette(path, {
      mode: "missing",
      record: () => Promise.resolve(scriptedModel([say("Hello.")])),
    });
    await ask(recording.model, "hi");
    recording.close();
    expect(file()).toContain("Hello.");
  });

  it("keeps call ids of the test apart from those that it gives", async () => {
    const items = [
      message("hi"),
      { type: "tool_call", id: "2", agent: "Agent", callId: "call_1", name: "lookup", arguments: "{}" },
      { type: "tool_result", id: "3", callId: "call_1", output: "ok", status: "ok" },
    ] as const;
    const cassette = await record(scriptedModel([call("lookup", {}, { callId: "real" })]));
    for await (const _ of cassette.model.stream(requestOf(items)));
    cassette.close();
    const { model } = await openCassette(path);
    const events = await collect(model.stream(requestOf(items)));
    expect(events.at(-1)).toMatchObject({ items: [{ callId: "call_2" }] });
  });

  it("is not made of events that are no plain data", async () => {
    const cassette = await record(scriptedModel([garbage({ type: "text_delta", delta: 1n })]));
    await expect(ask(cassette.model, "hi")).rejects.toThrow(TypeError);
  });
});

describe("a replay", () => {
  const misses = async (asked: (model: Model) => Promise<unknown>, options?: CassetteOptions): Promise<Cassette> => {
    const cassette = await openCassette(path, options);
    await expect(asked(cassette.model)).rejects.toThrow();
    return cassette;
  };

  it("names the first difference where the conversation is another one", async () => {
    await recordDesk();
    const cassette = await misses((model) => run(desk(model), "I was charged thrice"));
    expect(() => cassette.close()).toThrow(
      new CassetteError(
        "mismatch",
        path,
        `Cannot answer request 1, of agent "Triage", from "${path}": it differs from recording 1 in items[0].content:
  recorded: "I was charged twice"
  now:      "I was charged thrice"
the conversation is another one; run the test with BATON_CASSETTES=record to record it again`,
      ),
    );
  });

  it("says that an agent has changed, and what of it", async () => {
    await recordDesk();
    for (const [words, at] of [
      [{ description: "Finds all charges." }, 'tools["lookup"].description'],
      [{ instructions: "Help with the bills." }, "instructions"],
    ] as const) {
      const cassette = await misses((model) => run(desk(model, words), "I was charged twice"));
      expect(cassette.problems[0]).toMatchObject({ code: "stale" });
      expect(cassette.problems[0]?.message).toContain(
        `of agent "Billing", from "${path}": it differs from recording 2 in ${at}:`,
      );
    }
  });

  it("says that another model is asked now", async () => {
    await recordDesk();
    const cassette = await misses(converse, { record: scriptedModel(() => say("no"), { name: "newer" }) });
    expect(cassette.problems[0]?.message).toContain("differs from recording 1 in model.name");
  });

  it("lets differ what it is told, and reports it", async () => {
    await recordDesk();
    const changed = { description: "Finds all charges.", instructions: "Help." };
    for (const match of ["lenient", { ignore: ["instructions", "tools"] }] as const) {
      const cassette = await openCassette(path, { match });
      await run(desk(cassette.model, changed), "I was charged twice");
      cassette.close();
      expect(cassette.stale).toHaveLength(4);
      expect(cassette.stale.join("\n")).toContain(
        'recording 2, agent "Billing": instructions was "Help with bills.", is now "Help."',
      );
    }
    const cassette = await misses((model) => run(desk(model, changed), "I was charged twice"), {
      match: { ignore: ["tools"] },
    });
    expect(cassette.problems[0]?.message).toContain("in instructions:");
    const lenient = await misses((model) => run(desk(model), "something else"), { match: "lenient" });
    expect(lenient.problems[0]).toMatchObject({ code: "mismatch" });
    const any = await openCassette(path, { match: { ignore: ["items"] } });
    expect((await run(desk(any.model), "something else")).finalOutput).toBe("You were refunded.");
  });

  it("remembers a mismatch that a wrapper swallows", async () => {
    await recordDesk();
    const cassette = await openCassette(path);
    const swallowing = wrapModel(cassette.model, {
      name: "swallow",
      wrapModel: (inner) => ({
        name: inner.name,
        provider: inner.provider,
        async *stream(request) {
          try {
            yield* inner.stream(request);
          } catch {
            yield* scriptedModel([say("All is well.")]).stream(request);
          }
        },
      }),
    });
    expect((await run(new Agent({ name: "Triage", model: swallowing }), "hi")).finalOutput).toBe("All is well.");
    expect(() => cassette.assertDone()).toThrow("it differs from recording 1 in handoffs");
  });

  it("says that the recordings of an agent are used up, or that there are none", async () => {
    const cassette = await record(scriptedModel([say("Hello.")]));
    await ask(cassette.model, "hi");
    cassette.close();
    const replay = await openCassette(path);
    await ask(replay.model, "hi");
    await expect(ask(replay.model, "hi")).rejects.toThrow(
      `Cannot answer request 2, of agent "Agent", from "${path}": its one recording is replayed already; run`,
    );
    await expect(ask(replay.model, "hi", { agent: "Other", purpose: "summary" })).rejects.toThrow(
      'of agent "Other" (summary), from',
    );
  });

  it("names recordings that nothing has asked for", async () => {
    await recordDesk();
    const cassette = await openCassette(path);
    expect(() => cassette.close()).toThrow(
      `Cannot end the replay of "${path}" with 3 recordings that no request has taken: 1 (agent "Triage"), 2 (agent "Billing"), 3 (agent "Billing"); run`,
    );
    expect(() => cassette.assertDone()).toThrow(expect.objectContaining({ code: "unused" }));
    await converse(cassette.model);
    cassette.close();
  });

  it("answers agents that run side by side in any order", async () => {
    const script = { A: [say("I am A.")], B: [say("I am B.")] };
    const cassette = await record(scriptedModel(script));
    await Promise.all(["A", "B"].map((agent) => ask(cassette.model, "hi", { agent })));
    cassette.close();
    const replay = await openCassette(path);
    const [b, a] = await Promise.all(["B", "A"].map((agent) => ask(replay.model, "hi", { agent })));
    replay.close();
    expect([a?.[0], b?.[0]]).toMatchObject([{ delta: "I am A." }, { delta: "I am B." }]);
  });

  it("gives the same question of two nested runs to the run that asked", async () => {
    const paths = [["x"], ["y"]];
    const cassette = await record(scriptedModel([say("of x"), say("of y")]));
    for (const path of paths) await ask(cassette.model, "hi", { path });
    cassette.close();
    // The names that the recording has for x and y.
    const { model } = await openCassette(path);
    expect((await ask(model, "hi", { path: ["given_2"] }))[0]).toMatchObject({ delta: "of y" });
    expect((await ask(model, "hi", { path: ["given_1"] }))[0]).toMatchObject({ delta: "of x" });
  });
});

describe("a recording", () => {
  const KEY = "sk-proj-0123456789abcdef";

  it("has no secrets, and replays nevertheless", async () => {
    secret("the launch code is swordfish");
    const texts = [
      `my key is ${KEY}`,
      "postgres://ann:hunter22@db.example/prod",
      "the launch code is swordfish",
      "Ann Smith",
    ];
    const agent = (model: Model) =>
      new Agent({
        name: "Keys",
        instructions: `Use the password: correcthorse, and ${KEY}`,
        model,
        tools: [
          tool({
            name: "login",
            description: "password: of the user",
            parameters: { type: "object", properties: { password: { type: "string" } } },
            execute: () => JSON.stringify({ access_token: "abcdefgh12345678", pwd: "xyz" }),
          }),
        ],
      });
    const options: CassetteOptions = { redact: ["Ann Smith", { match: /order \d+/, with: "order 0" }] };
    const real = scriptedModel(
      [
        calls(say(`I log in with ${KEY}.`), call("login", { password: "pw", card_number: 4242 })),
        reply({ items: [say("Done, order 77.")], providerData: { authorization: "Basic abc", note: KEY } }),
        fail(new ModelError(`Incorrect API key: ${KEY}`, { kind: "auth", partialText: KEY }), say("x")),
      ],
      { chunkSize: 5 },
    );
    const cassette = await record(real, options);
    const talk = async (model: Model): Promise<readonly string[]> => {
      const { finalOutput } = await run(agent(model), texts.join(", "));
      const failed: unknown = await run(agent(model), "again").catch((error: unknown) => error);
      return [String(finalOutput), (failed as Error).message];
    };
    expect(await talk(cassette.model)).toEqual(["Done, order 77.", `Incorrect API key: ${KEY}`]);
    cassette.close();
    for (const hidden of [
      KEY,
      "sk-pr",
      "0123456789",
      "hunter22",
      "swordfish",
      "Ann Smith",
      "correcthorse",
      "abcdefgh12345678",
      "xyz",
      "4242",
      '\\"pw\\"',
      "Basic abc",
      "order 77",
    ]) {
      expect(file()).not.toContain(hidden);
    }
    // A schema has a field of that name, and is no secret.
    expect(file()).toContain('"password": { "type": "string" }');
    const replay = await openCassette(path, options);
    expect(await talk(replay.model)).toEqual(["Done, order 0.", "Incorrect API key: [redacted]"]);
    replay.close();
  });

  it("is made by the flag alone, for all or for what is missing", async () => {
    await expect(openCassette(path)).rejects.toThrow(
      new CassetteError(
        "missing",
        path,
        `Cannot replay "${path}": there is no such file; run the test with BATON_CASSETTES=record to record it`,
      ),
    );
    const real = (text: string): CassetteOptions => ({ clock, record: scriptedModel(() => say(text)) });
    const opened = async (text: string, flag: string): Promise<boolean> => {
      vi.stubEnv("BATON_CASSETTES", flag);
      const cassette = await openCassette(path, real(text));
      await ask(cassette.model, "hi");
      cassette.close();
      return cassette.recording;
    };
    expect(await opened("One.", "missing")).toBe(true);
    expect(await opened("Two.", "missing")).toBe(false);
    expect(file()).toContain("One.");
    expect(await opened("Two.", "record")).toBe(true);
    expect(file()).toContain("Two.");
    expect(await opened("Three.", "replay")).toBe(false);
  });

  it("is refused in CI, unless the flag asks for it", async () => {
    vi.stubEnv("CI", "true");
    const options: CassetteOptions = { record: scriptedModel([]), mode: "record" };
    await expect(openCassette(path, options)).rejects.toMatchObject({
      code: "refused",
      message: `Cannot record "${path}": this is CI, where mode "record" of a test records nothing; record it elsewhere, or set BATON_CASSETTES=record`,
    });
    vi.stubEnv("BATON_CASSETTES", "record");
    expect((await openCassette(path, options)).recording).toBe(true);
  });

  it("is written when it is closed, whole", async () => {
    const cassette = await record(scriptedModel([say("Hello.")]));
    await ask(cassette.model, "hi");
    expect(existsSync(path)).toBe(false);
    cassette.assertDone();
    cassette.close();
    expect(existsSync(path)).toBe(true);
    expect(existsSync(`${path}.tmp`)).toBe(false);
  });
});

describe("openCassette()", () => {
  it.each([
    ["{", "unreadable", "it is no JSON"],
    ["[]", "unreadable", "it is no cassette"],
    ['{"cassette":1,"agents":[],"exchanges":[{}]}', "unreadable", "a field is missing or of the wrong type"],
    ['{"cassette":2}', "stale", "it is of version 2 of the format, this is version 1"],
  ])("does not read %s", async (text, code, why) => {
    path = join(folder, "bad.json");
    writeFileSync(path, text);
    const error = await openCassette(path).catch((error: unknown) => error);
    expect(error).toMatchObject({ code, path });
    expect((error as Error).message).toContain(why);
  });

  it("refuses options that it does not know", async () => {
    const wrong = (options: object, text: string): Promise<void> =>
      expect(openCassette(path, options)).rejects.toThrow(new TypeError(text));
    await wrong({ mode: "rewind" }, 'Cannot use "rewind" as mode: expected replay, record, missing');
    await wrong({ timing: "fast" }, 'Cannot use "fast" as timing: expected recorded, none');
    const fields = "model, instructions, tools, handoffs, output, settings, items";
    await wrong(
      { match: "loose" },
      `Cannot match by "loose": expected "strict", "lenient" or { ignore } with ${fields}`,
    );
    await wrong(
      { match: { ignore: ["ids"] } },
      `Cannot match by {"ignore":["ids"]}: expected "strict", "lenient" or { ignore } with ${fields}`,
    );
    await wrong({ redact: [7] }, "Cannot redact with 7: expected a text, a pattern, { match, with } or a function");
    vi.stubEnv("BATON_CASSETTES", "yes");
    await wrong({}, 'Cannot use "yes" as BATON_CASSETTES: expected replay, record, missing');
    await expect(openCassette("")).rejects.toThrow("Cannot open a cassette: expected a path to a file");
  });
});
