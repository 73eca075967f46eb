import { hostileNames, hostileTexts } from "@batonjs/testing/corpus";
import { arbitraries } from "@batonjs/testing/arbitraries";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  agentName,
  criteria,
  describe as described,
  exampleList,
  identifier,
  MAX_AGENT_NAME_LENGTH,
  MAX_DESCRIBED_EXAMPLES,
  quote,
  toolName,
  transferName,
} from "./names.ts";

describe("transferName()", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Billing", "transfer_to_billing"],
    ["Billing Agent", "transfer_to_billing_agent"],
    ["billing--agent", "transfer_to_billing_agent"],
    ["Billing   &  Refunds", "transfer_to_billing_refunds"],
    ["BILLING", "transfer_to_billing"],
    ["Tier-2 (EU)", "transfer_to_tier_2_eu_"],
    [" A", "transfer_to__a"],
    ["Zoë", "transfer_to_zo_"],
    ["ｐay", "transfer_to__ay"],
    ["\u212aelvin", "transfer_to_kelvin"],
    ["💸 Refunds 💸", "transfer_to__refunds_"],
    ["7", "transfer_to_7"],
    ["transfer_to_", "transfer_to_transfer_to_"],
    ["__proto__", "transfer_to__proto_"],
    ["x".repeat(65), `transfer_to_${"x".repeat(52)}`],
  ];
  for (const [name, expected] of cases) {
    it(`makes ${expected} of ${JSON.stringify(name)}`, () => {
      expect(transferName(name)).toBe(expected);
    });
  }

  it("asks for a toolName where nothing is left", () => {
    for (const name of ["💸", "   ", "_", "___", "агент", "\u0301"]) {
      expect(() => transferName(name)).toThrow(TypeError);
      expect(() => transferName(name)).toThrow(
        `Cannot name the handoff to agent "${name}": nothing is left of its name in letters and digits; give the handoff a toolName`,
      );
    }
  });

  it("is a name that providers accept, of at most 64 characters, the same every time, for any name that has one", () => {
    fc.assert(
      fc.property(fc.oneof(arbitraries.text(), fc.string({ maxLength: 100 })), (name) => {
        if (identifier(name, 52) === "") return;
        const made = transferName(name);
        expect(toolName(made, "a test")).toBe(made);
        expect(transferName(name)).toBe(made);
        expect(made.startsWith("transfer_to_")).toBe(true);
      }),
    );
  });
});

describe("toolName()", () => {
  for (const { number, what, value, expected } of hostileNames) {
    it(`${expected.tool}s ${what} (C2 ${number})`, () => {
      if (expected.tool === "accept") expect(toolName(value, "a tool")).toBe(value);
      else expect(() => toolName(value, "a tool")).toThrow(TypeError);
    });
  }

  it("accepts 1 to 64 characters", () => {
    expect(toolName("x", "a tool")).toBe("x");
    expect(toolName("x".repeat(64), "a tool")).toHaveLength(64);
    for (const name of ["", "x".repeat(65)]) {
      expect(() => toolName(name, "a tool")).toThrow(
        /^Cannot use "x*" as the name of a tool: a name has 1 to 64 letters, digits, "_" or "-"$/,
      );
    }
  });

  it("refuses what is no text", () => {
    for (const name of [undefined, null, 5, {}, ["x"], Symbol("x"), Object.create(null), { toString: () => "x" }]) {
      expect(() => toolName(name as never, "a tool")).toThrow(/^Cannot use .* as the name of a tool/);
    }
  });
});

describe("agentName()", () => {
  for (const { number, what, value, expected } of hostileNames) {
    it(`${expected.agent}s ${what} (C2 ${number})`, () => {
      if (expected.agent === "accept") expect(agentName(value)).toBe(value);
      else expect(() => agentName(value)).toThrow(TypeError);
    });
  }

  const refused: readonly (readonly [string, unknown, string])[] = [
    ["nothing", undefined, "it must not be empty"],
    ["null", null, "it must not be empty"],
    ["a number", 5, "it must not be empty"],
    ["an object", { name: "A" }, "it must not be empty"],
    ["white space", " \t ", "it must not be empty"],
    ["a long text", "x".repeat(MAX_AGENT_NAME_LENGTH + 1), "it may be at most 200 characters long"],
    ["a lone surrogate", "A\ud83d", "it must be well-formed text without control characters"],
    ["NUL", "A\u0000", "it must be well-formed text without control characters"],
    ["ANSI escapes", "\u001b[31mA", "it must be well-formed text without control characters"],
    ["a bidirectional isolate", "A\u2066", "it must be well-formed text without control characters"],
  ];
  for (const [what, value, problem] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => agentName(value as never)).toThrow(TypeError);
      expect(() => agentName(value as never)).toThrow(problem);
    });
  }

  it("takes 200 characters, and other scripts", () => {
    for (const name of ["x".repeat(200), "Ассистент", "客服", "Zoë 💸"]) expect(agentName(name)).toBe(name);
  });
});

describe("quote()", () => {
  it("cuts long names, and writes whatever stands in the place of one", () => {
    expect(quote("x".repeat(200))).toBe(`"${"x".repeat(100)}… [100 more characters]"`);
    expect(quote(undefined)).toBe("undefined");
    expect(quote(() => "x".repeat(1000))).toBe("a function");
    expect(quote(Object.create(null))).toBe("an error that cannot be written");
    for (const { value } of hostileTexts) expect(quote(value).length).toBeLessThan(200);
  });
});

describe("routing criteria", () => {
  it("a description has what it was given, line by line", () => {
    expect(described("Money.", {})).toBe("Money.");
    expect(described("", { when: "refunds" })).toBe("Use for: refunds");
    expect(described("", {})).toBe("");
    expect(described("Money.", { when: "a", notFor: "b", examples: ["c", 'say "d"'] })).toBe(
      'Money.\nUse for: a\nNot for: b\nExamples: "c", "say \\"d\\""',
    );
  });

  it("a description shows a few examples, of each intent in turn", () => {
    const many = (name: string): string[] => Array.from({ length: 9 }, (_, i) => `${name}${i}`);
    expect(described("", { examples: many("a") }).match(/a\d/g)).toHaveLength(MAX_DESCRIBED_EXAMPLES);
    expect(described("", { examples: { a: many("a"), b: ["b0"], c: many("c") } })).toBe(
      'Examples: "a0", "b0", "c0", "a1", "c1", "a2"',
    );
    expect(described("", { examples: {} })).toBe("");
    expect(described("", { examples: [] })).toBe("");
  });

  it("exampleList() gives all examples, over all intents", () => {
    expect(exampleList(undefined)).toEqual([]);
    expect(exampleList(["a"])).toEqual(["a"]);
    expect(exampleList({ a: ["b", "c"], d: ["e"] })).toEqual(["b", "c", "e"]);
  });

  it("criteria() gives those that are set, well-formed", () => {
    expect(criteria({})).toEqual({});
    const evil = "x\ud83d";
    expect(criteria({ when: evil, notFor: evil, examples: { [evil]: [evil] } })).toEqual({
      when: "x\ufffd",
      notFor: "x\ufffd",
      examples: { "x\ufffd": ["x\ufffd"] },
    });
    expect(described(evil, {})).toBe("x\ufffd");
  });
});
