/** Events as lines, without what must not get out. */
import {
  type CallSite,
  type Item,
  type ModelRequest,
  type RunEvent,
  type VisibleItem,
  ModelError,
  isVisible,
  textOf,
} from "@batonjs/core";
import {
  type Capture,
  captured,
  type CaptureKind,
  CostMeter,
  laneOf,
  type Passed,
  passedOn,
  type Prices,
  type RedactRule,
  Scrubber,
} from "@batonjs/core/tracing";
import { FORMAT, type LineBody, type LoggedItem, type TraceLine } from "./lines.ts";

/** What all traces of this package let choose. */
export interface RecordOptions {
  /** Contents to write: `true` for all, or some kinds. @default {false} */
  readonly capture?: Capture;
  /** What to take out of every text, beside secrets. */
  readonly redact?: readonly RedactRule[];
  /** Prices of model calls: `genaiPrices(calcPrice)`. @default none: no cost is written */
  readonly prices?: Prices;
  /** Write what is streamed, too, where messages are captured. @default {false} */
  readonly deltas?: boolean;
  /** Length of one captured text, in UTF-16 units. @default {16_000} */
  readonly maxText?: number;
  /** Milliseconds since the epoch. @default the machine's */
  readonly now?: () => number;
}

/** Names of the options that all who record have. */
export const RECORD_OPTIONS: readonly string[] = ["capture", "redact", "prices", "deltas", "maxText", "now"];

/** Ids of kept and dropped items in one line. */
const MAX_IDS = 200;
/** Length of a reason or an error's message. */
const MAX_REASON = 1_000;
/** Runs whose requests are remembered; beyond it the oldest is forgotten. */
const MAX_RUNS = 10_000;

/** Turns events into lines. Remembers of a run what its agents were shown, until it ends. */
export class Recorder {
  readonly #capture: ReadonlySet<CaptureKind>;
  readonly #scrub: Scrubber;
  readonly #prices: Prices | undefined;
  readonly #deltas: boolean;
  readonly #maxText: number;
  readonly #now: () => number;
  /** What each transcript's agent was shown last, by run and lane. */
  readonly #shown = new Map<string, Map<string, readonly VisibleItem[]>>();

  constructor(options: RecordOptions) {
    this.#capture = captured(options.capture);
    this.#scrub = new Scrubber(options.redact);
    this.#prices = options.prices;
    this.#deltas = options.deltas ?? false;
    this.#maxText = options.maxText ?? 16_000;
    this.#now = options.now ?? Date.now;
  }

