/** The desk's agents as a picture in text. */
import type { Agent, Handoff, JsonSchema } from "@batonjs/core";
import { jsonSchemaOf } from "@batonjs/core";
import type { Screen } from "./screen.ts";

type Node = Agent<never, unknown, unknown>;

/** Who hands over to whom, with which tools; `active` is the agent that has the conversation. */
export function drawGraph(entry: Node, active: string, screen: Screen): string {
  const dim = (text: string): string => screen.paint("dim", text);
  const box = (agent: Node): string =>
    `${agent.name === active ? "●" : "○"} ${screen.name(agent.name)}  ${dim(toolNames(agent))}`;
  const lines = [box(entry)];
  const edges = entry.handoffs.filter((edge) => edge.agent);
  for (const [i, edge] of edges.entries()) {
    const last = i === edges.length - 1;
    const target = edge.agent as Node;
    lines.push(`${last ? "└" : "├"}─→ ${box(target)}`, `${last ? " " : "│"}      ${dim(wayIn(edge))}`);
    for (const way of target.handoffs) {
      const where = way.agent ? `→ ${way.agent.name}` : "← back to whoever handed over";
      lines.push(`${last ? " " : "│"}      ${dim(`${way.toolName} ${where}`)}`);
    }
  }
  lines.push(dim("● has the conversation   * asks a person for approval"));
  return lines.join("\n");
}

function toolNames({ tools }: Node): string {
  return tools
    .map((tool) => ("needsApproval" in tool && tool.needsApproval !== false ? `${tool.name}*` : tool.name))
    .join(", ");
}

/** `transfer_to_billing (issueType, amountMentioned, urgency)` */
function wayIn({ toolName, inputType, inputFilters }: Handoff<never, unknown, unknown>): string {
  const schema: JsonSchema | undefined = inputType && jsonSchemaOf(inputType, toolName);
  const payload = schema?.properties ? ` (${Object.keys(schema.properties).join(", ")})` : "";
  const filtered = inputFilters.length === 0 ? "" : ", without staff notes";
  return `${toolName}${payload}${filtered}`;
}

/** The names of all agents, the entry first. */
export function agentNames(entry: Node): readonly string[] {
  const names = new Set<string>();
  const visit = (agent: Node): void => {
    if (names.has(agent.name)) return;
    names.add(agent.name);
    for (const edge of agent.handoffs) if (edge.agent) visit(edge.agent as Node);
  };
  visit(entry);
  return [...names];
}
