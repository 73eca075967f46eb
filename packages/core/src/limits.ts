import { quote } from "./names.ts";
import { MAX_TIMEOUT_MS } from "./tool.ts";

/** Every limit of a run. What is reached ends in a named error, or in an answer that the model can read. */
export interface Limits {
  /** Model replies since the last input, over all agents. Beyond it the run throws. @default {10} */
  readonly maxTurns: number;
  /** Handoffs since the last user message. Beyond it a handoff is refused. @default {10} */
  readonly maxHandoffs: number;
  /** How often an answer that does not fit its schema is asked for again. @default {1} */
  readonly maxOutputRetries: number;
  /** Calls of one reply that are run; the others are answered with an error. @default {64} */
  readonly maxToolCalls: number;
  /** Calls that run side by side. @default {16} */
  readonly maxConcurrentTools: number;
  /** Length of a tool's output, in UTF-16 units; the rest is cut. @default {100_000} */
  readonly maxToolOutput: number;
  /** Depth of nested runs. @default {5} */
  readonly maxNesting: number;
  /** Events that wait for a slow consumer before the run waits for it. @default {256} */
  readonly maxQueuedEvents: number;
  /** Milliseconds for a tool. @default {60_000} */
  readonly toolTimeoutMs: number;
  /** Milliseconds for a callback: instructions, filter, guardrail, `isEnabled` and the like. @default {30_000} */
  readonly callbackTimeoutMs: number;
  /** Milliseconds for one model reply, streamed to its end. @default {600_000} */
  readonly modelTimeoutMs: number;
  /** Milliseconds for one call of the session store. @default {10_000} */
  readonly storeTimeoutMs: number;
  /** Milliseconds that a `once` tool gets to finish after an abort, so that its outcome is known. @default {5_000} */
  readonly abortGraceMs: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxTurns: 10,
  maxHandoffs: 10,
  maxOutputRetries: 1,
  maxToolCalls: 64,
  maxConcurrentTools: 16,
  maxToolOutput: 100_000,
  maxNesting: 5,
  maxQueuedEvents: 256,
  toolTimeoutMs: 60_000,
  callbackTimeoutMs: 30_000,
  modelTimeoutMs: 600_000,
  storeTimeoutMs: 10_000,
  abortGraceMs: 5_000,
});

const MAY_BE_ZERO: ReadonlySet<string> = new Set(["maxHandoffs", "maxOutputRetries", "maxNesting", "abortGraceMs"]);

/** `base` with the limits that `options` sets. Throws a `RangeError` that names a wrong value. */
export function limitsWith(base: Limits, options: Partial<Limits>): Limits {
  let changed: { -readonly [K in keyof Limits]: number } | undefined;
  for (const name in options) {
    const value = options[name as keyof Limits] as unknown;
    if (value === undefined || !Object.hasOwn(DEFAULT_LIMITS, name)) continue;
    (changed ??= { ...base })[name as keyof Limits] = limit(name, value);
  }
  return changed ?? base;
}

function limit(name: string, value: unknown): number {
  const least = MAY_BE_ZERO.has(name) ? 0 : 1;
  const most = name.endsWith("Ms") ? MAX_TIMEOUT_MS : Number.MAX_SAFE_INTEGER;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  const wanted = least === 0 ? "a whole number of at least 0" : "a positive integer";
  throw new RangeError(
    `Cannot use ${quote(value)} as ${name} as it must be ${wanted}${name.endsWith("Ms") ? ` of at most ${MAX_TIMEOUT_MS}` : ""}`,
  );
}
