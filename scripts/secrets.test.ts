/** I25: what is secret is in nothing that Baton writes, throws or sends elsewhere, at default settings. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { Agent, encrypted, type Plugin, Runner, seals, tool } from "@batonjs/core";
import { secret } from "@batonjs/core/tracing";
import { openai } from "@batonjs/model-openai";
import { SqliteStore } from "@batonjs/store-sqlite";
import { call, say, scriptedModel } from "@batonjs/testing";
import { openCassette } from "@batonjs/testing/cassettes";
import { consoleTrace, traceFile } from "@batonjs/trace-file";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { postgresSessions } from "../packages/store-postgres/src/index.ts";
import { redisSessions } from "../packages/store-redis/src/index.ts";
import { otel, otlp } from "../packages/trace-otel/src/index.ts";

const CANARIES = {
  apiKey: "sk-canary-4f1d0c2b9a8e7d6c5b4a",
  header: "canary-header-0a1b2c3d4e5f",
  wrapped: 'canary "wrapped" in secret()',
  password: "canary-password-of-a-database",
  context: "canary-context-99887766",
  exporter: "canary-exporter-5544332211",
} as const;
/** What users say is no secret of the developer; traces leave it out, and so does an encrypted store. */
const MESSAGE = "canary-message-of-a-user";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-secrets-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const everythingIn = (path: string): string =>
  readdirSync(path)
    .map((name) => readFileSync(join(path, name), "latin1"))
    .join("\n");

/** An error as anybody may write it to a log. */
function everythingOf(error: unknown): string {
  const { message, stack, cause } = error as Error;
  return [message, stack, String(error), JSON.stringify(error), inspect(error, { depth: 9, showHidden: true })]
    .concat(cause === undefined || cause === error ? [] : everythingOf(cause))
    .join("\n");
}

function expectNone(text: string, canaries: readonly string[]): void {
  expect(text).not.toBe("");
  for (const canary of canaries)
    for (const form of [canary, JSON.stringify(canary).slice(1, -1), encodeURIComponent(canary), btoa(canary)])
      expect(text.includes(form), canary).toBe(false);
}

/** A run in which a tool fails with all that it knows, observed by `plugins`. */
async function leakyRun(plugins: readonly Plugin[]): Promise<void> {
  const wrapped = secret(CANARIES.wrapped);
  const leaky = tool({
    name: "leaky",
    execute: () => {
      throw new Error(
        `GET / with Bearer ${CANARIES.apiKey}, key ${wrapped.reveal()} at postgres://root:${CANARIES.password}@db/x failed`,
      );
    },
  });
  const model = scriptedModel([call("leaky"), say("Sorry")]);
  const agent = new Agent({ name: "Desk", model, tools: [leaky] });
  const runner = new Runner({ plugins });
  await runner.run(agent, MESSAGE, { context: { token: CANARIES.context } });
  await runner.close();
}

const SINKS: readonly [string, () => Promise<string>][] = [
  [
    "a trace file",
    async () => {
      await leakyRun([traceFile(join(folder, "trace.jsonl"))]);
      return everythingIn(folder);
    },
  ],
  [
    "a console trace",
    async () => {
      const lines: string[] = [];
      await leakyRun([consoleTrace({ write: (line) => void lines.push(line) })]);
      return lines.join("\n");
    },
  ],
  [
    "spans",
    async () => {
      const bodies: string[] = [];
      const tracerProvider = otlp({
        url: "http://localhost:4318",
        headers: { authorization: `Bearer ${CANARIES.exporter}` },
        protocol: "json",
        fetch: async (_, init) => {
          if (init?.redirect === "error") bodies.push(init.body as string); // else a redirect would take the key along
          return new Response();
        },
      });
      await leakyRun([otel({ tracerProvider })]);
      await tracerProvider.shutdown();
      return bodies.join("\n");
    },
  ],
];

