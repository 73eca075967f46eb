import { createHash } from "node:crypto";
import {
  type AppendOptions,
  type Durability,
  encodeKey,
  type Item,
  type Plugin,
  SessionConflict,
  type SessionKey,
  sessionKey,
  type SessionLease,
  type SessionStore,
  StoreError,
  appendTexts,
  checkFrom,
  checkKeys,
  checkLimit,
  checkTtl,
  corruptItem,
  decodeKey,
  otherItems,
  parseItem,
  wrongCursor,
} from "@batonjs/core";
import { type Driver, pgDriver, type PgPool, postgresDriver, type PostgresSql } from "./drivers.ts";
import { codeOf, isTransient, storeError, UNIQUE_VIOLATION } from "./failures.ts";
import { migrate, tableNames, type Tables } from "./layouts.ts";
import { type Statements, statements } from "./statements.ts";

/** The largest number of an `integer` column. */
const MAX_INTEGER = 2_147_483_647;

/** A connection URL, `sql` of the package `postgres`, or a `Pool` of the package `pg`. */
export type PostgresConnection = string | PostgresSql | PgPool;

export interface PostgresStoreOptions {
  /** The schema of the tables. It is created if it is not there. @default "public" */
  readonly schema?: string;
  /** What the names of the tables begin with. @default "baton_" */
  readonly prefix?: string;
  /** Connections, where they are made from a URL. @default 10 */
  readonly maxConnections?: number;
  /** For how long a lost connection or a serialization failure is tried again, in milliseconds. @default 2_000 */
  readonly retryMs?: number;
}

const OPTIONS: ReadonlySet<string> = new Set(["schema", "prefix", "maxConnections", "retryMs"]);

/**
 * Sessions in PostgreSQL. The tables are created and brought up to date when the store is first used.
 *
 * A `sql` or a pool that is passed stays the caller's: `close()` does not close it.
 */
export class PostgresStore implements SessionStore {
  readonly #connection: PostgresConnection;
  readonly #options: PostgresStoreOptions;
  readonly #retryMs: number;
  readonly #tables: Tables;
  readonly #statements: Statements;
  #durability: Durability = "none";
  #opening: Promise<Driver> | undefined;
  #closed = false;

  constructor(connection: PostgresConnection, options: PostgresStoreOptions = {}) {
    checkKeys(options, OPTIONS, "sessions in PostgreSQL");
    const { schema = "public", prefix = "baton_", retryMs = 2_000 } = options;
    // What the drivers say of a URL that cannot be read repeats it, with its password.
    if (typeof connection === "string" && !(/^postgres(ql)?:\/\//.test(connection) && URL.canParse(connection)))
      throw new TypeError("Cannot use the connection URL: expected postgres://user:password@host:port/database");
    // PostgreSQL cuts longer names off, and then two prefixes could mean the same tables.
    for (const [name, value, max] of [["schema", schema, 63] as const, ["prefix", prefix, 40] as const])
      if (value.includes("\0") || new TextEncoder().encode(value).length > max)
        throw new TypeError(`Cannot use ${JSON.stringify(value)} as ${name}: expected at most ${max} bytes and no NUL`);
    if (schema === "") throw new TypeError("Cannot use an empty schema");
    if (!(retryMs >= 0)) throw new RangeError(`Cannot use ${retryMs} as retryMs: expected 0 or more`);
    this.#connection = connection;
    this.#options = options;
    this.#retryMs = retryMs;
    this.#tables = tableNames(schema, prefix);
    this.#statements = statements(this.#tables);
  }

  /** `machine` where the server syncs to its disk. `none` until the first answer of the server has shown it. */
  get durability(): Durability {
    return this.#durability;
  }

  async read(key: SessionKey, from = 0): Promise<{ readonly items: readonly Item[]; readonly version: number }> {
    const name = encodeKey(sessionKey(key));
    checkFrom(from);
    const found = await this.#query(`read session ${name}`, this.#statements.read, [
      digest(name),
      Math.min(from, MAX_INTEGER),
    ]);
    const version = Number(found[0]?.[0] ?? 0);
    const items: Item[] = [];
    for (const [, seq, item] of found) {
      if (typeof item !== "string") break;
      if (Number(seq) !== from + items.length) throw corruptItem(name, from + items.length, "it is missing");
      items.push(parseItem(name, Number(seq), item));
    }
    if (from + items.length < version) throw corruptItem(name, from + items.length, "it is missing");
    return { items, version };
  }

  async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
    const name = encodeKey(sessionKey(key));
    const action = `append to session ${name}`;
    const texts = appendTexts(action, items, options);
    const { expectedVersion, opId } = options;
    const version = expectedVersion + texts.length;
    const operation = JSON.stringify(opId);
    const lines = texts.join("\n");
    const add = expectedVersion === 0 ? this.#statements.create : this.#statements.extend;
    const values = [digest(name), name, tenantDigest(key.tenant), expectedVersion, version, operation, lines];

