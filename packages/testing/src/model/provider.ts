/// <reference types="node" preserve="true" />
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { JsonObject } from "@batonjs/core";

/** One request that arrived. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: JsonObject;
  /** Resolves when the connection of the request is closed, by whichever side. */
  readonly closed: Promise<void>;
}

/** What is answered: anything that can be done to a response. */
export type Handler = (request: ReceivedRequest, response: ServerResponse, number: number) => void | Promise<void>;

/** A provider on this machine that answers as it is told. For tests: it listens on loopback alone. */
export interface LoopbackProvider {
  /** Such as `http://127.0.0.1:41234/v1`. */
  readonly baseURL: string;
  readonly requests: readonly ReceivedRequest[];
  /** How many connections were made so far. */
  connections(): number;
  close(): Promise<void>;
}

/** Starts a provider that answers every request with `handler`, which is told how many came before. */
export async function startProvider(handler: Handler): Promise<LoopbackProvider> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((incoming, response) => {
    const closed = new Promise<void>((resolve) => response.once("close", () => resolve()));
    readJson(incoming)
      .then((body) => {
        const request: ReceivedRequest = {
          method: incoming.method ?? "",
          path: incoming.url ?? "",
          headers: incoming.headers,
          body,
          closed,
        };
        requests.push(request);
        return handler(request, response, requests.length - 1);
      })
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    requests,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readJson(incoming: IncomingMessage): Promise<JsonObject> {
  let text = "";
  incoming.setEncoding("utf8");
  for await (const chunk of incoming) text += chunk as string;
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return {};
  }
}

/** Answers with an event stream of `pieces`, and ends it. */
export function respond(
  response: ServerResponse,
  pieces: readonly (string | Uint8Array)[],
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "x-request-id": "req_loopback",
    ...headers,
  });
  for (const piece of pieces) response.write(piece);
  response.end();
}
