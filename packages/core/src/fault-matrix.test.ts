/** The fault matrix: what comes of each fault at each point of a turn, streamed and drained. One test for each cell. */
import "@batonjs/testing/vitest";
import { getEventListeners } from "node:events";
import {
  approve,
  reject,
  type Item,
  MemoryStore,
  type Model,
  ModelError,
  type ModelEvent,
  type Plugin,
  retry,
  Runner,
  type RunResult,
  seals,
  StoreError,
  timeout,
  user,
} from "@batonjs/core";
import {
  type Answer,
  call,
  calls,
  handOff,
  invariantsOf,
  say,
  scriptedModel,
  type TestClock,
  testClock,
  testIds,
  transcript,
} from "@batonjs/testing";
import { hostileArguments, hostileResults, hostileThrown } from "@batonjs/testing/corpus";
import { describe, expect, it } from "vitest";
import { deskOf, type Effect, type Fault, forever, type Place, World } from "./__fixtures__/fault-world.ts";

const POINTS = [
  "1 load the session",
  "2 input guardrail",
  "3 append the input",
  "4 instructions, isEnabled, filter",
  "5 connect to the model",
  "6 stream before its first event",
  "7 stream within a text",
  "8 stream within arguments",
  "9 stream after the reply",
  "10 append the reply with calls",
  "11 wait for approval",
  "12 run a tool",
  "13 append results",
  "14 hand over",
  "15 output guardrail, last append",
  "16 listeners and their close",
] as const;
const FAULTS = ["killed", "aborted", "hangs", "throws", "malformed", "twice"] as const;
const MODES = ["drained", "streamed"] as const;
type Point = (typeof POINTS)[number];
type FaultKind = (typeof FAULTS)[number];
type Mode = (typeof MODES)[number];

const LIMITS = {
  callbackTimeoutMs: 100,
  toolTimeoutMs: 200,
  modelTimeoutMs: 1_000,
  storeTimeoutMs: 400,
  abortGraceMs: 50,
  maxToolOutput: 1_000,
} as const;
const FIRST_EVENT_MS = 60;
const IDLE_MS = 70;
const BACKOFF_MS = 20;
/** A store is asked three times. */
const THREE_TIMES = 3 * LIMITS.storeTimeoutMs;

/** How a run ends: with this answer, with an error that is like this, or not at all: its process was killed. */
type Ends = string | { readonly name: string; readonly code?: string; readonly kind?: string } | typeof GONE;
const GONE = Symbol("gone");

/** One or more faults at one place, and what comes of each of them. */
interface Play {
  readonly at: Place;
  readonly faults: Readonly<Record<string, Fault>>;
  /** How often it strikes. @default {1} */
  readonly times?: number;
  /** What the desk calls first. @default look, note and pay */
  readonly calls?: readonly string[];
  /** Without retry() and timeout() around the model. */
  readonly bare?: true;
  readonly ends: Ends;
  /** By when it has ended, on the clock, and not before. @default at once */
  readonly within?: number;
  /** How often the model was asked until then. */
  readonly asked?: number;
  /** How many items were stored until then. */
  readonly stored?: number;
  /** What tools did until then. */
  readonly effects?: readonly string[];
  /** What the record says. */
  readonly says?: RegExp;
  readonly saysNot?: RegExp;
  /** How `runner.close()` ends. @default well */
  readonly closes?: RegExp;
}
type Cell =
  | { readonly then: string; readonly plays: readonly (Play | ((mode: Mode) => Promise<void>))[] }
  /** Why there is nothing to test. */
  | { readonly none: string };

const DONE = "It is done.";
const STAYS = "I stay.";
const ABORTED = { name: "AbortError", code: "aborted" } as const;
const TOO_LATE = { name: "StoreError", code: "store_timeout" } as const;
const STORE_FAILED = { name: "StoreError", code: "store_error" } as const;
const CONFLICT = { name: "SessionConflict", code: "session_conflict" } as const;
const BLOCKED = { name: "GuardrailError", code: "guardrail_tripped" } as const;
const modelError = (kind: string) => ({ name: "ModelError", code: "model_error", kind }) as const;

const broken = new Error("broken");
const never: Fault = () => forever();
const killed: Fault = (_, world) => ((world.dead = true), forever());
const stop = new Error("stop");
const abort = (world: World): void => world.controller.abort(stop);

const HANGS = { "never answers": never };
const STORE_HANGS = {
  "never answers": never,
  "acts and never answers": async (act: () => unknown) => (await act(), forever()),
};
const KILLS: Readonly<Record<string, Fault>> = {
  before: killed,
  after: async (act, world) => {
    await act();
    world.dead = true;
    return forever();
  },
};
const THROWS: Readonly<Record<string, Fault>> = {
  throws: () => {
    throw broken;
  },
  rejects: () => Promise.reject(broken),
  ...Object.fromEntries(
    hostileThrown.map(({ what, value }, i): [string, Fault] =>
      i % 2 === 0
        ? [`rejects with ${what}`, () => Promise.reject(value as Error)]
        : [
            `throws ${what}`,
            () => {
              throw value;
            },
          ],
    ),
  ),
};
const STORE_THROWS: Readonly<Record<string, Fault>> = {
  ...THROWS,
  "acts, then rejects": async (act) => {
    await act();
    throw broken;
  },
};
/** The call goes on and answers too late. */
const ABORTS_LATE = { "aborted, and answers": ((act, world) => (abort(world), act())) as Fault };
const ABORTS: Readonly<Record<string, Fault>> = {
  ...ABORTS_LATE,
  "aborted, and never answers": (_, world) => (abort(world), forever()),
  "aborted, and throws": (_, world) => {
    abort(world);
    throw broken;
  },
};
const gives = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, Fault>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([what, value]): [string, Fault][] => [
      [`gives ${what}`, () => value],
      [`gives ${what} later`, () => Promise.resolve(value)],
    ]),
  );
const streams = (what: string, ...events: readonly unknown[]): Readonly<Record<string, Fault>> => ({
  [`streams ${what}`]: () => events,
});
/** A stream that ends without a reply. */
const END = Symbol("end");
const fails = (kind: "network" | "stream_error" | "truncated" | "protocol"): Readonly<Record<string, Fault>> => ({
  [`fails with ${kind}`]: () => {
    throw new ModelError(`The stream failed: ${kind}`, { kind });
  },
});
const NO_VERDICTS = gives({
  nothing: undefined,
  null: null,
  "a number": 1,
  "a text": "true",
  "an empty object": {},
  "a text as its verdict": { allow: "true" },
});
const retriable: Fault = () => Promise.reject(new StoreError("busy", { retryable: true }));
const otherFirst: Readonly<Record<string, Fault>> = {
  "another process was first": async (act, world) => {
    await world.other();
    return act();
  },
};
const rivalFirst: Readonly<Record<string, Fault>> = {
  "another process has gone on with the run": async (act, world) => {
    await world.rival();
    return act();
  },
};
const answers = (what: string, answer: Answer): Readonly<Record<string, Fault>> => ({
  [`answers ${what}`]: () => answer,
});

