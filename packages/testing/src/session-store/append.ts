import { type Item, SessionConflict } from "@batonjs/core";
import { check, equal, failure, rejects, says } from "./checks.ts";
import { message, messages, storedIds } from "./samples.ts";
import type { Group } from "./subject.ts";

export function testAppend({ test, capabilities }: Group): void {
  const key = { id: "s" };

  test("resolves to the number of items stored", async ({ store }) => {
    equal(await store.append(key, messages("a", 3), { expectedVersion: 0, opId: "a" }), 3, "first");
    equal(await store.append(key, messages("b", 1), { expectedVersion: 3, opId: "b" }), 4, "second");
  });

  test("keeps no reference to the array it is given", async ({ store }) => {
    const items = messages("a", 2);
    const appended = store.append(key, items, { expectedVersion: 0, opId: "a" });
    await appended;
    items.push(message("late"));
    items[0] = message("other");
    equal(await storedIds(store, key), ["a:0", "a:1"], "stored");
  });

  test("gives the same version again when it is repeated with the same id and items", async ({ store }) => {
    await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
    equal(await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" }), 2, "at once");
    await store.append(key, messages("b", 2), { expectedVersion: 2, opId: "b" });
    equal(await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" }), 2, "after others");
    equal(await store.append(key, messages("a", 2), { expectedVersion: 4, opId: "a" }), 2, "with the head's version");
    equal(await store.append(key, messages("a", 2), { expectedVersion: 9, opId: "a" }), 2, "with a wrong version");
    equal(await storedIds(store, key), ["a:0", "a:1", "b:0", "b:1"], "stored");
  });

  test("rejects other items under the same id with idempotency_mismatch", async ({ store }) => {
    await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
    await store.append(key, messages("b", 2), { expectedVersion: 2, opId: "b" });
    const others: Readonly<Record<string, Item[]>> = {
      fewer: messages("a", 1),
      more: messages("a", 3),
      "in another order": messages("a", 2).reverse(),
      "of other text": [message("a:0"), message("a:1", "other")],
      "of the next append": messages("b", 2),
    };
    for (const [what, items] of Object.entries(others))
      for (const expectedVersion of [0, 2, 4])
        await rejects(store.append(key, items, { expectedVersion, opId: "a" }), what, "idempotency_mismatch");
    equal(await storedIds(store, key), ["a:0", "a:1", "b:0", "b:1"], "stored");
  });

  test("takes the same id for another session as another operation", async ({ store }) => {
    await store.append(key, [message("a")], { expectedVersion: 0, opId: "op" });
    equal(await store.append({ id: "t" }, [message("b")], { expectedVersion: 0, opId: "op" }), 1, "other session");
    equal(
      await store.append({ tenant: "t", id: "s" }, [message("c")], { expectedVersion: 0, opId: "op" }),
      1,
      "other tenant",
    );
    equal(await storedIds(store, key), ["a"], "stored");
  });

  test("rejects with SessionConflict unless the expected version is the version", async ({ store }) => {
    await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
    for (const expectedVersion of [0, 1, 3, 100, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const error = await failure(store.append(key, [message("b")], { expectedVersion, opId: "b" }), "append");
      check(
        error instanceof SessionConflict,
        `expected a SessionConflict at ${expectedVersion}, found ${String(error)}`,
      );
      equal(error.code, "session_conflict", "code");
      check(!error.retryable, "a SessionConflict is not retryable: the same append would fail again");
    }
    const missing = await failure(
      store.append({ id: "t" }, [message("b")], { expectedVersion: 1, opId: "b" }),
      "append",
    );
    check(missing instanceof SessionConflict, `expected a SessionConflict on a new session, found ${String(missing)}`);
    equal((await store.read({ id: "t" })).version, 0, "version of the session that does not exist");
    equal(await storedIds(store, key), ["a:0", "a:1"], "stored");
    equal(await store.append(key, [message("b")], { expectedVersion: 2, opId: "b" }), 3, "the id that was refused");
  });

  test("rejects what is no append", async ({ store }) => {
    await rejects(store.append(key, [], { expectedVersion: 0, opId: "a" }), "no items");
    for (const expectedVersion of [-1, 0.5, Number.NaN, Infinity])
      await rejects(store.append(key, [message("a")], { expectedVersion, opId: "a" }), `version ${expectedVersion}`);
    for (const opId of ["", "x".repeat(201)])
      await rejects(store.append(key, [message("a")], { expectedVersion: 0, opId }), `opId of ${opId.length}`);
    equal(await store.read(key), { items: [], version: 0 }, "stored");
  });

  test("says what it could not append to, whatever the reason", async ({ store }) => {
    const key = { tenant: "shop", id: "order-7" };
    await store.append(key, [message("a")], { expectedVersion: 0, opId: "a" });
    const reasons: Readonly<Record<string, readonly [Item[], number, string]>> = {
      "another version": [[message("b")], 0, "b"],
      "other items": [[message("b")], 0, "a"],
      "no items": [[], 1, "b"],
      "no version": [[message("b")], -1, "b"],
      "no id": [[message("b")], 1, ""],
    };
    for (const [reason, [items, expectedVersion, opId]] of Object.entries(reasons))
      says(await rejects(store.append(key, items, { expectedVersion, opId }), reason), /append/, key.id);
  });

  test("tells operation ids apart that look alike", async ({ store }) => {
    const ids = ["a", "A", "a ", "a\0", "a\0b", "é", "e\u0301", "\ud800", "\ud801", "'", "\\", "😀", "x".repeat(200)];
    for (const [at, opId] of ids.entries())
      equal(await store.append(key, [message(`m${at}`)], { expectedVersion: at, opId }), at + 1, JSON.stringify(opId));
    for (const [at, opId] of ids.entries())
      equal(await store.append(key, [message(`m${at}`)], { expectedVersion: 0, opId }), at + 1, JSON.stringify(opId));
  });

  if (capabilities.shared)
    test("knows the operations and the version of another store on the same data", async ({ store, another }) => {
      const other = await another();
      try {
        await store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
        equal(await other.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" }), 2, "repeated elsewhere");
        await rejects(
          other.append(key, [message("x")], { expectedVersion: 2, opId: "a" }),
          "x",
          "idempotency_mismatch",
        );
        await rejects(other.append(key, [message("x")], { expectedVersion: 0, opId: "b" }), "x", "session_conflict");
        equal(await storedIds(store, key), ["a:0", "a:1"], "stored");
      } finally {
        await other.close?.();
      }
    });
}
