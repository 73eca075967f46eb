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

/** A number from 0 to 1, for jitter. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();
