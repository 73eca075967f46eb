/** What the readers of arguments share: the conversation, and what results and payloads say. */
import type { Json, JsonObject } from "@batonjs/core";
import type { Call, Conversation } from "../conversation.ts";
import { contentOf, spoken, stem } from "../text.ts";
import { type Day, datesIn } from "../values.ts";
import { readToolName } from "../tool-name.ts";
import { type Fact, fitOf, selectRecord } from "./facts.ts";
import { type Field, isIdentifier } from "./fields.ts";

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

/** Nothing was found. */
export const NOTHING: unique symbol = Symbol("nothing");
export type Value = Json | typeof NOTHING;
/** A filling, and what was found out on the way. */
export interface Reading extends Filling {
  /** What the calls of the conversation say. */
  readonly facts: ReadonlyMap<Call, readonly Fact[]>;
  /** Whether the message names a record of its own: "then refund ch_1043". */
  readonly namesRecord: boolean;
  /** Fields for which there are several records, and nothing says which is meant. */
  readonly unclear: Map<Field, readonly JsonObject[]>;
}

/** Whether the last message was asked for the field. */
export const isAsked = (field: Field, { asked }: Reading): boolean => asked.includes(field.name);

/** The first value that `read` finds in what was said, the newest first; `depth` messages back at most. */
export function said<T>({ talk }: Reading, read: (text: string) => T | undefined, depth = 20): T | undefined {
  for (const text of [talk.message, ...talk.earlier].slice(0, depth)) {
    const value = read(text);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The values that results and payloads have for a field, newest call first, the best fit first. */
export function known(
  field: Field,
  reading: Reading,
  stems: readonly string[],
  accept: (value: Fact["value"]) => boolean,
): readonly Fact[] {
  for (const { call } of reading.talk.sources.filter((source) => "call" in source)) {
    const all = reading.facts.get(call) ?? [];
    const facts = isOutdated(call, field, reading) ? all.filter(({ given }) => !given) : all;
    // An optional field is filled from what was meant for it, not from whatever a result happens to hold.
    const usable = facts.filter((fact) => (field.required || fact.given || isIdentifier(field)) && accept(fact.value));
    for (const wanted of [2, 1] as const) {
      const fitting = usable.filter((fact) => Math.max(fitOf(fact, stems), isOfPattern(field, fact)) === wanted);
      if (fitting.length > 0) return fitting;
    }
  }
  return [];
}

/**
 * Whether what a call was given says nothing any more about a field that may stay empty. "Refund the $500 charge" was
 * answered; "refund ch_1043" is another matter and says nothing of $500. But "yes, do it" means what was said before.
 */
function isOutdated(call: Call, field: Field, { talk, tool, guess, namesRecord }: Reading): boolean {
  const mayStayEmpty = !field.required || field.nullable || field.preset !== undefined || guess;
  if (!mayStayEmpty || talk.round.includes(call)) return false;
  const latest = talk.sources.find((source) => "call" in source && source.call.name === tool);
  const replaced = call.name === tool && latest !== undefined && "call" in latest && latest.call !== call;
  return replaced || (contentOf(talk.message).length > 0 && (call.name === tool || namesRecord));
}

/** An `id` whose form is the one that the field wants, such as `ch_1`, whatever it belongs to. */
const isOfPattern = (field: Field, fact: Fact): 0 | 1 =>
  field.pattern && /[a-z]{2}/i.test(field.pattern.source) && fact.key.includes(field.stems.at(-1) ?? "") ? 1 : 0;

/** One fact, or the one of its records that the conversation means. Else the field is unclear. */
export function onlyOne(facts: readonly Fact[], field: Field, reading: Reading): Fact | undefined {
  const values = new Set(facts.map((fact) => fact.value));
  if (values.size <= 1) return facts[0];
  const records = [...new Set(facts.map((fact) => fact.record))];
  const { talk, today } = reading;
  const { verb } = readToolName(reading.tool);
  const texts = [talk.message, ...talk.earlier.slice(0, 2), payloadWords(reading)];
  const record = selectRecord(records, texts, verb === undefined ? undefined : stem(verb), today);
  if (record) return facts.find((fact) => fact.record === record);
  reading.unclear.set(field, records);
  return undefined;
}

/** What the payloads of handoffs say: `duplicate_charge` counts like "duplicate charge". */
function payloadWords(reading: Reading): string {
  const given = [...reading.facts.values()].flat().filter((fact) => fact.given && typeof fact.value === "string");
  return given.map(({ value }) => spoken(String(value).slice(0, 200))).join(" ");
}

/** Whether a place in a text is within a date. */
export const insideDate = (text: string, at: number): boolean =>
  datesIn(text, { year: 2000, month: 1, day: 1 }).some((date) => at >= date.at && at < date.at + date.text.length);
