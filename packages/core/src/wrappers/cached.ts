import { encodeKey, type SessionStore } from "../contracts/session.ts";
import type { Item } from "../items.ts";
import { quote } from "../names.ts";
import { checkKeys } from "../options.ts";
import { wrappedStore } from "./wrapped-store.ts";

export interface CachedOptions {
  /** Items kept in memory, over all sessions; those used longest ago go first. @default 100_000 */
  readonly maxItems?: number;
}

/**
 * A store that keeps the items of recent sessions in memory, so that a read transfers only what is new.
 *
 * Each read still asks the store, so what other processes append or delete is seen at once.
 */
export function cached(store: SessionStore, options: CachedOptions = {}): SessionStore {
  checkKeys(options, new Set(["maxItems"]), "cached()");
  const { maxItems = 100_000 } = options;
  if (!(typeof maxItems === "number" && maxItems >= 0))
    throw new RangeError(`Cannot use ${quote(maxItems)} as maxItems: expected 0 or more`);
  /** Beginnings of sessions, the one used last at the end. Grown in place, given out as copies. */
  const sessions = new Map<string, Item[]>();
  let total = 0;

  const forget = (name: string): void => {
    total -= sessions.get(name)?.length ?? 0;
    sessions.delete(name);
  };
  const remember = (name: string, items: Item[]): void => {
    forget(name);
    if (items.length === 0 || items.length > maxItems) return;
    sessions.set(name, items);
    total += items.length;
    for (const oldest of sessions.keys()) {
      if (total <= maxItems) break;
      forget(oldest);
    }
  };
  /** Adds to what is known, unless somebody else has done so meanwhile. */
  const extend = (name: string, known: Item[], from: number, items: readonly Item[]): void => {
    if (sessions.get(name) !== known || known.length !== from) return;
    remember(name, known.concat(items));
  };

  return wrappedStore(store, {
    async read(key, from = 0) {
      const name = encodeKey(key);
      const known = sessions.get(name);
      const seen = known?.length ?? 0;
      if (known !== undefined && Number.isSafeInteger(from) && from >= 0) {
        // The last known item comes along, to tell a session that was deleted and begun anew.
        const { items, version } = await store.read(key, seen - 1);
        if (items[0] !== undefined && sameItem(items[0], known[seen - 1])) {
          const news = items.slice(1);
          extend(name, known, seen, news);
          return { items: from < seen ? [...known.slice(from, seen), ...news] : news.slice(from - seen), version };
        }
        forget(name);
      }
      const found = await store.read(key, from);
      if (from === 0) remember(name, [...found.items]);
      return found;
    },

    async append(key, items, options) {
      const added = [...items];
      const version = await store.append(key, items, options);
      const { expectedVersion } = options;
      // Otherwise it was a repetition of an earlier append.
      if (version !== expectedVersion + added.length) return version;
      const name = encodeKey(key);
      const known = sessions.get(name);
      if (known !== undefined) extend(name, known, expectedVersion, added);
      else if (expectedVersion === 0) remember(name, added);
      return version;
    },

    async delete(key) {
      await store.delete(key);
      forget(encodeKey(key));
    },
  });
}

function sameItem(stored: Item, known: Item | undefined): boolean {
  return stored === known || JSON.stringify(stored) === JSON.stringify(known);
}
