import { AbortError, type ModelError, type ModelErrorKind } from "@batonjs/core";
import { gzipSync } from "node:zlib";
import { requestOf } from "../request.ts";
import { type Handler, respond, startProvider } from "./provider.ts";
import { CANARY, check, collect, equal, failed, type Group, hasNoSecret, plain, replied } from "./suite.ts";

const ITEMS = [{ type: "message", id: "1", role: "user", content: "hi" }] as const;
const REQUEST = requestOf(ITEMS);

/** Fails where `promise` takes longer than `ms`. */
async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** I16, I17: an abort ends the stream at once, and closes the connection. */
export function testAborts(group: Group): void {
  const { test, socketTest, create, dialect } = group;
  const { frames, terminal } = dialect.encode({
    text: ["Hel", "lo, ", "world"],
    calls: [{ id: "c", name: "f", arguments: ['{"n"', ":1}"] }],
  });
  /** Everything but the end. */
  const holding: Handler = (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const frame of frames.slice(0, terminal)) response.write(frame);
  };

  const aborted = (error: unknown, reason: unknown, what: string): void => {
    check(error instanceof AbortError, `${what}: expected an AbortError, found ${String(error)}`);
    check(error.cause === reason, `${what}: the cause is not the signal's reason`);
  };

  test(
    "before the request: nothing is sent",
    async () => {
      let asked = 0;
      const fetch = async (): Promise<Response> => {
        asked++;
        return new Response("");
      };
      const model = await create({ baseURL: "http://127.0.0.1:9/v1", apiKey: CANARY, fetch });
      const reason = new Error("stop");
      aborted((await collect(model, requestOf(ITEMS, { signal: AbortSignal.abort(reason) }))).error, reason, "before");
      equal(asked, 0, "requests");
    },
    "fetch",
  );

  socketTest(
    "before the answer begins closes the connection",
    () => {},
    async (provider) => {
      const model = await create({ baseURL: provider.baseURL, apiKey: CANARY });
      const controller = new AbortController();
      const outcome = collect(model, requestOf(ITEMS, { signal: controller.signal }));
      while (provider.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      const reason = new Error("stop");
      controller.abort(reason);
      aborted((await within(200, "the abort", outcome)).error, reason, "waiting");
      await within(1_000, "closing the connection", (provider.requests[0] as { closed: Promise<void> }).closed);
    },
  );

  socketTest("after any event closes the connection", holding, async (provider) => {
    const model = await create({ baseURL: provider.baseURL, apiKey: CANARY });
    for (let after = 1; after <= 6; after++) {
      const controller = new AbortController();
      const reason = { after };
      const seen = { count: 0 };
      const iterate = async (): Promise<void> => {
        for await (const _ of model.stream(requestOf(ITEMS, { signal: controller.signal }))) {
          if (++seen.count === after) setTimeout(() => controller.abort(reason), 1);
        }
      };
      const error = await within(
        2_000,
        `abort after event ${after}`,
        iterate().then(
          () => undefined,
          (thrown: unknown) => thrown,
        ),
      );
      aborted(error, reason, `after event ${after}`);
      await within(1_000, "closing the connection", (provider.requests.at(-1) as { closed: Promise<void> }).closed);
    }
  });

  socketTest("by a consumer that stops reading closes the connection", holding, async (provider) => {
    const model = await create({ baseURL: provider.baseURL, apiKey: CANARY });
    for (let after = 1; after <= 6; after++) {
      let count = 0;
      for await (const _ of model.stream(REQUEST)) if (++count === after) break;
      await within(1_000, "closing the connection", (provider.requests.at(-1) as { closed: Promise<void> }).closed);
    }
  });

  test(
    "ends even if fetch does not look at its signal, and a body neither",
    async () => {
      const never = new Promise<Response>(() => {});
      const silent = async (): Promise<Response> =>
        new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), {
          headers: { "content-type": "text/event-stream" },
        });
      for (const fetch of [() => never, silent]) {
        const model = await create({ baseURL: "http://127.0.0.1:9/v1", apiKey: CANARY, fetch });
        const controller = new AbortController();
        setTimeout(() => controller.abort("stop"), 20);
        aborted(
          (await within(500, "the abort", collect(model, requestOf(ITEMS, { signal: controller.signal })))).error,
          "stop",
          "deaf",
        );
      }
    },
    "fetch",
  );

  test(
    "leaves no listener on the caller's signal",
    async () => {
      const { signal } = new AbortController();
      let listeners = 0;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      Object.assign(signal, {
        addEventListener: (...args: Parameters<typeof add>) => (listeners++, add(...args)),
        removeEventListener: (...args: Parameters<typeof remove>) => (listeners--, remove(...args)),
      });
      const success = dialect.encode({ text: ["x"] }).frames.join("");
      for (const [what, status, body] of [
        ["a reply", 200, success],
        ["an error", 500, "{}"],
        ["a stream that was cut", 200, success.slice(0, success.length / 2)],
      ] as const) {
        const fetch = async (): Promise<Response> =>
          new Response(body, { status, headers: { "content-type": "text/event-stream" } });
        const model = await create({ baseURL: "http://127.0.0.1:9/v1", apiKey: CANARY, fetch });
        await collect(model, requestOf(ITEMS, { signal }));
        equal(listeners, 0, `listeners after ${what}`);
      }
    },
    "fetch",
  );
}

