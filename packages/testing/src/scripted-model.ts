import {
  type AnyAgent,
  checkKeys,
  type Item,
  type Model,
  type ModelEvent,
  type ModelRequest,
  type ModelUsage,
} from "@batonjs/core";
import { recordRequest } from "./frozen.ts";
import { type OracleViolation, requestOracle } from "./oracle.ts";
import { type Answer, asReply, eventsOf, type Maker, type Script, ScriptError, type Step } from "./script.ts";
import { itemLine } from "./transcript.ts";
import { announce } from "./watch.ts";

const USAGE: ModelUsage = Object.freeze({ inputTokens: 10, outputTokens: 5 });

/** How a scripted model is called and how it streams. */
export interface ScriptedModelOptions {
  /** @default {"scripted"} */
  readonly name?: string;
  /** @default {"scripted"} */
  readonly provider?: string;
  /** Usage of each reply that does not say its own. @default `{ inputTokens: 10, outputTokens: 5 }` */
  readonly usage?: ModelUsage;
  /** Streams texts and arguments in pieces of so many characters. @default in one piece */
  readonly chunkSize?: number;
  /** Gives replies ids that name the agent and count up, so that requests say `since`. @default {true} */
  readonly responseIds?: boolean;
  /** An agent that reaches all that are asked, or a function that gives it: the oracle then checks I30 as well. */
  readonly graph?: AnyAgent | (() => AnyAgent);
}

const OPTIONS: ReadonlySet<string> = new Set(["name", "provider", "usage", "chunkSize", "responseIds", "graph"]);

/** A model that answers from a script, and remembers what it was asked. */
export interface ScriptedModel extends Model {
  /** What it was asked, as frozen copies, oldest first. `signal` and `preview` are there but not enumerable. */
  readonly requests: readonly ModelRequest[];
  /** The request number `index`, from the end where it is negative. Throws a `RangeError` where there is none. */
  request(index: number): ModelRequest;
  /** Replies that no request has taken yet. */
  readonly remaining: number;
  /** Streams that are being read. */
  readonly open: number;
  /** What went wrong, also where a wrapper swallowed the error: requests without a reply, violations of the oracle. */
  readonly problems: readonly Error[];
  /** Throws what went wrong first, or a `ScriptError` where replies are left over. */
  assertDone(): void;
}

/**
 * A model that answers from `script`, strictly: a request for which no reply is left fails, and so does `assertDone()`
 * while replies are left. Every request goes through the oracle. Nothing is random: call ids, response ids and usage are
 * the same in every run.
 *
 * ```ts
 * import { Agent } from "@batonjs/core";
 * import { call, handOff, say, scriptedModel } from "@batonjs/testing";
 *
 * const model = scriptedModel({
 *   "Triage Agent": [handOff("billing")],
 *   "Billing Agent": [[say("Let me look."), call("lookup", { id: 1 })], say("You were charged once.")],
 * });
 * const billing = new Agent({ name: "Billing Agent", model });
 * const triage = new Agent({ name: "Triage Agent", model, handoffs: [billing] });
 * ```
 */
export function scriptedModel(script: Script, options: ScriptedModelOptions = {}): ScriptedModel {
  checkKeys(options, OPTIONS, "scriptedModel()");
  const model = new Scripted(script, options);
  announce({ name: `scriptedModel ${JSON.stringify(model.name)}`, problems: () => model.outstanding() });
  return model;
}

class Scripted implements ScriptedModel {
  readonly name: string;
  readonly provider: string;
  readonly requests: ModelRequest[] = [];
  readonly problems: Error[] = [];
  open = 0;
  readonly #steps: Steps;
  readonly #maker: Maker;
  readonly #oracle;
  readonly #copies = new WeakMap<object, unknown>();

