import { Agent, Runner, handoff, run, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  assertAnswer,
  assertCalledTool,
  assertCost,
  assertHandOffTo,
  assertNeedsApproval,
  assertPath,
  assertStaysWith,
  isolate,
} from "./index.ts";
import { type BatonMatchers, matchers } from "./matchers.ts";
import { call, handOff, say } from "./script.ts";
import { scriptedModel } from "./scripted-model.ts";

declare module "vitest" {
  interface Matchers<R> extends BatonMatchers<R> {}
}
expect.extend(matchers);

const lookup = tool({
  name: "lookup",
  parameters: z.object({ id: z.number(), deep: z.boolean() }),
  execute: () => "$5",
});
const refund = tool({ name: "refund", needsApproval: true, execute: () => "done" });
const billing = new Agent({ name: "Billing", tools: [lookup, refund] });
const technical = new Agent({ name: "Technical" });
const triage = new Agent({
  name: "Triage",
  handoffs: [handoff(billing, { inputType: z.object({ issue: z.string(), urgent: z.boolean() }) }), technical],
});

const charged = () =>
  new Runner({
    model: scriptedModel({
      Triage: [handOff("billing", { issue: "charge", urgent: true })],
      Billing: [call("lookup", { id: 7, deep: false }), say("You were charged $5.")],
    }),
  }).run(triage, "I was charged twice");
const small = () => run(triage, "hi", { model: scriptedModel([say("Hello!")]) });

const failure = (check: () => void): string => {
  try {
    check();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("It did not fail");
};

describe("matchers", () => {
  it("hold for what a run did", async () => {
    const result = await charged();
    expect(result).toHandOffTo(billing);
    expect(result).toHandOffTo("Billing", { issue: /^ch/, urgent: expect.any(Boolean) });
    expect(result).not.toHandOffTo(technical);
    expect(result).not.toHandOffTo(billing, { issue: "refund" });
    expect(result).toHaveCalledTool("lookup", { id: 7 });
    expect(result).not.toHaveCalledTool("transfer_to_billing");
    expect(result).toFollowPath([triage, billing]);
    expect(result).not.toFollowPath([triage]);
    expect(result).not.toFollowPath([triage, billing, triage]);
    expect(result).not.toStayWith(triage);
    expect(result).toCost({ calls: 3, tokens: 45, usd: 3, price: () => 1 });
    expect(result).not.toCost({ calls: 2 });
    expect(result).toAnswer("charged $5");
    expect(result).toAnswer(/^You/g);
    expect(result).not.toNeedApproval();
    expect(await small()).toStayWith("Triage");
    expect((await small()).newItems).toAnswer("Hello!");
  });

  it("hold for what waits, and for a specialist alone", async () => {
    const alone = await isolate(billing, { from: triage, model: scriptedModel([call("refund")]) });
    expect(alone).toNeedApproval("refund");
    expect(alone).toStayWith(billing);
    expect(alone).not.toNeedApproval("lookup");
    expect(alone).not.toAnswer("");
  });

  it("judge an answer by a schema, also a text that is JSON", async () => {
    const answering = async (text: string) => run(triage, "hi", { model: scriptedModel([say(text)]) });
    const Answer = z.object({ amount: z.number() });
    expect(await answering('{"amount":5}')).toAnswer(Answer);
    expect(await answering('{"amount":"5"}')).not.toAnswer(Answer);
    expect(await answering("five")).toAnswer(z.string());
  });

  it("show the transcript with the place marked", async () => {
    const result = await charged();
    expect(failure(() => expect(result).toHandOffTo(technical))).toMatchInlineSnapshot(`
      "Expected the run to hand over to "Technical": it handed over to "Billing"

        Triage calls transfer_to_billing({"issue":"charge","urgent":true}) [call_1]
        turn of Triage: tool_calls
        result of call_1: "The conversation is with Billing now."
      > handoff Triage → Billing {"issue":"charge","urgent":true}
        Billing calls lookup({"id":7,"deep":false}) [call_2]
        turn of Billing: tool_calls
        start of call_2
        result of call_2: "$5"
        Billing: "You were charged $5."
        turn of Billing: stop"
    `);
    const marked = (check: () => void): string[] =>
      failure(check)
        .split("\n")
        .filter((line, i) => i === 0 || line.startsWith("> "));
    expect(marked(() => expect(result).toHaveCalledTool("lookup", { id: 8 }))).toEqual([
      'Expected the run to call the tool "lookup" with {"id":8}: its arguments are {"id":7,"deep":false}',
      '> Billing calls lookup({"id":7,"deep":false}) [call_2]',
    ]);
    expect(marked(() => expect(result).toFollowPath([triage, billing, technical]))).toEqual([
      "Expected the run to follow the path Triage → Billing → Technical: its path is Triage → Billing",
      "> (here the transcript ends)",
    ]);
    expect(marked(() => expect(result).toCost({ calls: 2 }))).toEqual([
      "Expected the run to cost at most 2 model calls: it cost 3 model calls",
      "> turn of Billing: stop",
    ]);
    expect(marked(() => expect(result).not.toAnswer("$5"))).toEqual([
      'Expected the run not to answer with "$5", and it did',
      '> Billing: "You were charged $5."',
    ]);
  });

  it("say what a cost in money needs", async () => {
    const result = await small();
    expect(() => assertCost(result, { usd: 1 })).toThrow(TypeError);
    expect(() => assertCost(result, { usd: 1, price: () => undefined })).toThrow('the price of model "scripted"');
    expect(() => assertCost(result, {})).toThrow(TypeError);
    expect(() => assertPath({} as never, [])).toThrow(TypeError);
  });

  it("are there as functions", async () => {
    const result = await charged();
    assertHandOffTo(result, billing, { urgent: true });
    assertCalledTool(result, "lookup");
    assertPath(result, ["Triage", "Billing"]);
    assertCost(result, { calls: 3 });
    assertAnswer(result, "$5");
    expect(() => assertStaysWith(result, triage)).toThrow(/Expected the run to stay with "Triage"/);
    expect(() => assertNeedsApproval(result)).toThrow(/nothing waits for a decision/);
    expect(() => assertHandOffTo([], triage)).toThrow(/it made no handoff/);
  });

  it("show a handoff that was refused", async () => {
    const model = scriptedModel([handOff("billing", { issue: 1 }), say("Sorry.")]);
    const result = await run(triage, "hi", { model });
    expect(failure(() => assertHandOffTo(result, billing))).toMatch(
      /its handoff was refused.*\n> result of call_1 \(error\)/s,
    );
  });
});
