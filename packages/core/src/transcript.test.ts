import { arbitraries } from "@batonjs/testing/arbitraries";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "./limits.ts";
import type {
  ApprovalItem,
  HandoffItem,
  Item,
  MessageItem,
  NewItem,
  ToolCallItem,
  ToolResultItem,
  TurnItem,
  VisibleItem,
} from "./items.ts";
import { isVisible } from "./items.ts";
import { Transcript } from "./transcript.ts";
import { nextStep } from "./transitions.ts";
import { settleView, toView } from "./views.ts";

const user = (id: string): MessageItem => ({ type: "message", id, role: "user", content: id });
const said = (id: string, agent: string): MessageItem => ({
  type: "message",
  id,
  agent,
  role: "assistant",
  content: id,
});
const call = (callId: string, agent = "A", more: Partial<ToolCallItem> = {}): ToolCallItem => ({
  type: "tool_call",
  id: `c${callId}`,
  agent,
  callId,
  name: "lookup",
  arguments: "{}",
  ...more,
});
const result = (callId: string, agent = "A", more: Partial<ToolResultItem> = {}): ToolResultItem => ({
  type: "tool_result",
  id: `r${callId}`,
  agent,
  callId,
  output: callId,
  status: "ok",
  ...more,
});
const turn = (agent: string, more: Partial<TurnItem> = {}): TurnItem => ({
  type: "turn",
  id: `turn ${++turns}`,
  agent,
  model: "m",
  provider: "p",
  usage: { inputTokens: 1, outputTokens: 1 },
  finishReason: "stop",
  ...more,
});
let turns = 0;
const approval = (callId: string, decision: ApprovalItem["decision"], id = `${decision} ${callId}`): ApprovalItem => ({
  type: "approval",
  id,
  callId,
  decision,
});
const passing = (
  n: string,
  from: string,
  to: string,
  mode: HandoffItem["mode"] = "pass",
  more: Partial<HandoffItem> = {},
): HandoffItem => ({
  type: "handoff",
  id: `h${n}`,
  agent: from,
  callId: n,
  from,
  to,
  mode,
  ...more,
});
/** As the run makes it where no call of a model asked for it. */
const uncalled = (handoff: HandoffItem): HandoffItem => {
  const { callId: _, ...item } = handoff;
  return item;
};

type Filter = (seen: readonly VisibleItem[]) => readonly VisibleItem[];
/** Control passes: the call, its answer and the handoff, whose view `filter` chooses. */
const pass =
  (n: string, from: string, to: string, mode: HandoffItem["mode"] = "pass", filter?: Filter) =>
  (t: Transcript): void => {
    t.fold(call(n, from, { handoff: true, name: `transfer_to_${to}` }));
    t.fold(result(n, from));
    if (!filter) t.fold(passing(n, from, to, mode));
    else {
      const base = t.startOf(to).items;
      t.fold(passing(n, from, to, mode, { view: toView(base, settleView(base, filter(base), `h${n}:view`)) }));
    }
  };
/** The way back, as the run makes it. */
const back =
  (n: string): Happening =>
  (t) => {
    const step = nextStep(t, { entry: "A", agents: new Set(["A", "B", "C", "D"]), limits: DEFAULT_LIMITS });
    if (step.type !== "record") throw new Error(`expected a way back, found ${step.type}`);
    t.fold({ ...step.items[0], id: `h${n}` } as Item);
  };
type Happening = Item | ((t: Transcript) => void);

function after(...happenings: readonly Happening[]): Transcript {
  const t = new Transcript("A");
  for (const each of happenings) {
    if (typeof each === "function") each(t);
    else t.fold(each);
  }
  return t;
}
const seen = (t: Transcript): string => t.visible.map(({ id }) => id).join(" ");
/** All that is folded. */
const state = (t: Transcript): object => ({ ...t, record: undefined });
const dropInternal: Filter = (items) => items.filter(({ id }) => !id.startsWith("internal"));
const summary: Filter = () => [{ type: "message", id: "+sum", role: "user", agent: "B", content: "sum" }];

