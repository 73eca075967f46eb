import {
  type AnyAgent,
  contentText,
  type HandoffItem,
  type Item,
  type ModelUsage,
  type Schema,
  type ToolCallItem,
  usageOf,
} from "@batonjs/core";
import { argumentsIn, isLike, shown } from "./matching.ts";
import { itemLine } from "./transcript.ts";

/** What expectations read: a run's result, `isolate()`'s, an error with its transcript, or items. */
export type Played =
  | readonly Item[]
  | { readonly newItems: readonly Item[]; readonly finalOutput?: unknown }
  | { readonly items: readonly Item[] };

/** An agent, or its name. */
export type AgentName = AnyAgent | string;

/** What a run may cost at most. */
export interface Cost {
  /** Model calls. */
  readonly calls?: number;
  /** Input and output together. */
  readonly tokens?: number;
  /** Money; needs `price`. */
  readonly usd?: number;
  /** What a reply has cost, in the unit of `usd`. `undefined`: unknown, which is an error and never free. */
  readonly price?: (reply: {
    readonly model: string;
    readonly provider: string;
    readonly usage: ModelUsage;
  }) => number | undefined;
}

/** What came of an expectation. */
export interface Verdict {
  readonly pass: boolean;
  /** What the run was expected to do: "hand over to …". */
  readonly expected: string;
  /** What it did instead. */
  readonly found: string;
  /** The places that say so; none means the end. */
  readonly marks: readonly Item[];
}

/** Hands over to `agent`; of the payload only the fields named are compared. */
export function handsOffTo(played: Played, agent: AgentName, payload?: unknown): Verdict {
  const handoffs = handoffsIn(played);
  const to = handoffs.filter((item) => item.to === nameOf(agent));
  const right = to.filter((item) => payload === undefined || isLike(item.input, payload));
  const refused = handoffs.length === 0 ? refusals(played) : [];
  const found =
    to.length > 0
      ? `its payload is ${to.map(({ input }) => shown(input)).join(", then ")}`
      : handoffs.length > 0
        ? `it handed over to ${handoffs.map((item) => quoted(item.to)).join(", then ")}`
        : refused.length > 0
          ? "its handoff was refused"
          : "it made no handoff";
  return {
    pass: right.length > 0,
    expected: `hand over to ${quoted(nameOf(agent))}${payload === undefined ? "" : ` with ${shown(payload)}`}`,
    found,
    marks: right.length > 0 ? right : to.length > 0 ? to : handoffs.length > 0 ? handoffs : refused,
  };
}

/** Calls the tool `name`, also in a nested run; of the arguments only the fields named are compared. */
export function callsTool(played: Played, name: string, args?: unknown): Verdict {
  const calls = itemsIn(played).filter((item): item is ToolCallItem => item.type === "tool_call" && !item.handoff);
  const named = calls.filter((item) => item.name === name);
  const right = named.filter((item) => args === undefined || isLike(argumentsIn(item.arguments), args));
  const found =
    named.length > 0
      ? `its arguments are ${named.map((item) => item.arguments).join(", then ")}`
      : calls.length > 0
        ? `it called ${[...new Set(calls.map((item) => quoted(item.name)))].join(", ")}`
        : "it called no tool";
  return {
    pass: right.length > 0,
    expected: `call the tool ${quoted(name)}${args === undefined ? "" : ` with ${shown(args)}`}`,
    found,
    marks: right.length > 0 ? right : named.length > 0 ? named : calls,
  };
}

/** Control goes through exactly these agents, in order; the way back of a consultation counts. */
export function followsPath(played: Played, agents: readonly AgentName[]): Verdict {
  const { path, at } = pathOf(played);
  const wanted = agents.map(nameOf);
  const wrong = wanted.findIndex((name, i) => name !== path[i]);
  const differs = wrong >= 0 ? wrong : path.length > wanted.length ? wanted.length : -1;
  const mark = differs < 0 ? undefined : at[Math.min(differs, path.length - 1)];
  return {
    pass: differs < 0,
    expected: `follow the path ${wanted.join(" → ")}`,
    found: `its path is ${path.length === 0 ? "empty" : path.join(" → ")}`,
    marks: differs >= path.length ? [] : mark ? [mark] : [],
  };
}

