/** The router's options, checked. */
import {
  checkKeys,
  type Examples,
  type HandoffSpec,
  type Json,
  type JsonObject,
  type MaybePromise,
  type Model,
} from "@batonjs/core";
import type { ClassifierKind } from "./classifier.ts";
import type { Question, Rung } from "./decision.ts";
import type { SavedClassifiers } from "./learner.ts";

/** Sends messages that match to an agent. */
export interface Rule {
  /** Name of the agent or of the handoff; `null` leaves the message to the triage model. */
  readonly to: string | null;
  /** On the text of the last user message. A function may answer how sure it is, from 0 to 1. */
  readonly match: RegExp | ((text: string, question: Question) => MaybePromise<boolean | number>);
}

/** Below it a rung abstains. From 0 to 1. */
export interface Thresholds {
  /** @default 0.5 */
  readonly rules: number;
  /** @default 0.6; better: `fitThresholds` */
  readonly examples: number;
  /** @default 0.6 */
  readonly decider: number;
}

const DEFAULT_THRESHOLDS: Thresholds = Object.freeze({ rules: 0.5, examples: 0.6, decider: 0.6 });

/** A router as JSON. */
export interface SavedRouter {
  readonly version: 1;
  readonly thresholds: Thresholds;
  readonly classifiers: SavedClassifiers;
}

export interface RouterOptions {
  /** Asked first, in order. A rule for an agent that may not be taken now is passed over. */
  readonly rules?: readonly Rule[];
  /** Rungs of your own, asked after the rules. */
  readonly rungs?: readonly Rung[];
  /** Examples beside those of the handoffs, by name of agent or handoff. */
  readonly examples?: Readonly<Record<string, Examples>>;
  /** Messages that belong to none of the agents. */
  readonly outOfScope?: readonly string[];
  /** What learns from the examples; `false` leaves the rung out. @default `installed()` */
  readonly classifier?: ClassifierKind | false;
  /** Asked with a small prompt to choose among the handoffs or none. @default none */
  readonly decider?: Model;
  /** The triage model: gets the whole request where no rung is sure. @default says what it can hand over to */
  readonly model?: Model;
  readonly thresholds?: Partial<Thresholds>;
  /** Fills the payload of a handoff. Nothing: the next rung decides. @default `{}` where nothing is required */
  readonly payload?: (handoff: HandoffSpec, question: Question) => MaybePromise<JsonObject | undefined>;
  /** Names of handoffs that lead back, which are never taken by the router. @default ["transfer_back"] */
  readonly back?: readonly string[];
  /** What `save()` gave: thresholds, and classifiers that need no fitting while the examples are the same. */
  readonly saved?: SavedRouter | Json;
}

/** `agents` is that of `routed()`. */
const OPTIONS: ReadonlySet<string> = new Set([
  "rules",
  "rungs",
  "examples",
  "outOfScope",
  "classifier",
  "decider",
  "model",
  "thresholds",
  "payload",
  "back",
  "saved",
  "agents",
]);

/** Defaults, then what is saved, then what is given. Throws a `RangeError` that names what is out of range. */
export function thresholdsOf(...given: readonly (Partial<Thresholds> | undefined)[]): Thresholds {
  const thresholds: Record<string, number> = { ...DEFAULT_THRESHOLDS };
  for (const each of given) {
    for (const [name, value] of Object.entries(each ?? {})) {
      if (!Object.hasOwn(DEFAULT_THRESHOLDS, name)) {
        const known = Object.keys(DEFAULT_THRESHOLDS).map((one) => `"${one}"`);
        throw new TypeError(`Cannot use "${name}" as the name of a threshold: expected ${known.join(", ")}`);
      }
      if (value !== undefined) thresholds[name] = share(`thresholds.${name}`, value);
    }
  }
  return Object.freeze(thresholds as unknown as Thresholds);
}

/** `value`, a number from 0 to 1; else a `RangeError` that names it. */
export function share(name: string, value: number): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new RangeError(`Cannot use ${String(value)} as ${name} as it must be a number from 0 to 1`);
}

/** `options` as they are, or the error for the first that cannot be used. */
export function checkOptions(options: RouterOptions): void {
  checkKeys(options, OPTIONS, "a router");
  for (const [i, rule] of (options.rules ?? []).entries()) {
    const fits = rule?.match instanceof RegExp || typeof rule?.match === "function";
    if (fits && (rule.to === null || typeof rule.to === "string")) continue;
    throw new TypeError(
      `Cannot use rule ${i} of the router: expected { to, match }, with a name or null, and a regular expression or a function`,
    );
  }
  for (const [i, rung] of (options.rungs ?? []).entries()) {
    if (typeof rung?.name !== "string" || typeof rung.judge !== "function")
      throw new TypeError(`Cannot use rung ${i} of the router: expected an object with a name and a judge() method`);
    if (rung.threshold !== undefined) share(`threshold of rung "${rung.name}"`, rung.threshold);
  }
  for (const name of ["decider", "model"] as const) {
    if (options[name] !== undefined && typeof options[name].stream !== "function")
      throw new TypeError(`Cannot use the ${name} of the router: expected a Model`);
  }
  const { classifier } = options;
  if (classifier !== undefined && classifier !== false && typeof classifier.fit !== "function")
    throw new TypeError("Cannot use the classifier of the router: expected an object with fit() and load(), or false");
}
