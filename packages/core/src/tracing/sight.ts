/** What a handoff passed on, and what it left behind. */
import { textOf, type View, type VisibleItem } from "../items.ts";

/** What the target of a handoff sees of what the agent before it saw. Tokens are estimates: a quarter of the characters. */
export interface Passed {
  /** Ids of the items that stayed. */
  readonly kept: readonly string[];
  /** Ids of the items that were left out. */
  readonly dropped: readonly string[];
  /** How many items the filter put in. */
  readonly putIn: number;
  /** Tokens of all that the agent before saw, about. */
  readonly tokensBefore: number;
  /** Tokens of what the target sees of it and of what was put in, about. */
  readonly tokensAfter: number;
}

/** The effect of a handoff's `view` on `shown`, which is what the agent before it saw. No view keeps everything. */
export function passedOn(shown: readonly VisibleItem[], view: View | undefined): Passed {
  const tokens = shown.map(estimatedTokens);
  const tokensBefore = sum(tokens);
  if (!view) return { kept: shown.map(({ id }) => id), dropped: [], putIn: 0, tokensBefore, tokensAfter: tokensBefore };
  const places = new Map(shown.map(({ id }, place) => [id, place]));
  const kept = new Set<string>();
  let putIn = 0;
  let tokensAfter = 0;
  for (const entry of view) {
    if (typeof entry === "object" && !isRange(entry)) {
      putIn++;
      tokensAfter += estimatedTokens(entry);
      continue;
    }
    const [first, last] = isRange(entry) ? entry : [entry, entry];
    const from = places.get(first);
    const to = places.get(last);
    if (from === undefined || to === undefined) {
      kept.add(first).add(last); // of an earlier stay of the target: not among what the source was shown
      continue;
    }
    for (let place = from; place <= to; place++) {
      kept.add(shown[place]!.id);
      tokensAfter += tokens[place]!;
    }
  }
  const dropped = shown.filter(({ id }) => !kept.has(id)).map(({ id }) => id);
  return { kept: [...kept], dropped, putIn, tokensBefore, tokensAfter };
}

const isRange = (entry: View[number]): entry is readonly [string, string] => Array.isArray(entry);

/** Tokens of an item, about. */
function estimatedTokens(item: VisibleItem): number {
  const name = item.type === "tool_call" ? item.name.length : 0;
  return Math.ceil((textOf(item).length + name) / 4);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Where in a run something belongs, as one string: the run, and the calls that lead to a nested one. */
export function laneOf(runId: string, path: readonly string[] | undefined): string {
  return path === undefined || path.length === 0 ? runId : JSON.stringify([runId, ...path]);
}
