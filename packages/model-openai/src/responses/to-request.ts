import type {
  ContentPart,
  FunctionSpec,
  HandoffSpec,
  HostedToolSpec,
  MessageItem,
  ModelRequest,
  ModelSettings,
  ToolCallItem,
  VisibleItem,
} from "@batonjs/core";
import type { OpenAI } from "openai";
import { defaultFilename, readableArguments } from "../content.ts";
import type { Server } from "../server.ts";
import { extraFields, functionsOf, outputSchemaOf, parametersOf, refused } from "../settings.ts";
import { type Fields, fields, filled, given, isFields, list, shortId, wellFormed } from "../wire.ts";

type InputItem = OpenAI.Responses.ResponseInputItem;
type InputContent = OpenAI.Responses.ResponseInputContent;
type OutputContent = OpenAI.Responses.ResponseOutputText | OpenAI.Responses.ResponseOutputRefusal;
type Tool = OpenAI.Responses.Tool;
type Body = OpenAI.Responses.ResponseCreateParamsStreaming;

/** The longest id of a call that the API takes. */
const MAX_CALL_ID_LENGTH = 64;

/** What is kept of items that were converted. */
export type ResponsesCache = WeakMap<VisibleItem, InputItem>;

/** Writes requests. Every item and every function is converted once: kept by identity, as long as it exists itself. */
export class RequestWriter {
  readonly #server: Server;
  readonly #model: string;
  readonly #items: ResponsesCache;
  readonly #functions = new WeakMap<FunctionSpec | HandoffSpec, Tool>();

  /** `items` may be shared by all models of one server. */
  constructor(server: Server, model: string, items: ResponsesCache) {
    this.#server = server;
    this.#model = model;
    this.#items = items;
  }

  write(request: ModelRequest, settings: ModelSettings, from: number): Fields {
    const { provider } = this.#server;
    // Chat Completions has the last two at the top: written alike, they work for both.
    const { include, text, reasoning, verbosity, logprobs, ...extra } = extraFields(settings, provider);
    const tools = this.#tools(request);
    const stateless = extra["store"] === false;
    const body: Body = given({
      model: this.#model,
      instructions: request.instructions && wellFormed(request.instructions),
      input: this.#input(request.items, from, stateless),
      ...(tools.length === 0
        ? {}
        : { tools, tool_choice: toolChoice(settings, request), parallel_tool_calls: settings.parallelToolCalls }),
      text: withFields(withFields(outputFormat(request), text), verbosity === undefined ? undefined : { verbosity }),
      reasoning: withFields(reasoningOf(settings), reasoning) as Body["reasoning"],
      temperature: settings.temperature,
      top_p: settings.topP,
      max_output_tokens: settings.maxOutputTokens,
      include: this.#include(settings, stateless, include, logprobs),
      stream: true,
    });
    return { ...body, ...extra };
  }

