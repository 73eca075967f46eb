import type { Item } from "./items.ts";

const brand: unique symbol = Symbol.for("@batonjs/core/error") as never;

/** What went wrong, as a word that programs can compare. */
export type ErrorCode =
  | "model_error"
  | "store_error"
  | "store_timeout"
  | "session_conflict"
  | "idempotency_mismatch"
  | "corrupt_item"
  | "guardrail_tripped"
  | "guardrail_failed"
  | "max_turns"
  | "budget_exceeded"
  | "callback_timeout"
  | "callback_failed"
  | "invalid_output"
  | "aborted"
  | "engine_error"
  | (string & {});

export interface RunErrorOptions {
  readonly cause?: unknown;
  readonly code?: ErrorCode;
  readonly agent?: string | undefined;
}

/** A run that did not finish. `items` is its transcript: `run(agent, error.items)` goes on from there. */
export class RunError extends Error {
  override name = "RunError";
  readonly code: ErrorCode;
  /** The agent that it is about: the one that had control, if nothing says otherwise. `undefined` outside of a run. */
  agent: string | undefined;
  /** The run's transcript when it stopped. Empty where the error was thrown outside of a run. */
  items: readonly Item[] = [];

  constructor(message: string, { cause, code = "engine_error", agent }: RunErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.agent = agent;
    Object.defineProperty(this, brand, { value: kindsOf(new.target) });
  }

  /** The name by which two installed copies recognise each other's errors. */
  static readonly kind: string = "RunError";

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!Object.hasOwn(this, "kind")) return Function.prototype[Symbol.hasInstance].call(this, value);
    const kinds = typeof value === "object" && value !== null ? (value as { [brand]?: unknown })[brand] : undefined;
    return Array.isArray(kinds) && kinds.includes(this.kind);
  }
}

/** The kinds of a class and of those it extends. */
function kindsOf(type: typeof RunError): string[] {
  const kinds: string[] = [];
  for (let at: { kind?: string } | null = type; at?.kind !== undefined; at = Object.getPrototypeOf(at) as typeof at)
    kinds.push(at.kind);
  return kinds;
}

/** What kind of failure a model's provider reported. RELIABILITY: "Errors of a model provider". */
export type ModelErrorKind =
  | "rate_limit"
  | "quota"
  | "overloaded"
  | "server"
  | "stream_error"
  | "truncated"
  | "length"
  | "content_filter"
  | "context_length"
  | "invalid_request"
  | "auth"
  | "network"
  | "timeout"
  | "protocol"
  | "unknown";

export interface ModelErrorOptions extends RunErrorOptions {
  readonly kind: ModelErrorKind;
  readonly model?: string;
  readonly provider?: string;
  readonly status?: number;
  readonly requestId?: string;
  /** Whether asking again may help. @default by kind: rate_limit, overloaded, server, stream_error, truncated, network, timeout */
  readonly retryable?: boolean;
  /** What the server asked to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Text that had arrived before the failure. Never an answer. */
  readonly partialText?: string;
}

const RETRYABLE: ReadonlySet<ModelErrorKind> = new Set([
  "rate_limit",
  "overloaded",
  "server",
  "stream_error",
  "truncated",
  "network",
  "timeout",
  "protocol",
]);

/** A model call that failed. */
export class ModelError extends RunError {
  override name = "ModelError";
  static override readonly kind: string = "ModelError";
  readonly kind: ModelErrorKind;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly partialText: string | undefined;

  constructor(message: string, options: ModelErrorOptions) {
    super(message, { code: "model_error", ...options });
    this.kind = options.kind;
    this.model = options.model;
    this.provider = options.provider;
    this.status = options.status;
    this.requestId = options.requestId;
    this.retryable = options.retryable ?? RETRYABLE.has(options.kind);
    this.retryAfterMs = options.retryAfterMs;
    this.partialText = options.partialText;
  }
}

/** A session store that failed, or that said no. */
export class StoreError extends RunError {
  override name = "StoreError";
  static override readonly kind: string = "StoreError";
  /** Whether the same append, with the same `opId`, may be tried again. */
  readonly retryable: boolean;
  /** Number of the item that cannot be read, from 0. */
  readonly seq: number | undefined;

  constructor(
    message: string,
    options: RunErrorOptions & { readonly retryable?: boolean; readonly seq?: number } = {},
  ) {
    super(message, { code: "store_error", ...options });
    this.retryable = options.retryable ?? false;
    this.seq = options.seq;
  }
}

/** The session has gone on since it was read: another run appended to it. */
export class SessionConflict extends StoreError {
  override name = "SessionConflict";
  static override readonly kind: string = "SessionConflict";

  constructor(session: string, expected: number, found: number) {
    super(
      `Cannot append to session "${session}": another run has gone on with it (expected version ${expected}, found ${found})`,
      { code: "session_conflict" },
    );
  }
}

/** A guardrail that said no, threw or did not answer. */
export class GuardrailError extends RunError {
  override name = "GuardrailError";
  static override readonly kind: string = "GuardrailError";
  readonly guardrail: string;
  readonly reason: string;

  constructor(guardrail: string, reason: string, message: string, options: RunErrorOptions = {}) {
    super(message, { code: "guardrail_tripped", ...options });
    this.guardrail = guardrail;
    this.reason = reason;
  }
}

/** A limit that was reached. */
export class LimitError extends RunError {
  override name = "LimitError";
  static override readonly kind: string = "LimitError";
  readonly limit: string;
  readonly max: number;
  readonly actual: number;

  constructor(
    message: string,
    options: RunErrorOptions & { readonly limit: string; readonly max: number; readonly actual: number },
  ) {
    super(message, { code: options.limit, ...options });
    this.limit = options.limit;
    this.max = options.max;
    this.actual = options.actual;
  }
}

/** The caller stopped the run. `cause` is the signal's reason. */
export class AbortError extends RunError {
  override name = "AbortError";
  static override readonly kind: string = "AbortError";

  constructor(reason: unknown, agent?: string) {
    super("The run was stopped by its caller", { code: "aborted", cause: reason, agent });
  }
}

/** The message of whatever was thrown, at most `max` characters, and never a throw of its own. */
export function messageOf(error: unknown, max = 1_000): string {
  let text: string;
  try {
    text = error instanceof Error ? error.message : String(error);
  } catch {
    text = "an error that cannot be written";
  }
  return truncate(text, max);
}

/** The first `max` UTF-16 units of `text`, well-formed, with "… [n more characters]" where something was cut. */
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text.isWellFormed() ? text : text.toWellFormed();
  return `${text.slice(0, max).toWellFormed()}… [${text.length - max} more characters]`;
}
