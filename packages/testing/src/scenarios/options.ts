/** How scenarios are played. */
import type { AnyAgent, Clock, Model, Plugin, RunnerOptions } from "@batonjs/core";
import type { Cost } from "../expectations.ts";
import type { Scenario } from "./scenario.ts";

/** How long a conversation may take, in milliseconds. */
const TIMEOUT_MS = 600_000;

/** How scenarios are played. */
export interface ScenarioOptions {
  /** The runner's: providers of models, `stubTools()`, what production has. */
  readonly plugins?: readonly Plugin[];
  /** For all agents, over their own: scripted, from a cassette, local, real. */
  readonly model?: string | Model;
  /** Plays users that have no model of their own. */
  readonly userModel?: string | Model;
  /** What else the runner is made with: a model for agents without one, limits, a filter. */
  readonly runner?: Omit<RunnerOptions, "plugins" | "clock">;
  /** How often each scenario is played. @default {1} */
  readonly repeat?: number;
  /** Conversations at a time. @default {1} */
  readonly concurrency?: number;
  /** The share of a scenario's runs that must pass, from 0 to 1. @default {1} */
  readonly minPassRate?: number;
  /** Milliseconds for one conversation. @default {600_000} */
  readonly timeoutMs?: number;
  /** What a reply costs, in the unit of `usd`. */
  readonly price?: Cost["price"];
  /** Stops everything: `runScenarios` rejects with its reason. */
  readonly signal?: AbortSignal;
  /** @default the machine's */
  readonly clock?: Clock;
}

/** What one conversation is played with, made anew for it. */
export interface ScenarioSetup<Context = unknown> {
  readonly context?: Context;
  /** Inside of the plugins of the options. */
  readonly plugins?: readonly Plugin[];
  /** Over `model` of the options. */
  readonly model?: string | Model;
  /** Is called when the conversation is over. What it throws is a failure of the run. */
  readonly close?: () => void | Promise<void>;
}

type SetupOf<Setup> = (scenario: Scenario) => Setup | Promise<Setup>;

/** Options; `setup` is required where the agents need a context. */
export type ScenarioArguments<Context> = unknown extends Context
  ? [options?: ScenarioOptions & { readonly setup?: SetupOf<ScenarioSetup> }]
  : [options: ScenarioOptions & { readonly setup: SetupOf<ScenarioSetup<Context> & { readonly context: Context }> }];

/** An agent, or a function that makes one for each conversation. */
export type ScenarioAgent<A extends AnyAgent> = A | (() => A | Promise<A>);

const OPTIONS: ReadonlySet<string> = new Set([
  "plugins",
  "model",
  "userModel",
  "runner",
  "repeat",
  "concurrency",
  "minPassRate",
  "timeoutMs",
  "price",
  "signal",
  "clock",
  "setup",
] satisfies readonly (keyof ScenarioOptions | "setup")[]);

/** Options as they came. */
export type GivenOptions = ScenarioOptions & { readonly setup?: SetupOf<ScenarioSetup> };

/** The numbers among the options. */
export interface Suite {
  readonly repeat: number;
  readonly concurrency: number;
  readonly minPassRate: number;
  readonly timeoutMs: number;
}

/** Throws a `TypeError` or `RangeError` for a wrong option. */
export function checkedOptions(options: GivenOptions): Suite {
  for (const name of Object.keys(options))
    if (!OPTIONS.has(name))
      throw new TypeError(`Cannot use option "${name}" of scenarios: known options are ${[...OPTIONS].join(", ")}`);
  const { repeat = 1, concurrency = 1, minPassRate = 1, timeoutMs = TIMEOUT_MS } = options;
  for (const [name, value] of Object.entries({ repeat, concurrency, timeoutMs }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`Cannot use ${String(value)} as ${name} as it must be a positive integer`);
  if (!(typeof minPassRate === "number" && minPassRate >= 0 && minPassRate <= 1))
    throw new RangeError(`Cannot use ${String(minPassRate)} as minPassRate as it must be a number from 0 to 1`);
  return { repeat, concurrency, minPassRate, timeoutMs };
}
