/** One conversation with the bank, and how each message got where it went. */
import { type InputItem, type Item, RunError, Runner } from "@batonjs/core";
import { type Bank, FRONT_DESK } from "./bank.ts";

/** The longest message that is read: nobody types more, and models are paid by length. */
export const MAX_MESSAGE_LENGTH = 8_000;

/** What came of a message. */
export interface Answer {
  readonly text: string;
  /** Who says it. */
  readonly agent: string;
  /** A line for each decision on the way. */
  readonly ladder: readonly string[];
}

export class Desk {
  readonly #bank: Bank;
  readonly #runner: Runner;
  #items: readonly InputItem[] = [];

  constructor(bank: Bank) {
    this.#bank = bank;
    this.#runner = new Runner({ plugins: bank.plugins, modelTimeoutMs: 120_000 });
  }

  /** Answers a message, which is part of the conversation from then on. Rejects with a `RunError`. */
  async say(text: string): Promise<Answer> {
    const message = { role: "user", content: text.toWellFormed() } as const;
    const result = await this.#runner.run(this.#bank.frontDesk, [...this.#items, message]);
    this.#items = result.toInputList();
    return { text: result.finalOutput ?? "", agent: result.lastAgent.name, ladder: ladderOf(result.newItems) };
  }

  close(): Promise<void> {
    return this.#runner.close();
  }
}

/** The decisions among `items`, in words. */
function ladderOf(items: readonly Item[]): readonly string[] {
  return items.flatMap((item): string[] => {
    if (item.type === "note") return noteLine(item.data as Note);
    if (item.type === "handoff") return [`${item.from} → ${item.to}`];
    if (item.type === "turn" && item.agent === FRONT_DESK && item.provider !== "router")
      return [`${FRONT_DESK} asked ${item.model}`];
    return [];
  });
}

interface Note {
  readonly kind?: string;
  readonly to?: string | null;
  readonly rung?: string;
  readonly score?: number;
  readonly intent?: string;
  readonly scores?: readonly { readonly to: string | null; readonly score: number }[];
  readonly nearest?: readonly { readonly text: string }[];
}

function noteLine({ kind, to, rung, score = 0, intent, scores = [], nearest = [] }: Note): string[] {
  if (kind === "sticky") return [`new subject: ${to ?? "something else"} ${score.toFixed(2)}`];
  if (kind !== "decision") return [];
  if (rung === "model") {
    const [best] = scores;
    const guess = best ? `best guess ${best.to ?? "nobody"} ${best.score.toFixed(2)}` : "nothing known";
    return [`no rung is sure: ${guess}`];
  }
  const about = intent === undefined ? "" : ` (${intent})`;
  const like = nearest[0] === undefined ? "" : `, like "${nearest[0].text}"`;
  return [`${rung}: ${to ?? "nobody"} ${score.toFixed(2)}${about}${like}`];
}

/** What a customer may read about an error. */
export const sentence = (error: unknown): string =>
  error instanceof RunError ? error.message : `Something went wrong on our side: ${String(error)}`;
