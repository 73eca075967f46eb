import { describe, expect, it } from "vitest";
import type { CallVerdict } from "./contracts/engine.ts";
import type { HandoffItem, Item, MessageItem, NewItem, ToolCallItem, ToolResultItem, TurnItem } from "./items.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { Transcript } from "./transcript.ts";
import { type Policy, type Step, closeAll, nextStep, pendingOf, refusedEvent } from "./transitions.ts";

const user: MessageItem = { type: "message", id: "u", role: "user", content: "hi" };
const said = (agent = "A", content = "answer"): MessageItem => ({
  type: "message",
  id: `said by ${agent}`,
  agent,
  role: "assistant",
  content,
});
const call = (callId: string, more: Partial<ToolCallItem> = {}): ToolCallItem => ({
  type: "tool_call",
  id: `c${callId}`,
  agent: "A",
  callId,
  name: "lookup",
  arguments: `{"n":${callId}}`,
  ...more,
});
const result = (callId: string, more: Partial<ToolResultItem> = {}): ToolResultItem => ({
  type: "tool_result",
  id: `r${callId}`,
  agent: "A",
  callId,
  output: "",
  status: "ok",
  ...more,
});
const turn = (agent = "A", more: Partial<TurnItem> = {}): TurnItem => ({
  type: "turn",
  id: `turn of ${agent}`,
  agent,
  model: "m",
  provider: "p",
  usage: { inputTokens: 1, outputTokens: 1 },
  finishReason: "stop",
  ...more,
});
const asked = (callId: string): Item => ({ type: "approval", id: `a${callId}`, callId, decision: "asked" });
const decided = (callId: string, decision: "approved" | "rejected", reason?: string): Item => ({
  type: "approval",
  id: `d${callId}`,
  callId,
  decision,
  ...(reason === undefined ? {} : { reason }),
});
const start = (callId: string): Item => ({ type: "tool_start", id: `s${callId}`, agent: "A", callId });
const passing = (callId: string, from: string, to: string, mode: HandoffItem["mode"] = "pass"): Item[] => [
  call(callId, { agent: from, handoff: true, name: `transfer_to_${to.toLowerCase()}` }),
  turn(from, { finishReason: "tool_calls" }),
  result(callId, { agent: from }),
  { type: "handoff", id: `h${callId}`, agent: from, callId, from, to, mode },
];
const verdict = (callId: string, kind: CallVerdict["kind"], more: Partial<CallVerdict> = {}): CallVerdict => ({
  callId,
  kind,
  ...more,
});

const policy = (limits: Partial<Limits> = {}): Policy => ({
  entry: "A",
  agents: new Set(["A", "B", "C"]),
  limits: { ...DEFAULT_LIMITS, ...limits },
});

/** A transcript with what was found out about its open calls. */
function transcript(items: readonly Item[], verdicts: readonly CallVerdict[] = []): Transcript {
  const t = new Transcript("A");
  for (const item of items) t.fold(item);
  for (const each of verdicts) t.openCall(each.callId)!.verdict = each;
  return t;
}

/** A step in a few words. */
function words(step: Step): string {
  if (step.type === "stop") {
    if (step.status === "paused") {
      return `paused: ${step.pending.map(({ kind, callId, path }) => [kind, ...path, callId].join(" ")).join(", ")}`;
    }
    return step.status === "limit" ? `limit ${step.limit} ${step.actual}/${step.max}` : step.status;
  }
  if (step.type === "record") return `record ${step.items.map(itemWords).join(", ")}`;
  return `perform ${step.effects
    .map((effect) => {
      switch (effect.type) {
        case "check":
          return `check ${effect.calls.map(({ callId }) => callId).join(" ")} of ${effect.agent}`;
        case "model":
          return `model of ${effect.agent}`;
        case "handoff":
          return `handoff ${effect.call.callId} of ${effect.agent}, leaving ${effect.rest.map(({ callId }) => callId).join(" ") || "none"}`;
        case "guardrail":
          return `guardrails of ${effect.agent}`;
        case "tool":
          return `${effect.verify ? "verify" : "tool"} ${effect.call.callId} of ${effect.agent}`;
        default:
          return `${effect.type} ${effect.call.callId} of ${effect.agent}`;
      }
    })
    .join(", ")}`;
}

