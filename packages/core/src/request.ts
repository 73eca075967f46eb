import type { FunctionSpec, HandoffSpec, ModelRequest, ModelSettings, ToolSpec } from "./contracts/model.ts";
import type { CallbackContext } from "./context.ts";
import type { AnyFunctionTool, MaybePromise, RunContext } from "./definitions.ts";
import { RunError } from "./errors.ts";
import { type CompiledAgent, type Edge, handoffSpec, toolSpec, wrapTool } from "./graph.ts";
import type { HandoffItem, VisibleItem } from "./items.ts";
import type { Run } from "./run.ts";
import type { Since } from "./transcript.ts";

/** What an agent is shown, and since when a provider knows part of it. */
export interface Seen {
  readonly items: readonly VisibleItem[];
  readonly since: Since | undefined;
  /** The agent has replied since the last user message or handoff: a forced tool choice is over. */
  readonly replied: boolean;
  /** Who would get control by a handoff back. */
  readonly back: string | undefined;
  /** The handoff that would make the agent active, where it has not been made. */
  readonly arrival?: HandoffItem;
}

/** What the active agent is shown now. The list grows when the model has replied. */
export function seenNow({ transcript: t }: Run): Seen {
  return { items: t.visible, since: t.since, replied: t.replied, back: t.trail.at(-1) };
}

/** The request of an agent that sees `seen`. */
export function requestFor(agent: CompiledAgent, seen: Seen, run: Run): MaybePromise<ModelRequest> {
  const { instructions } = agent.definition;
  if (agent.fixed && typeof instructions !== "function")
    return requestWith(instructions, agent.fixed, agent, seen, run);
  return dynamicRequest(agent, seen, run);
}

async function dynamicRequest(agent: CompiledAgent, seen: Seen, run: Run): Promise<ModelRequest> {
  const { instructions } = agent.definition;
  const text = typeof instructions === "function" ? await instructionsOf(agent, seen.arrival, run) : instructions;
  return requestWith(text, agent.fixed ?? (await offered(agent, seen, run)), agent, seen, run);
}

function requestWith(
  text: string | undefined,
  { tools, handoffs }: Offer,
  agent: CompiledAgent,
  { items, since, replied }: Seen,
  run: Run,
): ModelRequest {
  const request: Writable<ModelRequest> = {
    items,
    tools,
    handoffs,
    settings: settingsOf(agent, replied, run),
    signal: run.signal, // an accessor here would cost a hidden class for each request
    at: run.at(agent.name),
  };
  if (text !== undefined && text !== "") request.instructions = text;
  if (agent.output !== undefined) request.output = agent.output;
  if (since !== undefined) request.since = since;
  if (handoffs.length > 0) request.preview = run.preview.bind(run, agent);
  return request;
}

interface Offer {
  readonly tools: readonly ToolSpec[];
  readonly handoffs: readonly HandoffSpec[];
}
type Writable<T> = { -readonly [K in keyof T]: T[K] };

async function instructionsOf(
  { name, definition }: CompiledAgent,
  arrival: HandoffItem | undefined,
  run: Run,
): Promise<string> {
  const instructions = definition.instructions as Callback<string>;
  const text: unknown = await run.call("the instructions", name, arriving(instructions, arrival));
  if (typeof text === "string") return text.toWellFormed();
  throw new RunError(`Cannot go on: the instructions of agent "${name}" must be text, found ${typeof text}`, {
    code: "callback_failed",
    agent: name,
  });
}

type Callback<T> = (run: RunContext<unknown>) => MaybePromise<T>;

/** Tells a callback of the handoff that would make its agent active. */
function arriving<T>(
  callback: Callback<T>,
  arrival: HandoffItem | undefined,
): (context: CallbackContext) => MaybePromise<T> {
  if (!arrival) return callback;
  return (context) => {
    context.arrival = arrival;
    return callback(context);
  };
}

