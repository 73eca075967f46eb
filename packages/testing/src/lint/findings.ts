import type { AnyAgent } from "@batonjs/core";
import type { GraphEdge } from "../agent-graph.ts";
import type { HandoffEdge } from "../edges.ts";
import type { AgentDefinition } from "../graph.ts";

/** What is checked. Each has a section in docs/lint.md. */
export type LintRule =
  | "vague-criteria"
  | "overlapping-criteria"
  | "no-not-for"
  | "same-instructions"
  | "empty-specialist"
  | "unreachable-agent"
  | "dead-end"
  | "cycle-without-exit"
  | "name-collision"
  | "dear-triage"
  | "effect-without-approval"
  | "private-data-way-out"
  | "unfiltered-edge"
  | "untested-edge"
  | "unused-off";

/** Something that a rule has found. */
export interface Finding {
  readonly rule: LintRule;
  readonly severity: "error" | "warning";
  /** The agent, `agent/tool` or edge. */
  readonly at: string;
  readonly message: string;
  /** What to write instead. */
  readonly hint: string;
}

/** What a rule is not to find, and why. */
export interface Off {
  readonly rule: LintRule;
  /** The agent, `agent/tool` or edge, as findings name it. @default everywhere */
  readonly at?: string | RegExp;
  readonly reason: string;
}

/** What a tool touches. `out` sends data to where others read it. */
export type Label = "private" | "untrusted" | "out";

/** A classifier, as the local router has them: `lexical()`, `embedded()`. */
export interface LintClassifier {
  fit(
    examples: readonly { readonly text: string; readonly label: string; readonly intent: string }[],
  ): Learned | Promise<Learned>;
}
interface Learned {
  predict(text: string): readonly { readonly label: string; readonly score: number }[];
}

/** What the rules know beside the graph. */
export interface LintOptions {
  /** What is turned off. Each needs a reason; one that turns off nothing is a finding itself. */
  readonly off?: readonly Off[];
  /** All agents that there are, to find those that nothing leads to. */
  readonly agents?: readonly AnyAgent[];
  /** Whether examples of siblings are told apart is asked of it. @default words in common */
  readonly classifier?: LintClassifier;
  /** What a model costs, in any one unit. */
  readonly price?: (model: string) => number | undefined;
  /** What tools touch, by the tool's name or `agent/tool`. */
  readonly labels?: Readonly<Record<string, readonly Label[]>>;
  /** Edges that tests have taken, as `coverage()` reports them. */
  readonly coverage?: {
    readonly edges: readonly (Pick<GraphEdge, "from" | "to" | "toolName"> & { readonly count: number })[];
  };
}

/** What a rule reads. */
export interface Linted {
  readonly entry: AgentDefinition;
  readonly agents: readonly AgentDefinition[];
  readonly edges: readonly HandoffEdge[];
  readonly options: LintOptions;
}
