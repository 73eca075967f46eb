/** Rules about how agents are linked, named and priced. */
import { edgeName } from "../agent-graph.ts";
import type { HandoffEdge } from "../edges.ts";
import { type AgentDefinition, isFunctionTool } from "../graph.ts";
import type { Finding, Linted } from "./findings.ts";

const nameOf = ({ from, to, toolName }: HandoffEdge): string => edgeName({ from: from.name, to: to.name, toolName });

export function emptySpecialist({ entry, agents }: Linted): readonly Finding[] {
  return agents.flatMap((agent): Finding[] => {
    const own = agent.tools.length > 0 || agent.outputType !== undefined || (agent.instructions ?? "") !== "";
    if (own || (agent === entry && agent.handoffs.length > 0)) return [];
    return [
      {
        rule: "empty-specialist",
        severity: "error",
        at: agent.name,
        message:
          "has neither tools, nor an output type, nor instructions of its own: it can do nothing that others cannot",
        hint: "give it `instructions` and the tools of its matter",
      },
    ];
  });
}

export function unreachableAgent({ entry, agents, options }: Linted): readonly Finding[] {
  const reached = new Set<unknown>(agents);
  return (options.agents ?? [])
    .filter((agent) => !reached.has(agent))
    .map((agent) => ({
      rule: "unreachable-agent",
      severity: "error",
      at: agent.name,
      message: `cannot be reached from ${entry.name}`,
      hint: "add it to the `handoffs` of the agent that should hand over to it, or delete it",
    }));
}

/** Specialists that keep the conversation and cannot hand it on. */
export function deadEnd({ edges }: Linted): readonly Finding[] {
  const stuck = new Map<string, HandoffEdge>();
  for (const edge of edges) {
    if (edge.handoff.mode === "pass" && !edge.back && edge.to.handoffs.length === 0) stuck.set(edge.to.name, edge);
  }
  return [...stuck.values()].map((edge) => ({
    rule: "dead-end",
    severity: "warning",
    at: edge.to.name,
    message: `keeps the conversation that ${edge.from.name} hands over, and has no way to pass it on`,
    hint: 'add `handBack()` to its `handoffs`, or make the handoff to it `mode: "turn"`',
  }));
}

/** Agents that are made to hand over, to agents that are made to hand over. */
export function cycleWithoutExit({ agents }: Linted): readonly Finding[] {
  const ways = new Map(agents.map((agent) => [agent, forcedWays(agent)]));
  const ends = new Set(agents.filter((agent) => ways.get(agent) === undefined));
  for (let size = -1; size !== ends.size;) {
    size = ends.size;
    for (const [agent, to] of ways) if (to?.some((next) => ends.has(next))) ends.add(agent);
  }
  const caught = agents.filter((agent) => !ends.has(agent));
  if (caught.length === 0) return [];
  return [
    {
      rule: "cycle-without-exit",
      severity: "error",
      at: caught.map(({ name }) => name).join(", "),
      message: "are made to hand over to each other, and none can answer",
      hint: 'leave `settings.toolChoice` at "auto" for one of them, or give it a tool or a way out',
    },
  ];
}

/** Where an agent that must hand over can go; nothing where it may answer. */
function forcedWays({ settings, tools, handoffs }: AgentDefinition): readonly AgentDefinition[] | undefined {
  const { toolChoice } = settings;
  const wanted = typeof toolChoice === "object" ? toolChoice.name : undefined;
  if (wanted === undefined && (toolChoice !== "required" || tools.length > 0)) return undefined;
  const edges = handoffs.filter((edge) => wanted === undefined || edge.toolName === wanted);
  const targets = edges.flatMap(({ agent }) => (agent ? [agent as AgentDefinition] : []));
  return targets.length > 0 && targets.length === edges.length ? targets : undefined;
}

const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

/** Names that are one when case and punctuation are left out: a model mixes them up, and so do logs. */
export function nameCollision({ agents }: Linted): readonly Finding[] {
  const hint = "rename one of them";
  const collisions = (names: readonly string[], at: string, what: string): Finding[] => {
    const groups = Map.groupBy(new Set(names), plain);
    return [...groups.values()]
      .filter((group) => group.length > 1)
      .map((group) => ({
        rule: "name-collision",
        severity: "error",
        at,
        message: `has ${what} whose names differ only in case and punctuation: ${group.map((name) => `"${name}"`).join(", ")}`,
        hint,
      }));
  };
  const twice = [...Map.groupBy(agents, ({ name }) => name)].filter(([, group]) => group.length > 1);
  return [
    ...collisions(
      agents.map(({ name }) => name),
      "the graph",
      "agents",
    ),
    ...twice.map(([name]): Finding => ({
      rule: "name-collision",
      severity: "error",
      at: name,
      message: "is the name of two agents",
      hint,
    })),
    ...agents.flatMap((agent) =>
      collisions(
        [...agent.tools.map((tool) => tool.name), ...agent.handoffs.map((edge) => edge.toolName)],
        agent.name,
        "tools or handoffs",
      ),
    ),
  ];
}

export function dearTriage({ entry, agents, options: { price } }: Linted): readonly Finding[] {
  if (!price || entry.handoffs.length === 0) return [];
  const costOf = ({ model }: AgentDefinition): number | undefined =>
    model === undefined ? undefined : price(typeof model === "string" ? model : model.name);
  const own = costOf(entry);
  const others = agents.filter((agent) => agent !== entry).flatMap((agent) => costOf(agent) ?? []);
  if (own === undefined || others.length === 0 || own <= Math.max(...others)) return [];
  return [
    {
      rule: "dear-triage",
      severity: "warning",
      at: entry.name,
      message: `asks a dearer model (${own}) than any of its specialists (${Math.max(...others)}), and is asked in every conversation`,
      hint: "give triage a small model, or a router before it",
    },
  ];
}

export function untestedEdge({ edges, options: { coverage } }: Linted): readonly Finding[] {
  if (!coverage) return [];
  const taken = new Set(coverage.edges.filter(({ count }) => count > 0).map(edgeName));
  return edges
    .map(nameOf)
    .filter((name) => !taken.has(name))
    .map((at) => ({
      rule: "untested-edge",
      severity: "warning",
      at,
      message: "is taken by no test",
      hint: "write a test that hands over on it; `isolate(specialist, { from })` is the shortest",
    }));
}

/** Tools that must not run twice and that nobody is asked about. */
export function effectWithoutApproval({ agents }: Linted): readonly Finding[] {
  return agents.flatMap((agent) =>
    agent.tools.flatMap((tool): Finding[] => {
      if (!isFunctionTool(tool) || tool.nested || !tool.execute) return [];
      if (tool.sideEffects !== "once" || tool.needsApproval !== false) return [];
      return [
        {
          rule: "effect-without-approval",
          severity: "warning",
          at: `${agent.name}/${tool.name}`,
          message: "has effects that must not happen twice, and runs without a person being asked",
          hint: 'say `needsApproval: true` (or when), or `sideEffects: "none"` where it only reads',
        },
      ];
    }),
  );
}
