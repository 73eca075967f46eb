import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Agent, Runner } from "@batonjs/core";
import { handOff, say, scriptedModel } from "@batonjs/testing";
import { testTracer } from "@batonjs/testing/tracing";
import { printTrace, readTrace, traceFile } from "@batonjs/trace-file";

const folder = mkdtempSync(join(tmpdir(), "baton-trace-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${files++}`, "trace.jsonl");

describe("traceFile()", () => {
  it("writes what readTrace() gives back, also after a crash has torn the last line", async () => {
    const file = newFile();
    const run = async (): Promise<void> => {
      const model = scriptedModel({ Triage: [handOff("billing")], Billing: [say("done")] });
      const billing = new Agent({ name: "Billing", model });
      const runner = new Runner({ plugins: [traceFile(file)] });
      await runner.run(new Agent({ name: "Triage", model, handoffs: [billing] }), "hello");
      await runner.close();
    };
    await run();
    appendFileSync(file, '{"v":1,"at":17');
    await run();
    const trace = await readTrace(file);
    assert.equal(trace.skipped, 0);
    assert.deepEqual(
      trace.runs.map(({ status, handoffs }) => [status, handoffs.map(({ from, to }) => `${from} → ${to}`)]),
      [
        ["completed", ["Triage → Billing"]],
        ["completed", ["Triage → Billing"]],
      ],
    );
    assert.match(printTrace(trace).join("\n"), /handoff Triage → Billing by transfer_to_billing \(pass\)/);
  });
});

testTracer({
  describe,
  it,
  create: ({ capture }) => {
    const file = newFile();
    return { plugin: traceFile(file, { capture }), written: () => readFileSync(file, "utf8") };
  },
});
