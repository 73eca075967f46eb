/** Word vectors: a table of 20,000 English words, loaded when it is first needed. */

/** Directions of words: words of like meaning point the same way. */
export interface WordVectors {
  readonly dimensions: number;
  /**
   * Adds the direction of `word`, of length `weight(word)`, to `sum`. Frequent words count less. Whether the word is
   * known.
   */
  add(word: string, sum: Float32Array): boolean;
  /** The cosine of two words; `undefined` where one is not known. */
  similarity(a: string, b: string): number | undefined;
}

const DIMENSIONS = 100;

/** The table; kept by the module, as it never changes. */
let loading: Promise<WordVectors | undefined> | undefined;

/** Loads the table that comes with this package; `undefined` where it was left out of a bundle. Loads once. */
export function loadWordVectors(): Promise<WordVectors | undefined> {
  loading ??= import("./glove-100d.ts").then(
    ({ WORDS, VECTORS }) => wordVectors(WORDS.split(" "), bytesOf(VECTORS), DIMENSIONS),
    () => undefined,
  );
  return loading;
}

function bytesOf(base64: string): Int8Array {
  const binary = atob(base64);
  const bytes = new Int8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** How far a word of a probability counts: `SMOOTHING / (SMOOTHING + probability)` (Arora et al., 2017). */
const SMOOTHING = 1e-3;

/** A table of words, the most frequent first, with their vectors in turn. */
function wordVectors(words: readonly string[], bytes: Int8Array, dimensions: number): WordVectors {
  const places = new Map(words.map((word, place) => [word, place]));
  const lengths = new Float32Array(words.length);
  for (let place = 0; place < words.length; place++) {
    let square = 0;
    for (let k = place * dimensions; k < (place + 1) * dimensions; k++) square += (bytes[k] ?? 0) ** 2;
    lengths[place] = Math.sqrt(square) || 1;
  }
  // By Zipf's law the probability of a word follows from its place.
  const weight = (place: number): number => SMOOTHING / (SMOOTHING + 0.1 / (place + 10));
  return {
    dimensions,
    add: (word, sum) => {
      const place = places.get(word);
      if (place === undefined) return false;
      const scale = weight(place) / (lengths[place] ?? 1);
      const start = place * dimensions;
      for (let k = 0; k < dimensions; k++) sum[k] = (sum[k] ?? 0) + scale * (bytes[start + k] ?? 0);
      return true;
    },
    similarity: (a, b) => {
      const [first, second] = [places.get(a), places.get(b)];
      if (first === undefined || second === undefined) return undefined;
      let product = 0;
      for (let k = 0; k < dimensions; k++)
        product += (bytes[first * dimensions + k] ?? 0) * (bytes[second * dimensions + k] ?? 0);
      return product / ((lengths[first] ?? 1) * (lengths[second] ?? 1));
    },
  };
}
