/** JSON Schemas as lists of fields: what each is called, what it may hold, what its description says. */
import type { Json, JsonSchema } from "@batonjs/core";
import { contentOf, partsOf, plain, spoken, stem, wordsOf } from "../text.ts";

/** Deepest schema that is read. */
const MAX_DEPTH = 6;
/** Most properties of one object that are read. */
const MAX_FIELDS = 100;

/** One choice of an enum, with the words by which people mean it. */
export interface Option {
  readonly value: Json;
  /** Stems of the value itself. */
  readonly stems: readonly string[];
  /** Stems of what the description says about it. */
  readonly about: readonly string[];
}

export type FieldType = "string" | "number" | "integer" | "boolean" | "object" | "array" | "null" | "any";

/** One property of an object, its schema read once. */
export interface Field {
  readonly name: string;
  /** Stems of the name, and of the title where there is one. */
  readonly stems: readonly string[];
  readonly type: FieldType;
  readonly required: boolean;
  readonly nullable: boolean;
  readonly description: string;
  readonly options?: readonly Option[];
  readonly constant?: Json;
  readonly preset?: Json;
  readonly format?: string;
  readonly pattern?: RegExp;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly fields?: readonly Field[];
  readonly element?: Field;
}

type Rules = { readonly [keyword: string]: unknown };

const isObject = (value: unknown): value is Rules =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const numeric = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/** The fields of an object's schema. */
export function fieldsOf(schema: JsonSchema): readonly Field[] {
  return objectFields(schema, schema, 0);
}

function objectFields(rules: Rules, root: Rules, depth: number): readonly Field[] {
  const properties = isObject(rules["properties"]) ? rules["properties"] : {};
  const required = Array.isArray(rules["required"]) ? (rules["required"] as unknown[]) : [];
  return Object.entries(properties)
    .slice(0, MAX_FIELDS)
    .map(([name, rule]) => field(name, rule, required.includes(name), root, depth));
}

