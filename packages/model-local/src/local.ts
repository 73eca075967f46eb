/** The plugin and the model. */
import { checkKeys, textOf } from "@batonjs/core";
import type {
  HandoffSpec,
  JsonObject,
  Model,
  ModelEvent,
  ModelReply,
  ModelRequest,
  Plugin,
  ReplyItem,
  ToolSpec,
  VisibleItem,
} from "@batonjs/core";
import { decide } from "./decide.ts";
import type { Decision } from "./plan.ts";
import { type Deciding, type Offered, offeredIn, type Thresholds } from "./state.ts";
import { structured } from "./structured.ts";
import { type Matcher, matcher } from "./match.ts";
import { type Day, datesIn } from "./values.ts";
import { loadWordVectors } from "./vectors/word-vectors.ts";
import type { Choice } from "./words.ts";

/** What the embedded model can be told. */
export interface LocalModelOptions {
  /** What "yesterday" is counted from: `YYYY-MM-DD`. @default the day (UTC) on which the user's message was recorded */
  readonly today?: string;
  /**
   * How sure the model must be of a tool or handoff, from 0 to 1. Below it the model says what it can help with.
   * @default 0.45
   */
  readonly threshold?: number;
  /** How far the best must be ahead of the second; else the model asks which is meant. From 0 to 1. @default 0.15 */
  readonly margin?: number;
  /** Whether to use the word vectors that come with the package, about 3 MB, loaded when first needed. @default true */
  readonly vectors?: boolean;
}

const OPTIONS: ReadonlySet<string> = new Set(["today", "threshold", "margin", "vectors"]);

/** The most sets of tools and handoffs that one model remembers. */
const MAX_REMEMBERED = 64;

/**
 * The embedded model: routes, calls tools and words their results in this process, with no key and no network. It is
 * **not a language model**: it knows only what the tools and handoffs of a request say about themselves. The same
 * request gives the same reply. Throws a `TypeError` or `RangeError` for a bad option.
 */
export function localModel(options: LocalModelOptions = {}): Model {
  const parts = answering(options);
  return {
    name: "local",
    provider: "local",
    stream: (request) => answer(request, parts),
  };
}

/**
 * The plugin `local`: `new Runner({ plugins: [local()] })` makes `model: "local"`, and every `local/…`, the embedded
 * model. It is not a language model.
 */
export function local(options: LocalModelOptions = {}): Plugin {
  const model = localModel(options);
  return { name: "local", model: (name) => (name === "local" || name.startsWith("local/") ? model : undefined) };
}

/** What a request is answered with. */
interface Answering {
  readonly thresholds: Thresholds;
  readonly today?: Day;
  offered(request: ModelRequest): Promise<Offered>;
}

function answering(options: LocalModelOptions): Answering {
  checkKeys(options, OPTIONS, "the local model");
  const { today, threshold = 0.45, margin = 0.15, vectors = true } = options;
  share(threshold, "threshold");
  share(margin, "margin");
  const day = today === undefined ? undefined : readDay(today);
  return { thresholds: { accept: threshold, margin }, ...(day ? { today: day } : {}), offered: remembered(vectors) };
}

/** Reads what requests offer and learns it once: by identity of the lists, and by what they say. */
function remembered(vectors: boolean): Answering["offered"] {
  const byLists = new WeakMap<readonly HandoffSpec[], WeakMap<readonly ToolSpec[], Offered>>();
  const byContent = new Map<string, Matcher>();
  return async (request) => {
    const table = vectors ? await loadWordVectors() : undefined;
    const learn = (choices: readonly Choice[]): Matcher => {
      const key = JSON.stringify(
        choices.map(({ name, description, when, notFor, examples }) => [name, description, when, notFor, examples]),
      );
      const made = byContent.get(key) ?? matcher(choices, table);
      if (byContent.size >= MAX_REMEMBERED) byContent.clear();
      byContent.set(key, made);
      return made;
    };
    const byTools = byLists.get(request.handoffs) ?? new WeakMap<readonly ToolSpec[], Offered>();
    byLists.set(request.handoffs, byTools);
    const offered = byTools.get(request.tools) ?? offeredIn(request, learn);
    byTools.set(request.tools, offered);
    return offered;
  };
}

