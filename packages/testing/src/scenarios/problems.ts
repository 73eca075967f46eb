/** What is wrong with a scenario, found before anything is run. */
import type { AnyAgent } from "@batonjs/core";
import { quote } from "../text.ts";
import { type KnownNames, suggestion } from "./names.ts";

/** Where something is in a scenario: keys, and numbers of elements from 0. */
export type Path = readonly (string | number)[];

/** One thing that is wrong. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
}

/** What is wrong with `scenario`. Names of agents and tools are checked where they are known. */
export function problemsOf(scenario: unknown, names: KnownNames | undefined): readonly Problem[] {
  const problems: Problem[] = [];
  wholeScenario(scenario, new Place([], names, problems));
  return problems;
}

/** `turns[0].expect.calls` */
export const pathText = (path: Path): string =>
  path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i > 0 ? "." : ""}${key}`)).join("");

/** One place of a scenario, at which something may be wrong. */
class Place {
  readonly path: Path;
  readonly names: KnownNames | undefined;
  readonly #problems: Problem[];

  constructor(path: Path, names: KnownNames | undefined, problems: Problem[]) {
    this.path = path;
    this.names = names;
    this.#problems = problems;
  }

  in(key: string | number): Place {
    return new Place([...this.path, key], this.names, this.#problems);
  }

  wrong(message: string): void {
    this.#problems.push({ path: this.path, message });
  }

  expected(what: string, value: unknown): void {
    this.wrong(`expected ${what}, found ${found(value)}`);
  }
}

type Rule = (value: unknown, at: Place) => void;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isAgent = (value: unknown): value is AnyAgent => isObject(value) && value["kind"] === "agent";

function found(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : quote(value);
}

const anything: Rule = () => {};

const text: Rule = (value, at) => {
  if (typeof value !== "string" || value.trim() === "") at.expected("a text that is not empty", value);
};

const yesOrNo: Rule = (value, at) => {
  if (typeof value !== "boolean") at.expected("true or false", value);
};

const count: Rule = (value, at) => {
  if (!(Number.isSafeInteger(value) && (value as number) > 0)) at.expected("a positive integer", value);
};

const amount: Rule = (value, at) => {
  if (!(typeof value === "number" && value >= 0 && value < Infinity)) at.expected("a number of at least 0", value);
};

const rate: Rule = (value, at) => {
  if (!(typeof value === "number" && value >= 0 && value <= 1)) at.expected("a number from 0 to 1", value);
};

const listOf =
  (what: string, rule: Rule): Rule =>
  (value, at) => {
    if (!Array.isArray(value) || value.length === 0) return at.expected(what, value);
    for (const [i, each] of value.entries()) rule(each, at.in(i));
  };

const oneOrMore =
  (rule: Rule): Rule =>
  (value, at) =>
    Array.isArray(value) ? listOf("something", rule)(value, at) : rule(value, at);

const either =
  (isFirst: (value: unknown) => boolean, first: Rule, second: Rule): Rule =>
  (value, at) =>
    (isFirst(value) ? first : second)(value, at);

const isText = (value: unknown): boolean => typeof value === "string";
const isBoolean = (value: unknown): boolean => typeof value === "boolean";

/** An object with these keys and no others; those in `needed` must be there. */
const object =
  (what: string, rules: Readonly<Record<string, Rule>>, ...needed: readonly string[]): Rule =>
  (value, at) => {
    if (!isObject(value)) return at.expected(`${what} with ${Object.keys(rules).join(", ")}`, value);
    for (const [key, each] of Object.entries(value)) {
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
      if (!rule) at.in(key).wrong(`${what} has no key ${quote(key)}: ${suggestion(key, Object.keys(rules))}`);
      else if (each !== undefined) rule(each, at.in(key));
    }
    for (const key of needed) if (value[key] === undefined) at.wrong(`${what} needs ${quote(key)}`);
  };

const name =
  (what: string, known: (names: KnownNames) => readonly string[] | undefined): Rule =>
  (value, at) => {
    if (typeof value !== "string") return at.expected(`the name of ${what}`, value);
    const names = at.names && known(at.names);
    if (names && !names.includes(value)) at.wrong(`there is no ${what} ${quote(value)}: ${suggestion(value, names)}`);
  };

const namedAgent = name("agent", ({ agents }) => agents);
const agent: Rule = (value, at) => namedAgent(isAgent(value) ? value.name : value, at);
const tool = name("tool", ({ tools }) => tools);
const decided = name("tool or handoff", (names) => names.decided);

const target = either(
  (value) => isObject(value) && !isAgent(value),
  object("a handoff", { agent, payload: anything }, "agent"),
  agent,
);
const call = either(isText, tool, object("a call", { tool, args: anything }, "tool"));

const wantedAnswer: Rule = (value, at) => {
  if (value instanceof RegExp || (isObject(value) && "~standard" in value)) return;
  if (typeof value !== "string" || value === "") at.expected("a text, a regular expression or a schema", value);
};

const limits: Rule = (value, at) => {
  object("a cost", { calls: amount, tokens: amount, usd: amount })(value, at);
  if (isObject(value) && Object.keys(value).length === 0) at.wrong("a cost needs calls, tokens or usd");
};

const ofTurn: Readonly<Record<string, Rule>> = {
  agent,
  handsOffTo: oneOrMore(target),
  path: listOf("a list of agents", agent),
  staysWith: agent,
  calls: oneOrMore(call),
  callsNot: oneOrMore(call),
  needsApproval: either(isBoolean, anything, oneOrMore(decided)),
  answer: oneOrMore(wantedAnswer),
  answerNot: oneOrMore(wantedAnswer),
  cost: limits,
};

const decision = either(isBoolean, anything, object("a decision", { approved: yesOrNo, reason: text }, "approved"));

const decisions: Rule = (value, at) => {
  if (typeof value === "boolean") return;
  if (!isObject(value)) return at.expected("true, false, or decisions by the names of tools", value);
  for (const [key, each] of Object.entries(value)) {
    decided(key, at.in(key));
    decision(each, at.in(key));
  }
};

const turn = object("a turn", { user: text, expect: object("an expectation", ofTurn), approve: decisions }, "user");

const user = object(
  "a user",
  {
    persona: text,
    goal: text,
    maxTurns: count,
    model: (value, at) => {
      if (!isObject(value) || typeof value["stream"] !== "function") text(value, at);
    },
  },
  "persona",
  "goal",
);

const data: Rule = (value, at) => {
  if (!isObject(value)) at.expected("an object", value);
};

const scenarioKeys = object(
  "a scenario",
  {
    name: text,
    turns: listOf("a list of turns", turn),
    user,
    approve: decisions,
    expect: object("an expectation", { ...ofTurn, goalReached: yesOrNo }),
    data,
    repeat: count,
    minPassRate: rate,
  },
  "name",
);

const wholeScenario: Rule = (value, at) => {
  scenarioKeys(value, at);
  if (!isObject(value)) return;
  if (value["turns"] === undefined && value["user"] === undefined) at.wrong('a scenario needs "turns" or "user"');
  const { expect } = value;
  if (value["user"] === undefined && isObject(expect) && expect["goalReached"] !== undefined)
    at.in("expect").in("goalReached").wrong('only a scenario with a "user" has a goal');
};
