import { testSessionStore } from "@batonjs/testing/session-store";
import { describe, expect, it } from "vitest";
import type { SessionKey, SessionStore } from "../contracts/session.ts";
import type { Item, NoteItem } from "../items.ts";
import { MemoryStore } from "../memory-store.ts";
import { encrypted } from "./encrypted.ts";

const key = { tenant: "t", id: "s" };
const bytes = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const message = (id: string, content = id): Item => ({ type: "message", id, role: "user", content });
const stored = async (inner: MemoryStore, key: SessionKey): Promise<NoteItem[]> =>
  (await inner.read(key)).items as readonly Item[] as NoteItem[];

describe("encrypted()", () => {
  testSessionStore({
    describe,
    it: (name, body) => it(name, { timeout: 60_000 }, body),
    create: () => {
      let now = 0;
      const inner = new MemoryStore({ now: () => now });
      return {
        store: encrypted(inner, bytes(1)),
        another: () => encrypted(inner, bytes(1)),
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

  it("shows the store nothing of an item but its place and about its length", async () => {
    const inner = new MemoryStore();
    const item: Item = {
      type: "tool_call",
      id: "SECRET",
      agent: "SECRET",
      callId: "c",
      name: "SECRET",
      arguments: "SECRET",
    };
    await encrypted(inner, bytes(1)).append(key, [item], { expectedVersion: 0, opId: "op" });
    const [note] = await stored(inner, key);
    expect(note).toEqual({
      type: "note",
      id: "0",
      plugin: "encrypted",
      data: { key: "1", operation: "op", text: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/) as string },
    });
    expect(JSON.stringify(note)).not.toContain("SECRET");
  });

  it("finds out an item that was moved, exchanged, repeated or changed", async () => {
    const inner = new MemoryStore();
    const store = encrypted(inner, bytes(1));
    await store.append(key, [message("a"), message("b")], { expectedVersion: 0, opId: "1" });
    const [first, second] = await stored(inner, key);
    if (first === undefined || second === undefined) throw new Error("expected two items");
    const data = first.data as { key: string; operation: string; text: string };
    const flipped = (data.text.startsWith("A") ? "B" : "A") + data.text.slice(1);
    const attacks: Record<string, readonly [SessionKey, readonly Item[]]> = {
      "other order": [key, [second, first]],
      "the same twice": [key, [first, first]],
      "another session": [{ tenant: "t", id: "other" }, [first]],
      "another tenant": [{ tenant: "u", id: "s" }, [first]],
      "no tenant": [{ id: "s" }, [first]],
      "another operation": [key, [{ ...first, data: { ...data, operation: "2" } }]],
      "a changed nonce": [key, [{ ...first, data: { ...data, text: flipped } }]],
      "a text cut off": [key, [{ ...first, data: { ...data, text: data.text.slice(0, 20) } }]],
      "no base64": [key, [{ ...first, data: { ...data, text: "%" } }]],
      "a plain item": [key, [message("a")]],
      "a plugin's own note": [key, [{ type: "note", id: "0", plugin: "encrypted", data: { key: 1 } }]],
    };
    for (const [attack, [target, items]] of Object.entries(attacks)) {
      const forged = new MemoryStore();
      await forged.append(target, items, { expectedVersion: 0, opId: "1" });
      const reading = encrypted(forged, bytes(1)).read(target);
      await expect(reading, attack).rejects.toMatchObject({ name: "StoreError", code: "corrupt_item" });
    }
  });

  it("reads nothing with another key, and says which key is missing", async () => {
    const inner = new MemoryStore();
    await encrypted(inner, { current: "old", keys: { old: bytes(1) } }).append(key, [message("a")], {
      expectedVersion: 0,
      opId: "1",
    });
    await expect(encrypted(inner, { current: "old", keys: { old: bytes(2) } }).read(key)).rejects.toThrow("item 0");
    for (const current of ["new", "__proto__", "constructor"])
      await expect(encrypted(inner, { current, keys: { [current]: bytes(1) } }).read(key)).rejects.toThrow(
        'its key "old" is not among the keys',
      );
  });

  it("reads what was stored with the key before, and encrypts with the new one", async () => {
    const inner = new MemoryStore();
    const [old, keys] = [{ old: bytes(1) }, { old: bytes(1), new: bytes(2) }];
    await encrypted(inner, { current: "old", keys: old }).append(key, [message("a")], {
      expectedVersion: 0,
      opId: "1",
    });
    const store = encrypted(inner, { current: "new", keys });
    await store.append(key, [message("b")], { expectedVersion: 1, opId: "2" });
    expect((await store.read(key)).items).toEqual([message("a"), message("b")]);
    expect((await stored(inner, key)).map((note) => (note.data as { key: string }).key)).toEqual(["old", "new"]);
  });

  it("recognises a repeated append also when the key was changed in between", async () => {
    const inner = new MemoryStore();
    const keys = { old: bytes(1), new: bytes(2) };
    await encrypted(inner, { current: "old", keys }).append(key, [message("a")], { expectedVersion: 0, opId: "1" });
    const store: SessionStore = encrypted(inner, { current: "new", keys });
    expect(await store.append(key, [message("a")], { expectedVersion: 0, opId: "1" })).toBe(1);
    await expect(store.append(key, [message("b")], { expectedVersion: 0, opId: "1" })).rejects.toMatchObject({
      code: "idempotency_mismatch",
    });
  });

  it("makes another nonce for each item and each place", async () => {
    const inner = new MemoryStore();
    const store = encrypted(inner, bytes(1));
    const items = Array.from({ length: 50 }, () => message("same"));
    await store.append(key, items, { expectedVersion: 0, opId: "1" });
    await store.append({ id: "other" }, items, { expectedVersion: 0, opId: "1" });
    const notes = [...(await stored(inner, key)), ...(await stored(inner, { id: "other" }))];
    expect(new Set(notes.map((note) => (note.data as { text: string }).text.slice(0, 16))).size).toBe(100);
  });

  it("refuses keys that are none", () => {
    const inner = new MemoryStore();
    for (const key of [new Uint8Array(16), new Uint8Array(0)]) expect(() => encrypted(inner, key)).toThrow(TypeError);
    expect(() => encrypted(inner, { current: "b", keys: { a: bytes(1) } })).toThrow(TypeError);
    expect(() => encrypted(inner, { current: "toString", keys: {} })).toThrow(TypeError);
    const text = "0".repeat(32) as unknown as Uint8Array;
    expect(() => encrypted(inner, { current: "a", keys: { a: text } })).toThrow(TypeError);
  });
});
