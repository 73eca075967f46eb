/** Who is in control where: the run's own transcript, and those of nested agents. */
import type { Attributes, Context, Span } from "@opentelemetry/api";
import type { Item, RunEvent, ToolCallItem, VisibleItem } from "@batonjs/core";
import { CostMeter, laneOf } from "@batonjs/core/tracing";
import { BATON, ERROR_TYPE, GEN_AI, OPERATION } from "./conventions.ts";
import type { Failure, Open, Settings, Spans } from "./spans.ts";

/** An agent in control. */
export interface AgentSpan extends Open {
  readonly name: string;
  inferences: number;
  tools: number;
  readonly usage: { input: number; cached: number; output: number; reasoning: number };
  readonly cost: CostMeter | undefined;
}
/** A model that is being asked. */
export interface ChatSpan extends Open {
  readonly model: string;
  readonly provider: string;
  resets: number;
  /** What the model has answered, where messages are shown. */
  readonly output: Item[];
}
/** A tool or handoff under way. */
export interface ToolSpan extends Open {
  readonly name: string;
}
/** One transcript: that of the run, or of a nested one. */
export interface Lane {
  /** What agents stand under. */
  parent: Context;
  readonly path: readonly string[];
  agent: AgentSpan | undefined;
  chat: ChatSpan | undefined;
  /** Agents that wait for an answer, with the handoff that asked. */
  readonly waiting: { readonly agent: AgentSpan; readonly handoff: Open; readonly parent: Context }[];
  /** Handoffs whose guardrails have been asked. */
  readonly handoffs: Map<string, Open>;
  /** Calls that were recorded in this run, by call id. */
  readonly calls: Map<string, ToolCallItem>;
  /** The handoff that the next agent comes from. */
  from: Span | undefined;
  shown: readonly VisibleItem[];
  /** What routers have noted of the last reply. */
  readonly scores: Record<string, number>;
  compacted: boolean;
}

/** The transcripts of a run, and what is open in them. */
export class Lanes {
  readonly spans: Spans;
  readonly settings: Settings;
  /** Of the whole run; nothing where there are no prices. */
  readonly cost: CostMeter | undefined;
  /** Tools under way, by the id of their call's item, or by call id where the call is of an earlier run. */
  readonly tools: Map<string, ToolSpan> = new Map();
  readonly #runId: string;
  readonly #root: Context;
  readonly #lanes = new Map<string, Lane>();

  constructor(runId: string, root: Context, spans: Spans) {
    this.#runId = runId;
    this.#root = root;
    this.spans = spans;
    this.settings = spans.settings;
    this.cost = this.#newMeter();
  }

