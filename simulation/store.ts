/** The store of a world: the sessions that outlive its processes, and a handle on them for each process that can fail. */
import {
  type AppendOptions,
  type Durability,
  encodeKey,
  type Item,
  MemoryStore,
  type SessionKey,
  type SessionLease,
  type SessionStore,
  StoreError,
} from "@batonjs/core";
import { never, type Process, type World } from "./world.ts";

/** What is true, written down beside the store: it must never say anything else. */
export class Journals {
  readonly store: MemoryStore;
  readonly #world: World;
  readonly #items = new Map<string, Item[]>();
  readonly #operations = new Map<string, string>();
  /** Who has appended to each session, the last one last: an attempt at a run. */
  readonly #attempts = new Map<string, string[]>();

  constructor(world: World) {
    this.#world = world;
    this.store = new MemoryStore({ now: () => world.now });
  }

  /** What has been acknowledged, or would have been. */
  of(key: SessionKey): readonly Item[] {
    return this.#items.get(encodeKey(key)) ?? [];
  }

  /** Asks the store, and compares what it does with what it must do. */
  async append(key: SessionKey, items: readonly Item[], options: AppendOptions, who: string): Promise<number> {
    const name = encodeKey(key);
    const written = this.#items.get(name) ?? [];
    const text = JSON.stringify(items);
    const copy = JSON.parse(text) as Item[];
    const operation = `${name} ${options.opId}`;
    const before = this.#operations.get(operation);
    const version = await this.store.append(key, copy, options);
    if (before !== undefined) {
      if (before !== text) this.#world.problem("I6 idempotent", `${operation} was taken twice, with other items`);
      return version;
    }
    if (options.expectedVersion !== written.length) {
      this.#world.problem(
        "I7 single writer",
        `${who} appended to ${name} at version ${options.expectedVersion}, and it was ${written.length}`,
      );
    }
    const attempt = options.opId.replace(/:\d+$/, "");
    const attempts = this.#attempts.get(name) ?? [];
    if (attempts.at(-1) !== attempt) {
      if (attempts.includes(attempt))
        this.#world.problem("I7 single writer", `attempt ${attempt} went on in ${name} after another`);
      this.#attempts.set(name, [...attempts, attempt]);
    }
    this.#operations.set(operation, text);
    this.#items.set(name, [...written, ...copy]);
    this.#world.note(`${who} stored in ${name}: ${copy.map(({ id, type }) => `${id} ${type}`).join(", ")}`);
    return version;
  }
}

/** A process's way to the store. */
export class Connection implements SessionStore {
  // Processes die and the sessions stay: to the runs it is a store that survives them.
  readonly durability: Durability = "process";
  readonly #world: World;
  readonly #process: Process;
  readonly #journals: Journals;
  /** Appends that were done and whose answer was lost, by their first item. */
  readonly #lost = new Map<string, string>();

  constructor(world: World, process: Process, journals: Journals) {
    this.#world = world;
    this.#process = process;
    this.#journals = journals;
  }

  async read(key: SessionKey, from?: number): Promise<{ readonly items: readonly Item[]; readonly version: number }> {
    await this.#before("read");
    const found = await this.#journals.store.read(key, from);
    await this.#process.moment("after read");
    return { items: structuredClone(found.items) as Item[], version: found.version };
  }

  async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
    await this.#before("append");
    const first = `${encodeKey(key)} ${items[0]?.id}`;
    const before = this.#lost.get(first);
    if (before !== undefined && before !== options.opId)
      this.#world.problem("I6 idempotent", `${first} is appended again under another name: ${before}, ${options.opId}`);
    if (this.#world.strikes("conflict in append")) {
      const { version } = await this.#journals.store.read(key);
      // Another process was faster. One that does not know of agents, so that nothing but the version changes.
      await this.#journals.append(
        key,
        [{ type: "note", id: this.#world.newId("other"), agent: "", plugin: "other", data: null } as Item],
        { expectedVersion: version, opId: this.#world.newId("other operation") },
        "another process",
      );
    }
    const version = await this.#journals.append(key, items, options, this.#process.name);
    await this.#process.moment("after append");
    if (this.#world.strikes("lost answer of append")) {
      this.#lost.set(first, options.opId);
      throw failed("append", true);
    }
    if (this.#world.strikes("hang after append")) return never();
    return version;
  }

  async delete(key: SessionKey): Promise<void> {
    await this.#before("delete");
    await this.#journals.store.delete(key);
  }

  async lease(key: SessionKey, runId: string, ttlMs: number): Promise<SessionLease | undefined> {
    await this.#before("lease");
    const lease = await this.#journals.store.lease(key, runId, ttlMs);
    await this.#process.moment("after lease");
    if (!lease) return undefined;
    return {
      renew: async (ms) => {
        await this.#process.moment("renew");
        return this.#world.strikes("lost lease") ? false : lease.renew(ms);
      },
      release: async () => {
        await this.#before("release");
        await lease.release();
      },
    };
  }

  async #before(what: string): Promise<void> {
    await this.#process.moment(`before ${what}`);
    if (this.#world.strikes(`failed ${what}`)) throw failed(what, this.#world.chance(0.5));
    if (this.#world.strikes(`hang before ${what}`)) await never();
  }
}

function failed(what: string, retryable: boolean): StoreError {
  return new StoreError(`Cannot ${what}: the connection broke`, { retryable });
}
