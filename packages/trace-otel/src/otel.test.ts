import { type Context, type ContextManager, ROOT_CONTEXT, SpanStatusCode, context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { calcPrice } from "@pydantic/genai-prices";
import { type ReadableSpan, type SpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import {
  Agent,
  type Model,
  type ModelEvent,
  ModelError,
  type Plugin,
  Runner,
  approve,
  compact,
  dropMessages,
  handoff,
  keepLast,
  memorySessions,
  retry,
  textOf,
  tool,
} from "@batonjs/core";
import { genaiPrices } from "@batonjs/core/tracing";
import { call, calls, fail, handOff, reply, say, scriptedModel, testClock } from "@batonjs/testing";
import { SCENARIOS, type TracedSpan, spanTree } from "@batonjs/testing/tracing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ATTRIBUTES, METRICS, NAMED_AFTER, REQUIRED, TRANSFER_MODES } from "./__fixtures__/conventions.ts";
import { METRIC } from "./conventions.ts";
import { type OtelOptions, type OtelPlugin, otel } from "./index.ts";

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());

/** A tracer with everything that it has recorded. */
function recording(options: OtelOptions = {}): {
  tracing: OtelPlugin;
  provider: TracerProvider;
  spans: () => (TracedSpan & { readonly links: number; readonly tookMs: number })[];
  attributesOf: (name: string) => Readonly<Record<string, unknown>>;
} {
  const started: ReadableSpan[] = [];
  const recorder: SpanProcessor = {
    onStart: (span) => void started.push(span),
    onEnd: () => {},
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const provider = new TracerProvider({ spanProcessors: [recorder] });
  const ms = ([seconds, nanoseconds]: readonly [number, number]): number => seconds * 1e3 + nanoseconds / 1e6;
  const spans = (): ReturnType<ReturnType<typeof recording>["spans"]> =>
    started
      .filter(({ ended }) => ended)
      .map((span) => ({
        id: span.spanContext().spanId,
        parentId: span.parentSpanContext?.spanId,
        name: span.name,
        failed: span.status.code === SpanStatusCode.ERROR,
        attributes: span.attributes,
        links: span.links.length,
        tookMs: ms(span.duration),
      }));
  const attributesOf = (name: string): Readonly<Record<string, unknown>> =>
    spans().find((span) => span.name === name)?.attributes ?? expect.unreachable(`there is no span "${name}"`);
  return { tracing: otel({ tracerProvider: provider, ...options }), provider, spans, attributesOf };
}

/** A runner whose clock stands still: what takes no time began now, so that the order of spans is that of events. */
const runnerWith = (plugins: readonly Plugin[]): Runner => new Runner({ plugins, clock: testClock() });

const lookup = tool({ name: "lookup", sideEffects: "none", execute: () => "found" });
const payload = { type: "object", properties: { reason: { type: "string" } } } as const;

describe("span trees", () => {
  it("show a handoff: agents under the run, the transfer under the one that made it", async () => {
    const { tracing, spans } = recording();
    const model = scriptedModel({ Triage: [handOff("billing")], Billing: [call("lookup"), say("done")] });
    const billing = new Agent({ name: "Billing", model, tools: [lookup] });
    const triage = new Agent({ name: "Triage", model, handoffs: [billing] });
    await runnerWith([tracing]).run(triage, "hello");
    expect(spanTree(spans(), { attributes: ["gen_ai.transfer.mode", "gen_ai.usage.input_tokens"] }))
      .toMatchInlineSnapshot(`
      [
        "invoke_workflow Triage",
        "  invoke_agent Triage input_tokens=10",
        "    chat scripted input_tokens=10",
        "    execute_tool transfer_to_billing mode="pass_control"",
        "  invoke_agent Billing input_tokens=20",
        "    chat scripted input_tokens=10",
        "    execute_tool lookup",
        "    chat scripted input_tokens=10",
      ]
    `);
    expect(spans().find(({ name }) => name === "invoke_agent Billing")?.links).toBe(1);
  });

  it("show a consultation inside of the transfer that asked for it", async () => {
    const { tracing, spans } = recording();
    const model = scriptedModel({
      Triage: [handOff("expert"), say("done")],
      Expert: [handOff("deep")],
      Deep: [say("42")],
    });
    const deep = new Agent({ name: "Deep", model });
    const expert = new Agent({ name: "Expert", model, handoffs: [deep] });
    const triage = new Agent({ name: "Triage", model, handoffs: [handoff(expert, { mode: "return" })] });
    await runnerWith([tracing]).run(triage, "hello");
    expect(spanTree(spans(), { attributes: ["gen_ai.transfer.mode"] })).toMatchInlineSnapshot(`
      [
        "invoke_workflow Triage",
        "  invoke_agent Triage",
        "    chat scripted",
        "    execute_tool transfer_to_expert mode="return_to_caller"",
        "      invoke_agent Expert",
        "        chat scripted",
        "        execute_tool transfer_to_deep mode="pass_control"",
        "      invoke_agent Deep",
        "        chat scripted",
        "    chat scripted",
      ]
    `);
  });

  it("show nested agents under the tool that runs them, side by side, also where call ids are the same", async () => {
    const { tracing, spans } = recording();
    const same = { callId: "call_x" };
    const model = scriptedModel({
      Lead: [calls(call("a", { input: "1" }), call("b", { input: "2" })), say("done")],
      A: [call("lookup", {}, same), say("one")],
      B: [call("lookup", {}, same), say("two")],
    });
    const nested = (name: string): ReturnType<Agent["asTool"]> =>
      new Agent({ name, model, tools: [lookup] }).asTool({ name: name.toLowerCase() });
    const lead = new Agent({ name: "Lead", model, tools: [nested("A"), nested("B")] });
    await runnerWith([tracing]).run(lead, "hello");
    expect(spanTree(spans())).toMatchInlineSnapshot(`
      [
        "invoke_workflow Lead",
        "  invoke_agent Lead",
        "    chat scripted",
        "    execute_tool a",
        "      invoke_agent A",
        "        chat scripted",
        "        execute_tool lookup",
        "        chat scripted",
        "    execute_tool b",
        "      invoke_agent B",
        "        chat scripted",
        "        execute_tool lookup",
        "        chat scripted",
        "    chat scripted",
      ]
    `);
  });

  it("show guardrails, where they were asked", async () => {
    const { tracing, spans } = recording();
    const yes = (name: string) => ({ name, check: () => true });
    const model = scriptedModel({ Triage: [handOff("billing")], Billing: [call("lookup"), say("done")] });
    const guarded = tool({ name: "lookup", execute: () => "x", outputGuardrails: [yes("no_pii")] });
    const billing = new Agent({ name: "Billing", model, tools: [guarded], outputGuardrails: [yes("tone")] });
    const triage = new Agent({
      name: "Triage",
      model,
      inputGuardrails: [yes("topic")],
      handoffs: [handoff(billing, { guardrails: [yes("office_hours")] })],
    });
    await runnerWith([tracing]).run(triage, "hello");
    expect(spanTree(spans(), { attributes: ["gen_ai.guardrail.source", "gen_ai.guardrail.result.value"] }))
      .toMatchInlineSnapshot(`
        [
          "invoke_workflow Triage",
          "  invoke_agent Triage",
          "    apply_guardrail topic source="input" value="true"",
          "    chat scripted",
          "    execute_tool transfer_to_billing",
          "      apply_guardrail office_hours source="handoff" value="true"",
          "  invoke_agent Billing",
          "    chat scripted",
          "    execute_tool lookup",
          "      apply_guardrail no_pii source="tool_output" value="true"",
          "    chat scripted",
          "    apply_guardrail tone source="output" value="true"",
        ]
      `);
  });

  it("show a refused handoff as failed, and the run going on", async () => {
    const { tracing, spans } = recording();
    const model = scriptedModel({ Triage: [handOff("billing"), say("I will help you")] });
    const closed = { name: "office_hours", check: () => ({ allow: false, reason: "closed" }) };
    const billing = handoff(new Agent({ name: "Billing", model }), { guardrails: [closed] });
    await runnerWith([tracing]).run(new Agent({ name: "Triage", model, handoffs: [billing] }), "hello");
    expect(spanTree(spans(), { attributes: ["error.type", "gen_ai.transfer.target.name"] })).toMatchInlineSnapshot(`
      [
        "invoke_workflow Triage",
        "  invoke_agent Triage",
        "    chat scripted",
        "    execute_tool transfer_to_billing (failed) type="handoff_refused" name="Billing"",
        "      apply_guardrail office_hours",
        "    chat scripted",
      ]
    `);
  });

  it("show what failed", async () => {
    const { tracing, spans } = recording();
    const error = new ModelError("Too many requests", { kind: "rate_limit", retryable: false });
    const model = scriptedModel({ Triage: [handOff("billing")], Billing: [fail(error)] });
    const billing = new Agent({ name: "Billing", model });
    const triage = new Agent({ name: "Triage", model, handoffs: [billing] });
    await expect(runnerWith([tracing]).run(triage, "hello")).rejects.toThrow("Too many requests");
    expect(spanTree(spans(), { attributes: ["error.type"] })).toMatchInlineSnapshot(`
      [
        "invoke_workflow Triage (failed) type="rate_limit"",
        "  invoke_agent Triage",
        "    chat scripted",
        "    execute_tool transfer_to_billing",
        "  invoke_agent Billing (failed) type="rate_limit"",
        "    chat scripted (failed) type="rate_limit"",
      ]
    `);
    expect(tracing.stats).toEqual({ openRuns: 0, abandonedRuns: 0, failures: 0 });
  });

  it("show a session's operations, and what a filter asked", async () => {
    const { tracing, spans } = recording();
    const small: Model = scriptedModel(() => say("a summary"), { name: "small" });
    const model = scriptedModel({ Triage: [handOff("billing")], Billing: [say("done")] });
    const edge = handoff(new Agent({ name: "Billing", model }), {
      inputFilter: async function summary(data) {
        await data.run.ask(small, { input: "sum it up", purpose: "summary" });
        return data;
      },
    });
    const runner = runnerWith([tracing, tracing.sessionsOf(memorySessions())]);
    await runner.run(new Agent({ name: "Triage", model, handoffs: [edge] }), "hello", { session: "user-42" });
    expect(spanTree(spans(), { attributes: ["baton.turn.purpose", "baton.session.items"] })).toMatchInlineSnapshot(`
      [
        "read session items=0",
        "invoke_workflow Triage",
        "  append session items=1",
        "  invoke_agent Triage",
        "    chat scripted",
        "    chat small purpose="summary"",
        "    execute_tool transfer_to_billing",
        "  append session items=2",
        "  append session items=1",
        "  append session items=2",
        "  invoke_agent Billing",
        "    chat scripted",
        "  append session items=2",
      ]
    `);
  });

  it("stand under the span that was active when the run began", async () => {
    const { tracing, provider, spans } = recording();
    const agent = new Agent({ name: "Solo", model: scriptedModel([say("done")]) });
    const tracer = provider.getTracer("http");
    await tracer.startActiveSpan("GET /chat", async (span) => {
      await runnerWith([tracing]).run(agent, "hello");
      span.end();
    });
    expect(spanTree(spans())).toMatchInlineSnapshot(`
      [
        "GET /chat",
        "  invoke_workflow Solo",
        "    invoke_agent Solo",
        "      chat scripted",
      ]
    `);
  });
});

describe("a handoff span", () => {
  it("carries what was passed, what was dropped, and why", async () => {
    const { tracing, attributesOf } = recording({ capture: ["arguments"] });
    const model = scriptedModel({
      Triage: [
        reply({
          items: [handOff("billing", { reason: "double charge", token: "x" })],
          notes: [{ plugin: "local", data: { scores: { billing: 0.9, technical: 0.1 }, text: "not this" } }],
        }),
      ],
      Billing: [say("done")],
    });
    const edge = handoff(new Agent({ name: "Billing", model }), {
      inputType: payload,
      inputFilter: [dropMessages((item) => textOf(item).startsWith("[INTERNAL]")), keepLast(20)],
    });
    const triage = new Agent({ name: "Triage", model, handoffs: [edge] });
    const input = [
      { role: "user", content: "[INTERNAL] a vip" },
      { role: "user", content: "hello" },
    ] as const;
    await runnerWith([tracing]).run(triage, input, { runId: "run-1" });
    expect(attributesOf("execute_tool transfer_to_billing")).toMatchInlineSnapshot(`
      {
        "baton.handoff.filters": [
          "dropMessages",
          "keepLast",
        ],
        "baton.handoff.from": "Triage",
        "baton.handoff.items.after": 3,
        "baton.handoff.items.before": 4,
        "baton.handoff.items.dropped": 1,
        "baton.handoff.items.put_in": 0,
        "baton.handoff.mode": "pass",
        "baton.handoff.tokens.after": 27,
        "baton.handoff.tokens.before": 31,
        "baton.router.scores": "{"local.scores.billing":0.9,"local.scores.technical":0.1}",
        "gen_ai.agent.name": "Triage",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.call.arguments": "{"reason":"double charge","token":"x"}",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.name": "transfer_to_billing",
        "gen_ai.tool.type": "function",
        "gen_ai.transfer.mode": "pass_control",
        "gen_ai.transfer.target.name": "Billing",
        "gen_ai.transfer.target.type": "agent",
      }
    `);
  });
});

describe("spans and metrics follow the conventions", () => {
  it("in names, attributes and their values, in every scenario", async () => {
    const { tracing, spans } = recording({ capture: true });
    for (const { setup } of SCENARIOS) {
      const { agent, input, options, resume } = setup();
      const runner = runnerWith([tracing]);
      const result = await runner.run(agent as Agent, input, options).catch(() => undefined);
      const [pending] = result?.pending ?? [];
      if (result && pending && resume) await runner.run(agent as Agent, resume(result.history, pending));
    }
    expect(spans().length).toBeGreaterThan(50);
    for (const { name, attributes = {}, failed } of spans()) {
      const operation = attributes["gen_ai.operation.name"] as string;
      const unknown = Object.keys(attributes).filter((key) => !ATTRIBUTES.has(key) && !key.startsWith("baton."));
      expect(unknown, name).toEqual([]);
      expect(Object.keys(attributes), name).toEqual(expect.arrayContaining([...(REQUIRED[operation] ?? ["?"])]));
      expect(name).toBe(`${operation} ${attributes[NAMED_AFTER[operation] ?? ""] as string}`);
      expect(failed, name).toBe(attributes["error.type"] !== undefined);
      const mode = attributes["gen_ai.transfer.mode"];
      if (mode !== undefined) expect(TRANSFER_MODES).toContain(mode);
      for (const key of ["gen_ai.input.messages", "gen_ai.output.messages"] as const) {
        const messages = JSON.parse((attributes[key] as string | undefined) ?? "[]") as {
          role: string;
          parts: { type: string }[];
        }[];
        for (const { role, parts } of messages) {
          expect(["system", "user", "assistant", "tool"]).toContain(role);
          for (const part of parts)
            expect(["text", "tool_call", "tool_call_response", "reasoning"]).toContain(part.type);
        }
      }
    }
  });

  it("in metrics", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e6, exportTimeoutMillis: 1e5 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const { tracing } = recording({ meterProvider, prices: () => 0.5 });
    const closed = { name: "closed", check: () => false };
    const model = scriptedModel({
      Triage: [handOff("billing"), handOff("technical")],
      Technical: [call("lookup"), say(["a", "b"])],
    });
    const billing = handoff(new Agent({ name: "Billing", model }), { guardrails: [closed] });
    const technical = new Agent({ name: "Technical", model, tools: [lookup] });
    const triage = new Agent({ name: "Triage", model, handoffs: [billing, technical] });
    const runner = runnerWith([tracing]);
    await runner.run(triage, "hello");
    await runner.close();
    const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    for (const { descriptor } of found.filter((each) => each.descriptor.name.startsWith("gen_ai."))) {
      expect(Object.keys(METRICS)).toContain(descriptor.name);
      expect(descriptor.unit).toBe(METRICS[descriptor.name]?.[1]);
    }
    const points = (name: string): unknown[] =>
      found
        .filter((metric) => metric.descriptor.name === name)
        .flatMap(({ dataPoints }) =>
          dataPoints.map(({ attributes, value }) => ({
            ...attributes,
            value: typeof value === "number" ? value : value.count,
          })),
        );
    expect(Object.values(METRIC).filter((name) => points(name).length === 0)).toEqual([]);
    expect(points(METRIC.handoffs)).toMatchInlineSnapshot(`
      [
        {
          "baton.handoff.from": "Triage",
          "baton.handoff.mode": "pass",
          "gen_ai.transfer.target.name": "Technical",
          "value": 1,
        },
      ]
    `);
    expect(points(METRIC.refusals)).toMatchInlineSnapshot(`
      [
        {
          "baton.handoff.from": "Triage",
          "gen_ai.transfer.target.name": "Billing",
          "value": 1,
        },
      ]
    `);
    expect(points(METRIC.agentInferences)).toMatchInlineSnapshot(`
      [
        {
          "gen_ai.agent.name": "Triage",
          "gen_ai.operation.name": "invoke_agent",
          "value": 1,
        },
        {
          "gen_ai.agent.name": "Technical",
          "gen_ai.operation.name": "invoke_agent",
          "value": 1,
        },
      ]
    `);
    expect(points(METRIC.cost)).toMatchInlineSnapshot(`
      [
        {
          "gen_ai.agent.name": "Triage",
          "gen_ai.request.model": "scripted",
          "value": 1,
        },
        {
          "gen_ai.agent.name": "Technical",
          "gen_ai.request.model": "scripted",
          "value": 1,
        },
      ]
    `);
    await meterProvider.shutdown();
  });
});

describe("context", () => {
  /** The name of the span that is active. */
  const active = (spans: Map<string, string>): string => {
    const id = trace.getActiveSpan()?.spanContext().spanId ?? "";
    return spans.get(id) ?? "none";
  };

  it("is that of the model's span in every step of its stream, and of the tool's while it runs", async () => {
    const names = new Map<string, string>();
    const remember: SpanProcessor = {
      onStart: (span) => void names.set(span.spanContext().spanId, span.name),
      onEnd: () => {},
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    const provider = new TracerProvider({ spanProcessors: [remember] });
    const seen: string[] = [];
    const model: Model = {
      name: "slow",
      provider: "test",
      async *stream(request): AsyncGenerator<ModelEvent> {
        try {
          seen.push(`begins in ${active(names)}`);
          await new Promise((resolve) => {
            setTimeout(resolve, 1);
          });
          seen.push(`waits in ${active(names)}`);
          yield { type: "text_delta", delta: "x" };
          seen.push(`goes on in ${active(names)}`);
          const asked = request.items.some(({ type }) => type === "tool_result");
          yield {
            type: "reply",
            items: asked
              ? [{ type: "message", role: "assistant", content: "done" }]
              : [{ type: "tool_call", callId: "1", name: "look", arguments: "{}" }],
            finishReason: asked ? "stop" : "tool_calls",
            usage: { inputTokens: 1, outputTokens: 1 },
          };
        } finally {
          seen.push(`ends in ${active(names)}`);
        }
      },
    };
    const look = tool({
      name: "look",
      sideEffects: "none",
      execute: async () => {
        seen.push(`runs in ${active(names)}`);
        await Promise.resolve();
        seen.push(`ran in ${active(names)}`);
        return "x";
      },
    });
    const runner = runnerWith([otel({ tracerProvider: provider })]);
    await runner.run(new Agent({ name: "Solo", model, tools: [look] }), "hello");
    expect(seen.slice(0, 6)).toEqual([
      "begins in chat slow",
      "waits in chat slow",
      "goes on in chat slow",
      "ends in chat slow",
      "runs in execute_tool look",
      "ran in execute_tool look",
    ]);
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  it("is left out where the context manager fails", async () => {
    context.disable();
    const broken: ContextManager = {
      active: () => ROOT_CONTEXT,
      with: () => {
        throw new Error("no context");
      },
      bind: <T>(_: Context, target: T): T => target,
      enable() {
        return this;
      },
      disable() {
        return this;
      },
    };
    context.setGlobalContextManager(broken);
    try {
      const { tracing } = recording();
      const model = scriptedModel([call("lookup"), say("done")]);
      const agent = new Agent({ name: "Solo", model, tools: [lookup] });
      expect((await runnerWith([tracing]).run(agent, "hello")).finalOutput).toBe("done");
    } finally {
      context.disable();
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    }
  });
});

describe("otel()", () => {
  it("shows the tries of a retry inside of one model span", async () => {
    const { tracing, spans } = recording();
    const busy = new ModelError("busy", { kind: "overloaded" });
    const model = scriptedModel([fail(busy), say("done")]);
    const plugins = [tracing, retry({ baseDelayMs: 0 })];
    await runnerWith(plugins).run(new Agent({ name: "Solo", model }), "hello");
    expect(spanTree(spans())).toEqual(["invoke_workflow Solo", "  invoke_agent Solo", "    chat scripted"]);
  });

  it("says that a conversation was compacted", async () => {
    const { tracing, spans } = recording();
    const small = scriptedModel(() => say("a summary"), { name: "small" });
    const compaction = compact({ model: small, atItems: 4, keepItems: 2 });
    const input = Array.from({ length: 6 }, (_, i) => ({ role: "user", content: `message ${i}` }) as const);
    const agent = new Agent({ name: "Solo", model: scriptedModel([say("done")]) });
    await runnerWith([tracing, compaction]).run(agent, input);
    expect(spanTree(spans(), { attributes: ["gen_ai.conversation.compacted", "baton.turn.purpose"] }))
      .toMatchInlineSnapshot(`
      [
        "invoke_workflow Solo",
        "  invoke_agent Solo",
        "    chat small purpose="compact"",
        "    chat scripted compacted=true",
      ]
    `);
  });

  it("counts cost, and says of which models it knows no price", async () => {
    const { tracing, attributesOf } = recording({
      prices: ({ model, usage }) => (model === "known" ? usage.inputTokens / 1_000 : undefined),
    });
    const known = scriptedModel({ Triage: [handOff("billing")] }, { name: "known" });
    const own = scriptedModel({ Billing: [say("done")] }, { name: "own" });
    const billing = new Agent({ name: "Billing", model: own });
    await runnerWith([tracing]).run(new Agent({ name: "Triage", model: known, handoffs: [billing] }), "hello");
    const cost = (name: string): unknown[] => {
      const attributes = attributesOf(name);
      return [attributes["baton.cost.usd"], attributes["baton.cost.unknown_models"]];
    };
    expect(cost("chat known")).toEqual([0.01, undefined]);
    expect(cost("chat own")).toEqual([undefined, ["scripted/own"]]);
    expect(cost("invoke_agent Billing")).toEqual([undefined, ["scripted/own"]]);
    expect(cost("invoke_workflow Triage")).toEqual([0.01, ["scripted/own"]]);
  });

  it("takes the prices of @pydantic/genai-prices", async () => {
    const { tracing, attributesOf } = recording({ prices: genaiPrices(calcPrice) });
    const usage = { inputTokens: 1_000_000, outputTokens: 0 };
    const model = scriptedModel([say("done")], { name: "gpt-4o-mini", provider: "openai", usage });
    await runnerWith([tracing]).run(new Agent({ name: "Solo", model }), "hello");
    expect(attributesOf("invoke_workflow Solo")["baton.cost.usd"]).toBeCloseTo(0.15);
  });

  it("tells the session, the tenant, what waits, and attributes of the user's", async () => {
    const { tracing, attributesOf, spans } = recording({
      workflow: "support",
      attributes: ({ metadata }) => ({ "enduser.id": metadata?.["user"] as string }),
    });
    const asking = tool({ name: "refund", needsApproval: true, execute: () => "x" });
    const model = scriptedModel([call("refund"), say("done")]);
    const agent = new Agent({ name: "Solo", model, tools: [asking] });
    const runner = runnerWith([tracing, memorySessions()]);
    const session = { tenant: "acme", id: "user-42" };
    const paused = await runner.run(agent, "hello", { session, metadata: { user: "u1" } });
    expect(attributesOf("invoke_workflow support")).toMatchObject({
      "gen_ai.conversation.id": "user-42",
      "baton.session.tenant": "acme",
      "baton.run.status": "paused",
      "baton.run.pending": ["refund"],
      "enduser.id": "u1",
    });
    await runner.run(agent, approve(paused.pending[0]!), { session });
    expect(spanTree(spans(), { without: ({ attributes }) => attributes?.["enduser.id"] === "u1" }))
      .toMatchInlineSnapshot(`
      [
        "invoke_workflow support",
        "  invoke_agent Solo",
        "    execute_tool refund",
        "    chat scripted",
      ]
    `);
  });

  it("ends a chat when the model has answered, not when its reply is stored", async () => {
    const { tracing, spans } = recording();
    const model: Model = {
      name: "m",
      provider: "p",
      async *stream(): AsyncGenerator<ModelEvent> {
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
        const items = [{ type: "message", role: "assistant", content: "x" }] as const;
        yield { type: "reply", items, finishReason: "stop", usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const sessions = memorySessions().sessions!;
    const slow = {
      name: "slow",
      sessions: {
        ...sessions,
        durability: "none" as const,
        read: sessions.read.bind(sessions),
        delete: sessions.delete.bind(sessions),
        append: async (...args: Parameters<typeof sessions.append>) => {
          await new Promise((resolve) => {
            setTimeout(resolve, 60);
          });
          return sessions.append(...args);
        },
      },
    };
    await new Runner({ plugins: [tracing, slow] }).run(new Agent({ name: "Solo", model }), "hello", { session: "s" });
    expect(spans().find(({ name }) => name === "chat m")?.tookMs).toBeLessThan(60);
  });

  it("gives up the oldest run where too many are open", async () => {
    const { tracing, attributesOf } = recording({ maxOpenRuns: 1 });
    const at = { runId: "", agent: "A", turn: 1, path: [] };
    tracing.onEvent({ type: "run_started", seq: 0, runId: "1", agent: "A" }, { ...at, runId: "1" });
    tracing.onEvent({ type: "run_started", seq: 0, runId: "2", agent: "A" }, { ...at, runId: "2" });
    expect(tracing.stats).toEqual({ openRuns: 1, abandonedRuns: 1, failures: 0 });
    expect(attributesOf("invoke_workflow A")["baton.run.status"]).toBe("abandoned");
  });

  it("counts what a broken SDK has cost, and changes nothing", async () => {
    const throwing = (): never => {
      throw new Error("SDK is broken");
    };
    const provider = { getTracer: () => ({ startSpan: throwing, startActiveSpan: throwing }) };
    const tracing = otel({ tracerProvider: provider });
    const model = scriptedModel([call("lookup"), say("done")]);
    const plugins = [tracing, tracing.sessionsOf(memorySessions())];
    const agent = new Agent({ name: "Solo", model, tools: [lookup] });
    const result = await runnerWith(plugins).run(agent, "hello", { session: "s" });
    expect(result.finalOutput).toBe("done");
    expect(tracing.stats.failures).toBeGreaterThan(0);
  });

  it("says what is wrong with an option", () => {
    expect(() => otel({ maxOpenRuns: 0 })).toThrow(
      "Cannot use 0 as maxOpenRuns of otel() as it must be a positive integer",
    );
    expect(() => otel({ capture: ["all" as never] })).toThrow('Cannot capture "all"');
    expect(() => otel({ redacted: ["Ada"] } as never)).toThrow('Cannot use option "redacted" of otel(): known options');
  });
});
