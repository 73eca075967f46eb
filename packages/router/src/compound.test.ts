import { memorySessions, type RunResult, Runner, textOf } from "@batonjs/core";
import { invariantsOf, say, type ScriptedModel } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { bank, notesOf } from "../test/desk.ts";
import { compound, type CompoundOptions, routed, router } from "./index.ts";

const BOTH = "refund please, and the app crashes";

function desk(
  script: Parameters<typeof bank>[0],
  options: CompoundOptions = {},
): { readonly runner: Runner; readonly triage: ReturnType<typeof bank>["triage"]; readonly model: ScriptedModel } {
  const made = router();
  const plugins = [compound(made, options), routed(made), memorySessions()];
  return { runner: new Runner({ plugins }), ...bank(script) };
}

const said = ({ newItems }: RunResult<string>): readonly string[] =>
  newItems.flatMap((item) => (item.type === "message" && item.role === "assistant" ? [textOf(item)] : []));

describe("compound()", () => {
  it("has both requests of a message answered in one run, with one model call each", async () => {
    const { runner, triage, model } = desk({
      "Billing Agent": [say("Refunded.")],
      "Technical Agent": [say("Restart it.")],
    });
    const result = await runner.run(triage, BOTH);
    expect(said(result)).toEqual(["Refunded.", "Restart it."]);
    expect(model.requests.map(({ at }) => at.agent)).toEqual(["Billing Agent", "Technical Agent"]);
    expect(result.lastAgent.name).toBe("Technical Agent");
    expect(invariantsOf(result.history)).toEqual([]);
    expect(notesOf(result.history)).toMatchObject([
      {
        kind: "compound",
        topic: { to: "Billing Agent", text: "refund please" },
        pending: [{ to: "Technical Agent", text: "the app crashes" }],
      },
      { kind: "compound", topic: { to: "Technical Agent" }, pending: [] },
      { kind: "compound", topic: { to: "Technical Agent" }, pending: [] },
    ]);
  });

  it("waits while the first agent asks the user, and goes on after the answer", async () => {
    const { runner, triage, model } = desk({
      "Billing Agent": [say("Which order?"), say("Refunded.")],
      "Technical Agent": [say("Restart it.")],
    });
    const session = "one";
    const first = await runner.run(triage, BOTH, { session });
    expect(said(first)).toEqual(["Which order?"]);
    const second = await runner.run(triage, "A-1", { session });
    expect(said(second)).toEqual(["Refunded.", "Restart it."]);
    expect(model.requests).toHaveLength(3);
    model.assertDone();
  });

  it("does not go back to a topic that has been answered", async () => {
    const { runner, triage, model } = desk({
      "Billing Agent": [say("Refunded.")],
      "Technical Agent": [say("Restart it."), say("You are welcome."), say("Bye.")],
    });
    const session = "one";
    await runner.run(triage, BOTH, { session });
    await runner.run(triage, "thanks", { session });
    const last = await runner.run(triage, "bye", { session });
    expect(last.finalOutput).toBe("Bye.");
    expect(model.requests).toHaveLength(4);
  });

  it.each([
    "refund please",
    "refund please, and send me the invoice",
    "refund please and the weather is nice",
    "hello, how are you",
    "",
  ])("leaves one request as it is: %j", async (text) => {
    const { runner, triage } = desk((request) => say(request.at.agent));
    const result = await runner.run(triage, [{ role: "user", content: text }]);
    expect(said(result)).toHaveLength(1);
    expect(notesOf(result.history)).not.toContainEqual(expect.objectContaining({ kind: "compound" }));
  });

  it("cuts messages as it is told", async () => {
    const split = (text: string): readonly string[] => text.split("|");
    const { runner, triage } = desk(
      { "Technical Agent": [say("Restart it.")], "Billing Agent": [say("Refunded.")] },
      { split },
    );
    expect(said(await runner.run(triage, "the app crashes|refund please"))).toEqual(["Restart it.", "Refunded."]);
  });

  it("reads 100,000 characters", async () => {
    const { runner, triage } = desk((request) => say(request.at.agent));
    const started = performance.now();
    await runner.run(triage, "refund please, and the app crashes. ".repeat(3000));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("checks its threshold", () => {
    expect(() => compound(router(), { threshold: -0.1 })).toThrow(
      new RangeError("Cannot use -0.1 as threshold of compound() as it must be a number from 0 to 1"),
    );
  });
});
