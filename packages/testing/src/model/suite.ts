import {
  AbortError,
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelEvent,
  type ModelReply,
  type ModelRequest,
} from "@batonjs/core";
import { check, equal } from "../session-store/checks.ts";
import type { Handler, LoopbackProvider } from "./provider.ts";
import type { WireDialect } from "./wire.ts";

/** What an adapter may lack. */
export type Capability =
  /** Uses the `fetch` that it is given. Without it, tests of exact chunks go over a socket. */
  | "fetch"
  | "reasoning"
  | "images"
  | "files"
  | "refusals"
  | "structured_output"
  | "tool_choice"
  /** Takes one JSON body from a server that does not stream. */
  | "whole_replies"
  /** Time limits of its own: first event, idle, total. */
  | "timeouts"
  /** Limits of size of its own: of an event, of a response. */
  | "limits"
  /** Reads `x-should-retry`, `retry-after-ms` and `retry-after`. */
  | "retry_hints"
  /** Converts each item once. */
  | "conversion_cache";

type Fetch = typeof globalThis.fetch;

/** What a model under test is made with. */
export interface ModelUnderTest {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly fetch?: Fetch;
  readonly firstEventTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
  /** Length of one event. */
  readonly maxEventLength?: number;
  readonly maxResponseBytes?: number;
}

/** A suite for one adapter and one dialect. `describe` and `it` come from the test runner; some tests take seconds. */
export interface ModelSuite {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly dialect: WireDialect;
  readonly create: (options: ModelUnderTest) => Model | Promise<Model>;
  /** Capabilities that the adapter does not have, each with the reason. A test of one that passes all the same fails. */
  readonly missing?: Partial<Readonly<Record<Capability, string>>>;
  /** Whether this runtime can listen on a port. Without it, the tests that need sockets are left out. @default true */
  readonly network?: boolean;
  /** The groups of tests to run, by their names, where all of them would take too long. @default all */
  readonly groups?: readonly string[];
  /** How often the generated tests run. @default {100} */
  readonly runs?: number;
}

/** What the groups of tests share. */
export interface Group extends ModelSuite {
  /** A test. One that needs what the adapter declares missing must fail. */
  readonly test: (name: string, body: () => Promise<void>, ...needs: readonly Capability[]) => void;
  /** A test over a socket, with a provider that answers by `handler`. */
  readonly socketTest: (
    name: string,
    handler: Handler,
    body: (provider: LoopbackProvider) => Promise<void>,
    ...needs: readonly Capability[]
  ) => void;
}

/** What a stream came to. */
export interface Outcome {
  readonly events: readonly ModelEvent[];
  readonly reply: ModelReply | undefined;
  readonly error: unknown;
}

/** A key that must be in no error. */
export const CANARY = "sk-canary-4f1d0c2b9a8e7d6c5b4a";

/** Iterates a stream to its end. Checks what holds of every stream: one reply at most, as the last event, or an error. */
export async function collect(model: Model, request: ModelRequest): Promise<Outcome> {
  const events: ModelEvent[] = [];
  let reply: ModelReply | undefined;
  let error: unknown;
  try {
    for await (const event of model.stream(request)) {
      check(reply === undefined, `a "${event.type}" event followed the reply`);
      events.push(event);
      if (event.type === "reply") reply = event;
    }
    check(reply !== undefined, "the stream ended without a reply and without an error");
  } catch (thrown) {
    if (thrown instanceof Error && thrown.constructor === Error) throw thrown;
    error = thrown;
    check(reply === undefined, "the stream failed after the reply");
    check(error instanceof ModelError || error instanceof AbortError, `expected a ModelError, found ${String(error)}`);
  }
  return { events, reply, error };
}

/** The error of a stream that must fail with `kind`. */
export function failed({ error, reply }: Outcome, kind: ModelErrorKind | undefined, what: string): ModelError {
  check(error instanceof ModelError, `${what}: expected a ModelError, found ${reply ? "a reply" : String(error)}`);
  check(
    kind === undefined || error.kind === kind,
    `${what}: expected kind "${String(kind)}", found "${error.kind}" (${error.message})`,
  );
  return error;
}

/** A reply in no dialect: what of it every adapter must agree on. */
export interface PlainReply {
  readonly text: string;
  readonly refusal: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finishReason: string;
}

