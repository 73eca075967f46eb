/** One seed: users, processes and faults around a few sessions, and at the end every session goes on. */
import {
  AbortError,
  approve,
  encodeKey,
  type Input,
  type Item,
  type Pending,
  reject,
  RunError,
  Runner,
  type RunResult,
  type SessionKey,
  StoreError,
  toolResult,
} from "@batonjs/core";
import { oracle } from "@batonjs/testing";
import { graphOf } from "./agents.ts";
import { Checks, type Handle } from "./checks.ts";
import { provider } from "./provider.ts";
import { type Scene, sceneOf } from "./scene.ts";
import { Connection, Journals } from "./store.ts";
import { Process, World } from "./world.ts";

export interface Outcome {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly steps: number;
  /** What happened, where it was asked for. */
  readonly log: readonly string[];
  /** All records, as text: the same for the same seed. */
  readonly journals: string;
  /** How often what happened: `completed`, `paused`, the codes of errors. */
  readonly ends: Readonly<Record<string, number>>;
}

/** Two sessions that a careless key would mix up. */
const SESSIONS: readonly SessionKey[] = [
  { tenant: "a", id: "b:c" },
  { tenant: "a:b", id: "c" },
];
const SAYS = ["hello", "I was charged twice", "FORBIDDEN words", "it's \ud83d broken", "\u0000", "do it again"];
/** What only a defect of Baton would say. */
const INTERNAL =
  /Cannot read properties|Cannot set properties|Cannot destructure|is not a function|is not iterable|is not a constructor|Maximum call stack|unreachable/;

type Entry = ReturnType<typeof graphOf>;

/** A program that runs: one version of the agents, in one process. */
interface Program {
  readonly process: Process;
  readonly runner: Runner;
  readonly entry: Entry;
  readonly oracle: ReturnType<typeof oracle>;
  /** The first id that was made since it was asked for last. */
  firstId: string | undefined;
  /** Number of violations that have been told. */
  told: number;
}

interface Attempt {
  readonly key: SessionKey;
  readonly input: Input;
  readonly runId: string | undefined;
}

export async function simulate(seed: number, options: { readonly verbose?: boolean } = {}): Promise<Outcome> {
  const world = new World(seed, options.verbose);
  const scene = sceneOf(world);
  world.note(JSON.stringify(scene));
  const simulation = new Simulation(world, scene);
  await world.play(simulation.play());
  return {
    seed,
    problems: world.problems,
    steps: world.steps,
    log: world.log,
    journals: simulation.journalText(),
    ends: Object.fromEntries(simulation.ends),
  };
}

class Simulation {
  readonly ends = new Map<string, number>();
  readonly #world: World;
  readonly #scene: Scene;
  readonly #journals: Journals;
  readonly #checks: Checks;
  /** Knows all agents: records are checked against it. */
  readonly #graph: Entry;
  readonly #keys: SessionKey[] = [...SESSIONS];
  readonly #pending = new Map<string, readonly Pending[]>();
  #last: Attempt | undefined;

