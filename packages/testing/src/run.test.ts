import { Agent, handoff, Runner, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import {
  call,
  collect,
  eventSequence,
  handOff,
  invariantsOf,
  oracle,
  reason,
  say,
  scriptedModel,
  testClock,
  testIds,
  transcript,
} from "./index.ts";

describe("a run with a scripted model", () => {
  it("is told as lines", async () => {
    const model = scriptedModel({
      "Triage Agent": [handOff("billing", { amount: 3 })],
      "Billing Agent": [
        [reason("hm"), say(["Let me ", "look."]), call("lookup", { id: 1 })],
        say("You were charged once."),
      ],
    });
    const parameters = { type: "object", properties: { id: { type: "number" } } } as const;
    const lookup = tool({ name: "lookup", parameters, execute: () => "one charge" });
    const billing = new Agent({ name: "Billing Agent", instructions: "Bill.", model, tools: [lookup] });
    const inputType = { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] } as const;
    const triage = new Agent({ name: "Triage Agent", model, handoffs: [handoff(billing, { inputType })] });
    const checks = oracle(triage);
    const runner = new Runner({ plugins: [checks], clock: testClock(), newId: testIds() });
    const running = runner.stream(triage, "I was charged twice");
    const events = await collect(running);
    const result = await running.result;
    expect(eventSequence(events)).toMatchInlineSnapshot(`
      [
        "run_started Triage Agent",
        "item user: "I was charged twice"",
        "turn_started Triage Agent, turn 1 of scripted, 1 item, offered transfer_to_billing_agent",
        "item Triage Agent calls transfer_to_billing_agent({"amount":3}) [call_1]",
        "item turn of Triage Agent: tool_calls",
        "turn_finished Triage Agent tool_calls",
        "item result of call_1: "The conversation is with Billing Agent now."",
        "item handoff Triage Agent → Billing Agent {"amount":3}",
        "handoff Triage Agent → Billing Agent {"amount":3}",
        "turn_started Billing Agent, turn 2 of scripted, 3 items, offered lookup",
        "item Billing Agent thinks: "hm"",
        "item Billing Agent: "Let me look."",
        "item Billing Agent calls lookup({"id":1}) [call_2]",
        "item turn of Billing Agent: tool_calls",
        "turn_finished Billing Agent tool_calls",
        "item start of call_2",
        "tool_started lookup [call_2]",
        "item result of call_2: "one charge"",
        "tool_finished lookup [call_2] ok",
        "turn_started Billing Agent, turn 3 of scripted, 7 items, offered lookup",
        "item Billing Agent: "You were charged once."",
        "item turn of Billing Agent: stop",
        "turn_finished Billing Agent stop",
        "run_finished Billing Agent completed",
      ]
    `);
    expect(eventSequence(events, { deltas: true, items: false })).toMatchInlineSnapshot(`
      [
        "run_started Triage Agent",
        "turn_started Triage Agent, turn 1 of scripted, 1 item, offered transfer_to_billing_agent",
        "tool_call_delta Triage Agent call_1 transfer_to_billing_agent "{\\"amount\\":3}"",
        "turn_finished Triage Agent tool_calls",
        "handoff Triage Agent → Billing Agent {"amount":3}",
        "turn_started Billing Agent, turn 2 of scripted, 3 items, offered lookup",
        "reasoning_delta Billing Agent "hm"",
        "text_delta Billing Agent "Let me "",
        "text_delta Billing Agent "look."",
        "tool_call_delta Billing Agent call_2 lookup "{\\"id\\":1}"",
        "turn_finished Billing Agent tool_calls",
        "tool_started lookup [call_2]",
        "tool_finished lookup [call_2] ok",
        "turn_started Billing Agent, turn 3 of scripted, 7 items, offered lookup",
        "text_delta Billing Agent "You were charged once."",
        "turn_finished Billing Agent stop",
        "run_finished Billing Agent completed",
      ]
    `);
    expect(transcript(result.history, { ids: true })).toMatchInlineSnapshot(`
      [
        "run_1:0  user: "I was charged twice"",
        "run_1:1  Triage Agent calls transfer_to_billing_agent({"amount":3}) [call_1]",
        "run_1:2  turn of Triage Agent: tool_calls",
        "run_1:1:answer  result of call_1: "The conversation is with Billing Agent now."",
        "run_1:1:handoff  handoff Triage Agent → Billing Agent {"amount":3}",
        "run_1:5  Billing Agent thinks: "hm"",
        "run_1:6  Billing Agent: "Let me look."",
        "run_1:7  Billing Agent calls lookup({"id":1}) [call_2]",
        "run_1:8  turn of Billing Agent: tool_calls",
        "run_1:9  start of call_2",
        "run_1:10  result of call_2: "one charge"",
        "run_1:11  Billing Agent: "You were charged once."",
        "run_1:12  turn of Billing Agent: stop",
      ]
    `);
    expect(invariantsOf(result.history, { graph: triage, settled: true })).toEqual([]);
    model.assertDone();
    checks.assertClean();
  });
});
