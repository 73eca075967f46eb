/** Scenarios, played and counted. */
import {
  type AnyAgent,
  type Clock,
  type ContextOf,
  type Model,
  type Plugin,
  type RunnerOptions,
  systemClock,
} from "@batonjs/core";
import { ExpectationError } from "../assertions.ts";
import type { Cost } from "../expectations.ts";
import { namesOf } from "./names.ts";
import { play } from "./play.ts";
import { pathText, problemsOf } from "./problems.ts";
import { repeatedNames, type ScenarioProblem, ScenariosError } from "./read.ts";
import type { ScenarioReport, ScenarioResult, ScenarioRun } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { failureText } from "./table.ts";

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

/**
 * Plays each scenario in a conversation of its own, `repeat` times, and counts. A run that fails is a failure of its
 * scenario. Rejects, before any run, with a `ScenariosError` for what is wrong with the scenarios, and with a `TypeError`
 * or `RangeError` for a wrong option.
 */
export async function runScenarios<A extends AnyAgent>(
  agent: ScenarioAgent<A>,
  scenarios: Iterable<Scenario>,
  ...[options = {}]: ScenarioArguments<ContextOf<A>>
): Promise<ScenarioReport> {
  const given = options as GivenOptions;
  const suite = checkedOptions(given);
  const list = [...scenarios];
  const made = typeof agent === "function" ? await agent() : agent;
  check(made, list, given);
  // The agent that names were checked with is the first that is played with.
  const agents = [made];
  const next = async (): Promise<AnyAgent> => (typeof agent === "function" ? (agents.pop() ?? (await agent())) : agent);
  const runs: ScenarioRun[][] = list.map(() => []);
  const jobs = list.flatMap(({ repeat = suite.repeat }, i) =>
    Array.from({ length: repeat }, (_, n) => async (): Promise<void> => {
      runs[i]![n] = await once(next, list[i]!, given, suite);
    }),
  );
  await atATime(jobs, suite.concurrency, given.signal);
  return reportOf(list.map((scenario, i) => resultOf(scenario, runs[i]!, suite.minPassRate)));
}

/** Plays one scenario as `runScenarios` does. Throws an `ExpectationError` with the transcript where it fails. */
export async function checkScenario<A extends AnyAgent>(
  agent: ScenarioAgent<A>,
  scenario: Scenario,
  ...options: ScenarioArguments<ContextOf<A>>
): Promise<ScenarioResult> {
  const { scenarios } = await runScenarios(agent, [scenario], ...options);
  const result = scenarios[0]!;
  if (!result.ok) throw new ExpectationError(failureText(result));
  return result;
}

type GivenOptions = ScenarioOptions & { readonly setup?: SetupOf<ScenarioSetup> };

/** The numbers among the options. */
interface Suite {
  readonly repeat: number;
  readonly concurrency: number;
  readonly minPassRate: number;
  readonly timeoutMs: number;
}

function checkedOptions(options: GivenOptions): Suite {
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

function check(agent: AnyAgent, scenarios: readonly Scenario[], { price, userModel }: GivenOptions): void {
  const names = namesOf(agent);
  if (scenarios.length === 0) throw new TypeError("Cannot play scenarios: there is none");
  const problems = scenarios.flatMap((scenario, i): readonly ScenarioProblem[] => {
    const { file, line, ...written } = scenario ?? {};
    const found = problemsOf(scenario && written, names);
    const all = found.length > 0 ? found : needs(scenario, price !== undefined, userModel !== undefined);
    const name = typeof scenario?.name === "string" ? scenario.name : `number ${i + 1}`;
    return all.map(({ path, message }) => ({
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      scenario: name,
      message: path.length === 0 ? message : `${pathText(path)}: ${message}`,
    }));
  });
  if (problems.length === 0) problems.push(...repeatedNames(scenarios));
  if (problems.length > 0) throw new ScenariosError(problems);
}

/** What a scenario needs of the options. */
function needs(
  { turns = [], user, expect }: Scenario,
  hasPrice: boolean,
  hasUserModel: boolean,
): ReturnType<typeof problemsOf> {
  const message = "a cost in usd needs the option price";
  const costs = [
    ...turns.flatMap((turn, i) =>
      turn.expect?.cost?.usd === undefined ? [] : [["turns", i, "expect", "cost", "usd"]],
    ),
    ...(expect?.cost?.usd === undefined ? [] : [["expect", "cost", "usd"]]),
  ];
  return [
    ...(hasPrice ? [] : costs.map((path) => ({ path, message }))),
    ...(user && user.model === undefined && !hasUserModel
      ? [{ path: ["user"], message: "a user needs a model: its own, or the option userModel" }]
      : []),
  ];
}

async function once(
  makeAgent: () => Promise<AnyAgent>,
  scenario: Scenario,
  options: GivenOptions,
  { timeoutMs }: Suite,
): Promise<ScenarioRun> {
  const { plugins = [], runner = {}, userModel, price, clock = systemClock, signal } = options;
  let agent: AnyAgent;
  let setup: ScenarioSetup;
  try {
    agent = await makeAgent();
    setup = (await options.setup?.(scenario)) ?? {};
  } catch (error) {
    return notPlayed(`The setup failed: ${messageOf(error)}`);
  }
  let run: ScenarioRun;
  try {
    run = await play(scenario, {
      agent,
      context: setup.context,
      plugins: [...plugins, ...(setup.plugins ?? [])],
      runner,
      model: setup.model ?? options.model,
      userModel,
      price,
      timeoutMs,
      clock,
      signal,
    });
  } catch (error) {
    await setup.close?.();
    throw error;
  }
  try {
    await setup.close?.();
    return run;
  } catch (error) {
    const failure = { turn: null, message: `The end of the setup failed: ${messageOf(error)}`, transcript: [] };
    return { ...run, ok: false, failures: [...run.failures, failure] };
  }
}

function notPlayed(message: string): ScenarioRun {
  const failures = [{ turn: null, message, transcript: [] }];
  return { ok: false, failures, turns: [], calls: 0, tokens: 0, durationMs: 0, transcript: [] };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Does the jobs in order, so many at a time. Rejects with the first failure once the others have ended. */
async function atATime(
  jobs: readonly (() => Promise<void>)[],
  concurrency: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let next = 0;
  let isOver = false;
  const work = async (): Promise<void> => {
    try {
      for (let job = jobs[next++]; job && !isOver; job = jobs[next++]) {
        signal?.throwIfAborted();
        await job();
      }
    } catch (error) {
      isOver = true;
      throw error;
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(concurrency, jobs.length) }, work));
  const failed = workers.find((worker) => worker.status === "rejected");
  if (failed) throw failed.reason;
}

function resultOf(scenario: Scenario, runs: readonly ScenarioRun[], rate: number): ScenarioResult {
  const { name, file, line, minPassRate = rate } = scenario;
  const passes = runs.filter(({ ok }) => ok).length;
  const passRate = passes / runs.length;
  return {
    name,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ok: passRate >= minPassRate,
    passes,
    count: runs.length,
    passRate,
    minPassRate,
    runs,
  };
}

function reportOf(scenarios: readonly ScenarioResult[]): ScenarioReport {
  const passed = scenarios.filter(({ ok }) => ok).length;
  const failed = scenarios.length - passed;
  return { ok: failed === 0, passed, failed, scenarios };
}
