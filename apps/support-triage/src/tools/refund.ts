/** Giving money back: the one thing that must never happen twice. */
import { type RunContext, type ToolContext, tool } from "@batonjs/core";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { TODAY, change, day, money, one, transaction } from "../database.ts";
import { type Answer, type Customer, type Support, listed, signedIn } from "../support.ts";
import { type Charge, chargeData, chargeLine, chargeOf, chargesOf, inCents, refundId } from "./charges.ts";

const refundParameters = z.object({
  chargeId: z
    .string()
    .regex(/^ch_\d+$/)
    .describe("Id of the charge, as find_charges and find_duplicate_charges give it"),
  amountNamed: z
    .number()
    .positive()
    .optional()
    .describe("The amount in dollars, if the customer named one: it must be that of the charge"),
  reason: z.enum(["duplicate", "not_received", "unwanted", "goodwill"]).nullable().describe("Why it is refunded"),
});
type RefundArguments = z.infer<typeof refundParameters>;

/**
 * Gives back a charge, whole. A person approves it, unless it cannot be made anyway. The call's idempotency key is
 * unique in `refunds`, so however often one call is run, the customer is paid once.
 */
export const refundCharge = tool({
  name: "refund_charge",
  description:
    "Refunds a charge to the card it was made on. Only after the customer has said which one, or agreed to it.",
  when: "refunds",
  notFor: "questions about how refunds work",
  examples: [
    "please refund it",
    "yes, refund the second one",
    "I want my money back for that",
    "refund ch_1043",
    "refund my last payment",
  ],
  parameters: refundParameters,
  sideEffects: "once",
  needsApproval: (args, run: RunContext<Support>) => refusalOf(args, run.context) === undefined,
  verify: ({ chargeId }, { context: { db, customerId }, idempotencyKey }) => {
    const charge = chargeOf(db, customerId, chargeId);
    return charge && refundBy(db, idempotencyKey) ? refunded(charge) : undefined;
  },
  execute: signedIn((args, customer, run) => {
    const { bankMs = 0 } = run.context;
    const work = (): Answer => pay(args, customer, run);
    return bankMs > 0 && refusalOf(args, run.context) === undefined ? takingTime(bankMs, run, work) : work();
  }),
});

function pay(
  args: RefundArguments,
  customer: Customer,
  { context, idempotencyKey }: { readonly context: Support; readonly idempotencyKey: string },
): Answer {
  const { db } = context;
  return transaction(db, () => {
    const done = refundBy(db, idempotencyKey);
    const refusal = done ? undefined : refusalOf(args, context);
    if (refusal !== undefined) return { refunded: false, message: refusal };
    if (!done) {
      change(
        db,
        `INSERT INTO refunds (charge_id, amount_cents, reason, idempotency_key, refunded_on)
         SELECT id, amount_cents, ?, ?, ? FROM charges WHERE id = ?`,
        args.reason ?? "goodwill",
        idempotencyKey,
        TODAY,
        args.chargeId,
      );
    }
    const charge = chargeOf(db, customer.id, args.chargeId);
    if (!charge) throw new Error(`Cannot find the charge that was refunded: ${args.chargeId}`);
    return refunded(charge);
  });
}

/** Half of the time passes before the money moves, half of it after: whoever kills the program can hit either. */
async function takingTime(ms: number, run: ToolContext<Support>, work: () => Answer): Promise<Answer> {
  run.progress("the bank is asked");
  await sleep(ms / 2, undefined, { signal: run.signal }).catch((cause: unknown) => {
    throw new Error("it was stopped before the bank had the order, and nothing was refunded", { cause });
  });
  const answer = work();
  run.progress("the bank has the order, and has yet to confirm it");
  // The money is on its way: stopping now takes nothing back.
  await sleep(ms / 2, undefined, { signal: run.signal }).catch(() => {});
  return answer;
}

function refundBy(db: DatabaseSync, idempotencyKey: string): { readonly number: number } | undefined {
  return one(db, "SELECT number FROM refunds WHERE idempotency_key = ?", idempotencyKey);
}

function refunded(charge: Charge): Answer {
  const { amount_cents, description, card_last4, refund } = charge;
  return {
    refunded: true,
    refundId: refundId(refund),
    charge: chargeData(charge),
    message: `Done: ${money(amount_cents)} for ${description} goes back to the card ending in ${card_last4} within three to five working days. The refund is ${refundId(refund)}.`,
  };
}

/** Why the charge cannot be refunded to the signed-in customer; nothing where it can. */
function refusalOf({ chargeId, amountNamed }: RefundArguments, { db, customerId }: Support): string | undefined {
  const charge = chargeOf(db, customerId, chargeId);
  if (!charge) return `There is no charge ${chargeId} on this account, so nothing was refunded.`;
  if (charge.status === "failed") return `${chargeId} failed and was never paid, so there is nothing to refund.`;
  if (charge.refund !== null) {
    return `${chargeId} was refunded before (${refundId(charge.refund)}), and a charge is refunded only once.`;
  }
  if (amountNamed === undefined || inCents(amountNamed) === charge.amount_cents) return undefined;
  const others = chargesOf(db, { id: customerId }).filter(({ amount_cents }) => amount_cents === inCents(amountNamed));
  const found =
    others.length === 0
      ? `There is no charge of ${money(inCents(amountNamed))} on this account`
      : `${chargeId} is a charge of ${money(charge.amount_cents)}. Of ${money(inCents(amountNamed))} there is ${listed(others.map(chargeLine))}`;
  return `${found}. Nothing was refunded. Which charge do you mean?`;
}

/** What a person is shown who is to approve a refund. */
export function refundSummary({ db, customerId }: Support, args: unknown): string | undefined {
  const { data } = refundParameters.safeParse(args);
  const charge = data && chargeOf(db, customerId, data.chargeId);
  if (!charge) return undefined;
  const { amount_cents, description, charged_on, card_last4 } = charge;
  return `${money(amount_cents)} back to the card ending in ${card_last4}: ${description}, charged on ${day(charged_on)}`;
}
