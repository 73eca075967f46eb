/** Spans as an OTLP request in protobuf: `opentelemetry/proto/trace/v1/trace.proto`, version 1. */
import { type AttributeValue, type Attributes, SpanStatusCode } from "@opentelemetry/api";
import type { FinishedSpan } from "./span.ts";

/** An `ExportTraceServiceRequest`. */
export function toProtobuf(spans: readonly FinishedSpan[], resource: Attributes): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.message(1, () => {
    writer.message(1, () => attributes(writer, 1, resource));
    for (const [scope, its] of byScope(spans)) {
      writer.message(2, () => {
        writer.message(1, () => writer.string(1, scope));
        for (const span of its) writer.message(2, () => spanFields(writer, span));
      });
    }
  });
  return writer.finish();
}

/** Spans by the tracer that made them. */
export function byScope(spans: readonly FinishedSpan[]): ReadonlyMap<string, readonly FinishedSpan[]> {
  return Map.groupBy(spans, ({ scope }) => scope);
}

function spanFields(w: Writer, span: FinishedSpan): void {
  w.hex(1, span.context.traceId);
  w.hex(2, span.context.spanId);
  if (span.context.traceState) w.string(3, span.context.traceState.serialize());
  if (span.parentId !== undefined) w.hex(4, span.parentId);
  w.string(5, span.name);
  w.varintField(6, span.kind + 1);
  w.nanoseconds(7, span.startMs);
  w.nanoseconds(8, span.endMs);
  attributes(w, 9, span.attributes);
  for (const event of span.events) {
    w.message(11, () => {
      w.nanoseconds(1, event.atMs);
      w.string(2, event.name);
      attributes(w, 3, event.attributes);
    });
  }
  for (const link of span.links) {
    w.message(13, () => {
      w.hex(1, link.context.traceId);
      w.hex(2, link.context.spanId);
      attributes(w, 4, link.attributes ?? {});
    });
  }
  const { code, message } = span.status;
  if (code !== SpanStatusCode.UNSET) {
    w.message(15, () => {
      if (message !== undefined) w.string(2, message);
      w.varintField(3, code);
    });
  }
}

function attributes(w: Writer, field: number, all: Attributes): void {
  for (const key in all) {
    const given = all[key];
    if (given === undefined) continue;
    w.message(field, () => {
      w.string(1, key);
      w.message(2, () => value(w, given));
    });
  }
}

function value(w: Writer, given: AttributeValue): void {
  if (typeof given === "string") w.string(1, given);
  else if (typeof given === "boolean") w.varintField(2, given ? 1 : 0);
  else if (typeof given === "number") {
    if (Number.isSafeInteger(given)) w.varintField(3, given);
    else w.double(4, given);
  } else if (Array.isArray(given)) {
    w.message(5, () => {
      for (const each of given) if (each !== null && each !== undefined) w.message(1, () => value(w, each));
    });
  }
}

const encoder = new TextEncoder();

/** Writes fields of protobuf into a buffer that grows. */
class Writer {
  #bytes = new Uint8Array(4096);
  #at = 0;

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  /** A nested message: its length is written before it once it is known. */
  message(field: number, body: () => void): void {
    this.#tag(field, 2);
    this.#room(1);
    const start = this.#at++;
    body();
    const length = this.#at - start - 1;
    const size = varintSize(length);
    if (size > 1) {
      this.#room(size - 1);
      this.#bytes.copyWithin(start + size, start + 1, this.#at);
    }
    const end = this.#at + size - 1;
    this.#at = start;
    this.#varint(length);
    this.#at = end;
  }

  string(field: number, text: string): void {
    this.#tag(field, 2);
    // At most three bytes for each UTF-16 unit.
    this.#room(text.length * 3 + 10);
    if (text.length < 128 && this.#ascii(text)) return;
    const size = varintSize(text.length * 3);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#at + size));
    const real = varintSize(written);
    if (real < size) this.#bytes.copyWithin(this.#at + real, this.#at + size, this.#at + size + written);
    this.#varint(written);
    this.#at += written;
  }

  /** Writes a short text of plain letters: most are, and this is faster than an encoder. */
  #ascii(text: string): boolean {
    const { length } = text;
    const start = this.#at + 1;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      this.#bytes[start + i] = code;
    }
    this.#bytes[this.#at] = length;
    this.#at = start + length;
    return true;
  }

  hex(field: number, hex: string): void {
    this.#tag(field, 2);
    this.#varint(hex.length / 2);
    this.#room(hex.length / 2);
    for (let i = 0; i < hex.length; i += 2)
      this.#bytes[this.#at++] = (digit(hex.charCodeAt(i)) << 4) | digit(hex.charCodeAt(i + 1));
  }

  /** Whole numbers as 64 bits; negative ones as their two's complement. */
  varintField(field: number, number: number): void {
    this.#tag(field, 0);
    if (number >= 0) {
      this.#varint(number);
      return;
    }
    this.#room(10);
    let rest = BigInt.asUintN(64, BigInt(number));
    while (rest > 127n) {
      this.#bytes[this.#at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  double(field: number, number: number): void {
    this.#tag(field, 1);
    this.#room(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#at, number, true);
    this.#at += 8;
  }

  nanoseconds(field: number, ms: number): void {
    this.#tag(field, 1);
    this.#room(8);
    new DataView(this.#bytes.buffer).setBigUint64(this.#at, nanosecondsOf(ms), true);
    this.#at += 8;
  }

  #tag(field: number, type: number): void {
    this.#varint((field << 3) | type);
  }

  #varint(number: number): void {
    this.#room(10);
    let rest = number;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** The value of a lower-case hexadecimal digit. */
const digit = (code: number): number => (code < 58 ? code - 48 : code - 87);

function varintSize(number: number): number {
  let size = 1;
  for (let rest = number; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Milliseconds with a fraction as nanoseconds. */
export function nanosecondsOf(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000));
}
