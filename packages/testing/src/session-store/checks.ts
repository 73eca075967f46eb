import { StoreError } from "@batonjs/core";

/** Fails with `message` unless `condition`. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails unless both are the same JSON, the order of keys apart. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (same(actual, expected)) return;
  throw new Error(`${what}: expected ${shown(expected)}, found ${shown(actual)}`);
}

/** Fails unless `promise` rejects with a `StoreError`, of `code` where one is given. */
export async function rejects(promise: Promise<unknown>, what: string, code?: string): Promise<StoreError> {
  const error = await failure(promise, what);
  check(error instanceof StoreError, `${what}: expected a StoreError, found ${shown(error)}`);
  check(
    code === undefined || error.code === code,
    `${what}: expected code "${code}", found "${error.code}" (${error.message})`,
  );
  return error;
}

/** Fails unless `error` says what was attempted, and with which session. */
export function says(error: Error, attempted: RegExp, id: string): void {
  const { message } = error;
  check(attempted.test(message), `expected the message to name what was attempted, as ${attempted}: ${message}`);
  check(message.includes(id), `expected the message to name the session ${id}: ${message}`);
}

/** What `promise` rejects with. Fails where it does not. */
export async function failure(promise: Promise<unknown>, what: string): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`${what}: expected a rejection, found ${shown(value)}`);
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}

function shown(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
