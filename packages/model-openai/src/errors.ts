import { ModelError, type ModelErrorKind, truncate } from "@batonjs/core";
import { fields, filled, text } from "./wire.ts";

/** Whose reply could not be had. */
export interface Source {
  readonly model: string;
  readonly provider: string;
  /** Takes keys out of a text. */
  readonly scrub: (text: string) => string;
}

/** What is known of a failure. */
export interface Failure {
  readonly kind: ModelErrorKind;
  readonly message: string;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly partialText?: string | undefined;
  readonly cause?: unknown;
}

/** How much of a server's own words goes into a message. */
const MAX_MESSAGE_LENGTH = 1_000;
/** How much of a body that is not what was expected. */
const MAX_EXCERPT_LENGTH = 200;

/** The one error of this package. No key is in it, whatever the server says: neither in the message nor in the cause. */
export function modelError({ model, provider, scrub }: Source, failure: Failure): ModelError {
  const { kind, message, status, requestId, retryable, retryAfterMs, partialText, cause } = failure;
  return new ModelError(
    `Cannot get a reply from "${model}" of ${provider}: ${truncate(scrub(message), MAX_MESSAGE_LENGTH)}`,
    {
      kind,
      model,
      provider,
      ...(status === undefined ? {} : { status }),
      ...(requestId === undefined ? {} : { requestId }),
      ...(retryable === undefined ? {} : { retryable }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(partialText ? { partialText: scrub(partialText) } : {}),
      ...(cause === undefined ? {} : { cause: withoutSecrets(cause, scrub) }),
    },
  );
}

/** The first of a body that is not what was expected, on one line. */
export function excerpt(body: string): string {
  return truncate(body.replace(/\s+/g, " ").trim(), MAX_EXCERPT_LENGTH);
}

/** A copy of an error in the words and codes alone: the errors of clients carry requests, headers and bodies. */
function withoutSecrets(cause: unknown, scrub: (text: string) => string, depth = 0): Error {
  const { name, message, code, cause: deeper } = fields(cause);
  const copy = new Error(truncate(scrub(text(message) ?? String(cause)), MAX_MESSAGE_LENGTH));
  copy.name = filled(name) ?? "Error";
  // The stack of the original begins with its message.
  copy.stack = `${copy.name}: ${copy.message}`;
  if (filled(code) !== undefined) Object.assign(copy, { code });
  if (deeper !== undefined && deeper !== null && depth < 4) {
    Object.defineProperty(copy, "cause", { value: withoutSecrets(deeper, scrub, depth + 1), enumerable: false });
  }
  return copy;
}

/** Keys by their looks, for those that nobody told us. */
const LOOKS_LIKE_A_KEY =
  /\b(?:sk|gsk|xai|pplx|nvapi|csk|fw)[-_][\w*-]{8,}|\bAIza[\w-]{20,}|\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}/g;
const REDACTED = "[redacted]";

/** Takes `secrets`, and what looks like a key, out of texts. */
export function scrubber(secrets: () => Iterable<string>): (text: string) => string {
  return (text) => {
    let clean = text;
    for (const secret of [...secrets()].sort((a, b) => b.length - a.length)) {
      for (const form of new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])) {
        clean = clean.replaceAll(form, REDACTED);
      }
    }
    return clean.replace(LOOKS_LIKE_A_KEY, REDACTED);
  };
}

/** Errors that no repetition and no other time makes better. */
const FINAL: ReadonlySet<ModelErrorKind> = new Set([
  "quota",
  "auth",
  "invalid_request",
  "context_length",
  "content_filter",
  "length",
]);

const QUOTA =
  /insufficient_quota|credit_balance|spend_limit|usage_limit_exceeded|billing|insufficient_(?:balance|credits|funds)|quota_exceeded/i;
const CONTEXT_LENGTH =
  /context_length_exceeded|context_window|string_above_max_length|model_max_prompt_tokens|request_too_large/i;
