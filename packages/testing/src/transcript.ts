import { contentText, type Item, type Json, unknownItem } from "@batonjs/core";

/** How much of each text a line shows, in UTF-16 units. */
const DEFAULT_MAX_TEXT = 120;

/** What `transcript` shows. */
export interface TranscriptOptions {
  /** How much of each text a line shows, in UTF-16 units. @default {120} */
  readonly maxText?: number;
  /** Put the id of each item before its line. @default {false} */
  readonly ids?: boolean;
}

/**
 * Items as lines that people can read, one a line, oldest first: for inline snapshots and for messages of errors.
 *
 * ```
 * user: "I was charged twice"
 * Triage Agent calls transfer_to_billing({"issue":"charge"}) [call_1]
 * result of call_1: "Billing Agent has taken over."
 * handoff Triage Agent → Billing Agent {"issue":"charge"}
 * Billing Agent: "I can help with that."
 * ```
 */
export function transcript(items: Iterable<Item>, options: TranscriptOptions = {}): string[] {
  const lines: string[] = [];
  for (const item of items) lines.push((options.ids ? `${item.id}  ` : "") + itemLine(item, options.maxText));
  return lines;
}

/** One item as a line. Times, durations and usage are left out. */
export function itemLine(item: Item, maxText: number = DEFAULT_MAX_TEXT): string {
  return oneLine(words(item, maxText));
}

function words(item: Item, maxText: number): string {
  const show = (value: Json | undefined): string => short(value, maxText);
  const who = item.type === "message" ? undefined : (item.agent ?? "someone");
  switch (item.type) {
    case "message":
      return `${speaker(item.role, item.agent)}: ${show(contentText(item.content))}${attachments(item.content)}`;
    case "reasoning":
      return `${who} thinks: ${show(item.summary ?? "")}`;
    case "tool_call":
      return `${who} calls ${item.name}(${cut(item.arguments, maxText)}) [${item.callId}]`;
    case "tool_start":
      return `start of ${item.callId}`;
    case "tool_result":
      return `result of ${item.callId}${item.status === "ok" ? "" : ` (${item.status})`}: ${show(item.output)}`;
    case "approval":
      return `approval of ${item.callId}: ${item.decision}${item.reason === undefined ? "" : ` ${show(item.reason)}`}`;
    case "handoff":
      return `handoff ${handoffLine(item, maxText)}`;
    case "turn":
      return `turn of ${who}: ${item.finishReason}${item.purpose === undefined ? "" : ` (${item.purpose})`}`;
    case "view":
      return `view of ${item.plugin ?? "the run"}: ${item.view.length} entries`;
    case "rewind":
      return `rewind to ${item.to}`;
    case "note":
      return `note of ${item.plugin}: ${show(item.data)}`;
    case "provider_item":
      return `${who} item of ${item.provider}: ${show(item.data)}`;
    default:
      item satisfies never;
      throw unknownItem(item);
  }
}

/** `text` as well-formed text on one line. */
export function oneLine(text: string): string {
  return text.toWellFormed().replace(/[\r\n\u2028\u2029]/g, (end) => ESCAPED[end] ?? end);
}

const ESCAPED: Readonly<Record<string, string>> = {
  "\r": "\\r",
  "\n": "\\n",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** Who hands over to whom, with what, and where control goes then. */
export function handoffLine(
  handoff: { readonly from: string; readonly to: string; readonly input?: Json; readonly mode: string },
  maxText: number = DEFAULT_MAX_TEXT,
): string {
  const input = handoff.input === undefined ? "" : ` ${short(handoff.input, maxText)}`;
  return `${handoff.from} → ${handoff.to}${input}${handoff.mode === "pass" ? "" : ` (${handoff.mode})`}`;
}

/** A value as JSON on one line, cut to `maxText`. */
export function short(value: Json | undefined, maxText: number = DEFAULT_MAX_TEXT): string {
  if (typeof value === "string") return JSON.stringify(cut(value, maxText).toWellFormed());
  return cut(value, maxText);
}

function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return "(what cannot be written)";
  }
}

// What a broken model sends as arguments need not be text.
function cut(value: unknown, max: number): string {
  const text = typeof value === "string" ? value : written(value);
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}

function speaker(role: string, agent: string | undefined): string {
  if (agent === undefined) return role;
  return role === "assistant" ? agent : `${role} (to ${agent})`;
}

function attachments(content: string | readonly { readonly type: string }[]): string {
  if (typeof content === "string") return "";
  const others = content.filter((part) => part.type !== "text" && part.type !== "refusal");
  return others.length === 0 ? "" : ` [${others.map((part) => part.type).join(", ")}]`;
}