function itemWords(item: NewItem): string {
  if (item.type === "tool_result") return `${item.callId} ${item.status}`;
  if (item.type === "handoff") return `${item.from}→${item.to} ${item.mode}`;
  return item.type;
}

type Row = readonly [
  what: string,
  items: readonly Item[],
  verdicts: readonly CallVerdict[],
  step: string,
  limits?: Partial<Limits>,
];

const tools = (...ids: readonly string[]): CallVerdict[] => ids.map((id) => verdict(id, "tool"));
const toB = (callId: string): CallVerdict => verdict(callId, "handoff", { to: "B" });

const rows: readonly Row[] = [
  ["asks the agent's model about a message", [user], [], "perform model of A"],
  ["is done when the agent has answered", [user, said(), turn()], [], "completed"],
  ["is done after an empty reply", [user, turn()], [], "completed"],
  [
    "asks the model again after a reply that was cut",
    [user, turn("A", { finishReason: "length" })],
    [],
    "perform model of A",
  ],
  ["checks all calls of a reply at once", [user, call("1"), call("2"), turn()], [], "perform check 1 2 of A"],
  [
    "checks calls that were not checked in this process",
    [user, call("1"), call("2"), turn()],
    tools("1"),
    "perform check 2 of A",
  ],
  [
    "runs all ordinary calls side by side",
    [user, call("1"), call("2")],
    tools("1", "2"),
    "perform tool 1 of A, tool 2 of A",
  ],
  [
    "runs nested agents side by side with tools",
    [user, call("1"), call("2")],
    [verdict("1", "agent"), ...tools("2")],
    "perform agent 1 of A, tool 2 of A",
  ],
  [
    "asks the model again when all calls are answered",
    [user, call("1"), turn(), result("1")],
    [],
    "perform model of A",
  ],
  [
    "stops for approval before running any tool",
    [user, call("1"), call("2"), asked("2")],
    tools("1", "2"),
    "paused: approval 2",
  ],
  [
    "stops for approval before making a handoff",
    [user, call("1"), call("2"), asked("1")],
    [...tools("1"), toB("2")],
    "paused: approval 1",
  ],
  [
    "names all that wait, in the order of the calls",
    [user, call("1"), call("2"), call("3"), asked("3"), asked("1")],
    [...tools("1"), verdict("2", "client"), ...tools("3")],
    "paused: approval 1, tool_result 2, approval 3",
  ],
  [
    "waits for the other decisions when one is made",
    [user, call("1"), call("2"), asked("1"), asked("2"), decided("1", "approved")],
    tools("1", "2"),
    "paused: approval 2",
  ],
  [
    "runs what is approved, with the rest",
    [user, call("1"), call("2"), asked("1"), decided("1", "approved")],
    tools("1", "2"),
    "perform tool 1 of A, tool 2 of A",
  ],
  [
    "answers what is rejected before anything else",
    [user, call("1"), call("2"), asked("1"), asked("2"), decided("1", "rejected")],
    [],
    "record 1 denied",
  ],
  [
    "runs what is left when one is rejected",
    [user, call("1"), call("2"), asked("1"), decided("1", "rejected"), result("1", { status: "denied" })],
    tools("2"),
    "perform tool 2 of A",
  ],
  [
    "runs the other calls before it waits for a client's result",
    [user, call("1"), call("2")],
    [verdict("1", "client"), ...tools("2")],
    "perform tool 2 of A",
  ],
  [
    "waits for a client's result before a handoff",
    [user, call("1"), call("2")],
    [verdict("1", "client"), toB("2")],
    "paused: tool_result 1",
  ],
  [
    "runs all ordinary calls before a handoff, wherever they stand",
    [user, call("1"), call("2"), call("3")],
    [...tools("1"), toB("2"), ...tools("3")],
    "perform tool 1 of A, tool 3 of A",
  ],
  [
    "makes the first handoff, naming those that it leaves",
    [user, call("1"), call("2"), call("3"), result("1")],
    [toB("2"), verdict("3", "handoff", { to: "C" })],
    "perform handoff 2 of A, leaving 3",
  ],
  [
    "makes the second handoff when the first failed",
    [user, call("1"), call("2"), result("1", { status: "error" })],
    [toB("2")],
    "perform handoff 2 of A, leaving none",
  ],
  ["refuses a handoff to oneself", [user, call("1")], [verdict("1", "handoff", { to: "A" })], "record 1 error"],
  [
    "refuses the same edge twice with nothing new in between",
    [user, ...passing("1", "A", "B"), ...passing("2", "B", "A"), call("3")],
    [toB("3")],
    "record 3 error",
  ],
  [
    "allows the same edge again after a tool's result",
    [
      user,
      ...passing("1", "A", "B"),
      call("x", { agent: "B" }),
      result("x", { agent: "B" }),
      ...passing("2", "B", "A"),
      call("3"),
    ],
    [toB("3")],
    "perform handoff 3 of A, leaving none",
  ],
  [
    "allows A→B→A→C",
    [user, ...passing("1", "A", "B"), ...passing("2", "B", "A"), call("3")],
    [verdict("3", "handoff", { to: "C" })],
    "perform handoff 3 of A, leaving none",
  ],
  [
    "makes a handoff up to maxHandoffs",
    [user, ...passing("1", "A", "B"), call("2", { agent: "B" })],
    [verdict("2", "handoff", { to: "C" })],
    "perform handoff 2 of B, leaving none",
    { maxHandoffs: 2 },
  ],
  [
    "refuses a handoff beyond maxHandoffs",
    [user, ...passing("1", "A", "B"), call("2", { agent: "B" })],
    [verdict("2", "handoff", { to: "C" })],
    "record 2 error",
    { maxHandoffs: 1 },
  ],
  ["refuses every handoff where maxHandoffs is 0", [user, call("1")], [toB("1")], "record 1 error", { maxHandoffs: 0 }],
  [
    "counts handoffs from the user's last message",
    [user, ...passing("1", "A", "B"), said("B"), { ...user, id: "u2" }, call("2", { agent: "B" })],
    [verdict("2", "handoff", { to: "C" })],
    "perform handoff 2 of B, leaving none",
    { maxHandoffs: 1 },
  ],
  ["asks the target's model after a handoff", [user, ...passing("1", "A", "B")], [], "perform model of B"],
  ["is done when the target of a pass has answered", [user, ...passing("1", "A", "B"), said("B")], [], "completed"],
  [
    "is done when the target of a turn has answered",
    [user, ...passing("1", "A", "B", "turn"), said("B")],
    [],
    "completed",
  ],
  [
    "asks the source's model about the message after a turn",
    [user, ...passing("1", "A", "B", "turn"), said("B"), { ...user, id: "u2" }],
    [],
    "perform model of A",
  ],
  [
    "goes back when a consulted agent has answered",
    [user, ...passing("1", "A", "B", "return"), said("B")],
    [],
    "record B→A back",
  ],
  [
    "goes back to who asked last",
    [user, ...passing("1", "A", "B", "return"), ...passing("2", "B", "C", "return"), said("C")],
    [],
    "record C→B back",
  ],
  [
    "goes back to the one who waits, whoever answers",
    [user, ...passing("1", "A", "B", "return"), ...passing("2", "B", "C"), said("C")],
    [],
    "record C→A back",
  ],
  [
    "does not go back when control was passed to the one who waits",
    [user, ...passing("1", "A", "B", "return"), ...passing("2", "B", "A"), said("A")],
    [],
    "completed",
  ],
  [
    "lets the entry agent take over from one that is gone",
    [user, ...passing("1", "A", "Gone"), said("Gone"), { ...user, id: "u2" }],
    [],
    "record Gone→A pass",
  ],
  [
    "checks the calls of an agent that is gone before another takes over",
    [user, ...passing("1", "A", "Gone"), call("2", { agent: "Gone" })],
    [],
    "perform check 2 of Gone",
  ],
  [
    "says that a started call without a result has an unknown outcome",
    [user, call("1"), call("2"), start("1")],
    tools("1", "2"),
    "record 1 unknown",
  ],
  [
    "asks a started call that can tell whether it happened",
    [user, call("1"), start("1")],
    [verdict("1", "tool", { verifiable: true })],
    "perform verify 1 of A",
  ],
  ["goes on below maxTurns", [user, call("1"), turn(), result("1")], [], "perform model of A", { maxTurns: 2 }],
  ["stops at maxTurns", [user, call("1"), turn(), result("1")], [], "limit maxTurns 1/1", { maxTurns: 1 }],
  [
    "finishes the calls of the last turn before it stops at maxTurns",
    [user, call("1"), turn()],
    tools("1"),
    "perform tool 1 of A",
    { maxTurns: 1 },
  ],
  ["is done with an answer in the last turn", [user, said(), turn()], [], "completed", { maxTurns: 1 }],
  [
    "counts turns over all agents",
    [user, ...passing("1", "A", "B"), ...passing("2", "B", "C")],
    [],
    "limit maxTurns 2/2",
    { maxTurns: 2 },
  ],
  [
    "goes back from a consultation also at maxTurns, then stops",
    [user, ...passing("1", "A", "B", "return"), said("B"), turn("B")],
    [],
    "record B→A back",
    { maxTurns: 2 },
  ],
];

