import { type Clock, type JsonObject, type ModelEvent, type ModelRequest, sameJson } from "@batonjs/core";
import { CassetteError, HOW_TO_RECORD } from "./cassette-error.ts";
import { type Difference, difference } from "./difference.ts";
import { fromFailure } from "./failure.ts";
import type { Exchange } from "./file.ts";
import { DEFINITION, type ModelNames, normalForm, type NormalRequest } from "./normal-form.ts";
import type { Redaction } from "./redaction.ts";
import { fromParts } from "./streamed.ts";
import { namesInOrder, steadyItem } from "./volatile.ts";

/** A part of a request that is compared: the conversation, or a part of the agent's definition. */
export type RequestField = (typeof DEFINITION)[number] | "items";

/** How a cassette is replayed. */
export interface Playing {
  readonly path: string;
  readonly ignored: ReadonlySet<RequestField>;
  /** Waits as the recorded model did. */
  readonly clock: Clock | undefined;
  readonly redaction: Redaction;
}

interface Recording {
  readonly exchange: Exchange;
  readonly compared: NormalRequest;
  used: boolean;
}

/** Answers requests with recorded answers. */
export class Player {
  readonly problems: Error[] = [];
  readonly stale: string[] = [];
  readonly #recordings: readonly Recording[];
  readonly #how: Playing;
  #asked = 0;

  constructor(exchanges: readonly Exchange[], how: Playing) {
    this.#how = how;
    this.#recordings = exchanges.map((exchange) => ({ exchange, compared: steady(exchange.request), used: false }));
  }

  /** The model of the first recording: what is replayed where no other is known. */
  get model(): ModelNames | undefined {
    return this.#recordings[0]?.exchange.request.model ?? undefined;
  }

  /** Recordings that no request has taken. */
  get unused(): readonly Exchange[] {
    return this.#recordings.flatMap(({ used, exchange }) => (used ? [] : [exchange]));
  }

  async *stream(request: ModelRequest, model: ModelNames | undefined): AsyncGenerator<ModelEvent> {
    request.signal.throwIfAborted();
    const { stream, end, number } = this.#take(request, model);
    for (const { event, wait } of fromParts(stream)) {
      await this.#wait(wait, request.signal);
      request.signal.throwIfAborted();
      yield event;
    }
    if (end.stopped === "aborted") await aborted(request.signal);
    await this.#wait(end.wait, request.signal);
    request.signal.throwIfAborted();
    if (end.reply) yield { type: "reply", ...end.reply };
    if (end.error) throw fromFailure(end.error);
    if (end.stopped === "left") {
      const message = `Cannot go on with recording ${number} of "${this.#how.path}": its reader stopped here when it was recorded; ${HOW_TO_RECORD} again`;
      throw this.#problem(new CassetteError("mismatch", this.#how.path, message));
    }
  }

  /**
   * The first recording that no request has taken, of the same agent and content: by content, so that agents that run
   * side by side may ask in any order. Of several the one of the same nested run goes first.
   */
  #take(request: ModelRequest, model: ModelNames | undefined): Exchange {
    this.#asked += 1;
    const asked = steady(this.#how.redaction.request(normalForm(request, model)));
    const ofAgent = this.#recordings.filter(
      ({ compared }) => compared.agent === asked.agent && compared.purpose === asked.purpose,
    );
    const left = ofAgent.filter(({ used }) => !used);
    const fitting = left.filter(({ compared }) => this.#difference(compared, asked) === undefined);
    const same = fitting.find(({ compared }) => sameJson(compared.path, asked.path)) ?? fitting[0];
    if (!same) throw this.#problem(this.#unknown(asked, ofAgent, left));
    same.used = true;
    for (const field of this.#how.ignored) {
      const found = differenceIn(field, same.compared, asked);
      if (found)
        this.stale.push(
          `recording ${same.exchange.number}, agent "${asked.agent}": ${found.at} was ${found.recorded}, is now ${found.now}`,
        );
    }
    return same.exchange;
  }

  #difference(recorded: NormalRequest, asked: NormalRequest): Difference | undefined {
    for (const field of [...DEFINITION, "items"] as const) {
      const found = this.#how.ignored.has(field) ? undefined : differenceIn(field, recorded, asked);
      if (found) return found;
    }
    return undefined;
  }

  #unknown(asked: NormalRequest, ofAgent: readonly Recording[], left: readonly Recording[]): CassetteError {
    const { path } = this.#how;
    const purpose = asked.purpose === null ? "" : ` (${asked.purpose})`;
    const what = `Cannot answer request ${this.#asked}, of agent "${asked.agent}"${purpose}, from "${path}"`;
    // Where the conversation is the same it is the definition that has changed.
    const nearest = left.find(({ compared }) => sameJson(compared.items, asked.items)) ?? left[0];
    if (!nearest) {
      const agents = [...new Set(this.#recordings.map(({ compared }) => `"${compared.agent}"`))].join(", ");
      const found =
        ofAgent.length > 0
          ? `its ${ofAgent.length === 1 ? "one recording is" : `${ofAgent.length} recordings are`} replayed already`
          : `it has no recording of that agent, only of ${agents || "none"}`;
      return new CassetteError("mismatch", path, `${what}: ${found}; ${HOW_TO_RECORD} again`);
    }
    const found = this.#difference(nearest.compared, asked) as Difference;
    const ofDefinition = !found.at.startsWith("items");
    const why = ofDefinition ? `the agent is not what it was at the recording` : "the conversation is another one";
    return new CassetteError(
      ofDefinition ? "stale" : "mismatch",
      path,
      `${what}: it differs from recording ${nearest.exchange.number} in ${found.at}:\n  recorded: ${found.recorded}\n  now:      ${found.now}\n${why}; ${HOW_TO_RECORD} again`,
    );
  }

  #problem(error: CassetteError): CassetteError {
    this.problems.push(error);
    return error;
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#how;
    if (!clock || ms <= 0) return;
    let timer: unknown;
    const over = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, ms);
    });
    const stop = new AbortController();
    try {
      await Promise.race([over, aborted(signal, stop.signal)]);
    } finally {
      stop.abort();
      clock.clearTimeout(timer);
    }
  }
}

/** Ids named in the order in which they appear, the same in a recording and in the request that asks for it. */
function steady(request: NormalRequest): NormalRequest {
  const names = namesInOrder();
  return { ...request, items: request.items.map((item: JsonObject) => steadyItem(item, names)) };
}

function differenceIn(field: RequestField, recorded: NormalRequest, now: NormalRequest): Difference | undefined {
  // Which model would be asked need not be known where none is.
  if (field === "model" && (recorded.model === null || now.model === null)) return undefined;
  return difference(recorded[field], now[field], field);
}

/** Rejects with the reason as soon as the request is aborted; `stop` ends the listening. */
function aborted(signal: AbortSignal, stop?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true, ...(stop ? { signal: stop } : {}) });
  });
}
