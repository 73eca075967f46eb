import type { Json, JsonObject } from "@batonjs/core";
import {
  type Encoded,
  event,
  HTTP_ERRORS,
  type OddStream,
  type SeenMessage,
  type SeenRequest,
  textOf,
  type WireDialect,
  type WireReply,
  type WireUsage,
} from "../wire.ts";

const DONE = event("[DONE]");

/** Chat Completions, as OpenAI and every compatible server stream it. */
export const chatDialect: WireDialect = {
  name: "Chat Completions",
  path: "/chat/completions",
  encode,
  decode,
  error: (error) => ({
    error: { message: error.message, type: error.type ?? null, param: null, code: error.code ?? null },
  }),
  errorFrame: (error) => event({ error: { ...error } }),
  errors: HTTP_ERRORS,
  oddStreams: oddStreams(),
};

function encode(reply: WireReply): Encoded {
  const { id = "chatcmpl-1", model = "gpt-test", reasoning = [], text = [], refusal = [], calls = [] } = reply;
  const finish = reply.finish ?? (calls.length > 0 ? "tool_calls" : "stop");
  const head = { id, object: "chat.completion.chunk", created: 1_700_000_000, model };
  const chunk = (delta: JsonObject, finish_reason: string | null = null): string =>
    event({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }] });
  const frames = [
    chunk({ role: "assistant", content: calls.length > 0 && text.length === 0 ? null : "" }),
    ...reasoning.map((piece) => chunk({ reasoning_content: piece })),
    ...text.map((piece) => chunk({ content: piece })),
    ...refusal.map((piece) => chunk({ refusal: piece })),
    ...calls.flatMap((call, index) => [
      chunk({ tool_calls: [{ index, id: call.id, type: "function", function: { name: call.name, arguments: "" } }] }),
      ...call.arguments.map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    chunk({}, finish),
  ];
  const terminal = frames.length - 1;
  if (reply.usage) frames.push(event({ ...head, choices: [], usage: usageOf(reply.usage) }));
  frames.push(DONE);
  const message = {
    role: "assistant",
    content: text.length === 0 ? null : textOf(text),
    ...(refusal.length === 0 ? {} : { refusal: textOf(refusal) }),
    ...(reasoning.length === 0 ? {} : { reasoning_content: textOf(reasoning) }),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: textOf(call.arguments) },
          })),
        }),
  };
  const whole = {
    ...head,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: finish }],
    ...(reply.usage ? { usage: usageOf(reply.usage) } : {}),
  };
  return { frames, terminal, whole };
}

function usageOf({ input, cached = 0, output, reasoning = 0 }: WireUsage): JsonObject {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

interface ChatBody {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly {
    readonly function: {
      readonly name: string;
      readonly description?: string;
      readonly parameters: Json;
      readonly strict?: boolean;
    };
  }[];
  readonly tool_choice?: string | { readonly function: { readonly name: string } };
  readonly response_format?: { readonly json_schema?: { readonly name: string } };
}
interface ChatMessage {
  readonly role: string;
  readonly content:
    | string
    | null
    | readonly { readonly type: string; readonly text?: string; readonly refusal?: string }[];
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
  readonly tool_call_id?: string;
  readonly reasoning_content?: string;
}

function decode(json: JsonObject): SeenRequest {
  const body = json as unknown as ChatBody;
  const [first, ...others] = body.messages;
  const hasSystem = first?.role === "system" || first?.role === "developer";
  return {
    model: body.model,
    system: hasSystem ? contentText(first.content) : undefined,
    messages: (hasSystem ? others : body.messages).map(seen),
    functions: (body.tools ?? []).map(({ function: { name, description, parameters, strict } }) => ({
      name,
      description,
      parameters,
      strict: strict === true,
    })),
    toolChoice: typeof body.tool_choice === "object" ? body.tool_choice.function.name : body.tool_choice,
    output: body.response_format?.json_schema?.name,
    reasoning: body.messages.flatMap(({ reasoning_content }) =>
      reasoning_content === undefined ? [] : [reasoning_content],
    ),
  };
}

function seen(message: ChatMessage): SeenMessage {
  const text = contentText(message.content);
  switch (message.role) {
    case "tool":
      return { role: "tool", callId: message.tool_call_id ?? "", output: text };
    case "assistant": {
      const calls = message.tool_calls ?? [];
      return {
        role: "assistant",
        text,
        calls: calls.map((call) => ({ id: call.id, name: call.function.name, arguments: call.function.arguments })),
      };
    }
    case "user": {
      const parts = typeof message.content === "string" || message.content === null ? [] : message.content;
      return {
        role: "user",
        text,
        media: parts.filter(({ type }) => type !== "text").map(({ type }) => (type === "image_url" ? "image" : "file")),
      };
    }
    default:
      return { role: "system", text, media: [] };
  }
}

function contentText(content: ChatMessage["content"]): string {
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text, refusal }) => text ?? refusal ?? "").join("");
}

