import { describe, expect, it } from "vitest";
import { FRONT_DESK, openBank } from "./bank.ts";
import { evaluateBank } from "./evaluation.ts";
import { OWN_CASES, casesIn } from "./files.ts";
import { specialists } from "./specialists.ts";

describe("the bank", () => {
  it("has ten specialists with several intents each, and no message that two of them claim", async () => {
    expect(specialists).toHaveLength(10);
    const owners = new Map<string, string>();
    for (const { name, intents } of specialists) {
      expect(Object.keys(intents).length).toBeGreaterThanOrEqual(5);
      for (const text of Object.values(intents).flatMap(({ examples }) => examples)) {
        expect([text, owners.get(text) ?? name]).toEqual([text, name]);
        owners.set(text, name);
      }
    }
  });

  it("refuses a specialist without examples", async () => {
    const desks = [
      ...specialists,
      { name: "Pets", when: "cats and dogs", intents: { cat: { answer: "Miau.", examples: [] } } },
    ];
    await expect(openBank({ desks })).rejects.toThrow(
      'Cannot open the bank: the specialist "Pets" has no examples for the router to learn from',
    );
  });

  it("keeps messages to measure with that are not among the examples", async () => {
    const bank = await openBank();
    const cases = casesIn(OWN_CASES, bank.frontDesk);
    const { known, fitted, report } = await evaluateBank(bank, cases.slice(0, 30), { precision: 0.9 });
    expect({ known, fitted: fitted?.all.reached }).toEqual({ known: 0, fitted: true });
    expect(report).toMatchObject({ agent: FRONT_DESK, messages: 30, failed: 0 });
    expect(bank.router.thresholds.examples).toBe(fitted?.all.threshold);
  });

  it("fits no threshold on a handful of messages", async () => {
    const bank = await openBank({ threshold: 0.4 });
    const { fitted, known } = await evaluateBank(bank, [{ text: "I lost my card!", agent: "Cards" }], {
      precision: 0.9,
    });
    expect({ fitted, known, threshold: bank.router.thresholds.examples }).toEqual({ known: 1, threshold: 0.4 });
  });
});
