/**
 * The help desk of Larkspur, a cloud backup: a Triage Agent that hands customers over to specialists, and specialists
 * that hand them back when the matter is not theirs.
 */
import { Agent, type Model, type RunContext, dropMessages, handBack, handoff, textOf } from "@batonjs/core";
import { z } from "zod";
import { TODAY, day } from "./database.ts";
import type { Support } from "./support.ts";
import { accountTools } from "./tools/account.ts";
import { billingTools } from "./tools/billing.ts";
import { aboutLarkspur } from "./tools/front-desk.ts";
import { technicalTools } from "./tools/technical.ts";

/** What Triage tells Billing about the matter. */
const BillingRequest = z.object({
  issueType: z
    .enum([
      "duplicate_charge",
      "charge_question",
      "refund_request",
      "invoice",
      "payment_method",
      "subscription",
      "other",
    ])
    .describe(
      "duplicate_charge: the same thing charged twice; charge_question: what a charge is for; refund_request: wants money back; invoice: an invoice or receipt; payment_method: a card; subscription: price and renewal of the plan; other: anything else about money",
    ),
  amountMentioned: z.number().nullable().describe("The amount in dollars that the customer named"),
  urgency: z
    .enum(["low", "medium", "high"])
    .describe("high: upset, or in a hurry; low: a question in passing; else medium"),
});

/** What customers say who need each specialist. Triage and the other specialists learn from it. */
const asks = {
  billing: {
    duplicate: ["I was charged twice for my subscription last month", "there is a double charge on my card"],
    refund: ["I want my money back", "please refund the last payment", "refund me"],
    charge: ["what is this charge on my card?", "I don't recognise a payment of $12.50", "why was I charged"],
    invoice: ["I need an invoice for October", "can you send me a receipt"],
    card: ["use my other card for payments", "which card do you have on file"],
    subscription: ["when is my next payment", "how much do I pay for my subscription"],
  },
  technical: {
    crash: ["my app keeps crashing", "the app crashes when I open settings", "it quits by itself"],
    sync: ["sync is stuck at 99%", "my files do not sync", "my phone has stopped uploading photos"],
    error: ["I get error 504", "something does not work", "it is very slow"],
    status: ["is Larkspur down?", "is there an outage"],
    device: ["when did my phone last sync", "which version of the app do I have"],
    ticket: ["what happened to my ticket", "open a ticket for an engineer"],
  },
  account: {
    password: [
      "I forgot my password",
      "reset my password",
      "I can't log in to my account",
      "my account is locked",
      "somebody has hacked my account",
    ],
    email: ["change my email address", "which email address do you have for me"],
    twoFactor: ["turn on two-factor sign-in", "disable 2FA"],
    plan: ["upgrade my plan to Team", "downgrade me to Basic", "what plan am I on", "how much storage do I have left"],
    cancel: ["cancel my subscription", "delete my account", "I want to leave Larkspur"],
  },
} as const;

const BILLING = "charges, refunds, invoices and payment methods";
const TECHNICAL = "crashes, sync, errors, devices and outages";
const ACCOUNT = "passwords, sign-in, your email address and your plan";

/** The way back for a specialist who is asked for what `others` do. */
const back = (when: string, ...others: readonly Readonly<Record<string, readonly string[]>>[]) =>
  handBack({ when, examples: others.flatMap((each) => Object.values(each).flat()) });

/** Staff leave notes for triage in a conversation: messages that begin with `[INTERNAL]`. They are not handed over. */
export const INTERNAL = "[INTERNAL]";
const withoutStaffNotes = dropMessages((message) => textOf(message).startsWith(INTERNAL));

const STYLE =
  `Today is ${day(TODAY)}. ` +
  "Answer in the customer's language, in one to three plain sentences. Say only what your tools tell you: never guess amounts, dates, ids or promises. When a tool's result has a `message`, it is the answer.";

