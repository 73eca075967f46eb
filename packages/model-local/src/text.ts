/** Words of texts and of identifiers. */
import type { Json } from "@batonjs/core";

/** The most characters of one text that are read; of a longer one the beginning and the end. */
const MAX_TEXT = 8_000;
/** The most words of one text that are read. */
const MAX_WORDS = 1_000;

/** `text`, well-formed, at most `max` long: its first three quarters and its last. */
export function clip(text: string, max: number = MAX_TEXT): string {
  if (text.length <= max) return text.toWellFormed();
  const tail = Math.floor(max / 4);
  return `${text.slice(0, max - tail - 1).toWellFormed()}\n${text.slice(-tail).toWellFormed()}`;
}

const ACCENTS = /[\u0300-\u036f]/g;
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}'’]*/gu;
/** Scripts that are written without spaces; their words are taken as pairs of characters. */
const UNSPACED =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]+$/u;

/** The words of a text in lower case, without accents and apostrophes. At most `MAX_WORDS`. */
export function wordsOf(text: string): readonly string[] {
  const plain = clip(text).normalize("NFKD").replace(ACCENTS, "").toLowerCase();
  const words: string[] = [];
  for (const [match] of plain.matchAll(WORD)) {
    if (words.length >= MAX_WORDS) break;
    if (UNSPACED.test(match)) words.push(...pairs(match));
    else words.push(match.replace(/['’]s$/, "").replace(/['’]/g, ""));
  }
  return words;
}

function pairs(text: string): readonly string[] {
  const letters = [...text];
  if (letters.length < 3) return [text];
  return letters.slice(0, -1).map((letter, i) => letter + letters[i + 1]);
}

const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/ies$/, "y"],
  [/(ss|x|ch|sh)es$/, "$1"],
  [/([^su])s$/, "$1"],
  [/(ation|ations)$/, ""],
  [/(ement|ment)$/, ""],
  [/ingly$/, ""],
  [/ing$/, ""],
  [/ied$/, "y"],
  [/ed$/, ""],
  [/([a-z]{4})ly$/, "$1"],
];

/** A word without its ending, so that `charges`, `charged` and `charging` are one. English only; rough on purpose. */
export function stem(word: string): string {
  let root = word;
  for (const [ending, put] of ENDINGS) {
    const shorter = root.replace(ending, put);
    if (shorter !== root && shorter.length >= 3) root = shorter;
  }
  if (root.length > 3) root = root.replace(/([bdfgklmnprt])\1$/, "$1");
  return root.length > 3 ? root.replace(/e$/, "") : root;
}

/** The words of a text that carry little of what it is about. */
const FILLERS: ReadonlySet<string> = new Set(
  (
    "a an the i im ive id ill me my mine we were our us you your youre it its this that these those is are was be been am do does did " +
    "dont doesnt didnt have has had havent hasnt of in on at for with to from by as and or but if so than then about into " +
    "can cant could couldnt will would wont should may might must please just want wants wanted wanna need needs like get " +
    "got getting there theres here what whats which who how hows when where why whether hi hello hey thanks thank ok okay " +
    "some any no not now again also too very really much more help me tell show give let lets make know see one ones " +
    "first second third last other another yes yeah yep nope sure well still even only up out off over someone something " +
    "anything everything thing things way because sorry go going him her his she he they them their"
  ).split(" "),
);

/** Whether a word says little of what a text is about. */
const isFiller = (word: string): boolean => FILLERS.has(word);

/** The stems of the words that say what a text is about. */
export function contentOf(text: string): readonly string[] {
  return wordsOf(text)
    .filter((word) => !isFiller(word) && (word.length > 1 || !/[a-z0-9]/.test(word)))
    .map(stem);
}

/** The words of an identifier: `customerId`, `customer_id` and `Customer ID` are `customer`, `id`. */
export function partsOf(name: string): readonly string[] {
  return name
    .slice(0, 200)
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== "");
}

/** The stems of an identifier's words. */
export const stemsOf = (name: string): readonly string[] => partsOf(name).map(stem);

/** An identifier as it is read aloud: `customerId` is `customer ID`. */
export function spoken(name: string): string {
  return partsOf(name)
    .map((part) => (part === "id" ? "ID" : part === "url" ? "URL" : part === "ids" ? "IDs" : part))
    .join(" ");
}

/** A JSON value as text: a string as it is. */
export const plain = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

/** "a", "a and b", "a, b and c". */
export function listed(parts: readonly string[], word = "and"): string {
  if (parts.length < 2) return parts.join("");
  const comma = parts.some((part) => part.includes(",") || part.includes(` ${word} `));
  const last = parts.at(-1) ?? "";
  return `${parts.slice(0, -1).join(comma ? "; " : ", ")}${comma ? `; ${word} ` : ` ${word} `}${last}`;
}

/** The text with its first letter in upper case. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
/** The text with its first letter in lower case, unless the word is an abbreviation or a name with a capital inside. */
export const uncapital = (text: string): string =>
  /^\p{Lu}[\p{Ll}\s']/u.test(text) && !/^I\b/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
