/** The embedded classifier: which label a message belongs to, how surely, and which examples it is like. */
import { checkKeys, type Examples } from "@batonjs/core";
import { exampleLists } from "../examples.ts";
import { partsOf } from "../text.ts";
import { loadWordVectors, type WordVectors } from "../vectors/word-vectors.ts";
import { BACKGROUND } from "./background.ts";
import { decodePulls, encodePulls } from "./base64.ts";
import { type Encoder, learnEncoder, type SparseVector } from "./encoder.ts";
import { fitSoftmax, scoresOf, toProbabilities, weightsFrom } from "./softmax.ts";

/** How a classifier is fitted. */
export interface ClassifierOptions {
  /** The score below which a prediction has no label. From 0 to 1. @default 0.5 */
  readonly threshold?: number;
  /**
   * Whether to use the word vectors that come with the package, about 3 MB, loaded when first needed. Without them
   * only words and parts of words count. @default true
   */
  readonly vectors?: boolean;
  /** Whether the name of an intent counts as an example of it: `card_arrival` as "card arrival". @default true */
  readonly names?: boolean;
}

const OPTIONS: ReadonlySet<string> = new Set(["threshold", "vectors", "names"]);

/** A label and how much speaks for it. */
export interface LabelScore {
  readonly label: string;
  /** From 0 to 1: the sum over its intents. */
  readonly score: number;
}
/** An intent of a label; without a name where the label's examples were one list. */
export interface IntentScore extends LabelScore {
  readonly intent?: string;
}
/** An example and how like it the message is. */
export interface NearestExample {
  readonly text: string;
  readonly label: string;
  readonly intent?: string;
  /** From -1 to 1; 1 is the same. */
  readonly similarity: number;
}
/** What a classifier says about a message. */
export interface Prediction {
  /** The best label; nothing where its score is below the threshold: the classifier abstains. */
  readonly label?: string;
  /** The score of the best label. */
  readonly score: number;
  /** All labels, the best first. Their sum is 1 at most: the rest is what is like none of the examples. */
  readonly scores: readonly LabelScore[];
  /** The best intents, five at most. */
  readonly intents: readonly IntentScore[];
  /** The examples that are most like the message, where they were asked for. */
  readonly nearest: readonly NearestExample[];
}

/** A fitted classifier. */
export interface Classifier {
  readonly labels: readonly string[];
  readonly threshold: number;
  /** Judges a message. `nearest` is how many examples to give, of the best two labels. @default 0 */
  predict(text: string, options?: { readonly nearest?: number }): Prediction;
  /** The classifier as plain JSON. */
  save(): SavedClassifier;
}

/** A classifier as plain JSON. It holds the examples that it was fitted with. */
export interface SavedClassifier {
  readonly version: 1;
  readonly threshold: number;
  readonly vectors: boolean;
  readonly intents: readonly { readonly label: string; readonly intent?: string; readonly texts: readonly string[] }[];
  /** What none of the labels is about; see `BACKGROUND`. */
  readonly background: readonly string[];
  /** How the examples pull: 16 bits each, as base64. */
  readonly pulls: string;
}

/** The most examples that are read. */
const MAX_EXAMPLES = 20_000;
/** The most characters of an example or message that are read. */
const MAX_LENGTH = 2_000;
/** Below this many intents the background is learnt too. */
const FEW_INTENTS = 4;
/** A sentence of the background that is as like an example is left out. */
const TOO_LIKE = 0.3;

/**
 * Fits a classifier to the examples of each label: a list, or lists by intent, which is better where a label stands for
 * several things. Deterministic. Throws a `TypeError` where no label has an example, a `RangeError` for a bad threshold.
 */
export async function fitClassifier(
  examples: Readonly<Record<string, Examples>>,
  options: ClassifierOptions = {},
): Promise<Classifier> {
  checkKeys(options, OPTIONS, "a classifier");
  const vectors = (options.vectors ?? true) ? await loadWordVectors() : undefined;
  return fitWith(examples, options, vectors);
}

/** As `fitClassifier`, with word vectors that are there already. */
export function fitWith(
  examples: Readonly<Record<string, Examples>>,
  options: ClassifierOptions,
  vectors: WordVectors | undefined,
): Classifier {
  const threshold = checkThreshold(options.threshold ?? 0.5);
  const intents = intentsOf(examples, options.names ?? true);
  if (intents.length === 0) throw new TypeError("Cannot fit a classifier: no label has an example");
  const background = intents.length < FEW_INTENTS ? unlike(intents, vectors) : [];
  const space = spaceOf(intents, background, vectors);
  const { pulls, weights } = fitSoftmax(space.rows, space.classOf, space.classes, space.encoder.size);
  return classifier({ ...space, intents, background, threshold, vectors: vectors !== undefined, pulls, weights });
}

