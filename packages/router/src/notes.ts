/** What the router leaves in the record, and reading it again. */
import { isUserMessage, type Item, type Json, type JsonObject, type ModelReply, textOf } from "@batonjs/core";
import type { AlsoUsed, Decision } from "./decision.ts";

/** Name of the plugin in `note` items. */
const PLUGIN = "router";

/** How much of the scores and examples is kept. */
const MAX_SCORES = 5;
const MAX_NEAREST = 3;
const MAX_EXAMPLE = 200;

/** What a note is about: what was decided, guessed, checked or kept for later. */
export type NoteKind = "decision" | "shadow" | "prediction" | "sticky" | "compound";

/** Adds a note, and model calls that are to be counted, to a reply. */
export function withNote(reply: ModelReply, kind: NoteKind, data: JsonObject, used: AlsoUsed = []): ModelReply {
  return {
    ...reply,
    notes: [{ plugin: PLUGIN, data: { kind, ...data } }, ...(reply.notes ?? [])],
    ...(used.length === 0 ? {} : { alsoUsed: [...used, ...(reply.alsoUsed ?? [])] }),
  };
}

/** A decision as JSON. */
export function noteOf({ handoff, to, rung, score, intent, scores, nearest, abstained }: Decision): JsonObject {
  return {
    to: to ?? null,
    ...(handoff === undefined ? {} : { handoff }),
    rung: rung ?? "model",
    score: rounded(score),
    ...(intent === undefined ? {} : { intent }),
    scores: scores.slice(0, MAX_SCORES).map((each) => ({ to: each.to, score: rounded(each.score) })),
    nearest: nearest.slice(0, MAX_NEAREST).map((each) => ({
      to: each.to,
      score: rounded(each.score),
      text: each.text.slice(0, MAX_EXAMPLE).toWellFormed(),
    })),
    abstained: abstained.map(({ rung: name, why, to: whom, score: sure }): JsonObject => ({
      rung: name,
      why: why.slice(0, MAX_EXAMPLE).toWellFormed(),
      ...(whom === undefined ? {} : { to: whom }),
      ...(sure === undefined ? {} : { score: rounded(sure) }),
    })),
  };
}

const rounded = (score: number): number => Math.round(score * 10_000) / 10_000;

/** A message that the shadow router would have sent elsewhere. */
export interface Disagreement {
  /** The user's message. */
  readonly message: string;
  /** Where the shadow router would have sent it; `null`: nowhere. */
  readonly router: string | null;
  /** Where it went; `null`: the agent kept it. */
  readonly actual: string | null;
  readonly score: number;
  /** The agent that was asked. */
  readonly agent: string | undefined;
  /** Id of the note. */
  readonly id: string;
}

/** What a record tells of a shadow router: how often it would have decided, and where it would have differed. */
export interface ShadowReport {
  /** Messages that it looked at. */
  readonly messages: number;
  /** Of these, those that it was sure of. */
  readonly decided: number;
  readonly agreed: number;
}

/** The messages of a record that a shadow router would have sent elsewhere, oldest first. */
export function disagreements(items: Iterable<Item>): readonly Disagreement[] {
  return shadowed(items).flatMap(({ message, data, agent, id }) => {
    const { to, actual, agreed, score } = data;
    if (agreed !== false) return [];
    return [
      { message, router: name(to), actual: name(actual), score: typeof score === "number" ? score : 0, agent, id },
    ];
  });
}

const name = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);

/** How a shadow router does, from one record or several joined. */
export function shadowReport(items: Iterable<Item>): ShadowReport {
  const all = shadowed(items);
  const decided = all.filter(({ data }) => typeof data["agreed"] === "boolean");
  return {
    messages: all.length,
    decided: decided.length,
    agreed: decided.filter(({ data }) => data["agreed"] === true).length,
  };
}

interface ShadowNote {
  readonly message: string;
  readonly data: { readonly [key: string]: Json | undefined };
  readonly agent: string | undefined;
  readonly id: string;
}

function shadowed(items: Iterable<Item>): readonly ShadowNote[] {
  const found: ShadowNote[] = [];
  let message = "";
  for (const item of items) {
    if (isUserMessage(item)) message = textOf(item);
    if (item.type !== "note" || item.plugin !== PLUGIN) continue;
    const { data, agent, id } = item;
    if (typeof data !== "object" || data === null || Array.isArray(data)) continue;
    if ((data as JsonObject)["kind"] === "shadow") found.push({ message, data: data as JsonObject, agent, id });
  }
  return found;
}
