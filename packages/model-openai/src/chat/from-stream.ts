import type { FinishReason, Json, JsonObject, ModelEvent, ModelReply, ModelRequest, ReplyItem } from "@batonjs/core";
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

/** A call as far as it has arrived. */
interface PartialCall {
  /** What the server calls it; nothing until it says. */
  wanted: string | undefined;
  callId: string | undefined;
  name: string;
  arguments: string;
  /** What the server adds, such as a signature of its reasoning. */
  extra: Fields;
}

/** What a delta of a call has that is kept in our own fields. */
const OF_A_CALL: ReadonlySet<string> = new Set(["index", "id", "type", "function"]);
const OF_A_FUNCTION: ReadonlySet<string> = new Set(["name", "arguments"]);

/** Reads one completion of Chat Completions: deltas of one choice, put together. */
export class ChatDecoder implements StreamDecoder {
  text = "";
  readonly #provider: string;
  readonly #model: string;
  readonly #ids: CallIds;
  /** By the index that the server gives them, whatever it is. */
  readonly #calls = new Map<unknown, PartialCall>();
  /** In the order in which they began. */
  readonly #order: PartialCall[] = [];
  #refusal = "";
  #reasoning = "";
  /** The name under which the server sends reasoning, and wants it back. */
  #reasoningField: string | undefined;
  readonly #reasoningDetails: Json[] = [];
  readonly #annotations: Json[] = [];
  readonly #logprobs: Json[] = [];
  #extraContent: Json | undefined;
  #finish: string | undefined;
  #usage: unknown;
  #chunk: Fields = {};
  #complete = false;

  constructor(provider: string, model: string, request: ModelRequest) {
    this.#provider = provider;
    this.#model = model;
    this.#ids = new CallIds(`${request.at.runId}_${request.at.turn}`);
  }

  get state(): "open" | "settled" | "complete" {
    return this.#finish === undefined ? "open" : this.#complete ? "complete" : "settled";
  }

  take(event: Fields, shown: ModelEvent[]): boolean {
    if (event["type"] === "error" || (event["error"] !== undefined && event["error"] !== null))
      throw new Failed(streamFailure(event));
    if (event["type"] === "ping" || event["type"] === "keepalive") return false;
    if (isFields(event["usage"])) this.#usage = event["usage"];
    if (filled(this.#chunk["id"]) === undefined) this.#chunk = event;
    const choice = firstChoice(event);
    if (choice) {
      // What follows the end of the choice is no part of it.
      if (this.#finish === undefined) this.#takeDelta(fields(choice["delta"]), choice, shown);
      this.#finish ??= filled(choice["finish_reason"]);
    }
    return true;
  }

  takeWhole(body: Fields, shown: ModelEvent[]): void {
    if (isFields(body["error"]) || filled(body["error"]) !== undefined) throw new Failed(streamFailure(body));
    const choice = firstChoice(body);
    if (!choice || !isFields(choice["message"]))
      throw new Failed({ kind: "protocol", message: "the server sent an object that is no completion" });
    this.#usage = body["usage"];
    this.#chunk = body;
    this.#takeDelta(choice["message"], choice, shown);
    this.#finish = filled(choice["finish_reason"]) ?? "stop";
    this.#complete = true;
  }

  done(): void {
    // Without a reason to finish, the marker says nothing: servers send it after failures, too.
    this.#complete = true;
  }

  #takeDelta(delta: Fields, choice: Fields, shown: ModelEvent[]): void {
    this.#takeReasoning(delta, shown);
    const content = text(delta["content"]) ?? contentText(delta["content"]);
    const refusal = text(delta["refusal"]) ?? "";
    this.text += content;
    this.#refusal += refusal;
    if (content !== "") shown.push({ type: "text_delta", delta: content });
    if (refusal !== "") shown.push({ type: "text_delta", delta: refusal });
    for (const call of list(delta["tool_calls"])) if (isFields(call)) this.#takeCall(call, shown);
    for (const annotation of list(delta["annotations"])) this.#annotations.push(annotation as Json);
    const { content: logprobs } = fields(choice["logprobs"]);
    for (const logprob of list(logprobs)) this.#logprobs.push(logprob as Json);
    this.#extraContent = (delta["extra_content"] as Json | undefined) ?? this.#extraContent;
  }

  #takeReasoning(delta: Fields, shown: ModelEvent[]): void {
    const field = ["reasoning_content", "reasoning"].find((name) => filled(delta[name]) !== undefined);
    if (field !== undefined) {
      const piece = delta[field] as string;
      this.#reasoningField ??= field;
      this.#reasoning += piece;
      shown.push({ type: "reasoning_delta", delta: piece });
    }
    for (const detail of list(delta["reasoning_details"])) if (isFields(detail)) this.#takeDetail(detail);
  }

  /** Pieces of the same detail are put together: it goes back whole. */
  #takeDetail(detail: Fields): void {
    const last = this.#reasoningDetails.at(-1);
    if (!isFields(last) || last["type"] !== detail["type"] || last["index"] !== detail["index"]) {
      this.#reasoningDetails.push(detail as Json);
      return;
    }
    const joined: Record<string, unknown> = { ...last };
    for (const [key, value] of Object.entries(detail)) {
      const before = joined[key];
      const grows = key === "text" || key === "summary" || key === "data";
      if (value !== null && key !== "__proto__")
        joined[key] = grows && typeof before === "string" && typeof value === "string" ? before + value : value;
    }
    this.#reasoningDetails[this.#reasoningDetails.length - 1] = joined as JsonObject;
  }

