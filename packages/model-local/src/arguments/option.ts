/** Which choice of an enum a text means. */
import type { Json } from "@batonjs/core";
import type { Field, Option } from "./fields.ts";
import { plain, stem, wordsOf } from "../text.ts";

/** English words that say the same, as stems. */
const SYNONYMS: readonly (readonly string[])[] = [
  ["duplicat", "twic", "doubl", "doubled"],
  ["refund", "reimburs", "repay"],
  ["cancel", "terminat", "unsubscrib", "quit", "cancell"],
  ["subscript", "subscrib", "plan", "membership"],
  ["invoic", "receipt", "bill"],
  ["pay", "paid", "card"],
  ["error", "bug", "crash", "fail", "failur", "broken", "freez", "frozen"],
  ["slow", "slown", "perform", "lag", "laggy"],
  ["login", "log", "signin", "sign", "password", "locked"],
  ["annual", "yearly", "year", "annually"],
  ["month", "monthly"],
  ["buy", "purchas", "order", "bought"],
  ["deliver", "ship", "shipp", "parcel", "packag"],
  ["phone", "call", "telephon"],
  ["mail", "email"],
  ["unknown", "unrecogniz", "unrecognis", "unfamiliar", "fraud", "fraudulent"],
  ["wrong", "incorrect"],
  ["upgrad", "increas"],
  ["downgrad", "decreas"],
];
const SYNONYM_OF: ReadonlyMap<string, readonly string[]> = new Map(
  SYNONYMS.flatMap((group) => group.map((word) => [word, group] as const)),
);

/** Whether two stems are the same word, or English words that say the same. */
export const meansSame = (a: string, b: string): boolean => a === b || (SYNONYM_OF.get(a)?.includes(b) ?? false);

/** Words of options that say little: `refund_request` is about refunds. */
const WEAK: ReadonlySet<string> = new Set([
  "request",
  "issu",
  "problem",
  "question",
  "type",
  "general",
  "inquiry",
  "enquiry",
  "support",
  "pl",
  "relat",
]);

const URGENT =
  /\b(?:urgent(?:ly)?|asap|as soon as possible|immediate(?:ly)?|emergency|critical|right now|right away|at once)\b/i;
const HIGH =
  /\b(?:important|quickly|soon|today|deadline|outage|blocked|unacceptable|furious|angry|can(?:'|’)?t (?:work|log ?in|access)|cannot (?:work|log ?in|access)|is down)\b|!{2,}/i;
const LOW =
  /\b(?:no (?:rush|hurry)|not (?:that |so |very )?urgent|whenever|when you (?:can|have time|get a chance)|just (?:wondering|curious)|low priority|take your time)\b/i;

const LEVELS: readonly (readonly string[])[] = [
  ["trivial", "lowest", "low", "minor"],
  ["normal", "medium", "moderate", "standard", "regular", "default"],
  ["high", "major", "important"],
  ["urgent", "critical", "emergency", "highest", "severe"],
];
const levelOf = (value: Json): number => LEVELS.findIndex((words) => words.includes(plain(value).toLowerCase()));

/** The options of an urgency, priority or severity: at least two levels among them. */
const isLevel = (options: readonly Option[]): boolean =>
  new Set(options.map(({ value }) => levelOf(value)).filter((level) => level >= 0)).size >= 2;

function closestLevel(options: readonly Option[], wanted: number): Json | undefined {
  const known = options.filter(({ value }) => levelOf(value) >= 0);
  return known.toSorted((a, b) => Math.abs(levelOf(a.value) - wanted) - Math.abs(levelOf(b.value) - wanted))[0]?.value;
}

function levelIn(text: string, options: readonly Option[]): Json | undefined {
  if (LOW.test(text)) return closestLevel(options, 0);
  if (URGENT.test(text)) return closestLevel(options, 3);
  return HIGH.test(text) ? closestLevel(options, 2) : undefined;
}

const MIN_SCORE = 0.45;

/** The option that the text names or describes; nothing where none or several do. */
export function optionIn(field: Field, text: string): Json | undefined {
  const options = field.options ?? [];
  const words = wordsOf(text);
  if (isLevel(options)) {
    const level = levelIn(text, options);
    if (level !== undefined) return level;
  }
  // "May I" is no month.
  const said = new Set(words.map(stem));
  if (said.has("may") && !/\b(?:in|for|of|from|to|since|last|this|next)\s+may\b/i.test(text)) said.delete("may");
  const scored = options
    .map((option) => ({ option, score: scoreOf(option, options, said, field) }))
    .toSorted((a, b) => b.score - a.score);
  const [best, second] = scored;
  if (!best || best.score < MIN_SCORE || (second && best.score - second.score < 0.05)) return undefined;
  return best.option.value;
}

function scoreOf(option: Option, options: readonly Option[], said: ReadonlySet<string>, field: Field): number {
  let total = 0;
  let matched = 0;
  for (const word of option.stems) {
    const holders = options.filter(({ stems }) => stems.includes(word)).length;
    const weight = (WEAK.has(word) || (field.stems.includes(word) && option.stems.length > 1) ? 0.3 : 1) / holders;
    total += weight;
    if (said.has(word)) matched += weight;
    else if (SYNONYM_OF.get(word)?.some((other) => said.has(other))) matched += weight * 0.9;
  }
  const own = total === 0 ? 0 : matched / total;
  const about = option.about.filter(
    (word) => !WEAK.has(word) && options.every((other) => other === option || !other.about.includes(word)),
  );
  const hits = about.filter((word) => said.has(word)).length;
  return own + (hits === 0 ? 0 : Math.min(0.5 + 0.1 * hits, 0.9) * (own > 0 ? 0.5 : 1));
}

const NEUTRAL: ReadonlySet<string> = new Set([
  "other",
  "others",
  "general",
  "unknown",
  "misc",
  "miscellaneous",
  "none",
  "unspecified",
  "general_inquiry",
  "other_issue",
]);

/** The option to take where nothing was said: a normal level, "other". */
export function neutralOption(field: Field): Json | undefined {
  const options = field.options ?? [];
  if (isLevel(options)) return closestLevel(options, 1);
  return options.find(({ value }) => NEUTRAL.has(plain(value).toLowerCase()))?.value;
}