  constructor(script: Script, options: ScriptedModelOptions) {
    this.name = options.name ?? "scripted";
    this.provider = options.provider ?? "scripted";
    this.#steps = stepsOf(script);
    this.#oracle = requestOracle(options.graph === undefined ? {} : { graph: options.graph });
    const counts = { call: 0, reasoning: 0, resp: 0 };
    this.#maker = {
      provider: this.provider,
      usage: options.usage ?? USAGE,
      chunkSize: options.chunkSize,
      responseIds: options.responseIds ?? true,
      next: (kind) => (counts[kind] += 1),
    };
    if (options.chunkSize !== undefined && !(Number.isInteger(options.chunkSize) && options.chunkSize > 0)) {
      throw new RangeError(`Cannot use ${options.chunkSize} as chunkSize as it must be a positive integer`);
    }
  }

  get remaining(): number {
    return this.#steps.left().length;
  }

  request(index: number): ModelRequest {
    const found = this.requests.at(index);
    if (found) return found;
    throw new RangeError(`Cannot find request ${index}: the model was asked ${this.requests.length} times`);
  }

  async *stream(request: ModelRequest): AsyncGenerator<ModelEvent> {
    this.open += 1;
    try {
      this.requests.push(recordRequest(request, this.#copies));
      request.signal.throwIfAborted();
      const { events, end } = await this.#answer(request);
      for (const event of events) {
        request.signal.throwIfAborted();
        if ((event as ModelEvent | undefined)?.type === "reply") this.#learn(request, event);
        yield event;
      }
      await end?.();
    } finally {
      this.open -= 1;
    }
  }

  assertDone(): void {
    const [first] = this.outstanding();
    if (first) throw first;
  }

  /** What went wrong, and what is left over now. */
  outstanding(): readonly Error[] {
    const left = this.#steps.left();
    if (left.length === 0) return this.problems;
    const count = left.length === 1 ? "1 reply is" : `${left.length} replies are`;
    const message = `Cannot end the script of model "${this.name}": ${count} left after ${this.requests.length} requests: ${left.join("; ")}`;
    return [...this.problems, new ScriptError(message)];
  }

  /** Takes the next step for the request: what is to be streamed, and what is done after it. */
  async #answer(request: ModelRequest): Promise<{ events: readonly ModelEvent[]; end?: () => Promise<void> }> {
    try {
      this.#oracle.request(request);
      const step = this.#steps.take(request.at.agent);
      if (step === undefined) throw unexpected(request, this.#steps);
      const scripted = asReply(typeof step === "function" ? await step(request) : step);
      const events = eventsOf(scripted, request, this.#maker);
      if (scripted.reply === "fail") return { events, end: () => Promise.reject(scripted.error as Error) };
      if (scripted.reply === "stall") return { events, end: () => untilAborted(request.signal) };
      return { events };
    } catch (error) {
      this.problems.push(error as Error | OracleViolation | ScriptError);
      throw error;
    }
  }

  #learn(request: ModelRequest, event: ModelEvent): void {
    // What `garbage` yields need not be what it says it is.
    if (event.type === "reply" && Array.isArray(event.items)) this.#oracle.reply(request, event);
  }
}

/** Never resolves; rejects with the reason as soon as there is one. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    // The reason is the caller's, and need not be an error.
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** The replies that are still to be given. */
interface Steps {
  take(agent: string): Step | undefined;
  /** How many replies the agent's script has given. */
  used(agent: string): number;
  /** What is left, each in a few words. */
  left(): readonly string[];
  /** The agents that have a script of their own. */
  readonly agents?: readonly string[];
}

function stepsOf(script: Script): Steps {
  if (typeof script === "function") return { take: () => script, used: () => 0, left: () => [] };
  if (isList(script)) {
    const queue = new Queue(script);
    return { take: () => queue.take(), used: () => queue.used, left: () => queue.left() };
  }
  const byAgent = new Map(Object.entries(script).map(([agent, steps]) => [agent, new Queue(steps)]));
  return {
    take: (agent) => byAgent.get(agent)?.take(),
    used: (agent) => byAgent.get(agent)?.used ?? 0,
    left: () => [...byAgent].flatMap(([agent, queue]) => queue.left().map((words) => `${agent}: ${words}`)),
    agents: [...byAgent.keys()],
  };
}

const isList = (script: Script): script is readonly Step[] => Array.isArray(script);

class Queue {
  used = 0;
  readonly #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  take(): Step | undefined {
    const step = this.#steps[this.used];
    if (step !== undefined) this.used += 1;
    return step;
  }

  left(): readonly string[] {
    return this.#steps.slice(this.used).map(describe);
  }
}

/** A step in a few words, for messages. */
function describe(step: Step): string {
  if (typeof step === "function") return "a function of the request";
  const scripted = asReply(step as Answer);
  if (scripted.reply === "garbage") return `garbage of ${scripted.events.length} events`;
  const parts = scripted.content.map((content) => {
    if (!("part" in content)) return `an item of type ${content.type}`;
    switch (content.part) {
      case "say":
        return `say(${JSON.stringify(content.chunks.join(""))})`;
      case "reason":
        return `reason(${JSON.stringify(content.summary)})`;
      case "call":
        return `call("${content.name}")`;
      default:
        return `handOff("${content.to}")`;
    }
  });
  const words = parts.join(", ");
  return scripted.reply === "items" ? words : `${scripted.reply}(${words})`;
}

function unexpected({ at, items, tools, handoffs }: ModelRequest, steps: Steps): ScriptError {
  const last = items.at(-1) as Item | undefined;
  const asked = last ? itemLine(last) : "nothing";
  const offered = [...tools, ...handoffs].map((spec) => spec.name).join(", ");
  const used = steps.used(at.agent);
  const replies = used === 1 ? "1 reply was" : `${used} replies were`;
  const others = steps.agents?.includes(at.agent) === false ? steps.agents : [];
  const missing =
    others.length === 0
      ? `its script has no reply left (${replies} used)`
      : `the script has no replies for it, only for ${others.map((agent) => `"${agent}"`).join(", ")}`;
  return new ScriptError(
    `Cannot answer turn ${at.turn} of agent "${at.agent}": ${missing}; the last of ${items.length} items is ${asked}; offered are ${offered === "" ? "no tools" : offered}`,
  );
}
