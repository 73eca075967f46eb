/**
 * What tracing adds to a run: `node bench/span.ts [runs]`. Prints microseconds of processor time for each span, its
 * export included, of a run with a handoff and a tool call, over the same run without a tracer. The budget is 20.
 */
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { Agent, type Plugin, Runner, tool } from "@batonjs/core";
import { otel, otlp } from "../src/index.ts";

const runs = Number(process.argv[2] ?? 1_000);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

type Reply = { readonly calls?: string } | { readonly says: string };
const usage = { inputTokens: 100, outputTokens: 20 };
/** A model that answers at once: what is measured is not its. */
const model = (replies: (asked: boolean) => Reply): ConstructorParameters<typeof Agent>[0]["model"] => ({
  name: "instant",
  provider: "bench",
  async *stream({ items }) {
    const reply = replies(items.at(-1)?.type === "tool_result");
    if ("says" in reply) {
      for (const delta of ["You ", "were ", "charged ", "once."]) yield { type: "text_delta", delta };
      const message = { type: "message", role: "assistant", content: reply.says } as const;
      yield { type: "reply", items: [message], finishReason: "stop", usage };
    } else {
      const call = { type: "tool_call", callId: crypto.randomUUID(), name: reply.calls!, arguments: "{}" } as const;
      yield { type: "reply", items: [call], finishReason: "tool_calls", usage };
    }
  },
});
let lookedUp = false;
const lookup = tool({
  name: "lookup",
  sideEffects: "none",
  execute: () => {
    lookedUp = true;
    return "one charge";
  },
});
const billing = new Agent({
  name: "Billing Agent",
  tools: [lookup],
  model: model(() => (lookedUp ? { says: "You were charged once." } : { calls: "lookup" }))!,
});
const triage = new Agent({
  name: "Triage Agent",
  handoffs: [billing],
  model: model(() => ({ calls: "transfer_to_billing_agent" }))!,
});
/** Run, two agents, three model calls, a handoff and a tool. */
const SPANS = 8;

async function measure(plugins: readonly Plugin[]): Promise<number> {
  const runner = new Runner({ plugins });
  let started = process.cpuUsage();
  for (let i = -runs / 5; i < runs; i++) {
    if (i === 0) started = process.cpuUsage();
    lookedUp = false;
    await runner.run(triage, "I was charged twice");
  }
  await runner.close();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / runs;
}

const exporter = {
  export: (_: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
  shutdown: async () => {},
  forceFlush: async () => {},
};
const sdk = (): TracerProvider =>
  new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: 100_000 })] });
const collector = (): ReturnType<typeof otlp> =>
  otlp({ url: "http://localhost:4318", fetch: async () => new Response(), maxQueueSize: 100_000 });

const cases: Readonly<Record<string, () => readonly Plugin[]>> = {
  "a listener that does nothing": () => [{ name: "tap", onEvent: () => {} }],
  "otel() without an SDK": () => [otel()],
  "otel() with the SDK": () => [otel({ tracerProvider: sdk() })],
  "otel() with otlp()": () => [otel({ tracerProvider: collector() })],
  "otel() with otlp(), all contents": () => [otel({ tracerProvider: collector(), capture: true })],
};
/** The least of several rounds, taken in turns: what else the machine does only adds. */
const ROUNDS = 8;
const least = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, plugins] of Object.entries({ none: () => [], ...cases }))
    least.set(name, Math.min(least.get(name) ?? Infinity, await measure(plugins())));
}
const plain = least.get("none") ?? 0;
console.log(`a run of ${SPANS} spans without a tracer: ${plain.toFixed(0)} µs`);
for (const name of Object.keys(cases))
  console.log(`${name.padEnd(38)} ${(((least.get(name) ?? 0) - plain) / SPANS).toFixed(1).padStart(5)} µs a span`);
