import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Agent, handBack, handoff, run } from "@batonjs/core";
import {
  agentGraph,
  assertAnswer,
  assertCoverage,
  assertHandOffTo,
  assertPath,
  blockRealModels,
  everyHandoff,
  graphCoverage,
  handOff,
  isolate,
  lintAgents,
  nothingCrosses,
  say,
  scriptedModel,
  seenAfterHandoff,
  smokeTest,
  stubTools,
  toText,
} from "@batonjs/testing";
import { matchers } from "@batonjs/testing/matchers";
import { anyFilterKeepsHistoryValid } from "@batonjs/testing/properties";
import { checkScenario, readScenarios } from "@batonjs/testing/scenarios";

const billing = new Agent({ name: "Billing", handoffs: [handBack()] });
const triage = new Agent({ name: "Triage", handoffs: [handoff(billing, { when: "refunds" })] });

describe("@batonjs/testing on this runtime", () => {
  it("asserts on a run", async () => {
    const model = scriptedModel({ Triage: [handOff("billing")], Billing: [say("Done.")] });
    const result = await run(triage, "refund me", { model });
    assertHandOffTo(result, billing);
    assertPath(result, [triage, billing]);
    assertAnswer(result, "Done");
    assert.throws(() => assertHandOffTo(result, triage), /it handed over to "Billing"\n\n.*\n> handoff/s);
    assert.equal(matchers.toHandOffTo(result, "Billing").pass, true);
  });

  it("isolates a specialist", async () => {
    const alone = await isolate(billing, { from: triage, history: "refund me", model: scriptedModel([say("Done.")]) });
    assert.equal(alone.finalOutput, "Done.");
    for (const { from, to } of everyHandoff(triage)) {
      assert.equal((await seenAfterHandoff(to, { from })).at.agent, to.name);
    }
  });

  it("checks properties of every handoff", async () => {
    await anyFilterKeepsHistoryValid(triage, { numRuns: 3 });
    await assert.rejects(nothingCrosses(triage, "[INTERNAL]"), { name: "CrossingError" });
  });

  it("draws and lints a graph", async () => {
    assert.match(toText(agentGraph(triage)), /└─→ Billing/);
    assert.deepEqual(
      (await lintAgents(triage)).findings.map(({ rule }) => rule),
      ["empty-specialist", "vague-criteria"],
    );
  });

  it("smoke-tests a graph, with no call to a network", async () => {
    const blocked = blockRealModels();
    try {
      const coverage = graphCoverage(triage);
      assert.equal((await smokeTest(triage, { plugins: [coverage, stubTools({})] })).tried.length, 3);
      assertCoverage(coverage.report(), { agents: 100, edges: 100 });
      await assert.rejects(fetch("https://example.com/"), { name: "BlockedCallError" });
      assert.deepEqual(blocked.calls, ["GET https://example.com/"]);
    } finally {
      blocked.restore();
    }
  });

  it("plays scenarios", async () => {
    const yaml = `
name: a refund goes to billing
turns:
  - user: refund me
    expect: { handsOffTo: Billing, answer: !regex /^done/i }
  - user: thanks
    expect: { staysWith: Billing }`;
    const [scenario] = readScenarios(yaml, { agent: triage });
    const model = scriptedModel({ Triage: [handOff("billing")], Billing: [say("Done."), say("Bye.")] });
    assert.equal((await checkScenario(triage, scenario!, { model })).passRate, 1);
  });
});
