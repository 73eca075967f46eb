/** A request's items as a conversation: what the user said, what was asked of them, what was called since. */
import { isUserMessage, textOf } from "@batonjs/core";
import type { Json, JsonObject, MessageItem, ToolResultStatus, VisibleItem } from "@batonjs/core";
import { clip } from "./text.ts";

/** The most items that are read, from the end. */
const MAX_ITEMS = 400;
/** The most calls whose results are read, from the end. */
const MAX_CALLS = 60;
/** The most characters of a result that are parsed. */
const MAX_RESULT = 200_000;

/** A call and its result. */
export interface Call {
  readonly callId: string;
  readonly name: string;
  readonly arguments: JsonObject;
  readonly agent?: string;
  readonly status: ToolResultStatus;
  readonly output: string;
  /** The output, parsed, where it is JSON. */
  readonly data?: Json;
}

/** What a question of ours was about; kept as `providerData.local` of the message that asked it. */
export type Question =
  | {
      readonly kind: "fields";
      /** The tool or handoff that is to be called. */
      readonly goal: string;
      /** The tool whose arguments are missing: the goal, or a lookup on the way to it. */
      readonly tool: string;
      readonly fields: readonly string[];
      /** How often it has been asked. */
      readonly times: number;
    }
  | { readonly kind: "choice"; readonly names: readonly string[] };

/** Something that was said or found out, for reading values from. Newest first. */
export type Source = { readonly text: string } | { readonly call: Call };

export interface Conversation {
  /** The user's last message. */
  readonly message: string;
  /** When it was recorded, in milliseconds since the epoch. */
  readonly at?: number;
  /** Whether there is a user's message at all. */
  readonly begun: boolean;
  /** The user's earlier messages, newest first. */
  readonly earlier: readonly string[];
  /** What the agents offered to do directly before the last message: "I can refund the second one. Shall I?" */
  readonly offer?: string;
  /** The question that the last message answers. */
  readonly question?: Question;
  /** Calls between the user's last two messages, oldest first, with a result. */
  readonly before: readonly Call[];
  /** Calls since the user's last message, oldest first, with a result. */
  readonly round: readonly Call[];
  /** Whether the last item is the result of a call. */
  readonly endsWithResult: boolean;
  /** The last message, then all before and after it, newest first. */
  readonly sources: readonly Source[];
}

/** Reads the items of a request. */
export function readConversation(all: readonly VisibleItem[]): Conversation {
  const items = all.length > MAX_ITEMS ? all.slice(-MAX_ITEMS) : all;
  const last = items.findLastIndex((item) => isUserMessage(item));
  const previous = items.findLastIndex((item, i) => i < last && isUserMessage(item));
  const lastItem = items[last];
  const calls = readCalls(items);
  const order = [...items.keys()].toReversed();
  const sources = order.flatMap((i): readonly Source[] => {
    const item = items[i];
    if (i === last || item === undefined) return [];
    if (isUserMessage(item)) return [{ text: clip(textOf(item)) }];
    const call = item.type === "tool_result" ? calls.get(item.callId) : undefined;
    return call ? [{ call }] : [];
  });
  const message = lastItem ? clip(textOf(lastItem)) : "";
  const before = saidBefore(items, last);
  const question = before && questionIn(before);
  const offer = before && offerIn(textOf(before));
  return {
    message,
    begun: lastItem !== undefined,
    ...(lastItem?.at === undefined ? {} : { at: lastItem.at }),
    earlier: sources.flatMap((source) => ("text" in source ? [source.text] : [])).slice(0, 20),
    ...(question ? { question } : {}),
    ...(offer === undefined ? {} : { offer }),
    before: callsIn(items.slice(previous + 1, Math.max(last, 0)), calls),
    round: callsIn(items.slice(last + 1), calls),
    endsWithResult: items.at(-1)?.type === "tool_result",
    sources: [{ text: message }, ...sources],
  };
}

const callsIn = (items: readonly VisibleItem[], calls: ReadonlyMap<string, Call>): readonly Call[] =>
  items.flatMap((item) => {
    const call = item.type === "tool_result" ? calls.get(item.callId) : undefined;
    return call ? [call] : [];
  });

function readCalls(items: readonly VisibleItem[]): ReadonlyMap<string, Call> {
  const asked = new Map<string, Extract<VisibleItem, { type: "tool_call" }>>();
  const calls = new Map<string, Call>();
  const results = items.filter((item) => item.type === "tool_result").slice(-MAX_CALLS);
  for (const item of items) if (item.type === "tool_call") asked.set(item.callId, item);
  for (const { callId, output, status } of results) {
    const call = asked.get(callId);
    if (!call) continue;
    const data = parsed(output);
    const given = parsed(call.arguments);
    calls.set(callId, {
      callId,
      name: call.name,
      arguments: isRecord(given) ? given : {},
      ...(call.agent === undefined ? {} : { agent: call.agent }),
      status,
      output,
      ...(data === undefined ? {} : { data }),
    });
  }
  return calls;
}

/** Whether it is a JSON object. */
export const isRecord = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): Json | undefined {
  const start = text.trimStart().charAt(0);
  if (text.length > MAX_RESULT || !/[[{"\dtfn-]/.test(start)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The message of an agent that the user's message at `index` answers. */
function saidBefore(items: readonly VisibleItem[], index: number): MessageItem | undefined {
  for (let i = index - 1; i >= 0; i--) {
    const item = items[i];
    if (item?.type !== "message" || item.role === "system" || item.role === "developer") continue;
    return item.role === "assistant" ? item : undefined;
  }
  return undefined;
}

function questionIn({ providerData }: MessageItem): Question | undefined {
  const own = providerData?.["local"];
  const data = isRecord(own) ? own["question"] : undefined;
  return isRecord(data) && isQuestion(data) ? data : undefined;
}

/** "I can help with refunds" and "anything else I can do for you?" offer nothing that a yes could mean. */
const OFFER =
  /\b(?:I can(?! (?:help|assist|do)\b)|I could(?! (?:help|assist|do|not)\b)|I(?:'|’)ll|shall I|should I|may I|do you want me to|(?<!what )would you like(?: me)? to(?! do\b)|let me)\b/i;

/** What a message that ends with a question offers to do. */
function offerIn(text: string): string | undefined {
  const end = text.slice(-600).trimEnd();
  if (!end.endsWith("?")) return undefined;
  const sentences = end
    .split(/(?<=[.!?])\s+/)
    .slice(-2)
    .join(" ");
  const start = sentences.search(OFFER);
  return start < 0 ? undefined : sentences.slice(start);
}

const isNames = (value: Json | undefined): value is readonly string[] =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

function isQuestion(data: JsonObject): data is JsonObject & Question {
  if (data["kind"] === "choice") return isNames(data["names"]);
  return (
    data["kind"] === "fields" &&
    typeof data["goal"] === "string" &&
    typeof data["tool"] === "string" &&
    typeof data["times"] === "number" &&
    isNames(data["fields"])
  );
}
