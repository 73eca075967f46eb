import { describe, expect, it } from "vitest";
import { bank } from "../test/desk.ts";
import { embedded, installed, lexical, type LocalClassifiers, router } from "./index.ts";

/** Stands for `@batonjs/model-local`: as its classifiers answer. */
function local(): LocalClassifiers & { readonly fitted: unknown[] } {
  const fitted: unknown[] = [];
  const classifier = {
    predict: () => ({
      scores: [
        { label: "transfer_to_billing_agent", score: 0.8 },
        { label: "transfer_to_technical_agent", score: 0.1 },
      ],
      intents: [{ label: "transfer_to_billing_agent", intent: "refund" }, { label: "transfer_to_technical_agent" }],
      nearest: [
        { text: "refund please", label: "transfer_to_billing_agent", similarity: 0.9 },
        { text: "the app crashes", label: "transfer_to_technical_agent", similarity: -0.1 },
      ],
    }),
    save: () => ({ version: 1 }),
  };
  return {
    fitted,
    fitClassifier: (examples) => {
      fitted.push(examples);
      return Promise.resolve(classifier);
    },
    loadClassifier: (saved) => {
      fitted.push(saved);
      return Promise.resolve(classifier);
    },
  };
}

describe("embedded()", () => {
  it("gives examples by label and intent, with names only where they say something", async () => {
    const package_ = local();
    const { triage } = bank({}, { tools: true });
    await router({ classifier: embedded(package_), outOfScope: ["how is the weather"] }).fit(triage);
    expect(package_.fitted).toEqual([
      {
        transfer_to_billing_agent: {
          refund: ["refund please", "I want my money back", "give me a refund for this order"],
          charge: ["I was charged twice", "there is a charge on my card that I do not know"],
          invoice: ["send me the invoice", "where is my bill for May"],
          "····": ["refunds", "invoices", "duplicate charges"],
        },
        transfer_to_technical_agent: {
          crash: ["the app crashes", "it stops when I open it", "the screen freezes"],
          login: ["I cannot log in", "my password is not accepted", "an error message appears at login"],
          "···": ["crashes", "error messages", "login problems"],
        },
        "(stays)": {
          "·": ["what time is it", "do you have the time", "how late is it"],
          "··": ["how is the weather"],
        },
      },
    ]);
  });

  it("gives back what it says, by agent", async () => {
    const { triage } = bank({});
    const made = router({ classifier: embedded(local()) });
    expect(await made.classify("refund", triage)).toEqual({
      to: "Billing Agent",
      handoff: "transfer_to_billing_agent",
      score: 0.8,
      intent: "refund",
      scores: [
        { to: "Billing Agent", score: 0.8 },
        { to: "Technical Agent", score: 0.1 },
      ],
      nearest: [
        { to: "Billing Agent", text: "refund please", score: 0.9 },
        { to: "Technical Agent", text: "the app crashes", score: 0 },
      ],
    });
    const saved = await made.save();
    const package_ = local();
    await router({ classifier: embedded(package_), saved }).fit(triage);
    expect(package_.fitted).toEqual([{ version: 1 }]);
  });
});

describe("embedded() with @batonjs/model-local", () => {
  it("takes the package as it is, and knows words that are in no example", async () => {
    const { triage } = bank({});
    const made = router({ classifier: embedded(await import("@batonjs/model-local")) });
    await made.fit(triage);
    expect(await made.classify("reimburse me", triage)).toMatchObject({ to: "Billing Agent" });
    const again = router({ classifier: embedded(await import("@batonjs/model-local")), saved: await made.save() });
    expect(await again.classify("reimburse me", triage)).toMatchObject({ to: "Billing Agent" });
  });
});

describe("installed()", () => {
  it("finds a classifier, and tells which one it has saved", async () => {
    const examples = [
      { text: "refund please", label: "a", intent: "" },
      { text: "the app crashes", label: "b", intent: "" },
    ];
    const kind = installed();
    const fitted = await kind.fit(examples);
    expect(fitted.predict("refund please")[0]?.label).toBe("a");
    const saved = fitted.save();
    expect(saved).toMatchObject({ kind: expect.stringMatching(/^(embedded|lexical)$/) });
    const [again] = (await kind.load(saved)).predict("refund please");
    expect(again?.label).toBe("a");
    expect(again?.score).toBeCloseTo(fitted.predict("refund please")[0]?.score ?? -1, 2); // saved in few bits
    const own = await lexical().fit(examples);
    const loaded = await kind.load({ kind: "lexical", data: own.save() });
    expect(loaded.predict("refund please")).toEqual(own.predict("refund please"));
    await expect((async () => kind.load({ kind: "other", data: 1 }))()).rejects.toThrow(
      'Cannot load a classifier: it is of the kind "other", which is not installed',
    );
  });
});
