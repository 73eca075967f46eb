/** The classifier that needs nothing else: words, pairs of words and pieces of words, compared with the examples. */
import type { Json } from "@batonjs/core";
import type { Classifier, ClassifierKind, Example, Prediction } from "./classifier.ts";
import { isFiller, wordsOf } from "./text.ts";

/** A text as features and how much each counts; the squares add up to 1. */
type Features = ReadonlyMap<string, number>;

/** How much features count, the rarer the more. */
interface Weights {
  readonly known: ReadonlyMap<string, number>;
  readonly unknown: number;
}

/** What one intent has in the index: rows of its examples, and the row of their mean. */
interface Intent {
  readonly label: string;
  readonly intent: string;
  readonly centre: number;
  readonly examples: readonly { readonly text: string; readonly row: number }[];
}

/** How much likeness makes an intent e times as likely as another. */
const TEMPERATURE = 0.05;
/** Share of the nearest example in a message's likeness to an intent; the rest is that of the mean. */
const NEAREST = 0.3;
/** A message that is less like every intent than this is scored down in proportion. */
const FAMILIAR = 0.3;
/** How much a piece of a word, and a word that says little, count beside other words. */
const SPELLING = 0.35;
const FILLER = 0.25;
const MAX_NEAREST = 3;

/**
 * A classifier that runs anywhere and knows the words of its examples, and no others: not that a bill is an invoice.
 * Fits in milliseconds; a saved one is its examples.
 */
export function lexical(): ClassifierKind {
  return {
    name: "lexical",
    fit: (examples) => new Lexical(examples),
    load: (saved) => new Lexical(examplesIn(saved)),
  };
}

class Lexical implements Classifier {
  readonly #examples: readonly Example[];
  readonly #weights: Weights;
  readonly #intents: readonly Intent[];
  readonly #index = new Index();

  constructor(examples: readonly Example[]) {
    this.#examples = examples;
    this.#weights = weightsOf(examples);
    const groups = Map.groupBy(examples, ({ label, intent }) => JSON.stringify([label, intent]));
    this.#intents = [...groups.values()].map((group) => this.#learn(group));
  }

  predict(text: string): readonly Prediction[] {
    const features = featuresOf(text, this.#weights);
    if (features.size === 0) return [];
    const products = this.#index.products(features);
    const rated = this.#intents.map(({ label, intent, centre, examples }) => {
      const nearest = examples
        .map((example) => ({ text: example.text, score: products[example.row]! }))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, MAX_NEAREST);
      const likeness = NEAREST * (nearest[0]?.score ?? 0) + (1 - NEAREST) * products[centre]!;
      return { label, intent, nearest, likeness };
    });
    const best = Math.max(...rated.map(({ likeness }) => likeness));
    const odds = rated.map(({ likeness }) => Math.exp((likeness - best) / TEMPERATURE));
    const familiar = Math.min(1, best / FAMILIAR) / odds.reduce((sum, each) => sum + each, 0);
    return rated
      .map(({ label, intent, nearest }, i) => ({ label, intent, nearest, score: odds[i]! * familiar }))
      .toSorted((a, b) => b.score - a.score);
  }

  save(): Json {
    return this.#examples.map(({ text, label, intent }) => [text, label, intent]);
  }

  #learn(group: readonly Example[]): Intent {
    const sum = new Map<string, number>();
    const examples = group.map(({ text }) => {
      const features = featuresOf(text, this.#weights);
      for (const [name, value] of features) sum.set(name, (sum.get(name) ?? 0) + value);
      return { text, row: this.#index.add(features) };
    });
    const { label, intent } = group[0]!;
    return { label, intent, centre: this.#index.add(unit(sum)), examples };
  }
}

/** Rows of features, by feature. */
class Index {
  readonly #places = new Map<string, { readonly row: number; readonly value: number }[]>();
  #rows = 0;

  add(features: Features): number {
    const row = this.#rows++;
    for (const [name, value] of features) {
      const places = this.#places.get(name);
      if (places) places.push({ row, value });
      else this.#places.set(name, [{ row, value }]);
    }
    return row;
  }

  /** How like each row is. */
  products(features: Features): Float64Array {
    const products = new Float64Array(this.#rows);
    for (const [name, value] of features)
      for (const place of this.#places.get(name) ?? []) products[place.row]! += value * place.value;
    return products;
  }
}

function weightsOf(examples: readonly Example[]): Weights {
  const counts = new Map<string, number>();
  for (const { text } of examples)
    for (const name of new Set(featureNames(text))) counts.set(name, (counts.get(name) ?? 0) + 1);
  const known = new Map([...counts].map(([name, count]) => [name, Math.log(1 + examples.length / count)]));
  return { known, unknown: Math.log(1 + examples.length) };
}

/** Unknown words count as much as rare ones: they make a text less like everything that is known. */
function featuresOf(text: string, weights: Weights): Features {
  const values = new Map<string, number>();
  for (const name of featureNames(text)) {
    const kind = name.startsWith("#") ? SPELLING : isFiller(name) ? FILLER : 1;
    const weight = weights.known.get(name) ?? (kind === SPELLING || name.includes(" ") ? 0 : weights.unknown);
    if (weight > 0) values.set(name, kind * weight);
  }
  return unit(values);
}

/** Words, pairs of neighbours, and the pieces of three letters that words are spelt with. */
function featureNames(text: string): readonly string[] {
  const words = wordsOf(text);
  const names: string[] = [...words];
  for (const [i, word] of words.entries()) {
    if (i > 0) names.push(`${words[i - 1]} ${word}`);
    if (isFiller(word)) continue;
    const spelt = `^${word}$`;
    for (let at = 0; at + 3 <= spelt.length; at++) names.push(`#${spelt.slice(at, at + 3)}`);
  }
  return names;
}

function unit(values: ReadonlyMap<string, number>): Features {
  let squares = 0;
  for (const value of values.values()) squares += value * value;
  const length = Math.sqrt(squares) || 1;
  return new Map([...values].map(([name, value]) => [name, value / length]));
}

function examplesIn(saved: Json): readonly Example[] {
  const rows: readonly unknown[] = Array.isArray(saved) ? saved : [undefined];
  return rows.map((row) => {
    if (!Array.isArray(row) || row.length !== 3 || !row.every((each) => typeof each === "string"))
      throw new TypeError("Cannot load a lexical classifier: expected what its save() gave");
    const [text, label, intent] = row as [string, string, string];
    return { text, label, intent };
  });
}
