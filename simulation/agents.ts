/** The agents of a scene, as one process builds them. */
import {
  Agent,
  dropMessages,
  dropToolItems,
  handBack,
  handoff,
  type InputFilter,
  type InputGuardrail,
  keepLast,
  type Model,
  type OutputGuardrail,
  redact,
  textOf,
  tool,
  type ToolContext,
} from "@batonjs/core";
import type { Checks } from "./checks.ts";
import { abortBy } from "./provider.ts";
import { type EdgePlan, NESTED, type Scene, type ToolPlan } from "./scene.ts";
import { never, type Process, type World } from "./world.ts";

interface Parts {
  readonly world: World;
  readonly process: Process;
  readonly scene: Scene;
  readonly checks: Checks;
  readonly model: Model;
}

type AnAgent = Agent<unknown, string, string>;

const PARAMETERS = {
  type: "object",
  properties: { n: { type: "number" }, input: { type: "string" }, reason: { type: "string" } },
  required: ["n"],
} as const;

const hide: InputFilter = dropMessages((message) => textOf(message).includes("[INTERNAL]"));

/** The entry agent, with all that it leads to. `without` names an agent that this version of the program lacks. */
export function graphOf(parts: Parts, without?: string): AnAgent {
  const { scene, world } = parts;
  const plans = scene.agents.filter(({ name }) => name !== without);
  const nested = new Agent({
    name: NESTED,
    model: parts.model,
    tools: scene.tools.map((plan) => toolOf(plan, NESTED, parts)),
    ...guards(parts),
  });
  const byName = new Map<string, AnAgent>();
  for (const { name, tools, consults, handsBack } of plans) {
    const agent = new Agent({
      name,
      instructions: async () => {
        await callback("instructions", parts);
        return `You are ${name}.`;
      },
      model: parts.model,
      tools: [
        ...scene.tools.filter((plan) => tools.includes(plan.name)).map((plan) => toolOf(plan, name, parts)),
        ...(consults ? [nested.asTool({ name: "consult", parameters: PARAMETERS, input: () => "What now?" })] : []),
      ],
      handoffs: (): ReturnType<typeof handoff>[] => [
        ...scene.edges
          .filter(({ from, to }) => from === name && byName.has(to))
          .map((plan) => edgeOf(plan, byName.get(plan.to)!, parts)),
        ...(handsBack ? [handBack(scene.hides ? { inputFilter: hide } : {}) as ReturnType<typeof handoff>] : []),
      ],
      ...guards(parts),
    });
    byName.set(name, agent as AnAgent);
  }
  world.note(`agents ${[...byName.keys()].join(", ")}`);
  return byName.get("A")!;
}

/** A callback of the user: it may take its time, fail, or never answer. */
async function callback(site: string, { world, process }: Parts): Promise<void> {
  if (world.chance(0.3)) await process.moment(site);
  if (world.strikes(`${site} fails`)) throw new Error(`${site} failed`);
  if (world.strikes(`${site} hangs`)) await never();
}

function guards(parts: Parts): { inputGuardrails: InputGuardrail[]; outputGuardrails: OutputGuardrail[] } {
  const { scene, world } = parts;
  const verdict = async (site: string, bad: boolean): Promise<boolean> => {
    await callback(site, parts);
    return world.strikes(`${site} says nonsense`) ? (undefined as unknown as boolean) : !bad;
  };
  return {
    inputGuardrails:
      scene.inputGuard === "none"
        ? []
        : [
            {
              name: "no forbidden words",
              runInParallel: scene.inputGuard === "beside",
              check: ({ text }) => verdict("input guardrail", text.includes("FORBIDDEN")),
            },
          ],
    outputGuardrails: scene.outputGuard
      ? [{ name: "no leaks", check: ({ text }) => verdict("output guardrail", text.includes("LEAK")) }]
      : [],
  };
}

function toolOf(plan: ToolPlan, agent: string, parts: Parts): ReturnType<typeof tool> {
  const { world, process, checks } = parts;
  const { name, sideEffects } = plan;
  const execute = async (args: unknown, context: ToolContext): Promise<unknown> => {
    checks.started(process, plan, agent, args, context);
    try {
      await process.moment("before effect");
      abortBy(world, process, checks, context.runId, "tool");
      if (world.strikes("tool fails")) throw world.pick([new Error("tool failed"), "text", undefined]);
      if (world.strikes("tool hangs")) await never();
      checks.effect(plan, context.idempotencyKey);
      await process.moment("after effect");
      abortBy(world, process, checks, context.runId, "end of tool");
      if (world.strikes("tool fails after its effect")) throw new Error("too late");
      return world.strikes("odd result")
        ? world.pick<unknown>([undefined, null, 1n, Symbol("s"), "half \ud83d", { toJSON: () => never }])
        : "ok";
    } finally {
      checks.ended(process, context);
    }
  };
  return tool({
    name,
    parameters: PARAMETERS,
    sideEffects,
    needsApproval: plan.approval === "by rule" ? rule(parts) : plan.approval === "always",
    isEnabled: plan.off ? async () => callback("isEnabled", parts).then(() => false) : true,
    ...(plan.client ? {} : { execute: execute as () => unknown }),
    ...(plan.verify
      ? {
          verify: async (_: unknown, { idempotencyKey }: ToolContext) => {
            await callback("verify", parts);
            return checks.happened(idempotencyKey) ? "it happened" : undefined;
          },
        }
      : {}),
  }) as ReturnType<typeof tool>;
}

const rule = (parts: Parts) => async (): Promise<boolean> => {
  await callback("approval rule", parts);
  const { world } = parts;
  return world.strikes("approval rule says nonsense") ? ("yes" as unknown as boolean) : world.chance(0.5);
};

function edgeOf(plan: EdgePlan, target: AnAgent, parts: Parts): ReturnType<typeof handoff> {
  const { scene, world } = parts;
  const filters = [filterOf(plan.filter, parts), ...(scene.hides ? [hide] : [])].filter((each) => each !== undefined);
  return handoff(target, {
    toolName: `transfer_to_${plan.to.toLowerCase()}`,
    mode: plan.mode,
    ...(plan.payload ? { inputType: PARAMETERS } : {}),
    ...(filters.length > 0 ? { inputFilter: filters } : {}),
    needsApproval: plan.approval,
    isEnabled: plan.toggles ? () => world.chance(0.5) : true,
    onHandoff: () => callback("onHandoff", parts),
  }) as ReturnType<typeof handoff>;
}

/** The filters by number: `FILTERS` of them. */
function filterOf(number: number, parts: Parts): InputFilter | undefined {
  const plain = [
    undefined,
    dropToolItems,
    keepLast(1),
    keepLast(3),
    redact(/hello/giu),
    ({ newItems }) => ({ inputHistory: [], preHandoffItems: [], newItems }),
    ({ inputHistory }) => ({ inputHistory: [...inputHistory].reverse() }),
    ({ inputHistory, newItems }) => ({ inputHistory: [...newItems, ...inputHistory, ...inputHistory] }),
    () => ({ inputHistory: [{ type: "message", role: "user", content: "put in by a filter \ud83d" }] }),
  ] as const satisfies readonly (InputFilter | undefined)[];
  const filter = plain[number] as InputFilter | undefined;
  if (!filter) return undefined;
  return (async (data: never) => {
    await callback("filter", parts);
    return filter(data);
  }) as unknown as InputFilter;
}
