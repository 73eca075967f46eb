/**
 * The world of one seed: chance, time, processes that can be killed, and what is found wrong.
 *
 * Everything outside of core waits in `pause()`. When nothing can go on by itself, one of those that wait is chosen by
 * chance and goes on; when nobody waits, time goes on to the next timer. So the seed decides every interleaving.
 */
import type { Clock } from "@batonjs/core";
import { testRandom } from "@batonjs/testing";

/** A world that goes on for longer has lost its way. */
const MAX_STEPS = 50_000;
/** Share of the sites of faults that are active in a seed, and how often an active one strikes. */
const ACTIVE_SITES = 0.25;
const STRIKES = 0.08;

const idle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

interface Waiting {
  readonly process: Process;
  readonly site: string;
  readonly wake: () => void;
}

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly process: Process;
  readonly wake: () => void;
}

export class World {
  readonly seed: number;
  readonly random: () => number;
  /** What broke an invariant: one sentence each, beginning with its name. */
  readonly problems: string[] = [];
  /** What happened, for whoever looks at one seed. */
  readonly log: string[] = [];
  readonly verbose: boolean;
  /** All faults are over: what comes now must succeed. */
  healed = false;
  now = 1_700_000_000_000;
  steps = 0;
  #waiting: Waiting[] = [];
  readonly #timers = new Set<Timer>();
  readonly #active = new Map<string, boolean>();
  #orders = 0;
  #ids = 0;

  constructor(seed: number, verbose = false) {
    this.seed = seed;
    this.random = testRandom(seed);
    this.verbose = verbose;
  }

  /** A whole number from 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.random() * below);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError("Cannot pick from nothing");
    return from[this.int(from.length)]!;
  }

  newId(prefix: string): string {
    return `${prefix}${(this.#ids += 1)}`;
  }

  /** Whether a fault strikes here and now. A quarter of the sites is active in each seed. */
  strikes(site: string): boolean {
    if (this.healed) return false;
    let active = this.#active.get(site);
    if (active === undefined) this.#active.set(site, (active = this.chance(ACTIVE_SITES)));
    if (!active || !this.chance(STRIKES)) return false;
    this.note(`fault ${site}`);
    return true;
  }

  problem(invariant: string, what: string): void {
    this.problems.push(`${invariant}: ${what}`);
    this.note(`PROBLEM ${invariant}: ${what}`);
  }

  note(line: string): void {
    if (this.verbose) this.log.push(line);
  }

  /** Waits until it is chosen. What belongs to a dead process never goes on. */
  pause(process: Process, site: string): Promise<void> {
    return new Promise((wake) => {
      if (process.alive) this.#waiting.push({ process, site, wake });
    });
  }

  setTimeout(process: Process, wake: () => void, ms: number): Timer {
    const timer: Timer = { due: this.now + Math.max(0, ms), order: (this.#orders += 1), process, wake };
    if (process.alive) this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Timers of living processes. */
  get timers(): number {
    return this.#timers.size;
  }

  forget(process: Process): void {
    this.#waiting = this.#waiting.filter((each) => each.process !== process);
    for (const timer of this.#timers) if (timer.process === process) this.#timers.delete(timer);
  }

  /** Lets everything go on, one at a time, until `task` is over. */
  async play(task: Promise<unknown>): Promise<void> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    task.then(end, end);
    await idle();
    while (!over) {
      this.steps += 1;
      if (this.steps > MAX_STEPS) {
        this.problem("I14 terminates", `not over after ${MAX_STEPS} steps`);
        return;
      }
      if (!this.#next()) {
        this.problem("I14 terminates", "nothing can go on, and no timer is set");
        return;
      }
      await idle();
    }
  }

  #next(): boolean {
    const timed = this.#timers.size > 0;
    if (this.#waiting.length > 0 && !(timed && !this.healed && this.chance(0.01))) {
      const at = this.int(this.#waiting.length);
      const [chosen] = this.#waiting.splice(at, 1);
      chosen!.wake();
      return true;
    }
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer;
    if (!first) return false;
    this.#timers.delete(first);
    this.now = Math.max(this.now, first.due);
    first.wake();
    return true;
  }
}

/** A process: what it waits for and its timers are gone when it is killed. */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  alive = true;
  /** Resolves when it is killed. */
  readonly died: Promise<"died">;
  readonly #world: World;
  #die!: (word: "died") => void;

  constructor(world: World, name: string) {
    this.name = name;
    this.#world = world;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
    this.clock = {
      now: () => world.now,
      setTimeout: (wake, ms) => world.setTimeout(this, wake, ms),
      clearTimeout: (timer) => world.clearTimeout(timer),
    };
  }

  kill(): void {
    if (!this.alive) return;
    this.#world.note(`${this.name} is killed`);
    this.alive = false;
    this.#world.forget(this);
    this.#die("died");
  }

  /** A moment: it may be the last one of the process, or the one in which something else goes on. */
  async moment(site: string): Promise<void> {
    await this.#world.pause(this, site);
    if (this.#world.strikes(`kill at ${site}`)) {
      this.kill();
      await never();
    }
  }
}

/** What never settles. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
