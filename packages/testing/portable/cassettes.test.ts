import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { Agent, type Model, run } from "@batonjs/core";
import { call, handOff, say, scriptedModel, transcript } from "@batonjs/testing";
import { openCassette, unusedCassettes } from "@batonjs/testing/cassettes";

function ask(model: Model): Promise<readonly string[]> {
  const billing = new Agent({ name: "Billing", model });
  const triage = new Agent({ name: "Triage", model, handoffs: [billing] });
  return run(triage, "refund me").then(({ history }) => transcript(history));
}

describe("a cassette on this runtime", () => {
  it("is written, read and replayed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-cassette-"));
    const path = join(folder, "refund.json");
    const before = process.env["BATON_CASSETTES"];
    try {
      process.env["BATON_CASSETTES"] = "record";
      const script = { Triage: [handOff("billing")], Billing: [call("nothing"), say(["Do", "ne."])] };
      const recording = await openCassette(path, { record: scriptedModel(script) });
      const recorded = await ask(recording.model);
      recording.close();
      process.env["BATON_CASSETTES"] = "replay";
      const cassette = await openCassette(path);
      assert.deepEqual(await ask(cassette.model), recorded);
      cassette.close();
      await assert.rejects(ask(cassette.model), /its one recording is replayed already/);
      assert.throws(() => cassette.close(), { name: "CassetteError", code: "mismatch" });
      assert.deepEqual(unusedCassettes(folder), []);
      await assert.rejects(openCassette(join(folder, "another.json")), { code: "missing" });
    } finally {
      process.env["BATON_CASSETTES"] = before ?? "";
      rmSync(folder, { recursive: true });
    }
  });
});
