import "@batonjs/testing/vitest";
import {
  Agent,
  approve,
  type AnyAgent,
  handBack,
  handoff,
  type HandoffOptions,
  type Item,
  type Json,
  type Pending,
  RunError,
  Runner,
  type RunnerOptions,
  run,
  type Tool,
  type ToolContext,
  tool,
  toolResult,
  type ToolResultItem,
  type ToolSource,
  user,
} from "@batonjs/core";
import {
  call,
  calls,
  collect,
  eventSequence,
  handOff,
  say,
  scriptedModel,
  testClock,
  testIds,
  transcript,
} from "@batonjs/testing";
import { hostileArguments, hostileArgumentsSchema, hostileResults, hostileThrown } from "@batonjs/testing/corpus";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { rejection, tick } from "../__fixtures__/promises.ts";

const resultsOf = (items: readonly Item[]): ToolResultItem[] =>
  items.filter((item): item is ToolResultItem => item.type === "tool_result");

/** A run of one agent whose model calls `names` in one reply and then says "done". */
async function runCalls(tools: readonly Tool[], names: readonly string[], options = {}): Promise<ToolResultItem[]> {
  const model = scriptedModel([calls(...names.map((name) => call(name))), say("done")]);
  const result = await run(new Agent({ name: "Host", model, tools: [...tools] }), "hi", options as { context: never });
  expect(result.finalOutput).toBe("done");
  return resultsOf(result.history);
}

describe("the calls of a reply", () => {
  it("run side by side; their results are recorded as they arrive, and shown in the order of the calls", async () => {
    const waits = {
      a: Promise.withResolvers<string>(),
      b: Promise.withResolvers<string>(),
      c: Promise.withResolvers<string>(),
    };
    const tools = (["a", "b", "c"] as const).map((name) =>
      tool({ name, execute: () => waits[name].promise, sideEffects: "none" }),
    );
    const model = scriptedModel([[say("Looking."), call("a"), call("b"), call("c")], say("done")]);
    const running = run(new Agent({ name: "Host", model, tools }), "hi");
    for (const name of ["c", "a", "b"] as const) {
      waits[name].resolve(`result of ${name}`);
      await tick();
    }
    const { history } = await running;
    expect(resultsOf(history).map(({ output }) => output)).toEqual(["result of c", "result of a", "result of b"]);
    expect(transcript(model.request(1).items)).toEqual([
      'user: "hi"',
      'Host: "Looking."',
      "Host calls a({}) [call_1]",
      "Host calls b({}) [call_2]",
      "Host calls c({}) [call_3]",
      'result of call_1: "result of a"',
      'result of call_2: "result of b"',
      'result of call_3: "result of c"',
    ]);
  });

  it.each([1, 2, 5])("run at most %d at a time, and start in order", async (maxConcurrentTools) => {
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const work = tool({
      name: "work",
      parameters: z.object({ n: z.number() }),
      async execute({ n }) {
        started.push(n);
        most = Math.max(most, (running += 1));
        await tick();
        running -= 1;
        return n;
      },
    });
    const model = scriptedModel([calls(...[0, 1, 2, 3, 4].map((n) => call("work", { n }))), say("done")]);
    await run(new Agent({ name: "Host", model, tools: [work] }), "hi", { maxConcurrentTools });
    expect(started).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(Math.min(5, maxConcurrentTools));
  });

  it.each([
    [2, 0],
    [3, 0],
    [4, 1],
    [30, 27],
  ])("that are %d run up to maxToolCalls; the other %d are answered with an error", async (count, refused) => {
    let ran = 0;
    const work = tool({ name: "work", execute: () => (ran += 1) });
    const results = await runCalls(
      [work],
      Array.from({ length: count }, () => "work"),
      { maxToolCalls: 3 },
    );
    expect(ran).toBe(count - refused);
    expect(results).toHaveLength(count);
    const errors = results.filter(({ status }) => status === "error");
    expect(errors).toHaveLength(refused);
    for (const { output } of errors) expect(output).toContain("maxToolCalls");
  });

  it("of which one fails let the others finish", async () => {
    const good = tool({ name: "good", execute: () => tick().then(() => "fine") });
    const bad = tool({
      name: "bad",
      execute: () => {
        throw new Error("broken");
      },
    });
    const results = await runCalls([good, bad], ["bad", "good"]);
    expect(results.map(({ output, status }) => [status, output])).toEqual([
      ["error", '"bad" failed: broken'],
      ["ok", "fine"],
    ]);
  });
});