const MATRIX: Readonly<Record<Point, Readonly<Record<FaultKind, Cell>>>> = {
  "1 load the session": {
    killed: { then: "nothing has changed", plays: [{ at: "read", faults: KILLS, ends: GONE, stored: 0, asked: 0 }] },
    aborted: {
      then: "AbortError, no model is asked",
      plays: [
        { at: "read", faults: ABORTS_LATE, ends: ABORTED, stored: 0, asked: 0 },
        {
          at: "read",
          faults: { "aborted, and never answers": ABORTS["aborted, and never answers"]! },
          ends: ABORTED,
          within: LIMITS.storeTimeoutMs,
          stored: 0,
          asked: 0,
        },
      ],
    },
    hangs: {
      then: "store_timeout",
      plays: [{ at: "read", faults: HANGS, ends: TOO_LATE, within: LIMITS.storeTimeoutMs, stored: 0, asked: 0 }],
    },
    throws: {
      then: "StoreError, no model is asked",
      plays: [{ at: "read", faults: THROWS, ends: STORE_FAILED, stored: 0, asked: 0 }],
    },
    malformed: {
      then: "corrupt_item",
      plays: [
        {
          at: "read",
          faults: Object.fromEntries(
            Object.entries({
              nothing: undefined,
              "no items": { version: 0 },
              "items that are no list": { items: "x", version: 1 },
              "no version": { items: [] },
              "a version that is no number": { items: [], version: "1" },
              "nothing for an item": { items: [null], version: 1 },
              "an item of no type": { items: [{ id: "1" }], version: 1 },
              "an item of an unknown type": { items: [{ type: "dream", id: "1" }], version: 1 },
              "a result without a call": {
                items: [{ type: "tool_result", id: "1", agent: "Desk", callId: "c", output: "", status: "ok" }],
                version: 1,
              },
            }).map(([what, value]): [string, Fault] => [`gives ${what}`, () => Promise.resolve(value)]),
          ),
          ends: { name: "StoreError", code: "corrupt_item" },
          stored: 0,
          asked: 0,
        },
      ],
    },
    twice: {
      then: "reads a committed prefix, and SessionConflict before a model is asked",
      plays: [
        {
          at: "read",
          faults: {
            "another process appends meanwhile": async (act, world) => {
              const read = await act();
              await world.other();
              return read;
            },
          },
          ends: CONFLICT,
          asked: 0,
        },
        { at: "read", faults: otherFirst, ends: DONE },
      ],
    },
  },
  "2 input guardrail": {
    killed: {
      then: "asked again",
      plays: [
        { at: "the input guardrail", faults: KILLS, ends: GONE, stored: 0, asked: 0 },
        { at: "the guardrail beside the model", faults: KILLS, ends: GONE, stored: 0 },
      ],
    },
    aborted: {
      then: "AbortError, no tool runs",
      plays: [
        { at: "the input guardrail", faults: ABORTS, ends: ABORTED, asked: 0, effects: [] },
        { at: "the guardrail beside the model", faults: ABORTS, ends: ABORTED, effects: [], saysNot: /Desk/ },
      ],
    },
    hangs: {
      then: "blocked when its time is over",
      plays: [
        { at: "the input guardrail", faults: HANGS, ends: BLOCKED, within: LIMITS.callbackTimeoutMs, asked: 0 },
        {
          at: "the guardrail beside the model",
          faults: HANGS,
          ends: BLOCKED,
          within: LIMITS.callbackTimeoutMs,
          stored: 0,
          effects: [],
        },
      ],
    },
    throws: {
      then: "blocked",
      plays: [
        { at: "the input guardrail", faults: THROWS, ends: BLOCKED, stored: 0, asked: 0 },
        { at: "the guardrail beside the model", faults: THROWS, ends: BLOCKED, stored: 0, effects: [] },
      ],
    },
    malformed: {
      then: "blocked",
      plays: [
        { at: "the input guardrail", faults: NO_VERDICTS, ends: BLOCKED, stored: 0, asked: 0 },
        { at: "the guardrail beside the model", faults: NO_VERDICTS, ends: BLOCKED, stored: 0, effects: [] },
      ],
    },
    twice: { none: "nothing is delivered to a guardrail that could come twice" },
  },
  "3 append the input": {
    killed: {
      then: "stored once or not at all",
      plays: [{ at: "append the input", faults: KILLS, ends: GONE, asked: 0 }],
    },
    aborted: {
      then: "AbortError, stored or not, no model is asked",
      plays: [
        { at: "append the input", faults: ABORTS_LATE, ends: ABORTED, stored: 1, asked: 0 },
        {
          at: "append the input",
          faults: { "aborted, and never answers": ABORTS["aborted, and never answers"]! },
          ends: ABORTED,
          within: LIMITS.storeTimeoutMs,
          asked: 0,
        },
        {
          at: "append the input",
          faults: { "aborted, and throws": ABORTS["aborted, and throws"]! },
          ends: ABORTED,
          asked: 0,
          stored: 0,
        },
      ],
    },
    hangs: {
      then: "tried again with the same opId, then store_timeout",
      plays: [
        { at: "append the input", faults: STORE_HANGS, ends: DONE, within: LIMITS.storeTimeoutMs },
        { at: "append the input", faults: STORE_HANGS, times: 3, ends: TOO_LATE, within: THREE_TIMES, asked: 0 },
      ],
    },
    throws: {
      then: "StoreError, and tried again where the store says so",
      plays: [
        { at: "append the input", faults: STORE_THROWS, ends: STORE_FAILED, asked: 0 },
        { at: "append the input", faults: { "says it is busy": retriable }, times: 2, ends: DONE },
        { at: "append the input", faults: { "says it is busy": retriable }, times: 3, ends: STORE_FAILED, asked: 0 },
      ],
    },
    malformed: {
      then: "TypeError before anything is stored; what is too large for the store is its StoreError",
      plays: [
        {
          at: "the input",
          faults: Object.fromEntries(
            Object.entries({
              nothing: undefined,
              null: null,
              "a number": 5,
              "an empty list": [],
              "a list of nothing": [null],
              "an unknown type": [{ type: "dream" }],
              "an unknown role": [{ type: "message", role: "robot", content: "hi" }],
              "content that is a number": [{ type: "message", role: "user", content: 5 }],
            }).map(([what, value]): [string, Fault] => [`is ${what}`, () => value]),
          ),
          ends: { name: "TypeError" },
          stored: 0,
          asked: 0,
        },
        {
          at: "append the input",
          faults: { "is too large": () => Promise.reject(new StoreError("too large", { code: "too_large" })) },
          ends: { name: "StoreError", code: "too_large" },
          stored: 0,
          asked: 0,
        },
      ],
    },
    twice: {
      then: "SessionConflict",
      plays: [{ at: "append the input", faults: otherFirst, ends: CONFLICT, asked: 0 }],
    },
  },
  "4 instructions, isEnabled, filter": {
    killed: {
      then: "called again",
      plays: [
        { at: "the instructions", faults: KILLS, ends: GONE, stored: 1, asked: 0 },
        { at: "isEnabled", faults: KILLS, ends: GONE, stored: 1, asked: 0 },
        { at: "the filter", faults: KILLS, ends: GONE },
      ],
    },
    aborted: {
      then: "AbortError, no model is asked",
      plays: [
        { at: "the instructions", faults: ABORTS, ends: ABORTED, stored: 1, asked: 0 },
        { at: "isEnabled", faults: ABORTS, ends: ABORTED, stored: 1, asked: 0 },
        { at: "the filter", faults: ABORTS, ends: ABORTED, asked: 2, saysNot: /handoff Desk/ },
      ],
    },
    hangs: {
      then: "callback_timeout, and a filter's agent stays",
      plays: [
        {
          at: "the instructions",
          faults: HANGS,
          ends: { name: "RunError", code: "callback_timeout" },
          within: LIMITS.callbackTimeoutMs,
          asked: 0,
        },
        {
          at: "isEnabled",
          faults: HANGS,
          ends: { name: "RunError", code: "callback_timeout" },
          within: LIMITS.callbackTimeoutMs,
          asked: 0,
        },
        {
          at: "the filter",
          faults: HANGS,
          ends: STAYS,
          within: LIMITS.callbackTimeoutMs,
          says: /has not answered within/,
        },
      ],
    },
    throws: {
      then: "callback_failed, and a filter's agent stays",
      plays: [
        { at: "the instructions", faults: THROWS, ends: { name: "RunError", code: "callback_failed" }, asked: 0 },
        { at: "isEnabled", faults: THROWS, ends: { name: "RunError", code: "callback_failed" }, asked: 0 },
        { at: "the filter", faults: THROWS, ends: STAYS, says: /Cannot hand over to .*Specialist/ },
      ],
    },
    malformed: {
      then: "callback_failed; what does not say true is not enabled; a view that breaks pairs is repaired or refused",
      plays: [
        {
          at: "the instructions",
          faults: gives({ null: null, "a number": 5, "an object": {}, "a list": ["x"] }),
          ends: { name: "RunError", code: "callback_failed" },
          asked: 0,
        },
        {
          at: "isEnabled",
          faults: gives({ nothing: undefined, "a text": "true", "a number": 1, "an object": {} }),
          times: Infinity,
          ends: DONE,
          says: /it is not available now/,
        },
        {
          at: "the filter",
          faults: gives({
            nothing: undefined,
            "a number": 5,
            "a text for a list": { newItems: "x" },
            "nothing for an item": { newItems: [null] },
            "a handoff for an item": { newItems: [{ type: "handoff", from: "a", to: "b" }] },
            "a view of nothing": {
              inputHistory: [],
              preHandoffItems: [],
              newItems: [{ type: "message", role: "robot", content: "" }],
            },
          }),
          ends: STAYS,
          says: /Cannot hand over to .*Specialist/,
        },
        {
          at: "the filter",
          faults: {
            "drops results and keeps their calls": async (act) => {
              const data = (await act()) as Record<string, readonly Item[]>;
              const pieces = ["inputHistory", "preHandoffItems", "newItems"].map((name) => [
                name,
                data[name]!.filter(({ type }) => type !== "tool_result"),
              ]);
              return Object.fromEntries(pieces) as unknown;
            },
            "doubles what it is given": async (act) => {
              const data = (await act()) as { readonly inputHistory: readonly Item[] };
              return { inputHistory: [...data.inputHistory, ...data.inputHistory] };
            },
          },
          ends: DONE,
        },
      ],
    },
    twice: { none: "nothing is delivered to a callback that could come twice" },
  },
  "5 connect to the model": {
    killed: {
      then: "asked again, with the same result",
      plays: [{ at: "connect", faults: { before: killed }, ends: GONE, stored: 1, effects: [] }],
    },
    aborted: { then: "AbortError", plays: [{ at: "connect", faults: ABORTS, ends: ABORTED, stored: 1, asked: 1 }] },
    hangs: {
      then: "asked again when the time for the first event is over, then timeout",
      plays: [
        { at: "connect", faults: HANGS, ends: DONE, within: FIRST_EVENT_MS + BACKOFF_MS },
        {
          at: "connect",
          faults: HANGS,
          times: 3,
          ends: modelError("timeout"),
          within: 3 * FIRST_EVENT_MS + 3 * BACKOFF_MS,
          asked: 3,
        },
        {
          at: "connect",
          faults: HANGS,
          bare: true,
          ends: modelError("timeout"),
          within: LIMITS.modelTimeoutMs,
          asked: 1,
        },
      ],
    },
    throws: {
      then: "ModelError, asked again where that may help",
      plays: [
        { at: "connect", faults: fails("network"), ends: DONE, within: BACKOFF_MS },
        {
          at: "connect",
          faults: fails("network"),
          times: 3,
          ends: modelError("network"),
          within: 3 * BACKOFF_MS,
          asked: 3,
        },
        { at: "connect", faults: THROWS, ends: modelError("unknown"), stored: 1, asked: 1 },
        { at: "connect", faults: THROWS, bare: true, ends: modelError("unknown"), stored: 1, asked: 1 },
      ],
    },
    malformed: {
      then: "ModelError",
      plays: [
        {
          at: "connect",
          faults: fails("protocol"),
          times: 3,
          ends: modelError("protocol"),
          within: 3 * BACKOFF_MS,
          asked: 3,
        },
        {
          at: "connect",
          faults: {
            "gives nothing": () => undefined,
            "gives an object": () => ({}),
            "gives a number": () => 5,
            "gives an iterator of nothing": () => ({ [Symbol.asyncIterator]: () => ({}) }),
            "gives results that are none": () => ({ [Symbol.asyncIterator]: () => ({ next: () => 5 }) }),
          },
          bare: true,
          ends: modelError("unknown"),
          asked: 1,
        },
      ],
    },
    twice: { none: "nothing has been delivered yet that could come twice" },
  },
  "6 stream before its first event": {
    killed: {
      then: "asked again, with the same result",
      plays: [{ at: "the first event", faults: { before: killed }, ends: GONE, stored: 1, effects: [] }],
    },
    aborted: {
      then: "AbortError",
      plays: [{ at: "the first event", faults: ABORTS, ends: ABORTED, stored: 1, asked: 1 }],
    },
    hangs: {
      then: "asked again when the time for the first event is over, then timeout",
      plays: [
        { at: "the first event", faults: HANGS, ends: DONE, within: FIRST_EVENT_MS + BACKOFF_MS },
        {
          at: "the first event",
          faults: HANGS,
          bare: true,
          ends: modelError("timeout"),
          within: LIMITS.modelTimeoutMs,
        },
      ],
    },
    throws: {
      then: "asked again where that may help, else ModelError",
      plays: [
        { at: "the first event", faults: fails("stream_error"), ends: DONE, within: BACKOFF_MS },
        { at: "the first event", faults: THROWS, ends: modelError("unknown"), asked: 1 },
        { at: "the first event", faults: { "ends at once": () => END }, ends: modelError("truncated"), asked: 1 },
      ],
    },
    malformed: {
      then: "ModelError; events that nobody knows are nothing",
      plays: [
        {
          at: "the first event",
          faults: { ...streams("nothing", undefined), ...streams("null", null) },
          ends: modelError("unknown"),
          asked: 1,
        },
        {
          at: "the first event",
          faults: {
            ...streams("a reply without anything", { type: "reply" }),
            ...streams("a reply with items that are no list", {
              type: "reply",
              items: {},
              finishReason: "stop",
              usage: {},
            }),
            ...streams("a reply without usage", { type: "reply", items: [], finishReason: "stop" }),
            ...streams("a reply with nothing for an item", {
              type: "reply",
              items: [null],
              finishReason: "stop",
              usage: { inputTokens: 1, outputTokens: 1 },
            }),
          },
          ends: modelError("protocol"),
          asked: 1,
        },
        {
          at: "the first event",
          faults: { ...streams("a type that nobody knows", { type: "dream" }), ...streams("no type", {}) },
          ends: DONE,
        },
      ],
    },
    twice: { none: "nothing has been delivered yet that could come twice" },
  },
  "7 stream within a text": {
    killed: {
      then: "nothing of the reply is stored",
      plays: [{ at: "within the text", faults: { before: killed }, ends: GONE, stored: 1, effects: [] }],
    },
    aborted: {
      then: "AbortError, nothing of the reply is stored",
      plays: [{ at: "within the text", faults: ABORTS, ends: ABORTED, stored: 1, effects: [] }],
    },
    hangs: {
      then: "timeout, not asked again",
      plays: [
        { at: "within the text", faults: HANGS, ends: modelError("timeout"), within: IDLE_MS, asked: 1, stored: 1 },
      ],
    },
    throws: {
      then: "ModelError, not asked again",
      plays: [
        { at: "within the text", faults: fails("truncated"), ends: modelError("truncated"), asked: 1, stored: 1 },
        {
          at: "within the text",
          faults: { "ends without a reply": () => END },
          ends: modelError("truncated"),
          asked: 1,
          stored: 1,
        },
        { at: "within the text", faults: THROWS, ends: modelError("unknown"), asked: 1, stored: 1 },
      ],
    },
    malformed: {
      then: "ModelError, not asked again",
      plays: [
        { at: "within the text", faults: fails("protocol"), ends: modelError("protocol"), asked: 1, stored: 1 },
        {
          at: "within the text",
          faults: streams("nothing", undefined),
          ends: modelError("unknown"),
          asked: 1,
          stored: 1,
        },
      ],
    },
    twice: {
      then: "the reply is as its last event says",
      plays: [
        {
          at: "within the text",
          faults: streams(
            "a delta again",
            { type: "text_delta", delta: "Let m" },
            { type: "text_delta", delta: "Let m" },
          ),
          ends: DONE,
          says: /Desk: "Let me look\."/,
        },
      ],
    },
  },
  "8 stream within arguments": {
    killed: {
      then: "no tool runs",
      plays: [{ at: "within the arguments", faults: { before: killed }, ends: GONE, stored: 1, effects: [] }],
    },
    aborted: {
      then: "AbortError, no tool runs",
      plays: [{ at: "within the arguments", faults: ABORTS, ends: ABORTED, stored: 1, effects: [] }],
    },
    hangs: {
      then: "timeout, no tool runs",
      plays: [
        {
          at: "within the arguments",
          faults: HANGS,
          ends: modelError("timeout"),
          within: IDLE_MS,
          asked: 1,
          effects: [],
        },
      ],
    },
    throws: {
      then: "ModelError, no tool runs",
      plays: [
        {
          at: "within the arguments",
          faults: fails("truncated"),
          ends: modelError("truncated"),
          asked: 1,
          effects: [],
        },
        {
          at: "within the arguments",
          faults: { "ends without a reply": () => END },
          ends: modelError("truncated"),
          asked: 1,
          effects: [],
        },
        { at: "within the arguments", faults: THROWS, ends: modelError("unknown"), asked: 1, effects: [] },
      ],
    },
    malformed: {
      then: "no tool runs, the model reads why",
      plays: [
        {
          at: "the calls",
          faults: Object.fromEntries(
            hostileArguments
              .filter(
                ({ expected, value }) => expected === "error" && typeof value === "string" && value.length < 10_000,
              )
              .map(({ what, value }): [string, Fault] => [
                `answers ${what}`,
                () => calls(say("Let me look."), call("pay", value as string)),
              ]),
          ),
          ends: DONE,
          effects: [],
          says: /result of call_1/,
        },
      ],
    },
    twice: {
      then: "one call",
      plays: [
        {
          at: "the calls",
          faults: answers(
            "a call twice",
            calls(say("Let me look."), call("pay", {}, { callId: "p" }), call("pay", {}, { callId: "p" })),
          ),
          ends: DONE,
          effects: ["pay"],
        },
      ],
    },
  },
  "9 stream after the reply": {
    killed: {
      then: "stored, or asked again with the same result",
      plays: [{ at: "after the reply", faults: { before: killed }, ends: GONE, effects: [] }],
    },
    aborted: {
      then: "AbortError, no tool runs",
      plays: [{ at: "after the reply", faults: ABORTS, ends: ABORTED, effects: [] }],
    },
    hangs: {
      then: "the reply counts",
      plays: [
        { at: "after the reply", faults: HANGS, ends: DONE },
        { at: "after the reply", faults: HANGS, bare: true, ends: DONE },
      ],
    },
    throws: {
      then: "the reply counts",
      plays: [
        { at: "after the reply", faults: THROWS, ends: DONE },
        { at: "after the reply", faults: THROWS, bare: true, ends: DONE },
      ],
    },
    malformed: {
      then: "what follows is ignored",
      plays: [
        {
          at: "after the reply",
          faults: { ...streams("nothing", undefined), ...streams("another reply", { type: "reply" }) },
          bare: true,
          ends: DONE,
        },
      ],
    },
    twice: { none: "the stream is left at the first reply: a second one is never read" },
  },
  "10 append the reply with calls": {
    killed: {
      then: "asked again or taken up, no tool has run",
      plays: [{ at: "append the calls", faults: KILLS, ends: GONE, effects: [], asked: 1 }],
    },
    aborted: {
      then: "AbortError, no tool starts",
      plays: [
        { at: "append the calls", faults: ABORTS_LATE, ends: ABORTED, effects: [], asked: 1 },
        {
          at: "append the calls",
          faults: { "aborted, and throws": ABORTS["aborted, and throws"]! },
          ends: ABORTED,
          effects: [],
          stored: 1,
        },
        {
          at: "append the calls",
          faults: { "aborted, and never answers": ABORTS["aborted, and never answers"]! },
          ends: ABORTED,
          within: LIMITS.storeTimeoutMs,
          effects: [],
        },
      ],
    },
    hangs: {
      then: "store_timeout, no tool starts",
      plays: [
        { at: "append the calls", faults: STORE_HANGS, times: 3, ends: TOO_LATE, within: THREE_TIMES, effects: [] },
        { at: "append the calls", faults: STORE_HANGS, ends: DONE, within: LIMITS.storeTimeoutMs },
      ],
    },
    throws: {
      then: "StoreError, no tool starts",
      plays: [
        { at: "append the calls", faults: STORE_THROWS, ends: STORE_FAILED, effects: [] },
        { at: "append a tool's start", faults: STORE_THROWS, calls: ["pay"], ends: STORE_FAILED, effects: [] },
      ],
    },
    malformed: { none: "what is appended is what was checked at point 6 and point 8" },
    twice: {
      then: "SessionConflict, no tool starts",
      plays: [{ at: "append the calls", faults: otherFirst, ends: CONFLICT, effects: [] }],
    },
  },
  "11 wait for approval": {
    killed: {
      then: "what waits is stored, and goes on when it is approved",
      plays: [
        { at: "the approval rule", calls: ["refund"], faults: { before: killed }, ends: GONE, effects: [] },
        { at: "append the approval", calls: ["refund"], faults: KILLS, ends: GONE, effects: [] },
      ],
    },
    aborted: {
      then: "AbortError, and what waits is stored",
      plays: [
        { at: "the approval rule", calls: ["refund"], faults: ABORTS, ends: ABORTED, effects: [] },
        {
          at: "append the approval",
          calls: ["refund"],
          faults: ABORTS_LATE,
          ends: ABORTED,
          effects: [],
          saysNot: /result of/,
        },
      ],
    },
    hangs: {
      then: "denied, and a sealed state expires",
      plays: [
        {
          at: "the approval rule",
          calls: ["refund"],
          faults: HANGS,
          ends: DONE,
          within: LIMITS.callbackTimeoutMs,
          effects: [],
          says: /was denied/,
        },
        async (mode) => {
          const { clock, seal, sealed } = await waiting(mode);
          await clock.advance(3_600_001);
          await expect(seal.open(sealed)).rejects.toMatchObject({ name: "RunError", code: "state_expired" });
        },
      ],
    },
    throws: {
      then: "denied",
      plays: [
        { at: "the approval rule", calls: ["refund"], faults: THROWS, ends: DONE, effects: [], says: /was denied/ },
      ],
    },
    malformed: {
      then: "denied, and a sealed state that was changed is state_tampered",
      plays: [
        {
          at: "the approval rule",
          calls: ["refund"],
          faults: NO_VERDICTS,
          ends: DONE,
          effects: [],
          says: /was denied/,
        },
        async (mode) => {
          const { seal, sealed, effects } = await waiting(mode);
          const [version, key, body, tag] = sealed.split(".") as [string, string, string, string];
          const other = `${body.slice(0, 20)}${body[20] === "A" ? "B" : "A"}${body.slice(21)}`;
          await expect(seal.open([version, key, other, tag].join("."))).rejects.toMatchObject({
            code: "state_tampered",
          });
          expect(effects).toEqual([]);
        },
      ],
    },
    twice: {
      then: "the first decision counts; another is a TypeError, the same again is nothing; a state opens once",
      plays: [
        async (mode) => {
          const { seal, sealed, world, effects } = await waiting(mode);
          const { pending } = await seal.open(sealed);
          await expect(seal.open(sealed)).rejects.toMatchObject({ code: "state_consumed" });
          const again = processOn(world.memory, world.ledger);
          const twice = [approve(pending[0]!), { ...approve(pending[0]!), id: "2" }];
          await expect(take(again, "drained", twice, "r2")).rejects.toThrow("answered twice");
          expect(effects).toEqual([]);
          const first = await take(again, mode, [approve(pending[0]!)], "r3");
          expect(first.finalOutput).toBe(DONE);
          await expect(take(again, "drained", [reject(pending[0]!)], "r4")).rejects.toBeInstanceOf(TypeError);
          await take(again, mode, [approve(pending[0]!)], "r5");
          expect(names(world.ledger)).toEqual(["refund"]);
        },
      ],
    },
  },
  "12 run a tool": {
    killed: {
      then: "run again with the same key, but what must run once is unknown",
      plays: [
        { at: "tool look", faults: KILLS, ends: GONE },
        { at: "tool note", faults: KILLS, ends: GONE },
        { at: "tool pay", faults: KILLS, ends: GONE },
      ],
    },
    aborted: {
      then: "AbortError; what must run once has its grace",
      plays: [
        { at: "tool look", calls: ["look"], faults: ABORTS, ends: ABORTED, says: /abandoned|ok|error/ },
        { at: "tool note", calls: ["note"], faults: ABORTS, ends: ABORTED },
        { at: "tool pay", calls: ["pay"], faults: ABORTS_LATE, ends: ABORTED, effects: ["pay"], says: /pay done/ },
        {
          at: "tool pay",
          calls: ["pay"],
          faults: { "aborted, and never answers": ABORTS["aborted, and never answers"]! },
          ends: ABORTED,
          within: LIMITS.abortGraceMs,
          says: /unknown/,
        },
      ],
    },
    hangs: {
      then: "the model reads that its time is over, or that nobody knows",
      plays: [
        {
          at: "tool look",
          faults: HANGS,
          ends: DONE,
          within: LIMITS.toolTimeoutMs,
          says: /"look\\*" has not finished within 200 ms/,
        },
        { at: "tool pay", faults: HANGS, ends: DONE, within: LIMITS.toolTimeoutMs, says: /The outcome is unknown/ },
      ],
    },
    throws: {
      then: "the model reads the error",
      plays: [
        { at: "tool look", faults: THROWS, ends: DONE, says: /"look\\*" failed/ },
        { at: "tool pay", faults: THROWS, ends: DONE, says: /"pay\\*" failed/ },
      ],
    },
    malformed: {
      then: "the model reads a bounded, well-formed text",
      plays: [
        {
          at: "tool look",
          faults: Object.fromEntries(
            [
              ...hostileResults.filter(({ number }) => number !== 218), // never settles: as above
              { what: "a text over the limit", value: "x".repeat(1_000_000) },
              { what: "lone surrogates", value: "a\ud83d" },
            ].map((hostile): [string, Fault] => [`gives ${hostile.what}`, () => hostile.value]),
          ),
          ends: DONE,
          says: /result of call_1/,
        },
      ],
    },
    twice: {
      then: "one execution",
      plays: [
        {
          at: "the calls",
          faults: answers("a call twice", calls(call("look", {}, { callId: "l" }), call("look", {}, { callId: "l" }))),
          ends: DONE,
          effects: ["look"],
        },
      ],
    },
  },
  "13 append results": {
    killed: {
      then: "as when a tool runs; finished siblings are kept",
      plays: [{ at: "append a result", faults: KILLS, ends: GONE }],
    },
    aborted: {
      then: "AbortError, what was done is stored",
      plays: [
        {
          at: "append a result",
          faults: ABORTS_LATE,
          calls: ["pay"],
          ends: ABORTED,
          effects: ["pay"],
          says: /pay done/,
        },
        { at: "append a result", faults: ABORTS_LATE, ends: ABORTED },
      ],
    },
    hangs: {
      then: "tried again with the same opId, then store_timeout",
      plays: [
        { at: "append a result", faults: STORE_HANGS, ends: DONE, within: LIMITS.storeTimeoutMs },
        {
          at: "append a result",
          calls: ["pay"],
          faults: STORE_HANGS,
          times: 3,
          ends: TOO_LATE,
          within: THREE_TIMES,
          asked: 1,
        },
      ],
    },
    throws: {
      then: "StoreError, and the next run settles what is open",
      plays: [
        { at: "append a result", faults: STORE_THROWS, ends: STORE_FAILED, asked: 1 },
        { at: "append a result", faults: { "says it is busy": retriable }, times: 2, ends: DONE },
      ],
    },
    malformed: { none: "what is appended is the bounded text of point 12" },
    twice: {
      then: "the loser stops, and what the winner has recorded counts",
      plays: [
        { at: "append a result", faults: rivalFirst, ends: CONFLICT, asked: 1 },
        { at: "append a result", faults: otherFirst, ends: CONFLICT, asked: 1 },
      ],
    },
  },
  "14 hand over": {
    killed: {
      then: "before, the first has control; after, the second; never both",
      plays: [
        { at: "onHandoff", faults: KILLS, ends: GONE, saysNot: /handoff Desk/ },
        { at: "append the transfer", faults: KILLS, ends: GONE, saysNot: /handoff Desk/ },
        { at: "append the handoff", faults: { before: killed }, ends: GONE, saysNot: /handoff Desk/ },
        { at: "append the handoff", faults: { after: KILLS["after"]! }, ends: GONE, says: /handoff Desk → Specialist/ },
      ],
    },
    aborted: {
      then: "AbortError; the record says who has control",
      plays: [
        { at: "onHandoff", faults: ABORTS, ends: ABORTED, asked: 2, saysNot: /handoff Desk/ },
        { at: "append the handoff", faults: ABORTS_LATE, ends: ABORTED, asked: 2, says: /handoff Desk → Specialist/ },
        {
          at: "append the handoff",
          faults: { "aborted, and throws": ABORTS["aborted, and throws"]! },
          ends: ABORTED,
          asked: 2,
          saysNot: /handoff Desk/,
        },
      ],
    },
    hangs: {
      then: "callback_timeout as the answer, the first keeps control",
      plays: [
        {
          at: "onHandoff",
          faults: HANGS,
          ends: STAYS,
          within: LIMITS.callbackTimeoutMs,
          says: /has not answered within 100 ms/,
          saysNot: /handoff Desk/,
        },
        { at: "append the handoff", faults: STORE_HANGS, times: 3, ends: TOO_LATE, within: THREE_TIMES, asked: 2 },
      ],
    },
    throws: {
      then: "the call is answered with the error, the first keeps control",
      plays: [
        {
          at: "onHandoff",
          faults: THROWS,
          ends: STAYS,
          says: /Cannot hand over to .*Specialist/,
          saysNot: /handoff Desk/,
        },
        { at: "append the handoff", faults: STORE_THROWS, ends: STORE_FAILED, asked: 2 },
      ],
    },
    malformed: {
      then: "the call is answered with what is wrong, the first keeps control",
      plays: [
        {
          at: "the transfer",
          faults: {
            ...answers("a wrong type", handOff("Specialist", { reason: 5 })),
            ...answers("no payload", handOff("Specialist", {})),
            ...answers("a key too many", handOff("Specialist", { reason: "x", admin: true })),
            ...answers("no JSON", handOff("Specialist", '{"reason":"x"')),
            ...answers("a list", handOff("Specialist", "[]")),
            ...answers("a reason of 1 MB", handOff("Specialist", { reason: "x".repeat(1_500_000) })),
          },
          ends: STAYS,
          saysNot: /handoff Desk/,
        },
      ],
    },
    twice: {
      then: "the first is made, the second is answered with an error",
      plays: [
        {
          at: "the transfer",
          faults: answers(
            "two handoffs",
            calls(handOff("Specialist", { reason: "x" }), handOff("Specialist", { reason: "y" })),
          ),
          ends: DONE,
          says: /Another handoff was made in this turn/,
        },
        { at: "append the handoff", faults: otherFirst, ends: CONFLICT, asked: 2 },
      ],
    },
  },
  "15 output guardrail, last append": {
    killed: {
      then: "asked again, and answered once",
      plays: [
        { at: "the output guardrail", faults: KILLS, ends: GONE, saysNot: /^Specialist: /m },
        { at: "append the answer", faults: KILLS, ends: GONE },
      ],
    },
    aborted: {
      then: "AbortError",
      plays: [
        { at: "the output guardrail", faults: ABORTS, ends: ABORTED, saysNot: /It is done.*It is done/s },
        { at: "append the answer", faults: ABORTS_LATE, ends: ABORTED },
      ],
    },
    hangs: {
      then: "blocked; store_timeout",
      plays: [
        {
          at: "the output guardrail",
          faults: HANGS,
          ends: BLOCKED,
          within: LIMITS.callbackTimeoutMs,
          saysNot: /^Specialist: /m,
        },
        { at: "append the answer", faults: STORE_HANGS, times: 3, ends: TOO_LATE, within: THREE_TIMES },
      ],
    },
    throws: {
      then: "blocked, what tools did is kept; StoreError",
      plays: [
        {
          at: "the output guardrail",
          faults: THROWS,
          ends: BLOCKED,
          effects: ["look", "note", "pay"],
          says: /pay done/,
          saysNot: /^Specialist: /m,
        },
        { at: "append the answer", faults: STORE_THROWS, ends: STORE_FAILED, says: /pay done/ },
      ],
    },
    malformed: {
      then: "blocked",
      plays: [{ at: "the output guardrail", faults: NO_VERDICTS, ends: BLOCKED, saysNot: /^Specialist: /m }],
    },
    twice: { none: "nothing is delivered to a guardrail that could come twice; an append that lost is point 3 and 10" },
  },
  "16 listeners and their close": {
    killed: { then: "the record is whole", plays: [{ at: "an event", faults: { before: killed }, ends: GONE }] },
    aborted: {
      then: "a run that has ended is as it was",
      plays: [{ at: "the last event", faults: ABORTS, ends: DONE }],
    },
    hangs: {
      then: "the run is as it was; close() ends in time",
      plays: [
        { at: "an event", faults: HANGS, times: Infinity, ends: DONE },
        { at: "close", faults: HANGS, ends: DONE, closes: /Cannot close plugin "tap"/ },
      ],
    },
    throws: {
      then: "the run is as it was; close() says what failed",
      plays: [
        { at: "an event", faults: THROWS, times: Infinity, ends: DONE },
        {
          at: "close",
          faults: { throws: THROWS["throws"]!, rejects: THROWS["rejects"]! },
          ends: DONE,
          closes: /broken/,
        },
      ],
    },
    malformed: {
      then: "what a listener returns is nothing",
      plays: [
        {
          at: "an event",
          faults: gives({ "an object": {}, "a text": "stop", "a number": 5 }),
          times: Infinity,
          ends: DONE,
        },
      ],
    },
    twice: { none: "each event is told once; stream.test.ts has that" },
  },
};

