import type { Model, ModelEvent, ModelReply, ModelRequest } from "@batonjs/core";
import type { AlsoUsed } from "./decision.ts";
import { NO_USAGE } from "./reply.ts";

/** How many events are kept until somebody wants them; the model's stream waits then. */
const MAX_EVENTS = 10_000;

/** A model call that was started before anybody asked for it. Its events are kept until it is adopted or cancelled. */
export class Speculation {
  /** The handoff that was guessed. */
  readonly handoff: string;
  /** The arguments that were guessed. */
  readonly payload: string;
  readonly request: ModelRequest;
  readonly model: Model;
  readonly #controller = new AbortController();
  readonly #events: ModelEvent[] = [];
  #ended = false;
  #failed = false;
  #error: unknown;
  #reply: ModelReply | undefined;
  /** Wakes whoever waits: the reader for events, the call for a reader. */
  #wake: () => void = () => {};
  #wakeCall: () => void = () => {};
  readonly #unlink: () => void;

  constructor(handoff: string, payload: string, request: ModelRequest, model: Model) {
    const { signal } = request;
    this.handoff = handoff;
    this.payload = payload;
    this.request = request;
    this.model = model;
    const stop = (): void => this.#controller.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    this.#unlink = () => signal.removeEventListener("abort", stop);
    void this.#pump();
  }

  /** It has failed or was stopped: there is nothing to adopt. */
  get failed(): boolean {
    return this.#failed || this.#controller.signal.aborted;
  }

  /** What it has streamed so far, and all that follows. */
  async *events(): AsyncGenerator<ModelEvent> {
    try {
      while (true) {
        const [event] = this.#events.splice(0, 1);
        if (event) {
          this.#wakeCall();
          yield event;
        } else if (this.#ended) {
          if (this.#failed) throw this.#error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.cancel();
    }
  }

  /** Stops it. What it has cost, where that is known: a call that is cut off tells no tokens, and counts as a call. */
  cancel(): AlsoUsed {
    this.#unlink();
    if (!this.#ended) this.#controller.abort(new DOMException("Nobody wants the reply", "AbortError"));
    this.#wakeCall();
    const reply = this.#reply;
    return [
      {
        model: reply?.model ?? this.model.name,
        provider: reply?.provider ?? this.model.provider,
        usage: reply?.usage ?? NO_USAGE,
        purpose: "prediction",
      },
      ...(reply?.alsoUsed ?? []),
    ];
  }

  async #pump(): Promise<void> {
    const { signal } = this.#controller;
    try {
      for await (const event of this.model.stream({ ...this.request, signal })) {
        if (signal.aborted) break;
        if (event.type === "reply") this.#reply = event;
        this.#events.push(event);
        this.#wake();
        if (this.#events.length >= MAX_EVENTS) await new Promise<void>((resolve) => (this.#wakeCall = resolve));
        if (event.type === "reply") break;
      }
    } catch (error) {
      this.#failed = true;
      this.#error = error;
    } finally {
      this.#ended = true;
      this.#unlink();
      this.#wake();
    }
  }
}
