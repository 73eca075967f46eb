/** What must hold on every runtime, without sockets: `fetch` is passed in. Run by `node --test`, `deno test` and `bun test`. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Model, ModelError, ModelEvent, ModelReply, ModelRequest } from "@batonjs/core";
import { openai, openaiCompatible } from "@batonjs/model-openai";

const request = (signal = new AbortController().signal): ModelRequest => ({
  items: [{ type: "message", id: "1", role: "user", content: "I was charged twice" }],
  instructions: "Route.",
  tools: [],
  handoffs: [
    {
      type: "handoff",
      name: "transfer_to_billing",
      description: "Refunds.",
      parameters: { type: "object", properties: {}, additionalProperties: false },
      to: "Billing",
    },
  ],
  settings: {},
  signal,
  at: { runId: "run", agent: "Triage", turn: 1, path: [] },
});

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const RESPONSES = [
  event({ type: "response.created", response: { id: "resp_1" } }),
  event({ type: "response.output_text.delta", item_id: "msg_1", delta: "Grüezi 🎉" }),
  event({
    type: "response.completed",
    response: {
      id: "resp_1",
      status: "completed",
      output: [
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          content: [{ type: "output_text", text: "Grüezi 🎉", annotations: [] }],
        },
        { type: "function_call", id: "fc_1", call_id: "call_1", name: "transfer_to_billing", arguments: "{}" },
      ],
      usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
    },
  }),
].join("");
const CHAT = [
  event({ id: "chatcmpl-1", choices: [{ index: 0, delta: { content: "Grüezi 🎉" } }] }),
  event({
    id: "chatcmpl-1",
    choices: [
      {
        index: 0,
        delta: { tool_calls: [{ index: 0, id: "call_1", function: { name: "transfer_to_billing", arguments: "" } }] },
      },
    ],
  }),
  event({
    id: "chatcmpl-1",
    choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  }),
  "data: [DONE]\n\n",
].join("");

/** Answers with `text`, a few bytes at a time; keeps what it was called with. */
function answering(text: string): {
  fetch: typeof globalThis.fetch;
  sent: { url: string; headers: Headers; body: Record<string, unknown> }[];
} {
  const sent: { url: string; headers: Headers; body: Record<string, unknown> }[] = [];
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    sent.push({
      url: String(url),
      headers: new Headers(init?.headers),
      body: JSON.parse(init?.body as string) as Record<string, unknown>,
    });
    const bytes = new TextEncoder().encode(text);
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes.length) controller.close();
        else controller.enqueue(bytes.slice(at, (at += 7)));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  return { fetch: fetch as typeof globalThis.fetch, sent };
}

async function collect(
  model: Model,
  asked = request(),
): Promise<{ events: ModelEvent[]; reply: ModelReply | undefined }> {
  const events: ModelEvent[] = [];
  for await (const each of model.stream(asked)) events.push(each);
  const last = events.at(-1);
  return { events, reply: last?.type === "reply" ? last : undefined };
}

const failure = async (model: Model, asked?: ModelRequest): Promise<ModelError> => {
  try {
    await collect(model, asked);
  } catch (error) {
    return error as ModelError;
  }
  throw new Error("expected an error");
};

for (const [api, stream] of [
  ["responses", RESPONSES],
  ["chat", CHAT],
] as const) {
  test(`${api}: asks and replies`, async () => {
    const { fetch, sent } = answering(stream);
    const { events, reply } = await collect(openai({ apiKey: "sk-portable-123", fetch })[api]("gpt-4o"));
    const [asked] = sent;
    assert.equal(asked?.url, `https://api.openai.com/v1/${api === "chat" ? "chat/completions" : "responses"}`);
    assert.equal(asked?.headers.get("authorization"), "Bearer sk-portable-123");
    assert.equal(asked?.body["stream"], true);
    assert.equal(events[0]?.type === "text_delta" ? events[0].delta : "", "Grüezi 🎉");
    assert.equal(reply?.finishReason, "tool_calls");
    assert.deepEqual(
      reply?.items.map((item) =>
        item.type === "tool_call" ? [item.name, item.arguments] : item.type === "message" ? item.content : item.type,
      ),
      ["Grüezi 🎉", ["transfer_to_billing", "{}"]],
    );
    assert.deepEqual([reply?.usage.inputTokens, reply?.usage.outputTokens], [3, 2]);
  });

  test(`${api}: a stream that is cut is no reply`, async () => {
    const { fetch } = answering(stream.slice(0, stream.length - 60));
    const error = await failure(openai({ apiKey: "sk-portable-123", fetch })[api]("gpt-4o"));
    assert.equal(error.kind, "truncated");
    assert.equal(error.partialText, "Grüezi 🎉");
  });

  test(`${api}: an abort ends it, also where fetch is deaf`, async () => {
    const deaf = (): Promise<Response> => new Promise(() => {});
    const controller = new AbortController();
    setTimeout(() => controller.abort("stop"), 10);
    const error = await failure(
      openai({ apiKey: "sk-portable-123", fetch: deaf })[api]("gpt-4o"),
      request(controller.signal),
    );
    assert.equal(error.name, "AbortError");
    assert.equal(error.cause, "stop");
  });

  test(`${api}: an error is one ModelError, without the key`, async () => {
    const fetch = async (): Promise<Response> =>
      Response.json(
        { error: { code: "rate_limit_exceeded", message: "Slow down, sk-portable-123" } },
        { status: 429, headers: { "retry-after": "2", "x-request-id": "req_1" } },
      );
    const error = await failure(openai({ apiKey: "sk-portable-123", fetch })[api]("gpt-4o"));
    assert.deepEqual(
      [error.kind, error.retryable, error.retryAfterMs, error.status, error.requestId],
      ["rate_limit", true, 2_000, 429, "req_1"],
    );
    assert.ok(!`${error.message}${error.stack}`.includes("sk-portable-123"));
  });
}

test("a server of another name gets no key of the environment", async () => {
  const { fetch, sent } = answering(CHAT);
  await collect(openaiCompatible({ name: "ollama", baseURL: "http://localhost:11434/v1", fetch }).chat("llama3.2"));
  assert.equal(sent[0]?.headers.get("authorization"), null);
});

test("without a key it says so, and only when it asks", async () => {
  const { process } = globalThis as { process?: { env: Record<string, string | undefined> } };
  let key: string | undefined;
  try {
    key = process?.env["OPENAI_API_KEY"];
  } catch {
    // Deno without permissions: there is no environment.
  }
  if (key) return;
  assert.equal((await failure(openai.responses("gpt-4o"))).kind, "auth");
});