  constructor(world: World, scene: Scene) {
    this.#world = world;
    this.#scene = scene;
    this.#journals = new Journals(world);
    this.#checks = new Checks(world, scene, this.#journals);
    const nobody = new Process(world, "nobody");
    const model = provider(world, nobody, this.#checks);
    this.#graph = graphOf({ world, process: nobody, scene, checks: this.#checks, model });
  }

  journalText(): string {
    return this.#keys.map((key) => `${encodeKey(key)}\n${JSON.stringify(this.#journals.of(key))}`).join("\n");
  }

  async play(): Promise<void> {
    const { policies } = this.#scene;
    await Promise.all(policies.map((policy, number) => this.#worker(number, policy)));
    this.#world.healed = true;
    this.#world.note("all is well from here on");
    await this.#end();
  }

  async #worker(number: number, policy: Scene["policies"][number]): Promise<void> {
    let program = this.#boot(`process ${number}`, policy);
    for (let operation = 0; operation < this.#scene.operations; operation++) {
      if (!program.process.alive || this.#world.chance(0.08)) {
        program.process.kill();
        program = this.#boot(`process ${number}.${operation}`, policy);
      }
      await this.#operation(program);
    }
    program.process.kill();
  }

  #boot(name: string, concurrentTurns: Scene["policies"][number]): Program {
    const world = this.#world;
    const { maxTurns, maxHandoffs, maxConcurrentTools, maxToolCalls, agents } = this.#scene;
    const process = new Process(world, name);
    const parts = {
      world,
      process,
      scene: this.#scene,
      checks: this.#checks,
      model: provider(world, process, this.#checks),
    };
    // A new version of the program may lack an agent that has the conversation.
    const without = !world.healed && world.chance(0.08) ? world.pick(agents.slice(1)).name : undefined;
    const entry = graphOf(parts, without);
    const requests = oracle(entry);
    const program: Program = {
      process,
      entry,
      oracle: requests,
      firstId: undefined,
      told: 0,
      runner: undefined as unknown as Runner,
    };
    const runner = new Runner({
      plugins: [requests, { name: "store", sessions: new Connection(world, process, this.#journals) }],
      clock: process.clock,
      newId: () => {
        const id = world.newId("r");
        program.firstId ??= id;
        return id;
      },
      concurrentTurns,
      maxConcurrentTools,
      maxToolCalls,
      modelTimeoutMs: 60_000,
      maxTurns: world.healed ? 50 : maxTurns,
      maxHandoffs: world.healed ? 50 : maxHandoffs,
    });
    return Object.assign(program, { runner });
  }

  async #operation(program: Program): Promise<void> {
    const world = this.#world;
    const key = world.pick(this.#keys);
    const items = this.#journals.of(key);
    const pending = this.#pending.get(encodeKey(key)) ?? [];
    const choice = world.random();
    if (choice < 0.05 && items.length > 0) return this.#fork(program, key, items);
    if (choice < 0.1 && items.length > 0) return this.#rewind(program, key, items);
    if (choice < 0.2 && this.#last) {
      const again = this.#last;
      if (world.chance(0.5)) this.#last = undefined;
      return this.#run(program, again);
    }
    if (choice < 0.28 && items.length > 0) return this.#run(program, { key, input: [], runId: undefined });
    if (choice < 0.7 && pending.length > 0)
      return this.#run(program, { key, input: this.#answers(pending), runId: undefined });
    return this.#run(program, {
      key,
      input: this.#message(items),
      runId: world.chance(0.3) ? world.newId("r") : undefined,
    });
  }

  #message(items: readonly Item[]): string {
    const world = this.#world;
    return items.length === 0 && world.chance(0.5) ? "[INTERNAL] a VIP writes" : world.pick(SAYS);
  }

  /** Decisions and results, now and then of what has been decided before. */
  #answers(pending: readonly Pending[]): Item[] {
    const world = this.#world;
    const chosen = pending.filter(() => world.chance(0.8));
    return (chosen.length > 0 ? chosen : pending).map((each) => {
      if (each.kind === "tool_result") return toolResult(each, "the user says so");
      return world.chance(0.7) ? approve(each) : reject(each, { reason: "no" });
    });
  }

  async #run(program: Program, attempt: Attempt): Promise<void> {
    const world = this.#world;
    const { process, runner, entry } = program;
    const controller = new AbortController();
    const handle: Handle = { controller, process, runId: attempt.runId ?? "", replies: 0, running: new Set() };
    if (world.strikes("abort before the run")) controller.abort(new Error("the caller left"));
    program.firstId = undefined;
    const options = {
      session: attempt.key,
      signal: controller.signal,
      ...(attempt.runId === undefined ? {} : { runId: attempt.runId }),
    };
    world.note(
      `${process.name} runs ${attempt.runId ?? "anew"} on ${encodeKey(attempt.key)} with ${JSON.stringify(attempt.input)}`,
    );
    const streamed = world.chance(0.4);
    const leaves = streamed && world.strikes("stream is left");
    const running = streamed
      ? this.#consume(program, attempt.input, options, leaves)
      : runner.run(entry, attempt.input, options);
    handle.runId = attempt.runId ?? program.firstId ?? "";
    this.#checks.begin(handle);
    const waiting = this.#abortSometime(handle);
    if (attempt.runId !== undefined) this.#last = attempt;
    const ended = await Promise.race([
      running.then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      ),
      process.died,
    ]);
    world.clearTimeout(waiting);
    this.#last ??= { ...attempt, runId: handle.runId }; // who made no id learns it from the run
    if (ended === "died") this.#count("died");
    else if ("result" in ended) this.#result(attempt, ended.result);
    else this.#error(attempt, ended.error, handle, leaves);
    for (const { invariant, message } of program.oracle.violations.slice(program.told))
      world.problem(invariant, message);
    program.told = program.oracle.violations.length;
    this.#checks.record(attempt.key, this.#graph, false);
  }

  #abortSometime({ controller, process }: Handle): unknown {
    if (!this.#world.strikes("abort after a time")) return undefined;
    return this.#world.setTimeout(
      process,
      () => controller.abort(new Error("the caller left")),
      this.#world.int(60_000),
    );
  }

  async #consume(
    { runner, entry, process }: Program,
    input: Input,
    options: Parameters<typeof runner.stream>[2],
    leaves: boolean,
  ): Promise<RunResult> {
    const stream = runner.stream(entry, input, options);
    let text = "";
    let events = 0;
    for await (const event of stream) {
      events += 1;
      if (event.type === "text_delta") text += event.delta;
      if (this.#scene.outputGuard && text.includes("LEAK")) {
        this.#world.problem("I18 gate", "a stream shows what a guardrail withholds");
        text = "";
      }
      if (event.type === "turn_reset") text = "";
      if (leaves && events > 5) break;
      if (this.#world.chance(0.1)) await process.moment("slow consumer");
    }
    return stream.result as Promise<RunResult>;
  }

  #result({ key }: Attempt, result: RunResult): void {
    this.#count(result.status);
    this.#pending.set(encodeKey(key), result.pending);
    this.#checks.prefix(key, result.history, "the result");
    if (result.status === "completed") this.#checks.complete(result.history, encodeKey(key));
    if (result.status === "completed" && typeof result.finalOutput !== "string")
      this.#world.problem("I15 settles once", "a completed run has no output");
  }

  #error({ key }: Attempt, error: unknown, { controller }: Handle, left: boolean): void {
    const world = this.#world;
    if (error instanceof RunError) {
      this.#count(error.code);
      world.note(`${error.name} ${error.code}: ${error.message}`);
      this.#checks.prefix(key, error.items, `${error.name} ${error.code}`);
      if (error instanceof AbortError && !left) this.#checkAbort(error, controller.signal);
      if (error instanceof StoreError && error.code === "corrupt_item") world.problem("I23 state", error.message);
      if (INTERNAL.test(error.message) || INTERNAL.test(String((error.cause as Error | undefined)?.message)))
        world.problem("a defect", `${error.message} (${String((error.cause as Error | undefined)?.stack)})`);
      return;
    }
    this.#count(error instanceof TypeError ? "TypeError" : "other");
    if (!(error instanceof TypeError) || !error.message.startsWith("Cannot ") || INTERNAL.test(error.message))
      world.problem("a defect", `a run rejected with ${String((error as Error | undefined)?.stack ?? error)}`);
    else world.note(error.message);
  }

  /** I16: a run is aborted by its caller, with the caller's reason, or by the next turn of its session. */
  #checkAbort({ cause }: AbortError, { aborted, reason }: AbortSignal): void {
    if (/Another turn/.test(String(cause))) return;
    if (!aborted) this.#world.problem("I16 cancel", `a run was aborted by nobody: ${String(cause)}`);
    else if (cause !== reason) this.#world.problem("I16 cancel", "the cause is not the reason of the abort");
  }

  async #fork({ runner, process }: Program, key: SessionKey, items: readonly Item[]): Promise<void> {
    const to = { tenant: "fork", id: this.#world.newId("s") };
    this.#keys.push(to);
    await this.#onSession(process, runner.session(key).fork(to, this.#world.pick(items).id), to, "fork");
  }

  async #rewind({ runner, process }: Program, key: SessionKey, items: readonly Item[]): Promise<void> {
    await this.#onSession(process, runner.session(key).rewind(this.#world.pick(items).id), key, "rewind");
  }

  async #onSession(process: Process, work: Promise<unknown>, key: SessionKey, what: string): Promise<void> {
    const end = work.then(
      () => what,
      (error: unknown) => {
        if (!(error instanceof StoreError))
          this.#world.problem("a defect", `${what} rejected with ${String((error as Error).stack)}`);
        return `${what} failed`;
      },
    );
    // These have no time limit of their own: a store that hangs is waited for.
    const timer = new Promise<string>((resolve) => {
      this.#world.setTimeout(process, () => resolve(`${what} hangs`), 60_000);
    });
    this.#count(await Promise.race([end, process.died, timer]));
    this.#checks.record(key, this.#graph, false);
  }

  #count(what: string): void {
    this.ends.set(what, (this.ends.get(what) ?? 0) + 1);
    this.#world.note(`= ${what}`);
  }

  /** Nothing fails any more: every session takes a message and answers it. */
  async #end(): Promise<void> {
    const world = this.#world;
    const program = this.#boot("the last process", "queue");
    for (const key of this.#keys) {
      const name = encodeKey(key);
      const found = await this.#journals.store.read(key);
      if (JSON.stringify(found.items) !== JSON.stringify(this.#journals.of(key)))
        world.problem("I4 acked = durable", `the store has something else in ${name} than it acknowledged`);
      try {
        program.firstId = undefined;
        const result = await program.runner.run(program.entry, "Is all well?", { session: key });
        if (result.status !== "completed" || result.finalOutput !== "Done.")
          world.problem("I14 terminates", `${name} went on with ${result.status} ${String(result.finalOutput)}`);
      } catch (error) {
        world.problem("I14 terminates", `${name} cannot go on: ${String((error as Error).stack)}`);
      }
      this.#checks.record(key, this.#graph, true);
    }
    for (const { invariant, message } of program.oracle.violations) world.problem(invariant, message);
    if (world.timers > 0) world.problem("I17 no residue", `${world.timers} timers are left`);
  }
}
