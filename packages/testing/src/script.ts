import type { Json, JsonObject, ModelEvent, ModelReply, ModelRequest, ModelUsage, ReplyItem } from "@batonjs/core";

/** One thing that a scripted model says, thinks or calls. Made by `say`, `call`, `handOff` and `reason`. */
export type ScriptedPart =
  | { readonly part: "say"; readonly chunks: readonly string[] }
  | { readonly part: "reason"; readonly summary: string; readonly data?: Json }
  | {
      readonly part: "call";
      readonly name: string;
      /** The exact text, or an object that is written as JSON. */
      readonly arguments: string | JsonObject;
      readonly callId?: string;
    }
  | {
      readonly part: "hand_off";
      /** Name of the handoff, name of the agent, or a word that only one of the names has. */
      readonly to: string;
      readonly input: string | JsonObject;
      readonly callId?: string;
    };

/** A part, or an item as it is. */
export type ScriptedContent = ScriptedPart | ReplyItem;

/** What a reply says beside its items. */
export type ScriptedReplyOptions = Partial<Omit<ModelReply, "type" | "items">>;

/** How a scripted model answers one request. */
export type ScriptedReply =
  | { readonly reply: "items"; readonly content: readonly ScriptedContent[]; readonly options: ScriptedReplyOptions }
  | { readonly reply: "fail"; readonly content: readonly ScriptedContent[]; readonly error: unknown }
  | { readonly reply: "stall"; readonly content: readonly ScriptedContent[] }
  | { readonly reply: "end_early"; readonly content: readonly ScriptedContent[] }
  | { readonly reply: "garbage"; readonly events: readonly unknown[] };

/** One answer: a reply, one part, or several parts of one reply. */
export type Answer = ScriptedReply | ScriptedPart | readonly ScriptedContent[];
/** One element of a script: an answer, or a function that makes one of the request. */
export type Step = Answer | ((request: ModelRequest) => Answer | Promise<Answer>);
/**
 * Steps in order, whoever asks; steps for each agent by its name, in its own order; or one function that answers
 * everything and is never used up.
 */
export type Script =
  | readonly Step[]
  | Readonly<Record<string, readonly Step[]>>
  | ((request: ModelRequest) => Answer | Promise<Answer>);

/** Text. A list is streamed as the given chunks: `say(["Hel", "lo"])`. */
export function say(text: string | readonly string[]): ScriptedPart {
  return { part: "say", chunks: typeof text === "string" ? [text] : text };
}

/** A call of the tool `name`. A string as `args` is sent as it is, so that it need not be JSON. */
export function call(
  name: string,
  args: string | JsonObject = {},
  options: { readonly callId?: string } = {},
): ScriptedPart {
  return { part: "call", name, arguments: args, ...options };
}

/** Several calls in one reply. */
export function calls(...content: readonly ScriptedContent[]): ScriptedReply {
  return { reply: "items", content, options: {} };
}

/**
 * A transfer. `to` is the handoff's name, its agent's name, or a word that only one of these has: `handOff("billing")`
 * finds `transfer_to_billing`, to "Billing Agent". One that is not offered is an error that names those that are; to try
 * one on purpose, `call` it.
 */
export function handOff(
  to: string,
  payload: string | JsonObject = {},
  options: { readonly callId?: string } = {},
): ScriptedPart {
  return { part: "hand_off", to, input: payload, ...options };
}

/** Reasoning, which belongs to the part that follows it. `data` is what the provider wants back. @default a counter */
export function reason(summary: string, data?: Json): ScriptedPart {
  return { part: "reason", summary, ...(data === undefined ? {} : { data }) };
}

/** A reply with its finish reason, usage and so on; `items` are parts or items as they are. */
export function reply(options: ScriptedReplyOptions & { readonly items?: readonly ScriptedContent[] }): ScriptedReply {
  const { items = [], ...rest } = options;
  return { reply: "items", content: items, options: rest };
}

/** Throws `error`, after streaming `content`. */
export function fail(error: unknown, ...content: readonly ScriptedContent[]): ScriptedReply {
  return { reply: "fail", content, error };
}

/** Streams `content`, then never answers: it ends when the request is aborted, with the reason. */
export function stall(...content: readonly ScriptedContent[]): ScriptedReply {
  return { reply: "stall", content };
}

/** Streams `content`, then ends without a reply, as a connection that is cut does. */
export function endEarly(...content: readonly (string | ScriptedContent)[]): ScriptedReply {
  return { reply: "end_early", content: content.map((part) => (typeof part === "string" ? say(part) : part)) };
}

/** Yields `events` as they are, whatever they are: for what a broken adapter does. */
export function garbage(...events: readonly unknown[]): ScriptedReply {
  return { reply: "garbage", events };
}

/** A script that does not fit the run: it is the test that is wrong, or the run that asks what it should not. */
export class ScriptError extends Error {
  override name = "ScriptError";
}

