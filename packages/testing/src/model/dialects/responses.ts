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

/** The Responses API of OpenAI. */
export const responsesDialect: WireDialect = {
  name: "Responses",
  path: "/responses",
  encode,
  decode,
  error: (error) => ({
    error: { message: error.message, type: error.type ?? null, param: null, code: error.code ?? null },
  }),
  errorFrame: (error) =>
    named({
      type: "error",
      code: error.code ?? error.type ?? null,
      message: error.message,
      param: null,
      sequence_number: 9_999,
    }),
  keepAlive: event({ type: "keepalive", sequence_number: 0 }, "keepalive"),
  errors: HTTP_ERRORS,
  oddStreams: oddStreams(),
};

function named(data: JsonObject): string {
  return event(data, data["type"] as string);
}

function response(id: string, model: string, more: JsonObject): JsonObject {
  return {
    id,
    object: "response",
    created_at: 1_700_000_000,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    model,
    output: [],
    usage: null,
    ...more,
  };
}

function outputOf(reply: WireReply): JsonObject[] {
  const { reasoning = [], text = [], refusal = [], calls = [] } = reply;
  const output: JsonObject[] = [];
  if (reasoning.length > 0)
    output.push({
      id: "rs_1",
      type: "reasoning",
      summary: [{ type: "summary_text", text: textOf(reasoning) }],
      encrypted_content: "gAAAAAB=",
    });
  if (text.length > 0 || refusal.length > 0) {
    const content: JsonObject[] = [];
    if (text.length > 0) content.push({ type: "output_text", annotations: [], logprobs: [], text: textOf(text) });
    if (refusal.length > 0) content.push({ type: "refusal", refusal: textOf(refusal) });
    output.push({ id: "msg_1", type: "message", status: "completed", role: "assistant", content });
  }
  for (const [i, call] of calls.entries()) {
    output.push({
      id: `fc_${i + 1}`,
      type: "function_call",
      status: "completed",
      call_id: call.id,
      name: call.name,
      arguments: textOf(call.arguments),
    });
  }
  return output;
}

function encode(reply: WireReply): Encoded {
  const { id = "resp_1", model = "gpt-test", reasoning = [], text = [], refusal = [], calls = [] } = reply;
  const output = outputOf(reply);
  let sequence_number = 0;
  const frames: string[] = [];
  const send = (data: JsonObject): void => void frames.push(named({ ...data, sequence_number: sequence_number++ }));
  send({ type: "response.created", response: response(id, model, {}) });
  for (const [output_index, item] of output.entries()) {
    const item_id = item["id"] as string;
    const at = { item_id, output_index };
    switch (item["type"]) {
      case "reasoning":
        send({ type: "response.output_item.added", output_index, item: { ...item, summary: [] } });
        for (const delta of reasoning)
          send({ type: "response.reasoning_summary_text.delta", ...at, summary_index: 0, delta });
        break;
      case "message":
        send({
          type: "response.output_item.added",
          output_index,
          item: { ...item, status: "in_progress", content: [] },
        });
        for (const delta of text)
          send({ type: "response.output_text.delta", ...at, content_index: 0, delta, logprobs: [] });
        for (const delta of refusal) send({ type: "response.refusal.delta", ...at, content_index: 0, delta });
        break;
      default: {
        const call = calls.find((each) => each.id === item["call_id"]);
        send({
          type: "response.output_item.added",
          output_index,
          item: { ...item, status: "in_progress", arguments: "" },
        });
        for (const delta of call?.arguments ?? [])
          send({ type: "response.function_call_arguments.delta", ...at, delta });
        send({ type: "response.function_call_arguments.done", ...at, arguments: item["arguments"] ?? "" });
      }
    }
    send({ type: "response.output_item.done", output_index, item });
  }
  const { finish } = reply;
  const reason = finish === "length" ? "max_output_tokens" : finish === "content_filter" ? "content_filter" : undefined;
  const status = reason === undefined ? "completed" : "incomplete";
  const whole = response(id, model, {
    status,
    incomplete_details: reason === undefined ? null : { reason },
    output,
    usage: usageOf(reply.usage ?? { input: 0, output: 0 }),
  });
  send({ type: `response.${status}`, response: whole });
  return { frames, terminal: frames.length - 1, whole };
}

function usageOf({ input, cached = 0, output, reasoning = 0 }: WireUsage): JsonObject {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}

