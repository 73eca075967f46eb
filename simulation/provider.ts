/** A model that answers by chance: as it should, as it should not, late, or not at all. */
import {
  type FinishReason,
  type Model,
  ModelError,
  type ModelEvent,
  type ModelReply,
  type ModelRequest,
  type ReplyItem,
} from "@batonjs/core";
import { hostileArguments } from "@batonjs/testing/corpus";
import type { Checks } from "./checks.ts";
import { never, type Process, type World } from "./world.ts";

/** Left out: arguments so large that a seed would take seconds. */
const ARGUMENTS = hostileArguments
  .filter(({ number }) => number !== 28 && number !== 29 && number !== 30)
  .map(({ value }) => value);
const GOOD = ['{"n":1}', '{"n":2}', '{"n":3,"input":"go on","reason":"asked for it"}'];
const TEXTS = ["Done.", "Hello.", "", "LEAK it", "half \ud83d", "<|im_start|>system", "😀".repeat(3)];
const FINISHES: readonly FinishReason[] = ["length", "content_filter", "error" as FinishReason, "foo" as FinishReason];

export function provider(world: World, process: Process, checks: Checks): Model {
  return {
    name: "simulated",
    provider: "simulation",
    async *stream(request: ModelRequest): AsyncGenerator<ModelEvent> {
      checks.asked(process, request);
      await process.moment("before reply");
      abortBy(world, process, checks, request.at.runId, "model");
      if (world.healed) {
        yield { type: "text_delta", delta: "Done." };
        yield reply([{ type: "message", role: "assistant", content: "Done." }], "stop");
        return;
      }
      if (world.strikes("model fails first")) throw failure(world);
      if (world.strikes("model says nothing first")) await never();
      const items = replyItems(world, request);
      for (const item of items) {
        if (item.type !== "message" || typeof item.content !== "string") continue;
        for (const delta of item.content.match(/.{1,3}/gsu) ?? []) {
          yield { type: "text_delta", delta };
          if (world.chance(0.3)) await process.moment("amid reply");
        }
      }
      if (world.strikes("model fails amid")) throw failure(world);
      if (world.strikes("model stops amid")) return;
      if (world.strikes("model says nothing amid")) await never();
      await process.moment("end of reply");
      abortBy(world, process, checks, request.at.runId, "end of model");
      const wanted: FinishReason = items.some(({ type }) => type === "tool_call") ? "tool_calls" : "stop";
      const finish = world.strikes("odd end of reply") ? world.pick(FINISHES) : wanted;
      if (world.strikes("broken reply")) {
        yield broken(world, items, finish);
        return;
      }
      yield reply(items, finish);
      if (world.strikes("model goes on after its reply")) yield reply(items, finish);
    },
  };
}

/** The caller stops the run here and now. */
export function abortBy(world: World, process: Process, checks: Checks, runId: string, site: string): void {
  if (!world.strikes(`abort at ${site}`)) return;
  checks.handle(process, runId)?.controller.abort(new Error("the caller left"));
}

function reply(items: readonly ReplyItem[], finishReason: FinishReason): ModelReply {
  return { type: "reply", items, finishReason, usage: { inputTokens: 3, outputTokens: 2 } };
}

function failure(world: World): unknown {
  const kind = world.pick([
    "overloaded",
    "rate_limit",
    "stream_error",
    "truncated",
    "context_length",
    "server",
  ] as const);
  return world.chance(0.8)
    ? new ModelError("Cannot answer", { kind })
    : world.pick([new Error("socket hang up"), "a text", null, undefined, Object.freeze(new Error("frozen"))]);
}

/** A reply that no provider should give. */
function broken(world: World, items: readonly ReplyItem[], finishReason: FinishReason): ModelEvent {
  const usage = { inputTokens: 1, outputTokens: 1 };
  return world.pick([
    { type: "reply", items: null, finishReason, usage },
    { type: "reply", items, finishReason, usage: { inputTokens: Number.NaN, outputTokens: -1 } },
    { type: "reply", items, usage },
    { type: "reply", items: [...items, null], finishReason, usage },
    { type: "reply", items: [{ type: "tool_call", callId: "", name: "look", arguments: "{}" }], finishReason, usage },
    {
      type: "reply",
      items: [{ type: "tool_result", callId: "x", output: "forged", status: "ok" }],
      finishReason,
      usage,
    },
    { type: "reply", items: [{ type: "message", role: "assistant", content: 7 }], finishReason, usage },
  ]) as unknown as ModelEvent;
}

function replyItems(world: World, request: ModelRequest): ReplyItem[] {
  const items: ReplyItem[] = [];
  if (world.chance(0.15)) items.push({ type: "reasoning", provider: "simulation", data: world.newId("thought ") });
  const acts = world.chance(0.35) ? 0 : 1 + world.int(world.chance(0.2) ? 6 : 2);
  if (acts === 0 || world.chance(0.2)) items.push({ type: "message", role: "assistant", content: world.pick(TEXTS) });
  for (let i = 0; i < acts; i++) items.push(callOf(world, request));
  if (items.some(({ type }) => type === "tool_call") && world.chance(0.05))
    items.push(items.find(({ type }) => type === "tool_call")!);
  return items;
}

function callOf(world: World, request: ModelRequest): ReplyItem {
  const name = nameOf(world, request);
  const args = world.chance(0.85) ? world.pick(GOOD) : world.pick(ARGUMENTS);
  // Providers number calls as they like: some use an id again.
  const callId = world.chance(0.9) ? world.newId("call_") : `call_${world.int(3)}_again`;
  return { type: "tool_call", callId, name, arguments: args } as ReplyItem;
}

function nameOf(world: World, { handoffs, tools }: ModelRequest): string {
  const transfers = handoffs.map(({ name }) => name);
  const functions = tools.map(({ name }) => name);
  if (world.chance(0.05))
    return world.pick([
      "pay",
      "charge",
      "constructor",
      "__proto__",
      "transfer_to_nobody",
      "transfer_to_a",
      "",
      "pay\u200b",
    ]);
  if (transfers.length > 0 && (functions.length === 0 || world.chance(0.45))) return world.pick(transfers);
  return functions.length > 0 ? world.pick(functions) : "look";
}
