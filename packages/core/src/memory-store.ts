import {
  type AppendOptions,
  encodeKey,
  type SessionKey,
  sessionKey,
  type SessionLease,
  type SessionStore,
} from "./contracts/session.ts";
import type { Plugin } from "./contracts/plugin.ts";
import { systemClock } from "./environment.ts";
import { SessionConflict, StoreError } from "./errors.ts";
import type { Item } from "./items.ts";
import { checkKeys } from "./options.ts";
import { checkFrom, checkLimit, checkTtl, countOf, isCount, otherItems } from "./store-checks.ts";

export interface MemoryStoreOptions {
  /** The time in milliseconds, for leases. @default the system's clock */
  readonly now?: () => number;
}

interface Session {
  readonly key: SessionKey;
  readonly items: Item[];
  /** Where each append begins and ends in `items`. */
  readonly operations: Map<string, { readonly from: number; readonly to: number }>;
  /** Grows with every change of any session. */
  changed: number;
}

/** Sessions that live as long as the process: for tests, for trying out, for what need not be kept. */
export class MemoryStore implements SessionStore {
  readonly durability = "none";
  readonly #now: () => number;
  readonly #sessions = new Map<string, Session>();
  readonly #leases = new Map<string, { readonly runId: string; until: number }>();
  #changes = 0;

  constructor(options: MemoryStoreOptions = {}) {
    checkKeys(options, new Set(["now"]), "sessions in memory");
    this.#now = options.now ?? (() => systemClock.now());
  }

  async read(key: SessionKey, from = 0): Promise<{ readonly items: readonly Item[]; readonly version: number }> {
    const items = this.#sessions.get(encodeKey(sessionKey(key)))?.items ?? [];
    checkFrom(from);
    return { items: items.slice(from), version: items.length };
  }

  async append(key: SessionKey, items: readonly Item[], { expectedVersion, opId }: AppendOptions): Promise<number> {
    const name = encodeKey(sessionKey(key));
    if (items.length === 0) throw new StoreError(`Cannot append nothing to session ${name}: expected items`);
    if (typeof opId !== "string" || opId === "" || opId.length > 200)
      throw new StoreError(`Cannot append to session ${name}: opId must be a string of 1 to 200 characters`);
    if (!isCount(expectedVersion))
      throw new StoreError(`Cannot append to session ${name}: expectedVersion must be 0 or a positive integer`);

    const stored = this.#sessions.get(name);
    const done = stored?.operations.get(opId);
    if (stored !== undefined && done !== undefined) {
      if (sameItems(stored.items.slice(done.from, done.to), items)) return done.to;
      throw otherItems(`append to session ${name}`, opId);
    }

    const version = stored?.items.length ?? 0;
    if (version !== expectedVersion) throw new SessionConflict(name, expectedVersion, version);
    const session: Session = stored ?? {
      key: key.tenant === undefined ? { id: key.id } : { tenant: key.tenant, id: key.id },
      items: [],
      operations: new Map(),
      changed: 0,
    };
    for (const item of items) session.items.push(item);
    session.operations.set(opId, { from: version, to: session.items.length });
    session.changed = ++this.#changes;
    this.#sessions.set(name, session);
    return session.items.length;
  }

  async delete(key: SessionKey): Promise<void> {
    this.#sessions.delete(encodeKey(sessionKey(key)));
  }

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
    const found = [...this.#sessions.values()]
      .filter((session) => session.key.tenant === tenant && session.changed < before)
      .sort((a, b) => b.changed - a.changed);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const keys = page.map((session) => session.key);
    return found.length > limit && last !== undefined ? { keys, cursor: String(last.changed) } : { keys };
  }

  async lease(key: SessionKey, runId: string, ttlMs: number): Promise<SessionLease | undefined> {
    const name = encodeKey(sessionKey(key));
    const held = (): { readonly runId: string; until: number } | undefined => {
      const lease = this.#leases.get(name);
      return lease !== undefined && lease.until > this.#now() ? lease : undefined;
    };
    const until = (ttlMs: number): number => {
      checkTtl(`hold session ${name}`, ttlMs);
      return this.#now() + ttlMs;
    };
    const holder = held();
    if (holder !== undefined && holder.runId !== runId) return undefined;
    this.#leases.set(name, { runId, until: until(ttlMs) });
    return {
      renew: async (ttlMs) => {
        const lease = held();
        if (lease?.runId !== runId) return false;
        lease.until = until(ttlMs);
        return true;
      },
      release: async () => {
        if (held()?.runId === runId) this.#leases.delete(name);
      },
    };
  }
}

/** Sessions in memory, as a plugin. Two runners given the same plugin share them. */
export function memorySessions(options?: MemoryStoreOptions): Plugin {
  return { name: "memory", sessions: new MemoryStore(options) };
}

/** Whether both would be written as the same JSON text. */
function sameItems(stored: readonly Item[], items: readonly Item[]): boolean {
  return (
    stored.length === items.length &&
    stored.every((item, at) => item === items[at] || JSON.stringify(item) === JSON.stringify(items[at]))
  );
}
