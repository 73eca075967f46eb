import { type Json, LimitError, ModelError, type ModelErrorOptions, RunError } from "@batonjs/core";
import { plain } from "./normal-form.ts";
import type { Redaction } from "./redaction.ts";

/** What a model threw, as it stands in a file: the fields of the error that are plain data, without its cause. */
export type Failure =
  | { readonly class: string; readonly message: string; readonly fields: Readonly<Record<string, Json>> }
  /** No error, but a value. */
  | { readonly thrown: Json };

/** What a `ModelError` has beside its message; the id of the request is the provider's, and new each time. */
const OF_A_MODEL_ERROR = [
  "kind",
  "code",
  "agent",
  "model",
  "provider",
  "status",
  "retryable",
  "retryAfterMs",
  "partialText",
] as const;
const OF_A_LIMIT_ERROR = ["limit", "max", "actual", "agent"] as const;
const OF_A_RUN_ERROR = ["code", "agent"] as const;
const BUILT_IN = { Error, TypeError, RangeError, SyntaxError, ReferenceError, URIError, EvalError } as const;

/** What was thrown, without secrets. */
export function toFailure(thrown: unknown, redaction: Redaction): Failure {
  if (!(thrown instanceof Error)) return { thrown: redaction.data(plain(thrown ?? null)) };
  const names =
    thrown instanceof ModelError
      ? OF_A_MODEL_ERROR
      : thrown instanceof LimitError
        ? OF_A_LIMIT_ERROR
        : thrown instanceof RunError
          ? OF_A_RUN_ERROR
          : [];
  const all = thrown as unknown as Readonly<Record<string, unknown>>;
  const fields = names.filter((name) => all[name] !== undefined).map((name) => [name, all[name]]);
  return {
    class: thrown.name,
    message: redaction.text(thrown.message),
    fields: redaction.data(plain(Object.fromEntries(fields))) as Readonly<Record<string, Json>>,
  };
}

/** What is thrown again: of the same class where it is one of these or of the language, else an error of that name. */
export function fromFailure(failure: Failure): unknown {
  if ("thrown" in failure) return failure.thrown;
  const { message, fields } = failure;
  switch (failure.class) {
    case "ModelError":
      return new ModelError(message, fields as unknown as ModelErrorOptions);
    case "LimitError":
      return new LimitError(message, fields as unknown as ConstructorParameters<typeof LimitError>[1]);
    case "RunError":
      return new RunError(message, fields);
    default: {
      if (Object.hasOwn(BUILT_IN, failure.class)) return new BUILT_IN[failure.class as keyof typeof BUILT_IN](message);
      const error = "code" in fields ? new RunError(message, fields) : new Error(message);
      error.name = failure.class;
      return error;
    }
  }
}
