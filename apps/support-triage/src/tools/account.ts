/** What the Account Agent can look up and do. */
import { tool, type RunContext } from "@batonjs/core";
import { z } from "zod";
import { TODAY, change, day, money, one } from "../database.ts";
import { type Support, customerOf, signedIn } from "../support.ts";
import { subscriptionOf, title } from "./subscription.ts";

const onOff = (flag: 0 | 1): string => (flag === 1 ? "on" : "off");

const getAccount = tool({
  name: "get_account",
  description: "Gives the customer's name, email address, plan, and whether two-factor sign-in is on.",
  when: "what is on your account",
  examples: [
    "which email address do you have for me",
    "what plan am I on",
    "is two-factor on?",
    "show me my account details",
    "how much storage do I have left",
  ],
  parameters: z.object({}),
  sideEffects: "none",
  execute: signedIn((_, customer, run) => {
    const subscription = subscriptionOf(run.context.db, customer.id);
    const plan = subscription
      ? `Larkspur ${title(subscription.plan)} with ${subscription.storage_gb.toLocaleString("en-US")} GB`
      : "no plan";
    const { name, email, pending_email, joined_on, two_factor, locked } = customer;
    const sentences = [
      `The account of ${name} (${email}) has ${plan}, two-factor sign-in is ${onOff(two_factor)}, and it exists since ${day(joined_on)}.`,
      ...(pending_email === null ? [] : [`The change to ${pending_email} waits to be confirmed.`]),
      ...(locked === 1 ? ["It is locked after too many wrong passwords; a password reset unlocks it."] : []),
    ];
    const data = { name, email, plan: subscription?.plan ?? null, twoFactor: two_factor === 1, locked: locked === 1 };
    return { ...data, message: sentences.join(" ") };
  }),
});

/** Sends a link. However often one call is run, one mail is sent. */
const sendPasswordReset = tool({
  name: "send_password_reset",
  description: "Sends a link to reset the password to the address of the account. It unlocks a locked account, too.",
  when: "a forgotten password or a locked account",
  examples: [
    "I forgot my password",
    "reset my password please",
    "I can't log in any more",
    "my account is locked",
    "my account was hacked",
    "I need a new password",
    "send me a password reset link",
  ],
  parameters: z.object({}),
  sideEffects: "idempotent",
  execute: signedIn((_, { id, email, locked }, run) => {
    change(
      run.context.db,
      "INSERT INTO password_resets (customer_id, sent_to, idempotency_key, sent_on) VALUES (?, ?, ?, ?) ON CONFLICT (idempotency_key) DO NOTHING",
      id,
      email,
      run.idempotencyKey,
      TODAY,
    );
    const unlock = locked === 1 ? " Using it also unlocks the account." : "";
    return {
      sentTo: email,
      message: `I have sent a link to reset the password to ${email}. It works for 30 minutes.${unlock}`,
    };
  }),
});

const changeEmail = tool({
  name: "change_email",
  description: "Starts the change of the account's email address; the customer confirms it from the new one.",
  when: "a new email address",
  examples: ["change my email to maya@example.org", "I have a new email address", "please update my email address"],
  parameters: z.object({ newEmail: z.email().max(254).describe("The new address") }),
  sideEffects: "idempotent",
  execute: signedIn(({ newEmail }, customer, run) => {
    const { db } = run.context;
    const address = newEmail.toLowerCase();
    if (address === customer.email)
      return { changed: false, message: `${address} is the address of the account already.` };
    if (one(db, "SELECT 1 FROM customers WHERE email = ?", address)) {
      return { changed: false, message: `${address} cannot be used for this account. Please choose another address.` };
    }
    change(db, "UPDATE customers SET pending_email = ? WHERE id = ?", address, customer.id);
    return {
      changed: true,
      message: `I have sent a message to ${address}. The address changes as soon as you confirm it there; until then ${customer.email} stays.`,
    };
  }),
});

