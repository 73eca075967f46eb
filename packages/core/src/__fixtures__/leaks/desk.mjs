import { Agent, handoff, tool } from "../../index.ts";

const usage = { inputTokens: 1, outputTokens: 1 };
const reply = (item) => ({
  type: "reply",
  items: [item],
  finishReason: item.type === "tool_call" ? "tool_calls" : "stop",
  usage,
});
const call = (name, args) => reply({ type: "tool_call", callId: name, name, arguments: JSON.stringify(args) });
const say = (content) => reply({ type: "message", role: "assistant", content });

/** Calls a tool, hands over, answers. What is asked "fail" fails. */
const model = {
  name: "m",
  provider: "p",
  async *stream({ at, items }) {
    if (items[0].content === "fail") throw new Error("down");
    yield { type: "text_delta", delta: "…" };
    if (at.agent === "Billing") yield say("Done.");
    else if (items.some(({ type }) => type === "tool_result")) yield call("transfer_to_billing", { reason: "money" });
    else yield call("look", {});
  },
};

const billing = new Agent({ name: "Billing", model });
const inputType = { type: "object", properties: { reason: { type: "string" } } };
const look = tool({ name: "look", sideEffects: "none", execute: async (_, { signal }) => `${signal.aborted}` });

/** An agent with a tool that looks at its signal, a guardrail and a handoff with a filter. */
export const triage = new Agent({
  name: "Triage",
  model,
  instructions: async ({ signal }) => `aborted: ${signal.aborted}`,
  tools: [look],
  inputGuardrails: [{ name: "polite", check: async () => true }],
  handoffs: [handoff(billing, { inputType, inputFilter: (data) => ({ ...data, preHandoffItems: [] }) })],
});
