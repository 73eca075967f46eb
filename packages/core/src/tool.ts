import type { Tool, ToolOptions } from "./definitions.ts";
import { criteria, describe, quote, toolName } from "./names.ts";
import { type AnySchema, NO_PARAMETERS, jsonSchemaOf } from "./schema.ts";

const SIDE_EFFECTS = ["none", "idempotent", "once"];

/**
 * A function that a model may call. Arguments are parsed and checked before `execute`; a throw becomes a result that
 * the model reads. Without `execute` the run pauses for the caller to run it. Throws a `TypeError` for a bad option.
 */
export function tool<const S extends AnySchema | undefined = undefined, Context = unknown, Result = unknown>(
  options: ToolOptions<S, Context, Result>,
): Tool<Context, Result> {
  const name = toolName(options.name, "a tool");
  const sideEffects = options.sideEffects ?? "once";
  if (!SIDE_EFFECTS.includes(sideEffects)) {
    throw new TypeError(
      `Cannot use ${quote(sideEffects)} as sideEffects of tool "${name}": expected "none", "idempotent" or "once"`,
    );
  }
  checkTimeout(options.timeoutMs, `tool "${name}"`);
  const parameters: AnySchema = options.parameters ?? NO_PARAMETERS;
  jsonSchemaOf(parameters, `tool "${name}"`);
  return Object.freeze({
    kind: "tool",
    name,
    description: describe(options.description ?? "", options),
    parameters,
    ...criteria(options),
    ...(options.strict === undefined ? {} : { strict: options.strict }),
    sideEffects,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    needsApproval: options.needsApproval ?? false,
    isEnabled: options.isEnabled ?? true,
    inputGuardrails: options.inputGuardrails ?? [],
    outputGuardrails: options.outputGuardrails ?? [],
    ...(options.execute === undefined ? {} : { execute: options.execute }),
    ...(options.verify === undefined ? {} : { verify: options.verify }),
    ...(options.onError === undefined ? {} : { onError: options.onError }),
  } satisfies Tool<Context, Result>) as Tool<Context, Result>;
}

/** The longest time that timers take; a longer one would fire at once. */
export const MAX_TIMEOUT_MS = 2_147_483_647;

/** Throws a `RangeError` unless `ms` is a time that a timer takes. */
export function checkTimeout(ms: number | undefined, what: string): void {
  if (ms === undefined || (typeof ms === "number" && ms > 0 && ms <= MAX_TIMEOUT_MS)) return;
  throw new RangeError(
    `Cannot use ${String(ms)} as timeoutMs of ${what}: expected more than 0 and at most ${MAX_TIMEOUT_MS} milliseconds`,
  );
}
