import type { SessionKey } from "@batonjs/core";
import { check, equal, rejects } from "./checks.ts";
import { message } from "./samples.ts";
import type { Group } from "./subject.ts";

export function testList({ test, capabilities }: Group): void {
  if (!capabilities.list) {
    test("is not there, as declared", async ({ store }) => {
      check(store.list === undefined, "this store has list(): declare it");
    });
    return;
  }

  test("gives the keys of a tenant, most recently changed first", async ({ store }) => {
    const list = store.list?.bind(store);
    check(list !== undefined, "this store has no list(): declare it");
    equal((await list()).keys, [], "an empty store");
    for (const id of ["a", "b", "c"]) {
      await store.append({ id }, [message("1")], { expectedVersion: 0, opId: "1" });
      await store.append({ tenant: "t", id }, [message("1")], { expectedVersion: 0, opId: "1" });
    }
    equal(await list(), { keys: [{ id: "c" }, { id: "b" }, { id: "a" }] }, "no tenant");
    await store.append({ tenant: "t", id: "a" }, [message("2")], { expectedVersion: 1, opId: "2" });
    const ofTenant = ["a", "c", "b"].map((id): SessionKey => ({ tenant: "t", id }));
    equal(await list({ tenant: "t" }), { keys: ofTenant }, "tenant t");
    equal((await list({ tenant: "" })).keys, [], "the empty tenant");
    await store.delete({ tenant: "t", id: "c" });
    equal((await list({ tenant: "t" })).keys, [ofTenant[0], ofTenant[2]], "after delete()");
  });

  test("is not changed by an append that did not happen", async ({ store }) => {
    for (const id of ["a", "b"]) await store.append({ id }, [message("1")], { expectedVersion: 0, opId: "1" });
    await rejects(store.append({ id: "new" }, [message("1")], { expectedVersion: 1, opId: "1" }), "conflict");
    equal((await store.list?.())?.keys.length, 2, "keys");
  });

  test("gives all keys once, a page at a time", async ({ store }) => {
    const ids = Array.from({ length: 23 }, (_, at) => `s${at}`);
    for (const id of ids) await store.append({ tenant: "t", id }, [message("1")], { expectedVersion: 0, opId: "1" });
    for (const limit of [1, 5, 23, 100]) {
      const found: string[] = [];
      let pages = 0;
      let cursor: string | undefined;
      do {
        const page = await store.list?.({ tenant: "t", limit, ...(cursor !== undefined && { cursor }) });
        check(page !== undefined && found.length <= ids.length, "list() came to no end");
        check(page.keys.length <= limit, `a page of ${limit} had ${page.keys.length} keys`);
        found.push(...page.keys.map((key) => key.id));
        pages++;
        cursor = page.cursor;
      } while (cursor !== undefined);
      equal(found, ids.toReversed(), `pages of ${limit}`);
      equal(pages, Math.ceil(ids.length / limit), `number of pages of ${limit}`);
    }
  });

  test("goes on after a session that was changed or deleted in between", async ({ store }) => {
    for (const id of ["a", "b", "c", "d"])
      await store.append({ id }, [message("1")], { expectedVersion: 0, opId: "1" });
    const first = await store.list?.({ limit: 2 });
    equal(first?.keys, [{ id: "d" }, { id: "c" }], "first page");
    await store.delete({ id: "c" });
    await store.append({ id: "d" }, [message("2")], { expectedVersion: 1, opId: "2" });
    const second = await store.list?.({ limit: 2, cursor: first?.cursor ?? "" });
    equal(second?.keys, [{ id: "b" }, { id: "a" }], "second page");
  });

  test("rejects a cursor that is none and a limit that is none", async ({ store }) => {
    const list = store.list?.bind(store);
    check(list !== undefined, "this store has no list(): declare it");
    for (const cursor of ["", "x", "-1", "1e3", "9".repeat(30), "' OR 1=1 --"]) await rejects(list({ cursor }), cursor);
    for (const limit of [0, -1, 1.5, Number.NaN, Infinity]) await rejects(list({ limit }), `limit ${limit}`);
  });
}
