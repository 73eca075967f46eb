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
