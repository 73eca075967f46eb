import type { FunctionSpec, HandoffSpec, JsonSchema, Model, ModelRequest, VisibleItem } from "@batonjs/core";
import { requestOf, type RequestOptions } from "@batonjs/testing";
import { chatDialect, responsesDialect } from "@batonjs/testing/model";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openai, openaiCompatible } from "./index.ts";

/** What arrived last. */
let last: { url: string; headers: Headers; body: Record<string, unknown> };
const answer =
  (dialect: typeof chatDialect) =>
  async ({ request }: { request: Request }) => {
    last = {
      url: request.url,
      headers: request.headers,
      body: (await request.clone().json()) as Record<string, unknown>,
    };
    return new HttpResponse(dialect.encode({ text: ["ok"] }).frames.join(""), {
      headers: { "content-type": "text/event-stream" },
    });
  };
const server = setupServer(
  http.post("*/responses", answer(responsesDialect)),
  http.post("*/chat/completions", answer(chatDialect)),
);
beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const USER: VisibleItem = { type: "message", id: "1", role: "user", content: "I was charged twice" };

async function bodyOf(
  model: Model,
  items: readonly VisibleItem[],
  options: RequestOptions = {},
): Promise<Record<string, unknown>> {
  for await (const event of model.stream(requestOf(items, options))) if (event.type === "reply") return last.body;
  throw new Error("no reply");
}
const failureOf = async (model: Model, items: readonly VisibleItem[], options: RequestOptions = {}): Promise<unknown> =>
  bodyOf(model, items, options).catch((error: unknown) => error);

const KEY = { apiKey: "sk-test-12345678" };
const gpt = openai(KEY).responses("gpt-4o");
const gptChat = openai(KEY).chat("gpt-4o");
const local = openaiCompatible({ name: "local", baseURL: "http://localhost:11434/v1" });

const payload: JsonSchema = {
  type: "object",
  properties: { amount: { type: ["number", "null"] } },
  required: ["amount"],
};
const lookup: FunctionSpec = {
  type: "function",
  name: "lookup",
  description: "Finds a charge.",
  parameters: { type: "object", properties: { id: { type: "string" }, year: { type: "number" } }, required: ["id"] },
};
const transfer: HandoffSpec = {
  type: "handoff",
  name: "transfer_to_billing",
  description: "Refunds.",
  parameters: payload,
  to: "Billing",
};

/** A conversation with a call and its result, as a run records it after Responses and after Chat Completions alike. */
const CONVERSATION: readonly VisibleItem[] = [
  USER,
  { type: "message", id: "2", agent: "Triage", role: "assistant", content: "Let me look." },
  { type: "tool_call", id: "3", agent: "Triage", callId: "call_1", name: "lookup", arguments: '{"id":"ch_1"}' },
  { type: "tool_call", id: "4", agent: "Triage", callId: "call_2", name: "lookup", arguments: '{"id":' },
  { type: "tool_result", id: "5", agent: "Triage", callId: "call_1", output: "2 charges", status: "ok" },
  {
    type: "tool_result",
    id: "6",
    agent: "Triage",
    callId: "call_2",
    output: "The arguments are not JSON",
    status: "error",
  },
];

const ALL_SETTINGS: ModelRequest["settings"] = {
  temperature: 0.2,
  topP: 0.9,
  maxOutputTokens: 500,
  toolChoice: { name: "lookup" },
  parallelToolCalls: false,
  reasoning: { effort: "low", summary: "auto" },
  stop: ["END"],
  seed: 7,
  presencePenalty: 0.1,
  frequencyPenalty: 0.2,
  providerOptions: {
    openai: {
      serviceTier: "flex",
      promptCacheKey: "desk",
      verbosity: "low",
      logprobs: true,
      topLogprobs: 2,
      metadata: { desk: "1" },
    },
    another: { ignored: true },
  },
};

