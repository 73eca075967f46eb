/** What the router asks of a classifier. Any object with these methods will do. */
import type { Json, MaybePromise } from "@batonjs/core";

/** A message and where it belongs. */
export interface Example {
  readonly text: string;
  /** Name of the handoff, or a label for what stays with the agent. */
  readonly label: string;
  /** What the message is about; a label may have several. */
  readonly intent: string;
}

/** An example that a message is like. */
export interface Neighbour {
  readonly text: string;
  /** How like, from 0 to 1. */
  readonly score: number;
}

/** How well a message fits one label, or one intent of a label: the router adds up what has the same label. */
export interface Prediction {
  readonly label: string;
  /** From 0 to 1; of all predictions together at most 1. */
  readonly score: number;
  readonly intent?: string;
  /** The examples that are most like the message, the best first. */
  readonly nearest: readonly Neighbour[];
}

/** A classifier that has learned. */
export interface Classifier {
  /** For any text, the best first. Empty where nothing can be said. */
  predict(text: string): readonly Prediction[];
  /** What `load` makes the same classifier of. */
  save(): Json;
}

/** Makes classifiers. */
export interface ClassifierKind {
  /** Stands in a saved router: another kind does not read it. */
  readonly name: string;
  fit(examples: readonly Example[]): MaybePromise<Classifier>;
  load(saved: Json): MaybePromise<Classifier>;
}
