import type { SessionKey } from "@batonjs/core";
import { check, equal, failure } from "./checks.ts";
import { IDS, message, NO_KEYS, TENANTS } from "./samples.ts";
import type { Group } from "./subject.ts";

export function testKeys({ test, capabilities }: Group): void {
  const keys = TENANTS.flatMap((tenant) =>
    IDS.map((id): SessionKey => (tenant === undefined ? { id } : { tenant, id })),
  );

  test("of hostile text name one session each", async ({ store }) => {
    for (const [at, key] of keys.entries())
      await store.append(key, [message(`item ${at}`)], { expectedVersion: 0, opId: "a" });
    for (const [at, key] of keys.entries())
      equal((await store.read(key)).items, [message(`item ${at}`)], JSON.stringify(key).slice(0, 100));
    await store.delete(keys[0] as SessionKey);
    for (const [at, key] of keys.entries())
      equal((await store.read(key)).version, at === 0 ? 0 : 1, JSON.stringify(key).slice(0, 100));
  });

  if (capabilities.list)
    test("of hostile text are listed for their tenant only, as they were given", async ({ store }) => {
      for (const key of keys) await store.append(key, [message("a")], { expectedVersion: 0, opId: "a" });
      for (const tenant of TENANTS) {
        const found: SessionKey[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list?.({
            limit: 7,
            ...(tenant !== undefined && { tenant }),
            ...(cursor !== undefined && { cursor }),
          });
          check(page !== undefined && found.length < 1_000, "list() came to no end");
          found.push(...page.keys);
          cursor = page.cursor;
        } while (cursor !== undefined);
        const expected = IDS.map((id) => (tenant === undefined ? { id } : { tenant, id }));
        equal(found, expected.toReversed(), `sessions of ${String(tenant)}`);
      }
    });

  test("without a tenant and of the empty tenant are two", async ({ store }) => {
    await store.append({ id: "s" }, [message("none")], { expectedVersion: 0, opId: "a" });
    await store.append({ tenant: "", id: "s" }, [message("empty")], { expectedVersion: 0, opId: "a" });
    equal((await store.read({ id: "s" })).items, [message("none")], "no tenant");
    equal((await store.read({ tenant: "", id: "s" })).items, [message("empty")], "empty tenant");
  });

  test("that are none are rejected by every method, and never thrown", async ({ store }) => {
    for (const [what, none] of Object.entries(NO_KEYS)) {
      const key = none as SessionKey;
      await failure(store.read(key), what);
      await failure(store.append(key, [message("a")], { expectedVersion: 0, opId: "a" }), what);
      await failure(store.delete(key), what);
      if (store.lease !== undefined) await failure(store.lease(key, "run", 1_000), what);
    }
  });
}
