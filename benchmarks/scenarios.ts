/** What is measured, and the goals of it. */
import { ANSWER, type Contestant, DELTA, type Mark, type RunOnce, modelWait } from "./contestants/contestant.ts";

export interface Scenario {
  readonly id: string;
  readonly what: string;
  /** The runs to time. A contestant that cannot do it gives nothing. */
  prepare(contestant: Contestant): RunOnce | undefined;
  /** What the run must answer. */
  readonly answer: string;
  /** What one run's time is divided by: turns, deltas. @default 1 */
  readonly per?: number;
  /** Runs at the same time. @default 1 */
  readonly concurrent?: number;
  /** At most this many times the floor. */
  readonly goal: number;
  /** Who ratios are taken to. @default bare-plus */
  readonly floor?: string;
}

const CONCURRENT = 1_000;
const DELTAS = 10_000;
const CALLS = 50;
const MANY_CALLS = 500;
const MODEL_MS = 50;
const unmarked: Mark = () => {};

export const SCENARIOS: readonly Scenario[] = [
  { id: "S1", what: "one agent, one turn", prepare: (c) => c.S1?.(), answer: ANSWER, goal: 4 },
  { id: "S2", what: "triage, handoff, answer", prepare: (c) => c.S2?.(), answer: ANSWER, goal: 4 },
  { id: "S3", what: "chain of 10 agents", prepare: (c) => c.S3?.(10), answer: ANSWER, goal: 4 },
  {
    id: "S4",
    what: `${CALLS} tool calls in sequence, zod-checked, per turn`,
    prepare: (c) => c.S4?.(CALLS, unmarked),
    answer: ANSWER,
    per: CALLS + 1,
    goal: 3,
  },
  {
    id: "S4x500",
    what: `${MANY_CALLS} tool calls in sequence, per turn`,
    prepare: (c) => c.S4?.(MANY_CALLS, unmarked),
    answer: ANSWER,
    per: MANY_CALLS + 1,
    goal: 1.2,
  },
  {
    id: "S5",
    what: "one turn on a conversation of 1,000 messages",
    prepare: (c) => c.S5?.(1_000),
    answer: ANSWER,
    goal: 4,
  },
  { id: "S5x10000", what: "the same with 10,000 messages", prepare: (c) => c.S5?.(10_000), answer: ANSWER, goal: 5 },
  {
    id: "S6",
    what: "stream of 10,000 deltas, per delta",
    prepare: (c) => c.S6?.(DELTAS),
    answer: DELTA.repeat(DELTAS),
    per: DELTAS,
    goal: 2,
  },
  {
    id: "S7",
    what: `1,000 concurrent S2 runs, model waits ${MODEL_MS} ms, per run`,
    prepare: (c) => c.S2?.(modelWait(MODEL_MS)),
    answer: ANSWER,
    concurrent: CONCURRENT,
    goal: 3,
  },
  {
    id: "S8",
    what: "handoff with a filter that drops tool items, 1,000 items",
    prepare: (c) => c.S8?.(1_000),
    answer: ANSWER,
    goal: 4,
  },
  {
    id: "S9",
    what: "S2 over HTTP to a loopback server, Responses, JSON",
    prepare: (c) => c.S9?.("json"),
    answer: ANSWER,
    goal: 1.1,
    floor: "openai-client",
  },
  {
    id: "S9xsse",
    what: "the same, streamed",
    prepare: (c) => c.S9?.("sse"),
    answer: ANSWER,
    goal: 1.1,
    floor: "openai-client",
  },
];

/** Goals that are no ratio of times. */
export const GROWTH = {
  what: "– its turns 480 to 500, over turns 5 to 25",
  calls: MANY_CALLS,
  early: 5,
  late: 480,
  width: 20,
  goal: 1.4,
};
export const LIVE = { what: "– heap that each holds while it waits", runs: CONCURRENT, goal: 6 };
export const COSTS = {
  import: { what: "import, over an empty process", unit: "ms", goal: 10 },
  bundle: { what: "bundle of agent, run and handoff, minified, gzipped", unit: "KB", goal: 20 },
  packages: { what: "installed: packages", unit: "", goal: 1 },
  installed: { what: "installed: size", unit: "MB", goal: 1 },
};
