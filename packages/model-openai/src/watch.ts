import type { Limits } from "./options.ts";

/** Why a request was given up: the caller, or a time limit. */
export type Stopped =
  | { readonly by: "caller" }
  | { readonly by: "timeout"; readonly limit: keyof Limits; readonly ms: number };

/** Why requests are aborted, as far as `fetch` is told. Made once: a stack for each costs more than the rest of a request. */
const CLOSED = new DOMException("The request was given up", "AbortError");

/**
 * The life of one request: ends it when the caller does, or when it makes no progress. One timer for all limits, set
 * anew only when it fires, so that an event costs no timer.
 */
export class Watch {
  /** Why the request was given up, if it was. */
  stopped: Stopped | undefined;
  /** Called when the request is given up. */
  onStop: (() => void) | undefined;
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal;
  readonly #limits: Limits;
  readonly #began = performance.now();
  /** Since when the server owes an event; nothing while the consumer has one. */
  #owedSince: number | undefined = this.#began;
  #hadEvent = false;
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(caller: AbortSignal, limits: Limits) {
    this.#caller = caller;
    this.#limits = limits;
    caller.addEventListener("abort", this.#onAbort, { once: true });
    this.#arm(this.#began);
  }

  /** Aborted when the request is given up, for whatever reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** An event has arrived and is being consumed: no time runs but the total. */
  pause(): void {
    this.#owedSince = undefined;
  }

  /** The next event is waited for. */
  resume(): void {
    const now = performance.now();
    this.#owedSince = now;
    if (this.#hadEvent) return;
    this.#hadEvent = true;
    // The timer is set for the first event: a later one may be due earlier.
    const { firstEventTimeoutMs: first, idleTimeoutMs: idle } = this.#limits;
    if (idle === 0 || (first !== 0 && first <= idle)) return;
    clearTimeout(this.#timer);
    this.#arm(now);
  }

  /** `promise`, or a rejection as soon as the request is given up: for a `fetch` that does not look at its signal. */
  async race<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    if (signal.aborted) throw signal.reason;
    let onAbort: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** The request is over: lets go of the timer and of the caller's signal. The connection may be used again. */
  end(): void {
    this.#ended = true;
    this.#caller.removeEventListener("abort", this.#onAbort);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Ends the request, if it is not over, and closes its connection. */
  close(): void {
    if (this.#ended) return;
    this.end();
    this.#controller.abort(CLOSED);
  }

  readonly #onAbort = (): void => this.#stop({ by: "caller" });

  #stop(why: Stopped): void {
    this.stopped ??= why;
    this.close();
    this.onStop?.();
  }

  #arm(now: number): void {
    const due = Math.min(this.#totalDue(), this.#eventDue(now));
    if (due !== Infinity) this.#timer = setTimeout(this.#onTimer, Math.max(1, due - now));
  }

  #totalDue(): number {
    const { totalTimeoutMs } = this.#limits;
    return totalTimeoutMs === 0 ? Infinity : this.#began + totalTimeoutMs;
  }

  #eventDue(now: number): number {
    const ms = this.#limits[this.#eventLimit];
    // While the consumer is busy nothing is due; looking again after the same time is soon enough.
    return ms === 0 ? Infinity : (this.#owedSince ?? now) + ms;
  }

  get #eventLimit(): "idleTimeoutMs" | "firstEventTimeoutMs" {
    return this.#hadEvent ? "idleTimeoutMs" : "firstEventTimeoutMs";
  }

  readonly #onTimer = (): void => {
    // Timers may fire a little early.
    const now = performance.now() + 1;
    const expired =
      now >= this.#totalDue() ? "totalTimeoutMs" : now >= this.#eventDue(now) ? this.#eventLimit : undefined;
    if (expired === undefined) return this.#arm(now);
    this.#stop({ by: "timeout", limit: expired, ms: this.#limits[expired] });
  };
}
