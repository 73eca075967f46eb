/** A runner in which only triage asks models. */
import type { AnyFunctionTool, Clock, Model, ModelEvent, Plugin } from "@batonjs/core";

/** Where each run has left triage, by its id, and when. */
export type Routes = Map<string, { readonly agent: string; readonly at: number }>;

const NAME = "only-routing";

/** Stands for models that nobody provides, as agents that are only reached need none. */
export const ONLY_ROUTING: Model = {
  name: NAME,
  provider: NAME,
  async *stream() {
    yield reply;
  },
};

const reply: ModelEvent = {
  type: "reply",
  items: [{ type: "message", role: "assistant", content: "(reached)" }],
  finishReason: "stop",
  usage: { inputTokens: 0, outputTokens: 0 },
};

/** What a tool that changes something answers. */
const NOT_RUN = "Not run: this is an evaluation of routing.";

/** The first and the last plugin of the runner: what is wrapped last is what is asked first. */
export function onlyRouting(triage: ReadonlySet<string>, routes: Routes, clock: Clock): readonly [Plugin, Plugin] {
  const reached = (agent: string): Model => ({
    ...ONLY_ROUTING,
    async *stream({ at }) {
      // An agent that runs as a tool is asked, and the conversation stays where it is.
      if (at.path.length === 0 && !routes.has(at.runId)) routes.set(at.runId, { agent, at: clock.now() });
      yield reply;
    },
  });
  return [
    {
      name: NAME,
      wrapModel: (model, { agent }) => (triage.has(agent) ? model : reached(agent)),
      wrapTool: (tool) => (tool.sideEffects === "none" ? tool : notRun(tool)),
    },
    {
      name: `${NAME}-models`,
      model: () => ONLY_ROUTING,
      wrapModel(model, { agent }) {
        if (model === ONLY_ROUTING && triage.has(agent))
          throw new TypeError(
            `Cannot evaluate agent "${agent}": nobody provides its model; give it one, or the option plugins or model`,
          );
        return model;
      },
    },
  ];
}

function notRun(tool: AnyFunctionTool): AnyFunctionTool {
  const { nested: _agent, ...plain } = tool;
  return Object.freeze({ ...plain, execute: () => NOT_RUN, needsApproval: false });
}
