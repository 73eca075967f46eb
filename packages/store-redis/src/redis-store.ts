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
  countOf,
  decodeKey,
  otherItems,
  parseItem,
} from "@batonjs/core";
import { type Commands, commandsOf, type IoRedisClient, type NodeRedisClient } from "./clients.ts";
import { isTransient, storeError } from "./failures.ts";
import {
  APPEND,
  DELETE,
  EXISTS,
  FORGET,
  LAYOUT,
  PAGE,
  READ,
  RELEASE_LEASE,
  RENEW_LEASE,
  type Script,
  TAKE_LEASE,
  TOUCH,
} from "./scripts.ts";

/** A URL, or a client or cluster of the package `redis` (connected) or `ioredis`. */
export type RedisConnection = string | NodeRedisClient | IoRedisClient;

export interface RedisStoreOptions {
  /** What all keys begin with. @default "baton:" */
  readonly prefix?: string;
  /** How long a session is kept after its last append, in milliseconds. @default for ever */
  readonly ttlMs?: number;
  /** For how long a lost connection is tried again, in milliseconds. @default 2_000 */
  readonly retryMs?: number;
}

const OPTIONS: ReadonlySet<string> = new Set(["prefix", "ttlMs", "retryMs"]);

/**
 * Sessions in Redis. Each append is one script, so it is done whole or not at all.
 *
 * A client that is passed stays the caller's: `close()` does not close it.
 */
export class RedisStore implements SessionStore {
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #ttlMs: number;
  readonly #retryMs: number;
  #durability: Durability = "none";
  #opening: Promise<Commands> | undefined;
  #closed = false;

  constructor(connection: RedisConnection, options: RedisStoreOptions = {}) {
    checkKeys(options, OPTIONS, "sessions in Redis");
    const { prefix = "baton:", ttlMs, retryMs = 2_000 } = options;
    if (typeof connection === "string" && !(/^rediss?:\/\//.test(connection) && URL.canParse(connection)))
      throw new TypeError("Cannot use the connection URL: expected redis://user:password@host:port/number");
    if (/[{}]/.test(prefix) || !prefix.isWellFormed())
      throw new TypeError(`Cannot use ${JSON.stringify(prefix)} as prefix: it must be well-formed text without braces`);
    if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs > 0))
      throw new RangeError(`Cannot use ${ttlMs} as ttlMs: expected a positive integer`);
    if (!(retryMs >= 0)) throw new RangeError(`Cannot use ${retryMs} as retryMs: expected 0 or more`);
    this.#connection = connection;
    this.#prefix = prefix;
    this.#ttlMs = ttlMs ?? 0;
    this.#retryMs = retryMs;
  }

  /**
   * `machine` where the server is set to sync each write to its disk, `process` where it hands each to the system,
   * `none` otherwise, and until the first answer of the server has shown more.
   */
  get durability(): Durability {
    return this.#durability;
  }

  async read(key: SessionKey, from = 0): Promise<{ readonly items: readonly Item[]; readonly version: number }> {
    const name = encodeKey(sessionKey(key));
    checkFrom(from);
    const action = `read session ${name}`;
    const reply = await this.#run(action, READ, this.#keys(key), [String(from)]);
    const [layout, version, texts] = reply as [string | null, number, string[]];
    if (layout !== null && layout !== LAYOUT) throw otherLayout(action, layout);
    return { items: texts.map((text, at) => parseItem(name, from + at, text)), version };
  }

