/** Sends what is put in, in batches, one request at a time. Bounded: what does not fit is dropped and counted. */

/** How a batch fared. */
export type Sent = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs?: number | undefined };

export interface QueueOptions<T> {
  readonly maxSize: number;
  readonly maxBatch: number;
  /** Milliseconds that a batch waits to be filled. */
  readonly delayMs: number;
  /** Times that a batch is tried. */
  readonly attempts: number;
  /** Rejects for what will not get better. */
  readonly send: (batch: readonly T[], signal: AbortSignal) => Promise<Sent>;
}

/** The longest wait between two tries, in milliseconds, whatever a server asks for. */
const MAX_WAIT_MS = 30_000;

export class Queue<T> {
  readonly #options: QueueOptions<T>;
  #waiting: T[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  /** Of the batch that is being sent. */
  #abort: AbortController | undefined;
  #inFlight = 0;
  sent = 0;
  dropped = 0;
  failedBatches = 0;

  constructor(options: QueueOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(entry: T): void {
    const { maxSize, maxBatch, delayMs } = this.#options;
    if (this.#waiting.length >= maxSize) {
      this.dropped++;
      return;
    }
    this.#waiting.push(entry);
    if (this.#sending) return;
    if (this.#waiting.length === maxBatch) this.#schedule(0);
    else if (this.#timer === undefined) this.#schedule(delayMs);
  }

  /** Sends all that waits. Never rejects. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending) await this.#drain();
  }

  /** Lets go of all that could not be sent. */
  release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.dropped += this.#waiting.length + this.#inFlight;
    this.#waiting = [];
    this.#inFlight = 0;
    this.#abort?.abort();
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#drain(), ms);
    unref(this.#timer);
  }

  #drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#sendOne(this.#waiting.splice(0, this.#options.maxBatch));
  }

  async #sendOne(batch: readonly T[]): Promise<void> {
    const abort = (this.#abort = new AbortController());
    this.#inFlight = batch.length;
    for (let attempt = 1; !abort.signal.aborted; attempt++) {
      let outcome: Sent | undefined;
      try {
        outcome = await Promise.race([this.#options.send(batch, abort.signal), aborted(abort.signal)]);
      } catch {
        // Will not get better.
      }
      if (abort.signal.aborted) return; // given up, and counted
      if (outcome?.ok) {
        this.#inFlight = 0;
        this.sent += batch.length;
        return;
      }
      if (!outcome || attempt >= this.#options.attempts) break;
      await pause(Math.min(outcome.retryAfterMs ?? 500 * 2 ** attempt, MAX_WAIT_MS), abort.signal);
    }
    if (abort.signal.aborted) return;
    this.#inFlight = 0;
    this.failedBatches++;
    this.dropped += batch.length;
  }
}

/** Rejects when `signal` is aborted: whoever sends need not listen to it. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("Given up")), { once: true });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    unref(timer);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}

/** A timer that does not keep the process alive, where the runtime has such. */
export function unref(timer: unknown): void {
  (timer as { readonly unref?: () => void }).unref?.();
}
