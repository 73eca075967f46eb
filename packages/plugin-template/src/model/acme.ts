import { AbortError, type Model, type ModelEvent, ModelError, type ModelRequest, type Plugin } from "@batonjs/core";
import { answerFailure, Failed, hideKey, modelError, networkFailure } from "./errors.ts";
import { readEvents } from "./events.ts";
import { ReplyReader } from "./from-stream.ts";
import { toRequest } from "./to-request.ts";

export interface AcmeOptions {
  readonly apiKey: string;
  /** @default "https://api.acme.example/v1" */
  readonly baseURL?: string;
  /** Length of one event of a reply. @default {1_000_000} */
  readonly maxEventLength?: number;
  /** Size of a whole reply. @default {50_000_000} */
  readonly maxResponseBytes?: number;
  readonly fetch?: typeof globalThis.fetch;
}
export interface AcmePlugin extends Plugin {
  model(name: string): Model;
}

/** How long the end of the body is waited for after the reply, so that the connection can be used again. */
const DRAIN_MS = 50;

/** Models of Acme, as a plugin: `acme/large` asks its model `large`. */
export function acme(options: AcmeOptions): AcmePlugin {
  if (options.apiKey === "") throw new TypeError("Cannot talk to Acme without a key: set apiKey");
  const { baseURL = "https://api.acme.example/v1" } = options;
  if (!URL.canParse(baseURL)) throw new TypeError(`Cannot use "${baseURL}" as baseURL of acme: expected a URL`);
  return {
    name: "acme",
    model: (name) => ({ name, provider: "acme", stream: (request) => ask(name, { ...options, baseURL }, request) }),
  };
}

/** One request and its reply. Whatever happens, the connection is closed or free for the next when this ends. */
async function* ask(
  model: string,
  options: AcmeOptions & { readonly baseURL: string },
  request: ModelRequest,
): AsyncGenerator<ModelEvent, void, undefined> {
  const { maxEventLength = 1_000_000, maxResponseBytes = 50_000_000 } = options;
  const { signal } = request;
  const connection = new AbortController();
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let giveUp = (): void => {};
  const onAbort = (): void => {
    connection.abort();
    giveUp();
    // What is read of a body that is cancelled is its end.
    reader?.cancel().catch(() => {});
  };
  const reply = new ReplyReader(model);
  try {
    if (signal.aborted) throw signal.reason;
    signal.addEventListener("abort", onAbort, { once: true });
    const body = JSON.stringify(toRequest(model, request), wellFormed);
    const response = await new Promise<Response>((resolve, reject) => {
      giveUp = () => reject(signal.reason as Error);
      post(options, body, connection.signal).then(resolve, reject);
    });
    reader = response.body?.getReader();
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    if (!response.ok || !isStream || !reader) throw await answerFailure(response, reader);
    for await (const frame of readEvents(reader, { maxEventLength, maxResponseBytes })) {
      if (signal.aborted) throw signal.reason;
      const event = reply.take(frame);
      if (event?.type === "reply") await drain(reader);
      if (signal.aborted) throw signal.reason;
      if (event) yield event;
      if (event?.type === "reply") return;
    }
    if (signal.aborted) throw signal.reason;
    throw new Failed({ kind: "truncated", message: "the stream ended before the reply did" });
  } catch (error) {
    if (signal.aborted) throw new AbortError(signal.reason, request.at.agent);
    if (error instanceof ModelError) throw error;
    const failure = error instanceof Failed ? error.failure : networkFailure(error, reply.text);
    throw modelError(model, { ...failure, partialText: reply.text }, hideKey(options.apiKey));
  } finally {
    signal.removeEventListener("abort", onAbort);
    reader?.cancel().catch(() => {});
    connection.abort();
  }
}

/** A redirect is not followed: it could take the key and the conversation to another host. */
async function post(options: AcmeOptions, body: string, signal: AbortSignal): Promise<Response> {
  const { fetch = globalThis.fetch, baseURL, apiKey } = options;
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  return fetch(`${baseURL}/chat`, { method: "POST", headers, body, signal, redirect: "manual" });
}

/** Reads the end of the body. The reply is complete: what goes wrong here does not matter. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), DRAIN_MS);
  try {
    while (!(await reader.read()).done);
  } catch {
    // The connection was lost.
  } finally {
    clearTimeout(timer);
  }
}

function wellFormed(_: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed() : value;
}
