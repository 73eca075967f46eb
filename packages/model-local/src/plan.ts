/** How to get to a tool or handoff: call it, look something up for it, or ask for what is missing. */
import type { FunctionSpec, JsonObject } from "@batonjs/core";
import { entityOf, type Field, fieldsOf, isIdentifier } from "./arguments/fields.ts";
import { fill } from "./arguments/fill.ts";
import type { Question } from "./conversation.ts";
import { filling, rank, type State } from "./state.ts";
import { contentOf, stem } from "./text.ts";
import { readToolName } from "./tool-name.ts";
import { actionOf, askFor, askWhich, type Choice, ownDescription, problem, reply } from "./words.ts";

/** What the model does. */
export type Decision =
  | { readonly type: "call"; readonly name: string; readonly arguments: JsonObject; readonly handoff: boolean }
  | { readonly type: "say"; readonly text: string; readonly question?: Question };

/** How often the same thing is asked for. */
const MAX_ASKED = 2;
/** How deep lookups may depend on lookups. */
const MAX_DEPTH = 3;

/**
 * Calls the choice, or what leads to it, or asks for what is missing. What cannot be taken back is only offered after a
 * lookup, unless the user `agreed` to it: asked for just that.
 */
export function take(choice: Choice, state: State, agreed: boolean): Decision {
  const done = state.mine.findLast(({ name }) => name === choice.name);
  if (done) return said(problem(done, choice));
  const next = towards(choice, choice, state, 0);
  const looked = state.mine.findLast(({ name, status }) => status === "ok" && readToolName(name).reads);
  if (!looked || agreed || next.type !== "call" || next.name !== choice.name || !isIrreversible(choice)) return next;
  const found = reply(looked);
  return found.endsWith("?") ? said(found) : offering(choice, found);
}

/** Asks whether to take the choice, after a sentence that says why. */
export function offering(choice: Choice, before: string): Decision {
  return {
    type: "say",
    text: `${before}${before.includes("\n") ? "\n" : " "}Shall I ${actionOf(choice.name)}?`,
    question: { kind: "choice", names: [choice.name] },
  };
}

/** Whether a tool looks like one whose effect cannot be taken back. */
function isIrreversible(choice: Choice): boolean {
  if (choice.type === "handoff") return false;
  const { verb, reads } = readToolName(choice.name);
  if (reads) return false;
  return (verb !== undefined && FINAL_VERBS.has(verb)) || FINAL.test(`${ownDescription(choice)} ${choice.when ?? ""}`);
}

const FINAL_VERBS: ReadonlySet<string> = new Set(
  "refund pay charge credit transfer issue buy order book send email mail notify submit delete remove cancel close stop end deactivate reset approve reject apply redeem".split(
    " ",
  ),
);
const FINAL = /\b(?:irreversibl[ey]|undone|permanent(?:ly)?|refunds?|deletes?|cancels?|erases?|pays?)\b/i;

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

/** A decision to say something. */
export const said = (text: string): Decision => ({ type: "say", text });