  async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
    const name = encodeKey(sessionKey(key));
    const action = `append to session ${name}`;
    const texts = appendTexts(action, items, options);
    const { expectedVersion, opId } = options;
    const args = [String(expectedVersion), JSON.stringify(opId), String(this.#ttlMs), ...texts];

    const touch = (): Promise<unknown> => this.#run(action, TOUCH, [this.#index(key.tenant)], [name]);
    // A session is in the index before it exists, as after a crash it must not be missing. Later it is only the order.
    const touched = expectedVersion === 0 ? await touch() : touch().catch(() => {});
    const [reply] = await Promise.all([this.#run(action, APPEND, this.#keys(key), args), touched]);
    const [word, version] = reply as ["done" | "conflict" | "mismatch" | "layout", number | string];
    switch (word) {
      case "done":
        return Number(version);
      case "conflict":
        throw new SessionConflict(name, expectedVersion, Number(version));
      case "mismatch":
        throw otherItems(action, opId);
      case "layout":
        throw otherLayout(action, String(version));
      default:
        word satisfies never;
        throw new StoreError(`Cannot ${action}: Redis gave an answer that is none`);
    }
  }

  async delete(key: SessionKey): Promise<void> {
    const name = encodeKey(sessionKey(key));
    const action = `delete session ${name}`;
    await this.#run(action, DELETE, this.#keys(key), []);
    await this.#run(action, FORGET, [this.#index(key.tenant)], [name]);
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
    countOf(cursor); // throws for what is none
    checkLimit(limit);
    const index = this.#index(tenant);
    const found: { readonly key: SessionKey; readonly change: string }[] = [];
    let before = cursor;
    // One more than the page, to know whether there is a next one.
    for (let missing = limit + 1; missing > 0; missing = limit + 1 - found.length) {
      const from = before === undefined ? "+inf" : `(${before}`;
      const reply = (await this.#run("list sessions", PAGE, [index], [from, String(missing)])) as string[];
      const candidates = Array.from({ length: reply.length / 2 }, async (_, at) => {
        const [name, change] = reply.slice(at * 2, at * 2 + 2) as [string, string];
        return { key: await this.#exists(index, name, change), change };
      });
      for (const { key, change } of await Promise.all(candidates)) {
        before = change;
        if (key !== undefined) found.push({ key, change });
      }
      if (candidates.length < missing) break;
    }
    const keys = found.slice(0, limit).map(({ key }) => key);
    const last = found.length > limit ? found[limit - 1] : undefined;
    return last === undefined ? { keys } : { keys, cursor: last.change };
  }

  /** Holds the session by the clock of the server. */
  async lease(key: SessionKey, runId: string, ttlMs: number): Promise<SessionLease | undefined> {
    const name = encodeKey(sessionKey(key));
    const action = `hold session ${name}`;
    const keys = [`${this.#slot(key)}:lease`];
    const run = JSON.stringify(runId);
    const ask = async (script: Script, ttlMs: number): Promise<boolean> => {
      checkTtl(action, ttlMs);
      return Number(await this.#run(action, script, keys, [run, String(Math.ceil(ttlMs))])) === 1;
    };
    if (!(await ask(TAKE_LEASE, ttlMs))) return undefined;
    return {
      renew: (ttlMs) => ask(RENEW_LEASE, ttlMs),
      release: async () => {
        await this.#run(`release session ${name}`, RELEASE_LEASE, keys, [run]);
      },
    };
  }

  /** Every call after this one rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const commands = await this.#opening?.catch(() => undefined);
    await commands?.close();
  }

  /** The key of a session of the index; nothing where the session has expired or was never begun. */
  async #exists(index: string, name: string, change: string): Promise<SessionKey | undefined> {
    const key = decodeKey(name);
    const exists = await this.#run("list sessions", EXISTS, [`${this.#slot(key)}:items`], []);
    if (Number(exists) === 1) return key;
    await this.#run("list sessions", FORGET, [index], [name, change]);
    return undefined;
  }

  #keys(key: SessionKey): string[] {
    const slot = this.#slot(key);
    return [`${slot}:items`, `${slot}:operations`];
  }

  /** What the keys of a session begin with. What is in braces decides on the slot; encoded, it has none of its own. */
  #slot({ tenant, id }: SessionKey): string {
    const tag =
      tenant === undefined ? encodeURIComponent(id) : `${encodeURIComponent(tenant)}/${encodeURIComponent(id)}`;
    return `${this.#prefix}{${tag}}`;
  }

  #index(tenant: string | undefined): string {
    return tenant === undefined ? `${this.#prefix}index` : `${this.#prefix}index:${encodeURIComponent(tenant)}`;
  }

  /** Runs `script`, again while it fails for a reason that passes: each can be done twice. */
  async #run(action: string, script: Script, keys: string[], args: string[]): Promise<unknown> {
    const until = performance.now() + this.#retryMs;
    for (let pause = 10; ; pause = Math.min(pause * 2, 500)) {
      try {
        if (this.#closed) throw new StoreError(`Cannot ${action}: the store is closed`);
        return await (await this.#open()).run(script, keys, args);
      } catch (error) {
        if (!isTransient(error) || performance.now() + pause > until) throw storeError(action, error);
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
  }

  #open(): Promise<Commands> {
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #connect(): Promise<Commands> {
    const connection = this.#connection;
    const commands =
      typeof connection === "string" ? await connectTo(connection) : commandsOf(connection, async () => {});
    try {
      this.#durability = await durabilityOf(commands);
    } catch (error) {
      await commands.close().catch(() => {}); // it is tried again with another
      throw error;
    }
    return commands;
  }
}

/** Sessions in Redis, as a plugin that closes the connection it has made with its runner. */
export function redisSessions(connection: RedisConnection, options?: RedisStoreOptions): Plugin {
  const store = new RedisStore(connection, options);
  return { name: "redis", sessions: store, close: () => store.close() };
}

async function connectTo(url: string): Promise<Commands> {
  const { createClient } = await import("redis").catch((error: unknown) => {
    throw new StoreError("Cannot connect to Redis: install the package redis, or pass a client of ioredis", {
      cause: error,
    });
  });
  const client = createClient({
    url,
    name: "baton",
    // A lost connection is made again by the next call: attempts while nobody waits would keep the program going.
    socket: { connectTimeout: 10_000, reconnectStrategy: false },
  });
  client.on("error", () => {});
  let connecting: Promise<unknown> = client.connect();
  await connecting;
  const commands = commandsOf(client, async () => {
    await connecting.catch(() => {});
    if (client.isOpen) await client.close();
  });
  // An idle connection keeps no program from coming to its end. The first command follows at once, for the settings.
  let running = 0;
  const held = async <T>(command: () => Promise<T>): Promise<T> => {
    if (running++ === 0) client.ref();
    try {
      if (!client.isOpen) connecting = client.connect();
      await connecting;
      return await command();
    } finally {
      if (--running === 0) client.unref();
    }
  };
  return {
    run: (...command) => held(() => commands.run(...command)),
    setting: (name) => held(() => commands.setting(name)),
    close: () => commands.close(),
  };
}

/**
 * What the server's settings promise. With `everysec` a write can wait in the memory of the server while the one before
 * it is synced, so it may be lost with the process.
 */
async function durabilityOf(commands: Commands): Promise<Durability> {
  try {
    if ((await commands.setting("appendonly")) !== "yes") return "none";
    switch (await commands.setting("appendfsync")) {
      case "always":
        return (await commands.setting("no-appendfsync-on-rewrite")) === "no" ? "machine" : "process";
      case "no":
        return "process";
      default:
        return "none";
    }
  } catch (error) {
    if (isTransient(error)) throw error;
    // Managed servers do not tell their settings.
    return "none";
  }
}

function otherLayout(action: string, layout: string): StoreError {
  return new StoreError(
    `Cannot ${action}: its layout is ${layout}, and this release knows layout ${LAYOUT}; update @batonjs/store-redis`,
  );
}
