/** Texts as the router reads them. */

/** The most characters of a message that are read; of a longer one the beginning and the end. */
const MAX_TEXT = 8000;

/** `text`, well-formed, at most `max` long: its first three quarters and its last. */
export function clip(text: string, max: number = MAX_TEXT): string {
  if (text.length <= max) return text.toWellFormed();
  const tail = Math.floor(max / 4);
  return `${text.slice(0, max - tail - 1).toWellFormed()}\n${text.slice(-tail).toWellFormed()}`;
}

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}'’]*/gu;
const MARKS = /\p{M}/gu;
/** Scripts that are written without spaces. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;

/** The words of a text in lower case, without accents. What is written without spaces is taken as pairs of characters. */
export function wordsOf(text: string): readonly string[] {
  const plain = clip(text).normalize("NFKD").replace(MARKS, "").toLowerCase();
  const words: string[] = [];
  for (const [match] of plain.matchAll(WORD)) {
    if (UNSPACED.test(match)) words.push(...pairsOf(match));
    else words.push(match.replaceAll(/['’]/g, ""));
  }
  return words;
}

function pairsOf(text: string): readonly string[] {
  const letters = [...text];
  return letters.length < 2 ? letters : letters.slice(1).map((letter, i) => `${letters[i]}${letter}`);
}

/** Words that say little of what a text is about. English; of other languages all words count. */
const FILLERS: ReadonlySet<string> = new Set(
  (
    "a an the i im ive id ill me my we us our you your it its this that these those is are was were be been am do does " +
    "did have has had of in on at for with to from by as and or but if so then about into can could would will should " +
    "please want need not no yes any some other others all tell give get got how what when where which who why not"
  ).split(" "),
);

/** Whether a word says little of what a text is about. */
export const isFiller = (word: string): boolean => FILLERS.has(word);

/** The words that say what a text is about, without a plural's `s`. */
export function contentOf(text: string): readonly string[] {
  return wordsOf(text)
    .filter((word) => !isFiller(word))
    .map((word) => (/[a-z]{3}[^su]s$/.test(word) ? word.slice(0, -1) : word));
}

/** The pieces of "refunds, invoices and duplicate charges; payment methods". */
export function piecesOf(text: string): readonly string[] {
  return text
    .split(/[,;:.\n、。，；]|\s(?:and|or)\s/i)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "");
}

/** A text as a key: the same for texts that differ in case, accents and signs only. */
export const normal = (text: string): string => wordsOf(text).join(" ");

/** 64 bits of a text in hexadecimal, to tell sets of examples apart. Not for secrets. */
export function hash(text: string): string {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 2654435761);
    high = Math.imul(high ^ unit, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0");
}
