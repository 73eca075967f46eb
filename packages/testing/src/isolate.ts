import {
  type Agent,
  type AnyAgent,
  approve,
  checkKeys,
  type ContextOf,
  type Input,
  type InputItem,
  type Item,
  type JsonObject,
  type Model,
  type ModelEvent,
  type ModelRequest,
  type Pending,
  type Plugin,
  RunError,
  type RunOptions,
  Runner,
  type RunnerOptions,
  type RunResult,
  textOf,
  type Usage,
  usageOf,
} from "@batonjs/core";
import { testIds } from "./environment.ts";
import { everyHandoff, type HandoffEdge, type SomeAgent } from "./edges.ts";
import { recordRequest } from "./frozen.ts";
import { quote } from "./text.ts";
import { sampleOf } from "./sample.ts";
import { transcript } from "./transcript.ts";

/** How a specialist is isolated. */
export interface IsolateOptions {
  /** The agent that hands over. */
  readonly from: AnyAgent;
  /** The conversation before the handoff: a user's message, or items. @default a greeting */
  readonly history?: Input;
  /** The handoff's payload. @default one that is made up of its schema */
  readonly input?: JsonObject;
  /** Which handoff, where several lead from `from` to the specialist. */
  readonly toolName?: string;
  /** Answers for the specialist instead of its own model. */
  readonly model?: string | Model;
  /** The runner's: providers of models, wrappers, `stubTools()`. */
  readonly plugins?: readonly Plugin[];
  /** What else the runner is made with: its filter, its limits, its clock. */
  readonly runner?: Omit<RunnerOptions, "plugins" | "model">;
}

const OPTIONS: ReadonlySet<string> = new Set([
  "from",
  "history",
  "input",
  "toolName",
  "model",
  "plugins",
  "runner",
  "context",
]);

/** `context` is required where the agents need one. */
export type WithContext<A> =
  unknown extends ContextOf<A> ? { readonly context?: unknown } : { readonly context: ContextOf<A> };

/** What a specialist did alone. It can be asserted on like the result of a run. */
export interface Isolated<Output = unknown> {
  /** `handed_over`: it passed control on, to `handedTo`, which was not asked. */
  readonly status: "completed" | "paused" | "handed_over";
  readonly finalOutput: Output | undefined;
  readonly handedTo: string | undefined;
  readonly pending: readonly Pending[];
  /** What the specialist was asked first: exactly what it sees after the handoff. */
  readonly request: ModelRequest;
  /** Everything that it was asked. */
  readonly requests: readonly ModelRequest[];
  /** What was recorded after the handoff. */
  readonly newItems: readonly Item[];
  /** The whole transcript, the handoff included. */
  readonly history: readonly Item[];
  /** Of the specialist's replies. */
  readonly usage: Usage;
}

/** What an agent declares as its output. */
type OwnOutput<A> = A extends Agent<never, infer Output, unknown> ? Output : unknown;

/**
 * Runs `specialist` alone, right after a handoff to it: core itself makes the handoff, so that the payload is checked,
 * guardrails, `onHandoff` and filters run, and the specialist sees what it would see. Of the models only the
 * specialist's is asked (and those of its tools); when it hands over, the run ends there. An approval that the handoff
 * needs is given. Rejects with an `IsolationError` where the handoff cannot be made, and with what a run rejects with.
 *
 * ```ts
 * import { Agent } from "@batonjs/core";
 * import { isolate, say, scriptedModel } from "@batonjs/testing";
 *
 * const billing = new Agent({ name: "Billing Agent", model: scriptedModel([say("Refunded.")]) });
 * const triage = new Agent({ name: "Triage Agent", handoffs: [billing] });
 * const alone = await isolate(billing, { from: triage, history: "I was charged twice" });
 * console.log(alone.finalOutput, alone.request.items.length);
 * ```
 */
export async function isolate<A extends AnyAgent, const O extends IsolateOptions>(
  specialist: A,
  options: O & WithContext<A | O["from"]>,
): Promise<Isolated<OwnOutput<A>>> {
  const isolation = new Isolation(specialist, options, false);
  const { result, record } = await isolation.run((options as { readonly context?: unknown }).context);
  const [request] = isolation.requests;
  if (!request) throw isolation.notMade(record);
  const newItems = record.slice(record.findLastIndex((item) => isArrival(item, isolation.arrival)) + 1);
  const answered = newItems.some((item) => item.type === "handoff" && item.mode === "back");
  const handedTo = answered ? undefined : isolation.handedTo;
  return {
    status: handedTo === undefined ? (result?.status ?? "completed") : "handed_over",
    finalOutput: (answered ? answerIn(newItems, specialist) : result?.finalOutput) as OwnOutput<A> | undefined,
    handedTo,
    pending: result?.pending ?? [],
    request,
    requests: isolation.requests,
    newItems,
    history: record,
    usage: usageOf(newItems),
  };
}

