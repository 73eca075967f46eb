/**
 * OpenAI's Responses and Chat Completions, and every server that speaks like them, as models for Baton.
 *
 * @module
 */
export { openai, openaiCompatible, type HostedToolSettings, type OpenAIFactory, type OpenAIPlugin } from "./plugin.ts";
export type {
  Api,
  Compatibility,
  Continuation,
  OpenAICompatibleOptions,
  OpenAIOptions,
  RequestLimits,
} from "./options.ts";
