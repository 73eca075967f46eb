/** A clock that a test moves by hand. It is a `Clock`: give it to the runner. */
export interface TestClock {
  /** Milliseconds since the epoch, of the test. */
  now(): number;
  setTimeout(wake: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /**
   * Moves time on by `ms` and fires the timers that are due, in order. Before each one, and at the end, whatever can go
   * on goes on, so that timers which are set on the way fire as well. Rejects with what a timer throws.
   */
  advance(ms: number): Promise<void>;
  /** Lets everything go on that waits for no timer. */
  settle(): Promise<void>;
  /** Timers that are set: 0 after a run that leaves nothing behind. */
  readonly pending: number;
}

interface Timer {
  readonly due: number;
  readonly wake: () => void;
}

// Taken at import, so that it is the machine's also where a test fakes timers.
const later = globalThis.setTimeout;
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    later(resolve, 0);
  });

/** A clock that stands still until it is told to move. @param start what it shows first */
export function testClock(start = 1_700_000_000_000): TestClock {
  let now = start;
  const timers = new Set<Timer>();
  const next = (until: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (timer.due <= until && (!first || timer.due < first.due)) first = timer;
    return first;
  };
  return {
    now: () => now,
    setTimeout(wake, ms) {
      const timer: Timer = { due: now + Math.max(0, ms), wake };
      timers.add(timer);
      return timer;
    },
    clearTimeout(timer) {
      timers.delete(timer as Timer);
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`Cannot advance the clock by ${ms}: time goes forward`);
      const until = now + ms;
      await settled();
      for (let timer = next(until); timer; timer = next(until)) {
        timers.delete(timer);
        now = timer.due;
        timer.wake();
        await settled();
      }
      now = until;
    },
    settle: settled,
    get pending() {
      return timers.size;
    },
  };
}

/** Ids that count up: `run_1`, `run_2` … */
export function testIds(prefix = "run"): () => string {
  let count = 0;
  return () => `${prefix}_${(count += 1)}`;
}

/** Numbers from 0 to 1 that look random and are the same for the same seed (mulberry32). */
export function testRandom(seed = 1): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
