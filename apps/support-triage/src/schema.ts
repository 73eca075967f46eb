/** Goes up when `SCHEMA` changes. */
export const SCHEMA_VERSION = 1;

/** Amounts are in cents, days are `YYYY-MM-DD`. */
export const SCHEMA = `
CREATE TABLE customers (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  email         TEXT NOT NULL UNIQUE,
  pending_email TEXT,
  joined_on     TEXT NOT NULL,
  two_factor    INTEGER NOT NULL DEFAULT 0,
  locked        INTEGER NOT NULL DEFAULT 0,
  staff_note    TEXT
) STRICT;

CREATE TABLE plans (
  name        TEXT PRIMARY KEY,
  price_cents INTEGER NOT NULL,
  storage_gb  INTEGER NOT NULL
) STRICT;

CREATE TABLE subscriptions (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL UNIQUE REFERENCES customers (id),
  plan        TEXT NOT NULL REFERENCES plans (name),
  next_plan   TEXT REFERENCES plans (name),
  status      TEXT NOT NULL CHECK (status IN ('active', 'past_due', 'ending')),
  renews_on   TEXT
) STRICT;

CREATE TABLE payment_methods (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  brand       TEXT NOT NULL,
  last4       TEXT NOT NULL,
  expires     TEXT NOT NULL,
  is_default  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE charges (
  id           TEXT PRIMARY KEY,
  customer_id  TEXT NOT NULL REFERENCES customers (id),
  amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
  description  TEXT NOT NULL,
  charged_on   TEXT NOT NULL,
  card_last4   TEXT NOT NULL,
  status       TEXT NOT NULL CHECK (status IN ('paid', 'failed'))
) STRICT;
CREATE INDEX charges_by_customer ON charges (customer_id, charged_on);

CREATE TABLE invoices (
  id        TEXT PRIMARY KEY,
  charge_id TEXT NOT NULL UNIQUE REFERENCES charges (id),
  url       TEXT NOT NULL
) STRICT;

-- A charge is refunded whole, once, and one call of the refund tool makes one refund, however often it is run.
CREATE TABLE refunds (
  number          INTEGER PRIMARY KEY,
  charge_id       TEXT NOT NULL UNIQUE REFERENCES charges (id),
  amount_cents    INTEGER NOT NULL,
  reason          TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  refunded_on     TEXT NOT NULL
) STRICT;

CREATE TABLE services (
  name       TEXT PRIMARY KEY,
  label      TEXT NOT NULL,
  status     TEXT NOT NULL CHECK (status IN ('operational', 'degraded', 'down')),
  note       TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE known_issues (
  id         TEXT PRIMARY KEY,
  title      TEXT NOT NULL,
  symptoms   TEXT NOT NULL,
  workaround TEXT NOT NULL,
  fixed_in   TEXT
) STRICT;
CREATE VIRTUAL TABLE known_issues_text USING fts5 (id UNINDEXED, title, symptoms, tokenize = 'porter unicode61');

CREATE TABLE devices (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  name        TEXT NOT NULL,
  app         TEXT NOT NULL,
  version     TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('in_sync', 'syncing', 'stuck', 'offline')),
  last_sync   TEXT NOT NULL
) STRICT;

CREATE TABLE tickets (
  number          INTEGER PRIMARY KEY,
  customer_id     TEXT NOT NULL REFERENCES customers (id),
  subject         TEXT NOT NULL,
  priority        TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
  status          TEXT NOT NULL CHECK (status IN ('open', 'waiting', 'resolved')),
  opened_on       TEXT NOT NULL,
  idempotency_key TEXT UNIQUE
) STRICT;

CREATE TABLE password_resets (
  number          INTEGER PRIMARY KEY,
  customer_id     TEXT NOT NULL REFERENCES customers (id),
  sent_to         TEXT NOT NULL,
  idempotency_key TEXT NOT NULL UNIQUE,
  sent_on         TEXT NOT NULL
) STRICT;
`;
