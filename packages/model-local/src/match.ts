/** How well a message fits tools and handoffs. */
import { exampleLists } from "./examples.ts";
import { partsOf, stem, contentOf } from "./text.ts";
import { type Choice, ownDescription } from "./words.ts";

/** A choice and how well the message fits it, from 0 to 1. */
export interface Match {
  readonly choice: Choice;
  readonly score: number;
}

interface Phrase {
  readonly stems: ReadonlySet<string>;
  /** How far a full match counts. */
  readonly weight: number;
  /** An example is compared as a whole; of criteria a part is enough. */
  readonly whole: boolean;
}
interface Profile {
  readonly choice: Choice;
  readonly phrases: readonly Phrase[];
  readonly against: readonly Phrase[];
}

/** Ranks the choices that it was made of. */
export type Matcher = (text: string) => readonly Match[];

/** Learns what the choices are for from their criteria, examples, descriptions and names. */
export function matcher(choices: readonly Choice[]): Matcher {
  const profiles = choices.map(profileOf);
  const weights = rarity(profiles);
  return (text) => {
    const said = new Set(contentOf(text));
    const ranked = profiles.map((profile) => ({ choice: profile.choice, score: scoreOf(profile, said, weights) }));
    return ranked.toSorted((a, b) => b.score - a.score);
  };
}

const phrase = (text: string, weight: number, whole = false): Phrase => ({
  stems: new Set(contentOf(text)),
  weight,
  whole,
});

/** The pieces of "refunds, invoices and duplicate charges; payment methods". */
export const pieces = (text: string): readonly string[] =>
  text
    .split(/[,;:.\n]|\s(?:and|or)\s|\//i)
    .map((part) => part.trim())
    .filter((part) => part !== "");

function profileOf(choice: Choice): Profile {
  const name = choice.type === "handoff" ? `${choice.to} ${choice.name.replace(/^transfer_to_/, "")}` : choice.name;
  const own = ownDescription(choice);
  const phrases = [
    ...exampleLists(choice.examples).flatMap(({ intent, texts }) => [
      ...texts.map((text) => phrase(text, 1, true)),
      ...(intent === undefined ? [] : [phrase(partsOf(intent).join(" "), 0.6)]),
    ]),
    ...pieces(choice.when ?? "").map((part) => phrase(part, 0.9)),
    ...pieces(own).map((part) => phrase(part, 0.6)),
    {
      stems: new Set(
        partsOf(name)
          .map(stem)
          .filter((part) => !GENERIC.has(part)),
      ),
      weight: 0.7,
      whole: false,
    },
  ];
  return {
    choice,
    phrases: phrases.filter(({ stems }) => stems.size > 0),
    against: pieces(choice.notFor ?? "").map((part) => phrase(part, 0.9)),
  };
}

const GENERIC: ReadonlySet<string> = new Set([
  "agent",
  "transfer",
  "to",
  "specialist",
  "assist",
  "bot",
  "tool",
  "get",
  "list",
  "find",
  "search",
  "look",
  "up",
  "lookup",
  "back",
]);

/** Words that many choices share say less. */
function rarity(profiles: readonly Profile[]): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const { phrases } of profiles) {
    for (const word of new Set(phrases.flatMap(({ stems }) => [...stems])))
      holders.set(word, (holders.get(word) ?? 0) + 1);
  }
  return new Map([...holders].map(([word, count]) => [word, Math.log(1 + profiles.length / count)]));
}

function scoreOf(
  { phrases, against }: Profile,
  said: ReadonlySet<string>,
  weights: ReadonlyMap<string, number>,
): number {
  const weightOf = (word: string): number => weights.get(word) ?? 1;
  const total = sum([...said].map(weightOf));
  const fit = ({ stems, weight, whole }: Phrase): number => {
    const shared = sum([...stems].filter((word) => said.has(word)).map(weightOf));
    if (shared === 0) return 0;
    const own = sum([...stems].map(weightOf));
    // An example must be like the message; a criterion must be in it.
    return (
      weight *
      (whole
        ? shared / Math.sqrt(own * Math.max(total, own / 2))
        : (shared / own) * (0.6 + 0.4 * Math.min(1, shared / Math.max(total, 0.01))))
    );
  };
  const scores = phrases.map(fit).toSorted((a, b) => b - a);
  const positive = (scores[0] ?? 0) + 0.15 * (scores[1] ?? 0) + 0.1 * (scores[2] ?? 0);
  const negative = Math.max(0, ...against.map(fit));
  return Math.min(1, negative > positive ? positive * 0.3 : positive);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
