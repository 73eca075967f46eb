import { messageOf, truncate } from "./errors.ts";
import type { Examples, RoutingCriteria } from "./contracts/model.ts";

/** The longest name of a tool, as providers allow. */
export const MAX_TOOL_NAME_LENGTH = 64;
/** The longest name of an agent. */
export const MAX_AGENT_NAME_LENGTH = 200;
/** How many examples a description shows to the model; routers read all of them. */
export const MAX_DESCRIBED_EXAMPLES = 6;

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** `name` if providers accept it as the name of a function; else a `TypeError` that names `what`. */
export function toolName(name: string, what: string): string {
  if (typeof name === "string" && TOOL_NAME.test(name)) return name;
  throw new TypeError(
    `Cannot use ${quote(name)} as the name of ${what}: a name has 1 to ${MAX_TOOL_NAME_LENGTH} letters, digits, "_" or "-"`,
  );
}

/** `Billing Agent` → `billing_agent`, at most `max` long; empty where nothing is left. */
export function identifier(name: string, max: number): string {
  const text = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .slice(0, max);
  return /[a-z0-9]/.test(text) ? text : "";
}

/** `transfer_to_` and the agent's name, as providers accept it. */
export function transferName(agent: string): string {
  const prefix = "transfer_to_";
  const rest = identifier(agent, MAX_TOOL_NAME_LENGTH - prefix.length);
  if (rest === "") {
    throw new TypeError(
      `Cannot name the handoff to agent ${quote(agent)}: nothing is left of its name in letters and digits; give the handoff a toolName`,
    );
  }
  return prefix + rest;
}

/** `name` if it can name an agent; else a `TypeError`. */
export function agentName(name: string): string {
  const problem =
    typeof name !== "string" || name.trim() === ""
      ? "it must not be empty"
      : name.length > MAX_AGENT_NAME_LENGTH
        ? `it may be at most ${MAX_AGENT_NAME_LENGTH} characters long`
        : !name.isWellFormed() || hasControl(name)
          ? "it must be well-formed text without control characters"
          : undefined;
  if (problem === undefined) return name;
  throw new TypeError(`Cannot use ${quote(name)} as the name of an agent: ${problem}`);
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
      return true;
  }
  return false;
}

/** A name, or whatever stands in its place, in an error message. */
export function quote(name: unknown): string {
  if (typeof name === "string") return `"${truncate(name, 100)}"`;
  return typeof name === "function" ? "a function" : messageOf(name, 100);
}

/** All examples of a tool or handoff, over all intents. */
export function exampleList(examples: Examples | undefined): readonly string[] {
  if (examples === undefined) return [];
  return isList(examples) ? examples : Object.values(examples).flat();
}

const isList = (examples: Examples): examples is readonly string[] => Array.isArray(examples);

/** What the model reads about when to take a tool or handoff. */
export function describe(description: string, { when, notFor, examples }: RoutingCriteria): string {
  const lines = description === "" ? [] : [description];
  if (when !== undefined) lines.push(`Use for: ${when}`);
  if (notFor !== undefined) lines.push(`Not for: ${notFor}`);
  const shown = spread(examples);
  if (shown.length > 0) lines.push(`Examples: ${shown.map((example) => JSON.stringify(example)).join(", ")}`);
  return lines.join("\n").toWellFormed();
}

/** Some examples of each intent, taken in turn. */
function spread(examples: Examples | undefined): readonly string[] {
  if (examples === undefined || isList(examples)) return (examples ?? []).slice(0, MAX_DESCRIBED_EXAMPLES);
  const lists = Object.values(examples);
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const shown: string[] = [];
  for (let i = 0; i < longest && shown.length < MAX_DESCRIBED_EXAMPLES; i++) {
    for (const list of lists) {
      const example = list[i];
      if (example !== undefined && shown.length < MAX_DESCRIBED_EXAMPLES) shown.push(example);
    }
  }
  return shown;
}

/** The routing criteria among `options`, only those that are set. */
export function criteria({ when, notFor, examples }: RoutingCriteria): RoutingCriteria {
  return {
    ...(when === undefined ? {} : { when: when.toWellFormed() }),
    ...(notFor === undefined ? {} : { notFor: notFor.toWellFormed() }),
    ...(examples === undefined ? {} : { examples: wellFormed(examples) }),
  };
}

function wellFormed(examples: Examples): Examples {
  if (isList(examples)) return examples.map((example) => example.toWellFormed());
  return Object.fromEntries(
    Object.entries(examples).map(([intent, list]) => [
      intent.toWellFormed(),
      list.map((example) => example.toWellFormed()),
    ]),
  );
}
