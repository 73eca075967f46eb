/** Spans of models that are asked. */
import { type Attributes, SpanKind } from "@opentelemetry/api";
import type { ModelRequest, ModelUsage, RunEvent, TurnItem } from "@batonjs/core";
import { BATON, ERROR_TYPE, GEN_AI, OPERATION, providerName } from "./conventions.ts";
import type { AgentSpan, Lane, Lanes } from "./lanes.ts";
import type { Meters } from "./metrics.ts";
import { messagesOf, toolDefinitions } from "./messages.ts";
import { MAX_REASON, usageAttributes } from "./spans.ts";

type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { readonly type: T }>;

export function turnStarted(lanes: Lanes, event: EventOf<"turn_started">): void {
  const { scrub } = lanes.settings;
  const lane = lanes.laneOf(event);
  if (lane.chat) lanes.spans.end(lane.chat, { type: "unfinished" });
  const agent = lanes.agentOf(lane, event.agent);
  agent.inferences++;
  for (const plugin of Object.keys(lane.scores)) delete lane.scores[plugin];
  const model = scrub.name(event.model);
  const provider = providerName(scrub.name(event.provider));
  const open = lanes.spans.start(
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

export function requestAttributes(
  lanes: Lanes,
  { settings, output, instructions, items, tools, handoffs }: ModelRequest,
): Attributes {
  const { capture, scrub, maxText } = lanes.settings;
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
  if (capture.has("messages")) put(GEN_AI.inputMessages, messagesOf(items, shownOf(lanes), scrub, maxText));
  return attributes;
}

export function turnReset(lanes: Lanes, { reason, ...event }: EventOf<"turn_reset">): void {
  const { chat } = lanes.laneOf(event as RunEvent);
  if (!chat) return;
  chat.resets++;
  chat.output.length = 0;
  const shown = lanes.settings.capture.has("reasons");
  chat.span.addEvent("baton.turn_reset", shown ? { reason: lanes.settings.scrub.text(reason, MAX_REASON) } : {});
}

export function turnFinished(lanes: Lanes, event: EventOf<"turn_finished">): void {
  const lane = lanes.laneOf(event);
  const { chat } = lane;
  if (!chat) return;
  lane.chat = undefined;
  const { scrub, capture, meters, maxText } = lanes.settings;
  const { span } = chat;
  span.setAttributes(replyAttributes(lanes, event, lane));
  if (chat.resets > 0) span.setAttribute(BATON.resets, chat.resets);
  if (capture.has("messages") && chat.output.length > 0)
    span.setAttribute(GEN_AI.outputMessages, messagesOf(chat.output, shownOf(lanes), scrub, maxText));
  const answered = event.finishReason === "stop" || event.finishReason === "tool_calls";
  const failure = answered ? undefined : { type: scrub.name(event.finishReason) };
  if (meters) {
    const labels = chatLabels(lanes, chat.model, event);
    meters.chat.record(event.durationMs / 1000, failure ? { ...labels, [ERROR_TYPE]: failure.type } : labels);
    if (event.firstEventMs !== undefined) meters.firstChunk.record(event.firstEventMs / 1000, labels);
    countTokens(meters, event.usage, labels);
  }
  lanes.spans.end(chat, failure, event.durationMs);
}

function replyAttributes(lanes: Lanes, event: EventOf<"turn_finished"> | TurnItem, lane: Lane): Attributes {
  const { scrub } = lanes.settings;
  const { usage, responseId, finishReason } = event;
  const attributes: Attributes = {
    [GEN_AI.responseModel]: scrub.name(event.model),
    [GEN_AI.finishReasons]: [scrub.name(finishReason)],
    ...usageAttributes(usage),
  };
  if (responseId !== undefined) attributes[GEN_AI.responseId] = scrub.id(responseId);
  if ("firstEventMs" in event && event.firstEventMs !== undefined)
    attributes[GEN_AI.timeToFirstChunk] = event.firstEventMs / 1000;
  const agent = lane.agent;
  if (agent) addUsage(agent.usage, usage);
  if (lanes.cost) {
    const call = { model: event.model, provider: event.provider, usage };
    const usd = lanes.cost.add(call);
    agent?.cost?.count(call, usd);
    if (usd === undefined) attributes[BATON.unknownPrices] = [scrub.name(`${event.provider}/${event.model}`)];
    else {
      attributes[BATON.cost] = usd;
      lanes.settings.meters?.cost.add(usd, {
        [GEN_AI.requestModel]: scrub.name(event.model),
        ...(agent ? { [GEN_AI.agent]: agent.name } : {}),
      });
    }
  }
  return attributes;
}

function chatLabels(
  lanes: Lanes,
  requested: string,
  { model, provider }: { model: string; provider: string },
): Attributes {
  const { scrub } = lanes.settings;
  return {
    [GEN_AI.operation]: OPERATION.chat,
    [GEN_AI.provider]: providerName(scrub.name(provider)),
    [GEN_AI.requestModel]: requested,
    [GEN_AI.responseModel]: scrub.name(model),
  };
}

function countTokens({ tokens }: Meters, { inputTokens, outputTokens }: ModelUsage, labels: Attributes): void {
  tokens.record(inputTokens, { ...labels, [GEN_AI.tokenType]: "input" });
  tokens.record(outputTokens, { ...labels, [GEN_AI.tokenType]: "output" });
}

/** A model that something else than an agent's turn has asked: a filter, a router, a lost guess. */
export function besideTurn(lanes: Lanes, item: TurnItem, lane: Lane): void {
  const { scrub, meters } = lanes.settings;
  const agent = lanes.agentOf(lane, item.agent ?? lane.agent?.name ?? "unknown");
  const model = scrub.name(item.model);
  const durationMs = item.durationMs ?? 0;
  const open = lanes.spans.start(
    `${OPERATION.chat} ${model}`,
    {
      [GEN_AI.operation]: OPERATION.chat,
      [GEN_AI.provider]: providerName(scrub.name(item.provider)),
      [GEN_AI.requestModel]: model,
      [GEN_AI.agent]: agent.name,
      [BATON.purpose]: scrub.name(item.purpose ?? ""),
      ...replyAttributes(lanes, item, lane),
    },
    agent.context,
    { kind: SpanKind.CLIENT, agoMs: durationMs },
  );
  if (meters) {
    const labels = chatLabels(lanes, model, item);
    if (item.durationMs !== undefined) meters.chat.record(durationMs / 1000, labels);
    countTokens(meters, item.usage, labels);
  }
  lanes.spans.end(open);
}

function shownOf({ settings: { capture } }: Lanes): { arguments: boolean; results: boolean } {
  return { arguments: capture.has("arguments"), results: capture.has("results") };
}

function addUsage(sum: AgentSpan["usage"], usage: ModelUsage): void {
  sum.input += usage.inputTokens;
  sum.output += usage.outputTokens;
  sum.cached += usage.cachedInputTokens ?? 0;
  sum.reasoning += usage.reasoningTokens ?? 0;
}
