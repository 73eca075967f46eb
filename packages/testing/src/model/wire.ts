import type { Json, JsonObject, ModelErrorKind } from "@batonjs/core";

/** What a provider is to reply, in no dialect: pieces as they are streamed. */
export interface WireReply {
  readonly id?: string;
  readonly model?: string;
  readonly reasoning?: readonly string[];
  readonly text?: readonly string[];
  readonly refusal?: readonly string[];
  readonly calls?: readonly WireCall[];
  /** @default "tool_calls" where there are calls, else "stop" */
  readonly finish?: "stop" | "tool_calls" | "length" | "content_filter";
  readonly usage?: WireUsage;
}
export interface WireCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: readonly string[];
}
export interface WireUsage {
  readonly input: number;
  readonly cached?: number;
  readonly output: number;
  readonly reasoning?: number;
}

/** A reply as it goes over the wire. */
export interface Encoded {
  /** Pieces of the stream, each with one event. */
  readonly frames: readonly string[];
  /** The frame that makes the reply known: a stream that is cut before its end has no reply. */
  readonly terminal: number;
  /** The same as one JSON body, of servers that do not stream. */
  readonly whole: Json;
}

/** A request as the provider understands it, in no dialect. */
export interface SeenRequest {
  readonly model: string;
  readonly system: string | undefined;
  readonly messages: readonly SeenMessage[];
  readonly functions: readonly SeenFunction[];
  readonly toolChoice: string | undefined;
  /** Name of the schema that the answer is to follow. */
  readonly output: string | undefined;
  /** What is marked as reasoning, as it was sent. */
  readonly reasoning: readonly Json[];
}
export interface SeenFunction {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: Json;
  readonly strict: boolean;
}
export type SeenMessage =
  | { readonly role: "user" | "system"; readonly text: string; readonly media: readonly string[] }
  | {
      readonly role: "assistant";
      readonly text: string;
      readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
    }
  | { readonly role: "tool"; readonly callId: string; readonly output: string };

/** What an error of a provider says. */
export interface WireError {
  readonly type?: string;
  readonly code?: string;
  readonly message: string;
}

/** An answer that is no success, and what the adapter is to make of it. */
export interface ErrorCase {
  readonly what: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** As JSON, or a text as it is. */
  readonly body: WireError | string;
  readonly kind: ModelErrorKind;
  readonly retryable: boolean;
}

/** A stream that is odd, and what the adapter is to make of it. */
export interface OddStream {
  /** Number in the catalogue of bad inputs on the reliability page. */
  readonly number: number;
  readonly what: string;
  readonly stream: string;
  readonly expect: OddOutcome;
}
export type OddOutcome =
  /** The stream fails. */
  | { readonly error: ModelErrorKind }
  /** A reply that has at least this. */
  | {
      readonly text?: string;
      readonly calls?: readonly { readonly name: string; readonly arguments: string; readonly id?: string }[];
      readonly finishReason: string;
    };

/** A provider's wire format: writes what a provider sends, reads what it is sent. */
export interface WireDialect {
  readonly name: string;
  /** End of the URL of requests. */
  readonly path: string;
  encode(reply: WireReply): Encoded;
  decode(body: JsonObject): SeenRequest;
  /** The body of an error. */
  error(error: WireError): JsonObject;
  /** An error inside of a stream that began as a success. */
  errorFrame(error: WireError): string;
  /** What the provider sends to keep the connection open, besides comments; nothing where there is no such thing. */
  readonly keepAlive?: string;
  readonly errors: readonly ErrorCase[];
  readonly oddStreams: readonly OddStream[];
}