/** A classifier that was saved. Throws a `TypeError` for what no classifier has saved. */
export async function loadClassifier(saved: SavedClassifier): Promise<Classifier> {
  const problem = problemOf(saved);
  if (problem !== undefined) throw new TypeError(`Cannot load a classifier: ${problem}`);
  const vectors = saved.vectors ? await loadWordVectors() : undefined;
  if (saved.vectors && !vectors)
    throw new TypeError("Cannot load a classifier: it was fitted with word vectors, and they are not there");
  const space = spaceOf(saved.intents, saved.background, vectors);
  const pulls = decodePulls(saved.pulls);
  if (pulls.length !== space.rows.length * space.classes)
    throw new TypeError("Cannot load a classifier: its numbers do not belong to its examples");
  const weights = weightsFrom(space.rows, pulls, space.classes, space.encoder.size);
  return classifier({
    ...space,
    intents: saved.intents,
    background: saved.background,
    threshold: checkThreshold(saved.threshold),
    vectors: saved.vectors,
    pulls,
    weights,
  });
}

type IntentExamples = SavedClassifier["intents"][number];

/** The intents that have examples, of all labels. */
function intentsOf(examples: Readonly<Record<string, Examples>>, names: boolean): readonly IntentExamples[] {
  let left = MAX_EXAMPLES;
  const intents: IntentExamples[] = [];
  for (const [label, given] of Object.entries(examples)) {
    for (const { intent, texts } of exampleLists(given)) {
      const named = names && intent !== undefined ? [partsOf(intent).join(" ")] : [];
      const all = [...texts, ...named]
        .map((text) => text.slice(0, MAX_LENGTH).toWellFormed())
        .filter((text) => /[\p{L}\p{N}]/u.test(text));
      const kept = [...new Set(all)].slice(0, left);
      left -= kept.length;
      if (kept.length > 0) intents.push({ label, ...(intent === undefined ? {} : { intent }), texts: kept });
    }
  }
  return intents;
}

/** The background, without what is like an example. */
function unlike(intents: readonly IntentExamples[], vectors: WordVectors | undefined): readonly string[] {
  const { encoder, rows } = spaceOf(intents, BACKGROUND, vectors);
  const own = rows.slice(
    0,
    intents.reduce((sum, { texts }) => sum + texts.length, 0),
  );
  return BACKGROUND.filter((text) => {
    const row = spread(encoder.encode(text), encoder.size);
    return own.every((example) => product(example, row) < TOO_LIKE);
  });
}

interface Space {
  readonly encoder: Encoder;
  readonly rows: readonly SparseVector[];
  readonly classOf: readonly number[];
  /** One an intent, and one for the background where there is one. */
  readonly classes: number;
}

function spaceOf(
  intents: readonly IntentExamples[],
  background: readonly string[],
  vectors: WordVectors | undefined,
): Space {
  const lists = [...intents.map(({ texts }) => texts), ...(background.length > 0 ? [background] : [])];
  const texts = lists.flat();
  const classOf = lists.flatMap((list, place) => list.map(() => place));
  const encoder = learnEncoder(texts, classOf, vectors);
  return { encoder, rows: texts.map((text) => encoder.encode(text)), classOf, classes: lists.length };
}

interface Parts extends Space {
  readonly intents: readonly IntentExamples[];
  readonly background: readonly string[];
  readonly threshold: number;
  readonly vectors: boolean;
  readonly pulls: Float32Array;
  readonly weights: Float32Array;
}

/**
 * How familiar a message is by its best score, from 0 to 1. The scores grow with what a message shares with examples,
 * whatever the number of classes; both numbers were fitted on made-up desks of 2 to 5 agents from CLINC150.
 */
const familiarity = (best: number): number => 1 / (1 + Math.exp(5.7 - 3.6 * best));

