/** What agents, tools, handoffs and guardrails are made of. Types only. */
import type { Examples, Model, ModelSettings, RoutingCriteria } from "./contracts/model.ts";
import type { SessionKey } from "./contracts/session.ts";
import type { HandoffItem, HandoffMode, Input, Item, MessageItem, NewItem, Usage, VisibleItem } from "./items.ts";
import type { Json, JsonObject } from "./json.ts";
import type { AnySchema, Parsed, Schema } from "./schema.ts";

export type MaybePromise<T> = T | Promise<T>;

/** What a callback is told about the run it is called in. Nothing of it reaches a model or a store. */
export interface RunContext<out Context = unknown> {
  /** What the caller gave as `context`. */
  readonly context: Context;
  /** Name of the agent that has control. */
  readonly agent: string;
  readonly runId: string;
  readonly session?: SessionKey;
  /** Of the run so far. */
  readonly usage: Usage;
  /** Aborted when the run stops, or when the time of the callback is over. */
  readonly signal: AbortSignal;
  /** The transcript so far. */
  readonly items: readonly Item[];
  /** The handoff that made the agent active; `handoff.input` is its payload. */
  readonly handoff?: HandoffItem;
  /** Of a tool's and a handoff's callbacks: the same whenever the call is run again, after a crash in another process. */
  readonly idempotencyKey?: string;
  /** Asks a model beside the conversation, counted in the run's usage. Resolves to the text of its reply. */
  ask(model: Model | string, request: AskRequest): Promise<string>;
}

export interface AskRequest {
  readonly instructions?: string;
  /** A text, or items to be shown. */
  readonly input: string | readonly VisibleItem[];
  readonly settings?: ModelSettings;
  /** What the call is for, as the usage will say. @default "callback" */
  readonly purpose?: string;
}

/** What a tool is told beside its arguments. */
export interface ToolContext<out Context = unknown> extends RunContext<Context> {
  readonly callId: string;
  /** The same whenever this call is run again: after a crash, in another process. */
  readonly idempotencyKey: string;
  /** Tells whoever listens how far it is: a `tool_progress` event. */
  progress(data: Json): void;
}

/** `none` reads only; `idempotent` may be repeated with the same key; `once` must never run twice. */
export type SideEffects = "none" | "idempotent" | "once";

/** What a guardrail says. Anything else, a throw or no answer in time also blocks. */
export type Verdict = boolean | { readonly allow: boolean; readonly reason?: string };

/** Judges data of one kind before it goes on. */
export interface Guardrail<in Data, in Context = unknown> {
  readonly name: string;
  check(data: Data, run: RunContext<Context>): MaybePromise<Verdict>;
  /** @default the run's `callbackTimeoutMs` */
  readonly timeoutMs?: number;
}
/** The user messages that an agent is the first to answer. */
export interface InputGuardrailData {
  readonly messages: readonly MessageItem[];
  /** Their texts, joined by line breaks. */
  readonly text: string;
}
export interface InputGuardrail<in Context = unknown> extends Guardrail<InputGuardrailData, Context> {
  /** Run beside the model call; the reply is held back until it is done. @default false */
  readonly runInParallel?: boolean;
}
export interface OutputGuardrailData {
  readonly text: string;
}
export type OutputGuardrail<Context = unknown> = Guardrail<OutputGuardrailData, Context>;
export interface ToolInputGuardrailData {
  readonly name: string;
  readonly callId: string;
  /** The checked arguments. */
  readonly arguments: unknown;
}
export type ToolInputGuardrail<Context = unknown> = Guardrail<ToolInputGuardrailData, Context>;
export interface ToolOutputGuardrailData extends ToolInputGuardrailData {
  readonly output: string;
}
export type ToolOutputGuardrail<Context = unknown> = Guardrail<ToolOutputGuardrailData, Context>;
export interface HandoffGuardrailData<out Payload = unknown> {
  readonly from: string;
  readonly to: string;
  readonly input: Payload;
  /** What the agent handing over sees. */
  readonly visible: readonly VisibleItem[];
}

declare const context: unique symbol;
declare const reach: unique symbol;
/** What an agent or handoff carries for the type checker only. */
export interface Node<in Context = never, out Reach = unknown> {
  readonly [context]?: (needs: Context) => void;
  readonly [reach]?: () => Reach;
}

