/** Messages through a triage, and what came of them. */
import {
  type AnyAgent,
  type Clock,
  type ContextOf,
  type Item,
  type ModelUsage,
  RunError,
  Runner,
  type RunnerOptions,
  type TurnItem,
  usageOf,
} from "@batonjs/core";
import { quote } from "../text.ts";
import { knownOf, type Labels, labelsOf } from "./agents.ts";
import type { RoutingCase } from "./cases.ts";
import { decisionIn } from "./decision.ts";
import { type RoutingReport, type RoutingResult, reportOf } from "./report.ts";
import { ONLY_ROUTING, onlyRouting, type Routes } from "./only-routing.ts";

/** How a triage is evaluated: a runner's options, as in production, and what is measured. */
export interface EvaluationOptions extends Omit<RunnerOptions, "newId" | "concurrentTurns"> {
  /** Names of the agents whose models are asked; all others count as reached. @default the agent that is evaluated */
  readonly triage?: readonly string[];
  /** Messages at a time. With more than one, latencies include waiting for each other. @default {1} */
  readonly concurrency?: number;
  /** What a model reply costs, in a unit of yours: `({ model, usage }) => …`. @default not told */
  readonly price?: (turn: { readonly model: string; readonly provider: string; readonly usage: ModelUsage }) => number;
  /** Whether a reply was a model's. @default all but the router's own, which is of the provider `router` */
  readonly isModelCall?: (turn: TurnItem) => boolean;
  /** Told of each result, in the order in which they come. */
  readonly onResult?: (result: RoutingResult) => void;
  readonly signal?: AbortSignal;
  /** Measures latency, and is the clock of the runs. @default the machine's, in fractions of a millisecond */
  readonly clock?: Clock;
}

/** An evaluation's options; `context` is required where the agents need one. */
export type EvaluationArguments<Context> = unknown extends Context
  ? [options?: EvaluationOptions & { readonly context?: unknown }]
  : [options: EvaluationOptions & { readonly context: Context }];

/**
 * Sends each case's text to `agent` in a run of its own and reports where it went. The triage runs as in production,
 * with its plugins, rules, guardrails and callbacks of handoffs; the agents it hands over to answer at once, without
 * their models, and tools that change something are not run. Rejects with a `TypeError` or `RangeError` for what cannot
 * be used, before any run; a run that fails is a result with an `error`.
 */
export async function evaluateRouting<A extends AnyAgent>(
  agent: A,
  cases: Iterable<RoutingCase>,
  ...[options]: EvaluationArguments<ContextOf<A>>
): Promise<RoutingReport> {
  const evaluation = new Evaluation(agent, options ?? {});
  const asked = checked(cases, evaluation.labels);
  const results: RoutingResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < asked.length; i = next++) {
      const result = await evaluation.route(asked[i]!, i);
      results[i] = result;
      options?.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(evaluation.concurrency, asked.length) }, work));
  return reportOf(evaluation.labels.entry, evaluation.ends(results), results);
}

/** A case whose agent is known; `null` is triage. */
interface Asked {
  readonly text: string;
  readonly line?: number;
  readonly expected: string | null;
}

function checked(cases: Iterable<RoutingCase>, labels: Labels): readonly Asked[] {
  const asked = Array.from(cases, ({ text, agent, line }, i): Asked => {
    const which = line === undefined ? `case ${i + 1}` : `the case of line ${line}`;
    if (typeof text !== "string" || text.trim() === "") throw new TypeError(`Cannot use ${which}: it has no text`);
    const expected = agent === null || typeof agent === "string" ? labels.find(agent) : undefined;
    if (expected === undefined)
      throw new TypeError(`Cannot use ${which}: it is for the unknown agent ${quote(agent)}; ${knownOf(labels)}`);
    return { text, expected, ...(line === undefined ? {} : { line }) };
  });
  if (asked.length === 0) throw new TypeError(`Cannot evaluate agent "${labels.entry}": there is no case`);
  return asked;
}

const machineClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (wake, ms) => setTimeout(wake, ms),
  clearTimeout: (timer) => clearTimeout(timer as Parameters<typeof clearTimeout>[0]),
};

/** The options that the runner does not know. */
const OWN_OPTIONS: ReadonlySet<string> = new Set([
  "triage",
  "concurrency",
  "price",
  "isModelCall",
  "onResult",
  "signal",
  "context",
] satisfies readonly (keyof EvaluationOptions | "context")[]);