describe("a tool", () => {
  it("gets its arguments parsed, and who calls it", async () => {
    const seen: unknown[] = [];
    const contexts: ToolContext<{ user: string }>[] = [];
    const look = tool({
      name: "look",
      parameters: z.object({ id: z.string().transform(Number), page: z.number().default(1) }),
      execute: (args, run: ToolContext<{ user: string }>) => {
        seen.push(args, run.callId, run.idempotencyKey, run.agent, run.runId, run.context, run.usage.requests);
        contexts.push(run);
        expect(run.signal.aborted).toBe(false);
        return "seen";
      },
    });
    const model = scriptedModel([call("look", { id: "7" }), say("done")]);
    const context = { user: "ada" };
    const runner = new Runner({ newId: testIds() });
    const result = await runner.run(new Agent({ name: "Host", model, tools: [look] }), "hi", { context });
    const callItem = result.history.find(({ type }) => type === "tool_call")!;
    expect(seen).toEqual([{ id: 7, page: 1 }, "call_1", callItem.id, "Host", "run_1", context, 1]);
    expect(seen[5]).toBe(context);
    expect(contexts[0]!.session).toBeUndefined();
    expect(JSON.stringify(result.history)).not.toContain("ada");
  });

  it("may be checked by a raw JSON Schema, and by a schema that takes its time", async () => {
    const raw = tool({
      name: "raw",
      parameters: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
      execute: (args) => JSON.stringify(args),
    });
    const slow = tool({
      name: "slow",
      parameters: z.object({ n: z.number().refine(async (n) => (await tick(), n > 1), "too small") }),
      execute: ({ n }) => `n is ${n}`,
    });
    const model = scriptedModel([
      calls(
        call("raw", { n: 1 }),
        call("raw", { n: 1.5 }),
        call("raw"),
        call("slow", { n: 1 }),
        call("slow", { n: 2 }),
      ),
      say("done"),
    ]);
    const { history } = await run(new Agent({ name: "Host", model, tools: [raw, slow] }), "hi");
    const outputs = new Map(resultsOf(history).map(({ callId, status, output }) => [callId, [status, output]]));
    expect([1, 2, 3, 4, 5].map((n) => outputs.get(`call_${n}`))).toEqual([
      ["ok", '{"n":1}'],
      ["error", "Invalid arguments: n: expected integer, received number"],
      ["error", "Invalid arguments: n: is required"],
      ["error", "Invalid arguments: n: too small"],
      ["ok", "n is 2"],
    ]);
  });

  it("has its arguments checked once for each call, as a handoff has its payload", async () => {
    let checks = 0;
    const counted = z.object({ n: z.number().refine(() => (checks += 1)) });
    const look = tool({ name: "look", parameters: counted, execute: () => "seen" });
    const model = scriptedModel({ Host: [call("look", { n: 1 }), handOff("other", { n: 2 })], Other: [say("done")] });
    const other = new Agent({ name: "Other", model });
    await run(
      new Agent({ name: "Host", model, tools: [look], handoffs: [handoff(other, { inputType: counted })] }),
      "hi",
    );
    expect(checks).toBe(2);
  });

  it("whose schema never answers is answered when the time of a callback is over, as a handoff is", async () => {
    const clock = testClock();
    const never = z.object({}).refine(() => new Promise<boolean>(() => {}));
    const look = tool({ name: "look", parameters: never, execute: () => expect.fail() });
    const model = scriptedModel([calls(call("look"), handOff("other")), say("done")]);
    const handoffs = [handoff(new Agent({ name: "Other", model }), { inputType: never })];
    const agent = new Agent({ name: "Host", model, tools: [look], handoffs });
    const running = new Runner({ clock, callbackTimeoutMs: 70 }).run(agent, "hi");
    await clock.advance(70);
    expect(resultsOf((await running).history).map(({ output }) => output)).toEqual([
      'Cannot go on: the schema of tool "look" of agent "Host" has not answered within 70 ms',
      'Cannot go on: the schema of handoff "transfer_to_other" of agent "Host" has not answered within 70 ms',
    ]);
  });

  it("without parameters gets undefined, whatever the model sends along", async () => {
    const seen: unknown[] = [];
    const look = tool({ name: "look", execute: (args) => void seen.push(args) });
    const model = scriptedModel([calls(call("look", "{}"), call("look", { extra: 1 })), say("done")]);
    const { history } = await run(new Agent({ name: "Host", model, tools: [look] }), "hi");
    expect(seen).toEqual([undefined, undefined]);
    expect(resultsOf(history)).toMatchObject([{ status: "ok" }, { status: "ok" }]);
  });

  it.each(hostileArguments)("that is called with $what as arguments runs only for a JSON object", async (hostile) => {
    const { value, expected } = hostile;
    let ran = 0;
    const look = tool({ name: "look", parameters: hostileArgumentsSchema, execute: () => (ran += 1) });
    const model = scriptedModel([
      {
        reply: "items",
        content: [{ type: "tool_call", callId: "c", name: "look", arguments: value as string }],
        options: { finishReason: "tool_calls" },
      },
      say("done"),
    ]);
    const { history, finalOutput } = await run(new Agent({ name: "Host", model, tools: [look] }), "hi");
    expect(finalOutput).toBe("done");
    const [result] = resultsOf(history);
    expect(result!.output.length).toBeLessThan(5_000);
    if (expected === "execute") expect([ran, result!.status]).toEqual([1, "ok"]);
    else if (expected === "error") expect([ran, result!.status]).toEqual([0, "error"]);
    else expect(ran).toBe(result!.status === "ok" ? 1 : 0);
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it("that changes its arguments changes nothing in the record", async () => {
    const look = tool({
      name: "look",
      parameters: z.object({ list: z.array(z.number()) }),
      execute: (args) => {
        args.list.push(666);
        (args as { extra?: string }).extra = "x";
        return "seen";
      },
    });
    const model = scriptedModel([call("look", { list: [1] }), say("done")]);
    const { history } = await run(new Agent({ name: "Host", model, tools: [look] }), "hi");
    expect(JSON.stringify(history)).not.toContain("666");
  });

  it.each(hostileThrown)("that throws $what is answered with an error, at once and later", async ({ value }) => {
    const now = tool({
      name: "now",
      execute: () => {
        throw value;
      },
    });
    const later = tool({ name: "later", execute: () => tick().then(() => Promise.reject(value as Error)) });
    const results = await runCalls([now, later], ["now", "later"]);
    expect(results.map(({ status }) => status)).toEqual(["error", "error"]);
    for (const { output } of results) {
      expect(output).toMatch(/^"(now|later)" failed/);
      expect(output.length).toBeLessThan(2_000);
      expect(output.isWellFormed()).toBe(true);
    }
  });

  it.each(hostileResults)("that returns $what leaves a bounded text, and the run goes on", async ({ value }) => {
    const clock = testClock();
    const odd = tool({ name: "odd", execute: () => value, sideEffects: "none" });
    const later = tool({ name: "later", execute: async () => (await Promise.resolve(), value), sideEffects: "none" });
    const model = scriptedModel([calls(call("odd"), call("later")), say("done")]);
    const runner = new Runner({ clock, maxToolOutput: 1_000, toolTimeoutMs: 50 });
    const running = runner.run(new Agent({ name: "Host", model, tools: [odd, later] }), "hi");
    await clock.settle();
    await clock.advance(50);
    const results = resultsOf((await running).history);
    expect(results).toHaveLength(2);
    for (const { output, status } of results) {
      expect(typeof output).toBe("string");
      expect(output.length).toBeLessThan(1_100);
      expect(["ok", "error"]).toContain(status);
    }
    expect(clock.pending).toBe(0);
  });

  it.each<[string, unknown, string]>([
    ["text as it is", 'a "b"\n', 'a "b"\n'],
    ["undefined as done", undefined, "Done."],
    ["null as JSON", null, "null"],
    ["numbers as JSON", 0, "0"],
    ["booleans as JSON", false, "false"],
    ["an empty text as it is", "", ""],
    ["objects as JSON", { a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
    ["dates as JSON", new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ])("returns %s", async (_, value, text) => {
    const [result] = await runCalls([tool({ name: "look", execute: () => value })], ["look"]);
    expect(result).toMatchObject({ output: text, status: "ok" });
  });

  it("whose result is not JSON is answered with what is wrong; onError is told the cause", async () => {
    const seen: unknown[] = [];
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const tools = [
      tool({ name: "function", execute: () => () => {} }),
      tool({ name: "symbol", execute: () => Symbol("x") }),
      tool({ name: "bigint", execute: () => ({ n: 1n }) }),
      tool({ name: "circle", execute: () => circle, onError: (error) => (seen.push(error), "round") }),
    ];
    const results = await runCalls(tools, ["function", "symbol", "bigint", "circle"]);
    expect(results.map(({ output }) => output).sort()).toEqual([
      expect.stringMatching(/^"bigint" failed: its result cannot be written as JSON: .*BigInt/),
      '"function" failed: its result, a function, cannot be written as JSON',
      '"symbol" failed: its result, a symbol, cannot be written as JSON',
      "round",
    ]);
    expect(seen[0]).toBeInstanceOf(TypeError);
    expect((seen[0] as TypeError).cause).toMatchObject({ message: expect.stringMatching(/circular/i) });
  });

  it.each([
    [9, 0],
    [10, 0],
    [11, 1],
    [1_000, 990],
  ])("whose output has %d characters loses the %d beyond maxToolOutput, and it says so", async (length, lost) => {
    const look = tool({ name: "look", execute: () => "x".repeat(length) });
    const [result] = await runCalls([look], ["look"], { maxToolOutput: 10 });
    expect(result!.output).toBe("x".repeat(length - lost) + (lost === 0 ? "" : `… [${lost} more characters]`));
  });

  it("whose output is cut within a character stays well-formed", async () => {
    const look = tool({ name: "look", execute: () => "😀".repeat(10) });
    const [result] = await runCalls([look], ["look"], { maxToolOutput: 5 });
    expect(result!.output.isWellFormed()).toBe(true);
    expect(result!.output).toMatch(/^😀😀\ufffd?… \[15 more characters\]$/);
    const [lone] = await runCalls([tool({ name: "look", execute: () => "a\ud83d" })], ["look"]);
    expect(lone!.output).toBe("a\ufffd");
  });

  it("words its own failures by onError, and by default where that fails", async () => {
    const failing = (name: string, onError: (error: unknown) => string | Promise<string>): Tool =>
      tool({
        name,
        onError,
        execute: () => {
          throw new Error("E42");
        },
      });
    const results = await runCalls(
      [
        failing("sync", (error) => `Sorry: ${(error as Error).message}`),
        failing("async", async () => "Sorry, later"),
        failing("throws", () => {
          throw new Error("again");
        }),
        failing("rejects", () => Promise.reject(new Error("again"))),
        failing("odd", () => 5 as never),
        failing("long", () => "y".repeat(200)),
      ],
      ["sync", "async", "throws", "rejects", "odd", "long"],
      { maxToolOutput: 100 },
    );
    const outputs = Object.fromEntries(results.map(({ callId, output }) => [callId, output]));
    expect(outputs).toEqual({
      call_1: "Sorry: E42",
      call_2: "Sorry, later",
      call_3: '"throws" failed: E42',
      call_4: '"rejects" failed: E42',
      call_5: '"odd" failed: E42',
      call_6: `${"y".repeat(100)}… [100 more characters]`,
    });
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["error"]));
  });

  it.each(["none", "idempotent", "once"] as const)(
    "with sideEffects %s that never finishes is answered when its time is over; its signal is aborted",
    async (sideEffects) => {
      const clock = testClock();
      const late = Promise.withResolvers<string>();
      let signal: AbortSignal | undefined;
      const hang = tool({
        name: "hang",
        sideEffects,
        timeoutMs: 100,
        execute: (_: undefined, run: ToolContext) => ((signal = run.signal), late.promise),
      });
      const model = scriptedModel([call("hang"), say("done")]);
      const running = new Runner({ clock }).run(new Agent({ name: "Host", model, tools: [hang] }), "hi");
      await clock.advance(99);
      expect(signal!.aborted).toBe(false);
      await clock.advance(1);
      const { history } = await running;
      expect(signal!.reason).toBeInstanceOf(RunError);
      expect(signal!.reason).toMatchObject({
        code: "callback_timeout",
        message: "it has not finished within 100 ms",
      });
      const [result] = resultsOf(history);
      if (sideEffects === "once") {
        expect(result).toMatchObject({
          status: "unknown",
          output:
            'The outcome is unknown: "hang" was started and has not finished within 100 ms. It may or may not have happened.',
        });
      } else expect(result).toMatchObject({ status: "error", output: '"hang" has not finished within 100 ms' });
      const length = history.length;
      late.resolve("too late");
      await clock.settle();
      expect(history).toHaveLength(length);
      expect(clock.pending).toBe(0);
    },
  );

  type Deferred = ReturnType<typeof Promise.withResolvers<string>>;
  it.each<[string, (work: Deferred) => void, Partial<ToolResultItem>]>([
    [
      "is not told",
      () => {},
      {
        status: "unknown",
        output:
          'The outcome is unknown: "hang" was started and has not finished before the run was stopped. It may or may not have happened.',
      },
    ],
    ["is a result", ({ resolve }) => resolve("paid"), { status: "ok", output: "paid" }],
    [
      "is an error",
      ({ reject }) => reject(new Error("declined")),
      { status: "error", output: '"hang" failed: declined' },
    ],
  ])("that must run once and whose end %s when the run is stopped is recorded so", async (_, finish, expected) => {
    const clock = testClock();
    const controller = new AbortController();
    const work = Promise.withResolvers<string>();
    const hang = tool({ name: "hang", execute: () => work.promise });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("hang")]), tools: [hang] });
    const running = rejection(new Runner({ clock, abortGraceMs: 10 }).run(agent, "hi", { signal: controller.signal }));
    await clock.settle();
    controller.abort(new Error("stop"));
    finish(work);
    await clock.advance(10);
    expect(resultsOf((await running).items)).toMatchObject([expected]);
  });

  it("that has finished hears no more of the run", async () => {
    const signals: AbortSignal[] = [];
    const keep = (_: undefined, run: ToolContext) => void signals.push(run.signal);
    const refuses = [{ name: "no", check: () => false }];
    const tools = [
      tool({ name: "look", execute: keep }),
      tool({ name: "hidden", execute: keep, outputGuardrails: refuses }),
    ];
    const controller = new AbortController();
    const model = scriptedModel([
      calls(call("look"), call("hidden")),
      () => {
        controller.abort();
        return say("too late");
      },
    ]);
    await rejection(run(new Agent({ name: "Host", model, tools }), "hi", { signal: controller.signal }));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  });

  it("records tool_start before it starts only where it must never run twice", async () => {
    for (const sideEffects of ["none", "idempotent", "once"] as const) {
      const log: string[] = [];
      const look = tool({
        name: "look",
        sideEffects,
        execute: (_: undefined, run: ToolContext) => {
          log.push(...run.items.map(({ type }) => type));
          return "seen";
        },
      });
      await runCalls([look as Tool], ["look"]);
      expect(log.includes("tool_start")).toBe(sideEffects === "once");
    }
  });

  it("tells how far it is, with whatever it says", async () => {
    const look = tool({
      name: "look",
      execute: (_: undefined, run: ToolContext) => {
        run.progress({ done: 0.5 });
        run.progress((() => {}) as unknown as Json);
        return "seen";
      },
    });
    const model = scriptedModel([call("look"), say("done")]);
    const events = await collect(new Runner().stream(new Agent({ name: "Host", model, tools: [look] }), "hi"));
    expect(eventSequence(events, { items: false }).slice(3, 7)).toEqual([
      "tool_started look [call_1]",
      'tool_progress look [call_1] {"done":0.5}',
      "tool_progress look [call_1] null",
      "tool_finished look [call_1] ok",
    ]);
  });

  it("whose output a guardrail withholds says so by an event", async () => {
    const closed = { name: "closed", check: () => ({ allow: false, reason: "not today" }) as const };
    const look = tool({ name: "look", execute: () => "x", outputGuardrails: [closed] });
    const model = scriptedModel([call("look"), say("done")]);
    const events = await collect(new Runner().stream(new Agent({ name: "Host", model, tools: [look] }), "hi"));
    expect(eventSequence(events)).toContain('guardrail tool_output closed blocked: "not today"');
  });

  it("is called as a method of itself", async () => {
    const look = tool({
      name: "look",
      execute(this: unknown) {
        return (this as { name: string }).name;
      },
    });
    const [result] = await runCalls([look], ["look"]);
    expect(result!.output).toBe("look");
  });
});

