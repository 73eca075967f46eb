import type { Item } from "@batonjs/core";
import { testSessionStore } from "@batonjs/testing/session-store";
import { startCuttingProxy, testCrashes, testRunCrashes } from "@batonjs/testing/session-store/crashes";
import { Pool } from "pg";
import postgres, { type Sql } from "postgres";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { postgresFolder, type Server, startPostgres } from "../test/servers.ts";
import { CAPABILITIES, Faults, layouts, subject } from "../test/subjects.ts";
import { PostgresStore } from "./postgres-store.ts";

const folder = postgresFolder();
if (folder === undefined)
  describe("PostgreSQL", () => {
    it.skipIf(!process.env["CI"])("is not installed: apt-get install postgresql, to test the store with it", () => {
      expect.unreachable("CI has to test the store with PostgreSQL");
    });
  });
else testWith(folder);

function testWith(folder: string): void {
  const slow = (name: string, body: () => Promise<void>): void => it(name, { timeout: 600_000 }, body);
  let server: Server;
  let sql: Sql;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres(folder);
    sql = postgres(server.url, { max: 8, onnotice: () => {} });
    pool = new Pool({ connectionString: server.url, max: 8 });
    pool.on("error", () => {});
  }, 120_000);
  afterAll(async () => {
    await sql?.end({ timeout: 1 });
    await pool?.end();
    await server?.dispose();
  });

  const connect = (options: postgres.Options<Record<string, never>>): Sql => {
    const sql = postgres(server.url, { max: 4, onnotice: () => {}, ...options });
    onTestFinished(() => sql.end({ timeout: 1 }));
    return sql;
  };
  const message = (id: string): Item => ({ type: "message", id, role: "user", content: id });
  const key = { id: "s" };

  describe("PostgresStore through postgres", () => {
    testSessionStore({
      describe,
      it: slow,
      create: () => {
        const faults = new Faults("CONNECTION_CLOSED");
        return { ...subject(sql, faults.sql(sql)), faults };
      },
      capabilities: { ...CAPABILITIES, durability: "machine", faults: true },
      layouts: layouts(() => sql),
    });
  });

  describe("PostgresStore through pg", () => {
    testSessionStore({
      describe,
      it: slow,
      create: () => {
        const faults = new Faults("XX000");
        return { ...subject(sql, faults.pool(pool)), faults };
      },
      capabilities: { ...CAPABILITIES, durability: "machine", faults: true },
    });
  });

  describe("PostgresStore on PostgreSQL", () => {
    testCrashes({
      describe,
      it: slow,
      create: () => ({
        module: new URL("../test/crash.ts", import.meta.url),
        config: { url: server.url, schema: "crash of the writers" },
      }),
      durability: "machine",
    });

    testRunCrashes({
      describe,
      it: slow,
      every: process.env["CI"] ? 4 : 12, // of some sixty moments; SQLite's tests take all of them
      create: () => ({
        module: new URL("../test/crash.ts", import.meta.url),
        config: { url: server.url, schema: "crash of a run" },
      }),
    });

    testCrashes({
      describe,
      it: slow,
      create: async () => {
        const server = await startPostgres(folder);
        return {
          module: new URL("../test/crash.ts", import.meta.url),
          config: { url: server.url, schema: "crash of the server" },
          kill: () => server.kill(),
          restart: () => server.start(),
          dispose: () => server.dispose(),
        };
      },
      durability: "machine",
      rounds: process.env["CI"] ? 10 : 2,
      victim: "the server",
    });

    it(
      "survives pg_terminate_backend: nothing is lost, nothing is doubled, nobody notices",
      { timeout: 60_000 },
      async () => {
        const store = new PostgresStore(server.url, { schema: "terminated", retryMs: 20_000 });
        onTestFinished(() => store.close());
        let writing = true;
        let terminated = 0;
        const terminate = async (): Promise<void> => {
          while (writing) {
            const [{ count } = { count: 0 }] = await sql.unsafe<{ count: number }[]>(
              `SELECT count(pg_terminate_backend(pid))::int AS count FROM pg_stat_activity WHERE application_name = 'baton'`,
            );
            terminated += count;
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        };
        const write = async (id: string): Promise<void> => {
          for (let at = 0; at < 40 || (terminated < 20 && at < 5_000); at++)
            await store.append({ id }, [message(`${at}`)], { expectedVersion: at, opId: `${at}` });
        };
        const terminating = terminate();
        await Promise.all(["a", "b", "c", "d"].map(write)).finally(() => (writing = false));
        await terminating;
        for (const id of ["a", "b", "c", "d"]) {
          const { items } = await store.read({ id });
          expect(items.map((item) => item.id)).toEqual(items.map((_, at) => `${at}`));
          expect(items.length).toBeGreaterThanOrEqual(40);
        }
        expect(terminated).toBeGreaterThanOrEqual(20);
      },
    );

    it(
      "stores an append once where the connection is cut after any byte of the answer",
      { timeout: 120_000 },
      async () => {
        const proxy = await startCuttingProxy(Number(new URL(server.url).port));
        const url = server.url.replace(/:\d+\//, `:${proxy.port}/`);
        const store = new PostgresStore(url, { schema: "cut", maxConnections: 1, retryMs: 20_000 });
        onTestFinished(async () => {
          await store.close();
          await proxy.close();
        });
        let version = await store.append(key, [message("0")], { expectedVersion: 0, opId: "0" });
        // The statement is known to the server from the second one on, and its answer is short.
        version = await store.append(key, [message("1")], { expectedVersion: version, opId: "1" });
        for (let bytes = 0; ; bytes++) {
          proxy.cutAfter(bytes);
          version = await store.append(key, [message(`${version}`)], { expectedVersion: version, opId: `${version}` });
          proxy.heal();
          expect((await store.read(key)).items.map((item) => item.id)).toEqual(
            Array.from({ length: version }, (_, at) => `${at}`),
          );
          if (!proxy.hasCut()) break;
          // Makes the statement known on the new connection.
          version = await store.append(key, [message(`${version}`)], { expectedVersion: version, opId: `${version}` });
        }
        expect(version).toBeGreaterThan(60);
      },
    );

    it("retries serialization failures where the database isolates more", async () => {
      for (const isolation of ["repeatable read", "serializable"] as const) {
        const sql = connect({ max: 8, connection: { default_transaction_isolation: isolation } });
        const { store, dispose } = subject(sql);
        await store.read(key);
        const appends = Array.from({ length: 8 }, (_, at) =>
          store.append(key, [message(`${at}`)], { expectedVersion: 0, opId: `${at}` }),
        );
        const outcomes = (await Promise.allSettled(appends)).map((one) =>
          one.status === "fulfilled" ? one.value : (one.reason as { code: string }).code,
        );
        expect(outcomes.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
          1,
          ...Array<string>(7).fill("session_conflict"),
        ]);
        await dispose?.();
      }
    });

    it("goes on where the server has ended an idle connection and the process was too busy to notice", async () => {
      const idle = connect({ max: 1, connection: { idle_session_timeout: 50 } });
      const url = `${server.url}?options=-c%20idle_session_timeout%3D50`;
      for (const connection of [idle, url]) {
        const { store, dispose } = subject(sql, connection, "idle");
        await store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
        // The news of the end is then read as the answer to the next statement.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        expect(await store.append(key, [message("2")], { expectedVersion: 1, opId: "2" })).toBe(2);
        await store.close?.();
        await dispose?.();
      }
    });

    it("says that it took too long where statement_timeout ends a statement", async () => {
      const limited = connect({ connection: { statement_timeout: 200 } });
      const { store, dispose } = subject(sql, limited, "limited");
      await store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
      const error = sql.begin(async (sql) => {
        await sql.unsafe(`SELECT * FROM limited.baton_sessions FOR UPDATE`);
        return store.append(key, [message("2")], { expectedVersion: 1, opId: "2" }).catch((error: unknown) => error);
      });
      expect(await error).toMatchObject({ name: "StoreError", code: "store_timeout", retryable: true });
      expect(await store.append(key, [message("2")], { expectedVersion: 1, opId: "2" })).toBe(2);
      await dispose?.();
    });

    it("is on the disk before it is acknowledged, also where the role does not wait for that", async () => {
      const lazy = connect({ max: 1, connection: { synchronous_commit: "off" } });
      const { store, dispose } = subject(sql, lazy, "lazy");
      await store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
      const unflushed = async (): Promise<number> => {
        const [row] = await sql.unsafe<{ bytes: string }[]>(
          "SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn() AS bytes",
        );
        return Number(row?.bytes);
      };
      for (let at = 1; at <= 3; at++) {
        await store.append(key, [message(`${at}`)], { expectedVersion: at, opId: `op ${at}` });
        expect(await unflushed()).toBe(0);
      }
      // What it would be without: the measurement measures.
      await lazy.unsafe("UPDATE lazy.baton_sessions SET changed = changed");
      expect(await unflushed()).toBeGreaterThan(0);
      await dispose?.();
    });

    it("leaves nothing behind when a session is deleted while it is appended to", async () => {
      const { store, dispose } = subject(sql, sql, "deleted");
      for (let round = 0; round < 20; round++) {
        const { version } = await store.read(key);
        await Promise.allSettled([
          store.append(key, [message(`${round}`)], { expectedVersion: version, opId: `${round}` }),
          store.delete(key),
          store.append(key, [message(`${round}`)], { expectedVersion: 0, opId: `${round}` }),
        ]);
      }
      await store.delete(key);
      for (const table of ["sessions", "items", "appends"])
        expect(await sql.unsafe(`SELECT count(*)::int AS count FROM deleted.baton_${table}`)).toEqual([{ count: 0 }]);
      await dispose?.();
    });

    it("works for a role that may not create anything once the tables are there", async () => {
      await sql.unsafe("CREATE ROLE app LOGIN");
      const { store, dispose } = subject(sql, sql, "restricted");
      await store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
      await sql.unsafe(`GRANT USAGE ON SCHEMA restricted TO app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA restricted TO app`);
      const app = new PostgresStore(server.url.replace("postgres@", "app@"), { schema: "restricted" });
      onTestFinished(() => app.close());
      expect(await app.append(key, [message("2")], { expectedVersion: 1, opId: "2" })).toBe(2);
      await app.delete(key);
      await dispose?.();
    });

    it("refuses a database that cannot hold all text", async () => {
      await sql.unsafe("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
      const store = new PostgresStore(server.url.replace(/postgres$/, "latin"));
      onTestFinished(() => store.close());
      await expect(store.read(key)).rejects.toThrow("its encoding is LATIN1");
    });
  });
}
