/** The help desk's database: SQLite, in memory or in a file. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";
import { seed } from "./seed.ts";

/** The day it is in this app, so that its conversations stay the same. */
export const TODAY = "2026-11-23";

/**
 * Opens the database in `path`, creating its tables and their contents where there are none.
 * Throws an `Error` whose message can be shown to whoever gave the path.
 */
export function openDatabase(path = ":memory:"): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 5_000 });
    db.exec("PRAGMA foreign_keys = ON");
    const version = one<{ user_version: number }>(db, "PRAGMA user_version")?.user_version ?? 0;
    if (version === SCHEMA_VERSION) return db;
    if (version !== 0 || hasTables(db)) throw new Error("it holds the tables of something else");
    const created = db;
    transaction(created, () => {
      created.exec(SCHEMA);
      seed(created);
      created.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    });
    return created;
  } catch (cause) {
    db?.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot use "${path}" as the database: ${why}`, { cause });
  }
}

function hasTables(db: DatabaseSync): boolean {
  return one(db, "SELECT 1 FROM sqlite_schema LIMIT 1") !== undefined;
}

/** The first row of a query, or nothing. */
export function one<Row>(db: DatabaseSync, sql: string, ...values: SQLInputValue[]): Row | undefined {
  return db.prepare(sql).get(...values) as Row | undefined;
}

/** All rows of a query. */
export function all<Row>(db: DatabaseSync, sql: string, ...values: SQLInputValue[]): readonly Row[] {
  return db.prepare(sql).all(...values) as Row[];
}

/** Changes rows; gives the number of those that were changed. */
export function change(db: DatabaseSync, sql: string, ...values: SQLInputValue[]): number {
  return Number(db.prepare(sql).run(...values).changes);
}

/** Does all of `work`, or nothing where it throws. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** `2900` → `$29.00` */
export function money(cents: number): string {
  return DOLLARS.format(cents / 100);
}

/** `2026-10-03` → `3 October 2026` */
export function day(date: string): string {
  return LONG_DATE.format(new Date(`${date.slice(0, 10)}T00:00:00Z`));
}

const DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const LONG_DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
