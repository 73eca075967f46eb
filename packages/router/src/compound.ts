import {
  checkKeys,
  contentText,
  type HandoffSpec,
  isUserMessage,
  type JsonObject,
  type Model,
  type ModelEvent,
  type ModelReply,
  type ModelRequest,
  type Plugin,
  textOf,
  withStream,
} from "@batonjs/core";
import { withNote } from "./notes.ts";
import { share } from "./options.ts";
import { findHandoff, isTriage, needsNothing, questionOf, wayBack } from "./question.ts";
import { callIdFor, handoffReply, isMadeBy } from "./reply.ts";
import type { Router } from "./router.ts";
import { splitMessage, type Topic, topicsOf } from "./topics.ts";

/** When a message counts as several requests. */
export interface CompoundOptions {
  /** How sure the router must be of each part, from 0 to 1. @default 0.7 */
  readonly threshold?: number;
  /** Cuts a message where another topic may begin. @default after sentences, commas, and words such as "and" */
  readonly split?: (text: string) => readonly string[];
  /** Names of triage agents. @default those that have two handoffs or more, and none back */
  readonly agents?: readonly string[];
}

const OPTIONS: ReadonlySet<string> = new Set(["threshold", "split", "agents"]);

/** How many of the user's messages back a topic may be pending. */
const MAX_BACK = 3;
/** Word in the ids of calls that lead to the next topic. */
const NEXT = "next";

/**
 * Answers messages with several requests ("refund this, and the app crashes") one by one, in one run: triage hands over
 * to the first agent, and when that has answered, control goes on to the next, straight or by `handBack()`. An answer
 * that ends with a question waits for the user first. What is pending is noted with the reply, and follows from the
 * message itself: there is no state that could be lost. It belongs before `routed()`.
 */
export function compound(router: Router, options: CompoundOptions = {}): Plugin {
  checkKeys(options, OPTIONS, "compound()");
  const { threshold = 0.7, split = splitMessage, agents } = options;
  share("threshold of compound()", threshold);
  const reader: Reader = {
    topics: (text, triage) => topicsOf(text, triage, router, threshold, split).catch((): readonly Topic[] => []),
    back: router.back,
  };
  return {
    name: "compound",
    wrapModel: (model) =>
      withStream(model, async function* (request): AsyncGenerator<ModelEvent> {
        const first = isTriage(request, agents, router.back) ? await nextTopic(request, router, reader) : undefined;
        request.signal.throwIfAborted();
        if (first) yield toTopic(first, request);
        else yield* answered(model, request, reader);
      }),
  };
}

interface Reader {
  topics(text: string, triage: string): Promise<readonly Topic[]>;
  readonly back: readonly string[];
}

/** The topic that triage is to hand over now, and what is left after it. */
interface Next {
  readonly topic: Topic;
  readonly handoff: HandoffSpec;
  readonly pending: readonly Topic[];
}

async function nextTopic(request: ModelRequest, router: Router, reader: Reader): Promise<Next | undefined> {
  const question = questionOf(request, reader.back);
  if (!question) return undefined;
  const { items, at } = request;
  const last = items.at(-1);
  const goesOn = last?.type === "tool_result" && isMadeBy(last.callId, NEXT);
  if (!goesOn && !(last && isUserMessage(last))) return undefined;
  await router.learn(request);
  const { topics, pending } = await pendingTopics(request, at.agent, reader, goesOn ? MAX_BACK : 1);
  const [topic, ...rest] = goesOn ? pending : topics;
  const handoff = topic && findHandoff(question.handoffs, topic.handoff);
  return handoff && needsNothing(handoff) ? { topic, handoff, pending: rest } : undefined;
}

const toTopic = ({ topic, handoff, pending }: Next, request: ModelRequest): ModelEvent =>
  withNote(handoffReply(handoff.name, {}, request, "topic"), "compound", {
    topic: noteOn(topic),
    pending: pending.map(noteOn),
  });

const noteOn = ({ text, to, score }: Topic): JsonObject => ({
  text: text.slice(0, 500).toWellFormed(),
  to,
  score: Math.round(score * 10_000) / 10_000,
});

/** The model's answer; with the handoff to the next topic beside it, where one is pending. */
async function* answered(model: Model, request: ModelRequest, reader: Reader): AsyncGenerator<ModelEvent> {
  for await (const event of model.stream(request)) {
    if (event.type !== "reply" || !isDone(event, request)) yield event;
    else yield await goneOn(event, request, reader);
  }
}

/** Whether the reply answers, asks nothing, and may have a call beside it. */
function isDone({ items, finishReason }: ModelReply, { output, settings, handoffs }: ModelRequest): boolean {
  const { toolChoice = "auto" } = settings;
  if (finishReason !== "stop" || output || handoffs.length === 0 || typeof toolChoice === "object") return false;
  if (toolChoice === "none" || items.some(({ type }) => type === "tool_call")) return false;
  const said = items.map((item) => (item.type === "message" ? contentText(item.content) : "")).join("");
  return said.trim() !== "" && !/[?？؟]["'”’)\]]*$/u.test(said.trim());
}

async function goneOn(reply: ModelReply, request: ModelRequest, reader: Reader): Promise<ModelReply> {
  const way = wayBack(request, reader.back);
  const triage = way?.to ?? sourceOf(request);
  if (triage === undefined) return reply;
  const { pending } = await pendingTopics(request, triage, reader, MAX_BACK);
  const [next] = pending;
  const on = next && (request.handoffs.find((spec) => spec.to === next.to && needsNothing(spec)) ?? way);
  if (!on) return reply;
  const call = { type: "tool_call", callId: callIdFor(request, NEXT), name: on.name, arguments: "{}" } as const;
  // The provider's name for its reply does not stand for the call that is added: no request may refer to it.
  const { responseId: _, ...answer } = reply;
  const both: ModelReply = { ...answer, items: [...answer.items, call], finishReason: "tool_calls" };
  return withNote(both, "compound", { topic: noteOn(next), pending: pending.slice(1).map(noteOn) });
}

/** The agent that handed over to this one, as far as it can be seen. */
function sourceOf({ items, at }: ModelRequest): string | undefined {
  const call = items.findLast((item) => item.type === "tool_call" && item.handoff === true && item.agent !== at.agent);
  return call?.agent;
}

/** The topics of the latest message that has several, and those that come after the last one that was handed over. */
async function pendingTopics(
  { items, at }: ModelRequest,
  triage: string,
  reader: Reader,
  maxBack: number,
): Promise<{ readonly topics: readonly Topic[]; readonly pending: readonly Topic[] }> {
  let back = 0;
  for (let i = items.length - 1; i >= 0 && back < maxBack; i--) {
    const item = items[i]!;
    if (!isUserMessage(item)) continue;
    back += 1;
    const topics = await reader.topics(textOf(item), triage);
    if (topics.length === 0) continue;
    const taken = new Set<string>([at.agent]);
    for (const later of items.slice(i)) {
      if (later.type === "tool_call" && later.handoff === true) taken.add(later.name);
      else if (later.agent !== undefined) taken.add(later.agent);
    }
    const done = topics.findLastIndex(({ to, handoff }) => taken.has(to) || taken.has(handoff));
    return { topics, pending: done < 0 ? [] : topics.slice(done + 1) };
  }
  return { topics: [], pending: [] };
}
