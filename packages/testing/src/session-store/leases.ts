import { check, equal, rejects, says } from "./checks.ts";
import { message } from "./samples.ts";
import type { Group, StoreUnderTest } from "./subject.ts";

export function testLeases({ test, capabilities }: Group): void {
  const key = { id: "s" };
  if (!capabilities.lease) {
    test("is not there, as declared", async ({ store }) => {
      check(store.lease === undefined, "this store has lease(): declare it");
    });
    return;
  }

  const withTwo = (body: (subject: StoreUnderTest, lease: Lease, other: Lease) => Promise<void>) => {
    return async (subject: StoreUnderTest): Promise<void> => {
      const second = capabilities.shared ? await subject.another() : subject.store;
      const lease = subject.store.lease?.bind(subject.store);
      const other = second.lease?.bind(second);
      check(lease !== undefined && other !== undefined, "this store has no lease(): declare it");
      try {
        await body(subject, lease, other);
      } finally {
        if (second !== subject.store) await second.close?.();
      }
    };
  };
  const pass = async (subject: StoreUnderTest, ms: number): Promise<void> => {
    if (subject.pass === undefined) await new Promise((resolve) => setTimeout(resolve, ms));
    else await subject.pass(ms);
  };

  test(
    "is held by one run until it is released",
    withTwo(async (_, lease, other) => {
      const held = await lease(key, "run 1", 60_000);
      check(held !== undefined, "the first run did not get it");
      check((await other(key, "run 2", 60_000)) === undefined, "the second run got it, too");
      check((await other({ id: "t" }, "run 2", 60_000)) !== undefined, "another session was held");
      check(
        (await other({ tenant: "s", id: "s" }, "run 2", 60_000)) !== undefined,
        "another tenant's session was held",
      );
      await held.release();
      const next = await other(key, "run 2", 60_000);
      check(next !== undefined, "the second run did not get it after the release");
      await held.release();
      equal(await held.renew(60_000), false, "renewal by the run that released it");
      check((await lease(key, "run 1", 60_000)) === undefined, "a second release took it from the next run");
    }),
  );

  test(
    "is given to the run that holds it once more, as after a crash",
    withTwo(async (_, lease, other) => {
      check((await lease(key, "run 1", 60_000)) !== undefined, "the first time");
      const again = await other(key, "run 1", 60_000);
      check(again !== undefined, "the second time");
      equal(await again.renew(60_000), true, "renewal");
    }),
  );

  test(
    "runs out, and is then free and lost for good",
    withTwo(async (subject, lease, other) => {
      const held = await lease(key, "run 1", 150);
      check(held !== undefined, "the first run did not get it");
      await pass(subject, 400);
      equal(await held.renew(150), false, "renewal after it ran out");
      check((await other(key, "run 2", 60_000)) !== undefined, "the second run did not get it");
      equal(await held.renew(150), false, "renewal when another run has it");
    }),
  );

  test(
    "is held until its last moment, and free and lost at its end, where time can be set",
    withTwo(async (subject, lease, other) => {
      if (subject.pass === undefined) return;
      const keys = [{ id: "taken" }, { id: "renewed" }];
      const held = await Promise.all(keys.map((key, at) => lease(key, "run 1", at === 0 ? 150 : 100)));
      equal(await held[1]?.renew(150), true, "renewal");
      await subject.pass(149);
      for (const key of keys)
        check((await other(key, "run 2", 60_000)) === undefined, `the second run got what was ${key.id} too early`);
      await subject.pass(1);
      for (const [at, key] of keys.entries()) {
        equal(await held[at]?.renew(150), false, `renewal of what was ${key.id}`);
        check((await other(key, "run 2", 60_000)) !== undefined, `the second run did not get what was ${key.id}`);
      }
    }),
  );

  test(
    "lasts on when it is renewed",
    withTwo(async (subject, lease, other) => {
      const held = await lease(key, "run 1", 2_000);
      equal(await held?.renew(60_000), true, "renewal");
      await pass(subject, 2_200);
      check((await other(key, "run 2", 60_000)) === undefined, "the second run got it");
    }),
  );

  test("goes to one of eight runs that ask at once", async ({ store }) => {
    const asked = Array.from({ length: 8 }, async (_, run) => store.lease?.(key, `run ${run}`, 60_000));
    const got = (await Promise.all(asked)).filter((lease) => lease !== undefined);
    equal(got.length, 1, "runs that got it");
  });

  test("does not keep anybody from appending: versions do", async ({ store }) => {
    await store.lease?.(key, "run 1", 60_000);
    equal(await store.append(key, [message("a")], { expectedVersion: 0, opId: "a" }), 1, "append");
  });

  test("rejects a time that is none, and says so of which session", async ({ store }) => {
    const key = { id: "order-7" };
    const held = await store.lease?.(key, "run", 60_000);
    for (const ttl of [0, -1, Number.NaN, Infinity])
      for (const asked of [store.lease?.(key, "run", ttl), held?.renew(ttl)])
        says(await rejects(asked ?? Promise.resolve(), `${ttl} ms`), /hold|lease|renew/, key.id);
  });
}

type Lease = NonNullable<StoreUnderTest["store"]["lease"]>;
