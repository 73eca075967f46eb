/** A tracer provider that sends spans over OTLP, with nothing but `fetch`. */
import { checkKeys } from "@batonjs/core";
import { secret, type Secret } from "@batonjs/core/tracing";
import {
  type Attributes,
  type Tracer,
  type TracerProvider,
  ROOT_CONTEXT,
  context as contexts,
  createContextKey,
} from "@opentelemetry/api";
import { inside } from "../inside.ts";
import { toJson } from "./json.ts";
import { toProtobuf } from "./protobuf.ts";
import { Queue, type Sent, unref } from "./queue.ts";
import { type FinishedSpan, OtlpTracer } from "./span.ts";

export interface OtlpOptions {
  /** Of the collector; `/v1/traces` is added where it is missing. */
  readonly url: string;
  /** Sent with each request. Their values are kept out of everything that is traced. */
  readonly headers?: Readonly<Record<string, string | Secret>>;
  /** @default "protobuf", which every collector takes */
  readonly protocol?: "protobuf" | "json";
  /** What sends, as attributes. */
  readonly resource?: Attributes;
  /** `service.name` of the resource. @default "baton" */
  readonly serviceName?: string;
  /** Spans that wait to be sent; more are dropped and counted. @default {2_048} */
  readonly maxQueueSize?: number;
  /** Spans in one request. @default {512} */
  readonly maxBatchSize?: number;
  /** Milliseconds until a batch that is not full is sent. @default {1_000} */
  readonly delayMs?: number;
  /** Milliseconds for one request. @default {10_000} */
  readonly timeoutMs?: number;
  /** Tries for a batch, where the server is busy or away. @default {3} */
  readonly attempts?: number;
  readonly fetch?: typeof fetch;
}

const OPTIONS: ReadonlySet<string> = new Set([
  "url",
  "headers",
  "protocol",
  "resource",
  "serviceName",
  "maxQueueSize",
  "maxBatchSize",
  "delayMs",
  "timeoutMs",
  "attempts",
  "fetch",
]);

/** What has become of spans. */
export interface OtlpStats {
  readonly waiting: number;
  readonly sent: number;
  readonly dropped: number;
  readonly failedRequests: number;
}

/** Sends spans by itself: give it to `otel({ tracerProvider })`, or register it globally. */
export interface OtlpProvider extends TracerProvider {
  /** Sends what is waiting. Never rejects; may take as long as the server does. */
  forceFlush(): Promise<void>;
  /** Sends what is waiting within `timeoutMs`, then lets go of the rest. @default {5_000} */
  shutdown(timeoutMs?: number): Promise<void>;
  readonly stats: OtlpStats;
}

/** HTTP statuses after which the same request may succeed. */
const BUSY: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** By this key the SDK's instrumentations know that a request is not to be traced. */
const SUPPRESS = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** Sends spans to a collector over OTLP/HTTP. Throws a `TypeError` for a URL that is none. */
export function otlp(options: OtlpOptions): OtlpProvider {
  checkKeys(options, OPTIONS, "otlp()");
  const url = endpointOf(options.url);
  const { protocol = "protobuf", timeoutMs = 10_000, fetch: send = fetch } = options;
  const resource: Attributes = { "service.name": options.serviceName ?? "baton", ...options.resource };
  const headers = new Headers({ "content-type": protocol === "json" ? "application/json" : "application/x-protobuf" });
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, revealed(value));

  async function post(batch: readonly FinishedSpan[], signal: AbortSignal): Promise<Sent> {
    const body = protocol === "json" ? toJson(batch, resource) : toProtobuf(batch, resource);
    const request = new AbortController();
    const stop = (): void => request.abort();
    const timer = setTimeout(stop, timeoutMs);
    unref(timer);
    signal.addEventListener("abort", stop, { once: true });
    try {
      const untraced = ROOT_CONTEXT.setValue(SUPPRESS, true);
      const response = await inside(untraced, () =>
        send(url, { method: "POST", headers, body, signal: request.signal, redirect: "error" }),
      );
      await response.body?.cancel();
      if (response.ok) return { ok: true };
      if (!BUSY.has(response.status)) throw new Error(`The collector answered with status ${response.status}`);
      return { ok: false, retryAfterMs: retryAfter(response.headers.get("retry-after")) };
    } catch (error) {
      if (signal.aborted || (error instanceof Error && error.message.startsWith("The collector"))) throw error;
      return { ok: false };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  const queue = new Queue<FinishedSpan>({
    maxSize: options.maxQueueSize ?? 2_048,
    maxBatch: options.maxBatchSize ?? 512,
    delayMs: options.delayMs ?? 1_000,
    attempts: options.attempts ?? 3,
    send: post,
  });
  const tracers = new Map<string, Tracer>();

  return {
    getTracer(name) {
      let tracer = tracers.get(name);
      // Sending begins outside of whatever run ends the span: its context is not held on to.
      const ended = (span: FinishedSpan): void => contexts.with(ROOT_CONTEXT, () => queue.add(span));
      if (!tracer) tracers.set(name, (tracer = new OtlpTracer(name, ended)));
      return tracer;
    },
    forceFlush: () => queue.flush(),
    async shutdown(ms = 5_000) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([queue.flush(), late]);
      clearTimeout(timer);
      queue.release();
    },
    get stats() {
      return { waiting: queue.size, sent: queue.sent, dropped: queue.dropped, failedRequests: queue.failedBatches };
    },
  };
}

/** A header's value; kept out of all traces from here on. */
function revealed(value: string | Secret): string {
  const text = typeof value === "string" ? value : value.reveal();
  const bare = /^(?:bearer|basic|token)\s+(.+)$/i.exec(text)?.[1];
  secret(bare ?? text);
  return text;
}

function endpointOf(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("Cannot send to this url of otlp(): expected an absolute one, like http://localhost:4318");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new TypeError(`Cannot send over "${url.protocol}" as the url of otlp() says: expected http or https`);
  if (url.username !== "" || url.password !== "")
    throw new TypeError("Cannot send to a url of otlp() with a password in it: put it into the headers");
  if (!url.pathname.endsWith("/v1/traces")) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url;
}

function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
