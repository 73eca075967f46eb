import "@batonjs/testing/vitest";
import {
  Agent,
  approve,
  handoff,
  type Item,
  MemoryStore,
  memorySessions,
  type Model,
  type Pending,
  type Plugin,
  Runner,
  type RunnerOptions,
  SessionConflict,
  type SessionStore,
  StoreError,
  tool,
  type ToolContext,
  toolResult,
  usageOf,
  user,
} from "@batonjs/core";
import {
  call,
  calls,
  fail,
  handOff,
  invariantsOf,
  reason,
  say,
  type Script,
  scriptedModel,
  stall,
  testClock,
  testIds,
  testRandom,
  transcript,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Fault, FaultyStore } from "./__fixtures__/faulty-store.ts";
import { isOwn } from "./journal.ts";
import { rejection, tick } from "./__fixtures__/promises.ts";

const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const plugin = (store: SessionStore): Plugin => ({ name: "store", sessions: store });
const runnerOn = (store: SessionStore, options: RunnerOptions = {}): Runner =>
  new Runner({ ...options, plugins: [plugin(store), ...(options.plugins ?? [])] });

/** What is wrong with a record. The number of an item whose append failed may be missing; it is not given again. */
const problemsOf = (items: readonly Item[], graph?: Agent): string[] =>
  invariantsOf(items, { settled: true, ...(graph ? { graph } : {}) }).filter(
    (line) => !/^I3 order: .* follows number/.test(line),
  );

/** What the world outside has seen: effects by tool and key. */
class Ledger {
  readonly effects: { readonly tool: string; readonly key: string }[] = [];
  readonly handoffs: string[] = [];
  count(tool: string): number {
    return this.effects.filter((each) => each.tool === tool).length;
  }
  keys(tool: string): Set<string> {
    return new Set(this.effects.filter((each) => each.tool === tool).map(({ key }) => key));
  }
}

/** A desk with tools of every kind, a handoff, a consultation and a nested agent. Any process can make it. */
function desk(ledger: Ledger) {
  const model = scriptedModel(({ at, items }) => {
    const said = items.filter((item) => item.type === "tool_call" && item.agent === at.agent).length;
    switch (at.agent) {
      case "Triage":
        return handOff("billing", { amount: 3 });
      case "Billing":
        if (said === 0)
          return [
            reason("hm"),
            say("Let me look."),
            call("look"),
            call("pay"),
            call("note"),
            call("ask_clerk", { input: "?" }),
          ];
        return said === 4 ? handOff("expert") : say("All done.");
      case "Clerk":
        return said === 0 ? calls(call("file"), call("stamp")) : say("Filed.");
      default:
        return say("It is so.");
    }
  });
  const work = (name: string, sideEffects: "none" | "idempotent" | "once") =>
    tool({
      name,
      sideEffects,
      execute: (_: undefined, run: ToolContext) => {
        ledger.effects.push({ tool: name, key: run.idempotencyKey });
        return `${name} done`;
      },
    });
  const clerk = new Agent({ name: "Clerk", model, tools: [work("file", "idempotent"), work("stamp", "once")] });
  const expert = new Agent({ name: "Expert", model });
  const billing = new Agent({
    name: "Billing",
    model,
    tools: [work("look", "none"), work("pay", "once"), work("note", "idempotent"), clerk.asTool({ name: "ask_clerk" })],
    handoffs: [handoff(expert, { mode: "return" })],
  });
  return new Agent({
    name: "Triage",
    model,
    handoffs: [
      handoff(billing, {
        inputType: z.object({ amount: z.number() }),
        onHandoff: (_, run) => void ledger.handoffs.push(run.idempotencyKey ?? "no key"),
        inputFilter: (data) => ({ ...data, preHandoffItems: [] }),
      }),
    ],
  });
}

