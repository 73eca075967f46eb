/** Reading what a server sent, which may be anything. */
import type { Json, JsonObject, ModelUsage } from "@batonjs/core";

/** A JSON object whose fields are still to be checked. */
export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = Object.freeze({});

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `value` if it is an object; else one without fields. */
export const fields = (value: unknown): Fields => (isFields(value) ? value : NOTHING);

/** `value` if it is a list; else an empty one. */
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** `value` if it is text; else nothing. */
export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** `value` if it is text that is not empty; else nothing. */
export const filled = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** `value` as a number of tokens: what is no number counts as none. */
const count = (value: unknown): number =>
  typeof value === "number" && value > 0 && value < 1e15 ? Math.trunc(value) : 0;

/** Whether servers send the field and it says something. */
const said = (value: unknown): boolean => value !== undefined && value !== null;

/** The fields of `from` that say something, but for those in `without`; nothing where none is left. */
export function rest(from: Fields, without: ReadonlySet<string>): JsonObject | undefined {
  let kept: Record<string, Json> | undefined;
  for (const key of Object.keys(from)) {
    if (without.has(key) || !said(from[key]) || key === "__proto__") continue;
    (kept ??= {})[key] = from[key] as Json;
  }
  return kept;
}

/** A copy without the fields that are `undefined`. (`delete` would make the object slow to write.) */
export function given<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const copy: Partial<T> = {};
  for (const key of Object.keys(object) as (keyof T)[]) if (object[key] !== undefined) copy[key] = object[key];
  return copy as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** `text` without lone surrogates, which JSON parsers of servers refuse. */
export const wellFormed = (text: string): string => (text.isWellFormed() ? text : text.toWellFormed());

/** Tokens as either dialect reports them. */
export function usageFrom(value: unknown): ModelUsage {
  const usage = fields(value);
  const inputTokens = count(usage["input_tokens"] ?? usage["prompt_tokens"]);
  const outputTokens = count(usage["output_tokens"] ?? usage["completion_tokens"]);
  const input = fields(usage["input_tokens_details"] ?? usage["prompt_tokens_details"]);
  const output = fields(usage["output_tokens_details"] ?? usage["completion_tokens_details"]);
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: count(input["cached_tokens"] ?? usage["prompt_cache_hit_tokens"]),
    reasoningTokens: count(output["reasoning_tokens"]),
    totalTokens: count(usage["total_tokens"]) || inputTokens + outputTokens,
  };
}

/** The arguments of a call as the text that the model wrote. Some servers send an object, or nothing where none are. */
export function argumentsText(value: unknown): string {
  if (typeof value === "string") return value === "" ? "{}" : value;
  return said(value) ? JSON.stringify(value) : "{}";
}

/**
 * Gives every call of one reply an id of its own. Some servers send none, or the same for all. `base` makes it unique in
 * the transcript, and the same on every replay.
 */
export class CallIds {
  readonly #taken = new Set<string>();
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  take(wanted: string | undefined): string {
    let id = wanted ?? `call_${this.#base}_${this.#taken.size}`;
    while (this.#taken.has(id)) id = `${id}_${this.#taken.size}`;
    this.#taken.add(id);
    return id;
  }
}

/** `id` in at most `max` characters, the same for the same id. Other providers' ids may be longer than this one takes. */
export function shortId(id: string, max: number): string {
  if (id.length <= max) return id;
  // FNV-1a over two halves of the state: short, and the same everywhere.
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < id.length; i++) {
    a = Math.imul(a ^ id.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ id.charCodeAt(i), 0x85ebca6b);
  }
  const hash = (a >>> 0).toString(36).padStart(7, "0") + (b >>> 0).toString(36).padStart(7, "0");
  return id.slice(0, max - hash.length - 1) + "_" + hash;
}

/** The model that answered, where it is another than the one asked. A dated version of the same name is the same. */
export function otherModel(asked: string, answered: unknown): string | undefined {
  if (typeof answered !== "string" || answered === "" || answered === asked) return undefined;
  return answered.startsWith(`${asked}-`) && /^-\d{4}-?\d{2}-?\d{2}$/.test(answered.slice(asked.length))
    ? undefined
    : answered;
}