describe("what an agent sees after handoffs", () => {
  const cases: readonly (readonly [string, readonly Happening[], active: string, sees: string])[] = [
    [
      "that had control before sees what it saw when it left, and what the other sees of what came after",
      [
        user("u1"),
        said("internal1", "A"),
        pass("1", "A", "B", "pass", dropInternal),
        said("b1", "B"),
        pass("2", "B", "A"),
      ],
      "A",
      "u1 internal1 c1 r1 b1 c2 r2",
    ],
    [
      "further on does not see what was hidden from the one in between",
      [
        user("u1"),
        said("internal1", "A"),
        pass("1", "A", "B", "pass", dropInternal),
        said("b1", "B"),
        pass("2", "B", "C"),
      ],
      "C",
      "u1 c1 r1 b1 c2 r2",
    ],
    [
      "that comes back after a summary sees its own items, then the summary and what followed",
      [
        user("u1"),
        said("internal1", "A"),
        pass("1", "A", "B", "pass", dropInternal),
        said("b1", "B"),
        pass("2", "B", "C", "pass", summary),
        said("k1", "C"),
        pass("3", "C", "A"),
      ],
      "A",
      "u1 internal1 c1 r1 h2:view/0 k1 c3 r3",
    ],
    [
      "on its second visit is still not shown what was hidden, then or since",
      [
        user("u1"),
        said("internal1", "A"),
        pass("1", "A", "B", "pass", dropInternal),
        said("b1", "B"),
        pass("2", "B", "A"),
        said("internal2", "A"),
        user("u2"),
        pass("3", "A", "B", "pass", dropInternal),
      ],
      "B",
      "u1 c1 r1 b1 c2 r2 u2 c3 r3",
    ],
    [
      "that gets the next message after a turn sees all turns",
      [
        user("u1"),
        pass("1", "A", "B", "turn", dropInternal),
        said("b1", "B"),
        user("u2"),
        pass("2", "A", "B", "turn", dropInternal),
        said("b2", "B"),
        user("u3"),
      ],
      "A",
      "u1 c1 r1 b1 u2 c2 r2 b2 u3",
    ],
    [
      "that control was passed to keeps the next messages",
      [user("u1"), pass("1", "A", "B"), said("b1", "B"), user("u2"), said("b2", "B"), user("u3")],
      "B",
      "u1 c1 r1 b1 u2 b2 u3",
    ],
    [
      "that consulted another sees its call and the answer, not the work between",
      [
        user("u1"),
        said("internal1", "A"),
        pass("1", "A", "B", "return", dropInternal),
        call("work", "B"),
        result("work", "B"),
        said("b1", "B"),
        back("2"),
      ],
      "A",
      "u1 internal1 c1 b1:handoff/answer",
    ],
    [
      "that consulted one which passed on sees the last one's answer",
      [user("u1"), pass("1", "A", "B", "return"), pass("2", "B", "C"), said("k1", "C"), back("3")],
      "A",
      "u1 c1 k1:handoff/answer",
    ],
    [
      "that was consulted and consults sees the answer to its own call",
      [user("u1"), pass("1", "A", "B", "return"), pass("2", "B", "C", "return"), said("k1", "C"), back("3")],
      "B",
      "u1 c1 r1 c2 k1:handoff/answer",
    ],
    [
      "gets its answer when consultations end one after the other",
      [
        user("u1"),
        pass("1", "A", "B", "return"),
        pass("2", "B", "C", "return"),
        said("k1", "C"),
        back("3"),
        said("b1", "B"),
        back("4"),
      ],
      "A",
      "u1 c1 b1:handoff/answer",
    ],
  ];
  for (const [what, happenings, active, sees] of cases) {
    it(`one ${what}`, () => {
      const t = after(...happenings);
      expect([t.active, seen(t)]).toEqual([active, sees]);
    });
  }

  it("an agent consulted twice does not see the answers to calls that it does not see", () => {
    const t = after(
      user("u1"),
      pass("1", "A", "B", "return"),
      said("b1", "B"),
      back("2"),
      pass("3", "A", "B", "return"),
    );
    expect(seen(t)).toBe("u1 c1 r1 b1 c3 r3");
  });

  it("an agent consulted again after it was shown nothing of the first call sees no answer to it", () => {
    const onlyUser: Filter = (items) => items.filter(({ id }) => id.startsWith("u"));
    const t = after(
      user("u1"),
      pass("1", "A", "B", "return", onlyUser),
      said("b1", "B"),
      back("2"),
      pass("3", "A", "B"),
    );
    expect(seen(t)).toBe("u1 b1 c3 r3");
  });

  it("an agent that passed its consultation on sees no second result of the call that consulted it", () => {
    // Seen: the answer to A, a result of call 1, came to B behind its own result of call 1.
    const t = after(
      user("u1"),
      pass("1", "A", "B", "return"),
      pass("2", "B", "C"),
      said("k1", "C"),
      back("3"),
      pass("4", "A", "B"),
    );
    expect(seen(t)).toBe("u1 c1 r1 c2 r2 c4 r4");
  });

  it("the agent consulted is not shown the answer twice when it is passed the conversation", () => {
    const t = after(user("u1"), pass("1", "A", "B", "return"), said("b1", "B"), back("2"), pass("3", "A", "B"));
    expect(t.visible.filter((item) => item.type === "tool_result" && item.callId === "1")).toHaveLength(1);
  });

  it("changed copies of what an agent has seen are not shown to it again when it comes back; changed news is", () => {
    const shorter: Filter = (items) =>
      items.map((item) => (item.type === "message" ? { ...item, content: "short" } : item));
    const t = after(
      user("u1"),
      said("a1", "A"),
      pass("1", "A", "B"),
      said("b1", "B"),
      pass("2", "B", "C", "pass", shorter),
      pass("3", "C", "A"),
    );
    // Seen: A had its own items, and copies of them behind.
    expect(seen(t)).toBe("u1 a1 c1 r1 h2:view/4/of/b1 c2 r2 c3 r3");
  });

  it("the message that gives control back after a turn is shown to the target when it has control again", () => {
    const t = after(
      user("u1"),
      said("internal1", "A"),
      pass("1", "A", "B", "turn", dropInternal),
      said("b1", "B"),
      user("u2"),
      pass("2", "A", "B", "turn", dropInternal),
    );
    // Seen: B had not been shown what it was to answer.
    expect(seen(t)).toBe("u1 c1 r1 b1 u2 c2 r2");
  });

  it("a call that one who comes back is not shown the result of is not shown either", () => {
    const t = after(
      user("u1"),
      pass("1", "A", "B"),
      pass("2", "B", "C", "return"),
      said("c1!", "C"),
      back("3"),
      pass("4", "B", "A", "pass", (items) => items.filter(({ id }) => !id.endsWith("/answer") && id !== "r2")),
    );
    expect(seen(t)).toBe("u1 c1 r1 c4 r4");
  });

  it("an answer whose call a view for all has dropped comes as a message, which is no user's", () => {
    const t = after(
      user("u1"),
      pass("1", "A", "B", "return"),
      said("work", "B"),
      { type: "view", id: "v", view: ["work"] },
      said("b1", "B"),
      back("2"),
    );
    expect(t.visible).toEqual([
      { type: "message", id: "b1:handoff/answer", role: "user", agent: "B", content: "B: b1" },
    ]);
    expect([t.active, t.waiting]).toEqual(["A", []]);
  });

  it("the half of a pair that an agent has seen changed goes when a view for all drops the other", () => {
    const shorter: Filter = (items) =>
      items.map((item) => (item.type === "tool_result" ? { ...item, output: "short" } : item));
    const t = after(
      user("u1"),
      call("x"),
      result("x"),
      pass("1", "A", "B", "pass", shorter),
      said("b1", "B"),
      { type: "view", id: "v", view: [["b1", "b1"]] },
      pass("2", "B", "A"),
    );
    // Of x, B had seen the call and a copy of the result; A was left with the result.
    expect(seen(t)).toBe("b1 c2 r2");
  });

  it("what a view for all puts in is seen once by an agent that comes back", () => {
    const t = after(user("u1"), said("a1", "A"), user("u2"), pass("1", "A", "B"), said("b1", "B"), (t) => {
      const note: MessageItem = { type: "message", id: "sum", role: "user", agent: "B", content: "sum" };
      t.fold({ type: "view", id: "v", view: [note, ["u2", "b1"]] });
    });
    expect(seen(t)).toBe("sum u2 c1 r1 b1");
    pass("2", "B", "A")(t);
    expect(seen(t)).toBe("sum u2 c1 r1 b1 c2 r2");
  });

  it("what a view for all puts in, in place of what an agent has not seen, is shown to it when it comes back", () => {
    const t = after(user("u1"), said("a1", "A"), pass("1", "A", "B"), said("b1", "B"), said("b2", "B"), (t) => {
      const note: MessageItem = { type: "message", id: "sum", role: "user", agent: "B", content: "sum" };
      t.fold({ type: "view", id: "v", view: [["u1", "r1"], note] });
    });
    pass("2", "B", "A")(t);
    expect(seen(t)).toBe("u1 a1 c1 r1 sum c2 r2");
  });

  it("what a view for all leaves out of the middle is gone, and the rest is there once", () => {
    const t = after(user("u1"), said("a1", "A"), user("u2"), pass("1", "A", "B"), said("b1", "B"));
    t.fold({ type: "view", id: "v", view: ["u1", ["u2", "b1"]] });
    pass("2", "B", "A")(t);
    expect(seen(t)).toBe("u1 u2 c1 r1 b1 c2 r2");
  });

  it("reasoning is not shown to one who comes back and is not shown the call it led to", () => {
    const thought = (id: string): Item => ({ type: "reasoning", id, agent: "B", provider: "p", data: id });
    const hidden: Filter = (items) => items.filter(({ id }) => !id.endsWith("/answer") && id !== "r2");
    const t = after(
      user("u1"),
      pass("1", "A", "B"),
      thought("t0"),
      said("b0", "B"),
      thought("t1"),
      thought("t2"),
      pass("2", "B", "C", "return"),
      said("c1!", "C"),
      back("3"),
    );
    pass("4", "B", "A", "pass", (items) => hidden(items))(t);
    expect(seen(t)).toBe("u1 c1 r1 t0 b0 c4 r4");
  });

  it("the result of a call that its agent is no longer shown is not shown", () => {
    const t = after(user("u1"), call("1"), { type: "view", id: "v", view: ["u1"] }, user("u2"), result("1"));
    expect(seen(t)).toBe("u1 u2");
    expect(t.open).toEqual([]);
  });

  it("a handoff that no call asked for hides no results", () => {
    const t = after(user("u1"), call("1"), result("1"), uncalled(passing("1", "A", "B")));
    expect(seen(t)).toBe("u1 c1 r1");
  });

  it("calls of handoffs that were not made are hidden, also where they come first of all", () => {
    const t = after(call("1", "A", { handoff: true }), call("2", "A", { handoff: true }));
    for (const each of [result("2"), result("1", "A", { status: "error" }), passing("2", "A", "B")]) t.fold(each);
    expect(seen(t)).toBe("c2 r2");
  });

  it("an agent that never had control has seen nothing", () => {
    expect(after(user("u1")).leftBy("A")).toEqual([]);
    expect(after(user("u1"), pass("1", "A", "B")).leftBy("C")).toEqual([]);
  });

  it("a view that names what is not seen is a corrupt record, and says which view", () => {
    expect(() => after(user("u1"), { type: "view", id: "v", view: ["u2"] })).toThrow(/view of view "v": item "u2"/);
    const wrong = passing("1", "A", "B", "pass", { view: ["u2"] });
    expect(() => after(user("u1"), call("1"), result("1"), wrong)).toThrow(/view of handoff "h1": item "u2"/);
  });

  it("a record that is taken over as a whole shows the same", () => {
    for (const [, happenings, active, sees] of cases) {
      const t = new Transcript("A");
      t.load(after(...happenings).record.slice());
      expect([t.active, seen(t)]).toEqual([active, sees]);
    }
  });
});

