import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { Agent, Runner } from "@batonjs/core";
import { handOff, say, scriptedModel } from "@batonjs/testing";
import { type ExporterFault, spanTree, testExporter, testTracer, type TracedSpan } from "@batonjs/testing/tracing";
import { type OtlpOptions, otel, otlp } from "@batonjs/trace-otel";
import protobuf from "protobufjs";

/** The part of `opentelemetry/proto` that traces use, by its numbers: written from the published files, not from ours. */
const PROTO = `
syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16;
  string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
  repeated Event events = 11; uint32 dropped_events_count = 12;
  repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15;
}
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
`;
const Request = protobuf.parse(PROTO).root.lookupType("Request");

/** A span as both encodings say it. */
interface Received {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly events?: readonly { readonly name: string }[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface Payload {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Received["attributes"] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly Received[] }[];
  }[];
}

/** A collector on this machine. */
class Collector {
  readonly requests: { readonly headers: IncomingMessage["headers"]; readonly path: string; readonly body: Buffer }[] =
    [];
  answer: (response: ServerResponse, number: number) => void = (response) => void response.end("{}");
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.requests.push({ headers: request.headers, path: request.url ?? "", body: Buffer.concat(chunks) });
        this.answer(response, this.requests.length);
      });
    });
  }
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
  get payloads(): Payload[] {
    return this.requests.map(({ headers, body }) =>
      headers["content-type"] === "application/json" ? (JSON.parse(body.toString()) as Payload) : decoded(body),
    );
  }
  get spans(): Received[] {
    return this.payloads.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }
  get tree(): string[] {
    return spanTree(
      this.spans.map(({ spanId, parentSpanId, name, status }): TracedSpan => ({
        id: spanId,
        parentId: parentSpanId,
        name,
        failed: status?.code === 2,
      })),
    );
  }
}

/** A request in protobuf, as its JSON would be. */
function decoded(body: Buffer): Payload {
  const object = Request.toObject(Request.decode(body), { longs: String, bytes: Array });
  return JSON.parse(
    JSON.stringify(object, (key, value: unknown) =>
      /^(?:trace|span|parentSpan)Id$/.test(key) ? Buffer.from(value as number[]).toString("hex") : value,
    ),
  ) as Payload;
}

const collectors: Collector[] = [];
after(async () => {
  for (const collector of collectors) await collector.close();
});
async function collecting(options: Partial<OtlpOptions> = {}): Promise<{
  collector: Collector;
  provider: ReturnType<typeof otlp>;
}> {
  const collector = new Collector();
  collectors.push(collector);
  const url = await collector.listen();
  return { collector, provider: otlp({ url, delayMs: 10, timeoutMs: 200, ...options }) };
}

async function handOver(provider: ReturnType<typeof otlp>): Promise<void> {
  const model = scriptedModel({ Triage: [handOff("billing")], Billing: [say("ünïcode ✓ done")] });
  const billing = new Agent({ name: "Billing", model });
  const runner = new Runner({ plugins: [otel({ tracerProvider: provider, capture: true })] });
  await runner.run(new Agent({ name: "Triage", model, handoffs: [billing] }), "hello");
  await runner.close();
}

const TREE = [
  "invoke_workflow Triage",
  "  invoke_agent Triage",
  "    chat scripted",
  "    execute_tool transfer_to_billing",
  "  invoke_agent Billing",
  "    chat scripted",
];

