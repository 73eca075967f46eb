import "@batonjs/testing/vitest";
import {
  call,
  handOff,
  invariantsOf,
  oracle,
  reason,
  say,
  type ScriptedContent,
  scriptedModel,
  testIds,
  testRandom,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import {
  Agent,
  approve,
  dropToolItems,
  handBack,
  handoff,
  type HandoffMode,
  type InputFilter,
  type InputItem,
  isUserMessage,
  type Item,
  keepLast,
  type ModelRequest,
  type Plugin,
  reject,
  Runner,
  textOf,
  tool,
} from "./index.ts";
import { Transcript } from "./transcript.ts";

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const NAMES = ["A", "B", "C", "D"] as const;
const MODES: readonly HandoffMode[] = ["pass", "turn", "return"];

/** Agents that hand over to each other in every way, a model that does anything it is offered, and a user who goes on. */
class World {
  readonly entry: Agent;
  readonly #random: () => number;
  readonly #ids: boolean;
  readonly #compacts: boolean;
  readonly #runner: Runner;
  readonly #checks;
  readonly problems: () => readonly Error[];
  /** What the user has said last; a compaction may leave it out, none of the filters does. */
  #said = "Hello";

  constructor(seed: number) {
    this.#random = testRandom(seed);
    this.#ids = this.#chance(0.3);
    this.#compacts = this.#chance(0.4);
    const agents = new Map<string, Agent>();
    const tools = [
      tool({ name: "look", execute: () => "looked" }),
      tool({ name: "fail", execute: () => Promise.reject(new Error("no")) }),
      tool({ name: "pay", needsApproval: () => this.#chance(0.3), execute: () => "paid" }),
    ];
    for (const name of NAMES) {
      const edges = NAMES.filter(() => this.#chance(0.7)).map((to) => ({
        to,
        mode: this.#pick(MODES),
        filter: this.#filter(),
      }));
      const withBack = this.#chance(0.7);
      const handoffs = (): Agent[] =>
        [
          ...edges.map(({ to, mode, filter }) =>
            handoff(agents.get(to)!, { mode, ...(filter === undefined ? {} : { inputFilter: filter }) }),
          ),
          ...(withBack ? [handBack()] : []),
        ] as never;
      agents.set(name, new Agent({ name, tools, handoffs }));
    }
    this.entry = agents.get("A")!;
    const model = scriptedModel((request) => this.#reply(request));
    this.problems = () => model.problems;
    this.#checks = oracle(this.entry);
    const compaction: Plugin = {
      name: "compaction",
      view: (visible) => (visible.length > 12 && this.#chance(0.3) ? visible.slice(-6) : undefined),
    };
    this.#runner = new Runner({
      model,
      newId: testIds(),
      plugins: [this.#checks, ...(this.#compacts ? [compaction] : [])],
      maxTurns: 12,
    });
  }

  /** One conversation. Gives its record. */
  async play(): Promise<readonly Item[]> {
    let list: readonly InputItem[] = [];
    let next: readonly InputItem[] = [{ role: "user", content: "Hello" }];
    for (let i = 0; i < 5; i++) {
      const result = await this.#runner.run(this.entry, [...json(list), ...json(next)]).catch((error: unknown) => {
        const { code, items } = error as { readonly code?: string; readonly items?: readonly Item[] };
        // The only ways to end without an answer: too many turns, and a compaction that leaves no user message.
        if (code !== "max_turns" && code !== "callback_failed") throw error;
        return { pending: [], history: items! };
      });
      list = result.history as readonly InputItem[];
      expect(invariantsOf(list as readonly Item[])).toEqual([]);
      if (result.pending.length > 0 && this.#chance(0.7)) {
        next = result.pending.map((pending) => (this.#chance(0.5) ? approve(pending) : reject(pending)));
      } else {
        this.#said = `Message ${i}`;
        next = [{ role: "user", content: this.#said }];
      }
    }
    this.#checks.assertClean();
    return list as readonly Item[];
  }

  #reply({ tools, handoffs, items, at }: ModelRequest): readonly ScriptedContent[] {
    if (!this.#compacts) expect(items.filter(isUserMessage).map(textOf)).toContain(this.#said);
    const content: ScriptedContent[] = [];
    if (this.#chance(0.4)) content.push(reason("hm"));
    if (this.#chance(0.5)) content.push(say(`${at.agent} says`));
    if (this.#chance(0.25)) return content;
    const offers = [
      ...tools.map(({ name }) => call(name)),
      ...handoffs.map(({ name }) => handOff(name)),
      call("nothing"),
    ];
    for (let i = 0; i < 3; i++) {
      if (i > 0 && this.#chance(0.6)) break;
      if (this.#chance(0.2)) content.push(reason("so"));
      const offer = this.#pick(offers);
      content.push(this.#ids ? { ...offer, callId: String(i) } : offer);
    }
    return content;
  }

  #filter(): InputFilter | undefined {
    return this.#pick<InputFilter | undefined>([
      undefined,
      undefined,
      dropToolItems,
      keepLast(4),
      ({ inputHistory }) => ({ inputHistory: inputHistory.slice(-1), preHandoffItems: [] }),
      ({ newItems }) => ({
        newItems: newItems.map((item) => ("output" in item ? { ...item, output: "short" } : item)),
      }),
    ]);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }
  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }
}

/** All that is folded, and what each agent would see. */
function stateOf(t: Transcript): object {
  const ids = ({ items }: { readonly items: readonly { readonly id: string }[] }): string[] =>
    items.map(({ id }) => id);
  return { ...t, record: undefined, starts: NAMES.map((name) => ids(t.startOf(name))) };
}

const SEEDS = 60;

describe("whatever models, users, filters and plugins do", () => {
  it(`every request can be sent, every record is whole, and reading it gives the same, over ${SEEDS} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World(seed);
      try {
        const record = await world.play();
        expect(world.problems()).toEqual([]);
        const folded = new Transcript("A");
        for (const item of record) folded.fold(item);
        for (const cut of [record.length, Math.floor(record.length / 2), 1]) {
          const loaded = new Transcript("A");
          loaded.load(json(record.slice(0, cut)));
          for (const item of json(record.slice(cut))) loaded.fold(item);
          expect(stateOf(loaded)).toEqual(stateOf(folded));
        }
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  }, 60_000);
});
