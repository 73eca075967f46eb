import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testSessionStore } from "@batonjs/testing/session-store";
import { describe, it } from "vitest";
import { FileStore } from "./file-store.ts";

describe("FileStore", () => {
  testSessionStore({
    describe,
    it: (name, body) => it(name, { timeout: 60_000 }, body),
    create: async () => {
      const folder = await mkdtemp(join(tmpdir(), "file-store-"));
      return {
        store: new FileStore(folder),
        another: () => new FileStore(folder),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
    capabilities: {
      durability: "process",
      shared: true,
      list: false,
      lease: false,
      close: false,
      faults: false,
      corruption: false,
    },
    // The store reads the whole session for each call: fewer runs than usual are slow enough.
    runs: { models: 10, interleavings: 3, speed: 30 },
  });
});
