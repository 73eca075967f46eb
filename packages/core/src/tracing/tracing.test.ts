import { calcPrice } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { captured, CostMeter, genaiPrices, laneOf, passedOn, Scrubber, secret } from "./index.ts";

describe("secret()", () => {
  it("shows nothing of its value, and gives it back", () => {
    const key = secret("a value that is secret");
    expect(`${key.toString()} ${JSON.stringify({ key })}`).toBe('[secret] {"key":"[secret]"}');
    expect(key.reveal()).toBe("a value that is secret");
  });

  it("is taken out of all texts, however it is written", () => {
    const value = 'pass "word" & $^.*+?()[]{}|/ü';
    const scrub = new Scrubber();
    const forms = [
      value,
      JSON.stringify({ value }),
      `https://example.com/?q=${encodeURIComponent(value)}`,
      btoa(String.fromCharCode(...new TextEncoder().encode(value))),
    ];
    secret(value);
    for (const form of forms) {
      const clean = scrub.text(form);
      expect(clean).toContain("[redacted]");
      expect(clean).not.toContain("word");
    }
  });

  it("is found by a scrubber that was made before it", () => {
    const scrub = new Scrubber();
    expect(scrub.name("a name like no-other-1")).toBe("a name like no-other-1");
    secret("no-other-1");
    expect(scrub.name("a name like no-other-1")).toBe("a name like [redacted]");
  });

  it("hides a short value in its wrapper only", () => {
    expect(secret("abc").toString()).toBe("[secret]");
    expect(new Scrubber().text("abcdef")).toBe("abcdef");
  });
});

