import type { AnyAgent, Plugin, RunEvent } from "@batonjs/core";
import { type AgentGraph, agentGraph, edgeName, type GraphEdge, toText } from "./agent-graph.ts";
import { everyHandoff } from "./edges.ts";
import { type AgentDefinition, agentsOf, isFunctionTool } from "./graph.ts";
import { announce } from "./watch.ts";

/** What is counted. */
export type CoverageKind = "agents" | "tools" | "edges" | "filters" | "guardrails" | "approvals";

/** One thing that can run, and how often it did. */
export interface CoverageEntry {
  /** The agent, `agent/tool`, the edge, or the edge or kind and the name. */
  readonly name: string;
  readonly count: number;
}
/** An edge, and how often it was taken. */
export type CoveredEdge = CoverageEntry & Pick<GraphEdge, "from" | "to" | "toolName">;

/** What ran and what did not, as plain data. */
export interface CoverageReport extends Readonly<Record<Exclude<CoverageKind, "edges">, readonly CoverageEntry[]>> {
  readonly edges: readonly CoveredEdge[];
  /** The graph, where it is known. */
  readonly graph?: AgentGraph;
}

/** The least share of each kind that has to run, in percent. */
export type CoverageThresholds = Partial<Readonly<Record<CoverageKind, number>>>;

/** A plugin that counts. One can be given to any number of runners. */
export interface GraphCoverage extends Plugin {
  report(): CoverageReport;
}

const KINDS: readonly CoverageKind[] = ["agents", "tools", "edges", "filters", "guardrails", "approvals"];

/** A share of the graph that no test has run. */
export class CoverageError extends Error {
  override name = "CoverageError";
}

/**
 * Counts which agents, tools, edges, filters, guardrails and approvals of the graph of `entry` have run, in all runners
 * that it is a plugin of. With the setup file `@batonjs/testing/vitest` and `@batonjs/testing/coverage-reporter` the
 * counts of all test files are added up.
 *
 * ```ts
 * import { Agent, Runner } from "@batonjs/core";
 * import { assertCoverage, coverageText, graphCoverage } from "@batonjs/testing";
 *
 * const triage = new Agent({ name: "Triage" });
 * const coverage = graphCoverage(triage);
 * const runner = new Runner({ plugins: [coverage] });
 * // … tests …
 * console.log(coverageText(coverage.report()));
 * ```
 */
export function graphCoverage(entry: AnyAgent): GraphCoverage {
  const counts = new Counts();
  declare(entry, counts);
  const graph = agentGraph(entry);
  const plugin: GraphCoverage = {
    name: "graphCoverage",
    onEvent: (event) => count(event, counts),
    report: () => ({ ...counts.report(), graph }),
  };
  announce({ name: "graphCoverage", problems: () => [], coverage: plugin.report });
  return plugin;
}

/** Everything that there is, none of it run. */
function declare(entry: AnyAgent, counts: Counts): void {
  for (const agent of [...agentsOf(entry).values()].flat()) {
    counts.add("agents", agent.name, 0);
    for (const each of agent.inputGuardrails) counts.add("guardrails", `input ${each.name}`, 0);
    for (const each of agent.outputGuardrails) counts.add("guardrails", `output ${each.name}`, 0);
    for (const tool of agent.tools) if (isFunctionTool(tool)) declareTool(tool, agent, counts);
    for (const edge of agent.handoffs) {
      for (const each of edge.guardrails) counts.add("guardrails", `handoff ${each.name}`, 0);
      if (edge.needsApproval !== false) counts.add("approvals", `${agent.name}/${edge.toolName}`, 0);
    }
  }
  for (const { from, to, toolName, handoff } of everyHandoff(entry)) {
    const edge = { from: from.name, to: to.name, toolName };
    counts.addEdge(edge, 0);
    for (const filter of handoff.inputFilters) counts.add("filters", filterName(edge, filter.name), 0);
  }
}

function declareTool(
  tool: Extract<AgentDefinition["tools"][number], { readonly kind: "tool" }>,
  agent: AgentDefinition,
  counts: Counts,
): void {
  const name = `${agent.name}/${tool.name}`;
  counts.add("tools", name, 0);
  if (tool.needsApproval !== false) counts.add("approvals", name, 0);
  for (const each of tool.inputGuardrails) counts.add("guardrails", `tool_input ${each.name}`, 0);
  for (const each of tool.outputGuardrails) counts.add("guardrails", `tool_output ${each.name}`, 0);
}

