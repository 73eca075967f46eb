import {
  checkKeys,
  type Model,
  type ModelEvent,
  type ModelReply,
  type ModelRequest,
  type Plugin,
  type RunEvent,
  type WrapSite,
  withStream,
} from "@batonjs/core";
import { withNote } from "./notes.ts";
import { share } from "./options.ts";
import { isTriage } from "./question.ts";
import type { Router } from "./router.ts";
import { isSameRequest, sameArguments } from "./same-request.ts";
import { Speculation } from "./speculation.ts";

/** When to guess. */
export interface PredictOptions {
  /** How sure the router must be to start a call that may be in vain, from 0 to 1. @default 0.3 */
  readonly threshold?: number;
  /** Calls that may be under way at once, over all runs: beyond it nothing is guessed. @default 100 */
  readonly maxPending?: number;
  /** Names of the agents whose handoffs are guessed. @default those that have two handoffs or more, and none back */
  readonly agents?: readonly string[];
}

const OPTIONS: ReadonlySet<string> = new Set(["threshold", "maxPending", "agents"]);

/** The models of one graph, by agent. */
type Team = Map<string, Model>;

/**
 * While a triage model thinks, starts the call of the specialist that the router expects, with the request that it
 * would get. Where triage then makes exactly that handoff, the specialist's reply is taken from that call; else the call
 * is cancelled and counted. Only a model call is made early: no tool, callback or append. A plugin of a runner; it
 * belongs behind `routed()`.
 */
export function predict(router: Router, options: PredictOptions = {}): Plugin {
  checkKeys(options, OPTIONS, "predict()");
  const predictor = new Predictor(router, options);
  return {
    name: "predict",
    wrapModel: (model, at) => predictor.wrap(model, at),
    onEvent: (event) => predictor.hear(event),
    close: async () => predictor.cancelAll(),
  };
}

class Predictor {
  readonly #router: Router;
  readonly #threshold: number;
  readonly #maxPending: number;
  readonly #agents: readonly string[] | undefined;
  /** Calls that were started and are neither adopted nor cancelled. */
  readonly #open = new Set<Speculation>();
  /** Of these, the ones that triage has agreed with, by run and path. */
  readonly #agreed = new Map<string, Speculation>();
  #team: Team | undefined;

  constructor(router: Router, { threshold = 0.3, maxPending = 100, agents }: PredictOptions) {
    if (!Number.isInteger(maxPending) || maxPending < 1)
      throw new RangeError(`Cannot use ${String(maxPending)} as maxPending as it must be a positive integer`);
    this.#router = router;
    this.#threshold = share("threshold of predict()", threshold);
    this.#maxPending = maxPending;
    this.#agents = agents;
  }

