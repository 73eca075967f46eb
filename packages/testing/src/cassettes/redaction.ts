import type { Json, JsonObject } from "@batonjs/core";
import { type RedactRule, Scrubber } from "@batonjs/core/tracing";
import { DEFINITION, type NormalRequest } from "./normal-form.ts";

/** Takes secrets out of what is written, and out of what is compared with it. */
export class Redaction {
  readonly #scrubber: Scrubber;

  /** Throws a `TypeError` for what is no rule. */
  constructor(rules: readonly RedactRule[] = []) {
    this.#scrubber = new Scrubber(rules);
  }

  request(request: NormalRequest): NormalRequest {
    const definition = Object.fromEntries(DEFINITION.map((field) => [field, this.#texts(request[field] as Json)]));
    return { ...request, ...definition, items: request.items.map((item) => this.item(item)) };
  }

  /** An item, or a provider's event: its texts, and fields of opaque data that are called like a secret. */
  item(item: JsonObject): JsonObject {
    return Object.fromEntries(
      Object.entries(item).map(([key, value]) => [key, OPAQUE.has(key) ? this.data(value) : this.#texts(value)]),
    );
  }

  data(data: Json): Json {
    return this.#scrubber.value(data) as Json;
  }

  /** A text, which may be JSON. It stays as it is written where it has no secret. */
  text(text: string): string {
    const written = rewritten(text);
    const clean = written === undefined ? undefined : this.#scrubber.json(text);
    return clean === written || clean === undefined ? this.#scrubber.text(text) : clean;
  }

  /** Texts at any depth. A schema has fields that are called like a secret, and are none. */
  #texts(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return (value as readonly Json[]).map((each) => this.#texts(each));
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, OPAQUE.has(key) ? this.data(each) : this.#texts(each)]),
    );
  }
}

/** Fields whose content only a provider or a plugin knows. */
const OPAQUE: ReadonlySet<string> = new Set(["data", "providerData", "providerOptions", "notes"]);

/** An object or list of JSON as it is written with no spaces. */
function rewritten(text: string): string | undefined {
  const start = text.trimStart()[0];
  if (start !== "{" && start !== "[") return undefined;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}
