import "@batonjs/testing/vitest";
import {
  Agent,
  type Agent as AgentType,
  approve,
  handoff,
  type InputItem,
  type Item,
  memorySessions,
  type Pending,
  reject,
  Runner,
  type RunContext,
  type RunError,
  run,
  tool,
  toolResult,
  user,
} from "@batonjs/core";
import {
  call,
  calls,
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
import { rejection } from "./__fixtures__/promises.ts";

/** What leaves the process and comes back: text. */
const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Lines of what was decided and what became of it. */
const told = (items: readonly Item[]): string[] =>
  transcript(items.filter(({ type }) => type === "approval" || type === "tool_result" || type === "handoff"));

/** A shop whose refunds need approval. Each call makes it anew, as another process would. */
function shop(script: Script) {
  const refunds: number[] = [];
  let looked = 0;
  const model = scriptedModel(script);
  const refund = tool({
    name: "refund",
    parameters: z.object({ amount: z.number() }),
    needsApproval: true,
    execute: ({ amount }) => (refunds.push(amount), `refunded ${amount}`),
  });
  const look = tool({ name: "look", execute: () => `looked ${(looked += 1)}`, sideEffects: "none" });
  const agent = new Agent({ name: "Shop", model, tools: [refund, look] });
  return { agent, model, refunds, looks: () => looked };
}

describe("a call that needs approval", () => {
  it("pauses the run before anything of the reply runs", async () => {
    const { agent, refunds, looks } = shop([calls(call("look"), call("refund", { amount: 5 }))]);
    const paused = await run(agent, "Refund me");
    expect(paused.status).toBe("paused");
    expect(paused.finalOutput).toBeUndefined();
    expect(paused.lastAgent).toBe(agent);
    expect(paused.activeAgent).toBe(agent);
    expect(paused.pending).toEqual([
      {
        kind: "approval",
        id: paused.history.find((item) => item.type === "tool_call" && item.name === "refund")!.id,
        callId: "call_2",
        agent: "Shop",
        name: "refund",
        arguments: { amount: 5 },
        path: [],
      },
    ]);
    expect([refunds, looks()]).toEqual([[], 0]);
    expect(told(paused.history)).toEqual(["approval of call_2: asked"]);
    expect(invariantsOf(paused.history, { graph: agent })).toEqual([]);
  });

  it("runs once it is approved, in another process, with all the others of its reply", async () => {
    const first = shop([calls(call("look"), call("refund", { amount: 5 }))]);
    const paused = await run(first.agent, "Refund me");
    const [pending] = throughJson(paused.pending) as [Pending];
    const list = throughJson(paused.toInputList());
    const second = shop([say("Done.")]);
    const result = await new Runner().run(second.agent, [...list, throughJson(approve(pending))]);
    expect(result.finalOutput).toBe("Done.");
    expect([second.refunds, second.looks()]).toEqual([[5], 1]);
    expect([first.refunds, first.looks()]).toEqual([[], 0]);
    expect(told(result.history)).toEqual([
      "approval of call_2: asked",
      "approval of call_2: approved",
      'result of call_1: "looked 1"',
      'result of call_2: "refunded 5"',
    ]);
    expect(transcript(second.model.request(0).items).at(-1)).toBe('result of call_2: "refunded 5"');
    expect(invariantsOf(result.history, { graph: second.agent, settled: true })).toEqual([]);
  });

  it("is answered as denied where it is rejected, with the reason, and the others run", async () => {
    const first = shop([calls(call("refund", { amount: 5 }), call("look"))]);
    const paused = await run(first.agent, "Refund me");
    const second = shop([say("Sorry.")]);
    const result = await run(second.agent, [
      ...throughJson(paused.toInputList()),
      reject(paused.pending[0]!, { reason: "too much" }),
    ]);
    expect(result.finalOutput).toBe("Sorry.");
    expect([second.refunds, second.looks()]).toEqual([[], 1]);
    expect(told(result.history)).toEqual([
      "approval of call_1: asked",
      'approval of call_1: rejected "too much"',
      'result of call_1 (denied): "This call was denied: too much"',
      'result of call_2: "looked 1"',
    ]);
  });

  it("may be rejected without a reason, and approved with one", async () => {
    const first = shop([calls(call("refund", { amount: 1 }), call("refund", { amount: 2 }))]);
    const paused = await run(first.agent, "Refund me");
    const [one, two] = paused.pending as unknown as [Pending, Pending];
    const second = shop([say("Half.")]);
    const result = await run(second.agent, [
      ...paused.toInputList(),
      approve(two, { reason: "checked by Ada" }),
      reject(one),
    ]);
    expect(told(result.history).slice(2)).toEqual([
      'approval of call_2: approved "checked by Ada"',
      "approval of call_1: rejected",
      'result of call_1 (denied): "This call was denied."',
      'result of call_2: "refunded 2"',
    ]);
    expect(second.refunds).toEqual([2]);
  });

  it("stays pending while another of its reply is decided, and nothing runs until all are", async () => {
    const script = [calls(call("refund", { amount: 1 }), call("refund", { amount: 2 }), call("look"))];
    const paused = await run(shop(script).agent, "Refund me");
    expect(paused.pending).toHaveLength(2);
    const second = shop([]);
    const half = await run(second.agent, [...throughJson(paused.toInputList()), approve(paused.pending[1]!)]);
    expect(half.status).toBe("paused");
    expect(half.pending).toEqual([paused.pending[0]]);
    expect([second.refunds, second.looks()]).toEqual([[], 0]);
    const third = shop([say("Both.")]);
    const result = await run(third.agent, [...throughJson(half.toInputList()), approve(half.pending[0]!)]);
    expect(result.finalOutput).toBe("Both.");
    expect(third.refunds).toEqual([1, 2]);
    expect(third.looks()).toBe(1);
  });

  it("is asked about again by a run without an answer, and nothing is recorded twice", async () => {
    const first = shop([call("refund", { amount: 5 })]);
    const paused = await run(first.agent, "Refund me");
    const again = await run(first.agent, throughJson(paused.toInputList()));
    expect(again.status).toBe("paused");
    expect(again.pending).toEqual(paused.pending);
    expect(again.newItems).toEqual([]);
    expect(again.history).toEqual(paused.history);
  });

  it("takes the decision alone where there is a session", async () => {
    const plugins = [memorySessions()];
    const first = shop([call("refund", { amount: 5 })]);
    const paused = await new Runner({ plugins }).run(first.agent, "Refund me", { session: "s" });
    const second = shop([say("Done.")]);
    const runner = new Runner({ plugins });
    const result = await runner.run(second.agent, approve(throughJson(paused.pending[0]!)), { session: "s" });
    expect(result.finalOutput).toBe("Done.");
    expect(second.refunds).toEqual([5]);
    expect(transcript(result.newItems)).toEqual([
      "start of call_1",
      'result of call_1: "refunded 5"',
      'Shop: "Done."',
      "turn of Shop: stop",
    ]);
    // The same decision once more is nothing new.
    const third = shop([]);
    const same = await runner.run(third.agent, approve(paused.pending[0]!), { session: "s" });
    expect(same.finalOutput).toBe("Done.");
    expect(third.refunds).toEqual([]);
  });

  it("counts maxTurns anew once it is decided", async () => {
    const first = shop([call("refund", { amount: 5 })]);
    const paused = await run(first.agent, "Refund me", { maxTurns: 1 });
    const second = shop([say("Done.")]);
    const result = await run(second.agent, [...paused.toInputList(), approve(paused.pending[0]!)], { maxTurns: 1 });
    expect(result.finalOutput).toBe("Done.");
  });

  it("is asked about once, also where a function says whether it is enabled", async () => {
    const options = { needsApproval: true, isEnabled: () => true };
    const shopOf = (script: Script): AgentType => {
      const model = scriptedModel(script);
      const refund = tool({ name: "refund", execute: () => "refunded", ...options });
      const billing = handoff(new Agent({ name: "Billing", model }), options);
      return new Agent({ name: "Shop", model, tools: [refund], handoffs: [billing] });
    };
    const paused = await run(shopOf({ Shop: [[call("refund"), handOff("billing")]] }), "Refund me");
    const asked = paused.history.filter(({ type }) => type === "approval");
    expect(asked).toMatchObject(["call_1", "call_2"].map((callId) => ({ agent: "Shop", callId, decision: "asked" })));
    const answers = paused.pending.map((pending) => approve(pending));
    const result = await run(shopOf({ Billing: [say("Done.")] }), [...throughJson(paused.toInputList()), ...answers]);
    expect(result.finalOutput).toBe("Done.");
    expect(result.history.filter(({ type }) => type === "approval")).toHaveLength(4);
  });

  it("is checked again when it is approved: arguments by the new schema, and whether it is enabled", async () => {
    const paused = await run(shop([call("refund", { amount: 5 })]).agent, "Refund me");
    const list = throughJson(paused.toInputList());
    for (const changed of [
      tool({ name: "refund", parameters: z.object({ amount: z.string() }), execute: () => expect.fail() }),
      tool({ name: "refund", isEnabled: () => false, execute: () => expect.fail() }),
      tool({ name: "other", execute: () => expect.fail() }),
    ]) {
      const model = scriptedModel([say("Cannot.")]);
      const agent = new Agent({ name: "Shop", model, tools: [changed] });
      const result = await run(agent, [...list, approve(paused.pending[0]!)]);
      expect(told(result.history).at(-1)).toMatch(/^result of call_1 \(error\)/);
    }
  });

  it("still needs its approval where the tool has stopped to ask for one", async () => {
    const paused = await run(shop([call("refund", { amount: 5 })]).agent, "Refund me");
    const relaxed = tool({
      name: "refund",
      parameters: z.object({ amount: z.number() }),
      needsApproval: false,
      execute: () => expect.fail(),
    });
    const agent = new Agent({ name: "Shop", model: scriptedModel([]), tools: [relaxed] });
    expect((await run(agent, throughJson(paused.toInputList()))).status).toBe("paused");
  });

  it("is bound to the very call: the approval of one is none for the same call in a later reply", async () => {
    const again = call("refund", { amount: 5 }, { callId: "same" });
    const first = shop([again]);
    const paused = await run(first.agent, "Refund me");
    const second = shop([again]);
    const repaused = await run(second.agent, [...paused.toInputList(), approve(paused.pending[0]!)]);
    expect(repaused.status).toBe("paused");
    expect(second.refunds).toEqual([5]);
    expect(repaused.pending[0]!.id).not.toBe(paused.pending[0]!.id);
    // Nor does the answer to the first, given once more, answer the second.
    const third = shop([]);
    const replayed = await run(third.agent, [...repaused.toInputList(), approve(paused.pending[0]!)]).catch(
      (error: unknown) => error,
    );
    expect(replayed).toBeInstanceOf(TypeError);
    expect(third.refunds).toEqual([]);
  });
});

describe("a decision", () => {
  const paused = async (): Promise<{ list: InputItem[]; pending: Pending; agent: AgentType }> => {
    const { agent } = shop([calls(call("refund", { amount: 5 }), call("look"))]);
    const result = await run(agent, "Refund me");
    return { list: result.toInputList(), pending: result.pending[0]!, agent };
  };

  it("for a call that is not open is a TypeError before any effect", async () => {
    const { list, pending, agent } = await paused();
    const other = approve({ ...pending, callId: "other" });
    await expect(run(agent, [...list, other])).rejects.toThrow(
      new TypeError(`Cannot take the decision "${other.id}": no call with the id "other" is open`),
    );
    await expect(run(agent, [user("hi"), approve(pending)])).rejects.toThrow(TypeError);
    await expect(run(agent, approve(pending))).rejects.toThrow(TypeError);
  });

  it("for a call that was not asked about is a TypeError", async () => {
    const { list, pending, agent } = await paused();
    const look = list.find((item) => item.type === "tool_call" && item.name === "look") as Item;
    await expect(run(agent, [...list, approve({ ...pending, id: look.id, callId: "call_2" })])).rejects.toThrow(
      /call "call_2" of "look" was not asked about/,
    );
  });

  it("for one call is none for another of the same name and arguments", async () => {
    const { list, pending, agent } = await paused();
    const other = await paused();
    expect(other.pending.callId).toBe(pending.callId);
    await expect(run(agent, [...list, approve(other.pending)])).rejects.toThrow(/it is for another call than/);
  });

  it("for a path that does not lead to a nested run is a TypeError", async () => {
    const { list, pending, agent } = await paused();
    await expect(run(agent, [...list, approve({ ...pending, path: ["call_9"] })])).rejects.toThrow(TypeError);
    await expect(run(agent, [...list, approve({ ...pending, path: ["__proto__"] })])).rejects.toThrow(TypeError);
  });

  it("that contradicts one in the same input is a TypeError, whichever comes first", async () => {
    const { list, pending, agent } = await paused();
    for (const both of [
      [approve(pending), reject(pending)],
      [reject(pending), approve(pending)],
      [approve(pending), { ...reject(pending), id: "mine" }],
    ]) {
      await expect(run(agent, [...list, ...both])).rejects.toThrow(TypeError);
    }
  });

  it("after another was recorded is a TypeError: the first counts", async () => {
    const plugins = [memorySessions()];
    const first = shop([calls(call("refund", { amount: 1 }), call("refund", { amount: 2 }))]);
    const runner = new Runner({ plugins });
    const result = await runner.run(first.agent, "Refund me", { session: "s" });
    const [one] = result.pending as unknown as [Pending, Pending];
    await runner.run(first.agent, reject(one), { session: "s" });
    for (const late of [approve(one), { ...approve(one), id: "mine" }]) {
      await expect(runner.run(first.agent, late, { session: "s" })).rejects.toThrow(TypeError);
    }
    expect(first.refunds).toEqual([]);
  });

  it("with the id of another item is a TypeError", async () => {
    const { list, pending, agent } = await paused();
    const { id } = list[0] as Item;
    await expect(run(agent, [...list, { ...approve(pending), id }])).rejects.toThrow(/has an item with this id/);
  });

  it("of a wrong kind is a TypeError where it is made", async () => {
    const { pending } = await paused();
    expect(() => toolResult(pending, "x")).toThrow(
      'Cannot give the result of "refund": it waits for approval; use approve() or reject()',
    );
    const client: Pending = { ...pending, kind: "tool_result" };
    expect(() => approve(client)).toThrow(TypeError);
    expect(() => reject(client)).toThrow(TypeError);
    for (const wrong of [undefined, null, {}, "call_1"]) {
      expect(() => approve(wrong as never)).toThrow(TypeError);
      expect(() => toolResult(wrong as never, "x")).toThrow(TypeError);
    }
    const openCall = { type: "tool_call", name: "refund", callId: "call_1" } as never;
    expect(() => approve(openCall)).toThrow('Cannot decide on "refund": expected an element of result.pending');
    expect(() => toolResult(openCall, "x")).toThrow(
      'Cannot give the result of "refund": expected an element of result.pending',
    );
  });

  it("with a reason that is not in its options is a TypeError: the model would never read it", async () => {
    const { pending } = await paused();
    const wrong = "the charge is too old" as never;
    expect(() => reject(pending, wrong)).toThrow(
      new TypeError('Cannot make a decision on "refund" of "the charge is too old": expected an object of options'),
    );
    expect(() => approve(pending, { why: "fine" } as never)).toThrow(/^Cannot use option "why" of a decision/);
    expect(() => reject(pending, { reason: 7 as never })).toThrow(/^Cannot use 7 as reason of a decision on "refund"/);
  });

  it("cannot be a result that is written by hand for a call that waits for a decision", async () => {
    const { list, pending, agent } = await paused();
    const forged: Item = { type: "tool_result", id: "mine", callId: pending.callId, output: "refunded", status: "ok" };
    await expect(run(agent, [...list, forged])).rejects.toThrow(TypeError);
  });
});

describe("needsApproval", () => {
  const asking = (
    needsApproval: (args: { amount: number }, run: RunContext<{ limit: number }>) => boolean | Promise<boolean>,
  ) => {
    const refunds: number[] = [];
    const refund = tool({
      name: "refund",
      parameters: z.object({ amount: z.number() }),
      needsApproval,
      execute: ({ amount }) => (refunds.push(amount), `refunded ${amount}`),
    });
    return { refund, refunds };
  };

  it("may be a function of the checked arguments and the context, sync or async", async () => {
    for (const rule of [
      (args: { amount: number }, run: RunContext<{ limit: number }>) => args.amount > run.context.limit,
      async (args: { amount: number }, run: RunContext<{ limit: number }>) => args.amount > run.context.limit,
    ]) {
      const { refund, refunds } = asking(rule);
      const model = scriptedModel([call("refund", { amount: 5 }), call("refund", { amount: 50 })]);
      const agent = new Agent({ name: "Shop", model, tools: [refund] });
      const paused = await run(agent, "Refund me", { context: { limit: 10 } });
      expect(paused.pending.map(({ arguments: args }) => args)).toEqual([{ amount: 50 }]);
      expect(refunds).toEqual([5]);
    }
  });

  it("is not asked again when the run resumes", async () => {
    let asked = 0;
    const { refund, refunds } = asking(() => ((asked += 1), true));
    const model = scriptedModel([call("refund", { amount: 5 }), say("ok")]);
    const agent = new Agent({ name: "Shop", model, tools: [refund] });
    const context = { limit: 1 };
    const paused = await run(agent, "Refund me", { context });
    await run(agent, [...paused.toInputList(), approve(paused.pending[0]!)], { context });
    expect(asked).toBe(1);
    expect(refunds).toEqual([5]);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no policy");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no policy"))],
    ["rejects with an AbortError of its own", () => Promise.reject(new DOMException("late", "AbortError"))],
    ["gives nothing", () => undefined],
    ["gives null", () => null],
    ["gives 0", () => 0],
    ["gives a text", () => "false"],
    ["gives an object", () => ({ approved: true })],
    ["gives nothing later", async () => undefined],
  ])("that %s denies the call", async (_, rule) => {
    const { refund, refunds } = asking(rule as () => boolean);
    const model = scriptedModel([call("refund", { amount: 5 }), say("Sorry.")]);
    const result = await run(new Agent({ name: "Shop", model, tools: [refund] }), "hi", { context: { limit: 1 } });
    expect(result.finalOutput).toBe("Sorry.");
    expect(told(result.history)).toEqual([
      'result of call_1 (denied): "This call was denied: whether it needs approval could not be found out."',
    ]);
    expect(refunds).toEqual([]);
  });

  it("that never answers denies the call when its time is over", async () => {
    const clock = testClock();
    const { refund, refunds } = asking(() => new Promise<boolean>(() => {}));
    const model = scriptedModel([call("refund", { amount: 5 }), say("Sorry.")]);
    const runner = new Runner({ clock, callbackTimeoutMs: 70 });
    const running = runner.run(new Agent({ name: "Shop", model, tools: [refund] }), "hi", { context: { limit: 1 } });
    await clock.advance(70);
    expect(told((await running).history)).toEqual([expect.stringContaining("denied")]);
    expect(refunds).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("that is stopped by another run's abort denies the call and does not stop this run", async () => {
    const inner = new Agent({ name: "Judge", model: scriptedModel([]) });
    const { refund } = asking(async () => {
      await run(inner, "May I?", { signal: AbortSignal.abort(new Error("judge is gone")) });
      return false;
    });
    const model = scriptedModel([call("refund", { amount: 5 }), say("Sorry.")]);
    const result = await run(new Agent({ name: "Shop", model, tools: [refund] }), "hi", { context: { limit: 1 } });
    expect(told(result.history)).toEqual([expect.stringContaining("denied")]);
  });
});

