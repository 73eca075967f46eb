import type { Model, ModelEvent, ModelRequest } from "../contracts/model.ts";
import type { Plugin } from "../contracts/plugin.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../environment.ts";
import { ModelError } from "../errors.ts";
import { quote } from "../names.ts";
import { checkKeys } from "../options.ts";
import { MAX_TIMEOUT_MS } from "../tool.ts";
import { withStream } from "./wrap.ts";

export interface RetryOptions {
  /** Tries after the first. @default 2 */
  readonly maxRetries?: number;
  /** Milliseconds before the first retry; doubled for each further one, with jitter. @default 500 */
  readonly baseDelayMs?: number;
  /** The longest wait; a server that asks for a longer one fails at once. @default 30_000 */
  readonly maxDelayMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

const RETRY_OPTIONS = new Set(["maxRetries", "baseDelayMs", "maxDelayMs", "clock", "random"]);

/**
 * Asks a model again where its error says that this may help and nothing has been shown yet. Waits at least as long as
 * the server asks; a wait beyond `maxDelayMs` fails at once with the error as it is.
 */
export function retry(options: RetryOptions = {}): Plugin {
  checkKeys(options, RETRY_OPTIONS, "retry()");
  const {
    maxRetries = 2,
    baseDelayMs = 500,
    maxDelayMs = 30_000,
    clock = systemClock,
    random = systemRandom,
  } = options;
  whole("maxRetries", maxRetries);
  whole("baseDelayMs", baseDelayMs, MAX_TIMEOUT_MS);
  whole("maxDelayMs", maxDelayMs, MAX_TIMEOUT_MS);
  const delayOf = (error: ModelError, attempt: number): number => {
    const backoff = Math.min(maxDelayMs, baseDelayMs * 2 ** attempt) * (0.5 + random() / 2);
    const hint = error.retryAfterMs ?? 0;
    return hint > backoff ? hint : backoff; // NaN is no hint
  };
  async function* ask(model: Model, request: ModelRequest): AsyncGenerator<ModelEvent> {
    for (let attempt = 0; ; attempt++) {
      let shown = false;
      try {
        for await (const event of model.stream(request)) {
          shown = true;
          yield event;
        }
        return;
      } catch (error) {
        if (
          shown ||
          !(error instanceof ModelError) ||
          !error.retryable ||
          attempt >= maxRetries ||
          request.signal.aborted
        )
          throw error;
        const delay = delayOf(error, attempt);
        if (delay > maxDelayMs) throw error;
        await pause(delay, request.signal, clock);
      }
    }
  }
  return { name: "retry", wrapModel: (model) => withStream(model, (request) => ask(model, request)) };
}

/** Waits, or rejects with the signal's reason. */
export function pause(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const stop = (): void => {
      clock.clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Throws a `RangeError` unless `value` is 0 or a positive integer up to `most`. */
function whole(name: string, value: number, most = Infinity): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return;
  const limit = most < Infinity ? ` and at most ${most}` : "";
  throw new RangeError(`Cannot use ${quote(value)} as ${name} as it must be a whole number of at least 0${limit}`);
}
