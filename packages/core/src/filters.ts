import type { Model } from "./contracts/model.ts";
import { isThenable } from "./deadlines.ts";
import type { FilterData, FilterResult, InputFilter, MaybePromise } from "./definitions.ts";
import {
  type MessageItem,
  type ProviderItem,
  type ReasoningItem,
  type VisibleItem,
  isToolTraffic,
  isUserMessage,
  textOf,
} from "./items.ts";
import type { Json } from "./json.ts";
import { quote } from "./names.ts";
import { checkKeys } from "./options.ts";

/**
 * A filter that works for any payload and context. Whatever it does, a call is never separated from its result, nor
 * reasoning from what it belongs to: the runner sees to that.
 */
export type GenericFilter = (data: FilterData) => FilterResult;
type Pieces = Required<FilterResult>;

/** Applies filters one after the other, each to what the one before has left. */
export function compose<Payload = unknown, Context = unknown>(
  ...filters: readonly InputFilter<Payload, Context>[]
): InputFilter<Payload, Context> {
  for (const filter of filters) {
    if (typeof filter !== "function") throw new TypeError(`Cannot compose ${quote(filter)}: expected a filter`);
  }
  // At once where all filters answer at once: only then a model can be told what a handoff would lead to.
  const rest = (data: FilterData<Payload, Context>, from: number): MaybePromise<FilterResult> => {
    let now = data;
    for (let i = from; i < filters.length; i++) {
      const result = filters[i]!(now);
      if (isThenable(result)) {
        const before = now;
        return Promise.resolve(result).then((later) => rest({ ...before, ...definedFields(later) }, i + 1));
      }
      now = { ...now, ...definedFields(result) };
    }
    return piecesOf(now);
  };
  return function composed(data) {
    return rest(data, 0);
  };
}

/** Items that a filter has put in get their ids when all are done. */
function definedFields({
  inputHistory,
  preHandoffItems,
  newItems,
}: FilterResult): Partial<Pick<FilterData, keyof Pieces>> {
  const fields: FilterResult = {
    ...(inputHistory === undefined ? {} : { inputHistory }),
    ...(preHandoffItems === undefined ? {} : { preHandoffItems }),
    ...(newItems === undefined ? {} : { newItems }),
  };
  return fields as Partial<Pick<FilterData, keyof Pieces>>;
}

/** Drops calls and results of tools, and what providers have added. The transfer that is being made stays. */
export function dropToolItems(data: FilterData): FilterResult {
  const keep = (item: VisibleItem): boolean => !isToolTraffic(item);
  const transfer = transferBeingMade(data.newItems);
  return {
    inputHistory: data.inputHistory.filter(keep),
    preHandoffItems: data.preHandoffItems.filter(keep),
    newItems: data.newItems.filter((item) => keep(item) || transfer.includes(item)),
  };
}

/** The call of the handoff that is being made, and its answer: the last one that says yes. */
function transferBeingMade(items: readonly VisibleItem[]): readonly VisibleItem[] {
  for (let i = items.length - 1; i >= 0; i--) {
    const call = items[i]!;
    if (call.type !== "tool_call" || call.handoff !== true) continue;
    const answer = items.slice(i).find((item) => item.type === "tool_result" && item.callId === call.callId);
    if (answer?.type === "tool_result" && answer.status === "ok") return [call, answer];
  }
  return [];
}

/** Drops the messages for which `predicate` says yes, whoever said them. */
export function dropMessages(predicate: (message: MessageItem) => boolean): GenericFilter {
  if (typeof predicate !== "function")
    throw new TypeError(`Cannot drop messages by ${quote(predicate)}: expected a function`);
  const keep = (item: VisibleItem): boolean => item.type !== "message" || !predicate(item);
  return function dropMessages(data) {
    return mapPieces(data, (items) => items.filter(keep));
  };
}

/**
 * Keeps the last `n` items, and the last user message even where it is older. The transfer that is being made always
 * stays. Throws a `RangeError` unless `n` is a positive integer.
 */
export function keepLast(n: number): GenericFilter {
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(`Cannot keep the last ${String(n)} items: expected a positive integer`);
  return function keepLast({ inputHistory, preHandoffItems, newItems }) {
    const before = Math.max(0, n - newItems.length);
    const pre = before === 0 ? [] : preHandoffItems.slice(-before);
    const left = Math.max(0, before - pre.length);
    const history = left === 0 ? [] : inputHistory.slice(-left);
    const lastUser = inputHistory.findLast(isUserMessage);
    if (lastUser && !history.includes(lastUser)) history.unshift(lastUser);
    return { inputHistory: history, preHandoffItems: pre, newItems };
  };
}

/** What to blot out: a pattern, or a pattern with what to put in its place. @default "[redacted]" */
export type Redaction = RegExp | { readonly pattern: RegExp; readonly replacement: string };

/**
 * Blots out what matches, in messages, in tool outputs and in the values of arguments. Patterns apply to every match,
 * also without the flag `g`. Reasoning and what providers have added cannot be changed: where they match they are
 * dropped.
 */
