import type { Item, SessionKey, SessionStore } from "@batonjs/core";
import { hostileKeys, hostileTexts } from "../corpus/index.ts";

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

/** Texts that have broken stores: those of the corpus, C6, and more. */
export const TEXTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    hostileTexts.filter(({ number }) => number !== 158 && number !== 164).map(({ what, value }) => [what, value]),
  ), // without those of many megabytes: large items have a test of their own
  empty: "",
  "surrogates the wrong way round": "\ude00\ud83d",
  "only NUL": "\0",
  "many combining marks": `Z${"\u0351\u0362\u035b".repeat(3_000)}`,
  "only whitespace": " \t\r\n\v\f\u00a0\ufeff",
  emoji: "😀👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿".repeat(50),
  quotes: `'"\`\\\\'' OR 1=1 --`,
  "line ends": "a\nb\r\nc\rd",
  "every control character": String.fromCharCode(...Array.from({ length: 160 }, (_, at) => at)),
  "JSON in text": '{"type":"message"},\n{"id":"x"}',
  "escapes in text": String.raw`\u0000 \ud800 \n \\`,
};

/** Ids that have broken stores: those of the corpus, C7, and more. */
export const IDS: readonly string[] = [
  ...new Set([
    ...hostileKeys.flatMap(({ value, expected }) => (expected === "own" ? [value as string] : [])),
    "b:c",
    "c",
    "trailing.",
    "constructor",
    "a".repeat(10_000),
    `${"a".repeat(9_999)}b`,
    "\0",
    "a\0c",
    "\n",
    "\r\n",
    "a\r\nDEL b",
    "id",
    "ID",
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
  ]),
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
