import type { Outcome } from "../contracts/engine.ts";
import type { Model, ModelEvent, ModelReply, ModelRequest } from "../contracts/model.ts";
import type { AskRequest, MaybePromise, RunContext, ToolOutcome } from "../definitions.ts";
import { GuardrailError, ModelError, type ModelErrorKind, RunError, messageOf } from "../errors.ts";
import type { EventBody } from "../events.ts";
import { type CompiledAgent, wrappedModel } from "../graph.ts";
import {
  type MessageItem,
  type NewItem,
  type ReplyItem,
  type ToolResultItem,
  type TurnItem,
  type VisibleItem,
  contentText,
  isContent,
  wellFormed,
} from "../items.ts";
import { requestFor, seenNow } from "../request.ts";
import type { Run } from "../run.ts";
import { type Checked, check } from "../schema.ts";
import { isAnswer } from "../transcript.ts";
import { fromView, settleView, toView } from "../views.ts";
import { leaveStream } from "../wrappers/wrap.ts";
import { outputRefusal } from "./guardrails.ts";
import { problemOf } from "./reply.ts";

/** Asks the agent's model, or takes a tool's result as the answer where the agent wants that. */
export function performModel(name: string, run: Run): Promise<Outcome> {
  run.output = undefined; // of an agent that was consulted
  const agent = run.agent(name);
  const plain = agent.definition.toolUseBehavior === "run_llm_again" && !run.config.plugins.some(({ view }) => view);
  return plain ? askModel(agent, run) : prepareModel(agent, run);
}

async function prepareModel(agent: CompiledAgent, run: Run): Promise<Outcome> {
  const text = await answerFromTools(agent, run);
  if (text !== undefined) return answerWith(text, agent, run);
  for (const plugin of run.config.plugins) if (plugin.view) await chooseView(plugin, agent, run);
  return askModel(agent, run);
}

async function askModel(agent: CompiledAgent, run: Run): Promise<Outcome> {
  const asked = requestFor(agent, seenNow(run), run);
  const request = asked instanceof Promise ? await asked : asked;
  const show = new Shown(agent, run);
  if (run.listening) void run.emit(turnStarted(agent, request));
  run.throwIfStopped();
  const reply = await waitForReply(agent, request, show, run);
  if (run.gate) await run.gate;
  return outcomeOf(reply, agent, request, show, run);
}

function waitForReply(agent: CompiledAgent, request: ModelRequest, show: Shown, run: Run): MaybePromise<ModelReply> {
  return run.wait(replyOf(agent.model, request, show, agent.name), run.limits.modelTimeoutMs, () =>
    tooLate(agent, run),
  );
}

function turnStarted({ model }: CompiledAgent, { at, items, handoffs, tools }: ModelRequest): EventBody {
  return {
    type: "turn_started",
    turn: at.turn,
    model: model.name,
    provider: model.provider,
    items: items.length,
    handoffs: handoffs.map(({ name }) => name),
    tools: tools.map(({ name }) => name),
  };
}

function tooLate({ name, model }: CompiledAgent, { limits }: Run): ModelError {
  return new ModelError(
    `Cannot finish the turn of agent "${name}": model "${model.name}" has not replied within ${limits.modelTimeoutMs} ms`,
    { kind: "timeout", model: model.name, provider: model.provider, agent: name },
  );
}

/** A plugin's choice of what the agents see from here on, recorded before the model is asked. */
async function chooseView(plugin: Run["config"]["plugins"][number], agent: CompiledAgent, run: Run): Promise<void> {
  const visible = run.transcript.visible.slice();
  const chosen = await run.call(`the view of plugin "${plugin.name}"`, agent.name, (context) =>
    plugin.view!(visible, run.at(agent.name), context),
  );
  if (chosen === undefined) return;
  const id = [run.runId, "view", run.journalItems.length, ...run.path].join(":");
  let items: readonly VisibleItem[];
  try {
    items = settleView(visible, fromView(visible, chosen, `plugin "${plugin.name}"`), id);
    if (items === visible) return;
    if (!items.some((item) => item.type === "message" && item.role === "user"))
      throw new TypeError("it leaves no user message");
  } catch (cause) {
    throw new RunError(`Cannot use the view of plugin "${plugin.name}": ${messageOf(cause)}`, {
      code: "callback_failed",
      cause,
      agent: agent.name,
    });
  }
  await run.record({ items: [{ type: "view", id, plugin: plugin.name, view: toView(visible, items) }] });
}

