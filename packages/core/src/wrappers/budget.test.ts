import "@batonjs/testing/vitest";
import { Agent, budget, type BudgetOptions, LimitError, type ModelUsage, Runner, tool, user } from "@batonjs/core";
import { call, calls, handOff, reply, say, scriptedModel, testClock } from "@batonjs/testing";
import { describe, expect, it } from "vitest";

const look = tool({ name: "look", execute: () => "seen" });
/** An agent whose model calls a tool without end: 15 tokens a reply. */
const endless = () => {
  const model = scriptedModel(({ at }) => call("look", {}, { callId: `c${at.turn}` }));
  return { model, agent: new Agent({ name: "Host", model, tools: [look] }) };
};
const rejection = async (promise: Promise<unknown>): Promise<LimitError> => {
  try {
    await promise;
  } catch (error) {
    return error as LimitError;
  }
  throw new Error("It did not reject");
};

describe("budget()", () => {
  it.each([
    [15, 1],
    [16, 2],
    [30, 2],
    [31, 3],
    [1_000_000, 10],
  ])("of %d tokens lets %d replies through, and ends the run before the next", async (maxTokens, replies) => {
    const { model, agent } = endless();
    const error = await rejection(new Runner({ plugins: [budget({ maxTokens })] }).run(agent, "hi"));
    expect(error).toBeInstanceOf(LimitError);
    if (replies < 10) {
      expect(error).toMatchObject({
        code: "budget_exceeded",
        limit: "maxTokens",
        max: maxTokens,
        actual: replies * 15,
        agent: "Host",
      });
      expect(error.message).toContain(`it has used ${replies * 15} of maxTokens ${maxTokens}`);
    } else expect(error.code).toBe("max_turns");
    expect(model.requests).toHaveLength(replies);
    // What was done is kept: the run can go on with a larger budget.
    expect(error.items.filter(({ type }) => type === "tool_result")).toHaveLength(replies);
  });

  it("counts money by the price that it is given, of the model that answered", async () => {
    const seen: unknown[] = [];
    const price = (each: { model: string; provider: string; usage: ModelUsage }): number | undefined => {
      seen.push([each.model, each.provider]);
      return each.model === "free" ? undefined : each.usage.outputTokens * 0.01;
    };
    const model = scriptedModel([
      reply({ items: [call("look")], model: "free", provider: "else" }),
      call("look"),
      call("look"),
    ]);
    const agent = new Agent({ name: "Host", model, tools: [look] });
    const error = await rejection(new Runner({ plugins: [budget({ maxCost: 0.1, price })] }).run(agent, "hi"));
    expect(error).toMatchObject({ limit: "maxCost", max: 0.1, actual: 0.1 });
    expect(seen).toEqual([
      ["free", "else"],
      ["scripted", "scripted"],
      ["scripted", "scripted"],
    ]);
  });

  it("counts time from the first model call of the run", async () => {
    const clock = testClock();
    const wait = tool({ name: "look", execute: () => clock.advance(40) });
    const model = scriptedModel(({ at }) => call("look", {}, { callId: `c${at.turn}` }));
    const runner = new Runner({ clock, plugins: [budget({ maxTimeMs: 100, clock })] });
    const error = await rejection(runner.run(new Agent({ name: "Host", model, tools: [wait] }), "hi"));
    expect(error).toMatchObject({ limit: "maxTimeMs", max: 100, actual: 120 });
    expect(model.requests).toHaveLength(3);
  });

  it("counts all agents of a run, those it hands over to and nested ones, and models asked beside", async () => {
    const model = scriptedModel({
      Triage: [handOff("host")],
      Host: [calls(call("ask", { input: "?" }), call("beside"))],
      Clerk: [say("ok")],
    });
    const side = scriptedModel([say("side")]);
    const clerk = new Agent({ name: "Clerk", model });
    const beside = tool({
      name: "beside",
      execute: (_: undefined, run) => run.ask("side/model", { input: "?" }),
    });
    const host = new Agent({ name: "Host", model, tools: [clerk.asTool({ name: "ask" }), beside] });
    const triage = new Agent({ name: "Triage", model, handoffs: [host] });
    const plugins = [budget({ maxTokens: 60 }), { name: "side", model: () => side }];
    const error = await rejection(new Runner({ plugins, maxConcurrentTools: 1 }).run(triage, "hi"));
    expect(error).toMatchObject({ limit: "maxTokens", actual: 60 });
  });

  it("counts what a wrapper used beside the reply", async () => {
    const model = scriptedModel([
      reply({
        items: [call("look")],
        alsoUsed: [{ model: "guess", provider: "p", purpose: "guess", usage: { inputTokens: 50, outputTokens: 50 } }],
      }),
    ]);
    const error = await rejection(
      new Runner({ plugins: [budget({ maxTokens: 100 })] }).run(
        new Agent({ name: "Host", model, tools: [look] }),
        "hi",
      ),
    );
    expect(error).toMatchObject({ actual: 115 });
  });

  it("is each run's own", async () => {
    const model = scriptedModel(() => say("ok"));
    const runner = new Runner({ plugins: [budget({ maxTokens: 15 })] });
    const agent = new Agent({ name: "Host", model });
    const first = await runner.run(agent, "hi");
    const second = await runner.run(agent, [...first.toInputList(), user("more")]);
    expect(second.finalOutput).toBe("ok");
  });

  it.each<BudgetOptions>([
    { maxTokens: 0 },
    { maxTokens: -1 },
    { maxTokens: Number.NaN },
    { maxTokens: "5" as never },
    { maxTimeMs: 0 },
    { maxCost: 0, price: () => 1 },
    { maxTokens: null as never },
  ])("refuses %j", (options) => {
    expect(() => budget(options)).toThrow(RangeError);
  });

  it("refuses a limit of money without a price", () => {
    expect(() => budget({ maxCost: 1 })).toThrow(TypeError);
  });
});
