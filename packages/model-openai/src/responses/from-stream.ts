import type {
  FinishReason,
  Json,
  JsonObject,
  ModelEvent,
  ModelReply,
  ModelRequest,
  RefusalPart,
  ReplyItem,
  TextPart,
} from "@batonjs/core";
import type { StreamDecoder } from "../dialect.ts";
import { streamFailure } from "../errors.ts";
import { Failed } from "../events.ts";
import { finishReason } from "../finish-reason.ts";
import {
  argumentsText,
  CallIds,
  type Fields,
  fields,
  filled,
  isFields,
  list,
  otherModel,
  rest,
  text,
  usageFrom,
} from "../wire.ts";

/** What of an item is in our item's own fields, or says nothing once the item is complete. */
const OF_A_CALL: ReadonlySet<string> = new Set(["type", "call_id", "name", "arguments", "status"]);
const OF_REASONING: ReadonlySet<string> = new Set(["status"]);

/** Events that repeat the request, or what others have said. They are about half of the bytes. */
export const REDUNDANT_EVENTS: ReadonlySet<string> = new Set([
  "response.created",
  "response.in_progress",
  "response.queued",
  "response.content_part.added",
  "response.content_part.done",
  "response.output_text.done",
  "response.refusal.done",
  "response.reasoning_summary_part.done",
  "response.reasoning_summary_text.done",
  "response.reasoning_text.done",
  "response.function_call_arguments.done",
  "response.mcp_call_arguments.done",
  "response.code_interpreter_call_code.done",
  "response.custom_tool_call_input.done",
  "response.output_text.annotation.added",
  "response.image_generation_call.partial_image",
]);

/** Reads one response of the Responses API. The last event has it whole: what came before is for showing. */
export class ResponseDecoder implements StreamDecoder {
  state: "open" | "settled" | "complete" = "open";
  text = "";
  readonly #provider: string;
  readonly #model: string;
  readonly #request: ModelRequest;
  /** Ids and names of calls by the id of their item, for the deltas that name only that. */
  readonly #calls = new Map<string, { readonly callId: string; readonly name: string }>();
  /** Items that were said to be complete, by their place in the output. */
  readonly #done = new Map<number | string, Fields>();
  #sequence = 0;
  #response: Fields = {};
  #finishReason: FinishReason = "stop";

  constructor(provider: string, model: string, request: ModelRequest) {
    this.#provider = provider;
    this.#model = model;
    this.#request = request;
  }

  take(event: Fields, shown: ModelEvent[]): boolean {
    const type = text(event["type"]) ?? "";
    if (type === "" && event["error"] !== undefined && event["error"] !== null) throw new Failed(streamFailure(event));
    switch (type) {
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled":
      case "response.done":
        this.#finish(fields(event["response"]), type.slice("response.".length));
        return true;
      case "error":
        throw new Failed(streamFailure(event["error"] === undefined ? { ...event, type: undefined } : event));
      case "keepalive":
      case "ping":
        return false;
      default:
        if (!this.#isRepeated(event)) this.#show(type, event, shown);
        return true;
    }
  }

  takeWhole(body: Fields, shown: ModelEvent[]): void {
    if (isFields(body["error"]) || filled(body["error"]) !== undefined) throw new Failed(streamFailure(body));
    if (!Array.isArray(body["output"]))
      throw new Failed({ kind: "protocol", message: "the server sent an object that is no response" });
    this.#finish(body, "completed");
    for (const item of list(body["output"])) this.#showWhole(fields(item), shown);
  }

  /** Proxies that connect again send events twice. */
  #isRepeated({ sequence_number }: Fields): boolean {
    if (typeof sequence_number !== "number") return false;
    if (sequence_number <= this.#sequence && this.#sequence > 0) return true;
    this.#sequence = sequence_number;
    return false;
  }

  #show(type: string, event: Fields, shown: ModelEvent[]): void {
    const delta = text(event["delta"]) ?? "";
    switch (type) {
      case "response.output_text.delta":
      case "response.refusal.delta":
        this.text += delta;
        shown.push({ type: "text_delta", delta });
        return;
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        shown.push({ type: "reasoning_delta", delta });
        return;
      case "response.reasoning_summary_part.added":
        if (Number(event["summary_index"]) > 0) shown.push({ type: "reasoning_delta", delta: "\n\n" });
        return;
      case "response.function_call_arguments.delta":
      case "response.mcp_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
      case "response.code_interpreter_call_code.delta": {
        const itemId = itemKey(event["item_id"], event["output_index"]);
        shown.push({ type: "tool_call_delta", callId: this.#calls.get(itemId)?.callId ?? itemId, delta });
        return;
      }
      case "response.output_item.added":
        this.#showItem(fields(event["item"]), event["output_index"], shown);
        return;
      case "response.output_item.done": {
        const item = event["item"];
        if (isFields(item)) this.#done.set(itemKey(event["output_index"] ?? item["id"], this.#done.size), item);
        return;
      }
      default:
        // Events that this version does not know, and those that repeat what others say.
        return;
    }
  }

  /** A call begins, of a function or of a tool that the provider runs. */
  #showItem(item: Fields, index: unknown, shown: ModelEvent[]): void {
    const type = text(item["type"]) ?? "";
    if (!type.endsWith("_call")) return;
    const itemId = itemKey(item["id"], index);
    const callId = filled(item["call_id"]) ?? itemId;
    const name = filled(item["name"]) ?? (type === "function_call" ? "" : type.slice(0, -"_call".length));
    this.#calls.set(itemId, { callId, name });
    const delta = type === "function_call" ? (text(item["arguments"]) ?? "") : "";
    shown.push({ type: "tool_call_delta", callId, ...(name === "" ? {} : { name }), delta });
  }

  #showWhole(item: Fields, shown: ModelEvent[]): void {
    for (const part of list(item["type"] === "message" ? item["content"] : [])) {
      const delta = filled(fields(part)["text"]) ?? filled(fields(part)["refusal"]);
      if (delta !== undefined) shown.push({ type: "text_delta", delta });
    }
  }

