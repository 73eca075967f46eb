/** What a router has noted of its decision. */
import type { Item, Json, JsonObject } from "@batonjs/core";
import type { RoutingGuess } from "./report.ts";

/** Who decided, where nobody else says so. */
const MODEL = "model";

/** Who decided, and what a classifier said, from the last decision that was noted. */
export function decisionIn(
  items: readonly Item[],
  entry: string,
): { readonly by: string; readonly guess?: RoutingGuess } {
  const note = items.findLast((item) => item.type === "note" && fieldsOf(item.data)["kind"] === "decision");
  if (note?.type !== "note") return { by: MODEL };
  const data = fieldsOf(note.data);
  const by = typeof data["rung"] === "string" ? data["rung"] : MODEL;
  const scores = Array.isArray(data["scores"]) ? (data["scores"] as readonly Json[]) : [];
  const guess = guessOf(fieldsOf(scores[0] ?? null), entry) ?? (by === MODEL ? undefined : guessOf(data, entry));
  return { by, ...(guess ? { guess } : {}) };
}

function guessOf({ to, score }: JsonObject, entry: string): RoutingGuess | undefined {
  if (typeof score !== "number" || (to !== null && typeof to !== "string")) return undefined;
  return { agent: to === entry ? null : to, score: Math.min(1, Math.max(0, score)) };
}

const fieldsOf = (value: Json): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
