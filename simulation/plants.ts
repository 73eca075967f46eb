/**
 * Bugs to plant in the core, to see that the simulator finds them: a text of a source file, and what stands there
 * instead. Nothing of it is in the core itself.
 */
import type { LoadHookSync } from "node:module";

export interface Plant {
  /** File of `packages/core/src`. */
  readonly file: string;
  /** Must stand there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The invariant that breaks. */
  readonly breaks: string;
}

export const PLANTS: Readonly<Record<string, Plant>> = {
  "no-version": {
    file: "memory-store.ts",
    find: "if (version !== expectedVersion)",
    replace: "if (version > expectedVersion + 1)",
    breaks: "I7 single writer",
  },
  "new-operation-on-retry": {
    file: "journal.ts",
    find: "store.append(key, items, options)",
    replace: "store.append(key, items, { ...options, opId: `${options.opId}/${attempt}` })",
    breaks: "I6 idempotent",
  },
  "fold-before-store": {
    file: "journal.ts",
    find: "      await this.#store(items);\n",
    replace: "      void this.#store(items).catch(() => {});\n",
    breaks: "I4 acked = durable",
  },
  "calls-of-cut-replies": {
    file: "transcript.ts",
    find: 'return finishReason === "stop"',
    replace: 'return finishReason === "length" || finishReason === "stop"',
    breaks: "I10 legit execution",
  },
  "once-again": {
    file: "transitions.ts",
    find: "if (open.some(isStarted)) return",
    replace: "if (open.some(isStarted) && open.length > 64) return",
    breaks: "I9 at most once",
  },
  "start-not-recorded": {
    file: "perform/calls.ts",
    find: 'const once = tool.sideEffects === "once";',
    replace: "const once = false;",
    breaks: "I9 at most once",
  },
  "nobody-is-asked": {
    file: "transitions.ts",
    find: "asked && !decision;",
    replace: "asked && !decision && false;",
    breaks: "I11 approval binding",
  },
  "no-means-yes": {
    file: "transitions.ts",
    find: 'decision?.decision === "rejected"',
    replace: 'decision?.decision === "asked"',
    breaks: "I11 approval binding",
  },
  "filter-splits-pairs": {
    file: "views.ts",
    find: "if (at < 0 || keeps[at] !== kept) return false;",
    replace: "if (at < 0) return false;",
    breaks: "I1 pairing",
  },
  "filter-forgotten": {
    file: "perform/handoff.ts",
    find: "return { view: toView(base, chosen), before",
    replace: "return { view: undefined, before",
    breaks: "I30 least privilege",
  },
  "two-handoffs": {
    file: "perform/handoff.ts",
    find: "const unmade = rest.map",
    replace: "const unmade = rest.slice(rest.length).map",
    breaks: "I12 legal handoff",
  },
  "starts-after-abort": {
    file: "perform/calls.ts",
    find: "  run.throwIfStopped();\n  return answerOf(tool, tool.execute!, input, context, once, run);",
    replace: "  return answerOf(tool, tool.execute!, input, context, once, run);",
    breaks: "I16 cancel",
  },
  "one-turn-too-many": {
    file: "transitions.ts",
    find: "if (t.turns >= maxTurns)",
    replace: "if (t.turns > maxTurns)",
    breaks: "I13 bounded",
  },
  "broken-guardrail-allows": {
    file: "perform/guardrails.ts",
    find: 'return `guardrail "${guardrail.name}" failed`;',
    replace: "return undefined;",
    breaks: "I18 gate",
  },
  "shown-before-judged": {
    file: "perform/model.ts",
    find: "if (agent.definition.outputGuardrails.length > 0) this.#held = [];",
    replace: "",
    breaks: "I18 gate",
  },
  "timer-left": {
    file: "run.ts",
    find: "    this.#shared.deadlines.close();\n",
    replace: "",
    breaks: "I17 no residue",
  },
  "lone-surrogates": {
    file: "perform/model.ts",
    find: "content: wellFormed(item.content)",
    replace: "content: item.content",
    breaks: "I26 well-formed",
  },
  "fork-runs-again": {
    file: "session.ts",
    find: "[...copied, ...answers]",
    replace: "copied",
    breaks: "I9 at most once",
  },
  "no-way-back": {
    file: "transitions.ts",
    find: "if (t.done) return t.waiting.length > 0 ? wayBack(t) :",
    replace: "if (t.done) return t.waiting.length > 8 ? wayBack(t) :",
    breaks: "I14 terminates",
  },
};

/** Hooks for `registerHooks` that plant the bug called `name`. */
export function planted(name: string): { readonly load: LoadHookSync } {
  const { file, find, replace } = PLANTS[name]!;
  return {
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/packages/core/src/${file}`)) return loaded;
      const source = new TextDecoder().decode(loaded.source as Uint8Array);
      if (source.split(find).length !== 2)
        throw new Error(`Cannot plant "${name}": its text is not there exactly once`);
      return { ...loaded, source: source.replace(find, () => replace) };
    },
  };
}