describe("a run on a session", () => {
  it("appends at each step: the input; each reply before its tools start; each result as it arrives; a handoff at once", async () => {
    const store = new FaultyStore();
    const result = await runnerOn(store, { clock: testClock(), newId: testIds(), maxConcurrentTools: 1 }).run(
      desk(new Ledger()),
      "Pay",
      { session: "s" },
    );
    expect(result.finalOutput).toBe("All done.");
    expect(store.acknowledged.map((items) => transcript(items, { maxText: 30 }))).toMatchInlineSnapshot(`
      [
        [
          "user: "Pay"",
        ],
        [
          "Triage calls transfer_to_billing({"amount":3}) [call_1]",
          "turn of Triage: tool_calls",
        ],
        [
          "result of call_1: "The conversation is with Billi…"",
          "handoff Triage → Billing {"amount":3}",
        ],
        [
          "Billing thinks: "hm"",
          "Billing: "Let me look."",
          "Billing calls look({}) [call_2]",
          "Billing calls pay({}) [call_3]",
          "Billing calls note({}) [call_4]",
          "Billing calls ask_clerk({"input":"?"}) [call_5]",
          "turn of Billing: tool_calls",
        ],
        [
          "result of call_2: "look done"",
        ],
        [
          "start of call_3",
        ],
        [
          "result of call_3: "pay done"",
        ],
        [
          "result of call_4: "note done"",
        ],
        [
          "user: "?"",
        ],
        [
          "Clerk calls file({}) [call_6]",
          "Clerk calls stamp({}) [call_7]",
          "turn of Clerk: tool_calls",
        ],
        [
          "result of call_6: "file done"",
        ],
        [
          "start of call_7",
        ],
        [
          "result of call_7: "stamp done"",
        ],
        [
          "Clerk: "Filed."",
          "turn of Clerk: stop",
        ],
        [
          "result of call_5: "Filed."",
        ],
        [
          "Billing calls transfer_to_expert({}) [call_8]",
          "turn of Billing: tool_calls",
        ],
        [
          "result of call_8: "The conversation is with Exper…"",
          "handoff Billing → Expert (return)",
        ],
        [
          "Expert: "It is so."",
          "turn of Expert: stop",
        ],
        [
          "handoff Expert → Billing (back)",
        ],
        [
          "Billing: "All done."",
          "turn of Billing: stop",
        ],
      ]
    `);
    expect(await store.stored()).toEqual(throughJson(result.history));
    expect(new Set(store.tried.map(({ opId }) => opId)).size).toBe(store.tried.length);
  });

  it("comes back with the specialist that owns the conversation, in another process", async () => {
    const store = new MemoryStore();
    const build = (script: Script) => {
      const model = scriptedModel(script);
      return new Agent({ name: "Triage", model, handoffs: [new Agent({ name: "Billing", model })] });
    };
    const first = await runnerOn(store).run(build({ Triage: [handOff("billing")], Billing: [say("Hello.")] }), "hi", {
      session: "s",
    });
    expect(first.activeAgent.name).toBe("Billing");
    const second = await runnerOn(store).run(build({ Billing: [say("Still here.")] }), "and?", { session: "s" });
    expect(second.finalOutput).toBe("Still here.");
    expect(second.usage.requests).toBe(1);
    expect(usageOf(second.history).requests).toBe(3);
    expect(transcript(second.newItems)).toEqual(['Billing: "Still here."', "turn of Billing: stop"]);
  });

  it("keeps the user's message when the model fails, and answers it the next time", async () => {
    const store = new MemoryStore();
    const agent = new Agent({ name: "Host", model: scriptedModel([fail(new Error("down")), say("Hello.")]) });
    await rejection(runnerOn(store).run(agent, "hi", { session: "s" }));
    expect(transcript((await store.read({ id: "s" })).items)).toEqual(['user: "hi"']);
    const result = await runnerOn(store).run(agent, [], { session: "s" });
    expect(result.finalOutput).toBe("Hello.");
  });

  it("with nothing to go on is a TypeError where nothing is stored and nothing is said", async () => {
    const agent = new Agent({ name: "Host", model: scriptedModel([]) });
    const store = new FaultyStore();
    await expect(runnerOn(store).run(agent, [], { session: "s" })).rejects.toThrow(TypeError);
    expect(store.appends).toBe(0);
  });

  it("of one tenant reads and writes nothing of another's with the same id", async () => {
    const store = new MemoryStore();
    const agent = new Agent({ name: "Host", model: scriptedModel(({ items }) => say(`${items.length} seen`)) });
    const runner = runnerOn(store);
    for (const session of [
      { tenant: "a", id: "s" },
      { tenant: "b", id: "s" },
      { id: "s" },
      "s2",
      { tenant: "", id: "s" },
    ]) {
      const result = await runner.run(agent, "my secret", { session });
      expect(result.finalOutput).toBe("1 seen");
    }
    expect((await runner.run(agent, "again", { session: { tenant: "a", id: "s" } })).finalOutput).toBe("3 seen");
    expect((await runner.run(agent, "again", { session: "s" })).finalOutput).toBe("3 seen");
  });

  it("tells plugins, models and callbacks which session it is", async () => {
    const seen: unknown[] = [];
    const model = scriptedModel([say("ok")]);
    const agent = new Agent({ name: "Host", model, instructions: (run) => (seen.push(run.session), "x") });
    await runnerOn(new MemoryStore()).run(agent, "hi", { session: { tenant: "t", id: "s" } });
    expect(seen).toEqual([{ tenant: "t", id: "s" }]);
    expect(model.request(0).at.session).toEqual({ tenant: "t", id: "s" });
  });

  it("takes a conversation that began elsewhere into an empty session, and goes on with it", async () => {
    const model = scriptedModel([call("look"), say("one"), say("two"), say("three")]);
    const agent = new Agent({ name: "Host", model, tools: [tool({ name: "look", execute: () => "seen" })] });
    const elsewhere = await new Runner().run(agent, "hi");
    const store = new MemoryStore();
    const moved = await runnerOn(store).run(agent, [...elsewhere.toInputList(), user("more")], { session: "s" });
    expect(moved.finalOutput).toBe("two");
    expect(invariantsOf(moved.history, { settled: true })).toEqual([]);
    expect(transcript(moved.newItems)).toEqual(['Host: "two"', "turn of Host: stop"]);
    // The list once more, with what is new: only that is taken.
    const again = await runnerOn(store).run(agent, [...moved.toInputList(), user("and more")], { session: "s" });
    expect(again.finalOutput).toBe("three");
    expect(again.history.filter(({ type }) => type === "tool_call")).toHaveLength(1);
  });
});

/** How many appends a whole run of the desk makes. */
async function countAppends(): Promise<number> {
  const store = new FaultyStore();
  await runnerOn(store, { maxConcurrentTools: 1 }).run(desk(new Ledger()), "Pay", { session: "s", runId: "r" });
  return store.appends;
}

/** Runs until the store says that the process is gone. */
async function runUntilKilled(store: FaultyStore, running: Promise<unknown>): Promise<void> {
  running.catch(() => {});
  for (let i = 0; i < 200 && !store.dead; i++) await tick();
  expect(store.dead).toBe(true);
}

