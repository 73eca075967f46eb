/** Real messages with their intents, for measuring. They are no part of this repository. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where the messages are: beside the repository, or where `BATON_INTENTS` says. */
export const FOLDER: string =
  process.env["BATON_INTENTS"] ?? fileURLToPath(new URL("../../../../shared/data/intents/", import.meta.url));

/** Whether they are there. */
export const hasIntents: boolean = existsSync(`${FOLDER}/clinc150.json`) && existsSync(`${FOLDER}/banking77.train.csv`);

/** A message and its intent. */
export type Row = readonly [text: string, intent: string];

/** Messages for fitting by intent, and messages that are only for testing. */
export interface Split {
  readonly train: ReadonlyMap<string, readonly string[]>;
  readonly test: readonly Row[];
  /** Messages that belong to no intent, for testing only. */
  readonly outside: readonly string[];
  /** The label of an intent. */
  readonly labelOf: (intent: string) => string;
}

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The list in another order. */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

const byIntent = (rows: readonly Row[]): ReadonlyMap<string, string[]> => {
  const groups = new Map<string, string[]>();
  for (const [text, intent] of rows) groups.set(intent, [...(groups.get(intent) ?? []), text]);
  return groups;
};

interface Clinc {
  readonly train: readonly Row[];
  readonly val: readonly Row[];
  readonly oos_train: readonly Row[];
  readonly oos_val: readonly Row[];
}

/**
 * CLINC150: fitted from `train`; tested on `val`, and on the messages out of scope of both. Labels are the ten domains,
 * or the intents themselves.
 */
export function clinc(labels: "domains" | "intents"): Split {
  const { train, val, oos_train, oos_val } = JSON.parse(readFileSync(`${FOLDER}/clinc150.json`, "utf8")) as Clinc;
  const domains = JSON.parse(readFileSync(`${FOLDER}/clinc150.domains.json`, "utf8")) as Record<
    string,
    readonly string[]
  >;
  const domainOf = new Map(
    Object.entries(domains).flatMap(([domain, intents]) => intents.map((intent) => [intent, domain])),
  );
  return {
    train: byIntent(train),
    test: val,
    outside: [...oos_train, ...oos_val].map(([text]) => text),
    labelOf: (intent) => (labels === "intents" ? intent : (domainOf.get(intent) ?? intent)),
  };
}

/** BANKING77's training file: up to 20 messages of each intent are for testing, and at least 30 for fitting. */
export function banking(seed: number): Split {
  const rows = readFileSync(`${FOLDER}/banking77.train.csv`, "utf8").matchAll(
    /^(?:"((?:[^"]|"")*)"|([^",\n]*)),([\w?]+)\r?$/gm,
  );
  const all = [...rows].map(([, quoted, bare, intent]): Row => [
    (quoted ?? bare ?? "").replaceAll('""', '"'),
    intent ?? "",
  ]);
  const random = randomFrom(seed);
  const train = new Map<string, readonly string[]>();
  const test: Row[] = [];
  for (const [intent, texts] of byIntent(all.slice(1))) {
    const mixed = shuffled(texts, random);
    const held = Math.min(20, mixed.length - 30);
    test.push(...mixed.slice(0, held).map((text): Row => [text, intent]));
    train.set(intent, mixed.slice(held));
  }
  return { train, test, outside: [], labelOf: (intent) => intent };
}

/** Examples for a classifier: `count` of each intent, chosen by `seed`. */
export function sampled(
  { train, labelOf }: Split,
  count: number,
  seed: number,
): Record<string, Record<string, readonly string[]>> {
  const random = randomFrom(seed);
  const examples: Record<string, Record<string, readonly string[]>> = {};
  for (const intent of [...train.keys()].toSorted()) {
    (examples[labelOf(intent)] ??= {})[intent] = shuffled(train.get(intent) ?? [], random).slice(0, count);
  }
  return examples;
}
