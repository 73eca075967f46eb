import type { Json, JsonObject, JsonSchema, ModelRequest, ReplyItem, VisibleItem } from "@batonjs/core";
import { type RequestOptions, requestOf } from "../request.ts";
import { REASONED_CALL, REPLIES } from "./replies.ts";
import { ask, check, equal, type Group, modelAnswering, collect, replied } from "./suite.ts";
import type { SeenMessage, SeenRequest, WireReply } from "./wire.ts";

const OK: WireReply = { text: ["ok"] };
const user = (content: string, id = "u"): VisibleItem => ({ type: "message", id, role: "user", content });

/** The items of a reply as a run records them. */
function recorded(items: readonly ReplyItem[], agent: string, from: string): VisibleItem[] {
  return items.map((item, i) => ({ ...item, id: `${from}:${i}`, agent }) as VisibleItem);
}

/** What a request says, and the provider's understanding of it. */
export function testRequests(group: Group): void {
  const { test, dialect } = group;
  const answer = { chunks: dialect.encode(OK).frames };

  const sent = async (request: ModelRequest): Promise<{ seen: SeenRequest; body: JsonObject }> => {
    const outcome = await ask(group, answer, request);
    replied(outcome, "request");
    const body = JSON.parse(outcome.bodies[0] as string) as JsonObject;
    return { seen: dialect.decode(body), body };
  };
  const seenOf = async (items: readonly VisibleItem[], options: RequestOptions = {}): Promise<SeenRequest> =>
    (await sent(requestOf(items, options))).seen;

  test("names the model, and streams", async () => {
    const { seen, body } = await sent(requestOf([user("hi")]));
    check(seen.model !== "" && body["stream"] === true, "expected a model and stream: true");
  });

  test("has the instructions as the system's words, and the user's as the user's", async () => {
    const { system, messages } = await seenOf([user("hi")], { instructions: "Be kind." });
    equal(system, "Be kind.", "system");
    equal(messages, [{ role: "user", text: "hi", media: [] }], "messages");
  });

  test("has no system message without instructions", async () => {
    equal((await seenOf([user("hi")])).system, undefined, "system");
  });

  test("shows what the framework tells an agent as the user's words, never the system's", async () => {
    const feedback: VisibleItem = { type: "message", id: "f", role: "user", agent: "A", content: "Answer again" };
    equal(
      (await seenOf([user("hi"), feedback])).messages.at(-1),
      { role: "user", text: "Answer again", media: [] },
      "feedback",
    );
  });

  test("shows calls and results in order, several calls of one reply as one message", async () => {
    const reply = dialect.encode({
      text: ["Let me look."],
      calls: [
        { id: "call_a", name: "lookup", arguments: ['{"n":1}'] },
        { id: "call_b", name: "lookup", arguments: ['{"n":2}'] },
      ],
    });
    const { reply: first } = await ask(group, { chunks: reply.frames }, requestOf([user("hi")]));
    const items: VisibleItem[] = [
      user("hi"),
      ...recorded(first?.items ?? [], "A", "r"),
      { type: "tool_result", id: "t1", agent: "A", callId: "call_a", output: "one", status: "ok" },
      { type: "tool_result", id: "t2", agent: "A", callId: "call_b", output: "Cannot do that", status: "error" },
      user("thanks", "u2"),
    ];
    const expected: SeenMessage[] = [
      { role: "user", text: "hi", media: [] },
      {
        role: "assistant",
        text: "Let me look.",
        calls: [
          { id: "call_a", name: "lookup", arguments: '{"n":1}' },
          { id: "call_b", name: "lookup", arguments: '{"n":2}' },
        ],
      },
      { role: "tool", callId: "call_a", output: "one" },
      { role: "tool", callId: "call_b", output: "Cannot do that" },
      { role: "user", text: "thanks", media: [] },
    ];
    equal((await seenOf(items)).messages, expected, "messages");
  });

  test("gives every reply back as it came", async () => {
    for (const [name, reply] of Object.entries(REPLIES)) {
      const { reply: made } = await ask(group, { chunks: dialect.encode(reply).frames }, requestOf([user("hi")]));
      const calls = (reply.calls ?? []).map((call) => ({
        id: call.id,
        name: call.name,
        arguments: call.arguments.join("") || "{}",
      }));
      const items = [
        user("hi"),
        ...recorded(made?.items ?? [], "A", "r"),
        ...calls.map((call, i): VisibleItem => ({
          type: "tool_result",
          id: `t${i}`,
          callId: call.id,
          output: "x",
          status: "ok",
        })),
      ];
      const [, second] = (await seenOf(items)).messages;
      const text = (reply.text ?? []).join("");
      const readable = JSON.stringify(second).includes("invalid_arguments");
      if (name === "arguments that are no JSON" && readable) continue;
      equal(second, { role: "assistant", text, calls }, name);
    }
  });

  test("shows what another provider made, but neither its reasoning nor its own items", async () => {
    const items: VisibleItem[] = [
      user("hi"),
      {
        type: "reasoning",
        id: "1",
        agent: "A",
        provider: "another",
        data: { type: "reasoning", id: "rs_x", summary: [] },
      },
      {
        type: "message",
        id: "2",
        agent: "A",
        role: "assistant",
        content: [{ type: "text", text: "Hello" }],
        providerData: { another: { id: "m1" } },
      },
      {
        type: "provider_item",
        id: "3",
        agent: "A",
        provider: "another",
        data: { type: "web_search_call", id: "ws_x" },
      },
      {
        type: "tool_call",
        id: "4",
        agent: "A",
        callId: "toolu_01",
        name: "f",
        arguments: "{}",
        providerData: { another: { signature: "s" } },
      },
      { type: "tool_result", id: "5", agent: "A", callId: "toolu_01", output: "done", status: "ok" },
    ];
    const { seen, body } = await sent(requestOf(items));
    const said = seen.messages.flatMap((message) =>
      message.role === "assistant" ? [message.text, ...message.calls.map(({ name }) => name)] : [],
    );
    equal(
      said.filter((each) => each !== ""),
      ["Hello", "f"],
      "what the assistant said and called",
    );
    const text = JSON.stringify(body);
    for (const foreign of ["rs_x", "ws_x", "another", "signature"])
      check(!text.includes(foreign), `"${foreign}" was sent`);
  });

  test("makes of a call's id that is too long for the provider one that the result has, too", async () => {
    const callId = `call_${"x".repeat(200)}`;
    const { messages } = await seenOf([
      user("hi"),
      { type: "tool_call", id: "1", agent: "A", callId, name: "f", arguments: "{}" },
      { type: "tool_result", id: "2", agent: "A", callId, output: "done", status: "ok" },
    ]);
    const [, called, answered] = messages;
    check(called?.role === "assistant" && answered?.role === "tool", "expected a call and a result");
    equal(answered.callId, called.calls[0]?.id, "id");
  });

  test("has only well-formed text", async () => {
    const broken = "a\ud83d b\udc00";
    const { bodies } = await ask(
      group,
      answer,
      requestOf(
        [
          user(broken),
          { type: "message", id: "2", agent: "A", role: "assistant", content: broken },
          { type: "tool_call", id: "3", agent: "A", callId: "c", name: "f", arguments: `{"s":"${broken}"}` },
          { type: "tool_result", id: "4", agent: "A", callId: "c", output: broken, status: "ok" },
        ],
        { instructions: broken },
      ),
    );
    const strings: string[] = [];
    JSON.parse(bodies[0] as string, (_, value: unknown) =>
      typeof value === "string" ? (strings.push(value), value) : value,
    );
    for (const text of strings) check(text.isWellFormed(), `${JSON.stringify(text)} was sent`);
  });

  test("does not depend on reply items that a filter has left out", async () => {
    const { reply } = await ask(group, { chunks: dialect.encode(REASONED_CALL).frames }, requestOf([user("hi")]));
    const items = recorded(reply?.items ?? [], "A", "r");
    const result: VisibleItem = { type: "tool_result", id: "t", callId: "call_r", output: "x", status: "ok" };
    const onlyCall = items.filter(({ type }) => type === "tool_call");
    const { body } = await sent(requestOf([user("hi"), ...onlyCall, result]));
    // The id of a call is as good as a reference to the reasoning that led to it.
    check(!/"(rs|fc)_1"/.test(JSON.stringify(body)), "what is left refers to reasoning that was left out");
    const onlyReasoning = items.filter(({ type }) => type === "reasoning");
    equal(
      (await seenOf([user("hi"), ...onlyReasoning, user("again", "u2")])).reasoning,
      [],
      "reasoning that lost its call",
    );
  });

  test(
    "gives reasoning back to the provider that made it, before what it led to",
    async () => {
      const { reply } = await ask(group, { chunks: dialect.encode(REASONED_CALL).frames }, requestOf([user("hi")]));
      const items = [
        user("hi"),
        ...recorded(reply?.items ?? [], "A", "r"),
        { type: "tool_result", id: "t", callId: "call_r", output: "x", status: "ok" } as const,
      ];
      const { reasoning } = await seenOf(JSON.parse(JSON.stringify(items)) as VisibleItem[]);
      equal(reasoning.length, 1, "pieces of reasoning");
      check(JSON.stringify(reasoning).includes("Look it up."), "the reasoning was changed");
    },
    "reasoning",
  );

  test(
    "shows images",
    async () => {
      const image: VisibleItem = {
        type: "message",
        id: "1",
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image", url: "data:image/png;base64,AAAA" },
          { type: "image", url: "https://example.com/a.png", detail: "low" },
        ],
      };
      equal(
        (await seenOf([image])).messages,
        [{ role: "user", text: "What is it?", media: ["image", "image"] }],
        "messages",
      );
    },
    "images",
  );

  test(
    "shows files",
    async () => {
      const file: VisibleItem = {
        type: "message",
        id: "1",
        role: "user",
        content: [
          { type: "file", url: "data:application/pdf;base64,AAAA", filename: "a.pdf" },
          { type: "file", fileId: "file_1" },
        ],
      };
      equal((await seenOf([file])).messages, [{ role: "user", text: "", media: ["file", "file"] }], "messages");
    },
    "files",
  );

  test("offers tools and handoffs as functions, strict where the schema allows it", async () => {
    const parameters: JsonSchema = {
      type: "object",
      properties: { n: { type: "number" } },
      required: ["n"],
      additionalProperties: false,
    };
    const open: JsonSchema = { type: "object", properties: { n: { type: "number" } } };
    const { functions } = await seenOf([user("hi")], {
      tools: [
        { type: "function", name: "lookup", description: "Looks up.", parameters, strict: true },
        { type: "function", name: "loose", description: "", parameters: open, strict: false },
      ],
      handoffs: [
        {
          type: "handoff",
          name: "transfer_to_billing",
          description: "Refunds.",
          parameters,
          to: "Billing",
          when: "refunds",
        },
      ],
    });
    equal(
      functions.map(({ name }) => name),
      ["lookup", "loose", "transfer_to_billing"],
      "names",
    );
    equal(functions.map(({ strict }) => strict).slice(0, 2), [true, false], "strict");
    equal(functions[0]?.description, "Looks up.", "description");
    equal(functions[1]?.parameters, open as Json, "parameters");
  });

  test(
    "says which tool must be called",
    async () => {
      const tools: ModelRequest["tools"] = [
        { type: "function", name: "f", description: "", parameters: { type: "object", properties: {} } },
      ];
      for (const [toolChoice, expected] of [
        ["required", "required"],
        ["none", "none"],
        [{ name: "f" }, "f"],
      ] as const) {
        equal((await seenOf([user("hi")], { tools, settings: { toolChoice } })).toolChoice, expected, "toolChoice");
      }
      equal(
        (await seenOf([user("hi")], { settings: { toolChoice: "required" } })).toolChoice,
        undefined,
        "toolChoice without tools",
      );
    },
    "tool_choice",
  );

  test(
    "says what form the answer must have",
    async () => {
      const schema: JsonSchema = {
        type: "object",
        properties: { ok: { type: "boolean" } },
        required: ["ok"],
        additionalProperties: false,
      };
      equal((await seenOf([user("hi")], { output: { name: "verdict", schema } })).output, "verdict", "output");
    },
    "structured_output",
  );

  test("leaves the items as they were", async () => {
    const items = [
      user("hi"),
      { type: "message", id: "2", agent: "A", role: "assistant", content: [{ type: "text", text: "x" }] },
    ] as VisibleItem[];
    const before = JSON.stringify(items);
    const freeze = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      for (const each of Object.values(value)) freeze(each);
      Object.freeze(value);
    };
    freeze(items);
    await seenOf(items);
    equal(JSON.stringify(items), before, "items");
  });

  test(
    "converts only what is new",
    async () => {
      let reads = 0;
      const counted = (item: VisibleItem): VisibleItem =>
        new Proxy(item, {
          get(target, key, receiver) {
            if (key === "content" || key === "arguments" || key === "output") reads++;
            return Reflect.get(target, key, receiver) as unknown;
          },
        });
      const items: VisibleItem[] = [];
      for (let i = 0; i < 500; i++) {
        items.push(counted(user(`question ${i}`, `u${i}`)));
        items.push(
          counted({ type: "tool_call", id: `c${i}`, agent: "A", callId: `call_${i}`, name: "f", arguments: "{}" }),
        );
        items.push(
          counted({ type: "tool_result", id: `r${i}`, agent: "A", callId: `call_${i}`, output: "x", status: "ok" }),
        );
      }
      const { model, bodies, close } = await modelAnswering(group, [answer]);
      try {
        replied(await collect(model, requestOf(items)), "first");
        const first = reads;
        check(first >= items.length, "nothing was read");
        replied(await collect(model, requestOf([...items, counted(user("new", "new"))])), "second");
        check(reads - first <= 10, `${reads - first} fields of items were read again`);
        equal(dialect.decode(JSON.parse(bodies[1] as string) as JsonObject).messages.length, 1_501, "messages");
      } finally {
        await close();
      }
    },
    "conversion_cache",
  );
}
