/** The spans of one run, from its events. */
import { type Attributes, type Context, context as contexts } from "@opentelemetry/api";
import { type CallSite, type Item, ModelError, type ModelRequest, type RunEvent, isVisible } from "@batonjs/core";
import { guardrail, toolFinished, toolStarted } from "./calls.ts";
import { BATON, CONVENTIONS, ERROR_TYPE, GEN_AI, OPERATION } from "./conventions.ts";
import { controlMoved, handoffMade, handoffRefused } from "./handoffs.ts";
import { Lanes } from "./lanes.ts";
import { scoresOf } from "./scores.ts";
import { type Failure, MAX_REASON, type Open, type Settings, Spans } from "./spans.ts";
import { besideTurn, requestAttributes, turnFinished, turnReset, turnStarted } from "./turns.ts";

type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { readonly type: T }>;

/** Follows one run and ends every span that it began. */
export class RunTrace {
  readonly #settings: Settings;
  readonly #spans: Spans;
  readonly #root: Open;
  readonly #lanes: Lanes;
  readonly #pending: string[] = [];
  readonly #workflow: string;

  constructor(agent: string, at: CallSite, settings: Settings) {
    const { scrub } = settings;
    this.#settings = settings;
    this.#spans = new Spans(settings, commonAttributes(at, settings));
    this.#workflow = scrub.name(settings.workflow ?? agent);
    const attributes = {
      [GEN_AI.operation]: OPERATION.workflow,
      [GEN_AI.workflow]: this.#workflow,
      [BATON.runId]: scrub.id(at.runId),
      [BATON.conventions]: CONVENTIONS,
      ...(at.session?.tenant === undefined ? {} : { [BATON.tenant]: scrub.name(at.session.tenant) }),
    };
    this.#root = this.#spans.start(`${OPERATION.workflow} ${this.#workflow}`, attributes, contexts.active());
    this.#lanes = new Lanes(at.runId, this.#root.context, this.#spans);
  }

  /** The context of the whole run. */
  get context(): Context {
    return this.#root.context;
  }

  /** Everything but the end of the run. */
  take(event: RunEvent): void {
    const lanes = this.#lanes;
    switch (event.type) {
      case "turn_started":
        return turnStarted(lanes, event);
      case "turn_finished":
        return turnFinished(lanes, event);
      case "turn_reset":
        return turnReset(lanes, event);
      case "tool_started":
        return toolStarted(lanes, event);
      case "tool_finished":
        return toolFinished(lanes, event);
      case "handoff":
        return handoffMade(lanes, event);
      case "handoff_refused":
        return handoffRefused(lanes, event);
      case "guardrail":
        return guardrail(lanes, event);
      case "approval_needed":
        this.#pending.push(this.#settings.scrub.name(event.pending.name));
        return undefined;
      case "item":
        return this.#item(event);
      default:
        return undefined;
    }
  }

  #item(event: EventOf<"item">): void {
    const { item } = event;
    const lane = this.#lanes.laneOf(event);
    if (item.type === "tool_call") lane.calls.set(item.callId, item);
    if (item.type === "handoff" && item.callId === undefined) controlMoved(this.#lanes, item, lane);
    else if (item.type === "view") lane.compacted = true;
    else if (item.type === "note") Object.assign(lane.scores, scoresOf(item, this.#settings.scrub));
    else if (item.type === "turn" && item.purpose !== undefined) besideTurn(this.#lanes, item, lane);
    else if (lane.chat && this.#settings.capture.has("messages") && isReply(item)) lane.chat.output.push(item);
  }

  /** Ends all that is open. */
  finish({ status, usage }: EventOf<"run_finished">): void {
    this.#end(undefined, {
      [BATON.status]: status,
      [BATON.requests]: usage.requests,
      [BATON.inputTokens]: usage.inputTokens,
      [BATON.outputTokens]: usage.outputTokens,
      ...(this.#pending.length > 0 ? { [BATON.pending]: this.#pending } : {}),
    });
  }

  /** Ends all that is open, as failed. */
  fail({ error, code }: EventOf<"run_failed">): void {
    const type = error instanceof ModelError ? error.kind : code;
    this.#end({ type, message: this.#messageOf(error, code) }, { [BATON.status]: "failed" });
  }

  /** Ends a run that nobody has heard of for long. */
  abandon(): void {
    this.#end(undefined, { [BATON.status]: "abandoned" });
  }

  #end(failure: Failure | undefined, attributes: Attributes): void {
    this.#lanes.closeAll(failure);
    this.#root.span.setAttributes({ ...attributes, ...this.#lanes.costAttributes(this.#lanes.cost) });
    const labels = { [GEN_AI.operation]: OPERATION.workflow, [GEN_AI.workflow]: this.#workflow };
    const seconds = (performance.now() - this.#root.began) / 1000;
    this.#settings.meters?.workflow.record(seconds, failure ? { ...labels, [ERROR_TYPE]: failure.type } : labels);
    this.#spans.end(this.#root, failure);
  }

  /** What is known of a model's request, and the context to answer it in. */
  asked(request: ModelRequest): Context | undefined {
    const lane = this.#lanes.at(request.at.path);
    if (!lane?.chat) return undefined;
    lane.shown = request.items;
    const { span, context } = lane.chat;
    if (span.isRecording()) span.setAttributes(requestAttributes(this.#lanes, request));
    return context;
  }

  /** The context to run a tool in. */
  toolContext(itemId: string, callId: string): Context | undefined {
    return (this.#lanes.tools.get(itemId) ?? this.#lanes.tools.get(callId))?.context;
  }

  /** What an error says. Where it may quote contents, only if reasons are captured. */
  #messageOf(error: Error, code: string): string | undefined {
    if (!this.#settings.capture.has("reasons") && !PLAIN_CODES.has(code)) return undefined;
    return this.#settings.scrub.text(error.message, MAX_REASON);
  }
}

/** Attributes of all spans of a run: the conversation, and what the user adds. */
function commonAttributes(at: CallSite, { attributes, scrub }: Settings): Attributes {
  let own: Attributes = {};
  try {
    own = scrub.value(attributes?.(at) ?? {}) as Attributes;
  } catch {
    // What the user adds changes nothing where it fails.
  }
  return at.session === undefined ? own : { ...own, [GEN_AI.conversation]: scrub.id(at.session.id) };
}

/** What a model says, as opposed to what it is told. */
function isReply(item: Item): boolean {
  if (!isVisible(item) || item.type === "tool_result" || item.agent === undefined) return false;
  return item.type !== "message" || item.role === "assistant";
}

/** Errors whose message is made of names and of what providers and stores say. */
const PLAIN_CODES: ReadonlySet<string> = new Set([
  "model_error",
  "store_error",
  "store_timeout",
  "session_conflict",
  "idempotency_mismatch",
  "max_turns",
  "budget_exceeded",
  "callback_timeout",
  "aborted",
]);
