import type { JsonObject, ModelRequest, ModelSettings } from "@batonjs/core";
import type { Continuation } from "./options.ts";
import type { Watch } from "./watch.ts";

/** How much of what the agent sees is sent, and what it continues. */
export interface Link {
  /** Items before it are at the server. */
  readonly from: number;
  readonly fields: { readonly previous_response_id?: string; readonly conversation?: string };
  readonly conversation?: string;
}

const EVERYTHING: Link = { from: 0, fields: {} };

/** How many conversations are remembered. One that is forgotten is begun anew. */
const MAX_CONVERSATIONS = 10_000;

/** Conversations at the server by the response that is their end. Each is continued by one request at a time. */
export type Conversations = Map<string, string>;

/** Knows what the server knows: so that a request has only what is new, and never less than the agent sees. */
export class ContinuationLinks {
  readonly #mode: Continuation;
  readonly #provider: string;
  readonly #conversations: Conversations;
  readonly #create: (watch: Watch) => Promise<string>;

  /** `create` begins a conversation at the server. */
  constructor(
    mode: Continuation,
    provider: string,
    conversations: Conversations,
    create: (watch: Watch) => Promise<string>,
  ) {
    this.#mode = mode;
    this.#provider = provider;
    this.#conversations = conversations;
    this.#create = create;
  }

  /** What the request continues: nothing where the server knows of other items than those the agent sees. */
  async begin(request: ModelRequest, settings: ModelSettings, watch: Watch): Promise<Link> {
    if (this.#mode === "none" || settings.providerOptions?.[this.#provider]?.["store"] === false) return EVERYTHING;
    const known = this.#known(request);
    if (this.#mode === "response") {
      return known ? { from: known.count, fields: { previous_response_id: known.responseId } } : EVERYTHING;
    }
    const conversation = known && this.#conversations.get(known.responseId);
    if (!known || conversation === undefined) return this.restart(watch);
    // If the request fails we do not know what became of the conversation: then it is not continued.
    this.#conversations.delete(known.responseId);
    return { from: known.count, fields: { conversation }, conversation };
  }

  /** The turn that is to be continued: one of ours, in this dialect, after which something new was said. */
  #known({ since, items }: ModelRequest): ModelRequest["since"] {
    if (!since || since.count >= items.length || !/^resp/i.test(since.responseId)) return undefined;
    const { provider = this.#provider } = since as { readonly provider?: string };
    return provider === this.#provider ? since : undefined;
  }

  /** Sends everything, where the server has said that it does not know what was to be continued. */
  async restart(watch: Watch): Promise<Link> {
    if (this.#mode !== "conversation") return EVERYTHING;
    const conversation = await this.#create(watch);
    return { from: 0, fields: { conversation }, conversation };
  }

  /** What is kept with the turn. A reply is now the end of what was continued. */
  keep({ from, fields, conversation }: Link, responseId: string | undefined): JsonObject {
    if (conversation !== undefined && responseId !== undefined) {
      const [oldest] = this.#conversations.keys();
      if (this.#conversations.size >= MAX_CONVERSATIONS && oldest !== undefined) this.#conversations.delete(oldest);
      this.#conversations.set(responseId, conversation);
    }
    return {
      sent: from === 0 ? "full" : "delta",
      ...(fields.previous_response_id === undefined ? {} : { previousResponseId: fields.previous_response_id }),
      ...(conversation === undefined ? {} : { conversation }),
    };
  }
}
