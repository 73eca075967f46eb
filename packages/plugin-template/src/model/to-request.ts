import { type JsonObject, type MessageItem, type ModelRequest, type ToolChoice, type VisibleItem } from "@batonjs/core";
import { Failed } from "./errors.ts";

type Message =
  | { readonly role: "user" | "system" | "assistant"; readonly text: string; readonly calls?: Call[] }
  | { readonly role: "tool"; readonly call: string; readonly text: string };
type Call = { readonly id: string; readonly name: string; readonly arguments: string };

/** What Acme is sent. */
export function toRequest(
  model: string,
  { items, instructions, tools, handoffs, output, settings }: ModelRequest,
): object {
  const hosted = tools.find((tool) => tool.type === "hosted");
  if (hosted) throw refused(`it has no hosted tools such as "${hosted.name}"`);
  const functions = [...tools.filter((tool) => tool.type === "function"), ...handoffs].map(
    ({ name, description, parameters, strict = false }) => ({ name, description, parameters, strict }),
  );
  return {
    model,
    stream: true,
    ...(instructions === undefined ? {} : { system: instructions }),
    messages: toMessages(items),
    ...(functions.length === 0 ? {} : { functions, choice: choice(settings.toolChoice) }),
    ...(output === undefined ? {} : { output: { name: output.name, schema: output.schema } }),
    temperature: settings.temperature,
    max_tokens: settings.maxOutputTokens,
    // What only Acme knows: `providerOptions: { acme: { … } }`.
    ...(settings.providerOptions?.["acme"] satisfies JsonObject | undefined),
  };
}

/** The text and the calls of one reply are one message. */
function toMessages(items: readonly VisibleItem[]): Message[] {
  const messages: Message[] = [];
  for (const item of items) {
    switch (item.type) {
      case "message":
        messages.push({ role: item.role === "developer" ? "system" : item.role, text: textOf(item) });
        break;
      case "tool_call": {
        const call: Call = { id: item.callId, name: item.name, arguments: item.arguments };
        const last = messages.at(-1);
        if (last?.role === "assistant")
          messages[messages.length - 1] = { ...last, calls: [...(last.calls ?? []), call] };
        else messages.push({ role: "assistant", text: "", calls: [call] });
        break;
      }
      case "tool_result":
        messages.push({ role: "tool", call: item.callId, text: item.output });
        break;
      case "reasoning":
      case "provider_item":
        // What another provider made means nothing here, and Acme makes none.
        break;
      default:
        item satisfies never;
    }
  }
  return messages;
}

function textOf({ content }: MessageItem): string {
  if (typeof content === "string") return content;
  return content
    .map((part) => {
      if (part.type === "text") return part.text;
      if (part.type === "refusal") return part.refusal;
      throw refused(`it reads text only, and a message has a part of type "${part.type}"`);
    })
    .join("");
}

function choice(wanted: ToolChoice = "auto"): string {
  return typeof wanted === "string" ? wanted : wanted.name;
}

function refused(reason: string): Failed {
  return new Failed({ kind: "invalid_request", message: reason });
}
