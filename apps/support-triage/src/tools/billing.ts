/** What the Billing Agent can look up and do. */
import { tool } from "@batonjs/core";
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { TODAY, all, change, day, money } from "../database.ts";
import { listed, signedIn } from "../support.ts";
import { chargeData, chargeLine, chargesOf, duplicates, inCents, inDollars, refundId } from "./charges.ts";
import { refundCharge } from "./refund.ts";
import { subscriptionOf, title } from "./subscription.ts";

const month = z
  .string()
  .regex(/^\d{4}-\d{2}$/)
  .nullable();

const findCharges = tool({
  name: "find_charges",
  description: "Lists the customer's charges: the newest first, only those of an amount or a month where one is given.",
  when: "what was charged and when",
  notFor: "the same thing charged twice",
  examples: [
    "what is this charge of $12.50?",
    "what did you charge me last month",
    "show me my charges",
    "I don't recognise a payment on my card",
    "list my recent payments",
  ],
  parameters: z.object({
    amount: z.number().positive().nullable().describe("The amount in dollars that the customer asks about"),
    month: month.describe("The month that the customer asks about, YYYY-MM"),
  }),
  sideEffects: "none",
  execute: signedIn(({ amount, month }, customer, run) => {
    const every = chargesOf(run.context.db, customer);
    if (every.length === 0) return { charges: [], message: "There has never been a charge on this account." };
    const found = every.filter(
      (charge) =>
        charge.charged_on.startsWith(month ?? "") && (amount === null || charge.amount_cents === inCents(amount)),
    );
    if (found.length > 0) {
      const twins = new Map(duplicates(every).map(([first, second]) => [second.id, first.id]));
      const lines = found.slice(0, 6).map(chargeLine);
      return {
        charges: found.map((charge) => chargeData(charge, twins.get(charge.id))),
        message: `I found ${found.length === 1 ? "one charge" : `${found.length} charges`}: ${listed(lines)}.`,
      };
    }
    const asked =
      amount === null ? `no charge in ${monthName(month)}` : `no charge of ${money(inCents(amount))} on this account`;
    const newest = listed(every.slice(0, 3).map(chargeLine));
    return { charges: [], message: `There is ${asked}. The latest are ${newest}.` };
  }),
});

const findDuplicateCharges = tool({
  name: "find_duplicate_charges",
  description: "Finds charges that were made twice: the same amount for the same thing within three days.",
  when: "charges that were made twice",
  examples: [
    "I was charged twice for my subscription last month",
    "there are two identical payments on my card",
    "you billed me two times",
    "double charge in October",
    "the same payment shows up two times",
  ],
  parameters: z.object({}),
  sideEffects: "none",
  execute: signedIn((_, customer, run) => {
    const twice = duplicates(chargesOf(run.context.db, customer));
    const open = twice.filter(([, second]) => second.refund === null);
    const [newest] = open;
    if (newest) {
      const [first, second] = newest;
      return {
        chargeId: second.id,
        sameAs: first.id,
        amount: inDollars(second.amount_cents),
        message: `You are right: ${second.description} was charged twice on ${day(second.charged_on)}, ${money(second.amount_cents)} each. ${first.id} is the payment for the month, and I can refund the second one, ${second.id}. Shall I refund it?`,
      };
    }
    const [refunded] = twice;
    if (refunded) {
      const [, second] = refunded;
      return {
        chargeId: null,
        message: `${second.description} was charged twice on ${day(second.charged_on)}, and ${second.id} has already been refunded (${refundId(second.refund)}). I see no other duplicate.`,
      };
    }
    return { chargeId: null, message: "I compared all your charges, and none was made twice." };
  }),
});

const getInvoice = tool({
  name: "get_invoice",
  description: "Gives the invoice of a month, by default the latest.",
  when: "invoices and receipts",
  examples: [
    "can I have my invoice for October",
    "I need a receipt",
    "send me the latest invoice",
    "where do I find my bill as a PDF",
  ],
  parameters: z.object({
    month: month.describe("The month that the invoice is for, YYYY-MM; null for the latest"),
  }),
  sideEffects: "none",
  execute: signedIn(({ month }, customer, run) => {
    const invoices = all<Invoice>(
      run.context.db,
      `SELECT invoices.id, url, amount_cents, charged_on FROM invoices JOIN charges ON charges.id = charge_id
       WHERE customer_id = ? ORDER BY charged_on DESC, invoices.id`,
      customer.id,
    );
    const found =
      month === null ? invoices.slice(0, 1) : invoices.filter(({ charged_on }) => charged_on.startsWith(month));
    if (found.length > 0) {
      const lines = found.map(
        ({ id, url, amount_cents, charged_on }) => `${id} of ${day(charged_on)} for ${money(amount_cents)}: ${url}`,
      );
      const data = found.map(({ id, url, amount_cents }) => ({ id, url, amount: inDollars(amount_cents) }));
      return {
        invoices: data,
        message: `Here ${found.length === 1 ? "is the invoice" : "are the invoices"} ${listed(lines)}`,
      };
    }
    if (invoices.length === 0) {
      return { invoices, message: "There are no invoices on this account, because nothing was ever paid." };
    }
    const known = listed([...new Set(invoices.map(({ charged_on }) => monthName(charged_on)))]);
    return { invoices: [], message: `There is no invoice for ${monthName(month)}. There are invoices for ${known}.` };
  }),
});

