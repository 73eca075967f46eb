/** Comparing what was found with what a test wants: named fields only, and with the matchers of test runners. */

/** `expect.any(String)` and the like, of vitest, jest and bun. */
interface Asymmetric {
  asymmetricMatch(value: unknown): boolean;
}

const isAsymmetric = (value: object): value is Asymmetric =>
  typeof (value as Partial<Asymmetric>).asymmetricMatch === "function";

/**
 * Whether `found` has all that `wanted` names: of objects the fields named, lists whole, regular expressions and
 * matchers such as `expect.any(String)` as they say.
 */
export function isLike(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return Object.is(found, wanted);
  if (isAsymmetric(wanted)) return wanted.asymmetricMatch(found);
  if (wanted instanceof RegExp) return typeof found === "string" && new RegExp(wanted).test(found);
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && found.length === wanted.length && wanted.every((each, i) => isLike(found[i], each));
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) return false;
  return Object.entries(wanted).every(([key, each]) => {
    const own = Object.hasOwn(found, key) ? (found as Record<string, unknown>)[key] : undefined;
    return each === undefined ? own === undefined : isLike(own, each);
  });
}

/** What a test wants, on one line. */
export function shown(wanted: unknown): string {
  const text = JSON.stringify(wanted, (_, value: unknown) => {
    if (value instanceof RegExp) return String(value);
    if (typeof value === "object" && value !== null && isAsymmetric(value)) return asymmetricName(value);
    return value;
  }) as string | undefined;
  return text ?? String(wanted);
}

function asymmetricName(value: Asymmetric & { readonly toAsymmetricMatcher?: () => string }): string {
  return value.toAsymmetricMatcher?.() ?? "a matcher";
}

/** A call's arguments as data; what is no JSON stays text. */
export function argumentsIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
