import { type AnySchema, type Json, type JsonObject, jsonSchemaOf } from "@batonjs/core";

type Rules = { readonly [keyword: string]: unknown };

/** Nesting at which optional and repeated parts are left out. */
const MAX_DEPTH = 8;

/**
 * A value that `schema` accepts, the same each time: required fields, first choices, shortest texts. Throws a
 * `TypeError` where none can be made up, which names `what`.
 */
export async function sampleOf(schema: AnySchema, what: string): Promise<JsonObject> {
  const made = madeUp(jsonSchemaOf(schema, what)) as JsonObject;
  const problem = await problemWith(schema, made);
  if (problem === undefined) return made;
  throw new TypeError(
    `Cannot make up arguments for ${what}: ${JSON.stringify(made)} is refused: ${problem}; give arguments of your own`,
  );
}

/** A value by a JSON Schema, not checked. */
export function madeUp(schema: unknown): Json {
  return sampleOfRules(schema, (schema ?? {}) as Rules, 0);
}

/** What a validation library says is wrong; of a raw JSON Schema nothing is checked. */
async function problemWith(schema: AnySchema, value: unknown): Promise<string | undefined> {
  if (!("~standard" in schema)) return undefined;
  const standard = (schema as Extract<AnySchema, { readonly "~standard": { readonly validate: unknown } }>)[
    "~standard"
  ];
  const outcome = await standard.validate(value);
  return outcome.issues?.map(({ message }) => message).join("; ");
}

function sampleOfRules(schema: unknown, root: Rules, depth: number): Json {
  if (typeof schema !== "object" || schema === null) return "text";
  const rules = resolved(schema as Rules, root);
  if ("const" in rules) return rules["const"] as Json;
  if (Array.isArray(rules["enum"])) return (rules["enum"][0] ?? null) as Json;
  if ("default" in rules) return rules["default"] as Json;
  if (Array.isArray(rules["examples"]) && rules["examples"].length > 0) return rules["examples"][0] as Json;
  const options = (rules["anyOf"] ?? rules["oneOf"]) as readonly unknown[] | undefined;
  if (options) return sampleOfRules(depth > MAX_DEPTH ? simplest(options) : options[0], root, depth + 1);
  if (Array.isArray(rules["allOf"])) return sampleOfRules(merged([rules, ...(rules["allOf"] as Rules[])]), root, depth);
  const { type } = rules;
  switch (Array.isArray(type) ? type[0] : (type ?? (rules["properties"] ? "object" : "string"))) {
    case "object":
      return object(rules, root, depth);
    case "array":
      return list(rules, root, depth);
    case "number":
    case "integer":
      return number(rules);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return text(rules);
  }
}