/** What the specialist would be asked first after the handoff, as `isolate`, with no model asked at all. */
export async function seenAfterHandoff<A extends AnyAgent, const O extends IsolateOptions>(
  specialist: A,
  options: O & WithContext<A | O["from"]>,
): Promise<ModelRequest> {
  const isolation = new Isolation(specialist, options, true);
  const { record } = await isolation.run((options as { readonly context?: unknown }).context);
  const [request] = isolation.requests;
  if (!request) throw isolation.notMade(record);
  return request;
}

/** A handoff that cannot be made as the test wants it. */
export class IsolationError extends Error {
  override name = "IsolationError";
}

/** A handoff that is to be made. */
interface Step {
  readonly edge: HandoffEdge;
  readonly input: JsonObject;
}

interface Ended {
  /** None where the run was ended by us. */
  readonly result: RunResult<unknown> | undefined;
  readonly record: readonly Item[];
}

/** What a consulted agent has answered: the run had not ended with it. */
function answerIn(items: readonly Item[], agent: AnyAgent): unknown {
  const last = items.findLast((item) => item.type === "message" && item.agent === agent.name);
  const text = last ? textOf(last) : "";
  return (agent as SomeAgent).outputType ? JSON.parse(text) : text;
}

/** Ends a run where it has shown what it should. */
class End extends Error {}

class Isolation {
  readonly requests: ModelRequest[] = [];
  /** Who was to be asked after the specialist. */
  handedTo: string | undefined;
  /** The call of the handoff to the specialist. */
  arrival = "";
  readonly #specialist: AnyAgent;
  readonly #options: IsolateOptions;
  readonly #lookOnly: boolean;
  readonly #calls = new Set<string>();
  #steps: Step[] = [];
  #wrong: Error | undefined;
  readonly #copies = new WeakMap<object, unknown>();

  constructor(specialist: AnyAgent, options: IsolateOptions, lookOnly: boolean) {
    this.#specialist = specialist;
    checkKeys(options, OPTIONS, "isolate()");
    this.#options = options;
    this.#lookOnly = lookOnly;
  }

