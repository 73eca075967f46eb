/** Fills a schema's fields from a conversation. */
import type { Json, JsonObject } from "@batonjs/core";
import { neutralOption, optionIn } from "./choose-option.ts";
import type { Call, Conversation } from "./conversation.ts";
import { type Fact, factsOf, fitOf, isVerb, readToolName, selectRecord } from "./facts.ts";
import { describedBy, entityOf, type Field, isIdentifier, speaksOf } from "./fields.ts";
import { withoutGreeting } from "./small-talk.ts";
import { capital, contentOf, partsOf, spoken, stem, stemsOf } from "./text.ts";
import {
  type Day,
  datesIn,
  dayOf,
  emailsIn,
  isoDay,
  moneyIn,
  namesIn,
  numbersIn,
  phonesIn,
  quotedIn,
  tokensIn,
  urlsIn,
  yesOrNo,
} from "./values.ts";

/** What arguments are filled from, and for which tool. */
export interface Filling {
  readonly talk: Conversation;
  readonly today?: Day;
  /** Name of the tool or handoff. */
  readonly tool: string;
  /** The fields that the last message was asked for. */
  readonly asked: readonly string[];
  /** Take the neutral choice where nothing was said, and never ask: payloads of handoffs, structured answers. */
  readonly guess: boolean;
}

/** Arguments, what is missing, and the records among which nothing said which is meant. */
export interface Filled {
  readonly arguments: JsonObject;
  readonly missing: readonly Field[];
  readonly unclear?: { readonly field: Field; readonly records: readonly JsonObject[] };
}

/** Nothing was found. */
const NOTHING = Symbol("nothing");
type Value = Json | typeof NOTHING;
interface Unclear {
  readonly records: readonly JsonObject[];
}
interface Reading extends Filling {
  readonly facts: ReadonlyMap<Call, readonly Fact[]>;
  readonly unclear: Map<Field, Unclear>;
}