/** Reads a model's stream to its reply. Whatever goes wrong is a `ModelError`. */
async function replyOf(
  model: Model,
  request: ModelRequest,
  show: Shown | undefined,
  agent: string,
): Promise<ModelReply> {
  let events: AsyncIterator<ModelEvent> | undefined;
  try {
    events = model.stream(request)[Symbol.asyncIterator]();
    while (true) {
      const next = await events.next();
      if (next.done) break;
      if (next.value.type === "reply") return checkedReply(next.value, model, agent);
      const busy = show ? show.take(next.value) : request.signal.throwIfAborted();
      if (busy) await busy;
    }
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw badTurn(model, agent, `failed: ${messageOf(error)}`, "unknown", error);
  } finally {
    if (events) leaveStream(events); // not awaited: the reply counts, whatever a model does after it
  }
  throw badTurn(model, agent, "ended its stream without a reply", "truncated");
}

function badTurn(model: Model, agent: string, what: string, kind: ModelErrorKind, cause?: unknown): ModelError {
  const { name, provider } = model;
  return new ModelError(`Cannot finish the turn of agent "${agent}": model "${name}" ${what}`, {
    kind,
    cause,
    model: name,
    provider,
    agent,
  });
}

function checkedReply(reply: ModelReply, model: Model, agent: string): ModelReply {
  const problem = problemOf(reply);
  if (problem === undefined) return reply;
  throw badTurn(model, agent, `gave a reply with ${problem}`, "protocol");
}

/** What of a reply is shown while it comes. Held back where something may still forbid it. */
class Shown {
  firstEventMs: number | undefined;
  readonly #run: Run;
  readonly started: number;
  #held: EventBody[] | undefined;

  constructor(agent: CompiledAgent, run: Run) {
    this.#run = run;
    this.started = run.config.clock.now();
    if (agent.definition.outputGuardrails.length > 0) this.#held = [];
  }