describe("a name that the agent does not have", () => {
  it.each(["nothing", "constructor", "__proto__", "toString", "hasOwnProperty", "secret", "", "x".repeat(10_000)])(
    "is answered with an error that says what there is: %.20s",
    async (name) => {
      let ran = 0;
      const secret = tool({ name: "secret", execute: () => (ran += 1) });
      const other = new Agent({ name: "Other", tools: [secret] });
      const look = tool({ name: "look", execute: () => "" });
      const model = scriptedModel([call(name), say("done")]);
      const agent = new Agent({ name: "Host", model, tools: [look], handoffs: [other] });
      const result = await new Runner({ model }).run(agent, "hi");
      expect(result.finalOutput).toBe("done");
      const [answer] = resultsOf(result.history);
      expect(answer!.status).toBe("error");
      expect(answer!.output).toMatch(/^Cannot call "/);
      expect(answer!.output).toContain('it has "look", "transfer_to_other"');
      expect(answer!.output.length).toBeLessThan(400);
      expect(ran).toBe(0);
    },
  );

  it("is answered with an error that lists nothing where there is nothing", async () => {
    const [answer] = await runCalls([], ["look"]);
    expect(answer!.output).toBe('Cannot call "look": agent "Host" has no such tool or handoff');
  });
});

describe("a call that comes with the input", () => {
  const given = (agent: string | undefined): Item[] => [
    { type: "message", id: "1", role: "user", content: "hi" },
    {
      type: "tool_call",
      id: "2",
      callId: "c",
      name: "look",
      arguments: "{}",
      ...(agent === undefined ? {} : { agent }),
    },
  ];

  it.each([
    ["Other", "Other"],
    ["Host", "Host"],
    [undefined, "Host"],
  ])("of agent %s is one of agent %s, and its guardrails are told so", async (of, agent) => {
    const told: string[] = [];
    const look = (name: string): Tool<unknown> =>
      tool({
        name: "look",
        execute: () => `seen by ${name}`,
        outputGuardrails: [{ name: "who", check: (_, run) => (told.push(run.agent), true) }],
      });
    const model = scriptedModel([say("done")]);
    const other = new Agent({ name: "Other", model, tools: [look("Other")] });
    const host = new Agent({ name: "Host", model, tools: [look("Host")], handoffs: [other] });
    expect(resultsOf((await run(host, given(of))).history)).toMatchObject([{ output: `seen by ${agent}` }]);
    expect(told).toEqual([agent]);
  });

  it("without an agent is asked about as others are", async () => {
    const look = tool({ name: "look", needsApproval: true, execute: () => "seen" });
    const host = new Agent({ name: "Host", model: scriptedModel([say("done")]), tools: [look] });
    const paused = await run(host, given(undefined));
    expect(paused.newItems).toMatchObject([{ type: "approval", agent: "Host", callId: "c", decision: "asked" }]);
    expect((await run(host, [...paused.toInputList(), approve(paused.pending[0]!)])).finalOutput).toBe("done");
  });
});

it("a handoff that a function switches on is made, and its guardrails are asked once", async () => {
  let judged = 0;
  const model = scriptedModel({ Host: [handOff("other")], Other: [say("done")] });
  const other = handoff(new Agent({ name: "Other", model }), {
    isEnabled: () => true,
    guardrails: [{ name: "open", check: () => (judged += 1) > 0 }],
  });
  const result = await run(new Agent({ name: "Host", model, handoffs: [other] }), "hi");
  expect([result.lastAgent.name, judged]).toEqual(["Other", 1]);
});

describe("a handoff that is called and cannot be made", () => {
  /** What the model of "Host" reads when it hands over to "Other". */
  const answerOf = async (options: HandoffOptions<unknown, undefined, "pass">): Promise<string> => {
    const model = scriptedModel([call("transfer_to_other"), say("I stay.")]);
    const host = new Agent({ name: "Host", model, handoffs: [handoff(new Agent({ name: "Other", model }), options)] });
    const result = await run(host, "hi");
    expect(result.finalOutput).toBe("I stay.");
    return resultsOf(result.history)[0]!.output;
  };

  it("is answered with the reason", async () => {
    let asked = 0;
    const failsOnCall = (): boolean => {
      if ((asked += 1) === 2) throw new Error("no flags");
      return true;
    };
    const no = { name: "no", check: () => ({ allow: false, reason: "we are closed" }) as const };
    expect(await answerOf({ isEnabled: false })).toBe(
      'Cannot hand over to "Other": this handoff is not available now.',
    );
    expect(await answerOf({ isEnabled: failsOnCall })).toBe(
      'Cannot hand over to "Other": Cannot go on: isEnabled of handoff "transfer_to_other" of agent "Host" failed: no flags',
    );
    const refused = 'Cannot hand over to "Other": we are closed';
    expect(await answerOf({ guardrails: [no] })).toBe(refused);
    expect(await answerOf({ guardrails: [no], needsApproval: true })).toBe(refused);
  });

  it("is answered where the agent to go back to is gone", async () => {
    const model = scriptedModel({
      Triage: [handOff("billing")],
      Billing: [say("Hi"), call("hand_back"), say("I stay.")],
    });
    const billing: AnyAgent = new Agent({ name: "Billing", model, handoffs: [handBack({ toolName: "hand_back" })] });
    const first = await run(new Agent({ name: "Triage", model, handoffs: [billing] }), "hi");
    const { history } = await run(billing, [...first.toInputList(), user("go back")]);
    expect(resultsOf(history).at(-1)!.output).toBe('Cannot hand over to "Triage": it is no longer here.');
  });
});

describe("a call that was started before a crash", () => {
  const begun = (name: string, agent = "Host"): Item[] => [
    { type: "message", id: "1", role: "user", content: "pay" },
    { type: "tool_call", id: "2", agent, callId: "c", name, arguments: "{}" },
    { type: "tool_start", id: "3", agent, callId: "c" },
  ];
  const hostOf = (...tools: readonly (Tool<unknown> | ToolSource<unknown>)[]): Agent =>
    new Agent({ name: "Host", model: scriptedModel(() => say("done")), tools });
  const answerTo = async (
    agent: AnyAgent,
    items = begun("pay"),
    options: RunnerOptions = {},
  ): Promise<ToolResultItem> => {
    const result = await new Runner(options).run(agent, items);
    expect(result.finalOutput).toBe("done");
    return resultsOf(result.history)[0]!;
  };
  const execute = (): string => expect.fail("must not run");
  const verify = (): string => expect.fail("must not be asked");

  it.each<[string, () => [agent: AnyAgent, items?: Item[], options?: RunnerOptions]]>([
    ["as it was", () => [hostOf(tool({ name: "pay", execute }))]],
    ["switched off since", () => [hostOf(tool({ name: "pay", execute, isEnabled: () => false }))]],
    ["now to be approved", () => [hostOf(tool({ name: "pay", execute, needsApproval: true }))]],
    ["gone since", () => [hostOf()]],
    ["of an agent that is gone", () => [hostOf(), begun("pay", "Gone")]],
    [
      "one of too many",
      () => {
        const [message, ...calls] = begun("pay");
        const more = Array.from(
          { length: 2 },
          (_, n) => ({ ...calls[0]!, id: `more ${n}`, callId: `more ${n}` }) as Item,
        );
        const settled = more.map(
          ({ id }) => ({ type: "tool_start", id: `start ${id}`, agent: "Host", callId: id }) as Item,
        );
        return [hostOf(tool({ name: "pay", execute })), [message!, ...more, ...settled, ...calls], { maxToolCalls: 1 }];
      },
    ],
    [
      "now with other parameters",
      () => [hostOf(tool({ name: "pay", execute, verify, parameters: z.object({ amount: z.number() }) }))],
    ],
  ])("of a tool that is %s has an unknown outcome", async (_, make) => {
    expect(await answerTo(...make())).toMatchObject({
      status: "unknown",
      output: "The outcome is unknown: this was started and may or may not have happened. Do not simply repeat it.",
    });
  });

  it("of a tool that is gone when it is to be verified has an unknown outcome", async () => {
    let asked = 0;
    const pay = tool({ name: "pay", execute, verify });
    const source: ToolSource<unknown> = {
      kind: "tool_source",
      name: "mcp",
      list: () => ((asked += 1) === 1 ? [pay] : []),
    };
    expect(await answerTo(hostOf(source))).toMatchObject({
      status: "unknown",
      output: 'The outcome is unknown: Cannot call "pay": agent "Host" has no such tool or handoff',
    });
  });

  it.each<[string, unknown, string]>([
    ["a text", "paid", "paid"],
    ["an empty text", "", ""],
    ["false", false, "false"],
    ["0", 0, "0"],
  ])("has happened where verify gives %s, though the tool is switched off", async (_, value, output) => {
    const pay = tool({ name: "pay", execute, verify: () => value as string, isEnabled: () => false });
    expect(await answerTo(hostOf(pay))).toMatchObject({ status: "ok", output });
  });

  it.each([undefined, null])(
    "has not happened where verify gives %s: the call runs, and is told of",
    async (nothing) => {
      const pay = tool({ name: "pay", execute: () => "paid", verify: () => nothing as never });
      // However little a result may say: that nothing has happened is none.
      const events = await collect(new Runner({ maxToolOutput: 4 }).stream(hostOf(pay), begun("pay")));
      expect(eventSequence(events)).toEqual(
        expect.arrayContaining(["tool_started pay [c]", 'item result of c: "paid"', "tool_finished pay [c] ok"]),
      );
    },
  );

  it("stays unknown where verify fails, in words that say so once", async () => {
    const clock = testClock();
    const failing = tool({ name: "pay", execute, verify: () => Promise.reject(new Error("no connection")) });
    expect((await answerTo(hostOf(failing))).output).toBe('The outcome is unknown: "pay" failed: no connection');
    const late = tool({ name: "pay", execute, timeoutMs: 50, verify: () => new Promise<string>(() => {}) });
    const answer = answerTo(hostOf(late), begun("pay"), { clock });
    await clock.advance(50);
    expect((await answer).output).toBe(
      'The outcome is unknown: "pay" was started and has not finished within 50 ms. It may or may not have happened.',
    );
  });

  it("is unknown again where it runs after verify and does not finish", async () => {
    const clock = testClock();
    const pay = tool({ name: "pay", timeoutMs: 50, verify: () => undefined, execute: () => new Promise(() => {}) });
    const answer = answerTo(hostOf(pay), begun("pay"), { clock });
    await clock.advance(50);
    expect(await answer).toMatchObject({ status: "unknown" });
  });

  it("does not run any more where the run is stopped while it is verified; what verify finds still counts", async () => {
    for (const found of [undefined, "paid"]) {
      const clock = testClock();
      const controller = new AbortController();
      const asked = Promise.withResolvers<string | undefined>();
      const pay = tool({ name: "pay", execute, verify: () => asked.promise });
      const running = rejection(
        new Runner({ clock, abortGraceMs: 10 }).run(hostOf(pay), begun("pay"), { signal: controller.signal }),
      );
      await clock.settle();
      controller.abort(new Error("stop"));
      asked.resolve(found);
      const { items } = await running;
      expect(resultsOf(items)).toMatchObject([{ status: found === undefined ? "unknown" : "ok" }]);
    }
  });
});

describe("isEnabled", () => {
  it("decides what the model is offered, and is asked again before the call runs", async () => {
    let on = true;
    let ran = 0;
    const pay = tool({ name: "pay", isEnabled: () => on, execute: () => (ran += 1) });
    const model = scriptedModel([
      () => {
        on = false; // after the request was made
        return call("pay");
      },
      (request) => {
        expect(request.tools).toEqual([]);
        on = true;
        return say("done");
      },
    ]);
    const { history } = await run(new Agent({ name: "Host", model, tools: [pay] }), "hi");
    expect(model.request(0).tools.map(({ name }) => name)).toEqual(["pay"]);
    expect(resultsOf(history)).toMatchObject([
      { status: "error", output: 'Cannot call "pay": it is not available now.' },
    ]);
    expect(ran).toBe(0);
  });

  it.each([
    ["false", false],
    ["undefined", undefined],
    ["null", null],
    ["1", 1],
    ["a text", "yes"],
    ["an object", {}],
  ])("that gives %s hides the tool, and a call of it does not run", async (_, value) => {
    for (const isEnabled of [() => value as boolean, async () => value as boolean]) {
      let ran = 0;
      const pay = tool({ name: "pay", isEnabled, execute: () => (ran += 1) });
      const model = scriptedModel([call("pay"), say("done")]);
      const { history } = await run(new Agent({ name: "Host", model, tools: [pay] }), "hi");
      expect(model.request(0).tools).toEqual([]);
      expect(resultsOf(history)).toMatchObject([{ status: "error" }]);
      expect(ran).toBe(0);
    }
  });

  it("that is false from the start hides the tool, and a call of it does not run", async () => {
    const pay = tool({ name: "pay", isEnabled: false, execute: () => expect.fail() });
    const model = scriptedModel([call("pay"), say("done")]);
    const { history } = await run(new Agent({ name: "Host", model, tools: [pay] }), "hi");
    expect(model.request(0).tools).toEqual([]);
    expect(resultsOf(history)).toMatchObject([{ output: 'Cannot call "pay": it is not available now.' }]);
  });

  it("that throws when the call is checked ends the run with a RunError", async () => {
    let asked = 0;
    const pay = tool({
      name: "pay",
      isEnabled: () => {
        if ((asked += 1) > 1) throw new Error("no flags");
        return true;
      },
      execute: () => expect.fail(),
    });
    const model = scriptedModel([call("pay")]);
    const error = await rejection(run(new Agent({ name: "Host", model, tools: [pay] }), "hi"));
    expect(error).toMatchObject({
      code: "callback_failed",
      message: 'Cannot go on: isEnabled of tool "pay" of agent "Host" failed: no flags',
    });
  });

  it("that throws ends the run with a RunError before a model is asked", async () => {
    const pay = tool({
      name: "pay",
      isEnabled: () => {
        throw new Error("no flags");
      },
      execute: () => "",
    });
    const model = scriptedModel([]);
    const error = await rejection(run(new Agent({ name: "Host", model, tools: [pay] }), "hi"));
    expect(error).toMatchObject({ code: "callback_failed", agent: "Host" });
    expect(error.message).toContain('isEnabled of tool "pay"');
    expect(model.requests).toEqual([]);
  });

  it("is told the context and the agent", async () => {
    const seen: unknown[] = [];
    const pay = tool({
      name: "pay",
      isEnabled: ({ context, agent }: { context: { admin: boolean }; agent: string }) => {
        seen.push(agent);
        return context.admin;
      },
      execute: () => "",
    });
    const model = scriptedModel([say("no"), say("yes")]);
    const agent = new Agent({ name: "Host", model, tools: [pay] });
    await run(agent, "hi", { context: { admin: false } });
    await run(agent, "hi", { context: { admin: true } });
    expect(model.requests.map(({ tools }) => tools.length)).toEqual([0, 1]);
    expect(seen).toEqual(["Host", "Host"]);
  });
});

describe("a tool without execute", () => {
  const ask = tool({
    name: "ask_location",
    parameters: z.object({ exact: z.boolean() }),
  });

  it("pauses the run for the caller, and goes on with the result that the caller gives", async () => {
    const model = scriptedModel([call("ask_location", { exact: true }), say("You are in Graz.")]);
    const agent = new Agent({ name: "Host", model, tools: [ask] });
    const paused = await run(agent, "Where am I?");
    expect(paused.status).toBe("paused");
    expect(paused.finalOutput).toBeUndefined();
    expect(paused.pending).toEqual([
      {
        kind: "tool_result",
        id: paused.history.find(({ type }) => type === "tool_call")!.id,
        callId: "call_1",
        agent: "Host",
        name: "ask_location",
        arguments: { exact: true },
        path: [],
      },
    ]);
    const list = JSON.parse(JSON.stringify(paused.toInputList())) as Item[];
    const [pending] = JSON.parse(JSON.stringify(paused.pending)) as Pending[];
    const result = await run(agent, [...list, toolResult(pending!, { city: "Graz" })]);
    expect(result.finalOutput).toBe("You are in Graz.");
    expect(resultsOf(result.history)).toMatchObject([{ output: '{"city":"Graz"}', status: "ok" }]);
    expect(transcript(result.newItems)).toEqual(['Host: "You are in Graz."', "turn of Host: stop"]);
  });

  it("may be answered with a failure, or with a text", async () => {
    const model = scriptedModel([
      calls(call("ask_location", { exact: true }), call("ask_location", { exact: false })),
      say("ok"),
    ]);
    const agent = new Agent({ name: "Host", model, tools: [ask] });
    const paused = await run(agent, "Where am I?");
    const [first, second] = paused.pending as unknown as [Pending, Pending];
    const half = await run(agent, [...paused.toInputList(), toolResult(second, "Graz")]);
    expect(half.pending).toEqual([first]);
    const result = await run(agent, [...half.toInputList(), toolResult(first, "no signal", { status: "error" })]);
    expect(transcript(model.request(1).items).slice(3)).toEqual([
      'result of call_1 (error): "no signal"',
      'result of call_2: "Graz"',
    ]);
    expect(result.finalOutput).toBe("ok");
  });

  it("lets the other calls of the reply run, and has its arguments checked", async () => {
    let ran = 0;
    const look = tool({ name: "look", execute: () => (ran += 1) });
    const model = scriptedModel([
      calls(call("ask_location", { exact: true }), call("look"), call("ask_location", { exact: "yes" })),
    ]);
    const agent = new Agent({ name: "Host", model, tools: [ask, look] });
    const paused = await run(agent, "Where am I?");
    expect(paused.pending.map(({ callId }) => callId)).toEqual(["call_1"]);
    expect(ran).toBe(1);
    expect(resultsOf(paused.history).map(({ callId, status }) => [callId, status])).toEqual([
      ["call_3", "error"],
      ["call_2", "ok"],
    ]);
  });

  it("whose result is given twice, or for a call that is not open, is a TypeError before any effect", async () => {
    const model = scriptedModel([call("ask_location", { exact: true }), say("ok")]);
    const agent = new Agent({ name: "Host", model, tools: [ask] });
    const paused = await run(agent, "Where am I?");
    const [pending] = paused.pending as readonly [Pending];
    const list = paused.toInputList();
    await expect(run(agent, [...list, toolResult(pending, "a"), toolResult(pending, "b")])).rejects.toThrow(TypeError);
    const done = await run(agent, [...list, toolResult(pending, "a")]);
    await expect(run(agent, [...done.toInputList(), toolResult(pending, "b")])).rejects.toThrow(TypeError);
    await expect(run(agent, [...list, { ...toolResult(pending, "a"), callId: "other" }])).rejects.toThrow(TypeError);
  });

  it("is told of by an event", async () => {
    const model = scriptedModel([call("ask_location", { exact: true })]);
    const events = await collect(new Runner().stream(new Agent({ name: "Host", model, tools: [ask] }), "hi"));
    expect(eventSequence(events, { items: false }).slice(-2)).toEqual([
      "approval_needed tool_result ask_location [call_1]",
      "run_finished Host paused",
    ]);
  });
});

describe("a hosted tool", () => {
  it("is offered as it is, and what it did goes back verbatim to its provider only", async () => {
    const hosted = { type: "hosted", provider: "scripted", name: "web_search", data: { size: "low" } } as const;
    const mine = { type: "provider_item" as const, provider: "scripted", data: { id: "ws_1" } };
    const model = scriptedModel([[mine, say("It rains.")] as never, say("Still.")]);
    const agent = new Agent({ name: "Host", model, tools: [hosted] });
    const first = await run(agent, "Weather?");
    expect(model.request(0).tools).toEqual([hosted]);
    await run(agent, [...first.toInputList(), user("And now?")]);
    expect(model.request(1).items).toContainEqual(expect.objectContaining(mine));
  });
});

describe("a source of tools", () => {
  const source = (list: ToolSource<unknown>["list"]): ToolSource<unknown> => ({
    kind: "tool_source",
    name: "mcp",
    list,
  });
  const look = tool({ name: "look", parameters: z.object({ at: z.string() }), execute: ({ at }) => `saw ${at}` });

  it("is asked before each model call, and its tools run as others do", async () => {
    let asked = 0;
    const model = scriptedModel([call("look", { at: "x" }), say("done")]);
    const agent = new Agent({ name: "Host", model, tools: [source(async () => ((asked += 1), [look]))] });
    const { history } = await run(agent, "hi");
    expect(model.requests.map(({ tools }) => tools.map(({ name }) => name))).toEqual([["look"], ["look"]]);
    expect(resultsOf(history)).toMatchObject([{ output: "saw x", status: "ok" }]);
    expect(asked).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ["called", 2],
    ["run", 3],
  ])("that no longer has a tool when it is %s leaves an error", async (_, gone) => {
    let asked = 0;
    const model = scriptedModel([call("look", { at: "x" }), say("done")]);
    const tools = [source(() => ((asked += 1) < gone ? [look] : []))];
    const { history } = await run(new Agent({ name: "Host", model, tools }), "hi");
    expect(resultsOf(history)).toMatchObject([
      { status: "error", output: 'Cannot call "look": agent "Host" has no such tool or handoff' },
    ]);
  });

  it.each([
    ["of the agent", [look]],
    ["of another source", [source(() => [look])]],
  ])("with a name that is that of a tool %s ends the run with an error that names it", async (_, others) => {
    const model = scriptedModel([]);
    const agent = new Agent({ name: "Host", model, tools: [...others, source(() => [look])] });
    const error = await rejection(run(agent, "hi"));
    expect(error).toMatchObject({ code: "callback_failed", agent: "Host" });
    expect(error.message).toBe('Cannot use tool "look" of source "mcp" in agent "Host": the name is taken');
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no server"))],
    ["gives no list", () => undefined as never],
    ["gives what is no tool", () => [undefined] as never],
  ])("that %s ends the run with a RunError before a model is asked", async (_, list) => {
    const model = scriptedModel([]);
    const error = await rejection(run(new Agent({ name: "Host", model, tools: [source(list)] }), "hi"));
    expect(error).toBeInstanceOf(RunError);
    expect(error.code).toBe("callback_failed");
    expect(error.message).toContain('tool source "mcp"');
  });

  it("has its tools wrapped by plugins, and hidden where they are off", async () => {
    const off = tool({ name: "off", isEnabled: () => false, execute: () => "" });
    const model = scriptedModel([calls(call("look", { at: "x" }), call("off")), say("done")]);
    const runner = new Runner({
      plugins: [
        {
          name: "shout",
          wrapTool: (inner) => ({
            ...inner,
            execute: async (args, context) => `${String(await inner.execute!(args, context))}!`,
          }),
        },
      ],
    });
    const { history } = await runner.run(new Agent({ name: "Host", model, tools: [source(() => [look, off])] }), "hi");
    expect(model.request(0).tools.map(({ name }) => name)).toEqual(["look"]);
    expect(resultsOf(history).map(({ output }) => output)).toEqual([
      'Cannot call "off": it is not available now.',
      "saw x!",
    ]);
  });
});

describe("toolUseBehavior", () => {
  const look = tool({ name: "look", execute: () => "seen" });
  const count = tool({ name: "count", execute: () => 3 });
  const fails = tool({
    name: "fails",
    execute: () => {
      throw new Error("no");
    },
  });
  const tools = [look, count, fails];

  it("run_llm_again asks the model again, and is the default", async () => {
    const model = scriptedModel([call("look"), say("I saw it")]);
    const result = await run(new Agent({ name: "Host", model, tools, toolUseBehavior: "run_llm_again" }), "hi");
    expect(result.finalOutput).toBe("I saw it");
  });

  it("stop_on_first_tool takes the first result, in the order of the calls, as the answer", async () => {
    const model = scriptedModel([calls(call("count"), call("look"))]);
    const agent = new Agent({ name: "Host", model, tools, toolUseBehavior: "stop_on_first_tool" });
    const running = new Runner().stream(agent, "hi");
    const texts: string[] = [];
    for await (const text of running.textStream) texts.push(text);
    const result = await running.result;
    expect(result.finalOutput).toBe("3");
    expect(texts).toEqual(["3"]);
    expect(transcript(result.history).at(-1)).toBe('Host: "3"');
    expect(result.usage.requests).toBe(1);
  });

  it("stop_on_first_tool asks the model again where the tool failed", async () => {
    const model = scriptedModel([call("fails"), say("Sorry")]);
    const agent = new Agent({ name: "Host", model, tools, toolUseBehavior: "stop_on_first_tool" });
    expect((await run(agent, "hi")).finalOutput).toBe("Sorry");
  });

  it("stopAtToolNames takes the first result of one of these", async () => {
    const model = scriptedModel([call("count"), calls(call("count"), call("look"))]);
    const agent = new Agent({ name: "Host", model, tools, toolUseBehavior: { stopAtToolNames: ["look"] } });
    const result = await run(agent, "hi");
    expect(result.finalOutput).toBe("seen");
    expect(result.usage.requests).toBe(2);
  });

  it("a function is told the results of the reply, and decides", async () => {
    const seen: unknown[] = [];
    const model = scriptedModel([calls(call("count"), call("fails"), call("look")), call("look")]);
    const agent = new Agent({
      name: "Host",
      model,
      tools,
      toolUseBehavior: async (results, run) => {
        seen.push(results, run.agent);
        return results.length > 1 ? undefined : { finalOutput: `It is ${results[0]!.output}` };
      },
    });
    expect((await run(agent, "hi")).finalOutput).toBe("It is seen");
    expect(seen).toEqual([
      [
        { name: "count", callId: "call_1", arguments: "{}", output: "3" },
        { name: "look", callId: "call_3", arguments: "{}", output: "seen" },
      ],
      "Host",
      [{ name: "look", callId: "call_4", arguments: "{}", output: "seen" }],
      "Host",
    ]);
  });

  it("a function that throws ends the run with a RunError, and the run can go on from its items", async () => {
    const model = scriptedModel([call("look"), say("done")]);
    const broken = new Agent({
      name: "Host",
      model,
      tools,
      toolUseBehavior: () => {
        throw new Error("no idea");
      },
    });
    const error = await rejection(run(broken, "hi"));
    expect(error).toMatchObject({ code: "callback_failed", agent: "Host" });
    const result = await run(broken.clone({ toolUseBehavior: "run_llm_again" }), error.items);
    expect(result.finalOutput).toBe("done");
  });

  it("gives way to a handoff of the same reply, and the target does not answer with the source's result", async () => {
    const model = scriptedModel({
      A: [[call("look"), handOff("B")]],
      B: [say("B here")],
    });
    const b = new Agent({ name: "B", model, tools: [count], toolUseBehavior: "stop_on_first_tool" });
    const a = new Agent({ name: "A", model, tools: [look], handoffs: [b], toolUseBehavior: "stop_on_first_tool" });
    const result = await run(a, "hi");
    expect(result.finalOutput).toBe("B here");
    expect(result.lastAgent.name).toBe("B");
  });

  it("gives way to the answer of an agent that was consulted in the same reply", async () => {
    const model = scriptedModel({
      A: [[call("look"), handOff("B")], say("A says: B says so")],
      B: [say("so")],
    });
    const b = new Agent({ name: "B", model });
    const a = new Agent({
      name: "A",
      model,
      tools: [look],
      handoffs: [handoff(b, { mode: "return" })],
      toolUseBehavior: "stop_on_first_tool",
    });
    expect((await run(a, "hi")).finalOutput).toBe("A says: B says so");
  });

  it("takes the result of a tool that the caller has run", async () => {
    const model = scriptedModel([call("client")]);
    const agent = new Agent({
      name: "Host",
      model,
      tools: [tool({ name: "client" })],
      toolUseBehavior: "stop_on_first_tool",
    });
    const paused = await run(agent, "hi");
    const result = await run(agent, [...paused.toInputList(), toolResult(paused.pending[0]!, "from outside")]);
    expect(result.finalOutput).toBe("from outside");
  });

  it("has its answer parsed where the agent has an output type", async () => {
    const model = scriptedModel([call("json")]);
    const agent = new Agent({
      name: "Host",
      model,
      tools: [tool({ name: "json", execute: () => ({ n: 1 }) })],
      outputType: z.object({ n: z.number() }),
      toolUseBehavior: "stop_on_first_tool",
    });
    expect((await run(agent, "hi")).finalOutput).toEqual({ n: 1 });
  });
});
