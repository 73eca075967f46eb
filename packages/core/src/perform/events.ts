import type { EventBody } from "../events.ts";
import type { ToolCallItem, ToolResultStatus } from "../items.ts";

export function finishedEvent(
  { callId, name }: ToolCallItem,
  status: ToolResultStatus,
  output: string,
  durationMs: number,
): EventBody {
  return { type: "tool_finished", callId, name, status, output, durationMs };
}

export function refusedEvent({ callId, name }: ToolCallItem, reason: string, to?: string): EventBody {
  return { type: "handoff_refused", callId, toolName: name, ...(to === undefined ? {} : { to }), reason };
}
