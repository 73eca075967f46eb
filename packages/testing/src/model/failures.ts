import { type Clock, ModelError, retry, wrapModel } from "@batonjs/core";
import { requestOf } from "../request.ts";
import {
  type Answer,
  ask,
  CANARY,
  check,
  collect,
  equal,
  failed,
  type Group,
  hasNoSecret,
  modelAnswering,
  plain,
  replied,
} from "./suite.ts";
import type { ErrorCase, WireDialect } from "./wire.ts";

const REQUEST = requestOf([{ type: "message", id: "1", role: "user", content: "hi" }]);

function answerOf(
  { status, headers, body }: Omit<ErrorCase, "what" | "kind" | "retryable">,
  dialect: WireDialect,
): Answer {
  const text = typeof body === "string" ? body : JSON.stringify(dialect.error(body));
  return {
    status,
    headers: { "content-type": "application/json", "x-request-id": "req_7", ...headers },
    chunks: [text],
  };
}

/** RELIABILITY: "Errors of a model provider". */
export function testErrors(group: Group): void {
  const { test, dialect } = group;

  for (const given of dialect.errors) {
    test(`${given.what} is ${given.kind}, ${given.retryable ? "to be retried" : "final"}`, async () => {
      const error = failed(await ask(group, answerOf(given, dialect), REQUEST), given.kind, given.what);
      equal(
        { retryable: error.retryable, status: error.status, requestId: error.requestId },
        { retryable: given.retryable, status: given.status, requestId: "req_7" },
        "error",
      );
      if (typeof given.body !== "string")
        check(error.message.includes(given.body.message), `expected the server's words in "${error.message}"`);
      equal(
        { model: error.model === undefined, provider: error.provider === undefined },
        { model: false, provider: false },
        "model and provider",
      );
    });
  }

  const server = { type: "server_error", code: "server_error", message: "It failed" };
  test("an error in the stream before anything came is stream_error, to be retried", async () => {
    const error = failed(await ask(group, { chunks: [dialect.errorFrame(server)] }, REQUEST), "stream_error", "first");
    check(error.retryable && error.message.includes("It failed"), error.message);
  });

  test("an error in the stream after text keeps the text", async () => {
    const { frames, terminal } = dialect.encode({ text: ["Hel", "lo"] });
    const error = failed(
      await ask(group, { chunks: [...frames.slice(0, terminal), dialect.errorFrame(server)] }, REQUEST),
      "stream_error",
      "later",
    );
    equal(error.partialText, "Hello", "partialText");
  });

  const hints: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
    ["retry-after: 0", { "retry-after": "0" }, 0],
    ["retry-after: 1", { "retry-after": "1" }, 1_000],
    ["retry-after: 1.5", { "retry-after": "1.5" }, 1_500],
    ["retry-after: 3600", { "retry-after": "3600" }, 3_600_000],
    ["retry-after: -5", { "retry-after": "-5" }, undefined],
    ["retry-after: abc", { "retry-after": "abc" }, undefined],
    ["retry-after: Infinity", { "retry-after": "Infinity" }, undefined],
    ["an HTTP date in the past", { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
    [
      "an HTTP date, by the server's clock",
      { "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", date: "Wed, 21 Oct 2015 07:28:00 GMT" },
      30_000,
    ],
    ["retry-after-ms: 250", { "retry-after-ms": "250", "retry-after": "9" }, 250],
    ["retry-after-ms: 1e9", { "retry-after-ms": "1e9" }, 1e9],
    ["no hint", {}, undefined],
  ];
  for (const [what, headers, expected] of hints) {
    test(
      `130, 131: ${what} is ${expected === undefined ? "no hint" : `a hint of ${expected} ms`}`,
      async () => {
        const outcome = await ask(
          group,
          answerOf({ status: 429, headers, body: { message: "Slow down" } }, dialect),
          REQUEST,
        );
        equal(failed(outcome, "rate_limit", what).retryAfterMs, expected, "retryAfterMs");
      },
      ...(expected === undefined ? [] : (["retry_hints"] as const)),
    );
  }
  test(
    "130: a date in the year 9999 is a very long wait",
    async () => {
      const headers = { "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT" };
      const { retryAfterMs } = failed(
        await ask(group, answerOf({ status: 503, headers, body: { message: "x" } }, dialect), REQUEST),
        "overloaded",
        "9999",
      );
      check(retryAfterMs !== undefined && retryAfterMs > 1e12 && Number.isFinite(retryAfterMs), String(retryAfterMs));
    },
    "retry_hints",
  );
}

/** I25: no key is in any error. */
export function testSecrets(group: Group): void {
  const { test, dialect } = group;
  const words = `Incorrect API key provided: ${CANARY}. Sent: Bearer ${CANARY}`;
  const answers: Readonly<Record<string, Answer>> = {
    "140: the body of a 401": answerOf({ status: 401, body: { code: "invalid_api_key", message: words } }, dialect),
    "the code and type of a 400": answerOf(
      { status: 400, body: { code: CANARY, type: CANARY, message: words } },
      dialect,
    ),
    "a text as body": { status: 500, chunks: [words] },
    "HTML as body": { status: 503, headers: { "content-type": "text/html" }, chunks: [`<html>${words}</html>`] },
    "a long body, where it would be cut": { status: 400, chunks: ["x".repeat(990 - 60), words] },
    "HTML that says it is a success": { headers: { "content-type": "text/html" }, chunks: [`<html>${words}</html>`] },
    "the content type": { headers: { "content-type": `text/${CANARY}` }, chunks: ["x"] },
    "a redirect": { status: 302, headers: { location: `https://evil.example/?key=${CANARY}` }, chunks: [] },
    "an error in the stream": { chunks: [dialect.errorFrame({ code: CANARY, message: words })] },
    "an event that is no JSON": { chunks: [`data: ${words}\n\n`] },
    "text before the stream was cut": {
      chunks: dialect.encode({ text: ["x ", words] }).frames.slice(0, dialect.encode({ text: ["x ", words] }).terminal),
    },
  };
  for (const [what, answer] of Object.entries(answers)) {
    test(`${what} is told without the key`, async () => {
      const { error } = await ask(group, answer, REQUEST);
      check(error instanceof ModelError, `expected a ModelError, found ${String(error)}`);
      hasNoSecret(error, CANARY, what);
    });
  }

  test(
    "what fetch throws is told without the key",
    async () => {
      const fetch = async (): Promise<Response> => {
        throw new TypeError(`fetch failed: ${words}`, {
          cause: Object.assign(new Error(words), {
            code: "ECONNRESET",
            headers: { authorization: `Bearer ${CANARY}` },
          }),
        });
      };
      const { error } = await ask(group, { chunks: [] }, REQUEST, { fetch });
      failed({ events: [], reply: undefined, error }, "network", "fetch");
      hasNoSecret(error, CANARY, "fetch");
    },
    "fetch",
  );

  test("the model itself does not show it", async () => {
    const { model, close } = await modelAnswering(group, [{ chunks: [] }]);
    check(!JSON.stringify(model).includes(CANARY), "the key is in the JSON of the model");
    await close();
  });
}

/** A clock on which no time passes but what is waited for. */
function fakeClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  let now = 0;
  return {
    waits,
    now: () => now,
    setTimeout(wake, ms) {
      waits.push(ms);
      now += ms;
      queueMicrotask(wake);
      return undefined;
    },
    clearTimeout() {},
  };
}

