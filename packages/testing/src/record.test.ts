import { Agent, handBack, type Item } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { invariantsOf, type RecordExpectations } from "./record.ts";

type Draft = { readonly type: Item["type"] } & Record<string, unknown>;
/** Items with ids as a run gives them. */
const record = (...drafts: readonly Draft[]): Item[] =>
  drafts.map((draft, i) => ({ id: `r:${i}`, ...draft }) as unknown as Item);
const user: Draft = { type: "message", role: "user", content: "hi" };
const said = (agent: string): Draft => ({ type: "message", agent, role: "assistant", content: "x" });
const called = (agent: string, callId: string, name = "lookup"): Draft => ({
  type: "tool_call",
  agent,
  callId,
  name,
  arguments: "{}",
});
const result = (agent: string, callId: string, status = "ok"): Draft => ({
  type: "tool_result",
  agent,
  callId,
  output: "",
  status,
});
const started = (callId: string): Draft => ({ type: "tool_start", agent: "A", callId });
const approval = (callId: string, decision: string): Draft => ({ type: "approval", callId, decision });
const turn = (agent: string, more: object = {}): Draft => ({
  type: "turn",
  agent,
  model: "m",
  provider: "p",
  usage: { inputTokens: 1, outputTokens: 1 },
  finishReason: "stop",
  ...more,
});
const handoff = (from: string, to: string, callId: string | undefined, mode = "pass"): Draft => ({
  type: "handoff",
  agent: from,
  from,
  to,
  mode,
  ...(callId === undefined ? {} : { callId }),
});
const toB = (callId: string, mode?: string): Draft[] => [
  called("A", callId, "transfer_to_b"),
  turn("A"),
  result("A", callId),
  handoff("A", "B", callId, mode),
];

const b = new Agent({ name: "B", handoffs: [handBack()] });
const a = new Agent({ name: "A", handoffs: [b] });
const graph = (): typeof a => a;

const good: readonly (readonly [string, readonly Item[], RecordExpectations?])[] = [
  ["nothing", []],
  [
    "a conversation with a call and a handoff",
    record(user, called("A", "c"), turn("A"), result("A", "c"), ...toB("d"), said("B"), turn("B")),
  ],
  ["a handoff along a declared edge", record(user, ...toB("c"), said("B"), turn("B")), { graph, settled: true }],
  [
    "a handoff back",
    record(user, ...toB("c"), called("B", "d", "transfer_back"), result("B", "d"), handoff("B", "A", "d"), said("A")),
    { graph },
  ],
  [
    "a turn of another agent, then the source again",
    record(user, ...toB("c", "turn"), said("B"), turn("B"), user, said("A"), turn("A")),
  ],
  [
    "a consultation and the way back",
    record(user, ...toB("c", "return"), said("B"), turn("B"), handoff("B", "A", undefined, "back"), said("A")),
  ],
  [
    "an agent that took over for one that is gone",
    record(user, said("Old"), handoff("Old", "A", undefined), said("A")),
    { graph },
  ],
  [
    "an approved call",
    record(user, called("A", "c"), approval("c", "asked"), approval("c", "approved"), started("c"), result("A", "c")),
  ],
  [
    "a rejected call",
    record(
      user,
      called("A", "c"),
      approval("c", "asked"),
      approval("c", "rejected"),
      approval("c", "approved"),
      result("A", "c", "denied"),
    ),
  ],
  ["an open call", record(user, called("A", "c"))],
  [
    "a nested run",
    record(
      user,
      called("A", "c"),
      { ...said("N"), path: ["c"] },
      { ...called("N", "c"), path: ["c"] },
      { ...result("N", "c"), path: ["c"] },
      result("A", "c"),
      said("A"),
    ),
  ],
  ["a turn of a model beside the conversation", record(user, turn("B", { purpose: "filter" }), said("A"))],
  [
    "a rewind to before a call",
    record(user, called("A", "c"), { type: "rewind", to: "r:0" }, called("A", "c"), result("A", "c")),
  ],
  [
    "ids of several runs",
    [...record(user, said("A")), ...record(user, said("A")).map((item, i) => ({ ...item, id: `s:${i}` }))],
  ],
];

