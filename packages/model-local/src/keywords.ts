/** How many of the words that a choice is described by stand in a message. */
import { contentOf } from "./text.ts";

/** A choice's words. */
export interface Described {
  /** Phrases that name what it is for; a message needs to have most of one. */
  readonly criteria: readonly string[];
  /** Whole messages; a message needs to be like one. */
  readonly examples: readonly string[];
  /** Phrases that name what is not for it. */
  readonly against: readonly string[];
}

interface Phrase {
  readonly stems: ReadonlySet<string>;
  readonly whole: boolean;
}

/** Learns the words of each choice; the result scores a message for each of them, in order, from 0 to 1. */
export function keywords(choices: readonly Described[]): (text: string) => readonly number[] {
  const profiles = choices.map(({ criteria, examples, against }) => ({
    own: [...examples.map((text) => phrase(text, true)), ...criteria.map((text) => phrase(text, false))].filter(
      ({ stems }) => stems.size > 0,
    ),
    against: against.map((text) => phrase(text, false)).filter(({ stems }) => stems.size > 0),
  }));
  const weights = rarity(profiles.map(({ own }) => own));
  return (text) => {
    const said = new Set(contentOf(text));
    return profiles.map((profile) => scoreOf(profile, said, weights));
  };
}

const phrase = (text: string, whole: boolean): Phrase => ({ stems: new Set(contentOf(text)), whole });

/** Words that many choices share say less. */
function rarity(profiles: readonly (readonly Phrase[])[]): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const phrases of profiles) {
    for (const word of new Set(phrases.flatMap(({ stems }) => [...stems])))
      holders.set(word, (holders.get(word) ?? 0) + 1);
  }
  return new Map([...holders].map(([word, count]) => [word, Math.log(1 + profiles.length / count)]));
}

function scoreOf(
  { own, against }: { readonly own: readonly Phrase[]; readonly against: readonly Phrase[] },
  said: ReadonlySet<string>,
  weights: ReadonlyMap<string, number>,
): number {
  const weightOf = (words: Iterable<string>): number => {
    let sum = 0;
    for (const word of words) sum += weights.get(word) ?? 1;
    return sum;
  };
  const total = weightOf(said);
  const fit = ({ stems, whole }: Phrase): number => {
    const shared = weightOf([...stems].filter((word) => said.has(word)));
    if (shared === 0) return 0;
    const all = weightOf(stems);
    // An example must be like the message; a criterion must be in it.
    return whole
      ? shared / Math.sqrt(all * Math.max(total, all / 2))
      : (0.9 * shared * (0.6 + 0.4 * Math.min(1, shared / total))) / all;
  };
  const [best = 0, second = 0, third = 0] = own.map(fit).toSorted((a, b) => b - a);
  const positive = best + 0.15 * second + 0.1 * third;
  const negative = Math.max(0, ...against.map(fit));
  return Math.min(1, negative > positive ? positive * 0.3 : positive);
}