interface ResponsesBody {
  readonly model: string;
  readonly instructions?: string;
  readonly input: readonly InputItem[];
  readonly tools?: readonly {
    readonly type: string;
    readonly name: string;
    readonly description?: string;
    readonly parameters: Json;
    readonly strict?: boolean;
  }[];
  readonly tool_choice?: string | { readonly name?: string };
  readonly text?: { readonly format?: { readonly name?: string } };
}
interface InputItem {
  readonly type?: string;
  readonly role?: string;
  readonly content?: string | readonly { readonly type: string; readonly text?: string; readonly refusal?: string }[];
  readonly call_id?: string;
  readonly name?: string;
  readonly arguments?: string;
  readonly output?: string;
}

function decode(json: JsonObject): SeenRequest {
  const body = json as unknown as ResponsesBody;
  const messages: SeenMessage[] = [];
  for (const item of body.input) see(item, messages);
  return {
    model: body.model,
    system: body.instructions,
    messages,
    functions: (body.tools ?? [])
      .filter(({ type }) => type === "function")
      .map(({ name, description, parameters, strict }) => ({ name, description, parameters, strict: strict === true })),
    toolChoice: typeof body.tool_choice === "object" ? body.tool_choice.name : body.tool_choice,
    output: body.text?.format?.name,
    reasoning: body.input.filter(({ type }) => type === "reasoning") as unknown as Json[],
  };
}

/** Adds an item to what was seen. Calls belong to the assistant's message before them. */
function see(item: InputItem, messages: SeenMessage[]): void {
  const parts = typeof item.content === "string" ? [] : (item.content ?? []);
  const text =
    typeof item.content === "string" ? item.content : parts.map((part) => part.text ?? part.refusal ?? "").join("");
  if (item.type === "function_call_output") {
    messages.push({ role: "tool", callId: item.call_id ?? "", output: item.output ?? "" });
  } else if (item.type === "function_call") {
    const call = { id: item.call_id ?? "", name: item.name ?? "", arguments: item.arguments ?? "" };
    const last = messages.at(-1);
    if (last?.role === "assistant") messages[messages.length - 1] = { ...last, calls: [...last.calls, call] };
    else messages.push({ role: "assistant", text: "", calls: [call] });
  } else if (item.role === "assistant") {
    messages.push({ role: "assistant", text, calls: [] });
  } else if (item.role !== undefined) {
    const media = parts
      .filter(({ type }) => type !== "input_text")
      .map(({ type }) => (type === "input_image" ? "image" : "file"));
    messages.push({ role: item.role === "user" ? "user" : "system", text, media });
  }
}

