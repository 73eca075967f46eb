import {
  type Model,
  type ModelEvent,
  type ModelReply,
  type ModelRequest,
  type Plugin,
  withStream,
} from "@batonjs/core";
import type { AgentScore, Decision, Judgement, NearExample, Question, Rung } from "./decision.ts";
import { installed } from "./embedded.ts";
import { type FittedThreshold, fitThreshold, type LabelledMessage, type Precision } from "./fit.ts";
import { climb } from "./ladder.ts";
import { Learner, type Taught } from "./learner.ts";
import { type Offer, offerOf, type TriageAgent } from "./lessons.ts";
import { noteOf, withNote } from "./notes.ts";
import { checkOptions, type RouterOptions, type SavedRouter, type Thresholds, thresholdsOf } from "./options.ts";
import { isTriage, needsNothing, questionOf } from "./question.ts";
import { handoffReply, NO_MODEL, ROUTER } from "./reply.ts";
import { deciderRung } from "./rungs/decider.ts";
import { examplesRung, judgeBy } from "./rungs/examples.ts";
import { rulesRung } from "./rungs/rules.ts";
import { readSaved } from "./saved.ts";
import { clip } from "./text.ts";

/** How well a message fits the agents of a triage. */
export interface Ranking {
  /** The best agent; `null`: none of them. */
  readonly to: string | null;
  /** Name of the handoff to it. */
  readonly handoff: string | null;
  readonly score: number;
  readonly intent: string | undefined;
  readonly scores: readonly AgentScore[];
  readonly nearest: readonly NearExample[];
}

/** What `fit` has learned. */
export interface FitReport {
  readonly examples: number;
  /** Agents that the examples can tell apart. */
  readonly agents: readonly string[];
  /** Agents that have neither examples nor `when`: they are known by their name and description only. */
  readonly untaught: readonly string[];
}

/** Names of handoffs that lead back, as `handBack()` makes them. */
const BACK: readonly string[] = ["transfer_back"];

/** How a decision is made. */
export interface DecideOptions {
  /** No model is asked. @default {false} */
  readonly local?: boolean;
  /** In place of the thresholds of all rungs. */
  readonly threshold?: number;
}

/** A model that answers triage turns with a handoff where it is sure, and asks the triage model where it is not. */
export interface Router extends Model {
  readonly thresholds: Thresholds;
  /** Names of handoffs that lead back. */
  readonly back: readonly string[];
  /** Learns an agent's handoffs now, and not with its first request. Rejects with what the classifier throws. */
  fit(agent: TriageAgent): Promise<FitReport>;
  /** What the ladder says to a request; nothing where there is no message to route. */
  decide(request: ModelRequest, options?: DecideOptions): Promise<Decision | undefined>;
  /** Learns what a request's agent offers, as `decide` does. */
  learn(request: ModelRequest): Promise<void>;
  /** What the examples say to a text: of an agent, or of one that is known by its requests or `fit`. */
  classify(text: string, agent: TriageAgent | string): Promise<Ranking | undefined>;
  /**
   * Sets `thresholds.examples` to the lowest at which labelled messages are routed with the wanted precision; messages
   * that are examples themselves are left out. Rejects with a `RangeError` or `TypeError` for what cannot be used.
   */
  fitThresholds(agent: TriageAgent, messages: Iterable<LabelledMessage>, wanted: Precision): Promise<FittedThreshold>;
  /** Thresholds and classifiers, as JSON for the option `saved`. */
  save(): Promise<SavedRouter>;
  /** `model` with the router before it. */
  before(model: Model): Model;
}

/**
 * A router: rules, then examples, then a model as decision maker, then the triage model. Use it as an agent's model,
 * or as a plugin with `routed()`. Throws a `TypeError` or `RangeError` for a bad option.
 */
export function router(options: RouterOptions = {}): Router {
  return new Ladder(options);
}

/** Which agents `routed` wraps. */
export interface RoutedOptions extends RouterOptions {
  /** Names of the agents. @default those that have two handoffs or more, and none back */
  readonly agents?: readonly string[];
}

/** The plugin of a router: what it is not sure of goes to the agent's own model. */
export function routed(given: RoutedOptions | Router = {}, agents?: readonly string[]): Plugin {
  const made = isRouter(given) ? given : router(given);
  const names = agents ?? (isRouter(given) ? undefined : given.agents);
  return {
    name: ROUTER,
    wrapModel(model) {
      const routes = made.before(model);
      return withStream(model, (request) => (isTriage(request, names, made.back) ? routes : model).stream(request));
    },
  };
}

const isRouter = (value: RoutedOptions | Router): value is Router => "decide" in value;

class Ladder implements Router {
  readonly #options: RouterOptions;
  readonly #learner: Learner;
  readonly back: readonly string[];
  readonly #local: readonly Rung[];
  readonly #rungs: readonly Rung[];
  #thresholds: Thresholds;

