import type { ModelEvent } from "@batonjs/core";
import * as fc from "fast-check";
import { requestOf } from "../request.ts";
import { REASONED_CALL, REASONING_REPLY, REFUSAL_REPLY, REPLIES } from "./replies.ts";
import {
  type Answer,
  ask,
  asking,
  check,
  equal,
  failed,
  type Group,
  type Outcome,
  plain,
  replied,
  shownBy,
} from "./suite.ts";
import { type Encoded, event, textOf, type WireReply } from "./wire.ts";

const REQUEST = requestOf([{ type: "message", id: "1", role: "user", content: "hi" }]);
const encoder = new TextEncoder();

/** What a reply must come to. */
function expected(reply: WireReply): ReturnType<typeof plain> {
  const calls = (reply.calls ?? []).map((call) => ({
    id: call.id,
    name: call.name,
    arguments: textOf(call.arguments) || "{}",
  }));
  return {
    text: textOf(reply.text),
    refusal: textOf(reply.refusal),
    calls,
    finishReason: reply.finish ?? (calls.length > 0 ? "tool_calls" : "stop"),
  };
}

export function testReplies(group: Group): void {
  const { test, dialect } = group;

  for (const [name, reply] of Object.entries(REPLIES)) {
    test(`give back ${name}`, async () => {
      const outcome = await ask(group, { chunks: dialect.encode(reply).frames }, REQUEST);
      equal(plain(replied(outcome, name)), expected(reply), "reply");
      equal(shownBy(outcome.events).text, textOf(reply.text), "text deltas");
      const { calls } = shownBy(outcome.events);
      for (const call of reply.calls ?? [])
        equal(calls[call.id], { name: call.name, arguments: textOf(call.arguments) }, `deltas of ${call.id}`);
    });
  }

  test("report usage, with what was cached and what was spent on reasoning", async () => {
    const usage = { input: 30, cached: 20, output: 9, reasoning: 4 };
    const outcome = await ask(group, { chunks: dialect.encode({ text: ["x"], usage }).frames }, REQUEST);
    const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, totalTokens } = replied(
      outcome,
      "usage",
    ).usage;
    equal(
      { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, totalTokens },
      { inputTokens: 30, cachedInputTokens: 20, outputTokens: 9, reasoningTokens: 4, totalTokens: 39 },
      "usage",
    );
  });

  test("say which response they are, and which model gave them where it is another", async () => {
    const outcome = await ask(
      group,
      { chunks: dialect.encode({ id: "resp_42", model: "another-model", text: ["x"] }).frames },
      REQUEST,
    );
    const { responseId, model } = replied(outcome, "ids");
    equal({ responseId, model }, { responseId: "resp_42", model: "another-model" }, "ids");
  });

  for (const finish of ["length", "content_filter"] as const) {
    test(`that ended with ${finish} say so, whatever calls are in them`, async () => {
      const reply: WireReply = { text: ["half an ans"], calls: [{ id: "c", name: "f", arguments: ["{}"] }], finish };
      const outcome = await ask(group, { chunks: dialect.encode(reply).frames }, REQUEST);
      equal(replied(outcome, finish).finishReason, finish, "finishReason");
    });
  }

  test(
    "keep reasoning, before what it led to",
    async () => {
      for (const reply of [REASONING_REPLY, REASONED_CALL]) {
        const outcome = await ask(group, { chunks: dialect.encode(reply).frames }, REQUEST);
        const { items } = replied(outcome, "reasoning");
        equal(shownBy(outcome.events).reasoning, textOf(reply.reasoning), "reasoning deltas");
        equal(
          items.map(({ type }) => type),
          ["reasoning", reply.calls ? "tool_call" : "message"],
          "items",
        );
      }
    },
    "reasoning",
  );

  test(
    "that are a refusal say content_filter",
    async () => {
      const outcome = await ask(group, { chunks: dialect.encode(REFUSAL_REPLY).frames }, REQUEST);
      equal(
        plain(replied(outcome, "refusal")),
        { ...expected(REFUSAL_REPLY), finishReason: "content_filter" },
        "reply",
      );
    },
    "refusals",
  );

  test(
    "of a server that does not stream are the same, as one body",
    async () => {
      for (const [name, reply] of Object.entries(REPLIES)) {
        const body = JSON.stringify(dialect.encode(reply).whole);
        const outcome = await ask(
          group,
          { headers: { "content-type": "application/json" }, chunks: [body.slice(0, 20), body.slice(20)] },
          REQUEST,
        );
        equal(plain(replied(outcome, name)), expected(reply), name);
        equal(shownBy(outcome.events).text, textOf(reply.text), `${name}: text deltas`);
      }
    },
    "whole_replies",
  );

  test("put arguments together that come in 100,000 pieces, in linear time", async () => {
    const piece = "0123456789";
    const pieces = ['{"n":"', ...Array.from({ length: 100_000 }, () => piece), '"}'];
    const frames = dialect.encode({ calls: [{ id: "c", name: "f", arguments: pieces }] }).frames;
    const started = performance.now();
    const outcome = await ask(group, { chunks: chunksOf(encoder.encode(frames.join("")), 65_536) }, REQUEST);
    const took = performance.now() - started;
    equal(plain(replied(outcome, "pieces")).calls[0]?.arguments.length, 1_000_008, "length of the arguments");
    // Copying what was there for each piece would take minutes.
    check(took < 20_000, `it took ${Math.round(took)} ms`);
  });
}

