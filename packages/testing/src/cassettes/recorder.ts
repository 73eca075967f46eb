import type { Clock, Json, JsonObject, Model, ModelEvent, ModelReply, ModelRequest } from "@batonjs/core";
import { toFailure } from "./failure.ts";
import type { Ending, Exchange } from "./file.ts";
import { normalForm, type NormalRequest, plain } from "./normal-form.ts";
import type { Redaction } from "./redaction.ts";
import { type Timed, toParts, withoutSecrets } from "./streamed.ts";
import { type Names, namesForFile, steadyData, steadyItem } from "./volatile.ts";

/** An exchange as it happened, while it happens. */
interface Taken {
  readonly request: NormalRequest;
  readonly signal: AbortSignal;
  readonly events: Timed[];
  /** How it ended; nothing while it goes on. */
  end?: RawEnding;
}
interface RawEnding {
  readonly reply?: ModelReply;
  readonly error?: { readonly thrown: unknown };
  readonly stopped?: "aborted" | "left";
  readonly wait: number;
}

/** Asks the real model, and keeps what it was asked and what it answered. */
export class Recorder {
  readonly #taken: Taken[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async *stream(request: ModelRequest, model: Model): AsyncGenerator<ModelEvent> {
    const { signal } = request;
    const taken: Taken = { request: normalForm(request, model), signal, events: [] };
    this.#taken.push(taken);
    let last = this.#clock.now();
    const wait = (): number => {
      const now = this.#clock.now();
      const passed = Math.max(0, Math.round(now - last));
      last = now;
      return passed;
    };
    try {
      for await (const event of model.stream(request)) {
        if (event.type === "reply") {
          taken.end = { reply: plain(event) as unknown as ModelReply, wait: wait() };
          yield event;
          return;
        }
        taken.events.push({ event: plain(event) as unknown as Timed["event"], wait: wait() });
        yield event;
      }
      taken.end = { wait: wait() };
    } catch (thrown) {
      taken.end = signal.aborted ? { stopped: "aborted", wait: wait() } : { error: { thrown }, wait: wait() };
      throw thrown;
    } finally {
      taken.end ??= { stopped: signal.aborted ? "aborted" : "left", wait: wait() };
    }
  }

  /** All exchanges, as they are written: without secrets, ids and times as they would be in any other recording. */
  exchanges(redaction: Redaction): readonly Exchange[] {
    const ofReplies = new Set(this.#taken.flatMap(({ end }) => callIds(end?.reply?.items ?? [])));
    const ofRequests = new Set(this.#taken.flatMap(({ request }) => [...request.path, ...callIds(request.items)]));
    const names = namesForFile(ofReplies, ofRequests);
    return this.#taken.map(({ request, events, end, signal }, index) => {
      const clean = redaction.request(request);
      return {
        number: index + 1,
        request: {
          ...clean,
          items: clean.items.map((item) => steadyItem(item, names)),
          path: clean.path.map((id) => names.call(id)),
        },
        stream: toParts(withoutSecrets(events, redaction), (id) => names.call(id)),
        end: ending(end ?? { stopped: signal.aborted ? "aborted" : "left", wait: 0 }, index + 1, redaction, names),
      };
    });
  }
}

function callIds(items: readonly object[]): readonly string[] {
  return items.flatMap((item) => ("callId" in item && typeof item.callId === "string" ? [item.callId] : []));
}

function ending({ reply, error, ...rest }: RawEnding, number: number, redaction: Redaction, names: Names): Ending {
  if (error) return { error: toFailure(error.thrown, redaction), ...rest };
  if (!reply) return rest;
  const { type: _, items, finishReason, usage, responseId, providerData, ...more } = reply;
  const item = (each: JsonObject): JsonObject => {
    const { id: _, ...rest } = each;
    return steadyItem(redaction.item(rest), names);
  };
  return {
    reply: {
      items: (items as unknown as readonly JsonObject[]).map(item) as unknown as ModelReply["items"],
      finishReason,
      usage,
      ...(responseId === undefined ? {} : { responseId: `resp_${number}` }),
      ...(redaction.item(more as unknown as JsonObject) as object),
      ...(providerData === undefined
        ? {}
        : { providerData: steadyData(redaction.data(providerData as Json), names) as JsonObject }),
    },
    ...rest,
  };
}
