/** Replies that no model wrote. */
import { type JsonObject, type ModelReply, type ModelRequest, type ModelUsage, type VisibleItem } from "@batonjs/core";
import { hash } from "./text.ts";

/** No model was asked. */
export const NO_USAGE: ModelUsage = Object.freeze({ inputTokens: 0, outputTokens: 0 });

/** The router's own turn: no model was asked. */
export const NO_MODEL: ModelUsage = Object.freeze({ requests: 0, inputTokens: 0, outputTokens: 0 });

/** Model and provider of what the router answers itself. */
export const ROUTER = "router";

/** The call of a handoff, and nothing beside it. */
export function handoffReply(
  handoff: string,
  payload: JsonObject,
  request: ModelRequest,
  by: string = "route",
): ModelReply {
  const call = { callId: callIdFor(request, by), name: handoff, arguments: JSON.stringify(payload) };
  return {
    type: "reply",
    items: [{ type: "tool_call", ...call }],
    finishReason: "tool_calls",
    usage: NO_MODEL,
    model: ROUTER,
    provider: ROUTER,
  };
}

/** An id for a call: the same for the same request, and not used in its items. Begins with `call_`, `by` and `_`. */
export function callIdFor({ at, items }: ModelRequest, by: string): string {
  const place = hash(JSON.stringify([at.runId, at.path, at.agent, at.turn]));
  const used = new Set(items.map((item: VisibleItem) => (item.type === "tool_call" ? item.callId : "")));
  let count = 0;
  while (used.has(`call_${by}_${place}_${count}`)) count += 1;
  return `call_${by}_${place}_${count}`;
}

/** Whether the router made a call, and for this reason. */
export const isMadeBy = (callId: string, by: string): boolean => callId.startsWith(`call_${by}_`);
