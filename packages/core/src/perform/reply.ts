import type { ModelReply } from "../contracts/model.ts";
import { type ReplyItem, isContent } from "../items.ts";
import { quote } from "../names.ts";
import { isAnswer } from "../transcript.ts";

/** What is wrong with a reply, if anything: what makes models is the code of others. */
export function problemOf(reply: ModelReply): string | undefined {
  const { items, usage, finishReason } = reply as Partial<ModelReply>;
  if (!Array.isArray(items)) return "items that are no list";
  if (typeof finishReason !== "string") return "no finishReason";
  const { inputTokens, outputTokens, cachedInputTokens = 0, reasoningTokens = 0, totalTokens = 0 } = usage ?? {};
  if (![inputTokens, outputTokens, cachedInputTokens, reasoningTokens, totalTokens].every(isCount)) {
    return "no usage that can be counted";
  }
  if (!isAnswer(finishReason)) return undefined; // nothing of it is used
  for (const item of items as readonly ReplyItem[]) {
    const problem = problemOfItem(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const isCount = (value: unknown): boolean => typeof value === "number" && value >= 0 && Number.isFinite(value);

function problemOfItem(item: ReplyItem | null | undefined): string | undefined {
  switch (item?.type) {
    case "message":
      return isContent(item.content) ? undefined : "a message whose content is neither text nor parts";
    case "tool_call": {
      if (typeof item.callId !== "string" || item.callId === "") return `a call of ${quote(item.name)} without callId`;
      return typeof item.name === "string" ? undefined : `a call without a name`;
    }
    case "reasoning":
    case "provider_item":
      return undefined;
    default:
      return `an item of type ${quote((item as { readonly type?: unknown } | null | undefined)?.type)}, which no model makes`;
  }
}
