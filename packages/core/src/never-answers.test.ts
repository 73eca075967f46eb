/** Everything that others write and core calls, as a stub that never answers: each run ends in its named limit. */
import "@batonjs/testing/vitest";
import {
  AbortError,
  Agent,
  type AgentOptions,
  type AnyTarget,
  type AsToolOptions,
  type Clock,
  compact,
  type Engine,
  handoff,
  type HandoffOptions,
  memorySessions,
  type Model,
  type Nonces,
  type Plugin,
  type RunContext,
  type RunError,
  Runner,
  type RunnerOptions,
  type RunOptions,
  type SessionLease,
  type SessionStore,
  summarize,
  tool,
  type ToolContext,
  type ToolLike,
  type ToolOptions,
  type ToolSource,
} from "@batonjs/core";
import { hostileCallbacks } from "@batonjs/testing/corpus";
import { type Answer, call, handOff, invariantsOf, say, scriptedModel, testClock, testIds } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bound } from "./__fixtures__/bound.ts";
import { rejection } from "./__fixtures__/promises.ts";

const LIMITS = {
  callbackTimeoutMs: 100,
  toolTimeoutMs: 200,
  modelTimeoutMs: 300,
  storeTimeoutMs: 400,
  abortGraceMs: 50,
} as const;

/** What is never answered, how the run ends, and by when. */
interface Case {
  readonly what: string;
  /** A conversation in which `hang()` is called and never answers. */
  readonly make: (hang: () => Promise<never>) => Promise<unknown>;
  /** When it must have ended, and not before. */
  readonly within: number;
  /** How it ends: an error, or an answer. */
  readonly ends: { readonly code?: string; readonly name?: string } | { readonly output: string };
  /** What an abort does not end at once: a store has its time, and a tool that must run once its grace. */
  readonly holds?: true;
  /** Its error is the caller's to see as it is: no run has begun, or it has ended. */
  readonly passes?: true;
}

/** Fields that hold, or may hold, a function. */
type Functions<T> = {
  [K in keyof T & string]-?: Extract<NonNullable<T[K]>, (...given: never[]) => unknown> extends never ? never : K;
}[keyof T & string];
/** Fields that hold guardrails. */
type Guardrails<T> = {
  [K in keyof T & string]-?: NonNullable<T[K]> extends readonly { check(data: never, run: never): unknown }[]
    ? K
    : never;
}[keyof T & string];

type AnAgent = AgentOptions<unknown, readonly ToolLike[], readonly AnyTarget[], string>;
type ATool = ToolOptions<undefined, unknown, unknown>;
type AHandoff = HandoffOptions<unknown, undefined, "pass">;
/** Everything that others write and core calls. A callback that is new is missing in `SEAMS`, says the compiler. */
type Seam =
  | `agent: ${Functions<AnAgent> | Guardrails<AnAgent> | "outputType"}`
  | `tool: ${Functions<ATool> | Guardrails<ATool> | "parameters"}`
  | `handoff: ${Functions<AHandoff> | Guardrails<AHandoff> | "inputType"}`
  | `asTool(): ${Functions<AsToolOptions<undefined, unknown, string>>}`
  | `tool source: ${Functions<ToolSource>}`
  | `plugin: ${Functions<Plugin>}`
  | `store: ${Functions<SessionStore>}`
  | `lease: ${Functions<SessionLease>}`
  | `model: ${Functions<Model>}`
  | `runner options: ${Functions<RunnerOptions>}`
  | `run options: ${Functions<RunOptions>}`
  | `engine: ${Functions<Engine>}`
  | `nonces: ${Functions<Nonces>}`
  | `clock: ${Functions<Clock>}`
  | "run: ask";

let clock = testClock();
/** Models have an answer also where none is expected. */
let answersAll = false;
const makeRunner = (plugins: readonly Plugin[] = []): Runner =>
  new Runner({ ...LIMITS, clock, plugins, newId: testIds() });

