import type { SessionStore } from "../contracts/session.ts";

/** A store's methods, for one that changes some of them. It has no leases. */
export function bound(store: SessionStore): SessionStore {
  return {
    durability: store.durability,
    read: (...args) => store.read(...args),
    append: (...args) => store.append(...args),
    delete: (...args) => store.delete(...args),
  };
}
