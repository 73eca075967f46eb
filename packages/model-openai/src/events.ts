import { LimitError } from "@batonjs/core";
import { createParser } from "eventsource-parser";
import { excerpt, type Failure } from "./errors.ts";
import { type Fields, isFields } from "./wire.ts";

/** One event of a stream: its data, the marker `[DONE]`, or one that says nothing new. */
export type Frame = Fields | typeof DONE | typeof NOTHING_NEW;
export const DONE: unique symbol = Symbol("[DONE]");
export const NOTHING_NEW: unique symbol = Symbol("nothing new");

/** A failure that is known when it happens; thrown as it is and made an error at the edge. */
export class Failed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Reads the body of a response: first its events in the pieces in which they arrive, then nothing. */
export interface BodyReader {
  /** The body is no stream of events: it has one object, which is the reply. */
  readonly whole: boolean;
  /** The events of the next piece, which may be none; nothing at the end. Rejects with what the body fails with. */
  next(): Promise<readonly Frame[] | undefined>;
  /** Reads what is left, so that the connection can be used again, if it comes at once. */
  drain(ms: number): Promise<void>;
  /** Gives up what is left. */
  cancel(): void;
}

export interface BodyLimits {
  readonly maxEventLength: number;
  readonly maxResponseBytes: number;
}

/** What is read of a body that nobody waits for. */
const MAX_DRAINED_BYTES = 65_536;

/**
 * `redundant` names events that need not be read: some repeat the whole request, tools and all.
 * The events of a server-sent event stream, or the one of a JSON body. What does not look like either throws `Failed`.
 * `eventsource-parser` and not the decoder of `openai`: that one has no limit, gives comments no place, ends silently
 * when a stream is cut, and takes any content type.
 */
export function readBody(response: Response, limits: BodyLimits, redundant: ReadonlySet<string> = NONE): BodyReader {
  const type = (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!response.body)
    throw new Failed({ kind: "protocol", message: `the server answered ${response.status} without a body` });
  const bytes = new Bytes(response.body.getReader(), limits.maxResponseBytes);
  if (type === "text/event-stream" || type === "") return new StreamReader(bytes, limits.maxEventLength, redundant);
  if (type === "application/json" || type.endsWith("+json")) return new JsonReader(bytes, limits);
  return new ForeignReader(bytes, type);
}

const NONE: ReadonlySet<string> = new Set();

/** The chunks of a body, counted. */
class Bytes {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #max: number;
  #read = 0;
  done = false;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>, max: number) {
    this.#reader = reader;
    this.#max = max;
  }

  async next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#reader.read();
    if (done) {
      this.done = true;
      return undefined;
    }
    this.#read += value.byteLength;
    if (this.#read > this.#max) throw new Failed(limitFailure("maxResponseBytes", this.#max, this.#read));
    return value;
  }

  cancel(): void {
    if (this.done) return;
    this.done = true;
    this.#reader.cancel().catch(() => {});
  }

  async drain(ms: number): Promise<void> {
    if (this.done) return;
    const timer = setTimeout(() => this.cancel(), ms);
    const end = this.#read + MAX_DRAINED_BYTES;
    try {
      while (!this.done && this.#read < end) await this.next();
    } catch {
      // The reply is complete: whatever happens to the rest of the body does not matter.
    } finally {
      clearTimeout(timer);
      this.cancel();
    }
  }
}

class StreamReader implements BodyReader {
  readonly whole = false;
  readonly #bytes: Bytes;
  readonly #decoder = new TextDecoder();
  readonly #parser: ReturnType<typeof createParser>;
  readonly #redundant: ReadonlySet<string>;
  #frames: Frame[] = [];
  /** What is wrong with what follows the frames. */
  #failure: Failure | undefined;
  #ended = false;