describe("an approval of a handoff", () => {
  const graph = (script: Script) => {
    const model = scriptedModel(script);
    const made: unknown[] = [];
    const billing = new Agent({ name: "Billing", model });
    const triage = new Agent({
      name: "Triage",
      model,
      handoffs: [
        handoff(billing, {
          needsApproval: true,
          inputType: z.object({ amount: z.number() }),
          onHandoff: (input) => void made.push(input),
        }),
      ],
    });
    return { triage, made };
  };

  it("pauses before the callback, and makes the handoff when it is given", async () => {
    const first = graph({ Triage: [handOff("billing", { amount: 3 })] });
    const paused = await run(first.triage, "Refund");
    expect(paused.pending).toMatchObject([
      { kind: "approval", agent: "Triage", name: "transfer_to_billing", arguments: { amount: 3 } },
    ]);
    expect(first.made).toEqual([]);
    const second = graph({ Billing: [say("Billing here.")] });
    const result = await run(second.triage, [...throughJson(paused.toInputList()), approve(paused.pending[0]!)]);
    expect(result.finalOutput).toBe("Billing here.");
    expect(result.lastAgent.name).toBe("Billing");
    expect(second.made).toEqual([{ amount: 3 }]);
  });

  it("that is refused leaves the source active, with the reason", async () => {
    const first = graph({ Triage: [handOff("billing", { amount: 3 })] });
    const paused = await run(first.triage, "Refund");
    const second = graph({ Triage: [say("I may not.")] });
    const result = await run(second.triage, [
      ...throughJson(paused.toInputList()),
      reject(paused.pending[0]!, { reason: "stay here" }),
    ]);
    expect(result.finalOutput).toBe("I may not.");
    expect(result.lastAgent.name).toBe("Triage");
    expect(told(result.history).at(-1)).toBe('result of call_1 (denied): "This call was denied: stay here"');
    expect(second.made).toEqual([]);
  });

  it("holds back the tools of the same reply as well", async () => {
    let ran = 0;
    const model = scriptedModel({ Triage: [[call("look"), handOff("billing")]] });
    const billing = new Agent({ name: "Billing", model });
    const triage = new Agent({
      name: "Triage",
      model,
      tools: [tool({ name: "look", execute: () => (ran += 1) })],
      handoffs: [handoff(billing, { needsApproval: async () => true })],
    });
    expect((await run(triage, "hi")).status).toBe("paused");
    expect(ran).toBe(0);
  });
});

