import type { ModelEvent, ModelReply, ModelRequest, ModelSettings } from "@batonjs/core";
import type { Fields } from "./wire.ts";

/** One of the two wire formats. */
export interface Dialect {
  readonly path: string;
  /** Names of events that say nothing which others do not say. */
  readonly redundant: ReadonlySet<string>;
  /** The body of a request that shows the model the items from `from` on. Throws `Failed` for what cannot be said. */
  toRequest(request: ModelRequest, settings: ModelSettings, from: number): Fields;
  fromStream(request: ModelRequest): StreamDecoder;
}

/** Makes a reply of the events of one stream. */
export interface StreamDecoder {
  /**
   * `open`: without more, the stream was cut. `settled`: the reply is known, though something may be added.
   * `complete`: nothing more matters.
   */
  readonly state: "open" | "settled" | "complete";
  /** Text so far. */
  readonly text: string;
  /** Takes an event and adds what can be shown to `shown`. Says whether it was progress. Throws `Failed`. */
  take(event: Fields, shown: ModelEvent[]): boolean;
  /** Takes the body of a server that was asked to stream and did not. Throws `Failed`. */
  takeWhole(body: Fields, shown: ModelEvent[]): void;
  /** The marker `[DONE]`. */
  done(): void;
  /** The reply, once the state is not `open`. */
  reply(): ModelReply;
}
