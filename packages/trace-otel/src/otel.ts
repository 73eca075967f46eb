/** The plugin. */
import {
  type Attributes,
  type MeterProvider,
  type Tracer,
  type TracerProvider,
  metrics,
  trace,
} from "@opentelemetry/api";
import { type CallSite, checkKeys, type Plugin, type RunEvent } from "@batonjs/core";
import { type Capture, captured, type Prices, type RedactRule, Scrubber } from "@batonjs/core/tracing";
import { tracedModel, tracedTool } from "./inside.ts";
import { type Meters, metersOf } from "./metrics.ts";
import type { OtlpProvider } from "./otlp/provider.ts";
import { RunTrace } from "./run-trace.ts";
import type { Settings } from "./spans.ts";
import { tracedStore } from "./sessions.ts";

export interface OtelOptions {
  /** Where spans go: a provider of your SDK, or `otlp()`. @default the global one */
  readonly tracerProvider?: TracerProvider;
  /** Where metrics go. @default the global one */
  readonly meterProvider?: MeterProvider;
  /** Contents to write: `true` for all, or some kinds. @default {false} */
  readonly capture?: Capture;
  /** What to take out of every text, beside secrets. */
  readonly redact?: readonly RedactRule[];
  /** Prices of model calls: `genaiPrices(calcPrice)`. @default none: no cost is written */
  readonly prices?: Prices;
  /** What runs are called. @default the agent that has control when a run starts */
  readonly workflow?: string;
  /** Attributes of your own for all spans of a run. */
  readonly attributes?: (at: CallSite) => Attributes;
  /** Length of one captured text, in UTF-16 units. @default {16_000} */
  readonly maxText?: number;
  /** Milliseconds that `close()` and `flush()` wait for the exporter. @default {5_000} */
  readonly flushTimeoutMs?: number;
  /** Runs followed at once; beyond it the oldest is ended as abandoned. @default {10_000} */
  readonly maxOpenRuns?: number;
}

/** What tracing has done. */
export interface OtelStats {
  /** Runs that are followed now. */
  readonly openRuns: number;
  /** Runs that were given up because of `maxOpenRuns`. */
  readonly abandonedRuns: number;
  /** Events that an error of the SDK has cost. */
  readonly failures: number;
}

/** A plugin that traces, with what belongs to it. */
export interface OtelPlugin extends Plugin {
  /** The plugin of a session store, with a span for each of its operations. */
  sessionsOf(plugin: Plugin): Plugin;
  /** Sends what is waiting. Never rejects; gives up after `flushTimeoutMs`. */
  flush(): Promise<void>;
  readonly stats: OtelStats;
  onEvent(event: RunEvent, at: CallSite): void;
  close(): Promise<void>;
}

const SCOPE = "@batonjs/trace-otel";
const OPTIONS: ReadonlySet<string> = new Set([
  "tracerProvider",
  "meterProvider",
  "capture",
  "redact",
  "prices",
  "workflow",
  "attributes",
  "maxText",
  "flushTimeoutMs",
  "maxOpenRuns",
]);

/**
 * Spans and metrics by the GenAI conventions. Put it first: what the plugins after it do, their retries included, then
 * stands inside of its spans.
 */
