import {
  AbortError,
  type Model,
  type ModelError,
  type ModelEvent,
  type ModelReply,
  type ModelRequest,
  type ModelSettings,
} from "@batonjs/core";
import type { ContinuationLinks, Link } from "./continuation.ts";
import type { Dialect, StreamDecoder } from "./dialect.ts";
import { type Failure, modelError, requestIdOf, type Source } from "./errors.ts";
import { type BodyReader, DONE, Failed, type Frame, NOTHING_NEW, readBody } from "./events.ts";
import { mergeSettings } from "./options.ts";
import { networkFailure, type Server } from "./server.ts";
import { Watch } from "./watch.ts";

/** How long what may follow the end of a completion is waited for: usage, `[DONE]`. */
const GRACE_MS = 2_000;
/** How long the end of the body is waited for, so that the connection can be used again. */
const DRAIN_MS = 50;

export interface ModelParts {
  readonly name: string;
  readonly server: Server;
  readonly dialect: Dialect;
  readonly links: ContinuationLinks;
  /** Below those of a request. */
  readonly settings: ModelSettings;
}

/** A model of `server` that speaks `dialect`. */
export function createModel(parts: ModelParts): Model {
  return Object.freeze({
    name: parts.name,
    provider: parts.server.provider,
    stream: (request: ModelRequest) => ask(parts, request),
  });
}

/** One request and its reply. Whatever happens, the connection is closed or free for the next when this ends. */
async function* ask(parts: ModelParts, request: ModelRequest): AsyncGenerator<ModelEvent, void, undefined> {
  const { server, dialect, name } = parts;
  if (request.signal.aborted) throw new AbortError(request.signal.reason, request.at.agent);
  const source: Source = { model: name, provider: server.provider, scrub: server.scrub };
  const watch = new Watch(request.signal, server.limits);
  const decoder = dialect.fromStream(request);
  let reader: BodyReader | undefined;
  let requestId: string | undefined;
  let started = false;
  try {
    const { response, link } = await send(parts, request, watch);
    requestId = requestIdOf(response.headers);
    reader = readBody(response, server.limits, dialect.redundant);
    const body = reader;
    const cancel = (): void => body.cancel();
    watch.onStop = cancel;

    const shown: ModelEvent[] = [];
    let grace: ReturnType<typeof setTimeout> | undefined;
    try {
      while (decoder.state !== "complete") {
        const frames = await nextFrames(body, decoder);
        if (!frames || watch.stopped) break;
        const { progress, error } = takeAll(frames, body.whole, decoder, shown);
        started ||= progress;
        if (shown.length > 0) {
          watch.pause();
          for (const event of shown) yield event;
          shown.length = 0;
        }
        if (error !== undefined) throw error;
        if (progress) watch.resume();
        // The reply is known: a server that keeps the connection open does not hold it back for long.
        if (decoder.state === "settled") grace ??= setTimeout(cancel, GRACE_MS);
      }
    } finally {
      clearTimeout(grace);
    }
    if (watch.stopped) throw new Failed(stoppedFailure(watch));
    if (decoder.state === "open") throw new Failed(truncated(started));

    const reply = decoder.reply();
    await reader.drain(DRAIN_MS);
    if (watch.stopped) throw new Failed(stoppedFailure(watch));
    watch.end();
    yield finished(reply, parts.links.keep(link, reply.responseId), requestId);
  } catch (error) {
    throw asError(error, { source, request, watch, decoder, started, requestId });
  } finally {
    reader?.cancel();
    watch.close();
  }
}

/** Sends the request. Where the server does not know what it continues, all of it. */
async function send(
  { server, dialect, links, settings: defaults }: ModelParts,
  request: ModelRequest,
  watch: Watch,
): Promise<{ response: Response; link: Link }> {
  const settings = mergeSettings(defaults, request.settings);
  const post = (link: Link): Promise<Response> => {
    return server.post(dialect.path, { ...dialect.toRequest(request, settings, link.from), ...link.fields }, watch);
  };
  const link = await links.begin(request, settings, watch);
  try {
    return { response: await post(link), link };
  } catch (error) {
    if (link.from === 0 || !(error instanceof Failed) || error.failure.kind !== "invalid_request") throw error;
    // It may be that the server has forgotten, or never had, what was before. If it is not that, it will say so again.
    const whole = await links.restart(watch);
    return { response: await post(whole), link: whole };
  }
}

/** The next events. Once the reply is known, whatever ends the body is its end. */
async function nextFrames(reader: BodyReader, decoder: StreamDecoder): Promise<readonly Frame[] | undefined> {
  try {
    return await reader.next();
  } catch (error) {
    if (decoder.state !== "open") return undefined;
    throw error;
  }
}

/** Takes events until one is the last, or fails. What came before a failure is shown all the same. */
function takeAll(
  frames: readonly Frame[],
  whole: boolean,
  decoder: StreamDecoder,
  shown: ModelEvent[],
): { progress: boolean; error?: unknown } {
  let progress = false;
  for (const frame of frames) {
    if (frame === DONE) {
      decoder.done();
      // Of a reply that has not begun, nothing more will come.
      if (decoder.state === "open") return { progress: true, error: new Failed(truncated(true)) };
    } else if (frame === NOTHING_NEW) {
      progress = true;
    } else {
      try {
        if (whole) decoder.takeWhole(frame, shown);
        else progress = decoder.take(frame, shown) || progress;
      } catch (error) {
        // Whatever follows a reply that is known cannot undo it.
        return decoder.state === "open" ? { progress: true, error } : { progress: true };
      }
    }
    if (decoder.state === "complete") break;
  }
  return { progress };
}

function finished(reply: ModelReply, link: object, requestId: string | undefined): ModelReply {
  return {
    ...reply,
    providerData: { ...reply.providerData, ...link, ...(requestId === undefined ? {} : { requestId }) },
  };
}

const truncated = (started: boolean): Failure => ({
  kind: "truncated",
  message: started ? "the stream ended before the reply was complete" : "the stream ended before it began",
});

const TIMEOUTS: Readonly<Record<string, string>> = {
  firstEventTimeoutMs: "no event came",
  idleTimeoutMs: "no further event came",
  totalTimeoutMs: "the reply was not complete",
};

function stoppedFailure({ stopped }: Watch): Failure {
  if (stopped?.by !== "timeout") return { kind: "network", message: "the connection was closed" };
  const { limit, ms } = stopped;
  return { kind: "timeout", message: `${TIMEOUTS[limit] ?? limit} within ${ms} ms (${limit})` };
}

interface Circumstances {
  readonly source: Source;
  readonly request: ModelRequest;
  readonly watch: Watch;
  readonly decoder: StreamDecoder;
  readonly started: boolean;
  readonly requestId: string | undefined;
}

/** What is thrown: the caller's abort, or the one error of this package. */
function asError(
  error: unknown,
  { source, request, watch, decoder, started, requestId }: Circumstances,
): AbortError | ModelError {
  if (watch.stopped?.by === "caller") return new AbortError(request.signal.reason, request.at.agent);
  const failure = failureOf(error, watch, started);
  return modelError(source, { ...failure, requestId: failure.requestId ?? requestId, partialText: decoder.text });
}

function failureOf(error: unknown, watch: Watch, started: boolean): Failure {
  if (watch.stopped) return stoppedFailure(watch);
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    if (at instanceof Failed) return at.failure;
  }
  const failure = networkFailure(error);
  // A connection that is lost after the reply began has cut it, however it was lost.
  return started
    ? { ...truncated(true), message: `${truncated(true).message}: ${failure.message}`, cause: error }
    : failure;
}
