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
