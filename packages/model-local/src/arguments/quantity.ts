/** Numbers, sums of money, and yes or no. */
import { contentOf } from "../text.ts";
import { moneyIn, numbersIn, yesOrNo } from "../values.ts";
import { describedBy, type Field, speaksOf } from "./fields.ts";
import { insideDate, isAsked, known, NOTHING, onlyOne, type Reading, said, type Value } from "./reading.ts";

const ON =
  /\b(?:enable|activate|turn(?:ing)?(?: [\w-]+){0,3} on|switch(?:ing)?(?: [\w-]+){0,3} on|set(?:ting)? up|opt in|subscribe|start using)\b/i;
const OFF =
  /\b(?:disable|deactivate|turn(?:ing)?(?: [\w-]+){0,3} off|switch(?:ing)?(?: [\w-]+){0,3} off|remove|opt out|unsubscribe|stop using|get rid of|don(?:'|’)?t want)\b/i;
/** Fields that say whether something is to be on. */
const SWITCH: ReadonlySet<string> = new Set(["enabl", "enable", "on", "activ", "active", "turn"]);

const NEGATION = /\b(?:not|no|never|without|don'?t|doesn'?t|disable|off|isn'?t|hasn'?t)\b/i;

export function truth(field: Field, reading: Reading): Value {
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

export function amount(field: Field, reading: Reading): Value {
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
  if (isAsked(field, reading) || (field.required && !money && !field.nullable && field.preset === undefined)) {
    const number = plain(reading.talk.message);
    if (number !== undefined) return number;
  }
  const facts = known(field, reading, field.stems, (value) => typeof value === "number" && fits(value));
  const fact = onlyOne(facts, field, reading);
  if (fact) return fact.value;
  return (field.required ? said(reading, (text) => (money ? sums(text) : beside(text)), 6) : undefined) ?? NOTHING;
}

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
