/** Spans of handoffs. */
import type { Attributes } from "@opentelemetry/api";
import type { HandoffItem, HandoffMode, RunEvent } from "@batonjs/core";
import { passedOn } from "@batonjs/core/tracing";
import { startTool } from "./calls.ts";
import { BATON, GEN_AI, OPERATION } from "./conventions.ts";
import type { AgentSpan, Lane, Lanes } from "./lanes.ts";
import { MAX_REASON, type Open } from "./spans.ts";

type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { readonly type: T }>;

export function handoffMade(lanes: Lanes, event: EventOf<"handoff">): void {
  const { meters, scrub } = lanes.settings;
  const { item } = event;
  if (item.callId === undefined) return; // told by its item: controlMoved()
  const lane = lanes.laneOf(event);
  const agent = lanes.agentOf(lane, event.from);
  const open = handoffSpan(lanes, lane, agent, item.callId, event.toolName ?? "transfer", event.durationMs);
  open.span.setAttributes({ ...transferAttributes(lanes, item, event.from, event.to), ...passed(lanes, event, lane) });
  meters?.handoffs.add(1, {
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
    lanes.spans.end(open);
    lanes.endAgent(lane);
  }
  lanes.agentOf(lane, event.to);
}

/** The span of a handoff: already begun where guardrails were asked about it. */
function handoffSpan(
  lanes: Lanes,
  lane: Lane,
  agent: AgentSpan,
  callId: string,
  toolName: string,
  durationMs: number,
): Open {
  const begun = lane.handoffs.get(callId);
  if (begun) {
    lane.handoffs.delete(callId);
    begun.span.updateName(`${OPERATION.tool} ${lanes.settings.scrub.name(toolName)}`);
    begun.span.setAttribute(GEN_AI.tool, lanes.settings.scrub.name(toolName));
    return begun;
  }
  return startTool(lanes, { name: toolName, callId }, agent, undefined, durationMs);
}

function transferAttributes(lanes: Lanes, item: HandoffItem, from: string, to: string): Attributes {
  const { capture, scrub, maxText } = lanes.settings;
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
function passed(lanes: Lanes, { item, before, after, filters }: EventOf<"handoff">, lane: Lane): Attributes {
  const { scrub } = lanes.settings;
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

export function handoffRefused(lanes: Lanes, event: EventOf<"handoff_refused">): void {
  const { meters, scrub, capture, maxText } = lanes.settings;
  const lane = lanes.laneOf(event);
  const agent = lanes.agentOf(lane, event.agent);
  const open = handoffSpan(lanes, lane, agent, event.callId, event.toolName, 0);
  const to = event.to === undefined ? undefined : scrub.name(event.to);
  open.span.setAttribute(GEN_AI.transferType, "agent");
  open.span.setAttribute(BATON.handoffFrom, agent.name);
  if (to !== undefined) open.span.setAttribute(GEN_AI.transferTarget, to);
  const reason = capture.has("reasons") ? scrub.text(event.reason, MAX_REASON) : undefined;
  if (reason !== undefined) open.span.setAttribute(BATON.handoffReason, reason);
  const asked = lane.calls.get(event.callId)?.arguments;
  if (asked !== undefined && capture.has("arguments"))
    open.span.setAttribute(GEN_AI.callArguments, scrub.json(asked, maxText));
  meters?.refusals.add(1, {
    [BATON.handoffFrom]: agent.name,
    ...(to === undefined ? {} : { [GEN_AI.transferTarget]: to }),
  });
  lanes.spans.end(open, { type: "handoff_refused", ...(reason === undefined ? {} : { message: reason }) });
}

/** Control came back, or went over without a call. */
export function controlMoved(lanes: Lanes, item: HandoffItem, lane: Lane): void {
  lanes.endAgent(lane);
  const waiting = item.mode === "back" ? lane.waiting.pop() : undefined;
  if (!waiting) {
    lanes.agentOf(lane, item.to);
    return;
  }
  lanes.spans.end(waiting.handoff);
  lane.agent = waiting.agent;
  lane.parent = waiting.parent;
}

/** In the words of the conventions: control comes back in the same run, or it does not. */
function transferMode(mode: HandoffMode | "back"): string {
  return mode === "return" ? "return_to_caller" : "pass_control";
}
