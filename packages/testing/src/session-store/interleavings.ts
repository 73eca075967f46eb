import { type Item, SessionConflict, type SessionKey, type SessionStore } from "@batonjs/core";
import fc from "fast-check";
import { check, equal } from "./checks.ts";
import { message, messages } from "./samples.ts";
import type { Group } from "./subject.ts";

const WRITERS = 8;
const APPENDS = 3;
const key: SessionKey = { id: "s" };

export function testInterleavings({ test, capabilities, runs }: Group): void {
  test("of eight writers make one history, whatever the order of their calls", async ({ store }) => {
    let round = 0;
    const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const key = { id: `session ${round++}` };
      // The scheduler is given promises that never reject: one that does while it waits for another goes unhandled.
      const read = scheduler.scheduleFunction((...args: Parameters<SessionStore["read"]>) =>
        outcome(store.read(...args)),
      );
      const append = scheduler.scheduleFunction((...args: Parameters<SessionStore["append"]>) =>
        outcome(store.append(...args)),
      );
      const scheduled: Pick<SessionStore, "read" | "append"> = {
        read: async (...args) => valueOf(await read(...args)),
        append: async (...args) => valueOf(await append(...args)),
      };
      const writers = Array.from({ length: WRITERS }, (_, writer) => write(scheduled, key, writer, 2));
      // All of them, so that none is left running when one has failed.
      const outcomes = await scheduler.waitFor(Promise.allSettled(writers));
      outcomes.forEach(valueOf);
      checkHistory((await store.read(key)).items, 2);
    });
    await fc.assert(property, { numRuns: runs?.interleavings ?? 10 });
  });

  test("of eight writers at once make one history", async ({ store, another }) => {
    const other = capabilities.shared ? await another() : store;
    try {
      const writers = Array.from({ length: WRITERS }, (_, at) => write(at % 2 ? other : store, key, at, APPENDS));
      await Promise.all(writers);
      checkHistory((await store.read(key)).items, APPENDS);
    } finally {
      if (other !== store) await other.close?.();
    }
  });

  test("with the same id and items are one operation", async ({ store, another }) => {
    const other = capabilities.shared ? await another() : store;
    try {
      const append = (_: unknown, at: number): Promise<number> =>
        (at % 2 ? other : store).append(key, messages("a", 3), { expectedVersion: 0, opId: "a" });
      equal(await Promise.all(Array.from({ length: WRITERS }, append)), Array(WRITERS).fill(3), "versions");
      equal(await store.read(key), { items: messages("a", 3), version: 3 }, "read");
    } finally {
      if (other !== store) await other.close?.();
    }
  });

  test("are seen whole or not at all by a reader", async ({ store, another }) => {
    const other = capabilities.shared ? await another() : store;
    try {
      let writing = true;
      const all: Item[] = [];
      const reader = async (): Promise<void> => {
        while (writing) {
          const { items, version } = await other.read(key);
          check(items.length === version, `version ${version} came with ${items.length} items`);
          check(version % 5 === 0, `a reader saw ${version % 5} of 5 items of an append`);
          items.forEach((item, at) => check(item.id === all[at]?.id, `a reader saw ${item.id} at ${at}`));
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
      };
      const writer = async (): Promise<void> => {
        try {
          for (let round = 0; round < 30; round++) {
            const items = messages(`r${round}`, 5);
            all.push(...items);
            await store.append(key, items, { expectedVersion: round * 5, opId: `r${round}` });
          }
        } finally {
          writing = false;
        }
      };
      await Promise.all([writer(), reader(), reader()]);
    } finally {
      if (other !== store) await other.close?.();
    }
  });
}

async function outcome<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  return (await Promise.allSettled([promise]))[0];
}

function valueOf<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}

/** Appends pairs of items, reading again after each conflict. */
async function write(
  store: Pick<SessionStore, "read" | "append">,
  key: SessionKey,
  writer: number,
  appends: number,
): Promise<void> {
  for (let round = 0; round < appends; round++) {
    const opId = `w${writer}:${round}`;
    const items = [message(`${opId}:0`), message(`${opId}:1`)];
    for (let attempt = 0; ; attempt++) {
      check(attempt < 1_000, `writer ${writer} never got through`);
      const { version } = await store.read(key);
      try {
        await store.append(key, items, { expectedVersion: version, opId });
        break;
      } catch (error) {
        if (!(error instanceof SessionConflict)) throw error;
      }
    }
  }
}

/** Every append of every writer once, whole, and each writer's in order. */
function checkHistory(items: readonly Item[], appends: number): void {
  const ids = items.map((item) => item.id);
  check(ids.length === WRITERS * appends * 2, `expected ${WRITERS * appends * 2} items, found ${ids.join()}`);
  for (let at = 0; at < ids.length; at += 2)
    check(ids[at]?.slice(0, -2) === ids[at + 1]?.slice(0, -2), `two appends are mixed up: ${ids.join()}`);
  for (let writer = 0; writer < WRITERS; writer++) {
    const mine = ids.filter((id) => id.startsWith(`w${writer}:`));
    const expected = Array.from({ length: appends }, (_, round) => [`w${writer}:${round}:0`, `w${writer}:${round}:1`]);
    equal(mine, expected.flat(), `appends of writer ${writer}`);
  }
}
