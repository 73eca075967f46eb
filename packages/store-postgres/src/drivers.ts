import { isUnprepared } from "./failures.ts";

/** A value that a statement is given. */
export type Value = string | number | null;
/** A row: the values of its columns, in the order of the statement. An array is half the work of an object. */
export type Row = readonly unknown[];
/** Asks for rows. */
export type Query = (text: string, values?: readonly Value[]) => Promise<readonly Row[]>;

/** One way to talk to PostgreSQL. */
export interface Driver {
  readonly query: Query;
  /** Does `body` on one connection, in a transaction that sees what others commit meanwhile. */
  transaction<T>(body: (query: Query) => Promise<T>): Promise<T>;
  /** Closes the connections, where they are ours. */
  close(): Promise<void>;
}

/** What of the package `postgres` is used: its `sql`. */
export interface PostgresSql {
  unsafe(text: string, values?: Value[], options?: { prepare?: boolean }): { values(): PromiseLike<readonly Row[]> };
  begin(options: string, body: (sql: Pick<PostgresSql, "unsafe">) => Promise<unknown>): Promise<unknown>;
}

/** What of the package `pg` is used: a `Pool`. */
export interface PgPool {
  query(query: PgQuery): Promise<{ readonly rows: readonly Row[] }>;
  connect(): Promise<PgClient>;
  end(): Promise<void>;
}
interface PgClient {
  query(query: PgQuery): Promise<{ readonly rows: readonly Row[] }>;
  release(destroy?: boolean): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}
interface PgQuery {
  readonly text: string;
  readonly values: Value[];
  readonly name?: string;
  readonly rowMode: "array";
}

const ISOLATION = "isolation level read committed";

/** Talks through `sql` of the package `postgres`, which stays the caller's. */
export function postgresDriver(sql: PostgresSql): Driver {
  const queryOn = (sql: Pick<PostgresSql, "unsafe">): Query => {
    return async (text, values) =>
      (values === undefined ? sql.unsafe(text) : sql.unsafe(text, [...values], { prepare: true })).values();
  };
  return {
    query: queryOn(sql),
    transaction: async <T>(body: (query: Query) => Promise<T>) => {
      let result: { readonly value: T } | undefined;
      await sql.begin(ISOLATION, async (sql) => {
        result = { value: await body(queryOn(sql)) };
      });
      if (result === undefined) throw new Error("The transaction was never begun");
      return result.value;
    },
    close: async () => {},
  };
}

/** Talks through a pool of the package `pg`. Where it is not ours, it stays the caller's. */
export function pgDriver(pool: PgPool, owned: boolean): Driver {
  let prepare = true;
  const names = new Map<string, string>();
  const nameOf = (text: string): string => {
    const name = names.get(text) ?? `baton_${hash(text)}`;
    names.set(text, name);
    return name;
  };
  const queryOn = (client: Pick<PgClient, "query">): Query => {
    return async (text, values) => {
      const named = prepare && values !== undefined;
      try {
        const query: PgQuery = {
          text,
          values: [...(values ?? [])],
          rowMode: "array",
          ...(named && { name: nameOf(text) }),
        };
        return (await client.query(query)).rows;
      } catch (error) {
        // A pooler between us and the server does not keep them: then without, from the next try on.
        if (isUnprepared(error)) prepare = false;
        throw error;
      }
    };
  };
  return {
    query: queryOn(pool),
    transaction: async (body) => {
      const client = await pool.connect();
      const query = queryOn(client);
      let broken = true;
      // The statement under way rejects; without a listener the event of a lost connection would end the process.
      const ignore = (): void => {};
      client.on("error", ignore);
      try {
        await query(`BEGIN ${ISOLATION}`);
        const result = await body(query);
        await query("COMMIT");
        broken = false;
        return result;
      } finally {
        client.off("error", ignore);
        // What was begun and not ended goes with its connection.
        client.release(broken);
      }
    },
    close: async () => {
      if (owned) await pool.end();
    },
  };
}

/** A name for a statement: 64 bits of a hash are enough for the few that there are. */
function hash(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  return (high >>> 0).toString(36) + (low >>> 0).toString(36);
}
