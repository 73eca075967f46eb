import { Agent, type Plugin, Runner, handBack, handoff, run, tool } from "@batonjs/core";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Blocked, blockRealModels, functionModel, say, smokeModel, smokeTest } from "./index.ts";
import { sampleOf } from "./sample.ts";
import { transcript } from "./transcript.ts";

const lookup = tool({
  name: "lookup",
  parameters: z.object({ month: z.string().regex(/^\d{4}-\d{2}$/), email: z.email(), limit: z.number().int().min(5) }),
  execute: (args) => JSON.stringify(args),
});
const refund = tool({ name: "refund", needsApproval: true, execute: () => "done" });
const outside = tool({ name: "outside" });
const billing = new Agent({ name: "Billing", tools: [lookup, refund, outside], handoffs: [handBack()] });
const report = new Agent({
  name: "Report",
  outputType: z.object({ text: z.string(), level: z.enum(["low", "high"]) }),
});
const triage = new Agent({
  name: "Triage",
  handoffs: [handoff(billing, { inputType: z.object({ amount: z.number().positive().max(0.5) }) }), report],
});

describe("smokeModel()", () => {
  it("calls every tool and handoff once, and answers", async () => {
    const simple = new Agent({ name: "Billing", tools: [lookup], handoffs: [handBack()] });
    const result = await run(new Agent({ name: "Triage", handoffs: [simple, report] }), "hi", { model: smokeModel() });
    expect(result.finalOutput).toEqual({ text: "text", level: "low" });
    expect(transcript(result.newItems).filter((line) => /calls|handoff/.test(line))).toMatchInlineSnapshot(`
      [
        "Triage calls transfer_to_billing({}) [call_1]",
        "turn of Triage: tool_calls",
        "handoff Triage → Billing",
        "Billing calls lookup({"month":"0000-00","email":"someone@example.com","limit":5}) [call_2]",
        "turn of Billing: tool_calls",
        "Billing calls transfer_back({}) [call_3]",
        "turn of Billing: tool_calls",
        "handoff Billing → Triage",
        "Triage calls transfer_to_report({}) [call_4]",
        "turn of Triage: tool_calls",
        "handoff Triage → Report",
      ]
    `);
  });
});

describe("smokeTest()", () => {
  it("makes every handoff and calls every tool", async () => {
    const { tried, tools } = await smokeTest(triage);
    expect(tried).toEqual([
      "Triage",
      "Triage → Billing (transfer_to_billing)",
      "Triage → Report (transfer_to_report)",
      "Billing → Triage (transfer_back)",
    ]);
    expect([...tools]).toEqual([
      ["Billing/lookup", 1],
      ["Billing/refund", 1],
      ["Billing/outside", 1],
    ]);
  });

  it("takes arguments and the plugins of the runner", async () => {
    const seen: unknown[] = [];
    const watching: Plugin = {
      name: "watch",
      wrapTool: (each) => ({ ...each, execute: (args: never) => (seen.push(args), "seen") }),
    };
    await smokeTest(triage, {
      plugins: [watching],
      arguments: { lookup: { month: "2020-01", email: "a@b.cd", limit: 9 } },
    });
    expect(seen).toContainEqual({ month: "2020-01", email: "a@b.cd", limit: 9 });
  });

  it("throws for all that failed, with the place marked", async () => {
    const broken = tool({ name: "broken", execute: () => Promise.reject(new Error("no database")) });
    const entry = new Agent({ name: "Triage", handoffs: [new Agent({ name: "Broken", tools: [broken] })] });
    await expect(smokeTest(entry)).rejects.toThrow(
      /Triage → Broken \(transfer_to_broken\):\n.*\n> result of call_1 \(error\): .*no database/s,
    );
    const refusing = handoff(billing, { guardrails: [{ name: "never", check: () => false }] });
    await expect(smokeTest(new Agent({ name: "Triage", handoffs: [refusing] }))).rejects.toThrow(/Cannot hand over/);
  });
});

describe("sampleOf()", () => {
  it.each([
    ["nested lists", z.object({ tags: z.array(z.string().min(8)).min(2), at: z.iso.datetime(), id: z.uuid() })],
    ["numbers", z.object({ a: z.number().gt(3).lt(4), b: z.int().multipleOf(7).min(8), c: z.number().negative() })],
    [
      "unions",
      z.object({ a: z.union([z.null(), z.string()]), b: z.discriminatedUnion("t", [z.object({ t: z.literal("x") })]) }),
    ],
    [
      "patterns",
      z.object({ a: z.string().regex(/^(ch|re)_[a-z0-9]{4,8}(?:-\w+)?$/), b: z.string().regex(/^[^0-9]+\.\d*$/) }),
    ],
    [
      "optional",
      z.object({ a: z.string().optional(), b: z.record(z.string(), z.number()), c: z.tuple([z.boolean()]) }),
    ],
  ])("makes up %s", async (_, schema) => {
    const made = await sampleOf(schema, "it");
    expect(schema.parse(made)).toEqual(made);
    expect(await sampleOf(schema, "it")).toEqual(made);
  });

  it("makes up what refers to itself", async () => {
    const schema = {
      type: "object",
      properties: { next: { $ref: "#/$defs/n" } },
      required: ["next"],
      $defs: {
        n: {
          anyOf: [
            { type: "object", properties: { next: { $ref: "#/$defs/n" } }, required: ["next"] },
            { type: "null" },
          ],
        },
      },
    } as const;
    expect(JSON.stringify(await sampleOf(schema, "it"))).toMatch(/null/);
  });

  it("says what it cannot make up", async () => {
    const odd = z.object({ a: z.string().refine((text) => text === "magic", "not magic") });
    await expect(sampleOf(odd, 'tool "odd"')).rejects.toThrow(/Cannot make up arguments for tool "odd".*not magic/);
  });
});

describe("functionModel()", () => {
  it("answers by a function", async () => {
    const model = functionModel(({ at }) => (at.turn === 1 ? `I am ${at.agent}` : say("more")));
    expect((await new Runner({ model }).run(new Agent({ name: "Triage" }), "hi")).finalOutput).toBe("I am Triage");
    expect(model.requests).toHaveLength(1);
  });
});

describe("blockRealModels()", () => {
  let blocked: Blocked | undefined;
  afterEach(() => blocked?.restore());

  it("fails what calls out, and remembers it", async () => {
    const before = globalThis.fetch;
    blocked = blockRealModels({ allow: ["127.0.0.1"] });
    const url = "https://api.example.com/v1/responses?key=secret";
    await expect(fetch(url, { method: "POST" })).rejects.toThrow(
      "Cannot call POST https://api.example.com/v1/responses: this test run makes no network calls",
    );
    await expect(fetch(new Request(url))).rejects.toThrow("GET https://api.example.com");
    await expect(fetch("http://127.0.0.1:1/")).rejects.not.toThrow("no network calls");
    expect(() => new WebSocket("wss://api.example.com/live")).toThrow("CONNECT wss://api.example.com/live");
    expect(blocked.calls).toHaveLength(3);
    blocked.restore();
    expect(globalThis.fetch).toBe(before);
  });
});
