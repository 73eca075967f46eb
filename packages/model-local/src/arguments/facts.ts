/** What tool results and payloads say, as values with the words that lead to them. */
import type { Json, JsonObject } from "@batonjs/core";
import { type Call, isRecord } from "../conversation.ts";
import { datesIn, isoDay, moneyIn, numbersIn, type Day } from "../values.ts";
import { contentOf, stem, stemsOf, wordsOf } from "../text.ts";
import { readToolName } from "../tool-name.ts";

/** The most values that are read from one call. */
const MAX_FACTS = 1_000;

/** One value of a result or payload. */
export interface Fact {
  /** Stems of its key. */
  readonly key: readonly string[];
  /** Stems of what it belongs to: the key above, or the nouns of the tool. */
  readonly owner: readonly string[];
  readonly value: string | number | boolean;
  /** The object that holds it. */
  readonly record: JsonObject;
  /** It was an argument or a payload, not a result. */
  readonly given: boolean;
}

/** The values of a call: of its result where it went well, and of its arguments. */
export function factsOf(call: Call): readonly Fact[] {
  const facts: Fact[] = [];
  const nouns = readToolName(call.name).nouns.map(stem);
  if (call.status === "ok" && call.data !== undefined) collect(call.data, [], nouns.slice(-1), {}, false, facts);
  collect(call.arguments, [], [], call.arguments, true, facts);
  return facts;
}

function collect(
  data: Json,
  key: readonly string[],
  owner: readonly string[],
  record: JsonObject,
  given: boolean,
  facts: Fact[],
): void {
  if (facts.length >= MAX_FACTS || data === null) return;
  if (Array.isArray(data)) {
    for (const element of data.slice(0, 200))
      collect(element as Json, [], key.length > 0 ? key : owner, record, given, facts);
  } else if (isRecord(data)) {
    const above = key.length > 0 ? key : owner;
    for (const [name, value] of Object.entries(data).slice(0, 100))
      collect(value, stemsOf(name), above, data, given, facts);
  } else {
    facts.push({ key, owner, value: data as string | number | boolean, record, given });
  }
}

/** How well a fact answers to a field's words: 2 by its key alone, 1 together with what it belongs to, 0 not. */
export function fitOf(fact: Fact, stems: readonly string[]): 0 | 1 | 2 {
  if (stems.length === 0) return 0;
  if (stems.length === fact.key.length && stems.every((one) => fact.key.includes(one))) return 2;
  return stems.every((one) => fact.key.includes(one) || fact.owner.includes(one)) &&
    stems.some((one) => fact.key.includes(one))
    ? 1
    : 0;
}

const DUPLICATE = /\b(?:twice|double|doubled|duplicated?|duplicates|two times|second time|again)\b/i;
const NEWEST = /\b(?:latest|newest|most recent|last)\b/i;
const OLDEST = /\b(?:oldest|earliest)\b/i;
const ORDINALS: readonly RegExp[] = [
  /\b(?:first|1st)\b/i,
  /\b(?:second|2nd)\b/i,
  /\b(?:third|3rd)\b/i,
  /\b(?:fourth|4th)\b/i,
  /\b(?:fifth|5th)\b/i,
];

/**
 * The one of `records` that the texts mean, the first text being the most recent: by sums, dates and words that they
 * share, by "twice", by "the latest", by "the second". `done` is the stem that says it has happened already: `refund`
 * of "refunded". Nothing where that leaves several.
 */