  wrap(model: Model, { agent }: WrapSite): Model {
    const team = this.#teamOf(agent);
    team.set(agent, model);
    return withStream(model, (request) => this.#answer(request, model, team));
  }

  /** A run that is over asks no specialist any more. */
  hear({ type, runId, path }: RunEvent): void {
    if ((type !== "run_finished" && type !== "run_failed") || path !== undefined || this.#agreed.size === 0) return;
    for (const [key, made] of this.#agreed) {
      if (made.request.at.runId !== runId) continue;
      this.#agreed.delete(key);
      this.#cancel(made);
    }
  }

  cancelAll(): void {
    this.#agreed.clear();
    for (const made of this.#open) this.#cancel(made);
  }

  /** The models of a graph are wrapped in one go, each agent's once: what comes later, or again, is another graph's. */
  #teamOf(agent: string): Team {
    if (this.#team && !this.#team.has(agent)) return this.#team;
    const team: Team = new Map();
    this.#team = team;
    queueMicrotask(() => {
      if (this.#team === team) this.#team = undefined;
    });
    return team;
  }

  #answer(request: ModelRequest, model: Model, team: Team): AsyncGenerator<ModelEvent> {
    const key = keyOf(request);
    const made = this.#agreed.get(key);
    this.#agreed.delete(key);
    if (!made) return this.#guessing(request, model, team);
    if (made.model === model && !made.failed && isSameRequest(made.request, request)) return this.#adopt(made);
    return this.#instead(made, model.stream(request));
  }

  /**
   * The reply that is on its way already. Its response id stands for a request with other ids, so that the next request
   * must not refer to it: it is kept in the note only.
   */
  async *#adopt(made: Speculation): AsyncGenerator<ModelEvent> {
    try {
      for await (const event of made.events()) {
        if (event.type !== "reply") {
          yield event;
          continue;
        }
        const { responseId, ...reply } = event;
        const note = { ...noteOn(made, "adopted"), ...(responseId === undefined ? {} : { responseId }) };
        yield withNote(reply, "prediction", note);
      }
    } finally {
      this.#cancel(made);
    }
  }

  /** What was foreseen is not what is asked: both are counted. */
  async *#instead(made: Speculation, events: AsyncIterable<ModelEvent>): AsyncGenerator<ModelEvent> {
    const used = this.#cancel(made);
    for await (const event of events)
      yield event.type === "reply" ? withNote(event, "prediction", noteOn(made, "unused"), used) : event;
  }

  /** Asks the model, and meanwhile the specialist that it is expected to hand over to. */
  async *#guessing(request: ModelRequest, model: Model, team: Team): AsyncGenerator<ModelEvent> {
    const events = model.stream(request)[Symbol.asyncIterator]();
    const next = events.next(); // triage is asked first
    next.catch(() => {});
    const guess: Guess = { made: undefined, over: false };
    void this.#guess(request, team, guess);
    try {
      for (let event = await next; !event.done; event = await events.next())
        yield event.value.type === "reply" ? this.#judge(event.value, request, guess) : event.value;
    } finally {
      guess.over = true;
      if (guess.made) this.#cancel(guess.made);
      void events.return?.().then(undefined, () => {});
    }
  }

  /** Starts the call of the specialist that the router expects, unless triage has answered by then. */
  async #guess(request: ModelRequest, team: Team, guess: Guess): Promise<void> {
    if (!request.preview || !isTriage(request, this.#agents, this.#router.back)) return;
    try {
      const decision = await this.#router.decide(request, { local: true, threshold: this.#threshold });
      if (decision?.handoff === undefined || guess.over) return;
      const foreseen = await request.preview(decision.handoff, decision.payload);
      const model = foreseen && team.get(foreseen.at.agent);
      if (!model || guess.over || this.#open.size >= this.#maxPending) return;
      guess.made = new Speculation(decision.handoff, JSON.stringify(decision.payload), foreseen, model);
      this.#open.add(guess.made);
    } catch {
      // A guess is only a chance to be faster: without one, all is as without this plugin.
    }
  }

  /** Keeps the guess where the reply is exactly that handoff; else cancels it. */
  #judge(reply: ModelReply, request: ModelRequest, guess: Guess): ModelReply {
    const { made } = guess;
    guess.over = true;
    guess.made = undefined;
    if (!made) return reply;
    if (!isExactly(reply, made)) return withNote(reply, "prediction", noteOn(made, "wrong"), this.#cancel(made));
    this.#agreed.set(keyOf(request), made);
    return reply;
  }

  #cancel(made: Speculation): ReturnType<Speculation["cancel"]> {
    this.#open.delete(made);
    return made.cancel();
  }
}

interface Guess {
  made: Speculation | undefined;
  /** Triage has answered. */
  over: boolean;
}

const noteOn = (
  { handoff, request }: Speculation,
  outcome: string,
): { handoff: string; to: string; outcome: string } => ({
  handoff,
  to: request.at.agent,
  outcome,
});

const keyOf = ({ at }: ModelRequest): string => JSON.stringify([at.runId, ...at.path]);

/** Whether the reply is the handoff that was foreseen, with that payload, and says nothing beside it. */
function isExactly({ items, finishReason }: ModelReply, { handoff, payload }: Speculation): boolean {
  const [call, ...more] = items.filter(({ type }) => type !== "reasoning");
  if (call?.type !== "tool_call" || more.length > 0) return false;
  if (finishReason !== "tool_calls" && finishReason !== "stop") return false;
  return call.name === handoff && sameArguments(call.arguments === "" ? "{}" : call.arguments, payload);
}
