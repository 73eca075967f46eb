/** What a run's lines say together. */
import type { ModelUsage } from "@batonjs/core";
import { type Cost, CostMeter, type Prices } from "@batonjs/core/tracing";
import type { LoggedItem, TraceLine } from "./lines.ts";

/** One thing that took time, or a moment. */
export interface TraceStep {
  readonly kind: "model" | "tool" | "handoff" | "guardrail" | "pause" | "failure";
  readonly agent: string;
  /** Of the model, tool, guardrail or target. */
  readonly name: string;
  /** Milliseconds since the run began. */
  readonly startMs: number;
  readonly durationMs: number;
  /** How it ended: a finish reason, a status, `allowed`, `refused`. */
  readonly outcome: string;
  readonly failed: boolean;
  /** How deep it is nested. */
  readonly depth: number;
  readonly usage?: ModelUsage;
  readonly usd?: number | undefined;
  /** What was captured of it: arguments, result, reason. */
  readonly detail?: string | undefined;
}

/** One agent's part in a run. */
export interface TraceAgent {
  readonly name: string;
  readonly calls: number;
  readonly tools: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Nothing where no price is known of any call. */
  readonly cost: Cost | undefined;
}

/** An item that a handoff passed on or left behind. */
export interface TracedItem {
  readonly id: string;
  /** What the log knows of it: of an earlier run it knows nothing. */
  readonly item: LoggedItem | undefined;
}

/** A handoff: who, to whom, with what. */
export interface TraceHandoff {
  readonly from: string;
  readonly to: string;
  readonly toolName: string | undefined;
  readonly mode: string;
  readonly atMs: number;
  readonly refused: boolean;
  readonly reason: string | undefined;
  readonly input: string | undefined;
  readonly filters: readonly string[];
  readonly before: number;
  readonly after: number;
  readonly kept: readonly TracedItem[];
  readonly dropped: readonly TracedItem[];
  readonly putIn: number;
  readonly tokensBefore: number | undefined;
  readonly tokensAfter: number | undefined;
  readonly scores: Readonly<Record<string, number>>;
}

/** One run, from its first line to its last. */
export interface TraceRun {
  readonly id: string;
  readonly session: string | undefined;
  readonly startedAt: number;
  readonly durationMs: number;
  /** `unfinished`: the log ends before the run does. */
  readonly status: "completed" | "paused" | "failed" | "unfinished";
  readonly error: string | undefined;
  readonly agents: readonly TraceAgent[];
  readonly steps: readonly TraceStep[];
  readonly handoffs: readonly TraceHandoff[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Nothing where prices were neither logged nor given. */
  readonly cost: Cost | undefined;
  readonly lines: readonly TraceLine[];
}

export interface SummaryOptions {
  /** Prices for calls that were logged without one. */
  readonly prices?: Prices;
}

type LineOf<T extends TraceLine["type"]> = Extract<TraceLine, { readonly type: T }>;
interface AgentSums {
  calls: number;
  tools: number;
  inputTokens: number;
  outputTokens: number;
  readonly meter: CostMeter;
}

/** Adds up the lines of one run. */
export function summarize(lines: readonly TraceLine[], options: SummaryOptions = {}): TraceRun {
  const summary = new Summary(lines[0]!, options);
  for (const line of lines) summary.take(line);
  return summary.run(lines);
}

class Summary {
  readonly #first: TraceLine;
  readonly #prices: Prices | undefined;
  #last: number;
  #session: string | undefined;
  #status: TraceRun["status"] = "unfinished";
  #error: string | undefined;
  #priced = false;
  readonly #agents = new Map<string, AgentSums>();
  readonly #steps: TraceStep[] = [];
  readonly #handoffs: TraceHandoff[] = [];
  readonly #items = new Map<string, LoggedItem>();
  readonly #begun = new Map<string, LineOf<"tool_started">>();
  /** Models that have not answered yet, by lane. */
  readonly #asked = new Map<string, LineOf<"turn_started">>();
  #scores: Record<string, number> = {};
  readonly #total = new CostMeter(() => undefined);