describe("a crash at any append", () => {
  it.each([
    ["kill", 1],
    ["kill", 16],
    ["kill_after", 1],
    ["kill_after", 16],
    ["throw", 1],
    ["throw", 16],
    ["throw_after", 1],
    ["throw_after", 16],
  ] as const)(
    "(%s, %d at a time) loses nothing that was acknowledged and doubles nothing; a fresh process finishes the run",
    async (type, maxConcurrentTools) => {
      const total = await countAppends();
      expect(total).toBeGreaterThanOrEqual(20);
      for (let nth = 0; nth < total; nth++) {
        const what = `${type} at append ${nth}`;
        const ledger = new Ledger();
        const clock = testClock();
        const fault: Fault = type === "kill" || type === "kill_after" ? { type } : { type, error: new Error("cut") };
        const store = new FaultyStore((operation, at) => (operation === "append" && at === nth ? fault : undefined));
        const first = runnerOn(store, { maxConcurrentTools, clock }).run(desk(ledger), "Pay", {
          session: "s",
          runId: "r",
        });
        if (fault.type === "kill" || fault.type === "kill_after") await runUntilKilled(store, first);
        else expect(await rejection(first), what).toBeInstanceOf(StoreError);
        const acknowledged = store.acknowledged.flat();
        const committed = await store.stored();
        for (const item of acknowledged) expect(committed, what).toContainEqual(item);

        const agent = desk(ledger);
        const second = new FaultyStore(undefined, store.inner);
        const result = await runnerOn(second, { maxConcurrentTools: 1 }).run(agent, "Pay", {
          session: "s",
          runId: "r",
        });
        expect(result.status, what).toBe("completed");
        expect(result.finalOutput, what).toBe("All done.");
        expect(result.activeAgent.name, what).toBe("Billing");
        const record = await second.stored();
        expect(record.slice(0, committed.length), what).toEqual(committed);
        expect(throughJson(result.history), what).toEqual(record);
        expect(problemsOf(record, agent), what).toEqual([]);
        expect(
          record.filter((item) => item.type === "message" && item.role === "user" && !item.path),
          what,
        ).toHaveLength(1);
        expect(
          record.filter(({ type }) => type === "handoff"),
          what,
        ).toHaveLength(3);
        // Nothing was done twice that must not be, and what was done twice had the same key.
        for (const once of ["pay", "stamp"]) expect(ledger.count(once), what).toBeLessThanOrEqual(1);
        for (const again of ["look", "note", "file"]) {
          expect(ledger.count(again), what).toBeGreaterThanOrEqual(1);
          expect(ledger.keys(again).size, what).toBe(1);
        }
        expect(new Set(ledger.handoffs).size, what).toBe(1);
        expect(ledger.handoffs[0], what).not.toBe("no key");
        // A tool that must run once has run, or its outcome is unknown; never is it both.
        for (const once of ["pay", "stamp"]) {
          const callId = record.find(
            (item) => item.type === "tool_call" && item.name === once && item.type === "tool_call",
          ) as {
            callId: string;
            path?: readonly string[];
          };
          const answer = record.find(
            (item) =>
              item.type === "tool_result" && item.callId === callId.callId && String(item.path) === String(callId.path),
          ) as { status: string };
          expect(["ok", "unknown"], what).toContain(answer.status);
          if (answer.status === "ok") expect(ledger.count(once), what).toBe(1);
        }
      }
    },
  );

  it("while a call is approved loses no decision, and runs the call once at most", async () => {
    const build = (ledger: Ledger) => {
      const pay = tool({
        name: "pay",
        needsApproval: true,
        execute: (_: undefined, run: ToolContext) => {
          ledger.effects.push({ tool: "pay", key: run.idempotencyKey });
          return "paid";
        },
      });
      const model = scriptedModel(({ items }) => (items.at(-1)!.type === "tool_result" ? say("Done.") : call("pay")));
      return new Agent({ name: "Shop", model, tools: [pay] });
    };
    for (const type of ["kill", "kill_after"] as const) {
      for (let nth = 0; nth < 4; nth++) {
        const what = `${type} at append ${nth}`;
        const ledger = new Ledger();
        const inner = new MemoryStore();
        const paused = await runnerOn(inner).run(build(ledger), "Pay", { session: "s" });
        const answer = throughJson(approve(paused.pending[0]!));
        const store = new FaultyStore(
          (operation, at) => (operation === "append" && at === nth ? { type } : undefined),
          inner,
        );
        const options = { session: "s", runId: "r" };
        await runUntilKilled(store, runnerOn(store, { clock: testClock() }).run(build(ledger), answer, options));
        const result = await runnerOn(inner).run(build(ledger), answer, options);
        expect(result.finalOutput, what).toBe("Done.");
        expect(ledger.count("pay"), what).toBeLessThanOrEqual(1);
        const record = (await inner.read({ id: "s" })).items;
        expect(problemsOf(record), what).toEqual([]);
        expect(
          record.filter((item) => item.type === "approval" && item.decision === "approved"),
          what,
        ).toHaveLength(1);
        // Nothing was started where the decision, or the start, was not stored.
        if (nth <= 1 && type === "kill") expect(ledger.count("pay"), what).toBe(1);
      }
    }
  });

  it("twice in a row, at any two places, is as one", async () => {
    const total = await countAppends();
    for (let nth = 0; nth < total; nth += 3) {
      for (let again = 0; again < 4; again++) {
        const what = `killed at append ${nth}, then ${again}`;
        const ledger = new Ledger();
        const kill =
          (at: number, type: "kill" | "kill_after") =>
          (operation: string, each: number): Fault | undefined =>
            operation === "append" && each === at ? { type } : undefined;
        const first = new FaultyStore(kill(nth, "kill_after"));
        const options = { session: "s", runId: "r" };
        await runUntilKilled(
          first,
          runnerOn(first, { maxConcurrentTools: 1, clock: testClock() }).run(desk(ledger), "Pay", options),
        );
        const second = new FaultyStore(kill(again, "kill"), first.inner);
        const running = runnerOn(second, { maxConcurrentTools: 1, clock: testClock() }).run(
          desk(ledger),
          "Pay",
          options,
        );
        const done = await Promise.race([
          running.then(() => true),
          runUntilKilled(second, running).then(
            () => false,
            () => true,
          ),
        ]);
        const agent = desk(ledger);
        const third = new FaultyStore(undefined, first.inner);
        const result = await runnerOn(third).run(agent, "Pay", options);
        expect(result.finalOutput, what).toBe("All done.");
        expect(invariantsOf(await third.stored(), { graph: agent, settled: true }), what).toEqual([]);
        for (const once of ["pay", "stamp"]) expect(ledger.count(once), what).toBeLessThanOrEqual(1);
        expect(typeof done).toBe("boolean");
      }
    }
  }, 30_000);

  it("is taken up by the next message as well: what was open is settled first", async () => {
    const total = await countAppends();
    for (let nth = 1; nth < total; nth++) {
      const what = `killed after append ${nth}`;
      const ledger = new Ledger();
      const store = new FaultyStore((operation, at) =>
        operation === "append" && at === nth ? { type: "kill_after" } : undefined,
      );
      await runUntilKilled(
        store,
        runnerOn(store, { maxConcurrentTools: 1, clock: testClock() }).run(desk(ledger), "Pay", { session: "s" }),
      );
      const agent = desk(ledger);
      const second = new FaultyStore(undefined, store.inner);
      const result = await runnerOn(second).run(agent, "Are you there?", { session: "s" });
      expect(result.status, what).toBe("completed");
      expect(invariantsOf(await second.stored(), { graph: agent, settled: true }), what).toEqual([]);
      for (const once of ["pay", "stamp"]) expect(ledger.count(once), what).toBeLessThanOrEqual(1);
    }
  });

  it("while an approval waits leaves it waiting, with the same pending", async () => {
    const build = (script: Script) =>
      new Agent({
        name: "Shop",
        model: scriptedModel(script),
        tools: [tool({ name: "pay", needsApproval: true, execute: () => "paid" })],
      });
    const store = new MemoryStore();
    const first = await runnerOn(store).run(build([call("pay")]), "Pay", { session: "s" });
    const again = await runnerOn(store).run(build([]), [], { session: "s" });
    expect(again.pending).toEqual(first.pending);
    const done = await runnerOn(store).run(build([say("Done.")]), approve(throughJson(again.pending[0]!)), {
      session: "s",
    });
    expect(done.finalOutput).toBe("Done.");
  });
});

