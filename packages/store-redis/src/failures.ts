import { messageOf, NETWORK_ERRORS, StoreError } from "@batonjs/core";

/** Whether it may help to do the same again at once: the connection is gone, or the server is not ready. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (CONNECTION_ERRORS.has(error.constructor.name) || CONNECTION_ERRORS.has(error.name)) return true;
  if ("code" in error && NETWORK_ERRORS.has(error.code)) return true;
  return startsWithOneOf(error, NOT_READY);
}

/** What `action` failed with, as a `StoreError`. */
export function storeError(action: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const later = startsWithOneOf(error, ["OOM ", "MISCONF ", "NOREPLICAS "]);
  const reason = startsWithOneOf(error, ["OOM "]) ? "the memory that Redis may use is full" : messageOf(error);
  return new StoreError(`Cannot ${action}: ${reason}`, { cause: error, retryable: later || isTransient(error) });
}

function startsWithOneOf(error: unknown, words: readonly string[]): boolean {
  const message = messageOf(error);
  return words.some((word) => message.startsWith(word));
}

/** How `redis` and `ioredis` call a lost connection. */
const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  "ClientOfflineError",
  "ConnectionTimeoutError",
  "DisconnectsClientError",
  "SocketClosedUnexpectedlyError",
  "SocketTimeoutError",
  "MaxRetriesPerRequestError",
]);

/** How Redis says it, and `ioredis` without its queue, whose error has no name of its own. */
const NOT_READY: readonly string[] = [
  "LOADING ",
  "TRYAGAIN ",
  "CLUSTERDOWN ",
  "MASTERDOWN ",
  "READONLY ",
  "BUSY ",
  "Stream isn't writeable",
  "Cluster isn't ready",
];
