import { readFile } from "node:fs/promises";
import type { Model, ModelEvent, ModelReply } from "@batonjs/core";
import { requestOf } from "@batonjs/testing";
import { expect, it } from "vitest";
import { openai, openaiCompatible } from "./index.ts";

/** What a model makes of a recorded stream. */
async function decode(
  file: string,
  make: (fetch: typeof globalThis.fetch) => Model,
): Promise<{ shown: string[]; reply: ModelReply }> {
  const bytes = await readFile(new URL(`__fixtures__/${file}`, import.meta.url));
  const fetch = async (): Promise<Response> =>
    new Response(bytes, { headers: { "content-type": "text/event-stream", "x-request-id": "req_1" } });
  const shown: string[] = [];
  let reply: ModelReply | undefined;
  for await (const event of make(fetch).stream(
    requestOf([{ type: "message", id: "1", role: "user", content: "hi" }]),
  )) {
    if (event.type === "reply") reply = event;
    else shown.push(line(event));
  }
  return { shown, reply: reply as ModelReply };
}

const line = (event: Exclude<ModelEvent, ModelReply>): string =>
  event.type === "tool_call_delta"
    ? `${event.callId} ${event.name ?? ""} ${event.delta}`
    : event.type === "reset"
      ? event.type
      : `${event.type} ${event.delta}`;

const responses = (name: string) => (fetch: typeof globalThis.fetch) =>
  openai({ apiKey: "sk-test-12345678", fetch }).responses(name);
const chat = (name: string) => (fetch: typeof globalThis.fetch) =>
  openai({ apiKey: "sk-test-12345678", fetch }).chat(name);
const compatible = (provider: string, name: string) => (fetch: typeof globalThis.fetch) =>
  openaiCompatible({ name: provider, baseURL: "https://server.example/v1", fetch }).chat(name);

it("responses-text.sse is a message with its id", async () => {
  const { shown, reply } = await decode("responses-text.sse", responses("gpt-4o-mini"));
  expect(shown.join("|")).toMatchInlineSnapshot(
    `"text_delta Hello|text_delta !|text_delta  How|text_delta  can|text_delta  I|text_delta  help|text_delta  you|text_delta  today|text_delta ?"`,
  );
  expect(reply).toMatchInlineSnapshot(`
    {
      "finishReason": "stop",
      "items": [
        {
          "content": "Hello! How can I help you today?",
          "providerData": {
            "openai": {
              "dialect": "responses",
              "id": "msg_68a1f0c4e0748196b2d3",
            },
          },
          "role": "assistant",
          "type": "message",
        },
      ],
      "providerData": {
        "model": "gpt-4o-mini-2024-07-18",
        "requestId": "req_1",
        "sent": "full",
        "serviceTier": "default",
      },
      "responseId": "resp_68a1f0c3b5a88196a1c2",
      "type": "reply",
      "usage": {
        "cachedInputTokens": 0,
        "inputTokens": 18,
        "outputTokens": 10,
        "reasoningTokens": 0,
        "totalTokens": 28,
      },
    }
  `);
});