export function otel(options: OtelOptions = {}): OtelPlugin {
  checkKeys(options, OPTIONS, "otel()");
  const { tracerProvider = trace.getTracerProvider() } = options;
  const flushTimeoutMs = positive(options.flushTimeoutMs ?? 5_000, "flushTimeoutMs");
  const maxOpenRuns = positive(options.maxOpenRuns ?? 10_000, "maxOpenRuns");
  const meterProvider = (): MeterProvider => options.meterProvider ?? metrics.getMeterProvider();
  let tracer: Tracer | undefined;
  let meters: Meters | undefined;
  const settings: Settings = {
    // An SDK may be registered after this: it is asked when something is to be recorded.
    get tracer() {
      return (tracer ??= tracerProvider.getTracer(SCOPE));
    },
    get meters() {
      return meters;
    },
    scrub: new Scrubber(options.redact),
    capture: captured(options.capture),
    prices: options.prices,
    workflow: options.workflow,
    attributes: options.attributes,
    maxText: positive(options.maxText ?? 16_000, "maxText"),
  };
  const runs = new Map<string, RunTrace>();
  let abandonedRuns = 0;
  let failures = 0;

  /** Calls what must not reach the run. */
  function guarded<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch {
      failures++;
      return undefined;
    }
  }

  function begin(event: RunEvent, at: CallSite): RunTrace {
    end(event.runId, (run) => run.abandon());
    if (runs.size >= maxOpenRuns) {
      const [oldest] = runs.keys();
      if (oldest !== undefined) end(oldest, (run) => run.abandon());
      abandonedRuns++;
    }
    meters ??= metersOf(meterProvider(), SCOPE);
    const run = new RunTrace(event.agent, at, settings);
    runs.set(event.runId, run);
    return run;
  }

  function end(runId: string, how: (run: RunTrace) => void): void {
    const run = runs.get(runId);
    runs.delete(runId);
    if (run) guarded(() => how(run));
  }

  function take(event: RunEvent, at: CallSite): void {
    if (event.path !== undefined) return runs.get(event.runId)?.take(event);
    switch (event.type) {
      case "run_started":
        begin(event, at);
        return undefined;
      case "run_finished":
        return end(event.runId, (run) => run.finish(event));
      case "run_failed":
        if (!runs.has(event.runId)) begin(event, at);
        return end(event.runId, (run) => run.fail(event));
      default:
        return runs.get(event.runId)?.take(event);
    }
  }

  const flush = (): Promise<void> => within(flushTimeoutMs, [flushOf(tracerProvider), flushOf(meterProvider())]);

  return {
    name: "otel",
    onEvent: (event, at) => {
      guarded(() => take(event, at));
    },
    wrapModel: (model) => tracedModel(model, (request) => guarded(() => runs.get(request.at.runId)?.asked(request))),
    wrapTool: (tool) =>
      tracedTool(tool, ({ runId, idempotencyKey, callId }) =>
        guarded(() => runs.get(runId)?.toolContext(idempotencyKey, callId)),
      ),
    sessionsOf: (plugin) => {
      const { sessions } = plugin;
      if (!sessions) return plugin;
      return { ...plugin, sessions: tracedStore(sessions, (runId) => runs.get(runId), settings, guarded) };
    },
    flush,
    // What cannot be sent now will not be: nothing may keep the process.
    close: () =>
      isOtlp(tracerProvider)
        ? Promise.all([
            tracerProvider.shutdown(flushTimeoutMs),
            within(flushTimeoutMs, [flushOf(meterProvider())]),
          ]).then(() => {})
        : flush(),
    get stats() {
      return { openRuns: runs.size, abandonedRuns, failures };
    },
  };
}

function isOtlp(provider: TracerProvider): provider is OtlpProvider {
  return "stats" in provider && "shutdown" in provider;
}

/** Providers of SDKs have more than the API says. */
type Flushable = { readonly forceFlush?: () => Promise<unknown>; readonly getDelegate?: () => unknown };

/** Flushing `provider`, where it can be flushed; the global one is a proxy. */
function flushOf(provider: unknown): () => Promise<unknown> | undefined {
  return () => {
    const given = provider as Flushable;
    const real = (given.getDelegate?.() ?? given) as Flushable;
    return real.forceFlush?.();
  };
}

/** Waits for all `work` or for `ms`. Never rejects. */
async function within(ms: number, work: readonly (() => Promise<unknown> | undefined)[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  const all = Promise.allSettled(work.map(async (each) => each()));
  await Promise.race([all, late]);
  clearTimeout(timer);
}

function positive(value: number, name: string): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`Cannot use ${String(value)} as ${name} of otel() as it must be a positive integer`);
}
