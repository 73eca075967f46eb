/** Runs that have everything in them that a tracer can stumble over, with texts that must not get out. */
import {
  Agent,
  type AnyAgent,
  type Input,
  type InputItem,
  ModelError,
  type RunOptions,
  type Tool,
  approve,
  dropMessages,
  handoff,
  keepLast,
  textOf,
  tool,
} from "@batonjs/core";
import { call, calls, fail, handOff, reply, say, stall } from "../script.ts";
import { type ScriptedModel, scriptedModel } from "../scripted-model.ts";

/** Texts that are nowhere else: one for each kind of content, and secrets of the usual kinds. */
export interface Canaries {
  readonly message: string;
  readonly answer: string;
  readonly instructions: string;
  readonly argument: string;
  readonly payload: string;
  readonly result: string;
  readonly reason: string;
  readonly apiKey: string;
  readonly bearer: string;
  readonly password: string;
  /** Wrapped in `secret()` by the suite. */
  readonly wrapped: string;
}

export const CANARIES: Canaries = {
  message: "canary of a message",
  answer: "canary of an answer",
  instructions: "canary of instructions",
  argument: "canary of an argument",
  payload: "canary of a payload",
  result: "canary of a result",
  reason: "canary of a reason",
  apiKey: "sk-canary0000000000000000key",
  bearer: "Canary0000000000000000bearer",
  password: "canary-password-of-a-database",
  wrapped: 'canary "wrapped" in secret()',
};

/** The secrets among the canaries: they get out under no settings. */
export const SECRETS: readonly (keyof Canaries)[] = ["apiKey", "bearer", "password", "wrapped"];

/** What a scenario's run is made of, new each time. */
export interface ScenarioSetup {
  readonly agent: AnyAgent;
  readonly input: Input;
  readonly options?: RunOptions;
  readonly model: ScriptedModel;
  /** Goes on after a pause. */
  readonly resume?: (items: readonly InputItem[], pending: Parameters<typeof approve>[0]) => Input;
  /** Stops the run once a model is asked. */
  readonly abort?: AbortController;
}
export interface Scenario {
  readonly name: string;
  /** Whether the run rejects. */
  readonly fails?: true;
  readonly setup: () => ScenarioSetup;
}

const C = CANARIES;

