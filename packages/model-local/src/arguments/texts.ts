/** Texts of no known form: what the user said, and values that stand with their name. */
import { withoutGreeting } from "../small-talk.ts";
import { capital, contentOf, partsOf, stem, stemsOf } from "../text.ts";
import { namesIn, quotedIn } from "../values.ts";
import { isVerb, readToolName } from "../tool-name.ts";
import { describedBy, type Field } from "./fields.ts";
import { isAsked, known, NOTHING, onlyOne, type Reading, said, type Value } from "./reading.ts";

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

export function freeText(field: Field, reading: Reading): Value {
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
  const cut = short
    ? (text.split(/(?<=[.!?])\s|\n/, 1)[0] ?? text).replace(/(?<![.!?])[.!?]+$/, "").slice(0, 100)
    : text;
  const sized = cut.slice(0, Math.min(field.maxLength ?? 2_000, 2_000)).toWellFormed();
  return sized.length < (field.minLength ?? 0) ? NOTHING : short ? capital(sized) : sized;
}

/** A value that stands with its name: `my username is bob`, `plan: pro`, `change the plan to premium`. */
export function plainWords(field: Field, reading: Reading): Value {
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
    .replace(/(?<![.!?])[.!?]+\s*$/, "");
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
    const value = match?.[1]?.split(/(?<!\s)\s+(?:and|but|please|because|so|from|with|in|on|at|for)\b/i, 1)[0];
    if (value !== undefined) return value;
  }
  return undefined;
}

/** What stands before a place, by what the place is called. */
const PREPOSITIONS: ReadonlyMap<string, string> = new Map([
  ["city", "in|to|from|at|for|near"],
  ["location", "in|to|from|at|for|near"],
  ["plac", "in|to|at|for|near"],
  ["country", "in|to|from|for"],
  ["address", "to|at"],
  ["destin", "to"],
  ["destination", "to"],
  ["to", "to"],
  ["origin", "from"],
  ["from", "from"],
  ["recipient", "to"],
]);

/** A name with capitals after a preposition: `to Lisbon`, `in New York`. */
function placed(field: Field, text: string): string | undefined {
  const before = field.stems.map((one) => PREPOSITIONS.get(one)).find((words) => words !== undefined);
  if (before === undefined) return undefined;
  return new RegExp(String.raw`\b(?:${before})\s+(\p{Lu}[\p{L}'’-]{1,40}(?:\s+\p{Lu}[\p{L}'’-]{1,40}){0,3})`, "u").exec(
    text,
  )?.[1];
}
