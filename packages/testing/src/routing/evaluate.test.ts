import {
  Agent,
  type AnyTool,
  handBack,
  handoff,
  isUserMessage,
  type JsonObject,
  type Model,
  RunError,
  textOf,
  tool,
} from "@batonjs/core";
import { describe, expect, expectTypeOf, it } from "vitest";
import { testClock } from "../environment.ts";
import { type Answer, call, fail, handOff, say } from "../script.ts";
import { type ScriptedModel, scriptedModel } from "../scripted-model.ts";
import { type EvaluationOptions, evaluateRouting, joinReports, type RoutingCase, type RoutingReport } from "./index.ts";

/** Asked never: evaluation replaces it. */
const unused: Model = {
  name: "unused",
  provider: "test",
  stream: () => {
    throw new Error("a specialist's model was asked");
  },
};

/** Triage that answers by what the message says, and three specialists whose models must not be asked. */
function desk(
  answer: (text: string) => Answer = byName,
  tools: readonly AnyTool[] = [],
): { readonly triage: Agent; readonly model: ScriptedModel } {
  const model = scriptedModel(({ items }) => answer(textOf(items.find(isUserMessage)!)));
  const cards = new Agent({ name: "Cards", model: unused, handoffs: [handBack()] });
  const loans = new Agent({
    name: "Loans",
    model: "nobody/provides-this",
    outputType: { type: "object", required: ["a"] } as never,
  });
  const fraud = new Agent({ name: "Fraud" });
  const triage = new Agent({
    name: "Desk",
    model,
    tools: tools as never,
    handoffs: [cards, loans, handoff(fraud, { needsApproval: true })],
  });
  return { triage: triage as unknown as Agent, model };
}

const byName = (text: string): Answer => {
  const to = /card/.test(text) ? "cards" : /loan/.test(text) ? "loans" : /fraud/.test(text) ? "fraud" : undefined;
  return to === undefined ? say("How can I help?") : handOff(to);
};

const CASES: readonly RoutingCase[] = [
  { text: "my card is lost", agent: "Cards" },
  { text: "a loan for my card", agent: "Loans" },
  { text: "a loan", agent: "transfer_to_loans" },
  { text: "fraud!", agent: "Fraud" },
  { text: "hello", agent: "none" },
  { text: "a loan of your time", agent: null },
];

