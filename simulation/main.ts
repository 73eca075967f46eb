/**
 * Simulates seeds: `pnpm simulate --seeds 3000`, `pnpm simulate --seed 42` tells what happens in one,
 * `pnpm simulate --plant skip-version` looks for a bug that is planted in the core.
 */
import { registerHooks } from "node:module";
import { parseArgs } from "node:util";
import { planted, PLANTS } from "./plants.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "3000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    plant: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const { plant } = values;
if (values.help || (plant !== undefined && !Object.hasOwn(PLANTS, plant))) {
  console.log(`simulate [--seeds 3000] [--from 1] [--seed N] [--plant ${Object.keys(PLANTS).join("|")}]`);
  process.exit(values.help ? 0 : 2);
}
if (plant !== undefined) registerHooks(planted(plant));

const { simulate } = await import("./simulate.ts");

/** What nobody handled, of the seed that is under way. */
const unhandled: string[] = [];
process.on("unhandledRejection", (error) => unhandled.push(String((error as Error | undefined)?.stack ?? error)));

if (values.seed !== undefined) {
  const { log, problems, journals } = await simulate(Number(values.seed), { verbose: true });
  console.log(log.join("\n"));
  console.log(journals.replaceAll("},{", "},\n{"));
  console.log(problems.length === 0 ? "no problem" : problems.join("\n"));
  process.exit(problems.length === 0 ? 0 : 1);
}

const started = performance.now();
const [from, count] = [Number(values.from), Number(values.seeds)];
const ends: Record<string, number> = {};
let steps = 0;
let failed = 0;
let seed = from;
for (; seed < from + count && failed < (plant === undefined ? 10 : 1); seed++) {
  const outcome = await simulate(seed);
  const problems = [
    ...outcome.problems,
    ...unhandled.splice(0).map((each) => `I15 settles once: unhandled rejection ${each}`),
  ];
  steps += outcome.steps;
  for (const [end, times] of Object.entries(outcome.ends)) ends[end] = (ends[end] ?? 0) + times;
  if (problems.length === 0) continue;
  failed += 1;
  console.log(`SEED ${seed}: ${problems.slice(0, 3).join("\n  ")}\n  again: pnpm simulate --seed ${seed}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `${seed - from} seeds, ${steps} steps, ${seconds} s: ${failed === 0 ? "no problem" : `${failed} with problems`}`,
);
console.log(
  Object.entries(ends)
    .toSorted(([, a], [, b]) => b - a)
    .map(([end, times]) => `${end} ${times}`)
    .join(", "),
);
process.exitCode = failed === 0 ? 0 : 1;
