import { testSessionStore } from "@batonjs/testing/session-store";
import { describe, expect, it, vi } from "vitest";
import type { Item } from "../items.ts";
import { MemoryStore } from "../memory-store.ts";
import { cached } from "./cached.ts";

const key = { id: "s" };
const messages = (name: string, count: number): Item[] =>
  Array.from({ length: count }, (_, at) => ({ type: "message", id: `${name}:${at}`, role: "user", content: name }));

describe("cached()", () => {
  for (const [kind, maxItems] of [["roomy", 100_000] as const, ["tiny", 7] as const])
    describe(`with a ${kind} cache`, () => {
      testSessionStore({
        describe,
        it,
        create: () => {
          let now = 0;
          const inner = new MemoryStore({ now: () => now });
          return {
            store: cached(inner, { maxItems }),
            another: () => cached(inner, { maxItems }),
            pass: (ms) => void (now += ms),
          };
        },
        capabilities: {
          durability: "none",
          shared: true,
          list: true,
          lease: true,
          close: false,
          faults: false,
          corruption: false,
        },
        report: () => {},
      });
    });

  it("reads only what is new", async () => {
    const inner = new MemoryStore();
    const store = cached(inner);
    const read = vi.spyOn(inner, "read");
    await store.append(key, messages("a", 100), { expectedVersion: 0, opId: "a" });
    expect((await store.read(key)).items).toEqual(messages("a", 100));
    await inner.append(key, messages("b", 2), { expectedVersion: 100, opId: "b" });
    expect((await store.read(key, 99)).items.map((item) => item.id)).toEqual(["a:99", "b:0", "b:1"]);
    expect(await store.read(key, 500)).toEqual({ items: [], version: 102 });
    expect(read.mock.calls.map(([, from]) => from)).toEqual([99, 99, 101]);
  });

  it("notices a session that was deleted and begun anew elsewhere, however long it is", async () => {
    for (const length of [1, 3, 5]) {
      const inner = new MemoryStore();
      const store = cached(inner);
      await store.append(key, messages("old", 3), { expectedVersion: 0, opId: "1" });
      await inner.delete(key);
      await inner.append(key, messages("new", length), { expectedVersion: 0, opId: "1" });
      expect((await store.read(key)).items).toEqual(messages("new", length));
      expect((await store.read(key, 1)).items).toEqual(messages("new", length).slice(1));
    }
  });

  it("keeps no more items than it may, and those that were used last", async () => {
    const inner = new MemoryStore();
    const store = cached(inner, { maxItems: 10 });
    for (const id of ["a", "b", "c"]) await store.append({ id }, messages(id, 4), { expectedVersion: 0, opId: "1" });
    await store.read({ id: "b" });
    await store.append({ id: "d" }, messages("d", 4), { expectedVersion: 0, opId: "1" });
    const read = vi.spyOn(inner, "read");
    for (const id of ["b", "d", "a", "c"]) await store.read({ id });
    expect(read.mock.calls.map(([, from]) => from)).toEqual([3, 3, 0, 0]);
    const none = cached(inner, { maxItems: 0 });
    await none.read({ id: "a" });
    await none.read({ id: "a" });
    expect(read.mock.lastCall).toEqual([{ id: "a" }, 0]);
    expect(() => cached(inner, { maxItems: -1 })).toThrow(RangeError);
  });
});
