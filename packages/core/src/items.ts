import type { Json, JsonObject } from "./json.ts";

/** Text of a message. */
export interface TextPart {
  readonly type: "text";
  readonly text: string;
}
/** An image, by URL, by data URL or by a provider's file id. */
export interface ImagePart {
  readonly type: "image";
  readonly url?: string;
  readonly fileId?: string;
  readonly detail?: "low" | "high" | "auto";
}
/** A file, by URL, by data URL or by a provider's file id. */
export interface FilePart {
  readonly type: "file";
  readonly url?: string;
  readonly fileId?: string;
  readonly filename?: string;
  readonly mediaType?: string;
}
/** What a model said instead of an answer. */
export interface RefusalPart {
  readonly type: "refusal";
  readonly refusal: string;
}
export type ContentPart = TextPart | ImagePart | FilePart | RefusalPart;
export type Content = string | readonly ContentPart[];
export type Role = "user" | "assistant" | "system" | "developer";

/** Fields that every item has. */
export interface ItemBase {
  /** Unique in its transcript. A run makes `runId:seq`. */
  readonly id: string;
  /** When it was recorded, in milliseconds since the epoch. */
  readonly at?: number;
  /** Ids of the calls that lead from the transcript's own run to the nested run that this item belongs to. */
  readonly path?: readonly string[];
}

/**
 * Something said. `agent` names the agent that said it; a user's message has none. A message with the role `user` and
 * an `agent` is feedback of the framework to that agent: it does not count as new input.
 */
export interface MessageItem extends ItemBase {
  readonly type: "message";
  readonly agent?: string;
  readonly role: Role;
  readonly content: Content;
  /** Opaque, for the provider that made it. */
  readonly providerData?: JsonObject;
}
/** A model's reasoning. Goes back only to the provider that made it, directly before the item it belongs to. */
export interface ReasoningItem extends ItemBase {
  readonly type: "reasoning";
  readonly agent?: string;
  readonly summary?: string;
  readonly provider: string;
  readonly data: Json;
}
/** A model's wish to call a tool or to hand over. */
export interface ToolCallItem extends ItemBase {
  readonly type: "tool_call";
  readonly agent?: string;
  readonly callId: string;
  readonly name: string;
  /** The exact string that the model wrote. */
  readonly arguments: string;
  /** The name was that of a handoff when the reply was recorded. */
  readonly handoff?: true;
  readonly providerData?: JsonObject;
}
/** A tool with side effects is about to start: tells a crash from a call that never ran. */
export interface ToolStartItem extends ItemBase {
  readonly type: "tool_start";
  readonly agent?: string;
  readonly callId: string;
}
/**
 * `ok`: done. `error`: failed, and the output says why. `denied`: the user said no. `unknown`: it was started and may
 * or may not have happened. `abandoned`: given up before it was done.
 */
export type ToolResultStatus = "ok" | "error" | "denied" | "unknown" | "abandoned";
/** The one answer to a call. */
export interface ToolResultItem extends ItemBase {
  readonly type: "tool_result";
  /** The agent whose call is answered; none where the answer came from outside of the run. */
  readonly agent?: string;
  readonly callId: string;
  readonly output: string;
  readonly status: ToolResultStatus;
}
/** `asked` records that a call waits for a decision; the others are the decision. The first decision counts. */
export interface ApprovalItem extends ItemBase {
  readonly type: "approval";
  readonly agent?: string;
  readonly callId: string;
  readonly decision: "asked" | "approved" | "rejected";
  readonly reason?: string;
}
/** Where control goes when the target has answered: stays, back with the next message, back in the same run. */
export type HandoffMode = "pass" | "turn" | "return";
/** Control has passed. `back` is the way back of a `return`. */
export interface HandoffItem extends ItemBase {
  readonly type: "handoff";
  readonly agent?: string;
  /** The call that asked for it; none on the way back, or when an agent took over for one that is gone. */
  readonly callId?: string;
  readonly from: string;
  readonly to: string;
  /** The validated payload. */
  readonly input?: Json;
  readonly mode: HandoffMode | "back";
  /** What the target sees, where a filter chose; none means everything. */
  readonly view?: View;
}
/** Tokens of one model reply, or of several added up. */
export interface Usage {
  /** Model calls. */
  readonly requests: number;
  readonly inputTokens: number;
  /** Of the input tokens, those read from the provider's cache. */
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  /** Of the output tokens, those spent on reasoning. */
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}
/** Tokens as a model reports them; what it leaves out is taken as 0 (`totalTokens`: input + output). */
export interface ModelUsage {
  /** Model calls that the reply took; 0 where no model was asked, as by a router. @default 1 */
  readonly requests?: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
  readonly totalTokens?: number;
}
/**
 * Why a reply ended. Only `stop` and `tool_calls` are answers. A model never gives `blocked` (an output guardrail
 * said no) or `adopted`; other strings a provider may send count as unfinished.
 */