/** Bound for inference: says nothing about types, so that an inline `new Agent()` is not inferred from it. */
export interface AnyAgent {
  readonly kind: "agent";
  readonly name: string;
}
export interface AnyHandoff {
  readonly kind: "handoff";
  readonly toolName: string;
}
/** What an agent's `handoffs` may hold. */
export type AnyTarget = AnyAgent | AnyHandoff;

/** A function that a model may call; made by `tool()` or `agent.asTool()`. */
export interface Tool<in Context = never, out Result = unknown> extends RoutingCriteria {
  readonly kind: "tool";
  readonly name: string;
  readonly description: string;
  readonly parameters: AnySchema;
  readonly strict?: boolean;
  readonly sideEffects: SideEffects;
  readonly timeoutMs?: number;
  readonly needsApproval: boolean | ((args: never, run: RunContext<Context>) => MaybePromise<boolean>);
  readonly isEnabled: boolean | ((run: RunContext<Context>) => MaybePromise<boolean>);
  readonly inputGuardrails: readonly ToolInputGuardrail<Context>[];
  readonly outputGuardrails: readonly ToolOutputGuardrail<Context>[];
  /** Without it the caller runs the tool: the run pauses. */
  readonly execute?: (args: never, run: ToolContext<Context>) => MaybePromise<Result>;
  /** Settles a call whose outcome is unknown: the result where it happened, `undefined` where it did not. */
  readonly verify?: (args: never, run: ToolContext<Context>) => MaybePromise<Result | undefined>;
  /** What the model reads when `execute` throws. @default the error's message */
  readonly onError?: (error: unknown, run: ToolContext<Context>) => MaybePromise<string>;
  /** The agent that runs in its own transcript instead of `execute`. */
  readonly nested?: NestedAgent;
}
/** How `agent.asTool()` runs its agent. */
export interface NestedAgent {
  readonly agent: AnyAgent;
  readonly input: (args: never) => string;
  readonly output: (finalOutput: never) => string;
  readonly maxTurns?: number;
}
/** A tool that the provider runs. */
export interface HostedTool {
  readonly type: "hosted";
  readonly provider: string;
  readonly name: string;
  readonly data?: JsonObject;
}
/** Tools that are only known when a model is about to be asked: an MCP server, a plugin's catalogue. */
export interface ToolSource<in Context = never> {
  readonly kind: "tool_source";
  readonly name: string;
  list(run: RunContext<Context>): MaybePromise<readonly Tool<Context>[]>;
}
/** Bound for inference, as `AnyAgent`: an inline `tool()` is not inferred from it. */
export type ToolLike = { readonly kind: "tool" | "tool_source"; readonly name: string } | HostedTool;
export type AnyFunctionTool = Tool<never, unknown>;
export type AnyTool = AnyFunctionTool | HostedTool | ToolSource<never>;

export interface ToolOptions<S extends AnySchema | undefined, Context, Result> extends RoutingCriteria {
  /** 1 to 64 letters, digits, `_` and `-`. */
  readonly name: string;
  readonly description?: string;
  /** @default no parameters */
  readonly parameters?: S;
  /** Ask the provider to hold the model to the schema. */
  readonly strict?: boolean;
  /** Does the work. What it returns is written as text, or as JSON; a throw becomes a result that the model reads. */
  readonly execute?: (args: Parsed<S>, run: ToolContext<Context>) => MaybePromise<Result>;
  readonly verify?: (args: Parsed<S>, run: ToolContext<Context>) => MaybePromise<Result | undefined>;
  readonly onError?: (error: unknown, run: ToolContext<Context>) => MaybePromise<string>;
  /** What a crash may do: only `once` is never run again. @default "once" */
  readonly sideEffects?: SideEffects;
  readonly needsApproval?: boolean | ((args: Parsed<S>, run: RunContext<Context>) => MaybePromise<boolean>);
  readonly isEnabled?: boolean | ((run: RunContext<Context>) => MaybePromise<boolean>);
  /** Milliseconds. @default the run's `toolTimeoutMs` */
  readonly timeoutMs?: number;
  readonly inputGuardrails?: readonly ToolInputGuardrail<Context>[];
  readonly outputGuardrails?: readonly ToolOutputGuardrail<Context>[];
}

