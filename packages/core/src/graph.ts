import type { FunctionSpec, HandoffSpec, HostedToolSpec, Model, OutputSpec, ToolSpec } from "./contracts/model.ts";
import type { Plugin } from "./contracts/plugin.ts";
import { leave } from "./deadlines.ts";
import type { Agent, AnyFunctionTool, AnyTool, Handoff, ToolSource } from "./definitions.ts";
import { handoffDescription, handoffParameters } from "./handoff.ts";
import { criteria, quote } from "./names.ts";
import { jsonSchemaOf } from "./schema.ts";

export type AgentDefinition = Agent<never, unknown, unknown>;
export type Edge = Handoff<never, unknown, unknown>;

/** An agent as it is run: its model found and wrapped, its tools and edges indexed and written for the model. */
export interface CompiledAgent {
  readonly name: string;
  readonly definition: AgentDefinition;
  readonly model: Model;
  readonly tools: ReadonlyMap<string, AnyFunctionTool>;
  readonly hosted: readonly HostedToolSpec[];
  readonly sources: readonly ToolSource<never>[];
  readonly edges: ReadonlyMap<string, Edge>;
  /** What the model is told of each tool and edge. */
  readonly specs: ReadonlyMap<string, FunctionSpec | HandoffSpec>;
  /** Where nothing depends on the run: the lists as they are. */
  readonly fixed: { readonly tools: readonly ToolSpec[]; readonly handoffs: readonly HandoffSpec[] } | undefined;
  readonly output: OutputSpec | undefined;
}

/** A graph that has been checked, ready to run. */
export interface Graph {
  readonly entry: string;
  readonly agents: ReadonlyMap<string, CompiledAgent>;
}

export interface GraphOptions {
  readonly plugins: readonly Plugin[];
  /** For agents without one. */
  readonly model: string | Model | undefined;
  /** For all agents, over their own. */
  readonly override: string | Model | undefined;
}

/** Agents as written → agents as run. Throws a `TypeError` for a graph that cannot run, before any effect. */
export function compile(entry: AgentDefinition, options: GraphOptions): Graph {
  const agents = new Map<string, CompiledAgent>();
  const definitions = new Map<string, AgentDefinition>();
  const queue = [entry];
  for (let agent = queue.pop(); agent; agent = queue.pop()) {
    const known = definitions.get(agent.name);
    if (known === agent) continue;
    if (known) {
      throw new TypeError(
        `Cannot use two agents named "${agent.name}" in the graph of agent "${entry.name}": names tell agents apart; rename one`,
      );
    }
    definitions.set(agent.name, agent);
    agents.set(agent.name, compileAgent(agent, options));
    for (const edge of agent.handoffs) if (edge.agent) queue.push(edge.agent as AgentDefinition);
  }
  return { entry: entry.name, agents };
}

function compileAgent(agent: AgentDefinition, options: GraphOptions): CompiledAgent {
  const owners = new Map<string, string>();
  const claim = (name: string, owner: string): void => {
    const other = owners.get(name);
    if (other !== undefined) {
      throw new TypeError(
        `Cannot use the name "${name}" twice in agent "${agent.name}": ${other} and ${owner} both have it`,
      );
    }
    owners.set(name, owner);
  };
  const tools = new Map<string, AnyFunctionTool>();
  const specs = new Map<string, FunctionSpec | HandoffSpec>();
  const hosted: HostedToolSpec[] = [];
  const sources: ToolSource<never>[] = [];
  for (const [i, each] of agent.tools.entries()) {
    const kind = kindOf(each);
    if (kind === "hosted") hosted.push(each as HostedToolSpec);
    else if (kind === "source") sources.push(each as ToolSource<never>);
    else if (kind === "tool") {
      const wrapped = wrapTool(each as AnyFunctionTool, agent.name, options.plugins);
      claim(wrapped.name, `tool "${wrapped.name}"`);
      tools.set(wrapped.name, wrapped);
      specs.set(wrapped.name, toolSpec(wrapped));
    } else {
      throw new TypeError(
        `Cannot use element ${i} of the tools of agent "${agent.name}": expected a tool(), a hosted tool or a source of tools, found ${quote(each)}`,
      );
    }
  }
  const edges = new Map<string, Edge>();
  for (const edge of agent.handoffs) {
    claim(edge.toolName, edge.agent ? `the handoff to "${edge.agent.name}"` : "the handoff back");
    edges.set(edge.toolName, edge);
    specs.set(edge.toolName, handoffSpec(edge, edge.agent?.name ?? ""));
  }
  const dynamic =
    sources.length > 0 ||
    [...tools.values()].some((each) => each.isEnabled !== true) ||
    agent.handoffs.some((edge) => edge.isEnabled !== true || !edge.agent);
  return {
    name: agent.name,
    definition: agent,
    model: findModel(agent, options),
    tools,
    hosted,
    sources,
    edges,
    specs,
    fixed: dynamic ? undefined : fixedLists([...specs.values()], hosted),
    output: outputSpec(agent),
  };
}