/** A model that answers as the desk and its specialist do. Each place of its streams can be struck. */
function modelOf(world: World, first: readonly string[]): Model {
  const scripted = scriptedModel(
    ({ at, items }) => {
      if (at.agent === "Specialist") return say(DONE);
      const used = items.some((item) => item.type === "tool_call" && item.agent === "Desk" && item.handoff !== true);
      if (!used) {
        return world.at("the calls", (): Answer =>
          calls(say(["Let m", "e look."]), ...first.map((name) => call(name, { n: 1 }))),
        );
      }
      const said = items.findLastIndex((item) => item.type === "message" && item.role === "user");
      if (items.slice(said).some((item) => item.type === "tool_call" && item.handoff === true)) return say(STAYS);
      return world.at("the transfer", () => handOff("Specialist", { reason: "paid" }));
    },
    { chunkSize: 1_000 },
  );
  return {
    name: "m",
    provider: "p",
    stream(request) {
      world.asked += 1;
      const events = world.at("connect", () => streamOf(scripted.stream(request), world));
      return Symbol.asyncIterator in Object(events) || !(events instanceof Promise) ? events : later(events);
    },
  };
}

async function* later(events: Promise<AsyncIterable<ModelEvent>>): AsyncGenerator<ModelEvent> {
  yield* await events;
}

