/** What every session store checks and says alike. For authors of stores. */
import type { AppendOptions, SessionKey } from "./contracts/session.ts";
import { StoreError } from "./errors.ts";
import type { Item } from "./items.ts";

/** The items of an append as JSON text. Rejects what is no append. */
export function appendTexts(action: string, items: readonly Item[], options: AppendOptions): readonly string[] {
  const { expectedVersion, opId } = options;
  if (items.length === 0) throw new StoreError(`Cannot ${action}: expected items`);
  if (typeof opId !== "string" || opId === "" || opId.length > 200)
    throw new StoreError(`Cannot ${action}: opId must be a string of 1 to 200 characters`);
  if (!isCount(expectedVersion))
    throw new StoreError(`Cannot ${action}: expectedVersion must be 0 or a positive integer`);
  return items.map((item, at) => {
    let text: string | undefined;
    let cause: unknown;
    try {
      text = JSON.stringify(item);
    } catch (error) {
      cause = error;
    }
    if (text === undefined) throw new StoreError(`Cannot ${action}: item ${at} of the append is not JSON`, { cause });
    return text;
  });
}

/** The error for an operation that is repeated with other items. */
export function otherItems(action: string, opId: string): StoreError {
  return new StoreError(`Cannot ${action}: operation ${JSON.stringify(opId)} was done with other items`, {
    code: "idempotency_mismatch",
  });
}

/** What was stored as item `seq` of session `name`. Rejects what is no item. */
export function parseItem(name: string, seq: number, text: string): Item {
  let item: unknown;
  try {
    item = JSON.parse(text);
  } catch {
    throw corruptItem(name, seq, "it is not JSON");
  }
  if (typeof item !== "object" || item === null || !("type" in item) || typeof item.type !== "string")
    throw corruptItem(name, seq, "it is no item");
  return item as Item;
}

/** The error for an item that cannot be used. */
export function corruptItem(name: string, seq: number, reason: string): StoreError {
  return new StoreError(`Cannot read item ${seq} of session ${name}: ${reason}`, { code: "corrupt_item", seq });
}

/** The key that `encodeKey` has written. */
export function decodeKey(name: string): SessionKey {
  const [first, second] = JSON.parse(name) as [string, string?];
  return second === undefined ? { id: first } : { tenant: first, id: second };
}

/** Rejects an offset that is no count. */
export function checkFrom(from: number): void {
  if (!isCount(from)) throw new StoreError(`Cannot read from ${from} on: expected 0 or a positive integer`);
}

/** Rejects a page size that is none. */
export function checkLimit(limit: number): void {
  if (!isCount(limit) || limit === 0)
    throw new StoreError(`Cannot list ${limit} sessions: expected a positive integer`);
}

/** The error for a cursor that this store has not given. */
export function wrongCursor(cursor: string | undefined): StoreError {
  return new StoreError(`Cannot list sessions from "${cursor}": it is no cursor of this store`);
}

/** The count that a cursor says; of none the largest. Throws a `StoreError` for what is no count. */
export function countOf(cursor: string | undefined): number {
  const count = cursor === undefined ? Number.MAX_SAFE_INTEGER : /^\d+$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (!isCount(count)) throw wrongCursor(cursor);
  return count;
}

/** What the system calls it where a server cannot be reached that may be there again in a moment. */
export const NETWORK_ERRORS: ReadonlySet<unknown> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
]);

/** Rejects a time for a lease that is none. */
export function checkTtl(action: string, ttlMs: number): void {
  if (!(typeof ttlMs === "number" && ttlMs > 0 && ttlMs < Infinity))
    throw new StoreError(`Cannot ${action} for ${String(ttlMs)} ms: expected a positive number`);
}

export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
