/** The names that a scenario may use. */
import type { AnyAgent } from "@batonjs/core";
import { agentsOf, isFunctionTool, isHosted } from "../graph.ts";
import { quote } from "../text.ts";

/** What the agents of a graph are called, and their tools and handoffs. */
export interface KnownNames {
  readonly agents: readonly string[];
  /** `undefined` where an agent has tools that are only known in a run. */
  readonly tools: readonly string[] | undefined;
  /** Tools that are agents, functions or hosted, and handoffs: what can wait for a decision. */
  readonly decided: readonly string[] | undefined;
}

/** The names in the graph of `entry`. Throws a `TypeError` for what is no agent. */
export function namesOf(entry: AnyAgent): KnownNames {
  if (entry?.kind !== "agent") throw new TypeError(`Cannot play scenarios with ${quote(entry)}: expected an Agent`);
  const agents = [...agentsOf(entry).values()].flat();
  const tools = agents.flatMap((agent) => agent.tools);
  const isKnown = tools.every((tool) => isHosted(tool) || isFunctionTool(tool));
  const names = [...new Set(tools.map(({ name }) => name))];
  const handoffs = agents.flatMap((agent) => agent.handoffs.map(({ toolName }) => toolName));
  return {
    agents: [...new Set(agents.map(({ name }) => name))],
    tools: isKnown ? names : undefined,
    decided: isKnown ? [...new Set([...names, ...handoffs])] : undefined,
  };
}

/** `did you mean "Billing"? known are "Billing", "Triage"`; the question only where a name is near. */
export function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return "there is none";
  const [nearest] = known
    .map((each) => ({ each, score: nearness(name, each) }))
    .toSorted((a, b) => b.score - a.score)
    .filter(({ score }) => score >= 0.4);
  const question = nearest === undefined ? "" : `did you mean ${quote(nearest.each)}? `;
  return `${question}known are ${known.map((each) => quote(each)).join(", ")}`;
}

/** The share of pairs of letters that two names have in common (Dice), from 0 to 1. */
function nearness(a: string, b: string): number {
  const [left, right] = [pairsOf(a), pairsOf(b)];
  const shared = [...left].filter((pair) => right.has(pair)).length;
  return (2 * shared) / (left.size + right.size || 1);
}

function pairsOf(name: string): ReadonlySet<string> {
  const letters = name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
  return new Set(Array.from({ length: Math.max(0, letters.length - 1) }, (_, i) => letters.slice(i, i + 2)));
}
