import type { Model, ModelReply, ModelRequest, VisibleItem } from "@batonjs/core";
import { requestOf, type RequestOptions } from "@batonjs/testing";
import { responsesDialect } from "@batonjs/testing/model";
import { describe, expect, it } from "vitest";
import { openai, type OpenAIOptions } from "./index.ts";

const USER: VisibleItem = { type: "message", id: "1", role: "user", content: "first" };
const ANSWER: VisibleItem = { type: "message", id: "2", agent: "A", role: "assistant", content: "ok" };
const MORE: VisibleItem = { type: "message", id: "3", role: "user", content: "second" };
const AFTER_FIRST = { since: { responseId: "resp_1", count: 2 } };

interface Sent {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** OpenAI, as far as it remembers: counts its responses and conversations, and knows only those. */
function remembering(options: OpenAIOptions = {}): { model: Model; sent: Sent[]; fail(next: Response | "cut"): void } {
  const sent: Sent[] = [];
  let responses = 0;
  let conversations = 0;
  let failure: Response | "cut" | undefined;
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const path = new URL(String(url)).pathname.replace("/v1", "");
    const body = JSON.parse(init?.body as string) as Record<string, unknown>;
    sent.push({ path, body });
    if (path === "/conversations") return Response.json({ id: `conv_${++conversations}`, object: "conversation" });
    const failed = failure;
    failure = undefined;
    if (failed instanceof Response) return failed;
    const { frames, terminal } = responsesDialect.encode({ id: `resp_${++responses}`, text: ["ok"] });
    return new Response(frames.slice(0, failed === "cut" ? terminal : undefined).join(""), {
      headers: { "content-type": "text/event-stream" },
    });
  };
  const model = openai({ apiKey: "sk-test-12345678", fetch, ...options }).responses("gpt-4o");
  return { model, sent, fail: (next) => (failure = next) };
}

async function ask(model: Model, items: readonly VisibleItem[], options: RequestOptions = {}): Promise<ModelReply> {
  for await (const event of model.stream(requestOf(items, options))) if (event.type === "reply") return event;
  throw new Error("no reply");
}

const textsOf = ({ body }: Sent): unknown =>
  (body["input"] as { content: unknown }[]).map(({ content }) =>
    typeof content === "string" ? content : (content as { text: string }[])[0]?.text,
  );
const gone = (): Response =>
  Response.json(
    {
      error: {
        type: "invalid_request_error",
        code: "previous_response_not_found",
        message: "Previous response with id 'resp_1' not found.",
      },
    },
    { status: 400 },
  );

describe("continuation: none", () => {
  it("sends everything, and says so", async () => {
    const { model, sent } = remembering();
    const reply = await ask(model, [USER, ANSWER, MORE], AFTER_FIRST);
    expect(textsOf(sent[0] as Sent)).toEqual(["first", "ok", "second"]);
    expect(sent[0]?.body).not.toHaveProperty("previous_response_id");
    expect(reply.providerData).toMatchObject({ sent: "full" });
  });
});

describe("continuation: response", () => {
  const options = { continuation: "response" } as const;

  it("sends what is new since the last response, and says so", async () => {
    const { model, sent } = remembering(options);
    const reply = await ask(model, [USER, ANSWER, MORE], { ...AFTER_FIRST, instructions: "Billing." });
    expect(textsOf(sent[0] as Sent)).toEqual(["second"]);
    expect(sent[0]?.body).toMatchObject({ previous_response_id: "resp_1", instructions: "Billing." });
    expect(reply.providerData).toMatchObject({ sent: "delta", previousResponseId: "resp_1" });
  });

  const everything: Readonly<Record<string, Partial<ModelRequest> & { readonly since?: object }>> = {
    "a filter has changed what the agent sees": {},
    "nothing is new": { since: { responseId: "resp_1", count: 3 } },
    "the last turn was one of Chat Completions": { since: { responseId: "chatcmpl-1", count: 2 } },
    "the last turn was another provider's": {
      since: { responseId: "resp_1", count: 2, provider: "another" } as { responseId: string; count: number },
    },
    "nothing is stored": { ...AFTER_FIRST, settings: { providerOptions: { openai: { store: false } } } },
  };
  for (const [what, request] of Object.entries(everything)) {
    it(`sends everything where ${what}`, async () => {
      const { model, sent } = remembering(options);
      const reply = await ask(model, [USER, ANSWER, MORE], request);
      expect(textsOf(sent[0] as Sent)).toEqual(["first", "ok", "second"]);
      expect(sent[0]?.body).not.toHaveProperty("previous_response_id");
      expect(reply.providerData).toMatchObject({ sent: "full" });
    });
  }

  it("sends everything where the server has forgotten the response", async () => {
    const { model, sent, fail } = remembering(options);
    fail(gone());
    const reply = await ask(model, [USER, ANSWER, MORE], AFTER_FIRST);
    expect(sent.map(textsOf)).toEqual([["second"], ["first", "ok", "second"]]);
    expect(reply.providerData).toMatchObject({ sent: "full" });
  });

  it("asks once where everything was sent and refused", async () => {
    const { model, sent, fail } = remembering(options);
    fail(gone());
    await expect(ask(model, [USER])).rejects.toMatchObject({ kind: "invalid_request" });
    expect(sent).toHaveLength(1);
  });
});

