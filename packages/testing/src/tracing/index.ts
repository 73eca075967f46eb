/**
 * Suites for what listens to runs: a tracer must change nothing and give nothing away; an exporter must not be able to
 * hold a run up.
 *
 * ```ts
 * import { describe, it } from "vitest";
 * import { testTracer } from "@batonjs/testing/tracing";
 * import { consoleTrace } from "@batonjs/trace-file";
 *
 * testTracer({
 *   describe,
 *   it,
 *   create: ({ capture }) => {
 *     const lines: string[] = [];
 *     const plugin = consoleTrace({ capture, write: (line) => void lines.push(line) });
 *     return { plugin, written: () => lines.join("\n") };
 *   },
 * });
 * ```
 *
 * @module
 */
export { testTracer, type TracerSuite, type TracerUnderTest } from "./tracer.ts";
export {
  testExporter,
  type ExporterFault,
  type ExporterStats,
  type ExporterSuite,
  type ExporterUnderTest,
} from "./exporter.ts";
export { CANARIES, type Canaries, SCENARIOS, type Scenario, type ScenarioSetup } from "./scenarios.ts";
export { spanTree, type SpanTreeOptions, type TracedSpan } from "./span-tree.ts";
