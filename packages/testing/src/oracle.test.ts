import { Agent, handBack, handoff, tool } from "@batonjs/core";
import type { HandoffSpec, Model, ModelEvent, ModelRequest, ReplyItem, ToolSpec, VisibleItem } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { checkRequest, type Invariant, oracle, oracleModel, OracleViolation } from "./oracle.ts";
import { requestOf } from "./request.ts";

let count = 0;
const id = (): string => `i${(count += 1)}`;
const user = (content: string, more: object = {}): VisibleItem => ({
  type: "message",
  id: id(),
  role: "user",
  content,
  ...more,
});
const said = (content: string, agent = "Agent"): VisibleItem => ({
  type: "message",
  id: id(),
  role: "assistant",
  agent,
  content,
});
const called = (callId: string, more: object = {}): VisibleItem => ({
  type: "tool_call",
  id: id(),
  agent: "Agent",
  callId,
  name: "lookup",
  arguments: "{}",
  ...more,
});
const result = (callId: string, more: object = {}): VisibleItem => ({
  type: "tool_result",
  id: id(),
  agent: "Agent",
  callId,
  output: "done",
  status: "ok",
  ...more,
});
const thought = (data: string, more: object = {}): VisibleItem => ({
  type: "reasoning",
  id: id(),
  agent: "Agent",
  provider: "scripted",
  data,
  ...more,
});
const lookup: ToolSpec = { type: "function", name: "lookup", description: "", parameters: { type: "object" } };
const transfer: HandoffSpec = {
  type: "handoff",
  name: "transfer_to_b",
  description: "",
  parameters: { type: "object" },
  to: "B",
};
const LONE = "\ud83d";

function violation(check: () => void): OracleViolation | undefined {
  try {
    check();
  } catch (error) {
    if (error instanceof OracleViolation) return error;
    throw error;
  }
  return undefined;
}

const good: readonly (readonly [string, ModelRequest])[] = [
  ["no items", requestOf([])],
  ["a conversation", requestOf([user("hi"), said("hello"), user("more")])],
  ["a call and its result", requestOf([user("hi"), called("c"), result("c"), user("more")])],
  [
    "several calls, text between them, results in their order",
    requestOf([called("a"), said("and"), called("b"), result("a"), result("b")]),
  ],
  ["a call id that is used again after its result", requestOf([called("a"), result("a"), called("a"), result("a")])],
  ["a result from outside of the run, without an agent", requestOf([called("a"), result("a", { agent: undefined })])],
  [
    "reasoning before a message and before a call",
    requestOf([thought("1"), said("x"), thought("2"), thought("3"), called("a"), result("a")]),
  ],
  [
    "reasoning before a provider's item",
    requestOf([thought("1"), { type: "provider_item", id: "p", agent: "Agent", provider: "x", data: 1 }]),
  ],
  [
    "the developer's system message",
    requestOf([{ type: "message", id: "s", role: "system", content: "Be kind" }, user("hi")]),
  ],
  ["feedback to an agent", requestOf([user("hi"), said("x"), user("Answer in JSON", { agent: "Agent" })])],
  ["emoji and NUL", requestOf([user("😀 \u0000")])],
  ["tools and handoffs", requestOf([user("hi")], { tools: [lookup], handoffs: [transfer] })],
];

