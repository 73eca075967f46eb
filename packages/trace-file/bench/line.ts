/**
 * What the log adds to a run: `node bench/line.ts [runs]`. Prints microseconds for each line, over the same run without
 * it, and how fast a log is read.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, type Model, type Plugin, Runner } from "@batonjs/core";
import { readTrace, traceFile } from "../src/index.ts";

const runs = Number(process.argv[2] ?? 3_000);
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
  let started = 0;
  for (let i = -runs / 5; i < runs; i++) {
    if (i === 0) started = performance.now();
    await runner.run(agent, "I was charged twice");
  }
  const took = performance.now() - started;
  await runner.close();
  return (took * 1_000) / runs;
}

/** run_started, two messages, the turn and its two events, run_finished. */
const LINES = 7;
const plain = await measure([]);
console.log(`a run of ${LINES} lines without a log: ${plain.toFixed(0)} µs`);
for (const capture of [false, true]) {
  const traced = await measure([traceFile(join(folder, `${capture}.jsonl`), { capture, maxQueue: 1_000_000 })]);
  const name = capture ? "traceFile(), all contents" : "traceFile()";
  console.log(`${name.padEnd(28)} ${((traced - plain) / LINES).toFixed(1).padStart(5)} µs a line`);
}
const file = join(folder, "true.jsonl");
const started = performance.now();
const { runs: read } = await readTrace(file);
const seconds = (performance.now() - started) / 1_000;
console.log(`readTrace(): ${read.length} runs, ${(statSync(file).size / 1e6 / seconds).toFixed(0)} MB/s`);
rmSync(folder, { recursive: true });