describe("Responses", () => {
  it("sends instructions, items, tools and handoffs", async () => {
    const body = await bodyOf(gpt, CONVERSATION, { instructions: "Route.", tools: [lookup], handoffs: [transfer] });
    expect(last.url).toBe("https://api.openai.com/v1/responses");
    expect(last.headers.get("authorization")).toBe("Bearer sk-test-12345678");
    expect(body).toMatchInlineSnapshot(`
      {
        "input": [
          {
            "content": "I was charged twice",
            "role": "user",
            "type": "message",
          },
          {
            "content": [
              {
                "annotations": [],
                "text": "Let me look.",
                "type": "output_text",
              },
            ],
            "role": "assistant",
            "type": "message",
          },
          {
            "arguments": "{"id":"ch_1"}",
            "call_id": "call_1",
            "name": "lookup",
            "type": "function_call",
          },
          {
            "arguments": "{"id":",
            "call_id": "call_2",
            "name": "lookup",
            "type": "function_call",
          },
          {
            "call_id": "call_1",
            "output": "2 charges",
            "type": "function_call_output",
          },
          {
            "call_id": "call_2",
            "output": "The arguments are not JSON",
            "type": "function_call_output",
          },
        ],
        "instructions": "Route.",
        "model": "gpt-4o",
        "stream": true,
        "tools": [
          {
            "description": "Finds a charge.",
            "name": "lookup",
            "parameters": {
              "properties": {
                "id": {
                  "type": "string",
                },
                "year": {
                  "type": "number",
                },
              },
              "required": [
                "id",
              ],
              "type": "object",
            },
            "strict": false,
            "type": "function",
          },
          {
            "description": "Refunds.",
            "name": "transfer_to_billing",
            "parameters": {
              "additionalProperties": false,
              "properties": {
                "amount": {
                  "type": [
                    "number",
                    "null",
                  ],
                },
              },
              "required": [
                "amount",
              ],
              "type": "object",
            },
            "strict": true,
            "type": "function",
          },
        ],
      }
    `);
  });

  it("sends the settings that it knows, and what only OpenAI knows", async () => {
    const { input: _, tools: __, ...body } = await bodyOf(gpt, [USER], { tools: [lookup], settings: ALL_SETTINGS });
    expect(body).toMatchInlineSnapshot(`
      {
        "include": [
          "message.output_text.logprobs",
        ],
        "max_output_tokens": 500,
        "metadata": {
          "desk": "1",
        },
        "model": "gpt-4o",
        "parallel_tool_calls": false,
        "prompt_cache_key": "desk",
        "reasoning": {
          "effort": "low",
          "summary": "auto",
        },
        "service_tier": "flex",
        "stream": true,
        "temperature": 0.2,
        "text": {
          "verbosity": "low",
        },
        "tool_choice": {
          "name": "lookup",
          "type": "function",
        },
        "top_logprobs": 2,
        "top_p": 0.9,
      }
    `);
  });

  it("sends images and files", async () => {
    const content = [
      { type: "text", text: "What is it?" },
      { type: "image", url: "https://example.com/a.png", detail: "low" },
      { type: "image", fileId: "file_1" },
      { type: "file", url: "data:application/pdf;base64,AAAA" },
      { type: "file", url: "https://example.com/a.pdf", filename: "a.pdf" },
      { type: "file", fileId: "file_2" },
    ] as const;
    const { input } = await bodyOf(gpt, [{ ...USER, content }]);
    expect(input).toMatchInlineSnapshot(`
      [
        {
          "content": [
            {
              "text": "What is it?",
              "type": "input_text",
            },
            {
              "detail": "low",
              "image_url": "https://example.com/a.png",
              "type": "input_image",
            },
            {
              "detail": "auto",
              "file_id": "file_1",
              "type": "input_image",
            },
            {
              "file_data": "data:application/pdf;base64,AAAA",
              "filename": "file.pdf",
              "type": "input_file",
            },
            {
              "file_url": "https://example.com/a.pdf",
              "filename": "a.pdf",
              "type": "input_file",
            },
            {
              "file_id": "file_2",
              "type": "input_file",
            },
          ],
          "role": "user",
          "type": "message",
        },
      ]
    `);
  });

  it("gives reasoning, ids and citations back as they came", async () => {
    const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" };
    const items: VisibleItem[] = [
      USER,
      { type: "reasoning", id: "2", agent: "A", provider: "openai", data: reasoning },
      {
        type: "tool_call",
        id: "3",
        agent: "A",
        callId: "call_1",
        name: "lookup",
        arguments: "{}",
        providerData: { openai: { dialect: "responses", id: "fc_1", after: "rs_1", namespace: "crm" } },
      },
      {
        type: "tool_call",
        id: "3b",
        agent: "A",
        callId: "call_2",
        name: "lookup",
        arguments: "{}",
        providerData: { openai: { dialect: "responses", id: "fc_2", after: "rs_1" } },
      },
      { type: "tool_result", id: "4", agent: "A", callId: "call_1", output: "x", status: "ok" },
      { type: "tool_result", id: "4b", agent: "A", callId: "call_2", output: "y", status: "ok" },
      {
        type: "provider_item",
        id: "5",
        agent: "A",
        provider: "openai",
        data: { type: "web_search_call", id: "ws_1", status: "completed" },
      },
      {
        type: "message",
        id: "6",
        agent: "A",
        role: "assistant",
        content: "Here.",
        providerData: {
          openai: {
            dialect: "responses",
            id: "msg_1",
            phase: "final_answer",
            annotations: [[{ type: "url_citation" }]],
          },
        },
      },
    ];
    expect((await bodyOf(gpt, items))["input"]).toMatchInlineSnapshot(`
      [
        {
          "content": "I was charged twice",
          "role": "user",
          "type": "message",
        },
        {
          "encrypted_content": "gAAA",
          "id": "rs_1",
          "summary": [],
          "type": "reasoning",
        },
        {
          "arguments": "{}",
          "call_id": "call_1",
          "id": "fc_1",
          "name": "lookup",
          "namespace": "crm",
          "type": "function_call",
        },
        {
          "arguments": "{}",
          "call_id": "call_2",
          "id": "fc_2",
          "name": "lookup",
          "type": "function_call",
        },
        {
          "call_id": "call_1",
          "output": "x",
          "type": "function_call_output",
        },
        {
          "call_id": "call_2",
          "output": "y",
          "type": "function_call_output",
        },
        {
          "id": "ws_1",
          "status": "completed",
          "type": "web_search_call",
        },
        {
          "content": [
            {
              "annotations": [
                {
                  "type": "url_citation",
                },
              ],
              "text": "Here.",
              "type": "output_text",
            },
          ],
          "id": "msg_1",
          "phase": "final_answer",
          "role": "assistant",
          "status": "completed",
          "type": "message",
        },
      ]
    `);
    // Without the reasoning, which a filter may take away, an id would be refused.
    expect((await bodyOf(gpt, [USER, ...items.slice(2, 6)]))["input"]).toMatchInlineSnapshot(`
      [
        {
          "content": "I was charged twice",
          "role": "user",
          "type": "message",
        },
        {
          "arguments": "{}",
          "call_id": "call_1",
          "name": "lookup",
          "namespace": "crm",
          "type": "function_call",
        },
        {
          "arguments": "{}",
          "call_id": "call_2",
          "name": "lookup",
          "type": "function_call",
        },
        {
          "call_id": "call_1",
          "output": "x",
          "type": "function_call_output",
        },
        {
          "call_id": "call_2",
          "output": "y",
          "type": "function_call_output",
        },
      ]
    `);
  });

  it("asks for encrypted reasoning where nothing is stored, and sends none back that is not", async () => {
    const items: VisibleItem[] = [
      USER,
      {
        type: "reasoning",
        id: "2",
        agent: "A",
        provider: "openai",
        data: { type: "reasoning", id: "rs_1", summary: [] },
      },
      {
        type: "message",
        id: "3",
        agent: "A",
        role: "assistant",
        content: "x",
        providerData: { openai: { dialect: "responses", id: "msg_1", after: "rs_1" } },
      },
    ];
    const settings = { providerOptions: { openai: { store: false } } };
    const { input, include, store } = await bodyOf(openai(KEY).responses("gpt-5-mini"), items, { settings });
    expect({ include, store }).toEqual({ include: ["reasoning.encrypted_content"], store: false });
    expect(JSON.stringify(input)).not.toMatch(/rs_1|msg_1/);
    expect((await bodyOf(gpt, items, { settings }))["include"]).toBeUndefined();
  });

  it("offers hosted tools as OpenAI describes them", async () => {
    const tools = [
      openai.hosted({ type: "web_search" }),
      openai.hosted({ type: "code_interpreter" }),
      openai.hosted({ type: "mcp", server_label: "files", server_url: "https://mcp.example" }),
    ];
    const body = await bodyOf(gpt, [USER], { tools, settings: { toolChoice: { name: "web_search" } } });
    expect({ tools: body["tools"], tool_choice: body["tool_choice"] }).toMatchInlineSnapshot(`
      {
        "tool_choice": {
          "type": "web_search",
        },
        "tools": [
          {
            "type": "web_search",
          },
          {
            "container": {
              "type": "auto",
            },
            "type": "code_interpreter",
          },
          {
            "server_label": "files",
            "server_url": "https://mcp.example",
            "type": "mcp",
          },
        ],
      }
    `);
  });

  it("asks for structured output, strict where the schema allows it", async () => {
    const strict = await bodyOf(gpt, [USER], { output: { name: "the verdict", schema: payload } });
    expect(strict["text"]).toMatchInlineSnapshot(`
      {
        "format": {
          "name": "the_verdict",
          "schema": {
            "additionalProperties": false,
            "properties": {
              "amount": {
                "type": [
                  "number",
                  "null",
                ],
              },
            },
            "required": [
              "amount",
            ],
            "type": "object",
          },
          "strict": true,
          "type": "json_schema",
        },
      }
    `);
    const loose = await bodyOf(gpt, [USER], { output: { name: "verdict", schema: lookup.parameters } });
    expect(loose["text"]).toMatchObject({ format: { strict: false, schema: lookup.parameters } });
  });
});

