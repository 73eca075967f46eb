/** Starting and ending spans. */
import {
  type Attributes,
  type Context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { CallSite, ModelUsage } from "@batonjs/core";
import type { CaptureKind, Prices, Scrubber } from "@batonjs/core/tracing";
import { ERROR_TYPE, GEN_AI } from "./conventions.ts";
import type { Meters } from "./metrics.ts";

/** What all runs of a plugin share. */
export interface Settings {
  readonly tracer: Tracer;
  /** Nothing where no metrics are collected. */
  readonly meters: Meters | undefined;
  readonly scrub: Scrubber;
  readonly capture: ReadonlySet<CaptureKind>;
  readonly prices: Prices | undefined;
  readonly workflow: string | undefined;
  readonly attributes: ((at: CallSite) => Attributes) | undefined;
  readonly maxText: number;
}

/** A span that has begun, and the context in which it is the active one. */
export interface Open {
  readonly span: Span;
  readonly context: Context;
  /** By `performance.now()`. */
  readonly began: number;
}
/** Why a span ended badly. */
export interface Failure {
  readonly type: string;
  readonly message?: string | undefined;
}

/** Length of a reason or an error's message; the rest is cut. */
export const MAX_REASON = 1_000;

interface StartOptions {
  readonly kind?: SpanKind;
  /** How many milliseconds ago it began. @default 0 */
  readonly agoMs?: number;
  /** What it follows from. */
  readonly from?: Span;
}

/** Time beyond what an event says it took that is ascribed to something else: what follows the thing itself. */
const SLACK_MS = 2;

/** Starts and ends the spans of one run. */
export class Spans {
  readonly settings: Settings;
  readonly #common: Attributes;

  /** `common` are attributes of all spans. */
  constructor(settings: Settings, common: Attributes) {
    this.settings = settings;
    this.#common = common;
  }

  /** `attributes` are the span's to keep. */
  start(name: string, attributes: Attributes, parent: Context, options: StartOptions = {}): Open {
    const { kind = SpanKind.INTERNAL, agoMs = 0, from } = options;
    const span = this.settings.tracer.startSpan(
      name,
      {
        kind,
        attributes: Object.assign(attributes, this.#common),
        ...(agoMs > 0 ? { startTime: Date.now() - agoMs } : {}),
        ...(from === undefined ? {} : { links: [{ context: from.spanContext() }] }),
      },
      parent,
    );
    return { span, context: trace.setSpan(parent, span), began: performance.now() };
  }

  /** Ends a span. What it took may have been known before now: its reply was stored first. */
  end({ span, began }: Open, failure?: Failure, tookMs?: number): void {
    if (failure) {
      span.setAttribute(ERROR_TYPE, failure.type);
      span.setStatus({
        code: SpanStatusCode.ERROR,
        ...(failure.message === undefined ? {} : { message: failure.message }),
      });
    }
    const since = tookMs === undefined || tookMs === 0 ? 0 : performance.now() - began - tookMs;
    if (since > SLACK_MS) span.end(Date.now() - since);
    else span.end();
  }
}

export function usageAttributes({
  inputTokens,
  outputTokens,
  cachedInputTokens,
  reasoningTokens,
}: ModelUsage): Attributes {
  return {
    [GEN_AI.inputTokens]: inputTokens,
    [GEN_AI.outputTokens]: outputTokens,
    ...(cachedInputTokens === undefined ? {} : { [GEN_AI.cachedTokens]: cachedInputTokens }),
    ...(reasoningTokens === undefined ? {} : { [GEN_AI.reasoningTokens]: reasoningTokens }),
  };
}