const look = tool({ name: "look", sideEffects: "none", execute: () => "seen" });
const hungry = (hang: () => Promise<never>, from: number): Model => ({
  name: "hungry",
  provider: "test",
  async *stream() {
    if (from > 0) yield { type: "text_delta", delta: "Hel" };
    await hang();
  },
});
const storeThatHangs = (hang: () => Promise<never>, what: "read" | "append", nth = 0): Plugin => {
  const memory = memorySessions().sessions!;
  let count = 0;
  const store: SessionStore = {
    ...bound(memory),
    [what]: (...args: never[]) => {
      if (count++ >= nth) return hang();
      return (memory[what] as (...all: never[]) => Promise<never>).apply(memory, args);
    },
  };
  return { name: "store", sessions: store };
};
/** A model whose replies may be left over: a run that is stopped does not ask for them. */
const replies = (...script: readonly Answer[]): Model => {
  let used = 0;
  return scriptedModel(() => script[used++] ?? (answersAll ? say("done") : expect.fail("asked too often")));
};
const simple = (options: object = {}, script: readonly Answer[] = [call("look"), say("done")]) =>
  new Agent({ name: "Host", model: replies(...script), tools: [look], ...options });
const transferring = (options: object, target: object = {}) => {
  const model = replies(handOff("other"), say("I stay."));
  const other = new Agent({ name: "Other", model, ...target });
  return new Agent({ name: "Host", model, handoffs: [handoff(other, options as never)] });
};

/** A model whose stream is never done, though it has replied. */
const endless = (hang: () => Promise<never>): Model => ({
  name: "endless",
  provider: "test",
  async *stream() {
    const usage = { inputTokens: 1, outputTokens: 1 };
    const said = { type: "message", role: "assistant", content: "done" } as const;
    try {
      yield { type: "reply", items: [said], finishReason: "stop", usage };
    } finally {
      await hang();
    }
  },
});
/** An agent that asks another as a tool. */
const asking = (options: object, answers: readonly Answer[] = []): Agent => {
  const clerk = new Agent({ name: "Clerk", model: replies(...answers) });
  return simple({ tools: [clerk.asTool({ name: "look", ...options })] }, [call("look", { input: "?" }), say("done")]);
};

