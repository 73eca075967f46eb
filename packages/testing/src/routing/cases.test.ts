import { Agent } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { scriptedModel } from "../scripted-model.ts";
import { CasesError, readCases } from "./cases.ts";

const model = scriptedModel([]);
const triage = new Agent({
  name: "Front Desk",
  model,
  handoffs: [new Agent({ name: "Cards", model }), new Agent({ name: "Loans", model })],
});

const problemsOf = (text: string, format: "csv" | "jsonl" = "csv"): readonly string[] => {
  try {
    readCases(text, { format, agent: triage });
  } catch (error) {
    if (error instanceof CasesError) return error.problems.map(({ line, problem }) => `${line} ${problem}`);
    throw error;
  }
  return [];
};

describe("readCases()", () => {
  it("reads rows of text and agent, with and without a header", () => {
    const rows = [
      { text: "my card is gone", agent: "Cards", line: 1 },
      { text: "weather?", agent: "none", line: 2 },
    ];
    expect(readCases("my card is gone,Cards\nweather?,none", { format: "csv" })).toEqual(rows);
    expect(
      readCases("\uFEFFAgent;id;Text\r\nCards;7;my card is gone\r\n\r\nnone;8;weather?\r\n", { format: "csv" }),
    ).toEqual(rows.map((row, i) => ({ ...row, line: i === 0 ? 2 : 4 })));
  });

  it("reads quotes, separators and line breaks within them, and counts lines on", () => {
    const text = 'text,agent\n"a ""loan"", please\nsoon",Loans\nmy card,"Cards"';
    expect(readCases(text, { format: "csv", agent: triage })).toEqual([
      { text: 'a "loan", please\nsoon', agent: "Loans", line: 2 },
      { text: "my card", agent: "Cards", line: 4 },
    ]);
  });

  it("reads lines of JSON", () => {
    const text = '{"text":"my card","agent":"Cards"}\n\n{"message":"weather?","expected":null}';
    expect(readCases(text, { format: "jsonl", agent: triage })).toEqual([
      { text: "my card", agent: "Cards", line: 1 },
      { text: "weather?", agent: null, line: 3 },
    ]);
  });

  it("takes names of handoffs, the triage itself, and any case where nothing else fits", () => {
    const text = "a,transfer_to_cards\nb,Front Desk\nc,LOANS\nd,NONE";
    expect(readCases(text, { format: "csv", agent: triage })).toHaveLength(4);
  });

  it("names every broken row and unknown agent with its line", () => {
    const text =
      'text,agent\nmy card,Crads\n ,Cards\nno agent,\njust text\none, two,Cards\n"never closed,Cards\n"a" b,Cards';
    expect(problemsOf(text)).toEqual([
      '2 names the unknown agent "Crads"',
      "3 has no text",
      "4 has no agent",
      "5 has 1 field where 2 are expected",
      "6 has 3 fields where 2 are expected (a text with the separator in it goes in quotes)",
      "7 has a quote that is never closed",
      "8 has text behind a closing quote",
    ]);
    expect(problemsOf('{"text":1,"agent":"Cards"}\n{"text":"a"}\n{"text":"a","agent":"X"}\n[]\n{', "jsonl")).toEqual([
      "1 has no text",
      "2 has no agent",
      '3 names the unknown agent "X"',
      "4 is not an object with text and agent",
      "5 is not JSON",
    ]);
  });

  it("says it in one sentence, with the agents that are known", () => {
    expect(() => readCases("a,X\nb", { format: "csv", agent: triage })).toThrowErrorMatchingInlineSnapshot(
      `[CasesError: Cannot use 2 rows of the cases: line 1 names the unknown agent "X"; line 2 has 1 field where 2 are expected; known are "Cards", "Loans" and "none"]`,
    );
    const many = Array.from({ length: 30 }, () => "a").join("\n");
    expect(() => readCases(many, { format: "csv" })).toThrow(/^Cannot use 30 rows .*line 20 .*; and 10 more$/);
  });

  it.each([
    ["", "csv", "Cannot read cases: there is no row with a text and an agent"],
    ["text,agent\n", "csv", "Cannot read cases: there is no row with a text and an agent"],
    ["a,b", "tsv", 'Cannot use "tsv" as the format of cases: expected "csv" or "jsonl"'],
  ])("refuses %j as %s", (text, format, message) => {
    expect(() => readCases(text, { format: format as "csv" })).toThrow(new TypeError(message));
  });

  it("reads 100,000 characters and other scripts", () => {
    const long = "a ".repeat(50_000);
    const cases = readCases(`"${long}",Cards\nカードをなくしました,Cards`, { format: "csv", agent: triage });
    expect(cases.map(({ text }) => text)).toEqual([long, "カードをなくしました"]);
  });
});