describe("sideEffects after a crash", () => {
  /** A run that is killed while its tool is running; then one in a fresh process. */
  async function crashIn(
    make: (ran: () => void) => ReturnType<typeof tool>,
    script: Script = [call("work"), say("done")],
  ) {
    let ran = 0;
    const store = new FaultyStore();
    const kill = (): void => {
      ran += 1;
      if (ran === 1) store.dead = true;
    };
    const agent = new Agent({ name: "Host", model: scriptedModel(script), tools: [make(kill)] });
    await runUntilKilled(store, runnerOn(store, { clock: testClock() }).run(agent, "hi", { session: "s" }));
    const second = new FaultyStore(undefined, store.inner);
    const result = await runnerOn(second).run(agent, [], { session: "s" });
    const answer = result.history.find((item) => item.type === "tool_result") as Item & { type: "tool_result" };
    return { ran, result, answer };
  }

  it.each(["none", "idempotent"] as const)("%s is run again with the same key", async (sideEffects) => {
    const keys: string[] = [];
    const { ran, answer } = await crashIn((run) =>
      tool({
        name: "work",
        sideEffects,
        execute: (_: undefined, context: ToolContext) => {
          run();
          keys.push(context.idempotencyKey);
          return "worked";
        },
      }),
    );
    expect(ran).toBe(2);
    expect(new Set(keys).size).toBe(1);
    expect(answer).toMatchObject({ status: "ok", output: "worked" });
  });

  it("once is never run again: its outcome is unknown", async () => {
    const { ran, answer, result } = await crashIn((run) => tool({ name: "work", execute: run }));
    expect(ran).toBe(1);
    expect(answer.status).toBe("unknown");
    expect(answer.output).toMatch(/unknown.*may or may not have happened/);
    expect(result.finalOutput).toBe("done");
  });

  it("once that can tell what happened is asked: a result settles it", async () => {
    const seen: unknown[] = [];
    const { ran, answer } = await crashIn((run) =>
      tool({
        name: "work",
        execute: () => (run(), "paid"),
        verify: async (_: undefined, context: ToolContext) => (
          seen.push(context.idempotencyKey, context.callId),
          "it was paid"
        ),
      }),
    );
    expect(ran).toBe(1);
    expect(answer).toMatchObject({ status: "ok", output: "it was paid" });
    expect(seen[1]).toBe("call_1");
  });

  it("once that says that nothing happened is run, with the same key", async () => {
    const keys: string[] = [];
    const { ran, answer } = await crashIn((run) =>
      tool({
        name: "work",
        execute: (_: undefined, context: ToolContext) => {
          run();
          keys.push(context.idempotencyKey);
          return "worked";
        },
        verify: (_: undefined, context: ToolContext) => {
          keys.push(context.idempotencyKey);
          return undefined;
        },
      }),
    );
    expect(ran).toBe(2);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(answer).toMatchObject({ status: "ok", output: "worked" });
  });

  it.each<[string, () => never | Promise<never>]>([
    [
      "throws",
      () => {
        throw new Error("no connection");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no connection"))],
  ])("once whose verify %s stays unknown", async (_, verify) => {
    const { ran, answer } = await crashIn((run) => tool({ name: "work", execute: run, verify }));
    expect(ran).toBe(1);
    expect(answer.status).toBe("unknown");
  });

  it("once whose verify never answers stays unknown", async () => {
    const clock = testClock();
    const store = new FaultyStore();
    let ran = 0;
    const work = tool({
      name: "work",
      timeoutMs: 50,
      execute: () => {
        ran += 1;
        store.dead = true;
      },
      verify: () => new Promise<undefined>(() => {}),
    });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("work"), say("done")]), tools: [work] });
    await runUntilKilled(store, runnerOn(store, { clock: testClock() }).run(agent, "hi", { session: "s" }));
    const running = runnerOn(new FaultyStore(undefined, store.inner), { clock }).run(agent, [], { session: "s" });
    await clock.advance(50);
    expect(transcript((await running).history)).toContainEqual(expect.stringMatching(/^result of call_1 \(unknown\)/));
    expect(ran).toBe(1);
  });

  it("once has what verify gives judged by the tool's output guardrails", async () => {
    const { answer } = await crashIn((run) =>
      tool({
        name: "work",
        execute: () => (run(), "paid"),
        verify: () => "secret",
        outputGuardrails: [{ name: "g", check: ({ output }) => output !== "secret" }],
      }),
    );
    expect(answer.output).not.toContain("secret");
  });

  it("keeps results of others of the reply that were recorded", async () => {
    const store = new FaultyStore((operation, nth) =>
      operation === "append" && nth === 5 ? { type: "kill" } : undefined,
    );
    const ran: string[] = [];
    const work = (name: string) => tool({ name, sideEffects: "none", execute: () => (ran.push(name), name) });
    const tools = ["a", "b", "c", "d"].map(work);
    const script: Script = [calls(call("a"), call("b"), call("c"), call("d")), say("done")];
    const agent = new Agent({ name: "Host", model: scriptedModel(script), tools });
    await runUntilKilled(
      store,
      runnerOn(store, { maxConcurrentTools: 1, clock: testClock() }).run(agent, "hi", { session: "s" }),
    );
    expect(ran).toEqual(["a", "b", "c", "d"]);
    const result = await runnerOn(new FaultyStore(undefined, store.inner)).run(agent, [], { session: "s" });
    expect(ran).toEqual(["a", "b", "c", "d", "d"]);
    expect(result.history.filter(({ type }) => type === "tool_result")).toHaveLength(4);
  });
});

/** One operation that fails in one way, and what must come of it. */
const broken = new Error("disk on fire");
const retriable = new StoreError("try again", { retryable: true });

