/** Multinomial logistic regression, fitted by stochastic dual coordinate ascent (Shalev-Shwartz and Zhang, 2014). */
import type { SparseVector } from "./encoder.ts";

/** How closely the examples are followed: the smaller, the more is smoothed. */
const CLOSENESS = 40;
/** Times that all examples are gone through. */
const ROUNDS = 16;
/** Changes that are too small to matter are not carried out. */
const NEGLIGIBLE = 1e-4;

/**
 * What was fitted. `pulls` has a row of `classes` numbers for each example, from -1 to 1: how far the example pulls each
 * class. The weights follow from them, so they are all that needs to be stored.
 */
export interface Fitted {
  readonly classes: number;
  readonly pulls: Float32Array;
  readonly weights: Float32Array;
}

/** Fits `rows` to their classes. Deterministic. */
export function fitSoftmax(
  rows: readonly SparseVector[],
  classOf: readonly number[],
  classes: number,
  size: number,
): Fitted {
  const weights = new Float32Array(size * classes);
  const pulls = new Float32Array(rows.length * classes);
  const scores = new Float64Array(classes);
  const order = rows.map((_, i) => i);
  let seed = 12_345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((seed / 0x80000000) * below);
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = random(i + 1);
      [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
    }
    for (const i of order) {
      const row = rows[i];
      if (row) pull(row, classOf[i] ?? 0, i, { classes, weights, pulls }, scores);
    }
  }
  return { classes, pulls, weights };
}

/** Moves one example's pulls towards what they are at the optimum: 1 or 0 for its class or another, less its probability. */
function pull(
  row: SparseVector,
  own: number,
  index: number,
  { classes, weights, pulls }: Fitted,
  scores: Float64Array,
): void {
  scoresOf(row, weights, classes, scores);
  toProbabilities(scores);
  let square = 0;
  for (const value of row.values) square += value * value;
  const step = 1 / (1 + 0.5 * CLOSENESS * square);
  const changed: number[] = [];
  for (let c = 0; c < classes; c++) {
    const at = index * classes + c;
    const change = step * ((c === own ? 1 : 0) - (scores[c] ?? 0) - (pulls[at] ?? 0));
    if (Math.abs(change) < NEGLIGIBLE) continue;
    pulls[at] = (pulls[at] ?? 0) + change;
    scores[c] = change * CLOSENESS;
    changed.push(c);
  }
  for (let k = 0; k < row.places.length; k++) {
    const start = (row.places[k] ?? 0) * classes;
    const value = row.values[k] ?? 0;
    for (const c of changed) weights[start + c] = (weights[start + c] ?? 0) + value * (scores[c] ?? 0);
  }
}

/** The weights that follow from pulls. */
export function weightsFrom(
  rows: readonly SparseVector[],
  pulls: Float32Array,
  classes: number,
  size: number,
): Float32Array {
  const weights = new Float32Array(size * classes);
  for (const [i, { places, values }] of rows.entries()) {
    for (let k = 0; k < places.length; k++) {
      const start = (places[k] ?? 0) * classes;
      const value = (values[k] ?? 0) * CLOSENESS;
      for (let c = 0; c < classes; c++)
        weights[start + c] = (weights[start + c] ?? 0) + value * (pulls[i * classes + c] ?? 0);
    }
  }
  return weights;
}

/** Writes the score of each class for a row into `scores`. */
export function scoresOf(
  { places, values }: SparseVector,
  weights: Float32Array,
  classes: number,
  scores: Float64Array,
): void {
  scores.fill(0);
  for (let k = 0; k < places.length; k++) {
    const start = (places[k] ?? 0) * classes;
    const value = values[k] ?? 0;
    for (let c = 0; c < classes; c++) scores[c] = (scores[c] ?? 0) + value * (weights[start + c] ?? 0);
  }
}

/** Scores as probabilities, in place. */
export function toProbabilities(scores: Float64Array): void {
  let max = -Infinity;
  for (const score of scores) if (score > max) max = score;
  let sum = 0;
  for (let c = 0; c < scores.length; c++) {
    const power = Math.exp((scores[c] ?? 0) - max);
    scores[c] = power;
    sum += power;
  }
  for (let c = 0; c < scores.length; c++) scores[c] = (scores[c] ?? 0) / sum;
}
