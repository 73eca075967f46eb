import { describe, expect, it } from "vitest";
import { capital, clip, contentOf, listed, partsOf, spoken, stem, uncapital, wordsOf } from "./text.ts";

describe("wordsOf()", () => {
  it.each([
    ["I can't log-in!", ["i", "cant", "log", "in"]],
    ["The customer’s café", ["the", "customer", "cafe"]],
    ["Übergrößen", ["ubergroßen"]],
    ["我被扣了两次款", ["我被", "被扣", "扣了", "了两", "两次", "次款"]],
    ["оплата не прошла", ["оплата", "не", "прошла"]],
    ["\u0000 \ud83d ---", []],
    ["", []],
  ])("of %j are %j", (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });
});

describe("stem()", () => {
  it.each([
    ["charge charges charged charging", "charg"],
    ["refund refunds refunded refunding", "refund"],
    ["cancel cancelled cancellation cancels", "cancel"],
    ["invoice invoices invoiced", "invoic"],
    ["pay payment payments paying", "pay"],
    ["reply replies", "reply"],
    ["crash crashes crashing", "crash"],
  ])("is one for %s", (words, root) => {
    expect(new Set(words.split(" ").map(stem))).toEqual(new Set([root]));
  });

  it("leaves short words alone", () => {
    expect(["bus", "is", "red", "sing", "app"].map(stem)).toEqual(["bus", "is", "red", "sing", "app"]);
  });
});

describe("contentOf()", () => {
  it("leaves out what says nothing", () => {
    expect(contentOf("Hello, could you please help me with a refund?")).toEqual(["refund"]);
  });
});

describe("clip()", () => {
  it("keeps the beginning and the end, and is well-formed", () => {
    const text = `begin ${"😀".repeat(50_000)} end`;
    const short = clip(text, 101);
    expect(short.length).toBeLessThanOrEqual(101);
    expect(short.startsWith("begin")).toBe(true);
    expect(short.endsWith("end")).toBe(true);
    expect(short.isWellFormed()).toBe(true);
  });
});

describe("identifiers", () => {
  it.each([
    ["customerId", ["customer", "id"], "customer ID"],
    ["customer_id", ["customer", "id"], "customer ID"],
    ["HTTPServer", ["http", "server"], "http server"],
    ["amount2Pay", ["amount2", "pay"], "amount2 pay"],
    ["__proto__", ["proto"], "proto"],
  ])("%s is %j, said %s", (name, parts, said) => {
    expect(partsOf(name)).toEqual(parts);
    expect(spoken(name)).toBe(said);
  });
});

describe("sentences", () => {
  it("list with commas, or with semicolons where there are commas already", () => {
    expect(listed([])).toBe("");
    expect(listed(["a"])).toBe("a");
    expect(listed(["a", "b"])).toBe("a and b");
    expect(listed(["a", "b", "c"], "or")).toBe("a, b or c");
    expect(listed(["a, b", "c"])).toBe("a, b; and c");
  });

  it("begin large or small, but names and abbreviations stay", () => {
    expect(capital("refund")).toBe("Refund");
    expect(uncapital("Refunds, invoices")).toBe("refunds, invoices");
    expect(uncapital("VAT numbers")).toBe("VAT numbers");
    expect(uncapital("I forgot")).toBe("I forgot");
  });
});