it("responses-reasoning-parallel-calls.sse is reasoning, kept whole, and two calls, the first of which belongs to it", async () => {
  const { shown, reply } = await decode("responses-reasoning-parallel-calls.sse", responses("gpt-5-mini"));
  expect(shown).toMatchInlineSnapshot(`
    [
      "reasoning_delta **Checking both cities**

    ",
      "reasoning_delta The user wants the weather of two cities, ",
      "reasoning_delta so I call the tool twice.",
      "call_Yb3TqP0mLw1 get_weather ",
      "call_Yb3TqP0mLw1  {"",
      "call_Yb3TqP0mLw1  city",
      "call_Yb3TqP0mLw1  ":"",
      "call_Yb3TqP0mLw1  Z",
      "call_Yb3TqP0mLw1  ürich",
      "call_Yb3TqP0mLw1  "}",
      "call_hV8sNd2KfR7 get_weather ",
      "call_hV8sNd2KfR7  {"city":"",
      "call_hV8sNd2KfR7  Bern",
      "call_hV8sNd2KfR7  "}",
    ]
  `);
  expect(reply).toMatchInlineSnapshot(`
    {
      "finishReason": "tool_calls",
      "items": [
        {
          "data": {
            "encrypted_content": "gAAAAABoofKrT1xk3vQ2m9Zs0bYx7n==",
            "id": "rs_68a1f2aa30c881978ff1",
            "summary": [
              {
                "text": "**Checking both cities**

    The user wants the weather of two cities, so I call the tool twice.",
                "type": "summary_text",
              },
            ],
            "type": "reasoning",
          },
          "provider": "openai",
          "summary": "**Checking both cities**

    The user wants the weather of two cities, so I call the tool twice.",
          "type": "reasoning",
        },
        {
          "arguments": "{"city":"Zürich"}",
          "callId": "call_Yb3TqP0mLw1",
          "name": "get_weather",
          "providerData": {
            "openai": {
              "after": "rs_68a1f2aa30c881978ff1",
              "dialect": "responses",
              "id": "fc_68a1f2ac1d58819790aa",
            },
          },
          "type": "tool_call",
        },
        {
          "arguments": "{"city":"Bern"}",
          "callId": "call_hV8sNd2KfR7",
          "name": "get_weather",
          "providerData": {
            "openai": {
              "after": "rs_68a1f2aa30c881978ff1",
              "dialect": "responses",
              "id": "fc_68a1f2ac6e0c8197b1c3",
            },
          },
          "type": "tool_call",
        },
      ],
      "providerData": {
        "model": "gpt-5-mini-2025-08-07",
        "requestId": "req_1",
        "sent": "full",
        "serviceTier": "default",
      },
      "responseId": "resp_68a1f2a9b2548197a9e0",
      "type": "reply",
      "usage": {
        "cachedInputTokens": 0,
        "inputTokens": 64,
        "outputTokens": 142,
        "reasoningTokens": 64,
        "totalTokens": 206,
      },
    }
  `);
});

it("responses-web-search.sse is a provider item, and a message with citations", async () => {
  const { shown, reply } = await decode("responses-web-search.sse", responses("gpt-4o"));
  expect(shown).toMatchInlineSnapshot(`
    [
      "ws_68a1f4b1c77c8198 web_search ",
      "text_delta The latest release of SQLite is ",
      "text_delta 3.51.0",
      "text_delta  ([sqlite.org](https://sqlite.org/news.html))",
      "text_delta .",
    ]
  `);
  expect(reply.items).toMatchInlineSnapshot(`
    [
      {
        "data": {
          "action": {
            "query": "SQLite latest release",
            "sources": null,
            "type": "search",
          },
          "id": "ws_68a1f4b1c77c8198",
          "status": "completed",
          "type": "web_search_call",
        },
        "provider": "openai",
        "type": "provider_item",
      },
      {
        "content": "The latest release of SQLite is 3.51.0 ([sqlite.org](https://sqlite.org/news.html)).",
        "providerData": {
          "openai": {
            "annotations": [
              [
                {
                  "end_index": 84,
                  "start_index": 40,
                  "title": "Recent SQLite News",
                  "type": "url_citation",
                  "url": "https://sqlite.org/news.html",
                },
              ],
            ],
            "dialect": "responses",
            "id": "msg_68a1f4b6d2088198",
          },
        },
        "role": "assistant",
        "type": "message",
      },
    ]
  `);
});

it("responses-hosted-tools.sse is three provider items, verbatim, and shows what they do", async () => {
  const { shown, reply } = await decode("responses-hosted-tools.sse", responses("gpt-5"));
  expect(shown).toMatchInlineSnapshot(`
    [
      "ci_68a1f5d0c4b88199 code_interpreter ",
      "ci_68a1f5d0c4b88199  print",
      "ci_68a1f5d0c4b88199  (2**100)",
      "mcp_68a1f5d4a2348199 list ",
      "mcp_68a1f5d4a2348199  {"path":"/"}",
      "ig_68a1f5d8b0ac8199 image_generation ",
      "text_delta Done: ",
      "text_delta 1267650600228229401496703205376",
      "text_delta .",
    ]
  `);
  expect(
    reply.items.map((item) => (item.type === "provider_item" ? (item.data as { type: string }).type : item.type)),
  ).toEqual(["code_interpreter_call", "mcp_call", "image_generation_call", "message"]);
});

it("chat-text.sse is a message", async () => {
  const { shown, reply } = await decode("chat-text.sse", chat("gpt-4o-mini"));
  expect(shown.join("|")).toMatchInlineSnapshot(
    `"text_delta Hello|text_delta !|text_delta  How|text_delta  can|text_delta  I|text_delta  help|text_delta ?"`,
  );
  expect(reply).toMatchInlineSnapshot(`
    {
      "finishReason": "stop",
      "items": [
        {
          "content": "Hello! How can I help?",
          "role": "assistant",
          "type": "message",
        },
      ],
      "providerData": {
        "model": "gpt-4o-mini-2024-07-18",
        "requestId": "req_1",
        "sent": "full",
        "serviceTier": "default",
        "systemFingerprint": "fp_560af6e559",
      },
      "responseId": "chatcmpl-CfA1b2C3d4",
      "type": "reply",
      "usage": {
        "cachedInputTokens": 0,
        "inputTokens": 18,
        "outputTokens": 8,
        "reasoningTokens": 0,
        "totalTokens": 26,
      },
    }
  `);
});

