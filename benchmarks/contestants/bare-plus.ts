/**
 * The practical floor: the smallest honest loop. Arguments are checked with the schema, what happens is kept as a log
 * of items, the model gets a list of its own, and everything is told to a consumer as it happens.
 */
import { z } from "zod";
import {
  ANSWER,
  ARGUMENTS,
  type Contestant,
  DELTA,
  INSTRUCTIONS,
  type Mark,
  QUESTION,
  type Wait,
  agentName,
  conversation,
  forecast,
  toolConversation,
  transferTo,
} from "./contestant.ts";

interface Call {
  readonly type: "call";
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
}
type Said = { readonly type: "message"; readonly role: "user" | "assistant"; readonly text: string };
type Item = { readonly id: string; readonly agent?: string } & (
  | Said
  | Call
  | { readonly type: "result"; readonly callId: string; readonly output: string }
);
interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}
interface Reply {
  readonly type: "reply";
  readonly items: readonly (Said | Call)[];
  readonly usage: Usage;
}
interface Request {
  readonly items: readonly Item[];
  readonly instructions: string;
  readonly tools: readonly string[];
}
interface Model {
  stream(request: Request): AsyncIterable<{ readonly type: "delta"; readonly delta: string } | Reply>;
}
interface Tool {
  readonly parameters: z.ZodType;
  readonly execute: (args: never) => unknown;
}
interface Agent {
  readonly name: string;
  readonly instructions: string;
  readonly model: Model;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly handoffs: ReadonlyMap<string, Agent>;
  readonly names: readonly string[];
  readonly filter?: (items: readonly Item[]) => Item[];
}
type Event =
  | { readonly type: "item"; readonly item: Item }
  | { readonly type: "turn"; readonly agent: string; readonly usage: Usage }
  | { readonly type: "handoff"; readonly from: string; readonly to: string }
  | { readonly type: "delta"; readonly delta: string };

async function* loop(entry: Agent, history: readonly Item[], question: string): AsyncGenerator<Event, string> {
  let items: Item[] = [...history];
  let ids = 0;
  const keep = (item: Item): Event => {
    items.push(item);
    return { type: "item", item };
  };
  let agent = entry;
  yield keep({ id: `run:${ids++}`, type: "message", role: "user", text: question });
  while (true) {
    const request = { items: items.slice(), instructions: agent.instructions, tools: agent.names };
    let reply: Reply | undefined;
    for await (const event of agent.model.stream(request)) {
      if (event.type === "reply") reply = event;
      else yield event;
    }
    if (!reply) throw new Error("The model ended its stream without a reply");
    let answer = "";
    const calls: Call[] = [];
    for (const item of reply.items) {
      yield keep({ id: `run:${ids++}`, agent: agent.name, ...item });
      if (item.type === "call") calls.push(item);
      else answer = item.text;
    }
    yield { type: "turn", agent: agent.name, usage: reply.usage };
    if (calls.length === 0) return answer;
    for (const { callId, name, arguments: text } of calls) {
      const target = agent.handoffs.get(name);
      const output = target ? "ok" : await perform(agent.tools.get(name), name, text);
      yield keep({ id: `run:${ids++}`, agent: agent.name, type: "result", callId, output });
      if (!target) continue;
      yield { type: "handoff", from: agent.name, to: target.name };
      if (agent.filter) items = agent.filter(items);
      agent = target;
    }
  }
}

async function perform(tool: Tool | undefined, name: string, text: string): Promise<string> {
  if (!tool) return `There is no tool "${name}"`;
  try {
    const checked = tool.parameters.safeParse(JSON.parse(text));
    if (!checked.success) return `Invalid arguments: ${checked.error.message}`;
    const value = await tool.execute(checked.data as never);
    return typeof value === "string" ? value : JSON.stringify(value);
  } catch (error) {
    return `Failed: ${String(error)}`;
  }
}

async function run(entry: Agent, history: readonly Item[], question: string): Promise<string> {
  const events = loop(entry, history, question);
  while (true) {
    const { value, done } = await events.next();
    if (done) return value;
  }
}

