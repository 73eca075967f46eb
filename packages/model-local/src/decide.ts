/** What to do about a conversation: call a tool, hand over, or say something. No randomness, no clock, no effect. */
import type { FunctionSpec, HandoffSpec, Json, JsonObject, ModelRequest } from "@batonjs/core";
import { fill, type Filling, isFreeText, todayOf } from "./arguments.ts";
import { type Call, type Conversation, type Question, readConversation } from "./conversation.ts";
import { readToolName } from "./facts.ts";
import { entityOf, type Field, fieldsOf, isIdentifier } from "./fields.ts";
import { type Match, type Matcher, withoutValues } from "./match.ts";
import { smallTalk, type SmallTalk, withoutGreeting } from "./small-talk.ts";
import { contentOf, stem } from "./text.ts";
import { type Day, yesOrNo } from "./values.ts";
import {
  askChoice,
  askFor,
  askWhich,
  type Choice,
  offers,
  outOfScope,
  ownDescription,
  problem,
  reply,
  WHO,
} from "./words.ts";

/** What the model does. */
export type Decision =
  | { readonly type: "call"; readonly name: string; readonly arguments: JsonObject; readonly handoff: boolean }
  | { readonly type: "say"; readonly text: string; readonly question?: Question };

/** Below which a message fits nothing, and how far the best must be ahead of the second. */
export interface Thresholds {
  readonly accept: number;
  readonly margin: number;
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
  readonly rank: Matcher;
}

/** What a decision is made with. */
export interface Deciding {
  readonly thresholds: Thresholds;
  readonly today?: Day;
  readonly offered: Offered;
}

/** The most calls of one agent after one message of the user. */
const MAX_CALLS = 6;
/** How often the same thing is asked for. */
const MAX_ASKED = 2;
/** How deep lookups may depend on lookups. */
const MAX_DEPTH = 3;

interface State extends Offered {
  readonly thresholds: Thresholds;
  readonly today?: Day;
  readonly request: ModelRequest;
  readonly talk: Conversation;
  /** Own calls since the user's last message. */
  readonly mine: readonly Call[];
  /** Whether another agent was the first to see the user's last message. */
  readonly handed: boolean;
}

/** Decides what to answer. The same request gives the same decision. */
export function decide(request: ModelRequest, deciding: Deciding): Decision {
  const state = read(request, deciding);
  const choice = request.settings.toolChoice ?? "auto";
  if (choice === "none") return inWords(state);
  const settled = afterCalls(state);
  if (settled) return settled;
  if (typeof choice === "object") {
    const named = [...state.own, ...state.back].find(({ name }) => name === choice.name);
    return named ? take(named, state) : inWords(state);
  }
  const goal = goalOf(state);
  if (goal.type === "take") return take(goal.choice, state);
  if (choice === "required") {
    const [best] = rank(state, state.talk.message);
    if (best) return take(best.choice, state);
  }
  return goal.type === "ask" ? askWhichOf(goal.choices) : inWords(state);
}

function read(request: ModelRequest, deciding: Deciding): State {
  const talk = readConversation(request.items);
  const { offered } = deciding;
  const names = new Set([...request.tools, ...request.handoffs].map(({ name }) => name));
  const mine = talk.round.filter((call) => names.has(call.name) && isOwn(call, request));
  const today = todayOf(deciding.today, talk);
  const handed = talk.round.some((call) => !isOwn(call, request));
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
  return { tools, handoffs, back, own, choices, rank: learn(choices) };
}

/** Whether a handoff is the way back to whoever handed over, rather than one to a specialist. */
function leadsBack(handoff: HandoffSpec): boolean {
  if (/(?:^|_)back(?:_|$)|return_to/i.test(handoff.name)) return true;
  return /\bback to\b|\bis not yours\b|\bhand(?:s|ing)? (?:it |the conversation )?back\b|\b(?:anything|everything|something) else\b|\bother (?:topics|subjects|requests|questions)\b/i.test(
    `${ownDescription(handoff)} ${handoff.when ?? ""}`,
  );
}