export type FinishReason = "stop" | "tool_calls" | "length" | "content_filter" | "error" | "blocked" | (string & {});
/** One model reply and what it took. */
export interface TurnItem extends ItemBase {
  readonly type: "turn";
  readonly agent?: string;
  readonly model: string;
  readonly provider: string;
  readonly usage: ModelUsage;
  readonly finishReason: FinishReason;
  readonly responseId?: string;
  readonly durationMs?: number;
  /** Set where a model was asked by something else than an agent's turn: a filter, a guardrail, a router. */
  readonly purpose?: string;
  readonly providerData?: JsonObject;
}
/**
 * One piece of a view: the id of an item, the ids of the first and last of a run of items (both included), or an item
 * that is put in.
 */
export type ViewEntry = string | readonly [first: string, last: string] | VisibleItem;
/** Which items an agent sees, in order. Ids name items of what it would see without the view. */
export type View = readonly ViewEntry[];
/** From here on every agent sees less or something else: compaction, windows. */
export interface ViewItem extends ItemBase {
  readonly type: "view";
  readonly agent?: string;
  /** The plugin that chose. */
  readonly plugin?: string;
  readonly view: View;
}
/** From here on all but usage is as it was right after item `to`. */
export interface RewindItem extends ItemBase {
  readonly type: "rewind";
  readonly agent?: string;
  readonly to: string;
}
/** A plugin's own state. No model sees it. */
export interface NoteItem extends ItemBase {
  readonly type: "note";
  readonly agent?: string;
  readonly plugin: string;
  readonly data: Json;
}
/** What a provider adds: hosted tools and the like. Goes back verbatim to the same provider and to no other. */
export interface ProviderItem extends ItemBase {
  readonly type: "provider_item";
  readonly agent?: string;
  readonly provider: string;
  readonly data: Json;
}

/** What a model can be shown. */
export type VisibleItem = MessageItem | ReasoningItem | ToolCallItem | ToolResultItem | ProviderItem;
/** One entry of a transcript: plain JSON, appended and never edited. */
export type Item =
  | VisibleItem
  | ToolStartItem
  | ApprovalItem
  | HandoffItem
  | TurnItem
  | ViewItem
  | RewindItem
  | NoteItem;

type WithoutStamp<T> = T extends Item ? Omit<T, "id" | "at" | "path"> & { readonly id?: string } : never;
/** An item before the run has given it its id, time and path. */
export type NewItem = WithoutStamp<Item>;
/** What a model replies with. Ids and agents are given by the run. */
export type ReplyItem = WithoutStamp<MessageItem | ReasoningItem | ToolCallItem | ProviderItem>;

/** A message as it is written by hand: no id, no type needed. */
export interface MessageInput {
  readonly type?: "message";
  readonly role: Role;
  readonly content: Content;
}
/** One element of a run's input. */
export type InputItem = Item | MessageInput;
/** What a run is given. */
export type Input = string | InputItem | readonly InputItem[];

/** Whether models can be shown the item. */
export function isVisible(item: Item): item is VisibleItem {
  switch (item.type) {
    case "message":
    case "tool_call":
    case "tool_result":
    case "reasoning":
    case "provider_item":
      return true;
    case "tool_start":
    case "approval":
    case "handoff":
    case "turn":
    case "view":
    case "rewind":
    case "note":
      return false;
    default:
      item satisfies never;
      throw unknownItem(item);
  }
}

/** Whether the item belongs to a call: the call, its result, or the reasoning and hosted calls around it. */
export function isToolTraffic(item: Item): boolean {
  return item.type === "tool_call" || item.type === "tool_result" || item.type === "provider_item";
}

/** Whether the item is something a user said: the role is `user` and no agent made it. */
export function isUserMessage(item: Item): item is MessageItem {
  return item.type === "message" && item.role === "user" && item.agent === undefined;
}