/** I22: what core's retry wrapper makes of the adapter's errors. */
export function testRetries(group: Group): void {
  const { test, dialect } = group;
  const success: Answer = { chunks: dialect.encode({ text: ["ok"] }).frames };
  const rateLimit = (headers: Readonly<Record<string, string>> = {}): Answer =>
    answerOf({ status: 429, headers, body: { message: "Slow down" } }, dialect);

  const retried = async (
    answers: readonly Answer[],
  ): Promise<Awaited<ReturnType<typeof collect>> & { requests: number; waits: number[] }> => {
    const { model, bodies, close } = await modelAnswering(group, answers);
    const clock = fakeClock();
    try {
      const outcome = await collect(
        wrapModel(model, retry({ clock, random: () => 1, maxRetries: 2, baseDelayMs: 100, maxDelayMs: 10_000 })),
        REQUEST,
      );
      return { ...outcome, requests: bodies.length, waits: clock.waits };
    } finally {
      await close();
    }
  };

  test("asks again after 429, 500, 503 and 529, later each time", async () => {
    for (const status of [429, 500, 503, 529]) {
      const answer = answerOf({ status, body: { message: "x" } }, dialect);
      const { requests, waits, ...outcome } = await retried([answer, answer, success]);
      equal(plain(replied(outcome, String(status))).text, "ok", "text");
      equal({ requests, waits }, { requests: 3, waits: [100, 200] }, String(status));
    }
  });

  test("gives up after the last try, with the last error", async () => {
    const { requests, ...outcome } = await retried([rateLimit()]);
    failed(outcome, "rate_limit", "last");
    equal(requests, 3, "requests");
  });

  test(
    "waits as long as the server asks",
    async () => {
      const { waits } = await retried([
        rateLimit({ "retry-after": "3" }),
        rateLimit({ "retry-after-ms": "700" }),
        success,
      ]);
      equal(waits, [3_000, 700], "waits");
    },
    "retry_hints",
  );

  test(
    "fails at once where the server asks for a longer wait than there is",
    async () => {
      const { requests, waits, ...outcome } = await retried([rateLimit({ "retry-after": "3600" }), success]);
      failed(outcome, "rate_limit", "an hour");
      equal({ requests, waits }, { requests: 1, waits: [] }, "tries");
    },
    "retry_hints",
  );

  test("does not ask again where that cannot help", async () => {
    for (const given of dialect.errors.filter(({ retryable }) => !retryable)) {
      const { requests, ...outcome } = await retried([answerOf(given, dialect), success]);
      failed(outcome, given.kind, given.what);
      equal(requests, 1, given.what);
    }
  });

  test("asks again where a stream failed or was cut before anything came", async () => {
    for (const chunks of [[], [dialect.errorFrame({ type: "server_error", message: "x" })]]) {
      const { requests, ...outcome } = await retried([{ chunks }, success]);
      equal(plain(replied(outcome, "again")).text, "ok", "text");
      equal(requests, 2, "requests");
    }
  });

  test("does not ask again once something was shown", async () => {
    const { frames, terminal } = dialect.encode({ text: ["Hel", "lo"] });
    for (const chunks of [
      frames.slice(0, terminal),
      [...frames.slice(0, terminal), dialect.errorFrame({ type: "server_error", message: "x" })],
    ]) {
      const { requests, ...outcome } = await retried([{ chunks }, success]);
      check(failed(outcome, undefined, "cut").partialText === "Hello", "partialText");
      equal(requests, 1, "requests");
    }
  });
}