const SEAMS: Readonly<Record<Seam, readonly Case[] | { readonly none: string }>> = {
  "model: stream": [
    {
      what: "a model that never begins",
      within: 300,
      ends: { code: "model_error", name: "ModelError" },
      make: (hang) => makeRunner().run(new Agent({ name: "Host", model: hungry(hang, 0) }), "hi"),
    },
    {
      what: "a model that stops in the middle",
      within: 300,
      ends: { code: "model_error", name: "ModelError" },
      make: (hang) => makeRunner().run(new Agent({ name: "Host", model: hungry(hang, 1) }), "hi"),
    },
    {
      what: "the model of a nested agent",
      within: 300,
      ends: { output: "done" },
      make: (hang) => {
        const clerk = new Agent({ name: "Clerk", model: hungry(hang, 0) });
        return makeRunner().run(
          simple({ tools: [clerk.asTool({ name: "look" })] }, [call("look", { input: "?" }), say("done")]),
          "hi",
        );
      },
    },
    {
      what: "a model whose stream never ends after its reply",
      within: 0,
      ends: { output: "done" },
      make: (hang) => makeRunner().run(new Agent({ name: "Host", model: endless(hang) }), "hi"),
    },
    {
      what: "the model of a router, a wrapper that waits",
      within: 300,
      ends: { code: "model_error", name: "ModelError" },
      make: (hang) =>
        makeRunner([{ name: "waits", wrapModel: (model) => ({ ...model, stream: hungry(hang, 0).stream }) }]).run(
          new Agent({ name: "Host", model: { name: "m", provider: "p", stream: () => expect.fail() } }),
          "hi",
        ),
    },
  ],
  "agent: instructions": [
    {
      what: "instructions",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) => makeRunner().run(simple({ instructions: hang }, []), "hi"),
    },
  ],
  "tool: isEnabled": [
    {
      what: "a tool's isEnabled",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) =>
        makeRunner().run(simple({ tools: [tool({ name: "look", isEnabled: hang, execute: () => "" })] }, []), "hi"),
    },
  ],
  "handoff: isEnabled": [
    {
      what: "a handoff's isEnabled",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) => {
        const model = replies();
        const other = new Agent({ name: "Other", model });
        return makeRunner().run(
          new Agent({ name: "Host", model, handoffs: [handoff(other, { isEnabled: hang })] }),
          "hi",
        );
      },
    },
    {
      what: "a handoff's isEnabled, when it is called",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => {
        let asked = 0;
        const isEnabled = (): Promise<boolean> => ((asked += 1) === 2 ? hang() : Promise.resolve(true));
        return makeRunner().run(transferring({ isEnabled }), "hi");
      },
    },
  ],
  "tool source: list": [
    {
      what: "a source of tools",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) => makeRunner().run(simple({ tools: [{ kind: "tool_source", name: "mcp", list: hang }] }, []), "hi"),
    },
  ],
  "tool: needsApproval": [
    {
      what: "needsApproval",
      within: 100,
      ends: { output: "done" },
      make: (hang) =>
        makeRunner().run(simple({ tools: [tool({ name: "look", needsApproval: hang, execute: () => "" })] }), "hi"),
    },
  ],
  "tool: parameters": [
    {
      what: "a tool's schema",
      within: 100,
      ends: { output: "done" },
      make: (hang) =>
        makeRunner().run(
          simple({ tools: [tool({ name: "look", parameters: z.object({}).refine(hang), execute: () => "" })] }),
          "hi",
        ),
    },
  ],
  "agent: inputGuardrails": [
    {
      what: "an input guardrail",
      within: 100,
      ends: { code: "guardrail_tripped", name: "GuardrailError" },
      make: (hang) => makeRunner().run(simple({ inputGuardrails: [{ name: "g", check: hang }] }, []), "hi"),
    },
    {
      what: "an input guardrail beside the model",
      within: 100,
      ends: { code: "guardrail_tripped", name: "GuardrailError" },
      make: (hang) =>
        makeRunner().run(
          simple({ inputGuardrails: [{ name: "g", check: hang, runInParallel: true }] }, [say("x")]),
          "hi",
        ),
    },
    {
      what: "the target's input guardrail",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => makeRunner().run(transferring({}, { inputGuardrails: [{ name: "g", check: hang }] }), "hi"),
    },
  ],
  "agent: outputGuardrails": [
    {
      what: "an output guardrail",
      within: 100,
      ends: { code: "guardrail_tripped", name: "GuardrailError" },
      make: (hang) => makeRunner().run(simple({ outputGuardrails: [{ name: "g", check: hang }] }, [say("x")]), "hi"),
    },
  ],
  "tool: inputGuardrails": [
    {
      what: "a tool's input guardrail",
      within: 100,
      ends: { output: "done" },
      make: (hang) =>
        makeRunner().run(
          simple({ tools: [tool({ name: "look", inputGuardrails: [{ name: "g", check: hang }], execute: () => "" })] }),
          "hi",
        ),
    },
  ],
  "tool: outputGuardrails": [
    {
      what: "a tool's output guardrail",
      within: 100,
      ends: { output: "done" },
      make: (hang) =>
        makeRunner().run(
          simple({
            tools: [tool({ name: "look", outputGuardrails: [{ name: "g", check: hang }], execute: () => "" })],
          }),
          "hi",
        ),
    },
  ],
  "tool: execute": [
    {
      what: "a tool that may be repeated",
      within: 200,
      ends: { output: "done" },
      make: (hang) =>
        makeRunner().run(simple({ tools: [tool({ name: "look", sideEffects: "idempotent", execute: hang })] }), "hi"),
    },
    {
      what: "a tool that may not",
      holds: true,
      within: 200,
      ends: { output: "done" },
      make: (hang) => makeRunner().run(simple({ tools: [tool({ name: "look", execute: hang })] }), "hi"),
    },
  ],
  "tool: onError": [
    {
      what: "onError",
      within: 100,
      ends: { output: "done" },
      make: (hang) =>
        makeRunner().run(
          simple({ tools: [tool({ name: "look", onError: hang, execute: () => Promise.reject(new Error("x")) })] }),
          "hi",
        ),
    },
  ],
  "handoff: inputType": [
    {
      what: "a handoff's schema",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => makeRunner().run(transferring({ inputType: z.object({}).refine(hang) }), "hi"),
    },
  ],
  "handoff: guardrails": [
    {
      what: "a handoff's guardrail",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => makeRunner().run(transferring({ guardrails: [{ name: "g", check: hang }] }), "hi"),
    },
  ],
  "handoff: needsApproval": [
    {
      what: "a handoff's needsApproval",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => makeRunner().run(transferring({ needsApproval: hang }), "hi"),
    },
  ],
  "handoff: onHandoff": [
    {
      what: "onHandoff",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => makeRunner().run(transferring({ onHandoff: hang }), "hi"),
    },
  ],
  "handoff: inputFilter": [
    {
      what: "a filter",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => makeRunner().run(transferring({ inputFilter: hang }), "hi"),
    },
  ],
  "run options: inputFilter": [
    {
      what: "the run's filter",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => makeRunner().run(transferring({}), "hi", { inputFilter: hang }),
    },
  ],
  "agent: toolUseBehavior": [
    {
      what: "toolUseBehavior",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) => makeRunner().run(simple({ toolUseBehavior: hang }, [call("look")]), "hi"),
    },
  ],
  "agent: outputType": [
    {
      what: "the output's schema",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) => makeRunner().run(simple({ outputType: z.object({}).refine(hang) }, [say("{}")]), "hi"),
    },
  ],
  "plugin: view": [
    {
      what: "a plugin's view",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) => makeRunner([{ name: "window", view: hang }]).run(simple({}, []), "hi"),
    },
  ],
  "run: ask": [
    {
      what: "a model that a tool asks",
      holds: true,
      within: 200,
      ends: { output: "done" },
      make: (hang) => {
        const ask = tool({
          name: "look",
          execute: (_: undefined, run: ToolContext) => run.ask(hungry(hang, 0), { input: "?" }),
        });
        return makeRunner().run(simple({ tools: [ask] }), "hi");
      },
    },
    {
      what: "a model that instructions ask",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) =>
        makeRunner().run(
          simple({ instructions: (run: RunContext) => run.ask(hungry(hang, 0), { input: "?" }) }, []),
          "hi",
        ),
    },
    {
      what: "a model that a guardrail asks",
      within: 100,
      ends: { code: "guardrail_tripped", name: "GuardrailError" },
      make: (hang) => {
        const check = async (_: unknown, run: RunContext): Promise<boolean> =>
          (await run.ask(hungry(hang, 1), { input: "?" })) === "yes";
        return makeRunner().run(simple({ inputGuardrails: [{ name: "g", check }] }, []), "hi");
      },
    },
    {
      what: "the model of summarize()",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) =>
        makeRunner().run(transferring({ inputFilter: summarize(hungry(hang, 0), { keep: 1, atLeast: 1 }) }), [
          { role: "user", content: "1" },
          { role: "assistant", content: "2" },
          { role: "user", content: "3" },
        ]),
    },
    {
      what: "the model of compact()",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) =>
        makeRunner([compact({ model: hungry(hang, 0), atItems: 2, keepItems: 1 })]).run(simple({}, []), [
          { role: "user", content: "1" },
          { role: "assistant", content: "2" },
          { role: "user", content: "3" },
        ]),
    },
  ],
  "store: read": [
    {
      what: "a store that is read",
      holds: true,
      within: 400,
      ends: { code: "store_timeout", name: "StoreError" },
      make: (hang) => makeRunner([storeThatHangs(hang, "read")]).run(simple({}, []), "hi", { session: "s" }),
    },
  ],
  "store: append": [
    {
      what: "a store that takes the input",
      holds: true,
      within: 1_200,
      ends: { code: "store_timeout", name: "StoreError" },
      make: (hang) => makeRunner([storeThatHangs(hang, "append")]).run(simple({}, []), "hi", { session: "s" }),
    },
    {
      what: "a store that takes the reply",
      holds: true,
      within: 1_200,
      ends: { code: "store_timeout", name: "StoreError" },
      make: (hang) =>
        makeRunner([storeThatHangs(hang, "append", 1)]).run(
          simple({ tools: [tool({ name: "look", execute: () => expect.fail() })] }, [call("look")]),
          "hi",
          { session: "s" },
        ),
    },
    {
      what: "a store that takes a tool's result",
      holds: true,
      within: 1_200,
      ends: { code: "store_timeout", name: "StoreError" },
      make: (hang) =>
        makeRunner([storeThatHangs(hang, "append", 2)]).run(simple({}, [call("look")]), "hi", {
          session: "s",
        }),
    },
  ],
  "store: lease": [
    {
      what: "a store's lease",
      holds: true,
      within: 400,
      ends: { code: "store_timeout", name: "StoreError" },
      make: (hang) => {
        const store: SessionStore = { ...bound(memorySessions().sessions!), lease: hang };
        return makeRunner([{ name: "store", sessions: store }]).run(simple({}, []), "hi", { session: "s" });
      },
    },
  ],
  "lease: release": [
    {
      what: "the end of a store's lease",
      holds: true,
      within: 400,
      ends: { output: "done" },
      make: (hang) => {
        const store: SessionStore = {
          ...bound(memorySessions().sessions!),
          lease: async () => ({ renew: async () => true, release: hang }),
        };
        return makeRunner([{ name: "store", sessions: store }]).run(simple(), "hi", { session: "s" });
      },
    },
  ],
  "tool: verify": [
    {
      what: "verify",
      holds: true,
      within: 200,
      ends: { output: "done" },
      make: (hang) => {
        const pay = tool({ name: "look", verify: hang, execute: () => expect.fail() });
        return makeRunner().run(simple({ tools: [pay] }, [say("done")]), [
          { type: "message", id: "1", at: 1, role: "user", content: "hi" },
          { type: "tool_call", id: "2", at: 1, agent: "Host", callId: "c", name: "look", arguments: "{}" },
          { type: "tool_start", id: "3", at: 1, agent: "Host", callId: "c" },
        ]);
      },
    },
  ],
  "asTool(): input": [
    {
      what: "the input of asTool(), which is to be a text",
      within: 0,
      ends: { output: "done" },
      make: (hang) => makeRunner().run(asking({ input: hang as never }), "hi"),
    },
  ],
  "asTool(): output": [
    {
      what: "the output of asTool(), which is to be a text",
      within: 0,
      ends: { output: "done" },
      make: (hang) => makeRunner().run(asking({ output: hang as never }, [say("seen")]), "hi"),
    },
  ],
  "asTool(): isEnabled": [
    {
      what: "isEnabled of asTool()",
      within: 100,
      ends: { code: "callback_timeout" },
      make: (hang) => makeRunner().run(asking({ isEnabled: hang }), "hi"),
    },
  ],
  "asTool(): needsApproval": [
    {
      what: "needsApproval of asTool()",
      within: 100,
      ends: { output: "done" },
      make: (hang) => makeRunner().run(asking({ needsApproval: hang }), "hi"),
    },
  ],
  "runner options: inputFilter": [
    {
      what: "the runner's filter",
      within: 100,
      ends: { output: "I stay." },
      make: (hang) => new Runner({ ...LIMITS, clock, inputFilter: hang }).run(transferring({}), "hi"),
    },
  ],
  "plugin: model": [
    {
      what: "a plugin's model, which is to be there at once",
      passes: true,
      within: 0,
      ends: { name: "TypeError" },
      make: (hang) =>
        makeRunner([{ name: "late", model: hang as never }]).run(new Agent({ name: "A", model: "m" }), "hi"),
    },
  ],
  "plugin: wrapModel": [
    {
      what: "wrapModel, whose model is to be there at once",
      passes: true,
      within: 0,
      ends: { name: "TypeError" },
      make: (hang) => makeRunner([{ name: "late", wrapModel: hang as never }]).run(simple({}, []), "hi"),
    },
  ],
  "plugin: wrapTool": [
    {
      what: "wrapTool, whose tool is to be there at once",
      passes: true,
      within: 0,
      ends: { name: "TypeError" },
      make: (hang) => makeRunner([{ name: "late", wrapTool: hang as never }]).run(simple({}, []), "hi"),
    },
  ],
  "plugin: onEvent": [
    {
      what: "a listener",
      within: 0,
      ends: { output: "done" },
      make: (hang) => makeRunner([{ name: "listens", onEvent: hang as never }]).run(simple(), "hi"),
    },
  ],
  "plugin: close": [
    {
      what: "a plugin that is closed",
      passes: true,
      holds: true,
      within: 100,
      ends: { code: "engine_error", name: "RunError" },
      make: (hang) => makeRunner([{ name: "hangs", close: hang }]).close(),
    },
  ],
  "lease: renew": [
    {
      what: "a lease that is renewed",
      holds: true,
      within: 15_000,
      ends: { output: "done" },
      make: (hang) => {
        const lease = async (): Promise<SessionLease> => ({ renew: hang, release: async () => {} });
        const store: SessionStore = { ...bound(memorySessions().sessions!), lease };
        const execute = (): Promise<string> =>
          new Promise((resolve) => clock.setTimeout(() => resolve("seen"), 15_000));
        const slow = tool({ name: "look", timeoutMs: 20_000, execute });
        return makeRunner([{ name: "store", sessions: store }]).run(simple({ tools: [slow] }), "hi", { session: "s" });
      },
    },
  ],
  "agent: handoffs": { none: "gives the list itself, before the run begins" },
  "store: delete": { none: "no run deletes: who does waits as long as he likes" },
  "store: list": { none: "no run lists: who does waits as long as he likes" },
  "store: close": { none: "no run closes a store: its plugin does, in `close`" },
  "nonces: use": { none: "no run opens a sealed state: who does waits as long as he likes" },
  "runner options: newId": { none: "gives the id itself" },
  "clock: now": { none: "gives the time itself" },
  "clock: setTimeout": { none: "without a clock that wakes nothing ends in time" },
  "clock: clearTimeout": { none: "gives nothing" },
  "engine: perform": { none: "takes the time it takes, days in a durable workflow: below is what a stop does" },
};

