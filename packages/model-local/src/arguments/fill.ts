/** Fills a schema's fields from a conversation. */
import type { Json, JsonObject } from "@batonjs/core";
import { stem } from "../text.ts";
import { factsOf } from "./facts.ts";
import { type Field, isIdentifier } from "./fields.ts";
import { identifier, identifiersIn } from "./identifier.ts";
import { kindOf, ofKind } from "./kinds.ts";
import { neutralOption, optionIn } from "./option.ts";
import { amount, truth } from "./quantity.ts";
import { type Filling, isAsked, known, NOTHING, type Reading, said, type Value } from "./reading.ts";
import { freeText, isFreeText, plainWords } from "./texts.ts";

/** Arguments, what is missing, and the records among which nothing said which is meant. */
export interface Filled {
  readonly arguments: JsonObject;
  readonly missing: readonly Field[];
  readonly unclear?: { readonly field: Field; readonly records: readonly JsonObject[] };
}

/** Fills `fields` as far as the conversation goes. */
export function fill(fields: readonly Field[], filling: Filling): Filled {
  const calls = filling.talk.sources.flatMap((source) => ("call" in source ? [source.call] : []));
  const reading: Reading = {
    ...filling,
    facts: new Map(calls.map((call) => [call, factsOf(call)])),
    namesRecord: fields.some(
      (field) => isIdentifier(field) && identifiersIn(field, filling.talk.message, filling.tool, false).length > 0,
    ),
    unclear: new Map(),
  };
  const values: Record<string, Json> = {};
  const missing: Field[] = [];
  for (const field of fields) {
    const value = valueOf(field, reading);
    if (value !== NOTHING) setOwn(values, field.name, value);
    else if (field.required) missing.push(field);
  }
  const [first] = missing;
  const records = first && reading.unclear.get(first);
  return { arguments: values, missing, ...(first && records ? { unclear: { field: first, records } } : {}) };
}

/** A plain assignment would lose a field called `__proto__`. */
function setOwn(target: Record<string, Json>, name: string, value: Json): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function valueOf(field: Field, reading: Reading): Value {
  if (field.constant !== undefined) return field.constant;
  const value = found(field, reading);
  if (value !== NOTHING) return value;
  if (field.preset !== undefined) return field.required ? field.preset : NOTHING;
  if (field.nullable && (field.required || reading.guess)) return field.required ? null : NOTHING;
  return field.required ? assumed(field, reading) : NOTHING;
}

/** What may be taken where nothing was said. */
function assumed(field: Field, reading: Reading): Value {
  // A flag that nobody spoke of is not set; but what a tool is to do, nobody may guess.
  if (field.type === "boolean") return reading.guess ? false : NOTHING;
  if (field.type === "null") return null;
  if (field.options) {
    const neutral = neutralOption(field);
    if (neutral !== undefined) return neutral;
    return reading.guess ? (field.options[0]?.value ?? NOTHING) : NOTHING;
  }
  if (field.type === "array") return reading.guess ? [] : NOTHING;
  return NOTHING;
}

function found(field: Field, reading: Reading): Value {
  if (field.options) return option(field, reading);
  switch (field.type) {
    case "boolean":
      return truth(field, reading);
    case "number":
    case "integer":
      return isIdentifier(field) ? identifier(field, reading) : amount(field, reading);
    case "array":
      return list(field, reading);
    case "object":
      return nested(field, reading);
    case "string":
    case "any":
      return words(field, reading);
    case "null":
      return NOTHING;
    default:
      field.type satisfies never;
      return NOTHING;
  }
}

function option(field: Field, reading: Reading): Value {
  const depth = field.required || isAsked(field, reading) ? 4 : 1;
  const direct = said(reading, (text) => optionIn(field, text), 1);
  if (direct !== undefined) return direct;
  const allowed = field.options ?? [];
  const [fact] = known(field, reading, field.stems, (value) => allowed.some((one) => one.value === value));
  if (fact) return fact.value;
  return said(reading, (text) => optionIn(field, text), depth) ?? NOTHING;
}

function list(field: Field, reading: Reading): Value {
  const { element } = field;
  if (!element) return NOTHING;
  const one: Field = {
    ...element,
    name: field.name,
    stems: field.stems.map(stem),
    description: `${field.description} ${element.description}`,
    required: false,
  };
  if (one.options) {
    const picked = one.options
      .map((choice) => choice.value)
      .filter(
        (value) =>
          reading.talk.message !== "" &&
          optionIn(
            { ...one, options: (one.options ?? []).filter((choice) => choice.value === value) },
            reading.talk.message,
          ) === value,
      );
    return picked.length > 0 ? picked : NOTHING;
  }
  if (isIdentifier(one) || one.pattern) {
    const ids = identifiersIn(one, reading.talk.message, reading.tool, isAsked(field, reading));
    if (ids.length > 0) return [...new Set(ids)];
  }
  const value = found({ ...one, required: field.required }, { ...reading, unclear: new Map() });
  return value === NOTHING ? NOTHING : [value];
}

function nested(field: Field, reading: Reading): Value {
  if (!field.fields || field.fields.length === 0) return NOTHING;
  const inner = fill(field.fields, { ...reading, guess: reading.guess });
  const some = Object.values(inner.arguments).some((value) => value !== null);
  return inner.missing.length === 0 && (some || field.required) ? inner.arguments : NOTHING;
}

function words(field: Field, reading: Reading): Value {
  const kind = kindOf(field);
  if (kind) return ofKind(kind, field, reading);
  if (isIdentifier(field) || field.pattern) return identifier(field, reading);
  return isFreeText(field) ? freeText(field, reading) : plainWords(field, reading);
}
