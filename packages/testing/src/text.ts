/**
 * Where `value` has a string that is not well-formed Unicode, keys included; `undefined` where it has none. Not by
 * recursion, so that no depth is too deep.
 */
export function illFormed(value: unknown): string | undefined {
  const left: { readonly value: unknown; readonly path: string }[] = [{ value, path: "" }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { value, path } = next;
    if (typeof value === "string") {
      if (!value.isWellFormed()) return path;
    } else if (typeof value === "object" && value !== null) {
      for (const [key, element] of Object.entries(value)) {
        if (!key.isWellFormed()) return `${path} (a key)`;
        left.push({ value: element, path: `${path} ${key}` });
      }
    }
  }
  return undefined;
}

/** A name in a message. */
export const quote = (name: unknown): string => (typeof name === "string" ? `"${name.slice(0, 100)}"` : String(name));

/** Control characters but the line feed, marks that turn the direction of what follows, and what XML cannot have. */
const HIDDEN = /(?!\n)[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;

/** `text` with nothing in it that could rewrite a terminal or break a file: what is hidden is written as `\u001b`. */
export const visible = (text: string): string =>
  text.toWellFormed().replaceAll(HIDDEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
