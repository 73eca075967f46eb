import "@batonjs/testing/vitest";
import {
  Agent,
  fallback,
  type FallbackOptions,
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelEvent,
  retry,
  Runner,
  wrapModel,
} from "@batonjs/core";
import { fail, requestOf, say, scriptedModel, testClock } from "@batonjs/testing";
import { describe, expect, it } from "vitest";

const down = (kind: ModelErrorKind = "overloaded"): ModelError => new ModelError(`it is ${kind}`, { kind });
const named = (name: string, script: Parameters<typeof scriptedModel>[0]) =>
  scriptedModel(script, { name, provider: `p-${name}` });

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

const wrap = (first: Model, others: readonly Model[], options?: FallbackOptions): Model =>
  fallback(others, options).wrapModel!(first, { agent: "A" });

describe("fallback()", () => {
  it("asks the next model where one fails; the reply says who has answered", async () => {
    const model = wrap(named("a", [fail(down())]), [named("b", [fail(down())]), named("c", [say("I am c.")])]);
    const { events, error } = await read(model);
    expect(error).toBeUndefined();
    expect(events).toMatchObject([
      { type: "text_delta", delta: "I am c." },
      { type: "reply", model: "c", provider: "p-c" },
    ]);
  });

  it("asks nobody else where the first answers", async () => {
    const other = named("b", []);
    const { events } = await read(wrap(named("a", [say("I am a.")]), [other]));
    expect(events.at(-1)).not.toHaveProperty("model");
    expect(other.requests).toEqual([]);
  });

  it("throws the last failure where all fail", async () => {
    const last = down("server");
    const { error } = await read(wrap(named("a", [fail(down())]), [named("b", [fail(last)])]));
    expect(error).toBe(last);
  });

  it("takes back what a failed model has shown, and only then", async () => {
    const model = wrap(named("a", [{ reply: "fail", content: [say("From a")], error: down("stream_error") }]), [
      named("b", [fail(down())]),
      named("c", [say("From c")]),
    ]);
    const { events } = await read(model);
    expect(events.map((event) => (event.type === "text_delta" ? event.delta : event.type))).toEqual([
      "From a",
      "reset",
      "From c",
      "reply",
    ]);
  });

  it.each<[ModelErrorKind, boolean]>([
    ["rate_limit", true],
    ["quota", true],
    ["overloaded", true],
    ["server", true],
    ["auth", true],
    ["context_length", true],
    ["timeout", true],
    ["network", true],
    ["truncated", true],
    ["unknown", true],
    ["invalid_request", false],
    ["content_filter", false],
    ["length", false],
  ])("goes on after %s: %s", async (kind, goesOn) => {
    const other = named("b", goesOn ? [say("ok")] : []);
    const { error } = await read(wrap(named("a", [fail(down(kind))]), [other]));
    expect(error === undefined).toBe(goesOn);
    expect(other.requests).toHaveLength(goesOn ? 1 : 0);
  });

  it("goes on where it is told to", async () => {
    const other = named("b", [say("ok")]);
    const when = (error: ModelError): boolean => error.kind === "content_filter";
    expect((await read(wrap(named("a", [fail(down("content_filter"))]), [other], { when }))).error).toBeUndefined();
    expect((await read(wrap(named("a", [fail(down("overloaded"))]), [other], { when }))).error).toMatchObject({
      kind: "overloaded",
    });
  });

  it("leaves errors that are no ModelError, and aborted requests, alone", async () => {
    const bug = new Error("a bug");
    expect((await read(wrap(named("a", [fail(bug)]), [named("b", [])]))).error).toBe(bug);
    const controller = new AbortController();
    const error = down();
    const first = named("a", [() => (controller.abort(new Error("enough")), fail(error))]);
    expect((await read(wrap(first, [named("b", [])]), controller.signal)).error).toBe(error);
  });

  it("closes the model's stream when it is left", async () => {
    const first = named("a", [say(["x", "y"])]);
    for await (const _ of wrap(first, [named("b", [])]).stream(requestOf([]))) break;
    expect(first.open).toBe(0);
  });

  it("around retry() asks another only after the retries", async () => {
    const clock = testClock();
    const first = named("a", [fail(down()), fail(down())]);
    const other = named("b", [say("From b")]);
    const plugins = [fallback([other]), retry({ clock, maxRetries: 1, random: () => 1 })];
    const running = new Runner({ clock, plugins }).run(new Agent({ name: "Host", model: first }), "hi");
    await clock.advance(500);
    const result = await running;
    expect(result.finalOutput).toBe("From b");
    expect(result.history.at(-1)).toMatchObject({ type: "turn", model: "b", provider: "p-b" });
    expect(first.requests).toHaveLength(2);
  });

  it("refuses an empty list", () => {
    expect(() => fallback([])).toThrow(new TypeError("Cannot fall back to no model: expected at least one"));
  });
});

describe("wrapModel()", () => {
  it("wraps one model, the first wrapper outermost; name and provider stay", async () => {
    const clock = testClock();
    const first = named("a", [fail(down()), fail(down())]);
    const model = wrapModel(
      first,
      fallback([named("b", [say("From b")])]),
      retry({ clock, maxRetries: 1, random: () => 1 }),
    );
    expect([model.name, model.provider]).toEqual(["a", "p-a"]);
    const reading = read(model);
    await clock.advance(500);
    expect((await reading).events.at(-1)).toMatchObject({ type: "reply", model: "b" });
    expect(first.requests).toHaveLength(2);
    expect(wrapModel(first)).toBe(first);
    expect(wrapModel(first, { name: "nothing" })).toBe(first);
  });
});