  /** The items from `from` on, with reasoning only where it precedes what it belongs to. */
  #input(items: readonly VisibleItem[], from: number, stateless: boolean): InputItem[] {
    const { provider } = this.#server;
    const input: InputItem[] = [];
    /** Ids of reasoning that is sent. */
    const sent = new Set<unknown>();
    let pending: InputItem[] = [];
    for (let i = from; i < items.length; i++) {
      const item = items[i] as VisibleItem;
      if (item.type === "reasoning") {
        if (item.provider === provider && isOurReasoning(item.data, stateless)) pending.push(this.#convert(item));
        continue;
      }
      if (item.type === "provider_item" && (item.provider !== provider || fields(item.data)["type"] === undefined)) {
        continue;
      }
      // What follows must be what the reasoning led to: reasoning that lost it, or that nothing follows, is refused.
      if (pending.length > 0 && (isMade(item) || item.type === "provider_item")) {
        for (const reasoning of pending) {
          input.push(reasoning);
          sent.add(fields(reasoning)["id"]);
        }
      }
      pending = [];
      input.push(withReasoning(this.#convert(item), item, provider, sent));
    }
    return input;
  }

  #convert(item: VisibleItem): InputItem {
    const known = this.#items.get(item);
    if (known) return known;
    const converted = toInputItem(item, this.#server);
    this.#items.set(item, converted);
    return converted;
  }

  #tools(request: ModelRequest): Tool[] {
    const tools: Tool[] = [];
    for (const spec of functionsOf(request)) {
      let tool = this.#functions.get(spec);
      if (!tool) this.#functions.set(spec, (tool = functionTool(spec, this.#server)));
      tools.push(tool);
    }
    for (const tool of request.tools) if (tool.type === "hosted") tools.push(hostedTool(tool, this.#server.provider));
    return tools;
  }

  /** What is to be sent along, which the caller may add to. */
  #include(settings: ModelSettings, stateless: boolean, more: unknown, logprobs: unknown): Body["include"] | undefined {
    const include = new Set(list(more) as NonNullable<Body["include"]>);
    // Where nothing is stored, reasoning can only come back encrypted. Other models refuse to be asked for it.
    if (stateless && this.#server.official && (settings.reasoning !== undefined || REASONING_MODEL.test(this.#model))) {
      include.add("reasoning.encrypted_content");
    }
    if (logprobs === true) include.add("message.output_text.logprobs");
    return include.size === 0 ? undefined : [...include];
  }
}

const REASONING_MODEL = /^(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)(?!\S*-chat)|codex|computer-use)/;

/** Whether the item is a part of a reply, which reasoning may precede. */
const isMade = (item: VisibleItem): boolean =>
  item.type === "tool_call" || (item.type === "message" && item.role === "assistant");

/** Reasoning of this API, that it will know again: where nothing is stored, it knows only what is encrypted. */
function isOurReasoning(data: unknown, stateless: boolean): boolean {
  const { type, encrypted_content, content } = fields(data);
  return type === "reasoning" && (!stateless || filled(encrypted_content) !== undefined || list(content).length > 0);
}

/**
 * The item, where `sent` reasoning is before it. An id tells the server which reasoning belongs to it, and without that it
 * refuses the item: so where a filter took the reasoning away, the id goes, too.
 */
function withReasoning(
  converted: InputItem,
  item: VisibleItem,
  provider: string,
  sent: ReadonlySet<unknown>,
): InputItem {
  if (item.type !== "message" && item.type !== "tool_call") return converted;
  const wanted = fields(item.providerData?.[provider])["after"];
  if (wanted === undefined || sent.has(wanted)) return converted;
  const { id: _, ...without } = converted as InputItem & { id?: string };
  return without as InputItem;
}

function toInputItem(item: VisibleItem, server: Server): InputItem {
  switch (item.type) {
    case "message":
      return item.role === "assistant" ? assistantMessage(item, server.provider) : inputMessage(item, server);
    case "tool_call":
      return functionCall(item, server);
    case "tool_result":
      return {
        type: "function_call_output",
        call_id: shortId(item.callId, MAX_CALL_ID_LENGTH),
        output: wellFormed(item.output),
      };
    case "reasoning":
    case "provider_item":
      return item.data as unknown as InputItem;
    default:
      item satisfies never;
      throw refused("an item of a type that cannot be shown");
  }
}

function inputMessage({ role, content }: MessageItem, { compatibility }: Server): InputItem {
  return {
    type: "message",
    role: role === "developer" && !compatibility.developerRole ? "system" : role,
    content: typeof content === "string" ? wellFormed(content) : content.map(inputContent),
  };
}

function inputContent(part: ContentPart): InputContent {
  switch (part.type) {
    case "text":
      return { type: "input_text", text: wellFormed(part.text) };
    case "refusal":
      return { type: "input_text", text: wellFormed(part.refusal) };
    case "image":
      if (part.url === undefined && part.fileId === undefined) throw refused("an image needs a url or a fileId");
      return given({ type: "input_image", image_url: part.url, file_id: part.fileId, detail: part.detail ?? "auto" });
    case "file": {
      const { url, fileId, filename } = part;
      if (fileId !== undefined) return { type: "input_file", file_id: fileId };
      if (url === undefined) throw refused("a file needs a url or a fileId");
      return url.startsWith("data:")
        ? { type: "input_file", filename: filename ?? defaultFilename(url), file_data: url }
        : given({ type: "input_file", filename, file_url: url });
    }
    default:
      part satisfies never;
      throw refused("content of a type that cannot be shown");
  }
}

const NOTHING_KNOWN: Fields = {};

/** What a model said: as the API gave it where it did, so that it knows the message again. */
function assistantMessage({ content, providerData }: MessageItem, provider: string): InputItem {
  const made = fields(providerData?.[provider]);
  const { id, phase, annotations } = made["dialect"] === "responses" ? made : NOTHING_KNOWN;
  const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
  const written: OutputContent[] = [];
  for (const part of parts) {
    if (part.type === "text") {
      const noted = list(annotations)[written.length];
      written.push({
        type: "output_text",
        text: wellFormed(part.text),
        annotations: list(noted) as OpenAI.Responses.ResponseOutputText["annotations"],
      });
    } else if (part.type === "refusal") {
      written.push({ type: "refusal", refusal: wellFormed(part.refusal) });
    }
  }
  const status = id === undefined ? undefined : "completed";
  return given({ type: "message", role: "assistant", id, content: written, phase, status }) as unknown as InputItem;
}

function functionCall({ callId, name, arguments: text, providerData }: ToolCallItem, server: Server): InputItem {
  const { after: _, dialect, ...own } = fields(providerData?.[server.provider]);
  return {
    ...(dialect === "responses" ? own : undefined),
    type: "function_call",
    call_id: shortId(callId, MAX_CALL_ID_LENGTH),
    name,
    arguments: server.compatibility.brokenArguments ? wellFormed(text) : readableArguments(text),
  };
}

function functionTool(spec: FunctionSpec | HandoffSpec, server: Server): Tool {
  const { schema, strict } = parametersOf(spec, server);
  const tool = {
    type: "function",
    name: spec.name,
    description: spec.description || undefined,
    parameters: schema,
    strict,
  };
  return given(tool) as unknown as Tool;
}

function hostedTool({ provider, name, data }: HostedToolSpec, ours: string): Tool {
  if (provider !== ours) throw refused(`the hosted tool "${name}" is ${provider}'s, not ${ours}'s`);
  const needed =
    name === "code_interpreter" && data?.["container"] === undefined ? { container: { type: "auto" } } : {};
  return { ...needed, ...data, type: name } as unknown as Tool;
}

function toolChoice({ toolChoice }: ModelSettings, request: ModelRequest): Body["tool_choice"] | undefined {
  if (typeof toolChoice !== "object") return toolChoice;
  const { name } = toolChoice;
  const hosted = request.tools.some((tool) => tool.type === "hosted" && tool.name === name);
  return (hosted ? { type: name } : { type: "function", name }) as Body["tool_choice"];
}

function reasoningOf({ reasoning }: ModelSettings): Record<string, unknown> | undefined {
  return reasoning && given({ effort: reasoning.effort, summary: reasoning.summary });
}

function outputFormat({ output }: ModelRequest): Record<string, unknown> | undefined {
  if (!output) return undefined;
  const { name, schema, strict } = outputSchemaOf(output);
  return { format: given({ type: "json_schema", name, schema, strict }) };
}

/** `own`, and what the caller added to the same field of the request. */
function withFields(own: Record<string, unknown> | undefined, added: unknown): Record<string, unknown> | undefined {
  return isFields(added) ? { ...own, ...added } : own;
}
