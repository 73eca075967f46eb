import type { JsonObject, ModelEvent } from "@batonjs/core";
import { plain } from "./normal-form.ts";
import type { Redaction } from "./redaction.ts";

/** An event of a reply that is not yet whole, and how long it took to come, in milliseconds. */
export interface Timed {
  readonly event: Exclude<ModelEvent, { readonly type: "reply" }>;
  readonly wait: number;
}

/** Neighbouring events of one kind as they stand in a file: each text is one chunk, each wait the time before it. */
export type StreamPart =
  | { readonly text: readonly string[]; readonly waits: readonly number[] }
  | { readonly reasoning: readonly string[]; readonly waits: readonly number[] }
  | {
      readonly call: string;
      readonly name?: string;
      readonly arguments: readonly string[];
      readonly waits: readonly number[];
    }
  /** Anything else: a reset. */
  | { readonly event: JsonObject; readonly waits: readonly [number] };

/** The events as parts. */
export function toParts(events: readonly Timed[], call: (id: string) => string): readonly StreamPart[] {
  const groups: Timed[][] = [];
  for (const timed of events) {
    const group = groups.at(-1);
    if (group?.[0] && continues(group[0].event, timed.event)) group.push(timed);
    else groups.push([timed]);
  }
  return groups.map((group) => toPart(group, call));
}

function continues(first: Timed["event"], next: Timed["event"]): boolean {
  if (first.type !== next.type || first.type === "reset") return false;
  return next.type !== "tool_call_delta" || (next.name === undefined && next.callId === keyOf(first));
}

const keyOf = (event: Timed["event"]): string => (event.type === "tool_call_delta" ? event.callId : event.type);

function toPart(group: readonly Timed[], call: (id: string) => string): StreamPart {
  const { event, wait } = group[0] as Timed;
  const chunks = group.map(({ event }) => ("delta" in event ? event.delta : ""));
  const waits = group.map(({ wait }) => wait);
  switch (event.type) {
    case "text_delta":
      return { text: chunks, waits };
    case "reasoning_delta":
      return { reasoning: chunks, waits };
    case "tool_call_delta": {
      const { callId, name } = event;
      return { call: call(callId), ...(name === undefined ? {} : { name }), arguments: chunks, waits };
    }
    default:
      return { event: plain(event) as JsonObject, waits: [wait] };
  }
}

/** The events of the parts. */
export function fromParts(parts: readonly StreamPart[]): readonly Timed[] {
  return parts.flatMap((part) => {
    const wait = (i: number): number => part.waits[i] ?? 0;
    if ("text" in part) return part.text.map((delta, i) => ({ event: { type: "text_delta", delta }, wait: wait(i) }));
    if ("reasoning" in part)
      return part.reasoning.map((delta, i) => ({ event: { type: "reasoning_delta", delta }, wait: wait(i) }));
    if ("event" in part) return [{ event: part.event as unknown as Timed["event"], wait: wait(0) }];
    const { call: callId, name, arguments: chunks } = part;
    return chunks.map((delta, i) => ({
      event: { type: "tool_call_delta", callId, ...(i === 0 && name !== undefined ? { name } : {}), delta },
      wait: wait(i),
    }));
  });
}

/**
 * The events without secrets. A secret may be cut by the chunks: then all of its text comes in the first of them, and the
 * others are gone.
 */
export function withoutSecrets(events: readonly Timed[], redaction: Redaction): readonly Timed[] {
  const keys = new Set(events.map(({ event }) => keyOf(event)));
  const whole = new Map<string, string>();
  for (const key of keys) {
    const deltas = events.flatMap(({ event }) => ("delta" in event && keyOf(event) === key ? [event.delta] : []));
    const clean = redaction.text(deltas.join(""));
    if (clean !== deltas.join("")) whole.set(key, clean);
    else if (deltas.some((delta) => redaction.text(delta) !== delta))
      whole.set(key, deltas.map((delta) => redaction.text(delta)).join(""));
  }
  const given = new Set<string>();
  return events.flatMap((timed) => {
    const { event, wait } = timed;
    if (!("delta" in event))
      return [{ event: redaction.item(plain(event) as JsonObject) as unknown as typeof event, wait }];
    const key = keyOf(event);
    const delta = whole.get(key);
    if (delta === undefined) return [timed];
    if (given.has(key)) return [];
    given.add(key);
    return [{ event: { ...event, delta }, wait }];
  });
}