export function selectRecord(
  records: readonly JsonObject[],
  texts: readonly string[],
  done: string | undefined,
  today: Day | undefined,
): JsonObject | undefined {
  const [only] = records;
  if (records.length <= 1) return only;
  const order = byDate(records);
  const scores: number[] = records.map((record) => (done !== undefined && wordsIn(record).includes(done) ? -2 : 0));
  for (const [i, text] of texts.slice(0, 4).entries()) {
    const weight = 1 / (i + 1);
    for (const [r, record] of records.entries()) scores[r] = (scores[r] ?? 0) + weight * shared(record, text, today);
    for (const [r, points] of pointed(records, order, text, i === 0)) scores[r] = (scores[r] ?? 0) + weight * points;
  }
  const best = Math.max(...scores);
  const winners = records.filter((_, r) => (scores[r] ?? 0) >= best - 0.01);
  if (winners.length === 1 && best > Math.min(...scores)) return winners[0];
  return undefined;
}

function shared(record: JsonObject, text: string, today: Day | undefined): number {
  const values = Object.values(record);
  let score = 0;
  const sums = [...moneyIn(text).map(({ value }) => value.amount), ...numbersIn(text).map(({ value }) => value)];
  if (
    values.some(
      (value) => typeof value === "number" && sums.some((sum) => value === sum || value === Math.round(sum * 100)),
    )
  )
    score += 3;
  const days = datesIn(text, today).map(({ value }) => [isoDay(value.from), isoDay(value.to)] as const);
  const inSpan = (value: Json): boolean =>
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\d/.test(value) &&
    days.some(([from, to]) => value.slice(0, 10) >= from && value.slice(0, 10) <= to);
  if (values.some((value) => inSpan(value as Json))) score += 2;
  const said = new Set(contentOf(text));
  const own = new Set(wordsIn(record));
  let words = 0;
  for (const word of own) if (said.has(word)) words += 1;
  return score + Math.min(words, 3);
}

const wordsIn = (record: JsonObject): readonly string[] =>
  Object.values(record).flatMap((value) =>
    typeof value === "string" && value.length < 300 ? wordsOf(value).map(stem) : [],
  );

/** Which records a text points at by their place or by being double, and how clearly. */
function pointed(
  records: readonly JsonObject[],
  order: readonly number[],
  text: string,
  latest: boolean,
): readonly (readonly [number, number])[] {
  const points: (readonly [number, number])[] = [];
  if (DUPLICATE.test(text)) for (const r of duplicates(records, order)) points.push([r, 3]);
  const newest = order.at(-1);
  const oldest = order[0];
  if (NEWEST.test(text) && newest !== undefined) points.push([newest, 1.5]);
  if (OLDEST.test(text) && oldest !== undefined) points.push([oldest, 1.5]);
  if (latest)
    for (const [r, ordinal] of ORDINALS.entries()) if (ordinal.test(text) && r < records.length) points.push([r, 2]);
  return points;
}

/** The later one of records that say the same, or those that are marked as duplicates. */
function duplicates(records: readonly JsonObject[], order: readonly number[]): readonly number[] {
  const marked = records.flatMap((record, r) =>
    Object.entries(record).some(([key, value]) => /^(is_?)?dup/i.test(key) && Boolean(value)) ? [r] : [],
  );
  if (marked.length > 0) return marked;
  const seen = new Set<string>();
  const later: number[] = [];
  for (const r of order) {
    const record = records[r] ?? {};
    const key = signature(record);
    if (seen.has(key)) later.push(r);
    seen.add(key);
  }
  return later.slice(-1);
}

/** All that a record says beside its id, its date and how far it is. */
function signature(record: JsonObject): string {
  const parts = Object.entries(record).filter(
    ([key, value]) =>
      !/(^|_)id$|Id$|date|time|_at$|At$|status|state|period/i.test(key) &&
      !(typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value)),
  );
  return JSON.stringify(parts);
}

/** The places of the records, oldest first where they carry dates, else as they come. */
function byDate(records: readonly JsonObject[]): readonly number[] {
  const dates = records.map(
    (record) =>
      Object.values(record).find(
        (value): value is string => typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value),
      ) ?? "",
  );
  return [...records.keys()].toSorted((a, b) => (dates[a] ?? "").localeCompare(dates[b] ?? "", "en") || a - b);
}