  #newMeter(): CostMeter | undefined {
    return this.settings.prices && new CostMeter(this.settings.prices);
  }

  /** The lane at `path`, where something has happened in it. */
  at(path: readonly string[] | undefined): Lane | undefined {
    return this.#lanes.get(laneOf(this.#runId, path));
  }

  laneOf({ path = [] }: Pick<RunEvent, "path">): Lane {
    const key = laneOf(this.#runId, path);
    let lane = this.#lanes.get(key);
    if (!lane) this.#lanes.set(key, (lane = this.#newLane(path)));
    return lane;
  }

  /** Of a call that is under way. */
  toolOf(lane: Lane, callId: string): ToolSpan | undefined {
    return this.tools.get(keyOf(lane, callId));
  }

  #newLane(path: readonly string[]): Lane {
    const callId = path.at(-1);
    let parent = this.#root;
    if (callId !== undefined) {
      const above = this.laneOf({ path: path.slice(0, -1) });
      parent = this.toolOf(above, callId)?.context ?? above.agent?.context ?? parent;
    }
    return {
      parent,
      path,
      agent: undefined,
      chat: undefined,
      waiting: [],
      handoffs: new Map(),
      calls: new Map(),
      from: undefined,
      shown: [],
      scores: {},
      compacted: false,
    };
  }

  /** The span of the agent in control. */
  agentOf(lane: Lane, agent: string): AgentSpan {
    const name = this.settings.scrub.name(agent);
    if (lane.agent?.name === name) return lane.agent;
    this.endAgent(lane);
    const { from } = lane;
    lane.from = undefined;
    const attributes = { [GEN_AI.operation]: OPERATION.agent, [GEN_AI.agent]: name };
    const open = this.spans.start(`${OPERATION.agent} ${name}`, attributes, lane.parent, from ? { from } : {});
    const usage = { input: 0, cached: 0, output: 0, reasoning: 0 };
    lane.agent = { ...open, name, inferences: 0, tools: 0, usage, cost: this.#newMeter() };
    return lane.agent;
  }

  endAgent(lane: Lane, failure?: Failure): void {
    const { agent } = lane;
    lane.agent = undefined;
    if (agent) this.#closeAgent(agent, failure);
  }

  #closeAgent(agent: AgentSpan, failure?: Failure): void {
    const { meters } = this.settings;
    const { input, cached, output, reasoning } = agent.usage;
    agent.span.setAttributes({
      [GEN_AI.inputTokens]: input,
      [GEN_AI.outputTokens]: output,
      ...(cached > 0 ? { [GEN_AI.cachedTokens]: cached } : {}),
      ...(reasoning > 0 ? { [GEN_AI.reasoningTokens]: reasoning } : {}),
      ...this.costAttributes(agent.cost),
    });
    const labels = { [GEN_AI.operation]: OPERATION.agent, [GEN_AI.agent]: agent.name };
    const seconds = (performance.now() - agent.began) / 1000;
    meters?.agent.record(seconds, failure ? { ...labels, [ERROR_TYPE]: failure.type } : labels);
    meters?.inferences.record(agent.inferences, labels);
    meters?.toolCalls.record(agent.tools, labels);
    this.spans.end(agent, failure);
  }

  costAttributes(meter: CostMeter | undefined): Attributes {
    if (!meter) return {};
    const { usd, unknown } = meter.cost;
    return {
      ...(usd === undefined ? {} : { [BATON.cost]: usd }),
      ...(unknown.length === 0 ? {} : { [BATON.unknownPrices]: unknown.map((name) => this.settings.scrub.name(name)) }),
    };
  }

  /** Ends what is open at `path`: the call that led there has its result. */
  close(path: readonly string[], failure: Failure | undefined): void {
    const lane = this.at(path);
    if (!lane) return;
    this.#endLane(lane, failure);
    this.#lanes.delete(laneOf(this.#runId, path));
  }

  /** The innermost first: nothing outlives what it stands under. */
  closeAll(failure: Failure | undefined): void {
    for (const lane of [...this.#lanes.values()].reverse()) this.#endLane(lane, failure);
    for (const tool of [...this.tools.values()].reverse()) this.spans.end(tool, failure);
    this.#lanes.clear();
    this.tools.clear();
  }

  #endLane(lane: Lane, failure: Failure | undefined): void {
    if (lane.chat) this.#endChat(lane.chat, failure);
    lane.chat = undefined;
    for (const open of lane.handoffs.values()) this.spans.end(open, failure);
    lane.handoffs.clear();
    for (const callId of lane.calls.keys()) this.#endTool(lane, callId, failure);
    this.endAgent(lane, failure);
    for (let left = lane.waiting.pop(); left; left = lane.waiting.pop()) {
      this.spans.end(left.handoff, failure);
      this.#closeAgent(left.agent, failure);
    }
  }

  /** A model that has not answered. */
  #endChat(chat: ChatSpan, failure: Failure = { type: "_OTHER" }): void {
    this.settings.meters?.chat.record((performance.now() - chat.began) / 1000, {
      [GEN_AI.operation]: OPERATION.chat,
      [GEN_AI.provider]: chat.provider,
      [GEN_AI.requestModel]: chat.model,
      [ERROR_TYPE]: failure.type,
    });
    this.spans.end(chat, failure);
  }

  #endTool(lane: Lane, callId: string, failure: Failure | undefined): void {
    const tool = this.toolOf(lane, callId);
    if (!tool) return;
    this.tools.delete(keyOf(lane, callId));
    this.spans.end(tool, failure);
  }
}

/** A call by the id of its item; by its own where the item is of an earlier run. */
export function keyOf(lane: Lane, callId: string): string {
  return lane.calls.get(callId)?.id ?? callId;
}
