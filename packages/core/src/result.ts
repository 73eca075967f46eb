import type { AnyAgent } from "./definitions.ts";
import type { Pending } from "./events.ts";
import { type InputItem, type Item, type Usage, usageByAgent, usageOf } from "./items.ts";

interface ResultBase {
  readonly runId: string;
  /** The agent that answered, or that waits. */
  readonly lastAgent: AnyAgent;
  /** The agent that gets the next message. */
  readonly activeAgent: AnyAgent;
  /** What this run has added, without the input it was given. */
  readonly newItems: readonly Item[];
  /** The whole transcript. */
  readonly history: readonly Item[];
  /** Of this run, nested runs and models that plugins asked included. */
  readonly usage: Usage;
  /** The usage of this run by agent. */
  readonly usageByAgent: ReadonlyMap<string, Usage>;
  /** The transcript as input: with the next message behind it, the conversation goes on with the active agent. */
  toInputList(): InputItem[];
}
/** The run has an answer. */
export interface CompletedResult<Output> extends ResultBase {
  readonly status: "completed";
  readonly finalOutput: Output;
  readonly pending: readonly [];
}
/** The run waits for the caller: answer with `approve`, `reject` or `toolResult`, and run again. */
export interface PausedResult extends ResultBase {
  readonly status: "paused";
  readonly finalOutput: undefined;
  readonly pending: readonly [Pending, ...Pending[]];
}
/** How a run ended. */
export type RunResult<Output = string> = CompletedResult<Output> | PausedResult;

interface ResultParts {
  readonly runId: string;
  readonly record: readonly Item[];
  /** Length of the record when the run began. */
  readonly start: number;
  readonly input: readonly Item[];
  readonly lastAgent: AnyAgent;
  readonly activeAgent: AnyAgent;
  readonly pending: readonly Pending[];
  readonly finalOutput: unknown;
}

/** The result of a run. What is counted is counted when it is read. */
export class Result {
  readonly #parts: ResultParts;

  constructor(parts: ResultParts) {
    this.#parts = parts;
  }
  get status(): "completed" | "paused" {
    return this.#parts.pending.length === 0 ? "completed" : "paused";
  }
  get runId(): string {
    return this.#parts.runId;
  }
  get finalOutput(): unknown {
    return this.#parts.finalOutput;
  }
  get pending(): readonly Pending[] {
    return this.#parts.pending;
  }
  get lastAgent(): AnyAgent {
    return this.#parts.lastAgent;
  }
  get activeAgent(): AnyAgent {
    return this.#parts.activeAgent;
  }
  get newItems(): readonly Item[] {
    const { record, start, input } = this.#parts;
    return record.slice(start).filter((item) => !input.includes(item));
  }
  get history(): readonly Item[] {
    return this.#parts.record;
  }
  get usage(): Usage {
    return usageOf(this.#parts.record.slice(this.#parts.start));
  }
  get usageByAgent(): ReadonlyMap<string, Usage> {
    return usageByAgent(this.#parts.record.slice(this.#parts.start));
  }
  toInputList(): InputItem[] {
    return this.#parts.record.slice();
  }
  /** What a log or `JSON.stringify` shows: the outcome, without the transcript. */
  toJSON(): object {
    const { runId, status, finalOutput, pending, usage } = this;
    return { runId, status, lastAgent: this.lastAgent.name, finalOutput, pending, usage };
  }
}