describe("a store that fails", () => {
  const work = () => {
    const ran: string[] = [];
    const pay = tool({ name: "pay", execute: () => (ran.push("pay"), "paid") });
    const agent = new Agent({
      name: "Host",
      model: scriptedModel(({ items }) => (items.at(-1)!.type === "tool_result" ? say("done") : call("pay"))),
      tools: [pay],
    });
    return { agent, ran };
  };
  /** What each append of this run is. */
  const APPENDS = [
    "the input",
    "the reply with calls",
    "the start of a tool",
    "the tool's result",
    "the answer",
  ] as const;

  it("when it is read ends the run with a StoreError before a model is asked", async () => {
    for (const error of [broken, new StoreError("down"), retriable, "text", null, undefined]) {
      const store = new FaultyStore((operation) => (operation === "read" ? { type: "throw", error } : undefined));
      const agent = new Agent({ name: "Host", model: scriptedModel([]) });
      const thrown = await rejection(runnerOn(store).run(agent, "hi", { session: "s" }));
      expect(thrown).toBeInstanceOf(StoreError);
      expect(thrown.items).toEqual([]);
      expect(store.appends).toBe(0);
    }
  });

  it.each(APPENDS.map((what, nth) => [what, nth] as const))(
    "at the append of %s ends the run with a StoreError that has its cause; the next run goes on",
    async (_, nth) => {
      for (const type of ["throw", "throw_after"] as const) {
        const { agent, ran } = work();
        const store = new FaultyStore((operation, at) =>
          operation === "append" && at === nth ? { type, error: broken } : undefined,
        );
        const error = await rejection(runnerOn(store).run(agent, "hi", { session: "s", runId: "r" }));
        expect(error).toBeInstanceOf(StoreError);
        expect(error.cause).toBe(broken);
        expect(error.code).toBe("store_error");
        // Tools do not start before the reply, and the start, are stored.
        expect(ran).toHaveLength(nth <= 2 ? 0 : 1);
        const next = new FaultyStore(undefined, store.inner);
        const result = await runnerOn(next).run(agent, "hi", { session: "s", runId: "r" });
        expect(result.finalOutput).toBe("done");
        expect(ran.length).toBeLessThanOrEqual(1);
        const record = await next.stored();
        expect(invariantsOf(record, { settled: true })).toEqual([]);
        expect(record.filter((item) => item.type === "message" && item.role === "user")).toHaveLength(1);
      }
    },
  );

  it.each(APPENDS.map((what, nth) => [what, nth] as const))(
    "and says that trying again may help is tried again at the append of %s, with the same opId, and nothing is doubled",
    async (_, nth) => {
      for (const type of ["throw", "throw_after"] as const) {
        const { agent, ran } = work();
        let failures = 0;
        const store = new FaultyStore((operation, at) =>
          operation === "append" && at >= nth && failures < 2
            ? ((failures += 1), { type, error: retriable })
            : undefined,
        );
        const result = await runnerOn(store).run(agent, "hi", { session: "s" });
        expect(result.finalOutput).toBe("done");
        expect(ran).toEqual(["pay"]);
        expect(throughJson(result.history)).toEqual(await store.stored());
        expect(new Set(store.tried.map(({ opId }) => opId)).size).toBe(APPENDS.length);
      }
    },
  );

  it("again and again is given up after two more tries", async () => {
    const { agent } = work();
    const store = new FaultyStore((operation) =>
      operation === "append" ? { type: "throw", error: retriable } : undefined,
    );
    expect(await rejection(runnerOn(store).run(agent, "hi", { session: "s" }))).toBe(retriable);
    expect(store.appends).toBe(3);
  });

  it("of a message that guardrails have judged beside the model is no part of the error's items", async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(
      (operation) => (operation === "append" ? { type: "throw", error: new Error("full") } : undefined),
      inner,
    );
    const agent = new Agent({
      name: "Host",
      model: scriptedModel([say("hi")]),
      inputGuardrails: [{ name: "beside", runInParallel: true, check: async () => true }],
    });
    const runner = new Runner({ plugins: [{ name: "faulty", sessions: store }] });
    const error = (await runner.run(agent, "hello", { session: "s" }).catch((caught: unknown) => caught)) as StoreError;
    expect(error).toBeInstanceOf(StoreError);
    expect(error.items).toEqual([]);
  });

  it("when a run is stopped does not hide that it was stopped; the next run settles what is open", async () => {
    const controller = new AbortController();
    const work = tool({ name: "work", sideEffects: "none", execute: () => new Promise(() => {}) });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("work")]), tools: [work] });
    const store = new FaultyStore((operation, nth) =>
      operation === "append" && nth === 2 ? { type: "throw", error: broken } : undefined,
    );
    const running = rejection(runnerOn(store).run(agent, "hi", { session: "s", signal: controller.signal }));
    for (let i = 0; i < 5; i++) await tick();
    const cause = new Error("enough");
    controller.abort(cause);
    const error = await running;
    expect(error).toMatchObject({ name: "AbortError", cause });
    const model = scriptedModel([say("fine")]);
    const fresh = agent.clone({ model, tools: [tool({ name: "work", sideEffects: "none", execute: () => "seen" })] });
    const result = await runnerOn(store.inner).run(fresh, "go on", { session: "s" });
    expect(result.finalOutput).toBe("fine");
    expect(problemsOf(result.history)).toEqual([]);
  });

  it("by hanging once is tried again with the same opId; what it did meanwhile counts once", async () => {
    for (const type of ["hang", "hang_after"] as const) {
      const clock = testClock();
      const { agent } = work();
      const store = new FaultyStore((operation, at) => (operation === "append" && at === 1 ? { type } : undefined));
      const running = runnerOn(store, { clock, storeTimeoutMs: 100 }).run(agent, "hi", { session: "s" });
      await clock.advance(100);
      const result = await running;
      expect(result.finalOutput).toBe("done");
      expect(throughJson(result.history)).toEqual(await store.stored());
      expect(clock.pending).toBe(0);
    }
  });

  it("while two tools run side by side keeps the other's result where it can", async () => {
    const tools = ["a", "b"].map((name) => tool({ name, sideEffects: "none", execute: () => name }));
    const agent = new Agent({ name: "Host", model: scriptedModel([calls(call("a"), call("b"))]), tools });
    const store = new FaultyStore((operation, at) =>
      operation === "append" && at === 2 ? { type: "throw", error: broken } : undefined,
    );
    await rejection(runnerOn(store).run(agent, "hi", { session: "s", runId: "r" }));
    expect(transcript(await store.stored()).filter((line) => line.startsWith("result"))).toHaveLength(1);
    // The number of the append that failed is left out, and is not given again when the run goes on.
    const gaps = /^I3 order: .* follows number/;
    expect(invariantsOf(await store.stored()).filter((line) => !gaps.test(line))).toEqual([]);
    const model = scriptedModel([say("done")]);
    const result = await runnerOn(new FaultyStore(undefined, store.inner)).run(agent.clone({ model }), "hi", {
      session: "s",
      runId: "r",
    });
    expect(result.finalOutput).toBe("done");
    expect(new Set(result.history.map(({ id }) => id)).size).toBe(result.history.length);
    expect(invariantsOf(result.history, { settled: true }).filter((line) => !gaps.test(line))).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["an item of unknown type", [{ type: "dream", id: "1" }]],
    ["nothing where an item should be", [null]],
    ["a text where an item should be", ["hi"]],
    ["a result without a call", [{ type: "tool_result", id: "1", callId: "c", output: "", status: "ok" }]],
    ["a rewind to nowhere", [{ type: "rewind", id: "1", to: "nowhere" }]],
    [
      "a view of what is not there",
      [
        { type: "message", id: "0", role: "user", content: "x" },
        { type: "view", id: "1", view: ["nowhere"] },
      ],
    ],
    ["no list", { length: 1 }],
    ["nothing at all", undefined],
  ])("by giving %s ends the run with a StoreError before any effect", async (_, items) => {
    const memory = new MemoryStore();
    let appends = 0;
    const store: SessionStore = {
      durability: "none",
      read: () => Promise.resolve({ items, version: 1 } as never),
      append: (key, all, options) => ((appends += 1), memory.append(key, all, options)),
      delete: (key) => memory.delete(key),
    };
    const agent = new Agent({ name: "Host", model: scriptedModel([]) });
    const error = await rejection(runnerOn(store).run(agent, "hi", { session: "s" }));
    expect(error).toBeInstanceOf(StoreError);
    expect(error.code).toBe("corrupt_item");
    expect(appends).toBe(0);
  });
});

describe("what a store does wrong", () => {
  const broken = (parts: Partial<SessionStore>): SessionStore =>
    Object.assign(new MemoryStore(), parts) as SessionStore;
  const never = (): Promise<never> => new Promise(() => {});
  const fails = (): Promise<never> => Promise.reject(new Error("the disk is full"));

  it.each<[string, Partial<SessionStore>, string, code: string]>([
    ["a read that fails", { read: fails }, 'Cannot read session "s": the disk is full', "store_error"],
    ["an append that fails", { append: fails }, 'Cannot append to session "s": the disk is full', "store_error"],
    [
      "a read that never answers",
      { read: never },
      'Cannot read session "s": the store has not answered within 20 ms',
      "store_timeout",
    ],
    [
      "an append that never answers",
      { append: never },
      'Cannot append to session "s": the store has not answered within 20 ms',
      "store_timeout",
    ],
    [
      "a read that gives nothing",
      { read: () => Promise.resolve(undefined as never) },
      'Cannot read session "s": the store gave no items and version',
      "corrupt_item",
    ],
  ])("is told with the session's id: %s", async (_, parts, message, code) => {
    const agent = new Agent({ name: "Host", model: scriptedModel(() => say("hi")) });
    const running = runnerOn(broken(parts), { storeTimeoutMs: 20 }).run(agent, "hi", { session: "s" });
    expect(await rejection(running)).toMatchObject({ name: "StoreError", message, code });
  });
});

