import { type Case, one } from "./case.ts";

/** C13: values of an option that is a positive integer, such as a limit. */
export const hostileNumbers: readonly Case<"default" | "reject" | "either">[] = [
  one(undefined, "undefined", undefined, "default"),
  one(undefined, "null", null, "reject"),
  one(undefined, "0", 0, "either"),
  one(undefined, "-1", -1, "reject"),
  one(undefined, "1.5", 1.5, "reject"),
  one(undefined, "NaN", Number.NaN, "reject"),
  one(undefined, "infinity", Number.POSITIVE_INFINITY, "reject"),
  // As the time of a timer it overflows, and the timer fires at once.
  one(undefined, "2^31", 2 ** 31, "either"),
  one(undefined, "a number as a text", "5", "reject"),
];

/** C13: callbacks that do not do what they should. Every one ends in an answer or a named error, in time. */
export const hostileCallbacks: readonly Case<undefined, () => unknown>[] = [
  one(undefined, "throws", throwing, undefined),
  one(undefined, "rejects", () => Promise.reject(new Error("rejected")), undefined),
  one(undefined, "never answers", () => new Promise(() => {}), undefined),
  one(undefined, "returns undefined", () => undefined, undefined),
  one(undefined, "returns a value at once", () => "value", undefined),
  one(undefined, "returns a thenable", thenable, undefined),
];

function throwing(): never {
  throw new Error("thrown");
}

function thenable(): object {
  const then = (resolve: (value: string) => void): void => resolve("value");
  return Object.defineProperty({}, "then", { value: then });
}
