import "@batonjs/testing/vitest";
import { Agent, handoff, memorySessions, RunError, run, Runner, tool, user } from "@batonjs/core";
import {
  call,
  handOff,
  invariantsOf,
  reply,
  say,
  type Script,
  scriptedModel,
  testClock,
  transcript,
} from "@batonjs/testing";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { rejection } from "./__fixtures__/promises.ts";

const Verdict = z.object({ ok: z.boolean(), score: z.number().min(0).max(1) });
const judge = (script: Script, options: object = {}) => {
  const model = scriptedModel(script);
  return { model, agent: new Agent({ name: "Judge", model, outputType: Verdict, ...options }) };
};
const good = '{"ok":true,"score":0.5}';

describe("structured output", () => {
  it("is asked for by its schema, parsed, checked and typed", async () => {
    const { model, agent } = judge([say(good)]);
    const result = await run(agent, "hi");
    expect(result.finalOutput).toEqual({ ok: true, score: 0.5 });
    expectTypeOf(result.finalOutput).toEqualTypeOf<{ ok: boolean; score: number } | undefined>();
    expect(model.request(0).output).toMatchObject({
      name: "output",
      schema: { type: "object", required: ["ok", "score"], properties: { ok: { type: "boolean" } } },
    });
    expect(transcript(result.history)[1]).toBe(`Judge: ${JSON.stringify(good)}`);
  });

  it("is what the schema makes of it, also later", async () => {
    const outputType = z.object({ when: z.string().transform((text) => new Date(text)), by: z.string().default("me") });
    const agent = new Agent({ name: "Clock", model: scriptedModel([say('{"when":"2026-01-01"}')]), outputType });
    const result = await run(agent, "hi");
    expect(result.finalOutput).toEqual({ when: new Date("2026-01-01"), by: "me" });
    // The record holds the text, so that a run that finds it answered parses it again.
    const again = await run(agent, JSON.parse(JSON.stringify(result.toInputList())) as []);
    expect(again.finalOutput).toEqual(result.finalOutput);
  });

  it("may be checked by a schema that takes its time", async () => {
    const outputType = z.object({ n: z.number() }).refine(async ({ n }) => n > 1, "too small");
    const model = scriptedModel([say('{"n":1}'), say('{"n":2}')]);
    const result = await run(new Agent({ name: "A", model, outputType }), "hi");
    expect(result.finalOutput).toEqual({ n: 2 });
  });

  it.each<[string, string, z.ZodType]>([
    ["a list", "[1,2]", z.array(z.number())],
    ["a text", '"x"', z.string()],
    ["null", "null", z.null()],
    ["false", "false", z.boolean()],
    ["0", "0", z.number()],
  ])("may be %s", async (_, text, outputType) => {
    const result = await run(new Agent({ name: "A", model: scriptedModel([say(text)]), outputType }), "hi");
    expect(result.status).toBe("completed");
    expect(result.finalOutput).toEqual(JSON.parse(text));
  });

  it("is not asked of a reply that calls tools", async () => {
    const { agent } = judge([[say("I look first."), call("look")], say(good)], {
      tools: [tool({ name: "look", execute: () => "seen" })],
    });
    const result = await run(agent, "hi");
    expect(result.finalOutput).toEqual({ ok: true, score: 0.5 });
    expect(transcript(result.history).filter((line) => line.startsWith("user"))).toEqual(['user: "hi"']);
  });

  it("is read of the last message of a reply, its parts together", async () => {
    const { agent } = judge([
      reply({
        items: [
          say("Thinking aloud."),
          {
            type: "message",
            role: "assistant",
            content: [
              { type: "text", text: '{"ok":true,' },
              { type: "text", text: '"score":1}' },
            ],
          },
          { type: "provider_item", provider: "scripted", data: "cited" },
        ],
      }),
    ]);
    expect((await run(agent, "hi")).finalOutput).toEqual({ ok: true, score: 1 });
  });

  it("of whoever answers in the end is the final output", async () => {
    const model = scriptedModel({ Triage: [handOff("judge")], Judge: [say(good)] });
    const judged = new Agent({ name: "Judge", model, outputType: Verdict });
    const result = await run(new Agent({ name: "Triage", model, handoffs: [judged] }), "hi");
    expect(result.finalOutput).toEqual({ ok: true, score: 0.5 });
  });

  it("of an agent that was only consulted is not the final output", async () => {
    const model = scriptedModel({ Triage: [handOff("judge"), say("The judge agrees.")], Judge: [say(good)] });
    const judged = new Agent({ name: "Judge", model, outputType: Verdict });
    const triage = new Agent({ name: "Triage", model, handoffs: [handoff(judged, { mode: "return" })] });
    const result = await run(triage, "hi");
    expect(result.finalOutput).toBe("The judge agrees.");
    expect(transcript(model.request(2).items).at(-1)).toContain(JSON.stringify(good));
  });

  it("of a nested agent is not the final output", async () => {
    const { agent } = judge([say(good)]);
    const boss = new Agent({
      name: "Boss",
      model: scriptedModel([call("judge", { input: "?" }), say("Fine.")]),
      tools: [agent.asTool()],
    });
    expect((await run(boss, "hi")).finalOutput).toBe("Fine.");
  });
});

