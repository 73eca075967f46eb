/** AI SDK. It has no handoffs: one is emulated by a tool whose call makes `prepareStep` switch the agent. */
import { createOpenAI } from "@ai-sdk/openai";
import { type LanguageModel, type ModelMessage, type ToolSet, generateText, stepCountIs, streamText, tool } from "ai";
import type { MockLanguageModelV4 } from "ai/test";
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

type Options = NonNullable<ConstructorParameters<typeof MockLanguageModelV4>[0]>;
type Generate = Extract<NonNullable<Options["doGenerate"]>, (...args: never) => unknown>;
type Generated = Awaited<ReturnType<Generate>>;
type Content = Generated["content"][number];

const usage = {
  inputTokens: { total: 100, noCache: 100, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 10, text: 10, reasoning: undefined },
};
const message = (text: string): Content => ({ type: "text", text });
const call = (toolName: string, input: string, toolCallId: string): Content => ({
  type: "tool-call",
  toolCallId,
  toolName,
  input,
});

/** A model by hand: the SDK's own mock keeps every request it was given. */
function modelOf(next: () => Content, wait?: Wait): LanguageModel {
  return {
    specificationVersion: "v4",
    provider: "none",
    modelId: "instant",
    supportedUrls: {},
    async doGenerate(): Promise<Generated> {
      if (wait) await wait();
      const content = next();
      const unified = content.type === "tool-call" ? "tool-calls" : "stop";
      return { content: [content], finishReason: { unified, raw: undefined }, usage, warnings: [] };
    },
    doStream() {
      throw new Error("This model does not stream");
    },
  } as LanguageModel;
}

interface Agent {
  readonly name: string;
  readonly model: LanguageModel;
  /** The tools that the model may call, a transfer for each target among them. */
  readonly tools: readonly string[];
  readonly targets: Readonly<Record<string, Agent>>;
}

const answering = (wait?: Wait): Agent => ({
  name: "answering",
  model: modelOf(() => message(ANSWER), wait),
  tools: [],
  targets: {},
});

function triageTo(target: Agent, name: string, wait?: Wait): Agent {
  const transfer = transferTo(target.name);
  return {
    name,
    model: modelOf(() => call(transfer, "{}", `call_${name}`), wait),
    tools: [transfer],
    targets: { [transfer]: target },
  };
}

function transfersOf(agent: Agent): ToolSet {
  const tools: ToolSet = {};
  for (const [name, target] of Object.entries(agent.targets)) {
    tools[name] = tool({ inputSchema: z.object({}), execute: async () => "ok" });
    Object.assign(tools, transfersOf(target));
  }
  return tools;
}

type Filter = (messages: readonly ModelMessage[]) => ModelMessage[];

/** Runs a graph of agents in one generation. */
function handingOver(entry: Agent, history: readonly ModelMessage[] = [], filter?: Filter): RunOnce {
  const tools = transfersOf(entry);
  return async () => {
    let agent = entry;
    const { text } = await generateText({
      model: entry.model,
      instructions: INSTRUCTIONS,
      messages: [...history, { role: "user", content: QUESTION }],
      tools,
      activeTools: [...entry.tools],
      stopWhen: stepCountIs(100),
      prepareStep: ({ steps, messages }) => {
        const target = agent.targets[steps.at(-1)?.toolCalls[0]?.toolName ?? ""];
        if (target) agent = target;
        const changes = { model: agent.model, instructions: INSTRUCTIONS, activeTools: [...agent.tools] };
        return target && filter ? { ...changes, messages: filter(messages) } : changes;
      },
    });
    return text;
  };
}

const dropTools: Filter = (messages) =>
  messages.filter(
    ({ role, content }) =>
      role !== "tool" &&
      !(role === "assistant" && typeof content !== "string" && content.some(({ type }) => type === "tool-call")),
  );

