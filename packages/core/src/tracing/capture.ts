/** Which contents may leave in a span or a file. */

/** A kind of content. None of it leaves unless it is asked for. */
export type CaptureKind =
  /** What users and agents say. */
  | "messages"
  /** What the developer tells the models. */
  | "instructions"
  /** What tools and handoffs are called with, a handoff's payload included. */
  | "arguments"
  /** What tools give back. */
  | "results"
  /** Why a handoff was refused, a guardrail said no, a callback or an output failed: such sentences can quote any of the others. */
  | "reasons";

/** What of the contents is written: nothing, everything, or some kinds. */
export type Capture = boolean | readonly CaptureKind[];

const CAPTURE_KINDS: readonly CaptureKind[] = ["messages", "instructions", "arguments", "results", "reasons"];

/**
 * The kinds that `capture` names. Throws a `TypeError` for one that does not exist.
 *
 * @param capture @default {false}
 */
export function captured(capture: Capture = false): ReadonlySet<CaptureKind> {
  if (typeof capture === "boolean") return new Set(capture ? CAPTURE_KINDS : []);
  const unknown = capture.find((kind) => !CAPTURE_KINDS.includes(kind));
  if (unknown === undefined) return new Set(capture);
  throw new TypeError(`Cannot capture "${unknown}": known kinds are ${CAPTURE_KINDS.join(", ")}`);
}
