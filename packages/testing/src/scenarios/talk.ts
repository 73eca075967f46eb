/** One conversation with the agents, message by message. */
import {
  type AnyAgent,
  approve,
  type Input,
  type InputItem,
  type Item,
  type Pending,
  reject,
  type Runner,
  type RunOptions,
} from "@batonjs/core";
import type { Seen } from "./judge.ts";
import type { Decisions } from "./scenario.ts";

/** How often a turn may ask for decisions that are given. */
const MAX_DECISIONS = 50;

/** What a message led to. */
export interface Exchange extends Seen {
  readonly user: string;
  /** Calls that still wait for the caller. */
  readonly open: readonly Pending[];
}

export interface TalkParts {
  readonly runner: Runner;
  readonly agent: AnyAgent;
  readonly options: RunOptions & { readonly context?: unknown };
}

/** Messages go in, what they lead to comes out. The transcript is the conversation, as `toInputList()` gives it. */
export class Talk {
  readonly #parts: TalkParts;
  #items: readonly InputItem[] = [];
  /** Everything recorded so far. */
  record: readonly Item[] = [];
  readonly pauses: (readonly Item[])[] = [];

  constructor(parts: TalkParts) {
    this.#parts = parts;
  }

  /** Rejects with what a run rejects with. */
  async say(user: string, decisions: Decisions | undefined): Promise<Exchange> {
    const { runner, agent, options } = this.#parts;
    const before = this.record.length;
    const pauses: (readonly Item[])[] = [];
    let input: readonly InputItem[] = [...this.#items, { role: "user", content: user }];
    for (let rounds = 0; ; rounds++) {
      const result = await runner.run(agent, input as Input, options as never);
      this.record = result.history;
      this.#items = result.toInputList();
      const items = this.record.slice(before);
      if (result.pending.some(({ kind }) => kind === "approval")) {
        pauses.push(items);
        this.pauses.push(this.record);
      }
      const answers = result.pending.flatMap((pending) => answerTo(pending, decisions));
      if (answers.length > 0 && rounds === MAX_DECISIONS)
        throw new RangeError(`The turn has asked for decisions ${rounds} times and goes on asking`);
      if (answers.length > 0) {
        input = [...this.#items, ...answers];
        continue;
      }
      const { lastAgent, finalOutput, pending: open } = result;
      return { user, items, pauses, lastAgent, finalOutput, open };
    }
  }
}

function answerTo(pending: Pending, decisions: Decisions | undefined): readonly InputItem[] {
  if (pending.kind !== "approval" || decisions === undefined) return [];
  const own =
    typeof decisions === "boolean"
      ? decisions
      : Object.hasOwn(decisions, pending.name)
        ? decisions[pending.name]
        : undefined;
  if (own === undefined) return [];
  const { approved, reason } = typeof own === "boolean" ? { approved: own } : own;
  return [(approved ? approve : reject)(pending, reason === undefined ? {} : { reason })];
}
