/** Everything that core takes from outside. Injected, so that tests are deterministic. */

/** Time, and waking up later. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  setTimeout(wake: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (wake, ms) => setTimeout(wake, ms),
  clearTimeout: (timer) => clearTimeout(timer as Parameters<typeof clearTimeout>[0]),
};

/** A new id, different from all others. */
export type NewId = () => string;

/** A random UUID. */
export const randomId: NewId = () => crypto.randomUUID();

/** Ids that begin with a random UUID and count up: unique everywhere, at a fraction of a UUID's cost. */
export function countingIds(): NewId {
  let prefix = "";
  let count = 0;
  return () => {
    prefix ||= `${randomId()}-`; // workers have no randomness before the first request
    return prefix + (count++).toString(36);
  };
}

/** A number from 0 to 1, for jitter. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();
