import type { Run } from "./run.ts";
import { type Stop, nextStep } from "./transitions.ts";

/** Takes steps until the run stops. The only loop. */
export async function steps(run: Run): Promise<Stop> {
  while (true) {
    run.throwIfStopped();
    const step = nextStep(run.transcript, run.policy);
    if (step.type === "stop") return step;
    const busy = step.type === "record" ? run.record(step) : run.performAll(step.effects);
    if (busy) await busy;
  }
}
