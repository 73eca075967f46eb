import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Agent,
  approve,
  dropMessages,
  dropToolItems,
  handBack,
  handoff,
  type HandoffMode,
  type InputItem,
  type Item,
  keepLast,
  memorySessions,
  ModelError,
  type Pending,
  type Plugin,
  redact,
  reject,
  RunError,
  Runner,
  type RunResult,
  type RunStream,
  textOf,
  tool,
} from "@batonjs/core";
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { openCassette } from "./cassettes/index.ts";
import { hostileArguments } from "./corpus/index.ts";
import {
  type Answer,
  call,
  calls,
  collect,
  endEarly,
  fail,
  handOff,
  invariantsOf,
  oracle,
  reason,
  reply,
  say,
  type ScriptedContent,
  scriptedModel,
  testClock,
  testIds,
} from "./index.ts";

/** What one reply of the model is. Numbers choose among what is there. */
type Reply =
  | { readonly type: "say"; readonly text: string; readonly reasons: boolean }
  | {
      readonly type: "act";
      readonly acts: readonly Act[];
      readonly text: string | undefined;
      readonly reasons: boolean;
    }
  | { readonly type: "break"; readonly how: number };
type Act =
  | { readonly type: "tool"; readonly name: string; readonly args: string }
  | { readonly type: "hand_off"; readonly to: number; readonly args: string };

/** What the user does in one turn. */
interface Turn {
  readonly text: string;
  /** What becomes of what is pending: it is approved, rejected, or the user just goes on. */
  readonly decision: "approve" | "reject" | "go on";
}

interface Scene {
  readonly replies: readonly Reply[];
  readonly turns: readonly Turn[];
  /** For each pair of agents: the filter and mode of the edge. */
  readonly edges: readonly { readonly filter: number; readonly mode: HandoffMode }[];
  readonly session: boolean;
}

const TOOLS = ["lookup", "pay", "boom", "ask_n", "nothing", "off"];
const FILTERS = [
  undefined,
  dropToolItems,
  keepLast(1),
  keepLast(3),
  dropMessages((message) => textOf(message).includes("secret")),
  redact(/secret/g),
];

// Left out: texts too large for many runs, and (29, 31) payloads that core records though they cannot be stored.
const LEFT_OUT: readonly (number | undefined)[] = [28, 29, 30, 31];
const text = fc.constantFrom("hello", "the secret is 42", "", "\u0000😀");
const args = fc.oneof(
  { weight: 4, arbitrary: fc.constant("{}") },
  fc.constantFrom(
    ...hostileArguments
      .filter(({ number }) => !LEFT_OUT.includes(number))
      .map(({ value }) => value)
      .filter((value) => typeof value === "string"),
  ),
);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ type: fc.constant("tool" as const), name: fc.constantFrom(...TOOLS), args }),
  fc.record({ type: fc.constant("hand_off" as const), to: fc.nat(3), args }),
);
const scene: fc.Arbitrary<Scene> = fc.record({
  replies: fc.array(
    fc.oneof(
      { weight: 2, arbitrary: fc.record({ type: fc.constant("say" as const), text, reasons: fc.boolean() }) },
      {
        weight: 5,
        arbitrary: fc.record({
          type: fc.constant("act" as const),
          acts: fc.array(act, { minLength: 1, maxLength: 3 }),
          text: fc.option(text, { nil: undefined }),
          reasons: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ type: fc.constant("break" as const), how: fc.nat(3) }) },
    ),
    { maxLength: 12 },
  ),
  turns: fc.array(fc.record({ text, decision: fc.constantFrom("approve", "reject", "go on") }), {
    minLength: 1,
    maxLength: 4,
  }),
  edges: fc.array(fc.record({ filter: fc.nat(FILTERS.length - 1), mode: fc.constantFrom("pass", "turn", "return") }), {
    minLength: 6,
    maxLength: 6,
  }),
  session: fc.boolean(),
});

/** Plays the scene; gives all items and whatever the oracle found. */
async function play(
  { replies, turns, edges, session }: Scene,
  streamed: boolean,
  ...plugins: readonly Plugin[]
): Promise<{ items: readonly Item[]; outcomes: string[] }> {
  let next = 0;
  const model = scriptedModel(({ handoffs }): Answer => {
    const given = replies[next++];
    return given
      ? answer(
          given,
          handoffs.map(({ name }) => name),
        )
      : say("Done.");
  });
  const entry = graph(model, edges);
  const checks = oracle(entry);
  const runner = new Runner({
    plugins: [checks, ...plugins, ...(session ? [memorySessions()] : [])],
    clock: testClock(),
    newId: testIds(),
    maxTurns: 8,
  });
  let items: readonly Item[] = [];
  let pending: readonly Pending[] = [];
  const outcomes: string[] = [];
  const ask = async (input: InputItem[] | string): Promise<void> => {
    const given = session || typeof input === "string" ? input : [...items, ...input];
    try {
      const options = session ? { session: "s" } : {};
      const result = await (streamed
        ? resultOf(runner.stream(entry, given, options))
        : runner.run(entry, given, options));
      items = result.history;
      outcomes.push(
        result.status === "completed"
          ? `${result.lastAgent.name}: ${result.finalOutput}`
          : `paused ${result.pending.length}`,
      );
      pending = result.pending;
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      items = error.items;
      outcomes.push(`${error.name} ${error.code}`);
      pending = [];
    }
  };
  for (const turn of turns) {
    while (pending.length > 0 && turn.decision !== "go on") {
      const decide = turn.decision === "approve" ? approve : reject;
      await ask(pending.map((each) => decide(each)));
    }
    await ask([{ role: "user", content: turn.text }]);
    expect(invariantsOf(items, { graph: entry })).toEqual([]);
    checks.assertClean();
    for (const problem of model.problems) throw problem;
  }
  return { items, outcomes };
}

