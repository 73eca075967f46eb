import type { FinishReason, HandoffItem, Item, ModelUsage, ToolResultStatus, Usage } from "./items.ts";
import type { Json } from "./json.ts";

/** A call that waits for the caller: for a decision, or for the result of a tool without `execute`. */
export interface Pending {
  readonly kind: "approval" | "tool_result";
  /** Id of the call's item. */
  readonly id: string;
  readonly callId: string;
  /** The agent whose model made the call. */
  readonly agent: string;
  /** Name of the tool or handoff. */
  readonly name: string;
  /** The arguments, parsed. */
  readonly arguments: Json;
  /** Ids of the calls that lead to a nested run; empty for the run itself. */
  readonly path: readonly string[];
}

export interface EventBase {
  /** Counts up by one over all events of a run, nested ones included. */
  readonly seq: number;
  readonly runId: string;
  /** The agent that has control. */
  readonly agent: string;
  /** Ids of the calls that lead to the nested run this happened in; none for the run itself. */
  readonly path?: readonly string[];
}

/** An event without what the run adds. */
export type EventBody =
  | { readonly type: "run_started" }
  /** A model is asked. `items` counts what it is shown. */
  | {
      readonly type: "turn_started";
      readonly turn: number;
      readonly model: string;
      readonly provider: string;
      readonly items: number;
      readonly handoffs: readonly string[];
      readonly tools: readonly string[];
    }
  /** `consulting`: the text goes to the agent that waits for it, not to the user. */
  | { readonly type: "text_delta"; readonly delta: string; readonly consulting?: true }
  | { readonly type: "reasoning_delta"; readonly delta: string }
  | { readonly type: "tool_call_delta"; readonly callId: string; readonly name?: string; readonly delta: string }
  /** An item was recorded: it is durable as far as the store says. */
  | { readonly type: "item"; readonly item: Item }
  | { readonly type: "tool_started"; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly type: "tool_progress"; readonly callId: string; readonly name: string; readonly data: Json }
  | {
      readonly type: "tool_finished";
      readonly callId: string;
      readonly name: string;
      readonly status: ToolResultStatus;
      readonly output: string;
      readonly durationMs: number;
    }
  /** Control has passed. `before` and `after` count the items the target would have seen and sees. */
  | {
      readonly type: "handoff";
      readonly item: HandoffItem;
      readonly from: string;
      readonly to: string;
      readonly toolName?: string;
      readonly before: number;
      readonly after: number;
      readonly filters: readonly string[];
      readonly durationMs: number;
    }
  | {
      readonly type: "handoff_refused";
      readonly callId: string;
      readonly toolName: string;
      readonly to?: string;
      readonly reason: string;
    }
  | {
      readonly type: "guardrail";
      readonly kind: "input" | "output" | "tool_input" | "tool_output" | "handoff";
      readonly name: string;
      readonly allowed: boolean;
      readonly reason?: string;
      readonly callId?: string;
      readonly durationMs: number;
    }
  | { readonly type: "approval_needed"; readonly pending: Pending }
  /** What was streamed of this turn is void. */
  | { readonly type: "turn_reset"; readonly reason: string }
  | {
      readonly type: "turn_finished";
      readonly turn: number;
      readonly model: string;
      readonly provider: string;
      readonly finishReason: FinishReason;
      readonly usage: ModelUsage;
      readonly durationMs: number;
      readonly firstEventMs?: number;
      readonly responseId?: string;
    }
  | { readonly type: "run_finished"; readonly status: "completed" | "paused"; readonly usage: Usage }
  | { readonly type: "run_failed"; readonly error: Error; readonly code: string };

/** What happens in a run, in order. One grammar for streams, plugins and logs. */
export type RunEvent = EventBase & EventBody;
