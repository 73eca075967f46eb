/** LangGraph with its prebuilt agent, and the swarm package for handoffs. Tracing is off unless one asks for it. */
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createHandoffTool, createSwarm } from "@langchain/langgraph-swarm";
import { ChatOpenAI } from "@langchain/openai";
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

class InstantModel extends BaseChatModel {
  readonly #next: () => AIMessage;
  readonly #wait: Wait | undefined;
  readonly #deltas: number;

  constructor(next: () => AIMessage, wait?: Wait, deltas = 0) {
    super({});
    this.#next = next;
    this.#wait = wait;
    this.#deltas = deltas;
  }

  override _llmType(): string {
    return "instant";
  }

  override bindTools(): this {
    return this;
  }

  override async _generate(): Promise<ChatResult> {
    if (this.#wait) await this.#wait();
    const message = this.#next();
    return { generations: [{ text: message.text, message }] };
  }

  override async *_streamResponseChunks(): AsyncGenerator<ChatGenerationChunk> {
    for (let i = 0; i < this.#deltas; i++)
      yield new ChatGenerationChunk({ text: DELTA, message: new AIMessageChunk({ content: DELTA }) });
  }
}

const usage_metadata = { input_tokens: 100, output_tokens: 10, total_tokens: 110 };
const says = (content: string): AIMessage => new AIMessage({ content, usage_metadata });
const calls = (name: string, args: string, id: string): AIMessage =>
  new AIMessage({
    content: "",
    tool_calls: [{ type: "tool_call", id, name, args: JSON.parse(args) as Record<string, unknown> }],
    usage_metadata,
  });

type Graph = ReturnType<typeof createReactAgent>;
type AgentOptions = Partial<Parameters<typeof createReactAgent>[0]>;

const agentOf = (name: string, llm: BaseChatModel, more: AgentOptions = {}): Graph =>
  createReactAgent({ name, llm, tools: [], prompt: INSTRUCTIONS, ...more });

const answering = (wait?: Wait, more: AgentOptions = {}): Graph =>
  agentOf("answering", new InstantModel(() => says(ANSWER), wait), more);

const triageTo = (target: string, name: string, wait?: Wait): Graph =>
  agentOf(name, new InstantModel(() => calls(transferTo(target), "{}", `call_${name}`), wait), {
    tools: [createHandoffTool({ agentName: target })],
  });

interface Runnable {
  invoke(input: { messages: BaseMessage[] }, config: { recursionLimit: number }): Promise<unknown>;
}

function started(graph: Runnable, history: readonly BaseMessage[] = [], recursionLimit = 100): RunOnce {
  return async () => {
    const input = { messages: [...history, new HumanMessage(QUESTION)] };
    const { messages } = (await graph.invoke(input, { recursionLimit })) as { messages: BaseMessage[] };
    return messages.at(-1)!.text;
  };
}

const swarm = (agents: Graph[], first: string): Runnable =>
  createSwarm({ agents: agents as never, defaultActiveAgent: first }).compile() as unknown as Runnable;

export const contestant: Contestant = {
  notes: [
    "langgraph-swarm has no filters: S8 gives the target a preModelHook that drops tool messages from what its model is shown.",
  ],
  S1: () => started(answering()),
  S2: (wait) => started(swarm([triageTo("answering", "triage", wait), answering(wait)], "triage")),
  S3: (agents) => {
    const names = Array.from({ length: agents - 1 }, (_, i) => agentName(i + 1));
    const chain = names.map((name, i) => triageTo(names[i + 1] ?? "answering", name));
    return started(swarm([...chain, answering()], names[0]!));
  },
  S4: (count, mark) => {
    let turn = 0;
    const model = new InstantModel(() => {
      if (turn > count) turn = 0;
      mark(turn);
      turn++;
      return turn > count ? says(ANSWER) : calls("forecast", ARGUMENTS, `call_${turn}`);
    });
    const schema = z.object({ city: z.string(), days: z.number() });
    const tools = [tool(async (args) => forecast(args), { name: "forecast", description: "The weather.", schema })];
    return started(agentOf("calling", model, { tools }), [], 2 * count + 10);
  },
  S5: (messages) => {
    const history = conversation(messages).map(({ role, text }) =>
      role === "user" ? new HumanMessage(text) : new AIMessage(text),
    );
    return started(answering(), history);
  },
  S6: (deltas) => {
    const graph = agentOf("streaming", new InstantModel(() => says(DELTA.repeat(deltas)), undefined, deltas));
    return async () => {
      let seen = "";
      const input = { messages: [new HumanMessage(QUESTION)] };
      for await (const [chunk] of await graph.stream(input, { streamMode: "messages" }))
        seen += (chunk as BaseMessage).text;
      return seen;
    };
  },
  S8: (items) => {
    const history = toolConversation(items).flatMap(({ question, callId, output, answer }) => [
      new HumanMessage(question),
      calls("forecast", ARGUMENTS, callId),
      new ToolMessage({ content: output, tool_call_id: callId, name: "forecast" }),
      new AIMessage(answer),
    ]);
    const preModelHook = ({ messages }: { messages: BaseMessage[] }): { llmInputMessages: BaseMessage[] } => ({
      llmInputMessages: messages.filter(
        (each) => !(each instanceof ToolMessage) && !(each instanceof AIMessage && each.tool_calls!.length > 0),
      ),
    });
    return started(
      swarm([triageTo("answering", "triage"), answering(undefined, { preModelHook } as never)], "triage"),
      history,
    );
  },
  S9: (wire) => {
    const configuration = { baseURL: baseUrl(wire) };
    const streaming = wire === "sse";
    const llm = new ChatOpenAI({ model: "gpt-4o", apiKey: "none", useResponsesApi: true, streaming, configuration });
    const tools = [createHandoffTool({ agentName: "answering" })];
    return started(swarm([agentOf("triage", llm, { tools }), agentOf("answering", llm)], "triage"));
  },
};
