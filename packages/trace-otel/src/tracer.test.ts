import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider as SdkTracerProvider,
} from "@opentelemetry/sdk-trace";
import { testTracer } from "@batonjs/testing/tracing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { otel } from "./index.ts";

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());

testTracer({
  describe,
  it,
  create: ({ capture }) => {
    const exporter = new InMemorySpanExporter();
    const tracerProvider = new SdkTracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    const plugin = otel({ tracerProvider, capture });
    const written = (): string =>
      exporter
        .getFinishedSpans()
        .map(({ name, attributes, events, status }) =>
          [name, status.message, ...Object.entries(attributes).flat(), JSON.stringify(events)].join("\n"),
        )
        .join("\n");
    return { plugin, written };
  },
});