  #finish(response: Fields, event: string): void {
    const status = text(response["status"]) ?? event;
    if (status === "failed" || isFields(response["error"])) throw new Failed(streamFailure(response));
    this.#response = response;
    this.state = "complete";
    if (status === "incomplete") this.#finishReason = incompleteReason(response);
    else if (status === "cancelled") this.#finishReason = "cancelled";
  }

  done(): void {
    // The marker belongs to the other dialect; without a last event it means nothing.
  }

  reply(): ModelReply {
    const response = this.#response;
    const responseId = filled(response["id"]);
    const items = this.#items(responseId);
    const model = otherModel(this.#model, response["model"]);
    return {
      type: "reply",
      items,
      finishReason: finishReason(this.#finishReason, items),
      usage: usageFrom(response["usage"]),
      ...(responseId === undefined ? {} : { responseId }),
      ...(model === undefined ? {} : { model }),
      providerData: rest({ model: response["model"], serviceTier: response["service_tier"] }, NONE) ?? {},
    };
  }

  #items(responseId: string | undefined): ReplyItem[] {
    const { at } = this.#request;
    const ids = new CallIds(responseId ?? `${at.runId}_${at.turn}`);
    const items: ReplyItem[] = [];
    let reasoning: string | undefined;
    for (const item of this.#output()) {
      // All that follows reasoning belongs to it, until there is more of it.
      if (item["type"] === "reasoning") reasoning = filled(item["id"]);
      items.push(toItem(item, this.#provider, reasoning, ids));
    }
    return items;
  }

  /**
   * The output of the last event; of servers that leave it out there, the items that were said to be complete. Reasoning
   * is taken from there in any case, where it has what the last event lacks.
   */
  #output(): readonly Fields[] {
    const output = withoutRepeats(list(this.#response["output"]).filter(isFields));
    const done = withoutRepeats([...this.#done.values()]);
    if (output.length === 0) return done;
    return output.map((item) => {
      if (item["type"] !== "reasoning" || filled(item["encrypted_content"]) !== undefined) return item;
      return done.find((each) => each["id"] === item["id"] && filled(each["encrypted_content"]) !== undefined) ?? item;
    });
  }
}

const NONE: ReadonlySet<string> = new Set();

const itemKey = (id: unknown, otherwise: unknown): string =>
  typeof id === "string" || typeof id === "number" ? String(id) : String(otherwise);

/** Items that have the id of an earlier one left out: they were sent twice. */
function withoutRepeats(items: readonly Fields[]): readonly Fields[] {
  const ids = new Set<string>();
  return items.filter(({ id }) => {
    if (typeof id !== "string" || id === "") return true;
    return !ids.has(id) && ids.add(id);
  });
}

function incompleteReason(response: Fields): FinishReason {
  const reason = filled(fields(response["incomplete_details"])["reason"]);
  if (reason === "max_output_tokens" || reason === "max_tokens") return "length";
  return reason ?? "incomplete";
}

function toItem(item: Fields, provider: string, reasoning: string | undefined, ids: CallIds): ReplyItem {
  switch (item["type"]) {
    case "message":
      return toMessage(item, provider, reasoning);
    case "reasoning":
      return {
        type: "reasoning",
        provider,
        ...summaryOf(item),
        data: rest(item, OF_REASONING) ?? {},
      };
    case "function_call":
      return {
        type: "tool_call",
        callId: ids.take(filled(item["call_id"]) ?? filled(item["id"])),
        name: text(item["name"]) ?? "",
        arguments: argumentsText(item["arguments"]),
        providerData: { [provider]: { dialect: "responses", ...rest(item, OF_A_CALL), ...afterOf(reasoning) } },
      };
    default:
      return { type: "provider_item", provider, data: item as Json };
  }
}

const afterOf = (reasoning: string | undefined): JsonObject => (reasoning === undefined ? {} : { after: reasoning });

function summaryOf(item: Fields): { summary?: string } {
  const written = list(item["summary"]).length > 0 ? list(item["summary"]) : list(item["content"]);
  const texts = written.map((part) => text(fields(part)["text"]) ?? "").filter((each) => each !== "");
  return texts.length === 0 ? {} : { summary: texts.join("\n\n") };
}

function toMessage(item: Fields, provider: string, reasoning: string | undefined): ReplyItem {
  const parts = list(item["content"])
    .map(fields)
    .filter((part) => typeof part["text"] === "string" || part["type"] === "refusal");
  const content = parts.map(toPart);
  const [only] = content;
  const own = {
    dialect: "responses",
    ...rest(
      {
        id: item["id"],
        phase: item["phase"],
        annotations: kept(parts, "annotations"),
        logprobs: kept(parts, "logprobs"),
      },
      NONE,
    ),
    ...afterOf(reasoning),
  };
  return {
    type: "message",
    role: "assistant",
    content: only === undefined ? "" : content.length === 1 && only.type === "text" ? only.text : content,
    providerData: { [provider]: own as JsonObject },
  };
}

function toPart(part: Fields): TextPart | RefusalPart {
  if (part["type"] === "refusal") return { type: "refusal", refusal: text(part["refusal"]) ?? "" };
  return { type: "text", text: text(part["text"]) ?? "" };
}

/** A field of all parts, if one of them has anything there. */
function kept(parts: readonly Fields[], field: string): Json | undefined {
  const all = parts.map((part) => list(part[field]) as readonly Json[]);
  return all.some((each) => each.length > 0) ? all : undefined;
}
