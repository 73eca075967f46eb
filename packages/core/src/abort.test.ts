import "@batonjs/testing/vitest";
import { getEventListeners } from "node:events";
import {
  AbortError,
  Agent,
  handoff,
  type Item,
  memorySessions,
  type Model,
  type Plugin,
  type RunEvent,
  RunError,
  run,
  Runner,
  type SessionStore,
  tool,
  type ToolContext,
  user,
} from "@batonjs/core";
import {
  call,
  calls,
  handOff,
  invariantsOf,
  reason,
  say,
  scriptedModel,
  stall,
  testClock,
  transcript,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bound } from "./__fixtures__/bound.ts";
import { rejection, tick } from "./__fixtures__/promises.ts";

/** One of everything: what is done is logged, as it begins. */
function world(log: string[]) {
  const doing = (what: string): void => void log.push(what);
  const told = async (what: string): Promise<void> => {
    doing(what);
    await tick();
  };
  const seen: Model = scriptedModel(
    ({ at, items }) => {
      const last = items.at(-1)!;
      const asked = items.filter((item) => item.type === "tool_call" && item.agent === at.agent).length;
      if (last.type === "message" && last.content === "Go on") return say("Gone on.");
      switch (at.agent) {
        case "Triage":
          return handOff("billing", { amount: 3 });
        case "Billing":
          if (asked === 0)
            return [
              reason("hm"),
              say(["Let me ", "look."]),
              call("look"),
              call("pay"),
              call("ask_clerk", { input: "?" }),
            ];
          return asked === 3 ? handOff("Expert") : say(["All ", "done."]);
        case "Clerk":
          return asked === 0 ? call("file") : say("Filed.");
        default:
          return say(["It is ", "so."]);
      }
    },
    { chunkSize: 6 },
  );
  const model: Model = {
    name: "logged",
    provider: "scripted",
    stream(request) {
      doing(`model of ${request.at.agent}`);
      return seen.stream(request);
    },
  };
  const work = (name: string, sideEffects: "none" | "idempotent" | "once") =>
    tool({ name, sideEffects, execute: () => told(`tool ${name}`).then(() => `${name} done`) });
  const clerk = new Agent({ name: "Clerk", model, tools: [work("file", "idempotent")] });
  const expert = new Agent({ name: "Expert", model });
  const billing = new Agent({
    name: "Billing",
    model,
    instructions: () => tick().then(() => "Bill."),
    tools: [work("look", "none"), work("pay", "once"), clerk.asTool({ name: "ask_clerk" })],
    handoffs: [
      handoff(expert, {
        mode: "return",
        guardrails: [{ name: "open", check: () => told("guardrail of handoff").then(() => true) }],
      }),
    ],
    outputGuardrails: [{ name: "tone", check: () => tick().then(() => true) }],
  });
  const triage = new Agent({
    name: "Triage",
    model,
    inputGuardrails: [{ name: "polite", check: () => tick().then(() => true) }],
    handoffs: [
      handoff(billing, {
        inputType: z.object({ amount: z.number() }),
        onHandoff: () => told("onHandoff"),
        inputFilter: async (data) => (await told("filter"), data),
      }),
    ],
  });
  return { triage, model };
}

/** What must not begin after an abort. */
const BEGINNINGS = /^(model|tool|onHandoff|filter|guardrail)/;