async function resultOf(stream: RunStream<string>): Promise<RunResult<string>> {
  await collect(stream);
  return stream.result;
}

function answer(given: Reply, offered: readonly string[]): Answer {
  switch (given.type) {
    case "say":
      return [...(given.reasons ? [reason("hm")] : []), say(given.text)];
    case "act": {
      const content: ScriptedContent[] = given.text === undefined ? [] : [say(given.text)];
      if (given.reasons) content.push(reason("hm"));
      for (const act of given.acts) {
        const name =
          act.type === "tool" ? act.name : (offered[act.to % Math.max(1, offered.length)] ?? "transfer_to_nobody");
        content.push(act.type === "tool" || !offered.includes(name) ? call(name, act.args) : handOff(name, act.args));
      }
      return calls(...content);
    }
    default:
      return [
        fail(new ModelError("Cannot answer", { kind: "overloaded" }), say("part")),
        endEarly("part"),
        reply({ items: [say("part"), call("lookup")], finishReason: "length" }),
        fail("text"),
      ][given.how] as Answer;
  }
}

function graph(model: ReturnType<typeof scriptedModel>, edges: Scene["edges"]): Agent<unknown, string, string> {
  const nested = new Agent({ name: "N", model, tools: [tool({ name: "lookup", execute: () => "nested" }), pay()] });
  const tools = [
    tool({ name: "lookup", parameters: { type: "object" }, sideEffects: "none", execute: () => "found the secret" }),
    pay(),
    tool({
      name: "boom",
      parameters: { type: "object" },
      execute: () => {
        throw new Error("boom \ud83d");
      },
    }),
    tool({ name: "off", isEnabled: false, execute: () => "never" }),
    nested.asTool({ name: "ask_n", parameters: { type: "object" }, input: () => "question" }),
  ];
  const names = ["A", "B", "C"];
  const agents: Agent<unknown, string, string>[] = names.map(
    (name, from) =>
      new Agent({
        name,
        instructions: `You are ${name}.`,
        model,
        tools,
        handoffs: (): ReturnType<typeof handoff>[] => [
          ...agents.flatMap((agent, to) => {
            if (from === to) return [];
            const { filter, mode } = edges[from * 2 + (to > from ? to - 1 : to)] ?? {
              filter: 0,
              mode: "pass" as const,
            };
            const inputFilter = FILTERS[filter];
            return [
              handoff(agent, {
                mode,
                inputType: { type: "object" },
                ...(inputFilter ? { inputFilter } : {}),
              }) as ReturnType<typeof handoff>,
            ];
          }),
          handBack() as ReturnType<typeof handoff>,
        ],
      }) as Agent<unknown, string, string>,
  );
  return agents[0] as Agent<unknown, string, string>;
}

const pay = (): ReturnType<typeof tool> =>
  tool({ name: "pay", parameters: { type: "object" }, needsApproval: true, execute: () => "paid" }) as ReturnType<
    typeof tool
  >;

/** The items, each nested run by itself: what runs side by side is in no order. Ids in the order of their appearance. */
function withoutIds(items: readonly Item[]): unknown {
  const byRun = Map.groupBy(items, ({ path }) => JSON.stringify(path ?? []));
  const names = new Map<string, string>();
  const named = (id: string): string => {
    if (!names.has(id)) names.set(id, `#${names.size}`);
    return names.get(id) as string;
  };
  const sorted = [...byRun.keys()].toSorted().map((path) => byRun.get(path));
  return JSON.parse(JSON.stringify(sorted), (key, value: unknown) => {
    if (key === "responseId") return undefined;
    return typeof value === "string" && /^run_\d+:\d+(:\w+)?$/.test(value) ? named(value) : value;
  });
}

/** `BATON_RUNS=20000` looks longer. */
const runs = Number(process.env["BATON_RUNS"] ?? 200);

describe("any conversation", () => {
  it("holds every invariant in its requests and in its record, streamed or not", async () => {
    const property = fc.asyncProperty(scene, async (scene) => {
      const run = await play(scene, false);
      const stream = await play(scene, true);
      expect(stream.items).toEqual(run.items);
      expect(stream.outcomes).toEqual(run.outcomes);
    });
    await fc.assert(property, { numRuns: runs });
  }, 300_000);

  it("is the same when it is replayed from a cassette", async () => {
    const folder = await mkdtemp(join(tmpdir(), "baton-cassettes-"));
    const path = join(folder, "scene.json");
    const property = fc.asyncProperty(scene, fc.boolean(), async (scene, streamed) => {
      const recording = await openCassette(path, { mode: "record", clock: testClock() });
      const recorded = await play(scene, streamed, recording.plugin);
      recording.close();
      const replay = await openCassette(path);
      const replayed = await play(scene, streamed, replay.plugin);
      expect(withoutIds(replayed.items)).toEqual(withoutIds(recorded.items));
      expect(replayed.outcomes).toEqual(recorded.outcomes);
      replay.close();
    });
    try {
      vi.stubEnv("CI", "");
      await fc.assert(property, { numRuns: runs });
    } finally {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
    }
  }, 300_000);
});
