/**
 * Arbitraries for property tests with fast-check: texts, items, transcripts and requests, hostile where it hurts.
 *
 * @module
 */
import type { ContentPart, Item, Json, MessageItem, ModelRequest, NewItem, VisibleItem } from "@batonjs/core";
import { isVisible } from "@batonjs/core";
import * as fc from "fast-check";
import { requestOf } from "./request.ts";

/** The arbitraries, in one place: `arbitraries.transcript()`. */
export interface Arbitraries {
  /** Any string: letters, emoji, NUL, line separators, lone surrogates. */
  text(): fc.Arbitrary<string>;
  /** Any string of well-formed Unicode. */
  wellFormedText(): fc.Arbitrary<string>;
  /** Plain JSON, also with `__proto__` and other inherited names as keys. It has no `-0`, which JSON cannot say. */
  json(): fc.Arbitrary<Json>;
  /** One item of any type, each field with anything that fits its type; nothing fits its neighbours. */
  item(): fc.Arbitrary<Item>;
  /** One item that a model can be shown. */
  visibleItem(): fc.Arbitrary<VisibleItem>;
  /** A whole record as a run makes it: calls and results, handoffs, approvals, reasoning. Every invariant holds. */
  transcript(options?: TranscriptShape): fc.Arbitrary<readonly Item[]>;
  /** A request for which every invariant holds. */
  request(options?: TranscriptShape): fc.Arbitrary<ModelRequest>;
}

/** What a generated transcript is like. */
export interface TranscriptShape {
  /** The agents, the one that begins first. @default `["A", "B", "C"]` */
  readonly agents?: readonly [string, ...string[]];
  /** How many things happen at most. @default {12} */
  readonly maxSteps?: number;
}

const HOSTILE_CHARACTERS = [
  "\u0000",
  "\ud800",
  "\udc00",
  "\u2028",
  "\u2029",
  "\n",
  "\\",
  '"',
  "\u202e",
  "\ufeff",
  "😀",
  "é",
];
const HOSTILE_KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "then", "toJSON", "", "length"];

const text = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom("a", " ", ...HOSTILE_CHARACTERS) }),
    fc.constantFrom(...HOSTILE_KEYS),
  );

const wellFormedText = (): fc.Arbitrary<string> => text().map((value) => value.toWellFormed());

const json = (): fc.Arbitrary<Json> => {
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.oneof(
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
        wellFormedText(),
      ),
      fc.array(tie("value"), { maxLength: 4 }),
      // Through entries, because an assignment of `__proto__` sets a prototype.
      fc
        .uniqueArray(fc.tuple(fc.oneof(fc.constantFrom(...HOSTILE_KEYS), wellFormedText()), tie("value")), {
          maxLength: 4,
          selector: ([key]) => key,
        })
        .map((entries) => Object.fromEntries(entries)),
    ),
  }));
  return value;
};

const parts = (): fc.Arbitrary<readonly ContentPart[]> =>
  fc.array(
    fc.oneof(
      fc.record({ type: fc.constant("text" as const), text: text() }),
      fc.record({ type: fc.constant("refusal" as const), refusal: text() }),
      fc.record({ type: fc.constant("image" as const), url: text() }),
      fc.record({ type: fc.constant("file" as const), fileId: text() }),
    ),
    { maxLength: 3 },
  );

// As read from a store: `fc.record` also makes objects without a prototype.
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const id = (): fc.Arbitrary<string> => fc.uuid();
const constant = <const T>(value: T): fc.Arbitrary<T> => fc.constant(value);
const agent = (): fc.Arbitrary<string> => text();
const callId = (): fc.Arbitrary<string> => text();

const message = (): fc.Arbitrary<MessageItem> =>
  fc.oneof(
    fc.record({
      type: constant("message"),
      id: id(),
      role: fc.constantFrom("user", "system", "developer"),
      content: fc.oneof(text(), parts()),
    }),
    fc.record({
      type: constant("message"),
      id: id(),
      agent: agent(),
      role: fc.constantFrom("assistant", "user"),
      content: fc.oneof(text(), parts()),
    }),
  );

