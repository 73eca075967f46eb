import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
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
  appendTexts,
  checkFrom,
  checkKeys,
  checkLimit,
  checkTtl,
  corruptItem,
  countOf,
  decodeKey,
  otherItems,
  parseItem,
} from "@batonjs/core";
import { Connection } from "./connection.ts";
import { row, rows, type Statements } from "./statements.ts";

export interface SqliteStoreOptions {
  /** How long to wait for a lock that another process holds, in milliseconds. @default 5_000 */
  readonly lockWaitMs?: number;
  /** The time in milliseconds since the epoch, for leases and for the order of `list()`. @default Date.now */
  readonly now?: () => number;
}

const OPTIONS: ReadonlySet<string> = new Set(["lockWaitMs", "now"]);

/**
 * Sessions in a SQLite file. Several processes may use the same file. The file is opened when it is first needed.
 *
 * An acknowledged append has been flushed to the disk. `:memory:` is a database of its own, which goes with the store.
 */
export class SqliteStore implements SessionStore {
  readonly durability: Durability;
  readonly #connection: Connection;
  readonly #now: () => number;

  constructor(path: string | URL, options: SqliteStoreOptions = {}) {
    checkKeys(options, OPTIONS, "sessions in SQLite");
    const { lockWaitMs = 5_000, now = Date.now } = options;
    const file = typeof path === "string" ? path : fileURLToPath(path);
    if (file === "" || file.includes("\0")) throw new TypeError(`Cannot use ${JSON.stringify(file)} as a path`);
    if (!(lockWaitMs >= 0)) throw new RangeError(`Cannot use ${lockWaitMs} as lockWaitMs: expected 0 or more`);
    const inMemory = file === ":memory:";
    this.durability = inMemory ? "none" : "machine";
    // Absolute, so that it stays the same file, and so that `file:` is no URL to SQLite.
    this.#connection = new Connection(inMemory ? file : resolve(file), lockWaitMs);
    this.#now = now;
  }

  async read(key: SessionKey, from = 0): Promise<{ readonly items: readonly Item[]; readonly version: number }> {
    const name = encodeKey(sessionKey(key));
    checkFrom(from);
    return this.#connection.read(`read session ${name}`, (statements) => {
      const [id, version] = row<[number, number]>(statements.session, name) ?? [0, 0];
      if (from >= version) return { items: [], version };
      const found = rows<[number, string]>(statements.items, id, from, version);
      const items = found.map(([seq, text], at) => {
        if (seq !== from + at) throw corruptItem(name, from + at, "it is missing");
        return parseItem(name, seq, text);
      });
      if (from + items.length !== version) throw corruptItem(name, from + items.length, "it is missing");
      return { items, version };
    });
  }

  async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
    const name = encodeKey(sessionKey(key));
    const action = `append to session ${name}`;
    const texts = appendTexts(action, items, options);
    const { expectedVersion, opId } = options;
    const operation = JSON.stringify(opId);
    const tenant = tenantText(key.tenant);

    return this.#connection.write(action, (statements) => {
      const [id, version] = row<[number, number]>(statements.session, name) ?? [0, 0];
      const done = row<[number, number]>(statements.operation, id, operation);
      if (done !== undefined) {
        const [first, last] = done;
        if (sameTexts(rows<[number, string]>(statements.items, id, first, last), texts)) return last;
        throw otherItems(action, opId);
      }
      if (version !== expectedVersion) throw new SessionConflict(name, expectedVersion, version);

      const next = version + texts.length;
      const changed = this.#change(statements, tenant);
      let session = id;
      if (session === 0) session = Number(statements.addSession.run(name, tenant, next, changed).lastInsertRowid);
      else statements.changeSession.run(next, changed, session);
      for (const [at, text] of texts.entries()) statements.addItem.run(session, version + at, text);
      statements.addOperation.run(session, operation, version, next);
      return next;
    });
  }

  async delete(key: SessionKey): Promise<void> {
    const name = encodeKey(sessionKey(key));
    await this.#connection.write(`delete session ${name}`, (statements) => {
      const session = row<[number, number]>(statements.session, name);
      if (session === undefined) return;
      const [id] = session;
      statements.deleteItems.run(id);
      statements.deleteOperations.run(id);
      statements.deleteSession.run(id);
    });
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
    const before = countOf(cursor);
    checkLimit(limit);
    const found = await this.#connection.read("list sessions", ({ list }) =>
      rows<[string, number]>(list, tenantText(tenant), before, limit + 1),
    );
    const page = found.slice(0, limit);
    const keys = page.map(([name]) => decodeKey(name));
    const last = page.at(-1);
    return found.length > limit && last !== undefined ? { keys, cursor: String(last[1]) } : { keys };
  }

  /** Holds the session by the clock of this machine. */
  async lease(key: SessionKey, runId: string, ttlMs: number): Promise<SessionLease | undefined> {
    const name = encodeKey(sessionKey(key));
    const run = JSON.stringify(runId);
    const action = `hold session ${name}`;
    const until = (ttlMs: number): number => {
      checkTtl(action, ttlMs);
      return Math.ceil(this.#now() + ttlMs);
    };
    const end = until(ttlMs);
    const taken = await this.#connection.write(
      action,
      ({ takeLease }) => takeLease.run(name, run, end, Math.floor(this.#now())).changes,
    );
    if (Number(taken) === 0) return undefined;
    return {
      renew: async (ttlMs) => {
        const end = until(ttlMs);
        const renewed = await this.#connection.write(
          action,
          ({ renewLease }) => renewLease.run(end, name, run, Math.floor(this.#now())).changes,
        );
        return Number(renewed) > 0;
      },
      release: async () => {
        await this.#connection.write(`release session ${name}`, ({ releaseLease }) => void releaseLease.run(name, run));
      },
    };
  }

  /** Waits for what is under way and closes the file. Every call after this one rejects. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  /** A number for the next change of a session of the tenant: the time, or one more than the last. */
  #change(statements: Statements, tenant: string | null): number {
    const last = row<[number | null]>(statements.lastChange, tenant)?.[0] ?? 0;
    return Math.max(Math.floor(this.#now() * 1_000), last + 1);
  }
}

/** Sessions in a SQLite file, as a plugin that closes it with its runner. */
export function sqliteSessions(path: string | URL, options?: SqliteStoreOptions): Plugin {
  const store = new SqliteStore(path, options);
  return { name: "sqlite", sessions: store, close: () => store.close() };
}

function tenantText(tenant: string | undefined): string | null {
  return tenant === undefined ? null : JSON.stringify(tenant);
}

function sameTexts(stored: readonly (readonly [number, string])[], texts: readonly string[]): boolean {
  return stored.length === texts.length && stored.every(([, text], at) => text === texts[at]);
}
