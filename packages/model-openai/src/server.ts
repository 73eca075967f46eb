import type { ClientOptions, OpenAI } from "openai";
import { type Failure, httpFailure, scrubber } from "./errors.ts";
import { Failed, readBody, readStart } from "./events.ts";
import {
  type Compatibility,
  compatibilityOf,
  fromEnvironment,
  isOfficial,
  type Limits,
  limitsOf,
  type OpenAIOptions,
} from "./options.ts";
import { fields, filled, isFields, text } from "./wire.ts";
import type { Watch } from "./watch.ts";

/** The API that models of one plugin talk to. */
export interface Server {
  readonly provider: string;
  readonly host: string;
  /** It is OpenAI's own or Azure's. */
  readonly official: boolean;
  readonly compatibility: Required<Compatibility>;
  readonly limits: Limits;
  /** Takes keys out of a text. */
  readonly scrub: (text: string) => string;
  /**
   * Sends `body` and resolves to the answer, its body unread, if it is a success. Else rejects with `Failed`, or with
   * what `fetch` fails with.
   */
  post(path: string, body: object, watch: Watch): Promise<Response>;
}

/** A client. `guarded`: it uses our `fetch`. */
interface Connection {
  readonly client: OpenAI;
  readonly guarded: boolean;
}
type FetchOptions = NonNullable<ClientOptions["fetchOptions"]>;

const DEFAULT_URL = "https://api.openai.com/v1";

/** The longest time that timers take. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** How much of the body of an error is read. */
const MAX_ERROR_BYTES = 65_536;

/** Options that a client of the user's own brings with it. */
const OF_THE_CLIENT = ["apiKey", "baseURL", "fetch", "organization", "project", "headers"] as const;

/**
 * The API that `options` name. Nothing is loaded or opened before the first request: the `openai` package takes a third
 * of a second to load, and refuses to make a client without a key.
 */
export function server(provider: string, options: OpenAIOptions, readsEnvironment: boolean): Server {
  if (options.client) {
    const taken = OF_THE_CLIENT.find((name) => options[name] !== undefined);
    if (taken)
      throw new TypeError(`Cannot use option "${taken}" of ${provider} together with client: set it on the client`);
  }
  const baseURL =
    options.client?.baseURL ??
    options.baseURL ??
    (readsEnvironment ? fromEnvironment("OPENAI_BASE_URL") : undefined) ??
    DEFAULT_URL;
  if (!URL.canParse(baseURL))
    throw new TypeError(`Cannot use "${baseURL}" as baseURL of ${provider}: expected a URL such as "${DEFAULT_URL}"`);
  const official = isOfficial(baseURL);
  const limits = limitsOf(options);
  const secrets = new Set(knownSecrets(baseURL, options));
  let ready: Connection | undefined;
  const connect = once(
    async () => (ready = await connectTo(baseURL, options, secrets, readsEnvironment, official, limits)),
  );
  return {
    provider,
    host: new URL(baseURL).host,
    official,
    compatibility: compatibilityOf(official, options.compatibility),
    limits,
    scrub: scrubber(() => {
      const key = filled(options.client?.apiKey);
      return key === undefined ? secrets : [...secrets, key];
    }),
    async post(path, body, watch) {
      const { client, guarded } = ready ?? (await watch.race(connect()));
      const sent = client.post(path, {
        body,
        // The bodies of answers are read here: the client's own stream is never made.
        stream: true,
        // Retries are a wrapper's business, time that of the watch.
        maxRetries: 0,
        ...(guarded ? { fetchOptions: { [WATCH]: watch } as FetchOptions } : { signal: watch.signal }),
      });
      const response = await sent.asResponse().catch(rethrow);
      if (response.redirected && response.url !== "" && new URL(response.url).origin !== new URL(baseURL).origin) {
        throw new Failed({
          kind: "protocol",
          message: `the answer came from another host: ${new URL(response.url).origin}`,
          retryable: false,
        });
      }
      return response;
    },
  };
}

/** Begins a conversation at the server. */
export async function createConversation(api: Server, watch: Watch): Promise<string> {
  const response = await api.post("/conversations", {}, watch);
  const [conversation] = (await watch.race(readBody(response, api.limits).next())) ?? [];
  const id = filled(fields(conversation)["id"]);
  if (id === undefined)
    throw new Failed({ kind: "protocol", message: "the server began a conversation without an id" });
  return id;
}