const visibleItem = (): fc.Arbitrary<VisibleItem> =>
  fc
    .oneof(
      message(),
      fc.record({
        type: constant("reasoning"),
        id: id(),
        agent: agent(),
        summary: text(),
        provider: text(),
        data: json(),
      }),
      fc.record({
        type: constant("tool_call"),
        id: id(),
        agent: agent(),
        callId: callId(),
        name: text(),
        arguments: fc.oneof(
          text(),
          json().map((value) => JSON.stringify(value)),
        ),
      }),
      fc.record({
        type: constant("tool_result"),
        id: id(),
        agent: agent(),
        callId: callId(),
        output: text(),
        status: fc.constantFrom("ok", "error", "denied", "unknown", "abandoned"),
      }),
      fc.record({ type: constant("provider_item"), id: id(), agent: agent(), provider: text(), data: json() }),
    )
    .map(plain);

const item = (): fc.Arbitrary<Item> =>
  fc
    .oneof(
      visibleItem(),
      fc.record({ type: constant("tool_start"), id: id(), agent: agent(), callId: callId() }),
      fc.record(
        {
          type: constant("approval"),
          id: id(),
          agent: agent(),
          callId: callId(),
          decision: fc.constantFrom("asked", "approved", "rejected"),
          reason: text(),
        },
        { requiredKeys: ["type", "id", "callId", "decision"] },
      ),
      fc.record(
        {
          type: constant("handoff"),
          id: id(),
          agent: agent(),
          callId: callId(),
          from: agent(),
          to: agent(),
          input: json(),
          mode: fc.constantFrom("pass", "turn", "return", "back"),
          view: fc.array(fc.oneof(id(), fc.tuple(id(), id()), visibleItem()), { maxLength: 3 }),
        },
        { requiredKeys: ["type", "id", "from", "to", "mode"] },
      ),
      fc.record({
        type: constant("turn"),
        id: id(),
        agent: agent(),
        model: text(),
        provider: text(),
        usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat() }),
        finishReason: fc.constantFrom("stop", "tool_calls", "length", "content_filter", "error", "blocked"),
      }),
      fc.record({ type: constant("view"), id: id(), plugin: text(), view: fc.array(id(), { maxLength: 3 }) }),
      fc.record({ type: constant("rewind"), id: id(), to: id() }),
      fc.record({ type: constant("note"), id: id(), plugin: text(), data: json() }),
    )
    .map(plain);

/** One thing that happens in a generated conversation. */
type Happening =
  | { readonly type: "asked"; readonly text: string }
  | { readonly type: "answered"; readonly text: string; readonly reasons: boolean }
  | {
      readonly type: "called";
      readonly calls: readonly CallShape[];
      readonly said: string | undefined;
      readonly reasons: boolean;
    }
  | { readonly type: "handed_over"; readonly to: number; readonly mode: "pass" | "turn"; readonly input: Json }
  | { readonly type: "noted"; readonly data: Json };

interface CallShape {
  readonly name: string;
  readonly arguments: Json;
  readonly output: string;
  readonly status: "ok" | "error";
  readonly once: boolean;
  readonly decision: "approved" | "rejected" | undefined;
}

const happening = (): fc.Arbitrary<Happening> =>
  fc.oneof(
    fc.record({ type: constant("asked"), text: wellFormedText() }),
    fc.record({ type: constant("answered"), text: wellFormedText(), reasons: fc.boolean() }),
    fc.record({
      type: constant("called"),
      calls: fc.array(callShape(), { minLength: 1, maxLength: 3 }),
      said: fc.option(wellFormedText(), { nil: undefined }),
      reasons: fc.boolean(),
    }),
    fc.record({
      type: constant("handed_over"),
      to: fc.nat(10),
      mode: fc.constantFrom("pass", "turn"),
      input: json(),
    }),
    fc.record({ type: constant("noted"), data: json() }),
  );

const callShape = (): fc.Arbitrary<CallShape> =>
  fc.record({
    name: fc.constantFrom("lookup", "refund", "search"),
    arguments: json(),
    output: wellFormedText(),
    status: fc.constantFrom("ok", "error"),
    once: fc.boolean(),
    decision: fc.constantFrom(undefined, undefined, "approved", "rejected"),
  });

const transcript = ({ agents = ["A", "B", "C"], maxSteps = 12 }: TranscriptShape = {}): fc.Arbitrary<readonly Item[]> =>
  fc.array(happening(), { maxLength: maxSteps }).map((happenings) => new Story(agents).tell(happenings));

