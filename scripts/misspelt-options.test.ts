import { fitClassifier, local } from "@batonjs/model-local";
import { Agent, cached, MemoryStore, memorySessions } from "@batonjs/core";
import { compound, predict, router, shadow, stickyCheck } from "@batonjs/router";
import { sqliteSessions } from "@batonjs/store-sqlite";
import {
  blockRealModels,
  isolate,
  lintAgents,
  scriptedModel,
  smokeModel,
  smokeTest,
  stubTools,
} from "@batonjs/testing";
import { openCassette } from "@batonjs/testing/cassettes";
import { describe, expect, it } from "vitest";
import { postgresSessions } from "../packages/store-postgres/src/index.ts";
import { redisSessions } from "../packages/store-redis/src/index.ts";
import {
  braintrust,
  datadog,
  honeycomb,
  langfuse,
  langSmith,
  otlp,
  phoenix,
  sentry,
} from "../packages/trace-otel/src/index.ts";

const entry = new Agent({ name: "A", instructions: "" });
const apiKey = "key-0123456789";

/** Who is told, how it names itself, and options of which the last is misspelt. */
const ATTEMPTS: readonly [string, (options: never) => unknown, object][] = [
  ["sessions in memory", memorySessions, { clock: Date.now }],
  ["cached()", (options) => cached(new MemoryStore(), options), { maxItem: 1 }],
  ["sessions in SQLite", (options) => sqliteSessions(":memory:", options), { lockWait: 1 }],
  ["sessions in PostgreSQL", (options) => postgresSessions("postgres://u:p@h/d", options), { shcema: "x" }],
  ["sessions in Redis", (options) => redisSessions("redis://u:p@h", options), { ttl: 1 }],
  ["the local model", local, { treshold: 0.9 }],
  ["a classifier", (options) => fitClassifier({ a: ["b"] }, options), { treshold: 0.9 }],
  ["predict()", (options) => predict(router(), options), { maxPendig: 1 }],
  ["stickyCheck()", (options) => stickyCheck(router(), options), { treshold: false }],
  ["compound()", (options) => compound(router(), options), { splitter: String }],
  ["shadow()", (options) => shadow(router(), options), { agent: ["A"] }],
  ["otlp()", otlp, { url: "http://localhost:4318", header: { authorization: apiKey } }],
  ["langfuse()", langfuse, { publicKey: "pk", secretKey: apiKey, baseUrl: "http://localhost" }],
  ["phoenix()", phoenix, { baseUrl: "http://localhost" }],
  ["langSmith()", langSmith, { apiKey, endpoint: "http://localhost" }],
  ["braintrust()", braintrust, { apiKey, parent: "project_name:x", baseUrl: "http://localhost" }],
  ["sentry()", sentry, { dsn: "https://key@o1.ingest.sentry.io/2", url: "http://localhost" }],
  ["datadog()", datadog, { apiKey, region: "eu" }],
  ["honeycomb()", honeycomb, { apiKey, endpoint: "http://localhost" }],
  ["scriptedModel()", (options) => scriptedModel([], options), { chunks: 1 }],
  ["smokeModel()", smokeModel, { handoff: false }],
  ["smokeTest()", (options) => smokeTest(entry, options), { plugin: [] }],
  ["isolate()", (options) => isolate(entry, options), { from: entry, plugin: [] }],
  ["stubTools()", (options) => stubTools({}, options), { unstubed: "run" }],
  ["blockRealModels()", blockRealModels, { allowed: ["localhost"] }],
  ["a cassette", (options) => openCassette("none.json", options), { redacted: [apiKey] }],
  ["lintAgents()", (options) => lintAgents(entry, options), { of: [] }],
];

describe("an option that is misspelt", () => {
  it.each(ATTEMPTS)("is a TypeError of %s: it would do nothing", async (what, make, options) => {
    const wrong = Object.keys(options).at(-1)!;
    const attempt = async (): Promise<unknown> => make(options as never);
    await expect(attempt()).rejects.toThrow(`Cannot use option "${wrong}" of ${what}: known options are `);
    await expect(attempt()).rejects.toThrow(TypeError);
  });
});