const bad: readonly (readonly [string, string, readonly Item[], RecordExpectations?])[] = [
  ["I1 pairing", "an open call in a settled record", record(user, called("A", "c")), { settled: true }],
  ["I1 pairing", "a result without a call", record(user, result("A", "c"))],
  ["I1 pairing", "two results", record(user, called("A", "c"), result("A", "c"), result("A", "c"))],
  ["I1 pairing", "a call id that is open", record(user, called("A", "c"), called("A", "c"))],
  ["I1 pairing", "a result of another agent's call", record(user, called("A", "c"), result("B", "c"))],
  [
    "I1 pairing",
    "a result in another nested run",
    record(user, called("A", "c"), { ...result("A", "c"), path: ["x"] }),
  ],
  ["I1 pairing", "the start of nothing", record(user, started("c"))],
  ["I1 pairing", "an approval of nothing", record(user, approval("c", "approved"))],
  ["I3 order", "an id twice", record({ ...user, id: "x" }, { ...user, id: "x" })],
  [
    "I3 order",
    "the id of what a view put in",
    record(user, { type: "view", view: [{ ...user, id: "x" }] }, { ...user, id: "x" }),
  ],
  ["I3 order", "ids of a run that go back", record({ ...user, id: "r:2" }, { ...user, id: "r:1" })],
  ["I3 order", "an empty id", record({ ...user, id: "" })],
  ["I3 order", "a rewind to what is not there", record(user, { type: "rewind", to: "r:9" })],
  ["I9 at most once", "two starts of one call", record(user, called("A", "c"), started("c"), started("c"))],
  [
    "I11 approval binding",
    "a start before the decision",
    record(user, called("A", "c"), approval("c", "asked"), started("c")),
  ],
  [
    "I11 approval binding",
    "a start of what was rejected first",
    record(
      user,
      called("A", "c"),
      approval("c", "asked"),
      approval("c", "rejected"),
      approval("c", "approved"),
      started("c"),
    ),
  ],
  [
    "I11 approval binding",
    "a result of what was rejected",
    record(user, called("A", "c"), approval("c", "asked"), approval("c", "rejected"), result("A", "c")),
  ],
  ["I12 legal handoff", "two agents that speak without a handoff", record(user, said("A"), said("B"))],
  ["I12 legal handoff", "a handoff of an agent without control", record(user, said("A"), handoff("B", "C", undefined))],
  [
    "I12 legal handoff",
    "a handoff to oneself",
    record(user, called("A", "c"), result("A", "c"), handoff("A", "A", "c")),
  ],
  ["I12 legal handoff", "a handoff without a call", record(user, said("A"), handoff("A", "B", "c"))],
  ["I12 legal handoff", "a handoff before its answer", record(user, called("A", "c"), handoff("A", "B", "c"))],
  [
    "I12 legal handoff",
    "a handoff whose call failed",
    record(user, called("A", "c"), result("A", "c", "error"), handoff("A", "B", "c")),
  ],
  [
    "I12 legal handoff",
    "a handoff that is not declared",
    record(user, called("A", "c", "transfer_to_c"), result("A", "c"), handoff("A", "C", "c")),
    { graph },
  ],
  [
    "I12 legal handoff",
    "a handoff to another agent than declared",
    record(user, called("A", "c", "transfer_to_b"), result("A", "c"), handoff("A", "C", "c")),
    { graph },
  ],
  ["I12 legal handoff", "a way back to nobody", record(user, said("A"), handoff("A", "B", undefined, "back"))],
  [
    "I12 legal handoff",
    "a way back to the wrong agent",
    record(user, ...toB("c", "return"), handoff("B", "C", undefined, "back")),
  ],
  [
    "I13 bounded",
    "data too deep to be written",
    record({ type: "note", plugin: "p", data: JSON.parse(`${"[".repeat(5_000)}${"]".repeat(5_000)}`) }),
  ],
  ["I23 state", "a function", record({ type: "note", plugin: "p", data: () => 1 })],
  ["I23 state", "NaN", record({ type: "note", plugin: "p", data: [Number.NaN] })],
  ["I23 state", "a date", record({ type: "note", plugin: "p", data: { at: new Date(0) } })],
  ["I23 state", "undefined in a list", record({ type: "note", plugin: "p", data: [undefined] })],
  ["I23 state", "usage that is no count", record(turn("A", { usage: { inputTokens: -1, outputTokens: 1 } }))],
  ["I26 well-formed", "a lone surrogate", record({ ...user, content: "\ud83d" })],
  ["I29 provenance", "a system message of an agent", record({ ...user, role: "system", agent: "A" })],
];

describe("invariantsOf()", () => {
  for (const [what, items, expectations] of good) {
    it(`finds nothing wrong with ${what}`, () => {
      expect(invariantsOf(items, expectations)).toEqual([]);
    });
  }

  for (const [invariant, what, items, expectations] of bad) {
    it(`finds that ${invariant} is broken by ${what}`, () => {
      expect(invariantsOf(items, expectations)).toEqual([expect.stringContaining(`${invariant}: item `)]);
    });
  }

  it("says which item it is, and shows it", () => {
    expect(invariantsOf(record(user, result("A", "c")))).toEqual([
      'I1 pairing: item "r:1" has no open call before it: result of c: ""',
    ]);
  });
});
