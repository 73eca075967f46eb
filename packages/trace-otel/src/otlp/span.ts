/** Spans without an SDK: what `@opentelemetry/api` asks of a tracer, and no more. */
import {
  type AttributeValue,
  type Attributes,
  type Context,
  type Exception,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  type TimeInput,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  context as contexts,
  isSpanContextValid,
  trace,
} from "@opentelemetry/api";

/** A span that has ended, ready to be written. Times are milliseconds since the epoch. */
export interface FinishedSpan {
  readonly scope: string;
  readonly context: SpanContext;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly atMs: number; readonly attributes: Attributes }[];
  readonly links: readonly Link[];
  readonly status: SpanStatus;
}

/** Attributes, events and links of one span; more are left out. */
const MAX_ENTRIES = 128;

/** Makes spans and hands those that have ended to `ended`. */
export class OtlpTracer implements Tracer {
  readonly #scope: string;
  readonly #ended: (span: FinishedSpan) => void;

  constructor(scope: string, ended: (span: FinishedSpan) => void) {
    this.#scope = scope;
    this.#ended = ended;
  }

  startSpan(name: string, options: SpanOptions = {}, within: Context = contexts.active()): Span {
    const parent = options.root ? undefined : trace.getSpanContext(within);
    const known = parent !== undefined && isSpanContextValid(parent) ? parent : undefined;
    if (known && (known.traceFlags & TraceFlags.SAMPLED) === 0) return trace.wrapSpanContext(known);
    const spanContext: SpanContext = {
      traceId: known?.traceId ?? randomHex(16),
      spanId: randomHex(8),
      traceFlags: TraceFlags.SAMPLED,
      ...(known?.traceState ? { traceState: known.traceState } : {}),
    };
    return new OtlpSpan(this.#scope, name, options, spanContext, known?.spanId, this.#ended);
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    within: Context,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: readonly [F] | readonly [SpanOptions, F] | readonly [SpanOptions, Context, F]
  ): ReturnType<F> {
    const fn = rest.at(-1) as F;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const within = rest.length > 2 ? (rest[1] as Context) : contexts.active();
    const span = this.startSpan(name, options, within);
    return contexts.with(trace.setSpan(within, span), () => fn(span)) as ReturnType<F>;
  }
}

class OtlpSpan implements Span {
  readonly #scope: string;
  #name: string;
  readonly #kind: SpanKind;
  readonly #context: SpanContext;
  readonly #parentId: string | undefined;
  readonly #startMs: number;
  readonly #startedAt: number;
  readonly #attributes: Attributes = {};
  #count = 0;
  readonly #events: { name: string; atMs: number; attributes: Attributes }[] = [];
  readonly #links: Link[];
  #status: SpanStatus = { code: SpanStatusCode.UNSET };
  #ended: ((span: FinishedSpan) => void) | undefined;

  constructor(
    scope: string,
    name: string,
    { kind = SpanKind.INTERNAL, startTime, attributes, links = [] }: SpanOptions,
    context: SpanContext,
    parentId: string | undefined,
    ended: (span: FinishedSpan) => void,
  ) {
    this.#scope = scope;
    this.#name = name;
    this.#kind = kind;
    this.#context = context;
    this.#parentId = parentId;
    this.#startedAt = performance.now();
    this.#startMs = startTime === undefined ? Date.now() : millisecondsOf(startTime);
    this.#links = links.slice(0, MAX_ENTRIES);
    this.#ended = ended;
    // What began before now has taken that long already.
    if (startTime !== undefined) this.#startedAt -= Math.max(0, Date.now() - this.#startMs);
    if (attributes) this.setAttributes(attributes);
  }

  spanContext(): SpanContext {
    return this.#context;
  }
  setAttribute(key: string, value: AttributeValue): this {
    if (!this.#ended || value === undefined) return this;
    if (!(key in this.#attributes) && this.#count++ >= MAX_ENTRIES) return this;
    this.#attributes[key] = value;
    return this;
  }
  setAttributes(attributes: Attributes): this {
    for (const key in attributes) this.setAttribute(key, attributes[key]!);
    return this;
  }
  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.#ended || this.#events.length >= MAX_ENTRIES) return this;
    const isTime = isTimeInput(attributesOrTime);
    const at = isTime ? attributesOrTime : time;
    this.#events.push({
      name,
      atMs: at === undefined ? Date.now() : millisecondsOf(at),
      attributes: isTime ? {} : (attributesOrTime ?? {}),
    });
    return this;
  }
  addLink(link: Link): this {
    if (this.#ended && this.#links.length < MAX_ENTRIES) this.#links.push(link);
    return this;
  }
  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }
  setStatus(status: SpanStatus): this {
    if (this.#ended) this.#status = status;
    return this;
  }
  updateName(name: string): this {
    if (this.#ended) this.#name = name;
    return this;
  }
  isRecording(): boolean {
    return this.#ended !== undefined;
  }
  recordException(exception: Exception, time?: TimeInput): void {
    const { name = "Error", message = "" } = typeof exception === "string" ? { message: exception } : exception;
    this.addEvent("exception", { "exception.type": name, "exception.message": message }, time);
  }
  end(endTime?: TimeInput): void {
    const ended = this.#ended;
    if (!ended) return;
    const endMs =
      endTime === undefined ? this.#startMs + (performance.now() - this.#startedAt) : millisecondsOf(endTime);
    this.#ended = undefined;
    ended({
      scope: this.#scope,
      context: this.#context,
      parentId: this.#parentId,
      name: this.#name,
      kind: this.#kind,
      startMs: this.#startMs,
      endMs: Math.max(endMs, this.#startMs),
      attributes: this.#attributes,
      events: this.#events,
      links: this.#links,
      status: this.#status,
    });
  }
}

function isTimeInput(value: Attributes | TimeInput | undefined): value is TimeInput {
  return typeof value === "number" || value instanceof Date || Array.isArray(value);
}

/** `[seconds, nanoseconds]`, a date, milliseconds since the epoch, or a time of `performance.now()`. */
function millisecondsOf(time: TimeInput): number {
  if (Array.isArray(time)) return time[0] * 1_000 + time[1] / 1_000_000;
  if (time instanceof Date) return time.getTime();
  return time < performance.timeOrigin ? performance.timeOrigin + time : time;
}

/** Random bytes as hex, four at a time, never all zero. Ids need to differ, not to be secret. */
function randomHex(bytes: number): string {
  let hex = "";
  for (let i = 0; i < bytes; i += 4) hex += ((1 + Math.random() * 0xffff_fffe) >>> 0).toString(16).padStart(8, "0");
  return hex;
}
