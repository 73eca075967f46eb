import type { HandoffSpec, Json, JsonSchema, ToolResultStatus } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import type { Call } from "./conversation.ts";
import { actionOf, type Choice, offerOf, offers, problem, reply } from "./words.ts";

const NONE: JsonSchema = { type: "object" };
const call = (name: string, result: Json, status: ToolResultStatus = "ok"): Call => {
  const output = typeof result === "string" ? result : JSON.stringify(result);
  return { callId: "c", name, arguments: {}, status, output, ...(typeof result === "string" ? {} : { data: result }) };
};
const handoff = (to: string, description: string, when?: string): HandoffSpec => ({
  type: "handoff",
  name: "transfer",
  to,
  description,
  parameters: NONE,
  ...(when === undefined ? {} : { when }),
});
const tool = (name: string, when?: string): Choice => ({
  type: "function",
  name,
  description: "",
  parameters: NONE,
  ...(when === undefined ? {} : { when }),
});

describe("reply()", () => {
  it.each<[name: string, result: Json, said: string]>([
    ["refund_charge", { message: "Done, $5 is on its way.", id: 1 }, "Done, $5 is on its way."],
    ["refund_charge", { summary: "All good." }, "All good."],
    ["refund_charge", "It is refunded.", "It is refunded."],
    ["refund_charge", { ok: true }, "I have refunded the charge."],
    ["cancel_plan", true, "I have cancelled the plan."],
    ["reply_message", {}, "Done."],
    ["send_email", "", "I have sent the email."],
    ["find_customer", null, "I found no customer."],
    ["find_customer", { found: false }, "I found no customer."],
    ["list_open_tickets", [], "I found no open tickets."],
    ["list_tickets", { tickets: [] }, "I found no tickets."],
    ["refund_charge", { success: false, reason: "it is too old" }, "I could not refund the charge: it is too old."],
    ["refund_charge", { error: "no such charge" }, "I could not refund the charge: no such charge."],
    ["get_balance", 12.5, "Balance: 12.5."],
    [
      "get_plan",
      { plan: "pro", price: 29, currency: "EUR", renewsOn: "2026-12-03", seats: null },
      "Here is what I found: plan pro, price €29.00, renews on 2026-12-03.",
    ],
    ["create_ticket", { id: "T-5", urgent: false }, "I have created the ticket. ID T-5, not urgent."],
    [
      "list_charges",
      [{ id: "ch_1", amountCents: 4999, currency: "USD", description: "Pro" }],
      "I found this:\n- Pro (ID ch_1, amount $49.99)",
    ],
    ["list_names", ["Ana", "Bob"], "I found 2 names:\n- Ana\n- Bob"],
    ["get_customer", { name: "Ana", charges: [{ id: 1 }, { id: 2 }] }, "Ana.\nI found 2 charges:\n- ID 1\n- ID 2"],
  ])("%s with %j: %s", (name, result, said) => {
    expect(reply(call(name, result))).toBe(said);
  });

  it("is never too long, whatever the result", () => {
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, text: "x".repeat(2_000) }));
    expect(reply(call("list_rows", rows)).length).toBeLessThanOrEqual(4_000);
    expect(reply(call("list_rows", "y".repeat(1_000_000))).length).toBeLessThanOrEqual(4_000);
    const nested = JSON.parse(`${"[".repeat(500)}1${"]".repeat(500)}`) as Json;
    expect(reply(call("list_rows", nested)).length).toBeLessThanOrEqual(4_000);
  });
});

describe("problem()", () => {
  it.each<[status: ToolResultStatus, output: string, said: string]>([
    ["error", "no such charge", "I could not refund the charge: no such charge."],
    ["error", '{"error":"too old"}', "I could not refund the charge: too old."],
    ["error", "", "I could not refund the charge."],
    [
      "denied",
      "it is above the limit",
      "I did not refund the charge, because it was not approved: it is above the limit.",
    ],
    ["denied", "This call was denied: too much", "I did not refund the charge, because it was not approved: too much."],
    ["denied", "This call was denied.", "I did not refund the charge, because it was not approved."],
    [
      "unknown",
      "",
      "I cannot tell whether the attempt to refund the charge went through, so I did not try it again. Please check before asking for it once more.",
    ],
    ["abandoned", "", "I gave up the attempt to refund the charge before it was done."],
  ])("words %s %j", (status, output, said) => {
    expect(problem(call("refund_charge", output, status), tool("refund_charge"))).toBe(said);
  });

  it("words a refused handoff", () => {
    expect(problem(call("transfer", "The agent is closed", "error"), handoff("Billing Agent", ""))).toBe(
      "I could not pass you on to Billing Agent: The agent is closed.",
    );
  });
});

describe("what is offered", () => {
  it.each<[choice: Choice, phrase: string]>([
    [handoff("Billing Agent", "", "Refunds, invoices."), "refunds, invoices"],
    [
      handoff("Billing Agent", "Hand the conversation over to Billing Agent. Duplicate charges and refunds."),
      "duplicate charges and refunds",
    ],
    [handoff("Billing Agent", "Hand the conversation over to Billing Agent."), "billing questions"],
    [handoff("Billing Agent", "", "The customer was charged twice"), "billing questions"],
    [tool("refund_charge"), "requests to refund the charge"],
    [tool("list_charges", "the customer asks what was charged"), "requests to look up the charges"],
    [tool("weather"), "weather"],
  ])("%o: %s", (choice, phrase) => {
    expect(offerOf(choice)).toBe(phrase);
  });

  it("leaves out lookups that serve other tools, and ends after six", () => {
    expect(offers([tool("find_customer"), tool("refund_charge", "refunds")])).toBe("I can help with refunds.");
    expect(offers([tool("find_customer")])).toBe("I can help with requests to find the customer.");
    expect(offers(Array.from({ length: 9 }, (_, i) => tool(`t${i}`, `thing${i}`)))).toBe(
      "I can help with thing0, thing1, thing2, thing3, thing4 and thing5.",
    );
    expect(offers([])).toBe("");
  });
});

describe("actionOf()", () => {
  it.each([
    ["refund_charge", "refund the charge"],
    ["listCharges", "look up the charges"],
    ["find_customer_by_email", "find the customer"],
    ["lookup_order", "look up the order"],
    ["look_up_order", "look up the order"],
    ["cancel_my_plan", "cancel my plan"],
    ["search", "search"],
    ["weather", 'use "weather"'],
  ])("%s: %s", (name, action) => {
    expect(actionOf(name)).toBe(action);
  });
});
