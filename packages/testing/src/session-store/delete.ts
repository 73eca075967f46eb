import { equal, rejects } from "./checks.ts";
import { message, messages, storedIds } from "./samples.ts";
import type { Group } from "./subject.ts";

export function testDelete({ test }: Group): void {
  const key = { id: "s" };

  test("forgets the items and the operations", async ({ store }) => {
    await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
    await store.append(key, messages("b", 2), { expectedVersion: 2, opId: "b" });
    await store.delete(key);
    equal(await store.read(key), { items: [], version: 0 }, "read");
    await rejects(store.append(key, messages("b", 2), { expectedVersion: 2, opId: "b" }), "append", "session_conflict");
    equal(await store.append(key, messages("c", 1), { expectedVersion: 0, opId: "a" }), 1, "append to the new session");
    equal(await storedIds(store, key), ["c:0"], "read");
  });

  test("of a session that does not exist is no error", async ({ store }) => {
    await store.delete(key);
    await store.delete(key);
    equal((await store.read(key)).version, 0, "version");
  });

  test("leaves other sessions as they are", async ({ store }) => {
    const others = [{ id: "S" }, { id: "s " }, { tenant: "", id: "s" }, { tenant: "s", id: "s" }];
    for (const other of [key, ...others]) await store.append(other, [message("a")], { expectedVersion: 0, opId: "a" });
    await store.delete(key);
    equal(await storedIds(store, key), [], "deleted");
    for (const other of others) equal(await storedIds(store, other), ["a"], JSON.stringify(other));
  });
}
