import { type AnyAgent, checkKeys } from "@batonjs/core";
import { everyHandoff } from "../edges.ts";
import { type AgentDefinition, agentsOf } from "../graph.ts";
import { noNotFor, overlappingCriteria, sameInstructions, vagueCriteria } from "./criteria-rules.ts";
import { privateDataWayOut, unfilteredEdge } from "./data-rules.ts";
import type { Finding, Linted, LintOptions, LintRule, Off } from "./findings.ts";
import {
  cycleWithoutExit,
  dearTriage,
  deadEnd,
  effectWithoutApproval,
  emptySpecialist,
  nameCollision,
  unreachableAgent,
  untestedEdge,
} from "./graph-rules.ts";

/** What `lintAgents` has found. */
export interface LintReport {
  /** What is to be looked at: errors first. */
  readonly findings: readonly Finding[];
  /** What was found and is turned off, with the reason. */
  readonly off: readonly (Finding & { readonly reason: string })[];
}

type Rule = (linted: Linted) => readonly Finding[] | Promise<readonly Finding[]>;

const RULES: Readonly<Record<Exclude<LintRule, "unused-off">, Rule>> = {
  "vague-criteria": vagueCriteria,
  "overlapping-criteria": overlappingCriteria,
  "no-not-for": noNotFor,
  "same-instructions": sameInstructions,
  "empty-specialist": emptySpecialist,
  "unreachable-agent": unreachableAgent,
  "dead-end": deadEnd,
  "cycle-without-exit": cycleWithoutExit,
  "name-collision": nameCollision,
  "dear-triage": dearTriage,
  "effect-without-approval": effectWithoutApproval,
  "private-data-way-out": privateDataWayOut,
  "unfiltered-edge": unfilteredEdge,
  "untested-edge": untestedEdge,
};

const OPTIONS: ReadonlySet<string> = new Set(["off", "agents", "classifier", "price", "labels", "coverage"]);
const OFF: ReadonlySet<string> = new Set(["rule", "at", "reason"]);

/** The rules of `lintAgents`, in the order in which they are checked. */
export const lintRules: readonly LintRule[] = [...(Object.keys(RULES) as LintRule[]), "unused-off"];

/**
 * Looks at the graph of `entry` without running it. `expect((await lintAgents(triage)).findings).toEqual([])` is a test.
 * Each rule is explained in docs/lint.md. Throws a `TypeError` for an `off` without a reason.
 */
export async function lintAgents(entry: AnyAgent, options: LintOptions = {}): Promise<LintReport> {
  checkKeys(options, OPTIONS, "lintAgents()");
  for (const off of options.off ?? []) {
    checkKeys(off, OFF, "what is turned off");
    if (!lintRules.includes(off.rule)) throw new TypeError(`Cannot turn off "${off.rule}": no rule has that name`);
    if (typeof off.reason !== "string" || off.reason.trim() === "")
      throw new TypeError(`Cannot turn off "${off.rule}" without a reason`);
  }
  const agents = [...agentsOf(entry).values()].flat();
  const linted: Linted = { entry: entry as AgentDefinition, agents, edges: everyHandoff(entry), options };
  const all = (await Promise.all(Object.values(RULES).map(async (rule) => rule(linted)))).flat();
  const reasons = all.map((finding) => options.off?.find((off) => covers(off, finding)));
  const off = all.flatMap((finding, i) => {
    const by = reasons[i];
    return by ? [{ ...finding, reason: by.reason }] : [];
  });
  const left = all.filter((_, i) => !reasons[i]);
  const unused = (options.off ?? []).filter((each) => !reasons.includes(each)).map(unusedOff);
  const found = [...left, ...unused];
  const [errors, warnings] = [found.filter(isError), found.filter((finding) => !isError(finding))];
  return { findings: [...errors, ...warnings], off };
}

const isError = ({ severity }: Finding): boolean => severity === "error";

function covers({ rule, at }: Off, finding: Finding): boolean {
  if (rule !== finding.rule) return false;
  if (at === undefined || at === finding.at) return true;
  return at instanceof RegExp && new RegExp(at).test(finding.at);
}

function unusedOff({ rule, at, reason }: Off): Finding {
  return {
    rule: "unused-off",
    severity: "warning",
    at: at === undefined ? "the graph" : String(at),
    message: `"${rule}" is turned off ("${reason}"), and finds nothing`,
    hint: "delete it from `off`",
  };
}

/** Findings as lines for a terminal: what, where, and what to write instead. */
export function lintText({ findings, off }: LintReport): string {
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`;
  const errors = findings.filter(isError).length;
  return [
    ...findings.flatMap(({ severity, rule, at, message, hint }) => [
      `${severity === "error" ? "error  " : "warning"} ${at} ${message} [${rule}]`,
      `        ${hint}`,
    ]),
    `${count(errors, "error")}, ${count(findings.length - errors, "warning")}${off.length === 0 ? "" : `, ${off.length} turned off`}`,
  ].join("\n");
}
