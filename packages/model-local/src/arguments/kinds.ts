/** Texts of a known form: addresses, links, telephone numbers, dates, currencies. */
import { spoken } from "../text.ts";
import { datesIn, emailsIn, isoDay, moneyIn, phonesIn, urlsIn } from "../values.ts";
import { describedBy, type Field, speaksOf } from "./fields.ts";
import { isAsked, known, NOTHING, onlyOne, type Reading, said, type Value } from "./reading.ts";

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

/** The kind of text that a field wants, where it has a known form. */
export const kindOf = (field: Field): Kind | undefined => KINDS.find(({ test }) => test(field));

/** The text of a known form that a field wants: said, or in a result. */
export function ofKind(kind: Kind, field: Field, reading: Reading): Value {
  const depth = field.required || isAsked(field, reading) ? 20 : 1;
  const direct = kind.read(reading.talk.message, field, reading);
  if (direct !== undefined) return direct;
  const fits = (value: string | number | boolean): boolean =>
    typeof value === "string" && kind.read(value, field, reading) !== undefined;
  const fact = onlyOne(known(field, reading, field.stems, fits), field, reading);
  return fact?.value ?? said(reading, (text) => kind.read(text, field, reading), depth) ?? NOTHING;
}
