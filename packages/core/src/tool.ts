import type { Tool, ToolOptions } from "./definitions.ts";
import { criteria, describe, quote, toolName } from "./names.ts";
import {
  type Rules,
  anything,
  callback,
  checkOptions,
  criteriaRules,
  flag,
  flagOrCallback,
  guardrails,
  oneOf,
  text,
} from "./options.ts";
import { type AnySchema, NO_PARAMETERS, objectSchemaOf } from "./schema.ts";

type Options = ToolOptions<AnySchema | undefined, unknown, unknown>;

const TOOL_OPTIONS: Rules<Options> = {
  name: anything,
  description: text,
  parameters: anything,
  strict: flag,
  execute: callback,
  verify: callback,
  onError: callback,
  sideEffects: oneOf("none", "idempotent", "once"),
  needsApproval: flagOrCallback,
  isEnabled: flagOrCallback,
  timeoutMs: anything,
  inputGuardrails: guardrails,
  outputGuardrails: guardrails,
  ...criteriaRules,
};

/**
 * A function that a model may call. Arguments are parsed and checked before `execute`; a throw becomes a result that
 * the model reads. Without `execute` the run pauses for the caller to run it. Throws a `TypeError` for a bad option.
 */
export function tool<const S extends AnySchema | undefined = undefined, Context = unknown, Result = unknown>(
  options: ToolOptions<S, Context, Result>,
): Tool<Context, Result> {
  const name = toolName(options.name, "a tool");
  const what = `tool "${name}"`;
  checkOptions(options as unknown as Options, TOOL_OPTIONS, what);
  checkTimeout(options.timeoutMs, what);
  checkGuardrails(options.inputGuardrails, what);
  checkGuardrails(options.outputGuardrails, what);
  const parameters: AnySchema = options.parameters ?? NO_PARAMETERS;
  objectSchemaOf(parameters, what);
  return Object.freeze({
    kind: "tool",
    name,
    description: describe(options.description ?? "", options),
    parameters,
    ...criteria(options),
    ...(options.strict === undefined ? {} : { strict: options.strict }),
    sideEffects: options.sideEffects ?? "once",
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

/** Throws a `RangeError` unless the times of guardrails are times that a timer takes. */
export function checkGuardrails(
  guardrails: readonly { readonly name: string; readonly timeoutMs?: number }[] | undefined,
  what: string,
): void {
  for (const { name, timeoutMs } of guardrails ?? []) checkTimeout(timeoutMs, `guardrail "${name}" of ${what}`);
}

/** Throws a `RangeError` unless `ms` is a time that a timer takes. */
export function checkTimeout(ms: number | undefined, what: string): void {
  if (ms === undefined || (typeof ms === "number" && ms > 0 && ms <= MAX_TIMEOUT_MS)) return;
  throw new RangeError(
    `Cannot use ${quote(ms)} as timeoutMs of ${what}: expected more than 0 and at most ${MAX_TIMEOUT_MS} milliseconds`,
  );
}