export const contestant: Contestant = {
  notes: ["ai has no handoffs: emulated by a tool whose call makes prepareStep switch model, instructions and tools."],
  S1: () => {
    const { model } = answering();
    return async () => (await generateText({ model, instructions: INSTRUCTIONS, prompt: QUESTION })).text;
  },
  S2: (wait) => handingOver(triageTo(answering(wait), "triage", wait)),
  S3: (agents) => {
    let next = answering();
    for (let i = agents - 1; i > 0; i--) next = triageTo(next, agentName(i));
    return handingOver(next);
  },
  S4: (count, mark) => {
    let turn = 0;
    const model = modelOf(() => {
      if (turn > count) turn = 0;
      mark(turn);
      turn++;
      return turn > count ? message(ANSWER) : call("forecast", ARGUMENTS, `call_${turn}`);
    });
    const inputSchema = z.object({ city: z.string(), days: z.number() });
    const tools = { forecast: tool({ description: "The weather.", inputSchema, execute: async (a) => forecast(a) }) };
    return async () =>
      (
        await generateText({
          model,
          instructions: INSTRUCTIONS,
          prompt: QUESTION,
          tools,
          stopWhen: stepCountIs(count + 10),
        })
      ).text;
  },
  S5: (messages) => {
    const { model } = answering();
    const history = conversation(messages).map(({ role, text }): ModelMessage => ({ role, content: text }));
    return async () => {
      const all: ModelMessage[] = [...history, { role: "user", content: QUESTION }];
      return (await generateText({ model, instructions: INSTRUCTIONS, messages: all })).text;
    };
  },
  S6: (deltas) => {
    const model = {
      specificationVersion: "v4",
      provider: "none",
      modelId: "instant",
      supportedUrls: {},
      doGenerate() {
        throw new Error("This model only streams");
      },
      async doStream() {
        let sent = 0;
        const stream = new ReadableStream({
          start(controller) {
            controller.enqueue({ type: "stream-start", warnings: [] });
            controller.enqueue({ type: "text-start", id: "1" });
          },
          pull(controller) {
            if (sent++ < deltas) {
              controller.enqueue({ type: "text-delta", id: "1", delta: DELTA });
              return;
            }
            controller.enqueue({ type: "text-end", id: "1" });
            controller.enqueue({ type: "finish", usage, finishReason: { unified: "stop", raw: undefined } });
            controller.close();
          },
        });
        return { stream };
      },
    } as unknown as LanguageModel;
    return async () => {
      let seen = "";
      for await (const delta of streamText({ model, instructions: INSTRUCTIONS, prompt: QUESTION }).textStream)
        seen += delta;
      return seen;
    };
  },
  S8: (items) => {
    const history = toolConversation(items).flatMap(({ question, callId, output, answer }): ModelMessage[] => [
      { role: "user", content: question },
      {
        role: "assistant",
        content: [
          { type: "tool-call", toolCallId: callId, toolName: "forecast", input: JSON.parse(ARGUMENTS) as unknown },
        ],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: callId, toolName: "forecast", output: { type: "text", value: output } },
        ],
      },
      { role: "assistant", content: answer },
    ]);
    return handingOver(triageTo(answering(), "triage"), history, dropTools);
  },
  S9: (wire) => {
    const model = createOpenAI({ apiKey: "none", baseURL: baseUrl(wire) }).responses("gpt-4o");
    const triage = { ...triageTo(answering(), "triage"), model };
    const targets = { transfer_to_answering: { ...answering(), model } };
    if (wire === "json") return handingOver({ ...triage, targets });
    const tools = transfersOf(triage);
    return async () => {
      const { textStream } = streamText({
        model,
        instructions: INSTRUCTIONS,
        prompt: QUESTION,
        tools,
        stopWhen: stepCountIs(10),
        prepareStep: ({ steps }) => (steps.length > 0 ? { instructions: INSTRUCTIONS, activeTools: [] } : undefined),
      });
      let seen = "";
      for await (const delta of textStream) seen += delta;
      return seen;
    };
  },
};
