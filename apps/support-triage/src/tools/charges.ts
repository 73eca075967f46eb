/** A customer's charges, as the tools read and tell them. */
import type { DatabaseSync } from "node:sqlite";
import { all, day, money, one } from "../database.ts";
import type { Customer } from "../support.ts";

/** A row of `charges`. */
export interface Charge {
  readonly id: string;
  readonly customer_id: string;
  readonly amount_cents: number;
  readonly description: string;
  readonly charged_on: string;
  readonly card_last4: string;
  readonly status: "paid" | "failed";
  /** Number of its refund, if it has one. */
  readonly refund: number | null;
}

const CHARGES =
  "SELECT charges.*, refunds.number AS refund FROM charges LEFT JOIN refunds ON refunds.charge_id = charges.id";

/** All charges of a customer, the newest first. */
export function chargesOf(db: DatabaseSync, { id }: Pick<Customer, "id">): readonly Charge[] {
  return all<Charge>(db, `${CHARGES} WHERE customer_id = ? ORDER BY charged_on DESC, charges.id DESC`, id);
}

export const inDollars = (cents: number): number => cents / 100;
export const inCents = (dollars: number): number => Math.round(dollars * 100);

/** `$29.00 for Larkspur Pro, October on 3 October 2026 (ch_1042)` */
export function chargeLine({ id, amount_cents, description, charged_on, status, refund }: Charge): string {
  const state = refund !== null ? ", refunded" : status === "failed" ? ", failed" : "";
  return `${money(amount_cents)} for ${description} on ${day(charged_on)} (${id}${state})`;
}

/** What a model reads of a charge; `duplicateOf` is the charge that it repeats. */
export function chargeData(
  { id, amount_cents, description, charged_on, card_last4, status, refund }: Charge,
  duplicateOf?: string,
) {
  return {
    id,
    amount: inDollars(amount_cents),
    description,
    chargedOn: charged_on,
    card: card_last4,
    status,
    refunded: refund !== null,
    ...(duplicateOf === undefined ? {} : { duplicateOf }),
  };
}

/** A charge by its id, if it is the customer's. */
export function chargeOf(db: DatabaseSync, customerId: string, chargeId: string): Charge | undefined {
  return one(db, `${CHARGES} WHERE charges.id = ? AND customer_id = ?`, chargeId, customerId);
}

/** Further apart, the same amount is another payment. */
const THREE_DAYS_MS = 3 * 24 * 60 * 60 * 1000;

/** Pairs of charges for the same thing, the earlier first; the newest pair first. */
export function duplicates(charges: readonly Charge[]): readonly (readonly [Charge, Charge])[] {
  const paid = charges.filter((charge) => charge.status === "paid").toReversed();
  const pairs = paid.flatMap((second, i) => {
    const first = paid.slice(0, i).findLast((other) => isSame(other, second));
    return first ? [[first, second] as const] : [];
  });
  return pairs.toReversed();
}

function isSame(a: Charge, b: Charge): boolean {
  const apart = Math.abs(Date.parse(a.charged_on) - Date.parse(b.charged_on));
  return a.amount_cents === b.amount_cents && a.description === b.description && apart <= THREE_DAYS_MS;
}

/** The id of a refund by its number. */
export const refundId = (number: number | null): string => `re_${number}`;