/** Switching it on is harmless; switching it off is what a thief would ask for, so a person looks at it. */
const setTwoFactor = tool({
  name: "set_two_factor",
  description: "Switches two-factor sign-in on or off.",
  when: "two-factor sign-in",
  examples: [
    "turn on two-factor",
    "enable 2FA",
    "please switch two-factor off",
    "disable 2FA",
    "I don't want the codes any more",
  ],
  parameters: z.object({
    state: z
      .enum(["on", "off"])
      .describe("on: turn on, enable, activate, switch on; off: turn off, disable, deactivate, switch off"),
  }),
  sideEffects: "idempotent",
  needsApproval: ({ state }, run: RunContext<Support>) => state === "off" && customerOf(run.context)?.two_factor === 1,
  execute: signedIn(({ state }, { id, two_factor }, run) => {
    if (state === onOff(two_factor)) return { state, message: `Two-factor sign-in is ${state} already.` };
    change(run.context.db, "UPDATE customers SET two_factor = ? WHERE id = ?", state === "on" ? 1 : 0, id);
    const next =
      state === "on"
        ? "You will be asked to scan a code the next time you sign in."
        : "You sign in with your password alone from now on.";
    return { state, message: `Two-factor sign-in is ${state} now. ${next}` };
  }),
});

const PLANS = ["free", "basic", "pro", "team"] as const;

const changePlan = tool({
  name: "change_plan",
  description: "Changes the plan from the next renewal on.",
  when: "moving to another plan",
  notFor: "cancelling altogether; what a plan costs",
  examples: ["upgrade me to Team", "I want to switch to the basic plan", "downgrade to Basic", "change my plan to Pro"],
  parameters: z.object({ plan: z.enum(PLANS).describe("The plan that the customer wants") }),
  sideEffects: "idempotent",
  execute: signedIn(({ plan }, customer, run) => {
    const { db } = run.context;
    const subscription = subscriptionOf(db, customer.id);
    const wanted = one<{ readonly price_cents: number }>(db, "SELECT price_cents FROM plans WHERE name = ?", plan);
    if (!subscription || !wanted)
      return { changed: false, message: "There is no subscription on this account that could be changed." };
    if (subscription.plan === plan) return { changed: false, message: `You are on Larkspur ${title(plan)} already.` };
    change(db, "UPDATE subscriptions SET next_plan = ? WHERE id = ?", plan, subscription.id);
    const from = subscription.renews_on === null ? "now on" : `${day(subscription.renews_on)} on`;
    return {
      changed: true,
      plan,
      message: `From ${from} you have Larkspur ${title(plan)} at ${money(wanted.price_cents)} a month instead of Larkspur ${title(subscription.plan)}.`,
    };
  }),
});

/** Ends the subscription with the paid month. A person approves it. */
const cancelSubscription = tool({
  name: "cancel_subscription",
  description: "Ends the subscription with the month that is paid.",
  when: "cancelling the subscription",
  notFor: "moving to a smaller plan; refunds",
  examples: [
    "delete my account",
    "close my account",
    "cancel my subscription",
    "I want to cancel",
    "please end my plan",
    "stop renewing my subscription",
  ],
  parameters: z.object({}),
  sideEffects: "idempotent",
  needsApproval: (_, run: RunContext<Support>) => isCancellable(run.context),
  execute: signedIn((_, customer, run) => {
    const { db } = run.context;
    const subscription = subscriptionOf(db, customer.id);
    if (!subscription || subscription.price_cents === 0)
      return { cancelled: false, message: "There is no paid subscription on this account." };
    const until = subscription.renews_on === null ? "the end of the month" : day(subscription.renews_on);
    if (subscription.status === "ending")
      return { cancelled: false, message: `The subscription is cancelled already and ends on ${until}.` };
    change(db, "UPDATE subscriptions SET status = 'ending', next_plan = NULL WHERE id = ?", subscription.id);
    return {
      cancelled: true,
      endsOn: subscription.renews_on,
      message: `Your subscription is cancelled. You keep Larkspur ${title(subscription.plan)} until ${until}, and your files stay readable for 90 days after that.`,
    };
  }),
});

/** What a person is shown who is to approve a cancellation. */
export function cancellationSummary({ db, customerId }: Support): string | undefined {
  const subscription = subscriptionOf(db, customerId);
  if (!subscription) return undefined;
  const until = subscription.renews_on === null ? "" : `, ends on ${day(subscription.renews_on)}`;
  return `Larkspur ${title(subscription.plan)} at ${money(subscription.price_cents)} a month${until}`;
}

/** What a person is shown who is to approve that two-factor sign-in is switched off. */
export function twoFactorSummary(support: Support): string | undefined {
  const customer = customerOf(support);
  return customer && `${customer.name} (${customer.email}) will sign in with the password alone`;
}

function isCancellable({ db, customerId }: Support): boolean {
  const subscription = subscriptionOf(db, customerId);
  return subscription !== undefined && subscription.price_cents > 0 && subscription.status !== "ending";
}

export const accountTools = [
  getAccount,
  sendPasswordReset,
  changeEmail,
  setTwoFactor,
  changePlan,
  cancelSubscription,
] as const;