function classifier(parts: Parts): Classifier {
  const { encoder, weights, classes, intents, background, threshold } = parts;
  const labels = [...new Set(intents.map(({ label }) => label))];
  const labelOf = intents.map(({ label }) => labels.indexOf(label));
  const scores = new Float64Array(classes);
  return {
    labels,
    threshold,
    predict: (text, { nearest = 0 } = {}) => {
      const row = encoder.encode(text.slice(0, MAX_LENGTH));
      scoresOf(row, weights, classes, scores);
      const known = row.places.length === 0 ? 0 : background.length > 0 ? 1 : familiarity(Math.max(...scores));
      toProbabilities(scores);
      const sums = labels.map(() => 0);
      for (const [intent, place] of labelOf.entries()) sums[place] = (sums[place] ?? 0) + known * (scores[intent] ?? 0);
      const ranked = labels.map((label, i) => ({ label, score: sums[i] ?? 0 })).toSorted((a, b) => b.score - a.score);
      const best = ranked[0] ?? { label: "", score: 0 };
      return {
        ...(best.score >= threshold ? { label: best.label } : {}),
        score: best.score,
        scores: ranked,
        intents: bestIntents(parts, scores, known),
        nearest:
          nearest > 0
            ? nearestExamples(parts, row, new Set(ranked.slice(0, 2).map(({ label }) => label)), nearest)
            : [],
      };
    },
    save: () => ({
      version: 1,
      threshold,
      vectors: parts.vectors,
      intents,
      background,
      pulls: encodePulls(parts.pulls),
    }),
  };
}

function bestIntents({ intents }: Parts, scores: Float64Array, known: number): readonly IntentScore[] {
  return intents
    .map(({ label, intent }, i) => ({
      label,
      ...(intent === undefined ? {} : { intent }),
      score: known * (scores[i] ?? 0),
    }))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, 5);
}

function nearestExamples(
  { encoder, rows, intents }: Parts,
  row: SparseVector,
  labels: ReadonlySet<string>,
  count: number,
): readonly NearestExample[] {
  const dense = spread(row, encoder.size);
  const found: NearestExample[] = [];
  let place = 0;
  for (const { label, intent, texts } of intents) {
    for (const text of texts) {
      const example = rows[place++];
      if (!example || !labels.has(label)) continue;
      found.push({ text, label, ...(intent === undefined ? {} : { intent }), similarity: product(example, dense) });
    }
  }
  return found.toSorted((a, b) => b.similarity - a.similarity).slice(0, count);
}

function spread({ places, values }: SparseVector, size: number): Float32Array {
  const dense = new Float32Array(size);
  for (let k = 0; k < places.length; k++) dense[places[k] ?? 0] = values[k] ?? 0;
  return dense;
}

function product({ places, values }: SparseVector, dense: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < places.length; k++) sum += (values[k] ?? 0) * (dense[places[k] ?? 0] ?? 0);
  return sum;
}

function checkThreshold(threshold: number): number {
  if (typeof threshold === "number" && threshold >= 0 && threshold <= 1) return threshold;
  throw new RangeError(`Cannot use ${String(threshold)} as threshold of a classifier: expected a number from 0 to 1`);
}

function problemOf(saved: unknown): string | undefined {
  if (typeof saved !== "object" || saved === null) return "expected an object";
  const { version, intents, background, pulls } = saved as Partial<Record<keyof SavedClassifier, unknown>>;
  if (version !== 1) return `its version is ${String(version)}, and this package reads 1`;
  const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === "string");
  const isIntent = (value: unknown): boolean =>
    typeof value === "object" &&
    value !== null &&
    typeof (value as IntentExamples).label === "string" &&
    isTexts((value as IntentExamples).texts);
  if (!Array.isArray(intents) || intents.length === 0 || !intents.every((intent) => isIntent(intent)))
    return "its examples are not there";
  return isTexts(background) && typeof pulls === "string" ? undefined : "parts of it are missing";
}

/**
 * The lowest threshold at which the labels that `classifier` gives to labelled messages are right as often as
 * `precision` wants, from 0 to 1. A message whose label is `undefined` belongs to none. Nothing where no threshold
 * reaches it.
 */
export function thresholdFor(
  classifier: Classifier,
  messages: readonly { readonly text: string; readonly label: string | undefined }[],
  precision: number,
): number | undefined {
  const judged = messages.map(({ text, label }) => {
    const [best] = classifier.predict(text).scores;
    return { score: best?.score ?? 0, right: best !== undefined && best.label === label };
  });
  let threshold: number | undefined;
  let right = 0;
  for (const [i, one] of judged.toSorted((a, b) => b.score - a.score).entries()) {
    if (one.right) right += 1;
    if (right / (i + 1) >= precision) threshold = one.score;
  }
  return threshold;
}
