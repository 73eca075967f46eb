import type { JsonSchema } from "@batonjs/core";
import { type Case, made, one } from "./case.ts";

/** The parameters of the tool that `hostileArguments` are for: all are optional, others are allowed. */
export const hostileArgumentsSchema: JsonSchema = {
  type: "object",
  properties: { n: { type: "number" }, s: { type: "string" } },
};

/**
 * What comes of the arguments of a call to a tool with `hostileArgumentsSchema`: `execute`: the tool runs, once;
 * `error`: it does not, and the model reads why; `either`: a stated limit or the schema's library decides, and nothing
 * crashes.
 */
export type ArgumentsOutcome = "execute" | "error" | "either";

/** C1: arguments of tool calls. What is not a string comes from models that break their contract. */
export const hostileArguments: readonly Case<ArgumentsOutcome>[] = [
  one(1, "an empty text", "", "error"),
  one(2, "a space", " ", "error"),
  one(3, "null", "null", "error"),
  one(4, "a list", "[]", "error"),
  one(5, "a string", '"x"', "error"),
  one(6, "a number", "1", "error"),
  one(7, "a boolean", "true", "error"),
  one(8, "an opening brace", "{", "error"),
  one(9, "an object that is cut", '{"n":1', "error"),
  one(10, "a closing brace too many", '{"n":1}}', "error"),
  one(11, "two objects", '{"n":1}{"n":2}', "error"),
  one(12, "a number with a leading zero", '{"n":01}', "error"),
  one(13, "a number that overflows", '{"n":1e999}', "either"),
  one(14, "NaN", '{"n":NaN}', "error"),
  one(15, "single quotes", "{'n':1}", "error"),
  one(16, "a key without quotes", "{n:1}", "error"),
  one(17, "a trailing comma", '{"n":1,}', "error"),
  one(18, "a key twice", '{"n":1,"n":2}', "execute"),
  one(19, "__proto__ as a key", '{"__proto__":{"x":1}}', "execute"),
  one(20, "constructor.prototype", '{"constructor":{"prototype":{"x":1}}}', "execute"),
  one(21, "__proto__ with an escape", '{"\\u005f_proto__":1}', "execute"),
  one(22, "an empty object before the real one", '{}{"n":1}', "error"),
  one(23, "a byte order mark first", '\ufeff{"n":1}', "error"),
  one(24, "a fenced block", '```json\n{"n":1}\n```', "error"),
  one(25, "a wrong type", '{"n":"1"}', "error"),
  one(26, "an integer that doubles cannot hold", '{"n":9007199254740993}', "execute"),
  one(27, "minus zero", '{"n":-0}', "execute"),
  made(28, "a string of 5 MB", () => JSON.stringify({ s: "x".repeat(5_000_000) }), "error"),
  made(29, "lists nested 20 000 deep", () => `{"deep":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "either"),
  made(30, "100 000 keys", () => `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`).join(",")}}`, "either"),
  one(31, "an escaped lone surrogate", '{"s":"\\ud83d"}', "execute"),
  one(32, "an escaped NUL", '{"s":"\\u0000"}', "execute"),
  made(33, "an object instead of a text", () => ({ n: 1 }), "error"),
  one(34, "undefined instead of a text", undefined, "error"),
  one(35, "HTML entities", "{&quot;n&quot;:1}", "error"),
];