describe("an abort", () => {
  it("at any event stops the run: nothing begins, what is open is answered, and the conversation can go on", async () => {
    const whole: RunEvent[] = [];
    await new Runner({ plugins: [{ name: "tap", onEvent: (event) => void whole.push(event) }] }).run(
      world([]).triage,
      "Pay",
    );
    expect(whole.length).toBeGreaterThan(60);
    expect(whole.at(-1)!.type).toBe("run_finished");

    for (let at = 0; at < whole.length; at++) {
      const log: string[] = [];
      const { triage } = world(log);
      const sessions = memorySessions();
      const controller = new AbortController();
      const cause = new Error(`stop at ${at}`);
      let begun: number | undefined;
      const events: RunEvent[] = [];
      const tap: Plugin = {
        name: "tap",
        onEvent: (event) => {
          events.push(event);
          if (event.seq !== at) return;
          begun = log.length;
          controller.abort(cause);
        },
      };
      const clock = testClock();
      const runner = new Runner({ plugins: [sessions, tap], clock });
      const outcome: unknown = await runner
        .run(triage, "Pay", { session: "s", signal: controller.signal })
        .catch((error: unknown) => error);
      const what = `stopped at event ${at}: ${whole[at]!.type}`;
      expect(getEventListeners(controller.signal, "abort"), what).toEqual([]);
      expect(clock.pending, what).toBe(0);
      const { items } = await sessions.sessions!.read({ id: "s" });
      if (at === whole.length - 1) {
        expect(outcome, what).toMatchObject({ status: "completed" });
        continue;
      }
      expect(outcome, what).toBeInstanceOf(AbortError);
      const error = outcome as AbortError;
      expect(error.cause, what).toBe(cause);
      expect(error.code, what).toBe("aborted");
      expect(events.at(-1), what).toMatchObject({ type: "run_failed", code: "aborted", error });
      expect(
        log.slice(begun).filter((line) => BEGINNINGS.test(line)),
        what,
      ).toEqual([]);
      expect(error.items, what).toEqual(items);
      expect(invariantsOf(items, { graph: triage, settled: true }), what).toEqual([]);

      const later: string[] = [];
      const next = world(later).triage;
      const result = await new Runner({ plugins: [sessions] }).run(next, "Go on", { session: "s" });
      expect(result.finalOutput, what).toBe("Gone on.");
      expect(invariantsOf(result.history, { graph: next, settled: true }), what).toEqual([]);
      expect([...log, ...later].filter((line) => line === "tool pay").length, what).toBeLessThanOrEqual(1);
      // The same without a session: the error's items are the conversation.
      const list = await run(world([]).triage, [...error.items, user("Go on")]);
      expect(list.finalOutput, what).toBe("Gone on.");
    }
  });

  it("by leaving the stream at any event is the same", async () => {
    const whole: RunEvent[] = [];
    for await (const event of new Runner().stream(world([]).triage, "Pay")) whole.push(event);
    for (let at = 0; at < whole.length - 1; at++) {
      const log: string[] = [];
      const { triage } = world(log);
      const sessions = memorySessions();
      const running = new Runner({ plugins: [sessions] }).stream(triage, "Pay", { session: "s" });
      for await (const event of running) if (event.seq === at) break;
      const begun = log.length;
      const outcome: unknown = await running.result.catch((error: unknown) => error);
      if (outcome instanceof AbortError)
        expect((outcome.cause as Error).message).toBe("The stream was left before its end");
      else expect([outcome, at > whole.length - 5]).toMatchObject([{ status: "completed" }, true]); // it was ahead
      await tick();
      // The consumer may be behind the run, so that something was under way; nothing new is.
      expect(log.slice(begun).filter((line) => BEGINNINGS.test(line))).toEqual([]);
      const { items } = await sessions.sessions!.read({ id: "s" });
      expect(invariantsOf(items, { graph: triage, settled: true })).toEqual([]);
    }
  });

  it("before the run begins calls nobody, and the error has the conversation that was given", async () => {
    const model = scriptedModel([]);
    const read: string[] = [];
    const memory = memorySessions().sessions!;
    const store: SessionStore = {
      ...bound(memory),
      read: (key) => {
        read.push(key.id);
        return memory.read(key);
      },
    };
    const agent = new Agent({ name: "Host", model });
    const cause = new Error("too late");
    const runner = new Runner({ plugins: [{ name: "store", sessions: store }] });
    const error = await rejection(runner.run(agent, "hi", { session: "s", signal: AbortSignal.abort(cause) }));
    expect(error).toBeInstanceOf(AbortError);
    expect(error.cause).toBe(cause);
    expect(await memory.read({ id: "s" })).toEqual({ items: [], version: 0 });
    expect(model.requests).toEqual([]);
    expect(read).toEqual([]);

    // Without a session the conversation is what was given: it is not lost with the run.
    const given: readonly Item[] = [
      { type: "message", id: "1", role: "user", content: "pay" },
      { type: "tool_call", id: "2", agent: "Host", callId: "c", name: "pay", arguments: "{}" },
    ];
    const plain = await rejection(run(agent, given, { signal: AbortSignal.abort(cause) }));
    expect(plain.cause).toBe(cause);
    expect(plain.items).toEqual(given);
  });

  it.each<[string, unknown]>([
    ["an error", new Error("mine")],
    ["a text", "mine"],
    ["null", null],
    ["0", 0],
    ["an object", { code: 7 }],
  ])("with %s as reason gives it as the cause", async (_, given) => {
    const controller = new AbortController();
    const agent = new Agent({ name: "Host", model: scriptedModel([stall(say("Hel"))]) });
    const running = run(agent, "hi", { signal: controller.signal });
    await tick();
    controller.abort(given);
    const error = await rejection(running);
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toBeInstanceOf(RunError);
    expect(error.name).toBe("AbortError");
    expect(error.cause).toBe(controller.signal.reason);
    expect(error.cause).toBe(given);
  });

  it("by a timeout of the signal has its reason as the cause", async () => {
    const signal = AbortSignal.timeout(1);
    const agent = new Agent({ name: "Host", model: scriptedModel([stall()]) });
    const error = await rejection(run(agent, "hi", { signal }));
    expect(error.cause).toBe(signal.reason);
    expect((error.cause as Error).name).toBe("TimeoutError");
  });

  it("in the middle of a reply records nothing of it, and closes the model's stream", async () => {
    const controller = new AbortController();
    const model = scriptedModel([stall(say(["Hel", "lo"]))]);
    const agent = new Agent({ name: "Host", model });
    const running = new Runner().stream(agent, "hi", { signal: controller.signal });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const text of running.textStream) {
        seen.push(text);
        if (seen.length === 2) controller.abort(new Error("enough"));
      }
    })();
    await expect(reading).rejects.toBeInstanceOf(AbortError);
    const error = await rejection(running.result);
    expect(transcript(error.items)).toEqual(['user: "hi"']);
    expect(seen).toEqual(["Hel", "lo"]);
    await tick();
    expect(model.open).toBe(0);
  });

  it("closes the stream of a model that does not look at the signal, at its next event", async () => {
    const controller = new AbortController();
    let closed = false;
    let events = 0;
    const stubborn: Model = {
      name: "stubborn",
      provider: "test",
      async *stream() {
        try {
          while (events < 1_000) {
            await Promise.resolve();
            if ((events += 1) === 5) controller.abort(new Error("enough"));
            yield { type: "text_delta", delta: "x" };
          }
        } finally {
          closed = true;
        }
      },
    };
    await rejection(run(new Agent({ name: "Host", model: stubborn }), "hi", { signal: controller.signal }));
    await tick();
    expect(closed).toBe(true);
    expect(events).toBeLessThan(10);
  });

  it("closes the model's stream also where the consumer has stopped reading", async () => {
    const controller = new AbortController();
    let closed = false;
    const endless: Model = {
      name: "endless",
      provider: "test",
      async *stream() {
        try {
          while (true) yield { type: "text_delta", delta: "x" };
        } finally {
          closed = true;
        }
      },
    };
    const running = new Runner({ maxQueuedEvents: 4 }).stream(new Agent({ name: "Host", model: endless }), "hi", {
      signal: controller.signal,
    });
    const events = running[Symbol.asyncIterator]();
    await events.next();
    await tick(); // the queue is full now, and nobody reads on
    controller.abort(new Error("enough"));
    await tick();
    await tick();
    expect(closed).toBe(true);
    // Who reads on gets what was told before, and then the error.
    await expect(
      (async () => {
        while (!(await events.next()).done);
      })(),
    ).rejects.toBeInstanceOf(AbortError);
  });

  it.each<[string, (stop: () => void) => ReturnType<typeof agentThatStops>]>([
    ["the instructions", (stop) => agentThatStops({ instructions: () => (stop(), "x") })],
    ["isEnabled", (stop) => agentThatStops({ isEnabled: () => (stop(), true) })],
    ["needsApproval", (stop) => agentThatStops({ needsApproval: () => (stop(), false) })],
    ["a tool's guardrail", (stop) => agentThatStops({ inputGuardrail: () => (stop(), true) })],
    ["onHandoff", (stop) => agentThatStops({ onHandoff: stop })],
    ["a handoff's filter", (stop) => agentThatStops({ filter: stop })],
    ["toolUseBehavior", (stop) => agentThatStops({ toolUseBehavior: stop })],
  ])("from within %s stops what would come next", async (_, make) => {
    const controller = new AbortController();
    const log: string[] = [];
    let stoppedAt: number | undefined;
    const { agent, observe } = make(() => {
      stoppedAt ??= log.length;
      controller.abort(new Error("from within"));
    });
    observe(log);
    const error = await rejection(run(agent, "hi", { signal: controller.signal }));
    expect(error).toBeInstanceOf(AbortError);
    expect(log.slice(stoppedAt)).toEqual([]);
    expect(invariantsOf(error.items, { settled: true })).toEqual([]);
    expect(error.items.filter(({ type }) => type === "handoff")).toEqual([]);
  });

  it.each([1, 4])("by one of several calls keeps those from starting that have not (%d at a time)", async (atOnce) => {
    const controller = new AbortController();
    const started: string[] = [];
    const work = (name: string) =>
      tool({
        name,
        sideEffects: "none",
        execute: () => {
          started.push(name);
          if (name === "b") controller.abort(new Error("b says stop"));
          return tick();
        },
      });
    const tools = ["a", "b", "c", "d"].map(work);
    const model = scriptedModel([calls(call("a"), call("b"), call("c"), call("d"))]);
    const { signal } = controller;
    await rejection(run(new Agent({ name: "Host", model, tools }), "hi", { maxConcurrentTools: atOnce, signal }));
    expect(started).toEqual(["a", "b"]);
  });
});

