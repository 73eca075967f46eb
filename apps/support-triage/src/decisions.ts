/** Who decides on calls that need approval: a rule, or a person. Nothing is approved without somebody seeing it. */
import type { Json, Pending } from "@batonjs/core";
import type { Decide, Decision } from "./conversation.ts";
import type { Support } from "./support.ts";
import { cancellationSummary, twoFactorSummary } from "./tools/account.ts";
import { refundSummary } from "./tools/refund.ts";
import type { View } from "./view.ts";

/** Asks a question and gives the answer; nothing where nobody answers. */
export type Ask = (question: string) => Promise<string | undefined>;

/** What a person needs to know to decide, by the name of the tool. */
const SUMMARIES: Readonly<Record<string, (support: Support, args: Json) => string | undefined>> = {
  refund_charge: refundSummary,
  cancel_subscription: cancellationSummary,
  set_two_factor: twoFactorSummary,
};

/** Every call gets the same decision. `by` says whose rule it is. */
export function byRule(view: View, decision: Decision, by: string): Decide {
  return async (pending, support) => {
    show(pending, view, support);
    view.decision(pending, decision, by);
    return decision;
  };
}

/** A person answers y or n, and may give a reason for a no. Where nobody answers, the call stays open. */
export function byPerson(view: View, ask: Ask): Decide {
  return async (pending, support) => {
    show(pending, view, support);
    const decision = await askFor(ask);
    if (decision) view.decision(pending, decision, "");
    else view.note(`Nobody has decided, so ${pending.name} waits. The next message withdraws it.`);
    return decision;
  };
}

function show(pending: Pending, view: View, support: Support): void {
  view.approval(pending, SUMMARIES[pending.name]?.(support, pending.arguments));
}

async function askFor(ask: Ask): Promise<Decision | undefined> {
  while (true) {
    const answer = await ask("  Approve? [y/n] ");
    if (answer === undefined) return undefined;
    if (/^\s*(y|yes)\s*$/i.test(answer)) return { approved: true };
    if (!/^\s*(n|no)\b/i.test(answer)) continue;
    const reason = await ask("  Reason, for the customer: ");
    return reason?.trim() ? { approved: false, reason: reason.trim() } : { approved: false };
  }
}
