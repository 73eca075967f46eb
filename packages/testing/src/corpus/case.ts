/** One hostile input. */
export interface Case<Expected = undefined, Value = unknown> {
  /** Number in the catalogue of bad inputs on the reliability page, where it has one. */
  readonly number: number | undefined;
  /** What it is, for the names of tests. */
  readonly what: string;
  /** The input. Large ones, and ones that can be used up, are made anew at each reading. */
  readonly value: Value;
  /** What must come of it, where that is the same for all. */
  readonly expected: Expected;
}

/** A case with its value as it is. */
export function one<Value, Expected>(
  number: number | undefined,
  what: string,
  value: Value,
  expected: Expected,
): Case<Expected, Value> {
  return { number, what, value, expected };
}

/** A case whose value is made at each reading. */
export function made<Value, Expected>(
  number: number | undefined,
  what: string,
  make: () => Value,
  expected: Expected,
): Case<Expected, Value> {
  return {
    number,
    what,
    get value() {
      return make();
    },
    expected,
  };
}
