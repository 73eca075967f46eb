import type { Tool, ToolContext } from "@batonjs/core";
import type { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { all, one, openDatabase } from "../database.ts";
import type { Answer, Support } from "../support.ts";
import { accountTools } from "./account.ts";
import { billingTools } from "./billing.ts";
import { refundSummary } from "./refund.ts";
import { technicalTools } from "./technical.ts";

const TOOLS: readonly Tool<Support>[] = [...billingTools, ...technicalTools, ...accountTools];

/** A desk of its own for each test: its tools by name, with arguments checked as a run checks them. */
function desk(customerId = "cus_1001", db: DatabaseSync = openDatabase()) {
  const context: Support = { db, customerId };
  const find = (name: string): Tool<Support> => TOOLS.find((tool) => tool.name === name) ?? expect.fail(name);
  const run = (idempotencyKey: string): ToolContext<Support> => ({ context, idempotencyKey }) as ToolContext<Support>;
  return {
    db,
    call: (name: string, args: object = {}, key = "run:1"): Answer => {
      const tool = find(name);
      const checked = (tool.parameters as unknown as z.ZodType).parse(args);
      return tool.execute?.(checked as never, run(key)) as Answer;
    },
    asks: async (name: string, args: object = {}): Promise<boolean> => {
      const { needsApproval } = find(name);
      return typeof needsApproval === "function" ? needsApproval(args as never, run("")) : needsApproval;
    },
    settles: async (name: string, args: object, key: string): Promise<unknown> =>
      find(name).verify?.(args as never, run(key)),
    row: <Row>(sql: string): Row | undefined => one<Row>(db, sql),
    rows: <Row>(sql: string): readonly Row[] => all<Row>(db, sql),
  };
}

const refund = (chargeId: string, amountNamed?: number) => ({
  chargeId,
  reason: "duplicate",
  ...(amountNamed === undefined ? {} : { amountNamed }),
});

describe("find_duplicate_charges", () => {
  it("finds the second of two charges for the same thing", () => {
    const { message, ...data } = desk().call("find_duplicate_charges");
    expect(message).toBe(
      "You are right: Larkspur Pro, October was charged twice on 3 October 2026, $29.00 each. ch_1042 is the payment for the month, and I can refund the second one, ch_1043. Shall I refund it?",
    );
    expect(data).toEqual({ chargeId: "ch_1043", sameAs: "ch_1042", amount: 29 });
  });

  it("says that a duplicate was refunded before", () => {
    expect(desk("cus_1003").call("find_duplicate_charges").message).toMatch(
      /ch_1047 has already been refunded \(re_1\)/,
    );
  });

  it("says that there is none, also where nothing was ever charged", () => {
    expect(desk("cus_1002").call("find_duplicate_charges").message).toMatch(/none was made twice/);
    expect(desk("cus_1004").call("find_duplicate_charges").message).toMatch(/none was made twice/);
  });
});

describe("find_charges", () => {
  it("lists those of a month", () => {
    const { charges } = desk().call("find_charges", { amount: null, month: "2026-10" });
    expect(charges).toMatchObject([{ id: "ch_1051" }, { id: "ch_1043" }, { id: "ch_1042" }]);
  });

  it("finds an amount", () => {
    expect(desk().call("find_charges", { amount: 12.5, month: null }).message).toMatch(
      /^I found one charge: \$12\.50 for Extra storage/,
    );
  });

  it("says which charges there are where the amount does not exist", () => {
    const { message } = desk().call("find_charges", { amount: 500, month: null });
    expect(message).toMatch(
      /^There is no charge of \$500\.00 on this account\. The latest are \$29\.00 for Larkspur Pro, November/,
    );
  });

  it("says that there is none in a month", () => {
    expect(desk().call("find_charges", { amount: null, month: "2025-01" }).message).toMatch(
      /^There is no charge in January 2025/,
    );
  });

  it("shows nothing of another customer", () => {
    expect(JSON.stringify(desk("cus_1002").call("find_charges", { amount: null, month: null }))).not.toMatch(
      /Pro|4242/,
    );
  });
});

describe("refund_charge", () => {
  it("refunds a charge and says so", async () => {
    const { call, asks, row } = desk();
    expect(await asks("refund_charge", refund("ch_1043"))).toBe(true);
    expect(call("refund_charge", refund("ch_1043"))).toMatchObject({ refunded: true, refundId: "re_2" });
    expect(row("SELECT charge_id, amount_cents, reason FROM refunds WHERE number = 2")).toEqual({
      charge_id: "ch_1043",
      amount_cents: 2900,
      reason: "duplicate",
    });
  });

  it("pays once however often one call is run", () => {
    const { call, rows } = desk();
    const first = call("refund_charge", refund("ch_1043"), "run:7");
    expect(call("refund_charge", refund("ch_1043"), "run:7")).toEqual(first);
    expect(rows("SELECT * FROM refunds WHERE charge_id = 'ch_1043'")).toHaveLength(1);
  });

  it("refuses a second refund of a charge by another call, without asking anybody", async () => {
    const { call, asks, rows } = desk();
    call("refund_charge", refund("ch_1043"), "run:7");
    expect(await asks("refund_charge", refund("ch_1043"))).toBe(false);
    expect(call("refund_charge", refund("ch_1043"), "run:8")).toMatchObject({
      refunded: false,
      message: "ch_1043 was refunded before (re_2), and a charge is refunded only once.",
    });
    expect(rows("SELECT * FROM refunds")).toHaveLength(2);
  });

  it.each([
    ["a charge that does not exist", refund("ch_9"), /no charge ch_9 on this account/],
    ["a charge of another customer", refund("ch_1046"), /no charge ch_1046 on this account/],
    ["an amount that does not exist", refund("ch_1043", 500), /no charge of \$500\.00 on this account\. Nothing/],
    ["the amount of another charge", refund("ch_1043", 12.5), /Of \$12\.50 there is .* \(ch_1051\)\. Nothing/],
  ])("refuses %s", async (_, args, why) => {
    const { call, asks, rows } = desk();
    expect(await asks("refund_charge", args)).toBe(false);
    expect(call("refund_charge", args).message).toMatch(why);
    expect(rows("SELECT * FROM refunds")).toHaveLength(1);
  });

  it("refuses a charge that failed", () => {
    expect(desk("cus_1002").call("refund_charge", refund("ch_1079")).message).toMatch(/never paid/);
  });

  it("settles whether a call that was cut off has refunded", async () => {
    const { call, settles } = desk();
    expect(await settles("refund_charge", refund("ch_1043"), "run:7")).toBeUndefined();
    const done = call("refund_charge", refund("ch_1043"), "run:7");
    expect(await settles("refund_charge", refund("ch_1043"), "run:7")).toEqual(done);
  });

  it("tells whoever approves what it is about", () => {
    const context = { db: openDatabase(), customerId: "cus_1001" };
    expect(refundSummary(context, refund("ch_1043"))).toBe(
      "$29.00 back to the card ending in 4242: Larkspur Pro, October, charged on 3 October 2026",
    );
    expect(refundSummary(context, { chargeId: 5 })).toBeUndefined();
  });
});

describe("billing", () => {
  it("gives the invoice of a month, or of the latest", () => {
    expect(desk().call("get_invoice", { month: "2026-09" }).message).toMatch(/inv_1021 .* \$29\.00/);
    expect(desk().call("get_invoice", { month: "2026-10" }).message).toMatch(
      /^Here are the invoices inv_1051 .* inv_1043/,
    );
    expect(desk().call("get_invoice", { month: null }).message).toMatch(/inv_1068/);
    expect(desk().call("get_invoice", { month: "2026-05" }).message).toMatch(
      /no invoice for May 2026\. .* November 2026, October 2026, September 2026/,
    );
    expect(desk("cus_1004").call("get_invoice", { month: null }).message).toMatch(/no invoices/);
  });

  it("says what the plan costs and how it stands", () => {
    expect(desk().call("get_subscription").message).toBe(
      "You are on Larkspur Pro, at $29.00 a month. The next payment is on 3 December 2026.",
    );
    expect(desk("cus_1002").call("get_subscription").message).toMatch(/payment of 18 November 2026 failed/);
    expect(desk("cus_1004").call("get_subscription").message).toBe("You are on Larkspur Free, which costs nothing.");
  });

  it("changes the card that is charged to another on file that has not expired", () => {
    const { call, row } = desk();
    expect(call("set_default_payment_method", { last4: "5100" }).changed).toBe(true);
    expect(row("SELECT last4 FROM payment_methods WHERE customer_id = 'cus_1001' AND is_default = 1")).toEqual({
      last4: "5100",
    });
    expect(call("set_default_payment_method", { last4: "0005" }).message).toMatch(/no card ending in 0005/);
    expect(desk("cus_1002").call("set_default_payment_method", { last4: "0341" }).message).toMatch(/expired/);
  });
});

describe("technical", () => {
  it.each([
    ["My app keeps crashing when I open settings", "KI-88"],
    ["Now my app keeps crashing", "KI-88"],
    ["sync is stuck at 99%", "KI-91"],
    ["I get error 504 sharing a folder", "KI-79"],
    ["my laptop gets hot and slow", "KI-95"],
    ["the pictures are there twice since the update", "KI-83"],
  ])("search_known_issues knows “%s”", (problem, id) => {
    expect(desk().call("search_known_issues", { problem }).issue).toMatchObject({ id });
  });

  it.each([
    "the video is not uploading",
    "what is the meaning of life",
    "を同期できません",
    '" OR 1=1 -- NEAR( * ^ :',
    "x".repeat(2_000),
    "…",
  ])("search_known_issues offers a ticket for “%s”", (problem) => {
    expect(desk().call("search_known_issues", { problem }).message).toMatch(/not among the issues we know/);
  });

  it("check_service_status tells the trouble, or that there is none", () => {
    expect(desk().call("check_service_status", { service: null }).message).toMatch(/^Sync is degraded: Uploads/);
    expect(desk().call("check_service_status", { service: "web" }).message).toBe(
      "The web app is up, with no known incident.",
    );
  });

  it("restart_sync restarts the device that is named, else the one that is stuck", () => {
    const { call, row } = desk();
    expect(call("restart_sync", { device: null }).message).toMatch(/iPhone 15/);
    expect(row("SELECT state FROM devices WHERE id = 'dev_2'")).toEqual({ state: "syncing" });
    expect(call("restart_sync", { device: "my MacBook Pro, please" }).device).toBe("MacBook Pro");
    expect(call("restart_sync", { device: null }).restarted).toBe(false);
  });

  it("create_ticket opens one ticket however often one call is run", () => {
    const { call, rows } = desk();
    const ticket = { subject: "It  does\nnot start", priority: null };
    expect(call("create_ticket", ticket)).toEqual(call("create_ticket", ticket));
    expect(rows("SELECT subject, priority FROM tickets WHERE number > 322")).toEqual([
      { subject: "It does not start", priority: "normal" },
    ]);
    expect(call("list_tickets").message).toMatch(/^T-323 “It does not start” is open and T-310/);
  });
});

describe("account", () => {
  it("get_account says what there is", () => {
    expect(desk().call("get_account").message).toBe(
      "The account of Maya Lindqvist (maya.lindqvist@example.com) has Larkspur Pro with 2,000 GB, two-factor sign-in is off, and it exists since 2 March 2024.",
    );
    expect(desk("cus_1003").call("get_account").message).toMatch(/It is locked/);
  });

  it("send_password_reset sends one mail however often one call is run", () => {
    const { call, rows } = desk();
    call("send_password_reset");
    call("send_password_reset");
    expect(rows("SELECT customer_id, sent_to FROM password_resets")).toEqual([
      { customer_id: "cus_1001", sent_to: "maya.lindqvist@example.com" },
    ]);
  });

  it("change_email waits for the new address to be confirmed, and does not tell whose an address is", () => {
    const { call, row } = desk();
    call("change_email", { newEmail: "Maya@Example.org" });
    expect(row("SELECT email, pending_email FROM customers WHERE id = 'cus_1001'")).toEqual({
      email: "maya.lindqvist@example.com",
      pending_email: "maya@example.org",
    });
    expect(call("change_email", { newEmail: "zoe.ng@example.com" }).message).not.toMatch(/customer|account of/);
  });

  it("set_two_factor asks a person before it is switched off", async () => {
    const { call, asks, row } = desk();
    expect(await asks("set_two_factor", { state: "on" })).toBe(false);
    expect(await asks("set_two_factor", { state: "off" })).toBe(false);
    expect(await desk("cus_1002").asks("set_two_factor", { state: "off" })).toBe(true);
    call("set_two_factor", { state: "on" });
    expect(row("SELECT two_factor FROM customers WHERE id = 'cus_1001'")).toEqual({ two_factor: 1 });
    expect(call("set_two_factor", { state: "on" }).message).toMatch(/on already/);
  });

  it("change_plan takes effect with the next renewal", () => {
    const { call, row } = desk();
    expect(call("change_plan", { plan: "team" }).message).toBe(
      "From 3 December 2026 on you have Larkspur Team at $89.00 a month instead of Larkspur Pro.",
    );
    expect(row("SELECT plan, next_plan FROM subscriptions WHERE customer_id = 'cus_1001'")).toEqual({
      plan: "pro",
      next_plan: "team",
    });
  });

  it("cancel_subscription asks a person, once there is something to cancel", async () => {
    const { call, asks } = desk();
    expect(await asks("cancel_subscription")).toBe(true);
    expect(call("cancel_subscription").cancelled).toBe(true);
    expect(await asks("cancel_subscription")).toBe(false);
    expect(call("cancel_subscription").message).toMatch(/cancelled already/);
    expect(await desk("cus_1004").asks("cancel_subscription")).toBe(false);
  });
});

describe("every tool", () => {
  const args: Readonly<Record<string, object>> = {
    find_charges: { amount: null, month: null },
    refund_charge: refund("ch_1043"),
    get_invoice: { month: null },
    set_default_payment_method: { last4: "4242" },
    check_service_status: { service: null },
    search_known_issues: { problem: "crash" },
    restart_sync: { device: null },
    create_ticket: { subject: "x", priority: null },
    change_email: { newEmail: "a@example.org" },
    set_two_factor: { state: "on" },
    change_plan: { plan: "pro" },
  };

  it.each(TOOLS.map(({ name }) => name))(
    "%s has a name of its own and answers an unknown customer in a sentence",
    (name) => {
      expect(TOOLS.filter((tool) => tool.name === name)).toHaveLength(1);
      const { message } = desk("cus_9999").call(name, args[name]);
      expect(message).toMatch(/cannot find a customer cus_9999|degraded|known issue/);
    },
  );
});