  constructor(bytes: Bytes, maxEventLength: number, redundant: ReadonlySet<string>) {
    this.#bytes = bytes;
    this.#redundant = redundant;
    this.#parser = createParser({
      // The names of fields and line ends are counted, too, while an event is incomplete.
      maxBufferSize: maxEventLength + 1_024,
      onEvent: ({ event, data }) => this.#take(event, data, maxEventLength),
      onError: ({ type }) => {
        if (type === "max-buffer-size-exceeded") {
          this.#failure ??= limitFailure("maxEventLength", maxEventLength, maxEventLength + 1_025);
        }
      },
    });
  }

  async next(): Promise<readonly Frame[] | undefined> {
    if (this.#failure) throw new Failed(this.#failure);
    if (this.#ended) return undefined;
    const chunk = await this.#bytes.next();
    if (chunk) {
      this.#parser.feed(this.#decoder.decode(chunk, { stream: true }));
    } else {
      // Some servers leave out the last blank line. An event that was cut is no JSON and is left out.
      this.#ended = true;
      this.#parser.feed(`${this.#decoder.decode()}\n\n`);
    }
    const frames = this.#frames;
    this.#frames = [];
    if (frames.length === 0 && this.#failure) throw new Failed(this.#failure);
    return this.#ended && frames.length === 0 ? undefined : frames;
  }

  #take(event: string | undefined, data: string, max: number): void {
    if (this.#failure || data === "") return;
    if (data.length > max) {
      this.#failure = limitFailure("maxEventLength", max, data.length);
      return;
    }
    if (event !== undefined && this.#redundant.has(event)) {
      this.#frames.push(NOTHING_NEW);
      return;
    }
    if (data.length < 10 && data.trim() === "[DONE]") {
      this.#frames.push(DONE);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      if (this.#ended) return;
      value = event === "error" ? { error: { message: data } } : undefined;
    }
    if (isFields(value))
      this.#frames.push(event !== undefined && value["type"] === undefined ? { ...value, type: event } : value);
    else
      this.#failure = {
        kind: "protocol",
        message: `the server sent an event that is no JSON object: ${excerpt(data)}`,
      };
  }

  drain(ms: number): Promise<void> {
    return this.#bytes.drain(ms);
  }

  cancel(): void {
    this.#bytes.cancel();
  }
}

/** A server that does not stream: the body is the reply. */
class JsonReader implements BodyReader {
  readonly whole = true;
  readonly #bytes: Bytes;
  readonly #limits: BodyLimits;
  #ended = false;

  constructor(bytes: Bytes, limits: BodyLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  async next(): Promise<readonly Frame[] | undefined> {
    if (this.#ended) return undefined;
    const body = await readText(this.#bytes, this.#limits.maxResponseBytes);
    this.#ended = true;
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      const failure: Failure = {
        kind: "protocol",
        message: `the server sent a body that is no JSON: ${excerpt(body)}`,
      };
      throw new Failed(failure);
    }
    if (isFields(value)) return [value];
    throw new Failed({ kind: "protocol", message: `the server sent a body that is no JSON object: ${excerpt(body)}` });
  }

  async drain(): Promise<void> {}

  cancel(): void {
    this.#bytes.cancel();
  }
}

/** A page of a proxy, a log, an image: its beginning is told. */
class ForeignReader implements BodyReader {
  readonly whole = true;
  readonly #bytes: Bytes;
  readonly #type: string;

  constructor(bytes: Bytes, type: string) {
    this.#bytes = bytes;
    this.#type = type;
  }

  async next(): Promise<never> {
    const body = await readText(this.#bytes, 4_096);
    const message = `the server answered with "${this.#type}" where an event stream was expected: ${excerpt(body)}`;
    throw new Failed({ kind: "protocol", message });
  }

  async drain(): Promise<void> {}

  cancel(): void {
    this.#bytes.cancel();
  }
}

async function readText(bytes: Bytes, max: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let chunk = await bytes.next(); chunk; chunk = await bytes.next()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= max) break;
  }
  bytes.cancel();
  return (text + decoder.decode()).slice(0, max);
}

/** The beginning of a body, as text. For those of errors: a server may send any amount. */
export async function readStart(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<string> {
  return readText(new Bytes(body.getReader(), Number.MAX_SAFE_INTEGER), maxBytes);
}

function limitFailure(limit: keyof BodyLimits, max: number, actual: number): Failure {
  const message = `what the server sends is larger than ${limit} = ${max}`;
  return { kind: "protocol", message, retryable: false, cause: new LimitError(message, { limit, max, actual }) };
}
