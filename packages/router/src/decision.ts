/** What the rungs of the ladder say, and what comes of it. */
import type { HandoffSpec, JsonObject, MaybePromise, ModelReply, ModelRequest } from "@batonjs/core";

/** A message that is to be routed. */
export interface Question {
  /** Text of the last user message; of a long one the beginning and the end, 8,000 characters in all. */
  readonly text: string;
  /** The handoffs that may be taken now. */
  readonly handoffs: readonly HandoffSpec[];
  readonly request: ModelRequest;
}

/** How well the message fits an agent. */
export interface AgentScore {
  /** Name of the agent; `null` is what belongs to none of them. */
  readonly to: string | null;
  readonly score: number;
}

/** An example that the message is like, and whose it is. */
export interface NearExample extends AgentScore {
  readonly text: string;
}

/** Model calls that were made to decide. */
export type AlsoUsed = NonNullable<ModelReply["alsoUsed"]>;

/** What one rung says. */
export interface Judgement {
  /** Name of a handoff or of its agent; `null`: the message belongs to none of them. */
  readonly to: string | null;
  /** How sure, from 0 to 1. @default 1 */
  readonly score?: number;
  readonly intent?: string;
  /** All agents, the best first. */
  readonly scores?: readonly AgentScore[];
  readonly nearest?: readonly NearExample[];
  readonly used?: AlsoUsed;
}

/** One step of the ladder. */
export interface Rung {
  readonly name: string;
  /** Below it the rung abstains, and the next one is asked. From 0 to 1. @default 0.5 */
  readonly threshold?: number;
  /** Nothing: abstains. A throw counts as nothing, and is noted. */
  judge(question: Question): MaybePromise<Judgement | undefined>;
}

/** A rung that has not decided. */
export interface Abstention {
  readonly rung: string;
  /** `unsure`, `silent`, `not_offered`, `needs_payload`, or what failed. */
  readonly why: string;
  readonly to?: string | null;
  readonly score?: number;
}

/** What the ladder has decided. */
export interface Decision {
  /** Name of the handoff to call; none where the model decides. */
  readonly handoff: string | undefined;
  /** The agent it leads to. */
  readonly to: string | undefined;
  /** Arguments of the call. */
  readonly payload: JsonObject | undefined;
  /** The rung that has decided, also for nobody; none where all abstained. */
  readonly rung: string | undefined;
  readonly score: number;
  readonly intent: string | undefined;
  readonly scores: readonly AgentScore[];
  readonly nearest: readonly NearExample[];
  readonly abstained: readonly Abstention[];
  readonly used: AlsoUsed;
}
