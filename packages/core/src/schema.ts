import { isThenable } from "./deadlines.ts";
import { messageOf } from "./errors.ts";
import type { Json } from "./json.ts";

/** One thing wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** Standard Schema, version 1 (https://standardschema.dev): what validation libraries have in common. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}
/** Standard JSON Schema, version 1: how such a library writes its schemas as JSON Schema. */
export interface StandardJsonSchema {
  readonly "~standard": {
    readonly jsonSchema: {
      readonly input: (options: { readonly target: "draft-2020-12" }) => Record<string, unknown>;
    };
  };
}
/** A schema of zod 4, arktype, valibot (by its converter) or any library that follows both standards. */
export type Schema<Output = unknown> = StandardSchema<Output> & StandardJsonSchema;

/** A raw JSON Schema of an object. Its values are checked by the subset that `checkJson` names. */
export interface JsonSchema {
  readonly type: "object";
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}
export type AnySchema = Schema | JsonSchema;

/** What a schema's values are once they are checked. Of a raw JSON Schema: `unknown`; of no schema: `undefined`. */
export type Parsed<S> = S extends StandardSchema<infer Output> ? Output : S extends undefined ? undefined : unknown;

/** The outcome of a check: the value, or what is wrong in one sentence that a model can read. */
export type Checked<Output = unknown> =
  | { readonly value: Output; readonly error?: undefined }
  | { readonly error: string };

const isStandard = (schema: AnySchema): schema is Schema => "~standard" in schema;

const hasStandard = (value: unknown): boolean =>
  (typeof value === "function" || (typeof value === "object" && value !== null)) && "~standard" in value;

/** The schema of a tool or handoff that takes nothing. */
export const NO_PARAMETERS: JsonSchema = Object.freeze({
  type: "object",
  properties: Object.freeze({}),
  additionalProperties: false,
});

/** `schema` as the JSON Schema of an object, which is all that a tool or handoff can take. */
export function objectSchemaOf(schema: AnySchema, what: string): JsonSchema {
  const written: { readonly type?: unknown } = jsonSchemaOf(schema, what);
  if (written.type === undefined || written.type === "object") return written as JsonSchema;
  throw new TypeError(
    `Cannot use the schema of ${what}: arguments are an object, and it is the schema of ${JSON.stringify(written.type)}`,
  );
}

/** `schema` as JSON Schema, draft 2020-12. Throws a `TypeError` where its library cannot say it. */
export function jsonSchemaOf(schema: AnySchema, what: string): JsonSchema {
  if ((typeof schema !== "object" && typeof schema !== "function") || (schema as unknown) === null) {
    throw new TypeError(
      `Cannot use ${typeName(schema)} as the schema of ${what}: expected a schema of zod, arktype or the like, or a JSON Schema`,
    );
  }
  if (!isStandard(schema)) {
    const field = Object.entries(schema).find(([, value]) => hasStandard(value));
    if (!field) return schema;
    throw new TypeError(
      `Cannot use the schema of ${what}: its "${field[0]}" is a schema by itself; make one of the whole object, as z.object({ … }) does`,
    );
  }
  const converter = schema["~standard"].jsonSchema as StandardJsonSchema["~standard"]["jsonSchema"] | undefined;
  if (!converter) {
    throw new TypeError(
      `Cannot use the schema of ${what}: "${schema["~standard"].vendor}" does not write it as JSON Schema; wrap it with the library's Standard JSON Schema converter or pass a JSON Schema`,
    );
  }
  try {
    const { $schema: _, ...rest } = converter.input({ target: "draft-2020-12" });
    return rest as JsonSchema;
  } catch (cause) {
    throw new TypeError(`Cannot write the schema of ${what} as JSON Schema: ${messageOf(cause)}`, { cause });
  }
}

/** Checks `value`, at once where the library can. Never throws: a check that throws is an error. */
export function check(schema: AnySchema, value: unknown): Checked | Promise<Checked> {
  try {
    if (!isStandard(schema)) {
      const error = checkJson(schema, value, "");
      return error === undefined ? { value } : { error };
    }
    const outcome = schema["~standard"].validate(value);
    return isThenable(outcome) ? Promise.resolve(outcome).then(verdict).catch(failed) : verdict(outcome);
  } catch (error) {
    return failed(error);
  }
}

const failed = (error: unknown): Checked => ({ error: messageOf(error) });

function verdict(outcome: Validated<unknown>): Checked {
  if (!outcome.issues) {
    if (!("value" in outcome)) throw new TypeError("the schema gave neither a value nor issues");
    return { value: outcome.value };
  }
  return { error: outcome.issues.map(issueText).join("; ") };
}

function issueText({ message, path }: SchemaIssue): string {
  if (!path || path.length === 0) return message;
  return `${path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")}: ${message}`;
}

type Rules = { readonly [keyword: string]: unknown };

/**
 * What is wrong with `value` by the keywords `type`, `enum`, `const`, `properties`, `required`,
 * `additionalProperties`, `items`, `anyOf`, `oneOf`, `allOf`, `minimum`, `maximum`, `minLength`, `maxLength`, `minItems`
 * and `maxItems`; others are not checked. A Standard Schema checks everything.
 */
export function checkJson(schema: unknown, value: unknown, at: string): string | undefined {
  if (schema === true || typeof schema !== "object" || schema === null) {
    return schema === false ? wrong(at, "nothing is allowed here") : undefined;
  }
  const rules = schema as Rules;
  return (
    checkType(rules, value, at) ??
    checkChoice(rules, value, at) ??
    checkBounds(rules, value, at) ??
    (Array.isArray(value)
      ? checkList(rules, value, at)
      : typeof value === "object" && value !== null
        ? checkObject(rules, value as Record<string, unknown>, at)
        : undefined)
  );
}

