import type { RunEvent } from "./events.ts";

/** The events of one run for one consumer. A slow consumer slows the run; leaving early stops it. */
export class EventQueue {
  readonly #limit: number;
  #bounded = true;
  #given = false;
  #iterated = false;
  readonly #leave: () => void;
  #events: RunEvent[] = [];
  #next = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  /** The consumer waits for an event. */
  #wake: (() => void) | undefined;
  /** The run waits for room. */
  #room: { readonly made: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(limit: number, leave: () => void) {
    this.#limit = limit;
    this.#leave = leave;
  }

  /** A promise where the consumer is behind: await it to slow down. Progress that finds no room is left out. */
  push(event: RunEvent): Promise<void> | undefined {
    if (this.#ended) return undefined;
    const full = this.#bounded && this.#events.length - this.#next >= this.#limit;
    if (full && event.type === "tool_progress") return this.#untilRoom();
    this.#events.push(event);
    this.#wake?.();
    if (!this.#bounded || this.#events.length - this.#next < this.#limit) return undefined;
    return this.#untilRoom();
  }

  #untilRoom(): Promise<void> {
    if (!this.#room) {
      let resolve = (): void => {};
      const made = new Promise<void>((made) => (resolve = made));
      this.#room = { made, resolve };
    }
    return this.#room.made;
  }

  /** Nobody may ever iterate: the run must not wait for room. */
  unbound(): void {
    if (this.#iterated) return;
    this.#bounded = false;
    this.#makeRoom();
  }

  /** No more events. A failure reaches the one who iterates. */
  end(failure?: { readonly error: unknown }): void {
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
    this.#makeRoom();
  }

  /** Throws a `TypeError` at the second call: events are handed out once. */
  events(): AsyncGenerator<RunEvent, void, undefined> {
    if (this.#given) throw new TypeError("Cannot iterate a run's stream twice: its events are handed out once");
    this.#given = true;
    return this.#iterate();
  }

  async *#iterate(): AsyncGenerator<RunEvent, void, undefined> {
    this.#iterated = this.#bounded = true;
    try {
      while (true) {
        while (this.#next < this.#events.length) yield this.#events[this.#next++]!;
        this.#events = [];
        this.#next = 0;
        this.#makeRoom();
        if (this.#ended) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
      if (this.#failure) throw this.#failure.error;
    } finally {
      if (!this.#ended) {
        this.#ended = true;
        this.#events = [];
        this.#makeRoom();
        this.#leave();
      }
    }
  }

  #makeRoom(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }
}
