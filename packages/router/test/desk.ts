/** A front desk with two specialists, for the tests. */
import {
  Agent,
  type Guardrail,
  handBack,
  handoff,
  type HandoffGuardrailData,
  type Item,
  type Json,
  type JsonSchema,
  type MessageItem,
  tool,
} from "@batonjs/core";
import { type Script, type ScriptedModel, scriptedModel } from "@batonjs/testing";

export const PAID = {
  when: "refunds, invoices, duplicate charges",
  notFor: "tax returns",
  examples: {
    refund: ["refund please", "I want my money back", "give me a refund for this order"],
    charge: ["I was charged twice", "there is a charge on my card that I do not know"],
    invoice: ["send me the invoice", "where is my bill for May"],
  },
};
export const BROKEN = {
  when: "crashes, error messages, login problems",
  examples: {
    crash: ["the app crashes", "it stops when I open it", "the screen freezes"],
    login: ["I cannot log in", "my password is not accepted", "an error message appears at login"],
  },
};

interface DeskOptions {
  readonly inputType?: JsonSchema;
  readonly guardrails?: readonly Guardrail<HandoffGuardrailData<unknown>>[];
  readonly tools?: boolean;
}

/** Triage, billing and technical support, answered from a script. */
export function bank(
  script: Script,
  { inputType, guardrails, tools = false }: DeskOptions = {},
): { readonly triage: Agent; readonly model: ScriptedModel } {
  const model = scriptedModel(script);
  const billing = new Agent({ name: "Billing Agent", model, handoffs: [handBack()] });
  const technical = new Agent({ name: "Technical Agent", model, handoffs: [handBack()] });
  const clock = tool({
    name: "clock",
    examples: ["what time is it", "do you have the time", "how late is it"],
    execute: () => "nine",
  });
  const triage = new Agent({
    name: "Triage Agent",
    model,
    tools: tools ? [clock] : [],
    handoffs: [
      handoff(billing, {
        ...PAID,
        ...(inputType ? { inputType } : {}),
        ...(guardrails ? { guardrails: guardrails as never } : {}),
      }),
      handoff(technical, BROKEN),
    ],
  });
  return { triage: triage as unknown as Agent, model };
}

/** What the router noted. */
export function notesOf(items: readonly Item[]): readonly Json[] {
  return items.flatMap((item) => (item.type === "note" && item.plugin === "router" ? [item.data] : []));
}

let count = 0;
/** A user's message. */
export const userSays = (content: string): MessageItem => ({
  type: "message",
  id: `u${(count += 1)}`,
  role: "user",
  content,
});
