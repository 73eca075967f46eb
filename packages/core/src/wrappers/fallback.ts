import type { Model, ModelEvent, ModelRequest } from "../contracts/model.ts";
import type { Plugin } from "../contracts/plugin.ts";
import { ModelError } from "../errors.ts";
import { checkKeys } from "../options.ts";
import { withStream } from "./wrap.ts";

export interface FallbackOptions {
  /** Which failures go on to the next model. @default all but `invalid_request`, `content_filter` and `length` */
  readonly when?: (error: ModelError) => boolean;
}

const FINAL: ReadonlySet<string> = new Set(["invalid_request", "content_filter", "length"]);

/**
 * Asks the next model where one fails. What the failed one has shown is taken back by a `reset`. The reply says which
 * model has answered. Throws the last failure.
 */
export function fallback(models: readonly Model[], options: FallbackOptions = {}): Plugin {
  checkKeys(options, new Set(["when"]), "fallback()");
  if (models.length === 0) throw new TypeError("Cannot fall back to no model: expected at least one");
  const goesOn = options.when ?? ((error: ModelError) => !FINAL.has(error.kind));
  async function* ask(first: Model, request: ModelRequest): AsyncGenerator<ModelEvent> {
    let shown = false;
    for (const [i, model] of [first, ...models].entries()) {
      try {
        for await (const event of model.stream(request)) {
          if (event.type !== "reply") shown = true;
          yield event.type === "reply" && i > 0
            ? { ...event, model: event.model ?? model.name, provider: event.provider ?? model.provider }
            : event;
        }
        return;
      } catch (error) {
        if (i === models.length || !(error instanceof ModelError) || request.signal.aborted || !goesOn(error))
          throw error;
        if (shown) yield { type: "reset", reason: `model "${model.name}" failed` };
        shown = false;
      }
    }
  }
  return { name: "fallback", wrapModel: (model) => withStream(model, (request) => ask(model, request)) };
}