/** The text of an item: of a message all its text parts, of a result its output, of a call its arguments. */
export function textOf(item: InputItem): string {
  switch (item.type) {
    case undefined:
    case "message":
      return contentText(item.content);
    case "tool_result":
      return item.output;
    case "tool_call":
      return item.arguments;
    case "reasoning":
      return item.summary ?? "";
    default:
      return "";
  }
}

/** The text of a message's content; refusals count, images and files do not. */
export function contentText(content: Content): string {
  if (typeof content === "string") return content;
  let text = "";
  for (const part of content) {
    if (part.type === "text") text += part.text;
    else if (part.type === "refusal") text += part.refusal;
  }
  return text;
}

/** Whether `role` is one that a message can have. */
export function isRole(role: unknown): role is Role {
  return role === "user" || role === "assistant" || role === "system" || role === "developer";
}

/** Whether `status` is one that a result can have. */
export function isToolResultStatus(status: unknown): status is ToolResultStatus {
  return status === "ok" || status === "error" || status === "denied" || status === "unknown" || status === "abandoned";
}

/** Whether `content` is text, or parts that this version knows. */
export function isContent(content: unknown): content is Content {
  return typeof content === "string" || (Array.isArray(content) && content.every(isPart));
}

function isPart(part: Partial<ContentPart> | null | undefined): boolean {
  switch (part?.type) {
    case "text":
      return typeof part.text === "string";
    case "refusal":
      return typeof part.refusal === "string";
    case "image":
    case "file":
      return true;
    default:
      return false;
  }
}

/** `content` with lone surrogates replaced: stores and providers do not take them. */
export function wellFormed<T extends Content>(content: T): T;
export function wellFormed(content: Content): Content {
  if (typeof content === "string") return content.isWellFormed() ? content : content.toWellFormed();
  if (content.every((part) => Object.values(part).every(isWellFormedText))) return content;
  return content.map(
    (part) =>
      Object.fromEntries(
        Object.entries(part).map(([key, value]) => [
          key,
          isWellFormedText(value) ? value : String(value).toWellFormed(),
        ]),
      ) as unknown as ContentPart,
  );
}

const isWellFormedText = (value: unknown): boolean => typeof value !== "string" || value.isWellFormed();

/** A user's message. */
export function user(content: Content): MessageInput {
  return { type: "message", role: "user", content };
}

/** The items that `provider` may be sent: another provider's reasoning and own items are left out. */
export function itemsFor(provider: string, items: readonly VisibleItem[]): readonly VisibleItem[] {
  const foreign = (item: VisibleItem): boolean =>
    (item.type === "reasoning" || item.type === "provider_item") && item.provider !== provider;
  return items.some(foreign) ? items.filter((item) => !foreign(item)) : items;
}

const NO_USAGE: Usage = Object.freeze({
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
});

/** The usage of all model replies among `items`, also of nested runs and of models that plugins asked. */
export function usageOf(items: Iterable<Item>): Usage {
  let total = NO_USAGE;
  for (const item of items) if (item.type === "turn") total = addUsage(total, item.usage);
  return total;
}

/** The usage by agent, as `usageOf`. Replies without an agent are left out. */
export function usageByAgent(items: Iterable<Item>): ReadonlyMap<string, Usage> {
  const byAgent = new Map<string, Usage>();
  for (const item of items) {
    if (item.type !== "turn" || item.agent === undefined) continue;
    byAgent.set(item.agent, addUsage(byAgent.get(item.agent) ?? NO_USAGE, item.usage));
  }
  return byAgent;
}

function addUsage(sum: Usage, usage: ModelUsage): Usage {
  return {
    requests: sum.requests + (usage.requests ?? 1),
    inputTokens: sum.inputTokens + usage.inputTokens,
    cachedInputTokens: sum.cachedInputTokens + (usage.cachedInputTokens ?? 0),
    outputTokens: sum.outputTokens + usage.outputTokens,
    reasoningTokens: sum.reasoningTokens + (usage.reasoningTokens ?? 0),
    totalTokens: sum.totalTokens + (usage.totalTokens ?? usage.inputTokens + usage.outputTokens),
  };
}

/** The error for an item of a type that this version does not know. */
export function unknownItem(item: { readonly type?: unknown; readonly id?: unknown }): TypeError {
  return new TypeError(
    `Cannot read item "${String(item.id)}": its type is "${String(item.type)}", which this version of Baton does not know`,
  );
}
