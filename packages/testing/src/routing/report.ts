/** What an evaluation found, as JSON. */
import type { Usage } from "@batonjs/core";
import { calibrationOf, coverageOf } from "./curves.ts";

/** What a local classifier said of a message, whoever decided. */
export interface RoutingGuess {
  /** `null`: it stays with triage. */
  readonly agent: string | null;
  /** From 0 to 1. */
  readonly score: number;
}

/** What came of one message. */
export interface RoutingResult {
  readonly text: string;
  /** Where it stands in its file. */
  readonly line?: number;
  /** The agent it is for; `null`: triage keeps it. */
  readonly expected: string | null;
  /** The agent it went to; `null`: triage kept it. */
  readonly actual: string | null;
  readonly right: boolean;
  /** The agents that had it, in order. */
  readonly path: readonly string[];
  /** What decided: a rung of the router, or `model`. */
  readonly by: string;
  readonly guess?: RoutingGuess;
  /** Model calls until it was routed. */
  readonly calls: number;
  readonly usage: Usage;
  /** In the unit of the option `price`. */
  readonly cost?: number;
  readonly latencyMs: number;
  /** Why it was not routed at all. */
  readonly error?: string;
}

/** How well one agent gets the messages that are for it. A ratio of nothing is `null`. */
export interface EdgeReport {
  /** The agent; the triage itself stands for what it keeps. */
  readonly agent: string;
  /** Messages that are for it. */
  readonly expected: number;
  /** Messages that went to it. */
  readonly routed: number;
  /** Both. */
  readonly right: number;
  /** Of those that went to it, the share that is for it. */
  readonly precision: number | null;
  /** Of those that are for it, the share that went to it. */
  readonly recall: number | null;
  readonly f1: number | null;
}

/** How often each agent got what is for each: `counts[i][j]` messages for `expected[i]` went to `actual[j]`. */
export interface ConfusionMatrix {
  readonly expected: readonly string[];
  /** The same, and `(failed)` behind them where a run failed. */
  readonly actual: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

/** Whether a score of 0.8 is right in 80 of 100 cases. */
export interface CalibrationReport {
  readonly bins: readonly {
    readonly from: number;
    readonly to: number;
    readonly messages: number;
    /** Mean score. */
    readonly score: number;
    /** Share that is right. */
    readonly right: number;
  }[];
  /** Mean distance of score and share, weighted by messages (ECE). */
  readonly error: number;
}

/** What deciding at a threshold would do. */
export interface CoveragePoint {
  readonly threshold: number;
  /** Of the messages for an agent, the share that is decided. */
  readonly coverage: number | null;
  /** Of the decided messages, the share that is right. */
  readonly precision: number | null;
  /** Of the messages that triage is to keep, the share that is decided all the same. */
  readonly outOfScope: number | null;
}

/** What one rung did. */
export interface RungReport {
  readonly by: string;
  readonly messages: number;
  readonly right: number;
  readonly calls: number;
}

/** Plain JSON: `JSON.stringify(report)` saves it, and `compareRouting` reads that again. */
export interface RoutingReport {
  readonly version: 1;
  /** Name of the agent that gets the messages. */
  readonly agent: string;
  /** The agents that a message may go to. */
  readonly agents: readonly string[];
  readonly messages: number;
  readonly right: number;
  readonly failed: number;
  readonly accuracy: number;
  readonly edges: readonly EdgeReport[];
  readonly confusion: ConfusionMatrix;
  readonly rungs: readonly RungReport[];
  /** `null` where nothing said how sure it was. */
  readonly calibration: CalibrationReport | null;
  readonly coverage: readonly CoveragePoint[] | null;
  readonly calls: { readonly total: number; readonly perMessage: number; readonly perRight: number | null };
  readonly usage: Usage;
  /** In the unit of the option `price`; `null` without one. */
  readonly cost: number | null;
  readonly latencyMs: { readonly mean: number; readonly median: number; readonly p95: number; readonly max: number };
  readonly results: readonly RoutingResult[];
}

/** Where runs that failed are counted. */
const FAILED = "(failed)";

/** The report of results. */
export function reportOf(agent: string, agents: readonly string[], results: readonly RoutingResult[]): RoutingReport {
  if (results.length === 0) throw new TypeError(`Cannot evaluate agent "${agent}": there is no case`);
  const right = results.filter((result) => result.right).length;
  const calls = sum(results.map((result) => result.calls));
  const confusion = confusionOf(agent, agents, results);
  return {
    version: 1,
    agent,
    agents,
    messages: results.length,
    right,
    failed: results.filter(({ error }) => error !== undefined).length,
    accuracy: right / results.length,
    edges: edgesOf(confusion),
    confusion,
    rungs: rungsOf(results),
    calibration: calibrationOf(results),
    coverage: coverageOf(results),
    calls: { total: calls, perMessage: calls / results.length, perRight: ratio(calls, right) },
    usage: usageOfAll(results),
    cost: results.every(({ cost }) => cost !== undefined) ? sum(results.map(({ cost = 0 }) => cost)) : null,
    latencyMs: latencyOf(results.map(({ latencyMs }) => latencyMs)),
    results,
  };
}

/**
 * One report of several, as if all messages had been evaluated together: for parts that ran with different thresholds,
 * or at different places. Results are in the order of their lines, where all have one. Throws a `TypeError` for reports of
 * different agents.
 */
export function joinReports(reports: readonly RoutingReport[]): RoutingReport {
  const agent = reports[0]?.agent ?? "";
  const other = reports.find((each) => each.agent !== agent);
  if (other) throw new TypeError(`Cannot join reports of different agents: found "${agent}" and "${other.agent}"`);
  const agents = new Set(reports.flatMap((report) => report.agents));
  const results = reports.flatMap((report) => report.results);
  const inFile = results.every(({ line }) => line !== undefined);
  return reportOf(agent, [...agents], inFile ? results.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) : results);
}

