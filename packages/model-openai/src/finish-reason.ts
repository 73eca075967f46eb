import type { FinishReason, ReplyItem } from "@batonjs/core";

/** Why a reply ended, by what the server said and by what is in it. A refusal is no answer, and no call beside it may run. */
export function finishReason(said: FinishReason, items: readonly ReplyItem[]): FinishReason {
  if (said !== "stop" && said !== "tool_calls") return said;
  if (items.some(isRefusal)) return "content_filter";
  return items.some((item) => item.type === "tool_call") ? "tool_calls" : "stop";
}

function isRefusal(item: ReplyItem): boolean {
  return (
    item.type === "message" && typeof item.content !== "string" && item.content.some((part) => part.type === "refusal")
  );
}
