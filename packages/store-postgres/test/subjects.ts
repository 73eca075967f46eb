import { readFileSync } from "node:fs";
import { encodeKey } from "@batonjs/core";
import type { StorageFaults, StoredLayout, StoreUnderTest } from "@batonjs/testing/session-store";
import type { Pool, PoolClient } from "pg";
import type { Sql } from "postgres";
import { type PgPool, PostgresStore, type PostgresConnection, type PostgresSql } from "../src/index.ts";

export const CAPABILITIES = { shared: true, list: true, lease: true, close: true, corruption: true } as const;

let schemas = 0;

/** A store in a schema of its own. `sql` is for what is done to it from outside. */
export function subject(
  sql: Sql,
  connection: PostgresConnection = sql,
  schema: string = `test "${schemas++}"`,
): StoreUnderTest {
  const name = `"${schema.replaceAll('"', '""')}"`;
  return {
    store: new PostgresStore(connection, { schema }),
    another: () => new PostgresStore(connection, { schema }),
    corrupt: async (key, at) => {
      await sql.unsafe(
        `UPDATE ${name}.baton_items SET item = 'broken' WHERE seq = $1 AND session =
           (SELECT id FROM ${name}.baton_sessions WHERE key = $2)`,
        [at, encodeKey(key)],
      );
    },
    dispose: async () => {
      await sql.unsafe(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
    },
  };
}

/** Schemas that other releases have written. */
export function layouts(sql: () => Sql): StoredLayout[] {
  const written = async (name: string, text: string): Promise<StoreUnderTest> => {
    await sql().unsafe(text.replaceAll("NAME", name));
    return subject(sql(), sql(), name);
  };
  const first = readFileSync(new URL("layout-1.sql", import.meta.url), "utf8");
  return [
    { name: "a database without tables", create: () => subject(sql()), sessions: [{ key: { id: "s" }, ids: [] }] },
    {
      name: "a schema without tables",
      create: () => written("empty", 'CREATE SCHEMA "NAME"'),
      sessions: [{ key: { id: "s" }, ids: [] }],
    },
    {
      name: "layout 1",
      create: () => written("layout 1", first),
      sessions: [
        { key: { id: "plain" }, ids: ["1", "2", "3"] },
        { key: { tenant: "a\0", id: "NUL\0" }, ids: ["1"] },
      ],
    },
    {
      name: "a layout of the future",
      create: () => written("future", `${first}; UPDATE "NAME"."baton_layout" SET layout = 99`),
    },
  ];
}

/** Lets a statement fail: as when the connection is lost, or as when the server has an error of its own. */
export class Faults implements StorageFaults {
  readonly #code: "CONNECTION_CLOSED" | "XX000";
  #left = -1;
  #when = "before";
  #failed = false;

  constructor(code: "CONNECTION_CLOSED" | "XX000") {
    this.#code = code;
  }

  fail(nth: number, when: "before" | "after"): void {
    this.#left = nth;
    this.#when = when;
    this.#failed = false;
  }

  heal(): void {
    this.#left = -1;
  }

  failed(): boolean {
    return this.#failed;
  }

  async over<T>(statement: () => PromiseLike<T>): Promise<T> {
    const fails = this.#left-- === 0;
    this.#failed ||= fails;
    const failure = Object.assign(new Error(`a planned fault ${this.#when} a statement`), { code: this.#code });
    if (fails && this.#when === "before") throw failure;
    const result = await statement();
    if (fails) throw failure;
    return result;
  }

  sql(sql: Sql): PostgresSql {
    const over = (sql: Pick<PostgresSql, "unsafe">): Pick<PostgresSql, "unsafe"> => ({
      unsafe: (...query) => ({ values: () => this.over(() => sql.unsafe(...query).values()) }),
    });
    return {
      ...over(sql),
      begin: (options, body) => this.over(() => sql.begin(options, (sql) => body(over(sql)))),
    };
  }

  pool(pool: Pool): PgPool {
    const over = (client: Pool | PoolClient): Pick<PgPool, "query"> => ({
      query: (query) => this.over(() => client.query(query)),
    });
    return {
      ...over(pool),
      end: () => pool.end(),
      connect: async () => {
        const client = await pool.connect();
        return {
          ...over(client),
          release: (destroy) => client.release(destroy),
          on: (event, listener) => client.on(event, listener),
          off: (event, listener) => client.off(event, listener),
        };
      },
    };
  }
}