describe("otlp()", () => {
  for (const protocol of ["protobuf", "json"] as const) {
    it(`sends span trees in ${protocol}`, async () => {
      const { collector, provider } = await collecting({
        protocol,
        serviceName: "desk",
        resource: { "deployment.environment.name": "test" },
        headers: { "x-key": "0123456789abcdef" },
      });
      await handOver(provider);
      // Ended first, sent first: the tree is the same whatever the order.
      const sorted = (lines: readonly string[]): string[] => lines.toSorted();
      assert.deepEqual(sorted(collector.tree), sorted(TREE));
      const [request] = collector.requests;
      assert.equal(request?.path, "/v1/traces");
      assert.equal(request?.headers["x-key"], "0123456789abcdef");
      const [{ resource, scopeSpans } = assert.fail("nothing was sent")] = collector.payloads[0]?.resourceSpans ?? [];
      assert.deepEqual(
        resource.attributes.map(({ key, value }) => [key, value]),
        [
          ["service.name", { stringValue: "desk" }],
          ["deployment.environment.name", { stringValue: "test" }],
        ],
      );
      assert.equal(scopeSpans[0]?.scope.name, "@batonjs/trace-otel");
      assert.equal(new Set(collector.spans.map(({ traceId }) => traceId)).size, 1);
    });
  }

  it("says the same in both encodings, whatever the values", async () => {
    const write = async (protocol: "protobuf" | "json"): Promise<unknown> => {
      const { collector, provider } = await collecting({ protocol });
      const tracer = provider.getTracer("test");
      const span = tracer.startSpan("name ✓", { kind: 2, startTime: [1_700_000_000, 123_456_789] });
      span.setAttributes({
        text: "ü".repeat(200),
        empty: "",
        whole: 42,
        large: 2 ** 53 - 1,
        negative: -7,
        half: 0.5,
        yes: true,
        no: false,
        list: ["a", "b"],
        numbers: [1, -2, 0.25],
      });
      span.addEvent("event", { n: 1 }, [1_700_000_000, 500_000_000]);
      span.addLink({ context: span.spanContext(), attributes: { why: "x" } });
      span.setStatus({ code: 2, message: "no" });
      span.end([1_700_000_001, 1]);
      await provider.shutdown();
      return JSON.parse(
        JSON.stringify(collector.spans[0], (key, value: unknown) =>
          /^(?:trace|span)Id$/.test(key) ? (value as string).length : value,
        ),
      ) as unknown;
    };
    const inProtobuf = await write("protobuf");
    assert.deepEqual(inProtobuf, await write("json"));
    const { startTimeUnixNano, endTimeUnixNano, kind, status } = inProtobuf as Received;
    // Times are kept in milliseconds with a fraction: to a quarter of a microsecond.
    assert.match(startTimeUnixNano, /^170000000012345/);
    assert.match(endTimeUnixNano, /^170000000100000/);
    assert.deepEqual([kind, status], [3, { code: 2, message: "no" }]);
  });

  it("tries again where the server is busy, and not where it says no", async () => {
    const { collector, provider } = await collecting();
    collector.answer = (response, number) => {
      response.statusCode = number === 1 ? 503 : 200;
      response.setHeader("retry-after", "0");
      response.end();
    };
    provider.getTracer("test").startSpan("x").end();
    await provider.forceFlush();
    assert.equal(collector.requests.length, 2);
    assert.deepEqual(provider.stats, { waiting: 0, sent: 1, dropped: 0, failedRequests: 0 });
    collector.answer = (response) => {
      response.statusCode = 401;
      response.end();
    };
    provider.getTracer("test").startSpan("x").end();
    await provider.forceFlush();
    assert.equal(collector.requests.length, 3);
    assert.deepEqual(provider.stats, { waiting: 0, sent: 1, dropped: 1, failedRequests: 1 });
  });

  it("gives up in time at shutdown, counts what is lost, and can be used again", async () => {
    const { collector, provider } = await collecting({ timeoutMs: 60_000 });
    collector.answer = () => {};
    const tracer = provider.getTracer("test");
    tracer.startSpan("lost").end();
    await provider.shutdown(50);
    assert.deepEqual(provider.stats, { waiting: 0, sent: 0, dropped: 1, failedRequests: 0 });
    collector.answer = (response) => void response.end();
    tracer.startSpan("sent").end();
    await provider.shutdown(1_000);
    assert.deepEqual(provider.stats, { waiting: 0, sent: 1, dropped: 1, failedRequests: 0 });
  });

  it("joins the trace of the caller, and leaves out what the caller does not sample", async () => {
    const { collector, provider } = await collecting();
    const { ROOT_CONTEXT, trace } = await import("@opentelemetry/api");
    const remote = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", isRemote: true };
    const tracer = provider.getTracer("test");
    for (const traceFlags of [1, 0]) {
      const parent = trace.setSpanContext(ROOT_CONTEXT, { ...remote, traceFlags });
      const span = tracer.startSpan(`flags ${traceFlags}`, {}, parent);
      assert.equal(span.isRecording(), traceFlags === 1);
      span.end();
    }
    await provider.shutdown();
    assert.deepEqual(
      collector.spans.map(({ name, traceId, parentSpanId }) => [name, traceId, parentSpanId]),
      [["flags 1", remote.traceId, remote.spanId]],
    );
  });

  it("says what is wrong with a url, without showing what is in it", () => {
    assert.throws(() => otlp({ url: "localhost" }), TypeError);
    assert.throws(() => otlp({ url: "ftp://localhost" }), /expected http or https/);
    assert.throws(
      () => otlp({ url: "https://user:canary@localhost" }),
      (error: Error) => error instanceof TypeError && !error.message.includes("canary"),
    );
  });
});

testTracer({
  describe,
  it,
  create: async ({ capture }) => {
    const { collector, provider } = await collecting({ protocol: capture ? "json" : "protobuf" });
    const plugin = otel({ tracerProvider: provider, capture });
    const written = (): string => collector.requests.map(({ body }) => body.toString()).join("\n");
    return { plugin, written };
  },
});

testExporter({
  describe,
  it,
  closeWithinMs: 1_000,
  create: async (fault) => {
    const { collector, provider } = await collecting({
      maxQueueSize: 100,
      attempts: 2,
      ...(fault === "throws" ? { fetch: () => Promise.reject(new TypeError("fetch failed")) } : {}),
    });
    collector.answer = answering(fault);
    const plugin = otel({ tracerProvider: provider, flushTimeoutMs: 100 });
    return { plugin, stats: () => provider.stats, maxQueue: 100 };
  },
});

function answering(fault: ExporterFault): Collector["answer"] {
  switch (fault) {
    case "slow":
      return (response) => void setTimeout(() => response.end(), 20);
    case "hangs":
      return () => {};
    case "refuses":
      return (response) => {
        response.statusCode = 403;
        response.end();
      };
    default:
      return (response) => void response.end();
  }
}
