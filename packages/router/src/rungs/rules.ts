import type { Judgement, Question, Rung } from "../decision.ts";
import type { Rule } from "../options.ts";
import { findHandoff } from "../question.ts";

/** The first rule that matches, of those whose agent may be taken now. */
export function rulesRung(rules: readonly Rule[], threshold: () => number): Rung {
  return {
    name: "rules",
    get threshold() {
      return threshold();
    },
    async judge(question): Promise<Judgement | undefined> {
      for (const { to, match } of rules) {
        if (to !== null && !findHandoff(question.handoffs, to)) continue;
        const score = await scoreOf(match, question);
        if (score > 0) return { to, score };
      }
      return undefined;
    },
  };
}

async function scoreOf(match: Rule["match"], question: Question): Promise<number> {
  // `search` and not `test`: that one goes on from the last match where the expression is global.
  if (match instanceof RegExp) return question.text.search(match) >= 0 ? 1 : 0;
  return Number(await match(question.text, question));
}