class Evaluation {
  readonly labels: Labels;
  readonly concurrency: number;
  readonly #agent: AnyAgent;
  readonly #options: EvaluationOptions & { readonly context?: unknown };
  readonly #triage: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #routes: Routes = new Map();
  readonly #runner: Runner;

  constructor(agent: AnyAgent, options: EvaluationOptions & { readonly context?: unknown }) {
    this.labels = labelsOf(agent);
    this.#agent = agent;
    this.#options = options;
    const { concurrency = 1, triage = [], clock = machineClock } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new RangeError(`Cannot use ${String(concurrency)} as concurrency as it must be a positive integer`);
    const unknown = triage.find((name) => this.labels.find(name) === undefined);
    if (unknown !== undefined) throw new TypeError(`Cannot use "${unknown}" as a triage: ${knownOf(this.labels)}`);
    this.concurrency = concurrency;
    this.#triage = new Set([this.labels.entry, ...triage]);
    this.#clock = clock;
    this.#runner = this.#makeRunner();
  }

  #makeRunner(): Runner {
    const { plugins = [] } = this.#options;
    const others = Object.entries(this.#options).filter(([name]) => !OWN_OPTIONS.has(name));
    const [outer, inner] = onlyRouting(this.#triage, this.#routes, this.#clock);
    return new Runner({
      model: ONLY_ROUTING, // a specialist needs no model here; a triage without one is refused by the plugin
      ...(Object.fromEntries(others) as RunnerOptions),
      clock: this.#clock,
      plugins: [outer, ...plugins, inner],
    });
  }

  /** The agents that are no triage, and those that are and got or should get messages. */
  ends(results: readonly RoutingResult[]): readonly string[] {
    const used = new Set(results.flatMap(({ expected, actual }) => [expected, actual]));
    return this.labels.names.filter((name) => !this.#triage.has(name) || used.has(name));
  }

  async route({ text, line, expected }: Asked, i: number): Promise<RoutingResult> {
    const { price, signal, isModelCall = ({ provider }) => provider !== "router" } = this.#options;
    const runId = `routing_${i + 1}`;
    const started = this.#clock.now();
    const outcome = await this.#run(runId, text);
    const route = this.#routes.get(runId);
    this.#routes.delete(runId);
    signal?.throwIfAborted();
    const items = this.#untilRouted(outcome.items);
    const turns = items.filter((item) => item.type === "turn");
    const passed = items.flatMap((item) => (item.type === "handoff" ? [item.to] : []));
    const waiting = outcome.waiting === undefined ? undefined : this.#targetOf(outcome.waiting);
    const last = route?.agent ?? waiting ?? passed.at(-1) ?? this.labels.entry;
    const actual = last === this.labels.entry ? null : last;
    // A specialist that was reached is where the message went, whatever became of its run.
    const error = route || waiting !== undefined ? undefined : outcome.error;
    const { by, guess } = decisionIn(items, this.labels.entry);
    return {
      text,
      ...(line === undefined ? {} : { line }),
      expected,
      actual,
      right: error === undefined && actual === expected,
      path: [this.labels.entry, ...passed],
      by,
      ...(guess ? { guess } : {}),
      calls: turns.filter(isModelCall).length,
      usage: usageOf(turns),
      ...(price ? { cost: turns.reduce((total, turn) => total + price(turn), 0) } : {}),
      latencyMs: (route?.at ?? this.#clock.now()) - started,
      ...(error === undefined ? {} : { error }),
    };
  }

  async #run(runId: string, text: string): Promise<Outcome> {
    const { context, signal } = this.#options;
    try {
      const result = await this.#runner.run(this.#agent, text, { runId, context, ...(signal ? { signal } : {}) });
      return { items: result.newItems, waiting: result.pending[0]?.name };
    } catch (error) {
      if (!(error instanceof RunError)) throw error; // the caller's mistake, or ours
      return { items: error.items, error: error.message };
    }
  }

  /** The items up to the handoff that leaves triage. */
  #untilRouted(items: readonly Item[]): readonly Item[] {
    const left = items.findIndex((item) => item.type === "handoff" && !this.#triage.has(item.to));
    return left < 0 ? items : items.slice(0, left + 1);
  }

  /** The agent that a handoff which waits for approval leads to. */
  #targetOf(toolName: string): string | undefined {
    const target = this.labels.find(toolName);
    return target === null ? this.labels.entry : target;
  }
}

interface Outcome {
  readonly items: readonly Item[];
  /** Name of the call that waits for the caller. */
  readonly waiting?: string | undefined;
  readonly error?: string;
}
