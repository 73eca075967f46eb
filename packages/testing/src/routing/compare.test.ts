import { describe, expect, it } from "vitest";
import { compareRouting } from "./compare.ts";
import { reportOf, type RoutingReport, type RoutingResult } from "./report.ts";

const usage = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

/** One message for each, `expected>actual`. */
function report(routes: readonly string[], calls = 0): RoutingReport {
  const results = routes.map((route, i): RoutingResult => {
    const [expected, actual] = route.split(">").map((name) => (name === "-" ? null : name!));
    return {
      text: `message ${i}`,
      expected: expected!,
      actual: actual!,
      right: expected === actual,
      path: ["Desk"],
      by: "model",
      calls,
      usage,
      latencyMs: 1,
    };
  });
  return reportOf("Desk", ["A", "B"], results);
}

describe("compareRouting()", () => {
  const before = report(["A>A", "A>A", "B>B", "->-"]);

  it("is fine with the same report, read from JSON", () => {
    expect(compareRouting(before, JSON.parse(JSON.stringify(before)))).toEqual({
      ok: true,
      messages: 4,
      accuracy: { before: 1, now: 1 },
      callsPerMessage: { before: 0, now: 0 },
      worse: [],
      newlyWrong: [],
      newlyRight: [],
    });
  });

  it("says what is worse, in sentences, and which messages changed", () => {
    const compared = compareRouting(report(["A>A", "A>B", "B>B", "->-"], 1), before);
    expect(compared.ok).toBe(false);
    expect(compared.worse).toEqual([
      "accuracy is 75.0 %, was 100.0 %",
      "model calls for each message are 1.00, were 0.00",
      'recall of "A" is 50.0 %, was 100.0 %',
      'precision of "B" is 50.0 %, was 100.0 %',
    ]);
    expect(compared.newlyWrong).toEqual([{ text: "message 1", expected: "A", before: "A", now: "B" }]);
  });

  it("fails where one agent pays for another, though as many are right", () => {
    const compared = compareRouting(report(["A>B", "A>A", "B>B"]), report(["A>A", "A>A", "B>A"]));
    expect(compared.accuracy).toEqual({ before: 2 / 3, now: 2 / 3 });
    expect(compared.worse).toEqual(['recall of "A" is 50.0 %, was 100.0 %']);
    expect(compared.newlyRight).toHaveLength(1);
  });

  it("allows as much as it is told", () => {
    const worse = report(["A>A", "A>B", "B>B", "->-"]);
    expect(compareRouting(worse, before, { accuracy: 0.25, edge: 0.5 }).ok).toBe(true);
    expect(compareRouting(worse, before, { accuracy: 0.24, edge: 0.5 }).worse).toHaveLength(1);
  });

  it("does not count messages that only one report has: a hard case may be added", () => {
    expect(compareRouting(report(["A>A", "A>A", "B>B", "->-", "A>B"]), before)).toMatchObject({
      ok: true,
      messages: 4,
    });
  });

  it.each([
    [{}, /^Cannot compare with the baseline: it is not a routing report/],
    [null, /not a routing report/],
    [{ ...before, agent: "Other" }, /it is of agent "Other", the report of agent "Desk"/],
    [{ ...before, results: [{}] }, /its result 0 cannot be read/],
    [{ ...before, results: [] }, /no message in common/],
  ])("refuses the baseline %#", (baseline, message) => {
    expect(() => compareRouting(before, baseline)).toThrow(message);
  });

  it("refuses a tolerance below 0", () => {
    expect(() => compareRouting(before, before, { accuracy: -1 })).toThrow(RangeError);
  });
});
