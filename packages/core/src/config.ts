import type { Engine } from "./contracts/engine.ts";
import type { CallSite, Model, ModelSettings } from "./contracts/model.ts";
import type { Plugin } from "./contracts/plugin.ts";
import type { SessionKey, SessionStore } from "./contracts/session.ts";
import type { InputFilter } from "./definitions.ts";
import type { Clock, NewId } from "./environment.ts";
import type { RunEvent } from "./events.ts";
import type { AgentDefinition, Graph } from "./graph.ts";
import type { JsonObject } from "./json.ts";
import type { Limits } from "./limits.ts";
import type { ConcurrentTurns, Turns } from "./turns.ts";

/** A runner's own settings. Limits are defaults that a run may change. */
export interface RunnerOptions extends Partial<Limits> {
  readonly plugins?: readonly Plugin[];
  /** For agents without a model of their own. */
  readonly model?: string | Model;
  /** Under those of the agent and of the run. */
  readonly settings?: ModelSettings;
  /** Applied at every handoff, before the handoff's own. */
  readonly inputFilter?: InputFilter | readonly InputFilter[];
  /** @default in this process */
  readonly engine?: Engine;
  /** @default the machine's */
  readonly clock?: Clock;
  /** What happens to a turn that comes while another is under way on its session. @default "queue" */
  readonly concurrentTurns?: ConcurrentTurns;
  /** Makes the ids of runs. @default a random UUID and a count */
  readonly newId?: NewId;
}

/** One run's settings. */
export interface RunOptions extends Partial<Limits> {
  /** Names the conversation in the runner's session store: an id, or `{ tenant, id }`. */
  readonly session?: string | SessionKey;
  /** Names the run. The same id again has the effect of once. @default a new id */
  readonly runId?: string;
  /** Stops the run: it rejects with an `AbortError` whose cause is the signal's reason. */
  readonly signal?: AbortSignal;
  /** For all agents of this run, over their own. */
  readonly model?: string | Model;
  /** Over those of the agents. */
  readonly settings?: ModelSettings;
  /** Instead of the runner's. */
  readonly inputFilter?: InputFilter | readonly InputFilter[];
  /** Told to plugins, shown to no model. */
  readonly metadata?: JsonObject;
}

/** What runs use of their runner. */
export interface RunnerConfig {
  readonly plugins: readonly Plugin[];
  readonly taps: readonly ((event: RunEvent, at: CallSite) => void)[];
  readonly store: SessionStore | undefined;
  readonly turns: Turns | undefined;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly limits: Limits;
  readonly settings: ModelSettings | undefined;
  readonly inputFilter: InputFilter | readonly InputFilter[] | undefined;
  /** A graph, compiled once. */
  graphOf(entry: AgentDefinition): Graph;
}