interface Stops {
  readonly instructions?: () => string;
  readonly isEnabled?: () => boolean;
  readonly needsApproval?: () => boolean;
  readonly inputGuardrail?: () => boolean;
  readonly onHandoff?: () => void;
  readonly filter?: () => void;
  readonly toolUseBehavior?: () => void;
}

/** An agent that calls a tool and hands over, with callbacks that a test gives. */
function agentThatStops(stops: Stops) {
  let log: string[] = [];
  const scripted = scriptedModel(({ at, items }) =>
    at.agent === "Other"
      ? say("other")
      : items.some(({ type }) => type === "tool_call")
        ? stops.toolUseBehavior
          ? say("host")
          : handOff("other")
        : call("work"),
  );
  const model: Model = {
    name: "logged",
    provider: "scripted",
    stream: (request) => (log.push(`model of ${request.at.agent}`), scripted.stream(request)),
  };
  const work = tool({
    name: "work",
    ...(stops.isEnabled ? { isEnabled: stops.isEnabled } : {}),
    ...(stops.needsApproval ? { needsApproval: stops.needsApproval } : {}),
    ...(stops.inputGuardrail ? { inputGuardrails: [{ name: "g", check: stops.inputGuardrail }] } : {}),
    execute: () => void log.push("work"),
  });
  const other = new Agent({ name: "Other", model });
  const agent = new Agent({
    name: "Host",
    model,
    ...(stops.instructions ? { instructions: stops.instructions } : {}),
    tools: [work],
    handoffs: [
      handoff(other, {
        onHandoff: () => (log.push("onHandoff"), stops.onHandoff?.()),
        inputFilter: (data) => (log.push("filter"), stops.filter?.(), data),
      }),
    ],
    ...(stops.toolUseBehavior ? { toolUseBehavior: () => (stops.toolUseBehavior?.(), undefined) } : {}),
  });
  return { agent, observe: (mine: string[]) => void (log = mine) };
}

