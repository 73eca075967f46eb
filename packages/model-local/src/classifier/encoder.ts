/** Texts as sparse vectors: words and pairs of words, groups of three characters, and the mean of the words' directions. */
import { stem, wordsOf } from "../text.ts";
import type { WordVectors } from "../vectors/word-vectors.ts";

/** A sparse vector. Equal places do not occur. */
export interface SparseVector {
  readonly places: Int32Array;
  readonly values: Float32Array;
}

/** Turns texts into vectors of one space. */
export interface Encoder {
  /** Number of places. */
  readonly size: number;
  encode(text: string): SparseVector;
}

/** The most words of a text that are encoded. */
const MAX_ENCODED = 200;
/** Words that are written as one in contractions: their direction is that of "not". */
const NOT =
  /^(?:dont|doesnt|didnt|cant|couldnt|wont|wouldnt|isnt|arent|wasnt|werent|hasnt|havent|hadnt|shouldnt|cannot)$/;

interface Block {
  /** The place of its first feature. */
  readonly start: number;
  /** Places of the features, counted from `start`. */
  readonly places: ReadonlyMap<string, number>;
  readonly weights: Float32Array;
}

/**
 * Learns which words and groups of characters tell the classes of `texts` apart: a feature weighs the more the fewer
 * classes have it. `classes[i]` is the class of `texts[i]`.
 */
export function learnEncoder(
  texts: readonly string[],
  classes: readonly number[],
  vectors: WordVectors | undefined,
): Encoder {
  const words = texts.map((text) => wordsOf(text).slice(0, MAX_ENCODED));
  const wordBlock = learnBlock(words.map(wordFeatures), classes, 0);
  const characterBlock = learnBlock(words.map(characterFeatures), classes, wordBlock.places.size);
  const start = wordBlock.places.size + characterBlock.places.size;
  const mean =
    vectors &&
    meanOf(
      words.map((list) => directionOf(list, vectors)),
      vectors.dimensions,
    );
  const scale = 1 / Math.sqrt(vectors ? 3 : 2);
  return {
    size: start + (vectors?.dimensions ?? 0),
    encode: (text) => {
      const list = wordsOf(text).slice(0, MAX_ENCODED);
      const places: number[] = [];
      const values: number[] = [];
      addBlock(wordBlock, wordFeatures(list), scale, places, values);
      addBlock(characterBlock, characterFeatures(list), scale, places, values);
      if (vectors && mean) addDirection(directionOf(list, vectors), mean, start, scale, places, values);
      return { places: Int32Array.from(places), values: Float32Array.from(values) };
    },
  };
}

/** Stems, and pairs of stems that follow each other. */
function wordFeatures(words: readonly string[]): readonly string[] {
  const stems = words.map(stem);
  return [...stems, ...stems.slice(1).map((second, i) => `${stems[i]} ${second}`)];
}

/** Three characters in a row, the ends of words among them. */
function characterFeatures(words: readonly string[]): readonly string[] {
  const features: string[] = [];
  for (const word of words) {
    const padded = ` ${word.slice(0, 40)} `;
    for (let i = 0; i + 3 <= padded.length; i++) features.push(padded.slice(i, i + 3));
  }
  return features;
}

function learnBlock(lists: readonly (readonly string[])[], classes: readonly number[], start: number): Block {
  const places = new Map<string, number>();
  const holders: Set<number>[] = [];
  for (const [i, list] of lists.entries()) {
    for (const feature of new Set(list)) {
      const place = places.get(feature) ?? places.size;
      places.set(feature, place);
      (holders[place] ??= new Set()).add(classes[i] ?? 0);
    }
  }
  const count = new Set(classes).size;
  // Classes are counted, not texts: a word that all examples of one class have is its best sign.
  const weights = Float32Array.from(holders, ({ size }) => Math.log((1 + count) / (1 + size)) + 1);
  return { start, places, weights };
}

/** Adds the features that the block knows, weighted, to length `scale`. */
function addBlock(block: Block, features: readonly string[], scale: number, places: number[], values: number[]): void {
  const counts = new Map<number, number>();
  for (const feature of features) {
    const place = block.places.get(feature);
    if (place !== undefined) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const from = values.length;
  let square = 0;
  for (const [place, count] of counts) {
    const value = (1 + Math.log(count)) * (block.weights[place] ?? 0);
    square += value * value;
    places.push(block.start + place);
    values.push(value);
  }
  const factor = square === 0 ? 0 : scale / Math.sqrt(square);
  for (let i = from; i < values.length; i++) values[i] = (values[i] ?? 0) * factor;
}

function directionOf(words: readonly string[], vectors: WordVectors): Float32Array {
  const sum = new Float32Array(vectors.dimensions);
  for (const word of words) vectors.add(NOT.test(word) ? "not" : word, sum);
  return sum;
}

function meanOf(directions: readonly Float32Array[], dimensions: number): Float32Array {
  const mean = new Float32Array(dimensions);
  for (const direction of directions)
    for (let k = 0; k < dimensions; k++) mean[k] = (mean[k] ?? 0) + (direction[k] ?? 0) / directions.length;
  return mean;
}

function addDirection(
  direction: Float32Array,
  mean: Float32Array,
  start: number,
  scale: number,
  places: number[],
  values: number[],
): void {
  // A text without a known word has no direction, and is not taken for the opposite of the mean.
  if (direction.every((value) => value === 0)) return;
  const centred = direction.map((value, k) => value - (mean[k] ?? 0));
  const length = Math.hypot(...centred) || 1;
  for (const [k, value] of centred.entries()) {
    places.push(start + k);
    values.push((value * scale) / length);
  }
}
