/** Where a conversation is shown: on a screen for people, as lines of JSON for programs. */
import type { Pending, RunEvent } from "@batonjs/core";
import type { Decision } from "./conversation.ts";

export interface View {
  /** What the customer says, where they have not typed it here themselves. */
  user(text: string): void;
  /** Something happens in the run. */
  event(event: RunEvent): void;
  /** A person is to decide on a call. */
  approval(pending: Pending, summary: string | undefined): void;
  decision(pending: Pending, decision: Decision, by: string): void;
  /** A line that nobody says. */
  note(text: string): void;
  /** What went wrong, in a sentence. */
  problem(text: string): void;
  /** All that follows from a message has been shown. */
  answered(): void;
}

/** Events as lines of JSON on stdout, sentences on stderr. */
export function jsonView(out: NodeJS.WritableStream, err: NodeJS.WritableStream): View {
  const line = (value: unknown): void => void out.write(`${JSON.stringify(value)}\n`);
  const sentence = (text: string): void => void err.write(`${text}\n`);
  return {
    user: () => {},
    event: (event) =>
      line(
        event.type === "run_failed"
          ? { ...event, error: { name: event.error.name, message: event.error.message } }
          : event,
      ),
    approval: () => {},
    decision: () => {},
    note: sentence,
    problem: sentence,
    answered: () => {},
  };
}
