import type { Effect, Outcome } from "../contracts/engine.ts";
import type { Run } from "../run.ts";
import { performCheck, performTool } from "./calls.ts";
import { guardInput } from "./guardrails.ts";
import { performHandoff } from "./handoff.ts";
import { performModel } from "./model.ts";
import { performAgent } from "./nested.ts";

const NOTHING: Outcome = { items: [] };

/** Does one effect in this process: the only place that calls models, tools, callbacks and filters. */
export function perform(effect: Effect, run: Run): Outcome | Promise<Outcome> {
  switch (effect.type) {
    case "model":
      return performModel(effect.agent, run);
    case "check":
      return performCheck(effect.calls, run);
    case "tool":
      return performTool(effect.call, effect.verify === true, run);
    case "agent":
      return performAgent(effect.call, run);
    case "handoff":
      return performHandoff(effect.call, effect.rest, run);
    case "guardrail":
      return guardInput(effect.agent, effect.messages, (guardrail) => guardrail.runInParallel !== true, run).then(
        () => NOTHING,
      );
    default:
      effect satisfies never;
      throw new TypeError(`Cannot perform an effect of type "${String((effect as { type: unknown }).type)}"`);
  }
}
