/** Runs the scenarios of one contestant in a process of its own. Its parent says which, and when. */
import { setImmediate as breathe } from "node:timers/promises";
import type { Contestant, RunOnce, Wait } from "./contestants/contestant.ts";
import { GROWTH, LIVE, SCENARIOS, type Scenario } from "./scenarios.ts";

export type Order =
  | { readonly type: "prepare"; readonly scenario: string; readonly roundMs: number }
  | { readonly type: "round" }
  | { readonly type: "growth" }
  | { readonly type: "live" };
/** Microseconds, a ratio or kilobytes; `undefined` where the contestant cannot do it. */
export interface Report {
  readonly value?: number;
  /** Microseconds that one round takes. */
  readonly roundMicros?: number;
  readonly error?: string;
}

const [, , module = "", name = "contestant"] = process.argv;
const contestant = ((await import(module)) as Record<string, Contestant>)[name]!;
const gc = globalThis.gc as () => void;

/** CPU time until the compiler has settled. */
const WARM_MICROS = 800_000;
/** A first run that takes longer is not made warm. */
const SLOW_MICROS = 2_000_000;

let scenario: Scenario;
let runOnce: RunOnce | undefined;
let runs = 1;

const cpuMicros = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** CPU time of `count` runs, in microseconds. */
async function timed(count: number): Promise<number> {
  const started = cpuMicros();
  if (scenario.concurrent === undefined) for (let i = 0; i < count; i++) await runOnce!();
  else for (let i = 0; i < count; i++) await Promise.all(Array.from({ length: scenario.concurrent }, () => runOnce!()));
  return cpuMicros() - started;
}

/** Gets the scenario ready and warm, and finds out how many runs make a round. */
async function prepare(id: string, roundMs: number): Promise<Report> {
  scenario = SCENARIOS.find((each) => each.id === id)!;
  runOnce = scenario.prepare(contestant);
  if (!runOnce) return {};
  const before = cpuMicros();
  const answer = await runOnce();
  if (answer !== scenario.answer) return { error: `answered ${JSON.stringify(answer)?.slice(0, 200)}` };
  runs = 1;
  if (cpuMicros() - before > SLOW_MICROS) return { value: runs, roundMicros: cpuMicros() - before };
  for (let warm = 0; warm < WARM_MICROS;) {
    const spent = await timed(runs);
    warm += spent;
    const wanted = (roundMs * 1_000) / Math.max(spent / runs, 0.1);
    runs = Math.max(1, Math.min(Math.round(wanted), runs * 4));
  }
  return { value: runs, roundMicros: await timed(runs) };
}

/** Microseconds of CPU per run, turn or delta. */
async function round(): Promise<Report> {
  return { value: (await timed(runs)) / runs / (scenario.concurrent ?? 1) / (scenario.per ?? 1) };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** How much more the late turns of one run take than its early ones. */
async function growth(): Promise<Report> {
  const marks = new Float64Array(GROWTH.calls + 1);
  const run = contestant.S4?.(GROWTH.calls, (turn) => {
    marks[turn] = performance.now();
  });
  if (!run) return {};
  const ratios: number[] = [];
  const { early, late, width } = GROWTH;
  const started = performance.now();
  for (let i = 0; i < 100 && (i < 2 || performance.now() - started < 3_000); i++) {
    await run();
    ratios.push((marks[late + width]! - marks[late]!) / (marks[early + width]! - marks[early]!));
  }
  return { value: median(ratios.slice(ratios.length >> 2)) };
}

/** Kilobytes of heap that a run holds while its second agent's model is waited for. */
async function live(): Promise<Report> {
  let waiting = 0;
  let release = (): void => {};
  let gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const wait: Wait = () => {
    waiting++;
    return gate;
  };
  const run = contestant.S2?.(wait);
  if (!run) return {};
  const settle = async (count: number): Promise<void> => {
    for (let i = 0; i < 10_000 && waiting < count; i++) await breathe();
  };
  const all = async (measure: boolean): Promise<number> => {
    gc();
    await breathe();
    gc();
    const before = process.memoryUsage().heapUsed;
    waiting = 0;
    const running = Array.from({ length: LIVE.runs }, () => run());
    await settle(LIVE.runs);
    const first = release;
    gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    first();
    await settle(2 * LIVE.runs);
    let held = 0;
    if (measure) {
      gc();
      await breathe();
      gc();
      held = process.memoryUsage().heapUsed - before;
    }
    const second = release;
    gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    second();
    await Promise.all(running);
    return held / LIVE.runs / 1_024;
  };
  await all(false);
  return { value: await all(true) };
}

async function follow(order: Order): Promise<Report> {
  switch (order.type) {
    case "prepare":
      return prepare(order.scenario, order.roundMs);
    case "round":
      return round();
    case "growth":
      return growth();
    case "live":
      return live();
    default:
      throw new TypeError(`Cannot follow ${JSON.stringify(order satisfies never)}`);
  }
}

process.on("message", (order: Order) => {
  follow(order).then(
    (report) => process.send!(report),
    (error: unknown) => process.send!({ error: String(error).split("\n")[0]!.slice(0, 200) }),
  );
});
process.send!({ ready: contestant.notes ?? [] });