  #takeCall(delta: Fields, shown: ModelEvent[]): void {
    const fn = fields(delta["function"]);
    const id = filled(delta["id"]);
    const name = filled(fn["name"]);
    const call = this.#callFor(delta["index"], id, name);
    call.wanted ??= id;
    // Some servers repeat the name with every piece, others send it in pieces.
    const renamed = name !== undefined && name !== call.name;
    if (renamed) call.name += name;
    const piece = text(fn["arguments"]) ?? (isFields(fn["arguments"]) ? JSON.stringify(fn["arguments"]) : "");
    call.arguments += piece;
    const more = { ...rest(delta, OF_A_CALL), ...rest(fn, OF_A_FUNCTION) };
    if (Object.keys(more).length > 0) call.extra = { ...call.extra, ...more };
    // Nothing is shown before it has an id; then all of it.
    if (call.wanted === undefined) return;
    const first = call.callId === undefined;
    call.callId ??= this.#ids.take(call.wanted);
    if (!first && !renamed && piece === "") return;
    shown.push({
      type: "tool_call_delta",
      callId: call.callId,
      ...((first || renamed) && call.name !== "" ? { name: call.name } : {}),
      delta: first ? call.arguments : piece,
    });
  }

  /** The call that a delta belongs to. */
  #callFor(index: unknown, id: string | undefined, name: string | undefined): PartialCall {
    const key =
      index === undefined || index === null ? undefined : typeof index === "string" ? index : JSON.stringify(index);
    const last = this.#order.at(-1);
    const known =
      key === undefined
        ? id === undefined || last?.wanted === undefined
          ? last
          : this.#order.find((call) => call.wanted === id)
        : this.#calls.get(key);
    // Some servers give all calls the same index: another id with a name is another call.
    const another = known?.wanted !== undefined && id !== undefined && id !== known.wanted && name !== undefined;
    if (known && !another) return known;
    const call: PartialCall = { wanted: id, callId: undefined, name: "", arguments: "", extra: {} };
    this.#order.push(call);
    if (key !== undefined) this.#calls.set(key, call);
    return call;
  }

  reply(): ModelReply {
    const responseId = filled(this.#chunk["id"]);
    const model = otherModel(this.#model, this.#chunk["model"]);
    const items = this.#items();
    return {
      type: "reply",
      items,
      finishReason: this.#reason(items),
      usage: usageFrom(this.#usage),
      ...(responseId === undefined ? {} : { responseId }),
      ...(model === undefined ? {} : { model }),
      providerData:
        rest(
          {
            model: this.#chunk["model"],
            serviceTier: this.#chunk["service_tier"],
            systemFingerprint: this.#chunk["system_fingerprint"],
          },
          NONE,
        ) ?? {},
    };
  }

  #reason(items: readonly ReplyItem[]): FinishReason {
    const said = this.#finish ?? "stop";
    if (said === "tool_calls" && this.#order.length === 0 && this.text === "" && this.#refusal === "") {
      throw new Failed({ kind: "protocol", message: "the server said that the model made a call, and sent none" });
    }
    return finishReason(said, items);
  }

  #items(): ReplyItem[] {
    const items: ReplyItem[] = [];
    const reasoning = this.#reasoningItem();
    if (reasoning) items.push(reasoning);
    if (this.text !== "" || this.#refusal !== "" || this.#order.length === 0) items.push(this.#message());
    for (const call of this.#order) {
      items.push({
        type: "tool_call",
        callId: call.callId ?? this.#ids.take(call.wanted),
        name: call.name,
        arguments: argumentsText(call.arguments),
        ...this.#own(call.extra),
      });
    }
    return items;
  }

  #reasoningItem(): ReplyItem | undefined {
    if (this.#reasoning === "" && this.#reasoningDetails.length === 0) return undefined;
    return {
      type: "reasoning",
      provider: this.#provider,
      ...(this.#reasoning === "" ? {} : { summary: this.#reasoning }),
      data: rest(
        {
          type: "chat_reasoning",
          field: this.#reasoningField,
          text: this.#reasoning === "" ? undefined : this.#reasoning,
          details: this.#reasoningDetails.length === 0 ? undefined : this.#reasoningDetails,
        },
        NONE,
      ) as JsonObject,
    };
  }

  /** What only this provider knows, under its name: another may be asked next. */
  #own(extra: Fields): { providerData?: JsonObject } {
    const kept = rest(extra, NONE);
    return kept === undefined ? {} : { providerData: { [this.#provider]: { dialect: "chat", ...kept } } };
  }

  #message(): ReplyItem {
    return {
      type: "message",
      role: "assistant",
      content:
        this.#refusal === ""
          ? this.text
          : [
              ...(this.text === "" ? [] : [{ type: "text", text: this.text } as const]),
              { type: "refusal", refusal: this.#refusal },
            ],
      ...this.#own({
        extra_content: this.#extraContent,
        annotations: unlessEmpty(this.#annotations),
        logprobs: unlessEmpty(this.#logprobs),
      }),
    };
  }
}

const NONE: ReadonlySet<string> = new Set();

const unlessEmpty = (values: readonly Json[]): readonly Json[] | undefined =>
  values.length === 0 ? undefined : values;

/** Of several choices only the first counts: one was asked for. */
function firstChoice(event: Fields): Fields | undefined {
  return list(event["choices"]).find(
    (choice): choice is Fields => isFields(choice) && (choice["index"] === undefined || Number(choice["index"]) === 0),
  );
}

/** Content in parts, as some servers send it. */
function contentText(content: unknown): string {
  let joined = "";
  for (const part of list(content)) joined += text(fields(part)["text"]) ?? "";
  return joined;
}
