/** The answer that is under way: what Ctrl-C stops, and what is waited for on the way out. */
export class Answering {
  #controller = new AbortController();
  #work: Promise<unknown> | undefined;
  #isOver = false;

  /** The last answer was stopped, or could not begin any more. */
  get wasStopped(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Begins the next answer. Rejects once answering is over. */
  async start<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    if (this.#isOver) this.#controller.abort(new Error("The help desk closes"));
    signal.throwIfAborted();
    const running = work(signal);
    this.#work = running.catch(() => {});
    try {
      return await running;
    } finally {
      this.#work = undefined;
    }
  }

  /** Stops the answer that is under way. `false` where there is none, or it was stopped before. */
  stop(): boolean {
    if (!this.#work || this.wasStopped) return false;
    this.#controller.abort(new Error("Ctrl-C"));
    return true;
  }

  /** Stops the answer that is under way and waits for it. None begins any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.stop();
    await this.#work;
  }
}