  constructor(first: TraceLine, { prices }: SummaryOptions) {
    this.#first = first;
    this.#last = first.at;
    this.#prices = prices;
  }

  take(line: TraceLine): void {
    this.#last = Math.max(this.#last, line.at);
    switch (line.type) {
      case "run_started":
        if (line.session) this.#session = [line.session.tenant, line.session.id].filter(Boolean).join("/");
        return;
      case "turn_started":
        this.#scores = {};
        this.#asked.set(JSON.stringify(line.path ?? []), line);
        return;
      case "turn_finished":
        this.#asked.delete(JSON.stringify(line.path ?? []));
        return this.#model(line, line.agent, line, line.finishReason, undefined);
      case "item":
        return this.#item(line);
      case "tool_started":
        this.#begun.set(JSON.stringify([line.path ?? [], line.callId]), line);
        return;
      case "tool_finished":
        return this.#tool(line);
      case "handoff":
        return this.#handoff(line);
      case "handoff_refused":
        return this.#refused(line);
      case "guardrail":
        return this.#step(line, {
          kind: "guardrail",
          name: line.name,
          outcome: line.allowed ? "allowed" : "refused",
          failed: !line.allowed,
          durationMs: line.durationMs,
          detail: line.reason,
        });
      case "approval_needed":
        return this.#step(line, { kind: "pause", name: line.name, outcome: line.kind, failed: false, durationMs: 0 });
      case "run_finished":
        this.#status = line.status;
        return;
      case "run_failed":
        this.#status = "failed";
        this.#unanswered(line);
        this.#error = [line.name, line.code, line.message].filter(Boolean).join(": ");
        return this.#step(line, {
          kind: "failure",
          name: line.name,
          outcome: line.code,
          failed: true,
          durationMs: 0,
          detail: line.message,
        });
      default:
        return;
    }
  }

  #step(
    line: TraceLine,
    step: Omit<TraceStep, "agent" | "startMs" | "depth"> & { readonly agent?: string; readonly durationMs: number },
  ): void {
    const startMs = Math.max(0, line.at - step.durationMs - this.#first.at);
    this.#steps.push({ agent: line.agent, startMs, depth: line.path?.length ?? 0, ...step });
  }

  #sumsOf(agent: string): AgentSums {
    let sums = this.#agents.get(agent);
    if (!sums) {
      sums = { calls: 0, tools: 0, inputTokens: 0, outputTokens: 0, meter: new CostMeter(() => undefined) };
      this.#agents.set(agent, sums);
    }
    return sums;
  }

  #model(
    line: TraceLine,
    agent: string,
    call: { model: string; provider: string; usage: ModelUsage; durationMs?: number; usd?: number },
    outcome: string,
    purpose: string | undefined,
  ): void {
    const { model, provider, usage, durationMs = 0 } = call;
    const sums = this.#sumsOf(agent);
    sums.calls++;
    sums.inputTokens += usage.inputTokens;
    sums.outputTokens += usage.outputTokens;
    const usd = call.usd ?? (this.#prices && new CostMeter(this.#prices).add({ model, provider, usage }));
    if (usd !== undefined || this.#prices) this.#priced = true;
    sums.meter.count({ model, provider, usage }, usd);
    this.#total.count({ model, provider, usage }, usd);
    const answered = outcome === "stop" || outcome === "tool_calls";
    const name = purpose === undefined ? model : `${model} (${purpose})`;
    this.#step(line, { kind: "model", agent, name, outcome, failed: !answered, durationMs, usage, usd });
  }

  /** Models that were asked when the run failed. */
  #unanswered(failure: TraceLine): void {
    for (const { agent, model, at, path = [] } of this.#asked.values())
      this.#steps.push({
        kind: "model",
        agent,
        name: model,
        startMs: at - this.#first.at,
        durationMs: failure.at - at,
        outcome: "no answer",
        failed: true,
        depth: path.length,
      });
    this.#asked.clear();
  }

  #item(line: LineOf<"item">): void {
    const { item } = line;
    this.#items.set(item.id, item);
    if (item.scores) Object.assign(this.#scores, item.scores);
    if (item.type === "turn" && item.purpose !== undefined && item.model !== undefined && item.usage) {
      const { model, provider = "", usage, durationMs, usd } = item;
      const call = { model, provider, usage, ...(durationMs === undefined ? {} : { durationMs }) };
      this.#model(line, item.agent ?? line.agent, usd === undefined ? call : { ...call, usd }, "stop", item.purpose);
    }
  }

  #tool(line: LineOf<"tool_finished">): void {
    this.#sumsOf(line.agent).tools++;
    const begun = this.#begun.get(JSON.stringify([line.path ?? [], line.callId]));
    const detail = [begun?.arguments, line.output].filter((text) => text !== undefined).join(" → ");
    this.#step(line, {
      kind: "tool",
      name: line.name,
      outcome: line.status,
      failed: line.status !== "ok",
      durationMs: line.durationMs,
      detail: detail === "" ? undefined : detail,
    });
  }

  #handoff(line: LineOf<"handoff">): void {
    const { from, to, mode, before, after, filters, passed, input, toolName, durationMs } = line;
    this.#step(line, {
      kind: "handoff",
      agent: from,
      name: to,
      outcome: mode,
      failed: false,
      durationMs,
      detail: input,
    });
    if (mode === "back") return; // the answer to a handoff that has been told
    const known = (ids: readonly string[] = []): TracedItem[] => ids.map((id) => ({ id, item: this.#items.get(id) }));
    this.#handoffs.push({
      from,
      to,
      toolName,
      mode,
      atMs: line.at - this.#first.at,
      refused: false,
      reason: undefined,
      input,
      filters,
      before,
      after,
      kept: known(passed?.kept),
      dropped: known(passed?.dropped),
      putIn: passed?.putIn ?? 0,
      tokensBefore: passed?.tokensBefore,
      tokensAfter: passed?.tokensAfter,
      scores: { ...this.#scores },
    });
  }

  #refused(line: LineOf<"handoff_refused">): void {
    const to = line.to ?? line.toolName;
    const refusal = { kind: "handoff", name: to, outcome: "refused", failed: true, durationMs: 0 } as const;
    this.#step(line, { ...refusal, detail: line.reason });
    this.#handoffs.push({
      from: line.agent,
      to,
      toolName: line.toolName,
      mode: "refused",
      atMs: line.at - this.#first.at,
      refused: true,
      reason: line.reason,
      input: undefined,
      filters: [],
      before: 0,
      after: 0,
      kept: [],
      dropped: [],
      putIn: 0,
      tokensBefore: undefined,
      tokensAfter: undefined,
      scores: { ...this.#scores },
    });
  }

  run(lines: readonly TraceLine[]): TraceRun {
    const agents = [...this.#agents].map(([name, { meter, ...sums }]) => ({
      name,
      ...sums,
      cost: this.#priced ? meter.cost : undefined,
    }));
    const sum = (of: (agent: TraceAgent) => number): number => agents.reduce((total, agent) => total + of(agent), 0);
    return {
      id: this.#first.run,
      session: this.#session,
      startedAt: this.#first.at,
      durationMs: this.#last - this.#first.at,
      status: this.#status,
      error: this.#error,
      agents,
      steps: this.#steps.toSorted((a, b) => a.startMs - b.startMs),
      handoffs: this.#handoffs,
      inputTokens: sum(({ inputTokens }) => inputTokens),
      outputTokens: sum(({ outputTokens }) => outputTokens),
      cost: this.#priced ? this.#total.cost : undefined,
      lines,
    };
  }
}
