/** TanStack AI. It has no handoffs: one is emulated by a tool whose call makes a middleware switch the agent. */
import { type ChatMiddleware, type ModelMessage, type Tool, chat, maxIterations, toolDefinition } from "@tanstack/ai";
import { createOpenaiChat } from "@tanstack/ai-openai";
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

type Adapter = Parameters<typeof chat>[0]["adapter"];
type Reply = { readonly text: string } | { readonly name: string; readonly args: string; readonly id: string };
type Next = () => Reply;

const usage = { promptTokens: 100, completionTokens: 10, totalTokens: 110 };

/** An adapter that tells replies in the chunks that those of providers give. `deltas` tells a text in so many pieces. */
function adapterOf(next: Next, wait?: Wait, deltas = 1): Adapter {
  let runs = 0;
  return {
    kind: "text",
    name: "none",
    model: "instant",
    async *chatStream() {
      if (wait) await wait();
      const reply = next();
      const base = { timestamp: 1, model: "instant" };
      const run = { ...base, runId: `run_${runs++}`, threadId: "thread" };
      yield { type: "RUN_STARTED", ...run };
      if ("text" in reply) {
        const said = { ...base, messageId: `message_${runs}` };
        yield { type: "TEXT_MESSAGE_START", ...said, role: "assistant" };
        for (let i = 0; i < deltas; i++) {
          const delta = deltas === 1 ? reply.text : DELTA;
          yield { type: "TEXT_MESSAGE_CONTENT", ...said, delta };
        }
        yield { type: "TEXT_MESSAGE_END", ...said };
        yield { type: "RUN_FINISHED", ...run, finishReason: "stop", usage };
        return;
      }
      const made = { ...base, toolCallId: reply.id };
      yield { type: "TOOL_CALL_START", ...made, toolCallName: reply.name, toolName: reply.name, index: 0 };
      yield { type: "TOOL_CALL_ARGS", ...made, delta: reply.args, args: reply.args };
      yield {
        type: "TOOL_CALL_END",
        ...made,
        toolName: reply.name,
        toolCallName: reply.name,
        input: JSON.parse(reply.args),
      };
      yield { type: "RUN_FINISHED", ...run, finishReason: "tool_calls", usage };
    },
    structuredOutput() {
      throw new Error("This model gives no structured output");
    },
  } as unknown as Adapter;
}

interface Agent {
  readonly next: Next;
  readonly tools: Tool[];
  readonly targets: Readonly<Record<string, Agent>>;
}

const answering: Agent = { next: () => ({ text: ANSWER }), tools: [], targets: {} };

function triageTo(target: Agent, targetName: string, name: string): Agent {
  const transfer = transferTo(targetName);
  const definition = toolDefinition({ name: transfer, description: "Hand over.", inputSchema: z.object({}) });
  return {
    next: () => ({ name: transfer, args: "{}", id: `call_${name}` }),
    tools: [definition.server(async () => "ok") as unknown as Tool],
    targets: { [transfer]: target },
  };
}

type Filter = (messages: readonly ModelMessage[]) => ModelMessage[];

function handingOver(
  entry: Agent,
  history: readonly ModelMessage[] = [],
  wait?: Wait,
  filter?: Filter,
  server?: Adapter,
): RunOnce {
  return () => {
    let agent = entry;
    const switching: ChatMiddleware = {
      name: "handoff",
      onConfig(_, { messages }) {
        const called = messages.findLast(({ role }) => role === "assistant")?.toolCalls?.[0]?.function.name;
        const target = agent.targets[called ?? ""];
        if (!target) return undefined;
        agent = target;
        return {
          systemPrompts: [INSTRUCTIONS],
          tools: agent.tools,
          ...(filter ? { providerMessages: filter(messages) } : {}),
        };
      },
    };
    return chat({
      adapter: server ?? adapterOf(() => agent.next(), wait),
      messages: [...history, { role: "user", content: QUESTION }],
      systemPrompts: [INSTRUCTIONS],
      tools: entry.tools,
      middleware: [switching],
      agentLoopStrategy: maxIterations(100),
      stream: false,
    } as never) as unknown as Promise<string>;
  };
}

const dropTools: Filter = (messages) => messages.filter(({ role, toolCalls }) => role !== "tool" && !toolCalls);

export const contestant: Contestant = {
  notes: [
    "tanstack-ai has no handoffs: emulated by a tool whose call makes a middleware switch instructions and tools, and the adapter the model.",
  ],
  S1: () => {
    const adapter = adapterOf(answering.next);
    return () =>
      chat({
        adapter,
        messages: [{ role: "user", content: QUESTION }],
        systemPrompts: [INSTRUCTIONS],
        stream: false,
      } as never) as unknown as Promise<string>;
  },
  S2: (wait) => handingOver(triageTo(answering, "answering", "triage"), [], wait),
  S3: (agents) => {
    let next = answering;
    let name = "answering";
    for (let i = agents - 1; i > 0; i--) {
      next = triageTo(next, name, agentName(i));
      name = agentName(i);
    }
    return handingOver(next);
  },
  S4: (count, mark) => {
    let turn = 0;
    const adapter = adapterOf(() => {
      if (turn > count) turn = 0;
      mark(turn);
      turn++;
      return turn > count ? { text: ANSWER } : { name: "forecast", args: ARGUMENTS, id: `call_${turn}` };
    });
    const inputSchema = z.object({ city: z.string(), days: z.number() });
    const definition = toolDefinition({ name: "forecast", description: "The weather.", inputSchema });
    const tools = [definition.server(async (args) => forecast(args))];
    return () =>
      chat({
        adapter,
        messages: [{ role: "user", content: QUESTION }],
        systemPrompts: [INSTRUCTIONS],
        tools,
        agentLoopStrategy: maxIterations(count + 10),
        stream: false,
      } as never) as unknown as Promise<string>;
  },
  S5: (messages) => {
    const history = conversation(messages).map(({ role, text }): ModelMessage => ({ role, content: text }));
    return handingOver(answering, history);
  },
  S6: (deltas) => {
    const adapter = adapterOf(answering.next, undefined, deltas);
    return async () => {
      let seen = "";
      const stream = chat({
        adapter,
        messages: [{ role: "user", content: QUESTION }],
        systemPrompts: [INSTRUCTIONS],
      } as never) as unknown as AsyncIterable<{ type: string; delta: string }>;
      for await (const chunk of stream) if (chunk.type === "TEXT_MESSAGE_CONTENT") seen += chunk.delta;
      return seen;
    };
  },
  S8: (items) => {
    const history = toolConversation(items).flatMap(({ question, callId, output, answer }): ModelMessage[] => [
      { role: "user", content: question },
      {
        role: "assistant",
        content: null,
        toolCalls: [{ id: callId, type: "function", function: { name: "forecast", arguments: ARGUMENTS } }],
      },
      { role: "tool", toolCallId: callId, content: output },
      { role: "assistant", content: answer },
    ]);
    return handingOver(triageTo(answering, "answering", "triage"), history, undefined, dropTools);
  },
  S9: (wire) => {
    if (wire === "json") return undefined; // it only streams
    const server = createOpenaiChat("gpt-4o", "none", { baseURL: baseUrl(wire) }) as unknown as Adapter;
    return handingOver(triageTo(answering, "answering", "triage"), [], undefined, undefined, server);
  },
};
