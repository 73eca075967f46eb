/// <reference types="node" />
// A process that runs agents on a session and kills itself at a given moment. See run-crashes.ts.
import { appendFileSync, writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import {
  Agent,
  approve,
  handoff,
  type Item,
  type Json,
  type Model,
  type ModelRequest,
  type ReplyItem,
  Runner,
  type SessionStore,
  tool,
  type ToolResultItem,
} from "@batonjs/core";
import type { VictimArguments } from "./run-crashes.ts";

const { module, config, key, ledger, dieAt } = JSON.parse(process.argv[2] ?? "") as VictimArguments;
const { open } = (await import(module)) as { open: (config: Json) => SessionStore | Promise<SessionStore> };
const store = await open(config);
flushCompileCache();

let moments = 0;
/** Before or after something that matters: one of them is the last. */
function moment(): void {
  moments++;
  if (moments !== dieAt) return;
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000); // the signal is on its way
}

const watched: SessionStore = {
  durability: store.durability,
  read: (...given) => store.read(...given),
  append: async (session, items, options) => {
    moment();
    const version = await store.append(session, items, options);
    writeSync(1, `acknowledged ${JSON.stringify(items.map(({ id }: Item) => id))}\n`);
    moment();
    return version;
  },
  delete: (session) => store.delete(session),
};

/** A tool that writes down that it has run. */
const worker = (name: string, sideEffects: "none" | "idempotent" | "once", needsApproval = false) =>
  tool({
    name,
    sideEffects,
    needsApproval,
    execute: (_, { idempotencyKey }) => {
      moment();
      appendFileSync(ledger, `${sideEffects} ${name} ${idempotencyKey}\n`);
      moment();
      return `${name} done`;
    },
  });

/** Answers by what has happened, so that any process can go on. */
const model = (reply: (done: ReadonlySet<string>) => readonly string[] | string): Model => ({
  name: "victim",
  provider: "test",
  async *stream(request: ModelRequest) {
    const results = new Set(
      request.items.filter((item): item is ToolResultItem => item.type === "tool_result").map(({ callId }) => callId),
    );
    const done = new Set(
      request.items.flatMap((item) => (item.type === "tool_call" && results.has(item.callId) ? [item.name] : [])),
    );
    const said = reply(done);
    const items: ReplyItem[] =
      typeof said === "string"
        ? [{ type: "message", role: "assistant", content: said }]
        : said.map((name) => ({
            type: "tool_call",
            callId: `${request.at.agent} ${name}`,
            name,
            arguments: name === "ask_expert" ? '{"input":"what now?"}' : "{}",
          }));
    const finishReason = typeof said === "string" ? "stop" : "tool_calls";
    yield { type: "reply", items, finishReason, usage: { inputTokens: 1, outputTokens: 1 } };
  },
});

const expert = new Agent({
  name: "Expert",
  model: model((done) => (done.has("probe") ? "all is well" : ["probe"])),
  tools: [worker("probe", "once")],
});
const specialist = new Agent({
  name: "Specialist",
  model: model((done) => {
    if (!done.has("charge")) return ["charge", "label", "look", "ask_expert"];
    return done.has("refund") ? "done" : ["refund"];
  }),
  tools: [
    worker("charge", "once"),
    worker("label", "idempotent"),
    worker("look", "none"),
    worker("refund", "once", true),
    expert.asTool({ name: "ask_expert" }),
  ],
});
const triage = new Agent({
  name: "Triage",
  model: model(() => ["transfer_to_specialist"]),
  handoffs: [handoff(specialist, { inputFilter: ({ inputHistory }) => ({ inputHistory: inputHistory.slice(-1) }) })],
});

// A dead process may hold the lease: whoever comes takes over, the version guards the record.
const runner = new Runner({ plugins: [{ name: "watched", sessions: watched }], concurrentTurns: "interrupt" });
let result = await runner.run(triage, "please", { session: key, runId: "run" });
while (result.status === "paused") {
  const [first] = result.pending;
  result = await runner.run(triage, approve(first), { session: key });
}
writeSync(1, `finished ${JSON.stringify({ output: result.finalOutput, agent: result.activeAgent.name, moments })}\n`);
await store.close?.();