describe("nextStep()", () => {
  for (const [what, items, verdicts, step, limits] of rows) {
    it(what, () => {
      expect(words(nextStep(transcript(items, verdicts), policy(limits)))).toBe(step);
    });
  }

  it("gives effects that are plain JSON, with keys that are the same on every replay", () => {
    for (const [, items, verdicts, , limits] of rows) {
      const step = nextStep(transcript(items, verdicts), policy(limits));
      expect(nextStep(transcript(items, verdicts), policy(limits))).toEqual(step);
      expect(JSON.parse(JSON.stringify(step))).toEqual(step);
      if (step.type !== "perform") continue;
      const keys = step.effects.map(({ key }) => key);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it("gives the model of each turn another key", () => {
    const first = nextStep(transcript([user]), policy());
    const second = nextStep(transcript([user, call("1"), turn(), result("1")]), policy());
    expect([first, second].map((step) => (step.type === "perform" ? step.effects[0]?.key : ""))).toEqual([
      "model:1",
      "model:4",
    ]);
  });

  it("changes nothing of the transcript", () => {
    for (const [, items, verdicts, , limits] of rows) {
      const t = transcript(items, verdicts);
      const before = structuredClone({ ...t });
      nextStep(t, policy(limits));
      expect(structuredClone({ ...t })).toEqual(before);
    }
  });

  it("says in each refusal why, and what to do", () => {
    const reason = (row: string): string => {
      const [, items, verdicts, , limits] = rows.find(([what]) => what === row)!;
      const step = nextStep(transcript(items, verdicts), policy(limits));
      return step.type === "record" && step.items[0]?.type === "tool_result" ? step.items[0].output : "";
    };
    expect(reason("refuses a handoff to oneself")).toBe('Cannot hand over to "A": it has the conversation already.');
    expect(reason("refuses the same edge twice with nothing new in between")).toBe(
      'Cannot hand over to "B": "A" has done that already, and nothing is new since. Answer the user yourself.',
    );
    expect(reason("refuses a handoff beyond maxHandoffs")).toContain("limit maxHandoffs is 1");
  });

  it("tells whoever listens of each handoff that it refuses", () => {
    for (const [what, items, verdicts, , limits] of rows.filter(([what]) => what.startsWith("refuses"))) {
      const step = nextStep(transcript(items, verdicts), policy(limits));
      const events = step.type === "record" ? step.events : undefined;
      expect(events, what).toEqual([expect.objectContaining({ type: "handoff_refused", to: expect.any(String) })]);
    }
    expect("to" in refusedEvent(call("1"), "why")).toBe(false);
  });

  it("gives the user's reason with a denial", () => {
    const items = [user, call("1"), call("2"), asked("1"), asked("2")];
    const step = nextStep(
      transcript([...items, decided("1", "rejected", "too much"), decided("2", "rejected")]),
      policy(),
    );
    expect(step).toMatchObject({
      items: [
        { status: "denied", output: "This call was denied: too much" },
        { status: "denied", output: "This call was denied." },
      ],
    });
  });

  it("gives the answer on the way back as the result of the call that asked", () => {
    const items = [user, said("A", "Let me ask."), ...passing("1", "A", "B", "return"), said("B", "42")];
    expect(nextStep(transcript(items), policy())).toEqual({
      type: "record",
      items: [
        {
          type: "handoff",
          id: "said by B:handoff",
          agent: "B",
          from: "B",
          to: "A",
          mode: "back",
          view: [["u", "c1"], { ...result("1"), id: "said by B:handoff/answer", output: "42" }],
        },
      ],
      events: [expect.objectContaining({ type: "handoff", from: "B", to: "A", before: 5, after: 4 })],
    });
  });

  it("leaves what the one who waits has seen as it was", () => {
    const t = transcript([user, ...passing("1", "A", "B", "return"), said("B", "42")]);
    const left = JSON.stringify(t.leftBy("A"));
    expect(nextStep(t, policy())).toEqual(nextStep(t, policy()));
    expect(JSON.stringify(t.leftBy("A"))).toBe(left);
  });

  it("gives an empty answer where a consulted agent said nothing", () => {
    const step = nextStep(transcript([user, ...passing("1", "A", "B", "return"), turn("B")]), policy());
    expect(step).toMatchObject({ items: [{ mode: "back", view: [["u", "c1"], { output: "" }] }] });
  });

  it("shows on the way back what the user has said meanwhile", () => {
    const items = [user, ...passing("1", "A", "B", "return"), { ...user, id: "u2" }, said("B", "42")];
    expect(nextStep(transcript(items), policy())).toMatchObject({
      items: [{ view: [["u", "c1"], { id: "said by B:handoff/answer" }, "u2"] }],
    });
  });

  it("gives the answer as the result of the last call with that id", () => {
    const items = [
      user,
      call("1"),
      turn(),
      result("1"),
      ...passing("1", "A", "B", "return").map((item) => ({ ...item, id: `${item.id}b` })),
      said("B", "42"),
    ];
    expect(nextStep(transcript(items), policy())).toMatchObject({
      items: [{ view: [["u", "c1b"], { id: "said by B:handoff/answer", output: "42" }] }],
    });
  });
});

describe("pendingOf()", () => {
  it("names calls by what the caller needs to answer them", () => {
    const t = transcript([user, call("1"), asked("1")], tools("1"));
    expect(pendingOf(t)).toEqual([
      { kind: "approval", id: "c1", callId: "1", agent: "A", name: "lookup", arguments: { n: 1 }, path: [] },
    ]);
  });

  it("names what nested runs wait for, with the ids of the calls that lead there", () => {
    const t = transcript([user, call("1"), call("2")], [verdict("1", "agent"), verdict("2", "client")]);
    const inner = { ...call("3", { agent: "N" }), path: ["1"] };
    t.fold(inner);
    t.child("1").paused = [
      { kind: "approval", id: "c3", callId: "3", agent: "N", name: "lookup", arguments: { n: 3 }, path: ["1"] },
    ];
    expect(pendingOf(t).map(({ callId, path }) => [...path, callId])).toEqual([["1", "3"], ["2"]]);
    expect(words(nextStep(t, policy()))).toBe("paused: approval 1 3, tool_result 2");
  });
});

describe("closeAll()", () => {
  it("answers all that is open: what was started is unknown, what waits is denied, the rest as it is told", () => {
    const t = transcript([user, call("1"), call("2"), call("3"), asked("2"), start("3")]);
    const closed = closeAll(t, "The user went on.", "abandoned");
    expect(closed.map(({ item }) => itemWords(item))).toEqual(["1 abandoned", "2 denied", "3 unknown"]);
  });

  it("answers nested calls before the call that leads to them", () => {
    const t = transcript([user, call("1")]);
    t.fold({ ...call("2", { agent: "N" }), path: ["1"] });
    expect(closeAll(t, "The user went on.", "unknown").map(({ item, path }) => [...path, itemWords(item)])).toEqual([
      ["1", "2 unknown"],
      ["1 unknown"],
    ]);
  });
});
