import type {
  ContentPart,
  FilePart,
  FunctionSpec,
  HandoffSpec,
  ImagePart,
  Json,
  MessageItem,
  ModelRequest,
  ModelSettings,
  ReasoningItem,
  ToolCallItem,
  VisibleItem,
} from "@batonjs/core";
import type { OpenAI } from "openai";
import { defaultFilename, readableArguments } from "../content.ts";
import type { Server } from "../server.ts";
import { extraFields, functionsOf, outputSchemaOf, parametersOf, refused } from "../settings.ts";
import { type Fields, fields, filled, given, shortId, wellFormed } from "../wire.ts";

type Message = OpenAI.Chat.ChatCompletionMessageParam;
type AssistantMessage = OpenAI.Chat.ChatCompletionAssistantMessageParam;
type Tool = OpenAI.Chat.ChatCompletionTool;
type Body = OpenAI.Chat.ChatCompletionCreateParamsStreaming;

/** The longest id of a call that the API takes. */
const MAX_CALL_ID_LENGTH = 40;

/** A piece of what one reply was: of an assistant message that may hold text, calls and reasoning. */
type Piece = MessageItem | ToolCallItem | ReasoningItem;

/** An assistant message, and what it was made of. */
interface Reply {
  readonly pieces: readonly Piece[];
  readonly message: AssistantMessage;
}

/** What is kept of items that were converted. */
export interface ChatCache {
  readonly messages: WeakMap<VisibleItem, Message>;
  /** By the first piece. */
  readonly replies: WeakMap<VisibleItem, Reply>;
}

export const chatCache = (): ChatCache => ({ messages: new WeakMap(), replies: new WeakMap() });

/** Writes requests. Every item and every function is converted once: kept by identity, as long as it exists itself. */
export class RequestWriter {
  readonly #server: Server;
  readonly #model: string;
  readonly #cache: ChatCache;
  readonly #functions = new WeakMap<FunctionSpec | HandoffSpec, Tool>();

  /** `cache` may be shared by all models of one server. */
  constructor(server: Server, model: string, cache: ChatCache) {
    this.#server = server;
    this.#model = model;
    this.#cache = cache;
  }

  write(request: ModelRequest, settings: ModelSettings): Fields {
    const { provider, compatibility } = this.#server;
    const hosted = request.tools.find((tool) => tool.type === "hosted");
    if (hosted)
      throw refused(`Chat Completions has no hosted tools such as "${hosted.name}": use the model with responses()`);
    const { stream_options, ...extra } = extraFields(settings, provider);
    const tools = this.#tools(request);
    const format = this.#format(request);
    const body = given({
      model: this.#model,
      messages: this.#messages(request, format.instructions),
      ...(tools.length === 0
        ? {}
        : { tools, tool_choice: toolChoice(settings), parallel_tool_calls: settings.parallelToolCalls }),
      response_format: format.field,
      temperature: settings.temperature,
      top_p: settings.topP,
      [compatibility.maxTokensField]: settings.maxOutputTokens,
      reasoning_effort: settings.reasoning?.effort,
      stop: settings.stop && [...settings.stop],
      seed: settings.seed,
      presence_penalty: settings.presencePenalty,
      frequency_penalty: settings.frequencyPenalty,
      stream: true,
      stream_options: compatibility.streamUsage ? { include_usage: true, ...fields(stream_options) } : stream_options,
    }) as unknown as Body;
    return { ...body, ...extra };
  }

  #messages({ instructions, items }: ModelRequest, more: string | undefined): Message[] {
    const messages: Message[] = [];
    const system = [instructions, more].filter((each) => each !== undefined).join("\n\n");
    if (system !== "") messages.push({ role: "system", content: wellFormed(system) });
    for (let i = 0; i < items.length;) {
      const item = items[i] as VisibleItem;
      if (isPiece(item)) {
        const end = endOfReply(items, i);
        const message = this.#reply(items, i, end);
        if (message) messages.push(message);
        i = end;
        continue;
      }
      i++;
      // What the other dialect made, or another provider, has no place here.
      if (item.type === "provider_item") continue;
      messages.push(this.#message(item));
    }
    return messages;
  }

