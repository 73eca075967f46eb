import { checkRequest, requestOf } from "@batonjs/testing";
import { arbitraries } from "@batonjs/testing/arbitraries";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MessageItem, ReasoningItem, ToolCallItem, ToolResultItem, VisibleItem } from "./items.ts";
import { isVisible } from "./items.ts";
import { fromView, insertedBy, keepWhole, originOf, settleView, toView } from "./views.ts";

const user = (id: string): MessageItem => ({ type: "message", id, role: "user", content: id });
const said = (id: string, agent = "A"): MessageItem => ({
  type: "message",
  id,
  agent,
  role: "assistant",
  content: id,
});
const call = (callId: string, agent = "A", id = `c${callId}`): ToolCallItem => ({
  type: "tool_call",
  id,
  agent,
  callId,
  name: "lookup",
  arguments: "{}",
});
const result = (callId: string, agent = "A", id = `r${callId}`): ToolResultItem => ({
  type: "tool_result",
  id,
  agent,
  callId,
  output: callId,
  status: "ok",
});
const reason = (id: string, agent = "A"): ReasoningItem => ({
  type: "reasoning",
  id,
  agent,
  provider: "p",
  data: { id },
});
const ids = (items: readonly VisibleItem[]): string => items.map(({ id }) => id).join(" ");

const BASE: readonly VisibleItem[] = [
  user("u1"),
  reason("t1"),
  call("1"),
  call("2"),
  result("1"),
  result("2"),
  reason("t2"),
  said("a1"),
  user("u2"),
  said("a2"),
];
const pick = (names: string, base = BASE): VisibleItem[] =>
  names
    .split(" ")
    .filter(Boolean)
    .map((name) => base.find(({ id }) => id === name)!);

describe("toView()", () => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ["names everything as one range", ids(BASE), [["u1", "a2"]]],
    ["names a single item by its id", "u2", ["u2"]],
    [
      "names runs of neighbours as ranges",
      "u1 t1 c1 u2 a2",
      [
        ["u1", "c1"],
        ["u2", "a2"],
      ],
    ],
    ["names nothing by nothing", "", []],
    ["keeps another order", "u2 a2 u1", [["u2", "a2"], "u1"]],
    ["begins a range anew where the order goes back", "c1 t1", ["c1", "t1"]],
  ];
  for (const [what, chosen, view] of cases) {
    it(what, () => {
      expect(toView(BASE, pick(chosen))).toEqual(view);
    });
  }

  it("puts in what is not in the base, as it is", () => {
    const added = user("new");
    const view = toView(BASE, [...pick("u1 t1"), added, ...pick("c1")]);
    expect(view).toEqual([["u1", "t1"], added, "c1"]);
    expect(insertedBy(view)).toEqual([added]);
  });

  it("copies nothing that is in the base", () => {
    fc.assert(
      fc.property(fc.subarray(BASE.slice()), (chosen) => {
        expect(insertedBy(toView(BASE, chosen))).toEqual([]);
      }),
    );
  });
});

describe("fromView()", () => {
  it("gives back what toView() was given, whatever is chosen, in any order, with anything put in", () => {
    const base = fc
      .uniqueArray(arbitraries.visibleItem(), { selector: ({ id }) => id, maxLength: 12 })
      .chain((items) =>
        fc.tuple(
          fc.constant(items),
          fc.shuffledSubarray(items),
          fc.array(fc.tuple(fc.nat(12), arbitraries.visibleItem()), { maxLength: 3 }),
        ),
      );
    fc.assert(
      fc.property(base, ([items, chosen, added]) => {
        const all: VisibleItem[] = chosen.slice();
        for (const [at, item] of added) all.splice(at, 0, item);
        const seen = fromView(items, toView(items, all), "a test");
        expect(seen).toEqual(all);
        for (const [i, item] of seen.entries()) if (chosen.includes(item)) expect(item).toBe(all[i]);
      }),
    );
  });

  it("gives back the items themselves", () => {
    const seen = fromView(BASE, [["u1", "c1"], "a2"], "a test");
    expect(seen.every((item) => BASE.includes(item))).toBe(true);
  });

  it("survives JSON", () => {
    const view = toView(BASE, [...pick("u1 t1 c1"), user("new"), ...pick("a1")]);
    expect(fromView(BASE, JSON.parse(JSON.stringify(view)), "a test")).toEqual(fromView(BASE, view, "a test"));
  });

  it("takes an empty view for nothing", () => {
    expect(fromView(BASE, [], "a test")).toEqual([]);
  });

  it("throws what says that the record is corrupt", () => {
    for (const view of [["x"], [["a2", "u1"]]] as const)
      expect(() => fromView(BASE, view as never, "a test")).toThrow(expect.objectContaining({ code: "corrupt_item" }));
  });

  it("throws for an id that is not seen, and names it and whose view it is", () => {
    const message = 'Cannot read the view of handoff "h": item "zzz" is not among what its agent sees';
    expect(() => fromView(BASE, ["u1", "zzz"], 'handoff "h"')).toThrow(message);
    expect(() => fromView(BASE, [["u1", "zzz"]], 'handoff "h"')).toThrow(message);
  });

  it("throws for a range that ends before it begins", () => {
    expect(() => fromView(BASE, [["a1", "u1"]], "a test")).toThrow('from "a1" to "u1"');
  });
});

