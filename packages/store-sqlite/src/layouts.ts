import type { DatabaseSync } from "node:sqlite";

/** Marks a database file as Baton's: "Bato". */
export const APPLICATION_ID = 0x42_61_74_6f;

/**
 * What brings a file from each layout to the next: the first from an empty file to layout 1. Never edit one that was
 * released; add one, and a file of the layout before it to `__fixtures__`.
 *
 * Keys and operation ids are JSON text, as SQLite's drivers do not agree on NUL and lone surrogates. Items are JSON
 * text, byte for byte as they were written. `changed` is in microseconds since the epoch and grows with every append to
 * a session of the same tenant, also when the clock goes back.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    tenant TEXT,
    version INTEGER NOT NULL,
    changed INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX sessions_by_change ON sessions (tenant, changed);
  CREATE TABLE items (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (session, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE appends (
    session INTEGER NOT NULL,
    operation TEXT NOT NULL,
    first INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (session, operation)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE leases (
    key TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The layout of a file; 0 for an empty one. Throws where the file is of a later release or of another program. */
export function layoutOf(database: DatabaseSync, migrations: readonly string[] = MIGRATIONS): number {
  const layout = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  const tables = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.["tables"];
  if (application !== APPLICATION_ID && (application !== 0 || layout !== 0 || tables !== 0))
    throw new Error("it is another program's database; give the sessions a file of their own");
  if (layout > migrations.length)
    throw new Error(
      `its layout is ${layout}, and this release knows layouts up to ${migrations.length}; update @batonjs/store-sqlite`,
    );
  return layout;
}

/** Brings the file to the newest layout, all at once or not at all. Several processes may try at the same time. */
export function migrate(database: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  if (layoutOf(database, migrations) === migrations.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    for (const step of migrations.slice(layoutOf(database, migrations))) database.exec(step);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Ends the transaction, if there still is one. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has done so itself, as it does when the disk is full.
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