/** Never leaves `agent`. */
export function staysWith(played: Played, agent: AgentName): Verdict {
  const { path, at } = pathOf(played);
  const left = path.findIndex((name) => name !== nameOf(agent));
  const mark = at[left];
  return {
    pass: path.length > 0 && left < 0,
    expected: `stay with ${quoted(nameOf(agent))}`,
    found: path.length === 0 ? "no agent was asked" : `its path is ${path.join(" → ")}`,
    marks: mark ? [mark] : [],
  };
}

/** Waits for a decision about a call, of the tool or handoff `name` where one is given. */
export function needsApproval(played: Played, name?: string): Verdict {
  const items = itemsIn(played);
  const decided = new Set(
    items.flatMap((item) => (item.type === "approval" && item.decision !== "asked" ? [item.callId] : [])),
  );
  const answered = new Set(items.flatMap((item) => (item.type === "tool_result" ? [item.callId] : [])));
  const asked = items.flatMap((item) =>
    item.type === "approval" && item.decision === "asked" && !decided.has(item.callId) && !answered.has(item.callId)
      ? [item]
      : [],
  );
  const calls = new Map(items.flatMap((item) => (item.type === "tool_call" ? [[item.callId, item.name]] : [])));
  const right = asked.filter(({ callId }) => name === undefined || calls.get(callId) === name);
  return {
    pass: right.length > 0,
    expected: `need an approval${name === undefined ? "" : ` of ${quoted(name)}`}`,
    found:
      asked.length === 0
        ? "nothing waits for a decision"
        : `what waits is ${asked.map(({ callId }) => quoted(calls.get(callId) ?? callId)).join(", ")}`,
    marks: right.length > 0 ? right : asked,
  };
}

/** Costs at most so many model calls, tokens and money, nested runs included. */
export function costs(played: Played, { calls, tokens, usd, price }: Cost): Verdict {
  const items = itemsIn(played);
  const { requests, totalTokens } = usageOf(items);
  const money = usd === undefined ? 0 : moneyOf(items, price);
  const parts: readonly (readonly [string, number, number | undefined])[] = [
    ["model calls", requests, calls],
    ["tokens", totalTokens, tokens],
    ["usd", money, usd],
  ];
  const limited = parts.filter((part): part is readonly [string, number, number] => part[2] !== undefined);
  if (limited.length === 0) throw new TypeError("Cannot check a cost without a limit: give calls, tokens or usd");
  const turns = items.filter((item) => item.type === "turn");
  return {
    pass: limited.every(([, found, most]) => found <= most),
    expected: `cost at most ${limited.map(([what, , most]) => `${most} ${what}`).join(" and ")}`,
    found: `it cost ${limited.map(([what, found]) => `${Math.round(found * 1e6) / 1e6} ${what}`).join(" and ")}`,
    marks: calls !== undefined && requests > calls ? turns.slice(calls) : [],
  };
}

function moneyOf(items: readonly Item[], price: Cost["price"]): number {
  if (!price) throw new TypeError("Cannot check a cost in usd without a price: give price({ model, provider, usage })");
  let sum = 0;
  for (const item of items) {
    if (item.type !== "turn") continue;
    const cost = price(item);
    if (cost === undefined)
      throw new RangeError(`Cannot check a cost in usd: the price of model "${item.model}" is unknown`);
    sum += cost;
  }
  return sum;
}

/** Ends with an answer that contains a text, that a regular expression finds, or that a schema accepts. */
export function answers(played: Played, wanted: string | RegExp | Schema): Verdict {
  const output = outputOf(played);
  const last = itemsIn(played).findLast((item) => item.type === "message" && item.role === "assistant");
  const marks = last ? [last] : [];
  const found = output === undefined ? "it gave no answer" : `its answer is ${shown(output)}`;
  if (typeof wanted === "string" || wanted instanceof RegExp) {
    const text = output === undefined ? undefined : typeof output === "string" ? output : JSON.stringify(output);
    const pass =
      text !== undefined && (typeof wanted === "string" ? text.includes(wanted) : new RegExp(wanted).test(text));
    return {
      pass,
      expected: `answer with ${typeof wanted === "string" ? shown(wanted) : String(wanted)}`,
      found,
      marks,
    };
  }
  const issue = output === undefined ? "" : issueOf(wanted, output);
  return {
    pass: issue === undefined,
    expected: "answer with what the schema accepts",
    found: issue ? `${found}: ${issue}` : found,
    marks,
  };
}

