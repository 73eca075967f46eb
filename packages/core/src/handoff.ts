import type {
  Agent,
  AnyAgent,
  AnyTarget,
  FilterResult,
  Handoff,
  HandoffOptions,
  InputFilter,
  MaybePromise,
} from "./definitions.ts";
import type { HandoffMode } from "./items.ts";
import { criteria, describe, quote, toolName, transferName } from "./names.ts";
import {
  type Rules,
  anything,
  callback,
  checkOptions,
  criteriaRules,
  flag,
  flagOrCallback,
  guardrails,
  oneOf,
  text,
} from "./options.ts";
import { type AnySchema, NO_PARAMETERS, type Parsed, objectSchemaOf } from "./schema.ts";
import { checkGuardrails } from "./tool.ts";

type Options = HandoffOptions<unknown, AnySchema | undefined, HandoffMode>;

const HAND_BACK_OPTIONS: Rules<HandBackOptions> = {
  toolName: anything,
  toolDescription: text,
  inputFilter: anything,
  isEnabled: flagOrCallback,
  ...criteriaRules,
};
const HANDOFF_OPTIONS: Rules<Options> = {
  ...HAND_BACK_OPTIONS,
  inputType: anything,
  strict: flag,
  onHandoff: callback,
  needsApproval: flagOrCallback,
  guardrails,
  mode: oneOf("pass", "turn", "return"),
};

/**
 * An edge to `agent` with its own name, payload, filter and rules. An agent in `handoffs` is one with defaults.
 * Throws a `TypeError` for a bad option.
 */
export function handoff<
  Context,
  Output,
  Reach,
  const S extends AnySchema | undefined = undefined,
  const M extends HandoffMode = "pass",
>(
  agent: Agent<Context, Output, Reach>,
  options: HandoffOptions<Context, S, M> = {},
): Handoff<Context, M extends "return" ? never : Reach, Parsed<S>> {
  if (agent?.kind !== "agent") {
    throw new TypeError(`Cannot make a handoff to ${quote(agent)}: expected an Agent`);
  }
  const what = `a handoff to agent "${agent.name}"`;
  checkOptions(options as unknown as Options, HANDOFF_OPTIONS, what);
  const name = options.toolName === undefined ? transferName(agent.name) : toolName(options.toolName, what);
  return edge(agent, name, options, what);
}

/** The words of a handoff back. */
export type HandBackOptions = Pick<
  HandoffOptions<unknown, undefined, "pass">,
  "toolName" | "toolDescription" | "when" | "notFor" | "examples" | "inputFilter" | "isEnabled"
>;

/**
 * A handoff to whoever handed over last, named `transfer_back`. The model does not see it where nobody did. It needs no
 * import of that agent, and no annotation of types.
 */
export function handBack(options: HandBackOptions = {}): Handoff<unknown, never, undefined> {
  const what = "a handoff back";
  checkOptions(options, HAND_BACK_OPTIONS, what);
  const name = toolName(options.toolName ?? "transfer_back", what);
  const toolDescription = "Hand the conversation back to the agent that handed it over, when the request is not yours.";
  return edge<unknown, never, undefined, "pass">(undefined, name, { toolDescription, ...options }, what);
}

function edge<Context, Reach, S extends AnySchema | undefined, M extends HandoffMode>(
  agent: AnyAgent | undefined,
  name: string,
  options: HandoffOptions<Context, S, M>,
  what: string,
): Handoff<Context, Reach, Parsed<S>> {
  checkGuardrails(options.guardrails, what);
  if (options.inputType) objectSchemaOf(options.inputType, what);
  return Object.freeze({
    kind: "handoff",
    toolName: name,
    toolDescription: options.toolDescription,
    ...criteria(options),
    agent,
    mode: options.mode ?? "pass",
    inputType: options.inputType,
    strict: options.strict,
    onHandoff: options.onHandoff,
    inputFilters: filterList(options.inputFilter, what),
    isEnabled: options.isEnabled ?? true,
    needsApproval: options.needsApproval ?? false,
    guardrails: options.guardrails ?? [],
  } satisfies Handoff<Context, Reach, Parsed<S>>) as Handoff<Context, Reach, Parsed<S>>;
}

/** The filters that an option gives. Throws a `TypeError` for what is none. */
export function filterList<Payload, Context>(
  given: InputFilter<Payload, Context> | readonly InputFilter<Payload, Context>[] | undefined,
  what: string,
): readonly ((data: never) => MaybePromise<FilterResult>)[] {
  const filters = given === undefined ? [] : ([given].flat() as readonly InputFilter<Payload, Context>[]);
  for (const filter of filters) {
    if (typeof filter !== "function")
      throw new TypeError(`Cannot use ${quote(filter)} as inputFilter of ${what}: expected a function`);
  }
  return filters;
}

/** An edge as the graph knows it: an agent is a handoff with defaults. */
export function asHandoff(target: AnyTarget): Handoff<never, unknown, unknown> {
  if (target?.kind === "handoff") return target as Handoff<never, unknown, unknown>;
  return handoff(target as Agent<unknown, unknown, unknown>) as Handoff<never, unknown, unknown>;
}

/** What the model reads about a handoff. */
export function handoffDescription(edge: Handoff<never, unknown, unknown>): string {
  const target = edge.agent as Agent<never, unknown, unknown> | undefined;
  const words = edge.toolDescription ?? defaultDescription(target);
  return describe(words, edge);
}

function defaultDescription(target: Agent<never, unknown, unknown> | undefined): string {
  if (!target) return "";
  const words = `Hand the conversation over to ${target.name}.`;
  return target.handoffDescription === undefined ? words : `${words} ${target.handoffDescription}`;
}

/** The payload's schema as the model gets it. */
export function handoffParameters(edge: Handoff<never, unknown, unknown>): AnySchema {
  return edge.inputType ?? NO_PARAMETERS;
}
