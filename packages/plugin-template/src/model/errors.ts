import { messageOf, ModelError, type ModelErrorKind, truncate } from "@batonjs/core";

/** What is known of a failure. */
export interface Failure {
  readonly kind: ModelErrorKind;
  readonly message: string;
  readonly status?: number;
  readonly requestId?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly partialText?: string;
  readonly cause?: unknown;
}

/** A failure on its way to become a `ModelError`. */
export class Failed extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Errors that asking again does not help. For the others core's `retry()` asks again. */
const FINAL: ReadonlySet<ModelErrorKind> = new Set(["quota", "auth", "invalid_request", "context_length"]);

/** The one error of this package. The key is in none of its texts, whatever the server says. */
export function modelError(model: string, failure: Failure, hide: (text: string) => string): ModelError {
  const { message, cause, partialText = "", ...rest } = failure;
  return new ModelError(`Cannot get a reply from "${model}" of acme: ${truncate(hide(message), 1_000)}`, {
    model,
    provider: "acme",
    ...rest,
    ...(partialText === "" ? {} : { partialText: hide(partialText) }),
    // Errors of `fetch` can hold the request with its headers: only the words are kept.
    ...(cause === undefined ? {} : { cause: new Error(hide(messageOf(cause))) }),
  });
}

/** Takes the key out of texts. */
export function hideKey(apiKey: string): (text: string) => string {
  return (text) => text.replaceAll(apiKey, "[redacted]");
}

/** What `fetch`, or reading the body, failed with. A reply that had begun was cut. */
export function networkFailure(error: unknown, shown: string): Failure {
  const { cause } = error as { readonly cause?: unknown };
  const message = cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
  return { kind: shown === "" ? "network" : "truncated", message, cause: error };
}

/** Kinds by status; what is not here is `server` from 500 on, and `invalid_request` from 400 on. */
const KINDS: Readonly<Record<number, ModelErrorKind>> = {
  401: "auth",
  402: "quota",
  403: "auth",
  408: "timeout",
  413: "context_length",
  429: "rate_limit",
  503: "overloaded",
  529: "overloaded",
};

/** An answer that is no stream of events. Of its body only the beginning is read: it may be of any size. */
export async function answerFailure(
  { status, headers }: Response,
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): Promise<Failed> {
  const decoder = new TextDecoder();
  let body = "";
  while (reader && body.length < 10_000) {
    const { done, value } = await reader.read();
    if (done) break;
    body += decoder.decode(value, { stream: true });
  }
  const said = messageIn(body) ?? (truncate(body.replaceAll(/\s+/g, " ").trim(), 200) || "no body");
  const requestId = headers.get("x-request-id");
  const known = { message: `${status} ${said}`, ...(requestId === null ? {} : { requestId }) };
  if (status < 400) return new Failed({ ...known, kind: "protocol", retryable: status < 300 });
  const kind = KINDS[status] ?? (status < 500 ? "invalid_request" : "server");
  const wait = retryAfterMs(headers);
  const retryAfter = wait === undefined ? {} : { retryAfterMs: wait };
  return new Failed({ ...known, kind, status, retryable: !FINAL.has(kind), ...retryAfter });
}

function messageIn(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown };
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds, seconds, or a date by the server's clock. What is none of these is no answer. */
function retryAfterMs(headers: Headers): number | undefined {
  const ms = headers.get("retry-after-ms") ?? "";
  if (/^\d/.test(ms)) return Number(ms);
  const after = headers.get("retry-after") ?? "";
  if (/^\d+(\.\d+)?$/.test(after)) return Number(after) * 1_000;
  const date = /^[A-Z][a-z]{2},/.test(after) ? Date.parse(after) : Number.NaN;
  const now = Date.parse(headers.get("date") ?? "") || Date.now();
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
