/** The classifier of `@batonjs/model-local`, for those who have that package. */
import type { Examples, Json } from "@batonjs/core";
import type { Classifier, ClassifierKind, Example, Prediction } from "./classifier.ts";
import { STAYS } from "./lessons.ts";
import { lexical } from "./lexical.ts";

/** What is used of `@batonjs/model-local`. */
export interface LocalClassifiers {
  fitClassifier(examples: Readonly<Record<string, Examples>>): Promise<LocalClassifier>;
  loadClassifier(saved: never): Promise<LocalClassifier>;
}
/** A classifier of that package. */
export interface LocalClassifier {
  predict(text: string, options: { readonly nearest: number }): LocalPrediction;
  save(): unknown;
}
/** What it says of a message. */
export interface LocalPrediction {
  readonly scores: readonly { readonly label: string; readonly score: number }[];
  readonly intents: readonly { readonly label: string; readonly intent?: string }[];
  readonly nearest: readonly { readonly text: string; readonly label: string; readonly similarity: number }[];
}

const NAME = "embedded";
const MAX_NEAREST = 6;

/**
 * The classifier of `@batonjs/model-local`: words, pieces of words and word vectors, so that a bill is like an invoice.
 * `embedded(await import("@batonjs/model-local"))`.
 */
export function embedded(local: LocalClassifiers): ClassifierKind {
  return {
    name: NAME,
    fit: async (examples) => adapted(await local.fitClassifier(grouped(examples))),
    load: async (saved) => adapted(await local.loadClassifier(saved as never)),
  };
}

/** `embedded()` where `@batonjs/model-local` is installed, else `lexical()`. A saved one is of the kind it was. */
export function installed(): ClassifierKind {
  return {
    name: "installed",
    async fit(examples) {
      const kind = await bestKind();
      return tagged(await kind.fit(examples), kind);
    },
    async load(saved) {
      const { kind: name, data } = saved as { readonly kind?: Json; readonly data?: Json };
      const kind = name === NAME ? await bestKind() : lexical();
      if (kind.name !== name || data === undefined)
        throw new TypeError(
          `Cannot load a classifier: it is of the kind ${JSON.stringify(name)}, which is not installed`,
        );
      return tagged(await kind.load(data), kind);
    },
  };
}

const tagged = (classifier: Classifier, { name }: ClassifierKind): Classifier => ({
  predict: (text) => classifier.predict(text),
  save: () => ({ kind: name, data: classifier.save() }),
});

async function bestKind(): Promise<ClassifierKind> {
  try {
    const local = (await import("@batonjs/model-local")) as Partial<LocalClassifiers>;
    if (local.fitClassifier && local.loadClassifier) return embedded(local as LocalClassifiers);
  } catch {
    // It is not installed.
  }
  return lexical();
}

/** By label and intent. Names of intents count as examples there: those that say nothing become signs. */
function grouped(examples: readonly Example[]): Readonly<Record<string, Examples>> {
  const labels = Map.groupBy(examples, ({ label }) => label);
  return Object.fromEntries(
    [...labels].map(([label, own]) => {
      const intents = [...Map.groupBy(own, ({ intent }) => intent)];
      return [
        label,
        Object.fromEntries(
          intents.map(([intent, texts], i) => [
            saysNothing(label, intent) ? "·".repeat(i + 1) : intent,
            texts.map(({ text }) => text),
          ]),
        ),
      ];
    }),
  );
}

const saysNothing = (label: string, intent: string): boolean =>
  label === STAYS || intent === "" || intent === "when" || intent === "described";

function adapted(local: LocalClassifier): Classifier {
  return {
    predict(text) {
      const { scores, intents, nearest } = local.predict(text, { nearest: MAX_NEAREST });
      return scores.map(({ label, score }): Prediction => {
        const intent = intents.find((each) => each.label === label)?.intent;
        return {
          label,
          score,
          ...(intent === undefined || intent.startsWith("·") ? {} : { intent }),
          nearest: nearest
            .filter((each) => each.label === label)
            .map((each) => ({ text: each.text, score: Math.max(0, each.similarity) })),
        };
      });
    },
    save: () => local.save() as Json,
  };
}
