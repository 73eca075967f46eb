import { describe, expect, it } from "vitest";
import { pgDriver, type PgPool, postgresDriver, type PostgresSql } from "./drivers.ts";
import { tableNames } from "./layouts.ts";
import { statements } from "./statements.ts";

const failure = (code: string): Error => Object.assign(new Error("from the server"), { code });
const ISOLATION = "isolation level read committed";

describe("postgresDriver()", () => {
  /** A `sql` that answers each statement with one row that says which one it was; what it was asked is written down. */
  function fakeSql() {
    const done: unknown[][] = [];
    const unsafe =
      (on: string): PostgresSql["unsafe"] =>
      (...query) => {
        done.push([on, ...query]);
        return { values: () => Promise.resolve([[done.length]]) };
      };
    const sql: PostgresSql = {
      unsafe: unsafe("sql"),
      begin: (options, body) => {
        done.push(["begin", options]);
        return body({ unsafe: unsafe("transaction") });
      },
    };
    return { sql, done };
  }

  it("prepares a statement with values, and sends one without them as it is", async () => {
    const { sql, done } = fakeSql();
    const { query } = postgresDriver(sql);
    expect(await query("SELECT $1", ["a"])).toEqual([[1]]);
    expect(await query("SELECT 1", [])).toEqual([[2]]);
    // Several statements at once are possible only without values.
    expect(await query("SELECT 1; SELECT 2")).toEqual([[3]]);
    expect(done).toEqual([
      ["sql", "SELECT $1", ["a"], { prepare: true }],
      ["sql", "SELECT 1", [], { prepare: true }],
      ["sql", "SELECT 1; SELECT 2"],
    ]);
  });

  it("rejects, and does not throw, where a statement cannot even be asked", async () => {
    const { sql } = fakeSql();
    const unsafe = (): never => {
      throw failure("CONNECTION_ENDED");
    };
    await expect(postgresDriver({ ...sql, unsafe }).query("SELECT 1")).rejects.toThrow("from the server");
  });

  it("does the body of a transaction on its connection, and gives what that gives", async () => {
    const { sql, done } = fakeSql();
    const driver = postgresDriver(sql);
    expect(await driver.transaction((query) => query("DELETE", ["a"]))).toEqual([[2]]);
    expect(done).toEqual([
      ["begin", ISOLATION],
      ["transaction", "DELETE", ["a"], { prepare: true }],
    ]);
    expect(await driver.transaction(() => Promise.resolve(undefined))).toBe(undefined);
  });

  it("rejects where the transaction fails, or has never begun", async () => {
    const { sql } = fakeSql();
    const lost = failure("CONNECTION_CLOSED");
    await expect(postgresDriver(sql).transaction(() => Promise.reject(lost))).rejects.toBe(lost);
    const atCommit: PostgresSql["begin"] = async (...begin) => {
      await sql.begin(...begin);
      throw lost;
    };
    await expect(postgresDriver({ ...sql, begin: atCommit }).transaction(async () => 1)).rejects.toBe(lost);
    const never = postgresDriver({ ...sql, begin: () => Promise.resolve() });
    await expect(never.transaction(async () => 1)).rejects.toThrow("The transaction was never begun");
  });

  it("leaves the sql open", async () => {
    const { sql, done } = fakeSql();
    const end = (): unknown => expect.unreachable();
    expect(await postgresDriver(Object.assign(sql, { end, close: end })).close()).toBe(undefined);
    expect(done).toEqual([]);
  });
});