function share(value: number, name: string): void {
  if (typeof value === "number" && value >= 0 && value <= 1) return;
  throw new RangeError(`Cannot use ${String(value)} as ${name} of the local model: expected a number from 0 to 1`);
}

function readDay(text: string): Day {
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? datesIn(text, undefined)[0]?.value.from : undefined;
  if (day) return day;
  throw new TypeError(`Cannot use "${text}" as today of the local model: expected a date such as "2026-11-23"`);
}

async function* answer(request: ModelRequest, { offered, ...answering }: Answering): AsyncGenerator<ModelEvent> {
  request.signal.throwIfAborted();
  const deciding: Deciding = { ...answering, offered: await offered(request) };
  request.signal.throwIfAborted();
  const decision = decide(request, deciding);
  if (decision.type === "call") yield* callEvents(decision, request);
  else yield* textEvents(decision, request, deciding);
}

function* callEvents(decision: Decision & { readonly type: "call" }, request: ModelRequest): Generator<ModelEvent> {
  const text = JSON.stringify(decision.arguments);
  const callId = callIdFor(request);
  yield { type: "tool_call_delta", callId, name: decision.name, delta: "" };
  for (const delta of chunks(text)) {
    request.signal.throwIfAborted();
    yield { type: "tool_call_delta", callId, delta };
  }
  yield reply(request, { type: "tool_call", callId, name: decision.name, arguments: text }, text);
}

function* textEvents(
  decision: Decision & { readonly type: "say" },
  request: ModelRequest,
  deciding: Deciding,
): Generator<ModelEvent> {
  const text = request.output ? JSON.stringify(structured(request, deciding, decision.text)) : decision.text;
  for (const delta of chunks(text)) {
    request.signal.throwIfAborted();
    yield { type: "text_delta", delta };
  }
  const { question } = decision;
  const kept: { providerData?: JsonObject } = question
    ? { providerData: { local: { question: { ...question } } } }
    : {};
  yield reply(request, { type: "message", role: "assistant", content: text, ...kept }, text);
}

function reply(request: ModelRequest, item: ReplyItem, written: string): ModelReply {
  return {
    type: "reply",
    items: [item],
    finishReason: item.type === "tool_call" ? "tool_calls" : "stop",
    usage: { inputTokens: inputTokens(request), outputTokens: tokens(written.length) },
  };
}

/** A text in small pieces, cut after words; never within a character. */
function chunks(text: string): readonly string[] {
  return text.match(/[\s\S]{1,24}(?=\s|$)\s?|[\s\S]{1,24}/gu) ?? [];
}

/** An estimate, about four characters a token. */
const tokens = (characters: number): number => Math.ceil(characters / 4);

function inputTokens({ items, instructions = "", tools, handoffs }: ModelRequest): number {
  let characters = instructions.length;
  for (const item of items) characters += sizeOf(item);
  for (const spec of [...tools, ...handoffs])
    characters += spec.name.length + (spec.type === "hosted" ? 0 : spec.description.length);
  return tokens(characters);
}

const sizeOf = (item: VisibleItem): number => (item.type === "reasoning" ? 0 : textOf(item).length);

/** An id for a call: the same for the same request, and not used in its items. */
function callIdFor({ at, items }: ModelRequest): string {
  const place = hash(JSON.stringify([at.runId, at.path, at.agent, at.turn]));
  const used = new Set(items.map((item) => (item.type === "tool_call" ? item.callId : "")));
  let index = 0;
  while (used.has(`call_${place}_${index}`)) index += 1;
  return `call_${place}_${index}`;
}

/** 64 bits of FNV-1a in hexadecimal. */
function hash(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(text.length - 1 - i), 0x01000193) ^ (low >>> 7);
  }
  return (low >>> 0).toString(16).padStart(8, "0") + (high >>> 0).toString(16).padStart(8, "0");
}