/** What a filter is given: what the target would see, in three pieces, oldest first. */
export interface FilterData<out Payload = unknown, out Context = unknown> {
  /** Up to and including the last user message. */
  readonly inputHistory: readonly VisibleItem[];
  /** After it, up to the reply that asked for the handoff. */
  readonly preHandoffItems: readonly VisibleItem[];
  /** That reply and its results, the transfer and its answer included. */
  readonly newItems: readonly VisibleItem[];
  readonly from: string;
  readonly to: string;
  /** The validated payload. */
  readonly input: Payload;
  readonly context: Context;
  readonly run: RunContext<Context>;
}
type PutIn = NewItem & { readonly type: VisibleItem["type"] };
/** What the target is to see. A field that is left out stays as it is; an item without an `id` is put in. */
export interface FilterResult {
  readonly inputHistory?: readonly PutIn[];
  readonly preHandoffItems?: readonly PutIn[];
  readonly newItems?: readonly PutIn[];
}
/** Chooses what the receiving agent sees. Never changes the record. */
export type InputFilter<Payload = unknown, Context = unknown> = (
  data: FilterData<Payload, Context>,
) => MaybePromise<FilterResult>;

export interface HandoffOptions<
  Context,
  S extends AnySchema | undefined,
  M extends HandoffMode,
> extends RoutingCriteria {
  /** @default `transfer_to_` + the agent's name */
  readonly toolName?: string;
  /** @default from the agent's `handoffDescription`, and `when` and `notFor` */
  readonly toolDescription?: string;
  /** Schema of the payload. @default no payload */
  readonly inputType?: S;
  readonly strict?: boolean;
  /** Called when the handoff is made, before the filter. A throw refuses it. */
  readonly onHandoff?: (input: Parsed<S>, run: RunContext<Context>) => MaybePromise<void>;
  /** What the target sees. Several are applied in order. @default everything */
  readonly inputFilter?: InputFilter<Parsed<S>, Context> | readonly InputFilter<Parsed<S>, Context>[];
  readonly isEnabled?: boolean | ((run: RunContext<Context>) => MaybePromise<boolean>);
  readonly needsApproval?: boolean | ((input: Parsed<S>, run: RunContext<Context>) => MaybePromise<boolean>);
  readonly guardrails?: readonly Guardrail<HandoffGuardrailData<Parsed<S>>, Context>[];
  /** Where control goes when the target has answered. @default "pass" */
  readonly mode?: M;
}

/** An edge of the graph; made by `handoff()` or `handBack()`. */
export interface Handoff<in Context = unknown, out Reach = string, out Payload = unknown>
  extends Node<Context, Reach>, AnyHandoff, RoutingCriteria {
  readonly toolDescription: string | undefined;
  /** The target; none means whoever handed over last. */
  readonly agent: AnyAgent | undefined;
  readonly mode: HandoffMode;
  readonly inputType: AnySchema | undefined;
  readonly strict: boolean | undefined;
  readonly onHandoff: ((input: never, run: RunContext<Context>) => MaybePromise<void>) | undefined;
  readonly inputFilters: readonly ((data: never) => MaybePromise<FilterResult>)[];
  readonly isEnabled: boolean | ((run: RunContext<Context>) => MaybePromise<boolean>);
  readonly needsApproval: boolean | ((input: never, run: RunContext<Context>) => MaybePromise<boolean>);
  readonly guardrails: readonly Guardrail<never, Context>[];
  readonly payload?: () => Payload;
}

/** A tool that has run, where `toolUseBehavior` decides whether its output is the answer. */
export interface ToolOutcome {
  readonly name: string;
  readonly callId: string;
  readonly arguments: string;
  readonly output: string;
}
/**
 * What follows a tool's result: the model is asked again; the first result is the answer; the first result of one of
 * these tools is; or a function decides. A handoff wins over it.
 */
export type ToolUseBehavior<Context = unknown> =
  | "run_llm_again"
  | "stop_on_first_tool"
  | { readonly stopAtToolNames: readonly string[] }
  | ((
      results: readonly ToolOutcome[],
      run: RunContext<Context>,
    ) => MaybePromise<{ readonly finalOutput: string } | undefined>);

export type Instructions<Context> = string | ((run: RunContext<Context>) => MaybePromise<string>);

