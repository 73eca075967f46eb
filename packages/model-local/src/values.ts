/** Values that are written in a text: numbers, money, dates, addresses, ids. All readers are linear in the text. */
import { clip } from "./text.ts";

/** Something found in a text. */
export interface Found<T> {
  readonly value: T;
  /** Where it begins. */
  readonly at: number;
  readonly text: string;
}

const found = <T>(match: RegExpMatchArray, value: T): Found<T> => ({ value, at: match.index ?? 0, text: match[0] });

function all<T>(text: string, pattern: RegExp, read: (match: RegExpMatchArray) => T | undefined): Found<T>[] {
  const hits: Found<T>[] = [];
  for (const match of clip(text).matchAll(pattern)) {
    const value = read(match);
    if (value !== undefined) hits.push(found(match, value));
    if (hits.length >= 100) break;
  }
  return hits;
}

const EMAIL = /[\p{L}\p{N}][\p{L}\p{N}._%+-]{0,63}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,5}/gu;
const URL_TEXT = /https?:\/\/[^\s<>"')\]]{1,500}/gi;
const PHONE = /(?<![\p{L}\p{N}])\+?\(?\d{1,4}\)?(?:[ .\-/]?\(?\d{2,5}\)?){2,5}(?![\p{L}\p{N}])/gu;

export const emailsIn = (text: string): readonly Found<string>[] => all(text, EMAIL, ([match]) => match);
export const urlsIn = (text: string): readonly Found<string>[] =>
  all(text, URL_TEXT, ([match]) => match.replace(/[.,;:!?]+$/, ""));
export const phonesIn = (text: string): readonly Found<string>[] =>
  all(text, PHONE, ([match]) => {
    const digits = match.replace(/\D/g, "").length;
    return digits >= 7 && digits <= 15 && !ISO_DATE.test(match) ? match.trim() : undefined;
  });

/** What stands in quotation marks. */
export const quotedIn = (text: string): readonly Found<string>[] =>
  all(
    text,
    /"([^"\n]{1,300})"|“([^”\n]{1,300})”|«([^»\n]{1,300})»|(?<![\p{L}\p{N}])'([^'\n]{2,300})'(?!\p{L})/gu,
    (match) => (match[1] ?? match[2] ?? match[3] ?? match[4])?.trim(),
  );