/** C4: streams that are odd. */
function oddStreams(): readonly OddStream[] {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "gpt-test" };
  const chunk = (delta: Json | undefined, finish_reason: string | null = null, more: JsonObject = {}): string =>
    event({ ...head, choices: [{ index: 0, ...(delta === undefined ? {} : { delta }), finish_reason }], ...more });
  const call = (
    index: Json | undefined,
    id: string | undefined,
    name: string | undefined,
    args: Json | undefined,
  ): JsonObject => ({
    tool_calls: [
      {
        ...(index === undefined ? {} : { index }),
        ...(id === undefined ? {} : { id }),
        type: "function",
        function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
      },
    ],
  });
  const role = chunk({ role: "assistant", content: "" });
  const hi = chunk({ content: "hi" });
  const stop = chunk({}, "stop");
  const calls = chunk({}, "tool_calls");
  const whole = (id = "c1", index: Json = 0): string => chunk(call(index, id, "f", '{"n":1}'));
  const fail = event({ error: { message: "The server had an error", type: "server_error" } });
  const made = (...names: string[]): OddStream["expect"] => ({
    calls: names.map((name) => ({ name, arguments: '{"n":1}' })),
    finishReason: "tool_calls",
  });
  const said: OddStream["expect"] = { text: "hi", calls: [], finishReason: "stop" };
  const odd = (number: number, what: string, stream: string, expect: OddStream["expect"]): OddStream => ({
    number,
    what,
    stream,
    expect,
  });
  return [
    odd(95, "the end, with no events", "", { error: "truncated" }),
    odd(95, "only [DONE]", DONE, { error: "truncated" }),
    odd(96, "only a role", role + DONE, { error: "truncated" }),
    odd(97, "text, then the end", role + hi, { error: "truncated" }),
    odd(97, "text, then [DONE] without a finish reason", role + hi + DONE, { error: "truncated" }),
    odd(98, "a whole call, then the end", whole(), { error: "truncated" }),
    odd(99, "arguments of which the beginning is JSON, then the end", chunk(call(0, "c1", "f", "{}")), {
      error: "truncated",
    }),
    odd(100, "a call that finished with length", whole() + chunk({}, "length") + DONE, { finishReason: "length" }),
    odd(101, "a call that finished with content_filter", whole() + chunk({}, "content_filter") + DONE, {
      finishReason: "content_filter",
    }),
    odd(102, "an unknown finish reason", hi + chunk({}, "foo") + DONE, { finishReason: "foo" }),
    odd(103, "a finish reason of null, then the end", hi + chunk({}, null), { error: "truncated" }),
    odd(104, "tool_calls without calls", calls + DONE, { error: "protocol" }),
    odd(104, "tool_calls with text alone", hi + calls + DONE, { text: "hi", calls: [], finishReason: "stop" }),
    odd(105, "stop with a call", whole() + stop + DONE, made("f")),
    odd(106, "a gap in the indices", whole("c1", 0) + whole("c2", 2) + calls + DONE, made("f", "f")),
    odd(
      107,
      "no index",
      chunk(call(undefined, "c1", "f", '{"n"')) + chunk(call(undefined, undefined, undefined, ":1}")) + calls + DONE,
      made("f"),
    ),
    odd(
      107,
      "no index, two calls",
      chunk(call(undefined, "c1", "f", '{"n":1}')) + chunk(call(undefined, "c2", "g", '{"n":1}')) + calls + DONE,
      made("f", "g"),
    ),
    odd(
      108,
      "indices as text",
      chunk(call("0", "c1", "f", '{"n"')) + chunk(call(0, undefined, undefined, ":1}")) + calls + DONE,
      made("f"),
    ),
    odd(
      109,
      "indices -1, 1.5 and 1e9",
      whole("c1", -1) + whole("c2", 1.5) + whole("c3", 1e9) + calls + DONE,
      made("f", "f", "f"),
    ),
    odd(110, "the index __proto__", whole("c1", "__proto__") + calls + DONE, made("f")),
    odd(
      111,
      "an id that comes later",
      chunk(call(0, undefined, "f", '{"n"')) + chunk(call(0, "c1", undefined, ":1}")) + calls + DONE,
      {
        calls: [{ name: "f", arguments: '{"n":1}', id: "c1" }],
        finishReason: "tool_calls",
      },
    ),
    odd(
      112,
      "an id that changes",
      chunk(call(0, "c1", "f", '{"n"')) + chunk(call(0, "c9", undefined, ":1}")) + calls + DONE,
      {
        calls: [{ name: "f", arguments: '{"n":1}', id: "c1" }],
        finishReason: "tool_calls",
      },
    ),
    odd(
      112,
      "two calls at one index",
      whole("c1", 0) + chunk(call(0, "c2", "g", '{"n":1}')) + calls + DONE,
      made("f", "g"),
    ),
    odd(
      113,
      "a name in two pieces",
      chunk(call(0, "c1", "get_", "")) + chunk(call(0, undefined, "f", '{"n":1}')) + calls + DONE,
      made("get_f"),
    ),
    odd(
      113,
      "a name with every piece",
      chunk(call(0, "c1", "f", '{"n"')) + chunk(call(0, "c1", "f", ":1}")) + calls + DONE,
      made("f"),
    ),
    odd(
      114,
      "arguments before the name",
      chunk(call(0, "c1", undefined, '{"n"')) + chunk(call(0, undefined, "f", ":1}")) + calls + DONE,
      made("f"),
    ),
    odd(
      115,
      "calls in turns",
      chunk(call(0, "c1", "f", '{"n"')) +
        chunk(call(1, "c2", "g", '{"n"')) +
        chunk(call(0, undefined, undefined, ":1}")) +
        chunk(call(1, undefined, undefined, ":1}")) +
        calls +
        DONE,
      made("f", "g"),
    ),
    odd(
      116,
      "two choices",
      hi +
        event({ ...head, choices: [{ index: 1, delta: { content: "other" }, finish_reason: "stop" }] }) +
        stop +
        DONE,
      said,
    ),
    odd(
      117,
      "usage in the middle",
      hi + event({ ...head, choices: [], usage: { prompt_tokens: 5, completion_tokens: 1 } }) + stop + DONE,
      said,
    ),
    odd(
      117,
      "usage that is no number",
      hi + chunk({}, "stop", { usage: { prompt_tokens: "many", completion_tokens: -3, total_tokens: null } }) + DONE,
      said,
    ),
    odd(118, "choices that are null", event({ ...head, choices: null }) + hi + stop + DONE, said),
    odd(
      119,
      "no choices, but usage",
      hi +
        stop +
        event({ ...head, choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }) +
        DONE,
      said,
    ),
    odd(120, "an error first", fail + DONE, { error: "stream_error" }),
    odd(120, "an error in the middle", hi + fail + DONE, { error: "stream_error" }),
    odd(120, "an error after the end", hi + stop + fail, said),
    odd(
      120,
      "an error of quota",
      event({ error: { message: "No", type: "insufficient_quota", code: "insufficient_quota" } }),
      { error: "quota" },
    ),
    odd(120, "an error that is a text", event({ error: "upstream failed" }), { error: "stream_error" }),
    odd(120, "an event named error", event("upstream failed", "error"), { error: "stream_error" }),
    odd(124, "an unknown object", event({ object: "something.new" }) + hi + stop + DONE, said),
    odd(125, "deltas after the end", hi + stop + chunk({ content: "more" }) + whole() + DONE, said),
    odd(127, "text and a refusal", hi + chunk({ refusal: "no" }) + whole() + stop + DONE, {
      finishReason: "content_filter",
    }),
    odd(128, "reasoning alone", chunk({ reasoning_content: "hm" }) + stop + DONE, {
      text: "",
      calls: [],
      finishReason: "stop",
    }),
    odd(129, "nothing at all", role + stop + DONE, { text: "", calls: [], finishReason: "stop" }),
    odd(33, "arguments that are an object", chunk(call(0, "c1", "f", { n: 1 })) + calls + DONE, made("f")),
    odd(
      0,
      "calls without ids",
      chunk(call(0, undefined, "f", '{"n":1}')) + chunk(call(1, "", "g", '{"n":1}')) + calls + DONE,
      made("f", "g"),
    ),
    odd(0, "two calls with one id", whole("c1", 0) + whole("c1", 1) + calls + DONE, made("f", "f")),
    odd(0, "a delta that is missing or null", chunk(undefined) + chunk(null) + hi + stop + DONE, said),
    odd(0, "content in parts", chunk({ content: [{ type: "text", text: "hi" }] }) + stop + DONE, said),
  ];
}
