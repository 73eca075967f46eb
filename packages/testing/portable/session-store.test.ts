/** A conformance suite under this runtime's `describe` and `it`, with a store that needs nothing. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore } from "@batonjs/core";
import { testSessionStore } from "@batonjs/testing/session-store";

describe("MemoryStore", () => {
  let now = 0;
  testSessionStore({
    describe,
    it,
    create: () => ({
      store: new MemoryStore({ now: () => now }),
      another: () => new MemoryStore(),
      pass: (ms) => void (now += ms),
    }),
    capabilities: {
      durability: "none",
      shared: false,
      list: true,
      lease: true,
      close: false,
      faults: false,
      corruption: false,
    },
    runs: { models: 5, interleavings: 2, speed: 10 },
    report: (line) => assert.match(line, /^append of 4 items: p50 .* ms/),
  });
});
