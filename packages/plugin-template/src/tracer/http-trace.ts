import type { Plugin, RunEvent } from "@batonjs/core";
import { Scrubber } from "@batonjs/core/tracing";

export interface HttpTraceOptions {
  /** Takes arrays of lines by POST. */
  readonly url: string;
  /** Send what users, models and tools say, too. Secrets are taken out all the same. @default {false} */
  readonly capture?: boolean;
  /** Lines that may wait; beyond it the newest are dropped. @default {1_000} */
  readonly maxQueue?: number;
  /** What `close()` waits for the last lines, in milliseconds. @default {1_000} */
  readonly closeTimeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}
export interface HttpTracePlugin extends Plugin {
  /** Lines that wait, and that were dropped. */
  readonly stats: { readonly waiting: number; readonly dropped: number };
  close(): Promise<void>;
}

/** Sends a line for each event of a run to a server. No run waits for it, and no fault of it reaches a run. */
export function httpTrace(options: HttpTraceOptions): HttpTracePlugin {
  const { url, capture = false, maxQueue = 1_000, closeTimeoutMs = 1_000, fetch = globalThis.fetch } = options;
  if (!URL.canParse(url)) throw new TypeError(`Cannot send traces to "${url}": expected a URL`);
  const scrubber = new Scrubber();
  const closing = new AbortController();
  let queue: unknown[] = [];
  let inFlight = 0;
  let dropped = 0;
  let sending: Promise<void> | undefined;
  let giveUp = (): void => {};

  async function post(lines: readonly unknown[]): Promise<boolean> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(lines);
    // A redirect is not followed: it could take the traces to another host.
    const response = await fetch(url, { method: "POST", headers, body, signal: closing.signal, redirect: "error" });
    await response.body?.cancel();
    return response.ok;
  }

  async function sendAll(): Promise<void> {
    while (queue.length > 0) {
      const lines = queue;
      queue = [];
      inFlight = lines.length;
      // Not only `fetch` is told to stop: it may not listen.
      const sent = await new Promise<boolean>((resolve) => {
        giveUp = () => resolve(false);
        if (closing.signal.aborted) giveUp();
        else post(lines).then(resolve, giveUp);
      });
      if (!sent) dropped += lines.length;
      inFlight = 0;
    }
    sending = undefined;
  }

  return {
    name: "http-trace",
    get stats() {
      return { waiting: queue.length + inFlight, dropped };
    },
    onEvent(event) {
      if (event.type.endsWith("_delta")) return;
      if (queue.length + inFlight >= maxQueue || closing.signal.aborted) dropped++;
      else queue.push(scrubber.value(capture ? contentsOf(event) : factsOf(event)));
      sending ??= Promise.resolve().then(sendAll);
    },
    async close() {
      const timer = setTimeout(() => {
        closing.abort();
        giveUp();
      }, closeTimeoutMs);
      await sending;
      clearTimeout(timer);
    },
  };
}

/** Fields that are names, numbers and states: what anyone says is in none of them. */
const FACTS: ReadonlySet<string> = new Set(
  "at runId seq agent type turn model provider name from to toolName kind status code finishReason usage durationMs".split(
    " ",
  ),
);

function factsOf(event: RunEvent): object {
  return Object.fromEntries(Object.entries({ at: Date.now(), ...event }).filter(([name]) => FACTS.has(name)));
}

/** The whole event. An error becomes its message. */
function contentsOf(event: RunEvent): object {
  const text = JSON.stringify({ at: Date.now(), ...event }, (_, value: unknown) =>
    value instanceof Error ? `${value.name}: ${value.message}` : value,
  );
  return JSON.parse(text) as object;
}