describe("no secret is in", () => {
  it.each(SINKS)("%s, though a tool fails with all that it knows", async (_, written) => {
    const text = await written();
    expect(text).toContain("leaky");
    expectNone(text, [...Object.values(CANARIES), MESSAGE]);
  });

  it.each([
    [
      "an answer 401 that repeats the key",
      () => Response.json({ error: { message: `Bad key ${CANARIES.apiKey}` } }, { status: 401 }),
    ],
    ["an answer 500 with the headers", () => new Response(`authorization: Bearer ${CANARIES.apiKey}`, { status: 500 })],
    ["an answer that is no stream", () => new Response(`<p>${CANARIES.apiKey}</p>`)],
    [
      "a redirect to another host",
      () => new Response(null, { status: 302, headers: { location: `https://evil.example/?k=${CANARIES.apiKey}` } }),
    ],
    [
      "a connection that fails",
      () => {
        throw new TypeError(`fetch failed: ${CANARIES.apiKey}`);
      },
    ],
  ])("the error of a provider after %s", async (_, answer) => {
    const model = openai({
      apiKey: CANARIES.apiKey,
      headers: { "x-team": CANARIES.header },
      fetch: async () => answer(),
    });
    const runner = new Runner({ model: "gpt-5", plugins: [model] });
    const agent = new Agent<{ readonly token: string }>({ name: "Desk" });
    const error: unknown = await runner.run(agent, "Hi", { context: { token: CANARIES.context } }).then(
      () => expect.unreachable("It was answered"),
      (thrown: unknown) => thrown,
    );
    expectNone(everythingOf(error), Object.values(CANARIES));
    expectNone(inspect([model, runner], { depth: 9, showHidden: true }), [CANARIES.context]);
    expectNone(JSON.stringify([model, runner]), Object.values(CANARIES));
  });

  it("the error or the writing of a store that cannot be reached", async () => {
    for (const plugin of [
      postgresSessions(`postgres://root:${CANARIES.password}@127.0.0.1:9/db`, { retryMs: 0 }),
      redisSessions(`redis://root:${CANARIES.password}@127.0.0.1:9`, { retryMs: 0 }),
    ]) {
      const runner = new Runner({ model: scriptedModel([]), plugins: [plugin] });
      const error: unknown = await runner
        .run(new Agent({ name: "A" }), "Hi", { session: "s" })
        .catch((e: unknown) => e);
      expect((error as Error).name).toBe("StoreError");
      expectNone(everythingOf(error), [CANARIES.password]);
      expectNone(JSON.stringify(plugin), [CANARIES.password]);
      await runner.close();
    }
  });

  it("a SQLite file that is encrypted, nor anything that was said", async () => {
    const sqlite = new SqliteStore(join(folder, "sessions.db"));
    const sessions = encrypted(sqlite, new Uint8Array(32).fill(7));
    const model = scriptedModel([say(`You said ${MESSAGE}`)]);
    const runner = new Runner({ model, plugins: [{ name: "sessions", sessions }] });
    const agent = new Agent<{ readonly token: string }>({ name: "Desk", instructions: CANARIES.header });
    await runner.run(agent, MESSAGE, { session: "s", context: { token: CANARIES.context } });
    await runner.close();
    await sqlite.close();
    expectNone(everythingIn(folder), [...Object.values(CANARIES), MESSAGE, Buffer.alloc(32, 7).toString("latin1")]);
  });

  it("sealed state: neither the key that signs, nor the context, nor instructions", async () => {
    const signing = "canary-signing-key-0123456789abcdef";
    const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
    const model = scriptedModel([call("pay")]);
    const instructions = `Say ${CANARIES.header} to nobody`;
    const agent = new Agent({ name: "Desk", model, instructions, tools: [pay] });
    const paused = await new Runner().run(agent, MESSAGE, { context: { token: CANARIES.context } });
    const sealed = await seals({ keys: [{ id: "1", secret: signing }] }).seal(paused);
    const readable = sealed.split(".").map((part) => Buffer.from(part, "base64url").toString());
    expect(readable.join()).toContain(MESSAGE); // signed, not encrypted
    expectNone(readable.join("\n"), [...Object.values(CANARIES), signing]);
  });

  it("a cassette", async () => {
    secret(CANARIES.wrapped);
    const path = join(folder, "cassette.json");
    const said = `Bearer ${CANARIES.apiKey}, ${CANARIES.wrapped}, postgres://root:${CANARIES.password}@db/x`;
    vi.stubEnv("BATON_CASSETTES", "record"); // also in CI
    const cassette = await openCassette(path, { record: scriptedModel([say(`Fine: ${said}`)]) });
    const agent = new Agent<{ readonly token: string }>({ name: "Desk", model: cassette.model });
    await new Runner().run(agent, said, { context: { token: CANARIES.context } });
    cassette.close();
    expectNone(everythingIn(folder), Object.values(CANARIES));
  });
});
