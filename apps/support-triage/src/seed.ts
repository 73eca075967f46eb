/** What the database holds before anybody has said a word. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** The customer who is signed in unless `--customer` names another. */
export const DEFAULT_CUSTOMER = "cus_1001";

type Rows = readonly (readonly SQLInputValue[])[];

const plans: Rows = [
  ["free", 0, 5],
  ["basic", 900, 200],
  ["pro", 2900, 2_000],
  ["team", 8900, 10_000],
];

// id, name, email, pending_email, joined_on, two_factor, locked, staff_note
const customers: Rows = [
  [
    "cus_1001",
    "Maya Lindqvist",
    "maya.lindqvist@example.com",
    null,
    "2024-03-02",
    0,
    0,
    "Asked twice this year whether to move to a competitor; do not offer a discount unasked.",
  ],
  [
    "cus_1002",
    "Tomás Okafor",
    "tomas.okafor@example.com",
    null,
    "2025-06-18",
    1,
    0,
    "Card was declined in November; dunning starts on the 26th.",
  ],
  [
    "cus_1003",
    "Ines Haddad",
    "ines.haddad@example.com",
    null,
    "2023-01-09",
    1,
    1,
    "Pays for a team of nine; renewal is worth $8,000 a year.",
  ],
  ["cus_1004", "Zoë Ng", "zoe.ng@example.com", null, "2026-11-01", 0, 0, null],
];

// id, customer_id, plan, next_plan, status, renews_on
const subscriptions: Rows = [
  ["sub_501", "cus_1001", "pro", null, "active", "2026-12-03"],
  ["sub_502", "cus_1002", "basic", null, "past_due", "2026-11-18"],
  ["sub_503", "cus_1003", "team", null, "active", "2026-12-09"],
  ["sub_504", "cus_1004", "free", null, "active", null],
];

// id, customer_id, brand, last4, expires, is_default
const paymentMethods: Rows = [
  ["pm_201", "cus_1001", "Visa", "4242", "2028-04", 1],
  ["pm_202", "cus_1001", "Mastercard", "5100", "2027-09", 0],
  ["pm_203", "cus_1002", "Visa", "0341", "2026-10", 1],
  ["pm_204", "cus_1003", "American Express", "0005", "2029-01", 1],
];

// id, customer_id, amount_cents, description, charged_on, card_last4, status
const charges: Rows = [
  ["ch_1009", "cus_1001", 2900, "Larkspur Pro, August", "2026-08-03", "4242", "paid"],
  ["ch_1021", "cus_1001", 2900, "Larkspur Pro, September", "2026-09-03", "4242", "paid"],
  ["ch_1042", "cus_1001", 2900, "Larkspur Pro, October", "2026-10-03", "4242", "paid"],
  ["ch_1043", "cus_1001", 2900, "Larkspur Pro, October", "2026-10-03", "4242", "paid"],
  ["ch_1051", "cus_1001", 1250, "Extra storage, 500 GB", "2026-10-20", "4242", "paid"],
  ["ch_1068", "cus_1001", 2900, "Larkspur Pro, November", "2026-11-03", "4242", "paid"],
  ["ch_1030", "cus_1002", 900, "Larkspur Basic, September", "2026-09-18", "0341", "paid"],
  ["ch_1055", "cus_1002", 900, "Larkspur Basic, October", "2026-10-18", "0341", "paid"],
  ["ch_1079", "cus_1002", 900, "Larkspur Basic, November", "2026-11-18", "0341", "failed"],
  ["ch_1046", "cus_1003", 8900, "Larkspur Team, October", "2026-10-09", "0005", "paid"],
  ["ch_1047", "cus_1003", 8900, "Larkspur Team, October", "2026-10-09", "0005", "paid"],
  ["ch_1072", "cus_1003", 8900, "Larkspur Team, November", "2026-11-09", "0005", "paid"],
];

/** What was paid has an invoice: `ch_1042` the invoice `inv_1042`. */
const INVOICES = `
INSERT INTO invoices (id, charge_id, url)
SELECT replace(id, 'ch_', 'inv_'), id, 'https://larkspur.example/invoices/' || replace(id, 'ch_', 'inv_') || '.pdf'
FROM charges WHERE status = 'paid'`;

// charge_id, amount_cents, reason, idempotency_key, refunded_on
const refunds: Rows = [["ch_1047", 8900, "duplicate", "imported:ch_1047", "2026-10-12"]];

