/** Baton, from this repository's source or from the copy that `BATON_CORE` names. */
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { openaiCompatible } from "../../packages/model-openai/src/index.ts";
import type * as Core from "../../packages/core/src/index.ts";
import type {
  Agent as AgentType,
  AnyTarget,
  InputItem,
  Model,
  ModelReply,
  RunStream,
  Runner,
} from "../../packages/core/src/index.ts";
import {
  ANSWER,
  ARGUMENTS,
  type Contestant,
  DELTA,
  INSTRUCTIONS,
  QUESTION,
  type Wait,
  agentName,
  baseUrl,
  conversation,
  forecast,
  toolConversation,
  transferTo,
} from "./contestant.ts";

const source = process.env["BATON_CORE"];
const core = (
  source === undefined ? await import("../../packages/core/src/index.ts") : await import(pathToFileURL(source).href)
) as typeof Core;
const { Agent, Runner: RunnerClass, dropToolItems, handoff, tool } = core;

const usage = { inputTokens: 100, outputTokens: 10 };
const says = (text: string): ModelReply => ({
  type: "reply",
  items: [{ type: "message", role: "assistant", content: text }],
  finishReason: "stop",
  usage,
});
const calls = (name: string, args: string, callId: string): ModelReply => ({
  type: "reply",
  items: [{ type: "tool_call", callId, name, arguments: args }],
  finishReason: "tool_calls",
  usage,
});

function modelOf(next: () => ModelReply, wait?: Wait): Model {
  return {
    name: "instant",
    provider: "none",
    stream: wait
      ? async function* () {
          await wait();
          yield next();
        }
      : async function* () {
          yield next();
        },
  };
}

type Any = AgentType;

const answering = (wait?: Wait): Any =>
  new Agent({ name: "answering", instructions: INSTRUCTIONS, model: modelOf(() => says(ANSWER), wait) });

function triageTo(target: Any, name: string, wait?: Wait, edge: AnyTarget = target): Any {
  const transfer = transferTo(target.name);
  const model = modelOf(() => calls(transfer, "{}", `call_${name}`), wait);
  return new Agent({ name, instructions: INSTRUCTIONS, model, handoffs: [edge] }) as Any;
}

function chain(agents: number): Any {
  let next = answering();
  for (let i = agents - 1; i > 0; i--) next = triageTo(next, agentName(i));
  return next;
}

/** How a run is started and its answer taken. */
interface Way {
  readonly runner: Runner;
  answer(runner: Runner, agent: Any, input: string | readonly InputItem[]): Promise<string>;
}

/** `sideEffects` of the tool: `once`, the default, records that the tool is about to start. */
export function batonWith(way: Way, sideEffects: "none" | "once" = "none"): Contestant {
  const { runner } = way;
  const started = (agent: Any, input: string | readonly InputItem[]): (() => Promise<string>) => {
    return () => way.answer(runner, agent, input);
  };
  return {
    S1: () => started(answering(), QUESTION),
    S2: (wait) => started(triageTo(answering(wait), "triage", wait), QUESTION),
    S3: (agents) => started(chain(agents), QUESTION),
    S4: (count, mark) => {
      let turn = 0;
      const next = (): ModelReply => {
        if (turn > count) turn = 0;
        mark(turn);
        turn++;
        return turn > count ? says(ANSWER) : calls("forecast", ARGUMENTS, `call_${turn}`);
      };
      const parameters = z.object({ city: z.string(), days: z.number() });
      const tools = [
        tool({ name: "forecast", description: "The weather.", parameters, sideEffects, execute: forecast }),
      ];
      return started(
        new Agent({ name: "calling", instructions: INSTRUCTIONS, model: modelOf(next), tools }) as Any,
        QUESTION,
      );
    },
    S5: (messages) => {
      const history = conversation(messages).map(({ role, text }, i): InputItem => {
        const said = role === "assistant" ? { agent: "answering" } : {};
        return { id: `old:${i}`, at: 1, type: "message", role, content: text, ...said };
      });
      const agent = answering();
      return () => way.answer(runner, agent, [...history, { role: "user", content: QUESTION }]);
    },
    S6: (deltas) => {
      const reply = says(DELTA.repeat(deltas));
      const model: Model = {
        name: "instant",
        provider: "none",
        async *stream() {
          for (let i = 0; i < deltas; i++) yield { type: "text_delta", delta: DELTA };
          yield reply;
        },
      };
      const agent: Any = new Agent({ name: "streaming", instructions: INSTRUCTIONS, model });
      return async () => {
        let text = "";
        for await (const event of runner.stream(agent, QUESTION)) if (event.type === "text_delta") text += event.delta;
        return text;
      };
    },
    S8: (items) => {
      const history = toolConversation(items).flatMap(({ question, callId, output, answer }, i): InputItem[] => [
        { id: `old:${i}:0`, at: 1, type: "message", role: "user", content: question },
        { id: `old:${i}:1`, at: 1, type: "tool_call", agent: "triage", callId, name: "forecast", arguments: ARGUMENTS },
        { id: `old:${i}:2`, at: 1, type: "tool_result", agent: "triage", callId, output, status: "ok" },
        { id: `old:${i}:3`, at: 1, type: "message", role: "assistant", agent: "triage", content: answer },
      ]);
      const target = answering();
      const triage = triageTo(target, "triage", undefined, handoff(target, { inputFilter: dropToolItems }));
      return () => way.answer(runner, triage, [...history, { role: "user", content: QUESTION }]);
    },
    S9: (wire) => {
      const models = openaiCompatible({ name: "server", apiKey: "none", baseURL: baseUrl(wire), api: "responses" });
      const model = models.responses("gpt-4o");
      const target = new Agent({ name: "answering", instructions: INSTRUCTIONS, model });
      return started(
        new Agent({ name: "triage", instructions: INSTRUCTIONS, model, handoffs: [target] }) as Any,
        QUESTION,
      );
    },
  };
}

const LIMITS = { maxTurns: 10_000, maxHandoffs: 100 };

export const contestant: Contestant = batonWith({
  runner: new RunnerClass(LIMITS),
  answer: async (runner, agent, input) => (await runner.run(agent, input)).finalOutput,
});

async function drained(stream: RunStream): Promise<string> {
  for await (const _ of stream);
  return (await stream.result).finalOutput as string;
}

/** The same with a consumer of all events. */
export const streamed: Contestant = batonWith({
  runner: new RunnerClass(LIMITS),
  answer: (runner, agent, input) => drained(runner.stream(agent, input)),
});

/** The same with tools that are declared to act, which is the default: each start is recorded. */
export const acting: Contestant = batonWith(
  {
    runner: new RunnerClass(LIMITS),
    answer: async (runner, agent, input) => (await runner.run(agent, input)).finalOutput,
  },
  "once",
);