/** Time limits: of the first event, between events, of the whole. */
export function testTimeouts(group: Group): void {
  const { socketTest, create, dialect } = group;
  const { frames, terminal } = dialect.encode({ text: ["Hel", "lo"] });
  const every =
    (ms: number, piece: string, before: readonly string[] = []): Handler =>
    (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const frame of before) response.write(frame);
      const timer = setInterval(() => response.write(piece), ms);
      response.once("close", () => clearInterval(timer));
    };
  const timed = (
    name: string,
    handler: Handler,
    options: { firstEventTimeoutMs?: number; idleTimeoutMs?: number; totalTimeoutMs?: number },
    partialText?: string,
  ): void => {
    socketTest(
      name,
      handler,
      async (provider) => {
        const model = await create({
          baseURL: provider.baseURL,
          apiKey: CANARY,
          firstEventTimeoutMs: 20_000,
          idleTimeoutMs: 20_000,
          totalTimeoutMs: 20_000,
          ...options,
        });
        // Without limits nothing comes: there is no need to wait for long.
        const most = group.missing?.timeouts === undefined ? 5_000 : 300;
        const error = failed(await within(most, name, collect(model, REQUEST)), "timeout", name);
        check(error.retryable, "a timeout may be retried where nothing was shown");
        if (partialText !== undefined) equal(error.partialText, partialText, "partialText");
        // On a busy machine the time may be over before the request has arrived.
        await within(1_000, "closing the connection", Promise.all(provider.requests.map(({ closed }) => closed)));
      },
      "timeouts",
    );
  };
  timed("148: no answer within the time for the first event", () => {}, { firstEventTimeoutMs: 100 });
  timed(
    "headers alone are no event",
    (_, response) => response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders(),
    { firstEventTimeoutMs: 100 },
  );
  timed("comments alone are no event", every(10, ": keep-alive\n\n"), { firstEventTimeoutMs: 150 });
  if (dialect.keepAlive !== undefined)
    timed("events that keep alive alone are no event", every(10, dialect.keepAlive), { firstEventTimeoutMs: 150 });
  timed(
    "silence after an event",
    (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const frame of frames.slice(0, terminal)) response.write(frame);
    },
    { idleTimeoutMs: 100 },
    "Hello",
  );
  timed(
    "comments after an event are silence",
    every(10, ": keep-alive\n\n", frames.slice(0, terminal)),
    { idleTimeoutMs: 150 },
    "Hello",
  );
  timed("a stream that goes on and on", every(5, frames[terminal - 1] as string), { totalTimeoutMs: 200 });

  socketTest(
    "a consumer that takes its time is no silence",
    (_, response) => respond(response, frames),
    async (provider) => {
      const model = await create({
        baseURL: provider.baseURL,
        apiKey: CANARY,
        firstEventTimeoutMs: 5_000,
        idleTimeoutMs: 60,
        totalTimeoutMs: 20_000,
      });
      for await (const _ of model.stream(REQUEST)) await new Promise((resolve) => setTimeout(resolve, 150));
    },
  );
}

