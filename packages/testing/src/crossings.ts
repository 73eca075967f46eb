import type { AnyAgent, InputItem, Item, ModelRequest } from "@batonjs/core";
import { everyHandoff, type HandoffEdge } from "./edges.ts";
import { IsolationError, type IsolateOptions, seenAfterHandoff, type WithContext } from "./isolate.ts";
import { itemLine } from "./transcript.ts";

/** Where a conversation can hold what must not cross an edge. */
export type MarkedPlace = "user" | "assistant" | "system" | "tool_call" | "tool_result";

/** What is handed over, and how. */
export type NothingCrossesOptions = Omit<IsolateOptions, "from" | "history" | "input" | "toolName" | "model"> & {
  /** Where the marked text stands. @default `["user", "assistant"]` */
  readonly places?: readonly MarkedPlace[];
  /** Edges that may carry it. @default edges back see all that was there before */
  readonly except?: (edge: HandoffEdge) => boolean;
};

/** A marked text that a specialist would have seen. */
export interface Crossing {
  readonly edge: HandoffEdge;
  readonly place: MarkedPlace;
  /** What the specialist would be asked. */
  readonly request: ModelRequest;
}

const SECRET = "must-not-cross-7f3a";

/**
 * Makes every handoff of the graph of `triage` with a conversation that holds a text which begins with `marker`, once
 * for each place, and throws an error that shows each edge on which the next agent would read it. `marker` is what
 * filters look for (`"[INTERNAL]"`), or a function that marks a text. No model is asked.
 */
export async function nothingCrosses<A extends AnyAgent>(
  triage: A,
  marker: string | ((text: string) => string),
  ...[options]: unknown extends WithContext<A>["context"]
    ? [options?: NothingCrossesOptions & WithContext<A>]
    : [options: NothingCrossesOptions & WithContext<A>]
): Promise<void> {
  const mark = typeof marker === "string" ? (text: string) => `${marker} ${text}` : marker;
  const { places = ["user", "assistant"], except = (edge: HandoffEdge) => edge.back, ...rest } = options ?? {};
  const found: Crossing[] = [];
  for (const edge of everyHandoff(triage)) {
    if (except(edge)) continue;
    for (const place of places) {
      const history = conversationWith(mark(SECRET), place, edge.from.name);
      const request = await seen(edge, history, rest);
      if (request && shows(request)) found.push({ edge, place, request });
    }
  }
  if (found.length > 0) throw new CrossingError(found);
}

/** What crosses edges that must not. */
export class CrossingError extends Error {
  override name = "CrossingError";
  readonly crossings: readonly Crossing[];

  constructor(crossings: readonly Crossing[]) {
    const count = crossings.length === 1 ? "1 marked text crosses" : `${crossings.length} marked texts cross`;
    super(`${count} a handoff:\n${crossings.map(describe).join("\n")}`);
    this.crossings = crossings;
  }
}

function describe({ edge, place, request }: Crossing): string {
  const lines = request.items.map((item) => `${isMarked(item) ? "  > " : "    "}${itemLine(item)}`);
  const instructions = request.instructions?.includes(SECRET) ? ["  > in the instructions"] : [];
  return [`${edge.from.name} → ${edge.to.name} by ${edge.toolName}, of a ${place}:`, ...instructions, ...lines].join(
    "\n",
  );
}

const isMarked = (item: Item): boolean => JSON.stringify(item).includes(SECRET);
const shows = ({ items, instructions = "" }: ModelRequest): boolean =>
  instructions.includes(SECRET) || items.some(isMarked);

/** Nothing where the handoff is refused: then nothing crosses. */
async function seen(
  { from, to, toolName }: HandoffEdge,
  history: readonly InputItem[],
  options: object,
): Promise<ModelRequest | undefined> {
  try {
    return await seenAfterHandoff(to, { ...options, from, toolName, history });
  } catch (error) {
    if (error instanceof IsolationError && !error.message.includes("nothing provides")) return undefined;
    throw error;
  }
}

function conversationWith(secret: string, place: MarkedPlace, agent: string): readonly InputItem[] {
  const question = { type: "message", role: "user", content: "Can you help me?" } as const;
  const answer = { type: "message", id: "a", agent, role: "assistant", content: "Sure." } as const;
  const last = { type: "message", role: "user", content: "Please go on." } as const;
  const traffic = (args: string, output: string): readonly InputItem[] => [
    { type: "tool_call", id: "c", agent, callId: "earlier", name: "look_up", arguments: args },
    { type: "tool_result", id: "r", agent, callId: "earlier", output, status: "ok" },
  ];
  switch (place) {
    case "user":
      return [question, { ...question, content: secret }, answer, last];
    case "assistant":
      return [question, { ...answer, content: secret }, last];
    case "system":
      return [question, answer, { type: "message", role: "system", content: secret }, last];
    case "tool_call":
      return [question, ...traffic(JSON.stringify({ note: secret }), "found"), answer, last];
    default:
      place satisfies "tool_result";
      return [question, ...traffic("{}", secret), answer, last];
  }
}
