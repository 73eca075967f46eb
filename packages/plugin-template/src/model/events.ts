import { createParser } from "eventsource-parser";
import { Failed } from "./errors.ts";

/** What Acme streams: one of these in each server-sent event. It comes from outside: no field is certain. */
export interface Frame {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly model?: unknown;
  /** Which call of the reply, from 0. */
  readonly call?: unknown;
  readonly name?: unknown;
  readonly text?: unknown;
  readonly finish?: unknown;
  readonly usage?: Readonly<Partial<Record<"input" | "cached" | "output" | "reasoning", unknown>>>;
  readonly message?: unknown;
}

export interface Limits {
  readonly maxEventLength: number;
  readonly maxResponseBytes: number;
}

/** The events of a body, until it ends. */
export async function* readEvents(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { maxEventLength, maxResponseBytes }: Limits,
): AsyncGenerator<Frame, void, undefined> {
  const decoder = new TextDecoder();
  let events: string[] = [];
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent: ({ data }) => void events.push(data),
    onError: ({ type }) => void (isTooLong ||= type === "max-buffer-size-exceeded"),
  });
  let size = 0;
  let ended = false;
  while (!ended) {
    const { done, value } = await reader.read();
    ended = done;
    size += value?.byteLength ?? 0;
    if (size > maxResponseBytes) throw tooLarge("maxResponseBytes", maxResponseBytes);
    // Some servers leave out the last blank line.
    parser.feed(done ? `${decoder.decode()}\n\n` : decoder.decode(value, { stream: true }));
    for (const data of events) {
      if (data.length > maxEventLength) throw tooLarge("maxEventLength", maxEventLength);
      const frame = parse(data);
      if (frame) yield frame;
      else if (data !== "" && !done)
        throw protocol(`the server sent an event that is no JSON object: ${data.slice(0, 200)}`);
    }
    if (isTooLong) throw tooLarge("maxEventLength", maxEventLength);
    events = [];
  }
}

function parse(data: string): Frame | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function tooLarge(limit: keyof Limits, max: number): Failed {
  return new Failed({
    ...protocol(`what the server sends is larger than ${limit} = ${max}`).failure,
    retryable: false,
  });
}

function protocol(message: string): Failed {
  return new Failed({ kind: "protocol", message });
}
