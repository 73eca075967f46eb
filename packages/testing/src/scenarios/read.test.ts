import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Agent, tool } from "@batonjs/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readScenarioFiles, readScenarios, ScenariosError } from "./index.ts";

const refund = tool({ name: "refund_charge", execute: () => "ok" });
const billing = new Agent({ name: "Billing Agent", tools: [refund] });
const triage = new Agent({ name: "Triage Agent", handoffs: [billing] });

const problemsIn = (text: string, file?: string): readonly string[] => {
  try {
    readScenarios(text, { agent: triage, ...(file === undefined ? {} : { file }) });
  } catch (error) {
    if (!(error instanceof ScenariosError)) throw error;
    return error.problems.map(({ line, message }) => `${line ?? "?"}: ${message}`);
  }
  return [];
};

describe("readScenarios()", () => {
  it("reads a list, or one scenario, with where each begins", () => {
    const text = `
# refunds
- name: is refunded
  approve: { refund_charge: { approved: true, reason: ok } }
  turns:
    - user: refund me
      expect:
        handsOffTo: { agent: Billing Agent, payload: { issue: !regex "^re" } }
        calls: [refund_charge, { tool: refund_charge, args: { id: 7 } }]
        answer: !regex /done/i
- name: >-
    says
    hello
  user: { persona: Maya, goal: says hello, maxTurns: 2, model: openai/small }
`;
    const scenarios = readScenarios(text, { agent: triage, file: "refunds.yaml" });
    expect(scenarios.map(({ name, file, line }) => ({ name, file, line }))).toEqual([
      { name: "is refunded", file: "refunds.yaml", line: 3 },
      { name: "says hello", file: "refunds.yaml", line: 11 },
    ]);
    expect(scenarios[0]?.turns?.[0]?.expect).toEqual({
      handsOffTo: { agent: "Billing Agent", payload: { issue: /^re/ } },
      calls: ["refund_charge", { tool: "refund_charge", args: { id: 7 } }],
      answer: /done/i,
    });
    expect(readScenarios('{ "name": "one", "turns": [{ "user": "hi" }] }')).toEqual([
      { name: "one", line: 1, turns: [{ user: "hi" }] },
    ]);
  });

  it("knows the names of tools only where they are known before a run", () => {
    const text = "{ name: x, turns: [{ user: hi, expect: { calls: found_later } }] }";
    const source = { kind: "tool_source", name: "later", tools: () => [] } as never;
    expect(() => readScenarios(text, { agent: new Agent({ name: "A", tools: [source] }) })).not.toThrow();
    expect(() => readScenarios(text, { agent: new Agent({ name: "A" }) })).toThrow(
      'there is no tool "found_later": there is none',
    );
  });

  const turn = (expected: string) => `name: x\nturns:\n  - user: hi\n    expect:\n      ${expected}`;

  it.each<[string, string, readonly string[]]>([
    ["nothing", "", ["1: there is no scenario"]],
    ["an empty list", "[]", ["1: there is no scenario"]],
    [
      "a text",
      "hello",
      ['1: expected a scenario with name, turns, user, approve, expect, data, repeat, minPassRate, found "hello"'],
    ],
    [
      "broken YAML",
      "- name: x\n  turns: [",
      ["2: Flow sequence in block collection must be sufficiently indented and end with a ]"],
    ],
    ["a key twice", "name: x\nname: y\nturns: [{ user: hi }]", ["2: Map keys must be unique"]],
    [
      "two documents",
      "name: x\n---\nname: y",
      ["2: Source contains multiple documents; please use YAML.parseAllDocuments()"],
    ],
    [
      "an alias to nowhere",
      "name: x\nturns: *nowhere",
      ["?: Unresolved alias (the anchor must be set before the alias): nowhere"],
    ],
    [
      "a broken regular expression",
      turn('answer: !regex "("'),
      ["5: Invalid regular expression: /(/: Unterminated group"],
    ],
    ["a tag that is none", turn("answer: !regexp x"), ["5: Unresolved tag: !regexp"]],
    [
      "an unknown key",
      "name: x\nturn: [{ user: hi }]",
      [
        '2: turn: a scenario has no key "turn": did you mean "turns"? known are "name", "turns", "user", "approve", "expect", "data", "repeat", "minPassRate"',
        '1: a scenario needs "turns" or "user"',
      ],
    ],
    [
      "an unknown expectation",
      turn("handOffTo: Billing Agent"),
      [
        '5: turns[0].expect.handOffTo: an expectation has no key "handOffTo": did you mean "handsOffTo"? known are "agent", "handsOffTo", "path", "staysWith", "calls", "callsNot", "needsApproval", "answer", "answerNot", "cost"',
      ],
    ],
    [
      "missing text of the user",
      "name: x\nturns:\n  - user: hi\n  - expect: {}\n  - user: ' '",
      ['4: turns[1]: a turn needs "user"', '5: turns[2].user: expected a text that is not empty, found " "'],
    ],
    [
      "a user that is a number",
      "name: x\nturns:\n- user: 42",
      ["3: turns[0].user: expected a text that is not empty, found 42"],
    ],
    ["no name", "turns:\n- user: hi", ['1: a scenario needs "name"']],
    [
      "an unknown agent",
      turn("path: [Triage Agent, Biling Agent]"),
      [
        '5: turns[0].expect.path[1]: there is no agent "Biling Agent": did you mean "Billing Agent"? known are "Triage Agent", "Billing Agent"',
      ],
    ],
    [
      "an unknown tool",
      turn("callsNot: [refund]"),
      [
        '5: turns[0].expect.callsNot[0]: there is no tool "refund": did you mean "refund_charge"? known are "refund_charge"',
      ],
    ],
    [
      "a decision about nothing",
      "name: x\napprove: { zzz: true }\nturns: [{ user: hi }]",
      ['2: approve.zzz: there is no tool or handoff "zzz": known are "refund_charge", "transfer_to_billing_agent"'],
    ],
    [
      "a decision that is none",
      "name: x\napprove: { refund_charge: maybe }\nturns: [{ user: hi }]",
      ['2: approve.refund_charge: expected a decision with approved, reason, found "maybe"'],
    ],
    [
      "a cost without limits, and one below 0",
      `${turn("cost: {}")}\nexpect: { cost: { calls: -1 } }`,
      [
        "5: turns[0].expect.cost: a cost needs calls, tokens or usd",
        "6: expect.cost.calls: expected a number of at least 0, found -1",
      ],
    ],
    [
      "numbers that are none",
      "name: x\nrepeat: 0.5\nminPassRate: 90\nturns: [{ user: hi }]",
      ["2: repeat: expected a positive integer, found 0.5", "3: minPassRate: expected a number from 0 to 1, found 90"],
    ],
    [
      "a goal without a user",
      "name: x\nturns: [{ user: hi }]\nexpect: { goalReached: true }",
      ['3: expect.goalReached: only a scenario with a "user" has a goal'],
    ],
    [
      "a user without a goal",
      "name: x\nuser: { persona: Maya, maxTurns: 0 }",
      ["2: user.maxTurns: expected a positive integer, found 0", '2: user: a user needs "goal"'],
    ],
    [
      "a file of its own",
      "name: x\nfile: y\nturns: [{ user: hi }]",
      [
        '2: file: a scenario has no key "file": known are "name", "turns", "user", "approve", "expect", "data", "repeat", "minPassRate"',
      ],
    ],
    [
      "a name twice",
      "- name: x\n  turns: [{ user: hi }]\n- name: x\n  turns: [{ user: hi }]",
      ['3: another scenario has the name "x"'],
    ],
    [
      "aliases that blow up",
      `a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c]`,
      ["?: Excessive alias count indicates a resource exhaustion attack"],
    ],
  ])("says what is wrong, and in which line: %s", (_, text, problems) => {
    expect(problemsIn(text)).toEqual(problems);
  });
});

describe("readScenarioFiles()", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "scenarios-"));
    await writeFile(join(folder, "good.yaml"), "name: good\nturns: [{ user: hi }]");
    await writeFile(join(folder, "bad.yaml"), "- name: good\n  turns: [{ user: hi }]\n- name: bad\n  trun: 1");
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("reads several files, by path and by address", async () => {
    const url = pathToFileURL(join(folder, "good.yaml"));
    expect(await readScenarioFiles([url], { agent: triage })).toMatchObject([{ name: "good", file: "good.yaml" }]);
  });

  it("tells what is wrong with all of them at once", async () => {
    const files = ["good.yaml", "bad.yaml", "none.yaml"].map((name) => pathToFileURL(join(folder, name)));
    await expect(readScenarioFiles(files)).rejects.toThrow(
      /^Cannot use the scenarios: 4 problems\n {2}bad\.yaml:4: trun: a scenario has no key "trun".*\n {2}bad\.yaml:3: a scenario needs "turns" or "user"\n {2}none\.yaml: it cannot be read: ENOENT.*\n {2}bad\.yaml:1: another scenario has the name "good"$/,
    );
  });
});
