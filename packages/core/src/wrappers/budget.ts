import type { Model, ModelEvent, ModelReply, ModelRequest } from "../contracts/model.ts";
import type { Plugin } from "../contracts/plugin.ts";
import { type Clock, systemClock } from "../environment.ts";
import { LimitError } from "../errors.ts";
import type { ModelUsage } from "../items.ts";
import { quote } from "../names.ts";
import { checkKeys } from "../options.ts";
import { withStream } from "./wrap.ts";

export interface BudgetOptions {
  /** Input and output tokens of a run. */
  readonly maxTokens?: number;
  /** Money of a run, in the unit of `price`. */
  readonly maxCost?: number;
  /** What a reply has cost. `undefined`: unknown, which counts as nothing and is never taken for free elsewhere. */
  readonly price?: (reply: {
    readonly model: string;
    readonly provider: string;
    readonly usage: ModelUsage;
  }) => number | undefined;
  /** Milliseconds from the first model call of a run. */
  readonly maxTimeMs?: number;
  readonly clock?: Clock;
}

const BUDGET_OPTIONS = new Set(["maxTokens", "maxCost", "price", "maxTimeMs", "clock"]);
/** How many runs are remembered; the oldest is forgotten first. */
const MAX_RUNS = 10_000;

interface Spent {
  tokens: number;
  cost: number;
  readonly since: number;
}

/**
 * Ends a run that has used up its tokens, money or time, before the next model call, with a `LimitError`. Nested runs
 * count with the run they are nested in. A reply under way is not cut off: wrap with `timeout()` for that.
 */
export function budget(options: BudgetOptions): Plugin {
  checkKeys(options, BUDGET_OPTIONS, "budget()");
  const { maxTokens = Infinity, maxCost = Infinity, maxTimeMs = Infinity, price, clock = systemClock } = options;
  for (const [name, value] of Object.entries({ maxTokens, maxCost, maxTimeMs })) {
    if (!(typeof value === "number" && value > 0))
      throw new RangeError(`Cannot use ${quote(value)} as ${name} as it must be a positive number`);
  }
  if (maxCost < Infinity && !price)
    throw new TypeError("Cannot keep to maxCost without a price: give price({ model, provider, usage })");
  const runs = new Map<string, Spent>();
  const spentBy = (runId: string): Spent => {
    const known = runs.get(runId);
    if (known) return known;
    const spent = { tokens: 0, cost: 0, since: clock.now() };
    runs.set(runId, spent);
    if (runs.size > MAX_RUNS) runs.delete(runs.keys().next().value!);
    return spent;
  };
  const charge = (
    spent: Spent,
    reply: { readonly model: string; readonly provider: string; readonly usage: ModelUsage },
  ): void => {
    spent.tokens += reply.usage.inputTokens + reply.usage.outputTokens;
    spent.cost += price?.(reply) ?? 0;
  };
  const chargeReply = (spent: Spent, model: Model, reply: ModelReply): void => {
    charge(spent, { model: reply.model ?? model.name, provider: reply.provider ?? model.provider, usage: reply.usage });
    for (const also of reply.alsoUsed ?? []) charge(spent, also);
  };
  async function* ask(model: Model, request: ModelRequest): AsyncGenerator<ModelEvent> {
    const spent = spentBy(request.at.runId);
    refuseBeyond("maxTokens", maxTokens, spent.tokens, request);
    refuseBeyond("maxCost", maxCost, spent.cost, request);
    refuseBeyond("maxTimeMs", maxTimeMs, clock.now() - spent.since, request);
    for await (const event of model.stream(request)) {
      if (event.type === "reply") chargeReply(spent, model, event);
      yield event;
    }
  }
  return { name: "budget", wrapModel: (model) => withStream(model, (request) => ask(model, request)) };
}

function refuseBeyond(limit: string, max: number, actual: number, { at: { runId, agent } }: ModelRequest): void {
  if (actual < max) return;
  throw new LimitError(`Cannot go on with run "${runId}": it has used ${actual} of ${limit} ${max}`, {
    limit,
    max,
    actual,
    agent,
    code: "budget_exceeded",
  });
}
