/** What must be true at every step, whatever the world does. The names are those of the invariants. */
import {
  type AnyAgent,
  encodeKey,
  type Item,
  type Json,
  type ModelRequest,
  type SessionKey,
  type ToolCallItem,
  type ToolContext,
} from "@batonjs/core";
import { invariantsOf } from "@batonjs/testing";
import { NESTED, type Scene, type ToolPlan } from "./scene.ts";
import type { Journals } from "./store.ts";
import type { Process, World } from "./world.ts";

/** A run under way, as its caller knows it. */
export interface Handle {
  readonly controller: AbortController;
  readonly process: Process;
  runId: string;
  replies: number;
  readonly running: Set<AbortSignal>;
}

const COMPLETE: readonly string[] = ["stop", "tool_calls"];

export class Checks {
  readonly #world: World;
  readonly #scene: Scene;
  readonly #journals: Journals;
  readonly #handles = new Map<string, Handle>();
  /** How often each call has been started, and has had its effect. */
  readonly #starts = new Map<string, number>();
  readonly #effects = new Map<string, number>();

  constructor(world: World, scene: Scene, journals: Journals) {
    this.#world = world;
    this.#scene = scene;
    this.#journals = journals;
  }

  begin(handle: Handle): void {
    this.#handles.set(`${handle.process.name} ${handle.runId}`, handle);
  }

  handle(process: Process, runId: string): Handle | undefined {
    return this.#handles.get(`${process.name} ${runId}`);
  }

