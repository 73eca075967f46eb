import type { Agent, AnyAgent, Handoff } from "@batonjs/core";
import { type AgentDefinition, agentsOf } from "./graph.ts";

/** An agent of any types, as tests pass it on. */
export type SomeAgent = Agent<unknown, unknown, unknown>;

/** One way that control can take. */
export interface HandoffEdge {
  readonly from: SomeAgent;
  readonly to: SomeAgent;
  /** Name of the tool by which it is made. */
  readonly toolName: string;
  /** The handoff as it was declared. */
  readonly handoff: Handoff<never, unknown, unknown>;
  /** A handoff back: it leads to `to` when it was `to` that handed over. */
  readonly back: boolean;
}

/**
 * Every handoff of the graph that `entry` reaches, agents that run as tools included, in the order of declaration. A
 * `handBack()` is one edge to each agent that can have handed over. For tests that loop: `it.each(everyHandoff(triage))`.
 */
export function everyHandoff(entry: AnyAgent): readonly HandoffEdge[] {
  const agents = [...agentsOf(entry).values()].flat();
  return agents.flatMap((from) =>
    from.handoffs.flatMap((handoff) =>
      targetsOf(from, handoff, agents).map((to) => ({
        from: from as unknown as SomeAgent,
        to: to as unknown as SomeAgent,
        toolName: handoff.toolName,
        handoff,
        back: handoff.agent === undefined,
      })),
    ),
  );
}

function targetsOf(
  from: AgentDefinition,
  { agent }: Handoff<never, unknown, unknown>,
  agents: readonly AgentDefinition[],
): readonly AgentDefinition[] {
  if (agent) return [agent as AgentDefinition];
  return agents.filter(
    (other) => other !== from && other.handoffs.some((edge) => (edge.agent as AgentDefinition | undefined) === from),
  );
}