const CONTEXT_LENGTH_WORDS =
  /maximum context length|context (?:window|length|size)|prompt is too long|too many (?:input )?tokens|exceeds? the (?:model'?s )?(?:maximum )?(?:context|input token)/i;
const CONTENT = /content_filter|content_policy|policy_violation|bio_policy|ResponsibleAIPolicyViolation|moderation/i;
const AUTH = /invalid_api_key|authentication_error|permission_(?:error|denied)|unauthorized/i;
const BAD_REQUEST =
  /^invalid_|_(?:not_found|mismatch)$|unsupported_|image_(?:too|parse|file)|empty_image|failed_to_download/i;

/** What a provider says of an error, in the body or in a frame of the stream. */
interface ProviderError {
  readonly code: string;
  readonly type: string;
  readonly message: string;
}

/** `{ error: { code, type, message } }`, `{ error: "…" }`, `{ code, message }` and what else servers send. */
function readProviderError(value: unknown): ProviderError {
  const outer = fields(value);
  const inner = fields(outer["error"] ?? value);
  const detail = inner["detail"];
  const code = inner["code"];
  return {
    code: typeof code === "number" ? String(code) : (text(code) ?? ""),
    type: text(inner["type"]) ?? "",
    message:
      filled(inner["message"]) ??
      filled(outer["error"]) ??
      filled(outer["message"]) ??
      (detail === undefined ? undefined : (filled(detail) ?? JSON.stringify(detail))) ??
      "",
  };
}

/** The kind that the provider's own words name; nothing where they name none that the status would not. */
function kindByWords({ code, type, message }: ProviderError): ModelErrorKind | undefined {
  const words = `${code} ${type}`;
  if (QUOTA.test(words)) return "quota";
  if (CONTEXT_LENGTH.test(words) || CONTEXT_LENGTH_WORDS.test(message)) return "context_length";
  if (CONTENT.test(words)) return "content_filter";
  return undefined;
}

function kindByStatus(status: number): ModelErrorKind {
  switch (status) {
    case 401:
    case 403:
      return "auth";
    case 402:
      return "quota";
    case 408:
      return "timeout";
    case 409:
    case 424:
      return "server";
    case 413:
      return "context_length";
    case 429:
      return "rate_limit";
    case 503:
    case 529:
      return "overloaded";
    default:
      return status >= 500 ? "server" : status >= 400 ? "invalid_request" : "protocol";
  }
}

/** An answer with a status that is no success. `body` is its text, as far as it was read. */
export function httpFailure(status: number, headers: Headers, body: string): Failure {
  const requestId = requestIdOf(headers);
  if (status < 400) {
    const to = headers.get("location");
    const where = to === null ? "" : ` to ${withoutQuery(to)}`;
    const message = `the server answered ${status}, a redirect${where}, which is not followed; set baseURL to where the API is`;
    return { kind: "protocol", message, status, requestId, retryable: false };
  }
  const error = readProviderError(parsed(body));
  const byWords = kindByWords(error);
  const byStatus = kindByStatus(status);
  // The words decide between what shares a status; a failing server is a failing server whatever it says.
  const kind =
    byWords !== undefined && (byStatus === "rate_limit" || byStatus === "invalid_request" || byStatus === "auth")
      ? byWords
      : byStatus;
  const said = error.message || excerpt(body) || "no body";
  const hint = headers.get("x-should-retry");
  return {
    kind,
    message: `${status} ${said}`,
    status,
    requestId,
    // Without a hint the kind decides.
    retryable: FINAL.has(kind) ? false : hint === "true" ? true : hint === "false" ? false : undefined,
    retryAfterMs: retryAfterMs(headers) ?? (kind === "rate_limit" ? waitInWords(error.message) : undefined),
  };
}

/** An error that arrived in a stream, or as the body of an answer that said it was a success. */
export function streamFailure(value: unknown, requestId?: string): Failure {
  const error = readProviderError(value);
  const words = `${error.code} ${error.type}`;
  const byStatus = /^[45]\d\d$/.test(error.code) ? kindByStatus(Number(error.code)) : undefined;
  const final =
    kindByWords(error) ??
    (AUTH.test(words) ? "auth" : undefined) ??
    (byStatus !== undefined && FINAL.has(byStatus) ? byStatus : undefined) ??
    (BAD_REQUEST.test(error.code) || error.type === "invalid_request_error" ? "invalid_request" : undefined);
  const name = error.code || error.type;
  return {
    kind: final ?? "stream_error",
    message: `the server reported ${name === "" ? "an error" : name}${error.message === "" ? "" : `: ${error.message}`}`,
    requestId,
    retryAfterMs: final === undefined ? waitInWords(error.message) : undefined,
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function withoutQuery(location: string): string {
  const end = location.search(/[?#]/);
  const where = end === -1 ? location : location.slice(0, end);
  return where.replace(/\/\/[^/@]*@/, "//");
}

export function requestIdOf(headers: Headers): string | undefined {
  return headers.get("x-request-id") ?? headers.get("apim-request-id") ?? headers.get("cf-ray") ?? undefined;
}

/** How long the server asks to wait. What is no time is no answer; a time that has passed means now. */
function retryAfterMs(headers: Headers): number | undefined {
  const ms = amount(headers.get("retry-after-ms"));
  if (ms !== undefined) return ms;
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const seconds = amount(value);
  if (seconds !== undefined) return seconds * 1_000;
  if (!/[a-z]{3}/i.test(value)) return undefined;
  const at = Date.parse(value);
  if (Number.isNaN(at)) return undefined;
  // By the server's own clock where it tells it: ours may be wrong.
  const now = Date.parse(headers.get("date") ?? "");
  return Math.max(0, at - (Number.isNaN(now) ? Date.now() : now));
}

function amount(value: string | null): number | undefined {
  if (value === null || !/^\s*\d+(?:\.\d+)?(?:e\d+)?\s*$/i.test(value)) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** "Please try again in 1.2s": said where no header can be sent any more. */
function waitInWords(message: string): number | undefined {
  const found = /try again in (?:(\d+)m)?(\d+(?:\.\d+)?)(ms|s)\b/i.exec(message);
  if (!found) return undefined;
  const [, minutes = "0", number = "0", unit] = found;
  return Number(minutes) * 60_000 + Number(number) * (unit?.toLowerCase() === "s" ? 1_000 : 1);
}
