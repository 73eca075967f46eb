/** What model calls cost. */
import type { ModelUsage } from "../items.ts";

/** One model call, as prices see it. */
export interface PricedCall {
  /** As the provider names it. */
  readonly model: string;
  /** As the model's adapter names it: "openai". */
  readonly provider: string;
  readonly usage: ModelUsage;
}

/** The price of a call in US dollars; `undefined` where it is not known, which is not the same as free. */
export type Prices = (call: PricedCall) => number | undefined;

/** What `calcPrice` of `@pydantic/genai-prices` looks like. */
export type CalcPrice = (
  usage: { input_tokens?: number; cache_read_tokens?: number; output_tokens?: number },
  model: string,
  options?: { providerId?: string },
) => { total_price: number } | null;

/** Prices from `@pydantic/genai-prices`: `prices: genaiPrices(calcPrice)`. */
export function genaiPrices(calcPrice: CalcPrice): Prices {
  return ({ model, provider, usage }) =>
    calcPrice(
      {
        input_tokens: usage.inputTokens,
        ...(usage.cachedInputTokens === undefined ? {} : { cache_read_tokens: usage.cachedInputTokens }),
        output_tokens: usage.outputTokens,
      },
      model,
      { providerId: provider },
    )?.total_price;
}

/** A sum of prices, and the models whose price is unknown. */
export interface Cost {
  /** US dollars of the calls with a price; `undefined` where none has one. */
  readonly usd: number | undefined;
  /** Models without a price, as `provider/model`: the sum is without them. */
  readonly unknown: readonly string[];
}

/** Adds up what calls cost. Prices that throw, or are no number from 0 on, are unknown. */
export class CostMeter {
  readonly #prices: Prices;
  #usd: number | undefined;
  readonly #unknown = new Set<string>();

  constructor(prices: Prices) {
    this.#prices = prices;
  }

  /** The price of the call, added to the sum; `undefined` where it is unknown. */
  add(call: PricedCall): number | undefined {
    const usd = priceOf(this.#prices, call);
    this.count(call, usd);
    return usd;
  }

  /** Adds a price that is known already. */
  count({ provider, model }: PricedCall, usd: number | undefined): void {
    if (usd === undefined) this.#unknown.add(`${provider}/${model}`);
    else this.#usd = (this.#usd ?? 0) + usd;
  }

  /** The sum so far. */
  get cost(): Cost {
    return { usd: this.#usd, unknown: [...this.#unknown] };
  }
}

function priceOf(prices: Prices, call: PricedCall): number | undefined {
  try {
    const usd = prices(call);
    return typeof usd === "number" && Number.isFinite(usd) && usd >= 0 ? usd : undefined;
  } catch {
    return undefined;
  }
}