  /** A model is asked. */
  asked(process: Process, request: ModelRequest): void {
    const { agent, runId, path, purpose } = request.at;
    const handle = this.handle(process, runId);
    if (handle?.controller.signal.aborted)
      this.#world.problem("I16 cancel", `agent ${agent} was asked after the abort`);
    if (handle && path.length === 0 && purpose === undefined) {
      handle.replies += 1;
      if (handle.replies > this.#scene.maxTurns && !this.#world.healed)
        this.#world.problem(
          "I13 bounded",
          `run ${runId} asked ${handle.replies} times, maxTurns is ${this.#scene.maxTurns}`,
        );
    }
    const text = JSON.stringify(request.items);
    // The first message is said to A, and every edge drops it.
    const [first] = this.#journals.of(request.at.session as SessionKey);
    if (this.#scene.hides && agent !== "A" && first && JSON.stringify(first).includes("[INTERNAL]"))
      if (request.items.some(({ id }) => id === first.id || id.endsWith(`/of/${first.id}`)))
        this.#world.problem("I30 least privilege", `agent ${agent} sees what every edge hides`);
    if (this.#scene.inputGuard === "before" && text.includes("FORBIDDEN"))
      this.#world.problem("I18 gate", `agent ${agent} was asked with what its guardrail forbids`);
    // A record that was just read has no more than what is stored.
    const stored = new Set(this.#journals.of(request.at.session as SessionKey).map(({ id }) => id));
    const unknown = request.items.find(
      ({ id }) => !stored.has(id) && !this.#isInserted(request.at.session as SessionKey, id),
    );
    if (unknown && this.#scene.inputGuard !== "beside")
      this.#world.problem("I4 acked = durable", `agent ${agent} was asked with ${unknown.id}, which is not stored`);
  }

  /** Whether a view of the record has put it in. */
  #isInserted(key: SessionKey, id: string): boolean {
    return this.#journals
      .of(key)
      .some(
        (item) =>
          (item.type === "handoff" || item.type === "view") &&
          JSON.stringify(item.view ?? []).includes(JSON.stringify(id)),
      );
  }

  /** A tool starts. */
  started(process: Process, plan: ToolPlan, agent: string, args: unknown, context: ToolContext): void {
    const { runId, idempotencyKey: key } = context;
    const what = `tool ${plan.name} of ${agent} (${key})`;
    const handle = this.handle(process, runId);
    if (handle?.controller.signal.aborted) this.#world.problem("I16 cancel", `${what} started after the abort`);
    if (handle && agent !== NESTED) this.#run(handle, context.signal);
    const starts = (this.#starts.get(key) ?? 0) + 1;
    this.#starts.set(key, starts);
    if (plan.sideEffects === "once" && !plan.verify && starts > 1)
      this.#world.problem("I9 at most once", `${what} started ${starts} times`);
    if (plan.off) this.#world.problem("I10 legit execution", `${what} started though it is off`);
    if (context.agent !== agent) this.#world.problem("I10 legit execution", `${what} started for ${context.agent}`);
    if (typeof (args as { n?: unknown } | null)?.n !== "number")
      this.#world.problem("I10 legit execution", `${what} started with ${JSON.stringify(args)}`);
    this.#checkCall(plan, what, key, this.#journals.of(context.session as SessionKey));
  }

  /** One more tool runs, until it ends or its time is over. A nested run has a limit of its own. */
  #run(handle: Handle, signal: AbortSignal): void {
    const { maxConcurrentTools } = this.#scene;
    handle.running.add(signal);
    signal.addEventListener("abort", () => handle.running.delete(signal), { once: true });
    if (handle.running.size > maxConcurrentTools)
      this.#world.problem(
        "I13 bounded",
        `${handle.running.size} tools run at once, the limit is ${maxConcurrentTools}`,
      );
  }

  /** What the record must say before a tool starts. */
  #checkCall(plan: ToolPlan, what: string, key: string, record: readonly Item[]): void {
    const at = record.findIndex(({ id }) => id === key);
    const call = record[at];
    if (call?.type !== "tool_call") {
      this.#world.problem("I10 legit execution", `${what} started, and its call is not stored`);
      return;
    }
    const after = record.slice(at + 1).filter((item) => samePath(item, call));
    if (call.name !== plan.name)
      this.#world.problem("I10 legit execution", `${what} started for a call of ${call.name}`);
    if (!isObject(call.arguments)) this.#world.problem("I10 legit execution", `${what} started with ${call.arguments}`);
    const turn = after.find((item) => item.type === "turn" && item.purpose === undefined);
    if (turn?.type !== "turn" || !COMPLETE.includes(turn.finishReason))
      this.#world.problem(
        "I10 legit execution",
        `${what} started of a reply that ended with ${turn?.type === "turn" ? turn.finishReason : "nothing"}`,
      );
    const end = after.findIndex((item) => item.type === "tool_call" && item.callId === call.callId);
    const own = end < 0 ? after : after.slice(0, end);
    const concerns = own.filter((item) => "callId" in item && item.callId === call.callId);
    // Of two workers, one may have given up what the other is about to start: it says so, or that it does not know.
    const result = concerns.find((item) => item.type === "tool_result");
    const gaveUp = result?.type === "tool_result" && ["unknown", "abandoned"].includes(result.status);
    if (result && (this.#scene.workers === 1 || (plan.sideEffects === "once" && !gaveUp)))
      this.#world.problem("I1 pairing", `${what} started after its result`);
    if (plan.sideEffects === "once" && !concerns.some((item) => item.type === "tool_start"))
      this.#world.problem("I9 at most once", `${what} started before its start was stored`);
    if (plan.approval !== "always") return;
    const decision = concerns.find((item) => item.type === "approval" && item.decision !== "asked");
    if (decision?.type !== "approval" || decision.decision !== "approved")
      this.#world.problem(
        "I11 approval binding",
        `${what} started, and the first decision is ${decision?.type === "approval" ? decision.decision : "missing"}`,
      );
  }

  /** A tool has changed the world. */
  effect(plan: ToolPlan, key: string): void {
    const effects = (this.#effects.get(key) ?? 0) + 1;
    this.#effects.set(key, effects);
    if (plan.sideEffects === "once" && effects > 1)
      this.#world.problem("I9 at most once", `tool ${plan.name} (${key}) had its effect ${effects} times`);
  }

  happened(key: string): boolean {
    return (this.#effects.get(key) ?? 0) > 0;
  }

  ended(process: Process, { runId, signal }: ToolContext): void {
    this.handle(process, runId)?.running.delete(signal);
  }

  /** The record of a session, whole. */
  record(key: SessionKey, graph: AnyAgent, settled: boolean): void {
    const name = encodeKey(key);
    const items = this.#journals.of(key);
    for (const problem of invariantsOf(items, { graph, settled })) this.#world.problem(problem, `in ${name}`);
    this.#checkHandoffs(items, name);
    const { inputGuard, outputGuard } = this.#scene;
    for (const item of items) {
      const text = JSON.stringify(item);
      if (
        inputGuard !== "none" &&
        item.type === "message" &&
        item.role === "user" &&
        item.agent === undefined &&
        text.includes("FORBIDDEN")
      )
        this.#world.problem("I18 gate", `${item.id} in ${name} is what a guardrail forbids`);
      if (outputGuard && item.type === "message" && item.role === "assistant" && text.includes("LEAK"))
        this.#world.problem("I18 gate", `${item.id} in ${name} is what a guardrail withholds`);
    }
  }

  /** I12, I13: at most one handoff for a reply, and no more than the limit since the user spoke. */
  #checkHandoffs(items: readonly Item[], name: string): void {
    let since = 0;
    let turn: string | undefined;
    const turnOf = new Map<string, string>();
    const calls: ToolCallItem[] = [];
    const made = new Set<string>();
    for (const item of items) {
      if (item.path !== undefined) continue;
      if (item.type === "rewind") return;
      if (item.type === "message" && item.role === "user" && item.agent === undefined) since = 0;
      if (item.type === "tool_call") calls.push(item);
      if (item.type === "turn" && item.purpose === undefined) {
        turn = item.id;
        for (const call of calls.splice(0)) turnOf.set(call.callId, turn);
      }
      if (item.type !== "handoff" || item.callId === undefined) continue;
      since += 1;
      if (since > this.#scene.maxHandoffs && !this.#world.healed)
        this.#world.problem(
          "I13 bounded",
          `${since} handoffs in ${name} since the user spoke, maxHandoffs is ${this.#scene.maxHandoffs}`,
        );
      const of = turnOf.get(item.callId);
      if (of === undefined) continue;
      if (made.has(of)) this.#world.problem("I12 legal handoff", `reply ${of} in ${name} made two handoffs`);
      made.add(of);
    }
  }

  /** I14: a run is complete when nobody waits for the answer of an agent that was consulted. */
  complete(items: readonly Item[], name: string): void {
    const waiting: string[] = [];
    if (items.some(({ type }) => type === "rewind")) return;
    for (const item of items) {
      if (item.type !== "handoff" || item.path !== undefined) continue;
      const { mode, from, to } = item;
      if (mode === "back") waiting.pop();
      else if (mode === "return") waiting.push(from);
      else if (waiting.includes(to)) waiting.length = waiting.indexOf(to);
    }
    if (waiting.length > 0)
      this.#world.problem("I14 terminates", `a run of ${name} is complete, and ${waiting.join(", ")} waits`);
  }

  /** What a caller was given is what is stored. */
  prefix(key: SessionKey, items: readonly Item[], what: string): void {
    const stored = this.#journals.of(key);
    const wrong = items.findIndex((item, at) => JSON.stringify(item) !== JSON.stringify(stored[at]));
    if (wrong >= 0)
      this.#world.problem(
        "I4 acked = durable",
        `${what} of ${encodeKey(key)} has ${items[wrong]!.id} at ${wrong}, and ${stored[wrong]?.id ?? "nothing"} is stored`,
      );
  }
}

const samePath = (a: Item, b: Item): boolean => (a.path ?? []).join(" ") === (b.path ?? []).join(" ");

function isObject(text: string): boolean {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
