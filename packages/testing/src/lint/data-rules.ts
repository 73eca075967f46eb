/** Rules about what data can flow where. */
import { edgeName } from "../agent-graph.ts";
import type { HandoffEdge } from "../edges.ts";
import { type AgentDefinition, isFunctionTool, isHosted } from "../graph.ts";
import type { Finding, Label, Linted } from "./findings.ts";

/** What a tool touches: as told, and of hosted tools what their names say. */
function labelsOf(
  agent: AgentDefinition,
  tool: AgentDefinition["tools"][number],
  { options }: Linted,
): readonly Label[] {
  const told = options.labels?.[`${agent.name}/${tool.name}`] ?? options.labels?.[tool.name];
  if (told) return told;
  return isHosted(tool) && /web|browse|search_preview/.test(tool.name) ? ["untrusted"] : [];
}

/**
 * Where private data, text that others wrote, and a way out meet in one agent: an instruction hidden in the text can
 * send the data out. What an agent has seen goes on with every handoff that has no filter.
 */
export function privateDataWayOut(linted: Linted): readonly Finding[] {
  const { agents, edges } = linted;
  const carried = new Map(agents.map((agent) => [agent, new Map<Label, readonly string[]>()]));
  const flows = [...edges.filter(({ handoff }) => handoff.inputFilters.length === 0), ...nestedFlows(agents)];
  for (const agent of agents) {
    for (const tool of agent.tools) {
      for (const label of labelsOf(agent, tool, linted)) {
        if (label !== "out") carried.get(agent)?.set(label, [`${agent.name}/${tool.name}`]);
      }
    }
  }
  for (let changed = true; changed;) {
    changed = false;
    for (const { from, to } of flows) {
      const source = carried.get(from as unknown as AgentDefinition);
      const target = carried.get(to as unknown as AgentDefinition);
      for (const [label, path] of source ?? []) {
        if (!target || target.has(label)) continue;
        target.set(label, [...path, to.name]);
        changed = true;
      }
    }
  }
  return agents.flatMap((agent) => {
    const labels = carried.get(agent);
    const secret = labels?.get("private");
    const foreign = labels?.get("untrusted");
    if (!secret || !foreign) return [];
    return agent.tools.flatMap((tool): Finding[] => {
      if (!labelsOf(agent, tool, linted).includes("out")) return [];
      if (isFunctionTool(tool) && tool.needsApproval !== false) return [];
      return [
        {
          rule: "private-data-way-out",
          severity: "error",
          at: `${agent.name}/${tool.name}`,
          message: `can send out private data (${secret.join(" → ")}) at the wish of text that others wrote (${foreign.join(" → ")})`,
          hint: "give the tool `needsApproval`, or put a filter on an edge of one of the two paths",
        },
      ];
    });
  });
}

/** A nested agent reads what it is asked, and its answer is read. */
function nestedFlows(agents: readonly AgentDefinition[]): readonly Pick<HandoffEdge, "from" | "to">[] {
  return agents.flatMap((from) =>
    from.tools.flatMap((tool) => {
      if (!isFunctionTool(tool) || !tool.nested) return [];
      const [outer, inner] = [from, tool.nested.agent] as unknown as readonly [
        HandoffEdge["from"],
        HandoffEdge["from"],
      ];
      return [
        { from: outer, to: inner },
        { from: inner, to: outer },
      ];
    }),
  );
}

/** Edges out of an agent with private data that pass on everything it saw. */
export function unfilteredEdge(linted: Linted): readonly Finding[] {
  return linted.edges.flatMap((edge): Finding[] => {
    const from = edge.from as unknown as AgentDefinition;
    const sensitive = from.tools.filter((tool) => labelsOf(from, tool, linted).includes("private"));
    if (sensitive.length === 0 || edge.handoff.inputFilters.length > 0) return [];
    return [
      {
        rule: "unfiltered-edge",
        severity: "warning",
        at: edgeName({ from: from.name, to: edge.to.name, toolName: edge.toolName }),
        message: `passes on what ${sensitive.map(({ name }) => name).join(", ")} gave`,
        hint: "give the handoff an `inputFilter`, for example `dropToolItems`",
      },
    ];
  });
}
