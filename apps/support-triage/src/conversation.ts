/** One customer's conversation with the desk. */
import {
  type Item,
  type Pending,
  type RunEvent,
  type Runner,
  type Session,
  type SessionKey,
  approve,
  reject,
} from "@batonjs/core";
import { INTERNAL, type Desk } from "./agents.ts";
import { type Support, customerOf } from "./support.ts";

/** What a person, or a rule, says about a call that needs approval. */
export interface Decision {
  readonly approved: boolean;
  /** Of a rejection: what the agent, and so the customer, is told. */
  readonly reason?: string;
}

/** Decides about a call; nothing leaves it open. */
export type Decide = (pending: Pending, support: Support) => Promise<Decision | undefined>;

export interface ConversationParts {
  readonly runner: Runner;
  readonly desk: Desk;
  readonly session: string | SessionKey;
  readonly support: Support;
  readonly decide: Decide;
  readonly onEvent: (event: RunEvent) => void;
}

/** What a message led to. */
export interface Outcome {
  readonly status: "completed" | "paused";
  readonly text: string | undefined;
  /** The agent that gets the next message. */
  readonly agent: string;
}

/** Messages go in, events and decisions come out. All of it is in the store, so another process can go on with it. */
export class Conversation {
  readonly #parts: ConversationParts;
  #notes: string[] = [];

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /** What the store has of it. */
  get session(): Session {
    const { runner, session } = this.#parts;
    return runner.session(session);
  }

  /** Everything recorded so far. */
  async items(): Promise<readonly Item[]> {
    return this.session.items();
  }

  /** A note of the staff that goes in with the next message. It is not handed over. */
  leaveNote(text: string): void {
    this.#notes.push(`${INTERNAL} ${text}`);
  }

  /** Answers a message, asking for decisions where they are needed. */
  async say(message: string, signal?: AbortSignal): Promise<Outcome> {
    if ((await this.items()).length === 0) this.#leaveStaffNote();
    const notes = this.#notes.splice(0);
    const input = [
      ...notes.map((content) => ({ role: "system" as const, content })),
      { role: "user" as const, content: message },
    ];
    return this.#run(input, signal);
  }

  /** Takes up what an earlier process left undone, and asks again for decisions that are open. */
  async resume(signal?: AbortSignal): Promise<Outcome> {
    return this.#run([], signal);
  }

  async #run(first: Parameters<Runner["stream"]>[1], signal: AbortSignal | undefined): Promise<Outcome> {
    const { runner, desk, session, support, decide, onEvent } = this.#parts;
    let input = first;
    while (true) {
      const stream = runner.stream(desk, input, { session, context: support, ...(signal ? { signal } : {}) });
      for await (const event of stream) onEvent(event);
      const result = await stream.result;
      const agent = result.activeAgent.name;
      if (result.status === "completed") return { status: "completed", text: result.finalOutput, agent };
      const answers = [];
      for (const pending of result.pending) {
        const decision = await decide(pending, support);
        if (decision?.approved) answers.push(approve(pending));
        else if (decision)
          answers.push(reject(pending, decision.reason === undefined ? {} : { reason: decision.reason }));
      }
      if (answers.length === 0) return { status: "paused", text: undefined, agent };
      input = answers;
    }
  }

  #leaveStaffNote(): void {
    const note = customerOf(this.#parts.support)?.staff_note;
    if (note) this.#notes.unshift(`${INTERNAL} ${note}`);
  }
}
