import { type Case, made, one } from "./case.ts";

/** C9: what a tool or callback returns. The run goes on, and the model reads a text of bounded length. */
export const hostileResults: readonly Case[] = [
  one(206, "undefined", undefined, undefined),
  one(207, "null", null, undefined),
  one(208, "0", 0, undefined),
  one(208, "false", false, undefined),
  one(208, "an empty text", "", undefined),
  one(208, "an empty list", [], undefined),
  one(209, "minus zero", -0, undefined),
  one(209, "NaN", Number.NaN, undefined),
  one(209, "infinity", Number.POSITIVE_INFINITY, undefined),
  one(210, "a bigint", 10n, undefined),
  one(211, "a symbol", Symbol("x"), undefined),
  one(212, "a function", () => "x", undefined),
  made(213, "a cycle", cycle, undefined),
  made(214, "a getter that throws", throwingGetter, undefined),
  made(215, "a toJSON that throws", () => ({ toJSON: (): never => thrower("toJSON") }), undefined),
  made(215, "a toJSON that returns 10 MB", () => ({ toJSON: () => "x".repeat(10_000_000) }), undefined),
  made(
    216,
    "a proxy that throws when it is read",
    () => new Proxy({}, { ownKeys: () => thrower("ownKeys") }),
    undefined,
  ),
  made(217, "a date", () => new Date(0), undefined),
  made(217, "a map", () => new Map([["a", 1]]), undefined),
  made(217, "a set", () => new Set([1]), undefined),
  made(217, "bytes", () => new Uint8Array([1, 2]), undefined),
  made(217, "an error", () => new Error("returned"), undefined),
  made(218, "a promise that never settles", () => new Promise(() => {}), undefined),
  made(219, "a thenable that calls both callbacks", bothCallbacks, undefined),
  made(220, "an async iterator", asyncIterator, undefined),
  made(221, "an object whose then is a getter that throws", throwingThen, undefined),
];

/** C9: what a tool or callback throws. */
export const hostileThrown: readonly Case[] = [
  one(222, "null", null, undefined),
  one(222, "undefined", undefined, undefined),
  one(222, "a text", "text", undefined),
  made(222, "a frozen error", () => Object.freeze(new Error("frozen")), undefined),
  made(222, "an error with a message of 10 MB", () => new Error("x".repeat(10_000_000)), undefined),
  made(222, "an error that is its own cause", causeCycle, undefined),
  made(222, "an error whose message is a getter that throws", throwingMessage, undefined),
  made(222, "an object that cannot be written", () => ({ toString: () => thrower("toString") }), undefined),
];

function thrower(what: string): never {
  throw new Error(what);
}

function cycle(): object {
  const object: { self?: object } = {};
  object.self = object;
  return object;
}

function throwingGetter(): object {
  return Object.defineProperty({}, "x", { enumerable: true, get: () => thrower("getter") });
}

/** Calls `resolve` and `reject`; whoever awaits it must take the first. */
function bothCallbacks(): object {
  const both = (resolve: (value: string) => void, reject: (error: Error) => void): void => {
    resolve("first");
    reject(new Error("second"));
  };
  return Object.defineProperty({}, "then", { value: both });
}

async function* asyncIterator(): AsyncGenerator<number> {
  yield 1;
}

function throwingThen(): object {
  return Object.defineProperty({}, "then", { get: () => thrower("then") });
}

function causeCycle(): Error {
  const error = new Error("cycle");
  error.cause = error;
  return error;
}

function throwingMessage(): Error {
  return Object.defineProperty(new Error("hidden"), "message", { get: () => thrower("message") });
}
