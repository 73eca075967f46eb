/**
 * Measures the embedded classifier on messages that it has not seen:
 *
 *     node scripts/evaluate.ts [seeds]
 *
 * Each line is the mean over the seeds, which choose the examples. It takes about a minute a seed.
 */
import { type ClassifierOptions, fitClassifier, loadClassifier } from "../src/index.ts";
import { banking, clinc, hasIntents, sampled, type Split } from "./intents.ts";

interface Task {
  readonly name: string;
  readonly split: (seed: number) => Split;
  readonly count: number;
  /** Measures and what they should reach. */
  readonly goals: Readonly<Record<string, number>>;
}

const TASKS: readonly Task[] = [
  {
    name: "CLINC150, 10 domains, 8 examples an intent",
    split: () => clinc("domains"),
    count: 8,
    goals: { right: 92, "right at 85 % coverage": 97, "out-of-scope AUROC": 92 },
  },
  { name: "CLINC150, 150 intents, 8 examples", split: () => clinc("intents"), count: 8, goals: { right: 83 } },
  { name: "CLINC150, 150 intents, 30 examples", split: () => clinc("intents"), count: 30, goals: { right: 90 } },
  { name: "BANKING77, 77 intents, 8 examples", split: banking, count: 8, goals: { right: 75 } },
  { name: "BANKING77, 77 intents, 30 examples", split: banking, count: 30, goals: { right: 86 } },
];

const VARIANTS: readonly (readonly [name: string, options: ClassifierOptions])[] = [
  ["as it is", {}],
  ["without names of intents", { names: false }],
  ["without word vectors", { vectors: false }],
];

if (!hasIntents) {
  console.log("Nothing was measured: the folder with the messages is not there. BATON_INTENTS names another one.");
  process.exit(0);
}
// Other seeds than those by which the classifier's settings were chosen.
const seeds = Array.from({ length: Number(process.argv[2] ?? 3) }, (_, i) => 101 + i);

for (const [variant, options] of VARIANTS) {
  console.log(`\n${variant}`);
  for (const task of TASKS) {
    const runs: Record<string, number>[] = [];
    for (const seed of seeds) runs.push(await measure(task, seed, options));
    console.log(`  ${task.name}`);
    for (const measured of Object.keys(runs[0] ?? {})) {
      const value = mean(runs.map((run) => run[measured] ?? 0));
      const goal = task.goals[measured];
      console.log(
        `    ${measured.padEnd(28)} ${value.toFixed(2).padStart(9)}${goal === undefined ? "" : `   goal ${goal}`}`,
      );
    }
  }
}
console.log("\nten agents with 120 examples each");
console.log(`    fit, ms                      ${(await fittingTime()).toFixed(0).padStart(9)}   goal < 3000`);

async function measure(
  { split, count, goals }: Task,
  seed: number,
  options: ClassifierOptions,
): Promise<Record<string, number>> {
  const data = split(seed);
  const started = processorTime();
  const fitted = await fitClassifier(sampled(data, count, seed), { ...options, threshold: 0 });
  const fitting = processorTime() - started;
  const judged = data.test.map(([text, intent]) => {
    const { label, score } = fitted.predict(text);
    return { intent, right: label === data.labelOf(intent), score };
  });
  const deciding = processorTime() - started - fitting;
  const sure = judged.toSorted((a, b) => b.score - a.score).slice(0, Math.floor(judged.length * 0.85));
  const outside = data.outside.map((text) => fitted.predict(text).score);
  const text = JSON.stringify(fitted.save());
  const loaded = await loadClassifier(JSON.parse(text));
  const same = data.test.filter(
    ([message]) => loaded.predict(message).scores[0]?.label === fitted.predict(message).scores[0]?.label,
  );
  return {
    right: 100 * rightByIntent(judged),
    ...("right at 85 % coverage" in goals && {
      "right at 85 % coverage": 100 * mean(sure.map(({ right }) => Number(right))),
    }),
    ...("out-of-scope AUROC" in goals && {
      "out-of-scope AUROC":
        100 *
        auroc(
          judged.map(({ score }) => score),
          outside,
        ),
    }),
    "fit, ms": fitting,
    "decision, ms": deciding / judged.length,
    "saved, KB": text.length / 1_024,
    "loaded says the same": (100 * same.length) / data.test.length,
  };
}

/** How many are right, each intent counting the same. */
function rightByIntent(judged: readonly { readonly intent: string; readonly right: boolean }[]): number {
  const groups = Map.groupBy(judged, ({ intent }) => intent);
  return mean([...groups.values()].map((group) => mean(group.map(({ right }) => Number(right)))));
}

/** How often a message in scope has a higher score than one out of scope. */
function auroc(inside: readonly number[], outside: readonly number[]): number {
  let above = 0;
  for (const a of inside) for (const b of outside) above += a > b ? 1 : a === b ? 0.5 : 0;
  return above / (inside.length * outside.length);
}

async function fittingTime(): Promise<number> {
  const examples = sampled(clinc("domains"), 8, 1);
  const started = processorTime();
  await fitClassifier(examples);
  return processorTime() - started;
}

/** Time of the processor in milliseconds, so that what else the machine does is not counted. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
}