  #message(item: Exclude<VisibleItem, { type: "provider_item" }>): Message {
    const known = this.#cache.messages.get(item);
    if (known) return known;
    const message = toMessage(item, this.#server);
    this.#cache.messages.set(item, message);
    return message;
  }

  /** The items from `from` to `end` as one message. */
  #reply(items: readonly VisibleItem[], from: number, end: number): AssistantMessage | undefined {
    const first = items[from] as Piece;
    const known = this.#cache.replies.get(first);
    if (known?.pieces.length === end - from && known.pieces.every((piece, i) => piece === items[from + i])) {
      return known.message;
    }
    const pieces = items.slice(from, end) as Piece[];
    const message = assistantMessage(pieces, this.#server);
    if (message) this.#cache.replies.set(first, { pieces, message });
    return message;
  }

  #tools(request: ModelRequest): Tool[] {
    return functionsOf(request).map((spec) => {
      let tool = this.#functions.get(spec);
      if (!tool) this.#functions.set(spec, (tool = functionTool(spec, this.#server)));
      return tool;
    });
  }

  /** The form of the answer, as the server can be asked for it. */
  #format({ output }: ModelRequest): { readonly field?: Body["response_format"]; readonly instructions?: string } {
    if (!output) return {};
    const { name, schema, strict } = outputSchemaOf(output);
    const { structuredOutput } = this.#server.compatibility;
    if (structuredOutput === "json_schema") {
      return { field: { type: "json_schema", json_schema: given({ name, schema, strict }) } };
    }
    return {
      ...(structuredOutput === "none" ? {} : { field: { type: "json_object" } }),
      instructions: answerBy(schema),
    };
  }
}

const answerBy = (schema: object): string =>
  `Answer with nothing but a JSON object that follows this JSON Schema:\n${JSON.stringify(schema)}`;

function isPiece(item: VisibleItem): item is Piece {
  return (
    item.type === "tool_call" || item.type === "reasoning" || (item.type === "message" && item.role === "assistant")
  );
}

/** Where the reply ends that begins at `from`: reasoning, then text, then calls, all of one agent. */
function endOfReply(items: readonly VisibleItem[], from: number): number {
  const RANK = { reasoning: 0, message: 1, tool_call: 2 };
  let last: Piece | undefined;
  let i = from;
  for (; i < items.length; i++) {
    const item = items[i] as VisibleItem;
    if (!isPiece(item)) break;
    if (last) {
      const again = item.type === "message" && last.type === "message";
      if (again || RANK[item.type] < RANK[last.type] || item.agent !== last.agent) break;
    }
    last = item;
  }
  return i;
}

function assistantMessage(pieces: readonly Piece[], server: Server): AssistantMessage | undefined {
  const message: Record<string, unknown> = { role: "assistant", content: null };
  const calls: unknown[] = [];
  for (const piece of pieces) {
    switch (piece.type) {
      case "message": {
        message["content"] = assistantContent(piece);
        const { dialect, extra_content } = fields(piece.providerData?.[server.provider]);
        if (dialect === "chat" && extra_content !== undefined) message["extra_content"] = extra_content;
        break;
      }
      case "tool_call":
        calls.push(toolCall(piece, server));
        break;
      case "reasoning":
        if (piece.provider === server.provider) addReasoning(message, piece.data);
        break;
      default:
        piece satisfies never;
    }
  }
  if (calls.length > 0) message["tool_calls"] = calls;
  return calls.length === 0 && message["content"] === null ? undefined : (message as unknown as AssistantMessage);
}

/** Text as text; parts only where there is a refusal. What else a model may have made, it cannot be shown again. */
function assistantContent({ content }: MessageItem): AssistantMessage["content"] {
  if (typeof content === "string") return wellFormed(content);
  const parts: ({ type: "text"; text: string } | { type: "refusal"; refusal: string })[] = [];
  for (const part of content) {
    if (part.type === "text") parts.push({ type: "text", text: wellFormed(part.text) });
    else if (part.type === "refusal") parts.push({ type: "refusal", refusal: wellFormed(part.refusal) });
  }
  if (parts.some((part) => part.type === "refusal")) return parts;
  return parts.map((part) => (part as { text: string }).text).join("");
}

