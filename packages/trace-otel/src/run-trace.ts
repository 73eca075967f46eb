/** The spans of one run, from its events. */
import {
  type Attributes,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  context as contexts,
  trace,
} from "@opentelemetry/api";
import {
  type CallSite,
  type HandoffItem,
  type HandoffMode,
  type Item,
  ModelError,
  type ModelRequest,
  type ModelUsage,
  type RunEvent,
  type TurnItem,
  type VisibleItem,
  isVisible,
} from "@batonjs/core";
import { BATON, CONVENTIONS, ERROR_TYPE, GEN_AI, OPERATION, providerName } from "./conventions.ts";
import { messagesOf, toolDefinitions } from "./messages.ts";
import type { Meters } from "./metrics.ts";
import { CostMeter, type Prices } from "./shared/cost.ts";
import type { CaptureKind, Scrubber } from "./shared/privacy.ts";
import { laneOf, passedOn } from "./shared/sight.ts";
import { scoresOf } from "./scores.ts";

/** What all runs of a plugin share. */
export interface Settings {
  readonly tracer: Tracer;
  readonly meters: Meters;
  readonly scrub: Scrubber;
  readonly capture: ReadonlySet<CaptureKind>;
  readonly prices: Prices | undefined;
  readonly workflow: string | undefined;
  readonly attributes: ((at: CallSite) => Attributes) | undefined;
  readonly maxText: number;
}

/** A span that has begun, and the context in which it is the active one. */
interface Open {
  readonly span: Span;
  readonly context: Context;
  readonly began: number;
}
interface AgentSpan extends Open {
  readonly name: string;
  inferences: number;
  tools: number;
  readonly usage: { input: number; cached: number; output: number; reasoning: number };
  readonly cost: CostMeter | undefined;
}
interface ChatSpan extends Open {
  readonly model: string;
  readonly provider: string;
  resets: number;
  /** What the model has answered, where messages are shown. */
  readonly output: Item[];
}
interface ToolSpan extends Open {
  readonly name: string;
}
/** One transcript: that of the run, or of a nested one. */
interface Lane {
  /** What agents stand under. */
  parent: Context;
  readonly path: readonly string[];
  agent: AgentSpan | undefined;
  chat: ChatSpan | undefined;
  /** Agents that wait for an answer, with the handoff that asked. */
  readonly waiting: { readonly agent: AgentSpan; readonly handoff: Open; readonly parent: Context }[];
  /** Handoffs whose guardrails have been asked. */
  readonly handoffs: Map<string, Open>;
  /** Ids of the items of calls. */
  readonly calls: Map<string, string>;
  /** The handoff that the next agent comes from. */
  from: Span | undefined;
  shown: readonly VisibleItem[];
  /** What routers have noted of the last reply. */
  readonly scores: Record<string, number>;
  compacted: boolean;
}

type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { readonly type: T }>;

/** Follows one run and ends every span that it began. */
export class RunTrace {
  readonly #settings: Settings;
  readonly #at: CallSite;
  readonly #common: Attributes;
  readonly #root: Open;
  readonly #cost: CostMeter | undefined;
  readonly #lanes = new Map<string, Lane>();
  /** Tools under way, by the id of their call's item, or by call id where the call is of an earlier run. */
  readonly #tools = new Map<string, ToolSpan>();
  readonly #pending: string[] = [];
  readonly #workflow: string;

