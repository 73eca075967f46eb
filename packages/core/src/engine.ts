import type { Effect, Engine, EngineRun, Outcome } from "./contracts/engine.ts";

/** Does effects in this process, side by side up to the run's limit. Each outcome is recorded when it arrives. */
export const inProcess: Engine = {
  perform(effects, run) {
    return effects.length === 1 ? performOne(effects[0]!, run) : performAll(effects, run);
  },
};

function performOne(effect: Effect, run: EngineRun): void | Promise<void> {
  const outcome = run.perform(effect);
  return outcome instanceof Promise ? record(outcome, run) : run.record(outcome);
}

async function record(outcome: Promise<Outcome>, run: EngineRun): Promise<void> {
  await run.record(await outcome);
}

/** Waits for all, also where one fails: nothing may arrive after the run has ended. */
async function performAll(effects: readonly Effect[], run: EngineRun): Promise<void> {
  const queue = effects.values();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const effect of queue) {
      if (run.stopped || failures.length > 0) return;
      try {
        await performOne(effect, run);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(run.maxConcurrentTools, effects.length) }, work));
  if (failures.length > 0) throw failures[0];
}