/** Fills `fields` as far as the conversation goes. */
export function fill(fields: readonly Field[], filling: Filling): Filled {
  const calls = filling.talk.sources.flatMap((source) => ("call" in source ? [source.call] : []));
  const reading: Reading = {
    ...filling,
    facts: new Map(calls.map((call) => [call, factsOf(call)])),
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
  const records = first && reading.unclear.get(first)?.records;
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

const isAsked = (field: Field, { asked }: Reading): boolean => asked.includes(field.name);

/** The first value that `read` finds in what was said, the newest first; `depth` messages back at most. */
function said<T>({ talk }: Reading, read: (text: string) => T | undefined, depth = 20): T | undefined {
  for (const text of [talk.message, ...talk.earlier].slice(0, depth)) {
    const value = read(text);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The values that results and payloads have for a field, newest call first, the best fit first. */
function known(
  field: Field,
  reading: Reading,
  stems: readonly string[],
  accept: (value: Fact["value"]) => boolean,
): readonly Fact[] {
  for (const { call } of reading.talk.sources.filter((source) => "call" in source)) {
    const facts = reading.facts.get(call) ?? [];
    // An optional field is filled from what was meant for it, not from whatever a result happens to hold.
    const usable = facts.filter((fact) => (field.required || fact.given || isIdentifier(field)) && accept(fact.value));
    for (const wanted of [2, 1] as const) {
      const fitting = usable.filter((fact) => Math.max(fitOf(fact, stems), isOfPattern(field, fact)) === wanted);
      if (fitting.length > 0) return fitting;
    }
  }
  return [];
}

/** An `id` whose form is the one that the field wants, such as `ch_1`, whatever it belongs to. */
const isOfPattern = (field: Field, fact: Fact): 0 | 1 =>
  field.pattern && /[a-z]{2}/i.test(field.pattern.source) && fact.key.includes(field.stems.at(-1) ?? "") ? 1 : 0;

function option(field: Field, reading: Reading): Value {
  const depth = field.required || isAsked(field, reading) ? 4 : 1;
  const direct = said(reading, (text) => optionIn(field, text), 1);
  if (direct !== undefined) return direct;
  const allowed = field.options ?? [];
  const [fact] = known(field, reading, field.stems, (value) => allowed.some((one) => one.value === value));
  if (fact) return fact.value;
  return said(reading, (text) => optionIn(field, text), depth) ?? NOTHING;
}

const ON =
  /\b(?:enable|activate|turn(?:ing)?(?: [\w-]+){0,3} on|switch(?:ing)?(?: [\w-]+){0,3} on|set(?:ting)? up|opt in|subscribe|start using)\b/i;
const OFF =
  /\b(?:disable|deactivate|turn(?:ing)?(?: [\w-]+){0,3} off|switch(?:ing)?(?: [\w-]+){0,3} off|remove|opt out|unsubscribe|stop using|get rid of|don(?:'|’)?t want)\b/i;
/** Fields that say whether something is to be on. */
const SWITCH: ReadonlySet<string> = new Set(["enabl", "enable", "on", "activ", "active", "turn"]);

const NEGATION = /\b(?:not|no|never|without|don'?t|doesn'?t|disable|off|isn'?t|hasn'?t)\b/i;

function truth(field: Field, reading: Reading): Value {
  const answer = isAsked(field, reading) ? yesOrNo(reading.talk.message) : undefined;
  if (answer !== undefined) return answer;
  if (field.stems.some((one) => SWITCH.has(one))) {
    const direction = (text: string): boolean | undefined =>
      OFF.test(text) ? false : ON.test(text) ? true : undefined;
    const spoken = said(reading, direction, field.required ? 3 : 1);
    if (spoken !== undefined) return spoken;
  }
  const stems = field.stems.filter(
    (one) => !["is", "has", "should", "wants", "want", "can", "allow", "enabl", "include", "includ"].includes(one),
  );
  const text = reading.talk.message;
  const heard = new Set(contentOf(text));
  if (stems.length === 0 || !stems.every((one) => heard.has(one))) {
    const [fact] = known(field, reading, field.stems, (value) => typeof value === "boolean");
    return fact ? fact.value : NOTHING;
  }
  return !NEGATION.test(text);
}

const MONEY_WORDS = [
  "amount",
  "pric",
  "cost",
  "total",
  "money",
  "sum",
  "fe",
  "fee",
  "balanc",
  "budget",
  "refund",
  "charg",
  "pay",
  "credit",
];

const isMoney = (field: Field): boolean =>
  speaksOf(field, ...MONEY_WORDS) ||
  describedBy(field, /\b(?:dollars?|euros?|currency|amount of money|cents|usd|eur)\b/i);
const inCents = (field: Field): boolean =>
  speaksOf(field, "cent", "cents", "minor") ||
  describedBy(field, /\b(?:in cents|minor units?|smallest (?:currency )?unit)\b/i);

function amount(field: Field, reading: Reading): Value {
  const fits = (value: number | undefined): value is number =>
    value !== undefined &&
    (field.type !== "integer" || Number.isInteger(value)) &&
    value >= (field.minimum ?? -Infinity) &&
    value <= (field.maximum ?? Infinity);
  const money = isMoney(field);
  const scaled = (value: number): number => (inCents(field) ? Math.round(value * 100) : value);
  const sums = (text: string): number | undefined =>
    moneyIn(text)
      .map(({ value }) => scaled(value.amount))
      .find(fits);
  const beside = (text: string): number | undefined =>
    numbersBeside(field, text)
      .map((value) => (money ? scaled(value) : value))
      .find(fits);
  const plain = (text: string): number | undefined => {
    const values = numbersIn(text)
      .filter(({ at }) => !insideDate(text, at))
      .map(({ value }) => (money ? scaled(value) : value));
    return values.find(fits);
  };
  const direct = said(reading, (text) => (money ? sums(text) : undefined) ?? beside(text), 1);
  if (direct !== undefined) return direct;
  // "Twice" is no sum: plain numbers count only where a number is asked for, or must be there and is not money.
  if (isAsked(field, reading) || (field.required && !money && !field.nullable)) {
    const number = plain(reading.talk.message);
    if (number !== undefined) return number;
  }
  const facts = known(field, reading, field.stems, (value) => typeof value === "number" && fits(value));
  const fact = onlyOne(facts, field, reading);
  if (fact) return fact.value;
  return (field.required ? said(reading, (text) => (money ? sums(text) : beside(text)), 6) : undefined) ?? NOTHING;
}

const insideDate = (text: string, at: number): boolean =>
  datesIn(text, { year: 2000, month: 1, day: 1 }).some((date) => at >= date.at && at < date.at + date.text.length);

/** Numbers that stand next to a word of the field's name: `3 seats`, `quantity: 3`. */
function numbersBeside(field: Field, text: string): readonly number[] {
  const near = (at: number, length: number): boolean => {
    const before = contentOf(text.slice(Math.max(0, at - 40), at)).slice(-2);
    const after = contentOf(text.slice(at + length, at + length + 40)).slice(0, 2);
    return field.stems.some((one) => before.includes(one) || after.includes(one));
  };
  return numbersIn(text)
    .filter((hit) => near(hit.at, hit.text.length) && !insideDate(text, hit.at))
    .map(({ value }) => value);
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

/** One fact, or the one of its records that the conversation means. Else the field is unclear. */
function onlyOne(facts: readonly Fact[], field: Field, reading: Reading): Fact | undefined {
  const values = new Set(facts.map((fact) => fact.value));
  if (values.size <= 1) return facts[0];
  const records = [...new Set(facts.map((fact) => fact.record))];
  const { talk, today } = reading;
  const { verb } = readToolName(reading.tool);
  const texts = [talk.message, ...talk.earlier.slice(0, 2), payloadWords(reading)];
  const record = selectRecord(records, texts, verb === undefined ? undefined : stem(verb), today);
  if (record) return facts.find((fact) => fact.record === record);
  reading.unclear.set(field, { records });
  return undefined;
}

/** What the payloads of handoffs say: `duplicate_charge` counts like "duplicate charge". */
function payloadWords(reading: Reading): string {
  const given = [...reading.facts.values()].flat().filter((fact) => fact.given && typeof fact.value === "string");
  return given.map(({ value }) => spoken(String(value).slice(0, 200))).join(" ");
}

/** Readers of strings of one kind. The first whose test holds is the one. */
interface Kind {
  readonly test: (field: Field) => boolean;
  readonly read: (text: string, field: Field, reading: Reading) => string | undefined;
}

const isDate = (field: Field): boolean =>
  field.format === "date" ||
  field.format === "date-time" ||
  (speaksOf(field, "dat", "date", "day", "deadlin", "birthday", "month", "sinc", "since", "until") && !field.options) ||
  describedBy(field, /\bISO ?8601\b|\bYYYY-MM-DD\b/i);

const KINDS: readonly Kind[] = [
  {
    test: (field) =>
      field.format === "email" || speaksOf(field, "email", "mail") || describedBy(field, /\be-?mail address\b/i),
    read: (text) => emailsIn(text)[0]?.value.toLowerCase(),
  },
  {
    test: (field) => field.format === "uri" || field.format === "url" || speaksOf(field, "url", "link", "websit"),
    read: (text) => urlsIn(text)[0]?.value,
  },
  {
    test: (field) => speaksOf(field, "phon", "phone", "telephon", "mobil", "cell", "fax"),
    read: (text) => phonesIn(text)[0]?.value,
  },
  { test: isDate, read: dateText },
  {
    test: (field) => speaksOf(field, "currenc", "currency"),
    read: (text) => moneyIn(text).find(({ value }) => value.currency !== undefined)?.value.currency,
  },
];

function dateText(text: string, field: Field, { today }: Reading): string | undefined {
  const hits = datesIn(text, today);
  const ends = /(?:^|_|\b)(?:to|until|till|end|before|by|due|return|checkout)/i.test(
    spoken(field.name).replaceAll(" ", "_"),
  );
  const hit = ends && hits.length > 1 ? hits.at(-1) : hits[0];
  if (!hit) return undefined;
  const day = isoDay(ends ? hit.value.to : hit.value.from);
  const forms =
    field.format === "date-time" ? [`${day}T00:00:00Z`] : [day, day.slice(0, 7), day.slice(0, 4), `${day}T00:00:00Z`];
  return field.pattern ? forms.find((form) => field.pattern?.test(form)) : forms[speaksOf(field, "month") ? 1 : 0];
}

function words(field: Field, reading: Reading): Value {
  const kind = KINDS.find(({ test }) => test(field));
  if (kind) {
    const depth = field.required || isAsked(field, reading) ? 20 : 1;
    const direct = kind.read(reading.talk.message, field, reading);
    if (direct !== undefined) return direct;
    const facts = known(
      field,
      reading,
      field.stems,
      (value) => typeof value === "string" && kind.read(value, field, reading) !== undefined,
    );
    const fact = onlyOne(facts, field, reading);
    return fact?.value ?? said(reading, (text) => kind.read(text, field, reading), depth) ?? NOTHING;
  }
  if (isIdentifier(field) || field.pattern) return identifier(field, reading);
  if (isFreeText(field)) return freeText(field, reading);
  return plainWords(field, reading);
}

// --- identifiers ---

function identifier(field: Field, reading: Reading): Value {
  const numeric = field.type === "number" || field.type === "integer";
  const cast = (text: string): Value =>
    numeric ? (Number.isFinite(Number(text.replace(/^#/, ""))) ? Number(text.replace(/^#/, "")) : NOTHING) : text;
  const [direct] = identifiersIn(field, reading.talk.message, reading.tool, isAsked(field, reading));
  if (direct !== undefined) return cast(direct);
  const offered = idOffered(field, reading);
  if (offered !== undefined) return cast(offered);
  const entity = entityOf(field);
  const stems =
    entity.length > 0 ? field.stems : [...readToolName(reading.tool).nouns.map(stem).slice(-1), ...field.stems];
  const accept = (value: Fact["value"]): boolean =>
    numeric ? typeof value === "number" : typeof value === "string" && (field.pattern?.test(value) ?? value.length > 0);
  const fact = onlyOne(known(field, reading, stems, accept), field, reading);
  if (fact) return fact.value;
  if (reading.unclear.has(field)) return NOTHING;
  const earlier = said(reading, (text) => identifiersIn(field, text, reading.tool, false)[0]);
  return earlier === undefined ? NOTHING : cast(earlier);
}

const ORDINAL = /\b(?:first|second|third|fourth|fifth|last|other|1st|2nd|3rd|4th|5th)\b/i;

/** The identifier in what was offered: "I can refund ch_2. Shall I?", unless the answer is no or points elsewhere. */
function idOffered(field: Field, { talk, tool }: Reading): string | undefined {
  if (talk.offer === undefined || yesOrNo(talk.message) === false) return undefined;
  const pointed = ORDINAL.exec(talk.message)?.[0].toLowerCase();
  if (pointed !== undefined && !talk.offer.toLowerCase().includes(pointed)) return undefined;
  return identifiersIn(field, talk.offer, tool, false)[0];
}

/** What may be the identifier that a field wants, the surest first. */
function identifiersIn(field: Field, text: string, tool: string, asked: boolean): readonly string[] {
  const emails = emailsIn(text);
  const outside = (at: number): boolean => !emails.some((hit) => at >= hit.at && at < hit.at + hit.text.length);
  const tokens = tokensIn(text).filter(({ at }) => outside(at));
  if (field.pattern) {
    const forms = tokens.flatMap(({ value }) => [
      value,
      value.replace(/^#/, ""),
      value.toLowerCase(),
      value.toUpperCase(),
    ]);
    const fits = (form: string): boolean => field.pattern?.exec(form)?.[0] === form;
    return [...new Set(forms.filter((form) => fits(form)))].slice(0, 20);
  }
  const own = entityOf(field);
  const entity = own.length > 0 ? own : readToolName(tool).nouns.map(stem).slice(-1);
  const shape = shapeOf(field.description);
  const isId = (value: string): boolean => /\d/.test(value) && value.length <= 80;
  const scored = tokens
    .filter(({ value, at }) => isId(value) && !insideDate(text, at) && !isSum(text, at))
    .map(({ value, at }) => ({
      value,
      score: tokenScore(value, text.slice(Math.max(0, at - 40), at), entity, shape, asked),
    }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score);
  return scored.map(({ value }) => value.replace(/^#/, "")).slice(0, 20);
}

const isSum = (text: string, at: number): boolean =>
  moneyIn(text).some((hit) => at >= hit.at && at < hit.at + hit.text.length);

function tokenScore(
  token: string,
  before: string,
  entity: readonly string[],
  shape: RegExp | undefined,
  asked: boolean,
): number {
  if (shape) return shape.test(token) ? 3 : 0;
  const prefix = /^([a-z]+)[-_]?\d/i.exec(token)?.[1]?.toLowerCase();
  if (prefix !== undefined && prefix.length >= 2 && entity.length > 0)
    return entity.some((noun) => abbreviates(prefix, noun)) ? 3 : asked ? 0.5 : 0;
  const words = contentOf(before).filter((word) => !["number", "no", "id", "nr"].includes(word));
  const last = words.at(-1);
  if (last !== undefined && entity.includes(last)) return 2;
  if (asked) return 1;
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(token);
  return uuid || (/[a-z]/i.test(token) && token.length >= 5) ? 0.5 : 0;
}

/** Whether letters are an abbreviation of a word: `inv` and `acct` are of `invoice` and `account`. */
function abbreviates(short: string, word: string): boolean {
  if (word.startsWith(short)) return true;
  if (short[0] !== word[0]) return false;
  let at = 0;
  for (const letter of word) if (letter === short[at]) at += 1;
  return at === short.length;
}

/** The form of an identifier by the example in a description: `INV-` and something of "such as INV-1001". */
function shapeOf(description: string): RegExp | undefined {
  const example = tokensIn(description).find(({ value }) => /^[a-z]{1,8}[-_][a-z0-9-]*\d/i.test(value))?.value;
  const prefix = /^[a-z]{1,8}[-_]/i.exec(example ?? "")?.[0];
  return prefix === undefined ? undefined : new RegExp(`^${prefix}[\\p{L}\\p{N}_-]+$`, "iu");
}

// --- texts ---

const FREE: ReadonlySet<string> = new Set(
  "query question description details detail message summary subject title problem issue symptom symptoms topic text reason note notes comment comments body content request search keywords keyword explanation context complaint feedback input prompt task goal".split(
    " ",
  ),
);

/** Whether a field wants what the user said rather than a value in it. */
export const isFreeText = (field: Field): boolean => {
  const parts = partsOf(field.name);
  return (
    FREE.has(parts.at(-1) ?? "") ||
    describedBy(
      field,
      /\bin (?:the (?:user|customer)['’]?s?|their|your) own words\b|\bfree text\b|what the (?:user|customer) (?:said|wrote|asked|wants|reported)/i,
    )
  );
};

function freeText(field: Field, reading: Reading): Value {
  const { talk } = reading;
  const asked = isAsked(field, reading);
  // The answer to a question about something else is not the subject.
  const texts = [talk.message, ...talk.earlier].map((text) => withoutGreeting(text).trim());
  // "Open a ticket please" names the tool and says nothing for it.
  const own = new Set([...readToolName(reading.tool).nouns.map(stem), ...stemsOf(reading.tool)]);
  const enough = (text: string): boolean =>
    contentOf(text).filter((word) => !own.has(word) && !isVerb(word)).length >= 1;
  const text = asked
    ? texts[0]
    : talk.question
      ? (texts.slice(1).find(enough) ?? texts[0])
      : (texts.find(enough) ?? texts[0]);
  if (text === undefined || text === "") return NOTHING;
  if (!asked && !field.required && !enough(text)) return NOTHING;
  const short = /^(?:title|subject|topic|summary|keywords?)$/.test(partsOf(field.name).at(-1) ?? "");
  const cut = short ? (text.split(/(?<=[.!?])\s|\n/, 1)[0] ?? text).replace(/[.!?]+$/, "").slice(0, 100) : text;
  const sized = cut.slice(0, Math.min(field.maxLength ?? 2_000, 2_000)).toWellFormed();
  return sized.length < (field.minLength ?? 0) ? NOTHING : short ? capital(sized) : sized;
}

/** A value that stands with its name: `my username is bob`, `plan: pro`, `change the plan to premium`. */
function plainWords(field: Field, reading: Reading): Value {
  const asked = isAsked(field, reading);
  const { talk } = reading;
  const limit = (text: string | undefined): string | undefined => {
    const value = text?.trim();
    return value === undefined ||
      value === "" ||
      value.length < (field.minLength ?? 1) ||
      value.length > (field.maxLength ?? 500)
      ? undefined
      : value;
  };
  const isName = ["name", "person", "nam"].includes(field.stems.at(-1) ?? "");
  const read = (text: string): string | undefined =>
    limit(isName ? namesIn(text)[0]?.value : undefined) ??
    limit(labelled(field, text)) ??
    limit(quotedIn(text)[0]?.value) ??
    limit(placed(field, text));
  const direct = read(talk.message) ?? (asked ? limit(answerIn(talk.message)) : undefined);
  if (direct !== undefined) return direct;
  const facts = known(field, reading, field.stems, (value) => typeof value === "string");
  const fact = onlyOne(facts, field, reading);
  return fact?.value ?? (field.required ? said(reading, read, 10) : undefined) ?? NOTHING;
}

/** An answer without what people put around it. */
function answerIn(text: string): string | undefined {
  const plain = text
    .replace(
      /^\s*(?:it(?:'|’)?s|it is|that(?:'|’)?s|that is|this is|the|my \w+ is|i(?:'|’)?m|i am|sure,?|ok(?:ay)?,?|yes,?)\s+/i,
      "",
    )
    .replace(/[.!?]+\s*$/, "");
  return contentOf(plain).length === 0 && plain.length > 40 ? undefined : plain;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function labelled(field: Field, text: string): string | undefined {
  const label = partsOf(field.name).map(escaped);
  const names = [label.join("[ _-]?"), ...(label.length > 1 ? [label.at(-1) ?? ""] : [])].filter(
    (name) => name.length > 2,
  );
  for (const name of names) {
    const match = new RegExp(
      String.raw`\b${name}\b\s*(?:is|:|=|to|are|called|named|should be|will be)\s+["'“]?([^\s"'”,;][^"'”,;.!?\n]{0,80})`,
      "iu",
    ).exec(text);
    const value = match?.[1]?.split(/\s+(?:and|but|please|because|so|from|with|in|on|at|for)\s/i, 1)[0];
    if (value !== undefined) return value;
  }
  return undefined;
}

const PREPOSITIONS: Readonly<Record<string, string>> = {
  city: "in|to|from|at|for|near",
  location: "in|to|from|at|for|near",
  plac: "in|to|at|for|near",
  country: "in|to|from|for",
  address: "to|at",
  destin: "to",
  destination: "to",
  to: "to",
  origin: "from",
  from: "from",
  recipient: "to",
};

/** A name with capitals after a preposition: `to Lisbon`, `in New York`. */
function placed(field: Field, text: string): string | undefined {
  const before = field.stems.map((one) => PREPOSITIONS[one]).find((words) => words !== undefined);
  if (before === undefined) return undefined;
  return new RegExp(String.raw`\b(?:${before})\s+(\p{Lu}[\p{L}'’-]{1,40}(?:\s+\p{Lu}[\p{L}'’-]{1,40}){0,3})`, "u").exec(
    text,
  )?.[1];
}

/** Today: as given, or the day of the user's last message. */
export const todayOf = (given: Day | undefined, talk: Conversation): Day | undefined =>
  given ?? (talk.at === undefined ? undefined : dayOf(talk.at));
