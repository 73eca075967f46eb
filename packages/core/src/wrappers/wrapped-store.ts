import type { SessionStore } from "../contracts/session.ts";

/** `store` with some methods replaced. What it cannot do, the result cannot do either. */
export function wrappedStore(
  store: SessionStore,
  methods: Pick<SessionStore, "read" | "append"> & Partial<Pick<SessionStore, "delete">>,
): SessionStore {
  return {
    // Some stores know it only after their first answer.
    get durability() {
      return store.durability;
    },
    delete: (key) => store.delete(key),
    ...(store.list && { list: store.list.bind(store) }),
    ...(store.lease && { lease: store.lease.bind(store) }),
    ...(store.close && { close: store.close.bind(store) }),
    ...methods,
  };
}
