/** Conversations at random, with all plugins of the router: whatever models and users do, the record stays valid. */
import {
  Agent,
  dropToolItems,
  handBack,
  handoff,
  type HandoffMode,
  type InputItem,
  type Item,
  keepLast,
  memorySessions,
  type Plugin,
  RunError,
  Runner,
  tool,
} from "@batonjs/core";
import {
  type Answer,
  call,
  calls,
  fail,
  invariantsOf,
  oracle,
  reason,
  say,
  scriptedModel,
  testIds,
} from "@batonjs/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BROKEN, PAID } from "../test/desk.ts";
import { compound, predict, routed, router, shadow, stickyCheck } from "./index.ts";

const MESSAGES = [
  "refund please",
  "the app crashes",
  "refund please, and the app crashes",
  "I cannot log in, then I was charged twice",
  "thanks",
  "what is the weather?",
  "",
  "\ud800",
] as const;
const FILTERS = [undefined, dropToolItems, keepLast(1), keepLast(3)] as const;

interface Scene {
  /** Numbers that choose what each model reply is. */
  readonly replies: readonly number[];
  readonly messages: readonly string[];
  readonly edges: readonly { readonly mode: HandoffMode; readonly filter: number }[];
  /** Numbers of the plugins, in their order. */
  readonly plugins: readonly number[];
  readonly session: boolean;
}

const scene: fc.Arbitrary<Scene> = fc.record({
  replies: fc.array(fc.nat(9), { maxLength: 12 }),
  messages: fc.array(fc.constantFrom(...MESSAGES), { minLength: 1, maxLength: 4 }),
  edges: fc.array(fc.record({ mode: fc.constantFrom("pass", "turn", "return"), filter: fc.nat(FILTERS.length - 1) }), {
    minLength: 2,
    maxLength: 2,
  }),
  plugins: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 }),
  session: fc.boolean(),
});

function answer(given: number | undefined, names: readonly string[]): Answer {
  const [to = "nowhere", other = to] = names;
  switch (given) {
    case 0:
      return call(to, {});
    case 1:
      return call(other, {});
    case 2:
      return calls(say("One moment."), call(to, {}));
    case 3:
      return calls(call(to, {}), call(other, {}));
    case 4:
      return calls(reason("Hm."), call(to, {}));
    case 5:
      return call("clock", {});
    case 6:
      return say("Which order?");
    case 7:
      return fail(new Error("busy"));
    default:
      return say("Done.");
  }
}

async function play({ replies, messages, edges, plugins, session }: Scene): Promise<void> {
  let next = 0;
  const model = scriptedModel(async ({ handoffs }) => {
    const given = replies[next++];
    // Some are late, so that what is guessed is there before them.
    if (next % 2 === 1) await new Promise((resolve) => void setTimeout(resolve, 0));
    return answer(
      given,
      handoffs.map(({ name }) => name),
    );
  });
  const clock = tool({ name: "clock", examples: ["what time is it"], execute: () => "nine" });
  const billing = new Agent({ name: "Billing Agent", model, handoffs: [handBack()], tools: [clock] });
  const technical = new Agent({ name: "Technical Agent", model, handoffs: [handBack()] });
  const edge = (i: number): { mode: HandoffMode; inputFilter?: typeof dropToolItems } => {
    const { mode, filter } = edges[i]!;
    const inputFilter = FILTERS[filter];
    return { mode, ...(inputFilter ? { inputFilter: inputFilter as typeof dropToolItems } : {}) };
  };
  const triage = new Agent({
    name: "Triage Agent",
    model,
    tools: [clock],
    handoffs: [handoff(billing, { ...PAID, ...edge(0) }), handoff(technical, { ...BROKEN, ...edge(1) })],
  });
  const desk = router();
  await desk.fit(triage);
  const all: readonly Plugin[] = [compound(desk), routed(desk), predict(desk), stickyCheck(desk), shadow(desk)];
  const checks = oracle(triage);
  const chosen = plugins.map((i) => all[i]!);
  const runner = new Runner({
    plugins: [...chosen, checks, ...(session ? [memorySessions()] : [])],
    newId: testIds(),
    maxTurns: 8,
  });
  let items: readonly Item[] = [];
  for (const content of messages) {
    const input: InputItem = { role: "user", content };
    try {
      const result = session
        ? await runner.run(triage, [input], { session: "s" })
        : await runner.run(triage, [...items, input]);
      items = result.history;
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      items = error.items;
    }
    expect(invariantsOf(items, { graph: triage })).toEqual([]);
    checks.assertClean();
    for (const problem of model.problems) throw problem;
  }
  await runner.close();
  await new Promise((resolve) => void setTimeout(resolve, 0));
  expect(model.open).toBe(0);
}

describe("the plugins of the router, in any order", () => {
  it("keep the record valid, and leave no call behind", { timeout: 60_000 }, async () => {
    await fc.assert(fc.asyncProperty(scene, play), { numRuns: Number(process.env["RUNS"] ?? 150) });
  });
});
