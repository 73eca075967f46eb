import { checkKeys } from "@batonjs/core";
import { announce } from "./watch.ts";

/** Network calls that tests have not planned. */
export interface Blocked {
  /** What was asked for, as `POST https://…`, oldest first, also where the error was swallowed. */
  readonly calls: readonly string[];
  /** Puts back what was there. */
  restore(): void;
}

/** What may be called all the same. */
export interface BlockOptions {
  /** Hosts, with or without a port: `["127.0.0.1", "localhost:8080"]`. @default none */
  readonly allow?: readonly string[];
}

/** A network call in a test that must not make any. */
export class BlockedCallError extends Error {
  override name = "BlockedCallError";
}

/**
 * From here on `fetch` and `WebSocket` fail, so that no test asks a real model by mistake. With the setup file
 * `@batonjs/testing/vitest` a call also fails its test where the error was swallowed. What opens sockets by itself, as
 * `node:http` does, is not seen.
 */
export function blockRealModels(options: BlockOptions = {}): Blocked {
  checkKeys(options, new Set(["allow"]), "blockRealModels()");
  const { allow = [] } = options;
  const { fetch, WebSocket: Socket } = globalThis;
  const calls: string[] = [];
  const blocked = (method: string, address: string): BlockedCallError | undefined => {
    const url = new URL(address, "http://localhost");
    if (allow.includes(url.host) || allow.includes(url.hostname) || url.protocol === "data:") return undefined;
    const what = `${method} ${url.origin}${url.pathname}`;
    calls.push(what);
    return new BlockedCallError(
      `Cannot call ${what}: this test run makes no network calls; give the runner a model of @batonjs/testing, or allow the host`,
    );
  };
  globalThis.fetch = async (input, init) => {
    const address = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
    const method = init?.method ?? (input instanceof Request ? input.method : "GET");
    const error = blocked(method, address);
    if (error) throw error;
    return fetch(input, init);
  };
  if ((Socket as unknown) !== undefined) {
    globalThis.WebSocket = class extends Socket {
      constructor(url: string | URL, protocols?: string | string[]) {
        const error = blocked("CONNECT", String(url));
        if (error) throw error;
        super(url, protocols);
      }
    };
  }
  announce({
    name: "blockRealModels",
    problems: () => calls.map((what) => new BlockedCallError(`A test called ${what} and swallowed that it is blocked`)),
  });
  return {
    calls,
    restore() {
      globalThis.fetch = fetch;
      if ((Socket as unknown) !== undefined) globalThis.WebSocket = Socket;
    },
  };
}
