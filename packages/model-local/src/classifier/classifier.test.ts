import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitClassifier, loadClassifier, type SavedClassifier, thresholdFor } from "./classifier.ts";

const EXAMPLES = {
  billing: {
    refund: ["I want my money back", "please refund my last payment", "can I get a refund"],
    duplicate: ["I was charged twice", "there is a double charge on my card"],
    invoice: ["send me my invoice", "I need a receipt for March"],
  },
  technical: ["the app crashes", "it does not start any more", "error 500 on every page"],
};

describe("fitClassifier()", () => {
  it.each([
    ["could I have a refund", "billing"],
    ["why was I charged two times", "billing"],
    ["the app crashes again and again", "technical"],
    ["who won the match yesterday", undefined],
    ["我想预订一张去罗马的机票", undefined],
    ["", undefined],
  ])("says of %j: %s", async (text, label) => {
    expect((await fitClassifier(EXAMPLES)).predict(text).label).toBe(label);
  });

  it("gives scores, the best first, that sum to 1 at most, intents with their names, and the nearest examples", async () => {
    const fitted = await fitClassifier(EXAMPLES);
    const { scores, intents, nearest, score } = fitted.predict("I was charged twice", { nearest: 3 });
    expect(scores.map(({ label }) => label)).toEqual(["billing", "technical"]);
    expect(score).toBe(scores[0]?.score);
    expect(scores.reduce((sum, one) => sum + one.score, 0)).toBeLessThanOrEqual(1 + 1e-9);
    expect(intents[0]).toMatchObject({ label: "billing", intent: "duplicate" });
    expect(nearest).toHaveLength(3);
    expect(nearest[0]).toMatchObject({ text: "I was charged twice", label: "billing", intent: "duplicate" });
    expect(nearest[0]?.similarity).toBeCloseTo(1);
    expect(fitted.predict("I was charged twice").nearest).toEqual([]);
  });

  it("is the same each time, and after it was saved and loaded", async () => {
    for (const vectors of [true, false]) {
      const fitted = await fitClassifier(EXAMPLES, { vectors, threshold: 0.3 });
      expect((await fitClassifier(EXAMPLES, { vectors, threshold: 0.3 })).save()).toEqual(fitted.save());
      const loaded = await loadClassifier(JSON.parse(JSON.stringify(fitted.save())) as SavedClassifier);
      expect(loaded).toMatchObject({ labels: fitted.labels, threshold: 0.3 });
      expect(loaded.save()).toEqual(fitted.save());
      for (const text of ["refund", "the app crashes", "hello"])
        expect(loaded.predict(text).score).toBeCloseTo(fitted.predict(text).score, 2);
    }
  });

  it("predicts for anything", async () => {
    const fitted = await fitClassifier(EXAMPLES);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { score } = fitted.predict(text, { nearest: 2 });
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
      }),
    );
    expect(fitted.predict("refund ".repeat(50_000)).label).toBe("billing");
  });

  it("refuses what it cannot learn from", async () => {
    await expect(fitClassifier({})).rejects.toThrow(/^Cannot fit a classifier: no label has an example$/);
    await expect(fitClassifier({ billing: ["", "?!"] })).rejects.toThrow(TypeError);
    await expect(fitClassifier(EXAMPLES, { threshold: 2 })).rejects.toThrow(RangeError);
  });
});

describe("loadClassifier()", () => {
  it.each([
    [null, /expected an object/],
    [{ version: 2 }, /its version is 2, and this package reads 1/],
    [{ version: 1, intents: [] }, /its examples are not there/],
    [{ version: 1, intents: [{ label: "a", texts: ["b"] }] }, /parts of it are missing/],
    [
      {
        version: 1,
        threshold: 0.5,
        vectors: false,
        intents: [{ label: "a", texts: ["b"] }],
        background: [],
        pulls: "",
      },
      /its numbers do not belong to its examples/,
    ],
  ])("refuses %j", async (saved, message) => {
    await expect(loadClassifier(saved as never)).rejects.toThrow(message);
  });
});

describe("thresholdFor()", () => {
  it("is the lowest at which what is decided is right as often as wanted", async () => {
    const fitted = await fitClassifier(EXAMPLES);
    const messages = [
      { text: "please refund my payment", label: "billing" },
      { text: "the app crashes", label: "technical" },
      { text: "I was charged twice", label: "technical" },
    ];
    const of = (precision: number): number | undefined => thresholdFor(fitted, messages, precision);
    expect(of(0.6)).toBe(Math.min(...messages.map(({ text }) => fitted.predict(text).score)));
    expect(of(1) ?? 1).toBeGreaterThanOrEqual(of(0.6) ?? 1);
    expect(thresholdFor(fitted, [{ text: "refund", label: undefined }], 0.9)).toBeUndefined();
    expect(thresholdFor(fitted, [], 0.9)).toBeUndefined();
  });
});
