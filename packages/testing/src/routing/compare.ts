/** A report beside one that was saved before. */
import type { RoutingReport, RoutingResult } from "./report.ts";
import { percent, shown } from "./words.ts";

/** How much worse routing may be. All are shares, from 0 to 1, but `callsPerMessage`. */
export interface CompareOptions {
  /** Of accuracy. @default {0} */
  readonly accuracy?: number;
  /** Of the precision and the recall of each edge. @default {0.1} */
  readonly edge?: number;
  /** Model calls for each message. @default {0.1} */
  readonly callsPerMessage?: number;
}

/** A message that goes elsewhere than before. */
export interface ChangedRoute {
  readonly text: string;
  readonly expected: string | null;
  readonly before: string | null;
  readonly now: string | null;
}

/** What became worse and what better. Messages that only one of the reports has do not count. */
export interface RoutingComparison {
  /** Nothing is worse than allowed: what CI asks. */
  readonly ok: boolean;
  /** Messages that both reports have. */
  readonly messages: number;
  readonly accuracy: { readonly before: number; readonly now: number };
  readonly callsPerMessage: { readonly before: number; readonly now: number };
  /** A sentence for each thing that is worse than allowed. */
  readonly worse: readonly string[];
  readonly newlyWrong: readonly ChangedRoute[];
  readonly newlyRight: readonly ChangedRoute[];
}

/**
 * Compares with a saved report, on the messages that both have: a case that was added does not make routing worse.
 * Throws a `TypeError` for a baseline that is not a report, is of another agent or has no message in common.
 */
export function compareRouting(
  report: RoutingReport,
  baseline: unknown,
  options: CompareOptions = {},
): RoutingComparison {
  const { accuracy: maxAccuracy = 0, edge: maxEdge = 0.1, callsPerMessage: maxCalls = 0.1 } = options;
  for (const [name, value] of Object.entries({ accuracy: maxAccuracy, edge: maxEdge, callsPerMessage: maxCalls })) {
    if (!(value >= 0)) throw new RangeError(`Cannot use ${value} as ${name} as it must be 0 or more`);
  }
  const before = pairs(readBaseline(baseline, report.agent), report.results);
  const accuracy = { before: shareRight(before, "before"), now: shareRight(before, "now") };
  const callsPerMessage = { before: callsOf(before, "before"), now: callsOf(before, "now") };
  const worse: string[] = [];
  if (exceeds(accuracy.before - accuracy.now, maxAccuracy))
    worse.push(`accuracy is ${percent(accuracy.now)}, was ${percent(accuracy.before)}`);
  if (exceeds(callsPerMessage.now - callsPerMessage.before, maxCalls))
    worse.push(
      `model calls for each message are ${callsPerMessage.now.toFixed(2)}, were ${callsPerMessage.before.toFixed(2)}`,
    );
  for (const agent of [null, ...report.agents])
    worse.push(...worseEdges(before, agent, agent ?? report.agent, maxEdge));
  const changed = (wasRight: boolean): readonly ChangedRoute[] =>
    before
      .filter((pair) => pair.before.right === wasRight && pair.now.right !== wasRight)
      .map((pair) => ({
        text: pair.now.text,
        expected: pair.now.expected,
        before: pair.before.actual,
        now: pair.now.actual,
      }));
  return {
    ok: worse.length === 0,
    messages: before.length,
    accuracy,
    callsPerMessage,
    worse,
    newlyWrong: changed(true),
    newlyRight: changed(false),
  };
}

type Kept = Pick<RoutingResult, "text" | "expected" | "actual" | "right" | "calls">;

interface Pair {
  readonly before: Kept;
  readonly now: Kept;
}

type Side = keyof Pair;

/** A message that occurs twice is paired in order. */
function pairs(before: readonly Kept[], now: readonly Kept[]): readonly Pair[] {
  const left = new Map<string, Kept[]>();
  for (const result of before) left.set(keyOf(result), [...(left.get(keyOf(result)) ?? []), result]);
  const found = now.flatMap((result): Pair[] => {
    const same = left.get(keyOf(result))?.shift();
    return same ? [{ before: same, now: result }] : [];
  });
  if (found.length > 0) return found;
  throw new TypeError("Cannot compare with the baseline: it has no message in common with the report");
}

/** A message whose agent was corrected is another case. */
const keyOf = ({ text, expected }: Kept): string => JSON.stringify([text, expected]);

const shareRight = (all: readonly Pair[], side: Side): number =>
  all.filter((pair) => pair[side].right).length / all.length;

const callsOf = (all: readonly Pair[], side: Side): number =>
  all.reduce((total, pair) => total + pair[side].calls, 0) / all.length;

/** Sums of fractions are not exact. */
const exceeds = (difference: number, allowed: number): boolean => difference > allowed + 1e-9;

function worseEdges(all: readonly Pair[], agent: string | null, name: string, allowed: number): readonly string[] {
  const share = (side: Side, of: "expected" | "actual"): number | undefined => {
    const own = all.filter((pair) => pair[side][of] === agent);
    return own.length === 0 ? undefined : own.filter((pair) => pair[side].right).length / own.length;
  };
  return (["precision", "recall"] as const).flatMap((what): string[] => {
    const of = what === "precision" ? "actual" : "expected";
    const [was, is] = [share("before", of), share("now", of)];
    if (was === undefined || is === undefined || !exceeds(was - is, allowed)) return [];
    return [`${what} of "${shown(name, 60)}" is ${percent(is)}, was ${percent(was)}`];
  });
}

function readBaseline(baseline: unknown, agent: string): readonly Kept[] {
  const { version, agent: other, results } = fieldsOf(baseline);
  if (version !== 1 || !Array.isArray(results))
    throw new TypeError("Cannot compare with the baseline: it is not a routing report of this version");
  if (other !== agent)
    throw new TypeError(
      `Cannot compare with the baseline: it is of agent "${shown(String(other), 60)}", the report of agent "${agent}"`,
    );
  return results.map((result, i): Kept => {
    const { text, expected, actual, right, calls } = fieldsOf(result);
    const isName = (value: unknown): value is string | null => value === null || typeof value === "string";
    if (typeof text !== "string" || !isName(expected) || !isName(actual))
      throw new TypeError(`Cannot compare with the baseline: its result ${i} cannot be read`);
    return { text, expected, actual, right: right === true, calls: typeof calls === "number" ? calls : 0 };
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
