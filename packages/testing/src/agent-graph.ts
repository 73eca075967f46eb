import { type AnyAgent, type HandoffMode, jsonSchemaOf } from "@batonjs/core";
import { everyHandoff } from "./edges.ts";
import { type AgentDefinition, agentsOf, isFunctionTool, isHosted } from "./graph.ts";

/** A graph of agents as plain data. */
export interface AgentGraph {
  /** Where conversations begin. */
  readonly entry: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** One agent. */
export interface GraphNode {
  readonly name: string;
  /** Name of its model, where it has one of its own. */
  readonly model?: string;
  readonly tools: readonly GraphTool[];
  /** Names of its input and output guardrails. */
  readonly guardrails: readonly string[];
  /** It answers with data, by a schema. */
  readonly output: boolean;
}

/** One tool of an agent. */
export interface GraphTool {
  readonly name: string;
  /** `agent`: another agent runs in a transcript of its own. `source`: tools that are only known in a run. */
  readonly kind: "function" | "agent" | "hosted" | "source";
  readonly sideEffects?: "none" | "idempotent" | "once";
  readonly approval: boolean;
}

/** One way that control, or a question, can take. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** Name of the tool by which it is taken. */
  readonly toolName: string;
  /** `back`: to whoever handed over last. `tool`: the target answers as a tool. */
  readonly kind: "handoff" | "back" | "tool";
  readonly mode?: HandoffMode;
  /** Fields of the payload. */
  readonly payload: readonly string[];
  /** Names of the filters, `filter` for one without. */
  readonly filters: readonly string[];
  readonly guardrails: readonly string[];
  readonly approval: boolean;
}

/** How a graph is drawn. */
export interface DrawOptions {
  /** Agents that are drawn as cold, by name. */
  readonly coldNodes?: readonly string[];
  /** Edges that are drawn as cold, by `edgeName`. */
  readonly coldEdges?: readonly string[];
}

/** The agents that `entry` reaches, by handoffs and as tools, as plain data. */
export function agentGraph(entry: AnyAgent): AgentGraph {
  const agents = [...agentsOf(entry).values()].flat();
  const handoffs = everyHandoff(entry).map(({ from, to, handoff, toolName, back }): GraphEdge => ({
    from: from.name,
    to: to.name,
    toolName,
    kind: back ? "back" : "handoff",
    mode: handoff.mode,
    payload: handoff.inputType ? Object.keys(jsonSchemaOf(handoff.inputType, toolName).properties ?? {}) : [],
    filters: handoff.inputFilters.map((filter) => filter.name || "filter"),
    guardrails: handoff.guardrails.map(({ name }) => name),
    approval: handoff.needsApproval !== false,
  }));
  return { entry: entry.name, nodes: agents.map(nodeOf), edges: [...handoffs, ...agents.flatMap(nestedEdges)] };
}

/** What an edge is called in options, reports and coverage files. */
export const edgeName = ({ from, to, toolName }: Pick<GraphEdge, "from" | "to" | "toolName">): string =>
  `${from} → ${to} (${toolName})`;

function nodeOf(agent: AgentDefinition): GraphNode {
  const { name, model } = agent;
  return {
    name,
    ...(model === undefined ? {} : { model: typeof model === "string" ? model : model.name }),
    tools: agent.tools.map((tool): GraphTool => {
      if (isHosted(tool)) return { name: tool.name, kind: "hosted", approval: false };
      if (!isFunctionTool(tool)) return { name: tool.name, kind: "source", approval: false };
      const { sideEffects, needsApproval, nested } = tool;
      return { name: tool.name, kind: nested ? "agent" : "function", sideEffects, approval: needsApproval !== false };
    }),
    guardrails: [...agent.inputGuardrails, ...agent.outputGuardrails].map((guardrail) => guardrail.name),
    output: agent.outputType !== undefined,
  };
}

function nestedEdges(agent: AgentDefinition): readonly GraphEdge[] {
  return agent.tools.flatMap((tool) => {
    if (!isFunctionTool(tool) || !tool.nested) return [];
    const plain = { payload: [], filters: [], guardrails: [], approval: tool.needsApproval !== false };
    return [{ from: agent.name, to: tool.nested.agent.name, toolName: tool.name, kind: "tool" as const, ...plain }];
  });
}

