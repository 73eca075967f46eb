/** Messages and the agents that they are for, from a file. */
import type { AnyAgent } from "@batonjs/core";
import { quote } from "../text.ts";
import { knownOf, type Labels, labelsOf } from "./agents.ts";
import { csvRows, separatorOf } from "./csv.ts";

/** A message and the agent that it is for. */
export interface RoutingCase {
  readonly text: string;
  /** Name of the agent or of the handoff to it; `null`, `"none"` or the triage's own name: it stays with triage. */
  readonly agent: string | null;
  /** Where it stands in its file, from 1. */
  readonly line?: number;
}

/** How a file of cases is read. */
export interface ReadCasesOptions {
  /**
   * `csv`: rows of text and agent, with or without a first row that names the columns `text` and `agent`, separated by
   * comma, semicolon or tab. `jsonl`: an object with `text` and `agent` in each line.
   */
  readonly format: "csv" | "jsonl";
  /** The agent that is to be evaluated: rows that name an agent which it does not reach are broken. */
  readonly agent?: AnyAgent;
}

/** A row that cannot be used, and why: "has no agent". */
export interface CaseProblem {
  readonly line: number;
  readonly problem: string;
}

/** Rows that cannot be used. The message names the first of them, `problems` has all. */
export class CasesError extends TypeError {
  override name = "CasesError";
  readonly problems: readonly CaseProblem[];

  constructor(problems: readonly CaseProblem[], hint: string) {
    const count = problems.length === 1 ? "1 row" : `${problems.length} rows`;
    const named = problems.slice(0, MAX_NAMED).map(({ line, problem }) => `line ${line} ${problem}`);
    const more = problems.length > MAX_NAMED ? [`and ${problems.length - MAX_NAMED} more`] : [];
    super(`Cannot use ${count} of the cases: ${[...named, ...more].join("; ")}${hint}`);
    this.problems = problems;
  }
}

/** The most rows that the message of an error names. */
const MAX_NAMED = 20;

/** Names of columns and fields, the first that is there. */
const TEXT = ["text", "message", "input"];
const AGENT = ["agent", "expected", "to"];

/**
 * Reads cases for `evaluateRouting`. Throws a `CasesError` that names every row which cannot be used with its line, and
 * a `TypeError` where there is no row.
 */
export function readCases(text: string, { format, agent }: ReadCasesOptions): readonly RoutingCase[] {
  if (format !== "csv" && format !== "jsonl")
    throw new TypeError(`Cannot use ${quote(format)} as the format of cases: expected "csv" or "jsonl"`);
  const labels = agent && labelsOf(agent);
  const plain = text.replace(/^\uFEFF/, "");
  const rows = format === "csv" ? readCsv(plain) : readJsonl(plain);
  const cases: RoutingCase[] = [];
  const problems: CaseProblem[] = [];
  let unknown = false;
  for (const row of rows) {
    const wrong = "problem" in row ? row.problem : problemOf(row, labels);
    if (wrong !== undefined) problems.push({ line: row.line, problem: wrong });
    else if (!("problem" in row)) cases.push(row);
    unknown ||= wrong?.startsWith(UNKNOWN) ?? false;
  }
  if (problems.length > 0) throw new CasesError(problems, unknown && labels ? `; ${knownOf(labels)}` : "");
  if (cases.length === 0) throw new TypeError("Cannot read cases: there is no row with a text and an agent");
  return cases;
}

type Row = (RoutingCase & { readonly line: number }) | CaseProblem;

const UNKNOWN = "names the unknown agent";

function problemOf({ text, agent }: RoutingCase, labels: Labels | undefined): string | undefined {
  if (text.trim() === "") return "has no text";
  if (agent?.trim() === "") return "has no agent";
  return labels && labels.find(agent) === undefined ? `${UNKNOWN} ${quote(agent)}` : undefined;
}

function readCsv(text: string): readonly Row[] {
  const rows = csvRows(text, separatorOf(text));
  const header = rows[0]?.fields.map((field) => field.trim().toLowerCase()) ?? [];
  const at = { text: columnOf(header, TEXT), agent: columnOf(header, AGENT) };
  const hasHeader = at.text >= 0 && at.agent >= 0;
  const width = hasHeader ? header.length : 2;
  const column = hasHeader ? at : { text: 0, agent: 1 };
  return rows.slice(hasHeader ? 1 : 0).map(({ line, fields, problem }): Row => {
    if (problem !== undefined) return { line, problem };
    if (fields.length !== width) {
      const hint = fields.length > width ? " (a text with the separator in it goes in quotes)" : "";
      const count = fields.length === 1 ? "1 field" : `${fields.length} fields`;
      return { line, problem: `has ${count} where ${width} are expected${hint}` };
    }
    return { line, text: fields[column.text] ?? "", agent: (fields[column.agent] ?? "").trim() };
  });
}

const columnOf = (header: readonly string[], names: readonly string[]): number =>
  header.findIndex((field) => names.includes(field));

function readJsonl(text: string): readonly Row[] {
  return text
    .split("\n")
    .map((row, i): Row | undefined => (row.trim() === "" ? undefined : readObject(row, i + 1)))
    .filter((row) => row !== undefined);
}

function readObject(row: string, line: number): Row {
  let value: unknown;
  try {
    value = JSON.parse(row);
  } catch {
    return { line, problem: "is not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { line, problem: "is not an object with text and agent" };
  const fields = value as Readonly<Record<string, unknown>>;
  const text = firstOf(fields, TEXT);
  const agent = firstOf(fields, AGENT);
  if (typeof text !== "string") return { line, problem: "has no text" };
  if (agent !== null && typeof agent !== "string") return { line, problem: "has no agent" };
  return { line, text, agent };
}

function firstOf(fields: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  const name = names.find((each) => Object.hasOwn(fields, each));
  return name === undefined ? undefined : fields[name];
}
