// One handoff, written as a user would, on the packed packages. Runs as it is on Node, Deno, Bun and workerd.
import { Agent, handoff, run, Runner } from "@batonjs/core";
import { local } from "@batonjs/model-local";
import * as openai from "@batonjs/model-openai";

/** Loads everywhere; what it says to a server is tested in the package. */
export const adapters = [openai];

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

/** Core alone, with a model of the user's own. */
async function withOwnModel() {
  const answer = { type: "message", role: "assistant", content: "Your second charge will be refunded." };
  const transfer = { type: "tool_call", callId: "call_1", name: "transfer_to_billing_agent", arguments: "{}" };
  const billing = new Agent({
    name: "Billing Agent",
    instructions: "You handle refunds.",
    model: scripted("billing", [[answer]]),
  });
  const triage = new Agent({
    name: "Triage Agent",
    instructions: "Route to the right specialist.",
    model: scripted("triage", [[transfer]]),
    handoffs: [billing],
  });
  const { lastAgent, finalOutput } = await run(triage, "I was charged twice");
  return `own model: ${lastAgent.name}: ${finalOutput}`;
}

/** The embedded model, by name. */
async function withLocalModel() {
  const billing = new Agent({ name: "Billing Agent", instructions: "You handle refunds.", model: "local" });
  const triage = new Agent({
    name: "Triage Agent",
    instructions: "Route to the right specialist.",
    model: "local",
    handoffs: [handoff(billing, { when: "refunds, duplicate charges", examples: ["I was charged twice"] })],
  });
  const { lastAgent } = await new Runner({ plugins: [local()] }).run(triage, "I was charged twice");
  return `model-local: ${lastAgent.name}`;
}

/** What the conversations came to, a line each. */
export async function conversations() {
  return [await withOwnModel(), await withLocalModel()].join("\n");
}