/** What stands on an edge. */
function label(edge: GraphEdge): string {
  const { toolName, mode, payload, filters, guardrails, approval } = edge;
  return [
    payload.length === 0 ? toolName : `${toolName}(${payload.join(", ")})`,
    ...(mode === undefined || mode === "pass" ? [] : [mode]),
    ...(filters.length === 0 ? [] : [`filter: ${filters.join(", ")}`]),
    ...(guardrails.length === 0 ? [] : [`guardrail: ${guardrails.join(", ")}`]),
    ...(approval ? ["approval"] : []),
  ].join("; ");
}

const toolText = ({ name, approval }: GraphTool): string => (approval ? `${name}*` : name);
const isCold = (edge: GraphEdge, { coldEdges = [] }: DrawOptions): boolean => coldEdges.includes(edgeName(edge));

/** The graph as a Mermaid flowchart. Handoffs back are dashed, agents as tools end in a circle, cold is grey. */
export function toMermaid(graph: AgentGraph, options: DrawOptions = {}): string {
  const ids = new Map(graph.nodes.map(({ name }, i) => [name, `a${i}`]));
  const arrows = { handoff: "-->", back: "-.->", tool: "--o" };
  const text = (value: string): string =>
    value.replaceAll("#", "#35;").replaceAll('"', "#quot;").replaceAll("<", "#lt;");
  const nodes = graph.nodes.map((node) => {
    const lines = [text(node.name), ...node.tools.map((tool) => text(toolText(tool)))];
    return node.name === graph.entry
      ? `  ${ids.get(node.name)}(["${lines.join("<br>")}"])`
      : `  ${ids.get(node.name)}["${lines.join("<br>")}"]`;
  });
  const edges = graph.edges.map(
    (edge) => `  ${ids.get(edge.from)} ${arrows[edge.kind]}|"${text(label(edge))}"| ${ids.get(edge.to)}`,
  );
  const cold = (options.coldNodes ?? []).flatMap((name) => ids.get(name) ?? []);
  const coldEdges = graph.edges.flatMap((edge, i) => (isCold(edge, options) ? [String(i)] : []));
  return [
    "flowchart LR",
    ...nodes,
    ...edges,
    ...(cold.length === 0
      ? []
      : ["  classDef cold fill:#eee,stroke:#999,color:#999", `  class ${cold.join(",")} cold`]),
    ...(coldEdges.length === 0 ? [] : [`  linkStyle ${coldEdges.join(",")} stroke:#bbb,color:#999`]),
  ].join("\n");
}

/** The graph in the language of Graphviz. Handoffs back are dashed, agents as tools dotted, cold is grey. */
export function toDot(graph: AgentGraph, options: DrawOptions = {}): string {
  const quote = (value: string): string =>
    `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  const styles = { handoff: "solid", back: "dashed", tool: "dotted" };
  const grey = ', color="gray", fontcolor="gray"';
  const nodes = graph.nodes.map((node) => {
    const lines = [node.name, ...node.tools.map(toolText)].join("\n");
    const bold = node.name === graph.entry ? ', style="bold"' : "";
    return `  ${quote(node.name)} [label=${quote(lines)}${bold}${options.coldNodes?.includes(node.name) ? grey : ""}];`;
  });
  const edges = graph.edges.map(
    (edge) =>
      `  ${quote(edge.from)} -> ${quote(edge.to)} [label=${quote(label(edge))}, style="${styles[edge.kind]}"${isCold(edge, options) ? grey : ""}];`,
  );
  return ["digraph agents {", "  rankdir=LR;", "  node [shape=box];", ...nodes, ...edges, "}"].join("\n");
}

/** The graph as text for a terminal: each agent with its tools and the ways out of it; `(cold)` is what is cold. */
export function toText(graph: AgentGraph, options: DrawOptions = {}): string {
  const arrows = { handoff: "─→", back: "╌→", tool: "─○" };
  const lines = graph.nodes.flatMap((node) => {
    const cold = options.coldNodes?.includes(node.name) ? " (cold)" : "";
    const out = graph.edges.filter(({ from }) => from === node.name);
    const margin = out.length > 0 ? "│ " : "  ";
    const tools = node.tools.length === 0 ? [] : [`${margin}${node.tools.map(toolText).join(", ")}`];
    const ways = out.map((edge, i) => {
      const corner = i < out.length - 1 ? "├" : "└";
      return `${corner}${arrows[edge.kind]} ${edge.to}  ${label(edge)}${isCold(edge, options) ? " (cold)" : ""}`;
    });
    return [`${node.name === graph.entry ? "●" : "○"} ${node.name}${cold}`, ...tools, ...ways];
  });
  return lines.join("\n");
}