  constructor(agent: string, at: CallSite, settings: Settings) {
    this.#settings = settings;
    this.#at = at;
    this.#common = this.#commonAttributes();
    this.#cost = settings.prices && new CostMeter(settings.prices);
    const workflow = settings.scrub.name(settings.workflow ?? agent);
    this.#workflow = workflow;
    this.#root = this.#start(
      `${OPERATION.workflow} ${workflow}`,
      {
        [GEN_AI.operation]: OPERATION.workflow,
        [GEN_AI.workflow]: workflow,
        [BATON.runId]: settings.scrub.name(at.runId),
        [BATON.conventions]: CONVENTIONS,
        ...(at.session?.tenant === undefined ? {} : { [BATON.tenant]: settings.scrub.name(at.session.tenant) }),
      },
      contexts.active(),
    );
  }

  /** The context of the whole run. */
  get context(): Context {
    return this.#root.context;
  }

  #commonAttributes(): Attributes {
    const { session } = this.#at;
    const { attributes, scrub } = this.#settings;
    let own: Attributes = {};
    try {
      own = scrub.value(attributes?.(this.#at) ?? {}) as Attributes;
    } catch {
      // What the user adds changes nothing where it fails.
    }
    return session === undefined ? own : { ...own, [GEN_AI.conversation]: scrub.name(session.id) };
  }

  /** Everything but the end of the run. */
  take(event: RunEvent): void {
    switch (event.type) {
      case "turn_started":
        return this.#turnStarted(event);
      case "turn_finished":
        return this.#turnFinished(event);
      case "turn_reset":
        return this.#turnReset(event);
      case "tool_started":
        return this.#toolStarted(event);
      case "tool_finished":
        return this.#toolFinished(event);
      case "handoff":
        return this.#handoff(event);
      case "handoff_refused":
        return this.#handoffRefused(event);
      case "guardrail":
        return this.#guardrail(event);
      case "approval_needed":
        this.#pending.push(this.#settings.scrub.name(event.pending.name));
        return undefined;
      case "item":
        return this.#item(event);
      default:
        return undefined;
    }
  }

  /** Ends all that is open. */
  finish(event: EventOf<"run_finished">): void {
    this.#endAll(undefined);
    const { span } = this.#root;
    span.setAttribute(BATON.status, event.status);
    span.setAttribute(BATON.requests, event.usage.requests);
    span.setAttribute(BATON.inputTokens, event.usage.inputTokens);
    span.setAttribute(BATON.outputTokens, event.usage.outputTokens);
    if (this.#pending.length > 0) span.setAttribute(BATON.pending, this.#pending);
    this.#endRoot(undefined);
  }

  /** Ends all that is open, as failed. */
  fail({ error, code }: EventOf<"run_failed">): void {
    const type = error instanceof ModelError ? error.kind : code;
    this.#endAll({ type, message: this.#messageOf(error, code) });
    this.#root.span.setAttribute(BATON.status, "failed");
    this.#endRoot({ type, message: this.#messageOf(error, code) });
  }

  /** Ends a run that nobody has heard of for long. */
  abandon(): void {
    this.#endAll(undefined);
    this.#root.span.setAttribute(BATON.status, "abandoned");
    this.#endRoot(undefined);
  }

  /** What is known of a model's request, and the context to answer it in. */
  asked(request: ModelRequest): Context | undefined {
    const lane = this.#lanes.get(laneOf(this.#at.runId, request.at.path));
    if (!lane?.chat) return undefined;
    lane.shown = request.items;
    const { span, context } = lane.chat;
    if (span.isRecording()) span.setAttributes(this.#requestAttributes(request));
    return context;
  }

  /** The context to run a tool in. */
  toolContext(itemId: string, callId: string): Context | undefined {
    return (this.#tools.get(itemId) ?? this.#tools.get(callId))?.context;
  }

  /** Records something that took from `startMs` until now, under the run. */
  record(name: string, attributes: Attributes, startMs: number, error: Failure | undefined): void {
    this.#end(this.#start(name, attributes, this.#root.context, { startMs }), error);
  }

  // Turns

  #turnStarted(event: EventOf<"turn_started">): void {
    const { scrub } = this.#settings;
    const lane = this.#laneOf(event);
    if (lane.chat) this.#end(lane.chat, { type: "unfinished" });
    const agent = this.#agentOf(lane, event.agent);
    agent.inferences++;
    for (const plugin of Object.keys(lane.scores)) delete lane.scores[plugin];
    const model = scrub.name(event.model);
    const provider = providerName(scrub.name(event.provider));
    const open = this.#start(
      `${OPERATION.chat} ${model}`,
      {
        [GEN_AI.operation]: OPERATION.chat,
        [GEN_AI.provider]: provider,
        [GEN_AI.requestModel]: model,
        [GEN_AI.agent]: agent.name,
        [GEN_AI.stream]: true,
        [BATON.turn]: event.turn,
        [BATON.itemsShown]: event.items,
        ...(lane.compacted ? { [GEN_AI.compacted]: true } : {}),
      },
      agent.context,
      { kind: SpanKind.CLIENT },
    );
    lane.chat = { ...open, model, provider, resets: 0, output: [] };
  }

  #requestAttributes({ settings, output, instructions, items, tools, handoffs }: ModelRequest): Attributes {
    const { capture, scrub, maxText } = this.#settings;
    const attributes: Attributes = {};
    const put = (name: string, value: Attributes[string]): void => {
      if (value !== undefined) attributes[name] = value;
    };
    put(GEN_AI.temperature, settings.temperature);
    put(GEN_AI.topP, settings.topP);
    put(GEN_AI.maxTokens, settings.maxOutputTokens);
    put(GEN_AI.seed, settings.seed);
    put(GEN_AI.frequencyPenalty, settings.frequencyPenalty);
    put(GEN_AI.presencePenalty, settings.presencePenalty);
    put(GEN_AI.reasoningLevel, settings.reasoning?.effort);
    put(
      GEN_AI.stop,
      settings.stop?.map((text) => scrub.text(text)),
    );
    if (output !== undefined) put(GEN_AI.outputType, "json");
    if (capture.has("instructions")) {
      if (instructions !== undefined)
        put(GEN_AI.instructions, JSON.stringify([{ type: "text", content: scrub.text(instructions, maxText) }]));
      put(GEN_AI.toolDefinitions, scrub.text(toolDefinitions(tools, handoffs), maxText));
    }
    if (capture.has("messages")) put(GEN_AI.inputMessages, messagesOf(items, this.#shown, scrub, maxText));
    return attributes;
  }

  get #shown(): { arguments: boolean; results: boolean } {
    const { capture } = this.#settings;
    return { arguments: capture.has("arguments"), results: capture.has("results") };
  }

  #turnReset({ reason, ...event }: EventOf<"turn_reset">): void {
    const { chat } = this.#laneOf(event as RunEvent);
    if (!chat) return;
    chat.resets++;
    chat.output.length = 0;
    const shown = this.#settings.capture.has("reasons");
    chat.span.addEvent("baton.turn_reset", shown ? { reason: this.#settings.scrub.text(reason, MAX_REASON) } : {});
  }

  #turnFinished(event: EventOf<"turn_finished">): void {
    const lane = this.#laneOf(event);
    const { chat } = lane;
    if (!chat) return;
    lane.chat = undefined;
    const { scrub, capture, meters, maxText } = this.#settings;
    const { span } = chat;
    span.setAttributes(this.#replyAttributes(event, lane));
    if (chat.resets > 0) span.setAttribute(BATON.resets, chat.resets);
    if (capture.has("messages") && chat.output.length > 0)
      span.setAttribute(GEN_AI.outputMessages, messagesOf(chat.output, this.#shown, scrub, maxText));
    const answered = event.finishReason === "stop" || event.finishReason === "tool_calls";
    const failure = answered ? undefined : { type: scrub.name(event.finishReason) };
    const labels = this.#chatLabels(chat.model, event);
    meters.chat.record(event.durationMs / 1000, failure ? { ...labels, [ERROR_TYPE]: failure.type } : labels);
    if (event.firstEventMs !== undefined) meters.firstChunk.record(event.firstEventMs / 1000, labels);
    this.#countTokens(event.usage, labels);
    this.#end(chat, failure);
  }

  #replyAttributes(event: EventOf<"turn_finished"> | TurnItem, lane: Lane): Attributes {
    const { scrub } = this.#settings;
    const { usage, responseId, finishReason } = event;
    const attributes: Attributes = {
      [GEN_AI.responseModel]: scrub.name(event.model),
      [GEN_AI.finishReasons]: [scrub.name(finishReason)],
      ...usageAttributes(usage),
    };
    if (responseId !== undefined) attributes[GEN_AI.responseId] = scrub.text(responseId, MAX_REASON);
    if ("firstEventMs" in event && event.firstEventMs !== undefined)
      attributes[GEN_AI.timeToFirstChunk] = event.firstEventMs / 1000;
    const agent = lane.agent;
    if (agent) addUsage(agent.usage, usage);
    if (this.#cost) {
      const call = { model: event.model, provider: event.provider, usage };
      const usd = this.#cost.add(call);
      agent?.cost?.count(call, usd);
      if (usd === undefined) attributes[BATON.unknownPrices] = [scrub.name(`${event.provider}/${event.model}`)];
      else {
        attributes[BATON.cost] = usd;
        this.#settings.meters.cost.add(usd, {
          [GEN_AI.requestModel]: scrub.name(event.model),
          ...(agent ? { [GEN_AI.agent]: agent.name } : {}),
        });
      }
    }
    return attributes;
  }

  #chatLabels(requested: string, { model, provider }: { model: string; provider: string }): Attributes {
    const { scrub } = this.#settings;
    return {
      [GEN_AI.operation]: OPERATION.chat,
      [GEN_AI.provider]: providerName(scrub.name(provider)),
      [GEN_AI.requestModel]: requested,
      [GEN_AI.responseModel]: scrub.name(model),
    };
  }

  #countTokens({ inputTokens, outputTokens }: ModelUsage, labels: Attributes): void {
    const { tokens } = this.#settings.meters;
    tokens.record(inputTokens, { ...labels, [GEN_AI.tokenType]: "input" });
    tokens.record(outputTokens, { ...labels, [GEN_AI.tokenType]: "output" });
  }

  // Tools

  #toolStarted(event: EventOf<"tool_started">): void {
    const lane = this.#laneOf(event);
    const agent = this.#agentOf(lane, event.agent);
    agent.tools++;
    const open = this.#startTool(event, agent, event.arguments);
    this.#tools.set(lane.calls.get(event.callId) ?? event.callId, open);
  }

  #startTool(
    { name, callId }: { name: string; callId: string },
    agent: AgentSpan,
    args: string | undefined,
    startMs?: number,
  ): ToolSpan {
    const { scrub, capture, maxText } = this.#settings;
    const clean = scrub.name(name);
    const attributes: Attributes = {
      [GEN_AI.operation]: OPERATION.tool,
      [GEN_AI.tool]: clean,
      [GEN_AI.toolType]: "function",
      [GEN_AI.callId]: scrub.name(callId),
      [GEN_AI.agent]: agent.name,
    };
    if (args !== undefined && capture.has("arguments")) attributes[GEN_AI.callArguments] = scrub.json(args, maxText);
    const options = startMs === undefined ? {} : { startMs };
    return { ...this.#start(`${OPERATION.tool} ${clean}`, attributes, agent.context, options), name: clean };
  }

  #toolFinished(event: EventOf<"tool_finished">): void {
    const { scrub, capture, maxText, meters } = this.#settings;
    const lane = this.#laneOf(event);
    const key = lane.calls.get(event.callId) ?? event.callId;
    let tool = this.#tools.get(key);
    if (tool) this.#tools.delete(key);
    else {
      const agent = this.#agentOf(lane, event.agent);
      agent.tools++;
      tool = this.#startTool(event, agent, undefined);
    }
    const failure = event.status === "ok" ? undefined : { type: `tool_${event.status}` };
    const nested = laneOf(this.#at.runId, [...lane.path, event.callId]);
    const below = this.#lanes.get(nested);
    if (below) {
      this.#endLane(below, failure);
      this.#lanes.delete(nested);
    }
    tool.span.setAttribute(BATON.toolStatus, event.status);
    if (capture.has("results")) tool.span.setAttribute(GEN_AI.callResult, scrub.json(event.output, maxText));
    meters.tool.record(event.durationMs / 1000, {
      [GEN_AI.operation]: OPERATION.tool,
      [GEN_AI.tool]: tool.name,
      ...(failure ? { [ERROR_TYPE]: failure.type } : {}),
    });
    this.#end(tool, failure);
  }

  // Handoffs

  #handoff(event: EventOf<"handoff">): void {
    const { meters, scrub } = this.#settings;
    const lane = this.#laneOf(event);
    const agent = this.#agentOf(lane, event.from);
    const { item } = event;
    const open = this.#handoffSpan(lane, agent, item.callId ?? "", event.toolName ?? "transfer", event.durationMs);
    open.span.setAttributes({ ...this.#transferAttributes(item, event.from, event.to), ...this.#passed(event, lane) });
    meters.handoffs.add(1, {
      [BATON.handoffFrom]: agent.name,
      [GEN_AI.transferTarget]: scrub.name(event.to),
      [BATON.handoffMode]: item.mode,
    });
    lane.from = open.span;
    if (item.mode === "return") {
      lane.waiting.push({ agent, handoff: open, parent: lane.parent });
      lane.parent = open.context;
      lane.agent = undefined;
    } else {
      this.#end(open);
      this.#endAgent(lane);
    }
    this.#agentOf(lane, event.to);
  }

  /** The span of a handoff: already begun where guardrails were asked about it. */
  #handoffSpan(lane: Lane, agent: AgentSpan, callId: string, toolName: string, durationMs: number): Open {
    const begun = lane.handoffs.get(callId);
    if (begun) {
      lane.handoffs.delete(callId);
      begun.span.updateName(`${OPERATION.tool} ${this.#settings.scrub.name(toolName)}`);
      begun.span.setAttribute(GEN_AI.tool, this.#settings.scrub.name(toolName));
      return begun;
    }
    return this.#startTool({ name: toolName, callId }, agent, undefined, Date.now() - durationMs);
  }

  #transferAttributes(item: HandoffItem, from: string, to: string): Attributes {
    const { capture, scrub, maxText } = this.#settings;
    const attributes: Attributes = {
      [GEN_AI.transferTarget]: scrub.name(to),
      [GEN_AI.transferType]: "agent",
      [GEN_AI.transferMode]: transferMode(item.mode),
      [BATON.handoffFrom]: scrub.name(from),
      [BATON.handoffMode]: item.mode,
    };
    if (item.input !== undefined && capture.has("arguments"))
      attributes[GEN_AI.callArguments] = scrub.json(JSON.stringify(item.input), maxText);
    return attributes;
  }

  /** What the target sees, what it does not see, and why it was chosen. */
  #passed({ item, before, after, filters }: EventOf<"handoff">, lane: Lane): Attributes {
    const { scrub } = this.#settings;
    const attributes: Attributes = {
      [BATON.itemsBefore]: before,
      [BATON.itemsAfter]: after,
      [BATON.filters]: filters.map((name) => scrub.name(name)),
    };
    if (lane.shown.length > 0) {
      const passed = passedOn(lane.shown, item.view);
      attributes[BATON.tokensBefore] = passed.tokensBefore;
      attributes[BATON.tokensAfter] = passed.tokensAfter;
      attributes[BATON.itemsDropped] = passed.dropped.length;
      attributes[BATON.itemsPutIn] = passed.putIn;
    }
    if (Object.keys(lane.scores).length > 0) attributes[BATON.scores] = scrub.text(JSON.stringify(lane.scores));
    return attributes;
  }

  #handoffRefused(event: EventOf<"handoff_refused">): void {
    const { meters, scrub, capture } = this.#settings;
    const lane = this.#laneOf(event);
    const agent = this.#agentOf(lane, event.agent);
    const open = this.#handoffSpan(lane, agent, event.callId, event.toolName, 0);
    const to = event.to === undefined ? undefined : scrub.name(event.to);
    open.span.setAttribute(GEN_AI.transferType, "agent");
    open.span.setAttribute(BATON.handoffFrom, agent.name);
    if (to !== undefined) open.span.setAttribute(GEN_AI.transferTarget, to);
    const reason = capture.has("reasons") ? scrub.text(event.reason, MAX_REASON) : undefined;
    if (reason !== undefined) open.span.setAttribute(BATON.handoffReason, reason);
    meters.refusals.add(1, {
      [BATON.handoffFrom]: agent.name,
      ...(to === undefined ? {} : { [GEN_AI.transferTarget]: to }),
    });
    this.#end(open, { type: "handoff_refused", ...(reason === undefined ? {} : { message: reason }) });
  }

  /** Control came back, or went over without a call. */
  #controlMoved(item: HandoffItem, lane: Lane): void {
    this.#endAgent(lane);
    const waiting = item.mode === "back" ? lane.waiting.pop() : undefined;
    if (!waiting) {
      this.#agentOf(lane, item.to);
      return;
    }
    this.#end(waiting.handoff);
    lane.agent = waiting.agent;
    lane.parent = waiting.parent;
  }

  // Guardrails and items

  #guardrail(event: EventOf<"guardrail">): void {
    const { scrub, capture, meters } = this.#settings;
    const lane = this.#laneOf(event);
    const agent = this.#agentOf(lane, event.agent);
    const name = scrub.name(event.name);
    const startMs = Date.now() - event.durationMs;
    const parent = this.#guarded(event, lane, agent, startMs);
    const attributes: Attributes = {
      [GEN_AI.operation]: OPERATION.guardrail,
      [GEN_AI.guardrail]: name,
      [GEN_AI.guardrailSource]: event.kind,
      [GEN_AI.guardrailResult]: "allowed",
      [GEN_AI.guardrailValue]: String(event.allowed),
      [GEN_AI.agent]: agent.name,
    };
    if (event.reason !== undefined && capture.has("reasons"))
      attributes[GEN_AI.guardrailReason] = scrub.text(event.reason, MAX_REASON);
    if (!event.allowed) meters.blocked.add(1, { [GEN_AI.guardrail]: name, [GEN_AI.guardrailSource]: event.kind });
    this.#end(this.#start(`${OPERATION.guardrail} ${name}`, attributes, parent, { startMs }));
  }

  /** What a guardrail was asked about. A handoff's is its first sign. */
  #guarded({ callId, kind }: EventOf<"guardrail">, lane: Lane, agent: AgentSpan, startMs: number): Context {
    if (callId === undefined) return agent.context;
    const tool = this.#tools.get(lane.calls.get(callId) ?? callId);
    if (tool) return tool.context;
    if (kind !== "handoff") return agent.context;
    let open = lane.handoffs.get(callId);
    if (!open)
      lane.handoffs.set(callId, (open = this.#startTool({ name: "transfer", callId }, agent, undefined, startMs)));
    return open.context;
  }

  #item(event: EventOf<"item">): void {
    const { item } = event;
    const lane = this.#laneOf(event);
    if (item.type === "tool_call") lane.calls.set(item.callId, item.id);
    if (item.type === "handoff" && item.callId === undefined) this.#controlMoved(item, lane);
    else if (item.type === "view") lane.compacted = true;
    else if (item.type === "note") Object.assign(lane.scores, scoresOf(item, this.#settings.scrub));
    else if (item.type === "turn" && item.purpose !== undefined) this.#besideTurn(item, lane);
    else if (lane.chat && this.#settings.capture.has("messages") && isReply(item)) lane.chat.output.push(item);
  }

  /** A model that something else than an agent's turn has asked: a filter, a router, a lost guess. */
  #besideTurn(item: TurnItem, lane: Lane): void {
    const { scrub, meters } = this.#settings;
    const agent = this.#agentOf(lane, item.agent ?? lane.agent?.name ?? this.#at.agent);
    const model = scrub.name(item.model);
    const durationMs = item.durationMs ?? 0;
    const open = this.#start(
      `${OPERATION.chat} ${model}`,
      {
        [GEN_AI.operation]: OPERATION.chat,
        [GEN_AI.provider]: providerName(scrub.name(item.provider)),
        [GEN_AI.requestModel]: model,
        [GEN_AI.agent]: agent.name,
        [BATON.purpose]: scrub.name(item.purpose ?? ""),
        ...this.#replyAttributes(item, lane),
      },
      agent.context,
      { kind: SpanKind.CLIENT, startMs: Date.now() - durationMs },
    );
    const labels = this.#chatLabels(model, item);
    if (item.durationMs !== undefined) meters.chat.record(durationMs / 1000, labels);
    this.#countTokens(item.usage, labels);
    this.#end(open);
  }

  // Lanes and agents

  #laneOf({ path = [] }: Pick<RunEvent, "path">): Lane {
    const key = laneOf(this.#at.runId, path);
    let lane = this.#lanes.get(key);
    if (!lane) this.#lanes.set(key, (lane = this.#newLane(path)));
    return lane;
  }

  #newLane(path: readonly string[]): Lane {
    const callId = path.at(-1);
    let parent = this.#root.context;
    if (callId !== undefined) {
      const above = this.#laneOf({ path: path.slice(0, -1) });
      const tool = this.#tools.get(above.calls.get(callId) ?? callId);
      parent = tool?.context ?? above.agent?.context ?? parent;
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
  #agentOf(lane: Lane, agent: string): AgentSpan {
    const name = this.#settings.scrub.name(agent);
    if (lane.agent?.name === name) return lane.agent;
    this.#endAgent(lane);
    const { from } = lane;
    lane.from = undefined;
    const attributes = { [GEN_AI.operation]: OPERATION.agent, [GEN_AI.agent]: name };
    const open = this.#start(`${OPERATION.agent} ${name}`, attributes, lane.parent, from ? { from } : {});
    lane.agent = {
      ...open,
      name,
      inferences: 0,
      tools: 0,
      usage: { input: 0, cached: 0, output: 0, reasoning: 0 },
      cost: this.#settings.prices && new CostMeter(this.#settings.prices),
    };
    return lane.agent;
  }

  #endAgent(lane: Lane, failure?: Failure): void {
    const { agent } = lane;
    lane.agent = undefined;
    if (agent) this.#closeAgent(agent, failure);
  }

  #closeAgent(agent: AgentSpan, failure?: Failure): void {
    const { meters } = this.#settings;
    const { input, cached, output, reasoning } = agent.usage;
    agent.span.setAttributes({
      [GEN_AI.inputTokens]: input,
      [GEN_AI.outputTokens]: output,
      ...(cached > 0 ? { [GEN_AI.cachedTokens]: cached } : {}),
      ...(reasoning > 0 ? { [GEN_AI.reasoningTokens]: reasoning } : {}),
      ...this.#costAttributes(agent.cost),
    });
    const labels = { [GEN_AI.agent]: agent.name };
    const seconds = (performance.now() - agent.began) / 1000;
    meters.agent.record(seconds, failure ? { ...labels, [ERROR_TYPE]: failure.type } : labels);
    meters.inferences.record(agent.inferences, labels);
    meters.toolCalls.record(agent.tools, labels);
    this.#end(agent, failure);
  }

  #costAttributes(meter: CostMeter | undefined): Attributes {
    if (!meter) return {};
    const { usd, unknown } = meter.cost;
    return {
      ...(usd === undefined ? {} : { [BATON.cost]: usd }),
      ...(unknown.length === 0
        ? {}
        : { [BATON.unknownPrices]: unknown.map((name) => this.#settings.scrub.name(name)) }),
    };
  }

  // Starting and ending

  #start(
    name: string,
    attributes: Attributes,
    parent: Context,
    { kind = SpanKind.INTERNAL, startMs, from }: { kind?: SpanKind; startMs?: number; from?: Span } = {},
  ): Open {
    const span = this.#settings.tracer.startSpan(
      name,
      {
        kind,
        attributes: { ...this.#common, ...attributes },
        ...(startMs === undefined ? {} : { startTime: startMs }),
        ...(from === undefined ? {} : { links: [{ context: from.spanContext() }] }),
      },
      parent,
    );
    return { span, context: trace.setSpan(parent, span), began: performance.now() };
  }

  #end({ span }: Open, failure?: Failure): void {
    if (failure) {
      span.setAttribute(ERROR_TYPE, failure.type);
      span.setStatus({
        code: SpanStatusCode.ERROR,
        ...(failure.message === undefined ? {} : { message: failure.message }),
      });
    }
    span.end();
  }

  /** The innermost first: nothing outlives what it stands under. */
  #endAll(failure: Failure | undefined): void {
    for (const lane of [...this.#lanes.values()].reverse()) this.#endLane(lane, failure);
    for (const tool of [...this.#tools.values()].reverse()) this.#end(tool, failure);
    this.#lanes.clear();
    this.#tools.clear();
  }

  #endLane(lane: Lane, failure: Failure | undefined): void {
    if (lane.chat) this.#end(lane.chat, failure);
    lane.chat = undefined;
    for (const open of lane.handoffs.values()) this.#end(open, failure);
    this.#endAgent(lane, failure);
    for (let left = lane.waiting.pop(); left; left = lane.waiting.pop()) {
      this.#end(left.handoff, failure);
      this.#closeAgent(left.agent, failure);
    }
  }

  #endRoot(failure: Failure | undefined): void {
    this.#root.span.setAttributes(this.#costAttributes(this.#cost));
    const workflow = { [GEN_AI.operation]: OPERATION.workflow, [GEN_AI.workflow]: this.#workflow };
    const seconds = (performance.now() - this.#root.began) / 1000;
    this.#settings.meters.workflow.record(seconds, failure ? { ...workflow, [ERROR_TYPE]: failure.type } : workflow);
    this.#end(this.#root, failure);
  }

  /** What an error says. Where it may quote contents, only if reasons are captured. */
  #messageOf(error: Error, code: string): string | undefined {
    if (!this.#settings.capture.has("reasons") && !PLAIN_CODES.has(code)) return undefined;
    return this.#settings.scrub.text(error.message, MAX_REASON);
  }
}

/** Why a span ended badly. */
export interface Failure {
  readonly type: string;
  readonly message?: string | undefined;
}

/** Length of a reason or an error's message; the rest is cut. */
const MAX_REASON = 1_000;

/** Errors whose message is made of names and of what providers and stores say. */
const PLAIN_CODES: ReadonlySet<string> = new Set([
  "model_error",
  "store_error",
  "store_timeout",
  "session_conflict",
  "idempotency_mismatch",
  "max_turns",
  "maxTurns",
  "budget_exceeded",
  "callback_timeout",
  "aborted",
]);

/** What a model says, as opposed to what it is told. */
function isReply(item: Item): boolean {
  if (!isVisible(item) || item.type === "tool_result" || item.agent === undefined) return false;
  return item.type !== "message" || item.role === "assistant";
}

function transferMode(mode: HandoffMode | "back"): string {
  return mode === "return" ? "return_to_caller" : "pass_control";
}

function usageAttributes({ inputTokens, outputTokens, cachedInputTokens, reasoningTokens }: ModelUsage): Attributes {
  return {
    [GEN_AI.inputTokens]: inputTokens,
    [GEN_AI.outputTokens]: outputTokens,
    ...(cachedInputTokens === undefined ? {} : { [GEN_AI.cachedTokens]: cachedInputTokens }),
    ...(reasoningTokens === undefined ? {} : { [GEN_AI.reasoningTokens]: reasoningTokens }),
  };
}

function addUsage(sum: AgentSpan["usage"], usage: ModelUsage): void {
  sum.input += usage.inputTokens;
  sum.output += usage.outputTokens;
  sum.cached += usage.cachedInputTokens ?? 0;
  sum.reasoning += usage.reasoningTokens ?? 0;
}