describe("output that does not fit", () => {
  it.each([
    ["is no JSON", "maybe"],
    ["is nothing", ""],
    ["is cut", '{"ok":true'],
    ["is fenced", `\`\`\`json\n${good}\n\`\`\``],
    ["lacks a field", '{"ok":true}'],
    ["is out of bounds", '{"ok":true,"score":2}'],
    ["is of another type", '["ok"]'],
  ])("because it %s is asked for once more, with what is wrong", async (_, text) => {
    const { model, agent } = judge([say(text), say(good)]);
    const result = await run(agent, "hi");
    expect(result.finalOutput).toEqual({ ok: true, score: 0.5 });
    expect(result.usage.requests).toBe(2);
    const last = model.request(1).items.at(-1)!;
    // Not the developer's: a model may have written what it quotes.
    expect(last).toMatchObject({ type: "message", role: "user", agent: "Judge" });
    expect((last as { content: string }).content).toMatch(/^The last answer cannot be used: /);
    expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  });

  it.each([0, 1, 3])("is asked for maxOutputRetries (%d) times, then the run throws", async (maxOutputRetries) => {
    const { model, agent } = judge(() => say("maybe"));
    const error = await rejection(run(agent, "hi", { maxOutputRetries }));
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({ code: "invalid_output", agent: "Judge" });
    expect(error.message).toMatch(
      /^Cannot use the answer of agent "Judge": it does not fit its schema: it is not JSON/,
    );
    expect(model.requests).toHaveLength(maxOutputRetries + 1);
    expect(transcript(error.items).slice(-2)).toEqual(['Judge: "maybe"', "turn of Judge: stop"]);
  });

  it("fits in the last retry", async () => {
    const { agent } = judge([say("a"), say("b"), say("c"), say(good)]);
    expect((await run(agent, "hi", { maxOutputRetries: 3 })).status).toBe("completed");
  });

  it("that throws leaves a conversation that goes on with the next message, and retries anew", async () => {
    const store = memorySessions();
    const { agent } = judge([say("a"), say("b"), say("c"), say(good)]);
    const runner = new Runner({ plugins: [store] });
    await rejection(runner.run(agent, "hi", { session: "s" }));
    const result = await runner.run(agent, "again", { session: "s" });
    expect(result.finalOutput).toEqual({ ok: true, score: 0.5 });
  });

  it("that throws says so again where nothing new is said, without asking the model", async () => {
    const { model, agent } = judge([say("a"), say("b")]);
    const error = await rejection(run(agent, "hi"));
    expect(await rejection(run(agent, error.items))).toMatchObject({ code: "invalid_output" });
    expect(model.requests).toHaveLength(2);
  });

  it("is counted anew after a handoff", async () => {
    const model = scriptedModel({
      A: [say("bad"), handOff("B")],
      B: [say("bad"), say(good)],
    });
    const b = new Agent({ name: "B", model, outputType: Verdict });
    const a = new Agent({ name: "A", model, outputType: Verdict, handoffs: [b] });
    expect((await run(a, "hi")).finalOutput).toEqual({ ok: true, score: 0.5 });
  });

  it("is taken up by another process after what was wrong was recorded", async () => {
    const first = judge([say("maybe"), say(good)]);
    const whole = await run(first.agent, "hi");
    const cut = whole.history.slice(0, 4);
    expect(transcript(cut).at(-1)).toMatch(/^user \(to Judge\)/);
    const second = judge([say(good)]);
    expect((await run(second.agent, JSON.parse(JSON.stringify(cut)) as [])).finalOutput).toEqual({
      ok: true,
      score: 0.5,
    });
    // And it counts: the limit is the conversation's, not the process's.
    const third = judge([say("still not")]);
    await rejection(run(third.agent, cut));
    expect(third.model.requests).toHaveLength(1);
  });

  it("because the reply has no message is told as no JSON", async () => {
    const { agent } = judge([reply({})]);
    const error = await rejection(run(agent, "hi", { maxOutputRetries: 0 }));
    expect(error.message).toMatch(/ it does not fit its schema: it is not JSON: Unexpected end /);
  });

  it("does not count as something that the user said", async () => {
    let judged = 0;
    const { agent } = judge([say("maybe"), say(good)], {
      inputGuardrails: [{ name: "count", check: () => ((judged += 1), true) }],
      settings: { toolChoice: "none" },
    });
    await run(agent, [user("hi")]);
    expect(judged).toBe(1);
  });

  it("because its schema throws is told as any other", async () => {
    const outputType = z.object({}).refine(() => {
      throw new Error("schema is broken");
    });
    const model = scriptedModel([say("{}"), say("{}")]);
    const error = await rejection(run(new Agent({ name: "A", model, outputType }), "hi"));
    expect(error.code).toBe("invalid_output");
    expect(error.message).toContain("schema is broken");
  });

  it("because its schema never answers ends the run when its time is over", async () => {
    const clock = testClock();
    const outputType = z.object({}).refine(() => new Promise<boolean>(() => {}));
    const agent = new Agent({ name: "A", model: scriptedModel([say("{}")]), outputType });
    const failing = rejection(new Runner({ clock, callbackTimeoutMs: 40 }).run(agent, "hi"));
    await clock.advance(40);
    expect(await failing).toMatchObject({
      code: "callback_timeout",
      message: 'Cannot go on: the output type of agent "A" has not answered within 40 ms',
    });
  });
});