describe("a call that needs approval and runs outside", () => {
  it("waits for the decision first, then for the result", async () => {
    const sign = tool({ name: "sign", needsApproval: true });
    const model = scriptedModel([call("sign"), say("Signed.")]);
    const agent = new Agent({ name: "Desk", model, tools: [sign] });
    const first = await run(agent, "Sign it");
    expect(first.pending).toMatchObject([{ kind: "approval", name: "sign" }]);
    const second = await run(agent, [...first.toInputList(), approve(first.pending[0]!)]);
    expect(second.status).toBe("paused");
    expect(second.pending).toMatchObject([{ kind: "tool_result", name: "sign" }]);
    const third = await run(agent, [...second.toInputList(), toolResult(second.pending[0]!, "ok")]);
    expect(third.finalOutput).toBe("Signed.");
  });
});

describe("a nested run that needs approval", () => {
  function desk(outer: Script, inner: Script, options: { needsApproval?: boolean } = {}) {
    const refunds: number[] = [];
    const refund = tool({
      name: "refund",
      parameters: z.object({ amount: z.number() }),
      needsApproval: true,
      execute: ({ amount }) => (refunds.push(amount), `refunded ${amount}`),
    });
    const clerk = new Agent({ name: "Clerk", model: scriptedModel(inner), tools: [refund] });
    const boss = new Agent({
      name: "Boss",
      model: scriptedModel(outer),
      tools: [clerk.asTool({ name: "ask_clerk", ...options })],
    });
    return { boss, refunds };
  }

  it("pauses the whole run; its pending has the path, and the decision finds its way back", async () => {
    const first = desk([call("ask_clerk", { input: "Refund 5" })], [call("refund", { amount: 5 })]);
    const paused = await run(first.boss, "Refund");
    expect(paused.status).toBe("paused");
    expect(paused.pending).toMatchObject([
      { kind: "approval", agent: "Clerk", name: "refund", arguments: { amount: 5 }, path: ["call_1"] },
    ]);
    expect(paused.lastAgent.name).toBe("Boss");
    const second = desk([say("All done.")], [say("Refunded.")]);
    const pending = throughJson(paused.pending[0]!);
    const result = await run(second.boss, [...throughJson(paused.toInputList()), throughJson(approve(pending))]);
    expect(result.finalOutput).toBe("All done.");
    expect(second.refunds).toEqual([5]);
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
    expect(told(result.history)).toEqual([
      "approval of call_1: asked",
      "approval of call_1: approved",
      'result of call_1: "refunded 5"',
      'result of call_1: "Refunded."',
    ]);
  });

  it("may itself need approval: first the call, then what it leads to", async () => {
    const script: [Script, Script] = [[call("ask_clerk", { input: "Refund 5" })], []];
    const first = desk(...script, { needsApproval: true });
    const asked = await run(first.boss, "Refund");
    expect(asked.pending).toMatchObject([{ name: "ask_clerk", path: [] }]);
    const second = desk([], [call("refund", { amount: 5 })], { needsApproval: true });
    const paused = await run(second.boss, [...throughJson(asked.toInputList()), approve(asked.pending[0]!)]);
    expect(paused.status).toBe("paused");
    expect(paused.pending).toMatchObject([{ name: "refund", path: ["call_1"] }]);
    const third = desk([say("All done.")], [say("Refunded.")], { needsApproval: true });
    const result = await run(third.boss, [...throughJson(paused.toInputList()), approve(paused.pending[0]!)]);
    expect(result.finalOutput).toBe("All done.");
    expect(third.refunds).toEqual([5]);
  });

  it("that runs beside another which needs approval waits for its own decision", async () => {
    const both = calls(call("ask_clerk", { input: "1" }), call("ask_clerk", { input: "2" }));
    const first = desk([both], [call("refund", { amount: 1 }), call("refund", { amount: 2 })]);
    const paused = await run(first.boss, "Refund");
    expect(paused.pending.map(({ path, arguments: args }) => [path, args])).toEqual([
      [["call_1"], { amount: 1 }],
      [["call_2"], { amount: 2 }],
    ]);
    const second = desk([], [say("Two refunded.")]);
    const half = await run(second.boss, [...throughJson(paused.toInputList()), approve(paused.pending[1]!)]);
    expect(second.refunds).toEqual([2]);
    expect(half.pending).toEqual([paused.pending[0]]);
    const third = desk([say("All done.")], [say("One refused.")]);
    const result = await run(third.boss, [...throughJson(half.toInputList()), reject(half.pending[0]!)]);
    expect(third.refunds).toEqual([]);
    expect(result.finalOutput).toBe("All done.");
  });

  it("is denied with all around it when the user goes on", async () => {
    const first = desk([call("ask_clerk", { input: "Refund 5" })], [call("refund", { amount: 5 })]);
    const paused = await run(first.boss, "Refund");
    const second = desk([say("As you like.")], []);
    const result = await run(second.boss, [...throughJson(paused.toInputList()), user("Never mind")]);
    expect(result.finalOutput).toBe("As you like.");
    expect(second.refunds).toEqual([]);
    expect(told(result.history).slice(1)).toEqual([
      'result of call_1 (denied): "The user went on without it."',
      expect.stringMatching(/^result of call_1 \((denied|unknown|abandoned)\): "The user went on without it."$/),
    ]);
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });
});

