import { NETWORK_ERRORS, StoreError } from "@batonjs/core";

/** The tables are not what this release can work with. */
export class ForeignTables extends Error {}

/** Whether it may help to do the same again at once: the connection is gone, or two transactions got in each other's way. */
export function isTransient(error: unknown): boolean {
  if (error instanceof StoreError) return false;
  const code = codeOf(error);
  if (code === undefined)
    return (
      error instanceof Error &&
      /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/.test(
        error.message,
      )
    );
  return TRANSIENT.has(code) || NETWORK_ERRORS.has(code) || UNPREPARED.has(code) || code.startsWith("08");
}

/** Whether a prepared statement was not what or where it should be. It has not been executed. */
export function isUnprepared(error: unknown): boolean {
  return UNPREPARED.has(codeOf(error) ?? "");
}

/** What `action` failed with, as a `StoreError`. */
export function storeError(action: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof ForeignTables) return new StoreError(`Cannot ${action}: ${error.message}`);
  const code = codeOf(error);
  const hangs = error instanceof Error && error.message === "Query read timeout";
  if (hangs || code === QUERY_CANCELED || code === LOCK_NOT_AVAILABLE)
    return new StoreError(`Cannot ${action}: PostgreSQL took too long`, {
      code: "store_timeout",
      cause: error,
      retryable: true,
    });
  const reason = error instanceof Error && error.message !== "" ? error.message : (code ?? String(error));
  const retryable = isTransient(error) || (code !== undefined && LATER.has(code));
  return new StoreError(`Cannot ${action}: ${reason}`, { cause: error, retryable });
}

/** The SQLSTATE, or the name that the driver or the system gives. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

export const UNIQUE_VIOLATION = "23505";
export const UNDEFINED_TABLE = "42P01";
export const UNDEFINED_SCHEMA = "3F000";
const QUERY_CANCELED = "57014";
const LOCK_NOT_AVAILABLE = "55P03";

const TRANSIENT: ReadonlySet<string> = new Set([
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  "25P03", // idle_in_transaction_session_timeout, where the process was paused
  "57P01", // admin_shutdown, also by pg_terminate_backend
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "57P05", // idle_session_timeout
  "53300", // too_many_connections
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
]);

const UNPREPARED: ReadonlySet<string> = new Set([
  "26000", // invalid_sql_statement_name
  "42P05", // duplicate_prepared_statement
  "0A000", // feature_not_supported: "cached plan must not change result type"
]);

/** What may be over later, but not at once. */
const LATER: ReadonlySet<string> = new Set([
  "25006", // read_only_sql_transaction: a standby
  "53100", // disk_full
  "53200", // out_of_memory
  "58030", // io_error
  "XX000", // internal_error
]);
