/**
 * Speed next to other frameworks: a report, not a test. `pnpm bench` measures everything and writes RESULTS.md;
 * `pnpm bench --only baton --scenario S1` measures a part in seconds and writes nothing.
 *
 *   --only a,b        these contestants; bare-plus always runs beside them
 *   --scenario S1,S4  these scenarios (S4 is S4 and S4x500); `costs` is import, bundle and installation
 *   --rounds n        rounds of each scenario (25; of a part 9)
 *   --core path       measures another copy of core's src/index.ts as well, as `baton-other`
 */
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Child } from "./children.ts";
import { ENTRIES, type Entry, FLOOR } from "./contestants.ts";
import { type Line, type Row, markdown, tableLine } from "./report.ts";
import { COSTS, GROWTH, LIVE, SCENARIOS, type Scenario } from "./scenarios.ts";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    scenario: { type: "string" },
    rounds: { type: "string" },
    core: { type: "string" },
  },
});
const listOf = (flag: string | undefined): readonly string[] => flag?.split(",") ?? [];
const only = listOf(flags.only);
const wanted = listOf(flags.scenario);
const partial = only.length > 0 || wanted.length > 0 || flags.core !== undefined;
const rounds = Number(flags.rounds ?? (partial ? 9 : 25));
const roundMs = partial ? 20 : 40;

const scenarios = SCENARIOS.filter(
  ({ id }) => wanted.length === 0 || wanted.some((each) => id === each || id.startsWith(`${each}x`)),
);
const floors = new Set(scenarios.map(({ floor = FLOOR }) => floor));
const entries: Entry[] = ENTRIES.filter(({ id, extra }) =>
  only.length === 0 ? !extra : floors.has(id) || only.includes(id),
);
if (flags.core !== undefined) {
  const env = { BATON_CORE: resolve(flags.core) };
  entries.push({ id: "baton-other", title: "Baton, other copy", module: "./contestants/baton.ts", env });
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Fewer of those that take long. */
const roundsFor = (roundMicros: number): number =>
  Math.max(2, Math.min(rounds, Math.round((80_000 * rounds) / Math.max(roundMicros, 1))));

/** Rounds of all contestants in turn, so that what disturbs the machine disturbs all of them. */
async function measure({ id, what, goal, floor = FLOOR }: Scenario, children: readonly Child[]): Promise<Line> {
  const able: { readonly child: Child; readonly rounds: number; readonly times: number[] }[] = [];
  const rows: Row[] = [];
  for (const child of children) {
    const { value, roundMicros = 0, error } = await child.order({ type: "prepare", scenario: id, roundMs });
    if (error !== undefined) rows.push({ contestant: child.id, error });
    else if (value !== undefined) able.push({ child, rounds: roundsFor(roundMicros), times: [] });
  }
  for (let i = 0; i < rounds; i++) {
    for (const { child, rounds, times } of able) {
      if (i >= rounds) continue;
      const { value, error } = await child.order({ type: "round" });
      if (value !== undefined) times.push(value);
      else rows.push({ contestant: child.id, error: error ?? "" });
    }
  }
  const lowest = able.find(({ child }) => child.id === floor)!.times;
  for (const { child, times } of able) {
    if (times.length === 0) continue;
    const ratio = median(times.map((time, i) => time / lowest[i]!));
    rows.push({ contestant: child.id, value: median(times), ratio });
  }
  return { what: `${id} ${what}`, unit: "µs", goal, floor, rows };
}

/** A figure that is no ratio to bare-plus. */
async function figure(type: "growth" | "live", children: readonly Child[]): Promise<Line> {
  const rows: Row[] = [];
  for (const child of children) {
    const { value, error } = await child.order({ type });
    if (error !== undefined) rows.push({ contestant: child.id, error });
    else if (value !== undefined) rows.push({ contestant: child.id, value });
  }
  return type === "growth"
    ? { what: GROWTH.what, unit: "×", goal: GROWTH.goal, rows }
    : { what: LIVE.what, unit: "KB", goal: LIVE.goal, rows };
}

async function costs(): Promise<Line[]> {
  const able = entries.filter(({ imports }) => imports);
  const built = spawnSync("pnpm", ["--dir", join(import.meta.dirname, "../packages/core"), "run", "build"]);
  if (built.status !== 0) console.error("Core does not compile: its costs are those of the last build.");
  const { bundleKb, importCosts, installed } = await import("./costs.ts");
  const imported = importCosts(able, partial ? 9 : 21);
  const bundles: Row[] = [];
  for (const entry of able) bundles.push({ contestant: entry.id, value: await bundleKb(entry) });
  const each = able.map((entry) => ({ contestant: entry.id, ...installed(entry) }));
  return [
    { ...COSTS.import, rows: able.map(({ id }) => ({ contestant: id, value: imported.get(id)! })) },
    { ...COSTS.bundle, rows: bundles },
    { ...COSTS.packages, rows: each.map(({ contestant, packages }) => ({ contestant, value: packages })) },
    { ...COSTS.installed, rows: each.map(({ contestant, mb }) => ({ contestant, value: mb })) },
  ];
}

const lines: Line[] = [];
const show = (line: Line): void => {
  lines.push(line);
  console.log(tableLine(line, entries));
};
console.log(`| scenario | ${entries.map(({ title }) => title).join(" | ")} | goal |`);
console.log(`| --- |${" --: |".repeat(entries.length)} --: |`);
const notes: string[] = [];
if (scenarios.length > 0) {
  const server = fork(join(import.meta.dirname, "server.ts"), { execArgv: ["--no-warnings"] });
  const [{ url }] = (await once(server, "message")) as [{ readonly url: string }];
  process.env["BENCH_SERVER"] = url;
  for (const scenario of scenarios) {
    // New processes for each scenario: what one has left in the compiler and the heap is no matter of the next.
    const children = await Promise.all(entries.map((entry) => Child.start(entry)));
    for (const { notes: some } of children) notes.push(...some.filter((note) => !notes.includes(note)));
    show(await measure(scenario, children));
    if (scenario.id === "S4x500") show(await figure("growth", children));
    if (scenario.id === "S7") show(await figure("live", children));
    for (const child of children) child.stop();
  }
  server.kill();
}
if (wanted.length === 0 ? !partial : wanted.includes("costs")) for (const line of await costs()) show(line);
if (!partial) {
  const machine = `${availableParallelism()} cores, ${process.arch === "x64" ? "x86-64" : process.arch}`;
  const setting = `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${machine}; ${rounds} interleaved rounds, medians of CPU time.`;
  writeFileSync(join(import.meta.dirname, "RESULTS.md"), markdown(lines, entries, setting, notes));
}