  async run(context: unknown): Promise<Ended> {
    const { history = "Hello", plugins = [], runner: runnerOptions } = this.#options;
    this.#steps = await stepsTo(this.#specialist, this.#options);
    const runner = new Runner({
      newId: testIds("isolated"),
      ...runnerOptions,
      model: nobody,
      // The first is outermost: of other agents not even the wrappers are asked. The last provides what nobody has.
      plugins: [this.#outermost(), ...plugins, { name: "isolate/models", model: () => nobody }],
    });
    const entry = this.#steps[0]!.edge.from as AnyAgent;
    let input: Input = history;
    for (;;) {
      const ended = await this.#runOnce(runner, entry, input, context);
      const asked = ended.result?.pending.find(({ callId }) => this.#calls.has(callId));
      if (!asked || !ended.result) return ended;
      input = [...(ended.record as readonly InputItem[]), approve(asked)];
    }
  }

  async #runOnce(runner: Runner, entry: AnyAgent, input: Input, context: unknown): Promise<Ended> {
    try {
      const options = { context } as RunOptions & { readonly context: never };
      const result = (await runner.run(entry, input, options)) as RunResult<unknown>;
      return { result, record: result.history };
    } catch (error) {
      if (this.#wrong) throw this.#wrong;
      if (!(error instanceof RunError) || !isEnd(error)) throw error;
      return { result: undefined, record: error.items };
    }
  }

  /** Why the specialist was not asked, for the caller. */
  notMade(record: readonly Item[]): IsolationError {
    const refusal = record.findLast((item) => item.type === "tool_result" && this.#calls.has(item.callId));
    const why =
      refusal?.type === "tool_result" && refusal.status !== "ok" ? refusal.output : "the run ended before it was asked";
    return new IsolationError(
      `Cannot isolate agent ${quote(this.#specialist.name)}: ${why}\n${transcript(record).join("\n")}`,
    );
  }

  #outermost(): Plugin {
    const stream = (model: Model, request: ModelRequest): AsyncIterable<ModelEvent> => this.#answer(model, request);
    return {
      name: "isolate",
      wrapModel: (model) => ({
        name: model.name,
        provider: model.provider,
        stream: (request) => stream(model, request),
      }),
    };
  }

  async *#answer(model: Model, request: ModelRequest): AsyncGenerator<ModelEvent> {
    const { agent, path, purpose } = request.at;
    const step = this.#steps[0];
    if (path.length > 0 || purpose !== undefined) yield* model.stream(request);
    else if (step) yield this.#hand(step, request);
    else yield* this.#ask(model, request, agent);
  }

  #ask(model: Model, request: ModelRequest, agent: string): AsyncIterable<ModelEvent> {
    if (agent !== this.#specialist.name) {
      if (this.requests.length > 0) this.handedTo = agent; // else the handoff was refused
      throw new End();
    }
    this.requests.push(recordRequest(request, this.#copies));
    if (this.#lookOnly) throw new End();
    return this.#model(model).stream(request);
  }

  #hand({ edge, input }: Step, { at, handoffs }: ModelRequest): ModelEvent {
    if (at.agent !== edge.from.name) throw this.#fail(`the history gives the word to agent ${quote(at.agent)}`);
    if (!handoffs.some(({ name }) => name === edge.toolName)) {
      throw this.#fail(`its handoff ${quote(edge.toolName)} is not offered to agent ${quote(edge.from.name)} now`);
    }
    this.#steps.shift();
    this.arrival = `handoff_${this.#calls.size + 1}`;
    this.#calls.add(this.arrival);
    return {
      type: "reply",
      items: [{ type: "tool_call", callId: this.arrival, name: edge.toolName, arguments: JSON.stringify(input) }],
      finishReason: "tool_calls",
      usage: { inputTokens: 0, outputTokens: 0 },
    };
  }

  #model(own: Model): Model {
    const { model, plugins = [] } = this.#options;
    if (typeof model === "object") return model;
    if (model === undefined) {
      if (own !== nobody && own.provider !== NOBODY) return own;
      throw this.#fail("no plugin provides its model; give isolate() a model or the plugin");
    }
    const slash = model.indexOf("/");
    for (const plugin of plugins) {
      const name = slash > 0 && plugin.name === model.slice(0, slash) ? model.slice(slash + 1) : model;
      const found = plugin.model?.(name);
      if (found) return found;
    }
    throw this.#fail(`no plugin provides the model ${quote(model)}`);
  }

  #fail(why: string): Error {
    this.#wrong = new IsolationError(`Cannot isolate agent ${quote(this.#specialist.name)}: ${why}`);
    return this.#wrong;
  }
}

const isArrival = (item: Item, callId: string): boolean => item.type === "handoff" && item.callId === callId;

function isEnd(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof End) return true;
  return false;
}

const NOBODY = "isolate";
/** For agents whose model nothing provides: they are not asked. */
const nobody: Model = {
  name: "nobody",
  provider: NOBODY,
  // oxlint-disable-next-line require-yield
  async *stream({ at }): AsyncGenerator<ModelEvent> {
    throw new IsolationError(`Cannot ask agent ${quote(at.agent)}: nothing provides its model`);
  },
};

/** The handoffs to be made, the last one to the specialist: one, or two where the last is a handoff back. */
async function stepsTo(specialist: AnyAgent, { from, toolName, input }: IsolateOptions): Promise<Step[]> {
  const what = `Cannot isolate agent ${quote(specialist?.name)} from agent ${quote(from?.name)}`;
  if (specialist?.kind !== "agent" || from?.kind !== "agent")
    throw new TypeError("Cannot isolate: expected isolate(agent, { from: agent })");
  const edges = [...everyHandoff(from), ...everyHandoff(specialist)].filter(
    (edge) => edge.from === from && edge.to === specialist,
  );
  const names = [...new Set(edges.map((each) => each.toolName))];
  const edge = edges.find((each) => each.toolName === (toolName ?? names[0]));
  if (!edge) {
    const known = names.length > 0 ? names : (from as SomeAgent).handoffs.map((each) => each.toolName);
    throw new IsolationError(
      `${what}: no such handoff; ${quote(from.name)} has ${known.map(quote).join(", ") || "none"}`,
    );
  }
  if (names.length > 1 && toolName === undefined)
    throw new IsolationError(`${what}: say which by toolName: ${names.map(quote).join(" or ")}`);
  const steps = [{ edge, input: input ?? (await payloadFor(edge)) }];
  if (!edge.back) return steps;
  const there = everyHandoff(specialist).find((each) => !each.back && each.from === specialist && each.to === from)!;
  return [{ edge: there, input: await payloadFor(there) }, ...steps];
}

async function payloadFor({ handoff, toolName }: HandoffEdge): Promise<JsonObject> {
  return handoff.inputType ? await sampleOf(handoff.inputType, `handoff ${quote(toolName)}`) : {};
}