const CASES = Object.values(SEAMS).flatMap((cases) => ("none" in cases ? [] : cases));

describe("what never answers", () => {
  it.each(CASES)("as $what ends in time", async ({ make, within, ends }) => {
    clock = testClock();
    let hung = 0;
    const hang = (): Promise<never> => ((hung += 1), new Promise<never>(() => {}));
    let settled: { readonly output: unknown } | { readonly error: RunError } | undefined;
    const done = make(hang).then(
      (result) => (settled = { output: (result as { readonly finalOutput: unknown }).finalOutput }),
      (error: unknown) => (settled = { error: error as RunError }),
    );
    await clock.settle();
    if (within > 0) {
      await clock.advance(within - 1);
      expect(settled).toBeUndefined();
      await clock.advance(1);
    }
    expect(hung).toBeGreaterThan(0);
    expect(settled).toBeDefined();
    await done;
    if ("output" in ends) expect(settled).toEqual({ output: ends.output });
    else expect((settled as { error: RunError }).error).toMatchObject(ends);
    expect(clock.pending).toBe(0);
  });

  it.each(CASES.filter(({ holds, within }) => holds !== true && within > 0))(
    "as $what ends at once when the run is stopped",
    async ({ make }) => {
      clock = testClock();
      const controller = new AbortController();
      const original = Runner.prototype.run;
      Runner.prototype.run = function run(this: Runner, agent: never, input: never, options: object = {}) {
        return original.call(this, agent, input, { ...options, signal: controller.signal } as never);
      } as typeof original;
      try {
        const running = make(() => new Promise<never>(() => {}));
        running.catch(() => {});
        await clock.settle();
        const cause = new Error("stop");
        controller.abort(cause);
        const error = await rejection(running); // the clock has not moved
        expect(error).toBeInstanceOf(AbortError);
        expect(error.cause).toBe(cause);
        expect(invariantsOf(error.items, { settled: true })).toEqual([]);
        // What was under way is given up, not answered as if it had failed or been denied.
        for (const item of error.items)
          if (item.type === "tool_result") expect(["ok", "abandoned", "unknown"]).toContain(item.status);
        expect(clock.pending).toBe(0);
      } finally {
        Runner.prototype.run = original;
      }
    },
  );

  it("as a plugin that is closed does not keep runner.close() from ending", async () => {
    const clock = testClock();
    let closed = false;
    const runner = new Runner({
      clock,
      callbackTimeoutMs: 100,
      plugins: [
        { name: "hangs", close: () => new Promise<void>(() => {}) },
        { name: "fine", close: async () => void (closed = true) },
      ],
    });
    const closing = rejection(runner.close());
    await clock.advance(100);
    expect((await closing).message).toContain('"hangs"');
    expect(closed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it("as an engine is left behind when the run is stopped and its grace is over", async () => {
    const clock = testClock();
    const controller = new AbortController();
    const engine: Engine = { perform: () => new Promise(() => {}) };
    const runner = new Runner({ ...LIMITS, clock, engine });
    const running = rejection(runner.run(simple({}, []), "hi", { signal: controller.signal }));
    await clock.advance(1_000_000);
    controller.abort(new Error("stop"));
    await clock.advance(LIMITS.abortGraceMs + 3 * LIMITS.storeTimeoutMs);
    expect(await running).toBeInstanceOf(AbortError);
    expect(clock.pending).toBe(0);
  });
});

describe("what does not do what it should", () => {
  const odd = CASES.flatMap((seam) => hostileCallbacks.map(({ what, value }) => ({ seam, how: what, callback: value })))
    // zod calls an asynchronous refinement twice, and leaves the first promise to nobody.
    .filter(({ seam, how }) => !(how === "rejects" && seam.what.endsWith("schema")))
    // That is how a store says that another has the session: the turn waits for it.
    .filter(({ seam, how }) => !(how === "returns undefined" && seam.what === "a store's lease"));

  it.each(odd)("as $seam.what that $how ends in an answer or a named error", async ({ seam, callback }) => {
    clock = testClock();
    answersAll = true;
    try {
      const done = seam.make(callback as () => Promise<never>).then(
        (result) => typeof (result as { readonly finalOutput: unknown } | undefined)?.finalOutput,
        (error: Error) => (seam.passes === true && /^(thrown|rejected)$/.test(error.message) ? "its own" : error.name),
      );
      await clock.advance(100_000);
      const ended = await Promise.race([done, Promise.resolve("not at all")]);
      expect(ended).toMatch(/^(string|object|undefined|(Run|Model|Store|Guardrail|Type)Error|its own)$/);
      expect(clock.pending).toBe(0);
    } finally {
      answersAll = false;
    }
  });
});
