/** What the user wants, as one of the tools and handoffs. */
import { type Field, fieldsOf, isIdentifier } from "./arguments/fields.ts";
import { fill } from "./arguments/fill.ts";
import { meansSame } from "./arguments/option.ts";
import { isFreeText } from "./arguments/texts.ts";
import type { Question } from "./conversation.ts";
import { exampleLists } from "./examples.ts";
import { smallTalk, tellsTheProgram, withoutGreeting } from "./small-talk.ts";
import { filling, type Match, rank, type State } from "./state.ts";
import { contentOf, stem } from "./text.ts";
import { readToolName } from "./tool-name.ts";
import { yesOrNo } from "./values.ts";
import type { Choice } from "./words.ts";

/** A choice to take, choices to ask about, or nothing that fits. */
export type Goal =
  | {
      readonly type: "take";
      readonly choice: Choice;
      /** The last message only makes sense together with what was said or asked before. */
      readonly answers: boolean;
      /** The user asked for just this, or said yes to it. */
      readonly agreed: boolean;
    }
  | { readonly type: "ask"; readonly choices: readonly Choice[] }
  | { readonly type: "none" };

const NONE: Goal = { type: "none" };

/** A score that leaves no doubt. */
const CERTAIN = 0.9;

/** What the user wants, as one of the choices. */
export function goalOf(state: State): Goal {
  const { talk } = state;
  const small = smallTalk(talk.message);
  const mayAnswer = small === undefined || small === "yes" || small === "no";
  const answered = talk.question && mayAnswer ? answerTo(talk.question, state) : undefined;
  if (answered) return { type: "take", choice: answered, answers: true, agreed: true };
  const accepted = talk.offer !== undefined && yesOrNo(talk.message) === true ? offered(talk.offer, state) : NONE;
  if (small !== undefined) return small === "yes" ? accepted : NONE;
  const message = withoutGreeting(talk.message);
  if (tellsTheProgram(message)) return NONE;
  const ranked = rank(state, message);
  const goal = judge(ranked, message, state);
  if (goal.type !== "none") return goal;
  if (accepted.type !== "none") return accepted;
  const together = withEarlier(message, state);
  // The user may have answered a question of the agent that handed over: what was said before says more.
  if (state.handed) return together.type === "none" ? lookUpFirst(ranked, state) : together;
  const short = contentOf(message).length <= 1;
  return short && together.type === "take" && isHarmless(together.choice) ? together : NONE;
}

/** What the message means together with the one before it. */
function withEarlier(message: string, state: State): Goal {
  const [before] = state.talk.earlier;
  const goal =
    before === undefined ? NONE : judge(rank(state, `${before}\n${message}`), `${before}\n${message}`, state);
  return goal.type === "take" ? { ...goal, answers: true } : goal;
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
  return ready ? { type: "take", choice: ready.choice, answers: false, agreed: false } : NONE;
}

/** The tool that was offered to the user, in its words. */
function offered(offer: string, state: State): Goal {
  const [best] = rank(state, offer).filter(({ choice, named }) => choice.type === "function" && named);
  return best && best.score >= state.thresholds.accept * 0.7
    ? { type: "take", choice: best.choice, answers: true, agreed: true }
    : NONE;
}

/** Whether a text asks for just this, by the verb of the tool's name or all words of an example; being like one is not enough. */
function asksFor(choice: Choice, text: string): boolean {
  const said = new Set(contentOf(text));
  const { verb } = readToolName(choice.name);
  if (verb !== undefined && [...said].some((word) => meansSame(word, stem(verb)))) return true;
  return exampleLists(choice.examples)
    .flatMap(({ texts }) => texts.map((example) => contentOf(example)))
    .some((words) => words.length >= 2 && words.every((word) => said.has(word)));
}

/** Whether nothing happens that a misunderstanding would make worse. */
const isHarmless = (choice: Choice): boolean => choice.type === "handoff" || readToolName(choice.name).reads;

/** Takes the best, asks where it is not sure or where two fit about as well, or leaves it. */
function judge(all: readonly Match[], text: string, { thresholds, back, handed }: State): Goal {
  const isBack = (choice: Choice): boolean => back.some((way) => way === choice);
  // Whoever handed the user over has decided that it is for this agent; to send them back takes more.
  const ranked = handed ? all.filter(({ choice, score }) => !isBack(choice) || score >= thresholds.accept) : all;
  const accept = handed ? thresholds.accept * 0.6 : thresholds.accept;
  const [best, second] = ranked;
  if (!best) return NONE;
  const take = (choice: Choice): Goal => ({ type: "take", choice, answers: false, agreed: asksFor(choice, text) });
  const ahead = best.score - (second?.score ?? 0);
  // Two specialists who would each be sure alone: the message is about both, unless one of them leaves no doubt.
  const torn =
    second !== undefined &&
    second.score >= thresholds.accept &&
    best.score < CERTAIN &&
    [best, second].every(({ choice, named }) => choice.type === "handoff" && named && !isBack(choice));
  if (torn) return { type: "ask", choices: [best.choice, second.choice] };
  // Without a word in common the likeness is one of tone ("my dog ate my homework"): at most worth a question.
  const certain = ({ choice, named }: Match): boolean => named || handed || isBack(choice);
  if (!certain(best) && (ahead < thresholds.margin || best.score < accept + thresholds.margin)) return NONE;
  if (ahead >= thresholds.margin) {
    if (!certain(best)) return { type: "ask", choices: [best.choice] };
    if (best.score >= accept) return take(best.choice);
    const maybe = best.named && best.score >= accept / 2 && !isBack(best.choice);
    return maybe ? { type: "ask", choices: [best.choice] } : NONE;
  }
  // What fits two about as well would fit one of them well enough alone.
  if (!second || best.score + second.score < accept + thresholds.margin) return NONE;
  const both = [best.choice, second.choice];
  // Between two tools the one that only reads does no harm.
  const reading = both.find((choice) => choice.type === "function" && readToolName(choice.name).reads);
  if (both.every(({ type }) => type === "function") && reading) return take(reading);
  if (both.some(isBack)) return best.score >= accept ? take(best.choice) : NONE;
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

/** Whether the user, asked for something, speaks of something else: it is not in the message, and the message fits another choice, or nothing here. */
function changesSubject(goal: Choice, question: Question & { readonly kind: "fields" }, state: State): boolean {
  const tool = state.choices.find(({ name }) => name === question.tool) ?? goal;
  const wanted = fieldsOf(tool.parameters).filter(({ name }) => question.fields.includes(name));
  const only = { ...state.talk, sources: state.talk.sources.slice(0, 1), earlier: [] };
  const got = fill(wanted, filling(tool, { ...state, talk: only }));
  const typed = wanted.some(hasForm);
  if (typed && got.missing.length < wanted.length) return false;
  const message = withoutGreeting(state.talk.message);
  const [best] = rank(state, message);
  const fitsOther = best !== undefined && best.choice !== goal && best.score >= Math.max(state.thresholds.accept, 0.5);
  const fitsNothing = best === undefined || best.score < state.thresholds.accept / 3;
  return fitsOther || (typed && fitsNothing && state.back.length > 0 && contentOf(message).length >= 3);
}

/** Whether a value of the field can be told from other words. */
const hasForm = (field: Field): boolean =>
  field.options !== undefined ||
  field.type !== "string" ||
  isIdentifier(field) ||
  field.pattern !== undefined ||
  field.format !== undefined;
