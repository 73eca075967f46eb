import type { RunnerConfig, RunOptions } from "./config.ts";
import { CallbackContext } from "./context.ts";
import type { Effect, EngineRun, Outcome } from "./contracts/engine.ts";
import type { CallSite, Model, ModelRequest } from "./contracts/model.ts";
import type { SessionKey } from "./contracts/session.ts";
import { Deadlines, isThenable } from "./deadlines.ts";
import type { AskRequest, MaybePromise } from "./definitions.ts";
import { inProcess } from "./engine.ts";
import { AbortError, RunError, messageOf } from "./errors.ts";
import type { EventQueue } from "./event-queue.ts";
import type { EventBody, RunEvent } from "./events.ts";
import type { CompiledAgent, Graph } from "./graph.ts";
import { type Item, type Usage, usageOf } from "./items.ts";
import { Journal, MAX_APPEND_RETRIES } from "./journal.ts";
import { type Limits, limitsWith } from "./limits.ts";
import { Transcript } from "./transcript.ts";
import type { Policy } from "./transitions.ts";

/** What a run and the runs nested in it share. */
interface Shared {
  readonly config: RunnerConfig;
  readonly options: RunOptions;
  readonly runId: string;
  readonly session: SessionKey | undefined;
  readonly context: unknown;
  controller: AbortController | undefined;
  readonly deadlines: Deadlines;
  readonly journal: Journal;
  readonly transcript: Transcript;
  readonly perform: (effect: Effect, run: Run) => Outcome | Promise<Outcome>;
  readonly preview: (
    source: CompiledAgent,
    handoff: string,
    input: unknown,
    run: Run,
  ) => Promise<ModelRequest | undefined>;
  readonly ask: (
    run: Run,
    model: Model | string,
    request: AskRequest,
    agent: string,
    signal: AbortSignal,
  ) => Promise<string>;
  consumer: EventQueue | undefined;
  seq: number;
  stopped: { readonly reason: unknown; readonly error: RunError } | undefined;
  /** The run has ended. */
  closed: boolean;
  /** Length of the record when the run began. */
  start: number;
}

export interface RunParts {
  readonly config: RunnerConfig;
  readonly graph: Graph;
  readonly options: RunOptions;
  readonly context: unknown;
  readonly session: SessionKey | undefined;
  readonly perform: Shared["perform"];
  readonly preview: Shared["preview"];
  readonly ask: Shared["ask"];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One run under way: its transcript, and all that effects need. Runs nested in it are runs too. */
export class Run implements EngineRun {
  readonly graph: Graph;
  readonly limits: Limits;
  readonly policy: Policy;
  readonly transcript: Transcript;
  /** Ids of the calls that lead here. */
  readonly path: readonly string[];
  /** Input guardrails that run beside the model: nothing is shown or recorded before they are done. */
  gate: Promise<void> | undefined;
  /** The final output, once it is parsed. */
  output: { readonly value: unknown } | undefined;
  /** The run was done before, and the conversation has gone on since: it is only told again. */
  retold = false;
  /** Agents whose input guardrails have judged the messages that are unanswered. */
  judged: Set<string> | undefined;
  readonly #shared: Shared;

  constructor(graph: Graph, limits: Limits, transcript: Transcript, path: readonly string[], shared: Shared) {
    this.graph = graph;
    this.limits = limits;
    this.policy = { entry: graph.entry, agents: graph.agents, limits };
    this.transcript = transcript;
    this.path = path;
    this.#shared = shared;
  }

  static begin({ config, graph, options, context, session, perform, preview, ask }: RunParts): Run {
    const transcript = new Transcript(graph.entry);
    const limits = limitsWith(config.limits, options);
    const deadlines = new Deadlines(config.clock);
    const runId = options.runId ?? config.newId();
    const stored = session && config.store ? { store: config.store, key: session } : undefined;
    const journal = new Journal({
      transcript,
      runId,
      attempt: stored ? config.newId() : runId,
      clock: config.clock,
      deadlines,
      storeTimeoutMs: limits.storeTimeoutMs,
      session: stored,
    });
    const shared: Shared = {
      config,
      options,
      runId,
      session,
      context,
      controller: undefined,
      deadlines,
      journal,
      transcript,
      perform,
      preview,
      ask,
      consumer: undefined,
      seq: 0,
      stopped: undefined,
      closed: false,
      start: 0,
    };
    return new Run(graph, limits, transcript, [], shared);
  }

