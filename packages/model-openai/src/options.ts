import { checkKeys, type ModelSettings } from "@batonjs/core";
import type { OpenAI } from "openai";

/** Which of OpenAI's two wire formats is spoken. */
export type Api = "responses" | "chat";

/**
 * Where the conversation is kept between the turns of a run. `none`: nowhere; every request has all that the agent sees.
 * `response`: a request goes on from the last response and has only what is new. `conversation`: the same, in a
 * conversation that is kept at OpenAI. Where a filter has changed what the agent sees, all of it is sent.
 */
export type Continuation = "none" | "response" | "conversation";

/** What a server understands. Set by the server's address; each can be set for servers that differ. */
export interface Compatibility {
  /** What Chat Completions calls the limit of output tokens. @default `max_completion_tokens` at OpenAI, else `max_tokens` */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
  /** The role `developer` is known; else it is sent as `system`. @default true at OpenAI */
  readonly developerRole?: boolean;
  /** Functions whose schema allows it are sent as `strict` without being asked. @default true at OpenAI */
  readonly strictFunctions?: boolean;
  /** `stream_options` is known, so that a stream of Chat Completions reports usage. @default true */
  readonly streamUsage?: boolean;
  /**
   * How the form of an answer is asked for: by its schema, as JSON with the schema in the instructions, or not at all.
   * @default "json_schema"
   */
  readonly structuredOutput?: "json_schema" | "json_object" | "none";
  /** Arguments that are no JSON object are sent back as they are; many servers fail on them. @default true at OpenAI */
  readonly brokenArguments?: boolean;
}

/** Limits of time and size of one request. */
export interface RequestLimits {
  /** Time to wait for the first event, in milliseconds. `0` waits forever. @default {120_000} */
  readonly firstEventTimeoutMs?: number;
  /** Time to wait for each further event. Keep-alives do not count. `0` waits forever. @default {300_000} */
  readonly idleTimeoutMs?: number;
  /** Time for the whole reply. `0` waits forever. @default {600_000} */
  readonly totalTimeoutMs?: number;
  /** Length of one event, in UTF-16 units. @default {16_777_216} */
  readonly maxEventLength?: number;
  /** Bytes of a whole response. @default {268_435_456} */
  readonly maxResponseBytes?: number;
}

export interface OpenAIOptions extends RequestLimits {
  /** The key, or a function that fetches one for each request. @default `OPENAI_API_KEY` */
  readonly apiKey?: string | (() => Promise<string>);
  /** @default `OPENAI_BASE_URL`, or OpenAI */
  readonly baseURL?: string;
  /** A client that is set up already, such as an `AzureOpenAI`. It brings its own key, URL, headers and `fetch`. */
  readonly client?: OpenAI;
  readonly fetch?: typeof globalThis.fetch;
  readonly organization?: string;
  readonly project?: string;
  /** Headers of every request; `null` leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** What a model called by name speaks. @default `responses` at OpenAI, else `chat` */
  readonly api?: Api;
  /** Settings of all models, below those of an agent. */
  readonly settings?: ModelSettings;
  /** @default "none" */
  readonly continuation?: Continuation;
  readonly compatibility?: Compatibility;
  /** Allows the key to be used in a browser, where everybody can read it. @default false */
  readonly dangerouslyAllowBrowser?: boolean;
}

export interface OpenAICompatibleOptions extends OpenAIOptions {
  /** The plugin's name, so that `groq/llama-4` finds it. Also that of the provider in transcripts. */
  readonly name: string;
  readonly baseURL: string;
}

/** The limits with their defaults. */
export type Limits = Required<RequestLimits>;

const DEFAULT_LIMITS: Limits = {
  firstEventTimeoutMs: 120_000,
  idleTimeoutMs: 300_000,
  totalTimeoutMs: 600_000,
  maxEventLength: 16 * 2 ** 20,
  maxResponseBytes: 256 * 2 ** 20,
};

const OPTIONS: ReadonlySet<string> = new Set([
  "name",
  "apiKey",
  "baseURL",
  "client",
  "fetch",
  "organization",
  "project",
  "headers",
  "api",
  "settings",
  "continuation",
  "compatibility",
  "dangerouslyAllowBrowser",
  ...Object.keys(DEFAULT_LIMITS),
]);

/** Throws a `TypeError` for an option that is not known: `baseUrl` would send the key to OpenAI. */
export function checkNames(options: OpenAIOptions, provider: string): void {
  checkKeys(options, OPTIONS, provider);
  if (options.compatibility)
    checkKeys(options.compatibility, new Set(Object.keys(compatibilityOf(true))), `the compatibility of ${provider}`);
}

/** The longest time that timers take; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** `options` with the defaults. Throws a `RangeError` that names a wrong value. */
export function limitsOf(options: RequestLimits): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const value = options[name];
    if (value === undefined) continue;
    const isTime = name.endsWith("Ms");
    const most = isTime ? MAX_TIMEOUT_MS : Number.MAX_SAFE_INTEGER;
    if (!Number.isInteger(value) || value < (isTime ? 0 : 1) || value > most) {
      const wanted = isTime
        ? `a whole number of milliseconds, at most ${most}, or 0 for no limit`
        : "a positive integer";
      throw new RangeError(`Cannot use ${String(value)} as ${name} as it must be ${wanted}`);
    }
    limits[name] = value;
  }
  return limits;
}

/** What a server understands, by whether it is OpenAI's own or Azure's. */
export function compatibilityOf(official: boolean, options: Compatibility = {}): Required<Compatibility> {
  return {
    maxTokensField: official ? "max_completion_tokens" : "max_tokens",
    developerRole: official,
    strictFunctions: official,
    streamUsage: true,
    structuredOutput: "json_schema",
    brokenArguments: official,
    ...options,
  };
}

const OFFICIAL_HOST =
  /(^|\.)(api\.openai\.com|openai\.azure\.com|services\.ai\.azure\.com|cognitiveservices\.azure\.com)$/;

/** Whether it is OpenAI's own API, or that of Azure, and not something that speaks like it. */
export function isOfficial(baseURL: string): boolean {
  return URL.canParse(baseURL) && OFFICIAL_HOST.test(new URL(baseURL).hostname);
}

/** `more` over `settings`; what providers know is put together by provider. */
export function mergeSettings(settings: ModelSettings | undefined, more: ModelSettings | undefined): ModelSettings {
  if (!settings || !more) return more ?? settings ?? {};
  const merged = { ...settings, ...more };
  if (!settings.providerOptions || !more.providerOptions) return merged;
  const providerOptions = { ...settings.providerOptions };
  for (const [provider, options] of Object.entries(more.providerOptions)) {
    providerOptions[provider] = { ...providerOptions[provider], ...options };
  }
  return { ...merged, providerOptions };
}

/** A variable of the environment. Nothing where there is none, or where the runtime does not let us look. */
export function fromEnvironment(
  name: "OPENAI_API_KEY" | "OPENAI_BASE_URL" | "OPENAI_CUSTOM_HEADERS",
): string | undefined {
  try {
    const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
    return process?.env?.[name]?.trim() || undefined;
  } catch {
    return undefined;
  }
}