const lookup = lookupTool(false);
function lookupTool(needsApproval: boolean): Tool<unknown, string> {
  return tool({
    name: "lookup",
    needsApproval,
    sideEffects: "none",
    parameters: { type: "object", properties: { what: { type: "string" }, apiKey: { type: "string" } } },
    execute: async () => `${C.result}; authorization: Bearer ${C.bearer}; ${C.wrapped}`,
  });
}
const broken = tool({
  name: "broken",
  sideEffects: "none",
  execute: () => {
    throw new Error(`${C.result}: postgres://admin:${C.password}@db.example/prod refused`);
  },
});
const payload = { type: "object", properties: { note: { type: "string" } }, additionalProperties: false } as const;
const look = (): ReturnType<typeof call> => call("lookup", { what: C.argument, apiKey: C.wrapped });

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "an answer",
    setup: () => {
      const model = scriptedModel([say([C.answer.slice(0, 6), C.answer.slice(6)])]);
      return { agent: new Agent({ name: "Solo", instructions: C.instructions, model }), input: C.message, model };
    },
  },
  {
    name: "tools, one of which fails",
    setup: () => {
      const model = scriptedModel([calls(look(), call("broken")), say(C.answer)]);
      return { agent: new Agent({ name: "Solo", model, tools: [lookup, broken] }), input: C.message, model };
    },
  },
  {
    name: "arguments that cannot be read",
    setup: () => {
      const model = scriptedModel([call("lookup", `{"what": "${C.argument}`), say(C.answer)]);
      return { agent: new Agent({ name: "Solo", model, tools: [lookup] }), input: C.message, model };
    },
  },
  {
    name: "a handoff with payload and filters",
    setup: () => {
      const model = scriptedModel({
        Triage: [handOff("billing", { note: C.payload })],
        Billing: [look(), say(C.answer)],
      });
      const billing = new Agent({ name: "Billing", model, tools: [lookup] });
      const edge = handoff(billing, {
        inputType: payload,
        inputFilter: [dropMessages((item) => textOf(item).startsWith("[internal]")), keepLast(5)],
      });
      const triage = new Agent({ name: "Triage", instructions: C.instructions, model, handoffs: [edge] });
      const input = [
        { role: "user", content: "[internal] first" },
        { role: "user", content: C.message },
      ] as const;
      return { agent: triage, input, model };
    },
  },
  {
    name: "a handoff that is refused",
    setup: () => {
      const model = scriptedModel([handOff("billing"), say(C.answer)]);
      const refuse = { name: "office hours", check: () => ({ allow: false, reason: C.reason }) };
      const edge = handoff(new Agent({ name: "Billing", model }), { guardrails: [refuse] });
      return { agent: new Agent({ name: "Triage", model, handoffs: [edge] }), input: C.message, model };
    },
  },
  {
    name: "a consultation",
    setup: () => {
      const model = scriptedModel({ Triage: [handOff("expert"), say(C.answer)], Expert: [look(), say(C.result)] });
      const expert = handoff(new Agent({ name: "Expert", model, tools: [lookup] }), { mode: "return" });
      return { agent: new Agent({ name: "Triage", model, handoffs: [expert] }), input: C.message, model };
    },
  },
  {
    name: "nested agents side by side",
    setup: () => {
      const model = scriptedModel({
        Lead: [calls(call("ask_a", { input: C.argument }), call("ask_b", { input: "b" })), say(C.answer)],
        A: [look(), say(C.result)],
        B: [look(), say("b")],
      });
      const nested = (name: string): ReturnType<Agent["asTool"]> =>
        new Agent({ name, model, tools: [lookup] }).asTool({ name: `ask_${name.toLowerCase()}` });
      return { agent: new Agent({ name: "Lead", model, tools: [nested("A"), nested("B")] }), input: C.message, model };
    },
  },
  {
    name: "a pause for approval, and going on",
    setup: () => {
      const model = scriptedModel([look(), say(C.answer)]);
      const agent = new Agent({ name: "Solo", model, tools: [lookupTool(true)] });
      return { agent, input: C.message, model, resume: (items, pending) => [...items, approve(pending)] };
    },
  },
  {
    name: "a model that fails",
    fails: true,
    setup: () => {
      const error = new ModelError(`Incorrect API key provided: ${C.apiKey}. ${C.wrapped}`, { kind: "auth" });
      const model = scriptedModel([fail(error, say(C.answer))]);
      return { agent: new Agent({ name: "Solo", model }), input: C.message, model };
    },
  },
  {
    name: "a guardrail that says no",
    fails: true,
    setup: () => {
      const model = scriptedModel([]);
      const inputGuardrails = [{ name: "topic", check: () => ({ allow: false, reason: C.reason }) }];
      return { agent: new Agent({ name: "Solo", model, inputGuardrails }), input: C.message, model };
    },
  },
  {
    name: "an answer that is blocked",
    fails: true,
    setup: () => {
      const model = scriptedModel([say(C.answer)]);
      const outputGuardrails = [{ name: "tone", check: () => ({ allow: false, reason: C.reason }) }];
      return { agent: new Agent({ name: "Solo", model, outputGuardrails }), input: C.message, model };
    },
  },
  {
    name: "a reply that is cut off",
    fails: true,
    setup: () => {
      const model = scriptedModel([reply({ items: [say(C.answer)], finishReason: "length" })]);
      return { agent: new Agent({ name: "Solo", model }), input: C.message, model };
    },
  },
  {
    name: "a run that is stopped",
    fails: true,
    setup: () => {
      const abort = new AbortController();
      const model = scriptedModel([
        () => {
          abort.abort(new Error("the customer has gone"));
          return stall(say(C.answer));
        },
      ]);
      const agent = new Agent({ name: "Solo", model });
      return { agent, input: C.message, model, abort, options: { signal: abort.signal } };
    },
  },
];