  /** The run of an agent that a call has started. */
  nested(graph: Graph, callId: string, limits: Limits): Run {
    const transcript = this.transcript.child(callId);
    transcript.enter(graph.entry);
    return new Run(graph, limits, transcript, [...this.path, callId], this.#shared);
  }

  get config(): RunnerConfig {
    return this.#shared.config;
  }
  get options(): RunOptions {
    return this.#shared.options;
  }
  get runId(): string {
    return this.#shared.runId;
  }
  get session(): SessionKey | undefined {
    return this.#shared.session;
  }
  get context(): unknown {
    return this.#shared.context;
  }
  /** Aborted when the run stops. Made when somebody asks for it. */
  get signal(): AbortSignal {
    const shared = this.#shared;
    if (!shared.controller) {
      shared.controller = new AbortController();
      if (shared.stopped) shared.controller.abort(shared.stopped.reason);
    }
    return shared.controller.signal;
  }
  get journal(): Journal {
    return this.#shared.journal;
  }
  get maxConcurrentTools(): number {
    return this.limits.maxConcurrentTools;
  }
  /** Everything recorded, nested runs included. */
  get journalItems(): readonly Item[] {
    return this.#shared.transcript.record;
  }
  /** Length of the record when the run began. */
  get start(): number {
    return this.#shared.start;
  }
  set start(position: number) {
    this.#shared.start = position;
  }
  get usage(): Usage {
    return usageOf(this.journalItems.slice(this.start));
  }
  /** Somebody gets the events. */
  get listening(): boolean {
    return this.#shared.consumer !== undefined || this.#shared.config.taps.length > 0;
  }
  set consumer(queue: EventQueue) {
    this.#shared.consumer = queue;
  }

  /** The agent called `name`, as it is run. */
  agent(name: string): CompiledAgent {
    const agent = this.graph.agents.get(name);
    if (!agent)
      throw new RunError(`Cannot go on with agent "${name}": the graph of "${this.graph.entry}" does not have it`);
    return agent;
  }

  at(agent: string): CallSite {
    const { session, options, runId } = this.#shared;
    const at: Writable<CallSite> = { runId, agent, turn: this.transcript.turns + 1, path: this.path };
    if (session !== undefined) at.session = session;
    if (options.metadata !== undefined) at.metadata = options.metadata;
    return at;
  }

  perform(effect: Effect): Outcome | Promise<Outcome> {
    return this.#shared.perform(effect, this);
  }

  /** Has the engine do effects. One of others that does not end when the run is stopped is left behind. */
  performAll(effects: readonly Effect[]): void | Promise<void> {
    const { engine } = this.config;
    const busy = engine.perform(effects, this);
    if (engine === inProcess || !busy) return busy;
    const { abortGraceMs, storeTimeoutMs } = this.limits;
    const late = (): Error => new RunError("Cannot go on: the engine has not ended when the run was stopped");
    return this.wait(busy, Infinity, late, abortGraceMs + (MAX_APPEND_RETRIES + 1) * storeTimeoutMs);
  }

  /** The request that the target of a handoff would get now. */
  preview(source: CompiledAgent, handoff: string, input: unknown): Promise<ModelRequest | undefined> {
    return this.#shared.preview(source, handoff, input, this);
  }

  ask(model: Model | string, request: AskRequest, agent: string, signal: AbortSignal): Promise<string> {
    return this.#shared.ask(this, model, request, agent, signal);
  }

  /** Makes an outcome true, then tells of it. */
  record({ items, verdicts, events }: Outcome): void | Promise<void> {
    if (this.#shared.closed) return undefined; // of a callback that nobody waited for
    if (verdicts) for (const verdict of verdicts) this.#judge(verdict);
    if (items.length === 0) return this.#tell(undefined, events);
    const stamped = this.journal.stamp(items, this.path);
    const appended = this.journal.append(stamped);
    if (appended) return appended.then(() => this.#tell(stamped, events));
    return this.#tell(stamped, events);
  }

  #judge(verdict: NonNullable<Outcome["verdicts"]>[number]): void {
    const open = this.transcript.openCall(verdict.callId);
    if (open) open.verdict = verdict;
  }

  #tell(items: readonly Item[] | undefined, events: readonly EventBody[] | undefined): void {
    if (!this.listening) return;
    if (items && this.gate) {
      // What is held back is told of when it is stored, or never.
      this.gate.then(
        () => this.#tell(items, events),
        () => {},
      );
      return;
    }
    if (items) this.announce(items);
    if (events) for (const event of events) void this.emit(event);
  }

  /** Tells of items that were recorded. */
  announce(items: readonly Item[]): void {
    if (this.listening) for (const item of items) void this.emit({ type: "item", item });
  }

  /** Tells whoever listens. A promise where the consumer is behind: await it to slow down. */
  emit(body: EventBody): void | Promise<void> {
    const shared = this.#shared;
    if (shared.closed || !this.listening) return undefined;
    const base = { seq: shared.seq++, runId: shared.runId, agent: this.transcript.active };
    const event = (this.path.length === 0 ? { ...base, ...body } : { ...base, path: this.path, ...body }) as RunEvent;
    if (shared.config.taps.length > 0) {
      const at = this.at(event.agent);
      for (const tap of shared.config.taps) tap(event, at);
    }
    return shared.consumer?.push(event);
  }

  /** Stops the run and all that is nested in it. The first reason counts. */
  stop(reason: unknown, error: RunError = new AbortError(reason)): void {
    const shared = this.#shared;
    if (shared.stopped) return;
    shared.stopped = { reason, error };
    shared.controller?.abort(reason);
    shared.deadlines.stop(error);
  }

  /** Why the run was stopped from outside of its steps. */
  get stopped(): RunError | undefined {
    return this.#shared.stopped?.error;
  }

  throwIfStopped(): void {
    if (this.#shared.stopped) throw this.#shared.stopped.error;
  }

  /** Lets go of timers. Nothing is told any more. */
  close(): void {
    this.#shared.closed = true;
    this.#shared.deadlines.close();
  }

  /** `value` within `ms`; rejects when the run stops. */
  wait<T>(value: T | PromiseLike<T>, ms: number, late: () => Error, graceMs = 0): T | Promise<T> {
    return isThenable(value) ? this.#shared.deadlines.wait(value, { ms, late, graceMs }) : value;
  }

  /** Calls a callback of a user within its time. What it throws, and no answer in time, is a `RunError`. */
  call<T>(
    what: string,
    agent: string,
    callback: (context: CallbackContext) => MaybePromise<T>,
    timeoutMs?: number,
  ): MaybePromise<T> {
    this.throwIfStopped();
    const context = new CallbackContext(this, agent);
    const failed = (cause: unknown): never => {
      context.end();
      if (cause instanceof RunError) throw cause;
      throw new RunError(`Cannot go on: ${what} of agent "${agent}" failed: ${messageOf(cause)}`, {
        code: "callback_failed",
        cause,
        agent,
      });
    };
    try {
      const value = callback(context);
      if (!isThenable(value)) {
        context.end();
        return value;
      }
      const ms = timeoutMs ?? this.limits.callbackTimeoutMs;
      const late = (): Error => {
        const error = new RunError(`Cannot go on: ${what} of agent "${agent}" has not answered within ${ms} ms`, {
          code: "callback_timeout",
          agent,
        });
        context.end(error);
        return error;
      };
      return (this.wait(value, ms, late) as Promise<T>).then((result) => {
        context.end();
        return result;
      }, failed);
    } catch (error) {
      return failed(error);
    }
  }
}
