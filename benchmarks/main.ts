/**
 * Speed next to other frameworks: a report, not a test. `pnpm bench` measures everything and writes RESULTS.md;
 * `pnpm bench --only baton --scenario S1` measures a part in seconds and writes nothing.
 *
 *   --only a,b        these contestants; bare-plus always runs beside them
 *   --scenario S1,S4  these scenarios (S4 is S4 and S4x500)
 *   --rounds n        rounds of each scenario (25; with --only or --scenario 9)
 *   --write           writes RESULTS.md also of a part
 *   --core path       measures another copy of core's src/index.ts as well, as `baton-other`
 */
import { type ChildProcess, fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Order, Report } from "./child.ts";
import { GROWTH, LIVE, SCENARIOS, type Scenario } from "./scenarios.ts";

interface Entry {
  readonly id: string;
  readonly module: string;
  readonly export?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const FLOOR = "bare-plus";
const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    scenario: { type: "string" },
    rounds: { type: "string" },
    core: { type: "string" },
    write: { type: "boolean" },
  },
});
const partial = flags.only !== undefined || flags.scenario !== undefined || flags.core !== undefined;
const rounds = Number(flags.rounds ?? (partial ? 9 : 25));
const roundMs = partial ? 20 : 40;

const entries: Entry[] = [
  { id: "bare", module: "./contestants/bare.ts" },
  { id: FLOOR, module: "./contestants/bare-plus.ts" },
  { id: "baton", module: "./contestants/baton.ts" },
  { id: "baton-streamed", module: "./contestants/baton.ts", export: "streamed" },
  { id: "baton-acting", module: "./contestants/baton.ts", export: "acting" },
];
if (flags.core !== undefined)
  entries.push({ id: "baton-other", module: "./contestants/baton.ts", env: { BATON_CORE: resolve(flags.core) } });

const listOf = (flag: string | undefined): readonly string[] => flag?.split(",") ?? [];
const only = listOf(flags.only);
const chosen = entries.filter(
  ({ id }) => only.length === 0 || id === FLOOR || id === "baton-other" || only.includes(id),
);
const wanted = listOf(flags.scenario);
const scenarios = SCENARIOS.filter(
  ({ id }) => wanted.length === 0 || wanted.some((each) => id === each || id.startsWith(`${each}x`)),
);

class Child {
  readonly id: string;
  readonly #process: ChildProcess;

  private constructor(id: string, process: ChildProcess) {
    this.id = id;
    this.#process = process;
  }

  static async start(entry: Entry): Promise<Child> {
    const child = fork(join(import.meta.dirname, "child.ts"), [entry.module, entry.export ?? "contestant"], {
      execArgv: ["--expose-gc", "--no-warnings"],
      env: { ...process.env, ...entry.env },
    });
    await answerOf(child);
    return new Child(entry.id, child);
  }

  async order(order: Order): Promise<Report> {
    const report = answerOf(this.#process);
    this.#process.send(order);
    return (await report) as Report;
  }

  stop(): void {
    this.#process.kill();
  }
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((answered, failed) => {
    const onExit = (code: number | null): void => failed(new Error(`A child has ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      answered(message);
    });
  });
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

interface Row {
  readonly scenario: string;
  readonly contestant: string;
  readonly value: number;
  /** Times bare-plus, or the value itself where the goal is no ratio. */
  readonly ratio?: number;
}

async function measure(scenario: Scenario, children: readonly Child[]): Promise<Row[]> {
  const able: Child[] = [];
  for (const child of children) {
    const report = await child.order({ type: "prepare", scenario: scenario.id, roundMs });
    if (report.error !== undefined) console.error(`${scenario.id} ${child.id}: ${report.error}`);
    else if (report.value !== undefined) able.push(child);
  }
  const times = new Map(able.map((child): [Child, number[]] => [child, []]));
  for (let i = 0; i < rounds; i++) {
    for (const child of able) times.get(child)!.push((await child.order({ type: "round" })).value!);
  }
  const floor = times.get(able.find(({ id }) => id === FLOOR)!)!;
  return able.map((child) => {
    const mine = times.get(child)!;
    return {
      scenario: scenario.id,
      contestant: child.id,
      value: median(mine),
      ratio: median(mine.map((time, i) => time / floor[i]!)),
    };
  });
}

async function each(type: "growth" | "live", scenario: string, children: readonly Child[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const child of children) {
    const { value, error } = await child.order({ type });
    if (error !== undefined) console.error(`${scenario} ${child.id}: ${error}`);
    if (value !== undefined) rows.push({ scenario, contestant: child.id, value });
  }
  return rows;
}

const micros = (value: number): string =>
  `${value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(value < 0.1 ? 2 : 3)} µs`;

/** One scenario as a line of the table. */
function line(
  what: string,
  rows: readonly Row[],
  unit: (value: number) => string,
  goal: string,
  met?: (row: Row) => boolean,
): string[] {
  return [
    what,
    ...chosen.map(({ id }) => {
      const row = rows.find(({ contestant }) => contestant === id);
      if (!row) return "–";
      const ratio = row.ratio === undefined || id === FLOOR ? "" : ` (${row.ratio.toFixed(row.ratio < 10 ? 1 : 0)}×)`;
      const verdict = met && id.startsWith("baton") ? (met(row) ? " met" : " **missed**") : "";
      return `${unit(row.value)}${ratio}${verdict}`;
    }),
    goal,
  ];
}

const children: Child[] = [];
for (const entry of chosen) children.push(await Child.start(entry));
const lines: string[][] = [];
const show = (cells: string[]): void => {
  lines.push(cells);
  console.log(`| ${cells.join(" | ")} |`);
};
show(["scenario", ...chosen.map(({ id }) => id), "goal"]);
show(["---", ...chosen.map(() => "---"), "---"]);
for (const scenario of scenarios) {
  const rows = await measure(scenario, children);
  show(
    line(`${scenario.id} ${scenario.what}`, rows, micros, `${scenario.goal}×`, ({ ratio }) => ratio! <= scenario.goal),
  );
  if (scenario.id === "S4x500") {
    const grown = await each("growth", "growth", children);
    const unit = (value: number): string => `${value.toFixed(2)}×`;
    show(
      line(
        "– its turns around 490, over those around 15",
        grown,
        unit,
        `${GROWTH.goal}×`,
        ({ value }) => value <= GROWTH.goal,
      ),
    );
  }
  if (scenario.id === "S7") {
    const held = await each("live", "live", children);
    const unit = (value: number): string => `${value.toFixed(1)} KB`;
    show(
      line("– heap held by each while it waits", held, unit, `${LIVE.goalKb} KB`, ({ value }) => value <= LIVE.goalKb),
    );
  }
}
for (const child of children) child.stop();
if (!partial || flags.write) {
  const machine = `${availableParallelism()} cores, ${process.arch === "x64" ? "x86-64" : process.arch}`;
  const table = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  writeFileSync(
    join(import.meta.dirname, "RESULTS.md"),
    `# Results\n\n${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${machine}, ${rounds} interleaved rounds, medians.\n\n${table}\n`,
  );
}