async function* streamOf(events: AsyncIterable<ModelEvent>, world: World): AsyncGenerator<ModelEvent> {
  const passed = new Set<Place>();
  const struck = async (place: Place): Promise<readonly ModelEvent[] | typeof END> => {
    if (passed.has(place)) return [];
    passed.add(place);
    const given: unknown = await Promise.resolve(world.at(place, (): readonly ModelEvent[] => []));
    return given === END ? END : (given as readonly ModelEvent[]);
  };
  const atFirst = await struck("the first event");
  if (atFirst === END) return;
  yield* atFirst;
  for await (const event of events) {
    if (event.type !== "reply") {
      yield event;
      const more = await struck(event.type === "text_delta" ? "within the text" : "within the arguments");
      if (more === END) return;
      yield* more;
      continue;
    }
    try {
      yield event;
    } finally {
      const more = await struck("after the reply");
      if (more !== END) yield* more;
    }
  }
}

interface Process {
  readonly world: World;
  readonly clock: TestClock;
  readonly runner: Runner;
  readonly agent: ReturnType<typeof deskOf>;
}

/** A process with its own runner, agents and model, on a store that outlives it. */
function processOf(world: World, clock: TestClock, first: readonly string[] = FIRST, bare = false): Process {
  const tapped = world.strike && ["an event", "the last event", "close"].includes(world.strike.at);
  const tap: Plugin = {
    name: "tap",
    onEvent: ({ type }) => {
      const told: unknown = world.at(type === "run_finished" ? "the last event" : "an event", () => undefined);
      return told as undefined;
    },
    close: () => world.at("close", () => Promise.resolve()),
  };
  const around: readonly Plugin[] = bare
    ? []
    : [
        retry({ clock, baseDelayMs: BACKOFF_MS, random: () => 1 }),
        timeout({ firstEventMs: FIRST_EVENT_MS, idleMs: IDLE_MS, clock }),
      ];
  const plugins = [{ name: "store", sessions: world.store }, ...around, ...(tapped ? [tap] : [])];
  const runner = new Runner({ ...LIMITS, clock, plugins, newId: testIds(`id${(processes += 1)}`) });
  return { world, clock, runner, agent: deskOf(world, modelOf(world, first)) };
}
const FIRST = ["look", "note", "pay"] as const;
let processes = 0;

