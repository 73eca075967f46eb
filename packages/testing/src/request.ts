import type { CallSite, ModelRequest, VisibleItem } from "@batonjs/core";

/** What differs from a plain request; `agent`, `turn` and so on say where in a run it is made. */
export type RequestOptions = Partial<Omit<ModelRequest, "items" | "at">> & Partial<CallSite>;

/**
 * A request as a run makes it, for tests of a model without a run: no tools, no handoffs, default settings, turn 1 of
 * run `run` and agent `Agent`, unless `options` says otherwise.
 */
export function requestOf(items: readonly VisibleItem[], options: RequestOptions = {}): ModelRequest {
  const { runId = "run", agent = "Agent", turn = 1, path = [], session, purpose, metadata, ...rest } = options;
  return {
    items,
    tools: [],
    handoffs: [],
    settings: {},
    signal: new AbortController().signal,
    ...rest,
    at: {
      runId,
      agent,
      turn,
      path,
      ...(session === undefined ? {} : { session }),
      ...(purpose === undefined ? {} : { purpose }),
      ...(metadata === undefined ? {} : { metadata }),
    },
  };
}
