import { check, equal, rejects } from "./checks.ts";
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

  test("rejects a time that is none", async ({ store }) => {
    for (const ttl of [0, -1, Number.NaN, Infinity])
      await rejects(store.lease?.(key, "run", ttl) ?? Promise.resolve(), `${ttl} ms`);
  });
}

type Lease = NonNullable<StoreUnderTest["store"]["lease"]>;
