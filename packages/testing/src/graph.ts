import type { Agent, AnyAgent, AnyFunctionTool, AnyTool, HostedTool } from "@batonjs/core";

/** An agent of any types, as a checker reads it. */
export type AgentDefinition = Agent<never, unknown, unknown>;

export const isHosted = (tool: AnyTool): tool is HostedTool => "type" in tool && tool.type === "hosted";
export const isFunctionTool = (tool: AnyTool): tool is AnyFunctionTool => "kind" in tool && tool.kind === "tool";

/**
 * The agents that can be reached from `entry` by handoffs and as tools, by name. A name that several share (an agent
 * and its clone in a nested run) has all of them.
 */
export function agentsOf(entry: AnyAgent): ReadonlyMap<string, readonly AgentDefinition[]> {
  const seen = new Set<AnyAgent>();
  const byName = new Map<string, AgentDefinition[]>();
  const queue: AnyAgent[] = [entry];
  for (const next of queue) {
    if (seen.has(next)) continue;
    seen.add(next);
    const agent = next as AgentDefinition;
    byName.set(agent.name, [...(byName.get(agent.name) ?? []), agent]);
    for (const edge of agent.handoffs) if (edge.agent) queue.push(edge.agent);
    for (const tool of agent.tools) if (isFunctionTool(tool) && tool.nested) queue.push(tool.nested.agent);
  }
  return byName;
}