/** The reply of a stream that must have one. */
export function replied({ reply, error }: Outcome, what: string): ModelReply {
  if (reply === undefined)
    throw new Error(`${what}: expected a reply, found ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  return reply;
}

export function plain(reply: ModelReply): PlainReply {
  let text = "";
  let refusal = "";
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const item of reply.items) {
    if (item.type === "tool_call") calls.push({ id: item.callId, name: item.name, arguments: item.arguments });
    if (item.type !== "message") continue;
    if (typeof item.content === "string") text += item.content;
    else {
      for (const part of item.content) {
        if (part.type === "text") text += part.text;
        else if (part.type === "refusal") refusal += part.refusal;
      }
    }
  }
  return { text, refusal, calls, finishReason: reply.finishReason };
}

/** The deltas of a stream, put together. */
export function shownBy(events: readonly ModelEvent[]): {
  text: string;
  reasoning: string;
  calls: Readonly<Record<string, { name: string; arguments: string }>>;
} {
  let text = "";
  let reasoning = "";
  const calls = new Map<string, { name: string; arguments: string }>();
  for (const event of events) {
    if (event.type === "text_delta") text += event.delta;
    else if (event.type === "reasoning_delta") reasoning += event.delta;
    else if (event.type === "tool_call_delta") {
      const call = calls.get(event.callId) ?? { name: "", arguments: "" };
      calls.set(event.callId, { name: event.name ?? call.name, arguments: call.arguments + event.delta });
    }
  }
  return { text, reasoning, calls: Object.fromEntries(calls) };
}

/** How a `fetch` under our hands answers. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly chunks: readonly (string | Uint8Array)[];
  /** What follows the last chunk: the end, a lost connection, or nothing. @default "end" */
  readonly after?: "end" | "lost" | "silence";
}

const encoder = new TextEncoder();

/** A `fetch` that gives the answers in turn, the last one for good, and keeps the bodies of requests. */
function answering(answers: readonly Answer[]): { readonly fetch: Fetch; readonly bodies: string[] } {
  const bodies: string[] = [];
  const fetch: Fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
    bodies.push(typeof init?.body === "string" ? init.body : "");
    const answer = answers[Math.min(bodies.length, answers.length) - 1] as Answer;
    const signal = init?.signal ?? undefined;
    signal?.throwIfAborted();
    return new Response(bodyOf(answer, signal), {
      status: answer.status ?? 200,
      headers: { "content-type": "text/event-stream", ...answer.headers },
    });
  };
  return { fetch, bodies };
}

function bodyOf({ status, chunks, after }: Answer, signal: AbortSignal | undefined): ReadableStream<Uint8Array> | null {
  if (status === 204 || status === 304) return null;
  let next = 0;
  let onAbort: (() => void) | undefined;
  const free = (): void => {
    if (onAbort) signal?.removeEventListener("abort", onAbort);
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onAbort = () => {
          free();
          controller.error(signal?.reason);
        };
        signal?.addEventListener("abort", onAbort);
      },
      pull(controller) {
        const chunk = chunks[next++];
        if (chunk !== undefined) {
          const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
          if (bytes.byteLength > 0) controller.enqueue(bytes);
          else return this.pull?.(controller);
        } else if (after === "silence") return new Promise(() => {});
        else {
          free();
          if (after === "lost")
            controller.error(
              Object.assign(new TypeError("terminated"), {
                cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }),
              }),
            );
          else controller.close();
        }
        return undefined;
      },
      cancel: free,
    },
    { highWaterMark: 0 },
  );
}

/** Makes a model that gets `answers`. */
export async function modelAnswering(
  { create, missing, network }: ModelSuite,
  answers: readonly Answer[],
  options: Partial<ModelUnderTest> = {},
): Promise<{ model: Model; bodies: string[]; close(): Promise<void> }> {
  const { fetch, bodies } = answering(answers);
  if (missing?.fetch === undefined || network === false) {
    const model = await create({ baseURL: "http://127.0.0.1:9/v1", apiKey: CANARY, fetch, ...options });
    return { model, bodies, close: async () => {} };
  }
  const { startProvider } = await import("./provider.ts");
  const provider = await startProvider(async ({ body }, response, number) => {
    bodies.push(JSON.stringify(body));
    const answer = answers[Math.min(number, answers.length - 1)] as Answer;
    response.writeHead(answer.status ?? 200, { "content-type": "text/event-stream", ...answer.headers });
    for (const chunk of answer.chunks) {
      response.write(chunk);
      // Another chunk only once this one is on its way.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (answer.after === "lost") response.destroy();
    else if (answer.after !== "silence") response.end();
  });
  return {
    model: await create({ baseURL: provider.baseURL, apiKey: CANARY, ...options }),
    bodies,
    close: () => provider.close(),
  };
}

/** Asks a model that gets `answers` once. */
export async function ask(
  suite: ModelSuite,
  answers: Answer | readonly Answer[],
  request: ModelRequest,
  options: Partial<ModelUnderTest> = {},
): Promise<Outcome & { bodies: readonly string[] }> {
  const { model, bodies, close } = await modelAnswering(suite, "chunks" in answers ? [answers] : answers, options);
  try {
    return { ...(await collect(model, request)), bodies };
  } finally {
    await close();
  }
}

/** Asks one model again and again, each time with its own answer: for tests that try many. */
export async function asking(
  suite: ModelSuite,
  request: ModelRequest,
  body: (ask: (answer: Answer) => Promise<Outcome>) => Promise<void>,
): Promise<void> {
  const answers: Answer[] = [];
  const { model, close } = await modelAnswering(suite, answers);
  try {
    await body((answer) => {
      answers.push(answer);
      return collect(model, request);
    });
  } finally {
    await close();
  }
}

/** Fails where a secret is anywhere in `error`: message, stack, cause, own fields, JSON. */
export function hasNoSecret(error: unknown, secret: string, what: string): void {
  const seen = new Set<unknown>();
  const look = (value: unknown, at: string): void => {
    if (typeof value === "string") check(!value.includes(secret), `${what}: the secret is in ${at}`);
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Headers) for (const [name, header] of value) look(header, `${at}.${name}`);
    for (const key of Reflect.ownKeys(value))
      look((value as Record<PropertyKey, unknown>)[key], `${at}.${String(key)}`);
  };
  look(error, "error");
  check(!(JSON.stringify(error) ?? "").includes(secret), `${what}: the secret is in the JSON of the error`);
  check(!String(error).includes(secret), `${what}: the secret is in the text of the error`);
}

export { check, equal };