/** C5: what goes wrong below the stream. */
export function testHttp(group: Group): void {
  const { socketTest, test, create, dialect } = group;
  const { frames, terminal } = dialect.encode({ text: ["Hello"], usage: { input: 1, output: 1 } });

  const fails = (
    name: string,
    kind: ModelErrorKind | undefined,
    handler: Handler,
    verify: (error: ModelError) => void = () => {},
  ): void => {
    socketTest(name, handler, async (provider) => {
      const model = await create({ baseURL: provider.baseURL, apiKey: CANARY });
      const error = failed(await within(10_000, name, collect(model, REQUEST)), kind, name);
      hasNoSecret(error, CANARY, name);
      verify(error);
    });
  };
  const works = (name: string, handler: Handler): void => {
    socketTest(name, handler, async (provider) => {
      const model = await create({ baseURL: provider.baseURL, apiKey: CANARY });
      equal(plain(replied(await within(10_000, name, collect(model, REQUEST)), name)).text, "Hello", "text");
    });
  };

  fails(
    "135: 503 with HTML",
    "overloaded",
    (_, response) => void response.writeHead(503, { "content-type": "text/html" }).end("<html>Unavailable</html>"),
  );
  fails(
    "136: 413 with HTML",
    "context_length",
    (_, response) => void response.writeHead(413, { "content-type": "text/html" }).end("<html>Too large</html>"),
  );
  fails("137: 204", "protocol", (_, response) => void response.writeHead(204).end());
  fails(
    "138: 200 with empty JSON",
    "protocol",
    (_, response) => void response.writeHead(200, { "content-type": "application/json" }).end("{}"),
  );
  fails(
    "200 with JSON that is none",
    "protocol",
    (_, response) => void response.writeHead(200, { "content-type": "application/json" }).end("{nope"),
  );
  fails(
    "200 with nothing",
    "truncated",
    (_, response) => void response.writeHead(200, { "content-type": "text/event-stream" }).end(),
  );
  fails(
    "142: an error that is no JSON",
    "invalid_request",
    (_, response) => void response.writeHead(400, { "content-type": "application/json" }).end('{"error":'),
  );
  fails("143: a flood of headers", "network", (_, response) => {
    response.socket?.end(
      `HTTP/1.1 200 OK\r\n${Array.from({ length: 5_000 }, (_, i) => `x-${i}: ${"y".repeat(100)}\r\n`).join("")}\r\n`,
    );
  });
  test(
    "145: a host without an address",
    async () => {
      const cause = Object.assign(new Error("getaddrinfo ENOTFOUND host.invalid"), { code: "ENOTFOUND" });
      const fetch = (): Promise<Response> => Promise.reject(Object.assign(new TypeError("fetch failed"), { cause }));
      const model = await create({ baseURL: "http://host.invalid/v1", apiKey: CANARY, fetch });
      const error = failed(await collect(model, REQUEST), "network", "a host without an address");
      check(error.retryable, "it may be tried again");
      hasNoSecret(error, CANARY, "a host without an address");
    },
    "fetch",
  );
  fails("147: a reset before the headers", "network", (_, response) => void response.socket?.resetAndDestroy());
  fails("a connection that is closed before the headers", "network", (_, response) => void response.socket?.destroy());
  fails("89: a stream that is cut in its chunked encoding", "truncated", (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(frames.slice(0, terminal).join(""), () => setTimeout(() => response.socket?.destroy(), 20));
  });
  works("90: a content length that is longer than the body", (_, response) => {
    const body = frames.join("");
    response.writeHead(200, { "content-type": "text/event-stream", "content-length": Buffer.byteLength(body) + 100 });
    response.write(body, () => setTimeout(() => response.socket?.destroy(), 20));
  });
  works("a stream in gzip", (_, response) => {
    response
      .writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" })
      .end(gzipSync(frames.join("")));
  });
  fails("88: a stream in gzip that is cut", undefined, (_, response) => {
    const body = gzipSync(frames.join(""));
    response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" });
    response.end(body.subarray(0, Math.floor(body.length / 2)));
  });
  works("a server that keeps the connection open after the end", (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const frame of frames) response.write(frame);
  });
  works("a server that sends the end of the reply and then nothing", (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const frame of frames.slice(0, terminal + 1)) response.write(frame);
  });

  let sent = 0;
  fails(
    "141: an error with a body of 100 MB is not read to its end",
    "server",
    (_, response) => {
      response.writeHead(500, { "content-type": "text/plain" });
      const piece = "x".repeat(65_536);
      const more = (): void => {
        while (sent < 100_000_000) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    },
    () => check(sent < 50_000_000, `it read ${sent} bytes`),
  );

  for (const status of [301, 302, 303, 307, 308]) {
    test(`139: a redirect (${status}) to another host takes neither the key nor the conversation there`, async () => {
      if (group.network === false) return;
      const other = await startProvider((_, response) => respond(response, frames));
      const first = await startProvider(
        (_, response) =>
          void response.writeHead(status, { location: `${other.baseURL.replace("127.0.0.1", "localhost")}/x` }).end(),
      );
      try {
        const model = await create({ baseURL: first.baseURL, apiKey: CANARY });
        const error = failed(await collect(model, REQUEST), "protocol", "redirect");
        check(!error.retryable, "it would redirect again");
        for (const request of other.requests) {
          check(request.headers.authorization === undefined, "the key was sent to another host");
          check(Object.keys(request.body).length === 0, "the conversation was sent to another host");
        }
      } finally {
        await first.close();
        await other.close();
      }
    });
  }

  test("144: a connection that is refused", async () => {
    if (group.network === false) return;
    const gone = await startProvider(() => {});
    await gone.close();
    const model = await create({ baseURL: gone.baseURL, apiKey: CANARY });
    check(failed(await collect(model, REQUEST), "network", "refused").retryable, "it may be retried");
  });

  test("146: TLS that fails", async () => {
    if (group.network === false) return;
    const provider = await startProvider(() => {});
    try {
      const model = await create({ baseURL: provider.baseURL.replace("http:", "https:"), apiKey: CANARY });
      failed(await within(10_000, "TLS", collect(model, REQUEST)), "network", "TLS");
    } finally {
      await provider.close();
    }
  });

  socketTest(
    "149: a connection that is closed between requests is an error of the network, or a new connection",
    (_, response, number) => {
      if (number === 1) response.socket?.destroy();
      else respond(response, frames);
    },
    async (provider) => {
      const model = await create({ baseURL: provider.baseURL, apiKey: CANARY });
      replied(await collect(model, REQUEST), "first");
      // Some runtimes connect again by themselves where a connection that was used before is gone.
      const second = await collect(model, REQUEST);
      if (!second.reply) check(failed(second, "network", "second").retryable, "it may be retried");
      replied(await collect(model, REQUEST), "third");
    },
  );

  socketTest(
    "a connection is used again for the next request, also by a consumer that stops at the reply",
    (_, response) => {
      // The end of the body comes a little later than that of the reply.
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(frames.join(""), () => setTimeout(() => response.end(), 3));
    },
    async (provider) => {
      const model = await create({ baseURL: provider.baseURL, apiKey: CANARY });
      for (let i = 0; i < 6; i++) for await (const event of model.stream(REQUEST)) if (event.type === "reply") break;
      check(provider.connections() <= 2, `${provider.connections()} connections for 6 requests`);
    },
  );
}