interface Invoice {
  readonly id: string;
  readonly url: string;
  readonly amount_cents: number;
  readonly charged_on: string;
}

/** `2026-10-03` and `2026-10` → `October 2026` */
function monthName(date: string | null): string {
  return date === null ? "any month" : day(`${date.slice(0, 7)}-01`).replace(/^1 /, "");
}

const getSubscription = tool({
  name: "get_subscription",
  description: "Gives the customer's plan, its price and the day of the next payment.",
  when: "the price of your plan and the next payment",
  notFor: "changing or cancelling the plan",
  examples: [
    "when is my next payment",
    "how much do I pay",
    "what does my plan cost",
    "when does it renew",
    "did my payment fail",
  ],
  parameters: z.object({}),
  sideEffects: "none",
  execute: signedIn((_, customer, run) => {
    const subscription = subscriptionOf(run.context.db, customer.id);
    if (!subscription) return { message: "There is no subscription on this account." };
    const { plan, next_plan, price_cents, status, renews_on } = subscription;
    const price = price_cents === 0 ? "which costs nothing" : `at ${money(price_cents)} a month`;
    const when = renews_on === null ? "" : day(renews_on);
    const next = {
      active: when && `The next payment is on ${when}.`,
      past_due: `The payment of ${when} failed; please check the card.`,
      ending: `It ends on ${when}, and there will be no further payment.`,
    }[status];
    const changed = next_plan === null ? "" : ` From then on it is Larkspur ${title(next_plan)}.`;
    const data = { plan, nextPlan: next_plan, price: inDollars(price_cents), status, renewsOn: renews_on };
    return { ...data, message: `You are on Larkspur ${title(plan)}, ${price}. ${next}${changed}`.trim() };
  }),
});

interface PaymentMethod {
  readonly brand: string;
  readonly last4: string;
  readonly expires: string;
  readonly is_default: 0 | 1;
}

function paymentMethodsOf(db: DatabaseSync, customerId: string): readonly PaymentMethod[] {
  return all(db, "SELECT * FROM payment_methods WHERE customer_id = ? ORDER BY is_default DESC, id", customerId);
}

const methodLine = ({ brand, last4, expires, is_default }: PaymentMethod): string => {
  const expired = expires < TODAY.slice(0, 7) ? "expired" : "expires";
  return `${brand} ending in ${last4} (${expired} ${expires}${is_default ? ", used for payments" : ""})`;
};

const listPaymentMethods = tool({
  name: "list_payment_methods",
  description: "Lists the cards on the account.",
  when: "the cards on file",
  examples: ["which card do you have on file", "what payment methods do I have", "has my card expired"],
  parameters: z.object({}),
  sideEffects: "none",
  execute: signedIn((_, customer, run) => {
    const methods = paymentMethodsOf(run.context.db, customer.id);
    if (methods.length === 0)
      return { methods, message: "There is no card on this account. You can add one under Settings, Billing." };
    const data = methods.map(({ brand, last4, expires, is_default }) => ({
      brand,
      last4,
      expires,
      isDefault: is_default === 1,
    }));
    return { methods: data, message: `On file: ${listed(methods.map(methodLine))}.` };
  }),
});

const setDefaultPaymentMethod = tool({
  name: "set_default_payment_method",
  description: "Chooses which of the cards on file is charged from now on.",
  when: "paying with another card",
  notFor: "adding a new card, which the customer does under Settings, Billing",
  examples: [
    "use the card ending in 5100 from now on",
    "charge my other card, 5100",
    "make the Mastercard 5100 my default card",
  ],
  parameters: z.object({
    last4: z
      .string()
      .regex(/^\d{4}$/)
      .describe("The last four digits of the card"),
  }),
  sideEffects: "idempotent",
  execute: signedIn(({ last4 }, customer, run) => {
    const { db } = run.context;
    const methods = paymentMethodsOf(db, customer.id);
    const chosen = methods.find((method) => method.last4 === last4);
    if (!chosen) {
      const known = methods.length === 0 ? "There is no card on file" : `On file: ${listed(methods.map(methodLine))}`;
      return {
        changed: false,
        message: `There is no card ending in ${last4} on this account. ${known}. A new card can be added under Settings, Billing.`,
      };
    }
    if (chosen.expires < TODAY.slice(0, 7)) {
      return { changed: false, message: `The card ending in ${last4} has expired, so I cannot use it for payments.` };
    }
    change(db, "UPDATE payment_methods SET is_default = (last4 = ?) WHERE customer_id = ?", last4, customer.id);
    return { changed: true, message: `From now on payments are made with the ${chosen.brand} ending in ${last4}.` };
  }),
});

export const billingTools = [
  findCharges,
  findDuplicateCharges,
  refundCharge,
  getInvoice,
  getSubscription,
  listPaymentMethods,
  setDefaultPaymentMethod,
] as const;
