/** Identifiers: `ch_1042`, `INV-7`, `order 1234`. */
import { contentOf, stem } from "../text.ts";
import { emailsIn, moneyIn, tokensIn, yesOrNo } from "../values.ts";
import { readToolName } from "../tool-name.ts";
import type { Fact } from "./facts.ts";
import { entityOf, type Field } from "./fields.ts";
import { insideDate, isAsked, known, NOTHING, onlyOne, type Reading, said, type Value } from "./reading.ts";

/** The identifier that a field wants: said, offered, or in a result. */
export function identifier(field: Field, reading: Reading): Value {
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
export function identifiersIn(field: Field, text: string, tool: string, asked: boolean): readonly string[] {
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
