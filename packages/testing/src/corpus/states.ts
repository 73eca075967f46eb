import { type Case, made, one } from "./case.ts";

/** Why a sealed state is not opened: the code of the `RunError`. */
export type StateOutcome = "state_tampered" | "state_unknown_version" | "state_too_large";

/**
 * C8: what comes back in the place of a sealed state, made of one that `seals()` has sealed. None is opened, nothing of
 * it is used, and its nonce is not used up.
 */
export function hostileStates(sealed: string): readonly Case<StateOutcome>[] {
  const [version, key, body, tag] = sealed.split(".") as [string, string, string, string];
  const payload = decoded(body);
  /** The payload changed, under the signature of what it was. */
  const edited = (number: number, what: string, change: (json: string) => string): Case<StateOutcome> =>
    one(number, what, [version, key, encoded(change(payload)), tag].join("."), "state_tampered");
  return [
    one(188, "an empty text", "", "state_unknown_version"),
    one(189, "no state", "not a state", "state_unknown_version"),
    one(189, "JSON", payload, "state_unknown_version"),
    one(190, "a version to come", ["baton999", key, body, tag].join("."), "state_unknown_version"),
    one(191, "another version", ["1.0", key, body, tag].join("."), "state_unknown_version"),
    one(191, "no version", [key, body, tag].join("."), "state_unknown_version"),
    one(191, "a number", 1, "state_tampered"),
    one(191, "null", null, "state_tampered"),
    one(191, "undefined", undefined, "state_tampered"),
    one(192, "no signature", [version, key, body].join("."), "state_tampered"),
    one(192, "an empty signature", [version, key, body, ""].join("."), "state_tampered"),
    one(192, "a signature that is cut", [version, key, body, tag.slice(0, -4)].join("."), "state_tampered"),
    one(192, "a signature of zeros", [version, key, body, "A".repeat(tag.length)].join("."), "state_tampered"),
    one(192, "a signature that is no base64", [version, key, body, "!".repeat(tag.length)].join("."), "state_tampered"),
    one(192, "the id of another key", [version, encoded("another"), body, tag].join("."), "state_tampered"),
    one(192, "an id of no key", [version, "!", body, tag].join("."), "state_tampered"),
    edited(192, "the same JSON, written otherwise", (json) => JSON.stringify(JSON.parse(json), null, 1)),
    one(192, "a part too many", `${sealed}.x`, "state_tampered"),
    edited(195, "__proto__ in it", (json) => json.replace("{", '{"__proto__":{"admin":true},')),
    edited(
      196,
      "the envelope of another framework",
      () => '{"lc":2,"type":"constructor","id":["os","exec"],"kwargs":{}}',
    ),
    edited(199, "other arguments", (json) => json.replaceAll("arguments", "Arguments")),
    edited(200, "another decision", (json) =>
      json.replaceAll('"asked"', '"approved"').replace("{", '{"approved":true,'),
    ),
    edited(201, "a turn of -1", (json) => json.replace("{", '{"turn":-1,')),
    edited(201, "a turn of 1e308", (json) => json.replace("{", '{"turn":1e308,')),
    made(202, "100 MB", () => [version, key, "x".repeat(100_000_000), tag].join("."), "state_too_large"),
    edited(203, "lists nested 100 000 deep", () => "[".repeat(100_000) + "]".repeat(100_000)),
    edited(204, "a key twice", (json) => json.replace("{", '{"audience":"another",')),
  ];
}

function decoded(part: string): string {
  const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}

function encoded(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
