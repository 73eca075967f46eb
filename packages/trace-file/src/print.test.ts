import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Agent,
  type Model,
  ModelError,
  Runner,
  dropMessages,
  handoff,
  keepLast,
  memorySessions,
  textOf,
  tool,
} from "@batonjs/core";
import { genaiPrices } from "@batonjs/core/tracing";
import { call, fail, handOff, reply, say, scriptedModel, testClock, testIds } from "@batonjs/testing";
import { calcPrice } from "@pydantic/genai-prices";
import { afterAll, beforeAll, expect, it } from "vitest";
import { main } from "./cli.ts";
import { consoleTrace, printTrace, readTrace, traceFile } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-print-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "trace.jsonl");

const clock = testClock();
/** A script whose every answer takes its time. */
const slowly = async (ms: number): Promise<void> => clock.advance(ms);

const live: string[] = [];
beforeAll(async () => {
  const now = clock.now;
  const prices = ({ usage }: { usage: { inputTokens: number } }): number => usage.inputTokens / 10_000;
  const options = { now, capture: true, prices } as const;
  const runner = new Runner({
    plugins: [
      traceFile(file, options),
      consoleTrace({ ...options, colours: false, width: 110, write: (line) => void live.push(line) }),
      memorySessions(),
    ],
    clock,
    newId: testIds(),
  });
  const model = scriptedModel({
    "Triage Agent": [
      async () => {
        await slowly(800);
        return reply({
          items: [handOff("billing", { reason: "double charge" })],
          notes: [{ plugin: "local", data: { scores: { billing: 0.92, technical: 0.05 } } }],
        });
      },
    ],
    "Billing Agent": [
      async () => {
        await slowly(400);
        return call("lookup", { order: 7 });
      },
      async () => {
        await slowly(1_500);
        return say("You were charged once.");
      },
      async () => {
        await slowly(100);
        return fail(new ModelError("Incorrect API key provided: sk-abcdefghijklmnop", { kind: "auth" }));
      },
    ],
  });
  const lookup = tool({
    name: "lookup",
    sideEffects: "none",
    parameters: { type: "object", properties: { order: { type: "number" } } },
    execute: async () => {
      await slowly(250);
      return { charges: 1 };
    },
  });
  const billing = new Agent({ name: "Billing Agent", model, tools: [lookup] });
  const triage = new Agent({
    name: "Triage Agent",
    model,
    handoffs: [
      handoff(billing, {
        inputType: { type: "object", properties: { reason: { type: "string" } } },
        inputFilter: [dropMessages((item) => textOf(item).startsWith("[INTERNAL]")), keepLast(20)],
      }),
    ],
  });
  const input = [
    { role: "user", content: "[INTERNAL] vip customer" },
    { role: "user", content: "I was charged twice" },
  ] as const;
  await runner.run(triage, input, { session: "user-42" });
  await runner.run(triage, "Are you sure?", { session: "user-42" }).catch(() => {});
  await runner.close();
});