describe("a runId", () => {
  const counting = (replies: number) => {
    let asked = 0;
    const model = scriptedModel(() => ((asked += 1) > replies ? expect.fail("asked again") : say(`answer ${asked}`)));
    return { agent: new Agent({ name: "Host", model }), asked: () => asked };
  };

  it("twice has the effect of once, and gives the same result", async () => {
    const store = new MemoryStore();
    const { agent } = counting(1);
    const first = await runnerOn(store).run(agent, "hi", { session: "s", runId: "r" });
    const second = await runnerOn(store).run(agent, "hi", { session: "s", runId: "r" });
    expect(throughJson(second)).toEqual(throughJson(first));
    expect(second.newItems).toEqual(first.newItems);
    expect(second.history).toEqual(first.history);
    expect(second.usage).toEqual(first.usage);
  });

  it("twice is told again where the conversation has gone on since", async () => {
    const store = new MemoryStore();
    const { agent } = counting(2);
    const first = await runnerOn(store).run(agent, "hi", { session: "s", runId: "a" });
    await runnerOn(store).run(agent, "more", { session: "s", runId: "b" });
    const again = await runnerOn(store).run(agent, "hi", { session: "s", runId: "a" });
    expect(again.finalOutput).toBe("answer 1");
    expect(again.usage).toEqual(first.usage);
    expect(again.newItems).toEqual(first.newItems);
  });

  it("twice with another message is a TypeError: nothing is dropped in silence", async () => {
    const store = new MemoryStore();
    const { agent } = counting(1);
    const first = await runnerOn(store).run(agent, "hi", { session: "s", runId: "r" });
    await expect(runnerOn(store).run(agent, "something else", { session: "s", runId: "r" })).rejects.toThrow(TypeError);
    await expect(new Runner().run(agent, [...first.toInputList(), user("more")], { runId: "r" })).rejects.toThrow(
      TypeError,
    );
  });

  it("goes on after a pause with the answer, and that twice is once as well", async () => {
    const store = new MemoryStore();
    let paid = 0;
    const agent = new Agent({
      name: "Shop",
      model: scriptedModel([call("pay"), say("Done.")]),
      tools: [tool({ name: "pay", needsApproval: true, execute: () => (paid += 1) })],
    });
    const runner = runnerOn(store);
    const paused = await runner.run(agent, "Pay", { session: "s", runId: "a" });
    const [pending] = paused.pending as readonly [Pending];
    for (let i = 0; i < 2; i++) {
      const done = await runner.run(agent, approve(pending), { session: "s", runId: "b" });
      expect(done.finalOutput).toBe("Done.");
    }
    expect(paid).toBe(1);
  });

  it("whose run stopped before it took its message takes it the second time", async () => {
    // The first run settles what was open, under its own id, and is killed before its message is stored.
    const build = () => {
      const look = tool({ name: "look", sideEffects: "none", execute: () => "seen" });
      const model = scriptedModel(({ items }) => {
        const last = items.at(-1)!;
        return last.type === "message" && last.content === "first" ? call("look") : say(`to ${transcript([last])[0]}`);
      });
      return new Agent({ name: "Host", model, tools: [look] });
    };
    const opened = new FaultyStore((operation, at) =>
      operation === "append" && at === 2 ? { type: "kill" } : undefined,
    );
    await runUntilKilled(opened, runnerOn(opened, { clock: testClock() }).run(build(), "first", { session: "s" }));
    const killed = new FaultyStore(
      (operation, at) => (operation === "append" && at === 1 ? { type: "kill" } : undefined),
      opened.inner,
    );
    await runUntilKilled(
      killed,
      runnerOn(killed, { clock: testClock() }).run(build(), "second", { session: "s", runId: "r" }),
    );
    const last = new FaultyStore(undefined, opened.inner);
    const result = await runnerOn(last).run(build(), "second", { session: "s", runId: "r" });
    expect(result.finalOutput).toBe('to user: "second"');
    const own = (await last.stored()).map(({ id }) => id).filter((id) => id.startsWith("r:"));
    expect(own).toEqual(own.map((_, i) => `r:${i}`));
  });

  it("has made the items whose ids are it and a number, and no others", () => {
    const own = ["r:0", "r:12", "r:view:3", "r:1:approval", "r:", "rr:1", "s:1", undefined].map((id) =>
      isOwn({ id }, "r"),
    );
    expect(own).toEqual([true, true, false, false, false, false, false, false]);
  });

  it("of two processes at once has one effect: the other stops before its tools", async () => {
    const store = new FaultyStore();
    let paid = 0;
    const pay = tool({ name: "pay", execute: () => tick().then(() => (paid += 1)) });
    const agent = new Agent({
      name: "Shop",
      model: scriptedModel(({ items }) => (items.at(-1)!.type === "tool_result" ? say("Done.") : call("pay"))),
      tools: [pay],
    });
    const outcomes = await Promise.allSettled(
      [1, 2].map(() => runnerOn(store).run(agent, "Pay", { session: "s", runId: "r" })),
    );
    expect(paid).toBe(1);
    const lost = outcomes.filter((outcome): outcome is PromiseRejectedResult => outcome.status === "rejected");
    expect(lost.length).toBeLessThanOrEqual(1);
    for (const { reason: error } of lost) expect(error).toBeInstanceOf(SessionConflict);
    expect(invariantsOf(await store.stored(), { settled: true })).toEqual([]);
  });
});

