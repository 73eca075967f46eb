import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** The statements of a store, prepared once. */
export interface Statements {
  readonly begin: StatementSync;
  readonly beginReading: StatementSync;
  readonly commit: StatementSync;
  readonly session: StatementSync;
  readonly operation: StatementSync;
  readonly addSession: StatementSync;
  readonly changeSession: StatementSync;
  readonly addItem: StatementSync;
  readonly addOperation: StatementSync;
  readonly lastChange: StatementSync;
  readonly items: StatementSync;
  readonly deleteItems: StatementSync;
  readonly deleteOperations: StatementSync;
  readonly deleteSession: StatementSync;
  readonly list: StatementSync;
  readonly takeLease: StatementSync;
  readonly renewLease: StatementSync;
  readonly releaseLease: StatementSync;
}

export function prepare(database: DatabaseSync): Statements {
  const statement = (sql: string): StatementSync => {
    const prepared = database.prepare(sql);
    // Half the time of objects for a long session.
    prepared.setReturnArrays(true);
    return prepared;
  };
  return {
    begin: statement("BEGIN IMMEDIATE"),
    beginReading: statement("BEGIN"),
    commit: statement("COMMIT"),
    session: statement("SELECT id, version FROM sessions WHERE key = ?"),
    operation: statement("SELECT first, version FROM appends WHERE session = ? AND operation = ?"),
    addSession: statement("INSERT INTO sessions (key, tenant, version, changed) VALUES (?, ?, ?, ?)"),
    changeSession: statement("UPDATE sessions SET version = ?, changed = ? WHERE id = ?"),
    addItem: statement("INSERT INTO items (session, seq, item) VALUES (?, ?, ?)"),
    addOperation: statement("INSERT INTO appends (session, operation, first, version) VALUES (?, ?, ?, ?)"),
    lastChange: statement("SELECT max(changed) FROM sessions WHERE tenant IS ?"),
    items: statement("SELECT seq, item FROM items WHERE session = ? AND seq >= ? AND seq < ? ORDER BY seq"),
    deleteItems: statement("DELETE FROM items WHERE session = ?"),
    deleteOperations: statement("DELETE FROM appends WHERE session = ?"),
    deleteSession: statement("DELETE FROM sessions WHERE id = ?"),
    list: statement(
      "SELECT key, changed FROM sessions WHERE tenant IS ? AND changed < ? ORDER BY changed DESC LIMIT ?",
    ),
    takeLease: statement(`
      INSERT INTO leases (key, run, until) VALUES (?1, ?2, ?3)
      ON CONFLICT (key) DO UPDATE SET run = ?2, until = ?3 WHERE run = ?2 OR until <= ?4`),
    renewLease: statement("UPDATE leases SET until = ? WHERE key = ? AND run = ? AND until > ?"),
    releaseLease: statement("DELETE FROM leases WHERE key = ? AND run = ?"),
  };
}

/** The one row that `statement` gives, as an array. */
export function row<T extends readonly unknown[]>(statement: StatementSync, ...values: SQLInputValue[]): T | undefined {
  return statement.get(...values) as unknown as T | undefined;
}

/** The rows that `statement` gives, as arrays. */
export function rows<T extends readonly unknown[]>(statement: StatementSync, ...values: SQLInputValue[]): readonly T[] {
  return statement.all(...values) as unknown as readonly T[];
}