describe("a tool that runs when the run is stopped", () => {
  function setup(sideEffects: "none" | "idempotent" | "once") {
    const clock = testClock();
    const controller = new AbortController();
    let finish!: (output: string) => void;
    let signal: AbortSignal | undefined;
    const work = tool({
      name: "work",
      sideEffects,
      execute: (_: undefined, run: ToolContext) => {
        signal = run.signal;
        return new Promise<string>((resolve) => (finish = resolve));
      },
    });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("work")]), tools: [work] });
    const sessions = memorySessions();
    const runner = new Runner({ clock, plugins: [sessions], abortGraceMs: 100 });
    const running = runner.run(agent, "hi", { session: "s", signal: controller.signal });
    const results = async (): Promise<string[]> =>
      transcript((await sessions.sessions!.read({ id: "s" })).items.filter(({ type }) => type === "tool_result"));
    return { clock, controller, running, results, finish: (output: string) => finish(output), signal: () => signal! };
  }

  it.each(["none", "idempotent"] as const)(
    "is abandoned at once where it is %s; what it gives later is not taken",
    async (kind) => {
      const { clock, controller, running, results, finish, signal } = setup(kind);
      await clock.settle();
      const cause = new Error("stop");
      controller.abort(cause);
      const error = await rejection(running); // the clock has not moved
      expect(error.cause).toBe(cause);
      expect(signal().aborted).toBe(true);
      expect(signal().reason).toBe(cause);
      finish("late");
      await clock.settle();
      expect(await results()).toEqual(['result of call_1 (abandoned): "The run was stopped before this was done."']);
      expect(clock.pending).toBe(0);
    },
  );

  it("gets its grace where it must run once: what it gives in time is recorded", async () => {
    const { clock, controller, running, results, finish, signal } = setup("once");
    await clock.settle();
    controller.abort(new Error("stop"));
    expect(signal().aborted).toBe(true);
    await clock.advance(99);
    finish("paid");
    expect(await rejection(running)).toBeInstanceOf(AbortError);
    expect(await results()).toEqual(['result of call_1: "paid"']);
    expect(clock.pending).toBe(0);
  });

  it("is unknown where it must run once and its grace is over", async () => {
    const { clock, controller, running, results, finish } = setup("once");
    await clock.settle();
    const stopped = rejection(running);
    controller.abort(new Error("stop"));
    await clock.advance(100);
    expect(await stopped).toBeInstanceOf(AbortError);
    finish("late");
    await clock.settle();
    expect(await results()).toEqual([expect.stringMatching(/^result of call_1 \(unknown\)/)]);
    expect(clock.pending).toBe(0);
  });

  it("has its own time limit within the grace", async () => {
    const clock = testClock();
    const controller = new AbortController();
    const work = tool({ name: "work", timeoutMs: 20, execute: () => new Promise(() => {}) });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("work")]), tools: [work] });
    const running = new Runner({ clock, abortGraceMs: 1_000 }).run(agent, "hi", { signal: controller.signal });
    await clock.settle();
    const stopped = rejection(running);
    controller.abort(new Error("stop"));
    await clock.advance(20);
    expect(await stopped).toBeInstanceOf(AbortError);
    expect(clock.pending).toBe(0);
  });

  it("beside others is waited for, so that nothing arrives after the run has ended", async () => {
    const clock = testClock();
    const controller = new AbortController();
    const quick = tool({ name: "quick", sideEffects: "none", execute: () => new Promise(() => {}) });
    const slow = tool({
      name: "slow",
      execute: () => new Promise((resolve) => void clock.setTimeout(() => resolve("done"), 50)),
    });
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([calls(call("quick"), call("slow"))]),
      tools: [quick, slow],
    });
    const running = new Runner({ clock }).run(agent, "hi", { signal: controller.signal });
    await clock.settle();
    const stopped = rejection(running);
    controller.abort(new Error("stop"));
    await clock.advance(50);
    const error = await stopped;
    expect(transcript(error.items).slice(-2)).toEqual([
      'result of call_2: "done"',
      'result of call_1 (abandoned): "The run was stopped before this was done."',
    ]);
  });
});

describe("an error", () => {
  it("that is frozen, or that has items of its own, still ends the run as a RunError with its transcript", async () => {
    const frozen = Object.freeze(new RunError("mine", { code: "mine" }));
    const model: Model = {
      name: "m",
      provider: "p",
      // eslint-disable-next-line require-yield
      async *stream() {
        throw frozen;
      },
    };
    const error = await rejection(run(new Agent({ name: "Host", model }), "hi"));
    expect(error).toBeInstanceOf(RunError);
    expect(error.code).toBe("mine");
    expect(transcript(error.items as Item[])).toEqual(['user: "hi"']);
  });
});
