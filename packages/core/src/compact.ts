import type { Model } from "./contracts/model.ts";
import type { Plugin } from "./contracts/plugin.ts";
import { type VisibleItem, isUserMessage, textOf } from "./items.ts";
import { quote } from "./names.ts";
import { checkKeys } from "./options.ts";

export interface CompactOptions {
  /** The model that summarises, by name or as an object. */
  readonly model: string | Model;
  /** Compact when an agent sees more items than this. @default 200 */
  readonly atItems?: number;
  /** Compact when what an agent sees is estimated at more tokens than this. @default none */
  readonly atTokens?: number;
  /** Items that stay as they are, at the end. More stay where a turn would be cut. @default 20 */
  readonly keepItems?: number;
  /** What the model is told. */
  readonly instructions?: string;
  /** @default a quarter of the length */
  readonly estimateTokens?: (text: string) => number;
}

const COMPACT_OPTIONS = new Set(["model", "atItems", "atTokens", "keepItems", "instructions", "estimateTokens"]);
const INSTRUCTIONS =
  "Summarise the conversation so far for the agent that goes on with it. Keep names, numbers, dates, ids, decisions and what was promised. Write plain text.";

/**
 * Puts a summary in the place of old items when a conversation grows long. Works with any model and store: the record
 * keeps everything, and what agents see from then on is recorded as a `view`. It cuts before a user message, so that no
 * call is separated from its result.
 */
export function compact(options: CompactOptions): Plugin {
  checkKeys(options, COMPACT_OPTIONS, "compact()");
  const { model, atItems = 200, atTokens = Infinity, keepItems = 20, instructions = INSTRUCTIONS } = options;
  const estimate = options.estimateTokens ?? ((text: string) => Math.ceil(text.length / 4));
  for (const [name, value] of Object.entries({ atItems, keepItems })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`Cannot use ${quote(value)} as ${name} as it must be a positive integer`);
  }
  if (!(typeof atTokens === "number" && atTokens > 0))
    throw new RangeError(`Cannot use ${quote(atTokens)} as atTokens as it must be a positive number`);
  if (keepItems >= atItems)
    throw new RangeError(`Cannot keep ${keepItems} of ${atItems} items: keepItems must be less than atItems`);
  const isLong = (visible: readonly VisibleItem[]): boolean =>
    visible.length > atItems ||
    (atTokens < Infinity && visible.reduce((sum, item) => sum + estimate(textOf(item)), 0) > atTokens);
  return {
    name: "compact",
    async view(visible, _at, run) {
      if (!isLong(visible)) return undefined;
      const cut = cutBefore(visible, visible.length - keepItems);
      if (cut <= 0) return undefined;
      const input = visible.slice(0, cut).map(line).filter(Boolean).join("\n");
      const summary = await run.ask(model, { instructions, input, purpose: "compact" });
      const put: VisibleItem = {
        type: "message",
        id: "summary",
        role: "user",
        agent: run.agent,
        content: `Summary of the conversation so far: ${summary}`,
      };
      return [put, ...visible.slice(cut)];
    },
  };
}

/** The last user message at or before `wanted`: a turn begins there. */
function cutBefore(visible: readonly VisibleItem[], wanted: number): number {
  let cut = Math.max(0, wanted);
  while (cut > 0 && !isUserMessage(visible[cut]!)) cut--;
  return cut;
}

function line(item: VisibleItem): string {
  const text = textOf(item);
  if (text === "") return "";
  if (item.type === "message") return `${item.agent ?? item.role}: ${text}`;
  return item.type === "tool_call" ? `${item.agent ?? "agent"} calls ${item.name}(${text})` : `${item.type}: ${text}`;
}
