import type { RunEvent } from "@batonjs/core";
import { handoffLine, itemLine, oneLine, short } from "./transcript.ts";

/** What `eventSequence` shows. */
export interface EventSequenceOptions {
  /** Show the deltas of texts, reasoning and arguments. @default {false} */
  readonly deltas?: boolean;
  /** Show the items as they are recorded. @default {true} */
  readonly items?: boolean;
  /** How much of each text a line shows, in UTF-16 units. @default {120} */
  readonly maxText?: number;
}

/**
 * Events as lines that people can read, one a line, for inline snapshots. Events of nested runs are indented. Sequence
 * numbers, run ids, durations and usage are left out, so that equal runs have equal lines.
 *
 * ```
 * run_started Triage Agent
 * item user: "I was charged twice"
 * turn_started Triage Agent, turn 1 of scripted, 1 item, offered transfer_to_billing
 * …
 * handoff Triage Agent → Billing Agent {"amount":3}
 * ```
 */
export function eventSequence(events: Iterable<RunEvent>, options: EventSequenceOptions = {}): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (!isShown(event, options)) continue;
    const line = oneLine(`${event.type} ${details(event, options.maxText)}`);
    lines.push("  ".repeat(event.path?.length ?? 0) + line);
  }
  return lines;
}

function isShown({ type }: RunEvent, { deltas = false, items = true }: EventSequenceOptions): boolean {
  return type === "item" ? items : deltas || !type.endsWith("_delta");
}

function details(event: RunEvent, maxText: number | undefined): string {
  const because = (reason: string | undefined): string => (reason === undefined ? "" : `: ${short(reason, maxText)}`);
  switch (event.type) {
    case "run_started":
      return event.agent;
    case "turn_started": {
      const offered = [...event.tools, ...event.handoffs].join(", ");
      const items = event.items === 1 ? "1 item" : `${event.items} items`;
      return `${event.agent}, turn ${event.turn} of ${event.model}, ${items}${offered === "" ? "" : `, offered ${offered}`}`;
    }
    case "text_delta":
      return `${event.agent} ${short(event.delta, maxText)}${event.consulting ? " (consulting)" : ""}`;
    case "reasoning_delta":
      return `${event.agent} ${short(event.delta, maxText)}`;
    case "tool_call_delta":
      return `${event.agent} ${event.callId}${event.name === undefined ? "" : ` ${event.name}`} ${short(event.delta, maxText)}`;
    case "item":
      return itemLine(event.item, maxText);
    case "tool_started":
      return `${event.name} [${event.callId}]`;
    case "tool_progress":
      return `${event.name} [${event.callId}] ${short(event.data, maxText)}`;
    case "tool_finished":
      return `${event.name} [${event.callId}] ${event.status}`;
    case "handoff":
      return handoffLine(event.item, maxText) + seen(event);
    case "handoff_refused":
      return `${event.toolName} [${event.callId}]${because(event.reason)}`;
    case "guardrail":
      return `${event.kind} ${event.name} ${event.allowed ? "allowed" : "blocked"}${because(event.reason)}`;
    case "approval_needed":
      return `${event.pending.kind} ${event.pending.name} [${event.pending.callId}]`;
    case "turn_reset":
      return `${event.agent}${because(event.reason)}`;
    case "turn_finished":
      return `${event.agent} ${event.finishReason}`;
    case "run_finished":
      return `${event.agent} ${event.status}`;
    case "run_failed":
      return `${event.agent} ${event.code}${because(event.error.message)}`;
    default:
      event satisfies never;
      return "";
  }
}

function seen({ before, after, filters }: RunEvent & { readonly type: "handoff" }): string {
  const names = filters.length === 0 ? "" : ` by ${filters.join(", ")}`;
  return before === after && names === "" ? "" : `, ${after} of ${before} items seen${names}`;
}

/**
 * Everything that `stream` yields, as a list. Rejects with what the stream throws; a run that fails is told by its last
 * event, `run_failed`, which holds the error, and does not reject.
 */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  try {
    for await (const each of stream) all.push(each);
  } catch (error) {
    if (!tells(all.at(-1), error)) throw error;
  }
  return all;
}

function tells(last: unknown, error: unknown): boolean {
  const { type, error: told } = (last ?? {}) as { readonly type?: unknown; readonly error?: unknown };
  return type === "run_failed" && told === error;
}
