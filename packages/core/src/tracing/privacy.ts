/** What must not leave in a span, a log or a file. */

/** A text or pattern to take out, with what to put in its place; or a function from text to text. */
export type RedactRule =
  | string
  | RegExp
  | { readonly match: string | RegExp; readonly with: string }
  | ((text: string) => string);

/** Secrets that are kept in mind; beyond it the oldest is forgotten. */
const MAX_SECRETS = 1_000;
/** A shorter value is hidden in its wrapper only: taking it out of every text would leave no text. */
const MIN_SECRET = 6;
/** Names are remembered clean, up to so many. */
const MAX_NAMES = 1_000;
/** Length of a name; the rest is cut. */
const MAX_NAME = 256;
const REDACTED = "[redacted]";

/** Shared by all installed copies of this package: what one was told, another must not write. */
const key: unique symbol = Symbol.for("@batonjs/secrets") as never;
interface Known {
  /** Each value with the ways in which it may be written. */
  readonly values: Map<string, readonly string[]>;
  changes: number;
}
function known(): Known {
  const place = globalThis as { [key]?: Known };
  return (place[key] ??= { values: new Map(), changes: 0 });
}

/** A text that is shown nowhere. Made by `secret()`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }
  /** The text itself. */
  reveal(): string {
    return this.#value;
  }
  /** `"[secret]"`. */
  toString(): string {
    return "[secret]";
  }
  /** `"[secret]"`. */
  toJSON(): string {
    return "[secret]";
  }
}

/**
 * Wraps a text so that no log shows it by accident, and tells all tracing of Baton to take it out of whatever it
 * writes: as it is, in JSON, in a URL and in Base64. A value shorter than six characters is hidden in its wrapper only;
 * of more than 1,000 values the oldest is forgotten. Throws a `TypeError` for what is no text.
 *
 * ```ts
 * const key = secret(process.env.BILLING_KEY ?? "");
 * await fetch(url, { headers: { authorization: `Bearer ${key.reveal()}` } });
 * ```
 */
export function secret(value: string): Secret {
  if (typeof value !== "string") throw new TypeError(`Cannot keep a ${typeof value} secret: expected a text`);
  const all = known();
  if (value.length >= MIN_SECRET && !all.values.has(value)) {
    all.values.set(value, formsOf(value));
    const [oldest] = all.values.keys();
    if (all.values.size > MAX_SECRETS && oldest !== undefined) all.values.delete(oldest);
    all.changes++;
  }
  return new Secret(value);
}

function formsOf(value: string): readonly string[] {
  const wellFormed = value.toWellFormed();
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(wellFormed))).replace(/=+$/, "");
  return [...new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(wellFormed), base64])];
}

/** What keys look like, and where they stand. Each is linear in the text. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?/g, REDACTED],
  [/\b(bearer|sntrys?|authorization["'\\\s:=]{1,8}(?:basic|token))\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  // Ordinary words as well: what follows has a digit, a sign or capitals inside, as "a basic subscription" has not.
  [/\b([Bb]asic|BASIC|[Tt]oken|TOKEN)\s+(?=[\w.~+/=-]{0,64}(?:[\d=+]|[a-z][A-Z]))[\w.~+/=-]{8,}/g, `$1 ${REDACTED}`],
  [/(:\/\/[^\s/:@"']{0,128}:)[^\s/@"']{1,256}@/g, `$1${REDACTED}@`],
  [
    /\b((?:x-|dd-)?api[-_ ]?key|authorization|x-honeycomb-team|passw(?:or)?d|secret|(?:access|refresh|id)[-_]token|sentry_key)((?:\\?["'])?\s*[:=]\s*(?:\\?["'])?)(?!(?:bearer|basic|token)\b)[^\s"'\\,;&}]{4,}/gi,
    `$1$2${REDACTED}`,
  ],
  [/\b(?:sk|pk|rk|lsv2|hcaik|hcbik|xai|gsk|glpat|dckr_pat|whsec)[-_][\w-]{8,}/g, REDACTED],
  [/\b(?:gh[pousr]_|github_pat_)\w{16,}/g, REDACTED],
  [/\bxox[abeoprs]-[\w-]{8,}/g, REDACTED],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, REDACTED],
  [/\bAIza[\w-]{30,}/g, REDACTED],
  // The first part is bounded: a text that begins again and again would be read to its end each time.
  [/\beyJ[\w-]{8,1024}\.[\w-]{8,}\.[\w-]*/g, REDACTED],
];
/** What each of the patterns has in it: one look at a text instead of ten. */
const SUSPICIOUS =
  /-----BEGIN|bearer|basic|token|sntry|:\/\/[^\s/]*@|api[-_ ]?key|authorization|honeycomb-team|passw|secret|sentry_key|\b(?:sk|pk|rk|lsv2|hcaik|hcbik|xai|gsk|glpat|dckr_pat|whsec)[-_]|gh[pousr]_|github_pat_|xox[abeoprs]-|A[KS]IA|AIza|eyJ/i;