/** What own calls since the user's message leave to say, if anything. */
function afterCalls(state: State): Decision | undefined {
  const { talk, mine } = state;
  const last = mine.at(-1);
  if (!last) return undefined;
  const choice = [...state.choices, ...state.back].find(({ name }) => name === last.name);
  if (last.status !== "ok")
    return said(
      choice?.type === "handoff" ? `${problem(last, choice)} ${offers(state.own)}`.trim() : problem(last, choice),
    );
  if (choice?.type === "handoff") {
    // Control never left, or is back with the answer: a consultation. After a way back other calls follow.
    return talk.endsWithResult && talk.round.at(-1) === last ? said(reply(last)) : undefined;
  }
  return mine.length >= MAX_CALLS ? said(reply(last)) : undefined;
}

type Goal =
  | { readonly type: "take"; readonly choice: Choice }
  | { readonly type: "ask"; readonly choices: readonly Choice[] }
  | { readonly type: "none" };

const NONE: Goal = { type: "none" };

/** What the user wants, as one of the choices. */
function goalOf(state: State): Goal {
  const { talk } = state;
  const small = smallTalk(talk.message);
  const isAnswer = small === undefined || small === "yes" || small === "no";
  const answered = talk.question && isAnswer ? answerTo(talk.question, state) : undefined;
  if (answered) return { type: "take", choice: answered };
  const accepted = talk.offer !== undefined && yesOrNo(talk.message) === true ? offered(talk.offer, state) : undefined;
  if (small === "yes" && accepted) return accepted;
  if (small !== undefined) return NONE;
  const message = withoutGreeting(talk.message);
  const ranked = rank(state, message);
  const goal = judge(ranked, state);
  if (goal.type !== "none") return goal;
  if (accepted) return accepted;
  const [before] = talk.earlier;
  const together = before === undefined ? NONE : judge(rank(state, `${before}\n${message}`), state);
  // The user may have answered a question of the agent that handed over: what was said before says more.
  if (state.handed) return together.type === "none" ? lookUpFirst(ranked, state) : together;
  const short = contentOf(message).length <= 1;
  return short && together.type === "take" && isHarmless(together.choice) ? together : NONE;
}

/** For a user who was handed over with words that fit nothing: a tool that reads and needs nothing else. */
function lookUpFirst(ranked: readonly Match[], state: State): Goal {
  const ready = ranked.find(({ choice, score }) => {
    if (choice.type !== "function" || !readToolName(choice.name).reads) return false;
    const fields = fieldsOf(choice.parameters);
    if (score < state.thresholds.accept / 4 && !fields.some((field) => field.required && isFreeText(field)))
      return false;
    return fill(fields, filling(choice, state)).missing.length === 0;
  });
  return ready ? { type: "take", choice: ready.choice } : NONE;
}

/** The tool that was offered to the user. */
function offered(offer: string, state: State): Goal | undefined {
  const [best] = rank(state, offer).filter(({ choice }) => choice.type === "function");
  return best && best.score >= state.thresholds.accept * 0.7 ? { type: "take", choice: best.choice } : undefined;
}

/** Whether nothing happens that a misunderstanding would make worse. */
const isHarmless = (choice: Choice): boolean => choice.type === "handoff" || readToolName(choice.name).reads;

/** What the choices are worth for a text. Handoffs that were made for this message already are out. */
function rank(state: State, text: string): readonly Match[] {
  const made = new Set(state.mine.map(({ name }) => name));
  return state.rank(text).filter(({ choice }) => choice.type !== "handoff" || !made.has(choice.name));
}

