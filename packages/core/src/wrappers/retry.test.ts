import "@batonjs/testing/vitest";
import { getEventListeners } from "node:events";
import {
  Agent,
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelEvent,
  retry,
  type RetryOptions,
  Runner,
} from "@batonjs/core";
import { collect, eventSequence, fail, requestOf, say, type Script, scriptedModel, testClock } from "@batonjs/testing";
import { describe, expect, it } from "vitest";

const down = (kind: ModelErrorKind = "overloaded", retryAfterMs?: number): ModelError =>
  new ModelError(`it is ${kind}`, { kind, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

/** A model with retries, on a clock that stands still. */
function setup(script: Script, options: RetryOptions = {}) {
  const clock = testClock(0);
  const inner = scriptedModel(script);
  const model = retry({ clock, random: () => 1, ...options }).wrapModel!(inner, { agent: "A" });
  return { clock, inner, model };
}

/** What is read of a stream, and how it ends. */
async function read(
  model: Model,
  signal = new AbortController().signal,
): Promise<{ events: ModelEvent[]; error?: unknown }> {
  const events: ModelEvent[] = [];
  try {
    for await (const event of model.stream(requestOf([], { signal }))) events.push(event);
    return { events };
  } catch (error) {
    return { events, error };
  }
}

const KINDS: readonly (readonly [ModelErrorKind, boolean])[] = [
  ["rate_limit", true],
  ["overloaded", true],
  ["server", true],
  ["stream_error", true],
  ["truncated", true],
  ["network", true],
  ["timeout", true],
  ["protocol", true],
  ["quota", false],
  ["length", false],
  ["content_filter", false],
  ["context_length", false],
  ["invalid_request", false],
  ["auth", false],
  ["unknown", false],
];

describe("retry()", () => {
  it.each(KINDS)("asks again after %s: %s", async (kind, again) => {
    const { clock, model, inner } = setup([fail(down(kind)), ...(again ? [say("ok")] : [])]);
    const reading = read(model);
    await clock.advance(500);
    const { error } = await reading;
    if (again) expect(error).toBeUndefined();
    else expect(error).toMatchObject({ kind });
    expect(inner.requests).toHaveLength(again ? 2 : 1);
    expect(clock.pending).toBe(0);
  });

  it("does as the error says where it says something else than its kind", async () => {
    const never = new ModelError("x", { kind: "server", retryable: false });
    expect((await read(setup([fail(never)]).model)).error).toBe(never);
    const always = new ModelError("x", { kind: "unknown", retryable: true });
    const { clock, model } = setup([fail(always), say("ok")]);
    const reading = read(model);
    await clock.advance(500);
    expect((await reading).error).toBeUndefined();
  });

  it.each([
    [1, [100, 200, 400, 800]],
    [0, [50, 100, 200, 400]],
    [0.5, [75, 150, 300, 600]],
  ])("waits twice as long each time, with jitter (%d)", async (random, waits) => {
    const { clock, model, inner } = setup([...waits.map(() => fail(down())), say("ok")], {
      random: () => random,
      baseDelayMs: 100,
      maxRetries: 4,
    });
    const reading = read(model);
    await clock.settle();
    for (const [i, ms] of waits.entries()) {
      expect(inner.requests).toHaveLength(i + 1);
      await clock.advance(ms - 1);
      expect(inner.requests).toHaveLength(i + 1);
      await clock.advance(1);
    }
    expect(inner.requests).toHaveLength(5);
    expect((await reading).events.at(-1)!.type).toBe("reply");
  });

  it("waits at most maxDelayMs by itself", async () => {
    const { clock, model, inner } = setup([fail(down()), fail(down()), fail(down()), say("ok")], {
      baseDelayMs: 100,
      maxDelayMs: 150,
      maxRetries: 3,
    });
    const reading = read(model);
    await clock.advance(100 + 150 + 150);
    expect(inner.requests).toHaveLength(4);
    expect((await reading).error).toBeUndefined();
  });

  it.each([
    [1_200, 1_200],
    [500, 500],
    [10, 500],
    [0, 500],
    [-5, 500],
    [Number.NaN, 500],
  ])("waits at least as long as the server asks (%d: %d ms)", async (hint, wait) => {
    const { clock, model, inner } = setup([fail(down("rate_limit", hint)), say("ok")]);
    const reading = read(model);
    await clock.advance(wait - 1);
    expect(inner.requests).toHaveLength(1);
    await clock.advance(1);
    expect(inner.requests).toHaveLength(2);
    expect((await reading).error).toBeUndefined();
  });

  it.each([
    [30_000, true],
    [30_001, false],
    [3_600_000, false],
    [Number.POSITIVE_INFINITY, false],
  ])(
    "fails at once, with the error as it is, where the server asks for more than maxDelayMs (%d)",
    async (hint, waits) => {
      const error = down("rate_limit", hint);
      const { clock, model, inner } = setup([fail(error), ...(waits ? [say("ok")] : [])]);
      const reading = read(model);
      await clock.settle();
      if (waits) {
        await clock.advance(hint);
        expect((await reading).error).toBeUndefined();
      } else {
        expect((await reading).error).toBe(error);
        expect(inner.requests).toHaveLength(1);
      }
      expect(clock.pending).toBe(0);
    },
  );

  it.each([0, 1, 3])("tries %d times after the first, then throws the last error", async (maxRetries) => {
    const errors = Array.from({ length: maxRetries + 1 }, () => down());
    const { clock, model, inner } = setup(
      errors.map((error) => fail(error)),
      { maxRetries },
    );
    const reading = read(model);
    await clock.advance(10_000);
    expect((await reading).error).toBe(errors.at(-1));
    expect(inner.requests).toHaveLength(maxRetries + 1);
  });

  it("never asks again once something was shown", async () => {
    const error = down("stream_error");
    const { clock, model, inner } = setup([{ reply: "fail", content: [say("Hel")], error }]);
    const { events, error: thrown } = await read(model);
    expect(events).toEqual([{ type: "text_delta", delta: "Hel" }]);
    expect(thrown).toBe(error);
    expect(inner.requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it("leaves errors that are no ModelError alone", async () => {
    const error = new Error("a bug");
    expect((await read(setup([fail(error)]).model)).error).toBe(error);
  });

  it("stops waiting when the request is aborted, and leaves no timer and no listener", async () => {
    const { clock, model, inner } = setup([fail(down())]);
    const controller = new AbortController();
    const reading = read(model, controller.signal);
    await clock.settle();
    expect(clock.pending).toBe(1);
    const reason = new Error("enough");
    controller.abort(reason);
    expect((await reading).error).toBe(reason);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    expect(inner.requests).toHaveLength(1);
  });

  it("does not ask again where the request was aborted meanwhile", async () => {
    const controller = new AbortController();
    const error = down();
    const { model, inner } = setup([
      () => {
        controller.abort(new Error("enough"));
        return fail(error);
      },
    ]);
    expect((await read(model, controller.signal)).error).toBe(error);
    expect(inner.requests).toHaveLength(1);
  });

  it("leaves no listener on the signal after it has waited", async () => {
    const { clock, model } = setup([fail(down()), say("ok")]);
    const controller = new AbortController();
    const reading = read(model, controller.signal);
    await clock.advance(500);
    await reading;
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("closes the model's stream when it is left", async () => {
    const { model, inner } = setup([say(["a", "b"])]);
    for await (const event of model.stream(requestOf([]))) {
      expect(event.type).toBe("text_delta");
      break;
    }
    expect(inner.open).toBe(0);
  });

  it("asks with the same request, and keeps the model's name and provider", async () => {
    const { clock, model, inner } = setup([fail(down()), say("ok")]);
    const reading = read(model);
    await clock.advance(500);
    await reading;
    expect(inner.request(1)).toEqual(inner.request(0));
    expect([model.name, model.provider]).toEqual(["scripted", "scripted"]);
  });

  it("in a run tells nothing of the tries that failed, and counts only the reply", async () => {
    const clock = testClock();
    const runner = new Runner({ clock, plugins: [retry({ clock })] });
    const model = scriptedModel([fail(down()), say("ok")]);
    const running = runner.stream(new Agent({ name: "Host", model }), "hi");
    const reading = collect(running);
    await clock.advance(500);
    expect(eventSequence(await reading, { deltas: true, items: false })).toEqual([
      "run_started Host",
      "turn_started Host, turn 1 of scripted, 1 item",
      'text_delta Host "ok"',
      "turn_finished Host stop",
      "run_finished Host completed",
    ]);
    expect((await running.result).usage.requests).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it.each(["maxRetries", "baseDelayMs", "maxDelayMs"])("refuses wrong values of %s", (name) => {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null])
      expect(() => retry({ [name]: value })).toThrow(RangeError);
    expect(() => retry({ [name]: undefined })).not.toThrow();
    expect(() => retry({ [name]: 0 })).not.toThrow();
  });
});
