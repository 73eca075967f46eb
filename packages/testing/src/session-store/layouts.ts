import { check, equal, rejects } from "./checks.ts";
import { message, storedIds } from "./samples.ts";
import type { Group, StoredLayout, StoreUnderTest } from "./subject.ts";

export function testLayouts({ it, layouts = [] }: Group): void {
  for (const layout of layouts)
    it(`${layout.name} is ${layout.sessions === undefined ? "refused" : "brought up to date"}`, async () => {
      const subject = await layout.create();
      try {
        await (layout.sessions === undefined ? refused(subject) : usable(subject, layout.sessions));
      } finally {
        await subject.dispose?.();
      }
    });
}

async function refused({ store }: StoreUnderTest): Promise<void> {
  const key = { id: "s" };
  for (const call of [
    () => store.read(key),
    () => store.append(key, [message("a")], { expectedVersion: 0, opId: "a" }),
  ]) {
    const error = await rejects(call(), "a store on this data");
    check(!error.retryable, "it does not get better");
    check(/layout|version/.test(error.message), `expected the message to name the layout: ${error.message}`);
  }
}

async function usable(
  { store, another }: StoreUnderTest,
  sessions: NonNullable<StoredLayout["sessions"]>,
): Promise<void> {
  // Two stores at once: one brings the data up to date, the other finds it so or waits.
  const other = await another();
  try {
    await Promise.all([store.read({ id: "s" }), other.read({ id: "s" })]);
    for (const { key, ids } of sessions) {
      equal(await storedIds(store, key), ids, JSON.stringify(key));
      const version = ids.length;
      equal(
        await store.append(key, [message("new")], { expectedVersion: version, opId: "new" }),
        version + 1,
        "append",
      );
      equal(await storedIds(other, key), [...ids, "new"], "read by another store");
    }
  } finally {
    await other.close?.();
  }
}