const usage: Usage = { inputTokens: 100, outputTokens: 10 };
const says = (text: string): Reply => ({ type: "reply", items: [{ type: "message", role: "assistant", text }], usage });
const calls = (name: string, args: string, callId: string): Reply => ({
  type: "reply",
  items: [{ type: "call", callId, name, arguments: args }],
  usage,
});

function modelOf(next: () => Reply, wait?: Wait): Model {
  return wait
    ? {
        async *stream() {
          await wait();
          yield next();
        },
      }
    : {
        async *stream() {
          yield next();
        },
      };
}

function agentOf(name: string, model: Model, more: Partial<Agent> = {}): Agent {
  const tools = more.tools ?? new Map<string, Tool>();
  const handoffs = more.handoffs ?? new Map<string, Agent>();
  return {
    name,
    instructions: INSTRUCTIONS,
    model,
    tools,
    handoffs,
    names: [...tools.keys(), ...handoffs.keys()],
    ...more,
  };
}

const answering = (wait?: Wait): Agent =>
  agentOf(
    "answering",
    modelOf(() => says(ANSWER), wait),
  );

function triageTo(target: Agent, name: string, wait?: Wait, filter?: Agent["filter"]): Agent {
  const transfer = transferTo(target.name);
  return agentOf(
    name,
    modelOf(() => calls(transfer, "{}", `call_${name}`), wait),
    {
      handoffs: new Map([[transfer, target]]),
      ...(filter ? { filter } : {}),
    },
  );
}

function chain(agents: number): Agent {
  let next = answering();
  for (let i = agents - 1; i > 0; i--) next = triageTo(next, agentName(i));
  return next;
}

const tools = new Map<string, Tool>([
  ["forecast", { parameters: z.object({ city: z.string(), days: z.number() }), execute: forecast }],
]);

function calling(count: number, mark: Mark): Agent {
  let turn = 0;
  const next = (): Reply => {
    if (turn > count) turn = 0;
    mark(turn);
    turn++;
    return turn > count ? says(ANSWER) : calls("forecast", ARGUMENTS, `call_${turn}`);
  };
  return agentOf("calling", modelOf(next), { tools });
}

const dropTools = (items: readonly Item[]): Item[] => items.filter(({ type }) => type !== "call" && type !== "result");

export const contestant: Contestant = {
  S1: () => {
    const agent = answering();
    return () => run(agent, [], QUESTION);
  },
  S2: (wait) => {
    const triage = triageTo(answering(wait), "triage", wait);
    return () => run(triage, [], QUESTION);
  },
  S3: (agents) => {
    const first = chain(agents);
    return () => run(first, [], QUESTION);
  },
  S4: (count, mark) => {
    const agent = calling(count, mark);
    return () => run(agent, [], QUESTION);
  },
  S5: (messages) => {
    const history = conversation(messages).map(({ role, text }, i): Item => ({
      id: `old:${i}`,
      type: "message",
      role,
      text,
    }));
    const agent = answering();
    return () => run(agent, history, QUESTION);
  },
  S6: (deltas) => {
    const reply = says(DELTA.repeat(deltas));
    const agent = agentOf("streaming", {
      async *stream() {
        for (let i = 0; i < deltas; i++) yield { type: "delta", delta: DELTA };
        yield reply;
      },
    });
    return async () => {
      let text = "";
      for await (const event of loop(agent, [], QUESTION)) if (event.type === "delta") text += event.delta;
      return text;
    };
  },
  S8: (items) => {
    const history = toolConversation(items).flatMap(({ question, callId, output, answer }, i): Item[] => [
      { id: `old:${i}:0`, type: "message", role: "user", text: question },
      { id: `old:${i}:1`, type: "call", callId, name: "forecast", arguments: ARGUMENTS },
      { id: `old:${i}:2`, type: "result", callId, output },
      { id: `old:${i}:3`, type: "message", role: "assistant", text: answer },
    ]);
    const triage = triageTo(answering(), "triage", undefined, dropTools);
    return () => run(triage, history, QUESTION);
  },
};