describe("continuation: conversation", () => {
  const options = { continuation: "conversation" } as const;
  const THIRD: VisibleItem = { ...MORE, id: "5", content: "third" };

  it("begins a conversation, and goes on in it", async () => {
    const { model, sent } = remembering(options);
    const first = await ask(model, [USER]);
    expect(first.providerData).toMatchObject({ sent: "full", conversation: "conv_1" });
    const second = await ask(model, [USER, ANSWER, MORE], {
      since: { responseId: first.responseId as string, count: 2 },
    });
    expect(second.providerData).toMatchObject({ sent: "delta", conversation: "conv_1" });
    expect(sent.map(({ path }) => path)).toEqual(["/conversations", "/responses", "/responses"]);
    expect(sent[2]?.body).toMatchObject({ conversation: "conv_1" });
    expect(textsOf(sent[2] as Sent)).toEqual(["second"]);
  });

  it("begins another where a filter has changed what the agent sees", async () => {
    const { model, sent } = remembering(options);
    await ask(model, [USER]);
    const second = await ask(model, [MORE]);
    expect(second.providerData).toMatchObject({ sent: "full", conversation: "conv_2" });
    expect(textsOf(sent[3] as Sent)).toEqual(["second"]);
  });

  it("begins another where the conversation has gone on: a fork never sees what the other was told", async () => {
    const { model } = remembering(options);
    const first = await ask(model, [USER]);
    const since = { responseId: first.responseId as string, count: 2 };
    await ask(model, [USER, ANSWER, MORE], { since });
    const fork = await ask(model, [USER, ANSWER, THIRD], { since });
    expect(fork.providerData).toMatchObject({ sent: "full", conversation: "conv_2" });
  });

  it("begins another after a reply that was lost: nobody knows what the conversation has", async () => {
    const { model, sent, fail } = remembering(options);
    const first = await ask(model, [USER]);
    const since = { responseId: first.responseId as string, count: 2 };
    fail("cut");
    await expect(ask(model, [USER, ANSWER, MORE], { since })).rejects.toMatchObject({ kind: "truncated" });
    const again = await ask(model, [USER, ANSWER, MORE], { since });
    expect(again.providerData).toMatchObject({ sent: "full", conversation: "conv_2" });
    expect(textsOf(sent.at(-1) as Sent)).toEqual(["first", "ok", "second"]);
  });

  it("begins another where the server has lost it", async () => {
    const { model, sent, fail } = remembering(options);
    const first = await ask(model, [USER]);
    fail(Response.json({ error: { message: "Conversation with id 'conv_1' not found." } }, { status: 404 }));
    const reply = await ask(model, [USER, ANSWER, MORE], {
      since: { responseId: first.responseId as string, count: 2 },
    });
    expect(reply.providerData).toMatchObject({ sent: "full", conversation: "conv_2" });
    expect(sent.map(({ path }) => path)).toEqual([
      "/conversations",
      "/responses",
      "/responses",
      "/conversations",
      "/responses",
    ]);
  });

  it("fails as a request does where no conversation can be begun", async () => {
    const fetch = async (): Promise<Response> => Response.json({}, { headers: { "content-type": "application/json" } });
    const { model } = remembering({ ...options, fetch });
    await expect(ask(model, [USER])).rejects.toMatchObject({ name: "ModelError", kind: "protocol" });
  });
});