function confusionOf(agent: string, agents: readonly string[], results: readonly RoutingResult[]): ConfusionMatrix {
  const labels = [...agents, agent];
  const actual = results.some(({ error }) => error !== undefined) ? [...labels, FAILED] : labels;
  const counts = labels.map(() => actual.map(() => 0));
  for (const result of results) {
    const row = counts[labels.indexOf(result.expected ?? agent)];
    const column = actual.indexOf(result.error === undefined ? (result.actual ?? agent) : FAILED);
    if (row?.[column] !== undefined) row[column] += 1;
  }
  return { expected: labels, actual, counts };
}

function edgesOf({ expected, counts }: ConfusionMatrix): readonly EdgeReport[] {
  return expected.map((agent, i): EdgeReport => {
    const right = counts[i]?.[i] ?? 0;
    const wanted = sum(counts[i] ?? []);
    const routed = sum(counts.map((row) => row[i] ?? 0));
    return {
      agent,
      expected: wanted,
      routed,
      right,
      precision: ratio(right, routed),
      recall: ratio(right, wanted),
      f1: ratio(2 * right, wanted + routed),
    };
  });
}

function rungsOf(results: readonly RoutingResult[]): readonly RungReport[] {
  const groups = Map.groupBy(results, ({ by }) => by);
  return [...groups]
    .map(([by, all]): RungReport => ({
      by,
      messages: all.length,
      right: all.filter(({ right }) => right).length,
      calls: sum(all.map(({ calls }) => calls)),
    }))
    .toSorted((a, b) => Number(a.by === "model") - Number(b.by === "model") || b.messages - a.messages);
}

function usageOfAll(results: readonly RoutingResult[]): Usage {
  const total = (field: keyof Usage): number => sum(results.map(({ usage }) => usage[field]));
  return {
    requests: total("requests"),
    inputTokens: total("inputTokens"),
    cachedInputTokens: total("cachedInputTokens"),
    outputTokens: total("outputTokens"),
    reasoningTokens: total("reasoningTokens"),
    totalTokens: total("totalTokens"),
  };
}

function latencyOf(all: readonly number[]): RoutingReport["latencyMs"] {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { mean: sum(all) / all.length, median: at(0.5), p95: at(0.95), max: at(1) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
