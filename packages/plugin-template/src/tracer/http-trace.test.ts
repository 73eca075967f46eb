import { type ExporterFault, testExporter, testTracer } from "@batonjs/testing/tracing";
import { describe, it } from "vitest";
import { httpTrace } from "./http-trace.ts";

const url = "http://collector.test/lines";

describe("httpTrace()", () => {
  testTracer({
    describe,
    it,
    create: ({ capture }) => {
      const sent: string[] = [];
      const fetch: typeof globalThis.fetch = async (_, init) => {
        sent.push(init?.body as string);
        return new Response();
      };
      return { plugin: httpTrace({ url, capture, fetch }), written: () => sent.join("\n") };
    },
  });

  testExporter({
    describe,
    it,
    create: (fault) => {
      const plugin = httpTrace({ url, fetch: faulty(fault), maxQueue: 100, closeTimeoutMs: 100 });
      return { plugin, stats: () => plugin.stats, maxQueue: 100 };
    },
    closeWithinMs: 1_000,
  });
});

/** A server with a fault. */
function faulty(fault: ExporterFault): typeof globalThis.fetch {
  return async () => {
    if (fault === "slow") await new Promise((resolve) => setTimeout(resolve, 2));
    if (fault === "hangs") await new Promise(() => {});
    if (fault === "throws") throw new TypeError("fetch failed");
    return new Response(null, { status: fault === "refuses" ? 503 : 204 });
  };
}