describe("a new message while something is open", () => {
  it("denies what waits for approval, and nothing of that reply runs", async () => {
    const first = shop([calls(call("look"), call("refund", { amount: 5 }))]);
    const paused = await run(first.agent, "Refund me");
    const second = shop([say("As you like.")]);
    const result = await run(second.agent, [...throughJson(paused.toInputList()), user("Never mind")]);
    expect(result.finalOutput).toBe("As you like.");
    expect(second.refunds).toEqual([]);
    const lines = transcript(second.model.request(0).items);
    expect(lines.at(-1)).toBe('user: "Never mind"');
    expect(lines).toContain('result of call_2 (denied): "The user went on without it."');
    expect(invariantsOf(result.history, { graph: second.agent, settled: true })).toEqual([]);
  });

  it("comes after the decision that is given with it", async () => {
    const first = shop([call("refund", { amount: 5 })]);
    const paused = await run(first.agent, "Refund me");
    const second = shop([say("Done, and hello.")]);
    const result = await run(second.agent, [
      ...paused.toInputList(),
      user("and say hello"),
      approve(paused.pending[0]!),
    ]);
    expect(second.refunds).toEqual([5]);
    expect(transcript(second.model.request(0).items).slice(-2)).toEqual([
      'result of call_1: "refunded 5"',
      'user: "and say hello"',
    ]);
    expect(result.finalOutput).toBe("Done, and hello.");
    // Neither the decision nor the message is something that the run has made.
    expect(transcript(result.newItems)).toEqual([
      "start of call_1",
      'result of call_1: "refunded 5"',
      'Shop: "Done, and hello."',
      "turn of Shop: stop",
    ]);
  });

  it("leaves the outcome of a tool that runs outside unknown", async () => {
    const model = scriptedModel([call("ask"), say("Fine.")]);
    const agent = new Agent({ name: "Desk", model, tools: [tool({ name: "ask" })] });
    const paused = await run(agent, "hi");
    const result = await run(agent, [...paused.toInputList(), user("Never mind")]);
    expect(told(result.history)).toEqual(['result of call_1 (unknown): "The user went on without it."']);
    expect(result.finalOutput).toBe("Fine.");
    // What comes too late is refused.
    await expect(run(agent, [...result.toInputList(), toolResult(paused.pending[0]!, "late")])).rejects.toThrow(
      TypeError,
    );
  });

  it("finds the calls that a failed run has left open run first", async () => {
    const first = shop([calls(call("look"), call("look"))]);
    // As if the process had ended after the reply was recorded.
    const { history } = await run(first.agent, "Look twice", { maxTurns: 1 }).catch((error: RunError) => ({
      history: error.items,
    }));
    const reply = history.slice(0, 4);
    expect(transcript(reply).at(-1)).toBe("turn of Shop: tool_calls");
    const second = shop([say("Seen.")]);
    const result = await run(second.agent, [...throughJson(reply), user("and?")]);
    expect(second.looks()).toBe(2);
    expect(transcript(second.model.request(0).items).at(-1)).toBe('user: "and?"');
    expect(result.finalOutput).toBe("Seen.");
  });
});

