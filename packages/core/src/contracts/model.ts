import type { FinishReason, HandoffMode, ModelUsage, ReplyItem, VisibleItem } from "../items.ts";
import type { Json, JsonObject } from "../json.ts";
import type { JsonSchema } from "../schema.ts";
import type { SessionKey } from "./session.ts";

/** Where in a run something is called. */
export interface CallSite {
  readonly runId: string;
  readonly agent: string;
  /** Number of this model reply in the run, from 1. */
  readonly turn: number;
  readonly session?: SessionKey;
  /** Ids of the calls that lead to a nested run; empty for the run itself. */
  readonly path: readonly string[];
  /** What the call is for, where it is not an agent's turn: a summary, a guardrail's question. */
  readonly purpose?: string;
  /** What the caller gave as `metadata`. */
  readonly metadata?: JsonObject;
}

/** What an agent of a graph is called, where a plugin wraps its model or tools. */
export interface WrapSite {
  readonly agent: string;
}

/** Something that answers requests: a provider's API, a router, a cassette, a script. */
export interface Model {
  readonly name: string;
  readonly provider: string;
  /**
   * Deltas, then exactly one `reply`; or throws a `ModelError`. Text and arguments in the reply are whole: deltas are
   * for showing only. Ends soon after `request.signal` is aborted. Never throws before it is iterated.
   */
  stream(request: ModelRequest): AsyncIterable<ModelEvent>;
}

/** What a model is asked. Plain data, not changed while it is answered. */
export interface ModelRequest {
  /**
   * What the agent sees, oldest first. Results follow their calls, reasoning precedes what it belongs to. The list grows
   * once the reply is recorded: copy it to keep it.
   */
  readonly items: readonly VisibleItem[];
  readonly instructions?: string;
  readonly tools: readonly ToolSpec[];
  readonly handoffs: readonly HandoffSpec[];
  readonly output?: OutputSpec;
  readonly settings: ModelSettings;
  readonly signal: AbortSignal;
  /** `items[0..count)` are the request and reply of the turn whose provider gave this response id. */
  readonly since?: {
    readonly responseId: string;
    readonly count: number;
    /** Whose id it is. */
    readonly provider?: string;
    readonly model?: string;
  };
  /** The request that the target of a handoff would get if it was made now; see `HandoffSpec.name`. */
  readonly preview?: (handoff: string, input?: unknown) => Promise<ModelRequest | undefined>;
  readonly at: CallSite;
}

/** Example messages: a list, or lists by intent. */
export type Examples = readonly string[] | Readonly<Record<string, readonly string[]>>;

/** When to take a tool or handoff. Written once; the model, the local router, the linter and the evaluation read it. */
export interface RoutingCriteria {
  /** When to take it, as a phrase: "refunds, invoices, duplicate charges". */
  readonly when?: string;
  /** What looks similar and belongs elsewhere. */
  readonly notFor?: string;
  /** What users say when it is meant. */
  readonly examples?: Examples;
}

/** A function that the model may call. */
export interface FunctionSpec extends RoutingCriteria {
  readonly type: "function";
  readonly name: string;
  /** What the model reads, `when` and `notFor` included. */
  readonly description: string;
  readonly parameters: JsonSchema;
  /** Ask the provider to hold the model to the schema. @default provider's choice */
  readonly strict?: boolean;
}
/** A tool that the provider runs itself. */
export interface HostedToolSpec {
  readonly type: "hosted";
  readonly provider: string;
  readonly name: string;
  readonly data?: JsonObject;
}
export type ToolSpec = FunctionSpec | HostedToolSpec;

/** A transfer that the model may ask for: a function to the provider. */
export interface HandoffSpec extends RoutingCriteria {
  readonly type: "handoff";
  /** Name of the function: `transfer_to_…`. */
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchema;
  readonly strict?: boolean;
  /** Name of the agent that would take over. */
  readonly to: string;
  /** Where control goes when it has answered. @default "pass" */
  readonly mode?: HandoffMode;
  /** It leads to whoever handed over last. */
  readonly back?: true;
}

/** The form that the answer must have. */
export interface OutputSpec {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly strict?: boolean;
}

export type ToolChoice = "auto" | "required" | "none" | { readonly name: string };

/** How a model is to answer. What a provider does not know, its adapter leaves out. */
export interface ModelSettings {
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxOutputTokens?: number;
  /** A forced choice holds for one reply per user message or handoff. @default "auto" */
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly reasoning?: {
    readonly effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
    readonly summary?: "auto" | "concise" | "detailed";
  };
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** What only one provider knows, by its name: `{ openai: { serviceTier: "flex" } }`. */
  readonly providerOptions?: Readonly<Record<string, JsonObject>>;
}

export interface TextDelta {
  readonly type: "text_delta";
  readonly delta: string;
}
export interface ReasoningDelta {
  readonly type: "reasoning_delta";
  readonly delta: string;
}
export interface ToolCallDelta {
  readonly type: "tool_call_delta";
  readonly callId: string;
  readonly name?: string;
  /** A piece of the arguments. */
  readonly delta: string;
}
/** What was streamed of this reply is void: a wrapper asks again or elsewhere. */
export interface ModelReset {
  readonly type: "reset";
  readonly reason: string;
}
export interface ModelReply {
  readonly type: "reply";
  readonly items: readonly ReplyItem[];
  readonly finishReason: FinishReason;
  readonly usage: ModelUsage;
  readonly responseId?: string;
  /** The model that really answered, where it is another than the one that was asked. */
  readonly model?: string;
  readonly provider?: string;
  /** Model calls beside the one that answers, to be counted: lost guesses, a router's own. */
  readonly alsoUsed?: readonly {
    readonly model: string;
    readonly provider: string;
    readonly usage: ModelUsage;
    readonly purpose: string;
  }[];
  /** A plugin's own state to keep with the reply. */
  readonly notes?: readonly { readonly plugin: string; readonly data: Json }[];
  /** Opaque, kept with the turn. */
  readonly providerData?: JsonObject;
}
export type ModelEvent = TextDelta | ReasoningDelta | ToolCallDelta | ModelReset | ModelReply;