describe("Chat Completions", () => {
  it("sends instructions, items, tools and handoffs; the calls of one reply in one message", async () => {
    const body = await bodyOf(gptChat, CONVERSATION, { instructions: "Route.", tools: [lookup], handoffs: [transfer] });
    expect(last.url).toBe("https://api.openai.com/v1/chat/completions");
    expect(body).toMatchInlineSnapshot(`
      {
        "messages": [
          {
            "content": "Route.",
            "role": "system",
          },
          {
            "content": "I was charged twice",
            "role": "user",
          },
          {
            "content": "Let me look.",
            "role": "assistant",
            "tool_calls": [
              {
                "function": {
                  "arguments": "{"id":"ch_1"}",
                  "name": "lookup",
                },
                "id": "call_1",
                "type": "function",
              },
              {
                "function": {
                  "arguments": "{"id":",
                  "name": "lookup",
                },
                "id": "call_2",
                "type": "function",
              },
            ],
          },
          {
            "content": "2 charges",
            "role": "tool",
            "tool_call_id": "call_1",
          },
          {
            "content": "The arguments are not JSON",
            "role": "tool",
            "tool_call_id": "call_2",
          },
        ],
        "model": "gpt-4o",
        "stream": true,
        "stream_options": {
          "include_usage": true,
        },
        "tools": [
          {
            "function": {
              "description": "Finds a charge.",
              "name": "lookup",
              "parameters": {
                "properties": {
                  "id": {
                    "type": "string",
                  },
                  "year": {
                    "type": "number",
                  },
                },
                "required": [
                  "id",
                ],
                "type": "object",
              },
              "strict": false,
            },
            "type": "function",
          },
          {
            "function": {
              "description": "Refunds.",
              "name": "transfer_to_billing",
              "parameters": {
                "additionalProperties": false,
                "properties": {
                  "amount": {
                    "type": [
                      "number",
                      "null",
                    ],
                  },
                },
                "required": [
                  "amount",
                ],
                "type": "object",
              },
              "strict": true,
            },
            "type": "function",
          },
        ],
      }
    `);
  });

  it("sends the settings that it knows, and what only OpenAI knows", async () => {
    const {
      messages: _,
      tools: __,
      ...body
    } = await bodyOf(gptChat, [USER], { tools: [lookup], settings: ALL_SETTINGS });
    expect(body).toMatchInlineSnapshot(`
      {
        "frequency_penalty": 0.2,
        "logprobs": true,
        "max_completion_tokens": 500,
        "metadata": {
          "desk": "1",
        },
        "model": "gpt-4o",
        "parallel_tool_calls": false,
        "presence_penalty": 0.1,
        "prompt_cache_key": "desk",
        "reasoning_effort": "low",
        "seed": 7,
        "service_tier": "flex",
        "stop": [
          "END",
        ],
        "stream": true,
        "stream_options": {
          "include_usage": true,
        },
        "temperature": 0.2,
        "tool_choice": {
          "function": {
            "name": "lookup",
          },
          "type": "function",
        },
        "top_logprobs": 2,
        "top_p": 0.9,
        "verbosity": "low",
      }
    `);
  });

  it("sends images, files and audio", async () => {
    const content = [
      { type: "text", text: "What is it?" },
      { type: "image", url: "https://example.com/a.png", detail: "low" },
      { type: "file", url: "data:application/pdf;base64,AAAA", filename: "a.pdf" },
      { type: "file", fileId: "file_2" },
      { type: "file", url: "data:audio/mpeg;base64,BBBB" },
    ] as const;
    expect((await bodyOf(gptChat, [{ ...USER, content }]))["messages"]).toMatchInlineSnapshot(`
      [
        {
          "content": [
            {
              "text": "What is it?",
              "type": "text",
            },
            {
              "image_url": {
                "detail": "low",
                "url": "https://example.com/a.png",
              },
              "type": "image_url",
            },
            {
              "file": {
                "file_data": "data:application/pdf;base64,AAAA",
                "filename": "a.pdf",
              },
              "type": "file",
            },
            {
              "file": {
                "file_id": "file_2",
              },
              "type": "file",
            },
            {
              "input_audio": {
                "data": "BBBB",
                "format": "mp3",
              },
              "type": "input_audio",
            },
          ],
          "role": "user",
        },
      ]
    `);
  });

  it("keeps two replies apart, and what two agents said", async () => {
    const items: VisibleItem[] = [
      USER,
      { type: "message", id: "2", agent: "A", role: "assistant", content: "One." },
      { type: "message", id: "3", agent: "A", role: "assistant", content: "Two." },
      { type: "tool_call", id: "4", agent: "B", callId: "c", name: "f", arguments: "{}" },
      { type: "tool_result", id: "5", agent: "B", callId: "c", output: "x", status: "ok" },
    ];
    expect((await bodyOf(gptChat, items))["messages"]).toMatchInlineSnapshot(`
      [
        {
          "content": "I was charged twice",
          "role": "user",
        },
        {
          "content": "One.",
          "role": "assistant",
        },
        {
          "content": "Two.",
          "role": "assistant",
        },
        {
          "content": null,
          "role": "assistant",
          "tool_calls": [
            {
              "function": {
                "arguments": "{}",
                "name": "f",
              },
              "id": "c",
              "type": "function",
            },
          ],
        },
        {
          "content": "x",
          "role": "tool",
          "tool_call_id": "c",
        },
      ]
    `);
  });

  it("gives reasoning back as the server sent it, with what is signed", async () => {
    const thought: VisibleItem[] = [
      {
        type: "reasoning",
        id: "2",
        agent: "A",
        provider: "local",
        data: {
          type: "chat_reasoning",
          field: "reasoning_content",
          text: "Hm.",
          details: [{ type: "reasoning.encrypted", data: "x" }],
        },
      },
      {
        type: "tool_call",
        id: "3",
        agent: "A",
        callId: "c",
        name: "f",
        arguments: "{}",
        providerData: { local: { dialect: "chat", extra_content: { google: { thought_signature: "s" } } } },
      },
      { type: "tool_result", id: "4", agent: "A", callId: "c", output: "x", status: "ok" },
    ];
    expect((await bodyOf(local.chat("r1"), [USER, ...thought]))["messages"]).toMatchInlineSnapshot(`
      [
        {
          "content": "I was charged twice",
          "role": "user",
        },
        {
          "content": null,
          "reasoning_content": "Hm.",
          "reasoning_details": [
            {
              "data": "x",
              "type": "reasoning.encrypted",
            },
          ],
          "role": "assistant",
          "tool_calls": [
            {
              "extra_content": {
                "google": {
                  "thought_signature": "s",
                },
              },
              "function": {
                "arguments": "{}",
                "name": "f",
              },
              "id": "c",
              "type": "function",
            },
          ],
        },
        {
          "content": "x",
          "role": "tool",
          "tool_call_id": "c",
        },
      ]
    `);
    const later = (await bodyOf(local.chat("r1"), [USER, ...thought, { ...USER, id: "9" }]))["messages"];
    expect(JSON.stringify(later)).toContain('"reasoning_content":"Hm."');
  });
});