/** Servers that think want their reasoning back, some with every call that it led to, some signed. */
function addReasoning(message: Record<string, unknown>, data: Json): void {
  const { type, field, text, details } = fields(data);
  if (type !== "chat_reasoning") return;
  if (details !== undefined) message["reasoning_details"] = details;
  if (filled(field) !== undefined && text !== undefined) message[field as string] = text;
}

function toolCall({ callId, name, arguments: text, providerData }: ToolCallItem, server: Server): unknown {
  const { dialect, ...extra } = fields(providerData?.[server.provider]);
  return {
    ...(dialect === "chat" ? extra : undefined),
    id: shortId(callId, MAX_CALL_ID_LENGTH),
    type: "function",
    function: { name, arguments: server.compatibility.brokenArguments ? wellFormed(text) : readableArguments(text) },
  };
}

function toMessage(item: Exclude<VisibleItem, { type: "provider_item" }>, { compatibility }: Server): Message {
  switch (item.type) {
    case "tool_result":
      return { role: "tool", tool_call_id: shortId(item.callId, MAX_CALL_ID_LENGTH), content: wellFormed(item.output) };
    case "message": {
      if (item.role === "user") return { role: "user", content: userContent(item.content) };
      const content =
        typeof item.content === "string" ? wellFormed(item.content) : item.content.map(plainText).join("");
      return { role: item.role === "developer" && compatibility.developerRole ? "developer" : "system", content };
    }
    default:
      throw refused("an item of a type that cannot be shown");
  }
}

function userContent(content: MessageItem["content"]): string | OpenAI.Chat.ChatCompletionContentPart[] {
  return typeof content === "string" ? wellFormed(content) : content.map(userPart);
}

function userPart(part: ContentPart): OpenAI.Chat.ChatCompletionContentPart {
  switch (part.type) {
    case "text":
    case "refusal":
      return { type: "text", text: plainText(part) };
    case "image":
      return image(part);
    case "file":
      return file(part);
    default:
      part satisfies never;
      throw refused("content of a type that cannot be shown");
  }
}

function plainText(part: ContentPart): string {
  return part.type === "text" ? wellFormed(part.text) : part.type === "refusal" ? wellFormed(part.refusal) : "";
}

function image({ url, detail }: ImagePart): OpenAI.Chat.ChatCompletionContentPart {
  if (url === undefined)
    throw refused("Chat Completions takes images by url only: use the model with responses() for a fileId");
  return { type: "image_url", image_url: given({ url, detail }) };
}

const AUDIO = /^data:audio\/(?:x-)?(wav|mp3|mpeg)\b[^,]*,(.*)$/s;

function file({ url, fileId, filename }: FilePart): OpenAI.Chat.ChatCompletionContentPart {
  if (fileId !== undefined) return { type: "file", file: { file_id: fileId } };
  if (url === undefined || !url.startsWith("data:")) {
    throw refused(
      "Chat Completions takes files as data URLs or by fileId: use the model with responses() for other URLs",
    );
  }
  const [, format, data] = AUDIO.exec(url) ?? [];
  if (format !== undefined && data !== undefined)
    return { type: "input_audio", input_audio: { data, format: format === "wav" ? "wav" : "mp3" } };
  return { type: "file", file: { filename: filename ?? defaultFilename(url), file_data: url } };
}

function functionTool(spec: FunctionSpec | HandoffSpec, server: Server): Tool {
  const { schema, strict } = parametersOf(spec, server);
  const fn = given({ name: spec.name, description: spec.description || undefined, parameters: schema, strict });
  return { type: "function", function: fn };
}

function toolChoice({ toolChoice }: ModelSettings): Body["tool_choice"] | undefined {
  return typeof toolChoice === "object" ? { type: "function", function: { name: toolChoice.name } } : toolChoice;
}