function judge(ranked: readonly Match[], { thresholds, back, handed }: State): Goal {
  const [best, second] = ranked;
  if (!best) return NONE;
  // Whoever handed the user over has decided that it is for this agent.
  const accept = handed ? thresholds.accept * 0.6 : thresholds.accept;
  const ahead = best.score - (second?.score ?? 0);
  const isBack = (choice: Choice): boolean => back.some((way) => way === choice);
  if (best.score >= accept && ahead >= thresholds.margin) return { type: "take", choice: best.choice };
  if (ahead >= thresholds.margin) {
    return best.score >= accept / 2 && !isBack(best.choice) ? { type: "ask", choices: [best.choice] } : NONE;
  }
  // What fits two about as well would fit one of them well enough alone.
  if (!second || best.score + second.score < accept + thresholds.margin) return NONE;
  const both = [best.choice, second.choice];
  // Between two tools the one that only reads does no harm.
  const reading = both.find((choice) => choice.type === "function" && readToolName(choice.name).reads);
  if (both.every(({ type }) => type === "function") && reading) return { type: "take", choice: reading };
  if (both.some(isBack)) return best.score >= accept ? { type: "take", choice: best.choice } : NONE;
  return { type: "ask", choices: both };
}

/** The choice that an answer to our own question leads to. */
function answerTo(question: Question, state: State): Choice | undefined {
  const { talk, choices } = state;
  if (question.kind === "fields") {
    const goal = choices.find(({ name }) => name === question.goal);
    return goal && !changesSubject(goal, question, state) ? goal : undefined;
  }
  const offered = question.names
    .map((name) => choices.find((choice) => choice.name === name))
    .filter((choice) => choice !== undefined);
  if (offered.length === 0) return undefined;
  if (offered.length === 1) return yesOrNo(talk.message) === true ? offered[0] : undefined;
  if (/\b(?:first|former|1)\b/i.test(talk.message)) return offered[0];
  if (/\b(?:second|latter|last|2)\b/i.test(talk.message)) return offered[1];
  const ranked = state
    .rank(talk.message)
    .filter(({ choice, score }) => offered.includes(choice) && score > state.thresholds.accept * 0.6);
  return ranked[0] && ranked[0].score > (ranked[1]?.score ?? 0) ? ranked[0].choice : undefined;
}

/** Whether the user, asked for something, speaks of something else: it is not in the message, and another choice fits well. */
function changesSubject(goal: Choice, question: Question & { readonly kind: "fields" }, state: State): boolean {
  const tool = state.choices.find(({ name }) => name === question.tool) ?? goal;
  const wanted = fieldsOf(tool.parameters).filter(({ name }) => question.fields.includes(name));
  const only = { ...state.talk, sources: state.talk.sources.slice(0, 1), earlier: [] };
  const got = fill(wanted, filling(tool, { ...state, talk: only }));
  const typed = wanted.some(
    (field) =>
      field.options !== undefined ||
      field.type !== "string" ||
      isIdentifier(field) ||
      field.pattern !== undefined ||
      field.format !== undefined,
  );
  if (typed && got.missing.length < wanted.length) return false;
  const [best] = rank(state, withoutGreeting(state.talk.message));
  return best !== undefined && best.choice !== goal && best.score >= Math.max(state.thresholds.accept, 0.5);
}

const filling = (choice: Choice, { talk, today }: State): Filling => ({
  talk,
  ...(today ? { today } : {}),
  tool: choice.name,
  asked:
    talk.question?.kind === "fields" && (talk.question.tool === choice.name || talk.question.goal === choice.name)
      ? talk.question.fields
      : [],
  guess: choice.type === "handoff",
});

/** Calls the choice, or what leads to it, or asks for what is missing. */
function take(choice: Choice, state: State): Decision {
  const done = state.mine.findLast(({ name }) => name === choice.name);
  if (done) return said(problem(done, choice));
  return towards(choice, choice, state, 0);
}

