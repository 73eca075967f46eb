import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { testSessionStore } from "@batonjs/testing/session-store";
import { testExporter, testTracer } from "@batonjs/testing/tracing";
import { FileStore, httpTrace } from "@batonjs/plugin-template";

const url = "http://collector.test/lines";

describe("FileStore", () => {
  testSessionStore({
    describe,
    it,
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
    runs: { models: 3, interleavings: 1, speed: 5 },
    report: () => {},
  });
});

describe("httpTrace()", () => {
  testTracer({
    describe,
    it,
    create: ({ capture }) => {
      const sent: string[] = [];
      const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
        sent.push(init?.body as string);
        return new Response();
      };
      return { plugin: httpTrace({ url, capture, fetch }), written: () => sent.join("\n") };
    },
  });
  testExporter({
    describe,
    it,
    faults: ["hangs"],
    create: (fault) => {
      const fetch = (): Promise<Response> =>
        fault === "hangs" ? new Promise(() => {}) : Promise.resolve(new Response());
      const plugin = httpTrace({ url, fetch, maxQueue: 100, closeTimeoutMs: 50 });
      return { plugin, stats: () => plugin.stats, maxQueue: 100 };
    },
    closeWithinMs: 1_000,
  });
});
