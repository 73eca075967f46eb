import type { Clock } from "./environment.ts";

interface Deadline {
  /** Place among the waits. */
  place: number;
  at: number;
  /** Ends the wait: its time is over, or the run has stopped. */
  readonly end: (error: unknown) => void;
  readonly late: () => unknown;
  readonly graceMs: number;
}

export interface Bound {
  readonly ms: number;
  /** The error when the time is over. */
  readonly late: () => unknown;
  /** Milliseconds to wait on after the run was stopped. @default 0 */
  readonly graceMs?: number;
}

/** The waits of one run: each ends when its time is over or the run stops. One timer serves all of them. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #waits: Deadline[] = [];
  #timer: unknown;
  #due = Infinity;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `value` within its bound: it never stays unsettled longer. What is no promise is given back as it is. */
  wait<T>(value: T | PromiseLike<T>, bound: Bound): T | Promise<T> {
    if (!isThenable(value)) return value;
    return new Promise<T>((resolve, reject) => {
      const wait: Deadline = {
        place: this.#waits.length,
        at: this.#clock.now() + bound.ms,
        end: reject,
        late: bound.late,
        graceMs: bound.graceMs ?? 0,
      };
      this.#waits.push(wait);
      if (this.#stopped) this.#stopWait(wait, this.#stopped.reason);
      else if (wait.at < this.#due) this.#arm(wait.at);
      value.then(
        (result) => {
          this.#drop(wait);
          resolve(result);
        },
        (error: unknown) => {
          this.#drop(wait);
          reject(error as Error);
        },
      );
    });
  }

  /** Ends all waits with `reason`, those with a grace when it is over. */
  stop(reason: unknown): void {
    this.#stopped ??= { reason };
    for (const wait of this.#waits.slice()) this.#stopWait(wait, reason);
  }

  /** Lets go of the timer. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = Infinity;
  }

  /** Forgets a wait; the last one takes its place. */
  #drop(wait: Deadline): void {
    if (this.#waits[wait.place] !== wait) return;
    const last = this.#waits.pop()!;
    if (last === wait) return;
    this.#waits[wait.place] = last;
    last.place = wait.place;
  }

  #stopWait(wait: Deadline, reason: unknown): void {
    if (wait.graceMs === 0) {
      this.#drop(wait);
      wait.end(reason);
      return;
    }
    wait.at = Math.min(wait.at, this.#clock.now() + wait.graceMs);
    if (wait.at < this.#due) this.#arm(wait.at);
  }

  #arm(at: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#due = at;
    this.#timer = this.#clock.setTimeout(() => this.#check(), Math.max(0, at - this.#clock.now()));
  }

  #check(): void {
    this.#timer = undefined;
    this.#due = Infinity;
    const now = this.#clock.now();
    let next = Infinity;
    for (const wait of this.#waits.slice()) {
      if (wait.at > now) {
        next = Math.min(next, wait.at);
        continue;
      }
      this.#drop(wait);
      wait.end(wait.late());
    }
    if (next < Infinity) this.#arm(next);
  }
}

/** Nobody waits for `value`: where it is a promise, its rejection concerns nobody. */
export function leave(value: unknown): void {
  if (value instanceof Promise) value.catch(() => {});
}

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