describe("another server", () => {
  it("gets what most of them understand, and no key", async () => {
    const body = await bodyOf(
      local.chat("llama3.2"),
      [...CONVERSATION, { type: "message", id: "7", role: "developer", content: "Be brief." }],
      {
        instructions: "Route.",
        tools: [lookup],
        handoffs: [transfer],
        settings: { maxOutputTokens: 100 },
      },
    );
    expect(last.url).toBe("http://localhost:11434/v1/chat/completions");
    expect(last.headers.get("authorization")).toBeNull();
    expect(body).toMatchInlineSnapshot(`
      {
        "max_tokens": 100,
        "messages": [
          {
            "content": "Route.",
            "role": "system",
          },
          {
            "content": "I was charged twice",
            "role": "user",
          },
          {
            "content": "Let me look.",
            "role": "assistant",
            "tool_calls": [
              {
                "function": {
                  "arguments": "{"id":"ch_1"}",
                  "name": "lookup",
                },
                "id": "call_1",
                "type": "function",
              },
              {
                "function": {
                  "arguments": "{"invalid_arguments":"{\\"id\\":"}",
                  "name": "lookup",
                },
                "id": "call_2",
                "type": "function",
              },
            ],
          },
          {
            "content": "2 charges",
            "role": "tool",
            "tool_call_id": "call_1",
          },
          {
            "content": "The arguments are not JSON",
            "role": "tool",
            "tool_call_id": "call_2",
          },
          {
            "content": "Be brief.",
            "role": "system",
          },
        ],
        "model": "llama3.2",
        "stream": true,
        "stream_options": {
          "include_usage": true,
        },
        "tools": [
          {
            "function": {
              "description": "Finds a charge.",
              "name": "lookup",
              "parameters": {
                "properties": {
                  "id": {
                    "type": "string",
                  },
                  "year": {
                    "type": "number",
                  },
                },
                "required": [
                  "id",
                ],
                "type": "object",
              },
            },
            "type": "function",
          },
          {
            "function": {
              "description": "Refunds.",
              "name": "transfer_to_billing",
              "parameters": {
                "properties": {
                  "amount": {
                    "type": [
                      "number",
                      "null",
                    ],
                  },
                },
                "required": [
                  "amount",
                ],
                "type": "object",
              },
            },
            "type": "function",
          },
        ],
      }
    `);
  });

  it("gets what it is said to understand", async () => {
    const picky = openaiCompatible({
      name: "picky",
      baseURL: "https://picky.example/v1",
      apiKey: "key-12345678",
      headers: { "x-title": "Baton" },
      compatibility: {
        maxTokensField: "max_completion_tokens",
        streamUsage: false,
        structuredOutput: "json_object",
        strictFunctions: true,
        brokenArguments: true,
        developerRole: true,
      },
    });
    const { messages, ...body } = await bodyOf(
      picky.chat("m"),
      [...CONVERSATION, { type: "message", id: "7", role: "developer", content: "Be brief." }],
      {
        instructions: "Route.",
        handoffs: [transfer],
        output: { name: "verdict", schema: payload },
        settings: {
          maxOutputTokens: 100,
          providerOptions: { picky: { topK: 40, chatTemplateKwargs: { enable_thinking: false } } },
        },
      },
    );
    expect({ authorization: last.headers.get("authorization"), title: last.headers.get("x-title") }).toEqual({
      authorization: "Bearer key-12345678",
      title: "Baton",
    });
    expect((messages as { content: string }[])[0]).toMatchInlineSnapshot(`
      {
        "content": "Route.

      Answer with nothing but a JSON object that follows this JSON Schema:
      {"type":"object","properties":{"amount":{"type":["number","null"]}},"required":["amount"],"additionalProperties":false}",
        "role": "system",
      }
    `);
    expect(JSON.stringify(messages)).toContain(String.raw`{\"id\":`);
    expect(body).toMatchInlineSnapshot(`
      {
        "chat_template_kwargs": {
          "enable_thinking": false,
        },
        "max_completion_tokens": 100,
        "model": "m",
        "response_format": {
          "type": "json_object",
        },
        "stream": true,
        "tools": [
          {
            "function": {
              "description": "Refunds.",
              "name": "transfer_to_billing",
              "parameters": {
                "additionalProperties": false,
                "properties": {
                  "amount": {
                    "type": [
                      "number",
                      "null",
                    ],
                  },
                },
                "required": [
                  "amount",
                ],
                "type": "object",
              },
              "strict": true,
            },
            "type": "function",
          },
        ],
        "top_k": 40,
      }
    `);
  });
});