function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** Those that are split at every byte: they have what a split can break. The others are split at random. */
const EVERY_SPLIT: ReadonlySet<string> = new Set(["text of hostile characters", "text and two calls"]);

/** I20: what is decoded does not depend on how the bytes are cut. */
export function testChunks(group: Group): void {
  const { test, dialect, runs = 100 } = group;

  const invariant = async (
    ask: (answer: Answer) => Promise<Outcome>,
    bytes: Uint8Array,
    cuts: readonly number[],
    whole: readonly ModelEvent[],
  ): Promise<void> => {
    const ends = [...new Set([...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b);
    const chunks = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
    const { events, error } = await ask({ chunks });
    check(error === undefined, `cut at ${ends.join(", ")}: ${String(error)}`);
    equal(events, whole, `cut at ${ends.join(", ")}`);
  };

  for (const [name, reply] of Object.entries({
    ...REPLIES,
    ...(group.missing?.reasoning === undefined ? { reasoning: REASONING_REPLY } : {}),
  })) {
    for (const lineEnd of ["\n", "\r\n"]) {
      test(`of ${name} with ${JSON.stringify(lineEnd)} may be cut anywhere`, async () => {
        const bytes = encoder.encode(dialect.encode(reply).frames.join("").replaceAll("\n", lineEnd));
        await asking(group, REQUEST, async (ask) => {
          const { events } = await ask({ chunks: [bytes] });
          await invariant(
            ask,
            bytes,
            Array.from({ length: bytes.length }, (_, i) => i),
            events,
          );
          const every = lineEnd === "\n" && EVERY_SPLIT.has(name);
          for (let cut = 1; cut < bytes.length && every; cut++) await invariant(ask, bytes, [cut], events);
          await fc.assert(
            fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), (cuts) => invariant(ask, bytes, cuts, events)),
            { numRuns: runs },
          );
        });
      });
    }
  }

  test("with an error in the middle show the same before it, however they are cut", async () => {
    const { frames } = dialect.encode(REPLIES["text"] as WireReply);
    for (const bad of [dialect.errorFrame({ type: "server_error", message: "x" }), "data: {nope}\n\n"]) {
      const bytes = encoder.encode([...frames.slice(0, 4), bad, ...frames.slice(4)].join(""));
      const whole = await ask(group, { chunks: [bytes] }, REQUEST);
      const single = await ask(group, { chunks: chunksOf(bytes, 1) }, REQUEST);
      equal(single.events, whole.events, "events");
      equal(failed(single, undefined, "cut").kind, failed(whole, undefined, "whole").kind, "kind");
    }
  });
}