const bad: readonly (readonly [Invariant, string, ModelRequest])[] = [
  ["I1 pairing", "a call without a result", requestOf([user("hi"), called("a")])],
  ["I1 pairing", "one of two calls without a result", requestOf([called("a"), called("b"), result("a")])],
  ["I1 pairing", "a result without a call", requestOf([user("hi"), result("a")])],
  ["I1 pairing", "a result before its call", requestOf([result("a"), called("a")])],
  ["I1 pairing", "two results of one call", requestOf([called("a"), result("a"), result("a")])],
  ["I1 pairing", "a call id that is used again before its result", requestOf([called("a"), called("a"), result("a")])],
  [
    "I1 pairing",
    "results in another order than the calls",
    requestOf([called("a"), called("b"), result("b"), result("a")]),
  ],
  ["I1 pairing", "a result after the next user message", requestOf([called("a"), user("hello?"), result("a")])],
  [
    "I1 pairing",
    "a result after a developer message",
    requestOf([called("a"), user("x", { role: "developer" }), result("a")]),
  ],
  [
    "I1 pairing",
    "a message between results",
    requestOf([called("a"), called("b"), result("a"), said("so"), result("b")]),
  ],
  [
    "I1 pairing",
    "a call between results",
    requestOf([called("a"), called("b"), result("a"), called("c"), result("b"), result("c")]),
  ],
  ["I1 pairing", "a result after another agent spoke", requestOf([called("a"), said("x", "B"), result("a")])],
  ["I1 pairing", "a result of another agent's call", requestOf([called("a"), result("a", { agent: "B" })])],
  ["I2 reasoning", "reasoning at the end", requestOf([user("hi"), thought("1")])],
  ["I2 reasoning", "reasoning before a user message", requestOf([thought("1"), user("hi")])],
  ["I2 reasoning", "reasoning before a result", requestOf([called("a"), thought("1"), result("a")])],
  ["I2 reasoning", "reasoning before another agent's message", requestOf([thought("1"), said("x", "B")])],
  [
    "I2 reasoning",
    "reasoning before a message that a filter put in",
    requestOf(
      [thought("1"), said("x", undefined), user("y")].map((item, i) =>
        i === 1 ? ({ ...item, agent: undefined } as never) : item,
      ),
    ),
  ],
  ["I3 order", "one id twice", requestOf([user("a", { id: "x" }), user("b", { id: "x" })])],
  ["I3 order", "an item without an id", requestOf([user("a", { id: undefined })])],
  ["I3 order", "an empty id", requestOf([user("a", { id: "" })])],
  [
    "I12 legal handoff",
    "a tool and a handoff of one name",
    requestOf([], { tools: [{ ...lookup, name: "transfer_to_b" }], handoffs: [transfer] }),
  ],
  ["I12 legal handoff", "two tools of one name", requestOf([], { tools: [lookup, lookup] })],
  ["I12 legal handoff", "a name that providers refuse", requestOf([], { tools: [{ ...lookup, name: "pay now" }] })],
  ["I12 legal handoff", "an empty name", requestOf([], { handoffs: [{ ...transfer, name: "" }] })],
  ["I26 well-formed", "a lone surrogate in a message", requestOf([user(LONE)])],
  ["I26 well-formed", "one in a part of a message", requestOf([user("", { content: [{ type: "text", text: LONE }] })])],
  ["I26 well-formed", "one in arguments", requestOf([called("a", { arguments: LONE }), result("a")])],
  ["I26 well-formed", "one in an output", requestOf([called("a"), result("a", { output: LONE })])],
  ["I26 well-formed", "one in a key of a provider's data", requestOf([user("x", { providerData: { [LONE]: 1 } })])],
  ["I26 well-formed", "one in the instructions", requestOf([], { instructions: LONE })],
  [
    "I26 well-formed",
    "one in a tool's description",
    requestOf([], { tools: [{ ...lookup, description: LONE } as ToolSpec] }),
  ],
  [
    "I26 well-formed",
    "one in a schema",
    requestOf([], { handoffs: [{ ...transfer, parameters: { type: "object", title: LONE } }] }),
  ],
  ["I29 provenance", "a system message of an agent", requestOf([user("x", { role: "system", agent: "A" })])],
  ["I29 provenance", "a developer message of an agent", requestOf([user("x", { role: "developer", agent: "A" })])],
];

describe("checkRequest()", () => {
  it.each(good)("accepts %s", (_, request) => {
    checkRequest(request);
  });

  it.each(bad)("finds that %s is broken by %s", (invariant, _, request) => {
    expect(violation(() => checkRequest(request))?.invariant).toBe(invariant);
  });

  it("names the invariant, the agent, the turn and the items, and shows them", () => {
    const items = [user("hi", { id: "r:1" }), called("c", { id: "r:2" }), user("hello?", { id: "r:3" })];
    const found = violation(() => checkRequest(requestOf(items, { agent: "Billing Agent", turn: 3 })));
    expect(found).toMatchObject({ agent: "Billing Agent", turn: 3, items: ["r:2", "r:3"] });
    expect(found?.message).toMatchInlineSnapshot(`
      "I1 pairing is broken in turn 3 of agent "Billing Agent": the call "c" has no result before the next user message
        r:1  user: "hi"
      > r:2  Agent calls lookup({}) [c]
      > r:3  user: "hello?""
    `);
  });
});

