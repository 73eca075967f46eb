import { inspect } from "node:util";
import { type Model, ModelError } from "@batonjs/core";
import { requestOf } from "@batonjs/testing";
import { chatDialect, responsesDialect } from "@batonjs/testing/model";
import { AzureOpenAI, OpenAI } from "openai";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openai, openaiCompatible, type OpenAIOptions } from "./index.ts";

const REQUEST = requestOf([{ type: "message", id: "1", role: "user", content: "hi" }]);

/** A `fetch` that answers in the dialect of the path, and keeps what it was called with. */
function listening(): { fetch: typeof globalThis.fetch; calls: { url: string; headers: Headers }[] } {
  const calls: { url: string; headers: Headers }[] = [];
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    calls.push({ url: String(url), headers: new Headers(init?.headers) });
    const dialect = String(url).includes("/responses") ? responsesDialect : chatDialect;
    return new Response(dialect.encode({ text: ["ok"] }).frames.join(""), {
      headers: { "content-type": "text/event-stream" },
    });
  };
  return { fetch, calls };
}

async function ask(model: Model | undefined): Promise<void> {
  for await (const _ of (model as Model).stream(REQUEST));
}

afterEach(() => vi.unstubAllEnvs());

describe("openai()", () => {
  it("refuses an option that it does not know: baseUrl would send the key to OpenAI", () => {
    const misspelt = { baseUrl: "http://localhost:1/v1" } as OpenAIOptions;
    expect(() => openai(misspelt)).toThrow(
      /^Cannot use option "baseUrl" of openai: known options are name, apiKey, baseURL, /,
    );
    const compatibility = { streamUse: false } as NonNullable<OpenAIOptions["compatibility"]>;
    expect(() => openai({ compatibility })).toThrow('Cannot use option "streamUse" of the compatibility of openai');
    expect(() => openaiCompatible({ name: "groq", baseURL: "http://localhost:1", apikey: "k" } as never)).toThrow(
      TypeError,
    );
  });

  it("says what to write to those who pass the name of a model", () => {
    const call = openai as unknown as (name: string) => unknown;
    expect(() => call("gpt-4o")).toThrow(
      new TypeError(
        'Cannot use "gpt-4o" as options of openai(): write openai.responses("gpt-4o") or openai.chat("gpt-4o") for a model, or openai() for the plugin',
      ),
    );
  });

  it("is a plugin that has OpenAI's models by their names, and any by its own", async () => {
    const { fetch, calls } = listening();
    const plugin = openai({ apiKey: "sk-test-12345678", fetch });
    expect(plugin.name).toBe("openai");
    for (const name of ["gpt-4o", "gpt-7-nano", "o3", "ft:gpt-4o:acme", "openai/a-new-name"])
      expect(plugin.model(name)?.name).toBe(name.replace("openai/", ""));
    for (const name of ["claude-opus-5", "llama3.2", "another/gpt-4o", ""]) expect(plugin.model(name)).toBeUndefined();
    await ask(plugin.model("gpt-4o"));
    expect(calls[0]?.url).toBe("https://api.openai.com/v1/responses");
  });

  it("has models without being in a runner", () => {
    expect(openai.responses("gpt-4o")).toMatchObject({ name: "gpt-4o", provider: "openai" });
    expect(openai.chat("gpt-4o")).toMatchObject({ name: "gpt-4o", provider: "openai" });
    expect(openai.hosted({ type: "file_search", vector_store_ids: ["vs_1"] })).toEqual({
      type: "hosted",
      provider: "openai",
      name: "file_search",
      data: { vector_store_ids: ["vs_1"] },
    });
  });

  it("reads the key and the URL from the environment, when it asks", async () => {
    const { fetch, calls } = listening();
    vi.stubEnv("OPENAI_BASE_URL", "https://proxy.example/v1");
    const model = openai({ fetch }).model("llama3.2");
    vi.stubEnv("OPENAI_API_KEY", " sk-environment ");
    await ask(model);
    expect(calls[0]?.url).toBe("https://proxy.example/v1/chat/completions");
    expect(calls[0]?.headers.get("authorization")).toBe("Bearer sk-environment");
  });

  it("says that there is no key when it asks, not before", async () => {
    vi.stubEnv("OPENAI_API_KEY", "");
    vi.stubEnv("OPENAI_BASE_URL", "");
    const error = await ask(openai.responses("gpt-4o")).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({
      kind: "auth",
      retryable: false,
      message: 'Cannot get a reply from "gpt-4o" of openai: there is no API key: set OPENAI_API_KEY or pass apiKey',
    });
  });

  it("asks for a key for each request where it is given a function, and tells none of them", async () => {
    const seen: (string | null)[] = [];
    let keys = 0;
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      const key = new Headers(init?.headers).get("authorization");
      seen.push(key);
      return Response.json({ error: { message: `Bad key ${key}` } }, { status: 401 });
    };
    const model = openai({ apiKey: async () => `secret-number-${++keys}`, fetch }).responses("gpt-4o");
    for (let i = 0; i < 2; i++) {
      const error = (await ask(model).catch((thrown: unknown) => thrown)) as Error;
      expect(error.message).toContain("[redacted]");
      expect(inspect(error)).not.toContain("secret-number");
    }
    expect(seen).toEqual(["Bearer secret-number-1", "Bearer secret-number-2"]);
  });

  it("uses a client that is set up already, also one of Azure", async () => {
    const { fetch, calls } = listening();
    const azure = new AzureOpenAI({
      apiKey: "azure-key-123",
      endpoint: "https://desk.openai.azure.com",
      apiVersion: "2025-04-01-preview",
      fetch,
    });
    await ask(openai({ client: azure }).model("my-deployment"));
    await ask(openai({ client: azure }).chat("my-deployment"));
    expect(calls.map(({ url }) => url)).toEqual([
      "https://desk.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
      "https://desk.openai.azure.com/openai/deployments/my-deployment/chat/completions?api-version=2025-04-01-preview",
    ]);
    expect(calls[0]?.headers.get("api-key")).toBe("azure-key-123");
  });

  it("does not retry, whatever the client would do", async () => {
    let calls = 0;
    const fetch = async (): Promise<Response> => {
      calls++;
      return Response.json({ error: { message: "broken" } }, { status: 500 });
    };
    const client = new OpenAI({ apiKey: "sk-client-123", fetch, maxRetries: 5 });
    await expect(ask(openai({ client }).responses("gpt-4o"))).rejects.toMatchObject({ kind: "server" });
    expect(calls).toBe(1);
  });

  it("speaks the dialect that it is told to", async () => {
    const { fetch, calls } = listening();
    await ask(openai({ apiKey: "sk-test-12345678", fetch, api: "chat" }).model("gpt-4o"));
    await ask(
      openai({ apiKey: "sk-test-12345678", fetch, api: "responses", baseURL: "http://localhost:1234/v1/" }).model(
        "local",
      ),
    );
    expect(calls.map(({ url }) => url)).toEqual([
      "https://api.openai.com/v1/chat/completions",
      "http://localhost:1234/v1/responses",
    ]);
  });

  it("puts settings of the plugin below those of a model, and those below the agent's", async () => {
    let body: unknown;
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      body = JSON.parse(init?.body as string);
      return new Response(responsesDialect.encode({ text: ["ok"] }).frames.join(""), {
        headers: { "content-type": "text/event-stream" },
      });
    };
    const plugin = openai({
      apiKey: "sk-test-12345678",
      fetch,
      settings: { temperature: 0.1, topP: 0.5, providerOptions: { openai: { serviceTier: "flex", store: true } } },
    });
    const model = plugin.responses("gpt-4o", {
      temperature: 0.2,
      maxOutputTokens: 10,
      providerOptions: { openai: { store: false } },
    });
    for await (const _ of model.stream({ ...REQUEST, settings: { temperature: 0.3 } }));
    expect(body).toMatchObject({
      temperature: 0.3,
      top_p: 0.5,
      max_output_tokens: 10,
      service_tier: "flex",
      store: false,
    });
  });

  it("shows no key when it or its models are printed", () => {
    const plugin = openai({ apiKey: "sk-canary-12345678", headers: { "x-api-key": "canary-header" } });
    expect(inspect([plugin, plugin.responses("gpt-4o")], { depth: 10, showHidden: true })).not.toContain("canary");
  });
});

