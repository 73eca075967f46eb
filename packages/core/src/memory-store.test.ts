import { testSessionStore } from "@batonjs/testing/session-store";
import { describe, expect, it } from "vitest";
import { MemoryStore, memorySessions } from "./memory-store.ts";

describe("MemoryStore", () => {
  testSessionStore({
    describe,
    it,
    create: () => {
      let now = 0;
      return {
        store: new MemoryStore({ now: () => now }),
        another: () => new MemoryStore(),
        pass: (ms) => void (now += ms),
      };
    },
    capabilities: {
      durability: "none",
      shared: false,
      list: true,
      lease: true,
      close: false,
      faults: false,
      corruption: false,
    },
  });
});

it("memorySessions() gives a store that its runners share", async () => {
  const { sessions } = memorySessions();
  await sessions?.append({ id: "s" }, [{ type: "rewind", id: "1", to: "0" }], { expectedVersion: 0, opId: "1" });
  expect(await sessions?.read({ id: "s" })).toMatchObject({ version: 1 });
});