const wrong = (at: string, what: string): string => (at === "" ? what : `${at}: ${what}`);

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

function checkType({ type }: Rules, value: unknown, at: string): string | undefined {
  if (type === undefined) return undefined;
  const wanted = Array.isArray(type) ? (type as unknown[]) : [type];
  const found = typeName(value);
  if (wanted.includes(found) || (wanted.includes("integer") && Number.isInteger(value))) return undefined;
  return wrong(at, `expected ${wanted.join(" or ")}, received ${found}`);
}

const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

function checkChoice(rules: Rules, value: unknown, at: string): string | undefined {
  if ("const" in rules && !same(rules["const"], value)) return wrong(at, `expected ${JSON.stringify(rules["const"])}`);
  const choices = rules["enum"];
  if (Array.isArray(choices) && !choices.some((choice) => same(choice, value))) {
    return wrong(at, `expected one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`);
  }
  for (const part of (rules["allOf"] as readonly unknown[] | undefined) ?? []) {
    const error = checkJson(part, value, at);
    if (error !== undefined) return error;
  }
  for (const keyword of ["anyOf", "oneOf"]) {
    const options = rules[keyword] as readonly unknown[] | undefined;
    const errors = options?.map((option) => checkJson(option, value, at));
    if (errors && !errors.includes(undefined)) return errors.join(", or ");
  }
  return undefined;
}

/** keyword → what is measured, whether the bound is the least, and the word for it */
const BOUNDS: readonly (readonly [string, (value: unknown) => number | undefined, boolean, string])[] = [
  ["minimum", (v) => (typeof v === "number" ? v : undefined), true, "value"],
  ["maximum", (v) => (typeof v === "number" ? v : undefined), false, "value"],
  ["minLength", (v) => (typeof v === "string" ? v.length : undefined), true, "length"],
  ["maxLength", (v) => (typeof v === "string" ? v.length : undefined), false, "length"],
  ["minItems", (v) => (Array.isArray(v) ? v.length : undefined), true, "number of items"],
  ["maxItems", (v) => (Array.isArray(v) ? v.length : undefined), false, "number of items"],
];

function checkBounds(rules: Rules, value: unknown, at: string): string | undefined {
  for (const [keyword, measure, least, word] of BOUNDS) {
    const bound = rules[keyword];
    const size = typeof bound === "number" ? measure(value) : undefined;
    if (size === undefined || typeof bound !== "number") continue;
    if (least ? size < bound : size > bound)
      return wrong(at, `expected a ${word} of at ${least ? "least" : "most"} ${bound}`);
  }
  return undefined;
}

function checkList({ items }: Rules, value: readonly unknown[], at: string): string | undefined {
  if (items === undefined) return undefined;
  for (const [i, element] of value.entries()) {
    const error = checkJson(items, element, `${at}[${i}]`);
    if (error !== undefined) return error;
  }
  return undefined;
}

function checkObject(rules: Rules, value: Record<string, unknown>, at: string): string | undefined {
  const properties = (rules["properties"] ?? {}) as Rules;
  const under = (key: string): string => (at === "" ? key : `${at}.${key}`);
  for (const key of (rules["required"] as readonly string[] | undefined) ?? []) {
    if (!Object.hasOwn(value, key)) return wrong(under(key), "is required");
  }
  for (const [key, element] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key);
    if (!known && rules["additionalProperties"] === undefined) continue;
    const rule = known ? properties[key] : rules["additionalProperties"];
    const error = rule === false ? wrong(under(key), "is not a known field") : checkJson(rule, element, under(key));
    if (error !== undefined) return error;
  }
  return undefined;
}

/** What a tool or handoff without parameters gets, whatever a model adds. */
const NO_ARGUMENTS: Checked = Object.freeze({ value: undefined });

/** The longest arguments that are parsed, in UTF-16 units. */
export const MAX_ARGUMENTS_LENGTH = 1_000_000;

/** A call's arguments, parsed and checked. Never throws. What is wrong is said in a sentence that the model reads. */
export function parseArguments(schema: AnySchema, text: string): Checked | Promise<Checked> {
  if (typeof text !== "string") return { error: `The arguments must be a JSON text, not ${typeName(text)}` };
  if (text.length > MAX_ARGUMENTS_LENGTH) {
    return { error: `The arguments are ${text.length} characters long; at most ${MAX_ARGUMENTS_LENGTH} are read` };
  }
  if (schema === NO_PARAMETERS && text === "{}") return NO_ARGUMENTS;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { error: `The arguments are not JSON: ${messageOf(error)}` };
  }
  if (typeName(value) !== "object") {
    return { error: `The arguments must be a JSON object, not ${typeName(value)}` };
  }
  if (schema === NO_PARAMETERS) return NO_ARGUMENTS;
  const checked = check(schema, value);
  return checked instanceof Promise ? checked.then(named) : named(checked);
}

const named = (checked: Checked): Checked =>
  checked.error === undefined ? checked : { error: `Invalid arguments: ${checked.error}` };

/** How deep a payload may be nested. */
export const MAX_JSON_DEPTH = 100;

/**
 * `value` as JSON with well-formed texts, or `undefined` where it cannot be: functions, cycles, bigints, getters that
 * throw, values nested more than `MAX_JSON_DEPTH` deep.
 */
export function toJson(value: unknown): Json | undefined {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? undefined : bounded(JSON.parse(text) as Json, MAX_JSON_DEPTH);
  } catch {
    return undefined;
  }
}

function bounded(value: Json, depth: number): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) throw new RangeError("too deep");
  if (Array.isArray(value)) return value.map((element: Json) => bounded(element, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, element]) => [key.toWellFormed(), bounded(element, depth - 1)]),
  );
}
