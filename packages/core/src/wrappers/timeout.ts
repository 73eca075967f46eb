import type { Model, ModelEvent, ModelRequest } from "../contracts/model.ts";
import type { Plugin } from "../contracts/plugin.ts";
import { type Clock, systemClock } from "../environment.ts";
import { ModelError } from "../errors.ts";
import { checkTimeout } from "../tool.ts";
import { withStream } from "./wrap.ts";

export interface TimeoutOptions {
  /** Milliseconds until the first event. @default none */
  readonly firstEventMs?: number;
  /** Milliseconds between two events. @default none */
  readonly idleMs?: number;
  /** Milliseconds for the whole reply. @default none */
  readonly totalMs?: number;
  readonly clock?: Clock;
}

/** Ends a model call that takes too long, with a `ModelError` of kind `timeout`. One timer serves a whole reply. */
export function timeout(options: TimeoutOptions): Plugin {
  for (const name of ["firstEventMs", "idleMs", "totalMs"] as const) checkTimeout(options[name], `timeout() (${name})`);
  return { name: "timeout", wrapModel: (model) => withStream(model, (request) => watched(model, request, options)) };
}

async function* watched(model: Model, request: ModelRequest, options: TimeoutOptions): AsyncGenerator<ModelEvent> {
  const { firstEventMs = Infinity, idleMs = Infinity, totalMs = Infinity, clock = systemClock } = options;
  const end = clock.now() + totalMs;
  const own = new AbortController();
  const stop = (): void => own.abort(request.signal.reason);
  if (request.signal.aborted) stop();
  request.signal.addEventListener("abort", stop, { once: true });
  let due = Math.min(clock.now() + firstEventMs, end);
  let timer: unknown;
  let late: ((error: Error) => void) | undefined;
  const tick = (): void => {
    const left = due - clock.now();
    if (left > 0) {
      timer = left === Infinity ? undefined : clock.setTimeout(tick, left);
      return;
    }
    const error = new ModelError(`Model "${model.name}" has not answered in time`, {
      kind: "timeout",
      model: model.name,
      provider: model.provider,
    });
    own.abort(error);
    late?.(error);
  };
  tick();
  const events = model.stream({ ...request, signal: own.signal })[Symbol.asyncIterator]();
  try {
    while (true) {
      const next = await new Promise<IteratorResult<ModelEvent>>((resolve, reject) => {
        late = reject;
        events.next().then(resolve, reject);
      });
      if (next.done) return;
      due = Math.min(clock.now() + idleMs, end);
      yield next.value;
      due = Math.min(clock.now() + idleMs, end); // what the consumer took is not the model's time
    }
  } finally {
    clock.clearTimeout(timer);
    request.signal.removeEventListener("abort", stop);
    void events.return?.().then(undefined, () => {});
  }
}
