import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, Runner, tool } from "@batonjs/core";
import { call, say, scriptedModel } from "@batonjs/testing";
import { type ExporterFault, testExporter, testTracer } from "@batonjs/testing/tracing";
import { afterAll, describe, expect, it } from "vitest";
import { consoleTrace, readTrace, traceFile } from "./index.ts";
import type { LogStorage } from "./storage.ts";
import { traceTo } from "./trace-file.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${files++}`, "trace.jsonl");

describe("traceFile()", () => {
  testTracer({
    describe,
    it,
    create: ({ capture }) => {
      const file = newFile();
      const plugin = traceFile(file, { capture, deltas: true });
      return { plugin, written: () => readFileSync(file, "utf8") };
    },
  });
  testExporter({
    describe,
    it,
    closeWithinMs: 1_000,
    create: (fault) => {
      const plugin = traceTo(faulty(fault), { maxQueue: 200, closeTimeoutMs: 100 });
      return { plugin, stats: () => plugin.stats, maxQueue: 200 };
    },
  });
});

describe("consoleTrace()", () => {
  testTracer({
    describe,
    it,
    create: ({ capture }) => {
      const lines: string[] = [];
      const plugin = consoleTrace({ capture, colours: false, width: 10_000, write: (line) => void lines.push(line) });
      return { plugin, written: () => lines.join("\n") };
    },
  });
});

/** A disk with a fault. */
function faulty(fault: ExporterFault): LogStorage {
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
  const append = async (): Promise<void> => {
    if (fault === "slow") await wait(1);
    if (fault === "hangs") await new Promise(() => {});
    if (fault === "refuses") throw new Error("ENOSPC: no space left on device");
  };
  return {
    open: async () => {
      if (fault === "throws") throw new Error("EACCES: permission denied");
      return { size: 0, append, close: async () => {} };
    },
    rotate: async () => {},
  };
}

async function runs(file: string, count: number, options: Parameters<typeof traceFile>[1] = {}): Promise<void> {
  const runner = new Runner({ plugins: [traceFile(file, options)] });
  const agent = new Agent({ name: "Solo", model: scriptedModel(() => say("done")) });
  for (let i = 0; i < count; i++) await runner.run(agent, `question ${i}`);
  await runner.close();
}

describe("a log", () => {
  it("is appended to by the next process", async () => {
    const file = newFile();
    await runs(file, 1);
    await runs(file, 2);
    const { runs: all, skipped } = await readTrace(file);
    expect(all.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
    expect(skipped).toBe(0);
  });

  it("loses half a line that a crash has torn, and nothing else", async () => {
    const file = newFile();
    await runs(file, 1);
    const whole = readFileSync(file, "utf8");
    for (const cut of [1, 20, whole.trimEnd().lastIndexOf("\n") + 1]) {
      writeFileSync(file, whole + whole.slice(0, cut));
      await runs(file, 1);
      const lines = readFileSync(file, "utf8").trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line) as object)).toHaveLength(
        whole.trimEnd().split("\n").length +
          (cut > 20 ? whole.slice(0, cut).trimEnd().split("\n").length : 0) +
          whole.trimEnd().split("\n").length,
      );
    }
  });

  it("ends a last line that is whole", async () => {
    const file = newFile();
    await runs(file, 1);
    writeFileSync(file, readFileSync(file, "utf8").trimEnd());
    await runs(file, 1);
    expect((await readTrace(file)).skipped).toBe(0);
    expect((await readTrace(file)).runs).toHaveLength(2);
  });

  it("is empty where there was nothing but half a line", async () => {
    const file = newFile();
    await runs(file, 1);
    writeFileSync(file, '{"v":1,"at":17');
    await runs(file, 1);
    expect(await readTrace(file)).toMatchObject({ skipped: 0, runs: [{ status: "completed" }] });
  });

  it("is rotated by size, with no line split and the oldest files let go of", async () => {
    const file = newFile();
    await runs(file, 60, { maxBytes: 4_000, keep: 3 });
    const names = readdirSync(join(file, ".."));
    expect(names.toSorted()).toEqual(["trace.jsonl", "trace.jsonl.1", "trace.jsonl.2", "trace.jsonl.3"]);
    for (const name of names) {
      const text = readFileSync(join(file, "..", name), "utf8");
      expect(text.length).toBeLessThanOrEqual(4_000);
      for (const line of text.trimEnd().split("\n")) expect(() => JSON.parse(line) as unknown).not.toThrow();
    }
    const { runs: kept } = await readTrace(file);
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.at(-1)?.status).toBe("completed");
  });

  it("tells how many lines are missing", async () => {
    const file = newFile();
    const plugin = traceFile(file, { maxQueue: 3 });
    const runner = new Runner({ plugins: [plugin] });
    const lookup = tool({ name: "lookup", sideEffects: "none", execute: () => "x" });
    const model = scriptedModel([call("lookup"), say("done")]);
    await runner.run(new Agent({ name: "Solo", model, tools: [lookup] }), "hello");
    await runner.close();
    await runner.run(new Agent({ name: "Solo", model: scriptedModel([say("done")]) }), "hello");
    await runner.close();
    expect(plugin.stats.dropped).toBeGreaterThan(0);
    expect((await readTrace(file)).dropped).toBeGreaterThan(0);
  });
});

it("traceFile() says what is wrong with an option", () => {
  expect(() => traceFile("")).toThrow("Cannot write a trace to no path: expected the name of a file");
  expect(() => traceFile("x", { redacted: ["Ada"] } as never)).toThrow('Cannot use option "redacted" of traceFile()');
  expect(() => consoleTrace({ redacted: ["Ada"] } as never)).toThrow('Cannot use option "redacted" of consoleTrace()');
  expect(() => traceFile("x", { maxQueue: 0 })).toThrow(
    "Cannot use 0 as maxQueue of traceFile() as it must be a positive integer",
  );
  expect(() => traceFile("x", { capture: ["everything" as never] })).toThrow(
    'Cannot capture "everything": known kinds are messages, instructions, arguments, results, reasons',
  );
});