    return this.#attempt(action, async (driver) => {
      // More than once only where the session is deleted and made anew at the same time.
      for (let round = 0; round < 10; round++) {
        if (version <= MAX_INTEGER && (await added(driver, add, values))) return version;
        const [found = []] = await driver.query(this.#statements.look, [digest(name), operation]);
        const [head = 0, done = null, stored] = found;
        if (done !== null) {
          if (stored === lines) return Number(done);
          throw otherItems(action, opId);
        }
        if (Number(head) !== expectedVersion) throw new SessionConflict(name, expectedVersion, Number(head));
      }
      throw new StoreError(`Cannot ${action}: it changes too fast`, { retryable: true });
    });
  }

  async delete(key: SessionKey): Promise<void> {
    const name = encodeKey(sessionKey(key));
    await this.#attempt(`delete session ${name}`, (driver) =>
      driver.transaction(async (query) => {
        // First the session, which waits for an append under way; then what that has stored is seen, too.
        const [session] = await query(this.#statements.deleteSession, [digest(name)]);
        if (session === undefined) return;
        const id = String(session[0]);
        await query(this.#statements.deleteItems, [id]);
        await query(this.#statements.deleteOperations, [id]);
      }),
    );
  }

  /** Keys of a tenant, most recently changed first. A session that changes while pages are taken may be left out. */
  async list({
    tenant,
    limit = 50,
    cursor,
  }: { readonly tenant?: string; readonly limit?: number; readonly cursor?: string } = {}): Promise<{
    readonly keys: readonly SessionKey[];
    readonly cursor?: string;
  }> {
    const [, changed, id] = /^(\d{1,18}):(\d{1,18})$/.exec(cursor ?? `${"9".repeat(18)}:0`) ?? [];
    if (changed === undefined || id === undefined) throw wrongCursor(cursor);
    checkLimit(limit);
    const values = [tenantDigest(tenant), changed, id, limit + 1];
    const found = await this.#query("list sessions", this.#statements.list, values);
    const page = found.slice(0, limit);
    const keys = page.map(([, name]) => decodeKey(String(name)));
    const last = page.at(-1);
    return found.length > limit && last !== undefined
      ? { keys, cursor: `${String(last[2])}:${String(last[0])}` }
      : { keys };
  }

  /** Holds the session by the clock of the server. */
  async lease(key: SessionKey, runId: string, ttlMs: number): Promise<SessionLease | undefined> {
    const name = encodeKey(sessionKey(key));
    const action = `hold session ${name}`;
    const holder = [digest(name), JSON.stringify(runId)] as const;
    const ask = async (text: string, ttlMs: number): Promise<boolean> => {
      checkTtl(action, ttlMs);
      return (await this.#query(action, text, [...holder, ttlMs])).length > 0;
    };
    if (!(await ask(this.#statements.takeLease, ttlMs))) return undefined;
    return {
      renew: (ttlMs) => ask(this.#statements.renewLease, ttlMs),
      release: async () => {
        await this.#query(`release session ${name}`, this.#statements.releaseLease, holder);
      },
    };
  }

  /** Every call after this one rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const driver = await this.#opening?.catch(() => undefined);
    await driver?.close();
  }

  async #query(...[action, text, values]: [string, ...Parameters<Driver["query"]>]): ReturnType<Driver["query"]> {
    return this.#attempt(action, (driver) => driver.query(text, values));
  }

  /** Does `body`, again while it fails for a reason that passes. It must be all right to do it twice. */
  async #attempt<T>(action: string, body: (driver: Driver) => Promise<T>): Promise<T> {
    const until = performance.now() + this.#retryMs;
    for (let pause = 10; ; pause = Math.min(pause * 2, 500)) {
      try {
        if (this.#closed) throw new StoreError(`Cannot ${action}: the store is closed`);
        return await body(await this.#open());
      } catch (error) {
        if (!isTransient(error) || performance.now() + pause > until) throw storeError(action, error);
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
  }

  #open(): Promise<Driver> {
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #connect(): Promise<Driver> {
    const { maxConnections = 10 } = this.#options;
    const connection = this.#connection;
    const driver =
      typeof connection === "string"
        ? pgDriver(await connectTo(connection, maxConnections), true)
        : "unsafe" in connection
          ? postgresDriver(connection)
          : pgDriver(connection, false);
    try {
      const [[fsync, encoding] = []] = await driver.query(this.#statements.settings);
      if (encoding !== "UTF8")
        throw new StoreError(`Cannot use the database: its encoding is ${String(encoding)}, and sessions need UTF8`);
      await migrate(driver, this.#tables);
      this.#durability = fsync === "on" ? "machine" : "none";
      return driver;
    } catch (error) {
      await driver.close();
      throw error;
    }
  }
}

/** Sessions in PostgreSQL, as a plugin that closes the connections it has made with its runner. */
export function postgresSessions(connection: PostgresConnection, options?: PostgresStoreOptions): Plugin {
  const store = new PostgresStore(connection, options);
  return { name: "postgres", sessions: store, close: () => store.close() };
}

/** Connections through `pg`: with `postgres` 3.4.9 a connection that is lost can end the process (its issue 1208). */
async function connectTo(url: string, max: number): Promise<PgPool> {
  const { Pool } = await import("pg").catch((error: unknown) => {
    throw new StoreError(
      "Cannot connect to PostgreSQL: install the package pg, or pass `sql` of the package postgres",
      {
        cause: error,
      },
    );
  });
  const pool = new Pool({
    connectionString: url,
    max,
    application_name: "baton",
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
    // A program that forgets to close the store comes to an end.
    allowExitOnIdle: true,
  });
  // A connection that is lost while nobody uses it is no news.
  pool.on("error", () => {});
  return pool;
}

/** Whether the statement has added the items; not where the session is at another version, or has the operation. */
async function added(driver: Driver, text: string, values: Parameters<Driver["query"]>[1]): Promise<boolean> {
  try {
    return (await driver.query(text, values)).length > 0;
  } catch (error) {
    if (codeOf(error) === UNIQUE_VIOLATION) return false;
    throw error;
  }
}

/** What the key is found by. */
function digest(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

function tenantDigest(tenant: string | undefined): string {
  return tenant === undefined ? "" : digest(tenant);
}
