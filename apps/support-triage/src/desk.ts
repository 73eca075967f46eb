/** The help desk, opened: its agents, its runner, its database, and one conversation. */
import { type Item, type Plugin, RunError, Runner, type Session } from "@batonjs/core";
import { createDesk, type Desk } from "./agents.ts";
import { Conversation, type Decide, type Outcome } from "./conversation.ts";
import { Answering } from "./answering.ts";
import { openDatabase } from "./database.ts";
import { type Options, UsageError } from "./options.ts";
import { loadPlugins } from "./plugins.ts";
import { type Support, customerOf } from "./support.ts";
import { short } from "./text.ts";
import type { View } from "./view.ts";

/** A model that has not answered by then is given up. */
const MODEL_TIMEOUT_MS = 120_000;
/** The longest message that is read; nobody types more, and models are paid by length. */
const MAX_MESSAGE_LENGTH = 8_000;

export interface HelpDesk {
  readonly entry: Desk;
  readonly support: Support;
  readonly conversation: Conversation;
  /** Who is talking to whom. */
  readonly title: string;
  readonly answering: Answering;
  /** Stops what is under way, lets plugins flush, and closes the database. */
  close(): Promise<void>;
}

/** Opens what the options name. Throws a `UsageError` for what cannot be opened. */
export async function openHelpDesk(
  options: Options,
  view: View,
  decide: Decide,
  extra: readonly Plugin[] = [],
): Promise<HelpDesk> {
  const plugins = await loadPlugins(options);
  const db = database(options.db);
  const support: Support = { db, customerId: options.customer, bankMs: options.bankMs };
  const entry = createDesk({ triage: options.triageModel, specialist: options.specialistModel });
  const runner = new Runner({
    plugins: [...extra, ...plugins],
    modelTimeoutMs: MODEL_TIMEOUT_MS,
    // The customer who comes back after a crash has the word at once: no lease of the process that died is waited for.
    concurrentTurns: "interrupt",
  });
  const answering = new Answering();
  const conversation = new Conversation({
    runner,
    desk: entry,
    // Nobody goes on with the conversation of another customer.
    session: { tenant: options.customer, id: options.session ?? "chat" },
    support,
    decide,
    onEvent: (event) => view.event(event),
  });
  const customer = customerOf(support);
  const note = customer?.staff_note ? `\nStaff note, for triage only: ${customer.staff_note}` : "";
  const who = customer
    ? `${customer.name} (${customer.id})`
    : `${short(options.customer, 40)}, who is not in our records`;
  return {
    entry,
    support,
    conversation,
    title: `Larkspur help desk · ${who} · ${modelTitle(options)}${note}`,
    answering,
    close: async () => {
      await answering.end();
      try {
        await runner.close();
      } finally {
        db.close();
      }
    },
  };
}

function database(path: string): Support["db"] {
  try {
    return openDatabase(path);
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}

function modelTitle({ triageModel, specialistModel }: Options): string {
  if (triageModel === "local" && specialistModel === "local") return "embedded model (no LLM)";
  return triageModel === specialistModel ? triageModel : `${triageModel}, ${specialistModel}`;
}

/** What came of a message: an answer, a question to a person that is open, or neither. */
export type Answered = Outcome["status"] | "stopped" | "failed";

/** Answers one message and shows how. What goes wrong becomes a sentence. */
export async function answer(desk: HelpDesk, view: View, message: string): Promise<Answered> {
  if (message.length > MAX_MESSAGE_LENGTH) {
    view.note(
      `That message is ${message.length.toLocaleString("en-US")} characters long, and I read at most ${MAX_MESSAGE_LENGTH.toLocaleString("en-US")}. Please send me the part that matters.`,
    );
    return "completed";
  }
  return attempt(desk, view, (signal) => desk.conversation.say(message.toWellFormed(), signal));
}

/** Takes up what was left undone in an earlier process, if anything was. */
export async function resume(desk: HelpDesk, view: View): Promise<Answered> {
  if (!(await isUndone(desk.conversation.session))) return "completed";
  view.note("Taking up what was left undone.");
  return attempt(desk, view, (signal) => desk.conversation.resume(signal));
}

/** Somebody waits: a call for its result, or the customer for an answer. */
async function isUndone(session: Session): Promise<boolean> {
  if ((await session.openCalls()).length > 0) return true;
  const last = (await session.items()).findLast(isPartOfTheTalk);
  return last !== undefined && !(last.type === "message" && last.agent !== undefined);
}

const isPartOfTheTalk = (item: Item): boolean =>
  item.type === "tool_result" || item.type === "handoff" || (item.type === "message" && item.role !== "system");

/** Ctrl-C stops the answer. */
async function attempt(
  { answering }: HelpDesk,
  view: View,
  work: (signal: AbortSignal) => Promise<Outcome>,
): Promise<Answered> {
  try {
    const outcome = await answering.start(work);
    view.answered();
    return outcome.status;
  } catch (error) {
    if (answering.wasStopped) {
      view.note("Stopped.");
      return "stopped";
    }
    view.problem(sentence(error));
    return "failed";
  }
}

/** What a customer may read about an error. */
export function sentence(error: unknown): string {
  const message = short(messageOf(error), 400);
  return error instanceof RunError || error instanceof UsageError
    ? message
    : `Something went wrong on our side: ${message}`;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
