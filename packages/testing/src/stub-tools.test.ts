import { Agent, approve, Runner, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  assertAnswer,
  call,
  calls,
  isolate,
  say,
  type ScriptedModel,
  scriptedModel,
  type StubbedTools,
  stubTools,
} from "./index.ts";

const real = (): never => {
  throw new Error("the real tool ran");
};
const charges = tool({ name: "charges", parameters: z.object({ month: z.string() }), execute: real });
const refund = tool({ name: "refund", parameters: z.object({ id: z.string() }), needsApproval: true, execute: real });
const writer = new Agent({ name: "Writer" });
const billing = new Agent({ name: "Billing", tools: [charges, refund, writer.asTool()] });

const play = (stubs: StubbedTools, model: ScriptedModel) => new Runner({ plugins: [stubs], model }).run(billing, "hi");
const outputs = (items: readonly { readonly type: string; readonly output?: string }[]) =>
  items.flatMap((item) => (item.type === "tool_result" ? [item.output] : []));

describe("stubTools()", () => {
  it("answers for tools by name and by agent, agents that are tools included", async () => {
    const stubs = stubTools({
      charges: "none for anybody",
      "Billing/charges": {
        returns: ({ month }: { month: string }) => ({ month, total: 3 }),
        times: 2,
        with: { month: /^2026/ },
      },
      writer: { returns: "a letter" },
      other: { times: 0 },
    });
    const script = [
      calls(call("charges", { month: "2026-01" }), call("writer", { input: "x" })),
      call("charges", { month: "2026-02" }),
      say("3"),
    ];
    const result = await play(stubs, scriptedModel(script));
    assertAnswer(result, "3");
    expect(outputs(result.newItems)).toEqual([
      '{"month":"2026-01","total":3}',
      "a letter",
      '{"month":"2026-02","total":3}',
    ]);
    expect(stubs.calls("charges").map((each) => each.arguments)).toEqual([{ month: "2026-01" }, { month: "2026-02" }]);
    expect(stubs.calls("Billing/writer")).toMatchObject([{ agent: "Billing", callId: "call_2" }]);
    expect(() => stubs.assertDone()).toThrow(
      'Expected tool "charges" to be called, but no agent that ran has a tool of that name',
    );
  });

  it("asks for approval before it answers", async () => {
    const stubs = stubTools({ refund: { returns: "refunded", times: 1 }, charges: { times: { max: 1 } } });
    const runner = new Runner({ plugins: [stubs], model: scriptedModel([call("refund", { id: "1" }), say("done")]) });
    const paused = await runner.run(billing, "hi");
    expect(stubs.calls()).toEqual([]);
    expect(() => stubs.assertDone()).toThrow('Expected tool "refund" to be called, but it was called never');
    await runner.run(billing, [...paused.toInputList(), approve(paused.pending[0]!)]);
    stubs.assertDone();
  });

  it("gives results in order, and errors", async () => {
    const stubs = stubTools({ charges: { returnsInOrder: ["one", "two"] }, writer: { throws: "out of ink" } });
    const charge = call("charges", { month: "1" });
    const result = await play(
      stubs,
      scriptedModel([charge, charge, charge, call("writer", { input: "x" }), say("done")]),
    );
    expect(outputs(result.newItems)).toEqual(["one", "two", "two", expect.stringContaining("out of ink")]);
    stubs.assertDone();
  });

  it("remembers what was not expected, though the model goes on", async () => {
    const stubs = stubTools({ charges: { times: 1, with: { month: "2026-01" } } });
    const script = [
      call("charges", { month: "1999-01" }),
      call("charges", { month: "2026-01" }),
      call("writer", { input: "x" }),
      say("ok"),
    ];
    await play(stubs, scriptedModel(script));
    expect(stubs.problems.map(({ message }) => message)).toEqual([
      'Cannot call tool "charges" with {"month":"1999-01"}: expected {"month":"2026-01"}',
      'Cannot call tool "charges" again: it was expected once',
      'Cannot run tool "writer" of agent "Billing": it has no stub; stubs are "charges"',
    ]);
    expect(() => stubs.assertDone()).toThrow("1999-01");
  });

  it("lets others run where that is wanted, and works for a specialist alone", async () => {
    const triage = new Agent({ name: "Triage", handoffs: [billing] });
    const stubs = stubTools({ charges: { times: 0 } }, { unstubbed: "run" });
    const script = [call("writer", { input: "x" }), say("a letter"), say("end")];
    expect(outputs((await play(stubs, scriptedModel(script))).newItems)).toContain("a letter");
    stubs.assertDone();
    const own = stubTools({ charges: "none" });
    const answered = await isolate(billing, {
      from: triage,
      plugins: [own],
      model: scriptedModel([call("charges", { month: "1" }), say("end")]),
    });
    assertAnswer(answered, "end");
    own.assertDone();
  });

  it("refuses a stub that may be a result", () => {
    expect(() => stubTools({ charges: { total: 1 } as never })).toThrow("write { returns: … } for an object");
  });
});