describe("pgDriver()", () => {
  type Query = Parameters<PgPool["query"]>[0];

  /** A pool that answers so, by default with one row; what it was asked is written down, with the listeners there were. */
  function fakePool(answer: (query: Query) => unknown = () => [["row"]]) {
    const done: unknown[][] = [];
    const asked: Query[] = [];
    const listeners = new Set<unknown>();
    const ask =
      (on: string): PgPool["query"] =>
      async (query) => {
        done.push([on, query.text, listeners.size]);
        asked.push(query);
        const rows = answer(query);
        if (rows instanceof Error) throw rows;
        return { rows: rows as unknown[][] };
      };
    const pool: PgPool = {
      query: ask("pool"),
      connect: async () => ({
        query: ask("client"),
        release: (destroy) => done.push(["release", destroy, listeners.size]),
        on: (event, listener) => event === "error" && listeners.add(listener),
        off: (event, listener) => event === "error" && listeners.delete(listener),
      }),
      end: async () => {
        await new Promise(setImmediate);
        done.push(["end"]);
      },
    };
    return { pool, done, asked, listeners };
  }

  it("names a statement with values, so that it is prepared, and asks for arrays", async () => {
    const { pool, asked } = fakePool();
    const { query } = pgDriver(pool, false);
    expect(await query("SELECT $1", ["a"])).toEqual([["row"]]);
    await query("SELECT 1", []);
    await query("SELECT 1; SELECT 2");
    const name = expect.stringMatching(/^baton_[0-9a-z]{8,14}$/) as string;
    expect(asked).toEqual([
      { text: "SELECT $1", values: ["a"], rowMode: "array", name },
      { text: "SELECT 1", values: [], rowMode: "array", name },
      { text: "SELECT 1; SELECT 2", values: [], rowMode: "array" },
    ]);
  });

  it("gives a statement the same name each time, on each connection, and each statement another one", async () => {
    const all = ["one", "two"].flatMap((prefix) => Object.values<string>({ ...statements(tableNames("s", prefix)) }));
    const texts = [...new Set([...all, "ab", "ba", "aa", "a", "b", ""])];
    const named = async (): Promise<(string | undefined)[]> => {
      const { pool, asked } = fakePool();
      const driver = pgDriver(pool, false);
      for (const text of texts) await driver.query(text, []);
      await driver.transaction(async (query) => {
        for (const text of texts) await query(text, ["another value"]);
      });
      return asked.flatMap(({ text, name }) => (texts.includes(text) ? [name] : []));
    };
    const names = await named();
    expect(names.slice(texts.length)).toEqual(names.slice(0, texts.length));
    expect(new Set(names).size).toBe(texts.length);
    expect(await named()).toEqual(names);
  });

  it("names no more statements once one was not where it should be", async () => {
    for (const [code, goesOn] of [["26000", false] as const, ["42P05", false] as const, ["42501", true] as const]) {
      const error = failure(code);
      const { pool, asked } = fakePool(({ text }) => (text === "lost" ? error : []));
      const driver = pgDriver(pool, false);
      await driver.query("SELECT $1", ["a"]);
      await expect(driver.query("lost", ["a"])).rejects.toBe(error);
      await driver.query("SELECT $1", ["a"]);
      await driver.transaction((query) => query("SELECT $1", ["a"]));
      const named = asked.filter(({ text }) => text === "SELECT $1").map((query) => "name" in query);
      expect({ code, named }).toEqual({ code, named: [true, goesOn, goesOn] });
    }
  });

  it("does a transaction on one connection, and gives that back", async () => {
    const { pool, done, asked } = fakePool();
    const result = await pgDriver(pool, false).transaction(async (query) => [await query("DELETE", ["a"]), 7]);
    expect(result).toEqual([[["row"]], 7]);
    expect(done).toEqual([
      ["client", `BEGIN ${ISOLATION}`, 1],
      ["client", "DELETE", 1],
      ["client", "COMMIT", 1],
      ["release", false, 0],
    ]);
    expect(asked[0]).toEqual({ text: `BEGIN ${ISOLATION}`, values: [], rowMode: "array" });
  });

  it("destroys the connection of a transaction that failed", async () => {
    const lost = failure("57P01");
    const steps = [`BEGIN ${ISOLATION}`, "DELETE", "COMMIT"];
    for (const [at, step] of steps.entries()) {
      const { pool, done } = fakePool(({ text }) => (text === step ? lost : []));
      await expect(pgDriver(pool, false).transaction((query) => query("DELETE"))).rejects.toBe(lost);
      expect(done).toEqual([...steps.slice(0, at + 1).map((text) => ["client", text, 1]), ["release", true, 0]]);
    }
    const { pool, done } = fakePool();
    await expect(pgDriver(pool, false).transaction(() => Promise.reject(lost))).rejects.toBe(lost);
    expect(done.map(([, what]) => what)).toEqual([steps[0], true]);
  });

  it("lets no event of a lost connection end the process", async () => {
    const { pool, listeners } = fakePool();
    await pgDriver(pool, false).transaction(async () => {
      for (const listener of listeners) (listener as (error: Error) => void)(failure("57P01"));
      expect(listeners.size).toBe(1);
    });
  });

  it("ends a pool that is its own, and no other", async () => {
    for (const [owned, done] of [[true, [["end"]]] as const, [false, []] as const]) {
      const fake = fakePool();
      await pgDriver(fake.pool, owned).close();
      expect(fake.done).toEqual(done);
    }
  });
});