it("chat-parallel-calls.sse is two calls", async () => {
  const { shown, reply } = await decode("chat-parallel-calls.sse", chat("gpt-4o"));
  expect(shown).toMatchInlineSnapshot(`
    [
      "call_Yb3TqP0mLw1 get_weather ",
      "call_Yb3TqP0mLw1  {"ci",
      "call_Yb3TqP0mLw1  ty":"Zürich"}",
      "call_hV8sNd2KfR7 get_weather ",
      "call_hV8sNd2KfR7  {"city":"Bern"}",
    ]
  `);
  expect(reply.items).toMatchInlineSnapshot(`
    [
      {
        "arguments": "{"city":"Zürich"}",
        "callId": "call_Yb3TqP0mLw1",
        "name": "get_weather",
        "type": "tool_call",
      },
      {
        "arguments": "{"city":"Bern"}",
        "callId": "call_hV8sNd2KfR7",
        "name": "get_weather",
        "type": "tool_call",
      },
    ]
  `);
  expect(reply.usage).toMatchInlineSnapshot(`
    {
      "cachedInputTokens": 64,
      "inputTokens": 82,
      "outputTokens": 47,
      "reasoningTokens": 0,
      "totalTokens": 129,
    }
  `);
});

it("chat-openrouter-reasoning.sse keeps what is signed, whole and with the call", async () => {
  const { shown, reply } = await decode(
    "chat-openrouter-reasoning.sse",
    compatible("openrouter", "google/gemini-2.5-flash"),
  );
  expect(shown).toMatchInlineSnapshot(`
    [
      "reasoning_delta I should ",
      "reasoning_delta look it up.",
      "tool_0_get_weather get_weather {"city":"Bern"}",
    ]
  `);
  expect(reply).toMatchInlineSnapshot(`
    {
      "finishReason": "tool_calls",
      "items": [
        {
          "data": {
            "details": [
              {
                "format": "google-gemini-v1",
                "index": 0,
                "text": "I should look it up.",
                "type": "reasoning.text",
              },
              {
                "data": "CiQB0e2Kb3c=",
                "format": "google-gemini-v1",
                "index": 1,
                "type": "reasoning.encrypted",
              },
            ],
            "field": "reasoning",
            "text": "I should look it up.",
            "type": "chat_reasoning",
          },
          "provider": "openrouter",
          "summary": "I should look it up.",
          "type": "reasoning",
        },
        {
          "arguments": "{"city":"Bern"}",
          "callId": "tool_0_get_weather",
          "name": "get_weather",
          "providerData": {
            "openrouter": {
              "dialect": "chat",
              "extra_content": {
                "google": {
                  "thought_signature": "CiQB0e2Kb3c=",
                },
              },
            },
          },
          "type": "tool_call",
        },
      ],
      "providerData": {
        "model": "google/gemini-2.5-flash",
        "requestId": "req_1",
        "sent": "full",
      },
      "responseId": "gen-1763900200-Abc",
      "type": "reply",
      "usage": {
        "cachedInputTokens": 0,
        "inputTokens": 45,
        "outputTokens": 61,
        "reasoningTokens": 40,
        "totalTokens": 106,
      },
    }
  `);
});

it("chat-deepseek-reasoning.sse is reasoning and a message", async () => {
  const { reply } = await decode("chat-deepseek-reasoning.sse", compatible("deepseek", "deepseek-reasoner"));
  expect(reply.items).toMatchInlineSnapshot(`
    [
      {
        "data": {
          "field": "reasoning_content",
          "text": "Simple arithmetic.",
          "type": "chat_reasoning",
        },
        "provider": "deepseek",
        "summary": "Simple arithmetic.",
        "type": "reasoning",
      },
      {
        "content": "4",
        "role": "assistant",
        "type": "message",
      },
    ]
  `);
});

it("chat-azure-filtered.sse ended with content_filter", async () => {
  const { reply } = await decode("chat-azure-filtered.sse", chat("gpt-4o"));
  expect(reply.finishReason).toBe("content_filter");
});
