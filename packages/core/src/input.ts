import { quote } from "./names.ts";
import { checkOptions, text } from "./options.ts";
import {
  type ApprovalItem,
  type Input,
  type InputItem,
  type Item,
  type MessageInput,
  type MessageItem,
  type NewItem,
  type ToolResultItem,
  isContent,
  isVisible,
  wellFormed,
} from "./items.ts";
import type { Pending } from "./events.ts";
import { type Json, sameJson } from "./json.ts";

/** What a run is given, sorted. */
export interface GivenInput {
  /** The transcript so far, where it came with the input. */
  readonly known: (Item | NewItem)[];
  /** Decisions and results for calls that wait. */
  readonly answers: readonly (ApprovalItem | ToolResultItem)[];
  /** What is new to say. */
  readonly messages: readonly NewItem[];
}

const ROLES = ["user", "assistant", "system", "developer"];

/**
 * Sorts the input. Without a session, everything up to the last item that is no message to the agent is the transcript
 * so far. With one, the transcript is stored: items whose id is stored are skipped. Throws a `TypeError` for what is no
 * input, and for a stored id with other content.
 */
export function sortInput(input: Input, stored: readonly Item[] | undefined): GivenInput {
  const given = listOf(input);
  const fresh = stored ? withoutStored(given.map(checkItem), stored) : given;
  let end = stored && stored.length > 0 ? 0 : fresh.length; // an empty session may be given a conversation to keep
  while (end > 0 && isFresh(fresh[end - 1])) end--;
  const known = fresh.slice(0, end) as (Item | NewItem)[];
  const answers: (ApprovalItem | ToolResultItem)[] = [];
  const messages: NewItem[] = [];
  for (let i = end; i < fresh.length; i++) {
    const item = checkItem(fresh[i] as InputItem, i);
    if (isAnswer(item)) answers.push(item as ApprovalItem | ToolResultItem);
    else if (isMessageToAgent(item)) messages.push(item);
    else known.push(item);
  }
  return { known, answers, messages };
}

const isFresh = (item: InputItem | NewItem | null | undefined): boolean => {
  if (typeof item !== "object" || item === null) return true; // is refused where it is read
  return isMessageToAgent(item) || isAnswer(item);
};

function listOf(input: Input): readonly InputItem[] {
  if (typeof input === "string") {
    if (input === "") throw new TypeError("Cannot run with an empty text: expected a message, or a list of items");
    return [{ type: "message", role: "user", content: input }];
  }
  if (Array.isArray(input)) return input as readonly InputItem[];
  if (typeof input === "object" && input !== null) return [input as InputItem];
  throw new TypeError(`Cannot run with ${quote(input)} as input: expected a text, an item or a list of items`);
}

/** `item` as a message or item. Throws a `TypeError` that names what is wrong with it. */
export function checkItem(item: InputItem, index: number): Item | NewItem {
  if (typeof item !== "object" || item === null) {
    throw new TypeError(
      `Cannot read element ${index} of the input: expected an item or { role, content }, found ${quote(item)}`,
    );
  }
  if (!isMessage(item)) {
    isVisible(item); // throws for a type that is not known
    if (typeof item.id !== "string")
      throw new TypeError(`Cannot read element ${index} of the input: an item of type "${item.type}" needs an id`);
    return item;
  }
  if (!ROLES.includes(item.role)) {
    throw new TypeError(
      `Cannot read element ${index} of the input: its role is ${quote(item.role)}, expected "user", "assistant", "system" or "developer"`,
    );
  }
  if (!isContent(item.content)) {
    throw new TypeError(
      `Cannot read element ${index} of the input: its content must be a text, or a list of parts of type "text", "image", "file" or "refusal"`,
    );
  }
  const content = wellFormed(item.content);
  if (content !== item.content) return { ...item, type: "message", content };
  return item.type === "message" ? (item as MessageItem) : { ...item, type: "message" };
}

function isMessage(item: InputItem): item is MessageItem | MessageInput {
  return item.type === undefined || item.type === "message";
}

/** A message that waits for an answer, not one that an agent has said. */
function isMessageToAgent(item: InputItem | NewItem): boolean {
  return (
    (item.type === undefined || item.type === "message") &&
    item.role !== "assistant" &&
    !("agent" in item && item.agent !== undefined)
  );
}

/** A decision, or a result from outside, that has not been recorded: it has no time. */
function isAnswer(item: InputItem | NewItem): boolean {
  const fresh = !("at" in item) || item.at === undefined;
  if (item.type === "approval") return fresh && item.decision !== "asked";
  return fresh && item.type === "tool_result" && item.agent === undefined;
}

function withoutStored(given: readonly (Item | NewItem)[], stored: readonly Item[]): readonly (Item | NewItem)[] {
  if (!given.some(({ id }) => id !== undefined)) return given;
  const byId = new Map<string, Item | NewItem>(stored.map((item) => [item.id, item]));
  return given.filter((item) => {
    if (item.id === undefined) return true;
    const known = byId.get(item.id) as Item | undefined;
    byId.set(item.id, known ?? item);
    if (!known) return true;
    const { at: _, ...before } = known;
    const { at: __, ...now } = item as Item;
    if (sameJson(before, now)) return false;
    throw new TypeError(`Cannot take item "${item.id}": the session has another item with this id`);
  });
}

/** The user's yes to a call that waits for approval. */
export function approve(pending: Pending, options: { readonly reason?: string } = {}): ApprovalItem {
  return decision(pending, "approved", options);
}

/** The user's no. The model reads the reason. */
export function reject(pending: Pending, options: { readonly reason?: string } = {}): ApprovalItem {
  return decision(pending, "rejected", options);
}

function decision(
  pending: Pending,
  verdict: "approved" | "rejected",
  options: { readonly reason?: string },
): ApprovalItem {
  if (pending?.kind !== "approval") {
    throw new TypeError(
      pending?.kind === "tool_result"
        ? `Cannot decide on ${quote(pending.name)}: it does not wait for approval, it waits for a result; use toolResult()`
        : `Cannot decide on ${quote(pending?.name ?? pending)}: expected an element of result.pending`,
    );
  }
  checkOptions(options, { reason: text }, `a decision on "${pending.name}"`);
  const { reason } = options;
  return {
    type: "approval",
    id: `${pending.id}:approval`,
    callId: pending.callId,
    decision: verdict,
    ...(reason === undefined ? {} : { reason }),
    ...(pending.path.length === 0 ? {} : { path: pending.path }),
  };
}

/** The result of a tool without `execute`, which the caller has run. */
export function toolResult(
  pending: Pending,
  output: Json,
  options: { readonly status?: "ok" | "error" } = {},
): ToolResultItem {
  if (pending?.kind !== "tool_result") {
    throw new TypeError(
      pending?.kind === "approval"
        ? `Cannot give the result of ${quote(pending.name)}: it waits for approval; use approve() or reject()`
        : `Cannot give the result of ${quote(pending?.name ?? pending)}: expected an element of result.pending`,
    );
  }
  return {
    type: "tool_result",
    id: `${pending.id}:result`,
    callId: pending.callId,
    output: typeof output === "string" ? output : JSON.stringify(output),
    status: options.status ?? "ok",
    ...(pending.path.length === 0 ? {} : { path: pending.path }),
  };
}