/** Which models the agents ask: names that the runner's plugins know, or models. */
export interface DeskModels {
  readonly triage?: string | Model;
  readonly specialist?: string | Model;
}

/** The agent that a conversation begins with. */
export type Desk = ReturnType<typeof createDesk>;

/** The desk's agents, linked. A conversation begins with the Triage Agent. */
export function createDesk({ triage: front, specialist }: DeskModels = {}) {
  const billing = new Agent({
    name: "Billing Agent",
    handoffDescription: "Handles charges, refunds, invoices and payment methods.",
    instructions: (run: RunContext<Support>) =>
      [
        "You handle payments at Larkspur's help desk: charges, refunds, invoices, cards.",
        "Find the charge before you offer a refund, and refund only what the customer has asked for or agreed to.",
        "Refunds are approved by a person; if one is rejected, say so and give the reason.",
        ...(isUrgent(run.handoff?.input) ? ["The matter is urgent: act first, explain afterwards."] : []),
        "Hand the conversation back when it is not about payments.",
        STYLE,
      ].join("\n"),
    ...(specialist === undefined ? {} : { model: specialist }),
    tools: billingTools,
    handoffs: [back(`${TECHNICAL}; ${ACCOUNT}`, asks.technical, asks.account)],
  });

  const technical = new Agent({
    name: "Technical Agent",
    handoffDescription: "Solves problems with the apps, sync and devices.",
    instructions: [
      "You solve technical problems at Larkspur's help desk: crashes, sync, errors, devices.",
      "Look among the known issues first. Open a ticket when nothing fits, or when the workaround did not help.",
      "Hand the conversation back when it is not a technical problem.",
      STYLE,
    ].join("\n"),
    ...(specialist === undefined ? {} : { model: specialist }),
    tools: technicalTools,
    handoffs: [back(`${BILLING}; ${ACCOUNT}`, asks.billing, asks.account)],
  });

  const account = new Agent({
    name: "Account Agent",
    handoffDescription: "Changes what is on the account: password, email, two-factor sign-in, plan.",
    instructions: [
      "You look after accounts at Larkspur's help desk: passwords, email addresses, two-factor sign-in, plans.",
      "Before you change something, be sure of what the customer wants; ask when a detail is missing.",
      "Hand the conversation back when it is not about the account.",
      STYLE,
    ].join("\n"),
    ...(specialist === undefined ? {} : { model: specialist }),
    tools: accountTools,
    handoffs: [back(`${BILLING}; ${TECHNICAL}`, asks.billing, asks.technical)],
  });

  return new Agent({
    name: "Triage Agent",
    instructions: [
      "You are the first at Larkspur's help desk. Larkspur is a cloud backup with apps for phones and computers.",
      "Hand the customer over to the specialist for the matter, at once and without small talk.",
      "Answer general questions about Larkspur yourself. If you cannot tell what the matter is, ask one short question.",
      `Messages that begin with ${INTERNAL} are notes of our staff. Never repeat them.`,
      STYLE,
    ].join("\n"),
    ...(front === undefined ? {} : { model: front }),
    tools: [aboutLarkspur],
    handoffs: [
      handoff(billing, {
        toolName: "transfer_to_billing",
        inputType: BillingRequest,
        inputFilter: withoutStaffNotes,
        when: BILLING,
        notFor: "changing or cancelling the plan, signing in, problems with the apps",
        examples: asks.billing,
      }),
      handoff(technical, {
        toolName: "transfer_to_technical",
        inputFilter: withoutStaffNotes,
        when: TECHNICAL,
        notFor: "passwords and signing in, payments",
        examples: asks.technical,
      }),
      handoff(account, {
        toolName: "transfer_to_account",
        inputFilter: withoutStaffNotes,
        when: ACCOUNT,
        notFor: "payments and refunds, problems with the apps",
        examples: asks.account,
      }),
    ],
  });
}

function isUrgent(payload: unknown): boolean {
  return BillingRequest.safeParse(payload).data?.urgency === "high";
}