/** I21: a stream that was cut has no reply. */
export function testTruncation(group: Group): void {
  const { test, dialect } = group;

  for (const [name, reply] of Object.entries({
    ...REPLIES,
    ...(group.missing?.reasoning === undefined ? { reasoning: REASONING_REPLY } : {}),
  })) {
    test(`of ${name} at any byte is an error, never a shorter reply`, async () => {
      const encoded = dialect.encode(reply);
      const bytes = encoder.encode(encoded.frames.join(""));
      const { end, decided } = terminalOf(encoded);
      await asking(group, REQUEST, async (ask) => {
        for (let cut = 0; cut < bytes.length; cut++) {
          const outcome = await ask({ chunks: [bytes.subarray(0, cut)] });
          const what = `cut after ${cut} of ${bytes.length} bytes`;
          if (cut < end) check(failed(outcome, "truncated", what).retryable, `${what}: it may be retried`);
          else if (cut >= decided || outcome.reply) equal(plain(replied(outcome, what)), expected(reply), what);
          else failed(outcome, "truncated", what);
        }
      });
    });
  }

  test("keeps the text that had arrived with the error", async () => {
    const { frames, terminal } = dialect.encode({ text: ["Hel", "lo"] });
    for (const after of ["end", "lost"] as const) {
      const error = failed(await ask(group, { chunks: frames.slice(0, terminal), after }, REQUEST), "truncated", after);
      equal(error.partialText, "Hello", "partialText");
    }
  });

  test("after the reply is known does not matter", async () => {
    const { frames, terminal } = dialect.encode({ text: ["Hello"] });
    for (const after of ["end", "lost"] as const) {
      const outcome = await ask(group, { chunks: frames.slice(0, terminal + 1), after }, REQUEST);
      equal(plain(replied(outcome, after)).text, "Hello", "text");
    }
  });

  test("by a connection that is lost before anything came is an error of the network", async () => {
    failed(await ask(group, { chunks: [], after: "lost" }, REQUEST), "network", "lost");
  });
}

/** Where the frame that decides ends: its data, and the blank line after it. */
function terminalOf({ frames, terminal }: Encoded): { end: number; decided: number } {
  const decided = encoder.encode(frames.slice(0, terminal + 1).join("")).length;
  return { end: decided - 2, decided };
}

