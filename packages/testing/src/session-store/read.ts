import { equal, rejects } from "./checks.ts";
import { message, messages, storedIds } from "./samples.ts";
import type { Group } from "./subject.ts";

export function testRead({ test, capabilities }: Group): void {
  const key = { id: "s" };

  test("gives no items and version 0 for a session that does not exist", async ({ store }) => {
    equal(await store.read(key), { items: [], version: 0 }, "read");
    equal(await store.read(key, 3), { items: [], version: 0 }, "read from 3");
  });

  test("gives the items in the order they were appended", async ({ store }) => {
    await store.append(key, messages("a", 3), { expectedVersion: 0, opId: "a" });
    await store.append(key, messages("b", 2), { expectedVersion: 3, opId: "b" });
    equal(await store.read(key), { items: [...messages("a", 3), ...messages("b", 2)], version: 5 }, "read");
  });

  test("gives what comes after an offset, also within an append, and the whole version", async ({ store }) => {
    await store.append(key, messages("a", 3), { expectedVersion: 0, opId: "a" });
    await store.append(key, messages("b", 3), { expectedVersion: 3, opId: "b" });
    const all = [...messages("a", 3), ...messages("b", 3)];
    for (let from = 0; from <= 8; from++)
      equal(await store.read(key, from), { items: all.slice(from), version: 6 }, `read from ${from}`);
    for (const from of [2 ** 40, Number.MAX_SAFE_INTEGER])
      equal(await store.read(key, from), { items: [], version: 6 }, `read from ${from}`);
  });

  test("rejects an offset that is no count", async ({ store }) => {
    await store.append(key, messages("a", 3), { expectedVersion: 0, opId: "a" });
    for (const from of [-1, 1.5, Number.NaN, Infinity]) await rejects(store.read(key, from), `read from ${from}`);
  });

  test("gives an array of its own: what is done to it changes nothing", async ({ store }) => {
    await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
    const { items } = await store.read(key);
    (items as unknown[]).length = 0;
    equal(await storedIds(store, key), ["a:0", "a:1"], "stored");
  });

  test("gives a result that later appends do not change", async ({ store }) => {
    await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
    const before = await store.read(key);
    await store.append(key, messages("b", 2), { expectedVersion: 2, opId: "b" });
    equal(before, { items: messages("a", 2), version: 2 }, "the earlier result");
  });

  test(
    capabilities.shared ? "sees what another store appended to the same data" : "sees nothing of another store",
    async ({ store, another }) => {
      const other = await another();
      try {
        await store.append(key, [message("a")], { expectedVersion: 0, opId: "a" });
        equal(await storedIds(other, key), capabilities.shared ? ["a"] : [], "read by the other store");
        if (!capabilities.shared) return;
        await other.append(key, [message("b")], { expectedVersion: 1, opId: "b" });
        equal(await storedIds(store, key), ["a", "b"], "read by the first store");
        equal((await store.read(key, 2)).version, 2, "version");
      } finally {
        await other.close?.();
      }
    },
  );
}
