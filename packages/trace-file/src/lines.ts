/** What a log holds: one JSON object a line, in the order of the events. */
import type { HandoffMode, ModelUsage, ToolResultStatus, Usage } from "@batonjs/core";
import type { Passed } from "@batonjs/core/tracing";

/** Of the format. A reader refuses a newer one. */
export const FORMAT = 1;

/** Fields that every line has. */
export interface LineBase {
  readonly v: typeof FORMAT;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Id of the run. */
  readonly run: string;
  /** Number of the event in its run. */
  readonly seq: number;
  /** The agent that had control. */
  readonly agent: string;
  /** Ids of the calls that lead to the nested run this happened in. */
  readonly path?: readonly string[];
}

/** An item as it is logged. Its texts are there where they were captured; their length always is. */
export interface LoggedItem {
  readonly type: string;
  readonly id: string;
  readonly agent?: string;
  readonly role?: string;
  readonly callId?: string;
  readonly name?: string;
  readonly status?: ToolResultStatus;
  readonly decision?: string;
  readonly plugin?: string;
  readonly handoff?: true;
  /** UTF-16 units of its text. */
  readonly chars?: number;
  readonly text?: string;
  readonly from?: string;
  readonly to?: string;
  readonly mode?: HandoffMode | "back";
  /** Of a model reply beside the conversation. */
  readonly purpose?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly usage?: ModelUsage;
  readonly durationMs?: number;
  readonly usd?: number;
  /** What a router has noted, as far as it is numbers. */
  readonly scores?: Readonly<Record<string, number>>;
}

/** A line without what all lines have. */
export type LineBody =
  | { readonly type: "run_started"; readonly session?: { readonly tenant?: string; readonly id: string } }
  | {
      readonly type: "turn_started";
      readonly turn: number;
      readonly model: string;
      readonly provider: string;
      readonly items: number;
      readonly handoffs: readonly string[];
      readonly tools: readonly string[];
    }
  | {
      readonly type: "turn_finished";
      readonly turn: number;
      readonly model: string;
      readonly provider: string;
      readonly finishReason: string;
      readonly usage: ModelUsage;
      readonly durationMs: number;
      readonly firstEventMs?: number;
      readonly responseId?: string;
      /** Price in US dollars. Not there where it is not known, which is not the same as free. */
      readonly usd?: number;
    }
  | { readonly type: "turn_reset"; readonly reason?: string }
  | {
      readonly type: "text_delta" | "reasoning_delta" | "tool_call_delta";
      readonly delta: string;
      readonly callId?: string;
    }
  | { readonly type: "item"; readonly item: LoggedItem }
  | { readonly type: "tool_started"; readonly callId: string; readonly name: string; readonly arguments?: string }
  | { readonly type: "tool_progress"; readonly callId: string; readonly name: string; readonly data?: unknown }
  | {
      readonly type: "tool_finished";
      readonly callId: string;
      readonly name: string;
      readonly status: ToolResultStatus;
      readonly durationMs: number;
      readonly output?: string;
    }
  | {
      readonly type: "handoff";
      readonly from: string;
      readonly to: string;
      readonly mode: HandoffMode | "back";
      readonly toolName?: string;
      readonly callId?: string;
      readonly before: number;
      readonly after: number;
      readonly filters: readonly string[];
      readonly durationMs: number;
      /** What the target sees of what its predecessor saw; at most 200 ids of each kind. */
      readonly passed?: Passed;
      /** The payload. */
      readonly input?: string;
    }
  | {
      readonly type: "handoff_refused";
      readonly callId: string;
      readonly toolName: string;
      readonly to?: string;
      readonly reason?: string;
    }
  | {
      readonly type: "guardrail";
      readonly kind: string;
      readonly name: string;
      readonly allowed: boolean;
      readonly callId?: string;
      readonly durationMs: number;
      readonly reason?: string;
    }
  | { readonly type: "approval_needed"; readonly kind: string; readonly name: string; readonly callId: string }
  | { readonly type: "run_finished"; readonly status: "completed" | "paused"; readonly usage: Usage }
  | { readonly type: "run_failed"; readonly code: string; readonly name: string; readonly message?: string }
  /** Lines that did not fit into the queue, or could not be written. */
  | { readonly type: "dropped"; readonly count: number };

export type TraceLine = LineBase & LineBody;
