/** Scenarios, played and counted. */
import { type AnyAgent, type ContextOf, systemClock } from "@batonjs/core";
import { ExpectationError } from "../assertions.ts";
import { checkScenarios } from "./check.ts";
import {
  checkedOptions,
  type GivenOptions,
  type ScenarioAgent,
  type ScenarioArguments,
  type ScenarioSetup,
  type Suite,
} from "./options.ts";
import { play } from "./play.ts";
import type { ScenarioReport, ScenarioResult, ScenarioRun } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { source } from "./scenarios-error.ts";
import { failureText } from "./table.ts";

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
  checkScenarios(made, list, given);
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
    ...source(file, line),
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
