import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Agent, handBack, handoff, Runner, tool } from "@batonjs/core";
import { fitClassifier, loadClassifier, local, thresholdFor } from "@batonjs/model-local";

const EXAMPLES = {
  billing: {
    refund: ["I want my money back", "please refund my last payment", "can I get a refund"],
    duplicate: ["I was charged twice", "there is a double charge on my card"],
  },
  technical: ["the app crashes", "it does not start any more", "I get an error when I log in"],
};

function desk(): Agent {
  const refund = tool({
    name: "refund_charge",
    description: "Refunds a charge.",
    when: "refunds",
    examples: ["refund ch_7", "I want my money back"],
    parameters: {
      type: "object",
      properties: { chargeId: { type: "string", pattern: "^ch_\\d+$" } },
      required: ["chargeId"],
      additionalProperties: false,
    },
    execute: (args) => ({ message: `Refunded: ${JSON.stringify(args)}` }),
  });
  const billing = new Agent({ name: "Billing", model: "local", tools: [refund], handoffs: [handBack()] });
  const technical = new Agent({ name: "Technical", model: "local", handoffs: [handBack()] });
  return new Agent({
    name: "Triage",
    model: "local",
    handoffs: [
      handoff(billing, { when: "refunds and charges", examples: EXAMPLES.billing }),
      handoff(technical, { when: "crashes and errors", examples: EXAMPLES.technical }),
    ],
  });
}

describe("local() on this runtime", () => {
  it("hands over, calls a tool with arguments from the message, and words its result", async () => {
    const result = await new Runner({ plugins: [local()] }).run(desk(), "please refund ch_7");
    assert.equal(result.finalOutput, 'Refunded: {"chargeId":"ch_7"}');
    assert.equal(result.lastAgent.name, "Billing");
  });

  it("asks for what is missing, and forces nothing on a specialist", async () => {
    const runner = new Runner({ plugins: [local({ vectors: false })] });
    assert.match(String((await runner.run(desk(), "I want my money back")).finalOutput), /I need the charge ID/);
    const other = await runner.run(desk(), "what is the weather like?");
    assert.match(String(other.finalOutput), /I can help with/);
    assert.equal(other.lastAgent.name, "Triage");
  });
});

describe("fitClassifier() on this runtime", () => {
  it("predicts, abstains, and says the same after it was saved as JSON and loaded", async () => {
    const fitted = await fitClassifier(EXAMPLES);
    assert.deepEqual(fitted.labels, ["billing", "technical"]);
    const { label, nearest } = fitted.predict("could I get a refund", { nearest: 1 });
    assert.equal(label, "billing");
    assert.equal(nearest[0]?.text, "can I get a refund");
    assert.equal(fitted.predict("who won the match yesterday").label, undefined);
    const loaded = await loadClassifier(JSON.parse(JSON.stringify(fitted.save())));
    for (const text of ["give me a refund please", "my app crashes", "hm"]) {
      assert.ok(Math.abs(loaded.predict(text).score - fitted.predict(text).score) < 0.01, text);
    }
  });

  it("works without word vectors, and has a threshold fitted", async () => {
    const fitted = await fitClassifier(EXAMPLES, { vectors: false, threshold: 0.1 });
    assert.equal(fitted.predict("the app crashes all the time").label, "technical");
    const messages = [
      { text: "refund me", label: "billing" },
      { text: "it crashes", label: "technical" },
      { text: "sing a song", label: undefined },
    ];
    const threshold = thresholdFor(fitted, messages, 1);
    assert.ok(threshold !== undefined && threshold > 0 && threshold <= 1);
  });
});