function field(name: string, given: unknown, required: boolean, root: Rules, depth: number): Field {
  const outer = follow(given, root);
  const { rules, nullable } = withoutNull(outer, root);
  const description = text(outer["description"]) ?? text(rules["description"]) ?? "";
  const type = typeOf(rules);
  const options = optionsOf(rules, root, description);
  const pattern = compiled(text(rules["pattern"]));
  const below = depth < MAX_DEPTH;
  return {
    name,
    stems: partsOf(`${name} ${text(rules["title"]) ?? ""}`).map(stem),
    type,
    required,
    nullable,
    description,
    ...optional({
      options,
      pattern,
      constant: rules["const"] as Json | undefined,
      preset: (outer["default"] ?? rules["default"]) as Json | undefined,
      format: text(rules["format"]),
      minimum: numeric(rules["minimum"]) ?? numeric(rules["exclusiveMinimum"]),
      maximum: numeric(rules["maximum"]) ?? numeric(rules["exclusiveMaximum"]),
      minLength: numeric(rules["minLength"]),
      maxLength: numeric(rules["maxLength"]),
      fields: type === "object" && below ? objectFields(rules, root, depth + 1) : undefined,
      element: type === "array" && below ? field(name, rules["items"], true, root, depth + 1) : undefined,
    }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
function optional<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** The schema that `$ref` names, and `allOf` in one. */
function follow(given: unknown, root: Rules, depth = 0): Rules {
  if (!isObject(given)) return {};
  if (depth > MAX_DEPTH) return given;
  const reference = text(given["$ref"]);
  if (reference?.startsWith("#/")) {
    let at: unknown = root;
    for (const part of reference.slice(2).split("/")) {
      const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
      at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    }
    const { $ref: _, ...rest } = given;
    return { ...follow(at, root, depth + 1), ...rest };
  }
  const parts = given["allOf"];
  if (!Array.isArray(parts)) return given;
  const { allOf: _, ...rest } = given;
  return Object.assign({}, ...parts.map((part) => follow(part, root, depth + 1)), rest) as Rules;
}

/** `anyOf: [X, null]` and `type: [X, "null"]` as X. Of several other choices the first is taken, but constants stay. */
function withoutNull(rules: Rules, root: Rules): { readonly rules: Rules; readonly nullable: boolean } {
  const { type } = rules;
  if (Array.isArray(type)) {
    const kinds = (type as unknown[]).filter((kind) => kind !== "null");
    return { rules: { ...rules, type: kinds[0] }, nullable: kinds.length < type.length };
  }
  const choices = rules["anyOf"] ?? rules["oneOf"];
  if (!Array.isArray(choices)) {
    const values = rules["enum"];
    const nullable = type === "null" || (Array.isArray(values) && values.includes(null));
    return { rules, nullable };
  }
  const read = choices.map((choice) => follow(choice, root));
  const kept = read.filter((choice) => choice["type"] !== "null" && choice["const"] !== null);
  const { anyOf: _, oneOf: __, ...rest } = rules;
  const nullable = kept.length < read.length;
  if (kept.length > 1 && kept.every((choice) => "const" in choice))
    return { rules: { ...rest, oneOf: kept }, nullable };
  return { rules: { ...kept[0], ...rest }, nullable };
}

const TYPES: ReadonlySet<string> = new Set(["string", "number", "integer", "boolean", "object", "array", "null"]);

function typeOf(rules: Rules): FieldType {
  const type = text(rules["type"]);
  if (type !== undefined && TYPES.has(type)) return type as FieldType;
  if (isObject(rules["properties"])) return "object";
  if (rules["items"] !== undefined) return "array";
  const sample = Array.isArray(rules["enum"])
    ? (rules["enum"] as unknown[])[0]
    : (rules["const"] ?? constants(rules)[0]?.["const"]);
  const kind = typeof sample;
  return kind === "string" || kind === "number" || kind === "boolean" ? kind : "any";
}

const constants = (rules: Rules): readonly Rules[] =>
  Array.isArray(rules["oneOf"]) ? (rules["oneOf"] as unknown[]).filter((one) => isObject(one)) : [];

function optionsOf(rules: Rules, root: Rules, description: string): readonly Option[] | undefined {
  const values = rules["enum"];
  if (Array.isArray(values)) {
    return (values as Json[])
      .filter((value) => value !== null)
      .map((value) => option(value, aboutValue(value, values as Json[], description)));
  }
  const choices = constants(rules);
  if (choices.length === 0) return undefined;
  return choices.map((choice) => {
    const { const: value, title, description: about } = follow(choice, root);
    return option(value as Json, `${text(title) ?? ""} ${text(about) ?? ""}`);
  });
}

function option(value: Json, about: string): Option {
  return { value, stems: partsOf(plain(value)).map(stem), about: contentOf(about) };
}

/** What a description says about one value: `high: cannot work at all; low: whenever` or `"high" when …`. */
function aboutValue(value: Json, values: readonly Json[], description: string): string {
  const start = placeOf(value, description);
  if (start < 0) return "";
  const from = start + plain(value).length;
  const ends = values
    .map((other) => (other === value ? -1 : placeOf(other, description)))
    .filter((place) => place > from);
  return description.slice(from, Math.min(...ends, description.length)).split(/[\n;]|\.\s/, 1)[0] ?? "";
}

function placeOf(value: Json, description: string): number {
  const word = plain(value).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return description.search(
    new RegExp(
      `(?<![\\p{L}\\p{N}_])${word}["'\`)]*\\s*(?:[:=(–—-]|\\bwhen\\b|\\bif\\b|\\bfor\\b|\\bmeans\\b|\\bis\\b)`,
      "iu",
    ),
  );
}

function compiled(source: string | undefined): RegExp | undefined {
  if (source === undefined || source.length > 500) return undefined;
  try {
    return new RegExp(source, "u");
  } catch {
    return undefined;
  }
}

/** Whether the field's name or description has one of the words. Words are given as stems. */
export const speaksOf = (field: Field, ...stems: readonly string[]): boolean =>
  stems.some((one) => field.stems.includes(one));

/** Whether the description has the word. */
export const describedBy = (field: Field, pattern: RegExp): boolean => pattern.test(field.description);

/** Whether the field names a record: `id`, `customerId`, `invoice_number`, `orderRef`. */
export function isIdentifier(field: Field): boolean {
  if (field.type !== "string" && field.type !== "integer" && field.type !== "number" && field.type !== "any")
    return false;
  if (field.options) return false;
  const last = partsOf(field.name).at(-1) ?? "";
  return (
    ["id", "ids", "key", "code", "ref", "reference", "sku", "uuid"].includes(last) ||
    (["number", "no", "num"].includes(last) && field.stems.length > 1 && field.type === "string")
  );
}

/** The stems of what an identifier identifies: `customer` of `customerId`. */
export const entityOf = (field: Field): readonly string[] =>
  field.stems.filter(
    (one) => !["id", "ids", "key", "code", "ref", "referenc", "sku", "uuid", "number", "num", "no"].includes(one),
  );

/** How the field is named to a person. */
export function labelOf(field: Field): string {
  const clause = field.description.split(/[.;:\n(]|, /, 1)[0]?.trim() ?? "";
  const words = wordsOf(clause);
  const isNoun =
    words.length > 0 &&
    words.length <= 9 &&
    !/^(if|when|whether|such|like|eg|for|as|one|given|use|only|optional|how|what|where|who|must|should)$/.test(
      words[0] ?? "",
    );
  if (!isNoun) return `the ${spoken(field.name)}`;
  const noun = clause
    .replace(/^the (?:customer|user|caller|client|person|guest|traveller)(?:'s|’s) /i, "your ")
    .replace(/\b(?:customer|user)(?:'s|’s) /i, "your ");
  const lower = /^\p{Lu}[\p{Ll}']/u.test(noun) ? noun.charAt(0).toLowerCase() + noun.slice(1) : noun;
  return /^(the|a|an|your|any|all|which)\b/.test(lower) ? lower : `the ${lower}`;
}
