import type { JsonSchema } from "@batonjs/core";
import { isFields, list } from "./wire.ts";

/** A schema as strict mode takes it, or why it cannot be written so. */
export type Strict =
  | { readonly schema: Readonly<Record<string, unknown>>; readonly reason?: undefined }
  | { readonly schema?: undefined; readonly reason: string };

/** Limits of strict mode. https://developers.openai.com/api/docs/guides/structured-outputs */
const MAX_DEPTH = 10;
const MAX_PROPERTIES = 5_000;
const MAX_ENUM_VALUES = 1_000;

/** Keywords that strict mode knows. Others that only narrow are left out: core checks the values by the whole schema. */
const KNOWN: ReadonlySet<string> = new Set([
  "type",
  "description",
  "title",
  "enum",
  "const",
  "anyOf",
  "$ref",
  "$defs",
  "definitions",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "pattern",
  "format",
  "multipleOf",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minItems",
  "maxItems",
]);
const KNOWN_FORMATS: ReadonlySet<string> = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "uuid",
]);
/** Keywords that say what values look like, so that they cannot be left out. */
const IMPOSSIBLE: readonly string[] = [
  "not",
  "if",
  "patternProperties",
  "propertyNames",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "prefixItems",
  "unevaluatedProperties",
  "$dynamicRef",
];

/** Schemas that were looked at, by identity: those of tools and handoffs are the same objects in every turn. */
const seen = new WeakMap<JsonSchema, Strict>();

/**
 * `schema` as OpenAI's strict mode takes it. Values that fit the result fit `schema`, but for keywords that strict mode
 * does not know. A property that may be left out has no such form: `null` in its place would be another value.
 */
export function strictSchema(schema: JsonSchema): Strict {
  const known = seen.get(schema);
  if (known) return known;
  const strict = adapt(schema);
  seen.set(schema, strict);
  return strict;
}

/** Thrown inside of `adapt` alone. */
class Impossible extends Error {}

interface Counts {
  properties: number;
  enumValues: number;
}

function adapt(schema: JsonSchema): Strict {
  if (schema["anyOf"] !== undefined || schema["oneOf"] !== undefined) return { reason: "its top level is a union" };
  const counts: Counts = { properties: 0, enumValues: 0 };
  try {
    return { schema: node(schema, "", 0, counts) };
  } catch (error) {
    if (error instanceof Impossible) return { reason: error.message };
    throw error;
  }
}

function node(value: unknown, at: string, depth: number, counts: Counts): Record<string, unknown> {
  const where = at === "" ? "it" : `"${at}"`;
  if (!isFields(value)) throw new Impossible(`${where} allows anything`);
  if (depth > MAX_DEPTH) throw new Impossible(`${where} is nested more than ${MAX_DEPTH} levels deep`);
  for (const keyword of IMPOSSIBLE)
    if (value[keyword] !== undefined) throw new Impossible(`${where} uses "${keyword}"`);
  if (typeof value["$ref"] === "string") return { $ref: value["$ref"] };
  const options = list(value["oneOf"] ?? value["anyOf"]);
  const all = list(value["allOf"]);
  if (all.length > 1 || (all.length === 1 && (value["type"] !== undefined || options.length > 0))) {
    throw new Impossible(`${where} uses "allOf"`);
  }
  if (all.length === 1) return { ...node(all[0], at, depth, counts), ...described(value) };

  const adapted: Record<string, unknown> = {};
  for (const keyword of Object.keys(value)) if (KNOWN.has(keyword)) adapted[keyword] = value[keyword];
  if (typeof adapted["format"] === "string" && !KNOWN_FORMATS.has(adapted["format"])) delete adapted["format"];
  for (const definitions of ["$defs", "definitions"]) {
    const found = value[definitions];
    if (isFields(found)) adapted[definitions] = mapped(found, (each, name) => node(each, name, depth + 1, counts));
  }
  if (options.length > 0) {
    adapted["anyOf"] = options.map((option, i) => node(option, `${at}[${i}]`, depth, counts));
    return adapted;
  }
  const choices = value["const"] === undefined ? list(value["enum"]) : [value["const"]];
  counts.enumValues += choices.length;
  if (counts.enumValues > MAX_ENUM_VALUES) throw new Impossible(`it has more than ${MAX_ENUM_VALUES} enum values`);
  const type = adapted["type"] ?? typeOf(choices) ?? (value["properties"] === undefined ? undefined : "object");
  if (type === undefined) throw new Impossible(`${where} has no type`);
  adapted["type"] = type;
  const types = Array.isArray(type) ? (type as unknown[]) : [type];
  if (types.includes("object")) object(value, adapted, at, depth, counts);
  if (types.includes("array")) {
    if (value["items"] === undefined) throw new Impossible(`${where} is a list of anything`);
    adapted["items"] = node(value["items"], `${at}[]`, depth + 1, counts);
  }
  return adapted;
}

function object(
  value: Readonly<Record<string, unknown>>,
  adapted: Record<string, unknown>,
  at: string,
  depth: number,
  counts: Counts,
): void {
  const where = at === "" ? "it" : `"${at}"`;
  const properties = isFields(value["properties"]) ? value["properties"] : {};
  const names = Object.keys(properties);
  const more = value["additionalProperties"];
  // Where nothing is said of other properties, few mean that there are any; where nothing is named, that is all there is.
  if (more === undefined ? names.length === 0 : more !== false)
    throw new Impossible(`${where} has properties of any name`);
  counts.properties += names.length;
  if (counts.properties > MAX_PROPERTIES) throw new Impossible(`it has more than ${MAX_PROPERTIES} properties`);
  const required = list(value["required"]);
  const optional = names.find((name) => !required.includes(name));
  if (optional !== undefined)
    throw new Impossible(`"${under(at, optional)}" may be left out; make it required and nullable`);
  adapted["properties"] = mapped(properties, (each, name) => node(each, under(at, name), depth + 1, counts));
  adapted["required"] = names;
  adapted["additionalProperties"] = false;
}

const under = (at: string, name: string): string => (at === "" ? name : `${at}.${name}`);

function described({ description }: Readonly<Record<string, unknown>>): { description?: unknown } {
  return description === undefined ? {} : { description };
}

function mapped(
  from: Readonly<Record<string, unknown>>,
  change: (value: unknown, name: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value, name)]));
}

function typeOf(choices: readonly unknown[]): string | string[] | undefined {
  if (choices.length === 0) return undefined;
  const types = new Set(choices.map((choice) => (choice === null ? "null" : typeof choice)));
  if (![...types].every((type) => ["string", "number", "boolean", "null"].includes(type))) return undefined;
  return types.size === 1 ? [...types][0] : [...types];
}

/** `schema` as a function's parameters outside of strict mode: OpenAI wants `properties`, even if there are none. */
export function looseSchema(schema: JsonSchema): Record<string, unknown> {
  return schema.properties === undefined && schema["$ref"] === undefined
    ? { ...schema, properties: {} }
    : { ...schema };
}
