import type { ModelEvent, ModelRequest, VisibleItem } from "@batonjs/core";
import { ModelError } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import {
  call,
  calls,
  endEarly,
  fail,
  garbage,
  handOff,
  reason,
  reply,
  say,
  ScriptError,
  scriptedModel,
  stall,
} from "./index.ts";
import { requestOf } from "./request.ts";

const user = (id: string, content: string): VisibleItem => ({ type: "message", id, role: "user", content });

async function read(stream: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const billing = {
  type: "handoff",
  name: "transfer_to_billing",
  description: "",
  parameters: { type: "object" },
  to: "Billing Agent",
} as const;
const technical = { ...billing, name: "transfer_to_tech", to: "Technical Agent" } as const;

describe("scriptedModel()", () => {
  it("answers in order, deltas before the reply", async () => {
    const model = scriptedModel([say(["Hel", "lo"]), call("lookup", { id: 1 })]);
    expect(await read(model.stream(requestOf([user("1", "hi")])))).toEqual([
      { type: "text_delta", delta: "Hel" },
      { type: "text_delta", delta: "lo" },
      {
        type: "reply",
        items: [{ type: "message", role: "assistant", content: "Hello" }],
        finishReason: "stop",
        usage: { inputTokens: 10, outputTokens: 5 },
        responseId: "resp_agent_1",
      },
    ]);
    expect(await read(model.stream(requestOf([user("1", "hi")])))).toEqual([
      { type: "tool_call_delta", callId: "call_1", name: "lookup", delta: '{"id":1}' },
      {
        type: "reply",
        items: [{ type: "tool_call", callId: "call_1", name: "lookup", arguments: '{"id":1}' }],
        finishReason: "tool_calls",
        usage: { inputTokens: 10, outputTokens: 5 },
        responseId: "resp_agent_2",
      },
    ]);
    model.assertDone();
  });

  it("answers by the agent's name, in each agent's own order", async () => {
    const model = scriptedModel({ A: [say("a1"), say("a2")], B: [say("b1")] });
    const texts: string[] = [];
    for (const agent of ["A", "B", "A"]) {
      const [delta] = await read(model.stream(requestOf([], { agent })));
      texts.push((delta as { delta: string }).delta);
    }
    expect(texts).toEqual(["a1", "b1", "a2"]);
  });

  it("takes one function as a script that is never used up", async () => {
    const model = scriptedModel(({ items }) => say(`${items.length} items`));
    await read(model.stream(requestOf([])));
    expect(await read(model.stream(requestOf([user("1", "x")])))).toContainEqual({
      type: "text_delta",
      delta: "1 items",
    });
    model.assertDone();
  });

  it("puts several parts into one reply, and takes functions of the request as steps", async () => {
    const model = scriptedModel([
      [reason("hm"), say("One moment."), call("a"), call("b", "not json", { callId: "mine" })],
      (request) => calls(call("c", { asked: request.items.length }), call("d")),
    ]);
    const first = await read(model.stream(requestOf([])));
    expect(first.at(-1)).toMatchObject({
      items: [
        { type: "reasoning", summary: "hm", provider: "scripted", data: { reasoning: 1 } },
        { type: "message", content: "One moment." },
        { type: "tool_call", callId: "call_1", name: "a", arguments: "{}" },
        { type: "tool_call", callId: "mine", name: "b", arguments: "not json" },
      ],
      finishReason: "tool_calls",
    });
    const second = await read(model.stream(requestOf([])));
    expect(second.at(-1)).toMatchObject({
      items: [{ callId: "call_2", arguments: '{"asked":0}' }, { callId: "call_3" }],
    });
  });

  it("names the agents that the script has replies for where the agent is none of them", async () => {
    const model = scriptedModel({ Triag: [say("hi")], Billing: [] });
    await expect(read(model.stream(requestOf([], { agent: "Triage" })))).rejects.toThrow(
      'Cannot answer turn 1 of agent "Triage": the script has no replies for it, only for "Triag", "Billing"; the last of 0 items is nothing; offered are no tools',
    );
  });

  it("fails for an unexpected request, naming agent, turn and what was asked", async () => {
    const model = scriptedModel({ "Triage Agent": [say("hi")] });
    await read(model.stream(requestOf([], { agent: "Triage Agent" })));
    const again = read(model.stream(requestOf([user("1", "more")], { agent: "Triage Agent", turn: 2 })));
    await expect(again).rejects.toThrow(
      'Cannot answer turn 2 of agent "Triage Agent": its script has no reply left (1 reply was used); the last of 1 items is user: "more"; offered are no tools',
    );
    // A wrapper may have swallowed the error: it comes again.
    expect(() => model.assertDone()).toThrow(ScriptError);
  });

  it("assertDone() fails while replies are left, and says which", () => {
    const model = scriptedModel({ A: [say("hello"), call("lookup")], B: [stall(), handOff("x")] });
    expect(model.remaining).toBe(4);
    expect(() => model.assertDone()).toThrow(
      'Cannot end the script of model "scripted": 4 replies are left after 0 requests: A: say("hello"); A: call("lookup"); B: stall(); B: handOff("x")',
    );
  });

  it("runs the oracle on every request, and remembers what it found", async () => {
    const model = scriptedModel([say("never said")]);
    const result: VisibleItem = { type: "tool_result", id: "1", callId: "c", output: "", status: "ok" };
    await expect(read(model.stream(requestOf([result])))).rejects.toThrow("I1 pairing");
    expect(() => model.assertDone()).toThrow("I1 pairing");
  });

  it("records requests as frozen copies", async () => {
    const model = scriptedModel([say("x")]);
    const items = [user("1", "hi")];
    const request = requestOf(items);
    await read(model.stream(request));
    items.push(user("2", "later"));
    const recorded = model.request(-1);
    expect(recorded.items).toEqual([user("1", "hi")]);
    expect(recorded.signal).toBe(request.signal);
    expect(Object.keys(recorded)).not.toContain("signal");
    expect(() => (recorded.items as VisibleItem[]).push(user("3", "x"))).toThrow(TypeError);
    expect(() => Object.assign(recorded.items[0] as object, { content: "x" })).toThrow(TypeError);
    expect(() => model.request(1)).toThrow("Cannot find request 1: the model was asked 1 times");
  });

  it("records keys such as __proto__ as keys", async () => {
    const model = scriptedModel([say("x")]);
    const data = JSON.parse('{"__proto__":{"polluted":true}}') as never;
    await read(model.stream(requestOf([{ type: "provider_item", id: "1", provider: "scripted", data }])));
    expect(JSON.stringify(model.request(0).items)).toContain('"__proto__":{"polluted":true}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("streams in pieces of chunkSize characters, and never splits a surrogate pair", async () => {
    const model = scriptedModel([[say("a😀b"), call("t", { n: 1 })]], { chunkSize: 2 });
    const events = await read(model.stream(requestOf([])));
    expect(events.slice(0, -1)).toEqual([
      { type: "text_delta", delta: "a😀" },
      { type: "text_delta", delta: "b" },
      { type: "tool_call_delta", callId: "call_1", name: "t", delta: '{"' },
      { type: "tool_call_delta", callId: "call_1", delta: 'n"' },
      { type: "tool_call_delta", callId: "call_1", delta: ":1" },
      { type: "tool_call_delta", callId: "call_1", delta: "}" },
    ]);
    expect(() => scriptedModel([], { chunkSize: 0 })).toThrow(RangeError);
  });

  it("does nothing before it is iterated", () => {
    const model = scriptedModel([say("x")]);
    model.stream(requestOf([]));
    expect(model.requests).toEqual([]);
    expect(model.remaining).toBe(1);
  });
});

describe("handOff()", () => {
  it.each([["transfer_to_billing"], ["Billing Agent"], ["billing agent"], ["billing"], ["Billing"]])(
    "finds the handoff by %s",
    async (to) => {
      const model = scriptedModel([handOff(to, { amount: 3 })]);
      const events = await read(model.stream(requestOf([], { handoffs: [technical, billing] })));
      expect(events.at(-1)).toMatchObject({ items: [{ name: "transfer_to_billing", arguments: '{"amount":3}' }] });
    },
  );

  it("fails for a handoff that is not offered, or that could be several", async () => {
    const offered =
      'the handoffs offered are "transfer_to_billing" (to "Billing Agent"), "transfer_to_tech" (to "Technical Agent")';
    for (const to of ["sales", "agent"]) {
      const model = scriptedModel([handOff(to)]);
      const events = read(model.stream(requestOf([], { agent: "T", handoffs: [billing, technical] })));
      await expect(events).rejects.toThrow(`Cannot hand off to "${to}" from agent "T": ${offered}`);
    }
  });
});

describe("replies that are no answers", () => {
  it("reply() sets finish reason, usage and the rest", async () => {
    const usage = { inputTokens: 1, outputTokens: 2 };
    const model = scriptedModel([reply({ items: [say("cut of")], finishReason: "length", usage, responseId: "r" })]);
    const events = await read(model.stream(requestOf([])));
    expect(events.at(-1)).toMatchObject({ finishReason: "length", usage, responseId: "r" });
  });

  it("fail() throws the error after what was streamed", async () => {
    const error = new ModelError("Cannot reach the model: overloaded", { kind: "overloaded" });
    const model = scriptedModel([fail(error, say("par"))]);
    const events: ModelEvent[] = [];
    const reading = (async () => {
      for await (const event of model.stream(requestOf([]))) events.push(event);
    })();
    await expect(reading).rejects.toBe(error);
    expect(events).toEqual([{ type: "text_delta", delta: "par" }]);
    model.assertDone();
  });

  it("endEarly() ends without a reply", async () => {
    const model = scriptedModel([endEarly("par")]);
    expect(await read(model.stream(requestOf([])))).toEqual([{ type: "text_delta", delta: "par" }]);
  });

  it("garbage() yields what it is given", async () => {
    const model = scriptedModel([garbage(undefined, { type: "reply" }, "x")]);
    expect(await read(model.stream(requestOf([])))).toEqual([undefined, { type: "reply" }, "x"]);
  });

  it("stall() ends with the reason of the abort, and leaves nothing open", async () => {
    const model = scriptedModel([stall(say("par"))]);
    const stop = new AbortController();
    const reading = read(model.stream(requestOf([], { signal: stop.signal })));
    await Promise.resolve();
    expect(model.open).toBe(1);
    stop.abort("enough");
    await expect(reading).rejects.toBe("enough");
    expect(model.open).toBe(0);
  });
});

describe("request.signal", () => {
  it("stops a reply between two deltas", async () => {
    const model = scriptedModel([say(["a", "b", "c"])]);
    const stop = new AbortController();
    const events: ModelEvent[] = [];
    const reading = (async () => {
      for await (const event of model.stream(requestOf([], { signal: stop.signal }))) {
        events.push(event);
        stop.abort(new Error("left"));
      }
    })();
    await expect(reading).rejects.toThrow("left");
    expect(events).toEqual([{ type: "text_delta", delta: "a" }]);
  });

  it("aborted before the start is recorded, and takes no reply", async () => {
    const model = scriptedModel([say("x")]);
    const request: ModelRequest = requestOf([], { signal: AbortSignal.abort("no") });
    await expect(read(model.stream(request))).rejects.toBe("no");
    expect([model.requests.length, model.remaining, model.open]).toEqual([1, 1, 0]);
  });

  it("open counts down when the reader leaves", async () => {
    const model = scriptedModel([say(["a", "b"])]);
    for await (const event of model.stream(requestOf([]))) {
      expect([event.type, model.open]).toEqual(["text_delta", 1]);
      break;
    }
    expect(model.open).toBe(0);
  });
});