  /** A model is asked: what its agent sees is what it can hand on. */
  asked({ at, items }: ModelRequest): void {
    let lanes = this.#shown.get(at.runId);
    if (!lanes) {
      const [oldest] = this.#shown.keys();
      if (this.#shown.size >= MAX_RUNS && oldest !== undefined) this.#shown.delete(oldest);
      this.#shown.set(at.runId, (lanes = new Map()));
    }
    lanes.set(laneOf(at.runId, at.path), items);
  }

  /** The event as a line; nothing where it is not written. */
  lineOf(event: RunEvent, at: CallSite): TraceLine | undefined {
    const body = this.#bodyOf(event, at);
    if (event.path === undefined && (event.type === "run_finished" || event.type === "run_failed"))
      this.#shown.delete(event.runId);
    if (!body) return undefined;
    const { path } = event;
    return {
      v: FORMAT,
      at: this.#now(),
      run: this.#id(event.runId),
      seq: event.seq,
      agent: this.#name(event.agent),
      ...(path === undefined ? {} : { path: path.map((id) => this.#id(id)) }),
      ...body,
    };
  }

  /** That lines are missing here. */
  dropped(count: number): TraceLine {
    return { v: FORMAT, at: this.#now(), run: "", seq: 0, agent: "", type: "dropped", count };
  }

  #id(id: string): string {
    return this.#scrub.id(id);
  }

  #name(name: string): string {
    return this.#scrub.name(name);
  }

  #bodyOf(event: RunEvent, at: CallSite): LineBody | undefined {
    const { type } = event;
    switch (type) {
      case "run_started":
        return { type, ...(at.session === undefined ? {} : { session: this.#session(at.session) }) };
      case "turn_started": {
        const { turn, items } = event;
        const handoffs = event.handoffs.map((name) => this.#name(name));
        const tools = event.tools.map((name) => this.#name(name));
        return { type, turn, ...this.#modelOf(event), items, handoffs, tools };
      }
      case "turn_finished": {
        const { turn, usage, durationMs, firstEventMs, responseId, finishReason } = event;
        return {
          type,
          turn,
          ...this.#modelOf(event),
          finishReason: this.#name(finishReason),
          usage,
          durationMs,
          ...(firstEventMs === undefined ? {} : { firstEventMs }),
          ...(responseId === undefined ? {} : { responseId: this.#id(responseId) }),
          ...this.#priceOf(event),
        };
      }
      case "turn_reset":
        return { type, ...this.#reason(event.reason) };
      case "text_delta":
      case "reasoning_delta":
        return this.#shows("messages") && this.#deltas
          ? { type, delta: this.#scrub.text(event.delta, this.#maxText) }
          : undefined;
      case "tool_call_delta":
        return this.#shows("arguments") && this.#deltas
          ? { type, callId: this.#id(event.callId), delta: this.#scrub.text(event.delta, this.#maxText) }
          : undefined;
      case "item":
        return { type, item: this.#item(event.item) };
      case "tool_started":
        return { type, ...this.#callOf(event), ...this.#json("arguments", "arguments", event.arguments) };
      case "tool_progress":
        return {
          type,
          ...this.#callOf(event),
          ...(this.#shows("results") ? { data: this.#scrub.value(event.data) } : {}),
        };
      case "tool_finished":
        return {
          type,
          ...this.#callOf(event),
          status: event.status,
          durationMs: event.durationMs,
          ...this.#json("results", "output", event.output),
        };
      case "handoff":
        return this.#handoff(event);
      case "handoff_refused":
        return {
          type,
          callId: this.#id(event.callId),
          toolName: this.#name(event.toolName),
          ...(event.to === undefined ? {} : { to: this.#name(event.to) }),
          ...this.#reason(event.reason),
        };
      case "guardrail":
        return {
          type,
          kind: event.kind,
          name: this.#name(event.name),
          allowed: event.allowed,
          durationMs: event.durationMs,
          ...(event.callId === undefined ? {} : { callId: this.#id(event.callId) }),
          ...this.#reason(event.reason),
        };
      case "approval_needed":
        return { type, kind: event.pending.kind, ...this.#callOf(event.pending) };
      case "run_finished":
        return { type, status: event.status, usage: event.usage };
      case "run_failed":
        return { type, ...this.#errorOf(event) };
      default:
        event satisfies never;
        return undefined;
    }
  }

  #shows(kind: CaptureKind): boolean {
    return this.#capture.has(kind);
  }

  #session({ tenant, id }: NonNullable<CallSite["session"]>): { tenant?: string; id: string } {
    return { ...(tenant === undefined ? {} : { tenant: this.#name(tenant) }), id: this.#id(id) };
  }

  #modelOf({ model, provider }: { model: string; provider: string }): { model: string; provider: string } {
    return { model: this.#name(model), provider: this.#name(provider) };
  }

  #callOf({ callId, name }: { callId: string; name: string }): { callId: string; name: string } {
    return { callId: this.#id(callId), name: this.#name(name) };
  }

  #priceOf(call: Parameters<Prices>[0]): { usd?: number } {
    const usd = this.#prices && new CostMeter(this.#prices).add(call);
    return usd === undefined ? {} : { usd };
  }

  #reason(reason: string | undefined): { reason?: string } {
    return reason === undefined || !this.#shows("reasons") ? {} : { reason: this.#scrub.text(reason, MAX_REASON) };
  }

  #json<Name extends string>(kind: CaptureKind, name: Name, text: string): { readonly [N in Name]?: string } {
    return (this.#shows(kind) ? { [name]: this.#scrub.json(text, this.#maxText) } : {}) as { [N in Name]?: string };
  }

  #errorOf({ error, code }: Extract<RunEvent, { type: "run_failed" }>): {
    code: string;
    name: string;
    message?: string;
  } {
    const name = this.#name(error instanceof ModelError ? `${error.name} (${error.kind})` : error.name);
    const shown = this.#shows("reasons") || PLAIN_CODES.has(code);
    return { code, name, ...(shown ? { message: this.#scrub.text(error.message, MAX_REASON) } : {}) };
  }

  #handoff(event: Extract<RunEvent, { type: "handoff" }>): LineBody {
    const { item, before, after, durationMs, toolName } = event;
    const lane = laneOf(event.runId, event.path);
    const shown = this.#shown.get(event.runId)?.get(lane);
    return {
      type: "handoff",
      from: this.#name(event.from),
      to: this.#name(event.to),
      mode: item.mode,
      ...(toolName === undefined ? {} : { toolName: this.#name(toolName) }),
      ...(item.callId === undefined ? {} : { callId: this.#id(item.callId) }),
      before,
      after,
      filters: event.filters.map((name) => this.#name(name)),
      durationMs,
      ...(shown ? { passed: this.#passed(passedOn(shown, item.view)) } : {}),
      ...(item.input === undefined ? {} : this.#json("arguments", "input", JSON.stringify(item.input))),
    };
  }

  #passed(passed: Passed): Passed {
    const ids = (all: readonly string[]): string[] => all.slice(-MAX_IDS).map((id) => this.#id(id));
    return { ...passed, kept: ids(passed.kept), dropped: ids(passed.dropped) };
  }

  #item(item: Item): LoggedItem {
    const base = {
      type: item.type,
      id: this.#id(item.id),
      ...("agent" in item && item.agent !== undefined ? { agent: this.#name(item.agent) } : {}),
    };
    switch (item.type) {
      case "message":
        return { ...base, role: item.role, ...this.#text("messages", item) };
      case "reasoning":
        return { ...base, provider: this.#name(item.provider), ...this.#text("messages", item) };
      case "tool_call":
        return {
          ...base,
          ...this.#callOf(item),
          ...(item.handoff ? { handoff: true as const } : {}),
          ...this.#text("arguments", item),
        };
      case "tool_result":
        return { ...base, callId: this.#id(item.callId), status: item.status, ...this.#text("results", item) };
      case "handoff":
        return { ...base, from: this.#name(item.from), to: this.#name(item.to), mode: item.mode };
      case "turn": {
        const { purpose, usage, durationMs } = item;
        // A turn of the conversation has its own line, with the same numbers.
        if (purpose === undefined) return base;
        return {
          ...base,
          ...this.#modelOf(item),
          purpose: this.#name(purpose),
          usage,
          ...(durationMs === undefined ? {} : { durationMs }),
          ...this.#priceOf(item),
        };
      }
      case "note":
        return { ...base, plugin: this.#name(item.plugin), scores: numbersIn(item.data, this.#scrub) };
      case "approval":
        return { ...base, callId: this.#id(item.callId), decision: item.decision };
      case "tool_start":
        return { ...base, callId: this.#id(item.callId) };
      case "view":
        return item.plugin === undefined ? base : { ...base, plugin: this.#name(item.plugin) };
      case "provider_item":
        return { ...base, provider: this.#name(item.provider) };
      case "rewind":
        return { ...base, to: this.#name(item.to) };
      default:
        item satisfies never;
        return base;
    }
  }

  #text(kind: CaptureKind, item: Item): { chars: number; text?: string } {
    const text = isVisible(item) ? textOf(item) : "";
    if (!this.#shows(kind)) return { chars: text.length };
    const shown = kind === "messages" ? this.#scrub.text(text, this.#maxText) : this.#scrub.json(text, this.#maxText);
    return { chars: text.length, text: shown };
  }
}

/** Numbers of plain data by their place; texts stay where they are. */
function numbersIn(data: unknown, scrub: Scrubber): Record<string, number> {
  const found: Record<string, number> = {};
  const collect = (value: unknown, place: string, depth: number): void => {
    if (typeof value === "number") found[scrub.name(place)] = value;
    else if (typeof value === "object" && value !== null && depth < 4)
      for (const [name, each] of Object.entries(value).slice(0, 64))
        collect(each, place === "" ? name : `${place}.${name}`, depth + 1);
  };
  collect(data, "", 0);
  return found;
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
