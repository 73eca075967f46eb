import { Agent, handBack, handoff, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { testClock } from "../environment.ts";
import { call, handOff, say, stall } from "../script.ts";
import { type ScriptedModel, scriptedModel } from "../scripted-model.ts";
import { functionModel } from "../smoke.ts";
import { checkScenario, runScenarios, type Scenario, scenarioTable } from "./index.ts";

const lookup = tool({ name: "lookup", parameters: z.object({ id: z.number() }), execute: () => "$5" });
const refund = tool({
  name: "refund",
  parameters: z.object({ id: z.number() }),
  needsApproval: true,
  execute: () => "done",
});

/** A desk whose models answer by what was said last. */
function desk() {
  const billing = new Agent({
    name: "Billing",
    tools: [lookup, refund],
    handoffs: [handBack()],
    model: functionModel(({ items }) => {
      const last = items.at(-1);
      if (last?.type === "tool_result" && !last.output.startsWith("The conversation is with"))
        return last.status === "denied" ? "I may not refund it." : `Result: ${last.output}`;
      const text = JSON.stringify(items.findLast((item) => item.type === "message" && item.role === "user"));
      if (text.includes("refund")) return call("refund", { id: 7 });
      if (text.includes("crash")) return handOff("transfer_back");
      return text.includes("look") ? call("lookup", { id: 7 }) : "You were charged once.";
    }),
  });
  const technical = new Agent({ name: "Technical", model: functionModel(() => "Restart it.") });
  return new Agent({
    name: "Triage",
    handoffs: [handoff(billing, { inputType: z.object({ issue: z.string(), urgent: z.boolean() }) }), technical],
    model: functionModel(({ items }) => {
      const text = JSON.stringify(items.findLast((item) => item.type === "message" && item.role === "user"));
      if (text.includes("crash")) return handOff("technical");
      return text.includes("charge") ? handOff("billing", { issue: "charge", urgent: true }) : "Hello!";
    }),
  });
}
const triage = desk();

const failureOf = async (scenario: Scenario, options = {}): Promise<string> => {
  try {
    await checkScenario(desk(), scenario, options);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("It did not fail");
};

describe("a scenario", () => {
  const scenarios: readonly Scenario[] = [
    {
      name: "goes to billing, stays there, and comes back for a crash",
      turns: [
        { user: "hi", expect: { agent: "Triage", staysWith: triage, answer: "Hello", callsNot: ["lookup", "refund"] } },
        {
          user: "a charge?",
          expect: {
            handsOffTo: { agent: "Billing", payload: { issue: /^ch/ } },
            path: ["Triage", "Billing"],
            needsApproval: false,
            answerNot: ["Hello", /sorry/],
            cost: { calls: 2, tokens: 30 },
          },
        },
        {
          user: "look it up",
          expect: { staysWith: "Billing", calls: { tool: "lookup", args: { id: 7 } }, answer: /\$5$/ },
        },
        {
          user: "it crashes",
          expect: { path: ["Billing", "Triage", "Technical"], handsOffTo: "Technical", agent: "Technical" },
        },
      ],
      expect: {
        path: ["Triage", "Billing", "Triage", "Technical"],
        calls: "lookup",
        callsNot: ["refund", { tool: "lookup", args: { id: 8 } }],
        answer: z.string().max(20),
        cost: { calls: 8, usd: 8 },
      },
    },
    {
      name: "is refunded once a person says yes",
      approve: { refund: { approved: true } },
      turns: [
        { user: "a charge", expect: { agent: "Billing" } },
        { user: "refund it", expect: { needsApproval: "refund", calls: "refund", answer: "Result: done" } },
      ],
    },
    {
      name: "is not refunded when a person says no, or nothing",
      turns: [
        { user: "a charge" },
        { user: "refund it", approve: false, expect: { needsApproval: true, answer: "I may not" } },
        { user: "refund it", approve: { lookup: true }, expect: { needsApproval: ["refund"], agent: "Billing" } },
        { user: "thanks", expect: { answer: "charged once", needsApproval: false } },
      ],
      expect: { needsApproval: "refund" },
    },
  ];

  for (const scenario of scenarios)
    it(`passes: ${scenario.name}`, () => checkScenario(triage, scenario, { price: () => 1 }));

  it("is told with calls, tokens, cost and paths", async () => {
    const { scenarios: results, ...counts } = await runScenarios(triage, scenarios, {
      price: () => 0.5,
      clock: testClock(),
      concurrency: 2,
    });
    expect(counts).toEqual({ ok: true, passed: 3, failed: 0 });
    expect(results[1]).toMatchObject({ ok: true, passes: 1, count: 1, passRate: 1, minPassRate: 1 });
    expect({ ...results[1]?.runs[0], transcript: [] }).toEqual({
      ok: true,
      failures: [],
      turns: [
        {
          user: "a charge",
          answer: "You were charged once.",
          agent: "Billing",
          path: ["Triage", "Billing"],
          calls: [],
        },
        { user: "refund it", answer: "Result: done", agent: "Billing", path: ["Billing"], calls: ["refund"] },
      ],
      calls: 4,
      tokens: 60,
      usd: 2,
      durationMs: 0,
      transcript: [],
    });
    expect(results[1]?.runs[0]?.transcript).toContainEqual(expect.stringMatching(/^approval of \w+: approved$/));
  });

  it("that fails says what was expected, with the whole conversation and the places marked", async () => {
    const message = await failureOf({
      name: "wrong",
      turns: [
        { user: "hi" },
        {
          user: "a charge",
          expect: {
            handsOffTo: { agent: "Billing", payload: { urgent: false } },
            calls: "lookup",
            answerNot: "charged",
          },
        },
        { user: "never said" },
      ],
      expect: { agent: "Technical" },
    });
    expect(message).toMatchInlineSnapshot(`
      "turn 2: Expected the run to hand over to "Billing" with {"urgent":false}: its payload is {"issue":"charge","urgent":true}
      Expected the run to call the tool "lookup": it called no tool
      Expected the run not to answer with "charged", and it did

        user: "hi"
        Triage: "Hello!"
        turn of Triage: stop
        user: "a charge"
        Triage calls transfer_to_billing({"issue":"charge","urgent":true}) [call_1]
        turn of Triage: tool_calls
        result of call_1: "The conversation is with Billing now."
      > handoff Triage → Billing {"issue":"charge","urgent":true}
      > Billing: "You were charged once."
        turn of Billing: stop
      > (here the transcript ends)"
    `);
  });

  it.each<[string, Scenario["turns"], string]>([
    [
      "who answers",
      [{ user: "hi", expect: { agent: "Billing" } }],
      'Expected the run to end with "Billing": it ends with "Triage"',
    ],
    [
      "a path",
      [{ user: "hi", expect: { path: ["Billing"] } }],
      "Expected the run to follow the path Billing: its path is Triage",
    ],
    [
      "who stays",
      [{ user: "charge", expect: { staysWith: "Triage" } }],
      'Expected the run to stay with "Triage": its path is Triage → Billing',
    ],
    [
      "arguments",
      [{ user: "charge" }, { user: "look", expect: { calls: { tool: "lookup", args: { id: 8 } } } }],
      'Expected the run to call the tool "lookup" with {"id":8}: its arguments are {"id":7}',
    ],
    [
      "a tool that is not called",
      [{ user: "charge" }, { user: "look", expect: { callsNot: "lookup" } }],
      'Expected the run not to call the tool "lookup", and it did',
    ],
    [
      "an approval",
      [{ user: "hi", expect: { needsApproval: "refund" } }],
      'Expected the run to need an approval of "refund": nothing waits for a decision',
    ],
    [
      "no approval",
      [{ user: "charge" }, { user: "refund", approve: true, expect: { needsApproval: false } }],
      "Expected the run not to need an approval, and it did",
    ],
    [
      "a schema",
      [{ user: "hi", expect: { answer: z.object({}) } }],
      "Expected the run to answer with what the schema accepts",
    ],
    [
      "a cost",
      [{ user: "charge", expect: { cost: { calls: 1 } } }],
      "Expected the run to cost at most 1 model calls: it cost 2 model calls",
    ],
    [
      "a decision that nobody makes",
      [{ user: "charge" }, { user: "refund" }],
      'The run waits for a decision about "refund": say "approve", or expect "needsApproval"',
    ],
  ])("fails for %s", async (_, turns = [], message) => {
    const text = await failureOf({ name: "wrong", turns });
    expect(text).toContain(`turn ${turns.length}: ${message}`);
    expect(text).toMatch(/^> /m);
  });

  it("that waits for what the caller runs says how to answer", async () => {
    const agent = new Agent({
      name: "Phone",
      tools: [tool({ name: "position" })],
      model: scriptedModel([call("position")]),
    });
    await expect(checkScenario(agent, { name: "position", turns: [{ user: "where am I" }] })).rejects.toThrow(
      'The run waits for the result of "position": answer for it with stubTools()',
    );
  });

  it("that ends in an error of its run has failed, with what had been recorded", async () => {
    const agent = new Agent({ name: "Broken", model: functionModel(() => Promise.reject(new Error("no more quota"))) });
    const report = await runScenarios(agent, [
      { name: "breaks", turns: [{ user: "hi" }] },
      { name: "breaks as well", turns: [{ user: "ho" }] },
    ]);
    expect(report).toMatchObject({ ok: false, failed: 2 });
    expect(report.scenarios[0]?.runs[0]?.failures).toEqual([
      {
        turn: 1,
        message: expect.stringContaining("no more quota"),
        transcript: ['  user: "hi"', "> (here the transcript ends)"],
      },
    ]);
  });

  it("that asks for decisions for ever is stopped", async () => {
    const agent = new Agent({ name: "Asking", tools: [refund], model: functionModel(() => call("refund", { id: 1 })) });
    await expect(checkScenario(agent, { name: "asks", approve: true, turns: [{ user: "hi" }] })).rejects.toThrow(
      "The turn has asked for decisions 50 times and goes on asking",
    );
  });
});

describe("runScenarios()", () => {
  const greeting: Scenario = { name: "greets", turns: [{ user: "hi", expect: { answer: "Hello" } }] };

  it("counts how often a scenario passes, and wants the share that was asked for", async () => {
    let asked = 0;
    const model = functionModel(() => (++asked % 3 === 2 ? "Go away" : "Hello!"));
    const agent = new Agent({ name: "Moody", model });
    const play = async (minPassRate: number) =>
      runScenarios(agent, [{ ...greeting, minPassRate }], { repeat: 3, clock: testClock() });
    const strict = await play(0.9);
    expect(strict.scenarios[0]).toMatchObject({ ok: false, passes: 2, count: 3, minPassRate: 0.9 });
    expect(scenarioTable(strict)).toMatchInlineSnapshot(`
      "FAILED  2/3 66.6 %  greets  1 call, 15 tokens

      greets
        2 of 3 runs passed, 66.6 %; wanted at least 90 %

        run 2: turn 1: Expected the run to answer with "Hello": its answer is "Go away"

          user: "hi"
        > Moody: "Go away"
          turn of Moody: stop

      0 of 1 scenarios passed; 2 of 3 runs passed"
    `);
    expect(await play(0.6)).toMatchObject({ ok: true, scenarios: [{ ok: true, passes: 2 }] });
    expect(await runScenarios(agent, [{ ...greeting, repeat: 6 }], { minPassRate: 0.5 })).toMatchObject({
      scenarios: [{ passes: 4, count: 6, minPassRate: 0.5 }],
    });
  });

  it("shows nothing to a terminal that could rewrite it", async () => {
    const agent = new Agent({
      name: "Hostile",
      tools: [lookup],
      model: functionModel(() => call("lookup", "\u001b[2J\u202e")),
    });
    const report = await runScenarios(agent, [{ ...greeting, name: "is \u001b[31mred" }]);
    expect(scenarioTable(report)).toContain("Hostile calls lookup(\\u001b[2J\\u202e)");
    expect(scenarioTable(report)).not.toMatch(/[\u001b\u202e]/);
  });

  it("takes a function that makes the agents of each conversation", async () => {
    const models: ScriptedModel[] = [];
    const make = () => {
      const model = scriptedModel([say("Hello!")]);
      models.push(model);
      return new Agent({ name: "Fresh", model });
    };
    expect(await runScenarios(make, [greeting], { repeat: 3 })).toMatchObject({ ok: true });
    expect(models.map(({ remaining }) => remaining)).toEqual([0, 0, 0]);
  });

  it("gives each conversation the model, plugins and context of its setup, and closes it", async () => {
    const whoami = tool({
      name: "whoami",
      execute: (_, run: { context: { customer: string } }) => run.context.customer,
    });
    const agent = new Agent({ name: "Desk", tools: [whoami], model: scriptedModel([]) });
    const told: string[] = [];
    const report = await runScenarios(
      agent,
      [{ name: "knows Maya", data: { customer: "Maya" }, turns: [{ user: "who am I", expect: { answer: "Maya!" } }] }],
      {
        repeat: 2,
        setup: ({ data }) => ({
          context: { customer: data?.["customer"] as string },
          model: functionModel(({ items }) => {
            const last = items.at(-1);
            return last?.type === "tool_result" ? `${last.output}!` : call("whoami");
          }),
          plugins: [{ name: "tap", onEvent: ({ type }) => void (type === "run_finished" && told.push(type)) }],
          close: () => void told.push("closed"),
        }),
      },
    );
    expect(report.ok).toBe(true);
    expect(told).toEqual(["run_finished", "closed", "run_finished", "closed"]);
  });

  it("has a setup that throws, and an end that throws, as failures", async () => {
    const thrown = (where: string) => () => {
      throw new Error(where);
    };
    const begin = await runScenarios(triage, [greeting], { setup: thrown("no database") });
    const end = await runScenarios(triage, [greeting], { setup: () => ({ close: thrown("rows left") }) });
    let made = 0;
    const agents = () => (++made === 1 ? triage : thrown("no agent")());
    const second = await runScenarios(agents, [{ ...greeting, name: "is made" }, greeting]);
    expect(second.scenarios.map(({ runs }) => runs[0]?.failures[0]?.message)).toEqual([
      undefined,
      "The setup failed: no agent",
    ]);
    expect([begin, end].map(({ scenarios }) => scenarios[0]?.runs[0]?.failures[0]?.message)).toEqual([
      "The setup failed: no database",
      "The end of the setup failed: rows left",
    ]);
  });

  it("ends a conversation whose time is over", async () => {
    const clock = testClock();
    const agent = new Agent({ name: "Slow", model: scriptedModel(() => stall(say("Just a"))) });
    const playing = runScenarios(agent, [greeting], { timeoutMs: 1_000, clock });
    await clock.settle();
    await clock.advance(1_000);
    const report = await playing;
    expect(report.scenarios[0]?.runs[0]?.failures[0]?.message).toBe(
      "The run failed: The conversation has not ended within timeoutMs = 1000",
    );
    expect(clock.pending).toBe(0);
  });

  it("stops when it is told to, and plays nothing more", async () => {
    const controller = new AbortController();
    let asked = 0;
    const model = functionModel(() => {
      asked += 1;
      controller.abort(new Error("Ctrl-C"));
      return "Hello!";
    });
    const agent = new Agent({ name: "Stopped", model });
    await expect(runScenarios(agent, [greeting], { repeat: 5, signal: controller.signal })).rejects.toThrow("Ctrl-C");
    expect(asked).toBe(1);
  });

  it.each<[string, readonly unknown[], object, RegExp]>([
    ["no scenario", [], {}, /^Cannot play scenarios: there is none$/],
    ["0 runs", [greeting], { repeat: 0 }, /^Cannot use 0 as repeat as it must be a positive integer$/],
    ["half a conversation at a time", [greeting], { concurrency: 0.5 }, /^Cannot use 0.5 as concurrency/],
    [
      "a rate of 90",
      [greeting],
      { minPassRate: 90 },
      /^Cannot use 90 as minPassRate as it must be a number from 0 to 1$/,
    ],
    [
      "an unknown option",
      [greeting],
      { repaet: 2 },
      /^Cannot use option "repaet" of scenarios: known options are plugins, /,
    ],
    ["the same name twice", [greeting, greeting], {}, /scenario "greets": another scenario has the name "greets"$/],
    ["what is no scenario", [null], {}, /scenario "number 1": expected a scenario with name, turns, .*found nothing$/],
    [
      "a price that is missing",
      [{ name: "x", turns: [{ user: "hi", expect: { cost: { usd: 1 } } }] }],
      {},
      /scenario "x": turns\[0\]\.expect\.cost\.usd: a cost in usd needs the option price$/,
    ],
    [
      "a user without a model",
      [{ name: "x", user: { persona: "p", goal: "g" } }],
      {},
      /scenario "x": user: a user needs a model: its own, or the option userModel$/,
    ],
    [
      "an unknown agent",
      [{ name: "x", turns: [{ user: "hi", expect: { agent: new Agent({ name: "Biling" }) } }] }],
      {},
      /turns\[0\]\.expect\.agent: there is no agent "Biling": did you mean "Billing"\? known are "Triage", "Billing", "Technical"$/,
    ],
  ])("refuses %s before any run", async (_, scenarios, options, message) => {
    await expect(runScenarios(triage, scenarios as Scenario[], options)).rejects.toThrow(message);
  });
});
