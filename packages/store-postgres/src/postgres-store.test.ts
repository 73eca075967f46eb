import { testSessionStore } from "@batonjs/testing/session-store";
import { testCrashes } from "@batonjs/testing/session-store/crashes";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Server, startPglite } from "../test/servers.ts";
import { CAPABILITIES, Faults, layouts, subject } from "../test/subjects.ts";
import { PostgresStore, postgresSessions } from "./postgres-store.ts";

const slow = (name: string, body: () => Promise<void>): void => it(name, { timeout: 120_000 }, body);

let server: Server;
let sql: Sql;
beforeAll(async () => {
  server = await startPglite();
  sql = postgres(server.url, { max: 8, onnotice: () => {} });
}, 120_000);
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await server?.dispose();
});

describe("PostgresStore on PGlite", () => {
  testSessionStore({
    describe,
    it: slow,
    create: () => {
      const faults = new Faults("CONNECTION_CLOSED");
      return { ...subject(sql, faults.sql(sql)), faults };
    },
    capabilities: { ...CAPABILITIES, durability: "none", faults: true },
    layouts: layouts(() => sql),
    runs: { models: 15, interleavings: 5 },
  });
});

// A server of its own, as it is killed.
describe("PostgresStore on PGlite in memory", () => {
  testCrashes({
    describe,
    it: slow,
    create: async () => {
      const server = await startPglite();
      return {
        module: new URL("../test/crash.ts", import.meta.url),
        config: { url: server.url, schema: "crash" },
        kill: () => server.kill(),
        restart: () => server.start(),
        dispose: () => server.dispose(),
      };
    },
    durability: "none",
    rounds: 1,
    victim: "the server",
  });
});

describe("PostgresStore", () => {
  it("keeps the sessions of two prefixes apart", async () => {
    const [one, two] = ["one_", "two_"].map((prefix) => new PostgresStore(sql, { prefix }));
    await one?.append({ id: "s" }, [{ type: "rewind", id: "1", to: "0" }], { expectedVersion: 0, opId: "1" });
    expect((await two?.read({ id: "s" }))?.version).toBe(0);
    expect((await one?.read({ id: "s" }))?.version).toBe(1);
  });

  it("postgresSessions() makes connections from a URL and closes them with its runner", async () => {
    const plugin = postgresSessions(server.url, { schema: "plugin" });
    await plugin.sessions?.append({ id: "s" }, [{ type: "rewind", id: "1", to: "0" }], {
      expectedVersion: 0,
      opId: "1",
    });
    await plugin.close?.();
    await plugin.close?.();
    await expect(plugin.sessions?.read({ id: "s" })).rejects.toThrow("closed");
  });
});
