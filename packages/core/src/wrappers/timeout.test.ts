import "@batonjs/testing/vitest";
import { getEventListeners } from "node:events";
import { Agent, type Model, type ModelEvent, retry, Runner, timeout, type TimeoutOptions } from "@batonjs/core";
import { requestOf, say, scriptedModel, stall, type TestClock, testClock } from "@batonjs/testing";
import { describe, expect, it } from "vitest";

const reply: ModelEvent = {
  type: "reply",
  items: [],
  finishReason: "stop",
  usage: { inputTokens: 0, outputTokens: 0 },
};
const delta: ModelEvent = { type: "text_delta", delta: "x" };

/** A model that yields after the given waits, and does not look at the signal. */
function paced(clock: TestClock, waits: readonly number[], end: "reply" | "hang" = "reply") {
  const state = { closed: false, signal: undefined as AbortSignal | undefined };
  const model: Model = {
    name: "paced",
    provider: "test",
    async *stream({ signal }) {
      state.signal = signal;
      try {
        for (const ms of waits) {
          if (ms > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
          yield delta;
        }
        if (end === "hang") await new Promise(() => {});
        yield reply;
      } finally {
        state.closed = true;
      }
    },
  };
  return { model, state };
}

const wrap = (model: Model, options: TimeoutOptions): Model => timeout(options).wrapModel!(model, { agent: "A" });

/** Reads in the background. */
function reading(model: Model, signal = new AbortController().signal) {
  const events: string[] = [];
  let outcome: unknown = "open";
  const done = (async () => {
    try {
      for await (const { type } of model.stream(requestOf([], { signal }))) events.push(type);
      outcome = "done";
    } catch (error) {
      outcome = error;
    }
  })();
  return { events, done, outcome: () => outcome };
}

const LATE = { name: "ModelError", kind: "timeout", retryable: true, model: "paced", provider: "test" };

describe("timeout()", () => {
  it("lets through what comes in time, and leaves nothing behind", async () => {
    const clock = testClock();
    const { model } = paced(clock, [99, 49, 49, 49]);
    const signal = new AbortController().signal;
    const read = reading(wrap(model, { firstEventMs: 100, idleMs: 50, totalMs: 1_000, clock }), signal);
    await clock.advance(99 + 49 * 3);
    await read.done;
    expect(read.outcome()).toBe("done");
    expect(read.events).toEqual(["text_delta", "text_delta", "text_delta", "text_delta", "reply"]);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it.each<[string, TimeoutOptions, readonly number[], number]>([
    ["the first event is late", { firstEventMs: 100 }, [], 100],
    ["the first event is late, though others could take longer", { firstEventMs: 100, idleMs: 1_000 }, [], 100],
    ["the next event is late", { idleMs: 50 }, [10, 20], 80],
    ["the next event is late, though the first could take longer", { firstEventMs: 10_000, idleMs: 50 }, [10], 60],
    ["the first is not limited and comes late, and the next is late", { idleMs: 50 }, [0, 49, 49], 148],
    ["the whole takes too long, however steady it is", { totalMs: 100 }, Array.from({ length: 50 }, () => 9), 100],
    ["the whole takes too long before it begins", { totalMs: 100, firstEventMs: 1_000 }, [], 100],
  ])("ends the stream where %s", async (_, options, waits, at) => {
    const clock = testClock();
    const { model, state } = paced(clock, waits, "hang");
    const read = reading(wrap(model, { ...options, clock }));
    await clock.advance(at - 1);
    expect(read.outcome()).toBe("open");
    await clock.advance(1);
    expect(read.outcome()).toMatchObject(LATE);
    expect(state.signal!.aborted).toBe(true);
    await read.done;
    // What is left is the model's own timer, if any.
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  it("limits nothing where nothing is said", async () => {
    const clock = testClock();
    const { model } = paced(clock, [1_000_000]);
    const read = reading(wrap(model, { clock }));
    await clock.advance(1_000_000);
    await read.done;
    expect(read.outcome()).toBe("done");
    expect(clock.pending).toBe(0);
  });

  it("does not count the time that the consumer takes", async () => {
    const clock = testClock();
    const { model } = paced(clock, [10, 10, 10]);
    const seen: string[] = [];
    const consuming = (async () => {
      for await (const { type } of wrap(model, { firstEventMs: 50, idleMs: 50, clock }).stream(requestOf([]))) {
        seen.push(type);
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 500));
      }
    })();
    await clock.advance(5_000);
    await consuming;
    expect(seen).toEqual(["text_delta", "text_delta", "text_delta", "reply"]);
    expect(clock.pending).toBe(0);
  });

  it("passes an abort on with its reason, ends at once, and leaves no timer and no listener", async () => {
    for (const waits of [[], [0]]) {
      const clock = testClock();
      const controller = new AbortController();
      const { model, state } = paced(clock, waits, "hang");
      const read = reading(wrap(model, { firstEventMs: 1_000, idleMs: 1_000, clock }), controller.signal);
      await clock.settle();
      const reason = new Error("enough");
      controller.abort(reason);
      await read.done;
      expect(read.outcome()).toBe(reason);
      expect(state.signal!.reason).toBe(reason);
      expect(clock.pending).toBe(0);
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    }
  });

  it("gives a model that was aborted before it began an aborted signal", async () => {
    const clock = testClock();
    const read = reading(
      wrap(
        scriptedModel(() => say("x")),
        { idleMs: 5, clock },
      ),
      AbortSignal.abort(new Error("early")),
    );
    await read.done;
    expect(read.outcome()).toMatchObject({ message: "early" });
    expect(clock.pending).toBe(0);
  });

  it("throws what the model throws, and closes the model's stream when it is left", async () => {
    const clock = testClock();
    const failing: Model = {
      name: "failing",
      provider: "test",
      // eslint-disable-next-line require-yield
      async *stream() {
        throw new Error("a bug");
      },
    };
    const read = reading(wrap(failing, { totalMs: 5, clock }));
    await read.done;
    expect(read.outcome()).toMatchObject({ message: "a bug" });
    const { model, state } = paced(clock, [0, 0]);
    for await (const _ of wrap(model, { totalMs: 5, clock }).stream(requestOf([]))) break;
    await clock.settle();
    expect(state.closed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it("within retry() has a model that does not begin asked again", async () => {
    const clock = testClock();
    const model = scriptedModel([stall(), say("Second try.")]);
    const runner = new Runner({
      clock,
      plugins: [retry({ clock, random: () => 1 }), timeout({ firstEventMs: 100, clock })],
    });
    const running = runner.run(new Agent({ name: "Host", model }), "hi");
    await clock.advance(100);
    await clock.advance(500);
    expect((await running).finalOutput).toBe("Second try.");
    expect(clock.pending).toBe(0);
    expect(model.open).toBe(0);
  });

  it.each(["firstEventMs", "idleMs", "totalMs"])("refuses wrong values of %s", (name) => {
    for (const value of [0, -1, Number.NaN, 2 ** 31, "5", null])
      expect(() => timeout({ [name]: value }), String(value)).toThrow(RangeError);
    expect(() => timeout({ [name]: undefined })).not.toThrow();
  });
});