  constructor(options: RouterOptions) {
    checkOptions(options);
    const { rules = [], rungs = [], classifier = installed(), decider, back = BACK } = options;
    const saved = options.saved === undefined ? undefined : readSaved(options.saved);
    this.#options = options;
    this.back = back;
    this.#thresholds = thresholdsOf(saved?.thresholds, options.thresholds);
    const extra = { examples: options.examples ?? {}, outOfScope: options.outOfScope ?? [], back };
    this.#learner = new Learner(classifier || installed(), extra, saved?.classifiers);
    this.#local = [
      ...(rules.length === 0 ? [] : [rulesRung(rules, () => this.#thresholds.rules)]),
      ...rungs,
      ...(classifier === false ? [] : [examplesRung(this.#learner, () => this.#thresholds.examples)]),
    ];
    this.#rungs = decider ? [...this.#local, deciderRung(decider, () => this.#thresholds.decider)] : this.#local;
  }

  get name(): string {
    return this.#options.model?.name ?? ROUTER;
  }
  get provider(): string {
    return this.#options.model?.provider ?? ROUTER;
  }
  get thresholds(): Thresholds {
    return this.#thresholds;
  }

  stream(request: ModelRequest): AsyncIterable<ModelEvent> {
    return this.#answer(request, this.#options.model);
  }

  before(model: Model): Model {
    return withStream(model, (request) => this.#answer(request, model));
  }

  async decide(request: ModelRequest, options: DecideOptions = {}): Promise<Decision | undefined> {
    const { local = false, threshold } = options;
    const question = questionOf(request, this.back);
    if (!question || question.text.trim() === "") return undefined;
    const rungs = local ? this.#local : this.#rungsFor(question);
    return climb(rungs, question, { payload: this.#options.payload, threshold });
  }

  async fit(agent: TriageAgent): Promise<FitReport> {
    const taught = await this.#taught(agent);
    const examples = taught?.lessons.examples ?? [];
    const described = new Set(examples.filter(({ intent }) => intent === "described").map(({ label }) => label));
    const agents = [...(taught?.lessons.agents ?? [])];
    return {
      examples: examples.length,
      agents: agents.map(([, to]) => to),
      untaught: agents.filter(([label]) => described.has(label)).map(([, to]) => to),
    };
  }

  async learn(request: ModelRequest): Promise<void> {
    await this.#learner.taughtOf(request.at.agent, request);
  }

  async classify(text: string, agent: TriageAgent | string): Promise<Ranking | undefined> {
    const taught = await this.#taught(agent);
    const judged = taught && judgeBy(taught, clip(text));
    return judged && rankingOf(judged, taught);
  }

  async fitThresholds(
    agent: TriageAgent,
    messages: Iterable<LabelledMessage>,
    wanted: Precision,
  ): Promise<FittedThreshold> {
    const taught = await this.#taught(agent);
    const fitted = fitThreshold(taught, messages, wanted, agent.name);
    this.#thresholds = thresholdsOf(this.#thresholds, { examples: fitted.threshold });
    return fitted;
  }

  async save(): Promise<SavedRouter> {
    const { kind, sets } = await this.#learner.save();
    return { version: 1, thresholds: { ...this.#thresholds }, classifiers: { kind, sets } };
  }

  #taught(agent: TriageAgent | string): Promise<Taught | undefined> {
    const name = typeof agent === "string" ? agent : agent.name;
    const offer = typeof agent === "string" ? this.#learner.offerOf(agent) : this.#offerOf(agent);
    return offer ? this.#learner.taughtOf(name, offer) : Promise.resolve(undefined);
  }

  /** The offers of agents are made once: a cache by identity. */
  readonly #offers = new WeakMap<object, Offer>();
  #offerOf(agent: TriageAgent): Offer {
    const known = this.#offers.get(agent);
    if (known) return known;
    const offer = offerOf(agent);
    this.#offers.set(agent, offer);
    return offer;
  }

  /** A decider that could decide nothing is not asked. */
  #rungsFor({ handoffs }: Question): readonly Rung[] {
    const open = this.#options.payload !== undefined || handoffs.some(needsNothing);
    return open ? this.#rungs : this.#local;
  }

  async *#answer(request: ModelRequest, model: Model | undefined): AsyncGenerator<ModelEvent> {
    request.signal.throwIfAborted();
    const decision = await this.decide(request);
    request.signal.throwIfAborted();
    if (decision?.handoff !== undefined) {
      const reply = handoffReply(decision.handoff, decision.payload ?? {}, request);
      yield withNote(reply, "decision", noteOf(decision), decision.used);
      return;
    }
    if (!model) {
      yield noted(offerReply(request, this.back), decision);
      return;
    }
    for await (const event of model.stream(request)) {
      if (event.type !== "reply") yield event;
      else
        yield noted(
          { ...event, model: event.model ?? model.name, provider: event.provider ?? model.provider },
          decision,
        );
    }
  }
}

function noted(reply: ModelReply, decision: Decision | undefined): ModelReply {
  return decision ? withNote(reply, "decision", noteOf(decision), decision.used) : reply;
}

/** What a router without a model behind it says where it is not sure. */
function offerReply({ handoffs }: ModelRequest, back: readonly string[]): ModelReply {
  const names = handoffs.filter(({ name }) => !back.includes(name)).map(({ to }) => to);
  const content = `I can hand you over to: ${names.join(", ")}. What is it about?`;
  return {
    type: "reply",
    items: [{ type: "message", role: "assistant", content }],
    finishReason: "stop",
    usage: NO_MODEL,
    model: ROUTER,
    provider: ROUTER,
  };
}

function rankingOf(judged: Judgement, { lessons }: Taught): Ranking {
  const { to, score = 1, intent, scores = [], nearest = [] } = judged;
  return {
    to: to === null ? null : (lessons.agents.get(to) ?? to),
    handoff: to,
    score,
    intent,
    scores,
    nearest,
  };
}
