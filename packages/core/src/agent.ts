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
import { agentName, identifier, MAX_TOOL_NAME_LENGTH, quote } from "./names.ts";
import { type AnySchema, jsonSchemaOf } from "./schema.ts";
import { tool } from "./tool.ts";

type Options = AgentOptions<never, readonly AnyTool[], readonly AnyTarget[], unknown>;
type Erased = AgentType<never, unknown, unknown>;

const ASK_SCHEMA = {
  type: "object",
  properties: { input: { type: "string", description: "What the agent is asked, with all it needs to know." } },
  required: ["input"],
  additionalProperties: false,
} as const;

const KNOWN_OPTIONS = new Set([
  "name",
  "instructions",
  "handoffDescription",
  "model",
  "settings",
  "tools",
  "handoffs",
  "outputType",
  "inputGuardrails",
  "outputGuardrails",
  "toolUseBehavior",
]);

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
    this.name = agentName(options.name);
    for (const key of Object.keys(options)) {
      if (!KNOWN_OPTIONS.has(key)) {
        throw new TypeError(
          `Cannot use option ${quote(key)} of agent "${this.name}": known options are ${[...KNOWN_OPTIONS].join(", ")}`,
        );
      }
    }
    this.#options = options;
    this.instructions = options.instructions;
    this.handoffDescription = options.handoffDescription;
    this.model = options.model;
    this.settings = options.settings ?? {};
    this.tools = options.tools ?? [];
    this.outputType = options.outputType;
    if (options.outputType) jsonSchemaOf(options.outputType, `the output of agent "${this.name}"`);
    this.inputGuardrails = options.inputGuardrails ?? [];
    this.outputGuardrails = options.outputGuardrails ?? [];
    this.toolUseBehavior = options.toolUseBehavior ?? "run_llm_again";
    if (typeof options.handoffs !== "function") this.#handoffs = edges(options.handoffs ?? [], this.name);
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
    const asked =
      options.input ??
      ((args: unknown) => (options.parameters ? JSON.stringify(args) : (args as { input: string }).input));
    const answer =
      options.output ?? ((output: unknown) => (typeof output === "string" ? output : JSON.stringify(output)));
    const base = tool<AnySchema, never, string>({
      ...options,
      name,
      description: options.description ?? this.handoffDescription ?? `Ask ${this.name}.`,
      parameters: options.parameters ?? ASK_SCHEMA,
      // What the nested run does is recorded item by item, so running it again takes up where it stopped.
      sideEffects: "idempotent",
      needsApproval: options.needsApproval ?? false,
      isEnabled: options.isEnabled ?? true,
    });
    const { maxTurns } = options;
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