/** Writes the record of what happens, as a run would. */
class Story {
  readonly #agents: readonly [string, ...string[]];
  readonly #items: Item[] = [];
  #active: string;
  /** Who gets the next message. */
  #next: string | undefined;
  #calls = 0;
  #turns = 0;

  constructor(agents: readonly [string, ...string[]]) {
    this.#agents = agents;
    this.#active = agents[0];
  }

  tell(happenings: readonly Happening[]): readonly Item[] {
    this.#user("Hello");
    for (const happening of happenings) this.#happen(happening);
    return this.#items;
  }

  #happen(happening: Happening): void {
    switch (happening.type) {
      case "asked":
        this.#user(happening.text);
        return;
      case "answered":
        if (happening.reasons) this.#reason();
        this.#add({ type: "message", agent: this.#active, role: "assistant", content: happening.text });
        this.#turn("stop");
        return;
      case "called":
        this.#call(happening);
        return;
      case "handed_over":
        this.#handOver(happening);
        return;
      default:
        this.#add({ type: "note", plugin: "notes", data: happening.data });
    }
  }

  #add(item: NewItem): void {
    this.#items.push({ ...item, id: `run:${this.#items.length}` } as Item);
  }

  #user(content: string): void {
    if (this.#next !== undefined) this.#active = this.#next;
    this.#next = undefined;
    this.#add({ type: "message", role: "user", content });
  }

  #reason(): void {
    this.#add({ type: "reasoning", agent: this.#active, provider: "scripted", data: { n: this.#items.length } });
  }

  #turn(finishReason: string): void {
    this.#turns += 1;
    const usage = { inputTokens: 10, outputTokens: 5 };
    const responseId = `resp_${this.#turns}`;
    this.#add({
      type: "turn",
      agent: this.#active,
      model: "scripted",
      provider: "scripted",
      usage,
      finishReason,
      responseId,
    });
  }

  #call({ calls, said, reasons }: Happening & { readonly type: "called" }): void {
    const agent = this.#active;
    if (said !== undefined) this.#add({ type: "message", agent, role: "assistant", content: said });
    if (reasons) this.#reason();
    const made = calls.map((shape) => ({ ...shape, callId: `call_${(this.#calls += 1)}` }));
    for (const { callId, name, arguments: args } of made) {
      this.#add({ type: "tool_call", agent, callId, name, arguments: JSON.stringify(args) });
    }
    this.#turn("tool_calls");
    for (const { callId, decision } of made)
      if (decision) this.#add({ type: "approval", agent, callId, decision: "asked" });
    for (const { callId, decision } of made) if (decision) this.#add({ type: "approval", callId, decision });
    for (const { callId, decision, once, output, status } of made) {
      const denied = decision === "rejected";
      if (once && !denied) this.#add({ type: "tool_start", agent, callId });
      this.#add({ type: "tool_result", agent, callId, output, status: denied ? "denied" : status });
    }
  }

  #handOver({ to: index, mode, input }: Happening & { readonly type: "handed_over" }): void {
    const others = this.#agents.filter((name) => name !== this.#active);
    const to = others[index % others.length];
    if (to === undefined) return;
    const from = this.#active;
    const callId = `call_${(this.#calls += 1)}`;
    const name = `transfer_to_${to.toLowerCase()}`;
    this.#add({ type: "tool_call", agent: from, callId, name, arguments: JSON.stringify(input), handoff: true });
    this.#turn("tool_calls");
    this.#add({ type: "tool_result", agent: from, callId, output: `${to} has taken over.`, status: "ok" });
    this.#add({ type: "handoff", agent: from, callId, from, to, input, mode });
    this.#active = to;
    this.#next = mode === "turn" ? from : undefined;
  }
}

const request = (options: TranscriptShape = {}): fc.Arbitrary<ModelRequest> =>
  transcript(options).map((items) => requestOf(items.filter(isVisible), { agent: options.agents?.[0] ?? "A" }));

/** Arbitraries of what Baton is made of. Each call gives a new one. */
export const arbitraries: Arbitraries = { text, wellFormedText, json, item, visibleItem, transcript, request };
