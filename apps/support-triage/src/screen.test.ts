import type { Pending } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { createDesk } from "./agents.ts";
import { openHelpDesk } from "./desk.ts";
import { drawGraph } from "./graph.ts";
import { readOptions } from "./options.ts";
import { type Look, Screen } from "./screen.ts";

function screenOf(look: Partial<Look> = {}): { readonly screen: Screen; readonly shown: () => string } {
  let text = "";
  const write = (piece: string): void => void (text += piece);
  const screen = new Screen({ write, colour: false, width: 72, live: false, ...look });
  return { screen, shown: () => text.replace(/[\d,]+ tokens in, \d+ out · \d+ ms$/gm, "N tokens in, N out · N ms") };
}

const at = { seq: 0, runId: "r", agent: "Triage Agent" };

describe("Screen", () => {
  it("shows who speaks, handoffs with what they pass on, tools, approvals and usage", async () => {
    const { screen, shown } = screenOf();
    const decision = { approved: true };
    const desk = await openHelpDesk(readOptions([]), screen, async (pending: Pending) => {
      screen.approval(pending, "$29.00 back to the card");
      screen.decision(pending, decision, "by the manager");
      return decision;
    });
    await desk.conversation.say("please refund ch_1043, I was charged twice");
    screen.answered();
    expect(shown()).toMatchInlineSnapshot(`
      "
      Triage Agent
      │ → Billing Agent
      │   issueType duplicate_charge, urgency medium
      │   1 item held back by the filter

      Billing Agent
      │ ? refund_charge needs a person's approval
      │   $29.00 back to the card
      │   chargeId ch_1043, reason duplicate
      │ ✓ approved (by the manager)
      │ • refund_charge  chargeId ch_1043, reason duplicate
      │ Done: $29.00 for Larkspur Pro, October goes back to the card ending in
      │ 4242 within three to five working days. The refund is re_2.
        3 model replies · N tokens in, N out · N ms
      "
    `);
    const live = shown();

    const again = screenOf();
    again.screen.history(await desk.conversation.items());
    await desk.close();
    const said = live.split("\n").filter((line) => /^│ (→|•|✓|Done)/.test(line));
    for (const line of said) expect(again.shown()).toContain(line.replace(" (by the manager)", ""));
  });

  it("cannot be moved or coloured by what customers, models and tools say", () => {
    const { screen, shown } = screenOf();
    const evil = "\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e";
    screen.user(evil);
    screen.event({ ...at, agent: `A${evil}`, type: "text_delta", delta: evil });
    screen.event({
      ...at,
      type: "tool_started",
      callId: "c",
      name: `t${evil}`,
      arguments: JSON.stringify({ a: evil }),
    });
    screen.event({
      ...at,
      type: "tool_finished",
      callId: "c",
      name: `t${evil}`,
      status: "error",
      output: evil,
      durationMs: 1,
    });
    screen.event({ ...at, type: "handoff_refused", callId: "c", toolName: `t${evil}`, reason: evil });
    screen.problem(evil);
    screen.note(evil);
    expect(shown()).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it("uses colours only where the look has them", () => {
    const plain = screenOf();
    const coloured = screenOf({ colour: true });
    for (const { screen } of [plain, coloured]) screen.event({ ...at, type: "text_delta", delta: "Hello." });
    for (const { screen } of [plain, coloured]) screen.note("bye");
    expect(plain.shown()).toBe("\nTriage Agent\n│ Hello.\nbye\n");
    expect(coloured.shown()).toContain("\u001b[");
  });

  it("says what it waits for where lines can be written over, and takes it away", () => {
    const { screen, shown } = screenOf({ live: true });
    screen.event({
      ...at,
      type: "turn_started",
      turn: 1,
      model: "m",
      provider: "p",
      items: 1,
      handoffs: [],
      tools: [],
    });
    expect(shown()).toBe("  Triage Agent …");
    screen.event({ ...at, type: "text_delta", delta: "Hello. " });
    expect(shown()).toBe("  Triage Agent …\r\u001b[K\nTriage Agent\n│ Hello.");
  });
});

describe("drawGraph()", () => {
  it("shows who hands over to whom", () => {
    const { screen } = screenOf();
    expect(drawGraph(createDesk(), "Billing Agent", screen)).toMatchInlineSnapshot(`
      "○ Triage Agent
      │    about_larkspur
      ├─→ ● Billing Agent
      │       transfer_to_billing (issueType, amountMentioned, urgency)
      │       find_charges, find_duplicate_charges, refund_charge*,
      │       get_invoice, get_subscription, list_payment_methods,
      │       set_default_payment_method
      │       transfer_back → whoever handed over
      ├─→ ○ Technical Agent
      │       transfer_to_technical
      │       search_known_issues, check_service_status, list_devices,
      │       restart_sync, create_ticket, list_tickets
      │       transfer_back → whoever handed over
      └─→ ○ Account Agent
              transfer_to_account
              get_account, send_password_reset, change_email, set_two_factor*,
              change_plan, cancel_subscription*
              transfer_back → whoever handed over
      ● has the conversation   * may ask a person for approval"
    `);
  });
});
