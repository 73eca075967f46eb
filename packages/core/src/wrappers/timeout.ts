import type { Model, ModelEvent, ModelRequest } from "../contracts/model.ts";
import type { Plugin } from "../contracts/plugin.ts";
import { type Clock, systemClock } from "../environment.ts";
import { ModelError } from "../errors.ts";
import { checkKeys } from "../options.ts";
import { checkTimeout } from "../tool.ts";
import { leaveStream, withStream } from "./wrap.ts";

export interface TimeoutOptions {
  /** Milliseconds until the first event. @default none */
  readonly firstEventMs?: number;
  /** Milliseconds between two events. @default none */
  readonly idleMs?: number;
  /** Milliseconds for the whole reply. @default none */
  readonly totalMs?: number;
  readonly clock?: Clock;
}

const TIMEOUT_OPTIONS = new Set(["firstEventMs", "idleMs", "totalMs", "clock"]);

/** Ends a model call that takes too long, with a `ModelError` of kind `timeout`. One timer serves a whole reply. */
export function timeout(options: TimeoutOptions): Plugin {
  checkKeys(options, TIMEOUT_OPTIONS, "timeout()");
  for (const name of ["firstEventMs", "idleMs", "totalMs"] as const) checkTimeout(options[name], `timeout() (${name})`);
  return { name: "timeout", wrapModel: (model) => withStream(model, (request) => watched(model, request, options)) };
}

async function* watched(model: Model, request: ModelRequest, options: TimeoutOptions): AsyncGenerator<ModelEvent> {
  const { firstEventMs = Infinity, idleMs = Infinity, totalMs = Infinity, clock = systemClock } = options;
  const end = clock.now() + totalMs;
  const own = new AbortController();
  let reject: ((error: unknown) => void) | undefined; // of who waits for the next event
  let due = Infinity;
  let timer: unknown;
  let wakes = Infinity;
  const stop = (error: unknown): void => {
    own.abort(error);
    reject?.(error);
  };
  const wake = (): void => {
    wakes = Infinity;
    if (due > clock.now()) expect(due);
    else stop(new ModelError(`Model "${model.name}" has not answered in time`, { kind: "timeout", ...nameOf(model) }));
  };
  /** The next event is to come before `at`. A timer that wakes earlier looks again. */
  const expect = (at: number): void => {
    due = at;
    if (due >= wakes) return;
    clock.clearTimeout(timer);
    wakes = due;
    timer = clock.setTimeout(wake, Math.max(0, due - clock.now()));
  };
  const leave = (): void => stop(request.signal.reason);
  if (request.signal.aborted) leave();
  else request.signal.addEventListener("abort", leave, { once: true });
  const events = model.stream({ ...request, signal: own.signal })[Symbol.asyncIterator]();
  try {
    for (let wait = firstEventMs; ; wait = idleMs) {
      const next = await new Promise<IteratorResult<ModelEvent>>((resolve, fail) => {
        reject = fail;
        if (own.signal.aborted) return fail(own.signal.reason); // while the model was being called
        expect(Math.min(clock.now() + wait, end));
        events.next().then(resolve, fail);
      });
      due = Infinity; // what the consumer takes is not the model's time
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clock.clearTimeout(timer);
    request.signal.removeEventListener("abort", leave);
    leaveStream(events);
  }
}

const nameOf = ({ name, provider }: Model): { model: string; provider: string } => ({ model: name, provider });
