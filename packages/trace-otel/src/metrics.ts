/** The instruments of the conventions. */
import { type Counter, type Histogram, type MeterProvider, createNoopMeter } from "@opentelemetry/api";
import { METRIC } from "./conventions.ts";

/** Seconds, in the buckets that the conventions ask for. */
const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];
const CALLS = [0, 1, 2, 3, 4, 6, 8, 12, 16, 32, 64];

/** What is measured. */
export interface Meters {
  readonly chat: Histogram;
  readonly tokens: Histogram;
  readonly firstChunk: Histogram;
  readonly workflow: Histogram;
  readonly agent: Histogram;
  readonly inferences: Histogram;
  readonly toolCalls: Histogram;
  readonly tool: Histogram;
  readonly handoffs: Counter;
  readonly refusals: Counter;
  readonly blocked: Counter;
  readonly cost: Counter;
}

/** The instruments; nothing where nobody collects what they measure. */
export function metersOf(provider: MeterProvider, scope: string): Meters | undefined {
  const meter = provider.getMeter(scope);
  if (meter === createNoopMeter()) return undefined;
  const histogram = (name: string, unit: string, description: string, boundaries: number[]): Histogram =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: boundaries } });
  return {
    chat: histogram(METRIC.chatDuration, "s", "GenAI operation duration.", SECONDS),
    tokens: histogram(METRIC.tokens, "{token}", "Number of input and output tokens used.", TOKENS),
    firstChunk: histogram(METRIC.timeToFirstChunk, "s", "Time to receive the first chunk.", SECONDS),
    workflow: histogram(METRIC.workflowDuration, "s", "Duration of a run.", SECONDS),
    agent: histogram(METRIC.agentDuration, "s", "Duration of an agent's stay in control.", SECONDS),
    inferences: histogram(METRIC.agentInferences, "{call}", "Model calls of an agent while it is in control.", CALLS),
    toolCalls: histogram(METRIC.agentTools, "{call}", "Tool calls of an agent while it is in control.", CALLS),
    tool: histogram(METRIC.toolDuration, "s", "The duration of a single tool execution.", SECONDS),
    handoffs: meter.createCounter(METRIC.handoffs, { unit: "{handoff}", description: "Handoffs made." }),
    refusals: meter.createCounter(METRIC.refusals, { unit: "{handoff}", description: "Handoffs refused." }),
    blocked: meter.createCounter(METRIC.blocked, { unit: "{check}", description: "Guardrails that said no." }),
    cost: meter.createCounter(METRIC.cost, { unit: "{USD}", description: "Cost of calls whose price is known." }),
  };
}