/** What a reply is made with. */
export interface Maker {
  readonly provider: string;
  readonly usage: ModelUsage;
  /** Texts and arguments are streamed in pieces of so many characters. */
  readonly chunkSize: number | undefined;
  /** Counts up by one for each kind of id. */
  next(kind: "call" | "reasoning" | "resp"): number;
  /** Whether replies have ids of their own. */
  readonly responseIds: boolean;
}

/** The answer as a reply. */
export function asReply(answer: Answer): ScriptedReply {
  if (isList(answer)) return { reply: "items", content: answer, options: {} };
  if ("part" in answer) return { reply: "items", content: [answer], options: {} };
  return answer;
}

const isList = (answer: Answer): answer is readonly ScriptedContent[] => Array.isArray(answer);

/** The events of one scripted reply. What follows the last event (an error, silence) is left to the caller. */
export function eventsOf(scripted: ScriptedReply, request: ModelRequest, maker: Maker): readonly ModelEvent[] {
  if (scripted.reply === "garbage") return scripted.events as readonly ModelEvent[];
  const made = scripted.content.map((content) => make(content, request, maker));
  const deltas = made.flatMap(({ deltas }) => deltas);
  if (scripted.reply !== "items") return deltas;
  const items = made.map(({ item }) => item);
  const called = items.some((item) => item.type === "tool_call");
  return [
    ...deltas,
    {
      type: "reply",
      items,
      finishReason: called ? "tool_calls" : "stop",
      usage: maker.usage,
      ...(maker.responseIds ? { responseId: responseId(request.at.agent, maker) } : {}),
      ...scripted.options,
    },
  ];
}

// With the agent's name: models of several agents in one run do not know of each other, and must not share ids.
const responseId = (agent: string, maker: Maker): string =>
  `resp_${agent.toLowerCase().replace(/[^a-z0-9]+/g, "_")}_${maker.next("resp")}`;

interface Made {
  readonly item: ReplyItem;
  readonly deltas: readonly ModelEvent[];
}

function make(content: ScriptedContent, request: ModelRequest, maker: Maker): Made {
  if (!("part" in content)) return { item: content, deltas: [] };
  switch (content.part) {
    case "say": {
      const text = content.chunks.join("");
      const chunks = content.chunks.length === 1 ? pieces(text, maker.chunkSize) : content.chunks;
      return {
        item: { type: "message", role: "assistant", content: text },
        deltas: chunks.map((delta) => ({ type: "text_delta", delta })),
      };
    }
    case "reason": {
      const { summary, data = { reasoning: maker.next("reasoning") } } = content;
      return {
        item: { type: "reasoning", summary, provider: maker.provider, data },
        deltas: pieces(summary, maker.chunkSize).map((delta) => ({ type: "reasoning_delta", delta })),
      };
    }
    case "call":
      return makeCall(content.name, content.arguments, content.callId, maker);
    case "hand_off":
      return makeCall(handoffName(content.to, request), content.input, content.callId, maker);
    default:
      content satisfies never;
      throw new TypeError(`Cannot read a part of a script: ${JSON.stringify(content)}`);
  }
}

function makeCall(name: string, args: string | JsonObject, givenId: string | undefined, maker: Maker): Made {
  const text = typeof args === "string" ? args : JSON.stringify(args);
  const callId = givenId ?? `call_${maker.next("call")}`;
  const deltas = pieces(text, maker.chunkSize).map((delta, i): ModelEvent => ({
    type: "tool_call_delta",
    callId,
    ...(i === 0 ? { name } : {}),
    delta,
  }));
  return { item: { type: "tool_call", callId, name, arguments: text }, deltas };
}

/** `text` in pieces of `size` characters; surrogate pairs stay together, as providers keep them. */
function pieces(text: string, size: number | undefined): readonly string[] {
  if (size === undefined) return [text];
  const characters = Array.from(text);
  const found: string[] = [];
  for (let i = 0; i < characters.length; i += size) found.push(characters.slice(i, i + size).join(""));
  return found.length === 0 ? [text] : found;
}

/** Name of the offered handoff that `to` means. */
function handoffName(to: string, { handoffs, at }: ModelRequest): string {
  const wanted = to.toLowerCase();
  const word = wanted.replace(/[^a-z0-9]+/g, "_");
  const ways: readonly ((spec: { readonly name: string; readonly to: string }) => boolean)[] = [
    (spec) => spec.name === to,
    (spec) => spec.to === to,
    (spec) => spec.name === `transfer_to_${word}`,
    (spec) => spec.to.toLowerCase() === wanted,
    (spec) => spec.to.toLowerCase().includes(wanted) || spec.name.includes(word),
  ];
  for (const way of ways) {
    const [found, another] = handoffs.filter(way);
    if (found && !another) return found.name;
    if (found) break;
  }
  const offered = handoffs.map((spec) => `"${spec.name}" (to "${spec.to}")`).join(", ");
  throw new ScriptError(
    `Cannot hand off to "${to}" from agent "${at.agent}": the handoffs offered are ${offered === "" ? "none" : offered}`,
  );
}
