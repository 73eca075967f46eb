import { Runner } from "@batonjs/core";
import { call, handOff, invariantsOf, say } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { bank, notesOf } from "../test/desk.ts";
import { routed, router, stickyCheck } from "./index.ts";

/** A conversation that billing has, and one more message. */
async function goOn(
  script: Parameters<typeof bank>[0],
  message: string,
  threshold?: number | false,
): Promise<{
  readonly asked: readonly string[];
  readonly notes: readonly unknown[];
  readonly output: string | undefined;
}> {
  const desk = router();
  const options = threshold === undefined ? {} : { threshold };
  const { triage, model } = bank(script);
  const runner = new Runner({ plugins: [routed(desk), stickyCheck(desk, options)] });
  const first = await runner.run(triage, "refund please");
  const before = model.requests.length;
  const second = await runner.run(triage, [...first.toInputList(), { role: "user", content: message }]);
  expect(invariantsOf(second.history)).toEqual([]);
  return {
    asked: model.requests.slice(before).map(({ at }) => at.agent),
    notes: notesOf(second.newItems),
    output: second.finalOutput,
  };
}

describe("stickyCheck()", () => {
  it("gives a new subject back to triage, without a model call", async () => {
    const { asked, notes, output } = await goOn(
      { "Billing Agent": [say("Refunded.")], "Technical Agent": [say("Restart it.")] },
      "now the app crashes",
    );
    expect(asked).toEqual(["Technical Agent"]);
    expect(output).toBe("Restart it.");
    expect(notes).toMatchObject([
      { kind: "sticky", to: "Technical Agent" },
      { kind: "decision", to: "Technical Agent" },
    ]);
  });

  it.each([
    "thanks",
    "yes",
    "A-1",
    "when will the refund arrive?",
    "I was charged twice",
    "what about the weather?",
    "…",
  ])("leaves the specialist what is its own, or nobody's: %j", async (message) => {
    const { asked } = await goOn({ "Billing Agent": [say("Refunded."), say("Yes.")] }, message);
    expect(asked).toEqual(["Billing Agent"]);
  });

  it("is off, or stricter, by its threshold", async () => {
    const script = (): Parameters<typeof bank>[0] => ({ "Billing Agent": [say("Refunded."), say("Not mine.")] });
    expect((await goOn(script(), "now the app crashes", false)).asked).toEqual(["Billing Agent"]);
    expect((await goOn(script(), "now the app crashes", 1)).asked).toEqual(["Billing Agent"]);
    expect(() => stickyCheck(router(), { threshold: 1.1 })).toThrow(
      "Cannot use 1.1 as threshold of stickyCheck() as it must be a number from 0 to 1",
    );
  });

  it("does not give the same message back twice", async () => {
    const desk = router();
    const { triage, model } = bank({
      "Billing Agent": [say("Refunded."), say("All right, I look at the crash.")],
      "Triage Agent": [handOff("billing")],
    });
    const first = await new Runner({ plugins: [routed(desk)] }).run(triage, "refund please");
    const runner = new Runner({ plugins: [stickyCheck(desk)] });
    const second = await runner.run(triage, [...first.toInputList(), { role: "user", content: "now the app crashes" }]);
    expect(second.finalOutput).toBe("All right, I look at the crash.");
    expect(model.requests.map(({ at }) => at.agent)).toEqual(["Billing Agent", "Triage Agent", "Billing Agent"]);
  });

  it("knows the triage's agents in a new process once they are learned", async () => {
    const { triage } = bank({ "Billing Agent": [say("Refunded.")] });
    const first = await new Runner({ plugins: [routed()] }).run(triage, "refund please");
    const input = [...first.toInputList(), { role: "user" as const, content: "now the app crashes" }];
    const unknown = bank({ "Billing Agent": [say("Not mine.")] });
    await new Runner({ plugins: [stickyCheck(router())] }).run(unknown.triage, input);
    expect(unknown.model.requests).toHaveLength(1);
    const desk = router();
    const known = bank({
      "Triage Agent": [call("transfer_to_technical_agent", {})],
      "Technical Agent": [say("Restart it.")],
    });
    await desk.fit(known.triage);
    const result = await new Runner({ plugins: [stickyCheck(desk)] }).run(known.triage, input);
    expect(result.finalOutput).toBe("Restart it.");
  });
});