/** One server-sent event. */
export function event(data: unknown, name?: string): string {
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

export const textOf = (pieces: readonly string[] | undefined): string => (pieces ?? []).join("");

/** Errors that all providers which speak HTTP and JSON like OpenAI have in common. RELIABILITY: "Errors of a model provider". */
export const HTTP_ERRORS: readonly ErrorCase[] = [
  {
    what: "429 rate_limit_exceeded",
    status: 429,
    body: { type: "requests", code: "rate_limit_exceeded", message: "Slow down" },
    kind: "rate_limit",
    retryable: true,
  },
  { what: "429 without a body", status: 429, body: "", kind: "rate_limit", retryable: true },
  {
    what: "429 insufficient_quota",
    status: 429,
    body: { type: "insufficient_quota", code: "insufficient_quota", message: "You exceeded your current quota" },
    kind: "quota",
    retryable: false,
  },
  ...[
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
  ].map((code): ErrorCase => ({
    what: `429 ${code}`,
    status: 429,
    body: { code, message: "No more" },
    kind: "quota",
    retryable: false,
  })),
  {
    what: "429 insufficient_quota that is said to be worth a retry",
    status: 429,
    headers: { "x-should-retry": "true" },
    body: { type: "insufficient_quota", message: "No" },
    kind: "quota",
    retryable: false,
  },
  { what: "402", status: 402, body: { message: "Insufficient credits" }, kind: "quota", retryable: false },
  {
    what: "503 server_is_overloaded",
    status: 503,
    body: { code: "server_is_overloaded", message: "Overloaded" },
    kind: "overloaded",
    retryable: true,
  },
  {
    what: "503 with HTML",
    status: 503,
    headers: { "content-type": "text/html" },
    body: "<html><h1>503</h1></html>",
    kind: "overloaded",
    retryable: true,
  },
  {
    what: "529",
    status: 529,
    body: { type: "overloaded_error", message: "Overloaded" },
    kind: "overloaded",
    retryable: true,
  },
  ...[500, 502, 504, 520].map((status): ErrorCase => ({
    what: `${status}`,
    status,
    body: { message: "Broken" },
    kind: "server",
    retryable: true,
  })),
  {
    what: "500 that is said to be final",
    status: 500,
    headers: { "x-should-retry": "false" },
    body: { message: "Broken" },
    kind: "server",
    retryable: false,
  },
  {
    what: "500 that says context length",
    status: 500,
    body: { code: "context_length_exceeded", message: "x" },
    kind: "server",
    retryable: true,
  },
  {
    what: "400 context_length_exceeded",
    status: 400,
    body: { type: "invalid_request_error", code: "context_length_exceeded", message: "x" },
    kind: "context_length",
    retryable: false,
  },
  {
    what: "400 that says it in words",
    status: 400,
    body: { message: "This model's maximum context length is 8192 tokens" },
    kind: "context_length",
    retryable: false,
  },
  {
    what: "413 with HTML",
    status: 413,
    headers: { "content-type": "text/html" },
    body: "<html>413 Request Entity Too Large</html>",
    kind: "context_length",
    retryable: false,
  },
  {
    what: "400 content_filter",
    status: 400,
    body: { code: "content_filter", message: "Filtered" },
    kind: "content_filter",
    retryable: false,
  },
  {
    what: "400",
    status: 400,
    body: { type: "invalid_request_error", message: "No tool output found" },
    kind: "invalid_request",
    retryable: false,
  },
  {
    what: "400 that is said to be worth a retry",
    status: 400,
    headers: { "x-should-retry": "true" },
    body: { message: "No" },
    kind: "invalid_request",
    retryable: false,
  },
  {
    what: "404",
    status: 404,
    body: { code: "model_not_found", message: "The model does not exist" },
    kind: "invalid_request",
    retryable: false,
  },
  {
    what: "422 in another form",
    status: 422,
    body: '{"detail":[{"loc":["body","tools"],"msg":"field required"}]}',
    kind: "invalid_request",
    retryable: false,
  },
  { what: "400 that is no JSON", status: 400, body: "{nope", kind: "invalid_request", retryable: false },
  {
    what: "401",
    status: 401,
    body: { code: "invalid_api_key", message: "Incorrect API key provided" },
    kind: "auth",
    retryable: false,
  },
  { what: "403", status: 403, body: { message: "Not allowed" }, kind: "auth", retryable: false },
  {
    what: "401 that is said to be worth a retry",
    status: 401,
    headers: { "x-should-retry": "true" },
    body: { message: "No" },
    kind: "auth",
    retryable: false,
  },
  { what: "408", status: 408, body: "", kind: "timeout", retryable: true },
];