/** Settings of the run over those of the agent over those of the runner. A forced choice holds for one reply. */
function settingsOf({ definition }: CompiledAgent, replied: boolean, { config, options }: Run): ModelSettings {
  const settings =
    config.settings || options.settings
      ? { ...config.settings, ...definition.settings, ...options.settings }
      : definition.settings;
  const { toolChoice } = settings;
  if (!replied || toolChoice === undefined || toolChoice === "auto" || toolChoice === "none") return settings;
  const { toolChoice: _, ...rest } = settings;
  return rest;
}

/** What the agent may call now. */
async function offered(agent: CompiledAgent, { back, arrival }: Seen, run: Run): Promise<Offer> {
  const tools: ToolSpec[] = [];
  const handoffs: HandoffSpec[] = [];
  for (const tool of agent.tools.values()) {
    if (await isEnabled(tool.isEnabled, `tool "${tool.name}"`, agent.name, run, arrival))
      tools.push(agent.specs.get(tool.name) as FunctionSpec);
  }
  for (const tool of await listed(agent, run, arrival)) {
    if (await isEnabled(tool.isEnabled, `tool "${tool.name}"`, agent.name, run, arrival)) tools.push(toolSpec(tool));
  }
  tools.push(...agent.hosted);
  for (const edge of agent.edges.values()) {
    const to = targetOf(edge, back);
    if (to === undefined || !run.graph.agents.has(to)) continue;
    if (!(await isEnabled(edge.isEnabled, `handoff "${edge.toolName}"`, agent.name, run, arrival))) continue;
    handoffs.push(edge.agent ? (agent.specs.get(edge.toolName) as HandoffSpec) : handoffSpec(edge, to));
  }
  return { tools, handoffs };
}

/** Where an edge leads; a handoff back leads to whoever handed over last. */
export function targetOf(edge: Edge, back: string | undefined): string | undefined {
  return edge.agent ? edge.agent.name : back;
}

/** Whether a tool or edge is there for this run. A callback that does not say `true` says no. */
export async function isEnabled(
  rule: boolean | ((run: RunContext<never>) => MaybePromise<boolean>),
  what: string,
  agent: string,
  run: Run,
  arrival?: HandoffItem,
): Promise<boolean> {
  if (typeof rule === "boolean") return rule;
  const enabled: unknown = await run.call(`isEnabled of ${what}`, agent, arriving(rule as Callback<boolean>, arrival));
  return enabled === true;
}

/** The tools that the agent's sources have now, wrapped. Throws where a name is taken. */
async function listed(agent: CompiledAgent, run: Run, arrival?: HandoffItem): Promise<readonly AnyFunctionTool[]> {
  const tools: AnyFunctionTool[] = [];
  const names = new Set([...agent.tools.keys(), ...agent.edges.keys()]);
  for (const source of agent.sources) {
    const what = `the tool source "${source.name}"`;
    const list = source.list.bind(source) as Callback<readonly AnyFunctionTool[]>;
    const given = await run.call(what, agent.name, arriving(list, arrival));
    if (!Array.isArray(given) || !given.every((each: Partial<AnyFunctionTool> | undefined) => each?.kind === "tool")) {
      throw new RunError(`Cannot go on: ${what} of agent "${agent.name}" must give a list of tools`, {
        code: "callback_failed",
        agent: agent.name,
      });
    }
    for (const tool of given as readonly AnyFunctionTool[]) {
      if (names.has(tool.name)) {
        throw new RunError(
          `Cannot use tool "${tool.name}" of source "${source.name}" in agent "${agent.name}": the name is taken`,
          { code: "callback_failed", agent: agent.name },
        );
      }
      names.add(tool.name);
      tools.push(wrapTool(tool, agent.name, run.config.plugins));
    }
  }
  return tools;
}

/** The tool that a call of the agent means. */
export async function findTool(agent: CompiledAgent, name: string, run: Run): Promise<AnyFunctionTool | undefined> {
  const tool = agent.tools.get(name);
  if (tool || agent.sources.length === 0) return tool;
  return (await listed(agent, run)).find((each) => each.name === name);
}
