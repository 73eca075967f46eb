/** What handoffs say about themselves, as examples for a classifier. */
import { type Agent, type Examples, type HandoffSpec, jsonSchemaOf, type ToolSpec } from "@batonjs/core";
import type { Example } from "./classifier.ts";
import { contentOf, hash, piecesOf } from "./text.ts";

/** Label of what stays with the agent: its own tools, and what belongs to nobody. No tool can have this name. */
export const STAYS = "(stays)";

/** Any agent with handoffs. */
export type TriageAgent = Pick<Agent<never, unknown, unknown>, "name" | "handoffs" | "tools">;

/** The handoffs and tools of a request, as far as they teach. */
export interface Offer {
  readonly handoffs: readonly HandoffSpec[];
  readonly tools: readonly ToolSpec[];
}

/** Everything that a classifier is taught, and what it is not to take for a handoff. */
export interface Lessons {
  /** The same for the same lessons. */
  readonly key: string;
  readonly examples: readonly Example[];
  /** The agent of each handoff. */
  readonly agents: ReadonlyMap<string, string>;
  /** Words of `notFor`, by handoff: a message that has them all does not go there. */
  readonly vetoes: ReadonlyMap<string, readonly (readonly string[])[]>;
}

/** What is added to what the handoffs say. */
export interface Extra {
  readonly examples: Readonly<Record<string, Examples>>;
  readonly outOfScope: readonly string[];
  readonly back: readonly string[];
}

export function lessonsOf({ handoffs, tools }: Offer, extra: Extra): Lessons {
  const routed = handoffs.filter((spec) => !extra.back.includes(spec.name));
  const examples: Example[] = [];
  for (const spec of routed) examples.push(...lessonsOfHandoff(spec, extra));
  for (const tool of tools) {
    if (tool.type !== "function") continue;
    for (const [, text] of byIntent(tool.examples)) examples.push({ text, label: STAYS, intent: `tool ${tool.name}` });
  }
  for (const text of extra.outOfScope) examples.push({ text, label: STAYS, intent: "out of scope" });
  const vetoes = new Map(
    routed.flatMap(({ name, notFor }) =>
      notFor === undefined
        ? []
        : [
            [
              name,
              piecesOf(notFor)
                .map(contentOf)
                .filter((words) => words.length > 0),
            ] as const,
          ],
    ),
  );
  const agents = new Map(routed.map(({ name, to }) => [name, to]));
  const said = examples.map(({ text, label, intent }) => [text, label, intent]);
  return { key: hash(JSON.stringify([said, [...agents], [...vetoes]])), examples, agents, vetoes };
}

function lessonsOfHandoff(spec: HandoffSpec, extra: Extra): readonly Example[] {
  const label = spec.name;
  const given = [
    ...byIntent(spec.examples),
    ...byIntent(extra.examples[spec.name]),
    ...(spec.to === spec.name ? [] : byIntent(extra.examples[spec.to])),
  ];
  const criteria = spec.when === undefined ? [] : piecesOf(spec.when).map((piece): [string, string] => ["when", piece]);
  const all = [...given, ...criteria];
  // Without criteria there is only what describes it.
  const taught = all.length > 0 ? all : described(spec).map((piece): [string, string] => ["described", piece]);
  return taught.filter(([, text]) => text.trim() !== "").map(([intent, text]) => ({ text, label, intent }));
}

function described({ description, to }: HandoffSpec): readonly string[] {
  const [first = ""] = description.split("\n");
  return [to, ...piecesOf(first.replace(`Hand the conversation over to ${to}.`, ""))];
}

function byIntent(examples: Examples | undefined): readonly (readonly [intent: string, text: string])[] {
  if (examples === undefined) return [];
  if (isList(examples)) return examples.map((text) => ["", text] as const);
  return Object.entries(examples).flatMap(([intent, texts]) => texts.map((text) => [intent, text] as const));
}

const isList = (examples: Examples): examples is readonly string[] => Array.isArray(examples);

/** The handoffs of an agent as its requests offer them, without a run. */
export function offerOf(agent: TriageAgent): Offer {
  const handoffs = agent.handoffs.flatMap((edge): HandoffSpec[] => {
    const target = edge.agent as Agent<never, unknown, unknown> | undefined;
    if (!target) return [];
    const words =
      edge.toolDescription ?? `Hand the conversation over to ${target.name}. ${target.handoffDescription ?? ""}`;
    return [
      {
        type: "handoff",
        name: edge.toolName,
        to: target.name,
        description: words.trimEnd(),
        parameters: edge.inputType ? jsonSchemaOf(edge.inputType, `handoff "${edge.toolName}"`) : { type: "object" },
        ...(edge.when === undefined ? {} : { when: edge.when }),
        ...(edge.notFor === undefined ? {} : { notFor: edge.notFor }),
        ...(edge.examples === undefined ? {} : { examples: edge.examples }),
      },
    ];
  });
  const tools = agent.tools.flatMap((tool): ToolSpec[] => {
    if (!("kind" in tool) || tool.kind !== "tool" || !("examples" in tool)) return [];
    const { name, description, examples } = tool;
    return [{ type: "function", name, description, parameters: { type: "object" }, ...(examples ? { examples } : {}) }];
  });
  return { handoffs, tools };
}