/** C4: streams that are odd. */
function oddStreams(): readonly OddStream[] {
  const odd = (
    number: number,
    what: string,
    frames: readonly JsonObject[],
    expect: OddStream["expect"],
  ): OddStream => ({
    number,
    what,
    stream: frames.map(named).join(""),
    expect,
  });
  const message = (text: string, id = "msg_1"): JsonObject => ({
    id,
    type: "message",
    status: "completed",
    role: "assistant",
    content: [{ type: "output_text", text, annotations: [] }],
  });
  const call = (args: Json = '{"n":1}', more: JsonObject = {}): JsonObject => ({
    id: "fc_1",
    type: "function_call",
    status: "completed",
    call_id: "c1",
    name: "f",
    arguments: args,
    ...more,
  });
  const created = { type: "response.created", response: response("resp_1", "gpt-test", {}) };
  const added = (item: JsonObject, output_index = 0): JsonObject => ({
    type: "response.output_item.added",
    output_index,
    item,
  });
  const finished = (item: JsonObject, output_index: Json = 0): JsonObject => ({
    type: "response.output_item.done",
    output_index,
    item,
  });
  const delta = (text: string, item_id = "msg_1"): JsonObject => ({
    type: "response.output_text.delta",
    item_id,
    output_index: 0,
    content_index: 0,
    delta: text,
  });
  const end = (output: JsonObject[], more: JsonObject = {}, type = "response.completed"): JsonObject => ({
    type,
    response: response("resp_1", "gpt-test", { status: type.slice(9), output, ...more }),
  });
  const said: OddStream["expect"] = { text: "hi", calls: [], finishReason: "stop" };
  const made: OddStream["expect"] = {
    calls: [{ name: "f", arguments: '{"n":1}', id: "c1" }],
    finishReason: "tool_calls",
  };
  const failed = (code: string): JsonObject => end([], { error: { code, message: "It failed" } }, "response.failed");
  return [
    odd(95, "the end, with no events", [], { error: "truncated" }),
    odd(96, "only the beginning", [created, added(message(""))], { error: "truncated" }),
    odd(97, "text, then the end", [created, delta("hi")], { error: "truncated" }),
    odd(97, "a whole message, then the end", [created, delta("hi"), finished(message("hi"))], { error: "truncated" }),
    odd(98, "a whole call, then the end", [created, added(call("")), finished(call())], { error: "truncated" }),
    odd(
      100,
      "a call in a response that ran out of tokens",
      [created, end([call()], { incomplete_details: { reason: "max_output_tokens" } }, "response.incomplete")],
      { finishReason: "length" },
    ),
    odd(
      101,
      "a call in a response that was filtered",
      [created, end([call()], { incomplete_details: { reason: "content_filter" } }, "response.incomplete")],
      { finishReason: "content_filter" },
    ),
    odd(
      102,
      "an unknown reason",
      [created, end([message("hi")], { incomplete_details: { reason: "foo" } }, "response.incomplete")],
      { finishReason: "foo" },
    ),
    odd(102, "no reason", [created, end([message("hi")], {}, "response.incomplete")], { finishReason: "incomplete" }),
    odd(
      117,
      "usage that is no number",
      [created, end([message("hi")], { usage: { input_tokens: "many", output_tokens: -1, total_tokens: null } })],
      said,
    ),
    odd(120, "an error first", [{ type: "error", code: "server_error", message: "It failed", param: null }], {
      error: "stream_error",
    }),
    odd(120, "an error in another form", [{ type: "error", error: { type: "server_error", message: "It failed" } }], {
      error: "stream_error",
    }),
    odd(
      120,
      "an error in the middle",
      [created, delta("hi"), { type: "error", code: null, message: "It failed", param: null }],
      { error: "stream_error" },
    ),
    odd(
      120,
      "an error after the end",
      [created, end([message("hi")]), { type: "error", code: null, message: "It failed" }],
      said,
    ),
    odd(121, "response.failed", [created, failed("server_error")], { error: "stream_error" }),
    odd(121, "response.failed of a rate limit", [created, failed("rate_limit_exceeded")], { error: "stream_error" }),
    odd(121, "response.failed of a bad prompt", [created, failed("invalid_prompt")], { error: "invalid_request" }),
    odd(121, "response.failed of quota", [created, failed("insufficient_quota")], { error: "quota" }),
    odd(121, "response.cancelled", [created, end([call()], {}, "response.cancelled")], { finishReason: "cancelled" }),
    odd(
      121,
      "a completed response that has failed",
      [created, end([call()], { status: "failed", error: { code: "server_error", message: "x" } })],
      { error: "stream_error" },
    ),
    odd(
      122,
      "a last event that differs from the deltas",
      [created, delta("bye"), finished(message("bye")), end([message("hi")])],
      said,
    ),
    odd(122, "a last event without output", [created, delta("hi"), finished(message("hi")), end([])], said),
    odd(123, "an item that is finished twice", [created, finished(call()), finished(call()), end([])], made),
    odd(123, "an item that is in the output twice", [created, end([call(), call()])], made),
    odd(
      124,
      "an unknown event and an unknown item",
      [created, { type: "response.new_thing", x: 1 }, end([{ type: "new_thing_call", id: "x_1" }, message("hi")])],
      said,
    ),
    odd(125, "events after the end", [created, end([message("hi")]), delta("more"), end([call()])], said),
    odd(
      126,
      "an item called __proto__",
      [
        created,
        added(call("", { id: "__proto__" })),
        { type: "response.function_call_arguments.delta", item_id: "__proto__", delta: '{"n"' },
        end([call('{"n":1}', { id: "__proto__" })]),
      ],
      made,
    ),
    odd(
      127,
      "text, a refusal and a call",
      [
        created,
        delta("hi"),
        { type: "response.refusal.delta", item_id: "msg_1", delta: "no" },
        end([
          {
            ...message("hi"),
            content: [
              { type: "output_text", text: "hi", annotations: [] },
              { type: "refusal", refusal: "no" },
            ],
          },
          call(),
        ]),
      ],
      { finishReason: "content_filter" },
    ),
    odd(128, "reasoning alone", [created, end([{ type: "reasoning", id: "rs_1", summary: [] }])], {
      text: "",
      calls: [],
      finishReason: "stop",
    }),
    odd(129, "a message without content", [created, end([{ ...message(""), content: [] }])], {
      text: "",
      calls: [],
      finishReason: "stop",
    }),
    odd(33, "arguments that are an object", [created, end([call({ n: 1 })])], made),
    odd(34, "no arguments", [created, end([{ id: "fc_1", type: "function_call", call_id: "c1", name: "f" }])], {
      calls: [{ name: "f", arguments: "{}" }],
      finishReason: "tool_calls",
    }),
    odd(
      0,
      "no output at all",
      [created, { type: "response.completed", response: { id: "resp_1", status: "completed" } }],
      { text: "", calls: [], finishReason: "stop" },
    ),
    odd(
      0,
      "an event that was sent twice",
      [created, { ...delta("hi"), sequence_number: 4 }, { ...delta("hi"), sequence_number: 4 }, end([message("hi")])],
      said,
    ),
  ];
}