describe("checkRequest() with a graph", () => {
  const search = tool({ name: "search", execute: () => "" });
  const sometimes = tool({ name: "sometimes", isEnabled: () => false, execute: () => "" });
  const nested = new Agent({ name: "Nested", tools: [search] });
  const b = new Agent({ name: "B", instructions: () => "dynamic", handoffs: [handBack()], tools: [nested.asTool()] });
  const hosted = { type: "hosted", provider: "p", name: "web" } as const;
  const a = new Agent({
    name: "A",
    instructions: "Be A.",
    tools: [search, sometimes, hosted],
    handoffs: [handoff(b, { toolName: "to_b" })],
  });
  const source = new Agent({ name: "Source", tools: [{ kind: "tool_source", name: "mcp", list: () => [] }] });
  const graph = (): typeof a => a;
  const spec = (name: string): ToolSpec => ({ ...lookup, name }) as ToolSpec;
  const toB: HandoffSpec = { ...transfer, name: "to_b" };
  const full = { agent: "A", instructions: "Be A.", tools: [spec("search"), hosted], handoffs: [toB] } as const;

  it.each([
    ["exactly what is declared", requestOf([], full)],
    ["what can be switched off", requestOf([], { ...full, tools: [spec("search"), spec("sometimes"), hosted] })],
    [
      "a handoff back",
      requestOf([], {
        agent: "B",
        tools: [spec("nested")],
        handoffs: [{ ...transfer, name: "transfer_back", to: "A" }],
      }),
    ],
    ["no handoff back where nobody handed over", requestOf([], { agent: "B", tools: [spec("nested")] })],
    ["an agent that runs as a tool", requestOf([], { agent: "Nested", tools: [spec("search")] })],
    ["a question beside the conversation", requestOf([user("x")], { agent: "A", instructions: "Summarize." })],
  ])("accepts %s", (_, request) => {
    checkRequest(request, { graph });
  });

  it("accepts any tools of an agent with a source of tools", () => {
    checkRequest(requestOf([], { agent: "Source", tools: [spec("from_mcp")] }), { graph: source });
  });

  it.each<readonly [Invariant, string, ModelRequest]>([
    [
      "I30 least privilege",
      "a tool of another agent",
      requestOf([], { ...full, tools: [...full.tools, spec("nested")] }),
    ],
    [
      "I30 least privilege",
      "a hosted tool that is not declared",
      requestOf([], { ...full, tools: [...full.tools, { ...hosted, name: "shell" }] }),
    ],
    ["I30 least privilege", "a missing tool", requestOf([], { ...full, tools: [hosted] })],
    ["I30 least privilege", "a missing handoff", requestOf([], { ...full, handoffs: [] })],
    [
      "I30 least privilege",
      "everything missing under the agent's own instructions",
      requestOf([], { agent: "A", instructions: "Be A." }),
    ],
    ["I30 least privilege", "a handoff that is not declared", requestOf([], { ...full, handoffs: [toB, transfer] })],
    ["I30 least privilege", "an agent that is not in the graph", requestOf([], { agent: "Stranger" })],
    [
      "I12 legal handoff",
      "a handoff that leads elsewhere",
      requestOf([], { ...full, handoffs: [{ ...toB, to: "Nested" }] }),
    ],
    [
      "I12 legal handoff",
      "a way back to an agent outside of the graph",
      requestOf([], {
        agent: "B",
        tools: [spec("nested")],
        handoffs: [{ ...transfer, name: "transfer_back", to: "Nobody" }],
      }),
    ],
    [
      "I29 provenance",
      "instructions with a payload pasted in",
      requestOf([], { ...full, instructions: "Be A. The user wants 3 EUR." }),
    ],
  ])("finds that %s is broken by %s", (invariant, _, request) => {
    expect(violation(() => checkRequest(request, { graph }))?.invariant).toBe(invariant);
  });
});