it("printTrace() shows runs, lanes, steps and what handoffs passed on", async () => {
  const lines = printTrace(await readTrace(file), { width: 110 });
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "run run_1  session user-42  completed  3.0 s  30 → 15 tokens  $0.0030
      Triage Agent  ████████████▶································· 1 call  10 → 5 tokens  $0.0010
      Billing Agent ············██████▓▓▓▓████████████████████████ 2 calls  20 → 10 tokens  $0.0020
          +0 ms █ Triage Agent scripted  800 ms  tool_calls  10 → 5 tokens  $0.0010
        +800 ms ▶ Triage Agent → Billing Agent  pass  {"reason":"double charge"}
        +800 ms █ Billing Agent scripted  400 ms  tool_calls  10 → 5 tokens  $0.0010
         +1.2 s ▓ Billing Agent lookup  250 ms  ok  {"order":7} → {"charges":1}
         +1.4 s █ Billing Agent scripted  1.5 s  stop  10 → 5 tokens  $0.0010
      handoff Triage Agent → Billing Agent by transfer_to_billing_agent (pass)
        payload   {"reason":"double charge"}
        scores    scores.billing 0.92, scores.technical 0.05
        filters   dropMessages, keepLast
        before    4 items, about 35 tokens
        passed on 3 items, about 29 tokens
          + message of user: I was charged twice
          + tool_call transfer_to_billing_agent of Triage Agent: {"reason":"double charge"}
          + tool_result of Triage Agent: The conversation is with Billing Agent now.
          - message of user: [INTERNAL] vip customer

    run run_3  session user-42  failed  100 ms  0 → 0 tokens
      ModelError (auth): model_error: Incorrect API key provided: [redacted]
      Billing Agent █████████████████████████████████████████████✗
          +0 ms █ Billing Agent scripted  100 ms  no answer
        +100 ms ✗ Billing Agent ModelError (auth)  model_error  Incorrect API key provided: [redacted]

    session user-42  2 runs  30 → 15 tokens  $0.0030"
  `);
});

it("consoleTrace() shows the same live", () => {
  expect(live.join("\n")).toMatchInlineSnapshot(`
    "    +0 ms Triage Agent  run run_1 session user-42
        +0 ms Triage Agent  user: [INTERNAL] vip customer
        +0 ms Triage Agent  user: I was charged twice
        +0 ms Triage Agent  asks scripted with 2 items
      +800 ms Triage Agent  scripted tool_calls 800 ms 10 → 5 tokens $0.0010
      +800 ms Triage Agent  → Billing Agent transfer_to_billing_agent (pass) 4 → 3 items {"reason":"double charge…
      +800 ms Billing Agent  asks scripted with 3 items
       +1.2 s Billing Agent  scripted tool_calls 400 ms 10 → 5 tokens $0.0010
       +1.2 s Billing Agent  lookup {"order":7}
       +1.4 s Billing Agent  lookup ok 250 ms {"charges":1}
       +1.4 s Billing Agent  asks scripted with 5 items
       +3.0 s Billing Agent  says: You were charged once.
       +3.0 s Billing Agent  scripted stop 1.5 s 10 → 5 tokens $0.0010
       +3.0 s Billing Agent  completed
    run run_1  session user-42  completed  3.0 s  30 → 15 tokens  $0.0030
      Triage Agent  ████████████▶································· 1 call  10 → 5 tokens  $0.0010
      Billing Agent ············██████▓▓▓▓████████████████████████ 2 calls  20 → 10 tokens  $0.0020
      handoff Triage Agent → Billing Agent by transfer_to_billing_agent (pass)
        payload   {"reason":"double charge"}
        scores    scores.billing 0.92, scores.technical 0.05
        filters   dropMessages, keepLast
        before    4 items, about 35 tokens
        passed on 3 items, about 29 tokens
          + message of user: I was charged twice
          + tool_call transfer_to_billing_agent of Triage Agent: {"reason":"double charge"}
          + tool_result of Triage Agent: The conversation is with Billing Agent now.
          - message of user: [INTERNAL] vip customer
        +0 ms Billing Agent  run run_3 session user-42
        +0 ms Billing Agent  user: Are you sure?
        +0 ms Billing Agent  asks scripted with 7 items
      +100 ms Billing Agent  failed: ModelError (auth) (model_error): Incorrect API key provided: [redacted]
    run run_3  session user-42  failed  100 ms  0 → 0 tokens
      ModelError (auth): model_error: Incorrect API key provided: [redacted]
      Billing Agent █████████████████████████████████████████████✗"
  `);
});

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, {
    write: (line) => void out.push(line),
    error: (line) => void err.push(line),
    colours: false,
    width: 80,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

it("baton-trace shows what it is asked for", async () => {
  const failed = await cli(file, "--failed", "--no-steps");
  expect(failed).toMatchObject({ code: 0, err: "" });
  expect(failed.out).toMatch(/^run .* {2}session user-42 {2}failed/);
  expect(failed.out).not.toContain("completed");
  const json = await cli(file, "--json", "--last", "1");
  expect(JSON.parse(json.out)).toMatchObject({ session: "user-42", status: "failed" });
  expect((await cli(file, "--session", "nobody")).out).toBe("");
});

it("baton-trace prices what was logged without a price, where @pydantic/genai-prices is installed", async () => {
  const unpriced = join(folder, "unpriced.jsonl");
  const priced = { model: "gpt-4o-mini", provider: "openai" };
  const scripted = scriptedModel([say("Hello")]);
  const model: Model = { name: priced.model, provider: priced.provider, stream: (request) => scripted.stream(request) };
  const runner = new Runner({ plugins: [traceFile(unpriced)] });
  await runner.run(new Agent({ name: "Desk", model }), "Hi");
  await runner.close();
  const usd = genaiPrices(calcPrice)({ ...priced, usage: { inputTokens: 10, outputTokens: 5 } });
  const { out } = await cli(unpriced, "--json");
  expect(usd).toBeGreaterThan(0);
  expect(JSON.parse(out)).toMatchObject({ cost: { usd, unknown: [] } });
});

it("baton-trace says what is wrong", async () => {
  expect(await cli()).toMatchObject({ code: 2, out: "" });
  expect(await cli(file, "--loud")).toMatchObject({ code: 2 });
  expect(await cli(join(folder, "none.jsonl"))).toMatchObject({ code: 1, err: expect.stringContaining("ENOENT") });
  expect((await cli("--help")).out).toContain("Usage: baton-trace FILE");
});
