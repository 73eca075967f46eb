/**
 * Properties of every handoff of a graph, checked with conversations that fast-check makes up.
 *
 * @module
 */
import type { AnyAgent, InputItem } from "@batonjs/core";
import * as fc from "fast-check";
import { arbitraries } from "./arbitraries.ts";
import { everyHandoff, type HandoffEdge } from "./edges.ts";
import { type IsolateOptions, IsolationError, seenAfterHandoff, type WithContext } from "./isolate.ts";
import { checkRequest } from "./oracle.ts";

/** How a property is checked. */
export type PropertyOptions = Omit<IsolateOptions, "from" | "history" | "input" | "toolName" | "model"> & {
  /** Conversations for each edge. @default {25} */
  readonly numRuns?: number;
  /** What fast-check begins with: the seed of a failure makes it again. */
  readonly seed?: number;
  /** Edges to leave out. */
  readonly except?: (edge: HandoffEdge) => boolean;
};

/**
 * Makes every handoff of the graph of `triage` after made-up conversations, and throws where a filter gives the next
 * agent a history that a provider refuses: calls without results, reasoning without its item, ids twice. A handoff that
 * is refused is right, unless all are. The error shows the edge, the shortest conversation found, and the seed.
 */
export async function anyFilterKeepsHistoryValid<A extends AnyAgent>(
  triage: A,
  ...[options]: unknown extends WithContext<A>["context"]
    ? [options?: PropertyOptions & WithContext<A>]
    : [options: PropertyOptions & WithContext<A>]
): Promise<void> {
  const { numRuns = 25, seed, except = () => false, ...rest } = options ?? {};
  for (const edge of everyHandoff(triage)) {
    if (except(edge)) continue;
    const { from, to, toolName } = edge;
    const entry = edge.back ? to : from;
    let made = 0;
    let refusal: IsolationError | undefined;
    const property = fc.asyncProperty(arbitraries.transcript({ agents: [entry.name] }), async (items) => {
      const history: InputItem[] = [...items, { role: "user", content: "Please go on." }];
      try {
        checkRequest(await seenAfterHandoff(to, { ...(rest as object), from, toolName, history }));
        made += 1;
      } catch (error) {
        if (!(error instanceof IsolationError)) throw error;
        refusal = error;
      }
    });
    try {
      await fc.assert(property, { numRuns, ...(seed === undefined ? {} : { seed }) });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${from.name} → ${to.name} by ${toolName} fails: ${why}`, { cause });
    }
    if (made === 0)
      throw new Error(`${from.name} → ${to.name} by ${toolName} is never made: ${refusal?.message ?? ""}`, {
        cause: refusal,
      });
  }
}
