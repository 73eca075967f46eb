/** How like two short texts are, by the words that say something. */

const FILLER: ReadonlySet<string> = new Set(
  (
    "a about an and any anything are as at be by can customer customers do does everything for from general hand handle handles has have " +
    "help helps i if in into is issue issues it its kind like me more my not of on one or other others our please problem problems question questions " +
    "request requests should so some someone something stuff support task tasks than that the their them they thing things this to transfer " +
    "us use used user users want wants was we what when where which who why will with you your"
  ).split(" "),
);

/** The words that say something, cut to what they have in common with their other forms. */
export function contentWords(text: string): readonly string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => !FILLER.has(word)).map(stem);
}

function stem(word: string): string {
  if (word.length <= 4) return word.replace(/s$/, "");
  return word.replace(/(?:ations?|ings?|ments?|ies|ed|es|s|y|e)$/, "");
}

/** From 0, nothing in common, to 1, the same words. */
export function likeness(a: string, b: string): number {
  const left = counts(contentWords(a));
  const right = counts(contentWords(b));
  let product = 0;
  for (const [word, count] of left) product += count * (right.get(word) ?? 0);
  const size = length(left) * length(right);
  return size === 0 ? 0 : product / size;
}

function counts(words: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return found;
}

function length(vector: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of vector.values()) sum += count * count;
  return Math.sqrt(sum);
}
