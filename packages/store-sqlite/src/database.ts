import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "@batonjs/core";
import { layoutOf, migrate } from "./layouts.ts";

/** How long SQLite itself waits for a lock, in milliseconds. It blocks the thread, so it is short; we wait without. */
const LOCK_WAIT_MS = 10;

/** Opens the file with what makes an acknowledged append outlive a power cut, and with the newest layout. */
export function openDatabase(path: string): DatabaseSync {
  if (path !== ":memory:") createPrivate(path);
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
    layoutOf(database);
    const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
    // Without WAL, as on some network file systems, only EXTRA also syncs the directory. `fullfsync` is for macOS,
    // where a plain fsync leaves data in the drive's cache.
    database.exec(`
      PRAGMA synchronous = ${mode === "wal" ? "FULL" : "EXTRA"};
      PRAGMA fullfsync = 1;
      PRAGMA checkpoint_fullfsync = 1;
      PRAGMA journal_size_limit = 67108864;
    `);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Creates the file if there is none, for its owner only. SQLite gives the files beside it the same mode. */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** Whether another connection holds a lock that we need: it helps to wait. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.BUSY || code === SQLITE.LOCKED;
}

/** What `action` failed with, a lock apart, as a `StoreError`. */
export function storeError(action: string, path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const [reason, retryable] = reasonOf(error);
  return new StoreError(`Cannot ${action}: ${path === ":memory:" ? "" : `"${path}": `}${reason}`, {
    cause: error,
    retryable,
  });
}

/** The result codes that mean something to us. https://sqlite.org/rescode.html */
const SQLITE = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

function reasonOf(error: unknown): [reason: string, retryable: boolean] {
  switch (sqliteCode(error)) {
    case SQLITE.FULL:
      return ["the disk is full", true];
    case SQLITE.IOERR:
      return ["the disk failed", true];
    case SQLITE.READONLY:
      return ["it is read-only", false];
    case SQLITE.CORRUPT:
      return ["the file is damaged", false];
    case SQLITE.NOTADB:
      return ["it is no SQLite database", false];
    case SQLITE.CANTOPEN:
      return ["the file cannot be opened; does its folder exist?", false];
    default:
  }
  if (codeOf(error) === "ENOENT") return ["its folder does not exist", false];
  return [error instanceof Error ? error.message : String(error), false];
}

/** The primary result code of an error of SQLite; 0 for any other. */
function sqliteCode(error: unknown): number {
  return Number((error as { readonly errcode?: unknown } | null | undefined)?.errcode) & 0xff;
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null | undefined)?.code;
}
