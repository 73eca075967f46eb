/** Numbers and foreign texts as people can read them. */

/** `97.6 %`; a dash for a ratio of nothing. */
export const percent = (share: number | null): string => (share === null ? "–" : `${(share * 100).toFixed(1)} %`);

/** `0.42 ms`, `12 ms`, `1.2 s` */
export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(2)} ms`;
}

/** Control characters, and marks that turn the direction of what follows: they could rewrite a terminal or a page. */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu;

/** A text on one line, at most `max` characters long. */
export function shown(text: string, max: number): string {
  const plain = text
    .slice(0, max * 4)
    .toWellFormed()
    .replace(HIDDEN, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  const letters = [...plain];
  return letters.length <= max && text.length <= max * 4 ? plain : `${letters.slice(0, max - 1).join("")}…`;
}
