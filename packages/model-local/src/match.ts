/** How well a message fits tools and handoffs, by what they say about themselves. */
import type { Examples } from "@batonjs/core";
import { fitWith } from "./classifier/classifier.ts";
import { exampleLists } from "./examples.ts";
import { keywords } from "./keywords.ts";
import { partsOf } from "./text.ts";
import { emailsIn, moneyIn, urlsIn } from "./values.ts";
import type { WordVectors } from "./vectors/word-vectors.ts";
import { type Choice, ownDescription, subjectOf } from "./words.ts";

/** A choice by its name. */
interface Scored {
  readonly name: string;
  /** From 0 to 1. */
  readonly score: number;
  /** Whether the text has a word of what the choice says about itself, and is not only like it in tone or meaning. */
  readonly named: boolean;
}

/** How well a text fits each of the choices that it was made of, the best first. */
export type Matcher = (text: string) => readonly Scored[];

/** How far words that a choice is described by count beside the classifier. */
const WORDS_COUNT = 0.6;

/** Learns what the choices are for from their criteria, examples, descriptions and names. */
export function matcher(choices: readonly Choice[], vectors: WordVectors | undefined): Matcher {
  if (choices.length === 0) return () => [];
  const teaching = Object.fromEntries(choices.map((choice) => [choice.name, teachingOf(choice)]));
  const classifier = fitWith(teaching, {}, vectors);
  const byWords = keywords(
    choices.map((choice) => ({
      criteria: criteriaOf(choice),
      examples: exampleLists(choice.examples).flatMap(({ texts }) => texts),
      against: pieces(choice.notFor ?? ""),
    })),
  );
  return (message) => {
    const text = withoutValues(message);
    const learnt = new Map(classifier.predict(text).scores.map(({ label, score }) => [label, score]));
    const words = byWords(text);
    // Either is enough: examples teach what people say, criteria name it.
    const ranked = choices.map(({ name }, i) => ({
      name,
      score: 1 - (1 - (learnt.get(name) ?? 0)) * (1 - WORDS_COUNT * (words[i] ?? 0)),
      named: (words[i] ?? 0) > 0,
    }));
    return ranked.toSorted((a, b) => b.score - a.score);
  };
}

/** The text without addresses and sums, which say nothing about what is wanted. */
export function withoutValues(text: string): string {
  let rest = text;
  for (const { text: value } of [...emailsIn(text), ...urlsIn(text), ...moneyIn(text)]) rest = rest.replace(value, " ");
  return rest;
}

/** The pieces of "refunds, invoices and duplicate charges; payment methods". */
function pieces(text: string): readonly string[] {
  return text
    .split(/[,;:.\n]|\s(?:and|or)\s|\//i)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Words of names that say nothing about what something is for. */
const GENERIC: ReadonlySet<string> = new Set(
  "agent transfer to specialist assistant bot tool get list find search look up lookup back the of for by".split(" "),
);

/** Phrases for what a choice is for: its `when`, its description, its name. */
function criteriaOf(choice: Choice): readonly string[] {
  const description = ownDescription(choice).replace(/^Hand the conversation over to [^.]*\.\s*/, "");
  const name = partsOf(choice.type === "handoff" ? `${subjectOf(choice)} ${choice.name}` : choice.name).filter(
    (part) => !GENERIC.has(part),
  );
  return [...pieces(choice.when ?? ""), ...pieces(description), [...new Set(name)].join(" ")].filter(
    (part) => part !== "",
  );
}

/** What teaches a choice: its examples by intent, and its criteria as an intent of their own. */
function teachingOf(choice: Choice): Examples {
  const lists = exampleLists(choice.examples).map(({ intent, texts }, i) => [intent ?? `${i}`, texts] as const);
  return Object.fromEntries([...lists, [subjectOf(choice), criteriaOf(choice)]]);
}