describe("two runs on one session", () => {
  const slow = (name: string, log: string[]) => {
    const work = tool({
      name: "work",
      execute: async () => {
        log.push(`${name} begins`);
        await tick();
        log.push(`${name} ends`);
        return name;
      },
    });
    const model = scriptedModel(({ items }) =>
      items.at(-1)!.type === "tool_result" ? say(`${name} done`) : call("work"),
    );
    return new Agent({ name: "Host", model, tools: [work] });
  };

  it("of two processes never interleave: one wins, the other stops with a SessionConflict before its tools", async () => {
    const store = new FaultyStore();
    const log: string[] = [];
    const outcomes = await Promise.allSettled(
      ["a", "b", "c"].map((name) => runnerOn(store).run(slow(name, log), `I am ${name}`, { session: "s" })),
    );
    const won = outcomes.filter(({ status }) => status === "fulfilled");
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        expect(outcome.reason).toBeInstanceOf(SessionConflict);
        expect(outcome.reason).toMatchObject({ code: "session_conflict", retryable: false });
      }
    }
    expect(log).toHaveLength(2);
    const record = await store.stored();
    expect(invariantsOf(record, { settled: true })).toEqual([]);
    expect(record.filter((item) => item.type === "message" && item.role === "user")).toHaveLength(1);
  });

  it("where the other goes on while a tool runs: the one that is behind stops, and its result is not stored", async () => {
    const store = new FaultyStore();
    const late: { release: () => void } = { release: () => {} };
    const work = tool({ name: "work", execute: () => new Promise<void>((resolve) => (late.release = resolve)) });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("work")]), tools: [work] });
    const running = rejection(runnerOn(store).run(agent, "hi", { session: "s" }));
    for (let i = 0; i < 5; i++) await tick();
    const other = new Agent({ name: "Host", model: scriptedModel([say("I took over.")]), tools: [work] });
    const second = await runnerOn(store).run(other, "hello?", { session: "s" });
    expect(second.finalOutput).toBe("I took over.");
    late.release();
    expect(await running).toBeInstanceOf(SessionConflict);
    const record = await store.stored();
    expect(invariantsOf(record, { settled: true })).toEqual([]);
    expect(transcript(record)).toContainEqual(expect.stringMatching(/^result of call_1 \(unknown\)/));
  });

  it("of several processes at random speeds leave one linear history, and no effect is done twice", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = testRandom(seed);
      const inner = new MemoryStore();
      const delayed = async <T>(act: () => Promise<T>): Promise<T> => {
        for (let i = Math.floor(random() * 4); i > 0; i--) await tick();
        const done = await act();
        for (let i = Math.floor(random() * 4); i > 0; i--) await tick();
        return done;
      };
      const store: SessionStore = {
        durability: "none",
        read: (key) => delayed(() => inner.read(key)),
        append: (key, items, options) => delayed(() => inner.append(key, items, options)),
        delete: (key) => inner.delete(key),
      };
      const ledger = new Ledger();
      const done: string[] = [];
      const outcomes = await Promise.allSettled(
        ["a", "b", "c", "d"].map(async (name) => {
          for (let i = Math.floor(random() * 10); i > 0; i--) await tick();
          const pay = tool({
            name: "pay",
            execute: (_: undefined, run: ToolContext) => {
              ledger.effects.push({ tool: "pay", key: run.idempotencyKey });
              return "paid";
            },
          });
          const model = scriptedModel(({ items }) => (items.at(-1)!.type === "tool_result" ? say(name) : call("pay")));
          const agent = new Agent({ name: "Shop", model, tools: [pay] });
          await runnerOn(store).run(agent, `I am ${name}`, { session: "s" });
          done.push(name);
        }),
      );
      const what = `seed ${seed}`;
      expect(done.length, what).toBeGreaterThanOrEqual(1);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect(outcome.reason, what).toBeInstanceOf(SessionConflict);
      }
      expect(ledger.keys("pay").size, what).toBe(ledger.effects.length);
      // Whoever was told that it is done is in the record; who comes next settles what a loser has left open.
      const model = scriptedModel([say("all well")]);
      const heal = await runnerOn(inner).run(new Agent({ name: "Shop", model, tools: [tool({ name: "pay" })] }), "?", {
        session: "s",
      });
      expect(problemsOf(heal.history), what).toEqual([]);
      const lines = transcript(heal.history);
      for (const name of done) expect(lines, what).toContain(`Shop: "${name}"`);
    }
  });

  it("of one runner go one after the other by default", async () => {
    const store = new MemoryStore();
    const log: string[] = [];
    const runner = runnerOn(store);
    const results = await Promise.all(
      ["a", "b", "c"].map((name) => runner.run(slow(name, log), `I am ${name}`, { session: "s" })),
    );
    expect(results.map(({ finalOutput }) => finalOutput)).toEqual(["a done", "b done", "c done"]);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(invariantsOf((await store.read({ id: "s" })).items, { settled: true })).toEqual([]);
  });

  it("of which the first fails or is stopped let the next begin", async () => {
    const store = new MemoryStore();
    const runner = runnerOn(store);
    const controller = new AbortController();
    const stuck = new Agent({ name: "Host", model: scriptedModel([stall()]) });
    const broken = new Agent({ name: "Host", model: scriptedModel([fail(new Error("down"))]) });
    const fine = new Agent({ name: "Host", model: scriptedModel([say("fine")]) });
    const first = rejection(runner.run(stuck, "1", { session: "s", signal: controller.signal }));
    const second = rejection(runner.run(broken, "2", { session: "s" }));
    const third = runner.run(fine, "3", { session: "s" });
    for (let i = 0; i < 5; i++) await tick();
    controller.abort(new Error("enough"));
    expect(await first).toMatchObject({ name: "AbortError" });
    expect(await second).toMatchObject({ name: "ModelError" });
    expect((await third).finalOutput).toBe("fine");
  });

  it("may be stopped while it waits for its turn", async () => {
    const store = new MemoryStore();
    const runner = runnerOn(store);
    const [one, two] = [new AbortController(), new AbortController()];
    const stuck = new Agent({ name: "Host", model: scriptedModel([stall()]) });
    const never = new Agent({ name: "Host", model: scriptedModel([]) });
    const first = rejection(runner.run(stuck, "1", { session: "s", signal: one.signal }));
    const second = rejection(runner.run(never, "2", { session: "s", signal: two.signal }));
    await tick();
    const cause = new Error("no patience");
    two.abort(cause);
    expect((await second).cause).toBe(cause);
    one.abort(new Error("enough"));
    await first;
    expect(transcript((await store.read({ id: "s" })).items)).toEqual(['user: "1"']);
  });

  it("of which the second is refused, or stops the first, where the runner says so", async () => {
    const stuck = (script: Script = [stall()]) => new Agent({ name: "Host", model: scriptedModel(script) });
    const refusing = runnerOn(new MemoryStore(), { concurrentTurns: "reject" });
    const controller = new AbortController();
    const first = rejection(refusing.run(stuck(), "1", { session: "s", signal: controller.signal }));
    await tick();
    const refused = await rejection(refusing.run(stuck([]), "2", { session: "s" }));
    expect(refused).toMatchObject({ name: "StoreError", code: "session_busy" });
    controller.abort(new Error("enough"));
    await first;

    const store = new MemoryStore();
    const interrupting = runnerOn(store, { concurrentTurns: "interrupt" });
    const stopped = rejection(interrupting.run(stuck(), "1", { session: "s" }));
    await tick();
    const second = await interrupting.run(stuck([say("Now you.")]), "2", { session: "s" });
    expect(second.finalOutput).toBe("Now you.");
    expect(await stopped).toMatchObject({ name: "AbortError" });
    expect(invariantsOf((await store.read({ id: "s" })).items, { settled: true })).toEqual([]);
  });
});