/** A tool as plugins wrap it, the first plugin outermost. */
export function wrapTool(tool: AnyFunctionTool, agent: string, plugins: readonly Plugin[]): AnyFunctionTool {
  return plugins.reduceRight((inner, plugin) => {
    const wrapped = plugin.wrapTool?.(inner, { agent }) ?? inner;
    if (kindOf(wrapped) === "tool") return wrapped;
    leave(wrapped);
    throw new TypeError(
      `Cannot wrap tool "${tool.name}" of agent "${agent}": plugin "${plugin.name}" gave ${quote(wrapped)}, expected a tool`,
    );
  }, tool);
}

function kindOf(tool: AnyTool): "tool" | "hosted" | "source" | undefined {
  if (typeof tool !== "object" || tool === null) return undefined;
  if ("kind" in tool) return tool.kind === "tool" ? "tool" : tool.kind === "tool_source" ? "source" : undefined;
  return tool.type === "hosted" ? "hosted" : undefined;
}

function fixedLists(
  specs: readonly (FunctionSpec | HandoffSpec)[],
  hosted: readonly HostedToolSpec[],
): CompiledAgent["fixed"] {
  return {
    tools: [...specs.filter((spec): spec is FunctionSpec => spec.type === "function"), ...hosted],
    handoffs: specs.filter((spec): spec is HandoffSpec => spec.type === "handoff"),
  };
}

/** What the model is told of a tool. */
export function toolSpec(tool: AnyFunctionTool): FunctionSpec {
  return Object.freeze({
    type: "function",
    name: tool.name,
    description: tool.description,
    parameters: jsonSchemaOf(tool.parameters, `tool "${tool.name}"`),
    ...(tool.strict === undefined ? {} : { strict: tool.strict }),
    ...criteria(tool),
  });
}

/** What the model is told of an edge to the agent `to`. */
export function handoffSpec(edge: Edge, to: string): HandoffSpec {
  return Object.freeze({
    type: "handoff",
    name: edge.toolName,
    description: handoffDescription(edge),
    parameters: jsonSchemaOf(handoffParameters(edge), `handoff "${edge.toolName}"`),
    ...(edge.strict === undefined ? {} : { strict: edge.strict }),
    ...criteria(edge),
    to,
    ...(edge.mode === "pass" ? {} : { mode: edge.mode }),
    ...(edge.agent ? {} : { back: true as const }),
  });
}

function outputSpec({ name, outputType }: AgentDefinition): OutputSpec | undefined {
  if (!outputType) return undefined;
  return Object.freeze({ name: "output", schema: jsonSchemaOf(outputType, `the output of agent "${name}"`) });
}

function findModel(agent: AgentDefinition, { plugins, model, override }: GraphOptions): Model {
  const wanted = override ?? agent.model ?? model;
  if (wanted === undefined) {
    throw new TypeError(
      `Cannot run agent "${agent.name}": it has no model; give it one, or give the runner a default: new Runner({ model })`,
    );
  }
  return wrappedModel(wanted, agent.name, plugins, `agent "${agent.name}"`);
}

/** The model called `wanted`, as plugins wrap it for an agent, the first plugin outermost. */
export function wrappedModel(wanted: string | Model, agent: string, plugins: readonly Plugin[], what: string): Model {
  return plugins.reduceRight(
    (inner, plugin) => checkModel(plugin.wrapModel?.(inner, { agent }) ?? inner, what),
    resolveModel(wanted, plugins, what),
  );
}

/** The model called `wanted`. `openai/gpt-4o` asks the plugin `openai`; a bare name asks all in order. */
function resolveModel(wanted: string | Model, plugins: readonly Plugin[], what: string): Model {
  if (typeof wanted !== "string") return checkModel(wanted, what);
  const slash = wanted.indexOf("/");
  const owner =
    slash > 0 ? plugins.find((plugin) => plugin.model && plugin.name === wanted.slice(0, slash)) : undefined;
  const found = owner?.model?.(wanted.slice(slash + 1)) ?? firstOf(plugins, wanted);
  if (found) return checkModel(found, what);
  const able = plugins.filter((plugin) => plugin.model).map((plugin) => `"${plugin.name}"`);
  throw new TypeError(
    able.length === 0
      ? `Cannot find a model for "${wanted}" of ${what}: this runner has no plugin that provides models; write new Runner({ plugins: [...] }) with one, or pass a Model`
      : `Cannot find a model for "${wanted}" of ${what}: no plugin provides it; plugins that provide models are ${able.join(", ")}`,
  );
}

/** What others give as a model need not be one: a promise of it is not. */
function checkModel(model: Model, what: string): Model {
  if (typeof (model as Model | null)?.stream === "function") return model;
  leave(model);
  const plugin = model as Partial<Plugin> | null;
  throw new TypeError(
    typeof plugin?.model === "function"
      ? `Cannot use plugin ${quote(plugin.name)} as the model of ${what}: put it into plugins, and name one of its models`
      : `Cannot use ${quote(model)} as the model of ${what}: expected a name or an object with a stream() method`,
  );
}

function firstOf(plugins: readonly Plugin[], name: string): Model | undefined {
  for (const plugin of plugins) {
    const model = plugin.model?.(name);
    if (model) return model;
  }
  return undefined;
}