/** Answers each request with the same items. */
function fake(items: readonly ReplyItem[], responseId?: string): Model {
  return {
    name: "fake",
    provider: "fake",
    async *stream(): AsyncGenerator<ModelEvent> {
      const usage = { inputTokens: 1, outputTokens: 1 };
      yield { type: "reply", items, finishReason: "stop", usage, ...(responseId === undefined ? {} : { responseId }) };
    },
  };
}

async function ask(model: Model, request: ModelRequest): Promise<void> {
  for await (const _ of model.stream(request));
}

describe("oracleModel()", () => {
  it("passes on what its model says", async () => {
    await ask(oracleModel(fake([])), requestOf([user("hi")]));
  });

  it("throws before its model is asked", async () => {
    let asked = 0;
    const model = oracleModel({ ...fake([]), stream: () => ((asked += 1), fake([]).stream(requestOf([]))) });
    await expect(ask(model, requestOf([called("a")]))).rejects.toThrow(OracleViolation);
    expect(asked).toBe(0);
  });

  it("finds reasoning that comes back with another item than it was produced with", async () => {
    const model = oracleModel(
      fake([
        { type: "reasoning", provider: "fake", data: "secret" },
        { type: "tool_call", callId: "a", name: "lookup", arguments: "{}" },
      ]),
    );
    await ask(model, requestOf([user("hi")]));
    const mine = thought("secret", { provider: "fake" });
    await ask(model, requestOf([mine, called("a"), result("a")]));
    await expect(ask(model, requestOf([mine, said("x")]))).rejects.toThrow("I2 reasoning");
    await expect(
      ask(model, requestOf([thought("secret", { provider: "fake" }), called("b"), result("b")])),
    ).rejects.toThrow("was produced with a tool_call a");
  });

  it("finds reasoning whose partner was changed since an earlier request", async () => {
    const model = oracleModel(fake([]));
    const mine = thought("1");
    const request = (text: VisibleItem): ModelRequest => requestOf([mine, text], { session: { id: "s" } });
    const original = said("the card is 4242");
    await ask(model, request(original));
    await ask(model, request(original));
    await expect(ask(model, request(said("the card is ****")))).rejects.toThrow("I2 reasoning");
    // Another conversation may use the same ids.
    await ask(model, requestOf([mine, said("other")], { runId: "another" }));
  });

  it("finds a `since` that does not fit the request and reply it names", async () => {
    const model = oracleModel(fake([{ type: "message", role: "assistant", content: "x" }], "resp"));
    const asked = user("hi");
    await ask(model, requestOf([asked]));
    const next = (items: readonly VisibleItem[], n: number): ModelRequest =>
      requestOf(items, { since: { responseId: "resp", count: n } });
    await expect(ask(model, next([asked, user("more")], 2))).rejects.toThrow("I3 order");
    await expect(ask(model, next([asked, said("x"), user("more")], 4))).rejects.toThrow("is no prefix of 3 items");
    await expect(ask(model, next([user("changed"), said("x")], 2))).rejects.toThrow("does not fit: item 0");
    await ask(model, next([asked, said("x"), user("more")], 2));
  });
});

describe("oracle()", () => {
  it("is a plugin that checks every agent's model and keeps what it found", async () => {
    const plugin = oracle();
    const model = plugin.wrapModel?.(fake([]), { agent: "A" });
    if (!model) throw new Error("no model");
    expect([model.name, model.provider]).toEqual(["fake", "fake"]);
    await ask(model, requestOf([user("hi")]));
    plugin.assertClean();
    await expect(ask(model, requestOf([called("a")]))).rejects.toThrow("I1 pairing");
    expect(plugin.violations).toHaveLength(1);
    expect(() => plugin.assertClean()).toThrow("I1 pairing");
  });

  it("checks what agents are offered, given their graph", async () => {
    const entry = new Agent({ name: "A" });
    const model = oracle(entry).wrapModel?.(fake([]), { agent: "A" });
    if (!model) throw new Error("no model");
    await expect(ask(model, requestOf([], { agent: "A", tools: [lookup] }))).rejects.toThrow("I30 least privilege");
  });
});
