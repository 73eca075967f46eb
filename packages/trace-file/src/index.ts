/**
 * Runs as a JSONL log, as pages for a terminal, and live on the console.
 *
 * @module
 */
export { traceFile, type TraceFileOptions, type TraceFilePlugin, type TraceStats } from "./trace-file.ts";
export { consoleTrace, type ConsoleTraceOptions, type ConsoleTracePlugin } from "./console-trace.ts";
export type { RecordOptions } from "./recorder.ts";
export { readTrace, type Trace } from "./read.ts";
export { printRun, printTrace, type PrintOptions } from "./print.ts";
export type { SummaryOptions, TraceAgent, TracedItem, TraceHandoff, TraceRun, TraceStep } from "./summary.ts";
export type { LineBase, LineBody, LoggedItem, TraceLine } from "./lines.ts";
