import type { ModelEvent, ModelReply, ModelUsage, ReplyItem } from "@batonjs/core";
import { Failed } from "./errors.ts";
import type { Frame } from "./events.ts";

interface Call {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

/** Puts a reply of the model `asked` together. */
export class ReplyReader {
  text = "";
  readonly #asked: string;
  readonly #calls = new Map<unknown, Call>();
  #id: string | undefined;
  #answering: string | undefined;

  constructor(asked: string) {
    this.#asked = asked;
  }

  /** What follows from an event; nothing for one that a later version of Acme may have added. */
  take(frame: Frame): ModelEvent | undefined {
    switch (frame.type) {
      case "start":
        this.#id = text(frame.id) || undefined;
        this.#answering = text(frame.model) || undefined;
        return undefined;
      case "text":
        this.text += text(frame.text);
        return { type: "text_delta", delta: text(frame.text) };
      case "call": {
        const id = this.#freeId(text(frame.id));
        const name = text(frame.name);
        this.#calls.set(frame.call, { id, name, arguments: "" });
        return { type: "tool_call_delta", callId: id, name, delta: "" };
      }
      case "arguments": {
        const call = this.#calls.get(frame.call);
        if (!call)
          throw new Failed({ kind: "protocol", message: "the server sent arguments of a call that it did not begin" });
        call.arguments += text(frame.text);
        return { type: "tool_call_delta", callId: call.id, delta: text(frame.text) };
      }
      case "error":
        throw new Failed({
          kind: "stream_error",
          message: `the server reported: ${text(frame.message) || "an error"}`,
        });
      case "end":
        return this.#reply(frame);
      default:
        return undefined;
    }
  }

  #reply({ finish, usage }: Frame): ModelReply {
    const items: ReplyItem[] = [];
    for (const { id, name, arguments: given } of this.#calls.values())
      items.push({ type: "tool_call", callId: id, name, arguments: given || "{}" });
    if (this.text !== "" || items.length === 0)
      items.unshift({ type: "message", role: "assistant", content: this.text });
    return {
      type: "reply",
      items,
      finishReason: text(finish) || "error",
      usage: usageOf(usage),
      ...(this.#id === undefined ? {} : { responseId: this.#id }),
      ...(this.#answering === undefined || this.#answering === this.#asked ? {} : { model: this.#answering }),
    };
  }

  /** Calls of one reply have ids that differ, whatever the server says. */
  #freeId(wanted: string): string {
    const taken = new Set(Array.from(this.#calls.values(), ({ id }) => id));
    return wanted === "" || taken.has(wanted) ? `${wanted || "call"}_${taken.size}` : wanted;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function usageOf({ input, cached, output, reasoning }: NonNullable<Frame["usage"]> = {}): ModelUsage {
  return {
    inputTokens: count(input),
    cachedInputTokens: count(cached),
    outputTokens: count(output),
    reasoningTokens: count(reasoning),
    totalTokens: count(input) + count(output),
  };
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}
