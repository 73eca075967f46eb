import type { HostedTool, JsonObject, Model, ModelRequest, ModelSettings, Plugin } from "@batonjs/core";
import type { OpenAI } from "openai";
import { ChatDecoder } from "./chat/from-stream.ts";
import { chatCache, RequestWriter as ChatWriter } from "./chat/to-request.ts";
import { ContinuationLinks } from "./continuation.ts";
import type { Dialect } from "./dialect.ts";
import { createModel } from "./model.ts";
import { type Api, checkNames, mergeSettings, type OpenAICompatibleOptions, type OpenAIOptions } from "./options.ts";
import { REDUNDANT_EVENTS, ResponseDecoder } from "./responses/from-stream.ts";
import { RequestWriter as ResponsesWriter, type ResponsesCache } from "./responses/to-request.ts";
import { createConversation, server } from "./server.ts";

/** A plugin that has the models of one server, and makes them by dialect. */
export interface OpenAIPlugin extends Plugin {
  /** The model called `name`, speaking what `api` says; nothing for a bare name that is not one of OpenAI's, at OpenAI. */
  model(name: string): Model | undefined;
  /** A model that speaks Responses. `settings` are below those of an agent. */
  responses(name: string, settings?: ModelSettings): Model;
  /** A model that speaks Chat Completions. */
  chat(name: string, settings?: ModelSettings): Model;
  /** A tool that the provider runs, as its API describes it: `hosted({ type: "web_search" })`. */
  hosted(tool: HostedToolSettings): HostedTool;
}

/** A tool of the Responses API that OpenAI runs: web search, file search, code interpreter, images, remote MCP. */
export type HostedToolSettings =
  | Exclude<OpenAI.Responses.Tool, OpenAI.Responses.FunctionTool | OpenAI.Responses.Tool.CodeInterpreter>
  | (Omit<OpenAI.Responses.Tool.CodeInterpreter, "container"> & Partial<OpenAI.Responses.Tool.CodeInterpreter>);

/** `openai()` is the plugin; the methods are those of a plugin without options. */
export interface OpenAIFactory extends Pick<OpenAIPlugin, "responses" | "chat" | "hosted"> {
  /** Nothing is sent or loaded before the first request. Throws a `TypeError` or `RangeError` for a bad option. */
  (options?: OpenAIOptions): OpenAIPlugin;
}

const OPENAI = "openai";
const NO_EVENTS: ReadonlySet<string> = new Set();

/** Names that OpenAI gives its models. Other bare names may be another plugin's. */
const OPENAI_NAME = /^(?:ft:)?(?:gpt|o\d|chatgpt|codex|computer-use|davinci|babbage)/;

/** OpenAI, as a plugin: `new Runner({ plugins: [openai()] })` finds `openai/gpt-4o` and `gpt-4o`. */
export const openai: OpenAIFactory = Object.assign(
  (options?: OpenAIOptions): OpenAIPlugin => {
    if (typeof options === "string") {
      throw new TypeError(
        `Cannot use "${String(options)}" as options of openai(): write openai.responses("${String(options)}") or openai.chat("${String(options)}") for a model, or openai() for the plugin`,
      );
    }
    return plugin(OPENAI, options ?? {}, true);
  },
  {
    responses: (name: string, settings?: ModelSettings): Model => openai().responses(name, settings),
    chat: (name: string, settings?: ModelSettings): Model => openai().chat(name, settings),
    hosted: (tool: HostedToolSettings): HostedTool => hostedTool(OPENAI, tool),
  },
);

/**
 * A server that speaks like OpenAI, under a name of its own: `openaiCompatible({ name: "groq", baseURL, apiKey })` finds
 * `groq/llama-4`. Nothing of the environment is read: it holds OpenAI's key.
 */
export function openaiCompatible(options: OpenAICompatibleOptions): OpenAIPlugin {
  const { name, baseURL } = options;
  if (typeof name !== "string" || !/^[\w.-]+$/.test(name) || name === "__proto__") {
    throw new TypeError(
      `Cannot use ${JSON.stringify(name)} as the name of a provider: expected letters, digits, ".", "_" or "-"`,
    );
  }
  if (typeof baseURL !== "string" && !options.client) {
    throw new TypeError(
      `Cannot make the provider "${name}" without a baseURL: pass the address of its API, such as "http://localhost:11434/v1"`,
    );
  }
  return plugin(name, options, false);
}

function plugin(provider: string, options: OpenAIOptions, readsEnvironment: boolean): OpenAIPlugin {
  checkNames(options, provider);
  const api = server(provider, options, readsEnvironment);
  const items: ResponsesCache = new WeakMap();
  const chat = chatCache();
  const conversations = new Map<string, string>();

  const model = (
    dialect: Dialect,
    continuation: OpenAIOptions["continuation"],
    name: string,
    settings?: ModelSettings,
  ): Model => {
    if (typeof name !== "string" || name === "")
      throw new TypeError(`Cannot use ${JSON.stringify(name)} as the name of a model of ${provider}`);
    const links = new ContinuationLinks(continuation ?? "none", provider, conversations, (watch) =>
      createConversation(api, watch),
    );
    return createModel({ name, server: api, dialect, links, settings: mergeSettings(options.settings, settings) });
  };
  const speakers: Record<Api, (name: string, settings?: ModelSettings) => Model> = {
    responses: (name, settings) => {
      const writer = new ResponsesWriter(api, name, items);
      return model(
        {
          path: "/responses",
          redundant: REDUNDANT_EVENTS,
          toRequest: (request, settings, from) => writer.write(request, settings, from),
          fromStream: (request: ModelRequest) => new ResponseDecoder(provider, name, request),
        },
        options.continuation,
        name,
        settings,
      );
    },
    chat: (name, settings) => {
      const writer = new ChatWriter(api, name, chat);
      return model(
        {
          path: "/chat/completions",
          redundant: NO_EVENTS,
          toRequest: (request, settings) => writer.write(request, settings),
          fromStream: (request: ModelRequest) => new ChatDecoder(provider, name, request),
        },
        "none",
        name,
        settings,
      );
    },
  };
  const defaultApi = options.api ?? (api.official ? "responses" : "chat");
  if (!Object.hasOwn(speakers, defaultApi)) {
    throw new TypeError(
      `Cannot use ${JSON.stringify(defaultApi)} as api of ${provider}: expected "responses" or "chat"`,
    );
  }
  return {
    name: provider,
    model: (name) => {
      const prefix = `${provider}/`;
      const own = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
      if (own === undefined && api.host.endsWith("api.openai.com") && !OPENAI_NAME.test(name)) return undefined;
      return speakers[defaultApi](own ?? name);
    },
    ...speakers,
    hosted: (tool) => hostedTool(provider, tool),
  };
}

function hostedTool(provider: string, { type, ...data }: HostedToolSettings): HostedTool {
  if (typeof type !== "string")
    throw new TypeError('Cannot make a hosted tool without its type: write hosted({ type: "web_search" })');
  return { type: "hosted", provider, name: type, data: data as unknown as JsonObject };
}
