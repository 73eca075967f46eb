/** The threshold for a wanted precision, from labelled messages. */
import type { Taught } from "./learner.ts";
import { judgeBy } from "./rungs/examples.ts";
import { share } from "./options.ts";
import { clip, normal } from "./text.ts";

/** A message and the agent that it is for. */
export interface LabelledMessage {
  readonly text: string;
  /** Name of the agent or of the handoff; `null`: none of them. */
  readonly to: string | null;
}

/** What is wanted of the messages that the router decides. */
export interface Precision {
  /** Share of them that goes to the right agent, from 0 to 1. */
  readonly precision: number;
}

/** A threshold and what it does on the messages that it was fitted on. */
export interface FittedThreshold {
  readonly threshold: number;
  /** Of the messages that are decided, the share that goes to the right agent; 1 where none is decided. */
  readonly precision: number;
  /** Of the messages for an agent, the share that is decided. */
  readonly coverage: number;
  /** Messages that counted. */
  readonly messages: number;
  /** Messages that are examples themselves, which would make the router look better than it is. */
  readonly leftOut: number;
  /** Whether any threshold reaches the wanted precision. Else nothing is decided by examples. */
  readonly reached: boolean;
}

interface Row {
  readonly score: number;
  readonly right: boolean;
  /** The message is for an agent. */
  readonly inScope: boolean;
}

/** The lowest threshold at which the messages at or above it are right often enough. */
export function fitThreshold(
  taught: Taught | undefined,
  messages: Iterable<LabelledMessage>,
  { precision }: Precision,
  agent: string,
): FittedThreshold {
  share("precision", precision);
  if (!taught) throw new TypeError(`Cannot fit thresholds for agent "${agent}": it has no two handoffs to tell apart`);
  const examples = new Set(taught.lessons.examples.map(({ text }) => normal(text)));
  const rows: Row[] = [];
  let leftOut = 0;
  let count = 0;
  let inScope = 0;
  for (const message of messages) {
    if (examples.has(normal(message.text))) {
      leftOut += 1;
      continue;
    }
    count += 1;
    const wanted = agentOf(message, taught, count, agent);
    if (wanted !== null) inScope += 1;
    const judged = judgeBy(taught, clip(message.text));
    if (!judged || judged.to === null) continue; // goes on to the next rung, whatever the threshold
    const right = taught.lessons.agents.get(judged.to) === wanted;
    rows.push({ score: judged.score ?? 1, right, inScope: wanted !== null });
  }
  if (count === 0)
    throw new TypeError(`Cannot fit thresholds for agent "${agent}": there is no message to fit them on`);
  return { ...lowest(rows, precision, inScope), messages: count, leftOut };
}

function agentOf({ to }: LabelledMessage, { lessons }: Taught, number: number, agent: string): string | null {
  if (to === null) return null;
  const name = lessons.agents.get(to) ?? to;
  const known = [...new Set(lessons.agents.values())];
  if (known.includes(name)) return name;
  throw new TypeError(
    `Cannot use message ${number} to fit thresholds: agent "${agent}" has no handoff to "${to}"; known are ${known.map((one) => `"${one}"`).join(", ")}`,
  );
}

function lowest(rows: Row[], precision: number, inScope: number): Omit<FittedThreshold, "messages" | "leftOut"> {
  rows.sort((a, b) => b.score - a.score);
  let right = 0;
  let best: { readonly count: number; readonly right: number } | undefined;
  for (const [i, row] of rows.entries()) {
    if (row.right) right += 1;
    const next = rows[i + 1];
    const together = next?.score === row.score; // equal scores are decided together
    if (!together && right >= precision * (i + 1)) best = { count: i + 1, right };
  }
  if (!best) return { threshold: 1, precision: 1, coverage: 0, reached: false };
  const decided = rows.slice(0, best.count).filter((row) => row.inScope).length;
  const last = rows[best.count - 1]!.score;
  const next = rows[best.count]?.score;
  return {
    // Half way to the next message, which is not to be decided.
    threshold: next === undefined ? last : (last + next) / 2,
    precision: best.right / best.count,
    coverage: inScope === 0 ? 0 : decided / inScope,
    reached: true,
  };
}
