import { Agent, type Model, Runner, dropMessages, handBack, handoff, textOf, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { everyHandoff, isolate, seenAfterHandoff } from "./index.ts";
import { call, handOff, say } from "./script.ts";
import { type ScriptedModel, scriptedModel } from "./scripted-model.ts";
import { transcript } from "./transcript.ts";

const Issue = z.object({ issue: z.enum(["charge", "refund"]), amount: z.number().positive().nullable() });
const withoutNotes = dropMessages((message) => textOf(message).startsWith("[INTERNAL]"));

function desk(model?: Model) {
  const given = model ? { model } : {};
  const lookup = tool({
    name: "lookup",
    parameters: z.object({ id: z.number() }),
    execute: ({ id }) => `charge ${id}`,
  });
  const billing = new Agent({
    name: "Billing Agent",
    instructions: "Bill.",
    ...given,
    tools: [lookup],
    handoffs: [handBack()],
  });
  const triage = new Agent({
    name: "Triage Agent",
    model: "openai/gpt-4o-mini",
    handoffs: [handoff(billing, { toolName: "to_billing", inputType: Issue, inputFilter: withoutNotes })],
  });
  return { billing, triage };
}

/** What the specialist really sees, by a whole run of a script. */
async function reallySeen(): Promise<ScriptedModel> {
  const model = scriptedModel({
    "Triage Agent": [call("to_billing", { issue: "charge", amount: 1 }, { callId: "handoff_1" })],
    "Billing Agent": [say("Done.")],
  });
  const { triage } = desk(model);
  await new Runner({ model }).run(triage, HISTORY, { runId: "isolated_1", model });
  return model;
}
const HISTORY = [
  { role: "user", content: "I was charged twice" },
  { role: "user", content: "[INTERNAL] a difficult customer" },
] as const;

describe("isolate()", () => {
  it("shows the specialist exactly what it sees in a run", async () => {
    const { billing, triage } = desk(scriptedModel([say("Done.")]));
    const alone = await isolate(billing, { from: triage, history: HISTORY, input: { issue: "charge", amount: 1 } });
    const model = await reallySeen();
    const { at, items, ...rest } = model.request(-1);
    expect(alone.request.items.map(withoutTime)).toEqual(items.map(withoutTime));
    expect(alone.request).toMatchObject(rest);
    expect(alone.request.at).toMatchObject({ agent: at.agent, turn: at.turn });
    expect(transcript(alone.request.items).join("\n")).not.toContain("INTERNAL");
    expect(alone).toMatchObject({ status: "completed", finalOutput: "Done.", handedTo: undefined });
  });

  it("runs its tools, and asks no other model", async () => {
    const { billing, triage } = desk(scriptedModel([call("lookup", { id: 7 }), say("Charge 7.")]));
    const alone = await isolate(billing, { from: triage, history: "hi" });
    expect(transcript(alone.newItems)).toEqual([
      'Billing Agent calls lookup({"id":7}) [call_1]',
      "turn of Billing Agent: tool_calls",
      "start of call_1",
      'result of call_1: "charge 7"',
      'Billing Agent: "Charge 7."',
      "turn of Billing Agent: stop",
    ]);
    expect(alone.usage.requests).toBe(2);
  });

  it("ends where the specialist hands over", async () => {
    const { billing, triage } = desk(scriptedModel([handOff("back")]));
    const alone = await isolate(billing, { from: triage });
    expect(alone).toMatchObject({ status: "handed_over", handedTo: "Triage Agent", finalOutput: undefined });
  });

  it("makes up a payload, takes another model, and tells callbacks of the payload", async () => {
    const { triage, billing } = desk();
    const model = scriptedModel([say("x")]);
    const alone = await isolate(billing, { from: triage, model });
    expect(alone.history.find((item) => item.type === "handoff")).toMatchObject({
      input: { issue: "charge", amount: 1 },
    });
  });

  it("rejects with what core says where the handoff is refused", async () => {
    const { triage, billing } = desk(scriptedModel([]));
    const refused = isolate(billing, { from: triage, input: { issue: "weather" } });
    await expect(refused).rejects.toThrow(/Cannot isolate agent "Billing Agent".*Invalid arguments: issue/);
    await expect(isolate(triage, { from: billing, toolName: "nope" })).rejects.toThrow(
      /no such handoff.*transfer_back/,
    );
    await expect(isolate(billing, { from: triage, model: "gpt" })).rejects.toThrow(
      /no plugin provides the model "gpt"/,
    );
    await expect(isolate(desk().billing, { from: triage })).rejects.toThrow(/no such handoff/);
    const none = desk();
    await expect(isolate(none.billing, { from: none.triage })).rejects.toThrow(/no plugin provides its model/);
  });

  it("gives an approval that the handoff needs, and waits with what the specialist needs", async () => {
    const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
    const billing = new Agent({ name: "Billing", model: scriptedModel([call("pay")]), tools: [pay] });
    const triage = new Agent({ name: "Triage", handoffs: [handoff(billing, { needsApproval: true })] });
    const alone = await isolate(billing, { from: triage });
    expect(alone).toMatchObject({ status: "paused", pending: [{ name: "pay" }] });
  });

  it("ends a consultation with the specialist's answer", async () => {
    const expert = new Agent({ name: "Expert", model: scriptedModel([say("42")]) });
    const triage = new Agent({ name: "Triage", handoffs: [handoff(expert, { mode: "return" })] });
    const alone = await isolate(expert, { from: triage });
    expect(alone).toMatchObject({ status: "completed", finalOutput: "42", handedTo: undefined });
  });

  it("needs the context that the agents need", async () => {
    const billing = new Agent({
      name: "Billing",
      model: scriptedModel([say("x")]),
      instructions: (run: { readonly context: { readonly shop: string } }) => `Bill for ${run.context.shop}.`,
    });
    const triage = new Agent({ name: "Triage", handoffs: [billing] });
    // @ts-expect-error without a context
    await expect(isolate(billing, { from: triage })).rejects.toThrow();
    const alone = await isolate(billing, { from: triage, context: { shop: "Larkspur" } });
    expect(alone.request.instructions).toBe("Bill for Larkspur.");
  });
});

const withoutTime = (item: { readonly at?: number }): object => ({ ...item, at: undefined });

describe("seenAfterHandoff()", () => {
  it("asks no model", async () => {
    const { billing, triage } = desk();
    const seen = await seenAfterHandoff(billing, { from: triage, history: HISTORY });
    expect(transcript(seen.items)).toEqual([
      'user: "I was charged twice"',
      'Triage Agent calls to_billing({"issue":"charge","amount":1}) [handoff_1]',
      'result of handoff_1: "The conversation is with Billing Agent now."',
    ]);
  });

  it("shows what the first agent sees after a handoff back", async () => {
    const { billing, triage } = desk();
    const seen = await seenAfterHandoff(triage, { from: billing, history: HISTORY });
    expect(transcript(seen.items).slice(-2)).toEqual([
      "Billing Agent calls transfer_back({}) [handoff_2]",
      'result of handoff_2: "The conversation is with Triage Agent now."',
    ]);
    expect(transcript(seen.items).join()).toContain("INTERNAL");
  });
});

describe("everyHandoff()", () => {
  it("lists edges in order, those back and those of agents that are tools included", () => {
    const { triage } = desk();
    const assistant = new Agent({ name: "Assistant", tools: [triage.asTool()] });
    const shown = everyHandoff(assistant).map(({ from, to, toolName, back }) => [from.name, toolName, to.name, back]);
    expect(shown).toEqual([
      ["Triage Agent", "to_billing", "Billing Agent", false],
      ["Billing Agent", "transfer_back", "Triage Agent", true],
    ]);
  });

  it("gives edges that can be isolated", async () => {
    const { triage } = desk();
    for (const { from, to, toolName } of everyHandoff(triage)) {
      const seen = await seenAfterHandoff(to, { from, toolName });
      expect(seen.at.agent).toBe(to.name);
    }
  });
});