describe("a scrubber", () => {
  it.each([
    ["authorization: Bearer abcdefgh12345678", "abcdefgh12345678"],
    ["Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"],
    ["use token abcdEfghijk", "abcdEfghijk"],
    ['{"authorization": "token swordfishes"}', "swordfishes"],
    ["postgres://admin:hunter22@db.example/prod", "hunter22"],
    ["Incorrect API key provided: sk-proj-abcdefghijklmnop", "sk-proj-abcdefghijklmnop"],
    ['{"x-api-key": "0123456789abcdef"}', "0123456789abcdef"],
    ['{\\"apiKey\\":\\"0123456789abcdef\\"}', "0123456789abcdef"],
    ["password=hunter22&user=x", "hunter22"],
    ["ghp_0123456789abcdefghij", "ghp_0123456789abcdefghij"],
    ["xoxb-1234567890-abcdef", "xoxb-1234567890-abcdef"],
    ["AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"],
    ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def", "eyJhbGciOiJIUzI1NiJ9"],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"],
    ["sentry sentry_key=0123456789abcdef", "0123456789abcdef"],
  ])("takes the key out of %s", (text, key) => {
    expect(new Scrubber().text(text)).not.toContain(key);
  });

  it.each([
    "transfer_to_billing_agent",
    "I was charged twice: order 1234 = 30 EUR",
    "https://example.com:8080/path?x=1",
    "gpt-4o-mini-2026-07-18",
    "task-force, risk-averse, desk-bound",
    "Your basic subscription is active; a token validation failed",
  ])("leaves %s as it is", (text) => {
    expect(new Scrubber().text(text)).toBe(text);
  });

  it("hides fields of JSON that are called like a secret", () => {
    const clean = new Scrubber().json('{"user":"ann","password":"x","nested":[{"api_key":123456,"ok":true}]}');
    expect(JSON.parse(clean)).toEqual({
      user: "ann",
      password: "[redacted]",
      nested: [{ api_key: "[redacted]", ok: true }],
    });
  });

  it("follows rules, and hides a text whose rule throws", () => {
    const scrub = new Scrubber([
      "Ann",
      /\d{4}/,
      { match: /(\w+)@\S+/, with: "$1@…" },
      (text) => {
        if (text.includes("boom")) throw new Error("boom");
        return text;
      },
    ]);
    expect(scrub.text("Ann, order 1234 and 5678, ann@example.com")).toBe(
      "[redacted], order [redacted] and [redacted], ann@…",
    );
    expect(scrub.text("boom")).toBe("[redaction failed]");
    expect(() => new Scrubber([{} as never])).toThrow("Cannot redact with {}");
  });

  it("takes out what a cut would have torn", () => {
    expect(new Scrubber().text(`key sk-${"a".repeat(40)}`, 12)).toBe("key [redacte… [2 more characters]");
  });

  it("is done soon with what is made to hold it up", () => {
    const scrub = new Scrubber();
    const started = performance.now();
    for (const evil of [
      "://a:",
      "-----BEGIN ",
      "bearer ",
      "token aaaaaaaa",
      "token ",
      "eyJaaaaaaaa.",
      "api_key=",
      "sk-",
      "password: \\",
    ])
      scrub.text(evil.repeat(100_000 / evil.length));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("prices", () => {
  const usage = { inputTokens: 1_000_000, outputTokens: 0 };

  it("are those of @pydantic/genai-prices", () => {
    const usd = genaiPrices(calcPrice)({ model: "gpt-4o-mini", provider: "openai", usage });
    expect(usd).toBeCloseTo(0.15);
  });

  it("count cached tokens as what they cost", () => {
    const prices = genaiPrices(calcPrice);
    const full = prices({ model: "gpt-4o-mini", provider: "openai", usage })!;
    const cached = prices({
      model: "gpt-4o-mini",
      provider: "openai",
      usage: { ...usage, cachedInputTokens: 1_000_000 },
    })!;
    expect(cached).toBeLessThan(full);
  });

  it("of unknown models are unknown, never free", () => {
    const meter = new CostMeter(genaiPrices(calcPrice));
    expect(meter.add({ model: "my-own-model", provider: "my-own", usage })).toBeUndefined();
    expect(meter.cost).toEqual({ usd: undefined, unknown: ["my-own/my-own-model"] });
    meter.add({ model: "gpt-4o-mini", provider: "openai", usage });
    expect(meter.cost).toEqual({ usd: expect.closeTo(0.15), unknown: ["my-own/my-own-model"] });
  });

  it("that throw, or are no number, are unknown", () => {
    for (const prices of [() => Number.NaN, () => -1, () => Number.POSITIVE_INFINITY]) {
      expect(new CostMeter(prices).add({ model: "m", provider: "p", usage })).toBeUndefined();
    }
    const thrower = new CostMeter(() => {
      throw new Error("no");
    });
    expect(thrower.add({ model: "m", provider: "p", usage })).toBeUndefined();
  });
});

describe("passedOn()", () => {
  const message = (id: string, content: string) => ({ type: "message", role: "user", id, content }) as const;
  const shown = [message("1", "a".repeat(40)), message("2", "b".repeat(4)), message("3", "c".repeat(8))];

  it("keeps everything without a view", () => {
    expect(passedOn(shown, undefined)).toEqual({
      kept: ["1", "2", "3"],
      dropped: [],
      putIn: 0,
      tokensBefore: 13,
      tokensAfter: 13,
    });
  });

  it("counts what a view keeps, leaves out and puts in", () => {
    expect(passedOn(shown, [["2", "3"], message("4", "dddd"), "of an earlier stay"])).toEqual({
      kept: ["2", "3", "of an earlier stay"],
      dropped: ["1"],
      putIn: 1,
      tokensBefore: 13,
      tokensAfter: 4,
    });
  });
});

describe("captured()", () => {
  it("is nothing, all kinds, or those that are named", () => {
    expect([...captured()]).toEqual([]);
    expect([...captured(false)]).toEqual([]);
    expect([...captured(true)]).toEqual(["messages", "instructions", "arguments", "results", "reasons"]);
    expect([...captured(["results"])]).toEqual(["results"]);
  });

  it("refuses a kind that does not exist", () => {
    expect(() => captured(["result" as never])).toThrow('Cannot capture "result": known kinds are messages, ');
  });
});

describe("laneOf()", () => {
  it("tells apart what belongs to a run and to runs nested in it", () => {
    expect(laneOf("r1", undefined)).toBe(laneOf("r1", []));
    expect(new Set([laneOf("r1", []), laneOf("r1", ["a"]), laneOf("r1", ["a", "b"]), laneOf("r2", ["a"])]).size).toBe(
      4,
    );
  });
});
