import type { RunnerConfig, RunnerOptions, RunOptions } from "./config.ts";
import type { Model } from "./contracts/model.ts";
import type { Plugin } from "./contracts/plugin.ts";
import { type SessionKey, type SessionStore, sessionKey } from "./contracts/session.ts";
import type { AnyAgent, ContextOf, ReachOf } from "./definitions.ts";
import { Deadlines, leave } from "./deadlines.ts";
import { inProcess } from "./engine.ts";
import { countingIds, systemClock } from "./environment.ts";
import { AbortError, RunError } from "./errors.ts";
import { EventQueue } from "./event-queue.ts";
import { execute } from "./execute.ts";
import { type AgentDefinition, type Graph, compile } from "./graph.ts";
import { filterList } from "./handoff.ts";
import type { Input } from "./items.ts";
import { DEFAULT_LIMITS, limitsWith } from "./limits.ts";
import { quote } from "./names.ts";
import { checkKeys } from "./options.ts";
import { perform } from "./perform/index.ts";
import { previewOf } from "./perform/handoff.ts";
import { askBeside } from "./perform/model.ts";
import type { RunResult } from "./result.ts";
import { Run } from "./run.ts";
import { Session } from "./session.ts";
import { RunStream } from "./stream.ts";
import { Turns } from "./turns.ts";

/** A run's options; `context` is required where the agents need one. */
export type RunArguments<Context> = unknown extends Context
  ? [options?: RunOptions & { readonly context?: unknown }]
  : [options: RunOptions & { readonly context: Context }];

const RUNNER_OPTIONS = new Set([
  "plugins",
  "model",
  "settings",
  "inputFilter",
  "engine",
  "concurrentTurns",
  "clock",
  "newId",
  ...Object.keys(DEFAULT_LIMITS),
]);
const RUN_OPTIONS = new Set([
  "session",
  "runId",
  "signal",
  "model",
  "settings",
  "inputFilter",
  "metadata",
  "context",
  ...Object.keys(DEFAULT_LIMITS),
]);

/** Runs agents with the plugins and defaults it was made with. Throws a `TypeError` or `RangeError` for a bad option. */
export class Runner {
  readonly #config: RunnerConfig;
  readonly #model: string | Model | undefined;
  /** Compiled graphs by their entry agent: agents never change. */
  readonly #graphs = new WeakMap<AgentDefinition, Graph>();