function issueOf(schema: Schema, output: unknown): string | undefined {
  const checked = (value: unknown): string | undefined => {
    const outcome = schema["~standard"].validate(value);
    if (outcome instanceof Promise) throw new TypeError("Cannot check an answer by a schema that is asynchronous");
    return outcome.issues?.map(({ message }) => message).join("; ");
  };
  const issue = checked(output);
  // An agent without an output type has answered with the text.
  return issue !== undefined && typeof output === "string" ? checked(argumentsIn(output)) : issue;
}

/** What a run has said last, or given as its output. */
function outputOf(played: Played): unknown {
  if (!isItems(played) && "newItems" in played && "finalOutput" in played) return played.finalOutput;
  const last = itemsIn(played).findLast((item) => item.path === undefined && item.type !== "turn");
  return last?.type === "message" && last.role === "assistant" ? contentText(last.content) : undefined;
}

/** The sentence and the transcript with its places marked, for a failure. */
export function report(played: Played, verdict: Verdict): string {
  const atEnd = verdict.marks.length === 0 && !verdict.pass;
  return [sentence(verdict), "", ...markedTranscript(itemsIn(played), verdict.marks, atEnd)].join("\n");
}

/** What was expected and what was found; of a verdict that passes, that it should not have. */
export function sentence({ pass, expected, found }: Verdict): string {
  return pass ? `Expected the run not to ${expected}, and it did` : `Expected the run to ${expected}: ${found}`;
}

/** The transcript, with `>` before the places marked, and at the end where `atEnd` says so. */
export function markedTranscript(
  items: readonly Item[],
  marks: readonly Item[],
  atEnd: boolean = marks.length === 0,
): readonly string[] {
  const marked = new Set(marks);
  const lines = items.map(
    (item) => `${marked.has(item) ? "> " : "  "}${"  ".repeat(item.path?.length ?? 0)}${itemLine(item)}`,
  );
  return atEnd ? [...lines, "> (here the transcript ends)"] : lines;
}

/** Who had control, and the item from which each had it. */
export function pathOf(played: Played): { readonly path: readonly string[]; readonly at: readonly Item[] } {
  const path: string[] = [];
  const at: Item[] = [];
  for (const item of itemsIn(played)) {
    if (item.path !== undefined && item.path.length > 0) continue;
    const first = path.length === 0 ? agentOf(item) : undefined;
    if (first !== undefined) {
      path.push(first);
      at.push(item);
    }
    if (item.type !== "handoff") continue;
    path.push(item.to);
    at.push(item);
  }
  return { path, at };
}

function agentOf(item: Item): string | undefined {
  if (item.type === "handoff") return item.from;
  return item.type === "message" && item.role === "user" ? undefined : item.agent;
}

function handoffsIn(played: Played): readonly HandoffItem[] {
  return itemsIn(played).filter((item): item is HandoffItem => item.type === "handoff" && item.mode !== "back");
}

function refusals(played: Played): readonly Item[] {
  const items = itemsIn(played);
  const asked = new Set(items.flatMap((item) => (item.type === "tool_call" && item.handoff ? [item.callId] : [])));
  return items.filter((item) => item.type === "tool_result" && item.status !== "ok" && asked.has(item.callId));
}

function itemsIn(played: Played): readonly Item[] {
  if (isItems(played)) return played;
  if (typeof played === "object" && played !== null) {
    if ("newItems" in played && Array.isArray(played.newItems)) return played.newItems;
    if ("items" in played && Array.isArray(played.items)) return played.items;
  }
  throw new TypeError("Cannot read what was run: expected the result of a run, a RunError, or a list of items");
}

const isItems = (played: Played): played is readonly Item[] => Array.isArray(played);
/** The name of an agent. */
export const nameOf = (agent: AgentName): string => (typeof agent === "string" ? agent : agent.name);
const quoted = (name: string): string => JSON.stringify(name);
