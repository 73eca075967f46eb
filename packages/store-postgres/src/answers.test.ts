import { createHash } from "node:crypto";
import type { Item } from "@batonjs/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { PgPool, PostgresSql, Row, Value } from "./drivers.ts";
import { tableNames } from "./layouts.ts";
import { PostgresStore, postgresSessions } from "./postgres-store.ts";
import { type Statements, statements } from "./statements.ts";

type Answers = { readonly [name in keyof Statements | "layout"]?: readonly Row[] | Error };

// Other releases find the same tables.
const tables = tableNames("public", "baton_");
const NAMES = new Map<string, string>([
  ...Object.entries(statements(tables)).map(([name, text]) => [text, name] as const),
  [`SELECT layout FROM ${tables.layout}`, "layout"],
]);
const USUAL: Answers = { settings: [["on", "UTF8"]], layout: [[1]] };
const MAX = 2_147_483_647;

const key = { id: "s" };
const digest = (name: string): string => createHash("sha256").update(name).digest("hex");
const message = (id: string): Item => ({ type: "message", id, role: "user", content: id });
const text = (id: string): string => JSON.stringify(message(id));
const failure = (code: string): Error => Object.assign(new Error("from the server"), { code });

/** A `sql` that answers each statement so, or fails; what it was asked after it was opened is written down. */
function answering(answers: Answers = {}) {
  const done: (readonly unknown[])[] = [];
  const unsafe: PostgresSql["unsafe"] = (text, values: readonly Value[] = []) => {
    const name = NAMES.get(text);
    if (name === undefined) throw new Error(`an unknown statement: ${text}`);
    if (!(name in USUAL)) done.push([name, ...values]);
    const rows = { ...USUAL, ...answers }[name as keyof Answers] ?? [];
    return { values: () => (rows instanceof Error ? Promise.reject(rows) : Promise.resolve(rows)) };
  };
  const sql: PostgresSql = { unsafe, begin: (_options, body) => body({ unsafe }) };
  return { sql, done, store: new PostgresStore(sql, { retryMs: 0 }) };
}