function count(event: RunEvent, counts: Counts): void {
  switch (event.type) {
    case "turn_started":
      counts.add("agents", event.agent, 1);
      return;
    case "tool_started":
      counts.add("tools", `${event.agent}/${event.name}`, 1);
      return;
    case "guardrail":
      counts.add("guardrails", `${event.kind} ${event.name}`, 1);
      return;
    case "approval_needed":
      if (event.pending.kind === "approval") counts.add("approvals", `${event.pending.agent}/${event.pending.name}`, 1);
      return;
    case "handoff": {
      const { from, to, toolName, filters } = event;
      if (toolName === undefined) return; // the way back of a consultation
      counts.addEdge({ from, to, toolName }, 1);
      for (const filter of filters) counts.add("filters", filterName({ from, to, toolName }, filter), 1);
      return;
    }
    default:
  }
}

const filterName = (edge: Pick<GraphEdge, "from" | "to" | "toolName">, filter: string): string =>
  `${edgeName(edge)} ${filter || "filter"}`;

class Counts {
  readonly #counts = new Map(KINDS.map((kind) => [kind, new Map<string, number>()]));
  readonly #edges = new Map<string, Pick<GraphEdge, "from" | "to" | "toolName">>();

  add(kind: CoverageKind, name: string, by: number): void {
    const counts = this.#counts.get(kind)!;
    counts.set(name, (counts.get(name) ?? 0) + by);
  }

  addEdge({ from, to, toolName }: Pick<GraphEdge, "from" | "to" | "toolName">, by: number): void {
    const name = edgeName({ from, to, toolName });
    this.#edges.set(name, { from, to, toolName });
    this.add("edges", name, by);
  }

  report(): CoverageReport {
    const entries = (kind: CoverageKind): readonly CoverageEntry[] =>
      [...this.#counts.get(kind)!].map(([name, times]) => ({ name, count: times }));
    return {
      agents: entries("agents"),
      tools: entries("tools"),
      edges: entries("edges").map((entry) => ({ ...this.#edges.get(entry.name)!, ...entry })),
      filters: entries("filters"),
      guardrails: entries("guardrails"),
      approvals: entries("approvals"),
    };
  }
}

/** Reports of several graphs, test files or processes as one. */
export function mergeCoverage(reports: Iterable<CoverageReport>): CoverageReport {
  const counts = new Counts();
  let graph: AgentGraph | undefined;
  for (const report of reports) {
    for (const edge of report.edges) counts.addEdge(edge, edge.count);
    for (const kind of KINDS) {
      if (kind !== "edges") for (const entry of report[kind]) counts.add(kind, entry.name, entry.count);
    }
    graph = graph && report.graph ? together(graph, report.graph) : (graph ?? report.graph);
  }
  return { ...counts.report(), ...(graph ? { graph } : {}) };
}

function together(a: AgentGraph, b: AgentGraph): AgentGraph {
  const names = new Set(a.nodes.map(({ name }) => name));
  const edges = new Set(a.edges.map(edgeName));
  return {
    entry: a.entry,
    nodes: [...a.nodes, ...b.nodes.filter(({ name }) => !names.has(name))],
    edges: [...a.edges, ...b.edges.filter((edge) => !edges.has(edgeName(edge)))],
  };
}

const cold = (entries: readonly CoverageEntry[]): readonly string[] =>
  entries.filter((entry) => entry.count === 0).map(({ name }) => name);

/** Percent of the entries that ran; of none 100. */
function share(entries: readonly CoverageEntry[]): number {
  return entries.length === 0 ? 100 : Math.floor(((entries.length - cold(entries).length) / entries.length) * 100);
}

/** The report as a table with what is cold, and the graph with its cold agents and edges. */
export function coverageText(report: CoverageReport): string {
  const rows = KINDS.filter((kind) => report[kind].length > 0).map((kind) => {
    const entries = report[kind];
    const ran = `${entries.length - cold(entries).length} of ${entries.length}`;
    const names = cold(entries).join(", ");
    return `${kind.padEnd(10)} ${ran.padStart(9)} ${`${share(entries)} %`.padStart(6)}${names === "" ? "" : `  cold: ${names}`}`;
  });
  const { graph } = report;
  if (!graph) return rows.join("\n");
  return [...rows, "", toText(graph, { coldNodes: cold(report.agents), coldEdges: cold(report.edges) })].join("\n");
}

/** What is below the thresholds, one sentence each. */
export function coverageProblems(report: CoverageReport, thresholds: CoverageThresholds): readonly string[] {
  return KINDS.flatMap((kind) => {
    const least = thresholds[kind];
    if (least === undefined || share(report[kind]) >= least) return [];
    return [
      `${share(report[kind])} % of ${kind} ran, ${least} % are wanted; cold are ${cold(report[kind]).join(", ")}`,
    ];
  });
}

/** Throws a `CoverageError` where less has run than is wanted. */
export function assertCoverage(report: CoverageReport, thresholds: CoverageThresholds): void {
  const problems = coverageProblems(report, thresholds);
  if (problems.length > 0) throw new CoverageError(problems.join("\n"));
}
