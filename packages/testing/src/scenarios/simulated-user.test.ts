import { Agent, type Model, type Plugin, type ModelRequest, textOf } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { call, fail, say } from "../script.ts";
import { scriptedModel } from "../scripted-model.ts";
import { functionModel } from "../smoke.ts";
import { runScenarios, type Scenario, type ScenarioRun } from "./index.ts";

const agent = new Agent({
  name: "Desk",
  model: functionModel(({ items }) => (textOf(items.at(-1)!).includes("ORD-7") ? "It is on its way." : "Which order?")),
});

const scenario: Scenario = {
  name: "finds an order",
  user: { persona: "Maya, in a hurry", goal: "know where order ORD-7 is", maxTurns: 3 },
};

const play = async (
  userModel: Model | string,
  more: Partial<Scenario> = {},
  plugins: readonly Plugin[] = [],
): Promise<ScenarioRun> => {
  const report = await runScenarios(agent, [{ ...scenario, ...more }], { userModel, plugins });
  return report.scenarios[0]!.runs[0]!;
};
const failures = ({ failures: all }: ScenarioRun) => all.map(({ turn, message }) => ({ turn, message }));
const end = (reached: boolean, why: string) => call("end_conversation", { reached, why });

describe("a user that a model plays", () => {
  it("talks until the goal is reached, and sees the conversation from the other side", async () => {
    const model = scriptedModel([say("Where is my order?"), say("ORD-7"), end(true, "it is on its way")]);
    const run = await play(model, { expect: { answer: "on its way", cost: { calls: 2 } } });
    expect(run).toMatchObject({ ok: true, goal: { reached: true, why: "it is on its way" }, calls: 2 });
    expect(run.turns.map(({ user, answer }) => [user, answer])).toEqual([
      ["Where is my order?", "Which order?"],
      ["ORD-7", "It is on its way."],
    ]);
    const seen = (request: ModelRequest) =>
      request.items.map((item) => `${item.type === "message" ? item.role : ""}: ${textOf(item)}`);
    expect(seen(model.request(-1))).toEqual([
      "user: (The conversation is open. Write your first message.)",
      "assistant: Where is my order?",
      "user: Which order?",
      "assistant: ORD-7",
      "user: It is on its way.",
    ]);
    expect(JSON.stringify(model.request(0).instructions)).toMatch(/Maya, in a hurry.*order ORD-7/);
  });

  it("goes on where the script of the user ends", async () => {
    const model = scriptedModel([say("ORD-7"), end(true, "yes")]);
    const run = await play(model, { turns: [{ user: "Hello", expect: { answer: "Which" } }] });
    expect(run.turns.map(({ user }) => user)).toEqual(["Hello", "ORD-7"]);
    expect(run.ok).toBe(true);
  });

  it("is a failure where the goal is not reached, unless that is expected", async () => {
    const givingUp = () => scriptedModel([say("hm"), end(false, "they do not understand")]);
    expect(failures(await play(givingUp()))).toEqual([
      {
        turn: null,
        message:
          'Expected the user to reach the goal "know where order ORD-7 is": the user says that it is not reached: they do not understand',
      },
    ]);
    expect(await play(givingUp(), { expect: { goalReached: false } })).toMatchObject({ ok: true });
    const reached = scriptedModel([end(true, "easy")]);
    expect(failures(await play(reached, { expect: { goalReached: false } }))[0]?.message).toMatch(
      /^Expected the user not to reach .*: the user says that it is reached: easy$/,
    );
  });

  it("is a failure where it does not end, says nothing, or breaks", async () => {
    const chatty = await play(functionModel(() => "hm"));
    expect(failures(chatty)[0]?.message).toMatch(/the user has not ended the conversation within maxTurns = 3$/);
    expect(chatty.turns).toHaveLength(3);
    expect(failures(await play(scriptedModel([say(" ")])))).toEqual([
      { turn: null, message: "The model that plays the user has said nothing" },
    ]);
    expect(failures(await play(scriptedModel([fail(new Error("quota"))])))[0]?.message).toMatch(
      /^The model that plays the user failed: .*quota/,
    );
    expect(failures(await play("nobody/knows"))[0]?.message).toMatch(
      /^The model that plays the user failed: .*nobody\/knows/,
    );
  });

  it("is asked again where it does not say whether the goal is reached", async () => {
    const model = scriptedModel([call("end_conversation", { reached: "perhaps" }), end(false, "no")]);
    expect(await play(model, { expect: { goalReached: false } })).toMatchObject({ ok: true, goal: { reached: false } });
  });

  it("uses of the plugins only the models", async () => {
    const asked: string[] = [];
    const plugin: Plugin = {
      name: "provider",
      model: (name) => (name === "user/model" ? scriptedModel([end(true, "yes")]) : undefined),
      wrapModel: (model) => {
        asked.push(model.name);
        return model;
      },
    };
    expect(await play("user/model", {}, [plugin])).toMatchObject({ ok: true, turns: [] });
    expect(asked).toEqual([]);
  });
});
