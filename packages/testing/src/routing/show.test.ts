import { describe, expect, it } from "vitest";
import { reportOf, type RoutingReport, type RoutingResult } from "./report.ts";
import { routingHtml } from "./html.ts";
import { routingTable } from "./table.ts";

const usage = {
  requests: 1,
  inputTokens: 80,
  cachedInputTokens: 0,
  outputTokens: 20,
  reasoningTokens: 0,
  totalTokens: 100,
};

function result(
  text: string,
  expected: string | null,
  actual: string | null,
  more: Partial<RoutingResult> = {},
): RoutingResult {
  return {
    text,
    expected,
    actual,
    right: expected === actual,
    path: ["Desk"],
    by: "examples",
    guess: { agent: actual, score: 0.8 },
    calls: 0,
    usage,
    latencyMs: 0.25,
    ...more,
  };
}

const report = (): RoutingReport =>
  reportOf(
    "Desk",
    ["Cards", "Loans"],
    [
      result("my card is lost", "Cards", "Cards"),
      result("a loan", "Loans", "Loans"),
      result("money for a car", "Loans", "Cards", { line: 3, by: "model", calls: 1, latencyMs: 1200 }),
      result("hello", null, null, { by: "model", calls: 1, guess: { agent: null, score: 0.4 } }),
    ],
  );

const hostile = (): RoutingReport =>
  reportOf(
    "<b>Desk</b>",
    ['"><script>alert(1)</script>'],
    [
      result('\u001b[2J</td><img src=x onerror="a()">\u202e\ud800', null, '"><script>alert(1)</script>', {
        error: "</script>\nx",
      }),
    ],
  );

describe("routingTable()", () => {
  it("shows edges, rungs, the matrix, what thresholds would do, and what is wrong", () => {
    expect(routingTable(report())).toMatchInlineSnapshot(`
      "Desk: 3 of 4 messages right, 75.0 %
      2 model calls, 0.67 for each correct route, 400 tokens
      latency 0.25 ms median, 1.2 s for 95 of 100, 1.2 s at most

      agent  messages  routed  right  precision   recall
      Cards         1       2      1     50.0 %  100.0 %
      Loans         2       1      1    100.0 %   50.0 %
      Desk          1       1      1    100.0 %  100.0 %

      decided by  messages  right  share right  model calls
      examples           2      2      100.0 %            0
      model              2      1       50.0 %            2

      expected ↓  went to →  1  2  3
      1 Cards                1  ·  ·
      2 Loans                1  1  ·
      3 Desk                 ·  ·  1

      threshold  decided  right of these  for nobody, yet decided
      0.0        100.0 %          66.7 %                    0.0 %
      0.3        100.0 %          66.7 %                    0.0 %
      0.4        100.0 %          66.7 %                    0.0 %
      0.5        100.0 %          66.7 %                    0.0 %
      0.6        100.0 %          66.7 %                    0.0 %
      0.7        100.0 %          66.7 %                    0.0 %
      0.8        100.0 %          66.7 %                    0.0 %
      0.9          0.0 %               –                    0.0 %
      calibration error 25.0 %

      wrong:
        line 3 "money for a car"
          for Loans, went to Cards (model)"
    `);
  });

  it("lists no more than it is told, and lets no text act on the terminal", () => {
    expect(routingTable(report(), { wrong: 0 })).not.toContain("wrong:");
    expect(routingTable(hostile())).not.toMatch(/\u001b|\u202e|[\ud800-\udfff]/u);
  });
});

describe("routingHtml()", () => {
  it("is one page with a heat map and charts that loads nothing", () => {
    const page = routingHtml(report());
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|<link|https?:\/\/|url\(/);
    expect(page).toContain('title="Loans → Cards: 1 of 2">1</td>');
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toBe(routingHtml(report()));
  });

  it("escapes what is not its own", () => {
    const page = routingHtml(hostile());
    expect(page).not.toMatch(/<script|<img|<b>|onerror="|\u001b|\u202e/);
    expect(page.isWellFormed()).toBe(true);
  });

  it("leaves the charts out where nothing said how sure it was", () => {
    const plain = reportOf("Desk", ["Cards"], [{ ...result("a", "Cards", "Cards"), guess: undefined as never }]);
    expect(routingHtml(plain)).not.toContain("<svg");
  });
});
