import { type Item, Runner } from "@batonjs/core";
import { handOff, say, scriptedModel } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { bank, notesOf } from "../test/desk.ts";
import { disagreements, router, shadow, shadowReport } from "./index.ts";

async function record(text: string, script: Parameters<typeof bank>[0]): Promise<readonly Item[]> {
  const { triage } = bank(script);
  return (await new Runner({ plugins: [shadow(router())] }).run(triage, text)).history;
}

describe("shadow()", () => {
  it("notes its decision beside that of triage, and does nothing", async () => {
    const history = await record("refund please", {
      "Triage Agent": [handOff("technical")],
      "Technical Agent": [say("Restart it.")],
    });
    expect(notesOf(history)).toMatchObject([
      { kind: "shadow", to: "Billing Agent", actual: "Technical Agent", agreed: false },
    ]);
    expect(disagreements(history)).toMatchObject([
      { message: "refund please", router: "Billing Agent", actual: "Technical Agent", agent: "Triage Agent" },
    ]);
    expect(disagreements(history)[0]?.score).toBeGreaterThan(0.7);
  });

  it("tells apart agreement, disagreement and what it is not sure of", async () => {
    const script = { "Triage Agent": [handOff("billing")], "Billing Agent": [say("Refunded.")] };
    const agreed = await record("refund please", script);
    const unsure = await record("it is odd", { "Triage Agent": [say("What is?")] });
    const kept = await record("refund please", { "Triage Agent": [say("Which order?")] });
    expect(disagreements([...agreed, ...unsure])).toEqual([]);
    expect(disagreements(kept)).toMatchObject([{ router: "Billing Agent", actual: null }]);
    expect(shadowReport([...agreed, ...unsure, ...kept])).toEqual({ messages: 3, decided: 2, agreed: 1 });
  });

  it("asks no model unless it is told to, and counts that call", async () => {
    const decider = scriptedModel([say('{"to":"none","confidence":1}')], { name: "small" });
    const desk = router({ decider });
    const { triage } = bank({ "Triage Agent": [say("What is?"), say("What is?")] });
    await new Runner({ plugins: [shadow(desk)] }).run(triage, "it is odd");
    expect(decider.requests).toHaveLength(0);
    const asking = new Runner({ plugins: [shadow(desk, { decider: true })] });
    const { history } = await asking.run(triage, "it is odd");
    expect(history.filter((item) => item.type === "turn").map(({ model }) => model)).toEqual(["small", "scripted"]);
    expect(shadowReport(history)).toEqual({ messages: 1, decided: 1, agreed: 1 });
  });
});