  take(event: Exclude<ModelEvent, ModelReply>): void | Promise<void> {
    this.#run.throwIfStopped(); // leaves, and so closes, the stream of a model that does not look at the signal
    this.firstEventMs ??= this.#run.config.clock.now() - this.started;
    if (!this.#run.listening) return undefined;
    const body = this.#bodyOf(event);
    if (this.#held) {
      if (body.type === "turn_reset") this.#held = [];
      else this.#held.push(body);
      return undefined;
    }
    if (this.#run.gate) return this.#run.gate.then(() => this.#run.emit(body));
    return this.#run.emit(body);
  }

  #bodyOf(event: Exclude<ModelEvent, ModelReply>): EventBody {
    if (event.type === "reset") return { type: "turn_reset", reason: event.reason };
    return event.type === "text_delta" && this.#run.transcript.waiting.length > 0
      ? { ...event, consulting: true }
      : event;
  }

  /** Shows what was held back: it is allowed. */
  release(): void {
    for (const body of this.#held ?? []) void this.#run.emit(body);
    this.#held = undefined;
  }
}

const KIND_OF_FINISH: ReadonlyMap<string, ModelErrorKind> = new Map([
  ["length", "length"],
  ["content_filter", "content_filter"],
  ["error", "stream_error"],
]);

/** What is thrown for a reply that is no answer. Not retryable: it came whole, and is counted. */
function notAnAnswer(
  { model, provider, finishReason }: Turn,
  agent: string,
  to: string,
  partial: { readonly partialText?: string } = {},
): ModelError {
  return new ModelError(`Cannot use the reply of model "${model}" to ${to}: it ended with "${finishReason}"`, {
    kind: KIND_OF_FINISH.get(finishReason) ?? "protocol",
    retryable: false,
    model,
    provider,
    agent,
    ...partial,
  });
}

/** A reply as items. One that is not an answer leaves only its turn, and the run throws. */
function outcomeOf(
  reply: ModelReply,
  agent: CompiledAgent,
  request: ModelRequest,
  show: Shown,
  run: Run,
): MaybePromise<Outcome> {
  const turn = turnItem(reply, agent, run.config.clock.now() - show.started);
  const guarded = agent.definition.outputGuardrails.length > 0;
  if (guarded || !isAnswer(reply.finishReason)) return judgeReply(reply, turn, agent, request, show, run);
  return acceptReply(reply, turn, agent, request, show, run);
}

/** What a reply leaves in the record beside its items: what it used, its turn, and what is told of it. */
function outcomeWith(
  items: readonly NewItem[],
  reply: ModelReply,
  turn: Turn,
  request: ModelRequest,
  show: Shown,
  run: Run,
): Outcome {
  const events = run.listening ? [turnFinished(turn, request.at.turn, show.firstEventMs)] : [];
  return { items: [...besideItems(reply, request.at.agent), ...items, turn], events };
}

/** A reply that is no answer, or that guardrails have to see first. */
async function judgeReply(
  reply: ModelReply,
  turn: Turn,
  agent: CompiledAgent,
  request: ModelRequest,
  show: Shown,
  run: Run,
): Promise<Outcome> {
  const { name } = agent;
  const text = textOfReply(reply.items);
  if (!isAnswer(reply.finishReason)) {
    await run.record(outcomeWith([], reply, turn, request, show, run));
    const partial = agent.definition.outputGuardrails.length > 0 ? {} : { partialText: text };
    throw notAnAnswer(turn, name, `agent "${name}"`, partial);
  }
  const forbidden = await whyForbidden(text, name, run);
  if (!forbidden) return acceptReply(reply, turn, agent, request, show, run);
  await run.record(outcomeWith([], reply, { ...turn, finishReason: "blocked" }, request, show, run));
  throw forbidden;
}

/** What an output guardrail has against an answer. */
async function whyForbidden(text: string, agent: string, run: Run): Promise<GuardrailError | undefined> {
  const refusal = await outputRefusal(agent, text, run);
  if (!refusal) return undefined;
  const { guardrail, reason } = refusal;
  return new GuardrailError(guardrail, reason, `Cannot show the answer of agent "${agent}": ${reason}`, { agent });
}

function acceptReply(
  reply: ModelReply,
  turn: Turn,
  agent: CompiledAgent,
  request: ModelRequest,
  show: Shown,
  run: Run,
): MaybePromise<Outcome> {
  show.release();
  const items = replyItems(reply.items, agent.name, request);
  const outcome = outcomeWith(items, reply, turn, request, show, run);
  if (!agent.output || items.some(({ type }) => type === "tool_call")) return outcome;
  return checkOutput(items, outcome, agent, run);
}

/** The answer must fit its schema: otherwise it is asked for again, within the limit. */
async function checkOutput(
  items: readonly ReplyItem[],
  { items: all, events = [] }: Outcome,
  agent: CompiledAgent,
  run: Run,
): Promise<Outcome> {
  const complaint = await takeOutput(agent, items, run);
  if (complaint === undefined) return { items: all, events };
  if (run.transcript.outputRetries < run.limits.maxOutputRetries) {
    const reset: EventBody[] = run.listening ? [{ type: "turn_reset", reason: complaint }] : [];
    return { items: [...all, feedback(complaint, agent.name)], events: [...events, ...reset] };
  }
  await run.record({ items: all, events });
  throw new RunError(`Cannot use the answer of agent "${agent.name}": ${complaint}`, {
    code: "invalid_output",
    agent: agent.name,
  });
}

type Turn = Omit<TurnItem, "id" | "at" | "path">;

function turnItem(reply: ModelReply, { name, model }: CompiledAgent, durationMs: number): Turn {
  const { usage, finishReason, responseId, providerData } = reply;
  const turn: { -readonly [K in keyof TurnItem]: TurnItem[K] } & { id?: string } = {
    type: "turn",
    agent: name,
    model: reply.model ?? model.name,
    provider: reply.provider ?? model.provider,
    usage,
    finishReason,
    durationMs,
  } as TurnItem;
  if (responseId !== undefined) turn.responseId = responseId;
  if (providerData !== undefined) turn.providerData = providerData;
  return turn;
}

/** What a wrapper or router used and noted beside the reply. */
function besideItems({ alsoUsed, notes }: ModelReply, agent: string): NewItem[] {
  if (!alsoUsed && !notes) return [];
  return [
    ...(alsoUsed ?? []).map((used): NewItem => ({ type: "turn", agent, finishReason: "stop", ...used })),
    ...(notes ?? []).map(({ plugin, data }): NewItem => ({ type: "note", agent, plugin, data })),
  ];
}

function turnFinished(turn: Turn, number: number, firstEventMs: number | undefined): EventBody {
  const { model, provider, usage, durationMs = 0, responseId, finishReason } = turn;
  return {
    type: "turn_finished",
    turn: number,
    model,
    provider,
    finishReason,
    usage,
    durationMs,
    ...(firstEventMs === undefined ? {} : { firstEventMs }),
    ...(responseId === undefined ? {} : { responseId }),
  };
}

function textOfReply(items: readonly ReplyItem[]): string {
  return items
    .map((item) => (item?.type === "message" && isContent(item.content) ? contentText(item.content) : ""))
    .filter(Boolean)
    .join("\n");
}

/** The reply's items with their agent. What a call's name means is decided here: a handoff, or not. */
function replyItems(items: readonly ReplyItem[], agent: string, request: ModelRequest): ReplyItem[] {
  let callIds: Set<string> | undefined;
  const kept: ReplyItem[] = [];
  for (const given of items) {
    const item = unforged(given);
    if (item.type !== "tool_call") {
      kept.push(
        item.type === "message"
          ? { ...item, agent, role: "assistant", content: wellFormed(item.content) }
          : { ...item, agent },
      );
      continue;
    }
    if (callIds?.has(item.callId)) continue; // sent twice: one execution
    if (items.length > 1) (callIds ??= new Set()).add(item.callId);
    const { name } = item;
    const isHandoff = request.handoffs.some((spec) => spec.name === name);
    kept.push({
      ...item,
      agent,
      callId: wellFormed(item.callId),
      name: wellFormed(name),
      arguments: typeof item.arguments === "string" ? wellFormed(item.arguments) : item.arguments,
      ...(isHandoff ? { handoff: true as const } : {}),
    });
  }
  return kept;
}

/** The item without what only the run may say: its id, the nested run it belongs to, and that it is a handoff. */
function unforged(item: ReplyItem): ReplyItem {
  if (!("id" in item || "path" in item || "handoff" in item)) return item;
  const {
    id: _id,
    path: _path,
    handoff: _handoff,
    ...own
  } = item as ReplyItem & { readonly path?: unknown; readonly handoff?: unknown };
  return own as ReplyItem;
}

/** Parses the structured output. Gives what is wrong with it. */
async function takeOutput(agent: CompiledAgent, items: readonly ReplyItem[], run: Run): Promise<string | undefined> {
  const last = items.findLast((item): item is ReplyItem & MessageItem => item.type === "message");
  const checked = await parseOutput(agent, last ? contentText(last.content) : "", run);
  if (checked.error !== undefined) return `it does not fit its schema: ${checked.error}`;
  run.output = { value: checked.value };
  return undefined;
}

/** An answer as the agent's output type. */
export async function parseOutput(agent: CompiledAgent, text: string, run: Run): Promise<Checked> {
  const { outputType } = agent.definition;
  if (!outputType) return { value: text };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { error: `it is not JSON: ${messageOf(error)}` };
  }
  return run.call("the output type", agent.name, () => check(outputType, value));
}

/** Tells the model what was wrong. It is no system text: a model may have written what the schema quotes. */
function feedback(complaint: string, agent: string): NewItem {
  return {
    type: "message",
    role: "user",
    agent,
    content: `The last answer cannot be used: ${complaint}. Answer again, with JSON that fits the schema and nothing else.`,
  };
}

/** The answer that tools have given, where `toolUseBehavior` takes it. */
async function answerFromTools({ name, definition }: CompiledAgent, run: Run): Promise<string | undefined> {
  const behavior = definition.toolUseBehavior;
  if (behavior === "run_llm_again") return undefined;
  const results = lastResults(name, run);
  if (results.length === 0) return undefined;
  if (behavior === "stop_on_first_tool") return results[0]!.output;
  if (typeof behavior === "object")
    return results.find((result) => behavior.stopAtToolNames.includes(result.name))?.output;
  const decide = behavior as (
    results: readonly ToolOutcome[],
    run: RunContext<unknown>,
  ) => MaybePromise<{ readonly finalOutput: string } | undefined>;
  const answer: unknown = (await run.call("toolUseBehavior", name, (context) => decide(results, context)))?.finalOutput;
  if (answer === undefined || typeof answer === "string") return answer;
  throw new RunError(`Cannot go on: toolUseBehavior of agent "${name}" must give text, found ${typeof answer}`, {
    code: "callback_failed",
    agent: name,
  });
}

/** The results of the agent's last reply's tools that were done, in the order of their calls. A handoff wins over them. */
function lastResults(agent: string, { transcript: { visible } }: Run): ToolOutcome[] {
  const results: ToolOutcome[] = [];
  for (let i = visible.length - 1; visible[i]?.type === "tool_result"; i--) {
    const { callId, status, output } = visible[i] as ToolResultItem;
    const call = visible.findLast((each) => each.type === "tool_call" && each.callId === callId);
    if (call?.type !== "tool_call" || status !== "ok") continue;
    if (call.handoff === true || call.agent !== agent) return [];
    results.unshift({ name: call.name, callId, arguments: call.arguments, output });
  }
  return results;
}

async function answerWith(text: string, agent: CompiledAgent, run: Run): Promise<Outcome> {
  const forbidden = await whyForbidden(text, agent.name, run);
  if (forbidden) throw forbidden;
  if (run.listening)
    void run.emit({
      type: "text_delta",
      delta: text,
      ...(run.transcript.waiting.length > 0 ? { consulting: true as const } : {}),
    });
  return { items: [{ type: "message", role: "assistant", agent: agent.name, content: text }] };
}

/** Asks a model beside the conversation, for a callback. */
export async function askBeside(
  run: Run,
  model: Model | string,
  request: AskRequest,
  agent: string,
  signal: AbortSignal,
): Promise<string> {
  const asker = `a callback of agent "${agent}"`;
  const found = wrappedModel(model, agent, run.config.plugins, asker);
  const { clock } = run.config;
  const started = clock.now();
  const { input, instructions, settings = {}, purpose = "callback" } = request;
  const items =
    typeof input === "string"
      ? [{ type: "message" as const, id: "input", role: "user" as const, content: input }]
      : input;
  const asked: ModelRequest = {
    items,
    ...(instructions === undefined ? {} : { instructions }),
    tools: [],
    handoffs: [],
    settings,
    signal,
    at: { ...run.at(agent), purpose },
  };
  const reply = await replyOf(found, asked, undefined, agent);
  const turn = { ...turnItem(reply, { ...run.agent(agent), model: found }, clock.now() - started), purpose };
  await run.record({ items: [turn] });
  if (isAnswer(reply.finishReason)) return textOfReply(reply.items);
  throw notAnAnswer(turn, agent, asker);
}