const processOn = (
  memory: MemoryStore,
  ledger: Effect[],
  clock = testClock(),
  first: readonly string[] = FIRST,
): Process => processOf(new World(undefined, memory, ledger), clock, first);

/** A turn of the session, to its end. */
async function take({ runner, agent, world }: Process, mode: Mode, input: unknown, runId: string): Promise<RunResult> {
  const options = { session: "s", runId, signal: world.controller.signal };
  if (mode === "drained") return runner.run(agent, input as string, options);
  const streamed = runner.stream(agent, input as string, options);
  const told: string[] = [];
  try {
    for await (const event of streamed) told.push(event.type);
  } catch (error) {
    await expect(streamed.result).rejects.toBe(error);
    expect(told.filter((type) => type === "run_finished")).toEqual([]);
    throw error;
  }
  expect(told.at(-1)).toBe("run_finished");
  return streamed.result;
}

const names = (effects: readonly Effect[]): string[] => effects.map(({ tool }) => tool);
const stored = async (memory: MemoryStore): Promise<readonly Item[]> => (await memory.read({ id: "s" })).items;

/** A run that waits for an approval, and its state, sealed. */
async function waiting(mode: Mode) {
  const clock = testClock();
  const world = new World();
  const result = await take(processOf(world, clock, ["refund"]), mode, "Pay.", "r");
  expect(result.status).toBe("paused");
  const seal = seals({ keys: [{ id: "1", secret: "0123456789abcdef0123456789abcdef" }], clock });
  return { clock, world, effects: world.ledger, seal, sealed: await seal.seal(result) };
}

