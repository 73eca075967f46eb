/** What the desk's runner is made of: models, a session store, tracing. Only what is asked for is loaded. */
import { MemoryStore, type Plugin, type SessionStore } from "@batonjs/core";
import { local } from "@batonjs/model-local";
import { TODAY } from "./database.ts";
import { type Options, UsageError } from "./options.ts";

export interface Parts {
  readonly plugins: readonly Plugin[];
  readonly store: SessionStore;
}

/** The plugins that the options ask for. Throws a `UsageError` for what is not there. */
export async function loadParts(options: Options): Promise<Parts> {
  const sessions = await loadStore(options.store);
  const plugins = [
    local({ today: TODAY }),
    ...(await loadOpenAI(options)),
    ...(await loadTrace(options.trace)),
    sessions,
  ];
  return { plugins, store: sessions.sessions };
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

async function loadStore(store: string): Promise<Plugin & { readonly sessions: SessionStore }> {
  if (store === "memory") return { name: "memory", sessions: new MemoryStore() };
  const kind = store.slice(0, store.indexOf(":"));
  const place = store.slice(kind.length + 1);
  const [packageName, factory] = STORES[kind] ?? ["", ""];
  // `postgres:URL` is the URL itself where it is written without the double name: `postgres://…`.
  const plugin = await load(packageName, factory, `--store ${kind}`, place.startsWith("//") ? store : place);
  if (!plugin.sessions) throw new UsageError(`Cannot use --store ${kind}: ${packageName} gives no session store`);
  return { ...plugin, sessions: plugin.sessions };
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
