// One handoff, written as a user would, on the packed packages. Runs as it is on Node, Deno, Bun and workerd.
import { Agent, handoff, run } from "@batonjs/core";
import * as local from "@batonjs/model-local";
import * as openai from "@batonjs/model-openai";

/** The adapters load on every runtime. */
export const adapters = [local, openai];

/** A model that gives its replies in order. */
function scripted(name, replies) {
  const left = [...replies];
  return {
    name,
    provider: "runtime-tests",
    async *stream(request) {
      const items = left.shift();
      if (!items) throw new Error(`Cannot answer ${request.at.agent}: no reply left`);
      const finishReason = items.some((item) => item.type === "tool_call") ? "tool_calls" : "stop";
      yield { type: "reply", items, finishReason, usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
}

/** What the conversation came to, as one line. */
export async function conversation() {
  const billing = new Agent({
    name: "Billing Agent",
    instructions: "You handle refunds.",
    model: scripted("billing", [
      [{ type: "message", role: "assistant", content: "Your second charge will be refunded." }],
    ]),
  });
  const triage = new Agent({
    name: "Triage Agent",
    instructions: "Route to the right specialist.",
    model: scripted("triage", [
      [{ type: "tool_call", callId: "call_1", name: "transfer_to_billing", arguments: "{}" }],
    ]),
    handoffs: [handoff(billing, { toolName: "transfer_to_billing" })],
  });
  const result = await run(triage, "I was charged twice");
  return `${result.lastAgent.name}: ${result.finalOutput}`;
}
