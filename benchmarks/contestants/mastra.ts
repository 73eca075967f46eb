/** Mastra. Its agents delegate and route but do not hand over: that is emulated by a tool and `prepareStep`. */
import { createOpenAI } from "@ai-sdk/openai";
import { Agent as MastraAgent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
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

type Reply =
  | { readonly text: string }
  | { readonly toolName: string; readonly input: string; readonly toolCallId: string };
type Next = () => Reply;
type Options = ConstructorParameters<typeof MastraAgent>[0];
type LanguageModel = Options["model"];

const usage = { inputTokens: 100, outputTokens: 10, totalTokens: 110 };

/** A model of the AI SDK's second version. */
function modelOf(next: Next, wait?: Wait, deltas = 1): LanguageModel {
  return {
    specificationVersion: "v2",
    provider: "none",
    modelId: "instant",
    supportedUrls: {},
    async doGenerate() {
      if (wait) await wait();
      const reply = next();
      const content = "text" in reply ? { type: "text", text: reply.text } : { type: "tool-call", ...reply };
      return { content: [content], finishReason: "text" in reply ? "stop" : "tool-calls", usage, warnings: [] };
    },
    async doStream() {
      if (wait) await wait();
      const reply = next();
      let sent = 0;
      const stream = new ReadableStream({
        start(controller) {
          controller.enqueue({ type: "stream-start", warnings: [] });
          if ("text" in reply) controller.enqueue({ type: "text-start", id: "1" });
        },
        pull(controller) {
          if (!("text" in reply)) {
            controller.enqueue({ type: "tool-call", ...reply });
          } else if (sent++ < deltas) {
            controller.enqueue({ type: "text-delta", id: "1", delta: deltas === 1 ? reply.text : DELTA });
            return;
          } else {
            controller.enqueue({ type: "text-end", id: "1" });
          }
          controller.enqueue({ type: "finish", finishReason: "text" in reply ? "stop" : "tool-calls", usage });
          controller.close();
        },
      });
      return { stream };
    },
  } as unknown as LanguageModel;
}

interface Agent {
  readonly name: string;
  readonly model: LanguageModel;
  readonly tools: readonly string[];
  readonly targets: Readonly<Record<string, Agent>>;
}

const answering = (wait?: Wait): Agent => ({
  name: "answering",
  model: modelOf(() => ({ text: ANSWER }), wait),
  tools: [],
  targets: {},
});

function triageTo(target: Agent, name: string, wait?: Wait): Agent {
  const transfer = transferTo(target.name);
  const model = modelOf(() => ({ toolName: transfer, input: "{}", toolCallId: `call_${name}` }), wait);
  return { name, model, tools: [transfer], targets: { [transfer]: target } };
}

function transfersOf(agent: Agent): NonNullable<Options["tools"]> {
  const tools: Record<string, unknown> = {};
  for (const [id, target] of Object.entries(agent.targets)) {
    tools[id] = createTool({ id, description: "Hand over.", inputSchema: z.object({}), execute: async () => "ok" });
    Object.assign(tools, transfersOf(target));
  }
  return tools as NonNullable<Options["tools"]>;
}

const agentOf = (model: LanguageModel, tools: NonNullable<Options["tools"]> = {}): MastraAgent =>
  new MastraAgent({ id: "agent", name: "agent", instructions: INSTRUCTIONS, model, tools }) as MastraAgent;

interface Step {
  readonly response: {
    readonly messages: readonly {
      readonly content: readonly { readonly type: string; readonly toolName?: string }[];
    }[];
  };
}

/** The tool that a step has called last. */
const calledIn = (step: Step | undefined): string | undefined =>
  step?.response.messages.flatMap(({ content }) => content).findLast(({ type }) => type === "tool-call")?.toolName;

type Message = { readonly role: string; readonly content: unknown };
type Filter = (messages: readonly never[]) => readonly unknown[];

function handingOver(entry: Agent, history: readonly Message[] = [], filter?: Filter): RunOnce {
  const runnable = agentOf(entry.model, transfersOf(entry));
  return async () => {
    let agent = entry;
    const prepareStep = ({
      steps,
      messages,
    }: {
      readonly steps: readonly Step[];
      readonly messages: readonly never[];
    }) => {
      const target = agent.targets[calledIn(steps.at(-1)) ?? ""];
      if (target) agent = target;
      const changes = { model: agent.model, activeTools: [...agent.tools] };
      return target && filter ? { ...changes, messages: filter(messages) } : changes;
    };
    const options = { maxSteps: 100, activeTools: [...entry.tools], prepareStep };
    const messages = [...history, { role: "user", content: QUESTION }];
    return (await runnable.generate(messages as never, options as never)).text;
  };
}

export const contestant: Contestant = {
  notes: ["mastra hands over by a tool whose call makes prepareStep switch model and tools (emulated)."],
  S1: () => {
    const agent = agentOf(answering().model);
    return async () => (await agent.generate(QUESTION)).text;
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
      return turn > count ? { text: ANSWER } : { toolName: "forecast", input: ARGUMENTS, toolCallId: `call_${turn}` };
    });
    const inputSchema = z.object({ city: z.string(), days: z.number() });
    const tools = {
      forecast: createTool({
        id: "forecast",
        description: "The weather.",
        inputSchema,
        execute: async (a) => forecast(a),
      }),
    };
    const agent = agentOf(model, tools as never);
    return async () => (await agent.generate(QUESTION, { maxSteps: count + 10 })).text;
  },
  S5: (messages) => {
    const history = conversation(messages).map(({ role, text }): Message => ({ role, content: text }));
    const agent = agentOf(answering().model);
    return async () => (await agent.generate([...history, { role: "user", content: QUESTION }] as never)).text;
  },
  S6: (deltas) => {
    const agent = agentOf(modelOf(() => ({ text: ANSWER }), undefined, deltas));
    return async () => {
      let seen = "";
      const { textStream } = await agent.stream(QUESTION);
      for await (const delta of textStream) seen += delta;
      return seen;
    };
  },
  S8: (items) => {
    const history = toolConversation(items).flatMap(({ question, callId, output, answer }): Message[] => [
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
    type Stored = { readonly content: { readonly parts?: readonly { readonly type: string }[] } };
    const dropTools: Filter = (messages) =>
      (messages as readonly Stored[]).filter(
        ({ content }) => !content.parts?.some(({ type }) => type === "tool-invocation"),
      );
    return handingOver(triageTo(answering(), "triage"), history, dropTools);
  },
  S9: (wire) => {
    if (wire === "sse") return undefined; // generate() asks for JSON
    const model = createOpenAI({ apiKey: "none", baseURL: baseUrl(wire) }).responses("gpt-4o") as LanguageModel;
    const target = { ...answering(), model };
    return handingOver({ ...triageTo(target, "triage"), model });
  },
};