function towards(choice: Choice, goal: Choice, state: State, depth: number): Decision {
  const filled = fill(fieldsOf(choice.parameters), filling(choice, state));
  const [first] = filled.missing;
  if (!first)
    return { type: "call", name: choice.name, arguments: filled.arguments, handoff: choice.type === "handoff" };
  if (filled.unclear)
    return askField(goal, choice, [filled.unclear.field], state, askWhich(goal, filled.unclear.records));
  const needed = filled.missing.find((field) => isIdentifier(field));
  if (needed && depth < MAX_DEPTH) {
    const steps = lookupsFor(needed, choice, state).map((lookup) => lookUp(lookup, goal, state, depth));
    const step = steps.find(({ type }) => type === "call") ?? steps[0];
    if (step) return step;
  }
  return askField(goal, choice, filled.missing.slice(0, 3), state);
}

function lookUp(lookup: FunctionSpec, goal: Choice, state: State, depth: number): Decision {
  const looked = state.mine.findLast(({ name }) => name === lookup.name);
  if (!looked) return towards(lookup, goal, state, depth + 1);
  // It was looked up and is not there: say what was found instead of asking for an id that nobody knows.
  const fields = fieldsOf(lookup.parameters).filter(({ required }) => required);
  const again: Question = {
    kind: "fields",
    goal: goal.name,
    tool: lookup.name,
    fields: fields.map(({ name }) => name),
    times: 1,
  };
  return { type: "say", text: reply(looked), ...(fields.length === 0 ? {} : { question: again }) };
}

function askField(goal: Choice, tool: Choice, fields: readonly Field[], { talk }: State, text?: string): Decision {
  const names = fields.map(({ name }) => name);
  const before =
    talk.question?.kind === "fields" && talk.question.goal === goal.name && talk.question.tool === tool.name
      ? talk.question
      : undefined;
  const times = before && before.fields.some((name) => names.includes(name)) ? before.times + 1 : 1;
  const words = text ?? askFor(goal, fields, times);
  if (times > MAX_ASKED) return said(`${words} Without it I cannot go on.`);
  return {
    type: "say",
    text: words,
    question: { kind: "fields", goal: goal.name, tool: tool.name, fields: names, times },
  };
}

/** Tools that read and may find an identifier: they speak of what it identifies and do not need it themselves. */
function lookupsFor(field: Field, choice: Choice, state: State): readonly FunctionSpec[] {
  const own = entityOf(field);
  const entity = own.length > 0 ? own : readToolName(choice.name).nouns.slice(-1).map(stem);
  const needs = (tool: FunctionSpec): readonly Field[] =>
    fieldsOf(tool.parameters).filter(({ required, nullable, preset }) => required && !nullable && preset === undefined);
  const rated = state.tools
    .filter((tool) => tool.name !== choice.name && readToolName(tool.name).reads)
    .map((tool) => ({ tool, rate: speaks(tool, entity), needs: needs(tool) }))
    .filter(
      ({ rate, needs: wanted }) =>
        rate > 0 && !wanted.some((one) => isIdentifier(one) && sameWords(entityOf(one), entity)),
    );
  const fits = new Map(rank(state, state.talk.message).map(({ choice, score }) => [choice.name, score]));
  const fit = (tool: FunctionSpec): number => fits.get(tool.name) ?? 0;
  return rated
    .toSorted((a, b) => b.rate - a.rate || fit(b.tool) - fit(a.tool) || a.needs.length - b.needs.length)
    .map(({ tool }) => tool);
}

const sameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((word) => b.includes(word));

/** 2 where the tool's name speaks of the entity, 1 where its description does. */
function speaks(tool: FunctionSpec, entity: readonly string[]): number {
  const nouns = readToolName(tool.name).nouns.map(stem);
  if (entity.some((word) => nouns.includes(word))) return 2;
  const words = new Set(contentOf(`${ownDescription(tool)} ${tool.when ?? ""}`));
  return entity.every((word) => words.has(word)) && entity.length > 0 ? 1 : 0;
}