/** An agent with its types: the context that its graph needs, its own output, the outputs of its whole graph. */
export interface Agent<in Context = unknown, out Output = string, out Reach = Output>
  extends Node<Context, Reach>, AnyAgent {
  readonly instructions: Instructions<Context> | undefined;
  /** What others read about when to hand over to it. */
  readonly handoffDescription: string | undefined;
  readonly model: string | Model | undefined;
  readonly settings: ModelSettings;
  readonly tools: readonly AnyTool[];
  /** The edges out of it, as handoffs. */
  readonly handoffs: readonly Handoff<never, unknown, unknown>[];
  readonly outputType: Schema<Output> | undefined;
  readonly inputGuardrails: readonly InputGuardrail<Context>[];
  readonly outputGuardrails: readonly OutputGuardrail<Context>[];
  readonly toolUseBehavior: ToolUseBehavior<Context>;
  /** A copy with some things changed. */
  clone(changes: AgentChanges<Context, Output>): Agent<Context, Output, Reach>;
  /** A tool that runs the agent in a transcript of its own and gives back its final output. */
  asTool(options?: AsToolOptions<undefined, Context, Output>): Tool<Context, string>;
  asTool<const S extends AnySchema>(options: AsToolOptions<S, Context, Output>): Tool<Context, string>;
}

export interface AgentChanges<Context, Output> {
  readonly name?: string;
  readonly instructions?: Instructions<Context>;
  readonly handoffDescription?: string;
  readonly model?: string | Model;
  readonly settings?: ModelSettings;
  readonly tools?: readonly (Tool<Context> | HostedTool | ToolSource<Context>)[];
  readonly handoffs?: readonly AnyTarget[];
  readonly outputType?: Schema<Output>;
  readonly inputGuardrails?: readonly InputGuardrail<Context>[];
  readonly outputGuardrails?: readonly OutputGuardrail<Context>[];
  readonly toolUseBehavior?: ToolUseBehavior<Context>;
}

export interface AsToolOptions<S extends AnySchema | undefined, Context, Output> extends RoutingCriteria {
  /** @default the agent's name, as a tool name */
  readonly name?: string;
  readonly description?: string;
  /** @default `{ input: string }` */
  readonly parameters?: S;
  /** What the agent is asked. @default `input`, or the arguments as JSON */
  readonly input?: (args: Parsed<S>) => string;
  /** What the calling agent reads. @default the text, or the output as JSON */
  readonly output?: (finalOutput: Output) => string;
  /** Model replies of the nested run. @default the run's `maxTurns` */
  readonly maxTurns?: number;
  readonly needsApproval?: boolean | ((args: Parsed<S>, run: RunContext<Context>) => MaybePromise<boolean>);
  readonly isEnabled?: boolean | ((run: RunContext<Context>) => MaybePromise<boolean>);
}

/** Intersection of what every node and tool in the union needs. Of none: unknown. */
export type ContextOf<N> = (
  N extends Tool<infer C, unknown>
    ? (needs: C) => void
    : N extends ToolSource<infer C>
      ? (needs: C) => void
      : N extends Node<infer C, unknown>
        ? (needs: C) => void
        : never
) extends (needs: infer All) => void
  ? All
  : unknown;
/** Union of the outputs that a run can end with. */
export type ReachOf<N> = N extends Node<never, infer R> ? R : never;

export interface AgentOptions<Own, Tools extends readonly ToolLike[], Handoffs extends readonly AnyTarget[], Output> {
  /** Unique in its graph. */
  readonly name: string;
  /** What the model is told to do. Only text of the developer belongs here. */
  readonly instructions?: Instructions<Own>;
  readonly handoffDescription?: string;
  /** A name, looked up in the runner's plugins, or a model. @default the runner's */
  readonly model?: string | Model;
  readonly settings?: ModelSettings;
  readonly tools?: Tools;
  /** Agents and handoffs; for cycles `handBack()`, or an annotated function: `(): Agent<App>[] => [triage]`. */
  readonly handoffs?: Handoffs | (() => Handoffs);
  /** Schema of the answer. @default text */
  readonly outputType?: Schema<Output>;
  readonly inputGuardrails?: readonly InputGuardrail<Own>[];
  readonly outputGuardrails?: readonly OutputGuardrail<Own>[];
  /** @default "run_llm_again" */
  readonly toolUseBehavior?: ToolUseBehavior<Own>;
}

export interface AgentConstructor {
  new <
    Own = unknown,
    const Tools extends readonly ToolLike[] = [],
    const Handoffs extends readonly AnyTarget[] = [],
    Output = string,
  >(
    options: AgentOptions<Own, Tools, Handoffs, Output>,
  ): Agent<Own & ContextOf<Tools[number]> & ContextOf<Handoffs[number]>, Output, Output | ReachOf<Handoffs[number]>>;
}

export type { Examples, Input };