describe("what cannot be said is refused before anything is sent, with the reason", () => {
  const optional: FunctionSpec = { ...lookup, strict: true };
  const cases: readonly (readonly [string, Model, readonly VisibleItem[], RequestOptions, string])[] = [
    [
      "a strict tool with an optional parameter",
      gpt,
      [USER],
      { tools: [optional] },
      'the parameters of tool "lookup" cannot be strict: "year" may be left out; make it required and nullable',
    ],
    [
      "a strict output that is open",
      gptChat,
      [USER],
      { output: { name: "o", schema: { type: "object" }, strict: true } },
      'the output schema "o" cannot be strict: it has properties of any name',
    ],
    [
      "an output that is no object",
      gpt,
      [USER],
      { output: { name: "o", schema: { type: "array" } as never } },
      'the output schema "o" must be that of an object; wrap it in one',
    ],
    [
      "another provider's hosted tool",
      gpt,
      [USER],
      { tools: [{ type: "hosted", provider: "anthropic", name: "bash" }] },
      `the hosted tool "bash" is anthropic's, not openai's`,
    ],
    [
      "a hosted tool in Chat Completions",
      gptChat,
      [USER],
      { tools: [openai.hosted({ type: "web_search" })] },
      'Chat Completions has no hosted tools such as "web_search": use the model with responses()',
    ],
    [
      "an image by id in Chat Completions",
      gptChat,
      [{ ...USER, content: [{ type: "image", fileId: "f" }] } as VisibleItem],
      {},
      "Chat Completions takes images by url only: use the model with responses() for a fileId",
    ],
    [
      "a file by URL in Chat Completions",
      gptChat,
      [{ ...USER, content: [{ type: "file", url: "https://example.com/a.pdf" }] } as VisibleItem],
      {},
      "Chat Completions takes files as data URLs or by fileId: use the model with responses() for other URLs",
    ],
    [
      "a field that follows from the run",
      gpt,
      [USER],
      { settings: { providerOptions: { openai: { stream: false } } } },
      "providerOptions.openai.stream cannot be set: it follows from the run",
    ],
    [
      "a conversation by hand",
      gpt,
      [USER],
      { settings: { providerOptions: { openai: { previousResponseId: "resp_1" } } } },
      "providerOptions.openai.previousResponseId cannot be set: it follows from the run; use the option continuation",
    ],
  ];
  for (const [what, model, items, options, reason] of cases) {
    it(what, async () => {
      const error = await failureOf(model, items, options);
      expect(error).toMatchObject({ name: "ModelError", kind: "invalid_request", retryable: false });
      expect((error as Error).message).toBe(`Cannot get a reply from "gpt-4o" of openai: ${reason}`);
    });
  }
});
