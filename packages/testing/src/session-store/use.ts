import { check, equal, rejects, says } from "./checks.ts";
import { message } from "./samples.ts";
import type { Group } from "./subject.ts";

export function testUse({ test, capabilities }: Group): void {
  const key = { id: "s" };

  test("has the durability it declares, once it has been used", async ({ store }) => {
    await store.read(key);
    equal(store.durability, capabilities.durability, "durability");
  });

  if (!capabilities.close) {
    test("has nothing to close, as declared", async ({ store }) => {
      check(store.close === undefined, "this store has close(): declare it");
    });
    return;
  }

  test("rejects every call after close(), and close() can be repeated", async ({ store }) => {
    const key = { tenant: "shop", id: "order-7" };
    await store.append(key, [message("a")], { expectedVersion: 0, opId: "a" });
    const held = await store.lease?.(key, "run", 60_000);
    check(store.close !== undefined, "this store has no close(): declare it");
    await store.close();
    await store.close();
    const calls: Readonly<Record<string, readonly [attempted: RegExp, call: () => Promise<unknown> | undefined]>> = {
      read: [/read/, () => store.read(key)],
      append: [/append/, () => store.append(key, [message("b")], { expectedVersion: 1, opId: "b" })],
      delete: [/delete/, () => store.delete(key)],
      list: [/list/, () => store.list?.()],
      lease: [/hold|lease/, () => store.lease?.(key, "run", 1_000)],
      renew: [/hold|lease|renew/, () => held?.renew(1_000)],
      release: [/release/, () => held?.release()],
    };
    for (const [name, [attempted, call]] of Object.entries(calls)) {
      const promise = call();
      if (promise === undefined) continue;
      const error = await rejects(promise, `${name}() after close()`);
      says(error, attempted, name === "list" ? "" : key.id);
      check(error.message.includes("closed"), `${name}() says "${error.message}", not that the store is closed`);
      check(!error.retryable, "a closed store stays closed");
    }
  });

  test("can be closed before it was used, and while it is used", async ({ store, another }) => {
    const unused = await another();
    await unused.close?.();
    const started = [0, 1, 2].map((at) =>
      store.append({ id: `s${at}` }, [message("a")], { expectedVersion: 0, opId: "a" }).then(
        () => true,
        () => false,
      ),
    );
    await store.close?.();
    const acknowledged = await Promise.all(started);
    if (!capabilities.shared) return;
    const other = await another();
    try {
      for (const [at, done] of acknowledged.entries())
        if (done) equal((await other.read({ id: `s${at}` })).version, 1, `acknowledged append ${at}`);
    } finally {
      await other.close?.();
    }
  });
}
