import type { Model } from "./contracts/model.ts";
import type { SessionKey } from "./contracts/session.ts";
import type { AskRequest, RunContext, ToolContext } from "./definitions.ts";
import type { HandoffItem, Item, ToolCallItem, Usage } from "./items.ts";
import { toJson } from "./schema.ts";
import type { Json } from "./json.ts";
import type { EventBody } from "./events.ts";
import type { Transcript } from "./transcript.ts";

/** What a run tells its callbacks. */
interface Source {
  readonly context: unknown;
  readonly runId: string;
  readonly session: SessionKey | undefined;
  readonly usage: Usage;
  readonly transcript: Transcript;
  readonly signal: AbortSignal;
  readonly listening: boolean;
  emit(event: EventBody): void | Promise<void>;
  ask(model: Model | string, request: AskRequest, agent: string, signal: AbortSignal): Promise<string>;
}

/** What a callback is told about its run. Everything is read when it is asked for. */
export class CallbackContext implements RunContext {
  readonly agent: string;
  idempotencyKey?: string;
  /** The handoff that would make the agent active, where a request is only tried. */
  arrival?: HandoffItem;
  readonly #run: Source;
  #own: AbortController | undefined;
  #unlink: (() => void) | undefined;

  constructor(run: Source, agent: string) {
    this.#run = run;
    this.agent = agent;
  }

  get context(): unknown {
    return this.#run.context;
  }
  get runId(): string {
    return this.#run.runId;
  }
  get session(): SessionKey {
    return this.#run.session as SessionKey;
  }
  get usage(): Usage {
    return this.#run.usage;
  }
  get items(): readonly Item[] {
    return this.#run.transcript.record;
  }
  get handoff(): HandoffItem {
    return this.arrival ?? (this.#run.transcript.arrivals?.find(({ to }) => to === this.agent) as HandoffItem);
  }
  get signal(): AbortSignal {
    if (!this.#own) {
      const own = new AbortController();
      const { signal } = this.#run;
      const stop = (): void => own.abort(signal.reason);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
      this.#own = own;
      this.#unlink = () => signal.removeEventListener("abort", stop);
    }
    return this.#own.signal;
  }

  ask(model: Model | string, request: AskRequest): Promise<string> {
    return this.#run.ask(model, request, this.agent, this.signal);
  }

  /** The callback has ended, or its time is over. */
  end(late?: Error): void {
    if (late) this.#own?.abort(late);
    this.#unlink?.();
  }
}

/** What a tool is told beside. */
export class ToolCallContext extends CallbackContext implements ToolContext {
  readonly callId: string;
  override readonly idempotencyKey: string;
  readonly #name: string;
  readonly #run: Source;

  constructor(run: Source, agent: string, call: ToolCallItem) {
    super(run, agent);
    this.#run = run;
    this.callId = call.callId;
    this.idempotencyKey = call.id;
    this.#name = call.name;
  }

  progress(data: Json): void {
    if (!this.#run.listening) return;
    void this.#run.emit({ type: "tool_progress", callId: this.callId, name: this.#name, data: toJson(data) ?? null });
  }
}