describe("a model that a tool asks and nobody waits for", () => {
  it("is told nowhere when it answers after the run has ended: the session is as the run left it", async () => {
    const store = new FaultyStore();
    let answer = (): void => {};
    const late: Model = {
      name: "late",
      provider: "test",
      async *stream() {
        await new Promise<void>((resolve) => (answer = resolve));
        yield { type: "reply", items: [], finishReason: "stop", usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const asks = tool({
      name: "asks",
      execute: (_: undefined, run: ToolContext) => {
        void run.ask(late, { input: "?" }).catch(() => {});
        return "asked";
      },
    });
    const agent = new Agent({ name: "Host", model: scriptedModel([call("asks"), say("done")]), tools: [asks] });
    const result = await runnerOn(store).run(agent, "hi", { session: "s" });
    const before = await store.stored();
    answer();
    for (let i = 0; i < 5; i++) await tick();
    expect(await store.stored()).toEqual(before);
    expect(result.history).toHaveLength(before.length);
  });
});

describe("runner.session()", () => {
  async function conversation() {
    const store = new MemoryStore();
    const model: Model = scriptedModel([call("pay"), say("one"), say("two")]);
    let paid = 0;
    const agent = new Agent({ name: "Host", model, tools: [tool({ name: "pay", execute: () => (paid += 1) })] });
    const runner = runnerOn(store, { newId: testIds() });
    await runner.run(agent, "first", { session: "s" });
    await runner.run(agent, "second", { session: "s" });
    return { store, runner, agent, paid: () => paid };
  }

  it("reads a conversation: items, usage, who gets the next message, what is open", async () => {
    const { runner } = await conversation();
    const session = runner.session("s");
    expect(transcript(await session.items()).filter((line) => line.startsWith("user"))).toEqual([
      'user: "first"',
      'user: "second"',
    ]);
    expect(await session.usage()).toMatchObject({ requests: 3 });
    expect((await session.usageByAgent()).get("Host")).toMatchObject({ requests: 3 });
    expect(await session.openCalls()).toEqual([]);
    expect(await runner.session("nothing").items()).toEqual([]);
    await session.delete();
    expect(await session.items()).toEqual([]);
  });

  it("takes a conversation back: the record stays, the model no longer sees it, its usage counts", async () => {
    const { runner, agent } = await conversation();
    const session = runner.session("s");
    const items = await session.items();
    const one = items.find((item) => item.type === "turn" && item.finishReason === "stop")!;
    await session.rewind(one.id);
    const model = scriptedModel([say("other")]);
    const result = await runner.run(agent.clone({ model }), "second, again", { session: "s" });
    expect(transcript(model.request(0).items)).toEqual([
      'user: "first"',
      "Host calls pay({}) [call_1]",
      'result of call_1: "1"',
      'Host: "one"',
      'user: "second, again"',
    ]);
    expect(result.history.slice(0, items.length)).toEqual(items);
    expect(await session.usage()).toMatchObject({ requests: 4 });
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });

  it("taken back to a call that has run does not run it again", async () => {
    for (const type of ["tool_call", "turn", "tool_start"] as const) {
      const { runner, agent, paid } = await conversation();
      const session = runner.session("s");
      const to = (await session.items()).find((item) => item.type === type)!;
      await session.rewind(to.id);
      const model = scriptedModel([say("fine")]);
      const result = await runner.run(agent.clone({ model }), "go on", { session: "s" });
      expect(result.finalOutput).toBe("fine");
      expect(paid()).toBe(1);
      expect(invariantsOf(result.history, { settled: true })).toEqual([]);
    }
  });

  it("taken back into a reply shows no reasoning without what it led to", async () => {
    const store = memorySessions();
    const model = scriptedModel([[reason("hm"), say("one")], say("two")]);
    const agent = new Agent({ name: "Host", model });
    const runner = new Runner({ plugins: [store] });
    await runner.run(agent, "first", { session: "s" });
    const session = runner.session("s");
    await session.rewind((await session.items()).find(({ type }) => type === "reasoning")!.id);
    const result = await runner.run(agent, [], { session: "s" });
    expect(transcript(model.request(1).items)).toEqual(['user: "first"']);
    expect(result.finalOutput).toBe("two");
  });

  it("taken back into a consultation gives its second answer an id of its own", async () => {
    const store = memorySessions();
    const model = scriptedModel({
      Host: [handOff("Expert"), say("one"), say("two")],
      Expert: [say("42"), say("43")],
    });
    const expert = new Agent({ name: "Expert" });
    const host = new Agent({ name: "Host", handoffs: [handoff(expert, { mode: "return" })] });
    const runner = new Runner({ model, plugins: [store] });
    await runner.run(host, "first", { session: "s" });
    const session = runner.session("s");
    await session.rewind((await session.items()).find(({ type }) => type === "handoff")!.id);
    const result = await runner.run(host, [], { session: "s" });
    expect(result.finalOutput).toBe("two");
    expect(transcript(model.request(4).items).at(-1)).toContain("43");
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });

  it("copies a conversation up to an item; what is open there is abandoned in the copy", async () => {
    const { runner, agent, store, paid } = await conversation();
    const session = runner.session("s");
    const items = await session.items();
    const start = items.find(({ type }) => type === "tool_call")!;
    const copy = await session.fork({ tenant: "t", id: "copy" }, start.id);
    expect(transcript(await copy.items())).toEqual([
      'user: "first"',
      "Host calls pay({}) [call_1]",
      'result of call_1 (abandoned): "This was left open where the conversation was copied."',
    ]);
    const model = scriptedModel([say("In the copy.")]);
    const result = await runner.run(agent.clone({ model }), "go on", { session: copy.key });
    expect(result.finalOutput).toBe("In the copy.");
    expect(paid()).toBe(1);
    expect((await store.read({ id: "s" })).items).toEqual(items);
    await expect(session.fork(copy.key)).rejects.toBeInstanceOf(StoreError);
    await expect(session.fork("x", "nowhere")).rejects.toMatchObject({ code: "unknown_item" });
    await expect(session.rewind("nowhere")).rejects.toMatchObject({ code: "unknown_item" });
  });

  it("gives a list that goes on without the session", async () => {
    const { runner, agent } = await conversation();
    const list = await runner.session("s").toInputList();
    const model = scriptedModel([say("elsewhere")]);
    const result = await new Runner().run(agent.clone({ model }), [...list, user("third")]);
    expect(result.finalOutput).toBe("elsewhere");
  });

  it("takes the answer of a paused run alone", async () => {
    const store = memorySessions();
    const model = scriptedModel([call("locate"), say("Graz.")]);
    const agent = new Agent({ name: "Host", model, tools: [tool({ name: "locate" })] });
    const runner = new Runner({ plugins: [store] });
    const paused = await runner.run(agent, "Where?", { session: "s" });
    expect((await runner.session("s").openCalls()).map(({ name }) => name)).toEqual(["locate"]);
    const result = await runner.run(agent, toolResult(paused.pending[0]!, "Graz"), { session: "s" });
    expect(result.finalOutput).toBe("Graz.");
  });
});
