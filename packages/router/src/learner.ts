/** What the router has learned: a classifier for each distinct set of examples. */
import type { Json } from "@batonjs/core";
import type { Classifier, ClassifierKind } from "./classifier.ts";
import { type Extra, type Lessons, lessonsOf, type Offer } from "./lessons.ts";

/** A classifier and what it was taught. */
export interface Taught {
  readonly lessons: Lessons;
  readonly classifier: Classifier;
}

/** Classifiers as they are saved. */
export interface SavedClassifiers {
  readonly kind: string;
  readonly sets: readonly { readonly key: string; readonly data: Json }[];
}

/** The most sets that one router keeps, and the most agents; the oldest goes first. */
const MAX_SETS = 64;
const MAX_AGENTS = 256;

export class Learner {
  readonly #kind: ClassifierKind;
  readonly #extra: Extra;
  readonly #saved: Map<string, Json>;
  readonly #byKey = new Map<string, Promise<Taught | undefined>>();
  /** The lists of a static agent are the same objects in every request: a cache by identity. */
  readonly #byLists = new WeakMap<object, { readonly tools: object; readonly taught: Promise<Taught | undefined> }>();
  /** What each agent offered last. */
  readonly #offers = new Map<string, Offer>();

  constructor(kind: ClassifierKind, extra: Extra, saved: SavedClassifiers | undefined) {
    this.#kind = kind;
    this.#extra = extra;
    const sets = saved?.kind === kind.name ? saved.sets : [];
    this.#saved = new Map(sets.map(({ key, data }) => [key, data]));
  }

  /** What the agent's handoffs teach; fits at the first time. Nothing where there are not two labels to tell apart. */
  taughtOf(agent: string, offer: Offer): Promise<Taught | undefined> {
    const known = this.#byLists.get(offer.handoffs);
    if (known?.tools === offer.tools) return known.taught;
    this.#offers.delete(agent);
    this.#offers.set(agent, { handoffs: offer.handoffs, tools: offer.tools });
    trim(this.#offers, MAX_AGENTS);
    const taught = this.#learn(lessonsOf(offer, this.#extra));
    this.#byLists.set(offer.handoffs, { tools: offer.tools, taught });
    taught.catch(() => this.#byLists.delete(offer.handoffs)); // it may work the next time
    return taught;
  }

  /** What the agent called `agent` has been seen to offer. */
  offerOf(agent: string): Offer | undefined {
    return this.#offers.get(agent);
  }

  async save(): Promise<SavedClassifiers> {
    const sets: { key: string; data: Json }[] = [];
    for (const [key, taught] of this.#byKey) {
      const done = await taught.catch(() => undefined);
      if (done) sets.push({ key, data: done.classifier.save() });
    }
    for (const [key, data] of this.#saved) if (!this.#byKey.has(key)) sets.push({ key, data });
    return { kind: this.#kind.name, sets: sets.slice(0, MAX_SETS) };
  }

  #learn(lessons: Lessons): Promise<Taught | undefined> {
    const known = this.#byKey.get(lessons.key);
    if (known) return known;
    const taught = this.#fit(lessons);
    this.#byKey.set(lessons.key, taught);
    trim(this.#byKey, MAX_SETS);
    taught.catch(() => this.#byKey.delete(lessons.key));
    return taught;
  }

  async #fit(lessons: Lessons): Promise<Taught | undefined> {
    if (new Set(lessons.examples.map(({ label }) => label)).size < 2) return undefined;
    const saved = this.#saved.get(lessons.key);
    const classifier = saved === undefined ? await this.#kind.fit(lessons.examples) : await this.#kind.load(saved);
    return { lessons, classifier };
  }
}

function trim(map: Map<string, unknown>, max: number): void {
  while (map.size > max) map.delete(map.keys().next().value!);
}
