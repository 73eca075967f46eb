import { event, testModel, type WireDialect } from "@batonjs/testing/model";
import { describe, it } from "vitest";
import { acme } from "./acme.ts";

/** Acme's side of the protocol: what its server sends for a reply, and how it understands a request. */
const dialect: WireDialect = {
  name: "Acme",
  path: "/chat",
  encode({ id = "reply_1", model = "test", text = [], calls = [], finish, usage }) {
    const frames = [
      event({ type: "start", id, model }),
      ...text.map((text) => event({ type: "text", text })),
      ...calls.flatMap(({ id, name, arguments: pieces }, call) => [
        event({ type: "call", call, id, name }),
        ...pieces.map((text) => event({ type: "arguments", call, text })),
      ]),
      event({ type: "end", finish: finish ?? (calls.length > 0 ? "tool_calls" : "stop"), ...(usage ? { usage } : {}) }),
    ];
    return { frames, terminal: frames.length - 1, whole: null };
  },
  decode(body) {
    const { model, system, messages, functions = [], choice, output } = body as unknown as AcmeRequest;
    return {
      model,
      system,
      messages: messages.map(({ role, text, call = "", calls = [] }) => {
        if (role === "tool") return { role, callId: call, output: text };
        return role === "assistant" ? { role, text, calls } : { role, text, media: [] };
      }),
      functions,
      toolChoice: choice,
      output: output?.name,
      reasoning: [],
    };
  },
  error: ({ message, code = "" }) => ({ code, message }),
  errorFrame: ({ message }) => event({ type: "error", message }),
  errors: [
    { what: "429", status: 429, body: { message: "Slow down" }, kind: "rate_limit", retryable: true },
    { what: "402", status: 402, body: { message: "No money" }, kind: "quota", retryable: false },
    { what: "400", status: 400, body: { message: "Bad tool" }, kind: "invalid_request", retryable: false },
    { what: "401 without JSON", status: 401, body: "<h1>No</h1>", kind: "auth", retryable: false },
    { what: "529", status: 529, body: { message: "Busy" }, kind: "overloaded", retryable: true },
    { what: "502", status: 502, body: "", kind: "server", retryable: true },
  ],
  oddStreams: [
    odd("nothing", [], { error: "truncated" }),
    odd("text without an end", [{ type: "text", text: "hi" }], { error: "truncated" }),
    odd("an end alone", [{ type: "end", finish: "stop" }], { text: "", calls: [], finishReason: "stop" }),
    odd("events of another version", [{ type: "news" }, {}, { type: "end", finish: "stop" }], { finishReason: "stop" }),
    odd("arguments of no call", [{ type: "arguments", call: 0, text: "{}" }], { error: "protocol" }),
    odd("an unknown finish", [{ type: "end", finish: "bored" }], { finishReason: "bored" }),
    odd("usage that is none", [{ type: "end", finish: "stop", usage: { input: -1, output: "2" } }], {
      finishReason: "stop",
    }),
    odd(
      "two calls of one id",
      [
        { type: "call", call: 0, id: "a", name: "f" },
        { type: "call", call: 1, id: "a", name: "g" },
        { type: "end", finish: "tool_calls" },
      ],
      { calls: ["f", "g"].map((name) => ({ name, arguments: "{}" })), finishReason: "tool_calls" },
    ),
  ],
};

interface AcmeRequest {
  readonly model: string;
  readonly system: string | undefined;
  readonly messages: readonly {
    readonly role: "user" | "system" | "assistant" | "tool";
    readonly text: string;
    readonly call?: string;
    readonly calls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  }[];
  readonly functions?: ReturnType<WireDialect["decode"]>["functions"];
  readonly choice: string | undefined;
  readonly output?: { readonly name: string };
}

type Odd = WireDialect["oddStreams"][number];
function odd(what: string, frames: readonly object[], expect: Odd["expect"]): Odd {
  return { number: 0, what, stream: frames.map((frame) => event(frame)).join(""), expect };
}

testModel({
  describe,
  it: (name, body) => it(name, { timeout: 60_000 }, body),
  dialect,
  create: ({ baseURL, apiKey, fetch, maxEventLength, maxResponseBytes }) =>
    acme({
      apiKey,
      baseURL,
      ...(fetch && { fetch }),
      ...(maxEventLength && { maxEventLength }),
      ...(maxResponseBytes && { maxResponseBytes }),
    }).model("test"),
  missing: {
    reasoning: "Acme's models do not tell what they think",
    images: "Acme reads text only",
    files: "Acme reads text only",
    refusals: "Acme refuses in plain text",
    whole_replies: "Acme always streams",
    timeouts: "timeout() of core limits any model",
    conversion_cache: "the conversion is cheap",
  },
});