describe("settleView()", () => {
  const settled = (chosen: readonly VisibleItem[], base: readonly VisibleItem[] = BASE): string =>
    ids(settleView(base, chosen, "h"));

  it("gives back the base itself where everything was chosen", () => {
    expect(settleView(BASE, BASE.slice(), "h")).toBe(BASE);
  });

  const cases: readonly (readonly [string, string, string])[] = [
    ["keeps a call and its result together or not at all: without the call", "u1 r1 u2", "u1 u2"],
    ["keeps a call and its result together or not at all: without the result", "u1 t1 c1 c2 r2 u2", "u1 c2 r2 u2"],
    ["puts results behind their calls, in the order of the calls", "u1 t1 c1 c2 r2 r1", "u1 t1 c1 c2 r1 r2"],
    ["takes each item once", "u1 u1 c2 r2 c2 r2 u1", "u1 c2 r2"],
    ["drops reasoning that has lost its item", "u1 t1 c2 r2 t2 u2", "u1 c2 r2 u2"],
    ["keeps reasoning directly before its item, wherever it was put", "u1 a1 u2 t2", "u1 t2 a1 u2"],
    ["cuts an item loose from reasoning that was dropped", "u1 c1 r1 u2", "u1 h/loose1/of/c1 r1 u2"],
    ["keeps another order of messages", "u2 a2 u1", "u2 a2 u1"],
    ["answers calls before what another says or asks", "u1 c2 u2 r2", "u1 c2 r2 u2"],
  ];
  for (const [what, chosen, seen] of cases) {
    it(what, () => {
      expect(settled(pick(chosen))).toBe(seen);
    });
  }

  describe("of every choice in order", () => {
    /** Slowly and plainly: pairs whole, reasoning with its item or not at all. */
    const reference = (base: readonly VisibleItem[], chosen: readonly VisibleItem[]): string => {
      const has = (item: VisibleItem | undefined): boolean => item !== undefined && chosen.includes(item);
      const other = (item: VisibleItem): VisibleItem | undefined =>
        item.type === "tool_call"
          ? base.slice(base.indexOf(item)).find((each) => each.type === "tool_result" && each.callId === item.callId)
          : item.type === "tool_result"
            ? base
                .slice(0, base.indexOf(item))
                .findLast((each) => each.type === "tool_call" && each.callId === item.callId)
            : item;
      const stays = (item: VisibleItem): boolean => has(item) && has(other(item));
      const reasonsOf = (item: VisibleItem): readonly VisibleItem[] => {
        const reasons: VisibleItem[] = [];
        for (let i = base.indexOf(item) - 1; base[i]?.type === "reasoning" && base[i]?.agent === item.agent; i--)
          reasons.unshift(base[i]!);
        const owns = item.type === "tool_call" || (item.type === "message" && item.role === "assistant");
        return owns ? reasons : [];
      };
      const seen: string[] = [];
      for (const item of base.filter((each) => each.type !== "reasoning" && stays(each))) {
        const reasons = reasonsOf(item);
        if (reasons.every(has)) seen.push(...reasons.map(({ id }) => id), item.id);
        else seen.push(`(${item.id})`);
      }
      return seen.join(" ");
    };
    const bases: Readonly<Record<string, readonly VisibleItem[]>> = {
      "without reasoning": [
        user("u1"),
        call("1"),
        call("2"),
        call("3"),
        result("1"),
        result("2"),
        result("3"),
        said("a1"),
        user("u2"),
      ],
      "of calls alone": [call("1"), result("1"), call("2"), result("2"), call("3"), result("3")],
      "with call ids used again": [
        user("u1"),
        call("1"),
        result("1"),
        call("1", "A", "c1b"),
        result("1", "A", "r1b"),
        said("a"),
      ],
      "with reasoning before calls and answers": [
        user("u1"),
        reason("t1"),
        call("1"),
        call("2"),
        result("1"),
        result("2"),
        reason("t2"),
        reason("t3"),
        said("a1"),
      ],
      "with reasoning of nothing": [
        reason("t0"),
        user("u1"),
        reason("t1", "B"),
        said("a1"),
        reason("t2"),
        call("1"),
        result("1"),
        reason("t3"),
      ],
    };
    for (const [what, base] of Object.entries(bases)) {
      it(`${what} keeps pairs and reasoning whole`, () => {
        for (let bits = 0; bits < 2 ** base.length; bits++) {
          const chosen = base.filter((_, i) => (bits & (1 << i)) !== 0);
          if (chosen.length === base.length) continue;
          const seen = settleView(base, chosen, "h").map(({ id }) =>
            id.includes("/of/") ? `(${id.split("/of/")[1]})` : id,
          );
          expect(seen.join(" "), ids(chosen)).toBe(reference(base, chosen));
        }
      });
    }

    it("that has pairs whole and no reasoning is the list itself: nothing is copied", () => {
      const base = bases["without reasoning"]!;
      for (const left of ["u1", "a1", "1", "2", "3"]) {
        const chosen = base.filter((item) => item.id !== left && (item as { callId?: string }).callId !== left);
        expect(settleView(base, chosen, "h")).toBe(chosen);
      }
    });
  });

  it("pairs what a filter put in only with what is of the same agent, or of none", () => {
    const base = [user("u1"), call("1"), result("1")];
    const without = (agent?: string): VisibleItem =>
      ({ ...result("1"), id: undefined, agent }) as unknown as VisibleItem;
    expect(settled([...pick("u1 c1", base), without("A")], base)).toBe("u1 c1 h/2");
    expect(settled([...pick("u1 c1", base), without()], base)).toBe("u1 c1 h/2");
    expect(settled([...pick("u1 c1", base), without("B")], base)).toBe("u1");
    const unsigned = { ...call("1"), agent: undefined } as unknown as VisibleItem;
    expect(settled([user("u1"), unsigned, without("B")], [user("u1"), unsigned, result("1")])).toContain("c1");
  });

  it("gives a changed item a new id, and leaves the base as it is", () => {
    const before = structuredClone(BASE);
    const changed = { ...(BASE[0] as MessageItem), content: "[redacted]" };
    const seen = settleView(BASE, [changed, ...BASE.slice(1)], "h");
    expect(seen[0]).toEqual({ type: "message", id: "h/0/of/u1", role: "user", content: "[redacted]" });
    expect(seen.slice(1)).toEqual(BASE.slice(1));
    expect(BASE).toEqual(before);
  });

  it("takes an item that was copied and not changed for the item itself", () => {
    const copies = structuredClone(BASE) as VisibleItem[];
    const seen = settleView(BASE, copies, "h");
    expect(seen).toEqual(BASE);
    expect(seen.every((item) => BASE.includes(item))).toBe(true);
  });

  it("gives an item that was made anew an id, and each its own", () => {
    const made = { type: "message", role: "user", content: "x" } as const;
    const seen = settleView(BASE, [made as never, made as never, ...BASE], "h");
    expect(seen.slice(0, 2).map(({ id }) => id)).toEqual(["h/0", "h/1"]);
  });

  it("tells by the id of a changed item of what it is a copy, also of a copy of a copy", () => {
    const shorter = (items: readonly VisibleItem[], content: string): VisibleItem[] =>
      items.map((item) => (item.type === "message" ? { ...item, content } : item));
    const once = settleView(BASE, shorter(BASE, "1"), "h");
    const twice = settleView(once, shorter(once, "12"), "g");
    expect(twice.filter(({ type }) => type === "message").map(originOf)).toEqual(["u1", "a1", "u2", "a2"]);
    expect(new Set([...once, ...twice].map(({ id }) => id)).size).toBe(5 + 4 + 4); // calls and results, copies, copies of copies
    const made = settleView(BASE, [{ type: "message", role: "user", content: "x" } as never, ...BASE], "h");
    expect([originOf(made[0]!), originOf(BASE[0]!)]).toEqual([undefined, undefined]);
  });

  it("drops what the provider knows of an item that was changed", () => {
    const base = [{ ...said("a1"), providerData: { id: "msg_1" } }, ...BASE];
    const [first] = settleView(base, [{ ...base[0], content: "other" } as VisibleItem, ...BASE], "h");
    expect(first).not.toHaveProperty("providerData");
  });

  it("cuts an item loose from reasoning that was dropped: a new id, and nothing of its provider", () => {
    const owner = { ...said("a1"), providerData: { id: "msg_1" } };
    const seen = settleView([user("u1"), reason("t1"), owner], [user("u1"), owner], "h");
    expect(seen[1]).toEqual({ ...said("a1"), id: expect.stringMatching(/^h\/loose/) });
  });

  it("drops reasoning where its item was changed", () => {
    const base = [user("u1"), reason("t1"), said("a1")];
    const seen = settleView(base, [base[0]!, base[1]!, { ...said("a1"), content: "other" }], "h");
    expect(seen.map(({ type }) => type)).toEqual(["message", "message"]);
  });

  it("drops reasoning that was made up", () => {
    expect(settled([...BASE, reason("mine"), said("b")])).not.toContain("mine");
    expect(settled([user("u"), reason("mine"), said("b")], [user("u")])).not.toContain("mine");
  });

  it("keeps all the reasoning of an item, or none", () => {
    const base = [user("u1"), reason("t1"), reason("t2"), call("1"), result("1")];
    expect(settled(base.slice(), base)).toBe("u1 t1 t2 c1 r1");
    expect(settled([base[0]!, base[2]!, base[3]!, base[4]!], base)).toBe("u1 h/loose1/of/c1 r1");
  });

  it("lets a filter put in a call with its result", () => {
    expect(settled([...BASE, call("new"), result("new")])).toMatch(/a2 h\/\d+ h\/\d+$/);
    expect(settled([...BASE, call("new")])).toBe(ids(BASE));
  });

  it("takes a result that a filter replaced for the result", () => {
    const shorter = { ...result("1"), output: "cut" };
    const seen = settleView(BASE, [...BASE.slice(0, 4), shorter, ...BASE.slice(5)], "h");
    expect(seen.filter((item) => item.type === "tool_result").map(({ output }) => output)).toEqual(["cut", "2"]);
  });

  it("pairs calls whose id was used before with their own results", () => {
    // Seen: Ollama and others count from 0 in every reply.
    const base = [
      user("u1"),
      call("0", "A", "first"),
      result("0", "A", "first result"),
      said("a1"),
      user("u2"),
      call("0", "A", "second"),
      result("0", "A", "second result"),
      said("a2"),
    ];
    expect(settled(base.slice(1), base)).toBe("first first result a1 u2 second second result a2");
    expect(settled(base.slice(4), base)).toBe("u2 second second result a2");
    expect(settled([...base.slice(0, 4), ...base.slice(7)], base)).toBe("u1 first first result a1 a2");
    expect(settled([base[0]!, base[1]!, base[6]!], base)).toBe("u1");
  });

  it("answers a call before another agent speaks", () => {
    const base = [user("u1"), call("1"), result("1"), said("b1", "B")];
    expect(settled([base[0]!, base[1]!, base[3]!, base[2]!], base)).toBe("u1 c1 r1 b1");
  });

  it("does not let what others said become the developer's word", () => {
    const promoted = (item: VisibleItem): VisibleItem => ({ ...item, role: "system" }) as VisibleItem;
    const base = [user("u1"), said("a1"), { ...user("s1"), role: "system" } as const];
    for (const item of base.slice(0, 2)) {
      expect(() => settleView(base, [promoted(item)], "h")).toThrow(
        `Cannot put item "${item.id}" into a view as a system message: it was something else before`,
      );
    }
    expect(ids(settleView(base, [{ ...base[2]!, content: "shorter" } as VisibleItem], "h"))).toBe("h/0/of/s1");
    const mine = { type: "message", role: "developer", content: "Be brief." } as never;
    expect(ids(settleView(base, [mine], "h"))).toBe("h/0");
    expect(() => settleView(base, [{ ...(mine as object), agent: "A" } as never], "h")).toThrow(TypeError);
  });

  it("refuses what is no item", () => {
    const call = { type: "tool_call", callId: "1", name: "x", arguments: "{}" };
    const result = { type: "tool_result", callId: "1", output: "x", status: "ok" };
    const content = "its content is neither a text nor a list of parts";
    const ofCall = "a call has a callId, a name and its arguments as text";
    const ofResult = "a result has a callId, an output as text and a status";
    const garbage: readonly (readonly [unknown, string])[] = [
      [null, "expected an item"],
      [undefined, "expected an item"],
      [5, "expected an item"],
      ["text", "expected an item"],
      [[], "expected an item"],
      [{}, "its role is undefined"],
      [{ type: "hologram" }, 'no model can be shown an item of type "hologram"'],
      [{ type: "approval", callId: "1", decision: "approved" }, 'no model can be shown an item of type "approval"'],
      [{ type: "message", role: "user" }, content],
      [{ type: "message", role: "wizard", content: "x" }, 'its role is "wizard"'],
      [{ type: "message", role: "user", content: [{ type: "tool_use" }] }, content],
      [{ type: "message", role: "user", content: () => "x" }, content],
      [{ type: "message", role: "system", agent: "A", content: "x" }, "an agent has no system messages"],
      [{ type: "message", role: "developer", agent: "A", content: "x" }, "an agent has no developer messages"],
      [{ ...call, arguments: {} }, ofCall],
      [{ ...call, callId: "" }, ofCall],
      [{ ...call, callId: 1 }, ofCall],
      [{ ...call, name: "" }, ofCall],
      [{ ...call, name: undefined }, ofCall],
      [{ ...result, output: { x: 1 } }, ofResult],
      [{ ...result, callId: undefined }, ofResult],
      [{ ...result, status: "fine" }, ofResult],
      [{ type: "reasoning", data: 1 }, "it names no provider"],
      [{ type: "provider_item", provider: "", data: 1 }, "it names no provider"],
    ];
    for (const [each, problem] of garbage) {
      expect(() => settleView(BASE, [...BASE, each as never], "h"), JSON.stringify(each)).toThrow(
        new RegExp(`^Cannot put .* into a view: ${problem.replaceAll(/[[\]().]/g, String.raw`\$&`)}$`),
      );
    }
    const cycle: Record<string, unknown> = { type: "reasoning", provider: "p", agent: "A" };
    cycle["data"] = cycle;
    expect(() => settleView(BASE, [...BASE, cycle as never], "h")).toThrow(
      'Cannot put an item of type "reasoning" into a view: it cannot be written as JSON',
    );
  });

  it("takes a message without a type, as input does", () => {
    const seen = settleView(BASE, [...BASE, { role: "user", content: "x" } as never], "h");
    expect(seen.at(-1)).toEqual({ type: "message", role: "user", content: "x", id: "h/10" });
  });

  it("makes text well-formed that was put in", () => {
    const seen = settleView(BASE, [...BASE, { type: "message", role: "user", content: "\ud83d" } as never], "h");
    expect(seen.at(-1)).toMatchObject({ content: "\ufffd" });
  });

  it("whatever is chosen of any transcript, in any order, changed or not, can be sent", () => {
    const named = ({ callId = "x", name = "x", provider = "x" }: { [_: string]: unknown }): boolean =>
      callId !== "" && name !== "" && provider !== "";
    const putIn = arbitraries.visibleItem().filter((item) => named(item as never));
    const chosen = arbitraries.transcript({ maxSteps: 8 }).chain((items) => {
      const base = items.filter(isVisible);
      return fc.tuple(
        fc.constant(base),
        fc.oneof(fc.subarray(base), fc.shuffledSubarray(base)),
        fc.array(fc.tuple(fc.nat(20), putIn), { maxLength: 2 }),
        fc.array(fc.nat(20), { maxLength: 3 }),
      );
    });
    fc.assert(
      fc.property(chosen, ([base, kept, added, changed]) => {
        const all: VisibleItem[] = kept.slice();
        for (const at of changed) {
          const item = all[at];
          if (item?.type === "message" && item.agent !== undefined) all[at] = { ...item, content: "[redacted]" };
          if (item?.type === "tool_result") all[at] = { ...item, output: "[redacted]" };
        }
        for (const [at, item] of added) all.splice(at, 0, item);
        const seen = settleView(base, all, "h");
        checkRequest(requestOf(seen));
        expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
        expect(fromView(base, toView(base, seen), "a test")).toEqual(seen);
        expect(settleView(base, seen, "h2").map(({ type }) => type)).toEqual(seen.map(({ type }) => type));
      }),
      { numRuns: 300 },
    );
  });
});

describe("keepWhole()", () => {
  it("gives back the list itself where there is nothing to pair", () => {
    const items = [user("u"), said("a")];
    expect(keepWhole(items)).toBe(items);
  });

  it("leaves the calls of one reply side by side, results behind them", () => {
    expect(ids(keepWhole([call("1"), result("1"), said("a"), call("2"), result("2")]))).toBe("c1 r1 a c2 r2");
    expect(ids(keepWhole([call("1"), said("a"), call("2"), result("2"), result("1")]))).toBe("c1 a c2 r1 r2");
  });
});