describe("evaluateRouting()", () => {
  it("makes one run for each message, in which only triage asks its model", async () => {
    const { triage, model } = desk();
    const report = await evaluateRouting(triage, CASES);
    expect(model.requests.map(({ at }) => at.agent)).toEqual(CASES.map(() => "Desk"));
    expect(report.results.map(({ text, expected, actual, right }) => [text, expected, actual, right])).toEqual([
      ["my card is lost", "Cards", "Cards", true],
      ["a loan for my card", "Loans", "Cards", false],
      ["a loan", "Loans", "Loans", true],
      ["fraud!", "Fraud", "Fraud", true],
      ["hello", null, null, true],
      ["a loan of your time", null, "Loans", false],
    ]);
    expect(report).toMatchObject({
      messages: 6,
      right: 4,
      failed: 0,
      accuracy: 4 / 6,
      calls: { total: 6, perMessage: 1, perRight: 1.5 },
      usage: { requests: 6, totalTokens: 90 },
      calibration: null,
      coverage: null,
      cost: null,
      rungs: [{ by: "model", messages: 6, right: 4, calls: 6 }],
    });
  });

  it("gives precision and recall for each edge and the confusion matrix", async () => {
    const report = await evaluateRouting(desk().triage, CASES);
    expect(report.edges.map(({ agent, precision, recall }) => [agent, precision, recall])).toEqual([
      ["Cards", 1 / 2, 1],
      ["Loans", 1 / 2, 1 / 2],
      ["Fraud", 1, 1],
      ["Desk", 1, 1 / 2],
    ]);
    expect(report.confusion).toEqual({
      expected: ["Cards", "Loans", "Fraud", "Desk"],
      actual: ["Cards", "Loans", "Fraud", "Desk"],
      counts: [
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 1, 0, 1],
      ],
    });
  });

  it("is JSON and back the same", async () => {
    const report = await evaluateRouting(desk().triage, CASES);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expectTypeOf(report).toEqualTypeOf<RoutingReport>();
  });

  it("tells a run that fails from one that stays, and goes on", async () => {
    const { triage } = desk((text) => (text === "hello" ? fail(new Error("no route to host")) : byName(text)));
    const report = await evaluateRouting(triage, CASES.slice(3, 5));
    expect(report).toMatchObject({ messages: 2, right: 1, failed: 1 });
    expect(report.results[1]).toMatchObject({ right: false, actual: null, error: expect.stringContaining("no route") });
    expect(report.confusion.actual.at(-1)).toBe("(failed)");
    expect(report.confusion.counts.at(-1)).toEqual([0, 0, 0, 0, 1]);
  });

  it("measures time with the given clock, until the specialist is reached", async () => {
    const clock = testClock();
    const { triage } = desk();
    const plugins = [
      {
        name: "slow",
        wrapModel: (inner: Model): Model => ({
          ...inner,
          name: inner.name,
          provider: inner.provider,
          async *stream(request) {
            await clock.advance(request.items.length === 1 ? 250 : 0);
            yield* inner.stream(request);
          },
        }),
      },
    ];
    const report = await evaluateRouting(triage, CASES.slice(0, 2), { clock, plugins });
    expect(report.latencyMs).toEqual({ mean: 250, median: 250, p95: 250, max: 250 });
    expect(clock.pending).toBe(0);
  });

  it("adds up what replies cost", async () => {
    const price = ({
      model,
      usage,
    }: {
      readonly model: string;
      readonly usage: { readonly inputTokens: number };
    }): number => (model === "scripted" ? usage.inputTokens / 100 : 0);
    expect((await evaluateRouting(desk().triage, CASES, { price })).cost).toBeCloseTo(0.6);
  });

  it("reads who decided and how sure it was from the notes of a router", async () => {
    const notes: Readonly<Record<string, JsonObject>> = {
      "my card is lost": { rung: "examples", to: "Cards", score: 0.9, scores: [{ to: "Cards", score: 0.9 }] },
      "a loan": { rung: "rules", to: "Loans", score: 1, scores: [] },
      hello: { rung: "model", to: null, score: 0, scores: [{ to: "Cards", score: 0.3 }] },
    };
    const { triage } = desk();
    const noted = {
      name: "router",
      wrapModel: (inner: Model): Model => ({
        name: inner.name,
        provider: inner.provider,
        async *stream(request) {
          const note = notes[textOf(request.items[0]!)];
          for await (const event of inner.stream(request)) {
            if (event.type !== "reply" || !note) yield event;
            else {
              const provider = note["rung"] === "model" ? "scripted" : "router";
              yield { ...event, provider, notes: [{ plugin: "router", data: { kind: "decision", ...note } }] };
            }
          }
        },
      }),
    };
    const cases = CASES.filter(({ text }) => text in notes);
    const report = await evaluateRouting(triage, cases, { plugins: [noted] });
    expect(report.results.map(({ by, guess, calls }) => [by, guess, calls])).toEqual([
      ["examples", { agent: "Cards", score: 0.9 }, 0],
      ["rules", { agent: "Loans", score: 1 }, 0],
      ["model", { agent: "Cards", score: 0.3 }, 1],
    ]);
    expect(report.calibration?.error).toBeCloseTo((0.1 + 0 + 0.3) / 3);
    expect(report.coverage?.filter(({ threshold }) => [0, 0.5, 1].includes(threshold))).toEqual([
      { threshold: 0, coverage: 1, precision: 2 / 3, outOfScope: 1 },
      { threshold: 0.5, coverage: 1, precision: 1, outOfScope: 0 },
      { threshold: 1, coverage: 0.5, precision: 1, outOfScope: 0 },
    ]);
    expect(report.calls).toEqual({ total: 1, perMessage: 1 / 3, perRight: 1 / 3 });
  });

  it("follows a message through a second triage that is asked as well", async () => {
    const model = scriptedModel((request) => (request.at.agent === "Desk" ? handOff("private") : handOff("cards")));
    const cards = new Agent({ name: "Cards" });
    const second = new Agent({ name: "Private", model, handoffs: [cards] });
    const triage = new Agent({ name: "Desk", model, handoffs: [second] });
    const report = await evaluateRouting(triage, [{ text: "my card", agent: "Cards" }], { triage: ["Private"] });
    expect(report.results[0]).toMatchObject({ actual: "Cards", path: ["Desk", "Private", "Cards"], calls: 2 });
    const first = await evaluateRouting(triage, [{ text: "my card", agent: "Private" }]);
    expect(first.results[0]).toMatchObject({ actual: "Private", path: ["Desk", "Private"], calls: 1, right: true });
  });

  it("runs tools that only read, and no others", async () => {
    const ran: string[] = [];
    const record = (name: string): string => {
      ran.push(name);
      return "done";
    };
    const tools = [
      tool({ name: "look_up", sideEffects: "none", execute: () => record("look_up") }),
      tool({ name: "pay_out", needsApproval: true, execute: () => record("pay_out") }),
      new Agent({ name: "Helper" }).asTool(),
    ];
    const steps = [call("look_up"), call("pay_out"), call("helper", { input: "?" }), handOff("cards")];
    const { triage } = desk(() => steps.shift()!, tools);
    const report = await evaluateRouting(triage, [{ text: "hi", agent: "Cards" }]);
    expect(ran).toEqual(["look_up"]);
    expect(report.results[0]).toMatchObject({ right: true, calls: 4 });
  });

  it("keeps order and counts with several at a time, and tells of each", async () => {
    const told: string[] = [];
    const options = { concurrency: 4, onResult: ({ text }: { readonly text: string }) => void told.push(text) };
    const report = await evaluateRouting(desk().triage, CASES, options);
    expect(report.results.map(({ text }) => text)).toEqual(CASES.map(({ text }) => text));
    expect(told.toSorted()).toEqual(CASES.map(({ text }) => text).toSorted());
  });

  it("stops when its signal says so", async () => {
    const controller = new AbortController();
    const options = { signal: controller.signal, onResult: () => controller.abort(new Error("enough")) };
    await expect(evaluateRouting(desk().triage, CASES, options)).rejects.toThrow(/enough|abort/i);
  });

  it("asks for the context that the agents need", () => {
    const triage = new Agent({
      name: "Desk",
      model: unused,
      instructions: (run: { readonly context: { readonly id: string } }) => run.context.id,
    });
    // @ts-expect-error: the context is missing
    const without = (): unknown => evaluateRouting(triage, CASES);
    const given = (): unknown => evaluateRouting(triage, CASES, { context: { id: "a" } });
    expect([without, given]).toHaveLength(2);
  });

  it.each([
    ["no case", [], {}, 'Cannot evaluate agent "Desk": there is no case'],
    ["an empty text", [{ text: " ", agent: "Cards" }], {}, "Cannot use case 1: it has no text"],
    [
      "an unknown agent",
      [{ text: "a", agent: "Crads", line: 7 }],
      {},
      'Cannot use the case of line 7: it is for the unknown agent "Crads"; known are "Cards", "Loans", "Fraud" and "none"',
    ],
    ["no agent", [{ text: "a" }], {}, /^Cannot use case 1: it is for the unknown agent undefined/],
    ["a concurrency of 0", CASES, { concurrency: 0 }, "Cannot use 0 as concurrency as it must be a positive integer"],
    ["an unknown triage", CASES, { triage: ["X"] }, /^Cannot use "X" as a triage: known are/],
    ["an unknown option", CASES, { modle: "a" }, /^Cannot use option "modle" of a runner/],
  ])("refuses %s before any run", async (_, cases, options, message) => {
    const { triage, model } = desk();
    await expect(
      evaluateRouting(triage, cases as readonly RoutingCase[], options as EvaluationOptions),
    ).rejects.toThrow(message);
    expect(model.requests).toHaveLength(0);
  });

  it("refuses a triage whose model nobody provides", async () => {
    const triage = new Agent({ name: "Desk", model: "openai/x", handoffs: [new Agent({ name: "Cards" })] });
    const evaluated = evaluateRouting(triage, [{ text: "a", agent: "Cards" }]);
    await expect(evaluated).rejects.toThrow('Cannot evaluate agent "Desk": nobody provides its model');
    await expect(evaluated).rejects.not.toBeInstanceOf(RunError);
  });

  it("reads 100,000 characters and broken text", async () => {
    const cases = [{ text: `card ${"\ud800 あ".repeat(33_000)}`, agent: "Cards" }];
    expect((await evaluateRouting(desk().triage, cases)).accuracy).toBe(1);
  });
});

describe("joinReports()", () => {
  it("is the report of all messages together", async () => {
    const parts = [CASES.slice(0, 2), CASES.slice(2)];
    const [a, b] = await Promise.all(parts.map((part) => evaluateRouting(desk().triage, part)));
    const whole = await evaluateRouting(desk().triage, CASES);
    const joined = joinReports([a!, b!]);
    expect({ ...joined, latencyMs: 0, results: 0 }).toEqual({ ...whole, latencyMs: 0, results: 0 });
    const inFile = await evaluateRouting(
      desk().triage,
      CASES.map((each, i) => ({ ...each, line: 9 - i })),
    );
    expect(joinReports([inFile]).results.map(({ line }) => line)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(() => joinReports([])).toThrow(TypeError);
    expect(() => joinReports([a!, { ...b!, agent: "Other" }])).toThrow('found "Desk" and "Other"');
  });
});
