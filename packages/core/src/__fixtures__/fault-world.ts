import { Agent } from "../agent.ts";
import type { SessionStore } from "../contracts/session.ts";
import type { Model } from "../contracts/model.ts";
import type { FilterData, FilterResult, ToolContext } from "../definitions.ts";
import { handoff } from "../handoff.ts";
import type { Item } from "../items.ts";
import { MemoryStore } from "../memory-store.ts";
import { tool } from "../tool.ts";

/** Where something outside of the loop is called: what a fault can strike. */
export type Place =
  | "the input"
  | "read"
  | "append the input"
  | "append the calls"
  | "append the approval"
  | "append a tool's start"
  | "append a result"
  | "append the transfer"
  | "append the handoff"
  | "append the answer"
  | "the input guardrail"
  | "the guardrail beside the model"
  | "the instructions"
  | "isEnabled"
  | "connect"
  | "the first event"
  | "within the text"
  | "within the arguments"
  | "after the reply"
  | "the calls"
  | "the transfer"
  | "the approval rule"
  | "tool look"
  | "tool note"
  | "tool pay"
  | "tool refund"
  | "onHandoff"
  | "the filter"
  | "the output guardrail"
  | "an event"
  | "the last event"
  | "close";

/** What happens instead of `act`, or around it. */
export type Fault = (act: () => unknown, world: World) => unknown;

export interface Strike {
  readonly at: Place;
  readonly fault: Fault;
  /** How often it strikes. */
  readonly times: number;
}

/** One use of a tool, as the world outside sees it. */
export interface Effect {
  readonly tool: string;
  readonly key: string;
}

/** One process and what it calls. `memory` and `ledger` outlive it. */
export class World {
  readonly memory: MemoryStore;
  /** What tools have done, over all processes. */
  readonly ledger: Effect[];
  /** What tools have done in this process. */
  readonly effects: Effect[] = [];
  /** Items that the store has said it has. */
  readonly acknowledged: Item[] = [];
  readonly controller: AbortController = new AbortController();
  /** How often the fault has struck. */
  struck = 0;
  /** How often a model was asked. */
  asked = 0;
  /** The process was killed: nothing answers any more, and nothing is done. */
  dead = false;
  readonly strike: Strike | undefined;
  /** Another process takes a turn on the session. */
  other: () => Promise<void> = () => Promise.resolve();
  /** Another process goes on with the same run. */
  rival: () => Promise<void> = () => Promise.resolve();

  constructor(strike?: Strike, memory: MemoryStore = new MemoryStore(), ledger: Effect[] = []) {
    this.strike = strike;
    this.memory = memory;
    this.ledger = ledger;
  }

  /** Does `act`, unless the fault strikes here. */
  at<T>(place: Place, act: () => T): T {
    if (this.dead) return forever() as T;
    const { strike } = this;
    if (strike?.at !== place || this.struck >= strike.times) return act();
    this.struck += 1;
    return strike.fault(act, this) as T;
  }

  /** The store as this process sees it. */
  get store(): SessionStore {
    const { memory } = this;
    return {
      durability: "none",
      read: (key, from) => this.at("read", () => memory.read(key, from)),
      append: (key, items, options) => {
        const copy = JSON.parse(JSON.stringify(items)) as Item[];
        return this.at(placeOf(copy), () => memory.append(key, copy, options)).then((version) => {
          this.acknowledged.push(...copy);
          return version;
        });
      },
      delete: (key) => memory.delete(key),
    };
  }
}

export const forever = (): Promise<never> => new Promise(() => {});

function placeOf(items: readonly Item[]): Place {
  const has = (test: (item: Item) => boolean): boolean => items.some(test);
  if (has((item) => item.type === "handoff")) return "append the handoff";
  if (has((item) => item.type === "message" && item.role === "user" && item.agent === undefined))
    return "append the input";
  if (has((item) => item.type === "tool_call" && item.handoff === true)) return "append the transfer";
  if (has((item) => item.type === "tool_call")) return "append the calls";
  if (has((item) => item.type === "approval")) return "append the approval";
  if (has((item) => item.type === "tool_start")) return "append a tool's start";
  return has((item) => item.type === "tool_result") ? "append a result" : "append the answer";
}

/** A desk with tools of every kind of effect and a specialist that it hands over to. Each of its callbacks is a place. */
export function deskOf(world: World, model: Model): Agent {
  const specialist = new Agent({
    name: "Specialist",
    model,
    outputGuardrails: [{ name: "tone", check: () => world.at("the output guardrail", () => true) }],
  });
  const use = (name: "look" | "note" | "pay" | "refund", { idempotencyKey: key }: ToolContext): unknown =>
    world.at(`tool ${name}`, () => {
      world.effects.push({ tool: name, key });
      world.ledger.push({ tool: name, key });
      return `${name} done`;
    });
  const parameters = { type: "object", properties: { n: { type: "number" } } } as const;
  const beside = world.strike?.at === "the guardrail beside the model";
  return new Agent({
    name: "Desk",
    model,
    instructions: () => world.at("the instructions", () => "Help."),
    inputGuardrails: [
      { name: "polite", check: () => world.at("the input guardrail", () => true) },
      ...(beside
        ? [
            {
              name: "beside",
              runInParallel: true,
              check: (): boolean => world.at("the guardrail beside the model", () => true),
            },
          ]
        : []),
    ],
    tools: [
      tool({
        name: "look",
        parameters,
        sideEffects: "none",
        isEnabled: () => world.at("isEnabled", () => true),
        execute: (_, run) => use("look", run),
      }),
      tool({ name: "note", parameters, sideEffects: "idempotent", execute: (_, run) => use("note", run) }),
      tool({ name: "pay", parameters, execute: (_, run) => use("pay", run) }),
      tool({
        name: "refund",
        parameters,
        needsApproval: () => world.at("the approval rule", () => true),
        execute: (_, run) => use("refund", run),
      }),
    ],
    handoffs: [
      handoff(specialist, {
        inputType: {
          type: "object",
          properties: { reason: { type: "string" } },
          required: ["reason"],
          additionalProperties: false,
        },
        onHandoff: () => world.at("onHandoff", () => undefined),
        inputFilter: (data: FilterData): FilterResult | Promise<FilterResult> => world.at("the filter", () => data),
      }),
    ],
  }) as unknown as Agent;
}
