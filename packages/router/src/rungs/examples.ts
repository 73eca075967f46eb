import type { Classifier, Prediction } from "../classifier.ts";
import type { AgentScore, Judgement, NearExample, Rung } from "../decision.ts";
import type { Learner, Taught } from "../learner.ts";
import { STAYS } from "../lessons.ts";
import { contentOf } from "../text.ts";

const MAX_NEAREST = 3;

/** What the examples of the handoffs say. */
export function examplesRung(learner: Learner, threshold: () => number): Rung {
  return {
    name: "examples",
    get threshold() {
      return threshold();
    },
    async judge({ text, request }): Promise<Judgement | undefined> {
      const taught = await learner.taughtOf(request.at.agent, request);
      return taught && judgeBy(taught, text);
    },
  };
}

/** The best label, with the scores of its intents added up. Nothing where there is nothing to tell apart. */
export function judgeBy(taught: Taught, text: string): Judgement | undefined {
  const { classifier, lessons } = taught;
  if (text.trim() === "") return undefined;
  const labels = labelsOf(classifier, text, vetoed(taught, text));
  const [best] = labels;
  if (!best) return undefined;
  const to = (label: string): string | null => (label === STAYS ? null : (lessons.agents.get(label) ?? label));
  return {
    to: best.label === STAYS ? null : best.label,
    score: best.score,
    ...(best.intent === undefined || best.intent === "" ? {} : { intent: best.intent }),
    scores: labels.map(({ label, score }): AgentScore => ({ to: to(label), score })),
    nearest: labels
      .flatMap(({ label, nearest }) => nearest.map((near): NearExample => ({ to: to(label), ...near })))
      .toSorted((a, b) => b.score - a.score)
      .slice(0, MAX_NEAREST),
  };
}

function labelsOf(classifier: Classifier, text: string, without: ReadonlySet<string>): readonly Prediction[] {
  const groups = Map.groupBy(classifier.predict(text), ({ label }) => label);
  return [...groups]
    .map(([label, intents]): Prediction => {
      const [first] = intents.toSorted((a, b) => b.score - a.score);
      const sum = intents.reduce((total, { score }) => total + score, 0);
      return {
        label,
        // What is said to belong elsewhere loses its score to nobody: the rung becomes less sure, not sure of another.
        score: without.has(label) ? 0 : Math.min(1, sum),
        ...(first?.intent === undefined ? {} : { intent: first.intent }),
        nearest: intents.flatMap(({ nearest }) => nearest),
      };
    })
    .toSorted((a, b) => b.score - a.score);
}

/** Handoffs whose `notFor` the message speaks of. */
function vetoed({ lessons: { vetoes } }: Taught, text: string): ReadonlySet<string> {
  if (vetoes.size === 0) return new Set();
  const said = new Set(contentOf(text));
  const speaksOf = (words: readonly string[]): boolean => words.every((word) => said.has(word));
  return new Set([...vetoes].filter(([, pieces]) => pieces.some(speaksOf)).map(([name]) => name));
}
