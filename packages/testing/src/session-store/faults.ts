import { StoreError } from "@batonjs/core";
import { check, equal, says } from "./checks.ts";
import { messages, storedIds } from "./samples.ts";
import type { Group, StorageFaults, StoreUnderTest } from "./subject.ts";

const key = { id: "order-7" };
const MOST = 100;

export function testFaults({ it, create, test, capabilities }: Group): void {
  if (!capabilities.faults) {
    test("cannot be tested from outside, as declared", async ({ faults }) => {
      check(faults === undefined, "faults are given: declare them");
    });
    return;
  }

  /** Runs `body` with the first operation failing, then the second, until a run gets by without a failure. */
  const eachFault = (name: string, body: (subject: StoreUnderTest, faults: StorageFaults) => Promise<void>): void => {
    for (const when of ["before", "after"] as const)
      it(`${name}: it fails ${when} it acts`, async () => {
        for (let nth = 0; ; nth++) {
          check(nth < MOST, `operation ${MOST} still failed`);
          const subject = await create();
          const { faults } = subject;
          try {
            check(faults !== undefined, "capabilities.faults needs `faults`");
            await subject.store.append(key, messages("a", 2), { expectedVersion: 0, opId: "a" });
            faults.fail(nth, when);
            await body(subject, faults);
            if (!faults.failed()) {
              check(nth > 0, "no operation was seen");
              return;
            }
          } finally {
            await subject.dispose?.();
          }
        }
      });
  };

  eachFault("loses no acknowledged append and doubles none", async ({ store }, faults) => {
    const append = (): Promise<number> => store.append(key, messages("b", 3), { expectedVersion: 2, opId: "b" });
    const outcome = await settled(append(), /append/);
    faults.heal();
    const after = await storedIds(store, key);
    const before = ["a:0", "a:1"];
    const whole = [...before, "b:0", "b:1", "b:2"];
    if (outcome === 5) equal(after, whole, "stored after success");
    else equal(after, after.length === 2 ? before : whole, "stored after failure");
    check(outcome === 5 || faults.failed(), "an append failed without a fault");
    equal(await append(), 5, "repeated");
    equal(await storedIds(store, key), whole, "stored in the end");
  });

  eachFault("gives a right answer or an error, and the next read is right", async ({ store }, faults) => {
    const expected = { items: messages("a", 2), version: 2 };
    const outcome = await settled(store.read(key), /read/);
    faults.heal();
    if (!(outcome instanceof StoreError)) equal(outcome, expected, "read with a fault");
    equal(await store.read(key), expected, "read again");
  });

  eachFault("deletes a session whole or not at all", async ({ store }, faults) => {
    const outcome = await settled(store.delete(key), /delete/);
    faults.heal();
    const { version } = await store.read(key);
    check(version === 0 || (version === 2 && outcome instanceof StoreError), `found ${version} items`);
    await store.delete(key);
    equal(await store.append(key, messages("c", 1), { expectedVersion: 0, opId: "a" }), 1, "a new session");
    equal(await storedIds(store, key), ["c:0"], "stored");
  });
}

/** The value, or the `StoreError` it failed with, which says what was attempted. Anything else is thrown on. */
async function settled<T>(promise: Promise<T>, attempted: RegExp): Promise<T | StoreError> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    says(error, attempted, key.id);
    return error;
  }
}