/** C3: bytes of an event stream. */
export function testEventStream(group: Group): void {
  const { test, dialect } = group;
  const reply: WireReply = { text: ["Grüezi 🎉 wörld"], calls: [{ id: "c", name: "f", arguments: ['{"n":1}'] }] };
  const { frames, terminal } = dialect.encode(reply);
  const stream = frames.join("");

  const same = (
    number: number,
    what: string,
    chunks: readonly (string | Uint8Array)[],
    headers?: Readonly<Record<string, string>>,
  ): void => {
    test(`${number}: ${what} changes nothing`, async () => {
      const outcome = await ask(group, { chunks, ...(headers ? { headers } : {}) }, REQUEST);
      equal(plain(replied(outcome, what)), expected(reply), what);
    });
  };
  const fails = (
    number: number,
    what: string,
    kind: "protocol" | "truncated",
    chunks: readonly (string | Uint8Array)[],
    headers?: Readonly<Record<string, string>>,
  ): void => {
    test(`${number}: ${what} is an error`, async () => {
      failed(await ask(group, { chunks, ...(headers ? { headers } : {}) }, REQUEST), kind, what);
    });
  };
  const lines = (change: (line: string) => string): string => stream.split("\n").map(change).join("\n");
  const data = (change: (value: string) => string): string =>
    lines((line) => (line.startsWith("data: ") ? change(line.slice(6)) : line));

  same(59, "LF", [stream]);
  same(60, "CRLF", [stream.replaceAll("\n", "\r\n")]);
  same(61, "CR", [stream.replaceAll("\n", "\r")]);
  same(62, "a mixture of line ends", [
    frames.map((frame, i) => frame.replaceAll("\n", ["\n", "\r\n", "\r"][i % 3] as string)).join(""),
  ]);
  same(63, "a BOM at the beginning", [`\ufeff${stream}`]);
  same(64, "a BOM at the beginning of a line", [
    frames.map((frame, i) => (i === 1 ? `\ufeff: x\n${frame}` : frame)).join(""),
  ]);
  same(65, "no space after the colon", [data((value) => `data:${value}`)]);
  same(66, "two spaces after the colon", [data((value) => `data:  ${value}`)]);
  same(67, "data in several lines", [
    data((value) => (value.startsWith("{") ? `data: {\ndata: ${value.slice(1)}` : `data: ${value}`)),
  ]);
  same(68, "events without data", [frames.map((frame) => `data:\n\n${frame}`).join("")]);
  same(69, "events with a name alone", [frames.map((frame) => `event: x\n\n${frame}`).join("")]);
  same(70, "no names of events", [lines((line) => (line.startsWith("event:") ? ": no name" : line))]);
  same(71, "comments", [frames.map((frame) => `: keep-alive\n\n${frame}`).join("")]);
  same(72, "ids, also with NUL", [frames.map((frame, i) => `id: ${i}\0\n${frame}`).join("")]);
  same(73, "a retry time that is none", [`retry: abc\n\nretry: 10\n\n${stream}`]);
  same(74, "unknown fields", [frames.map((frame) => `foo: bar\n${frame}`).join("")]);
  same(75, "fields without a colon", [frames.map((frame) => `foo\n${frame}`).join("")]);
  same(76, "chunks of one byte", chunksOf(encoder.encode(stream), 1));
  const bytes = encoder.encode(stream);
  const emoji = bytes.indexOf(0xf0);
  same(77, "a chunk that ends in a character", [bytes.subarray(0, emoji + 2), bytes.subarray(emoji + 2)]);
  const crlf = stream.replaceAll("\n", "\r\n");
  same(78, "a chunk that ends between CR and LF", crlf.split(/(?<=\r)/));
  same(81, "no blank line at the end", [stream.replace(/\n+$/, "")]);
  same(82, "[DONE] twice", [stream + event("[DONE]") + event("[DONE]")]);
  same(83, "data after [DONE]", [`${stream}${event("[DONE]")}data: {"x":1}\n\ndata: nope\n\n`]);
  same(84, "[DONE] with a space after it", [stream.replaceAll("data: [DONE]", "data: [DONE] ")]);
  same(92, "another charset in the content type", [stream], { "content-type": "text/event-stream; charset=latin1" });

  test("79, 80: bytes that are no UTF-8 are replaced", async () => {
    const broken = bytes.slice();
    for (let at = emoji; at !== -1; at = broken.indexOf(0xf0, at)) broken.set([0xff, 0xc0], at);
    const { text } = plain(replied(await ask(group, { chunks: [broken] }, REQUEST), "broken"));
    check(text.startsWith("Grüezi \ufffd") && text.endsWith(" wörld"), `found ${JSON.stringify(text)}`);
  });

  test("86: a million tiny events change nothing", async () => {
    const noise = ":\n\n".repeat(50_000);
    const chunks = [...Array.from({ length: 20 }, () => noise), stream];
    equal(plain(replied(await ask(group, { chunks }, REQUEST), "noise")), expected(reply), "reply");
  });

  fails(91, "HTML", "protocol", ["<!doctype html><h1>Welcome</h1>"], { "content-type": "text/html" });
  fails(93, "JSON lines", "protocol", ['{"a":1}\n{"b":2}\n'], { "content-type": "application/x-ndjson" });
  fails(94, "two objects in one event", "protocol", ['data: {"a":1}{"b":2}\n\n', stream]);
  fails(94, "an event that is no JSON", "protocol", ["data: nope\n\n", stream]);
  fails(94, "an event that is no object", "protocol", ["data: 5\n\n", stream]);
  fails(89, "an end in the middle of an event", "truncated", [
    frames.slice(0, terminal).join(""),
    (frames[terminal] as string).slice(0, 30),
  ]);

  test(
    "85: an event that is longer than the limit is an error that says so, one that is as long is not",
    async () => {
      const limit = 20_000;
      const overhead = longest(dialect.encode({ text: [""] }).frames);
      for (const [length, ok] of [
        [limit - overhead - 200, true],
        [limit + 1, false],
        [limit * 100, false],
      ] as const) {
        const { frames } = dialect.encode({ text: ["x".repeat(length)] });
        for (const chunks of [[frames.join("")], chunksOf(encoder.encode(frames.join("")), 1_000)]) {
          const outcome = await ask(group, { chunks }, REQUEST, { maxEventLength: limit });
          if (ok) equal(plain(replied(outcome, "short enough")).text.length, length, "length");
          else {
            const error = failed(outcome, "protocol", "too long");
            check(
              !error.retryable && error.message.includes(String(limit)),
              `expected the limit in the message, and no retry: ${error.message}`,
            );
          }
        }
      }
    },
    "limits",
  );

  test(
    "87: a line without an end is given up at the limit",
    async () => {
      let sent = 0;
      const piece = encoder.encode("x".repeat(65_536));
      const endless = async (): Promise<Response> =>
        new Response(
          new ReadableStream({
            pull(controller) {
              controller.enqueue(sent === 0 ? encoder.encode("data: ") : piece);
              sent += piece.length;
              if (sent > 200_000_000) controller.close();
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        );
      const outcome = await ask(group, { chunks: [] }, REQUEST, { fetch: endless, maxEventLength: 1_000_000 });
      failed(outcome, "protocol", "endless line");
      check(sent < 10_000_000, `it read ${sent} bytes`);
    },
    "limits",
    "fetch",
  );

  test(
    "a response that is larger than the limit is given up",
    async () => {
      const noise = encoder.encode(": x\n".repeat(1_000));
      const chunks = Array.from({ length: 1_000 }, () => noise);
      const error = failed(await ask(group, { chunks }, REQUEST, { maxResponseBytes: 100_000 }), "protocol", "large");
      check(!error.retryable, "it would be as large again");
    },
    "limits",
  );
}

const longest = (frames: readonly string[]): number => Math.max(...frames.map((frame) => frame.length));

/** C4: streams that are odd. */
export function testOddStreams(group: Group): void {
  const { test, dialect } = group;
  for (const { number, what, stream, expect } of dialect.oddStreams) {
    test(`${number === 0 ? "" : `${number}: `}${what}`, async () => {
      const bytes = encoder.encode(stream);
      for (const chunks of [[bytes], chunksOf(bytes, 7)]) {
        const outcome = await ask(group, { chunks }, REQUEST);
        if ("error" in expect) {
          failed(outcome, expect.error, what);
          continue;
        }
        const reply = plain(replied(outcome, what));
        equal(reply.finishReason, expect.finishReason, "finishReason");
        if (expect.text !== undefined) equal(reply.text, expect.text, "text");
        if (!expect.calls) continue;
        equal(
          reply.calls.map((call) => ({ name: call.name, arguments: call.arguments })),
          expect.calls.map((call) => ({ name: call.name, arguments: call.arguments })),
          "calls",
        );
        equal(new Set(reply.calls.map(({ id }) => id)).size, reply.calls.length, "ids of calls");
        for (const [i, { id }] of expect.calls.entries()) if (id !== undefined) equal(reply.calls[i]?.id, id, "id");
        const { usage } = outcome.reply as { usage: object };
        for (const [name, count] of Object.entries(usage))
          check(Number.isInteger(count) && (count as number) >= 0, `usage.${name} is ${String(count)}`);
      }
      equal(({} as { n?: unknown }).n, undefined, "Object.prototype");
    });
  }
}