// name, label, status, note, updated_at
const services: Rows = [
  [
    "sync",
    "Sync",
    "degraded",
    "Uploads of files over 1 GB are slow in Europe. A fix is being rolled out.",
    "2026-11-23 08:40",
  ],
  ["mobile_app", "The mobile app", "operational", "No incident.", "2026-11-23 08:00"],
  ["desktop_app", "The desktop app", "operational", "No incident.", "2026-11-23 08:00"],
  ["web", "The web app", "operational", "No incident.", "2026-11-23 08:00"],
  ["sign_in", "Sign-in", "operational", "No incident.", "2026-11-23 08:00"],
];

// id, title, symptoms, workaround, fixed_in
const knownIssues: Rows = [
  [
    "KI-88",
    "The mobile app crashes when settings are opened",
    "app crashes, crash on start, closes by itself, settings, iPhone, iOS, phone, keeps crashing, quits",
    "Delete the app and install it again; your files stay in the cloud.",
    "mobile app 4.2.1",
  ],
  [
    "KI-91",
    "Sync stops at 99% when a file name ends in a dot or a space",
    "sync stuck, not syncing, stopped, 99%, files missing, does not upload, hangs, waiting",
    "Rename the file that is shown at the top of the sync list.",
    null,
  ],
  [
    "KI-79",
    "Error 504 while sharing a folder with more than 10,000 files",
    "error 504, timeout, gateway, share folder, sharing fails, link does not open",
    "Share its subfolders one by one.",
    "web app 12.8",
  ],
  [
    "KI-95",
    "The desktop app uses a lot of memory while it scans photos",
    "slow, memory, RAM, fan, hot, laptop, freezes, photos, indexing, desktop app",
    "Pause photo scanning under Settings, Photos.",
    null,
  ],
  [
    "KI-83",
    "Photos are uploaded twice after an update of iOS",
    "duplicate photos, uploaded twice, double pictures, camera upload",
    "Turn camera upload off and on again; the copies are removed within a day.",
    "mobile app 4.1.9",
  ],
];

// id, customer_id, name, app, version, state, last_sync
const devices: Rows = [
  ["dev_1", "cus_1001", "MacBook Pro", "desktop app", "9.4.0", "in_sync", "2026-11-23 08:51"],
  ["dev_2", "cus_1001", "iPhone 15", "mobile app", "4.2.0", "stuck", "2026-11-21 19:07"],
  ["dev_3", "cus_1002", "Office PC", "desktop app", "9.3.2", "stuck", "2026-11-19 16:30"],
  ["dev_4", "cus_1003", "Studio iMac", "desktop app", "9.4.0", "in_sync", "2026-11-23 08:59"],
  ["dev_5", "cus_1003", "Pixel 9", "mobile app", "4.2.1", "offline", "2026-11-12 11:15"],
];

// number, customer_id, subject, priority, status, opened_on
const tickets: Rows = [
  [310, "cus_1001", "Photos from the summer were missing after a reinstall", "normal", "resolved", "2026-07-14"],
  [322, "cus_1003", "Two seats are billed that nobody uses", "normal", "waiting", "2026-11-16"],
];

/** Fills the empty tables. */
export function seed(db: DatabaseSync): void {
  insert(db, "plans (name, price_cents, storage_gb)", plans);
  insert(db, "customers (id, name, email, pending_email, joined_on, two_factor, locked, staff_note)", customers);
  insert(db, "subscriptions (id, customer_id, plan, next_plan, status, renews_on)", subscriptions);
  insert(db, "payment_methods (id, customer_id, brand, last4, expires, is_default)", paymentMethods);
  insert(db, "charges (id, customer_id, amount_cents, description, charged_on, card_last4, status)", charges);
  db.exec(INVOICES);
  insert(db, "refunds (charge_id, amount_cents, reason, idempotency_key, refunded_on)", refunds);
  insert(db, "services (name, label, status, note, updated_at)", services);
  insert(db, "known_issues (id, title, symptoms, workaround, fixed_in)", knownIssues);
  insert(
    db,
    "known_issues_text (id, title, symptoms)",
    knownIssues.map((issue) => issue.slice(0, 3)),
  );
  insert(db, "devices (id, customer_id, name, app, version, state, last_sync)", devices);
  insert(db, "tickets (number, customer_id, subject, priority, status, opened_on)", tickets);
}

function insert(db: DatabaseSync, into: string, rows: Rows): void {
  const marks = rows[0]?.map(() => "?").join(", ");
  const statement = db.prepare(`INSERT INTO ${into} VALUES (${marks})`);
  for (const row of rows) statement.run(...row);
}
