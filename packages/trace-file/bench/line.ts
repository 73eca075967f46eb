/**
 * What the log adds to a run: `node bench/line.ts [runs]`. Prints microseconds of processor time for each line, over
 * the same run without it, and how fast a log is read.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, type Model, type Plugin, Runner } from "@batonjs/core";
import { readTrace, traceFile } from "../src/index.ts";

const runs = Number(process.argv[2] ?? 1_000);
const folder = mkdtempSync(join(tmpdir(), "baton-bench-"));

/** A model that answers at once: what is measured is not its. */
const model: Model = {
  name: "instant",
  provider: "bench",
  async *stream() {
    const items = [{ type: "message", role: "assistant", content: "You were charged once." }] as const;
    yield { type: "reply", items, finishReason: "stop", usage: { inputTokens: 100, outputTokens: 20 } };
  },
};
const agent = new Agent({ name: "Billing Agent", model });

async function measure(plugins: readonly Plugin[]): Promise<number> {
  const runner = new Runner({ plugins });
  let started = process.cpuUsage();
  for (let i = -runs / 5; i < runs; i++) {
    if (i === 0) started = process.cpuUsage();
    await runner.run(agent, "I was charged twice");
  }
  await runner.close();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / runs;
}

/** run_started, two messages, the turn and its two events, run_finished. */
const LINES = 7;
/** The least of several rounds, taken in turns: what else the machine does only adds. */
const ROUNDS = 8;
const least = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++) {
  const cases: Readonly<Record<string, readonly Plugin[]>> = {
    none: [],
    "traceFile()": [traceFile(join(folder, "false.jsonl"), { maxQueue: 1_000_000 })],
    "traceFile(), all contents": [traceFile(join(folder, "true.jsonl"), { capture: true, maxQueue: 1_000_000 })],
  };
  for (const [name, plugins] of Object.entries(cases))
    least.set(name, Math.min(least.get(name) ?? Infinity, await measure(plugins)));
}
const plain = least.get("none") ?? 0;
console.log(`a run of ${LINES} lines without a log: ${plain.toFixed(0)} µs`);
for (const [name, traced] of least)
  if (name !== "none") console.log(`${name.padEnd(28)} ${((traced - plain) / LINES).toFixed(1).padStart(5)} µs a line`);
const file = join(folder, "true.jsonl");
const started = performance.now();
const { runs: read } = await readTrace(file);
const seconds = (performance.now() - started) / 1_000;
console.log(`readTrace(): ${read.length} runs, ${(statSync(file).size / 1e6 / seconds).toFixed(0)} MB/s`);
rmSync(folder, { recursive: true });
