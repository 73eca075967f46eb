/** What a decision is made from: the conversation, what the request offers, and what was done about it already. */
import type { FunctionSpec, HandoffSpec, ModelRequest } from "@batonjs/core";
import type { Filling } from "./arguments/reading.ts";
import { type Call, type Conversation, readConversation } from "./conversation.ts";
import type { Matcher } from "./match.ts";
import { type Day, dayOf } from "./values.ts";
import { type Choice, ownDescription } from "./words.ts";

/** Below which a message fits nothing, and how far the best must be ahead of the second. */
export interface Thresholds {
  readonly accept: number;
  readonly margin: number;
}

/** A choice and how well a message fits it, from 0 to 1. */
export interface Match {
  readonly choice: Choice;
  readonly score: number;
  /** Whether the message has a word of what the choice says about itself. */
  readonly named: boolean;
}

/** What a request offers, read once. */
export interface Offered {
  readonly tools: readonly FunctionSpec[];
  /** Handoffs to specialists. */
  readonly handoffs: readonly HandoffSpec[];
  /** Handoffs that lead back, for what fits nothing here. */
  readonly back: readonly HandoffSpec[];
  /** What this agent itself can do: handoffs to specialists, tools. */
  readonly own: readonly Choice[];
  /** What a message is compared with: `own`, and ways back that say what they are for. */
  readonly choices: readonly Choice[];
  /** What the choices are worth for a text, the best first. */
  readonly rank: (text: string) => readonly Match[];
}

/** What a decision is made with. */
export interface Deciding {
  readonly thresholds: Thresholds;
  readonly today?: Day;
  readonly offered: Offered;
}

/** A request, read. */
export interface State extends Offered {
  readonly thresholds: Thresholds;
  readonly today?: Day;
  readonly request: ModelRequest;
  readonly talk: Conversation;
  /** Own calls since the user's last message. */
  readonly mine: readonly Call[];
  /** Whether another agent was the first to see the user's last message. */
  readonly handed: boolean;
}

/** Reads a request. */
export function readState(request: ModelRequest, deciding: Deciding): State {
  const talk = readConversation(request.items);
  const { offered } = deciding;
  const names = new Set([...request.tools, ...request.handoffs].map(({ name }) => name));
  const mine = talk.round.filter((call) => names.has(call.name) && isOwn(call, request));
  const today = deciding.today ?? (talk.at === undefined ? undefined : dayOf(talk.at));
  const first = talk.round.findIndex((call) => isOwn(call, request));
  const before = (first < 0 ? talk.round : talk.round.slice(0, first)).at(-1);
  // Whoever gets a user back that went to another agent straight was not handed anything.
  const handed = before !== undefined && !namesWayBack(before.name);
  return { ...offered, thresholds: deciding.thresholds, ...(today ? { today } : {}), request, talk, mine, handed };
}

const isOwn = ({ agent }: Call, { at }: ModelRequest): boolean => agent === undefined || agent === at.agent;

/** Reads the tools and handoffs of a request. `learn` makes what ranks them. */
export function offeredIn(request: ModelRequest, learn: (choices: readonly Choice[]) => Matcher): Offered {
  const tools = request.tools.filter((tool) => tool.type === "function");
  const back = request.handoffs.filter(leadsBack);
  const handoffs = request.handoffs.filter((handoff) => !back.includes(handoff));
  const own = [...handoffs, ...tools];
  const choices = [...own, ...back.filter(({ when, examples }) => when !== undefined || examples !== undefined)];
  const byName = new Map(choices.map((choice) => [choice.name, choice]));
  const scores = learn(choices);
  const rank = (text: string): readonly Match[] =>
    scores(text).flatMap(({ name, ...match }) => {
      const choice = byName.get(name);
      return choice ? [{ choice, ...match }] : [];
    });
  return { tools, handoffs, back, own, choices, rank };
}

const namesWayBack = (name: string): boolean => /(?:^|_)back(?:_|$)|return_to/i.test(name);

/** Whether a handoff is the way back to whoever handed over, rather than one to a specialist. */
function leadsBack(handoff: HandoffSpec): boolean {
  if (namesWayBack(handoff.name)) return true;
  return /\bback to\b|\bis not yours\b|\bhand(?:s|ing)? (?:it |the conversation )?back\b|\b(?:anything|everything|something) else\b|\bother (?:topics|subjects|requests|questions)\b/i.test(
    `${ownDescription(handoff)} ${handoff.when ?? ""}`,
  );
}

/** What the choices are worth for a text. Handoffs that were made for this message already are out. */
export function rank(state: State, text: string): readonly Match[] {
  const made = new Set(state.mine.map(({ name }) => name));
  return state.rank(text).filter(({ choice }) => choice.type !== "handoff" || !made.has(choice.name));
}

/** What a choice's arguments are filled from. */
export const filling = (choice: Choice, { talk, today }: State): Filling => ({
  talk,
  ...(today ? { today } : {}),
  tool: choice.name,
  asked:
    talk.question?.kind === "fields" && (talk.question.tool === choice.name || talk.question.goal === choice.name)
      ? talk.question.fields
      : [],
  guess: choice.type === "handoff",
});
