/** What every contestant implements, and what their models, tools and conversations have in common. */
import { setTimeout as sleep } from "node:timers/promises";

/** One run of a scenario. Resolves to the text of the answer, which the harness checks. */
export type RunOnce = () => Promise<string>;

/** A framework or a hand-written loop, ready to run scenarios. One left out is one that it cannot do. */
export interface Contestant {
  /** What deserves a footnote: where a scenario is emulated, and how. */
  readonly notes?: readonly string[];
  /** One agent, one turn. */
  S1?(): RunOnce;
  /** Triage, handoff, answer. `wait` comes before each reply of a model. */
  S2?(wait?: Wait): RunOnce;
  /** A chain of `agents` agents, each handing over to the next. */
  S3?(agents: number): RunOnce;
  /** One agent that calls a tool `calls` times, one call per turn, then answers. Models call `mark` at each turn. */
  S4?(calls: number, mark: Mark): RunOnce;
  /** One turn on a conversation of `messages` messages. */
  S5?(messages: number): RunOnce;
  /** One turn whose answer is streamed as `deltas` pieces. Resolves to the text, put together by the consumer. */
  S6?(deltas: number): RunOnce;
  /** Triage to answer on a conversation of `items` items, half of them of tools, which a filter drops. */
  S8?(items: number): RunOnce;
  /** S2 with a model behind `baseUrl(wire)`, a server that speaks Responses. */
  S9?(wire: Wire): RunOnce | undefined;
}

/** How the server answers. */
export type Wire = "json" | "sse";
/** What clients call the base URL of S9's server. */
export const baseUrl = (wire: Wire): string => `${process.env["BENCH_SERVER"]}/${wire}/v1`;

/** Comes before a model's reply. */
export type Wait = () => Promise<void>;
/** Says that a turn begins, counted from 0. */
export type Mark = (turn: number) => void;

export const ANSWER = "It is sunny in Lisbon for the next 3 days.";
export const QUESTION = "What is the weather in Lisbon?";
export const INSTRUCTIONS = "You are a helpful agent. Answer in one sentence.";
export const ARGUMENTS = '{"city":"Lisbon","days":3}';
export const DELTA = "word ";

/** What the tool does. */
export const forecast = ({ city, days }: { city: string; days: number }): string =>
  `It is sunny in ${city} for the next ${days} days.`;

export const agentName = (place: number): string => `agent_${place}`;
export const transferTo = (agent: string): string => `transfer_to_${agent}`;
export const modelWait =
  (ms: number): Wait =>
  () =>
    sleep(ms);

/** What was said: of each message who said it. */
export interface Said {
  readonly role: "user" | "assistant";
  readonly text: string;
}

/** User and assistant in turn. */
export function conversation(messages: number): Said[] {
  return Array.from({ length: messages }, (_, i) => ({
    role: i % 2 === 0 ? "user" : "assistant",
    text: i % 2 === 0 ? `Question ${i}: what is the weather in Lisbon?` : `Answer ${i}: it is sunny in Lisbon.`,
  }));
}

/** One step of a conversation with tools: four items. */
export interface Exchange {
  readonly question: string;
  readonly callId: string;
  readonly output: string;
  readonly answer: string;
}

/** A conversation of `items` items: question, call, result, answer, and again. */
export function toolConversation(items: number): Exchange[] {
  return Array.from({ length: items / 4 }, (_, i) => ({
    question: `Question ${i}: what is the weather in Lisbon?`,
    callId: `old_${i}`,
    output: "It is sunny.",
    answer: `Answer ${i}: it is sunny in Lisbon.`,
  }));
}
