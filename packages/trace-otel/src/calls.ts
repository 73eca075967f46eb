/** Spans of tools and guardrails. */
import type { Attributes, Context } from "@opentelemetry/api";
import type { RunEvent } from "@batonjs/core";
import { BATON, ERROR_TYPE, GEN_AI, OPERATION } from "./conventions.ts";
import { type AgentSpan, type Lane, type Lanes, type ToolSpan, keyOf } from "./lanes.ts";
import { MAX_REASON } from "./spans.ts";

type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { readonly type: T }>;

export function toolStarted(lanes: Lanes, event: EventOf<"tool_started">): void {
  const lane = lanes.laneOf(event);
  const agent = lanes.agentOf(lane, event.agent);
  agent.tools++;
  const open = startTool(lanes, event, agent, event.arguments);
  lanes.tools.set(keyOf(lane, event.callId), open);
}

export function startTool(
  lanes: Lanes,
  { name, callId }: { name: string; callId: string },
  agent: AgentSpan,
  args: string | undefined,
  agoMs: number = 0,
): ToolSpan {
  const { scrub, capture, maxText } = lanes.settings;
  const clean = scrub.name(name);
  const attributes: Attributes = {
    [GEN_AI.operation]: OPERATION.tool,
    [GEN_AI.tool]: clean,
    [GEN_AI.toolType]: "function",
    [GEN_AI.callId]: scrub.id(callId),
    [GEN_AI.agent]: agent.name,
  };
  if (args !== undefined && capture.has("arguments")) attributes[GEN_AI.callArguments] = scrub.json(args, maxText);
  return { ...lanes.spans.start(`${OPERATION.tool} ${clean}`, attributes, agent.context, { agoMs }), name: clean };
}

export function toolFinished(lanes: Lanes, event: EventOf<"tool_finished">): void {
  const { scrub, capture, maxText, meters } = lanes.settings;
  const lane = lanes.laneOf(event);
  const key = keyOf(lane, event.callId);
  let tool = lanes.tools.get(key);
  if (tool) lanes.tools.delete(key);
  else {
    const agent = lanes.agentOf(lane, event.agent);
    agent.tools++;
    tool = startTool(lanes, event, agent, undefined);
  }
  const failure = event.status === "ok" ? undefined : { type: `tool_${event.status}` };
  lanes.close([...lane.path, event.callId], failure);
  tool.span.setAttribute(BATON.toolStatus, event.status);
  if (capture.has("results")) tool.span.setAttribute(GEN_AI.callResult, scrub.json(event.output, maxText));
  meters?.tool.record(event.durationMs / 1000, {
    [GEN_AI.operation]: OPERATION.tool,
    [GEN_AI.tool]: tool.name,
    ...(failure ? { [ERROR_TYPE]: failure.type } : {}),
  });
  lanes.spans.end(tool, failure, event.durationMs);
}

export function guardrail(lanes: Lanes, event: EventOf<"guardrail">): void {
  const { scrub, capture, meters } = lanes.settings;
  const lane = lanes.laneOf(event);
  const agent = lanes.agentOf(lane, event.agent);
  const name = scrub.name(event.name);
  const parent = guarded(lanes, event, lane, agent);
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
  if (!event.allowed) meters?.blocked.add(1, { [GEN_AI.guardrail]: name, [GEN_AI.guardrailSource]: event.kind });
  lanes.spans.end(lanes.spans.start(`${OPERATION.guardrail} ${name}`, attributes, parent, { agoMs: event.durationMs }));
}

/** What a guardrail was asked about. A handoff's is its first sign. */
function guarded(
  lanes: Lanes,
  { callId, kind, durationMs }: EventOf<"guardrail">,
  lane: Lane,
  agent: AgentSpan,
): Context {
  if (callId === undefined) return agent.context;
  const tool = lanes.toolOf(lane, callId);
  if (tool) return tool.context;
  if (kind !== "handoff") return agent.context;
  let open = lane.handoffs.get(callId);
  if (!open) {
    const name = lane.calls.get(callId)?.name ?? "transfer"; // a call of an earlier run gets its name later
    lane.handoffs.set(callId, (open = startTool(lanes, { name, callId }, agent, undefined, durationMs)));
  }
  return open.context;
}
