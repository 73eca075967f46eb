/** What a router says about why it chose. */
import type { Json, NoteItem } from "@batonjs/core";
import type { Scrubber } from "@batonjs/core/tracing";

/** Numbers of a note, by their place: `{ "local.scores.billing": 0.92 }`. Texts stay where they are. */
export function scoresOf({ plugin, data }: Pick<NoteItem, "plugin" | "data">, scrub: Scrubber): Record<string, number> {
  const scores: Record<string, number> = {};
  collect(data, plugin, 0);
  return scores;

  function collect(value: Json, place: string, depth: number): void {
    if (Object.keys(scores).length >= MAX_SCORES) return;
    if (typeof value === "number") scores[scrub.name(place)] = value;
    else if (typeof value === "object" && value !== null && depth < MAX_DEPTH)
      for (const [name, each] of Object.entries(value)) collect(each as Json, `${place}.${name}`, depth + 1);
  }
}

const MAX_SCORES = 64;
const MAX_DEPTH = 4;