/** Fields of JSON whose value is never shown. */
const SECRET_FIELD =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|passw(?:or)?d|pwd|secret|(?:client|api|webhook)_?secret|(?:x-)?api[-_]?key|(?:access|refresh|id|auth|bearer|session)[-_]?token|private[-_]?key|credentials?|card_?number|cvc|cvv)$/i;

/**
 * Takes secrets out of what is written: values of `secret()`, what looks like a key, a token or a password, and what its
 * rules match. A rule that throws hides the whole text.
 */
export class Scrubber {
  readonly #rules: readonly RedactRule[];
  #exact: RegExp | undefined;
  readonly #names = new Map<string, string>();
  #namesSeen: RegExp | undefined;
  #seen = 0;

  /**
   * Throws a `TypeError` for what is no rule.
   *
   * @param rules Applied in order, after all else is taken out. @default {[]}
   */
  constructor(rules: readonly RedactRule[] = []) {
    for (const rule of rules) checkRule(rule);
    this.#rules = rules;
  }

  /** `text` without secrets, at most `max` UTF-16 units and a note about the rest. */
  text(text: string, max: number = Infinity): string {
    let clean = text;
    const exact = this.#exactly();
    if (exact) clean = clean.replace(exact, REDACTED);
    if (SUSPICIOUS.test(clean)) for (const [pattern, instead] of PATTERNS) clean = clean.replace(pattern, instead);
    for (const rule of this.#rules) clean = applied(rule, clean);
    return clean.length <= max
      ? clean.toWellFormed()
      : `${clean.slice(0, max).toWellFormed()}… [${clean.length - max} more characters]`;
  }

  /** As `text`, for ids, of which each is new. */
  id(id: string): string {
    return this.text(id, MAX_NAME);
  }

  /** As `text`, for names, which come again and again. */
  name(name: string): string {
    const exact = this.#exactly();
    let clean = this.#names.get(name);
    if (clean !== undefined && this.#namesSeen === exact) return clean;
    if (this.#names.size >= MAX_NAMES || this.#namesSeen !== exact) this.#names.clear();
    this.#namesSeen = exact;
    clean = this.text(name, MAX_NAME);
    this.#names.set(name, clean);
    return clean;
  }

  /** As `text`, for a text that may be JSON: fields that are called like a secret lose their value. */
  json(text: string, max: number = Infinity): string {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return this.text(text, max);
    }
    return this.text(JSON.stringify(this.value(value)) ?? "", max);
  }

  /** A copy of plain data without secrets: fields that are called like a secret lose their value, whatever it is. */
  value(value: unknown): unknown {
    return this.#value(value, 0);
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth > 32) return "[too deep]";
    if (value instanceof Secret) return value.toJSON();
    if (Array.isArray(value)) return value.map((each) => this.#value(each, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        this.text(name),
        SECRET_FIELD.test(name) && each !== null && typeof each !== "boolean" ? REDACTED : this.#value(each, depth + 1),
      ]),
    );
  }

  /** All known secrets as one pattern, the longest first. */
  #exactly(): RegExp | undefined {
    const { values, changes } = known();
    if (changes === this.#seen) return this.#exact;
    this.#seen = changes;
    const forms = [...values.values()].flat().sort((a, b) => b.length - a.length);
    this.#exact =
      forms.length === 0
        ? undefined
        : new RegExp(forms.map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");
    return this.#exact;
  }
}

function checkRule(rule: RedactRule): void {
  const match = typeof rule === "object" && !(rule instanceof RegExp) ? rule?.match : rule;
  const instead = typeof rule === "object" && !(rule instanceof RegExp) ? rule?.with : "";
  const known = typeof match === "function" || match instanceof RegExp || (typeof match === "string" && match !== "");
  if (known && typeof instead === "string") return;
  throw new TypeError(
    `Cannot redact with ${JSON.stringify(rule)}: expected a text, a pattern, { match, with } or a function`,
  );
}

/** A rule that throws hides the whole text: what cannot be cleaned is not shown. */
function applied(rule: RedactRule, text: string): string {
  try {
    if (typeof rule === "function") {
      const clean: unknown = rule(text);
      return typeof clean === "string" ? clean : "[redaction failed]";
    }
    const { match, with: instead } =
      typeof rule === "string" || rule instanceof RegExp ? { match: rule, with: REDACTED } : rule;
    if (typeof match === "string") return text.replaceAll(match, () => instead);
    const all = match.global ? match : new RegExp(match.source, `${match.flags}g`);
    return text.replace(all, instead);
  } catch {
    return "[redaction failed]";
  }
}