export function redact(...redactions: readonly Redaction[]): GenericFilter {
  const rules = redactions.map((redaction) => {
    const { pattern, replacement } =
      redaction instanceof RegExp ? { pattern: redaction, replacement: "[redacted]" } : redaction;
    if (!(pattern instanceof RegExp))
      throw new TypeError(`Cannot redact by ${quote(pattern)}: expected a regular expression`);
    return { pattern: pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags}g`), replacement };
  });
  const clean = (text: string): string =>
    rules.reduce((now, { pattern, replacement }) => now.replace(pattern, replacement), text);
  return function redact(data) {
    return mapPieces(data, (items) => items.flatMap((item) => cleanItem(item, clean)));
  };
}

function cleanItem(item: VisibleItem, clean: (text: string) => string): VisibleItem | readonly [] {
  switch (item.type) {
    case "message":
      return cleanMessage(item, clean);
    case "tool_result": {
      const output = clean(item.output);
      return output === item.output ? item : { ...item, output };
    }
    case "tool_call": {
      const args = cleanArguments(item.arguments, clean);
      return args === item.arguments ? item : { ...item, arguments: args };
    }
    case "reasoning":
    case "provider_item":
      return isClean(item, clean) ? item : [];
    default:
      return item satisfies never;
  }
}

/** Whether nothing of an opaque item matches, escapes or not. */
function isClean({ type, ...item }: ReasoningItem | ProviderItem, clean: (text: string) => string): boolean {
  const texts: string[] = [];
  JSON.stringify([type === "reasoning" ? (item as ReasoningItem).summary : undefined, item.data], (_, value: Json) => {
    if (typeof value === "string" || typeof value === "number") texts.push(String(value));
    return value;
  });
  return texts.every((text) => clean(text) === text);
}

function cleanMessage(item: MessageItem, clean: (text: string) => string): MessageItem {
  if (typeof item.content === "string") {
    const content = clean(item.content);
    return content === item.content ? item : { ...item, content };
  }
  const content = item.content.map((part) => {
    if (part.type === "text") return { ...part, text: clean(part.text) };
    return part.type === "refusal" ? { ...part, refusal: clean(part.refusal) } : part;
  });
  return JSON.stringify(content) === JSON.stringify(item.content) ? item : { ...item, content };
}

/** Cleans the values of a JSON text; a number that matches becomes a text. */
function cleanArguments(text: string, clean: (text: string) => string): string {
  if (!text.includes("\\") && clean(text) === text) return text; // what has escapes may match without them
  let changed = false;
  const cleanValue = (_: string, value: Json): Json => {
    if (typeof value !== "string" && typeof value !== "number") return value;
    const written = String(value);
    const cleaned = clean(written);
    if (cleaned === written) return value;
    changed = true;
    return cleaned;
  };
  try {
    const cleaned = JSON.stringify(JSON.parse(text), cleanValue);
    return changed ? cleaned : text;
  } catch {
    return clean(text) === text ? text : "{}";
  }
}

export interface SummarizeOptions {
  /** What the model is told. @default to summarise for a colleague who takes over */
  readonly instructions?: string;
  /** Items before the last user message that stay as they are. @default 0 */
  readonly keep?: number;
  /** Below this number of items nothing is summarised. @default 4 */
  readonly atLeast?: number;
}

const SUMMARIZE_OPTIONS = new Set(["instructions", "keep", "atLeast"]);
const SUMMARY_INSTRUCTIONS =
  "Summarise this conversation for a colleague who takes over. Keep names, numbers, dates, ids and what was promised. Write plain text, no greeting.";

/**
 * Puts a model's summary in the place of what came before the last user message. The summary is a message of the agent
 * that hands over: its text came from a model, so it is no system text.
 */
export function summarize(model: Model | string, options: SummarizeOptions = {}): InputFilter<unknown, unknown> {
  checkKeys(options, SUMMARIZE_OPTIONS, "summarize()");
  const { instructions = SUMMARY_INSTRUCTIONS, keep = 0, atLeast = 4 } = options;
  for (const [name, value] of Object.entries({ keep, atLeast })) {
    if (Number.isInteger(value) && value >= 0) continue;
    throw new RangeError(
      `Cannot use ${quote(value)} as ${name} of summarize() as it must be a whole number of at least 0`,
    );
  }
  return async function summarize({ inputHistory, from, run }) {
    const lastUser = inputHistory.findLastIndex(isUserMessage);
    const end = Math.max(0, lastUser - keep);
    const old = inputHistory.slice(0, end);
    if (old.length === 0 || old.length < atLeast) return {};
    const input = old.map(line).filter(Boolean).join("\n");
    const summary = await run.ask(model, { instructions, input, purpose: "summary" });
    return {
      inputHistory: [
        { type: "message", role: "user", agent: from, content: `Summary of the conversation so far: ${summary}` },
        ...inputHistory.slice(end),
      ],
    };
  };
}

function line(item: VisibleItem): string {
  switch (item.type) {
    case "message":
      return `${item.agent ?? item.role}: ${textOf(item)}`;
    case "tool_call":
      return `${item.agent ?? "agent"} calls ${item.name}(${item.arguments})`;
    case "tool_result":
      return `result: ${item.output}`;
    case "reasoning":
    case "provider_item":
      return "";
    default:
      return item satisfies never;
  }
}

function mapPieces(data: FilterData, map: (items: readonly VisibleItem[]) => readonly VisibleItem[]): FilterResult {
  return {
    inputHistory: map(data.inputHistory),
    preHandoffItems: map(data.preHandoffItems),
    newItems: map(data.newItems),
  };
}

function piecesOf({ inputHistory, preHandoffItems, newItems }: FilterData): Pieces {
  return { inputHistory, preHandoffItems, newItems };
}