  constructor(options: RunnerOptions = {}) {
    checkKeys(options, RUNNER_OPTIONS, "a runner");
    const plugins = options.plugins ?? [];
    if (!Array.isArray(plugins)) {
      throw new TypeError(`Cannot use ${quote(plugins)} as plugins of a runner: expected a list of plugins`);
    }
    for (const plugin of plugins) checkPlugin(plugin);
    const stores = plugins.filter(({ sessions }) => sessions);
    if (stores.length > 1) {
      throw new TypeError(
        `Cannot use two session stores: plugins ${stores.map(({ name }) => `"${name}"`).join(" and ")} both have one`,
      );
    }
    filterList(options.inputFilter, "a runner");
    const { clock = systemClock, concurrentTurns = "queue" } = options;
    if (!["queue", "reject", "interrupt"].includes(concurrentTurns)) {
      throw new TypeError(
        `Cannot use ${quote(concurrentTurns)} as concurrentTurns: expected "queue", "reject" or "interrupt"`,
      );
    }
    const store = stores[0]?.sessions;
    this.#model = options.model;
    this.#config = {
      plugins,
      taps: plugins.flatMap((plugin): RunnerConfig["taps"] => {
        if (!plugin.onEvent) return [];
        return [
          (event, at) => {
            // What listens changes nothing, also where it was written as an async function.
            try {
              leave(plugin.onEvent!(event, at));
            } catch {}
          },
        ];
      }),
      store,
      turns: store && new Turns(concurrentTurns, store, clock),
      engine: options.engine ?? inProcess,
      clock,
      newId: options.newId ?? countingIds(),
      limits: limitsWith(DEFAULT_LIMITS, options),
      settings: options.settings,
      inputFilter: options.inputFilter,
      graphOf: (entry) => this.#graphOf(entry),
    };
  }

  /**
   * Runs `agent` on `input` until there is an answer, or until it waits for the caller. Rejects with a `RunError` that
   * carries the transcript; with a `TypeError` or `RangeError`, before any effect, for what the caller got wrong.
   */
  run<A extends AnyAgent>(
    agent: A,
    input: Input,
    ...[options]: RunArguments<ContextOf<A>>
  ): Promise<RunResult<ReachOf<A>>> {
    try {
      return execute(this.#begin(agent, options ?? {}), input) as unknown as Promise<RunResult<ReachOf<A>>>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** As `run`, told event by event. Leaving the stream early stops the run. */
  stream<A extends AnyAgent>(agent: A, input: Input, ...[options]: RunArguments<ContextOf<A>>): RunStream<ReachOf<A>> {
    const run = this.#begin(agent, options ?? {});
    const queue = new EventQueue(run.limits.maxQueuedEvents, () => run.stop(LEFT, new AbortError(LEFT)));
    run.consumer = queue;
    return new RunStream(queue, execute(run, input) as unknown as Promise<RunResult<ReachOf<A>>>);
  }

  /** A stored conversation: to read, copy, take back or delete. */
  session(key: string | SessionKey): Session {
    return new Session(
      sessionKey(key),
      this.#storeFor(`session ${quote(typeof key === "string" ? key : key?.id)}`),
      this.#config.newId,
    );
  }

  /** The store's sessions, a page at a time. Throws a `TypeError` where the store cannot list them. */
  async sessions(
    options: Parameters<NonNullable<SessionStore["list"]>>[0] = {},
  ): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor?: string }> {
    const store = this.#storeFor("the list of sessions");
    if (!store.list) throw new TypeError("Cannot list sessions: this runner's session store has no list");
    return store.list(options);
  }

  #storeFor(what: string): SessionStore {
    const { store } = this.#config;
    if (store) return store;
    throw new TypeError(
      `Cannot use ${what}: this runner has no session store; add one to its plugins, for example memorySessions()`,
    );
  }

  /** Lets plugins flush and close. Waits for all of them; rejects with the first failure. */
  async close(): Promise<void> {
    const { clock, limits, plugins } = this.#config;
    const deadlines = new Deadlines(clock);
    const ms = limits.callbackTimeoutMs;
    const closing = await Promise.allSettled(
      plugins.map(async (plugin) => {
        const late = (): Error =>
          new RunError(`Cannot close plugin "${plugin.name}": it has not answered within ${ms} ms`);
        if (plugin.close) await deadlines.wait(plugin.close(), { ms, late });
      }),
    );
    deadlines.close();
    const failed = closing.find((outcome): outcome is PromiseRejectedResult => outcome.status === "rejected");
    if (failed) throw failed.reason;
  }

  #begin(agent: AnyAgent, options: RunOptions & { readonly context?: unknown }): Run {
    if (agent?.kind !== "agent") throw new TypeError(`Cannot run ${quote(agent)}: expected an Agent`);
    checkKeys(options, RUN_OPTIONS, "a run");
    const session = options.session === undefined ? undefined : sessionKey(options.session);
    if (session) this.#storeFor(`session ${quote(session.id)}`);
    if (options.runId !== undefined && (typeof options.runId !== "string" || options.runId === "")) {
      throw new TypeError(`Cannot use ${quote(options.runId)} as runId: expected a text that is not empty`);
    }
    filterList(options.inputFilter, "a run");
    const entry = agent as AgentDefinition;
    const graph = options.model === undefined ? this.#graphOf(entry) : this.#compile(entry, options.model);
    return Run.begin({
      config: this.#config,
      graph,
      options,
      context: options.context,
      session,
      perform,
      preview: previewOf,
      ask: askBeside,
    });
  }

  #graphOf(entry: AgentDefinition): Graph {
    let graph = this.#graphs.get(entry);
    if (!graph) this.#graphs.set(entry, (graph = this.#compile(entry, undefined)));
    return graph;
  }

  #compile(entry: AgentDefinition, override: string | Model | undefined): Graph {
    return compile(entry, { plugins: this.#config.plugins, model: this.#model, override });
  }
}

/** A model is a plugin to the compiler as well: it has a name. */
function checkPlugin(plugin: Plugin): void {
  if (typeof plugin !== "object" || (plugin as unknown) === null || typeof plugin.name !== "string") {
    throw new TypeError(`Cannot use ${quote(plugin)} as a plugin: expected an object with a name`);
  }
  if (typeof (plugin as Partial<Model>).stream === "function") {
    throw new TypeError(`Cannot use model "${plugin.name}" as a plugin: it is the \`model\` of a runner or an agent`);
  }
}

/** Why a run stopped whose stream was left. Made once: an abort without a reason builds a costly one. */
const LEFT = new Error("The stream was left before its end");

const standard: Runner = /* @__PURE__ */ new Runner();

/** Runs with a runner that has no plugins: agents need a `Model` object. */
export function run<A extends AnyAgent>(
  agent: A,
  input: Input,
  ...options: RunArguments<ContextOf<A>>
): Promise<RunResult<ReachOf<A>>> {
  return standard.run(agent, input, ...options);
}

/** Streams with a runner that has no plugins. */
export function stream<A extends AnyAgent>(
  agent: A,
  input: Input,
  ...options: RunArguments<ContextOf<A>>
): RunStream<ReachOf<A>> {
  return standard.stream(agent, input, ...options);
}
