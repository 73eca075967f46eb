/** Where `value` has a string that is not well-formed Unicode, keys included; `undefined` where it has none. */
export function illFormed(value: unknown, path: string): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, element] of Object.entries(value)) {
    const found = key.isWellFormed() ? illFormed(element, `${path} ${key}`) : `${path} (a key)`;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A name in a message. */
export const quote = (name: unknown): string => (typeof name === "string" ? `"${name.slice(0, 100)}"` : String(name));
