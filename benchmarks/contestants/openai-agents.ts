/** OpenAI Agents SDK. Tracing is off, the model is in this process. */
import {
  Agent,
  type AgentInputItem,
  type Model,
  type ModelResponse,
  OpenAIResponsesModel,
  type RunResult,
  Runner,
  Usage,
  handoff,
  tool,
} from "@openai/agents";
import { removeAllTools } from "@openai/agents-core/extensions";
import OpenAI from "openai";
import { z } from "zod";
import {
  ANSWER,
  ARGUMENTS,
  type Contestant,
  DELTA,
  INSTRUCTIONS,
  QUESTION,
  type RunOnce,
  type Wait,
  agentName,
  baseUrl,
  conversation,
  forecast,
  toolConversation,
  transferTo,
} from "./contestant.ts";

type Any = Agent;

const runner = new Runner({ tracingDisabled: true });
const usage = (): Usage => new Usage({ inputTokens: 100, outputTokens: 10, totalTokens: 110, requests: 1 });
const message = (text: string): ModelResponse["output"][number] => ({
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text }],
});
const call = (name: string, args: string, callId: string): ModelResponse["output"][number] => ({
  type: "function_call",
  callId,
  name,
  arguments: args,
  status: "completed",
});

function modelOf(next: () => ModelResponse["output"][number], wait?: Wait): Model {
  return {
    async getResponse() {
      if (wait) await wait();
      return { usage: usage(), output: [next()] };
    },
    getStreamedResponse() {
      throw new Error("This model does not stream");
    },
  };
}

const answering = (wait?: Wait): Any =>
  new Agent({ name: "answering", instructions: INSTRUCTIONS, model: modelOf(() => message(ANSWER), wait) });

function triageTo(target: Any, name: string, wait?: Wait, filter?: Parameters<typeof handoff>[1]): Any {
  const model = modelOf(() => call(transferTo(target.name), "{}", `call_${name}`), wait);
  const edge = filter ? handoff(target, filter) : target;
  return new Agent({ name, instructions: INSTRUCTIONS, model, handoffs: [edge] }) as Any;
}

function chain(agents: number): Any {
  let next = answering();
  for (let i = agents - 1; i > 0; i--) next = triageTo(next, agentName(i));
  return next;
}

const started =
  (agent: Any, input: string | AgentInputItem[], maxTurns = 100): RunOnce =>
  async () =>
    ((await runner.run(agent, input, { maxTurns })) as RunResult<unknown, Any>).finalOutput as string;

export const contestant: Contestant = {
  S1: () => started(answering(), QUESTION),
  S2: (wait) => started(triageTo(answering(wait), "triage", wait), QUESTION),
  S3: (agents) => started(chain(agents), QUESTION),
  S4: (count, mark) => {
    let turn = 0;
    const model = modelOf(() => {
      if (turn > count) turn = 0;
      mark(turn);
      turn++;
      return turn > count ? message(ANSWER) : call("forecast", ARGUMENTS, `call_${turn}`);
    });
    const parameters = z.object({ city: z.string(), days: z.number() });
    const tools = [
      tool({ name: "forecast", description: "The weather.", parameters, execute: async (a) => forecast(a) }),
    ];
    return started(new Agent({ name: "calling", instructions: INSTRUCTIONS, model, tools }), QUESTION, count + 10);
  },
  S5: (messages) => {
    const history = conversation(messages).map(({ role, text }): AgentInputItem =>
      role === "user" ? { role, content: text } : (message(text) as AgentInputItem),
    );
    return started(answering(), [...history, { role: "user", content: QUESTION }]);
  },
  S6: (deltas) => {
    const text = DELTA.repeat(deltas);
    const model: Model = {
      getResponse() {
        throw new Error("This model only streams");
      },
      async *getStreamedResponse() {
        yield { type: "response_started" };
        for (let i = 0; i < deltas; i++) yield { type: "output_text_delta", delta: DELTA };
        const { inputTokens, outputTokens, totalTokens } = usage();
        const output = [message(text)] as never;
        yield {
          type: "response_done",
          response: { id: "r", usage: { inputTokens, outputTokens, totalTokens }, output },
        };
      },
    };
    const agent = new Agent({ name: "streaming", instructions: INSTRUCTIONS, model });
    return async () => {
      const stream = await runner.run(agent, QUESTION, { stream: true });
      let seen = "";
      for await (const event of stream) {
        if (event.type === "raw_model_stream_event" && event.data.type === "output_text_delta")
          seen += event.data.delta;
      }
      return seen;
    };
  },
  S8: (items) => {
    const history = toolConversation(items).flatMap(({ question, callId, output, answer }): AgentInputItem[] => [
      { role: "user", content: question },
      call("forecast", ARGUMENTS, callId) as AgentInputItem,
      {
        type: "function_call_result",
        callId,
        name: "forecast",
        status: "completed",
        output: { type: "text", text: output },
      },
      message(answer) as AgentInputItem,
    ]);
    const triage = triageTo(answering(), "triage", undefined, { inputFilter: removeAllTools });
    return started(triage, [...history, { role: "user", content: QUESTION }]);
  },
  S9: (wire) => {
    const model = new OpenAIResponsesModel(new OpenAI({ apiKey: "none", baseURL: baseUrl(wire) }) as never, "gpt-4o");
    const target = new Agent({ name: "answering", instructions: INSTRUCTIONS, model });
    const triage: Any = new Agent({ name: "triage", instructions: INSTRUCTIONS, model, handoffs: [target] });
    if (wire === "json") return started(triage, QUESTION);
    return async () => {
      const stream = await runner.run(triage, QUESTION, { stream: true });
      for await (const _ of stream);
      return stream.finalOutput as string;
    };
  },
};
