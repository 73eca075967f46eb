import type { Model } from "../contracts/model.ts";
import type { Plugin } from "../contracts/plugin.ts";

/** `model` inside the wrappers, the first outermost: for one agent, where the runner's plugins are for all. */
export function wrapModel(model: Model, ...plugins: readonly Plugin[]): Model {
  return plugins.reduceRight((inner, plugin) => plugin.wrapModel?.(inner, { agent: "" }) ?? inner, model);
}

/**
 * `model` with another way to answer: for plugins that wrap models. Name and provider stay what they are, also where they
 * change later.
 */
export function withStream(model: Pick<Model, "name" | "provider">, stream: Model["stream"]): Model {
  return {
    get name() {
      return model.name;
    },
    get provider() {
      return model.provider;
    },
    stream,
  };
}

/** Lets a model's stream go: nobody waits for it, and what goes wrong in its end concerns nobody. */
export function leaveStream(events: AsyncIterator<unknown>): void {
  try {
    events.return?.().then(undefined, () => {});
  } catch {} // what makes models is the code of others
}
