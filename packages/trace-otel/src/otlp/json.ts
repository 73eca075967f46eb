/** Spans as an OTLP request in JSON. */
import { type AttributeValue, type Attributes, SpanStatusCode } from "@opentelemetry/api";
import { byScope, nanosecondsOf } from "./protobuf.ts";
import type { FinishedSpan } from "./span.ts";

/** An `ExportTraceServiceRequest`: ids in hex, 64-bit numbers as strings. */
export function toJson(spans: readonly FinishedSpan[], resource: Attributes): string {
  const scopeSpans = [...byScope(spans)].map(([name, its]) => ({ scope: { name }, spans: its.map(spanOf) }));
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans }] });
}

function spanOf(span: FinishedSpan): object {
  const { context, status } = span;
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(context.traceState ? { traceState: context.traceState.serialize() } : {}),
    ...(span.parentId === undefined ? {} : { parentSpanId: span.parentId }),
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: String(nanosecondsOf(span.startMs)),
    endTimeUnixNano: String(nanosecondsOf(span.endMs)),
    attributes: attributesOf(span.attributes),
    events: span.events.map(({ name, atMs, attributes }) => ({
      name,
      timeUnixNano: String(nanosecondsOf(atMs)),
      attributes: attributesOf(attributes),
    })),
    links: span.links.map(({ context: { traceId, spanId }, attributes = {} }) => ({
      traceId,
      spanId,
      attributes: attributesOf(attributes),
    })),
    status: status.code === SpanStatusCode.UNSET ? {} : status,
  };
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  );
}

function valueOf(value: AttributeValue): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  const values = (value as readonly AttributeValue[]).flatMap((each) =>
    (each as unknown) === null || each === undefined ? [] : [valueOf(each)],
  );
  return { arrayValue: { values } };
}
