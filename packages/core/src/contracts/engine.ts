import type { EventBody } from "../events.ts";
import type { MessageItem, NewItem, ToolCallItem } from "../items.ts";

/** Something to be done outside, as plain JSON. Its `key` is the same on every replay of the transcript. */
export type Effect =
  /** Ask the agent's model. */
  | { readonly type: "model"; readonly key: string; readonly agent: string }
  /** Find out what the calls of a reply are: parse them, ask whether they are enabled and need approval. */
  | { readonly type: "check"; readonly key: string; readonly agent: string; readonly calls: readonly ToolCallItem[] }
  | {
      readonly type: "tool";
      readonly key: string;
      readonly agent: string;
      readonly call: ToolCallItem;
      readonly verify?: true;
    }
  /** Run a nested agent, in its own transcript. */
  | { readonly type: "agent"; readonly key: string; readonly agent: string; readonly call: ToolCallItem }
  /** Make the handoff: guardrails, callback, filter. `rest` are the calls that it leaves unmade. */
  | {
      readonly type: "handoff";
      readonly key: string;
      readonly agent: string;
      readonly call: ToolCallItem;
      readonly rest: readonly ToolCallItem[];
    }
  /** Ask the agent's input guardrails about messages that are about to be appended. */
  | {
      readonly type: "guardrail";
      readonly key: string;
      readonly agent: string;
      readonly messages: readonly MessageItem[];
    };

/** What a call turned out to be. */
export interface CallVerdict {
  readonly callId: string;
  readonly kind: "tool" | "agent" | "client" | "handoff";
  /** Of a handoff: the agent that would take over. */
  readonly to?: string;
  /** A tool that must never run twice. */
  readonly once?: boolean;
  /** The call is of a tool that can tell whether it happened. */
  readonly verifiable?: boolean;
}

/** What an effect led to, as plain JSON: items to append and, of a check, verdicts. */
export interface Outcome {
  readonly items: readonly NewItem[];
  readonly verdicts?: readonly CallVerdict[];
  /** Told when the items are recorded. */
  readonly events?: readonly EventBody[];
}

/** What an engine may use of a run. */
export interface EngineRun {
  readonly runId: string;
  readonly signal: AbortSignal;
  /** Why the run was stopped, once it was: start nothing more. */
  readonly stopped: Error | undefined;
  /** How many effects may be under way at once. */
  readonly maxConcurrentTools: number;
  /** Does one effect, in this process. Rejects where the run cannot go on: that is not a tool's error. */
  perform(effect: Effect): Outcome | Promise<Outcome>;
  /** Makes an outcome true: durable, then visible to the run. Once for each effect. */
  record(outcome: Outcome): void | Promise<void>;
  /** A side channel for whoever listens. Outcomes are the truth. */
  emit(event: EventBody): void | Promise<void>;
}

/** Does effects: in this process, or as steps of a durable workflow. One batch is under way at a time. */
export interface Engine {
  /**
   * Does all `effects`, side by side or not, and hands each outcome to `run.record`. Returns, or resolves, when all are
   * recorded; soon after `run.signal` is aborted: the run ends without it when the grace of tools and the store's time
   * are over.
   */
  perform(effects: readonly Effect[], run: EngineRun): void | Promise<void>;
}
