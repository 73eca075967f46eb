/** What a request asks a router: a message that nobody has answered, and who could. */
import { type HandoffSpec, isUserMessage, type ModelRequest, textOf, type VisibleItem } from "@batonjs/core";
import type { Question } from "./decision.ts";
import { clip } from "./text.ts";

/**
 * The message to route: the request ends with it, or with nothing since but control passing to this agent. Nothing
 * where the agent is at work, has been refused, or may not choose. An agent that gave the message back is out.
 */
export function questionOf(request: ModelRequest, back: readonly string[]): Question | undefined {
  const { items, settings, at } = request;
  const { toolChoice = "auto" } = settings;
  if (toolChoice === "none" || typeof toolChoice === "object") return undefined;
  const asked = items.findLastIndex(isUserMessage);
  if (asked < 0) return undefined;
  const since = items.slice(asked + 1);
  if (!isOnlyPassing(since, at.agent)) return undefined;
  const mine = new Set<string>();
  const had = new Set<string>([at.agent]);
  for (const item of since) {
    if (item.type !== "tool_call") continue;
    if (item.agent === at.agent) mine.add(item.name);
    else if (item.agent !== undefined) had.add(item.agent);
  }
  const handoffs = request.handoffs.filter(
    (spec) => !back.includes(spec.name) && !mine.has(spec.name) && !had.has(spec.to),
  );
  if (handoffs.length === 0) return undefined;
  return { text: clip(textOf(items[asked]!)), handoffs, request };
}

/** Whether nothing happened but control passing to `agent`, and what others said on the way. */
function isOnlyPassing(since: readonly VisibleItem[], agent: string): boolean {
  const last = since.at(-1);
  if (!last) return true;
  const calls = new Map<string, VisibleItem>();
  for (const item of since) {
    switch (item.type) {
      case "tool_call":
        if (item.agent === agent && item.handoff !== true) return false;
        calls.set(item.callId, item);
        break;
      case "tool_result":
        if (calls.get(item.callId)?.agent === agent && item.status !== "ok") return false;
        break;
      case "message":
        if (item.role !== "assistant" || item.agent === agent) return false;
        break;
      case "reasoning":
      case "provider_item":
        break;
      default:
        item satisfies never;
    }
  }
  if (last.type !== "tool_result" || last.status !== "ok") return false;
  const call = calls.get(last.callId);
  return call?.type === "tool_call" && call.handoff === true && call.agent !== agent;
}

/**
 * Whether the agent that is asked is a triage: one of `agents`, or one with two handoffs or more. One that can hand back
 * is a specialist: what it does itself, no handoff of its own describes.
 */
export function isTriage(
  { handoffs, at }: ModelRequest,
  agents: readonly string[] | undefined,
  back: readonly string[],
): boolean {
  if (agents) return agents.includes(at.agent);
  return handoffs.length >= 2 && !handoffs.some(({ name }) => back.includes(name));
}

/** The handoff back that a request offers, if any. */
export function wayBack(request: ModelRequest, back: readonly string[]): HandoffSpec | undefined {
  return request.handoffs.find((spec) => back.includes(spec.name));
}

/** Whether a handoff's payload may be empty. */
export function needsNothing({ parameters }: HandoffSpec): boolean {
  return (parameters.required ?? []).length === 0;
}

/** The handoff with this name, or to the agent with this name. */
export function findHandoff(handoffs: readonly HandoffSpec[], to: string): HandoffSpec | undefined {
  return handoffs.find((spec) => spec.name === to) ?? handoffs.find((spec) => spec.to === to);
}