/** The result of `make`, made when it is first needed. A failure is not kept. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

async function connectTo(
  baseURL: string,
  options: OpenAIOptions,
  secrets: Set<string>,
  readsEnvironment: boolean,
  official: boolean,
  { totalTimeoutMs }: Limits,
): Promise<Connection> {
  const timeout = totalTimeoutMs === 0 ? MAX_TIMEOUT_MS : totalTimeoutMs;
  if (options.client) return guard(options.client, timeout);
  const { OpenAI } = await import("openai");
  const key = options.apiKey ?? (readsEnvironment ? fromEnvironment("OPENAI_API_KEY") : undefined);
  const ownHeaders = Object.keys(options.headers ?? {}).map((name) => name.toLowerCase());
  const hasOwnAuth = ownHeaders.includes("authorization") || ownHeaders.includes("api-key");
  if (key === undefined && official && !hasOwnAuth) {
    const where = readsEnvironment ? "set OPENAI_API_KEY or pass apiKey" : "pass apiKey";
    throw new Failed({ kind: "auth", message: `there is no API key: ${where}`, retryable: false });
  }
  if (typeof key === "string") secrets.add(key);
  // Local servers want no key: the client insists on one, so it gets one that it does not send.
  const apiKey = key === undefined ? "none" : typeof key === "string" ? key : remembering(key, secrets);
  const client = new OpenAI({
    apiKey,
    adminAPIKey: null,
    baseURL,
    // What the environment says of OpenAI is no business of another server.
    ...(options.organization !== undefined || !readsEnvironment ? { organization: options.organization ?? null } : {}),
    ...(options.project !== undefined || !readsEnvironment ? { project: options.project ?? null } : {}),
    defaultHeaders: {
      Accept: "text/event-stream, application/json",
      ...(readsEnvironment ? {} : withoutCustomHeaders()),
      ...(key === undefined && !ownHeaders.includes("authorization") ? { Authorization: null } : {}),
      ...options.headers,
    },
    fetch: guardedFetch(options.fetch),
    maxRetries: 0,
    timeout,
    ...(options.dangerouslyAllowBrowser === undefined
      ? {}
      : { dangerouslyAllowBrowser: options.dangerouslyAllowBrowser }),
  });
  return { client, guarded: true };
}

/** Takes away the headers that the client adds for OpenAI where the environment says so: they may hold secrets. */
function withoutCustomHeaders(): Record<string, null> {
  const lines = (fromEnvironment("OPENAI_CUSTOM_HEADERS") ?? "").split("\n");
  return Object.fromEntries(
    lines.filter((line) => line.includes(":")).map((line) => [line.slice(0, line.indexOf(":")).trim(), null]),
  );
}

/** The caller's client, with our `fetch` around its own. One with a certificate takes none: it guards itself. */
function guard(client: OpenAI, timeout: number): Connection {
  const { fetch } = client as unknown as { fetch?: Fetch };
  try {
    return { client: client.withOptions({ fetch: guardedFetch(fetch), timeout }), guarded: true };
  } catch {
    return { client, guarded: false };
  }
}

/** A function that fetches keys, whose keys are then known as secrets. */
function remembering(fetchKey: () => Promise<string>, secrets: Set<string>): () => Promise<string> {
  let last: string | undefined;
  return async () => {
    const key = await fetchKey();
    if (key !== last) {
      if (last !== undefined) secrets.delete(last);
      secrets.add(key);
      last = key;
    }
    return key;
  };
}

type Fetch = typeof globalThis.fetch;

/** Under which a request's watch goes through the client to our `fetch`. A signal of the client's would cost more. */
const WATCH = Symbol("watch");

/**
 * `fetch` as it is used here: ends with the watch, follows no redirect, which could take the conversation and keys to
 * another host, and reads of an answer that is no success only so much, where the client would read all of it.
 */
function guardedFetch(own: Fetch | undefined): Fetch {
  return async (input, init) => {
    const { [WATCH]: watch, ...rest } = init as RequestInit & { [WATCH]?: Watch };
    if (!watch) return (own ?? globalThis.fetch)(input, init);
    const options: RequestInit = { ...rest, signal: watch.signal, redirect: "manual" };
    // One that was passed in may not look at its signal.
    const response = await (own ? watch.race(own(input, options)) : globalThis.fetch(input, options));
    if (response.ok || !response.body) return response;
    const start = wrapped(await watch.race(readStart(response.body, MAX_ERROR_BYTES)));
    return new Response(start, { status: response.status, statusText: response.statusText, headers: response.headers });
  };
}

/** The client keeps of an error only what is under `error`; other servers say it elsewhere. */
function wrapped(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    return isFields(value) && !("error" in value) ? JSON.stringify({ error: value }) : body;
  } catch {
    return body;
  }
}

/** What the client throws, as far as it is an answer of the server. */
function rethrow(error: unknown): never {
  const { status, headers, error: body, message } = fields(error);
  if (typeof status !== "number" || !(headers instanceof Headers)) throw error;
  const answered =
    body === undefined || body === null
      ? (text(message) ?? "").replace(/^\d{3} /, "")
      : JSON.stringify({ error: body });
  throw new Failed(httpFailure(status, headers, answered));
}

/** Codes of connections that could not be made or were lost. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; is the server running?",
  ENOTFOUND: "there is no such host",
};

/** What `fetch`, or reading a body, failed with: in the words of the innermost cause, those around it say less. */
export function networkFailure(error: unknown): Failure {
  let words = String(error);
  let code: string | undefined;
  for (
    let at: unknown = error, depth = 0;
    at !== undefined && at !== null && depth < 4;
    at = fields(at)["cause"], depth++
  ) {
    const { message, code: found } = fields(at);
    code ??= filled(found);
    words = filled(message) ?? words;
  }
  const advice = code === undefined ? undefined : ADVICE[code];
  const message = [
    words,
    ...(code === undefined || words.includes(code) ? [] : [code]),
    ...(advice === undefined ? [] : [advice]),
  ].join(": ");
  const kind = code !== undefined && /TIMEOUT|ETIMEDOUT/.test(code) ? "timeout" : "network";
  return { kind, message, cause: error };
}

const SECRET_HEADER = /auth|key|token|secret|cookie/i;
const MIN_SECRET_LENGTH = 4;

/** Secrets among the options: what must be in no error. */
function knownSecrets(baseURL: string, { apiKey, headers }: OpenAIOptions): string[] {
  const found: string[] = typeof apiKey === "string" ? [apiKey] : [];
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value !== null && SECRET_HEADER.test(name)) found.push(value, value.replace(/^\w+\s+/, ""));
  }
  const { password, searchParams } = new URL(baseURL);
  found.push(decodeURIComponent(password), ...searchParams.values());
  return found.filter((secret) => secret.length >= MIN_SECRET_LENGTH);
}
