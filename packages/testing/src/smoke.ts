import {
  type AnyAgent,
  checkKeys,
  type FunctionSpec,
  type Item,
  type JsonObject,
  type ModelRequest,
  type Plugin,
  RunError,
  Runner,
  type RunnerOptions,
  type RunOptions,
} from "@batonjs/core";
import { edgeName } from "./agent-graph.ts";
import { everyHandoff } from "./edges.ts";
import { isolate, type Isolated, type IsolateOptions, type WithContext } from "./isolate.ts";
import { madeUp } from "./sample.ts";
import { type Answer, call, say, type ScriptedContent } from "./script.ts";
import { type ScriptedModel, scriptedModel } from "./scripted-model.ts";
import { transcript } from "./transcript.ts";

/** A model that answers by a function of the request: a text, or what scripts are made of. */
export function functionModel(
  answer: (request: ModelRequest) => string | Answer | Promise<string | Answer>,
): ScriptedModel {
  return scriptedModel(async (request) => {
    const given = await answer(request);
    return typeof given === "string" ? say(given) : given;
  });
}

/** What a smoke model calls with what. */
export interface SmokeOptions {
  /** Arguments by the name of the tool or handoff, where those made up of its schema will not do. */
  readonly arguments?: Readonly<Record<string, JsonObject>>;
  /** Make handoffs as well. @default {true} */
  readonly handoffs?: boolean;
}

/**
 * A model without a script: each agent calls all of its tools once, side by side, then makes each of its handoffs once,
 * then answers. Arguments are made up of the schemas, the same each time; an output type gets data.
 */
export function smokeModel(options: SmokeOptions = {}): ScriptedModel {
  checkKeys(options, new Set(["arguments", "handoffs"]), "smokeModel()");
  const { arguments: given = {}, handoffs = true } = options;
  const called = new Set<string>();
  const fresh = ({ name }: { readonly name: string }, agent: string): boolean => !called.has(`${agent}\n${name}`);
  return scriptedModel((request) => {
    const { agent } = request.at;
    const make = ({ name, parameters }: Pick<FunctionSpec, "name" | "parameters">): ScriptedContent => {
      called.add(`${agent}\n${name}`);
      return call(name, given[name] ?? (madeUp(parameters) as JsonObject));
    };
    const tools = request.tools.filter((spec) => spec.type === "function").filter((spec) => fresh(spec, agent));
    if (tools.length > 0) return tools.map(make);
    const next = handoffs ? request.handoffs.find((spec) => fresh(spec, agent)) : undefined;
    if (next) return [make(next)];
    return say(request.output ? JSON.stringify(madeUp(request.output.schema)) : "Done.");
  });
}

/** What is run beside the graph. */
export type SmokeTestOptions = Pick<IsolateOptions, "plugins" | "runner" | "history"> & Pick<SmokeOptions, "arguments">;

const OPTIONS: ReadonlySet<string> = new Set(["plugins", "runner", "history", "arguments", "context"]);

/** What a smoke test has done. */
export interface SmokeReport {
  /** Agents and edges that were tried, in order. */
  readonly tried: readonly string[];
  /** How often each tool ran, by `agent/tool`. */
  readonly tools: ReadonlyMap<string, number>;
}

/** What failed in a smoke test, with the transcripts. */
export class SmokeError extends Error {
  override name = "SmokeError";
}

/**
 * Makes every handoff of the graph of `triage` and calls every tool of every agent that it reaches, with no script:
 * arguments and payloads are made up of the schemas. Approvals are taken as given; a tool that the caller runs gives
 * "ok". Tools really run: give `plugins: [stubTools(…)]` where they must not. Throws a `SmokeError` for all that failed.
 */
export async function smokeTest<A extends AnyAgent>(
  triage: A,
  ...[options]: unknown extends WithContext<A>["context"]
    ? [options?: SmokeTestOptions & WithContext<A>]
    : [options: SmokeTestOptions & WithContext<A>]
): Promise<SmokeReport> {
  checkKeys(options ?? {}, OPTIONS, "smokeTest()");
  const { plugins = [], runner = {}, history = "Hello", arguments: given = {} } = options ?? {};
  const context = (options as { readonly context?: unknown } | undefined)?.context;
  const model = smokeModel({ arguments: given, handoffs: false });
  const all = [approving, ...plugins];
  const tried: string[] = [];
  const problems: string[] = [];
  const items: Item[] = [];
  const attempt = async (name: string, played: () => Promise<Pick<Isolated, "newItems">>): Promise<void> => {
    tried.push(name);
    try {
      const { newItems } = await played();
      items.push(...newItems);
      problems.push(...newItems.filter(isFailure).map((item) => `${name}:\n${marked(newItems, item)}`));
    } catch (error) {
      const record = error instanceof RunError ? `\n${transcript(error.items).join("\n")}` : "";
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}${record}`);
    }
  };
  const runOptions = { context, model } as unknown as RunOptions & { readonly context: never };
  await attempt(triage.name, () =>
    new Runner({ ...(runner as RunnerOptions), plugins: all }).run(triage, history, runOptions),
  );
  for (const edge of everyHandoff(triage)) {
    const { from, to, toolName } = edge;
    const input = given[toolName];
    const base = { from, toolName, history, model, plugins: all, runner, context };
    await attempt(edgeName({ from: from.name, to: to.name, toolName }), () =>
      isolate(to, input === undefined ? base : { ...base, input }),
    );
  }
  if (problems.length > 0) throw new SmokeError(`The smoke test of ${triage.name} found:\n\n${problems.join("\n\n")}`);
  return { tried, tools: toolCounts(items) };
}

/** Nobody is there to decide, or to run what the caller runs. */
const approving: Plugin = {
  name: "smoke",
  wrapTool: (tool) => ({
    ...tool,
    needsApproval: false,
    ...(tool.execute || tool.nested ? {} : { execute: () => "ok" }),
  }),
};

const isFailure = (item: Item): boolean => item.type === "tool_result" && item.status !== "ok";

function marked(items: readonly Item[], failure: Item): string {
  return transcript(items)
    .map((line, i) => `${items[i] === failure ? "> " : "  "}${line}`)
    .join("\n");
}

function toolCounts(items: readonly Item[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) {
    if (item.type !== "tool_call" || item.handoff) continue;
    const name = `${item.agent}/${item.name}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
