/** What the desk's runner is made of: models, a session store, tracing. Only what is asked for is loaded. */
import { type Plugin, memorySessions } from "@batonjs/core";
import { local } from "@batonjs/model-local";
import { TODAY } from "./database.ts";
import { type Options, UsageError } from "./options.ts";

/** The plugins that the options ask for. Throws a `UsageError` for what is not there. */
export async function loadPlugins(options: Options): Promise<readonly Plugin[]> {
  const asked = await Promise.all([loadOpenAI(options), loadTrace(options.trace), loadStore(options.store)]);
  return [local({ today: TODAY }), ...asked.flat()];
}

async function loadOpenAI({ triageModel, specialistModel }: Options): Promise<readonly Plugin[]> {
  const [name] = [triageModel, specialistModel].filter((model) => model.startsWith("openai/"));
  if (name === undefined) return [];
  if (!process.env["OPENAI_API_KEY"] && !process.env["OPENAI_BASE_URL"]) {
    throw new UsageError(
      `Cannot ask ${name}: set OPENAI_API_KEY to your key, or OPENAI_BASE_URL to a server that speaks the same protocol; without --model the embedded model answers`,
    );
  }
  return [await load("@batonjs/model-openai", "openai", `--model ${name}`)];
}

const STORES: Readonly<Record<string, readonly [packageName: string, factory: string]>> = {
  sqlite: ["@batonjs/store-sqlite", "sqliteSessions"],
  postgres: ["@batonjs/store-postgres", "postgresSessions"],
  redis: ["@batonjs/store-redis", "redisSessions"],
};

async function loadStore(store: string): Promise<readonly Plugin[]> {
  const kind = store.split(":", 1)[0] ?? "";
  const place = store.slice(kind.length + 1);
  const known = STORES[kind];
  if (!known) return [memorySessions()];
  // `postgres:URL`, and also the URL alone: `postgres://…`.
  return [await load(...known, `--store ${kind}`, place.startsWith("//") ? store : place)];
}

async function loadTrace(trace: string | undefined): Promise<readonly Plugin[]> {
  if (trace === undefined) return [];
  if (trace === "console") return [await load("@batonjs/trace-file", "consoleTrace", "--trace console")];
  return [await load("@batonjs/trace-file", "fileTrace", "--trace", trace)];
}

/** The plugin that a package's factory makes. A package that is not there is a sentence, not a stack trace. */
async function load(packageName: string, factory: string, flag: string, ...args: readonly unknown[]): Promise<Plugin> {
  let make: unknown;
  try {
    make = ((await import(packageName)) as Readonly<Record<string, unknown>>)[factory];
  } catch (cause) {
    throw new UsageError(`Cannot use ${flag}: ${packageName} is not installed`, { cause });
  }
  if (typeof make !== "function")
    throw new UsageError(`Cannot use ${flag}: this version of ${packageName} has no ${factory}()`);
  try {
    return (await (make as (...given: readonly unknown[]) => unknown)(...args)) as Plugin;
  } catch (cause) {
    throw new UsageError(`Cannot use ${flag}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
