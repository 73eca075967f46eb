/** The topics of one message. */
import type { Router } from "./router.ts";
import { clip, wordsOf } from "./text.ts";

/** A part of a message, and who it is for. */
export interface Topic {
  readonly text: string;
  /** The agent. */
  readonly to: string;
  /** The handoff that leads to it from triage. */
  readonly handoff: string;
  readonly score: number;
}

/** The most parts of a message that are looked at, and the fewest words of one. */
const MAX_PARTS = 12;
const MIN_WORDS = 2;

const BETWEEN =
  /[.!?;\n。！？；]+\s*|(?:,|(?<!\s))\s+(?:and\s+also|and\s+then|and|but|also|plus|besides|additionally|y|et|und|e|und\s+auch)\s+|,\s+/iu;

/** A message cut where another topic may begin: after sentences, commas, and words such as "and". */
export const splitMessage = (text: string): readonly string[] =>
  clip(text)
    .split(BETWEEN)
    .map((part) => part.trim())
    .filter((part) => part !== "");

/**
 * The topics of a message, each for another agent than the one before, in order. Parts that say too little, or that the
 * router is not sure of, belong to the part before them. Empty where it is one topic.
 */
export async function topicsOf(
  text: string,
  triage: string,
  router: Router,
  threshold: number,
  split: (text: string) => readonly string[],
): Promise<readonly Topic[]> {
  const parts = split(text);
  if (parts.length < 2 || parts.length > MAX_PARTS) return [];
  const topics: Topic[] = [];
  for (const part of parts) {
    if (wordsOf(part).length < MIN_WORDS) continue;
    const ranking = await router.classify(part, triage);
    if (!ranking || ranking.to === null || ranking.handoff === null || ranking.score < threshold) continue;
    const known = topics.some(({ to }) => to === ranking.to);
    if (!known) topics.push({ text: part, to: ranking.to, handoff: ranking.handoff, score: ranking.score });
  }
  return topics.length < 2 ? [] : topics;
}
