import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Agent, handBack, handoff, type Model, type ModelEvent, Runner } from "@batonjs/core";
import { compound, disagreements, predict, routed, type Router, router, shadow, stickyCheck } from "@batonjs/router";

/** A model that hands over to billing where it is triage, and else says who it is. */
function echo(asked: string[], ms = 0): Model {
  return {
    name: "echo",
    provider: "test",
    async *stream({ at, handoffs, items }): AsyncGenerator<ModelEvent> {
      asked.push(at.agent);
      await new Promise((resolve) => void setTimeout(resolve, ms));
      const to = items.length === 1 ? handoffs.find(({ name }) => name === "transfer_to_billing") : undefined;
      yield {
        type: "reply",
        items: to
          ? [{ type: "tool_call", callId: `call_${asked.length}`, name: to.name, arguments: "{}" }]
          : [{ type: "message", role: "assistant", content: `${at.agent} here.` }],
        finishReason: to ? "tool_calls" : "stop",
        usage: { inputTokens: 10, outputTokens: 5 },
      };
    },
  };
}

function desk(model: Model): Agent {
  const billing = new Agent({ name: "Billing", model, handoffs: [handBack()] });
  const technical = new Agent({ name: "Technical", model, handoffs: [handBack()] });
  return new Agent({
    name: "Triage",
    model,
    handoffs: [
      handoff(billing, { when: "refunds", examples: ["refund please", "I want my money back", "charged twice"] }),
      handoff(technical, { when: "crashes", examples: ["the app crashes", "it does not start", "error at login"] }),
    ],
  });
}

describe("router() on this runtime", () => {
  it("routes what it is sure of with one model call, and asks triage for the rest", async () => {
    const asked: string[] = [];
    const triage = desk(echo(asked));
    const runner = new Runner({ plugins: [routed()] });
    assert.equal((await runner.run(triage, "refund please")).finalOutput, "Billing here.");
    assert.deepEqual(asked, ["Billing"]);
    assert.equal((await runner.run(triage, "what is the weather?")).finalOutput, "Billing here.");
    assert.deepEqual(asked, ["Billing", "Triage", "Billing"]);
  });

  it("can be saved and loaded", async () => {
    const triage = desk(echo([]));
    const made: Router = router();
    await made.fit(triage);
    const saved = JSON.parse(JSON.stringify(await made.save()));
    const again = await router({ saved }).classify("the app crashes", triage);
    const before = await made.classify("the app crashes", triage);
    assert.equal(again?.to, "Technical");
    assert.ok(Math.abs((again?.score ?? 0) - (before?.score ?? 1)) < 0.01);
  });

  it("adopts what it predicted", async () => {
    const asked: string[] = [];
    const { history } = await new Runner({ plugins: [predict(router())] }).run(desk(echo(asked, 50)), "refund please");
    assert.deepEqual(asked, ["Triage", "Billing"]);
    const outcomes = history.flatMap((item) =>
      item.type === "note" ? [(item.data as { outcome?: string }).outcome] : [],
    );
    assert.deepEqual(outcomes, ["adopted"]);
  });

  it("notices a new subject, and two in one message", async () => {
    const made = router();
    const plugins = [compound(made), routed(made), stickyCheck(made)];
    const runner = new Runner({ plugins });
    const asked: string[] = [];
    const triage = desk(echo(asked));
    const first = await runner.run(triage, "refund please");
    await runner.run(triage, [...first.toInputList(), { role: "user", content: "the app crashes" }]);
    assert.deepEqual(asked, ["Billing", "Technical"]);
    await runner.run(triage, "refund please, and the app crashes");
    assert.deepEqual(asked.slice(2), ["Billing", "Technical"]);
  });

  it("watches", async () => {
    const { history } = await new Runner({ plugins: [shadow(router())] }).run(desk(echo([])), "the app crashes");
    assert.deepEqual(
      disagreements(history).map(({ message, router: to, actual }) => [message, to, actual]),
      [["the app crashes", "Technical", "Billing"]],
    );
  });
});
