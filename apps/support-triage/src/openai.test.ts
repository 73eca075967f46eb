/** The program on a provider's models: a server on loopback speaks the wire formats, the rest is as customers have it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type LoopbackProvider,
  type SeenRequest,
  type WireDialect,
  type WireReply,
  chatDialect,
  respond,
  responsesDialect,
  startProvider,
} from "@batonjs/testing/model";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { INTERNAL } from "./agents.ts";
import { all, openDatabase } from "./database.ts";
import { start } from "./testing/program.ts";

const folder = mkdtempSync(join(tmpdir(), "support-triage-openai-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the models say, one request after the other. */
const REPLIES: readonly WireReply[] = [
  {
    calls: [
      {
        id: "call_1",
        name: "transfer_to_billing",
        arguments: ['{"issueType":"refund_request",', '"amountMentioned":null,"urgency":"low"}'],
      },
    ],
    usage: { input: 400, output: 20 },
  },
  {
    text: ["Let me ", "see to it."],
    calls: [{ id: "call_2", name: "refund_charge", arguments: ['{"chargeId":"ch_', '1043","reason":"duplicate"}'] }],
    usage: { input: 600, cached: 100, output: 30 },
  },
  { text: ["It is done: ", "the refund ", "is re_2."], usage: { input: 700, output: 10 } },
];

const dialects: readonly (readonly [api: string, dialect: WireDialect, path: string])[] = [
  ["responses", responsesDialect, "/v1/responses"],
  ["chat", chatDialect, "/v1/chat/completions"],
];

let provider: LoopbackProvider | undefined;
afterEach(async () => {
  await provider?.close();
  provider = undefined;
});

async function environment(handler: Parameters<typeof startProvider>[0]): Promise<Record<string, string>> {
  provider = await startProvider(handler);
  return { OPENAI_API_KEY: "sk-loopback", OPENAI_BASE_URL: provider.baseURL };
}

describe.each(dialects)("main.ts --model openai --api %s", { timeout: 60_000 }, (api, dialect, path) => {
  const flags = ["--model", "openai", "--api", api];
  const answering = (): Promise<Record<string, string>> =>
    environment((_, response, number) => respond(response, dialect.encode(REPLIES[number] ?? {}).frames));

  it("hands over, asks for approval, refunds and answers, with a model for each", async () => {
    const db = join(folder, `${api}.db`);
    const env = await answering();
    const { code, out, err } = await start(
      [...flags, "--db", db, "--approve", "all", "please refund the second payment"],
      { env },
    );

    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.replace(/ · \d+ ms| · [\d.]+ s/, "")).toMatchInlineSnapshot(`
      "
      you › please refund the second payment

      Triage Agent
      │ → Billing Agent
      │   issueType refund_request, urgency low
      │   1 item held back by the filter

      Billing Agent
      │ Let me see to it.
      │ ? refund_charge needs a person's approval
      │   $29.00 back to the card ending in 4242: Larkspur Pro, October, charged on 3 October 2026
      │   chargeId ch_1043, reason duplicate
      │ ✓ approved (by --approve all)
      │ • refund_charge  chargeId ch_1043, reason duplicate
      │ It is done: the refund is re_2.
        3 model replies · 1,700 tokens in (100 cached), 60 out
      "
    `);
    const refunds = all(openDatabase(db), "SELECT charge_id, reason FROM refunds WHERE number > 1");
    expect(refunds.map((row) => ({ ...(row as object) }))).toEqual([{ charge_id: "ch_1043", reason: "duplicate" }]);

    const received = provider?.requests ?? [];
    expect(received.map((request) => [request.path, request.headers.authorization, request.body["stream"]])).toEqual(
      REPLIES.map(() => [path, "Bearer sk-loopback", true]),
    );
    const [triage, billing, after] = received.map(({ body }): SeenRequest => dialect.decode(body));
    expect([triage, billing, after].map((seen) => seen?.model)).toEqual(["gpt-4o-mini", "gpt-4o", "gpt-4o"]);
    expect(triage?.functions.map(({ name }) => name)).toContain("transfer_to_billing");
    expect(billing?.functions.map(({ name }) => name)).toContain("refund_charge");
    // The note of the staff is triage's alone: the filter of the handoff holds it back.
    expect(notes(triage)).toEqual([expect.stringMatching(/Asked twice this year/)]);
    expect([...notes(billing), ...notes(after)]).toEqual([]);
    expect(billing?.messages.some((message) => message.role === "user" && message.text.includes("refund"))).toBe(true);
    // What the tool did is what the model reads.
    expect(after?.messages.at(-1)).toMatchObject({
      role: "tool",
      callId: "call_2",
      output: expect.stringMatching(/"refundId":"re_2"/),
    });
  });

  it("streams: text is shown as it comes, one event for each piece", async () => {
    const env = await answering();
    const { out, err } = await start([...flags, "--json", "--approve", "all", "please refund the second payment"], {
      env,
    });
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly type: string; readonly delta?: string; readonly to?: string });
    expect(err).toBe("");
    expect(events.flatMap(({ type, delta }) => (type === "text_delta" ? [delta] : []))).toEqual([
      "Let me ",
      "see to it.",
      "It is done: ",
      "the refund ",
      "is re_2.",
    ]);
    expect(events.flatMap(({ type, to }) => (type === "handoff" ? [to] : []))).toEqual(["Billing Agent"]);
  });

  it("refunds nothing that is not approved", async () => {
    const db = join(folder, `${api}-none.db`);
    const env = await answering();
    const { out } = await start([...flags, "--db", db, "--approve", "none", "please refund ch_1043"], { env });
    expect(out).toMatch(/✗ rejected/);
    expect(all(openDatabase(db), "SELECT 1 FROM refunds WHERE number > 1")).toEqual([]);
    const [, , after] = provider?.requests ?? [];
    expect(after && dialect.decode(after.body).messages.at(-1)).toMatchObject({
      role: "tool",
      output: expect.stringMatching(/denied/),
    });
  });

  it("says in one sentence that the key is wrong, without the key", async () => {
    const env = await environment((_, response) => {
      response.writeHead(401, { "content-type": "application/json" });
      response.end(
        JSON.stringify(dialect.error({ code: "invalid_api_key", message: "Incorrect API key provided: sk-loopback" })),
      );
    });
    const { code, out, err } = await start([...flags, "hello"], { env });
    expect(code).toBe(1);
    expect(out).toMatch(/! .*Incorrect API key/);
    expect(out + err).not.toMatch(/sk-loopback/);
    expect(provider?.requests).toHaveLength(1);
  });
});

const notes = (request: SeenRequest | undefined): readonly string[] =>
  request?.messages.flatMap((message) =>
    "text" in message && message.text.includes(INTERNAL) ? [message.text] : [],
  ) ?? [];