const NAME =
  /\b(?:[Mm]y name(?:['’]s| is)|[Ii](?:['’]m| am) called|[Tt]his is|I(?:['’]m| am)|[Nn]ame:)\s+(\p{Lu}[\p{L}'’-]{0,40}(?:\s+(?:(?:van|von|de|der|da|di|la|le|bin|al)\s+)?\p{Lu}[\p{L}'’-]{0,40}){0,3})/gu;

/** Names by which people introduce themselves. */
export const namesIn = (text: string): readonly Found<string>[] => all(text, NAME, ([, name]) => name);

/** A sum of money. `currency` is an ISO 4217 code where the text says one. */
export interface Money {
  readonly amount: number;
  readonly currency?: string;
}

const SYMBOLS: Readonly<Record<string, string>> = {
  $: "USD",
  "€": "EUR",
  "£": "GBP",
  "¥": "JPY",
  "₹": "INR",
  "₩": "KRW",
};
const CURRENCY_WORDS: Readonly<Record<string, string>> = {
  dollar: "USD",
  dollars: "USD",
  buck: "USD",
  bucks: "USD",
  euro: "EUR",
  euros: "EUR",
  pound: "GBP",
  pounds: "GBP",
  quid: "GBP",
  yen: "JPY",
  rupee: "INR",
  rupees: "INR",
  won: "KRW",
  franc: "CHF",
  francs: "CHF",
};
const CODES = "USD|EUR|GBP|JPY|INR|KRW|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|BRL|MXN|CNY|SGD|HKD|ZAR";
const AMOUNT = String.raw`\d{1,3}(?:[,.' ]\d{3})+(?:[.,]\d{1,2})?|\d{1,15}(?:[.,]\d{1,2})?`;
const MONEY = new RegExp(
  String.raw`(?<![\p{L}\p{N}.])(?:([$€£¥₹₩]|(?:${CODES})(?=\s?\d))\s?(${AMOUNT})(k\b)?|(${AMOUNT})\s?([$€£¥₹₩]|(?:${CODES}|${Object.keys(CURRENCY_WORDS).join("|")})\b)|(\d{1,6})\s?(?:cents?|¢))`,
  "giu",
);

/** Sums of money: `$49.99`, `49 dollars`, `1.234,50 €`, `USD 20`, `99 cents`. */
export const moneyIn = (text: string): readonly Found<Money>[] =>
  all(text, MONEY, (match) => {
    const [, before, first, thousands, second, after, cents] = match;
    if (cents !== undefined) return { amount: Number(cents) / 100 };
    const amount = readNumber(first ?? second ?? "");
    if (amount === undefined) return undefined;
    const word = (before ?? after ?? "").toLowerCase();
    const currency = SYMBOLS[word] ?? CURRENCY_WORDS[word] ?? (word === "" ? undefined : word.toUpperCase());
    const total = thousands === undefined ? amount : amount * 1_000;
    return currency === undefined ? { amount: total } : { amount: total, currency };
  });

/** `1,234.5`, `1.234,50`, `1 234` and `12,50` as numbers. */
function readNumber(text: string): number | undefined {
  const last = Math.max(text.lastIndexOf("."), text.lastIndexOf(","));
  const decimals = last < 0 ? 0 : text.length - last - 1;
  const isDecimal = last >= 0 && decimals !== 3;
  const whole = (isDecimal ? text.slice(0, last) : text).replace(/[^\d]/g, "");
  const value = Number(isDecimal ? `${whole}.${text.slice(last + 1)}` : whole);
  return Number.isFinite(value) ? value : undefined;
}

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const NUMBER_WORDS: ReadonlyMap<string, number> = new Map<string, number>([
  ...SMALL.map((word, i) => [word, i] as const),
  ...TENS.map((word, i) => [word, (i + 2) * 10] as const),
  ["a couple of", 2],
  ["a couple", 2],
  ["a dozen", 12],
  ["once", 1],
  ["twice", 2],
]);
const NUMBER = new RegExp(
  String.raw`(?<![\p{L}\p{N}_.,:/#-])-?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,15}(?:[.,]\d{1,6})?)(?![\p{L}\p{N}_]|[-/:.,]\d)|\b(?:${[...NUMBER_WORDS.keys()].reverse().join("|")})\b`,
  "giu",
);

/** Numbers, in digits or words, that are no part of an id, a date or a time. */
export const numbersIn = (text: string): readonly Found<number>[] =>
  all(text, NUMBER, ([match]) => {
    const word = NUMBER_WORDS.get(match.toLowerCase());
    if (word !== undefined) return word;
    const value = readNumber(match.replace(/^-/, ""));
    return value === undefined ? undefined : match.startsWith("-") ? -value : value;
  });

/** Pieces of a text that may be identifiers: no spaces, and a digit or a capital inside. */
export const tokensIn = (text: string): readonly Found<string>[] =>
  all(text, /[\p{L}\p{N}][\p{L}\p{N}_\-./:#@]{0,199}|#[\p{L}\p{N}][\p{L}\p{N}_-]{0,100}/gu, ([match]) =>
    match.replace(/[./:-]+$/, ""),
  );

/** A day of the calendar, without a time zone. `month` is 1 to 12. */
export interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}
/** A day, or the first and last of several. */
export interface Span {
  readonly from: Day;
  readonly to: Day;
}

/** `YYYY-MM-DD`. */
export const isoDay = ({ year, month, day }: Day): string =>
  `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

/** The day in UTC of a time in milliseconds. */
export function dayOf(ms: number): Day {
  const date = new Date(ms);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

const shift = ({ year, month, day }: Day, days: number): Day => dayOf(Date.UTC(year, month - 1, day + days));
const weekday = ({ year, month, day }: Day): number => new Date(Date.UTC(year, month - 1, day)).getUTCDay();
const single = (day: Day): Span => ({ from: day, to: day });

function dayFrom(year: number, month: number, day: number): Day | undefined {
  if (!Number.isInteger(year) || year < 1900 || year > 2200) return undefined;
  const date = dayOf(Date.UTC(year, month - 1, day));
  return date.month === month && date.day === day ? date : undefined;
}

const ISO_DATE = /(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/;
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const WEEKDAYS = "sunday monday tuesday wednesday thursday friday saturday".split(" ");
const MONTH_NAME = String.raw`(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?`;
const COUNT = String.raw`(\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten)`;
const UNIT_DAYS: Readonly<Record<string, number>> = { day: 1, week: 7 };

type Reader = readonly [RegExp, (match: RegExpMatchArray, today: Day | undefined) => Span | undefined];

/** The year in which a day without a year is closest to today. */
function nearest(month: number, day: number, today: Day | undefined): Span | undefined {
  if (!today) return undefined;
  const here = Date.UTC(today.year, today.month - 1, today.day);
  const days = [today.year - 1, today.year, today.year + 1]
    .map((year) => dayFrom(year, month, day))
    .filter((one) => one !== undefined)
    .toSorted(
      (a, b) =>
        Math.abs(Date.UTC(a.year, a.month - 1, a.day) - here) - Math.abs(Date.UTC(b.year, b.month - 1, b.day) - here),
    );
  return days[0] && single(days[0]);
}

function named(
  monthName: string,
  dayText: string,
  yearText: string | undefined,
  today: Day | undefined,
): Span | undefined {
  const month = MONTHS.indexOf(monthName.slice(0, 3).toLowerCase()) + 1;
  if (yearText === undefined) return nearest(month, Number(dayText), today);
  const day = dayFrom(Number(yearText), month, Number(dayText));
  return day && single(day);
}

function wholeMonth(year: number, month: number): Span {
  const first = dayOf(Date.UTC(year, month - 1, 1));
  return { from: first, to: dayOf(Date.UTC(year, month, 0)) };
}

function ofMonth(name: string, yearText: string | undefined, today: Day | undefined): Span | undefined {
  const month = MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  const year = yearText === undefined ? nearest(month, 1, today)?.from.year : Number(yearText);
  return year === undefined || year < 1900 || year > 2200 ? undefined : wholeMonth(year, month);
}

function count(text: string): number {
  const word = NUMBER_WORDS.get(text.toLowerCase());
  return word ?? (/^an?$/i.test(text) ? 1 : Number(text));
}

function moved(today: Day, amount: number, unit: string): Span {
  const days = UNIT_DAYS[unit];
  if (days !== undefined) return single(shift(today, amount * days));
  const months = today.month - 1 + (unit === "year" ? amount * 12 : amount);
  const first = dayOf(Date.UTC(today.year, months, 1));
  const last = wholeMonth(first.year, first.month).to.day;
  return single({ ...first, day: Math.min(today.day, last) });
}

function ofWeekday(name: string, which: string, today: Day): Span {
  const distance = (WEEKDAYS.indexOf(name.toLowerCase()) - weekday(today) + 7) % 7;
  if (/last|past|previous/i.test(which)) return single(shift(today, distance === 0 ? -7 : distance - 7));
  if (/next/i.test(which)) return single(shift(today, distance === 0 ? 7 : distance));
  return single(shift(today, distance));
}

function ofPeriod(which: string, unit: string, today: Day): Span | undefined {
  const step = /last|past|previous/i.test(which) ? -1 : /next|coming/i.test(which) ? 1 : 0;
  switch (unit.toLowerCase()) {
    case "week": {
      const monday = shift(today, -((weekday(today) + 6) % 7) + step * 7);
      return { from: monday, to: shift(monday, 6) };
    }
    case "month": {
      const first = dayOf(Date.UTC(today.year, today.month - 1 + step, 1));
      return wholeMonth(first.year, first.month);
    }
    case "year":
      return {
        from: { year: today.year + step, month: 1, day: 1 },
        to: { year: today.year + step, month: 12, day: 31 },
      };
    default:
      return undefined;
  }
}

const DATES: readonly Reader[] = [
  [ISO_DATE, ([, y, m, d]) => spanOf(dayFrom(Number(y), Number(m), Number(d)))],
  [
    /(?<![\d/])(\d{1,2})\/(\d{1,2})\/(\d{4})(?![\d/])/,
    // Month first, as in the United States, unless that is no date.
    ([, a, b, y]) => spanOf(dayFrom(Number(y), Number(a), Number(b)) ?? dayFrom(Number(y), Number(b), Number(a))),
  ],
  [/(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)/, ([, d, m, y]) => spanOf(dayFrom(Number(y), Number(m), Number(d)))],
  [
    new RegExp(String.raw`\b${MONTH_NAME}\s+(\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s+(\d{4}))?`, "i"),
    ([, month, day, year], today) => named(month ?? "", day ?? "", year, today),
  ],
  [
    new RegExp(String.raw`\b(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?${MONTH_NAME}\b(?:,?\s+(\d{4}))?`, "i"),
    ([, day, month, year], today) => named(month ?? "", day ?? "", year, today),
  ],
  [/\b(?:the )?day before yesterday\b/i, (_, today) => today && single(shift(today, -2))],
  [/\b(?:the )?day after tomorrow\b/i, (_, today) => today && single(shift(today, 2))],
  [/\byesterday\b/i, (_, today) => today && single(shift(today, -1))],
  [/\btomorrow\b/i, (_, today) => today && single(shift(today, 1))],
  [/\b(?:today|tonight|this (?:morning|afternoon|evening))\b/i, (_, today) => today && single(today)],
  [
    new RegExp(String.raw`\b${COUNT}\s+(day|week|month|year)s?\s+ago\b`, "i"),
    ([, n, unit], today) => today && moved(today, -count(n ?? ""), (unit ?? "").toLowerCase()),
  ],
  [
    new RegExp(String.raw`\bin\s+${COUNT}\s+(day|week|month|year)s?\b`, "i"),
    ([, n, unit], today) => today && moved(today, count(n ?? ""), (unit ?? "").toLowerCase()),
  ],
  [
    new RegExp(String.raw`\b(last|past|previous|next|this|on|coming)\s+(${WEEKDAYS.join("|")})\b`, "i"),
    ([, which, name], today) => today && ofWeekday(name ?? "", which ?? "", today),
  ],
  [
    /\b(last|past|previous|this|next|coming)\s+(week|month|year)\b/i,
    ([, which, unit], today) => today && ofPeriod(which ?? "", unit ?? "", today),
  ],
  [
    new RegExp(String.raw`\b(?:in|of|for|since|from)\s+${MONTH_NAME}(?:\s+(\d{4}))?\b`, "i"),
    ([, name, year], today) => ofMonth(name ?? "", year, today),
  ],
  // A month by itself, "the October invoice". "May" and "March" are other words as well: only with a capital inside.
  [
    /(?<!\d(?:st|nd|rd|th)? (?:of )?)\b(january|feb(?:ruary)?|april|june|july|aug(?:ust)?|sept(?:ember)?|oct(?:ober)?|nov(?:ember)?|december)(?:\s+(\d{4}))?\b(?!\.? \d)/i,
    ([, name, year], today) => ofMonth(name ?? "", year, today),
  ],
  [
    /(?<=[\p{L}\p{N},]['’s]{0,2}\s)(March|May)(?!\s+(?:I|we|you|he|she|it|they|the|be|not)\b)(?:\s+(\d{4}))?\b(?! \d)/u,
    ([, name, year], today) => ofMonth(name ?? "", year, today),
  ],
];

const READERS: readonly Reader[] = DATES.map(([pattern, read]) => [new RegExp(pattern, `${pattern.flags}g`), read]);

const spanOf = (day: Day | undefined): Span | undefined => day && single(day);

/** Dates, in order of appearance. Without `today` only those that need no calendar: relative dates are left out. */
export function datesIn(text: string, today: Day | undefined): readonly Found<Span>[] {
  const taken: Found<Span>[] = [];
  const read = clip(text);
  for (const [pattern, reader] of READERS) {
    for (const match of read.matchAll(pattern)) {
      const at = match.index;
      const overlaps = taken.some((hit) => at < hit.at + hit.text.length && hit.at < at + match[0].length);
      const value = overlaps ? undefined : reader(match, today);
      if (value) taken.push({ value, at, text: match[0] });
      if (taken.length >= 50) break;
    }
  }
  return taken.toSorted((a, b) => a.at - b.at);
}

const YES =
  /^\s*(?:yes|yeah|yep|yup|sure|of course|certainly|absolutely|ok|okay|please do|do it|go ahead|correct|right|true|affirmative)\b/i;
const NO = /^\s*(?:no|nope|nah|never|not? thanks|don't|do not|please don't|false|negative|wrong)\b/i;

/** Whether an answer begins with a yes or a no. */
export function yesOrNo(text: string): boolean | undefined {
  if (NO.test(text)) return false;
  return YES.test(text) ? true : undefined;
}
