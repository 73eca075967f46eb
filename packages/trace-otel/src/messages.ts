/** Items as the messages of the GenAI conventions. */
import { type Content, type Item, type ToolSpec, type HandoffSpec, type VisibleItem, isVisible } from "@batonjs/core";
import type { Scrubber } from "@batonjs/core/tracing";

/** What of the calls a span may show beside the messages. */
export interface Shown {
  readonly arguments: boolean;
  readonly results: boolean;
}

interface Message {
  readonly role: string;
  readonly parts: object[];
}

const NOT_CAPTURED = "[not captured]";

/**
 * Items as `gen_ai.input.messages` or `gen_ai.output.messages`: JSON, neighbours of one role in one message. The newest
 * come first into the `max` characters; what does not fit is counted in a first message.
 */
export function messagesOf(items: readonly Item[], shown: Shown, scrub: Scrubber, max: number): string {
  const messages: Message[] = [];
  let room = max;
  let at = items.length - 1;
  for (; at >= 0 && room > 0; at--) {
    const item = items[at]!;
    if (!isVisible(item)) continue;
    const parts = partsOf(item, shown, scrub, max);
    room -= JSON.stringify(parts).length;
    if (room < 0 && messages.length > 0) break;
    const role = roleOf(item);
    const next = messages[0];
    if (next && next.role === role && role !== "user") next.parts.unshift(...parts);
    else messages.unshift({ role, parts });
  }
  if (at >= 0) messages.unshift({ role: "system", parts: [{ type: "text", content: `[${at + 1} earlier items]` }] });
  return JSON.stringify(messages);
}

function roleOf(item: VisibleItem): string {
  if (item.type === "message") return item.role === "developer" ? "system" : item.role;
  return item.type === "tool_result" ? "tool" : "assistant";
}

function partsOf(item: VisibleItem, shown: Shown, scrub: Scrubber, max: number): object[] {
  switch (item.type) {
    case "message":
      return contentParts(item.content, scrub, max);
    case "reasoning":
      return item.summary === undefined ? [] : [{ type: "reasoning", content: scrub.text(item.summary, max) }];
    case "tool_call": {
      const args = shown.arguments ? parsed(scrub.json(item.arguments, max)) : NOT_CAPTURED;
      return [{ type: "tool_call", id: item.callId, name: scrub.name(item.name), arguments: args }];
    }
    case "tool_result": {
      const response = shown.results ? scrub.json(item.output, max) : NOT_CAPTURED;
      return [{ type: "tool_call_response", id: item.callId, response }];
    }
    case "provider_item":
      return [{ type: "server_tool_call", name: item.provider, server_tool_call: { type: item.provider } }];
    default:
      item satisfies never;
      return [];
  }
}

function contentParts(content: Content, scrub: Scrubber, max: number): object[] {
  if (typeof content === "string") return [{ type: "text", content: scrub.text(content, max) }];
  return content.map((part) => {
    switch (part.type) {
      case "text":
        return { type: "text", content: scrub.text(part.text, max) };
      case "refusal":
        return { type: "refusal", content: scrub.text(part.refusal, max) };
      case "image":
      case "file":
        return part.fileId === undefined
          ? { type: "uri", modality: modalityOf(part.type), uri: uriOf(part.url, scrub) }
          : { type: "file", modality: modalityOf(part.type), file_id: part.fileId };
      default:
        part satisfies never;
        return { type: "unknown" };
    }
  });
}

const modalityOf = (type: "image" | "file"): string => (type === "image" ? "image" : "document");

/** The address of what was sent. Data inside of an address stays where it is. */
const uriOf = (url: string | undefined, scrub: Scrubber): string =>
  url?.startsWith("data:") ? `${url.slice(0, url.indexOf(",") + 1)}…` : scrub.text(url ?? "");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Tools and handoffs as `gen_ai.tool.definitions`. */
export function toolDefinitions(tools: readonly ToolSpec[], handoffs: readonly HandoffSpec[]): string {
  return JSON.stringify([
    ...tools.map((tool) =>
      tool.type === "hosted"
        ? { type: tool.name, name: tool.name }
        : { type: "function", name: tool.name, description: tool.description, parameters: tool.parameters },
    ),
    ...handoffs.map(({ name, description, parameters }) => ({ type: "function", name, description, parameters })),
  ]);
}