describe("openaiCompatible()", () => {
  it("has any model under its own name, and reads nothing of the environment", async () => {
    vi.stubEnv("OPENAI_API_KEY", "sk-environment");
    vi.stubEnv("OPENAI_BASE_URL", "https://proxy.example/v1");
    vi.stubEnv("OPENAI_ORG_ID", "org-environment");
    vi.stubEnv("OPENAI_CUSTOM_HEADERS", "x-gateway: environment\nx-other: environment");
    const { fetch, calls } = listening();
    const plugin = openaiCompatible({ name: "groq", baseURL: "https://api.groq.com/openai/v1", fetch });
    expect(plugin.name).toBe("groq");
    expect(plugin.model("llama-4")).toMatchObject({ name: "llama-4", provider: "groq" });
    await ask(plugin.model("llama-4"));
    expect(calls[0]?.url).toBe("https://api.groq.com/openai/v1/chat/completions");
    expect([...(calls[0]?.headers ?? [])].join()).not.toContain("environment");
  });

  it("sends the key that it is given, and no header that is left out", async () => {
    const { fetch, calls } = listening();
    await ask(
      openaiCompatible({
        name: "a",
        baseURL: "https://a.example/v1",
        apiKey: "key-1234",
        headers: { "user-agent": null },
        fetch,
      }).chat("m"),
    );
    await ask(
      openaiCompatible({
        name: "b",
        baseURL: "https://b.example/v1",
        headers: { Authorization: "Token abc" },
        fetch,
      }).chat("m"),
    );
    expect(calls.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer key-1234", "Token abc"]);
    expect(calls[0]?.headers.get("user-agent")).toBeNull();
  });
});

describe("a wrong option is a TypeError or RangeError at once", () => {
  const cases: readonly (readonly [string, () => unknown, string])[] = [
    [
      "a URL that is none",
      () => openai({ baseURL: "localhost" }),
      'Cannot use "localhost" as baseURL of openai: expected a URL such as "https://api.openai.com/v1"',
    ],
    [
      "an unknown api",
      () => openai({ api: "completions" as never }),
      'Cannot use "completions" as api of openai: expected "responses" or "chat"',
    ],
    [
      "a client and a key",
      () => openai({ client: new OpenAI({ apiKey: "x" }), apiKey: "y" }),
      'Cannot use option "apiKey" of openai together with client: set it on the client',
    ],
    [
      "a name with a slash",
      () => openaiCompatible({ name: "a/b", baseURL: "http://x" }),
      'Cannot use "a/b" as the name of a provider: expected letters, digits, ".", "_" or "-"',
    ],
    [
      "the name __proto__",
      () => openaiCompatible({ name: "__proto__", baseURL: "http://x" }),
      'Cannot use "__proto__" as the name of a provider: expected letters, digits, ".", "_" or "-"',
    ],
    [
      "no URL",
      () => openaiCompatible({ name: "a" } as never),
      'Cannot make the provider "a" without a baseURL: pass the address of its API, such as "http://localhost:11434/v1"',
    ],
    ["a model without a name", () => openai().chat(""), 'Cannot use "" as the name of a model of openai'],
    [
      "a hosted tool without a type",
      () => openai.hosted({} as never),
      'Cannot make a hosted tool without its type: write hosted({ type: "web_search" })',
    ],
  ];
  for (const [what, make, message] of cases) it(what, () => expect(make).toThrow(new TypeError(message)));

  for (const name of [
    "firstEventTimeoutMs",
    "idleTimeoutMs",
    "totalTimeoutMs",
    "maxEventLength",
    "maxResponseBytes",
  ] as const) {
    it(`${name} must be a number that it can be`, () => {
      for (const value of [null, -1, 1.5, Number.NaN, Infinity, "5"]) {
        expect(() => openai({ [name]: value } as unknown as OpenAIOptions), String(value)).toThrow(RangeError);
      }
      expect(() => openai({ [name]: 1 })).not.toThrow();
    });
  }
  it("times may be 0, for ever, but not more than timers take", () => {
    expect(() => openai({ idleTimeoutMs: 0 })).not.toThrow();
    expect(() => openai({ idleTimeoutMs: 2 ** 31 })).toThrow(RangeError);
    expect(() => openai({ maxEventLength: 0 })).toThrow(RangeError);
  });
});
