/** Who a message can be for. */
import type { AnyAgent } from "@batonjs/core";
import type { AgentDefinition } from "../graph.ts";
import { quote } from "../text.ts";

/** The agents of a graph, as labels name them. */
export interface Labels {
  /** Name of the agent that gets the messages. */
  readonly entry: string;
  /** The agents that can be reached by handoffs, in the order of the handoffs, without the entry. */
  readonly names: readonly string[];
  /** The agent that `label` names; `null` is the entry; `undefined`: there is none. */
  find(label: string | null): string | null | undefined;
}

/** How cases say that a message is for nobody: it stays with the agent that gets it. */
const NOBODY = "none";

/**
 * The labels of the graph of `agent`: names of agents and of handoffs, where nothing else fits in any case; `none` and
 * the entry's own name for what stays.
 */
export function labelsOf(agent: AnyAgent): Labels {
  if (agent?.kind !== "agent") throw new TypeError(`Cannot evaluate ${quote(agent)}: expected an Agent`);
  const entry = agent as AgentDefinition;
  const names = new Set<string>([entry.name]);
  const byLabel = new Map<string, string | null>([[NOBODY, null]]);
  const queue: AgentDefinition[] = [entry];
  for (const next of queue) {
    for (const edge of next.handoffs) {
      const target = edge.agent as AgentDefinition | undefined;
      if (!target) continue;
      byLabel.set(edge.toolName, target === entry ? null : target.name);
      if (names.has(target.name)) continue;
      names.add(target.name);
      queue.push(target);
    }
  }
  for (const name of names) byLabel.set(name, name);
  byLabel.set(entry.name, null);
  const folded = new Map([...byLabel].map(([label, to]) => [fold(label), to]));
  names.delete(entry.name);
  return {
    entry: entry.name,
    names: [...names],
    find(label) {
      if (label === null) return null;
      const exact = byLabel.get(label);
      return exact === undefined ? folded.get(fold(label)) : exact;
    },
  };
}

const fold = (label: string): string => label.trim().toLowerCase();

/** `known are "Cards", "Loans" and "none"` */
export const knownOf = ({ names }: Labels): string =>
  `known are ${names.map((name) => quote(name)).join(", ")} and "${NOBODY}"`;
