/** Conversations without a terminal: one message, lines of text, or the one that is played. */
import { fstatSync } from "node:fs";
import type { Decide } from "./conversation.ts";
import { type Ask, byPerson, byRule } from "./decisions.ts";
import { type HelpDesk, answer, resume } from "./desk.ts";
import { linesOf } from "./lines.ts";
import type { ApprovalPolicy } from "./options.ts";
import type { View } from "./view.ts";

/** What is said where nobody says anything. */
export const PLAYED: readonly string[] = [
  "I was charged twice for my subscription last month",
  "Yes, please refund the second one",
  "Thanks! And now my phone app keeps crashing when I open the settings",
  "I'd also like to turn on two-factor sign-in",
  "Great, that's all. Bye!",
];

/** The most messages of one conversation that are read from stdin. */
const MAX_MESSAGES = 1_000;
/** How long a pipe that says nothing is waited for. */
const SILENCE_MS = 3_000;

/** Who decides where there is no terminal. Without a word on the command line, nothing is approved. */
export function batchDecide(policy: ApprovalPolicy | undefined, view: View, ask: Ask): Decide {
  if (policy === "all") return byRule(view, { approved: true }, "by --approve all");
  if (policy === "ask") return byPerson(view, ask);
  const why = policy === "none" ? "by --approve none" : "nobody is here to approve; --approve all or ask changes that";
  return byRule(view, { approved: false, reason: "nobody is here to approve it" }, why);
}

/** Messages that come one a line. */
export class Lines {
  readonly #lines: AsyncGenerator<string, undefined>;
  #first: Promise<IteratorResult<string, undefined>> | undefined;

  constructor(stream: NodeJS.ReadStream) {
    this.#lines = linesOf(stream);
  }

  /** Whether there is a line to come. A pipe that stays open and silent is not waited for. */
  async any(): Promise<boolean> {
    this.#first ??= this.#lines.next();
    const silence = Promise.withResolvers<"silence">();
    const timer = setTimeout(silence.resolve, SILENCE_MS, "silence");
    const first = await Promise.race([this.#first, silence.promise]);
    clearTimeout(timer);
    return first !== "silence" && !first.done;
  }

  /** All lines that are not taken by `next` meanwhile. */
  async *all(): AsyncGenerator<string, undefined> {
    for (let line = await this.next(); line !== undefined; line = await this.next()) yield line;
  }

  /** The next line, or nothing at the end. */
  async next(): Promise<string | undefined> {
    const next = this.#first ?? this.#lines.next();
    this.#first = undefined;
    return (await next).value;
  }
}

/** Whether stdin is something that could hold messages: a pipe or a file. */
export function hasStdin(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFile() || stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/** Says `messages` one after the other. Gives the exit code: 1 where one of them could not be answered. */
export async function converse(
  desk: HelpDesk,
  view: View,
  messages: AsyncIterable<string> | Iterable<string>,
): Promise<number> {
  await resume(desk, view);
  let code = 0;
  let count = 0;
  for await (const message of messages) {
    if (message.trim() === "") continue;
    if (++count > MAX_MESSAGES) {
      view.note(`That were ${MAX_MESSAGES} messages; I read no more of one conversation.`);
      break;
    }
    view.user(message);
    const outcome = await answer(desk, view, message);
    if (outcome === "failed") code = 1;
  }
  if (count === 0) view.note("There was no message. Tell me what I can help you with.");
  return code;
}
