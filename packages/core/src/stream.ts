import type { EventQueue } from "./event-queue.ts";
import type { RunEvent } from "./events.ts";
import type { RunResult } from "./result.ts";

/** A run's events as they happen. Iterate it once; leaving early stops the run. */
export class RunStream<Output = string> implements AsyncIterable<RunEvent> {
  readonly #queue: EventQueue;
  readonly #result: Promise<RunResult<Output>>;

  constructor(queue: EventQueue, result: Promise<RunResult<Output>>) {
    this.#queue = queue;
    this.#result = result;
    result.then(
      () => queue.end(),
      (error: unknown) => queue.end({ error }),
    );
  }

  /** How the run ended. May be awaited without iterating: the run then waits for nobody. */
  get result(): Promise<RunResult<Output>> {
    this.#queue.unbound();
    return this.#result;
  }

  [Symbol.asyncIterator](): AsyncGenerator<RunEvent, void, undefined> {
    return this.#queue.events();
  }

  /** The answer's text, piece by piece: no text of nested runs, nor of agents that were only consulted. */
  get textStream(): AsyncIterable<string> {
    return textOf(this.#queue.events());
  }
}

async function* textOf(events: AsyncIterable<RunEvent>): AsyncGenerator<string, void, undefined> {
  for await (const event of events) {
    if (event.type === "text_delta" && event.path === undefined && event.consulting === undefined) yield event.delta;
  }
}
