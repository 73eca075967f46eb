import { type RunEvent, RunError } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { collect, eventSequence } from "./events.ts";

const at = { seq: 0, runId: "r", agent: "A" };
const usage = { inputTokens: 1, outputTokens: 1 };
const handoff = { type: "handoff", id: "r:1", from: "A", to: "B", input: { n: 1 }, mode: "return" } as const;
const pending = { kind: "approval", id: "r:1", callId: "c", agent: "A", name: "pay", arguments: {}, path: [] } as const;
const failed: RunEvent = { ...at, type: "run_failed", error: new RunError("Cannot go on"), code: "max_turns" };

const events: readonly RunEvent[] = [
  { ...at, type: "run_started" },
  { ...at, type: "item", item: { type: "message", id: "r:0", role: "user", content: "hi\nthere" } },
  { ...at, type: "turn_started", turn: 1, model: "m", provider: "p", items: 1, handoffs: ["to_b"], tools: ["pay"] },
  { ...at, type: "reasoning_delta", delta: "hm" },
  { ...at, type: "text_delta", delta: "Hel", consulting: true },
  { ...at, type: "tool_call_delta", callId: "c", name: "pay", delta: "{" },
  { ...at, type: "turn_reset", reason: "retry" },
  { ...at, type: "turn_finished", turn: 1, model: "m", provider: "p", finishReason: "stop", usage, durationMs: 7 },
  { ...at, type: "guardrail", kind: "input", name: "polite", allowed: false, reason: "rude", durationMs: 7 },
  { ...at, type: "approval_needed", pending },
  { ...at, type: "tool_started", callId: "c", name: "pay", arguments: "{}" },
  { ...at, type: "tool_progress", callId: "c", name: "pay", data: { done: 1 } },
  { ...at, path: ["c"], type: "run_started" },
  { ...at, type: "tool_finished", callId: "c", name: "pay", status: "error", output: "no", durationMs: 7 },
  { ...at, type: "handoff_refused", callId: "c", toolName: "to_b", reason: "closed" },
  {
    ...at,
    type: "handoff",
    item: handoff,
    from: "A",
    to: "B",
    before: 3,
    after: 1,
    filters: ["keepLast"],
    durationMs: 7,
  },
  {
    ...at,
    agent: "B",
    type: "run_finished",
    status: "completed",
    usage: { requests: 1, cachedInputTokens: 0, reasoningTokens: 0, totalTokens: 2, ...usage },
  },
  failed,
];

describe("eventSequence()", () => {
  it("gives a line for each event but the deltas", () => {
    expect(eventSequence(events)).toMatchInlineSnapshot(`
      [
        "run_started A",
        "item user: "hi\\nthere"",
        "turn_started A, turn 1 of m, 1 item, offered pay, to_b",
        "turn_reset A: "retry"",
        "turn_finished A stop",
        "guardrail input polite blocked: "rude"",
        "approval_needed approval pay [c]",
        "tool_started pay [c]",
        "tool_progress pay [c] {"done":1}",
        "  run_started A",
        "tool_finished pay [c] error",
        "handoff_refused to_b [c]: "closed"",
        "handoff A → B {"n":1} (return), 1 of 3 items seen by keepLast",
        "run_finished B completed",
        "run_failed A max_turns: "Cannot go on"",
      ]
    `);
  });

  it("shows deltas and leaves out items where it is told to", () => {
    const lines = eventSequence(events.slice(0, 6), { deltas: true, items: false });
    expect(lines).toMatchInlineSnapshot(`
      [
        "run_started A",
        "turn_started A, turn 1 of m, 1 item, offered pay, to_b",
        "reasoning_delta A "hm"",
        "text_delta A "Hel" (consulting)",
        "tool_call_delta A c pay "{"",
      ]
    `);
  });

  it("cuts long texts to maxText", () => {
    const [, line] = eventSequence(events, { maxText: 4 });
    expect(line).toBe('item user: "hi\\nt…"');
  });
});

async function* yielding(all: readonly RunEvent[], error?: unknown): AsyncGenerator<RunEvent> {
  yield* all;
  if (error !== undefined) throw error;
}

describe("collect()", () => {
  it("gives all events", async () => {
    expect(await collect(yielding(events))).toEqual(events);
  });

  it("gives the events of a run that fails, whose last event tells the error", async () => {
    expect(await collect(yielding(events, (failed as { error: Error }).error))).toHaveLength(events.length);
  });

  it("rejects with an error that no event tells", async () => {
    await expect(collect(yielding(events, new Error("other")))).rejects.toThrow("other");
    await expect(collect(yielding([], new Error("other")))).rejects.toThrow("other");
  });
});