describe("an error while something waits", () => {
  it("leaves it waiting: an abort while an approval is pending changes nothing of it", async () => {
    const first = shop([calls(call("refund", { amount: 5 }), call("refund", { amount: 6 }))]);
    const paused = await run(first.agent, "Refund me");
    const [one, two] = paused.pending as unknown as [Pending, Pending];
    const plugins = [memorySessions()];
    const runner = new Runner({ plugins });
    await runner.run(first.agent, paused.toInputList(), { session: "s" });
    const error = await rejection(
      runner.run(first.agent, approve(one), { session: "s", signal: AbortSignal.abort(new Error("gone")) }),
    );
    expect(error.name).toBe("AbortError");
    const again = await runner.run(first.agent, [], { session: "s" });
    expect(again.pending.map(({ callId }) => callId)).toContain(two.callId);
    expect(first.refunds).toEqual([]);
  });

  it.each(["a tool that runs outside", "an approval of a nested run"] as const)(
    "leaves it waiting: %s, when the run is stopped while another call of the reply runs",
    async (what) => {
      const ran: string[] = [];
      const build = (outer: Script, inner: Script, slow: () => Promise<string>) => {
        const pay = tool({ name: "pay", needsApproval: true, execute: () => (ran.push("pay"), "paid") });
        const clerk = new Agent({ name: "Clerk", model: scriptedModel(inner), tools: [pay] });
        const wait = tool({ name: "wait", sideEffects: "none", execute: slow });
        const tools = [tool({ name: "locate" }), clerk.asTool({ name: "clerk" }), wait];
        return new Agent({ name: "Host", model: scriptedModel(outer), tools });
      };
      const nested = what === "an approval of a nested run";
      const asks = nested ? call("clerk", { input: "pay" }) : call("locate");
      const controller = new AbortController();
      const first = build([calls(asks, call("wait"))], nested ? [call("pay")] : [], () => new Promise(() => {}));
      const stopped = rejection(run(first, "hi", { signal: controller.signal }));
      for (let i = 0; i < 5; i++) await new Promise((resolve) => void setTimeout(resolve, 0));
      controller.abort(new Error("gone"));
      const { items } = await stopped;
      expect(items.filter(({ type }) => type === "tool_result")).toEqual([]);

      const second = build([], [], async () => "waited");
      const paused = await run(second, throughJson(items) as Item[]);
      expect(paused.pending).toHaveLength(1);
      const [pending] = paused.pending as readonly [Pending];
      const third = build([say("done")], nested ? [say("Paid.")] : [], () => expect.fail());
      const answer = nested ? approve(pending) : toolResult(pending, "Graz");
      const result = await run(third, [...throughJson(paused.toInputList()), answer]);
      expect(result.finalOutput).toBe("done");
      expect(ran).toEqual(nested ? ["pay"] : []);
      expect(invariantsOf(result.history, { settled: true })).toEqual([]);
    },
  );
});
