import type { RunEvent } from "../events.ts";
import type { View, VisibleItem } from "../items.ts";
import type { AnyFunctionTool, RunContext } from "../definitions.ts";
import type { CallSite, Model, WrapSite } from "./model.ts";
import type { SessionStore } from "./session.ts";

/** What a runner is made of. A plain object from a factory; every field but `name` is optional. */
export interface Plugin {
  readonly name: string;
  /**
   * The model called `name`, or nothing where it is not ours. `openai/gpt-4o` asks the plugin `openai` for `gpt-4o`; a
   * bare name asks all plugins in order.
   */
  model?(name: string): Model | undefined;
  /** Wraps a model, once per agent: retry, fallback, cache, budget, router, redaction. The first plugin is outermost. */
  wrapModel?(model: Model, at: WrapSite): Model;
  /** Wraps a tool, once per agent. The name must stay. */
  wrapTool?(tool: AnyFunctionTool, at: WrapSite): AnyFunctionTool;
  /**
   * What the agents are to see from here on, asked before each model call: compaction, windows. Entries are ids, runs
   * of ids, items of `visible`, and items that are put in. Nothing means no change. The choice is recorded.
   */
  view?(visible: readonly VisibleItem[], at: CallSite, run: RunContext): View | undefined | Promise<View | undefined>;
  readonly sessions?: SessionStore;
  /** Told of everything that happens, in order. Never awaited; what it throws is ignored. */
  onEvent?(event: RunEvent, at: CallSite): void;
  /** Flushes and lets go of what is held. Called by `runner.close()`. */
  close?(): Promise<void>;
}