const said = (text: string): Decision => ({ type: "say", text });
const askWhichOf = (choices: readonly Choice[]): Decision => ({
  type: "say",
  text: askChoice(choices),
  question: { kind: "choice", names: choices.map(({ name }) => name) },
});

/** What to say where nothing is to be called. */
function inWords(state: State): Decision {
  const { talk, mine, own, request } = state;
  const last = mine.findLast(({ name }) => state.tools.some((tool) => tool.name === name));
  if (last) return said(problem(last, undefined));
  const small = smallTalk(talk.message);
  if (small !== undefined) return said(smallReply(small, state));
  const back = wayBack(state);
  return back ?? said(outOfScope(own, request.at.agent));
}

/** The way back, for a message that came straight to this agent and is about something else. */
function wayBack(state: State): Decision | undefined {
  const { back, talk } = state;
  const [way] = back;
  if (!way || talk.round.length > 0 || contentOf(withoutValues(talk.message)).length === 0) return undefined;
  const filled = fill(fieldsOf(way.parameters), filling(way, state));
  if (filled.missing.length > 0) return undefined;
  return { type: "call", name: way.name, arguments: filled.arguments, handoff: true };
}

function smallReply(kind: SmallTalk, { own, request, talk }: State): string {
  const help = offers(own);
  switch (kind) {
    case "greeting":
      return `Hello! ${help === "" ? `This is ${request.at.agent}.` : help} What can I do for you?`;
    case "thanks":
      return "You're welcome! Is there anything else I can do for you?";
    case "goodbye":
      return "Goodbye, and thank you for getting in touch!";
    case "about":
      return `${WHO} ${help === "" ? `You are talking to ${request.at.agent}.` : help}`;
    case "help":
      return help === "" ? outOfScope(own, request.at.agent) : `${help} What is it about?`;
    case "yes":
      return `All right. ${help === "" ? "" : `${help} `}What would you like me to do?`;
    case "no":
    case "stop":
      return "All right, I have not done anything further. Is there anything else I can do for you?";
    case "empty":
      return `${talk.begun ? "I did not get any text." : "Hello!"} ${help === "" ? "What can I do for you?" : help}`.trim();
    default:
      kind satisfies never;
      return help;
  }
}

/** The structured answer that a schema asks for, filled as far as the conversation goes. */
export function structured(request: ModelRequest, deciding: Deciding, text: string): JsonObject {
  const state = read(request, deciding);
  const fields = request.output ? fieldsOf(request.output.schema) : [];
  const filled = fill(fields, {
    talk: state.talk,
    ...(state.today ? { today: state.today } : {}),
    tool: request.output?.name ?? "",
    asked: [],
    guess: true,
  });
  const values: Record<string, Json> = {};
  for (const field of fields) {
    const value = answersInWords(field)
      ? text
      : Object.hasOwn(filled.arguments, field.name)
        ? filled.arguments[field.name]
        : field.required
          ? placeholder(field, text)
          : undefined;
    if (value !== undefined)
      Object.defineProperty(values, field.name, { value, enumerable: true, configurable: true, writable: true });
  }
  return values;
}

const answersInWords = (field: Field): boolean =>
  field.type === "string" &&
  !field.options &&
  ["answer", "repl", "reply", "respons", "response", "messag", "message", "text", "output", "result"].includes(
    field.stems.at(-1) ?? "",
  );

function placeholder(field: Field, text: string): Json {
  if (field.nullable) return null;
  switch (field.type) {
    case "number":
    case "integer":
      return Math.max(0, field.minimum ?? 0);
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return Object.fromEntries(
        (field.fields ?? []).filter(({ required }) => required).map((inner) => [inner.name, placeholder(inner, text)]),
      );
    case "null":
      return null;
    case "string":
    case "any":
      return field.options?.[0]?.value ?? ((field.minLength ?? 0) > 0 ? text.slice(0, field.maxLength ?? 500) : "");
    default:
      field.type satisfies never;
      return null;
  }
}
