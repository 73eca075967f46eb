/** What was expected, against what was seen. */
import { type AnyAgent, type Item, type Schema } from "@batonjs/core";
import {
  type AgentName,
  answers,
  callsTool,
  type Cost,
  costs,
  followsPath,
  handsOffTo,
  nameOf,
  needsApproval,
  sentence,
  staysWith,
  type Verdict,
} from "../expectations.ts";
import type { OneOrMore, TurnExpectations } from "./scenario.ts";

/** What was seen of a turn, or of a whole conversation. */
export interface Seen {
  readonly items: readonly Item[];
  /** The items up to each time that a decision was asked for. */
  readonly pauses: readonly (readonly Item[])[];
  readonly lastAgent: AnyAgent | undefined;
  readonly finalOutput: unknown;
}

/** An expectation that does not hold. */
export interface Miss {
  readonly message: string;
  readonly marks: readonly Item[];
}

type Checks = {
  readonly [Key in keyof Required<TurnExpectations>]: (
    seen: Seen,
    wanted: NonNullable<TurnExpectations[Key]>,
    price: Cost["price"],
  ) => readonly (Miss | undefined)[];
};

/** The expectations that do not hold, in the order in which they are written. */
export function missesOf(expected: TurnExpectations, seen: Seen, price: Cost["price"]): readonly Miss[] {
  return Object.entries(expected).flatMap(([key, wanted]) => {
    if (wanted === undefined || !Object.hasOwn(checks, key)) return [];
    const check = checks[key as keyof Checks] as (
      seen: Seen,
      wanted: unknown,
      price: Cost["price"],
    ) => readonly (Miss | undefined)[];
    return check(seen, wanted, price).filter((miss) => miss !== undefined);
  });
}

const checks: Checks = {
  agent: (seen, wanted) => [holds(answeredBy(seen, wanted))],
  handsOffTo: ({ items }, wanted) =>
    listOf<AgentName | { readonly agent: AgentName; readonly payload?: unknown }>(wanted).map((to) =>
      holds(isTarget(to) ? handsOffTo(items, to.agent, to.payload) : handsOffTo(items, to)),
    ),
  path: ({ items }, wanted) => [holds(followsPath(items, wanted))],
  staysWith: ({ items }, wanted) => [holds(staysWith(items, wanted))],
  calls: ({ items }, wanted) => listOf(wanted).map((call) => holds(callOf(items, call))),
  callsNot: ({ items }, wanted) => listOf(wanted).map((call) => holdsNot(callOf(items, call))),
  needsApproval: (seen, wanted) => {
    if (wanted === false) return [holdsNot(asked(seen, undefined))];
    return wanted === true ? [holds(asked(seen, undefined))] : listOf(wanted).map((name) => holds(asked(seen, name)));
  },
  answer: (seen, wanted) =>
    listOf<string | RegExp | Schema>(wanted).map((each) => holds(answers(answered(seen), each))),
  answerNot: (seen, wanted) =>
    listOf<string | RegExp | Schema>(wanted).map((each) => holdsNot(answers(answered(seen), each))),
  cost: ({ items }, wanted, price) => [holds(costs(items, price ? { ...wanted, price } : wanted))],
};

const holds = (verdict: Verdict): Miss | undefined =>
  verdict.pass ? undefined : { message: sentence(verdict), marks: verdict.marks };
const holdsNot = (verdict: Verdict): Miss | undefined =>
  verdict.pass ? { message: sentence(verdict), marks: verdict.marks } : undefined;

const listOf = <Value>(wanted: OneOrMore<Value>): readonly Value[] =>
  Array.isArray(wanted) ? (wanted as readonly Value[]) : [wanted as Value];

const isTarget = (to: object | string): to is { readonly agent: AgentName; readonly payload?: unknown } =>
  typeof to === "object" && "agent" in to;

const answered = ({
  items,
  finalOutput,
}: Seen): { readonly newItems: readonly Item[]; readonly finalOutput: unknown } => ({
  newItems: items,
  finalOutput,
});

function callOf(items: readonly Item[], call: string | { readonly tool: string; readonly args?: unknown }): Verdict {
  return typeof call === "string" ? callsTool(items, call) : callsTool(items, call.tool, call.args);
}

function answeredBy({ items, lastAgent }: Seen, wanted: AgentName): Verdict {
  const last = items.findLast((item) => item.type === "message" && item.role === "assistant");
  return {
    pass: lastAgent?.name === nameOf(wanted),
    expected: `end with ${JSON.stringify(nameOf(wanted))}`,
    found: lastAgent ? `it ends with ${JSON.stringify(lastAgent.name)}` : "it has not ended",
    marks: last ? [last] : [],
  };
}

/** A decision was asked for, whatever came of it. */
function asked({ items, pauses }: Seen, name: string | undefined): Verdict {
  const verdicts = pauses.map((pause) => needsApproval(pause, name));
  return verdicts.find(({ pass }) => pass) ?? verdicts.at(-1) ?? needsApproval(items, name);
}