afterEach(() => {
  vi.doUnmock("pg");
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("PostgresStore, by the answers of its server,", () => {
  it("says what it could not do, whichever statement fails", async () => {
    const append = (store: PostgresStore) => store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
    const extend = (store: PostgresStore) => store.append(key, [message("1")], { expectedVersion: 1, opId: "1" });
    const lease = (store: PostgresStore) => store.lease(key, "run", 1_000);
    const calls: readonly (readonly [keyof Answers, string, (store: PostgresStore) => Promise<unknown>])[] = [
      ["settings", 'read session ["s"]', (store) => store.read(key)],
      ["layout", "list sessions", (store) => store.list()],
      ["read", 'read session ["s"]', (store) => store.read(key)],
      ["create", 'append to session ["s"]', append],
      ["extend", 'append to session ["s"]', extend],
      ["look", 'append to session ["s"]', append],
      ["deleteSession", 'delete session ["s"]', (store) => store.delete(key)],
      ["deleteItems", 'delete session ["s"]', (store) => store.delete(key)],
      ["deleteOperations", 'delete session ["s"]', (store) => store.delete(key)],
      ["list", "list sessions", (store) => store.list()],
      ["takeLease", 'hold session ["s"]', lease],
      ["renewLease", 'hold session ["s"]', async (store) => (await lease(store))?.renew(1_000)],
      ["releaseLease", 'release session ["s"]', async (store) => (await lease(store))?.release()],
    ];
    for (const [name, action, call] of calls) {
      const cause = failure("42501");
      const { store } = answering({ takeLease: [["run"]], deleteSession: [["7"]], [name]: cause });
      const expected = { name: "StoreError", message: `Cannot ${action}: from the server`, cause };
      await expect(call(store), name).rejects.toMatchObject(expected);
    }
  });

  it("reads from an item on, of which the server takes no larger number than it has", async () => {
    const rows = [1, 2].map((seq) => [3, seq, text(`${seq}`)]);
    const { store, done } = answering({ read: rows });
    expect(await store.read(key, 1)).toEqual({ items: [message("1"), message("2")], version: 3 });
    const none = answering({ read: [["3", null, null]] });
    expect(await none.store.read(key, 2 ** 40)).toEqual({ items: [], version: 3 });
    const unknown = answering();
    expect(await unknown.store.read({ tenant: "t", id: "s" })).toEqual({ items: [], version: 0 });
    for (const from of [-1, 1.5, Number.NaN])
      await expect(store.read(key, from)).rejects.toMatchObject({
        name: "StoreError",
        message: `Cannot read from ${from} on: expected 0 or a positive integer`,
      });
    expect([...done, ...none.done, ...unknown.done]).toEqual([
      ["read", digest('["s"]'), 1],
      ["read", digest('["s"]'), MAX],
      ["read", digest('["t","s"]'), 0],
    ]);
  });

  it("rejects where an item is missing: the first, one between or the last", async () => {
    const cases = [
      { from: 0, seqs: [1, 2], missing: 0 },
      { from: 0, seqs: [0, 2], missing: 1 },
      { from: 0, seqs: [0, 1], missing: 2 },
      { from: 1, seqs: [2], missing: 1 },
      { from: 2, seqs: [null], missing: 2 },
    ];
    for (const { from, seqs, missing } of cases) {
      const { store } = answering({ read: seqs.map((seq) => [3, seq, seq === null ? null : text(`${seq}`)]) });
      await expect(store.read(key, from)).rejects.toMatchObject({
        name: "StoreError",
        message: `Cannot read item ${missing} of session ["s"]: it is missing`,
        code: "corrupt_item",
        seq: missing,
      });
    }
  });

  it("begins a session at version 0, and goes on with one at any other", async () => {
    const { store, done } = answering({ create: [[null]], extend: [[null]] });
    const append = (tenant: object, expectedVersion: number) =>
      store.append({ ...tenant, id: "s" }, [message("a"), message("b")], { expectedVersion, opId: 'x"' });
    expect(await append({}, 0)).toBe(2);
    expect(await append({ tenant: "t" }, 5)).toBe(7);
    const lines = `${text("a")}\n${text("b")}`;
    expect(done).toEqual([
      ["create", digest('["s"]'), '["s"]', "", 0, 2, '"x\\""', lines],
      ["extend", digest('["t","s"]'), '["t","s"]', digest("t"), 5, 7, '"x\\""', lines],
    ]);
  });

  it("looks why nothing was added", async () => {
    const append = (answers: Answers, expectedVersion = 0) => {
      const { store, done } = answering(answers);
      const appending = store.append(key, [message("a"), message("b")], { expectedVersion, opId: "x" });
      return { appending, names: () => done.map(([name]) => name), done };
    };
    const lines = `${text("a")}\n${text("b")}`;
    const again = append({ look: [[9, "2", lines]] });
    expect(await again.appending).toBe(2);
    expect(again.done.at(-1)).toEqual(["look", digest('["s"]'), '"x"']);
    expect(await append({ create: failure("23505"), look: [[9, 2, lines]] }).appending).toBe(2);
    await expect(append({ look: [[9, 2, text("a")]] }).appending).rejects.toMatchObject({
      message: 'Cannot append to session ["s"]: operation "x" was done with other items',
      code: "idempotency_mismatch",
    });
    const conflict = (expected: number, found: number): object => ({
      code: "session_conflict",
      message: expect.stringContaining(`(expected version ${expected}, found ${found})`) as string,
    });
    await expect(append({ look: [["9", null, null]] }).appending).rejects.toMatchObject(conflict(0, 9));
    await expect(append({}, 3).appending).rejects.toMatchObject(conflict(3, 0));
    // One more item than a version can count is not even asked for.
    const last = append({ extend: [[null]] }, MAX - 2);
    expect(await last.appending).toBe(MAX);
    const over = append({ extend: [[null]] }, MAX - 1);
    await expect(over.appending).rejects.toMatchObject(conflict(MAX - 1, 0));
    expect(over.names()).toEqual(["look"]);
  });

  it("gives up a session that is made and deleted again each time it looks", async () => {
    const { store, done } = answering();
    const appending = store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
    await expect(appending).rejects.toMatchObject({
      name: "StoreError",
      message: 'Cannot append to session ["s"]: it changes too fast',
      retryable: true,
    });
    expect(done.map(([name]) => name)).toEqual(Array.from({ length: 10 }, () => ["create", "look"]).flat());
  });

  it("deletes the items and the operations of a session that is there", async () => {
    const { store, done } = answering({ deleteSession: [["12345678901234567890"]] });
    await store.delete(key);
    expect(done).toEqual([
      ["deleteSession", digest('["s"]')],
      ["deleteItems", "12345678901234567890"],
      ["deleteOperations", "12345678901234567890"],
    ]);
    const none = answering();
    await none.store.delete(key);
    expect(none.done).toHaveLength(1);
  });

  it("lists a page and where the next one begins, if there is one", async () => {
    const rows = [
      ["3", '["c"]', "30"],
      [2, '["t","b"]', 20],
      ["1", '["a"]', "10"],
    ];
    const keys = [{ id: "c" }, { tenant: "t", id: "b" }, { id: "a" }];
    const { store, done } = answering({ list: rows });
    expect(await store.list()).toEqual({ keys });
    expect(await store.list({ tenant: "", limit: 3 })).toEqual({ keys });
    expect(await store.list({ tenant: "t", limit: 2, cursor: "40:4" })).toEqual({
      keys: keys.slice(0, 2),
      cursor: "20:2",
    });
    expect(done).toEqual([
      ["list", "", "9".repeat(18), "0", 51],
      ["list", digest(""), "9".repeat(18), "0", 4],
      ["list", digest("t"), "40", "4", 3],
    ]);
    expect(await answering().store.list({ limit: 1 })).toEqual({ keys: [] });
  });

  it("lists from its own cursors only", async () => {
    const { store, done } = answering();
    const nines = "9".repeat(18);
    expect(await store.list({ cursor: `${nines}:${nines}` })).toEqual({ keys: [] });
    for (const cursor of ["", ":", "1:", ":1", "1", "a:1", "1:a", "x1:1", "1:1x", `${nines}9:1`, `1:${nines}9`, "1::1"])
      await expect(store.list({ cursor })).rejects.toMatchObject({
        name: "StoreError",
        message: `Cannot list sessions from "${cursor}": it is no cursor of this store`,
      });
    await expect(store.list({ limit: 0 })).rejects.toThrow("Cannot list 0 sessions: expected a positive integer");
    expect(done).toHaveLength(1);
  });

  it("holds a session for one run, and for a time", async () => {
    const { store, done } = answering({ takeLease: [["run"]] });
    const lease = await store.lease(key, "run", 1_000);
    expect(await lease?.renew(2_000)).toBe(false);
    expect(await lease?.release()).toBe(undefined);
    const holder = [digest('["s"]'), '"run"'];
    expect(done).toEqual([
      ["takeLease", ...holder, 1_000],
      ["renewLease", ...holder, 2_000],
      ["releaseLease", ...holder],
    ]);
    const message = 'Cannot hold session ["s"] for 0 ms: expected a positive number';
    await expect(store.lease(key, "run", 0)).rejects.toMatchObject({ name: "StoreError", message });
    await expect(lease?.renew(0)).rejects.toMatchObject({ name: "StoreError", message });
    expect(done).toHaveLength(3);
    expect(await answering().store.lease(key, "run", 1_000)).toBe(undefined);
    const renewing = await answering({ takeLease: [["run"]], renewLease: [["run"]] }).store.lease(key, "run", 1_000);
    expect(await renewing?.renew(1)).toBe(true);
  });

  it("promises what the settings of the server promise, and refuses a database that cannot hold all text", async () => {
    for (const [fsync, durability] of [["on", "machine"] as const, ["off", "none"] as const]) {
      const { store } = answering({ settings: [[fsync, "UTF8"]] });
      expect(store.durability).toBe("none");
      await store.read(key);
      expect(store.durability).toBe(durability);
    }
    const refusing = (settings: readonly Row[]) => answering({ settings }).store.read(key);
    const latin = { message: "Cannot use the database: its encoding is LATIN1, and sessions need UTF8" };
    await expect(refusing([["on", "LATIN1"]])).rejects.toMatchObject(latin);
    await expect(refusing([])).rejects.toThrow("its encoding is undefined");
  });

  it("opens once, and again where that has failed", async () => {
    let opened = 0;
    const { sql } = answering();
    const counting: PostgresSql = {
      ...sql,
      unsafe: (...query) => {
        if (NAMES.get(query[0]) === "settings" && opened++ === 0) throw failure("42501");
        return sql.unsafe(...query);
      },
    };
    const store = new PostgresStore(counting);
    await expect(store.read(key)).rejects.toThrow("from the server");
    await Promise.all([store.read(key), store.list(), store.delete(key)]);
    await store.read(key);
    expect(opened).toBe(2);
  });

  it("does nothing after close(), also where it has never been open", async () => {
    for (const opened of [true, false]) {
      const { store, done } = answering();
      if (opened) await store.read(key);
      await store.close();
      await store.close();
      const closed = { name: "StoreError", message: 'Cannot read session ["s"]: the store is closed' };
      await expect(store.read(key)).rejects.toMatchObject(closed);
      expect(done).toHaveLength(opened ? 1 : 0);
    }
    const { store } = answering({ settings: failure("42501") });
    const reading = expect(store.read(key)).rejects.toThrow("from the server");
    await store.close();
    await reading;
  });

  it("tries again after pauses that double up to half a second, for as long as it was told", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
    const random = vi.spyOn(Math, "random");
    // Half a pause to one and a half of it: many stores do not try again at the same moment.
    const cases: readonly (readonly [retryMs: number | undefined, random: number, tries: readonly number[]])[] = [
      [undefined, 0.5, [0, 10, 30, 70, 150, 310, 630, 1_130, 1_630]],
      [2_130, 0.5, [0, 10, 30, 70, 150, 310, 630, 1_130, 1_630, 2_130]],
      [2_129, 0.5, [0, 10, 30, 70, 150, 310, 630, 1_130, 1_630]],
      [300, 0.9, [0, 14, 42, 98, 210]],
      [0, 0.5, [0]],
    ];
    for (const [retryMs, chance, tries] of cases) {
      random.mockReturnValue(chance);
      const start = performance.now();
      const found: number[] = [];
      const { sql } = answering();
      const unsafe = (): never => {
        found.push(performance.now() - start);
        throw failure("57P03");
      };
      const reading = new PostgresStore({ ...sql, unsafe }, retryMs === undefined ? {} : { retryMs }).read(key);
      const failed = expect(reading).rejects.toMatchObject({ retryable: true });
      await vi.advanceTimersByTimeAsync(5_000);
      await failed;
      expect(found, `${retryMs}`).toEqual(tries);
    }
  });
});

describe("PostgresStore through pg", () => {
  /** Stands for `Pool` of the package `pg`; what is made and done is written down. */
  function fakePg(settings: readonly Row[]) {
    const done: unknown[] = [];
    const { sql } = answering({ settings });
    class Pool {
      constructor(options?: object) {
        if (options !== undefined) done.push(options);
      }
      query: PgPool["query"] = async ({ text }) => ({ rows: await sql.unsafe(text).values() });
      connect = () => expect.unreachable();
      on = (event: string, listener: (error: Error) => void): void => {
        listener(failure("57P01"));
        done.push(event);
      };
      end = async (): Promise<void> => {
        done.push("end");
      };
    }
    vi.doMock("pg", () => ({ Pool }));
    return { done, Pool };
  }

  const url = "postgres://user@host/db";

  it("makes a pool from a URL, which neither keeps the process alive nor waits for ever, and ends it", async () => {
    for (const [options, max] of [[undefined, 10] as const, [{ maxConnections: 3 }, 3] as const]) {
      const { done } = fakePg([["on", "UTF8"]]);
      const plugin = postgresSessions(url, options);
      expect(plugin.name).toBe("postgres");
      await plugin.sessions?.read(key);
      await plugin.sessions?.read(key);
      const made = {
        connectionString: url,
        max,
        application_name: "baton",
        keepAlive: true,
        connectionTimeoutMillis: 10_000,
        query_timeout: 30_000,
        allowExitOnIdle: true,
      };
      expect(done).toEqual([made, "error"]);
      await plugin.close?.();
      await plugin.close?.();
      expect(done).toEqual([made, "error", "end"]);
    }
  });

  it("ends the pool that it has made where the database is not to be used", async () => {
    const { done } = fakePg([["on", "LATIN1"]]);
    await expect(new PostgresStore(url).read(key)).rejects.toThrow("LATIN1");
    expect(done.slice(1)).toEqual(["error", "end"]);
  });

  it("leaves a pool open that it was given", async () => {
    for (const encoding of ["UTF8", "LATIN1"]) {
      const { done, Pool } = fakePg([["on", encoding]]);
      const store = new PostgresStore(new Pool());
      await store.read(key).catch(() => {});
      await store.close();
      expect(done).toEqual([]);
    }
  });

  it("says what to install where the package pg is missing", async () => {
    vi.doMock("pg", () => {
      throw new Error("Cannot find package");
    });
    await expect(new PostgresStore(url).read(key)).rejects.toMatchObject({
      name: "StoreError",
      message: "Cannot connect to PostgreSQL: install the package pg, or pass `sql` of the package postgres",
      cause: expect.any(Error) as Error,
      retryable: false,
    });
  });
});
