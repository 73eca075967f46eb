import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Agent, handoff, run, Runner, tool } from "@batonjs/core";
import {
  assertCoverage,
  assertHandOffTo,
  call,
  coverageProblems,
  endEarly,
  eventSequence,
  fail,
  functionModel,
  garbage,
  graphCoverage,
  handOff,
  invariantsOf,
  lintAgents,
  lintText,
  mergeCoverage,
  oracle,
  oracleModel,
  say,
  scriptedModel,
  smokeModel,
  smokeTest,
  stubTools,
  testClock,
  testIds,
  testRandom,
  toDot,
  toMermaid,
  agentGraph,
  transcript,
} from "@batonjs/testing";
import { hostileTexts } from "@batonjs/testing/corpus";
import { evaluateRouting, readCases } from "@batonjs/testing/routing";

const refund = tool({
  name: "refund",
  parameters: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
  execute: () => assert.fail("the real tool was called"),
});
const billing = new Agent({ name: "Billing", tools: [refund] });
const triage = new Agent({ name: "Triage", handoffs: [handoff(billing, { when: "refunds" })] });
const script = { Triage: [handOff("billing")], Billing: [call("refund", { amount: 5 }), say("Refunded.")] };

describe("scripts, stubs and coverage", () => {
  it("play a run the same way each time", async () => {
    const stubs = stubTools({ refund: { returns: "done", with: { amount: 5 }, times: 1 } });
    const coverage = graphCoverage(triage);
    const model = scriptedModel(script);
    const runner = new Runner({
      model,
      plugins: [oracle(triage), coverage, stubs],
      clock: testClock(),
      newId: testIds(),
    });
    const stream = runner.stream(triage, "refund me");
    const events = [];
    for await (const event of stream) events.push(event);
    const result = await stream.result;
    assertHandOffTo(result, "Billing");
    model.assertDone();
    stubs.assertDone();
    assert.deepEqual(invariantsOf(result.history), []);
    assert.match(eventSequence(events).at(-1) ?? "", /^run_finished/);
    assert.match(transcript(result.newItems).join("\n"), /Billing calls refund\({"amount":5}\)/);
    assertCoverage(coverage.report(), { agents: 100, tools: 100, edges: 100 });
    assert.deepEqual(coverageProblems(mergeCoverage([coverage.report()]), { edges: 100 }), []);
  });

  it("fail a run that is not as written", async () => {
    const model = scriptedModel([]);
    await assert.rejects(run(triage, "hello", { model }));
    assert.throws(() => model.assertDone(), { name: "ScriptError" });
    const stubs = stubTools({ refund: "done" });
    await new Runner({ plugins: [stubs] }).run(new Agent({ name: "Solo", model: scriptedModel([say("hi")]) }), "x");
    assert.throws(() => stubs.assertDone(), /refund/);
  });

  it("break as models do", async () => {
    for (const broken of [fail("rate_limit"), endEarly("Hel"), garbage("protocol")] as const)
      await assert.rejects(run(new Agent({ name: "Solo", model: scriptedModel([broken]) }), "x"), {
        name: "ModelError",
      });
  });
});

describe("graphs", () => {
  it("are tried, linted and drawn", async () => {
    await assert.rejects(smokeTest(triage, { plugins: [stubTools({})] }), { name: "SmokeError", message: /refund/ });
    const runner = new Runner({ model: oracleModel(smokeModel()), plugins: [stubTools({ refund: "done" })] });
    const smoked = await runner.run(triage, "x");
    assert.equal(smoked.status, "completed");
    assert.match(lintText(await lintAgents(triage)), /Billing/);
    assert.match(toMermaid(agentGraph(triage)), /Billing/);
    assert.match(toDot(agentGraph(triage)), /^digraph/);
  });

  it("are measured", async () => {
    const model = functionModel(({ items }) =>
      JSON.stringify(items).includes("money") ? handOff("billing") : say("Hi"),
    );
    const cases = readCases("text,agent\nmy money,Billing\nhello,none", { format: "csv", agent: triage });
    assert.equal((await evaluateRouting(triage, cases, { model })).accuracy, 1);
  });

  it("take hostile texts", async () => {
    const random = testRandom(7);
    for (const { value } of hostileTexts.filter(() => random() < 0.5)) {
      const { newItems } = await run(new Agent({ name: "Solo", model: scriptedModel([say(value)]) }), value || "x");
      assert.deepEqual(invariantsOf(newItems), []);
    }
  });
});
