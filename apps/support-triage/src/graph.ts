/** The desk's agents as a picture in text. */
import { type Agent, type AnyTool, type Handoff, jsonSchemaOf } from "@batonjs/core";
import type { Screen } from "./screen.ts";

type Node = Agent<never, unknown, unknown>;

/** Who hands over to whom, with which tools; `active` is the agent that has the conversation. */
export function drawGraph(entry: Node, active: string, screen: Screen): string {
  const dim = (text: string): string => screen.paint("dim", text);
  const title = (agent: Node): string => `${agent.name === active ? "●" : "○"} ${screen.name(agent.name)}`;
  const edges = entry.handoffs.filter((edge) => edge.agent);
  const lines = [title(entry), ...screen.wrapped(toolNames(entry), edges.length > 0 ? "│    " : "     ").map(dim)];
  for (const [i, edge] of edges.entries()) {
    const target = edge.agent as Node;
    const margin = i < edges.length - 1 ? "│       " : "        ";
    const ways = target.handoffs.map(({ toolName, agent }) => `${toolName} → ${agent?.name ?? "whoever handed over"}`);
    lines.push(
      `${i < edges.length - 1 ? "├" : "└"}─→ ${title(target)}`,
      ...screen.wrapped(wayIn(edge), margin).map(dim),
      ...screen.wrapped(toolNames(target), margin).map(dim),
      ...ways.map((way) => dim(`${margin}${way}`)),
    );
  }
  return [...lines, dim("● has the conversation   * may ask a person for approval")].join("\n");
}

function toolNames({ tools }: Node): string {
  const asks = (tool: AnyTool): boolean => "needsApproval" in tool && tool.needsApproval !== false;
  return tools.map((tool) => `${tool.name}${asks(tool) ? "*" : ""}`).join(", ");
}

/** `transfer_to_billing (issueType, amountMentioned, urgency)` */
function wayIn({ toolName, inputType }: Handoff<never, unknown, unknown>): string {
  const payload = inputType && jsonSchemaOf(inputType, toolName).properties;
  return payload ? `${toolName} (${Object.keys(payload).join(", ")})` : toolName;
}
