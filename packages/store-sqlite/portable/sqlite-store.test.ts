import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { testSessionStore } from "@batonjs/testing/session-store";
import { SqliteStore, sqliteSessions } from "@batonjs/store-sqlite";

const capabilities = { list: true, lease: true, close: true, faults: false, corruption: false } as const;
const runs = { models: 10, interleavings: 3 };

describe("SqliteStore on a file", () => {
  testSessionStore({
    describe,
    it,
    create: () => {
      const folder = mkdtempSync(join(tmpdir(), "baton-sqlite-"));
      const opened: SqliteStore[] = [];
      const another = (): SqliteStore => {
        const store = new SqliteStore(join(folder, "sessions.db"));
        opened.push(store);
        return store;
      };
      const dispose = async (): Promise<void> => {
        for (const store of opened) await store.close();
        rmSync(folder, { recursive: true, force: true });
      };
      return { store: another(), another, dispose };
    },
    capabilities: { ...capabilities, durability: "machine", shared: true },
    runs,
  });
});

describe("SqliteStore in memory", () => {
  testSessionStore({
    describe,
    it,
    create: () => {
      let now = 0;
      return {
        store: new SqliteStore(":memory:", { now: () => now }),
        another: () => new SqliteStore(":memory:"),
        pass: (ms) => void (now += ms),
      };
    },
    capabilities: { ...capabilities, durability: "none", shared: false },
    runs,
  });
});

describe("sqliteSessions()", () => {
  it("creates a file for its owner only, and says when another program's is in its place", async () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-sqlite-"));
    try {
      const path = join(folder, "sessions.db");
      const { sessions, close } = sqliteSessions(path);
      await sessions?.read({ id: "s" });
      assert.equal(statSync(path).mode & 0o777, 0o600);
      await close?.();
      await assert.rejects(async () => sqliteSessions(folder).sessions?.read({ id: "s" }), { name: "StoreError" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
