/** What the desk's runner is made of: models, a session store, tracing. Only what is asked for is loaded. */
import { type Plugin, memorySessions } from "@batonjs/core";
import { local } from "@batonjs/model-local";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { TODAY } from "./database.ts";
import { type Options, UsageError } from "./options.ts";

/** A collector that is away holds the end of the program up no longer than this. */
const FLUSH_MS = 2_000;

/** The plugins that the options and the environment ask for. Throws a `UsageError` for what cannot be had. */
export async function loadPlugins(options: Options): Promise<readonly Plugin[]> {
  const [tracing, store, log, models] = await Promise.all([
    loadTracing(),
    loadStore(options.store),
    loadLog(options.trace),
    loadOpenAI(options),
  ]);
  // Tracing is outermost: what the others do then stands inside of its spans.
  const stored = tracing ? [tracing, tracing.sessionsOf(store)] : [store];
  return [...stored, ...log, ...models, local({ today: TODAY })];
}

async function loadOpenAI({ triageModel, specialistModel, api }: Options): Promise<readonly Plugin[]> {
  const [name] = [triageModel, specialistModel].filter((model) => model.startsWith("openai/"));
  if (name === undefined) return [];
  if (!process.env["OPENAI_API_KEY"] && !process.env["OPENAI_BASE_URL"]) {
    throw new UsageError(
      `Cannot ask ${name}: set OPENAI_API_KEY to your key, or OPENAI_BASE_URL to a server that speaks the same protocol; without --model the embedded model answers`,
    );
  }
  const { openai } = await import("@batonjs/model-openai");
  return [await made(`the model ${name}`, () => openai(api === undefined ? {} : { api }))];
}

async function loadStore(store: string): Promise<Plugin> {
  const kind = store.split(":", 1)[0] ?? "";
  const place = store.slice(kind.length + 1);
  // `postgres:URL`, and also the URL alone: `postgres://…`.
  const url = place.startsWith("//") ? store : place;
  switch (kind) {
    case "sqlite": {
      const { sqliteSessions } = await import("@batonjs/store-sqlite");
      return made("--store sqlite", () => sqliteSessions(place));
    }
    case "postgres": {
      const { postgresSessions } = await import("@batonjs/store-postgres");
      return made("--store postgres", () => postgresSessions(url));
    }
    case "redis": {
      const { redisSessions } = await import("@batonjs/store-redis");
      return made("--store redis", () => redisSessions(url));
    }
    default:
      return memorySessions();
  }
}

async function loadLog(trace: string | undefined): Promise<readonly Plugin[]> {
  if (trace === undefined) return [];
  const { consoleTrace, traceFile } = await import("@batonjs/trace-file");
  if (trace === "console") return [consoleTrace()];
  // A trace that cannot be written changes no run, so it would go unnoticed.
  const file = await made(`--trace ${trace}`, async () => {
    await mkdir(dirname(trace), { recursive: true });
    return open(trace, "a");
  });
  await file.close();
  return [traceFile(trace)];
}

/** Spans for the collector that OpenTelemetry's variables name, where they name one. */
async function loadTracing() {
  if (!process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] && !process.env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
    return undefined;
  const { otel, otlp, otlpFromEnvironment } = await import("@batonjs/trace-otel");
  return made("OTEL_EXPORTER_OTLP_ENDPOINT", () => {
    const options = otlpFromEnvironment({ OTEL_SERVICE_NAME: "support-triage", ...process.env });
    return options && otel({ tracerProvider: otlp(options), flushTimeoutMs: FLUSH_MS });
  });
}

/** What `make` gives. What it says of an option is said of the flag. */
async function made<T>(flag: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (cause) {
    throw new UsageError(`Cannot use ${flag}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
