import type {
  Agent as AgentType,
  AgentChanges,
  AgentConstructor,
  AgentOptions,
  AnyTarget,
  AnyTool,
  AsToolOptions,
  Handoff,
  Tool,
} from "./definitions.ts";
import { asHandoff } from "./handoff.ts";
import { DEFAULT_LIMITS, limitsWith } from "./limits.ts";
import { agentName, identifier, MAX_TOOL_NAME_LENGTH, quote } from "./names.ts";
import {
  type Rules,
  anything,
  callback,
  checkOptions,
  criteriaRules,
  flagOrCallback,
  guardrails,
  list,
  model,
  record,
  text,
  textOrCallback,
} from "./options.ts";
import { type AnySchema, jsonSchemaOf } from "./schema.ts";
import { checkGuardrails, tool } from "./tool.ts";

type Options = AgentOptions<never, readonly AnyTool[], readonly AnyTarget[], unknown>;
type Erased = AgentType<never, unknown, unknown>;

const ASK_SCHEMA = {
  type: "object",
  properties: { input: { type: "string", description: "What the agent is asked, with all it needs to know." } },
  required: ["input"],
  additionalProperties: false,
} as const;

const AGENT_OPTIONS: Rules<Options> = {
  name: anything,
  instructions: textOrCallback,
  handoffDescription: text,
  model,
  settings: record,
  tools: list,
  handoffs: anything,
  outputType: anything,
  inputGuardrails: guardrails,
  outputGuardrails: guardrails,
  toolUseBehavior: {
    expected: '"run_llm_again", "stop_on_first_tool", { stopAtToolNames } or a function',
    accepts: (value) =>
      value === "run_llm_again" ||
      value === "stop_on_first_tool" ||
      typeof value === "function" ||
      Array.isArray((value as { readonly stopAtToolNames?: unknown } | null)?.stopAtToolNames),
  },
};

const AS_TOOL_OPTIONS: Rules<AsToolOptions<AnySchema | undefined, never, unknown>> = {
  name: anything,
  description: text,
  parameters: anything,
  input: callback,
  output: callback,
  maxTurns: anything,
  needsApproval: flagOrCallback,
  isEnabled: flagOrCallback,
  ...criteriaRules,
};

class AgentDefinition {
  readonly kind = "agent";
  readonly name: string;
  readonly instructions: Options["instructions"];
  readonly handoffDescription: string | undefined;
  readonly model: Options["model"];
  readonly settings: NonNullable<Options["settings"]>;
  readonly tools: readonly AnyTool[];
  readonly outputType: Options["outputType"];
  readonly inputGuardrails: NonNullable<Options["inputGuardrails"]>;
  readonly outputGuardrails: NonNullable<Options["outputGuardrails"]>;
  readonly toolUseBehavior: NonNullable<Options["toolUseBehavior"]>;
  readonly #options: Options;
  #handoffs: readonly Handoff<never, unknown, unknown>[] | undefined;

  constructor(options: Options) {
    this.name = agentName(options?.name);
    const what = `agent "${this.name}"`;
    checkOptions(options, AGENT_OPTIONS, what);
    checkGuardrails(options.inputGuardrails, what);
    checkGuardrails(options.outputGuardrails, what);
    this.#options = options;
    const { instructions } = options;
    this.instructions = typeof instructions === "string" ? instructions.toWellFormed() : instructions;
    this.handoffDescription = options.handoffDescription;
    this.model = options.model;
    this.settings = options.settings ?? {};
    this.tools = options.tools ?? [];
    this.outputType = options.outputType;
    if (options.outputType) jsonSchemaOf(options.outputType, `the output of agent "${this.name}"`);
    this.inputGuardrails = options.inputGuardrails ?? [];
    this.outputGuardrails = options.outputGuardrails ?? [];
    this.toolUseBehavior = options.toolUseBehavior ?? "run_llm_again";
    const { handoffs = [] } = options;
    if (typeof handoffs !== "function") this.#handoffs = edges(handoffs, this.name);
  }

  /** The edges out of it. A function is called at the first reading, so that cycles can be written. */
  get handoffs(): readonly Handoff<never, unknown, unknown>[] {
    if (!this.#handoffs) {
      const { handoffs } = this.#options;
      this.#handoffs = edges(typeof handoffs === "function" ? handoffs() : (handoffs ?? []), this.name);
    }
    return this.#handoffs;
  }

  clone(changes: AgentChanges<never, unknown>): AgentDefinition {
    return new AgentDefinition({ ...this.#options, ...changes } as Options);
  }

  asTool(options: AsToolOptions<AnySchema | undefined, never, unknown> = {}): Tool<never, string> {
    const name = options.name ?? identifier(this.name, MAX_TOOL_NAME_LENGTH);
    if (name === "") {
      throw new TypeError(
        `Cannot name the tool of agent ${quote(this.name)}: nothing is left of its name in letters and digits; give asTool() a name`,
      );
    }
    checkOptions(options, AS_TOOL_OPTIONS, `tool "${name}" of agent "${this.name}"`);
    const { input, output, maxTurns, ...others } = options;
    if (maxTurns !== undefined) limitsWith(DEFAULT_LIMITS, { maxTurns });
    const asked =
      input ?? ((args: unknown) => (options.parameters ? JSON.stringify(args) : (args as { input: string }).input));
    const answer = output ?? ((value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)));
    const base = tool<AnySchema, never, string>({
      ...others,
      name,
      description: options.description ?? this.handoffDescription ?? `Ask ${this.name}.`,
      parameters: options.parameters ?? ASK_SCHEMA,
      // What the nested run does is recorded item by item, so running it again takes up where it stopped.
      sideEffects: "idempotent",
      needsApproval: options.needsApproval ?? false,
      isEnabled: options.isEnabled ?? true,
    });
    return Object.freeze({
      ...base,
      nested: {
        agent: this as unknown as Erased,
        input: asked,
        output: answer,
        ...(maxTurns === undefined ? {} : { maxTurns }),
      },
    });
  }
}

function edges(targets: readonly AnyTarget[], agent: string): readonly Handoff<never, unknown, unknown>[] {
  if (!Array.isArray(targets))
    throw new TypeError(`Cannot read the handoffs of agent "${agent}": expected a list of agents and handoffs`);
  return targets.map((target: AnyTarget | undefined, i) => {
    if (target?.kind !== "agent" && target?.kind !== "handoff") {
      throw new TypeError(
        `Cannot use element ${i} of the handoffs of agent "${agent}": expected an Agent or a handoff(), found ${quote(target)}; where modules import each other, write handoffs as a function`,
      );
    }
    return asHandoff(target);
  });
}

/**
 * Something with a name, instructions and a model that takes a conversation, calls its tools, and hands over to others.
 * Never changes once it is made. Throws a `TypeError` for a bad option.
 */
export const Agent: AgentConstructor = AgentDefinition as unknown as AgentConstructor;
export type Agent<Context = unknown, Output = string, Reach = Output> = AgentType<Context, Output, Reach>;
