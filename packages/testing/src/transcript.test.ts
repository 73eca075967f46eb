import type { Item } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { transcript } from "./transcript.ts";

const usage = { inputTokens: 1, outputTokens: 1 };

const items: readonly Item[] = [
  { type: "message", id: "1", role: "user", content: "I was charged twice" },
  { type: "message", id: "2", role: "developer", content: "Be kind" },
  { type: "reasoning", id: "3", agent: "Triage", summary: "money", provider: "p", data: 1 },
  {
    type: "message",
    id: "4",
    agent: "Triage",
    role: "assistant",
    content: [
      { type: "text", text: "One moment" },
      { type: "image", url: "u" },
    ],
  },
  { type: "tool_call", id: "5", agent: "Triage", callId: "c", name: "lookup", arguments: '{"id":1}' },
  { type: "turn", id: "6", agent: "Triage", model: "m", provider: "p", usage, finishReason: "tool_calls" },
  { type: "approval", id: "7", callId: "c", decision: "rejected", reason: "not now" },
  { type: "tool_start", id: "8", agent: "Triage", callId: "c" },
  { type: "tool_result", id: "9", agent: "Triage", callId: "c", output: "no", status: "denied" },
  { type: "handoff", id: "10", from: "Triage", to: "Billing", input: { n: 1 }, mode: "turn" },
  { type: "message", id: "11", agent: "Billing", role: "user", content: "Answer in JSON" },
  {
    type: "turn",
    id: "12",
    agent: "Billing",
    model: "m",
    provider: "p",
    usage,
    finishReason: "stop",
    purpose: "filter",
  },
  { type: "view", id: "13", plugin: "window", view: ["1"] },
  { type: "rewind", id: "14", to: "1" },
  { type: "note", id: "15", plugin: "notes", data: { a: 1 } },
  { type: "provider_item", id: "16", provider: "p", data: [] },
];

describe("transcript()", () => {
  it("gives a line for each kind of item", () => {
    expect(transcript(items)).toMatchInlineSnapshot(`
      [
        "user: "I was charged twice"",
        "developer: "Be kind"",
        "Triage thinks: "money"",
        "Triage: "One moment" [image]",
        "Triage calls lookup({"id":1}) [c]",
        "turn of Triage: tool_calls",
        "approval of c: rejected "not now"",
        "start of c",
        "result of c (denied): "no"",
        "handoff Triage → Billing {"n":1} (turn)",
        "user (to Billing): "Answer in JSON"",
        "turn of Billing: stop (filter)",
        "view of window: 1 entries",
        "rewind to 1",
        "note of notes: {"a":1}",
        "someone item of p: []",
      ]
    `);
  });

  it("puts ids first where it is told to", () => {
    expect(transcript(items.slice(0, 1), { ids: true })).toEqual(['1  user: "I was charged twice"']);
  });

  it("gives well-formed lines of bounded length, whatever the text", () => {
    const content = `${"😀".repeat(100)}\n`;
    const [line] = transcript([{ type: "message", id: "1", role: "user", content }], { maxText: 9 });
    expect(line).toBe(`user: "${"😀".repeat(4)}\ufffd…"`);
  });

  it("stops at a type that it does not know", () => {
    expect(() => transcript([{ type: "dream", id: "1" } as unknown as Item])).toThrow(TypeError);
  });
});
