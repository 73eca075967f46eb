/** A loop as one writes it in five minutes: nothing is checked, kept or told. */
import {
  ANSWER,
  ARGUMENTS,
  type Contestant,
  DELTA,
  INSTRUCTIONS,
  type Mark,
  QUESTION,
  agentName,
  conversation,
  forecast,
  toolConversation,
} from "./contestant.ts";

interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}
type Message =
  | { readonly role: "user" | "assistant"; readonly content: string; readonly calls?: readonly Call[] }
  | { readonly role: "tool"; readonly callId: string; readonly content: string };
type Reply = { readonly role: "assistant"; readonly content: string; readonly calls?: readonly Call[] };

interface Agent {
  readonly name: string;
  readonly instructions: string;
  readonly model: (messages: readonly Message[], agent: Agent) => Promise<Reply>;
  readonly tools: Readonly<Record<string, (args: never) => unknown>>;
  readonly handoffs: Readonly<Record<string, Agent>>;
  readonly filter?: (messages: readonly Message[]) => Message[];
}

async function run(entry: Agent, history: readonly Message[], question: string): Promise<string> {
  let messages: Message[] = [...history, { role: "user", content: question }];
  let agent = entry;
  while (true) {
    const reply = await agent.model(messages, agent);
    messages.push(reply);
    if (!reply.calls) return reply.content;
    for (const call of reply.calls) {
      const target = agent.handoffs[call.name];
      if (target) {
        messages.push({ role: "tool", callId: call.id, content: "ok" });
        if (agent.filter) messages = agent.filter(messages);
        agent = target;
      } else {
        const output = agent.tools[call.name]!(JSON.parse(call.arguments) as never);
        messages.push({ role: "tool", callId: call.id, content: String(output) });
      }
    }
  }
}

const says = (content: string): Reply => ({ role: "assistant", content });
const calls = (name: string, args: string, id: string): Reply => ({
  role: "assistant",
  content: "",
  calls: [{ id, name, arguments: args }],
});

const answering: Agent = {
  name: "answering",
  instructions: INSTRUCTIONS,
  model: async () => says(ANSWER),
  tools: {},
  handoffs: {},
};
const triageTo = (target: Agent, filter?: Agent["filter"]): Agent => ({
  name: "triage",
  instructions: INSTRUCTIONS,
  model: async () => calls("transfer", "{}", "call_1"),
  tools: {},
  handoffs: { transfer: target },
  ...(filter ? { filter } : {}),
});

function chain(agents: number): Agent {
  let next = answering;
  for (let i = agents - 1; i > 0; i--) {
    const target = next;
    next = { ...triageTo(target), name: agentName(i), model: async () => calls("transfer", "{}", `call_${i}`) };
  }
  return next;
}

function calling(count: number, mark: Mark): () => Agent {
  return () => {
    let turn = 0;
    return {
      ...answering,
      tools: { forecast },
      model: async () => {
        mark(turn);
        turn++;
        return turn > count ? says(ANSWER) : calls("forecast", ARGUMENTS, `call_${turn}`);
      },
    };
  };
}

const dropTools = (messages: readonly Message[]): Message[] =>
  messages.filter((message) => message.role !== "tool" && !("calls" in message && message.calls));

export const contestant: Contestant = {
  S1: () => () => run(answering, [], QUESTION),
  S2: (wait) => {
    if (!wait) {
      const triage = triageTo(answering);
      return () => run(triage, [], QUESTION);
    }
    const slow = (agent: Agent): Agent => ({
      ...agent,
      model: async (messages, self) => {
        await wait();
        return agent.model(messages, self);
      },
    });
    const triage = slow(triageTo(slow(answering)));
    return () => run(triage, [], QUESTION);
  },
  S3: (agents) => {
    const first = chain(agents);
    return () => run(first, [], QUESTION);
  },
  S4: (count, mark) => {
    const agent = calling(count, mark);
    return () => run(agent(), [], QUESTION);
  },
  S5: (messages) => {
    const history = conversation(messages).map(({ role, text }): Message => ({ role, content: text }));
    return () => run(answering, history, QUESTION);
  },
  S6: (deltas) => {
    async function* model(): AsyncGenerator<string> {
      for (let i = 0; i < deltas; i++) yield DELTA;
    }
    return async () => {
      let text = "";
      for await (const delta of model()) text += delta;
      return text;
    };
  },
  S8: (items) => {
    const history = toolConversation(items).flatMap(({ question, callId, output, answer }): Message[] => [
      { role: "user", content: question },
      calls("forecast", ARGUMENTS, callId),
      { role: "tool", callId, content: output },
      { role: "assistant", content: answer },
    ]);
    const triage = triageTo(answering, dropTools);
    return () => run(triage, history, QUESTION);
  },
};