/** A turn without faults, in a process of its own. What waits for approval is approved. */
async function goesOn(memory: MemoryStore, ledger: Effect[], input: unknown, runId: string, first: readonly string[]) {
  const fresh = processOn(memory, ledger, testClock(), first);
  let result = await take(fresh, "drained", input, runId);
  for (let i = 1; result.status === "paused"; i++)
    result = await take(
      fresh,
      "drained",
      result.pending.map((each) => approve(each)),
      `${runId}-${i}`,
    );
  expect(result.finalOutput).toBe(DONE);
  expect(fresh.clock.pending).toBe(0);
}

/** Plays one fault, and checks what must be true after any of them. */
async function play(scene: Play, fault: Fault, mode: Mode): Promise<void> {
  const { at, times = 1, calls: first = FIRST, bare = false, ends, within = 0 } = scene;
  const clock = testClock();
  const world = new World({ at, fault, times });
  const { memory, ledger } = world;
  world.other = () => goesOn(memory, ledger, "Other.", "other", first);
  world.rival = () => goesOn(memory, ledger, "Pay.", "r", first);
  const struck = processOf(world, clock, first, bare);
  let result: RunResult | undefined;
  let error: (Error & { readonly items?: readonly Item[] }) | undefined;
  const input: unknown = world.at("the input", () => "Pay.");
  const running = take(struck, mode, input, "r").then(
    (value) => (result = value),
    (thrown: unknown) => (error = thrown as Error),
  );
  await clock.settle();
  if (within > 0) {
    await clock.advance(within - 1);
    expect([result, error], "ended too early").toEqual([undefined, undefined]);
    await clock.advance(1);
  }
  // How it ended.
  const record = await stored(memory);
  const lines = transcript(record).join("\n");
  if (ends === GONE) {
    expect([result, error]).toEqual([undefined, undefined]); // and no timer of a killed process fires
  } else {
    if (!result && !error) expect.fail("it has not ended in time");
    await running;
    if (typeof ends === "string") expect(error ?? result?.finalOutput).toBe(ends);
    else expect({ ...error, name: error?.name, message: error?.message }).toMatchObject(ends);
    if (ends === ABORTED) expect(error?.cause).toBe(stop);
    expect(clock.pending, "timers").toBe(0);
    expect(getEventListeners(world.controller.signal, "abort"), "listeners").toEqual([]);
    const closing = struck.runner.close().then(
      () => "well",
      (thrown: unknown) => String(thrown),
    );
    await clock.advance(LIMITS.callbackTimeoutMs);
    expect(await closing).toMatch(scene.closes ?? /^well$/);
  }
  if (times === Infinity) expect(world.struck).toBeGreaterThan(0);
  else expect(world.struck, "strikes").toBe(times);
  if (scene.asked !== undefined) expect(world.asked, "asked").toBe(scene.asked);
  if (scene.stored !== undefined) expect(record.length, "stored").toBe(scene.stored);
  if (scene.effects) expect(names(world.effects).toSorted(), "effects").toEqual(scene.effects);
  if (scene.says) expect(lines).toMatch(scene.says);
  if (scene.saysNot) expect(lines).not.toMatch(scene.saysNot);
  expect(
    JSON.parse(JSON.stringify(record.filter((item) => world.acknowledged.some(({ id }) => id === item.id)))),
  ).toEqual(world.acknowledged);

  // It can be gone on with: from the error alone, by the same run after a crash, and by the next message.
  const corrupt = typeof ends === "object" && ends.code === "corrupt_item"; // its items are what could not be read
  if (error?.items && error.items.length > 0 && !corrupt) await goesOnFrom(error.items, first);
  if (ends === GONE) await goesOn(memory, ledger, "Pay.", "r", first);
  await goesOn(memory, ledger, "And now?", "next", first);
  const whole = await stored(memory);
  expect(invariantsOf(whole, { settled: true, graph: struck.agent })).toEqual([]);
  expect(whole.slice(0, record.length)).toEqual(record);
  expect(whole.filter((item) => item.type === "message" && item.content === "Pay.").length).toBeLessThanOrEqual(1);
  for (const name of ["pay", "refund"]) {
    const keys = ledger.filter(({ tool }) => tool === name).map(({ key }) => key);
    expect(keys, `uses of ${name}`).toEqual([...new Set(keys)]);
  }
}