/** `rules`, or what a `$ref` within the schema names. */
function resolved(rules: Rules, root: Rules): Rules {
  const { $ref } = rules;
  if (typeof $ref !== "string" || !$ref.startsWith("#")) return rules;
  let found: unknown = root;
  for (const key of $ref.slice(1).split("/").filter(Boolean)) {
    found = (found as Rules | undefined)?.[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return (found ?? {}) as Rules;
}

const simplest = (options: readonly unknown[]): unknown =>
  options.find((option) => (option as Rules | null)?.["type"] === "null") ?? options.at(-1);

function merged(all: readonly Rules[]): Rules {
  const { allOf: _, ...first } = Object.assign({}, ...all) as Rules;
  const properties = Object.assign({}, ...all.map((each) => each["properties"] ?? {})) as Rules;
  const required = all.flatMap((each) => (each["required"] as readonly string[] | undefined) ?? []);
  return { ...first, properties, required };
}

function object(rules: Rules, root: Rules, depth: number): JsonObject {
  const properties = (rules["properties"] ?? {}) as Rules;
  const required = (rules["required"] ?? []) as readonly string[];
  return Object.fromEntries(required.map((key) => [key, sampleOfRules(properties[key], root, depth + 1)]));
}

function list(rules: Rules, root: Rules, depth: number): readonly Json[] {
  const count = Number(rules["minItems"] ?? (depth > MAX_DEPTH ? 0 : 1));
  const first = (rules["prefixItems"] as readonly unknown[] | undefined) ?? [];
  const length = Math.max(count, first.length);
  return Array.from({ length }, (_, i) => sampleOfRules(first[i] ?? rules["items"] ?? {}, root, depth + 1));
}

/** The first of some likely numbers that is within the bounds. */
function number(rules: Rules): number {
  const read = (keyword: string): number | undefined => {
    const value = rules[keyword];
    return typeof value === "number" ? value : undefined;
  };
  const whole = rules["type"] === "integer";
  const step = read("multipleOf") ?? 1;
  const least = Math.max(read("minimum") ?? -Infinity, read("exclusiveMinimum") ?? -Infinity);
  const most = Math.min(read("maximum") ?? Infinity, read("exclusiveMaximum") ?? Infinity);
  const lowest = Number.isFinite(least) ? Math.ceil(least / step) * step : step;
  const highest = Number.isFinite(most) ? Math.floor(most / step) * step : step;
  const candidates = [1, lowest, lowest + step, highest, highest - step, (least + most) / 2];
  const fits = (value: number): boolean =>
    Number.isFinite(value) &&
    value >= least &&
    value <= most &&
    value !== read("exclusiveMinimum") &&
    value !== read("exclusiveMaximum") &&
    (!whole || Number.isInteger(value)) &&
    (read("multipleOf") === undefined || Number.isInteger(value / step));
  return candidates.find(fits) ?? lowest;
}

const FORMATS: Readonly<Record<string, string>> = {
  email: "someone@example.com",
  uri: "https://example.com/",
  url: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
  date: "2026-01-31",
  "date-time": "2026-01-31T12:00:00Z",
  time: "12:00:00Z",
  duration: "PT1H",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  hostname: "example.com",
};

function text(rules: Rules): string {
  const known = FORMATS[String(rules["format"])];
  if (known !== undefined) return known;
  const least = Number(rules["minLength"] ?? 0);
  const most = Number(rules["maxLength"] ?? Infinity);
  const { pattern } = rules;
  if (typeof pattern === "string") return matching(pattern, least);
  return "text".padEnd(least, "x").slice(0, most);
}

/** A text that simple patterns match; whether it does is for the schema to say. */
function matching(pattern: string, least: number): string {
  const made = new Pattern(pattern, 0).alternatives();
  return made.length >= least ? made : new Pattern(pattern, least).alternatives();
}

/** Reads a pattern and writes the shortest text it can, repeating what may be repeated up to `least` times. */
class Pattern {
  #at = 0;
  readonly #source: string;
  readonly #least: number;

  constructor(source: string, least: number) {
    this.#source = source;
    this.#least = least;
  }

  /** The first alternative; the others are read and left. */
  alternatives(): string {
    const first = this.#sequence();
    while (this.#take("|")) this.#sequence();
    return first;
  }

  #sequence(): string {
    let made = "";
    while (this.#at < this.#source.length && !"|)".includes(this.#peek())) made += this.#repeated();
    return made;
  }

  #repeated(): string {
    const one = this.#atom();
    const [least, most] = this.#quantifier();
    return one.repeat(Math.max(least, Math.min(most, this.#least)));
  }

  #atom(): string {
    const character = this.#next();
    switch (character) {
      case "^":
      case "$":
        return "";
      case "(":
        return this.#group();
      case "[":
        return this.#set();
      case ".":
        return "x";
      case "\\":
        return escaped(this.#next());
      default:
        return character;
    }
  }

  #group(): string {
    const ahead = /^\?(?:[=!]|<[=!])/.test(this.#source.slice(this.#at));
    const opening = /^\?(?::|[=!]|<[=!]|<[^>]+>)/.exec(this.#source.slice(this.#at));
    this.#at += opening?.[0].length ?? 0;
    const made = this.alternatives();
    this.#take(")");
    return ahead ? "" : made;
  }

  #set(): string {
    const not = this.#take("^");
    const members: string[] = [];
    while (this.#at < this.#source.length && (this.#peek() !== "]" || members.length === 0)) {
      const character = this.#next();
      members.push(character === "\\" ? escaped(this.#next()) : character);
    }
    this.#take("]");
    if (!not) return members[0] ?? "";
    return [..."xa0-_ "].find((each) => !members.includes(each)) ?? "x";
  }

  #quantifier(): readonly [least: number, most: number] {
    const found = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#source.slice(this.#at));
    if (!found) return [1, 1];
    this.#at += found[0].length;
    const [whole, least, comma, most] = found;
    if (whole.startsWith("*")) return [0, Infinity];
    if (whole.startsWith("+")) return [1, Infinity];
    if (whole.startsWith("?")) return [0, 1];
    return [Number(least), comma === undefined ? Number(least) : most ? Number(most) : Infinity];
  }

  #peek(): string {
    return this.#source[this.#at] ?? "";
  }

  #next(): string {
    return this.#source[this.#at++] ?? "";
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }
}

const ESCAPED: Readonly<Record<string, string>> = { d: "0", w: "a", s: " ", S: "a", D: "a", W: "-", b: "", B: "" };
const escaped = (letter: string): string => ESCAPED[letter] ?? letter;
