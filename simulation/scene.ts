/** What one seed is about: agents, what they may do, and how their conversations are kept. Plain data. */
import type { HandoffMode, SideEffects } from "@batonjs/core";
import type { World } from "./world.ts";

export interface ToolPlan {
  readonly name: string;
  readonly sideEffects: SideEffects;
  readonly approval: "never" | "always" | "by rule";
  readonly verify: boolean;
  /** The caller runs it. */
  readonly client: boolean;
  readonly off: boolean;
}

export interface EdgePlan {
  readonly from: string;
  readonly to: string;
  readonly mode: HandoffMode;
  /** Index into the filters of `agents.ts`. */
  readonly filter: number;
  readonly payload: boolean;
  readonly approval: boolean;
  readonly toggles: boolean;
}

export interface AgentPlan {
  readonly name: string;
  readonly tools: readonly string[];
  readonly consults: boolean;
  readonly handsBack: boolean;
}

export interface Scene {
  readonly agents: readonly AgentPlan[];
  readonly edges: readonly EdgePlan[];
  readonly tools: readonly ToolPlan[];
  /** All agents refuse user messages with FORBIDDEN, before or beside the model. */
  readonly inputGuard: "none" | "before" | "beside";
  /** All agents withhold answers with LEAK. */
  readonly outputGuard: boolean;
  /** Every edge hides messages with [INTERNAL]. */
  readonly hides: boolean;
  readonly maxTurns: number;
  readonly maxHandoffs: number;
  readonly maxConcurrentTools: number;
  readonly maxToolCalls: number;
  readonly policies: readonly ("queue" | "reject" | "interrupt")[];
  readonly workers: number;
  readonly operations: number;
}

export const NESTED = "Nested";
const NAMES: readonly string[] = ["A", "B", "C", "D", "E", "F"];

const TOOLS: readonly (Omit<ToolPlan, "approval" | "off"> & { readonly approval?: ToolPlan["approval"] })[] = [
  { name: "charge", sideEffects: "once", verify: false, client: false },
  { name: "pay", sideEffects: "once", approval: "always", verify: false, client: false },
  { name: "label", sideEffects: "idempotent", verify: false, client: false },
  { name: "look", sideEffects: "none", verify: false, client: false },
  { name: "book", sideEffects: "once", verify: true, client: false },
  { name: "ask_user", sideEffects: "none", verify: false, client: true },
];

/** How many filters `agents.ts` has. */
const FILTERS = 9;

export function sceneOf(world: World): Scene {
  const names = NAMES.slice(0, 2 + world.int(5));
  const workers = world.chance(0.35) ? 2 : 1;
  const tools = TOOLS.map((tool) => ({
    ...tool,
    // Where two workers are at it, the one that asks `verify` does not know that the other is about to act.
    verify: tool.verify && workers === 1,
    approval: tool.approval ?? (world.chance(0.15) ? (world.chance(0.5) ? "always" : "by rule") : ("never" as const)),
    off: world.chance(0.08),
  }));
  const density = 0.3 + 0.7 * world.random();
  const edges = names.flatMap((from) =>
    names
      .filter((to) => to !== from && world.chance(density))
      .map((to): EdgePlan => ({
        from,
        to,
        mode: world.chance(0.5) ? "pass" : world.pick(["turn", "return"] as const),
        filter: world.chance(0.5) ? 0 : world.int(FILTERS),
        payload: world.chance(0.3),
        approval: world.chance(0.1),
        toggles: world.chance(0.1),
      })),
  );
  return {
    agents: names.map((name) => ({
      name,
      tools: tools.filter(() => world.chance(0.6)).map((tool) => tool.name),
      consults: world.chance(0.25),
      handsBack: world.chance(0.3),
    })),
    edges,
    tools,
    inputGuard: world.chance(0.3) ? world.pick(["before", "beside"] as const) : "none",
    outputGuard: world.chance(0.2),
    hides: world.chance(0.25),
    maxTurns: 2 + world.int(8),
    maxHandoffs: world.int(6),
    maxConcurrentTools: 1 + world.int(4),
    maxToolCalls: 1 + world.int(6),
    policies: Array.from({ length: workers }, () => world.pick(["queue", "reject", "interrupt"] as const)),
    workers,
    operations: 3 + world.int(6),
  };
}