async function goesOnFrom(items: readonly Item[], first: readonly string[]): Promise<void> {
  const { runner, agent, clock } = processOn(new MemoryStore(), [], testClock(), first);
  let result = (await runner.run(agent, [...items, user("And now?")])) as RunResult;
  while (result.status === "paused")
    result = (await runner.run(agent, [
      ...result.toInputList(),
      ...result.pending.map((each) => approve(each)),
    ])) as RunResult;
  expect(result.finalOutput).toBe(DONE);
  expect(invariantsOf(result.history, { settled: true })).toEqual([]);
  expect(clock.pending).toBe(0);
}

describe.each(POINTS)("%s", (point) => {
  for (const kind of FAULTS) {
    const cell = MATRIX[point][kind];
    if ("none" in cell) continue;
    for (const mode of MODES) {
      it(`${kind}: ${cell.then} (${mode})`, async () => {
        for (const scene of cell.plays) {
          if (typeof scene === "function") {
            await scene(mode);
            continue;
          }
          for (const [what, fault] of Object.entries(scene.faults)) {
            try {
              await play(scene, fault, mode);
            } catch (error) {
              throw new Error(`${scene.at} ${what}: ${(error as Error).message}`, { cause: error });
            }
          }
        }
      });
    }
  }
});

describe("the matrix", () => {
  it("has a cell for every fault at every point: a test, or the reason why there is none", () => {
    const cells = POINTS.flatMap((point) => FAULTS.map((kind) => [`${point}: ${kind}`, MATRIX[point][kind]] as const));
    expect(cells).toHaveLength(16 * 6);
    const without = cells.filter(([, cell]) => "none" in cell).map(([name]) => name);
    expect(without).toEqual([
      "2 input guardrail: twice",
      "4 instructions, isEnabled, filter: twice",
      "5 connect to the model: twice",
      "6 stream before its first event: twice",
      "9 stream after the reply: twice",
      "10 append the reply with calls: malformed",
      "13 append results: malformed",
      "15 output guardrail, last append: twice",
      "16 listeners and their close: twice",
    ]);
    for (const [, cell] of cells) if ("plays" in cell) expect(cell.plays.length).toBeGreaterThan(0);
  });

  it("strikes every place at least once", () => {
    const struck = new Set(
      POINTS.flatMap((point) =>
        FAULTS.flatMap((kind) => {
          const cell = MATRIX[point][kind];
          return "plays" in cell ? cell.plays.flatMap((scene) => (typeof scene === "function" ? [] : [scene.at])) : [];
        }),
      ),
    );
    expect(struck.size).toBe(31);
  });
});