describe("calls", () => {
  it("are open until they have a result, in the model's order", () => {
    const t = after(user("u"), call("1"), call("2"), call("3"), result("2"));
    expect(t.open.map(({ call: { callId } }) => callId)).toEqual(["1", "3"]);
    expect(t.done).toBe(false);
  });

  it("results that arrive out of order are seen in the order of the calls, and recorded as they arrive", () => {
    const t = after(user("u"), call("1"), call("2"), call("3"), result("3"), result("1"), result("2"));
    expect(seen(t)).toBe("u c1 c2 c3 r1 r2 r3");
    expect(t.record.map(({ id }) => id).join(" ")).toBe("u c1 c2 c3 r3 r1 r2");
  });

  it("any order of arrival is seen in the same order", () => {
    const order = fc.shuffledSubarray(["1", "2", "3", "4", "5"], { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(order, (arrivals) => {
        const t = after(
          user("u"),
          call("1"),
          call("2"),
          said("m", "A"),
          call("3"),
          call("4"),
          call("5"),
          ...arrivals.map((callId) => result(callId)),
        );
        expect(seen(t)).toBe("u c1 c2 m c3 c4 c5 r1 r2 r3 r4 r5");
      }),
    );
  });

  it("results follow the reply of their call, not a later reply or a message", () => {
    const t = after(user("u"), call("1"), call("2"), result("2"), user("u2"), result("1"));
    expect(seen(t)).toBe("u c1 c2 r1 r2 u2");
    const told: Item = { type: "message", id: "d", role: "developer", content: "d" };
    expect(seen(after(user("u"), call("1"), told, result("1")))).toBe("u c1 r1 d");
    expect(seen(after(call("1"), result("1")))).toBe("c1 r1");
  });

  it("a result without an open call is a corrupt record", () => {
    expect(() => after(user("u"), result("1"))).toThrow('Cannot read result "r1": no open call has the id "1"');
    expect(() => after(user("u"), result("1"))).toThrow(expect.objectContaining({ code: "corrupt_item" }));
    expect(() => after(user("u"), call("1"), result("1"), { ...result("1"), id: "again" })).toThrow("no open call");
    for (const calls of [[], [call("2")]]) {
      const settled = [user("u"), ...calls, result("1"), said("a", "A"), user("u2")];
      expect(() => new Transcript("A").load(settled)).toThrow('Cannot read result "r1": no open call has the id "1"');
    }
  });

  it("an id that a provider uses again belongs to the call that is open", () => {
    const t = after(user("u"), call("1"), result("1"), { ...call("1"), id: "c1b" }, { ...result("1"), id: "r1b" });
    expect(seen(t)).toBe("u c1 r1 c1b r1b");
  });

  it("asked, decided and started are told of the open call; the first decision counts", () => {
    const t = after(
      user("u"),
      call("1"),
      call("2"),
      approval("1", "asked"),
      approval("1", "rejected"),
      approval("1", "approved"),
      { type: "tool_start", id: "s", agent: "A", callId: "2" },
    );
    expect(t.open.map(({ asked, decision, started }) => [asked, decision?.decision, started])).toEqual([
      [true, "rejected", false],
      [false, undefined, true],
    ]);
  });

  it("decisions and starts of calls that are not open change nothing", () => {
    const t = after(user("u"), call("1"), result("1"), approval("1", "approved"), {
      type: "tool_start",
      id: "s",
      callId: "1",
    });
    expect(t.open).toEqual([]);
  });
});

describe("done", () => {
  const cases: readonly (readonly [string, readonly Item[], boolean])[] = [
    ["nothing", [], false],
    ["a user's message", [user("u")], false],
    ["an answer", [user("u"), said("a", "A"), turn("A")], true],
    ["an answer without its turn", [user("u"), said("a", "A")], true],
    ["a reply with text and a call", [user("u"), said("a", "A"), call("1"), turn("A")], false],
    ["a result", [user("u"), said("a", "A"), call("1"), turn("A"), result("1")], false],
    ["an empty reply", [user("u"), turn("A")], true],
    ["an empty reply after a result", [user("u"), call("1"), turn("A"), result("1"), turn("A")], true],
    ["a reply that was cut", [user("u"), turn("A", { finishReason: "length" })], false],
    ["a reply that was blocked", [user("u"), turn("A", { finishReason: "blocked" })], false],
    ["a turn of a model beside the conversation", [user("u"), turn("A", { purpose: "summary" })], false],
    ["a handoff", [user("u"), call("1"), turn("A"), result("1"), passing("1", "A", "B")], false],
    [
      "feedback to an agent",
      [user("u"), said("a", "A"), turn("A"), { type: "message", id: "f", role: "user", agent: "A", content: "no" }],
      false,
    ],
    ["a note after an answer", [user("u"), said("a", "A"), { type: "note", id: "n", plugin: "p", data: 1 }], true],
  ];
  for (const [what, items, done] of cases) {
    it(`is ${done} after ${what}`, () => {
      expect(after(...items).done).toBe(done);
    });
  }

  it("the answer is the last message of the last reply, none while there is none", () => {
    expect(after(user("u"), said("a", "A"), turn("A")).answer?.id).toBe("a");
    expect(after(user("u"), said("a", "A"), user("u2")).answer).toBeUndefined();
    expect(after(user("u"), said("a", "A"), call("1"), result("1")).answer).toBeUndefined();
    expect(
      after(user("u"), said("a", "A"), ...([call("1"), result("1")] as Item[]), passing("1", "A", "B")).answer,
    ).toBe(undefined);
  });
});

describe("reasoning that belongs to nothing", () => {
  const thought = (id: string): Item => ({ type: "reasoning", id, agent: "A", provider: "p", data: id });
  const items: readonly Item[] = [
    user("u1"),
    thought("t1"),
    turn("A", { responseId: "r" }),
    user("u2"),
    thought("t2"),
    said("a2", "A"),
    turn("A"),
    user("u3"),
    thought("t3"),
    user("u4"),
    said("a4", "A"),
    user("u5"),
  ];

  it("is recorded and not seen, when it ends a reply and when its reply was cut", () => {
    const t = after(...items);
    expect(seen(t)).toBe("u1 u2 t2 a2 u3 u4 a4 u5");
    expect(t.record).toHaveLength(items.length);
    expect(after(...items.slice(0, 3)).since).toMatchObject({ count: 1 });
    expect(seen(after(user("u1"), thought("t1"), said("a1", "A")))).toBe("u1 t1 a1");
  });

  it("is not seen where a record was cut within a reply and another run went on", () => {
    const cut = [
      { ...user("u1"), id: "r1:0" },
      { ...thought("t"), id: "r1:1" },
    ] as Item[];
    expect(seen(after(...cut, { ...said("a", "A"), id: "r2:0" }))).toBe("r1:0 r2:0");
    expect(seen(after(...cut, { ...said("a", "A"), id: "r1:2" }))).toBe("r1:0 r1:1 r1:2");
    expect(seen(after(...cut, said("a", "A")))).toBe("r1:0 r1:1 a");
    expect(seen(after(user("u"), thought("t"), { ...said("a", "A"), id: "r2:0" }))).toBe("u t r2:0");
    const later = [
      user("u1"),
      said("a1", "A"),
      { ...user("u2"), id: "r1:0" },
      { ...thought("t"), id: "r1:1" },
    ] as Item[];
    expect(seen(after(...later, { ...said("a2", "A"), id: "r2:0" }))).toBe("u1 a1 r1:0 r2:0");
    const rewind: Item = { type: "rewind", id: "x:rewind", to: "r1:1" };
    const rewound = [...cut, { ...said("a", "A"), id: "r1:2" }, rewind] as Item[];
    expect(seen(after(...rewound, { ...said("b", "A"), id: "r1:3" }))).toBe("r1:0 r1:3");
  });

  it("is not seen in a record that is taken over as a whole", () => {
    const t = new Transcript("A");
    t.load(items.slice());
    expect(seen(t)).toBe("u1 u2 t2 a2 u3 u4 a4 u5");
  });
});

describe("turns", () => {
  it("count model replies since the last input, of all agents, and not of models beside the conversation", () => {
    const t = after(user("u"), turn("A", { purpose: "filter" }), call("1"), turn("A"), result("1"));
    t.fold(passing("1", "A", "B"));
    t.fold(said("b", "B"));
    t.fold(turn("B"));
    expect(t.turns).toBe(2);
    t.fold(user("u2"));
    expect(t.turns).toBe(0);
  });

  it("count from zero after a decision, and after a result from outside of the run", () => {
    const asked = [user("u"), call("1"), turn("A"), approval("1", "asked")];
    expect(after(...asked).turns).toBe(1);
    expect(after(...asked, approval("1", "approved")).turns).toBe(0);
    const { agent: _, ...outside } = result("1");
    expect(after(user("u"), call("1"), turn("A"), outside).turns).toBe(0);
    expect(after(user("u"), call("1"), turn("A"), result("1")).turns).toBe(1);
  });

  it("count blocked and cut replies as well", () => {
    expect(after(user("u"), turn("A", { finishReason: "blocked" }), turn("A", { finishReason: "length" })).turns).toBe(
      2,
    );
  });
});

describe("handoffs", () => {
  it("count since the last user message; ways back do not count", () => {
    const t = after(user("u"), pass("1", "A", "B", "return"), said("b", "B"), back("2"), pass("3", "A", "B"));
    expect(t.handoffs).toBe(2);
    t.fold(said("b2", "B"));
    t.fold(user("u2"));
    expect(t.handoffs).toBe(0);
  });

  const edges: readonly (readonly [string, readonly Happening[], boolean])[] = [
    ["an answer of the target", [said("b", "B")], true],
    ["another handoff", [pass("2", "B", "A")], true],
    ["a call that failed", [call("x", "B"), result("x", "B", { status: "error" })], true],
    ["a user's message", [said("b", "B"), user("u2")], false],
    ["a tool's result", [call("x", "B"), result("x", "B")], false],
    ["an answer that was returned", [pass("2", "B", "C", "return"), said("c", "C"), back("3")], false],
  ];
  for (const [what, happenings, used] of edges) {
    it(`an edge is ${used ? "still" : "no longer"} used up after ${what}`, () => {
      expect(
        after(user("u"), pass("1", "A", "B"), ...happenings).edges?.some(
          ({ from, to }) => from === "A" && to === "B",
        ) ?? false,
      ).toBe(used);
    });
  }

  it("arrivals tell how each agent came to be active last", () => {
    const t = after(user("u"), pass("1", "A", "B"), pass("2", "B", "A"), user("u2"), pass("3", "A", "B"));
    expect(["A", "B"].map((agent) => t.arrivals?.find(({ to }) => to === agent)?.id)).toEqual(["h2", "h3"]);
  });
});

describe("what nobody has answered", () => {
  const told: Item = { type: "message", id: "d", role: "developer", content: "d" };
  const given: Item = { type: "message", id: "g", role: "assistant", content: "g" };

  it("is the user's messages since the last answer; developers' messages are none, and count as no input", () => {
    const t = after(user("u1"), said("a1", "A"), turn("A"), user("u2"), pass("1", "A", "B"), user("u3"));
    expect(t.unanswered.map(({ id }) => id)).toEqual(["u2", "u3"]);
    const counted = after(user("u1"), pass("1", "A", "B"), call("2", "B"), turn("B"), told);
    expect(counted).toMatchObject({ handoffs: 1, turns: 1, outputRetries: 0, replied: true });
    expect(counted.unanswered.map(({ id }) => id)).toEqual(["u1"]);
  });

  it("a developer's message after an answer is something to answer; it is no retry", () => {
    expect(after(user("u"), said("a", "A"), turn("A"), told)).toMatchObject({
      done: false,
      turns: 0,
      outputRetries: 0,
    });
  });

  it("an answer that nobody has signed is an answer, not an input", () => {
    expect(after(user("u"), said("a", "A"), turn("A"), given)).toMatchObject({ done: true, turns: 1, answer: given });
  });

  it("nothing is replied at first, and nothing is to come back to who did not ask", () => {
    expect(new Transcript("A").replied).toBe(false);
    const t = after(user("u"), said("a", "A"), uncalled(passing("1", "A", "B", "back")));
    expect([t.active, t.waiting, t.nextOwner]).toEqual(["B", [], undefined]);
  });
});

describe("the trail", () => {
  const cases: readonly (readonly [string, readonly Happening[], string])[] = [
    ["is empty at first", [], ""],
    ["names who handed over", [pass("1", "A", "B")], "A"],
    ["names all of a chain", [pass("1", "A", "B"), pass("2", "B", "C")], "A B"],
    ["is shorter when one goes back", [pass("1", "A", "B"), pass("2", "B", "C"), pass("3", "C", "B")], "A"],
    ["is empty when the first has it again", [pass("1", "A", "B"), pass("2", "B", "C"), pass("3", "C", "A")], ""],
    ["is shorter on the way back of a return", [pass("1", "A", "B", "return"), said("b", "B"), back("2")], ""],
    ["is empty when the source of a turn has it again", [pass("1", "A", "B", "turn"), said("b", "B"), user("u2")], ""],
    ["survives the user's next message", [pass("1", "A", "B"), said("b", "B"), user("u2")], "A"],
    [
      "is empty when the entry agent took over for one that is gone",
      [pass("1", "A", "Gone"), { type: "handoff", id: "h2", agent: "A", from: "Gone", to: "A", mode: "pass" }],
      "",
    ],
    [
      "forgets what it does not lead through when another took over",
      [pass("1", "B", "Gone"), { type: "handoff", id: "h2", agent: "A", from: "Gone", to: "A", mode: "pass" }],
      "",
    ],
  ];
  for (const [what, happenings, trail] of cases) {
    it(what, () => {
      expect(after(user("u"), ...happenings).trail.join(" ")).toBe(trail);
    });
  }
});

describe("who waits, and who is next", () => {
  const cases: readonly (readonly [string, readonly Happening[], waiting: string, owner: string])[] = [
    ["nobody, at first", [], "", "A"],
    ["one that consulted", [pass("1", "A", "B", "return")], "A", "B"],
    ["two, nested", [pass("1", "A", "B", "return"), pass("2", "B", "C", "return")], "A B", "C"],
    ["a pass leaves the stack", [pass("1", "A", "B", "return"), pass("2", "B", "C")], "A", "C"],
    ["a turn leaves the stack", [pass("1", "A", "B", "return"), pass("2", "B", "C", "turn")], "A", "C"],
    ["nobody, when the answer is back", [pass("1", "A", "B", "return"), said("b", "B"), back("2")], "", "A"],
    [
      "nobody, when control is passed to the one who waits",
      [pass("1", "A", "B", "return"), pass("2", "B", "A")],
      "",
      "A",
    ],
    [
      "those outside, when control is passed to one further out",
      [pass("1", "A", "B", "return"), pass("2", "B", "C", "return"), pass("3", "C", "A")],
      "",
      "A",
    ],
    ["the source is next after a turn is answered", [pass("1", "A", "B", "turn"), said("b", "B")], "", "A"],
    ["the target is next while a turn is not answered", [pass("1", "A", "B", "turn")], "", "B"],
    ["the target is next after a pass", [pass("1", "A", "B"), said("b", "B")], "", "B"],
    ["the last to pass decides", [pass("1", "A", "B", "turn"), pass("2", "B", "C"), said("c", "C")], "", "C"],
    [
      "a turn inside of a consultation does not decide who is next",
      [pass("1", "A", "B", "return"), pass("2", "B", "C", "turn"), said("c", "C"), back("3"), said("a", "A")],
      "",
      "A",
    ],
    [
      "a pass inside of a consultation does not change who is next",
      [
        pass("1", "A", "B", "turn"),
        pass("2", "B", "C", "return"),
        pass("3", "C", "D"),
        said("d", "D"),
        back("4"),
        said("b", "B"),
      ],
      "",
      "A",
    ],
    [
      "a consultation in a turn does not change who is next",
      [pass("1", "A", "B", "turn"), pass("2", "B", "C", "return"), said("c", "C"), back("3"), said("b", "B")],
      "",
      "A",
    ],
  ];
  for (const [what, happenings, waiting, owner] of cases) {
    it(what, () => {
      const t = after(user("u"), ...happenings);
      expect([t.waiting.map(({ agent }) => agent).join(" "), t.owner]).toEqual([waiting, owner]);
    });
  }

  it("a message before a consultation in a turn has come back goes to the consulted agent", () => {
    const asked = [user("u"), pass("1", "A", "B", "turn"), pass("2", "B", "C", "return"), said("c", "C")];
    expect(after(...asked).owner).toBe("C");
    const t = after(...asked, user("u2"));
    expect([t.active, t.waiting.length]).toEqual(["C", 1]);
    expect(after(...asked, user("u2"), said("c2", "C"), back("3")).active).toBe("B");
    expect(after(...asked, user("u2"), said("c2", "C"), back("3"), said("b", "B")).owner).toBe("A");
  });

  it("a message to a consulted agent that was interrupted goes to that agent", () => {
    const t = after(user("u"), pass("1", "A", "B", "return"), user("u2"));
    expect([t.active, t.waiting.length]).toEqual(["B", 1]);
    expect(t.unanswered.map(({ id }) => id)).toEqual(["u", "u2"]);
  });
});

describe("what a provider has by a name of its own", () => {
  const reply = (agent: string, responseId: string): Item[] => [said(responseId, agent), turn(agent, { responseId })];
  const since = (t: Transcript): unknown => t.since && [t.since.responseId, t.since.count];

  it("is what was seen with the last reply; of a reply without a name nothing", () => {
    expect(after(user("u"), ...reply("A", "m1"), user("u2")).since).toEqual({
      responseId: "m1",
      provider: "p",
      model: "m",
      count: 2,
    });
    expect(after(user("u"), ...reply("A", "m1"), user("u2"), said("a", "A"), turn("A")).since).toBeUndefined();
  });

  it("is kept by handoffs that show all of it, and is an agent's own where each sees a list of its own", () => {
    const t = after(user("u"), ...reply("A", "m1"), user("u2"), pass("1", "A", "B"));
    expect(since(t)).toEqual(["m1", 2]);
    for (const item of reply("B", "m2")) t.fold(item);
    expect(since(t)).toEqual(["m2", 6]);
    pass("2", "B", "A")(t);
    expect(since(t)).toEqual(["m2", 6]);
    const apart = after(
      user("u"),
      said("internal", "A"),
      ...reply("A", "m1"),
      pass("1", "A", "B", "pass", dropInternal),
    );
    for (const item of reply("B", "m2")) apart.fold(item);
    expect(since(apart)).toEqual(["m2", 5]);
    pass("2", "B", "A")(apart);
    expect(since(apart)).toEqual(["m1", 3]);
  });

  it("is nothing where a view or a hidden call makes another list of it", () => {
    const before = [user("u"), ...reply("A", "m1"), user("u2")];
    expect(since(after(...before, pass("1", "A", "B", "pass", dropInternal)))).toBeUndefined();
    expect(since(after(...before, { type: "view", id: "v", view: [["m1", "u2"]] }))).toBeUndefined();
    const t = after(...before, call("1", "A", { handoff: true }), call("2", "A", { handoff: true }));
    for (const each of [result("1"), result("2", "A", { status: "error" }), passing("1", "A", "B")]) t.fold(each);
    expect(since(t)).toBeUndefined();
  });
});

describe("rewind", () => {
  const before: readonly Happening[] = [user("u"), call("1"), turn("A"), result("1"), said("a", "A"), turn("A")];
  const later: readonly Happening[] = [user("u2"), pass("2", "A", "B", "return"), call("x", "B"), turn("B")];

  it("everything but usage is as it was right after the item", () => {
    const then = after(...before);
    const now = after(...before, ...later);
    const length = now.record.length;
    now.fold({ type: "rewind", id: "w", to: then.record.at(-1)!.id });
    expect(now.record).toHaveLength(length + 1);
    expect(state(now)).toEqual(state(then));
    expect(seen(now)).toBe(seen(then));
  });

  it("the conversation goes on from there", () => {
    const t = after(...before, ...later, { type: "rewind", id: "w", to: "a" });
    t.fold(user("u3"));
    pass("3", "A", "B")(t);
    expect([t.active, seen(t)]).toEqual(["B", "u c1 r1 a u3 c3 r3"]);
    pass("4", "B", "A")(t);
    expect([t.active, seen(t)]).toEqual(["A", "u c1 r1 a u3 c3 r3 c4 r4"]);
  });

  it("a rewind can be rewound, to before and to after it", () => {
    const t = after(user("u"), said("a", "A"), user("u2"), { type: "rewind", id: "w1", to: "a" });
    t.fold(user("u3"));
    t.fold({ type: "rewind", id: "w2", to: "u" });
    expect(seen(t)).toBe("u");
    t.fold({ type: "rewind", id: "w3", to: "u3" });
    expect(seen(t)).toBe("u a u3");
  });

  it("what is rewound is shown to nobody that had left before", () => {
    const t = after(user("u"), pass("1", "A", "B"), said("b", "B"), user("u2"), said("b2", "B"));
    t.fold({ type: "rewind", id: "w", to: "b" });
    t.fold(user("u3"));
    pass("3", "B", "A")(t);
    expect(seen(t)).toBe("u c1 r1 b u3 c3 r3");
  });

  it("an item that is not there is a corrupt record", () => {
    expect(() => after(user("u"), { type: "rewind", id: "w", to: "nowhere" })).toThrow(
      expect.objectContaining({
        message: 'Cannot rewind to item "nowhere": it is not in the transcript',
        code: "corrupt_item",
      }),
    );
  });
});

describe("items that are no part of the conversation", () => {
  it("notes and turns of other models change nothing that is folded", () => {
    const t = after(user("u"), said("a", "A"), turn("A"));
    const before = state(t);
    t.fold({ type: "note", id: "n", plugin: "p", data: { any: ["thing"] } });
    t.fold(turn("B", { purpose: "guardrail" }));
    expect(state(t)).toEqual(before);
  });

  it("an item of a type that is not known throws", () => {
    expect(() => after({ type: "message2", id: "x" } as unknown as Item)).toThrow(
      'Cannot read item "x": its type is "message2", which this version of Baton does not know',
    );
    const nested = { type: "hologram", id: "x", path: ["1"] } as unknown as Item;
    expect(() => after(user("u"), call("1"), nested)).toThrow(TypeError);
  });
});

describe("nested runs", () => {
  const within = (item: NewItem, id: string, ...path: string[]): Item => ({ ...item, id, path }) as Item;

  it("are transcripts of their own, by the ids of the calls that lead to them", () => {
    const t = after(
      user("u"),
      call("1"),
      call("2"),
      within(user("x"), "x", "1"),
      within(call("1", "N"), "inner", "1"),
      within(user("y"), "y", "2"),
      within(user("z"), "z", "1", "1"),
    );
    expect(seen(t)).toBe("u c1 c2");
    expect(seen(t.children!.get("1")!)).toBe("x inner");
    expect(seen(t.children!.get("2")!)).toBe("y");
    expect(seen(t.children!.get("1")!.children!.get("1")!)).toBe("z");
    expect(t.open).toHaveLength(2);
    expect(t.children!.get("1")!.open).toHaveLength(1);
  });

  it("count their own turns", () => {
    const t = after(user("u"), call("1"), turn("A"), within(turn("N"), "t", "1"), within(turn("N"), "t2", "1"));
    expect([t.turns, t.children!.get("1")!.turns]).toEqual([1, 2]);
  });

  it("their decisions are an input: the turns of the run that waits for them count from zero", () => {
    const t = after(user("u"), call("1"), turn("A"), within(call("2", "N"), "c", "1"));
    t.fold(within(approval("2", "asked"), "asked", "1"));
    expect(t.turns).toBe(1);
    t.fold(within(approval("2", "approved"), "approved", "1"));
    expect(t.turns).toBe(0);
    t.fold(turn("A"));
    t.fold(within(result("2", "N"), "r", "1"));
    expect(t.turns).toBe(1);
  });

  it("learn who began them, which does not change who has control", () => {
    const t = after(user("u"), call("1"), within(user("x"), "x", "1"));
    const child = t.child("1");
    expect([child.active, new Transcript("A").active]).toEqual(["", "A"]);
    child.enter("N");
    expect(child.active).toBe("N");
    t.fold(within(call("2", "N", { handoff: true }), "c", "1"));
    t.fold(within(result("2", "N"), "r", "1"));
    t.fold(within(passing("2", "N", "M"), "h", "1"));
    child.enter("N");
    expect(child.active).toBe("M");
    t.fold({ ...within({ type: "rewind", to: "x" }, "w", "1") });
    expect(child.active).toBe("N");
  });

  it("begin anew where a provider uses the id of a call again", () => {
    const t = after(user("u"), call("1"), within(user("x"), "x", "1"), within(said("n", "N"), "n", "1"), result("1"));
    t.fold({ ...call("1"), id: "c1b" });
    expect(t.child("1").record).toEqual([]);
  });
});

describe("load()", () => {
  /** Pieces of conversations, in any order: what is settled, what is almost, and what is not. */
  const pieces = fc.constantFrom<readonly ((n: string) => Item)[]>(
    [(n) => user(`u${n}`)],
    [(n) => said(`a${n}`, "A")],
    [(n) => user(`u${n}`), (n) => said(`a${n}`, "A")],
    [(n) => user(`u${n}`), (n) => said(`a${n}`, "A"), () => turn("A", { responseId: "resp" })],
    [() => turn("A")],
    [() => turn("A", { responseId: "resp" })],
    [() => turn("A", { purpose: "summary", responseId: "beside" })],
    [(n) => ({ ...user(`d${n}`), role: "developer" })],
    [(n) => ({ ...user(`f${n}`), agent: "A" })],
    [(n) => ({ type: "note", id: `n${n}`, plugin: "p", data: 1 })],
    [(n) => ({ type: "reasoning", id: `t${n}`, agent: "A", provider: "p", data: 1 })],
    [(n) => call(n), (n) => result(n)],
    [
      (n) => call(n),
      (n) => ({ type: "tool_start", id: `s${n}`, callId: n }),
      (n) => result(n, "A", { status: "error" }),
    ],
    [(n) => call(n), (n) => said(`a${n}`, "A"), (n) => user(`u${n}`), (n) => result(n)],
    [(n) => call(n), (n) => call(`${n}+`), (n) => result(`${n}+`), (n) => result(n)],
    [
      (n) => call(n),
      (n) => approval(n, "asked"),
      (n) => user(`u${n}`),
      (n) => approval(n, "approved"),
      (n) => result(n),
    ],
    [
      (n) => call(n),
      (n) => ({ ...user(`u${n}`), path: [n] }),
      (n) => ({ ...said(`a${n}`, "N"), path: [n] }),
      (n) => ({ ...user(`u2${n}`), path: [n] }),
      (n) => result(n),
    ],
    [(n) => call(n, "A", { handoff: true }), (n) => result(n), (n) => passing(n, "A", "B")],
    [(n) => call(n, "A", { handoff: true }), (n) => result(n), (n) => passing(n, "A", "B", "turn")],
    [(n) => call(n, "A", { handoff: true }), (n) => result(n, "A", { status: "error" })],
  );

  const equal = (loaded: Transcript, folded: Transcript): void => {
    expect(loaded.record).toEqual(folded.record);
    expect(state(loaded)).toEqual(state(folded));
    for (const agent of ["A", "B", "C"]) expect(loaded.startOf(agent)).toEqual(folded.startOf(agent));
  };

  it("gives what folding each item gives, and what follows is the same, whatever is settled", () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (chosen) => {
        const items = chosen.flatMap((piece, i) => piece.map((make) => make(String(i))));
        const next = [user("last"), call("last"), result("last"), said("the end", "A"), turn("A")];
        const loaded = new Transcript("A");
        loaded.load(items.slice());
        const folded = after(...items);
        equal(loaded, folded);
        for (const item of next) {
          loaded.fold(item);
          folded.fold(item);
        }
        equal(loaded, folded);
      }),
      { numRuns: 1_000 },
    );
  });

  it("gives what folding each item gives, and what follows is the same, in records as runs make them", () => {
    fc.assert(
      fc.property(arbitraries.transcript(), fc.nat(), (items, cut) => {
        const folded = after(...items);
        const at = cut % (items.length + 1);
        const loaded = new Transcript("A");
        loaded.load(items.slice(0, at));
        for (const item of items.slice(at)) loaded.fold(item);
        equal(loaded, folded);
      }),
    );
  });

  it("shows everything that can be seen, once, where there is one agent", () => {
    fc.assert(
      fc.property(arbitraries.transcript({ agents: ["A"] }), (items) => {
        const t = new Transcript("A");
        t.load(items.slice());
        expect(new Set(t.visible)).toEqual(new Set(items.filter(isVisible)));
        expect(t.visible).toHaveLength(items.filter(isVisible).length);
      }),
    );
  });
});
