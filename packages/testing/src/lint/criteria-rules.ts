/** Rules about what the model and the router read. */
import { exampleList, type Handoff } from "@batonjs/core";
import { isFunctionTool } from "../graph.ts";
import type { AgentDefinition } from "../graph.ts";
import type { Finding, LintClassifier, Linted } from "./findings.ts";
import { contentWords, likeness } from "./words.ts";

type Edge = Handoff<never, unknown, unknown>;

/** Criteria that have this much in common say the same. */
const OVERLAP = 0.6;
/** Criteria that have this much in common need a `notFor`. */
const CLOSE = 0.3;
/** Share of one sibling's examples that is taken for the other's. */
const CONFUSED = 0.25;
const SAME_INSTRUCTIONS = 0.9;
/** Words of its own that instructions need. */
const OWN_WORDS = 4;

/** What a model reads of when to take the edge. */
const criteriaOf = (edge: Edge): string =>
  [edge.when, edge.toolDescription, (edge.agent as AgentDefinition | undefined)?.handoffDescription]
    .filter((text) => text !== undefined)
    .join("; ");
const nameOf = (agent: AgentDefinition, edge: Edge): string =>
  `${agent.name} → ${edge.agent?.name ?? "back"} (${edge.toolName})`;

export function vagueCriteria({ agents }: Linted): readonly Finding[] {
  return agents.flatMap((agent) => [
    ...agent.handoffs.flatMap((edge): Finding[] => {
      if (!edge.agent) return [];
      const words = new Set(contentWords(criteriaOf(edge).replaceAll(edge.agent.name, "")));
      if (words.size >= 2) return [];
      const none = criteriaOf(edge) === "";
      return [
        {
          rule: "vague-criteria",
          severity: none ? "error" : "warning",
          at: nameOf(agent, edge),
          message: none
            ? "says nothing of when to take it"
            : `says too little of when to take it: "${criteriaOf(edge)}"`,
          hint: 'give the handoff `when: "refunds, invoices, duplicate charges"` and some `examples`',
        },
      ];
    }),
    ...agent.tools.flatMap((tool): Finding[] => {
      if (!isFunctionTool(tool) || tool.description.trim() !== "") return [];
      const hint = "give the tool a `description`, or `when`";
      return [
        {
          rule: "vague-criteria",
          severity: "error",
          at: `${agent.name}/${tool.name}`,
          message: "says nothing of what it does",
          hint,
        },
      ];
    }),
  ]);
}

/** Siblings that say the same, or whose examples are taken for each other's. */
export async function overlappingCriteria({ agents, options }: Linted): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const agent of agents) {
    const confused = options.classifier ? await confusions(agent, options.classifier) : undefined;
    for (const [a, b] of pairs(agent.handoffs.filter((edge) => edge.agent))) {
      const shared = sharedExamples(a, b);
      const alike = likeness(a.when ?? criteriaOf(a), b.when ?? criteriaOf(b));
      const mistaken = confused?.(a, b) ?? [];
      const why =
        shared.length > 0
          ? `both have the example ${JSON.stringify(shared[0])}`
          : alike >= OVERLAP
            ? "their criteria have most words in common"
            : mistaken.length > 0
              ? `the classifier takes examples of one for the other's: ${mistaken.map((text) => JSON.stringify(text)).join(", ")}`
              : undefined;
      if (why === undefined) continue;
      found.push({
        rule: "overlapping-criteria",
        severity: "warning",
        at: `${nameOf(agent, a)} and ${nameOf(agent, b)}`,
        message: `cannot be told apart: ${why}`,
        hint: "say in `when` what only this agent does, in `notFor` what the other does, or make them one agent",
      });
    }
  }
  return found;
}

/** Siblings that are close, with nothing that says where the border is. */
export function noNotFor({ agents }: Linted): readonly Finding[] {
  return agents.flatMap((agent) =>
    pairs(agent.handoffs.filter((edge) => edge.agent)).flatMap(([a, b]): Finding[] => {
      if (a.notFor !== undefined || b.notFor !== undefined) return [];
      const all = (edge: Edge): string => [criteriaOf(edge), ...exampleList(edge.examples)].join(" ");
      if (Math.max(likeness(criteriaOf(a), criteriaOf(b)), likeness(all(a), all(b))) < CLOSE) return [];
      return [
        {
          rule: "no-not-for",
          severity: "warning",
          at: `${nameOf(agent, a)} and ${nameOf(agent, b)}`,
          message: "are close, and neither says what belongs to the other",
          hint: `give one a \`notFor: "what ${b.agent?.name} does"\``,
        },
      ];
    }),
  );
}

/** Agents that are told nearly the same, what they have in common by the word left out. */
export function sameInstructions({ agents }: Linted): readonly Finding[] {
  const told = agents.filter((agent) => typeof agent.instructions === "string" && agent.instructions !== "");
  return pairs(told).flatMap(([a, b]): Finding[] => {
    const [left, right] = ownSentences(a.instructions as string, b.instructions as string);
    const shared = left.length < (a.instructions as string).length;
    const empty = shared && contentWords(left).length < OWN_WORDS && contentWords(right).length < OWN_WORDS;
    if (!empty && likeness(left, right) < SAME_INSTRUCTIONS) return [];
    return [
      {
        rule: "same-instructions",
        severity: "warning",
        at: `${a.name} and ${b.name}`,
        message: "are told nearly the same",
        hint: "say what each does that the other does not, or make them one agent",
      },
    ];
  });
}

function ownSentences(a: string, b: string): readonly [string, string] {
  const sentences = (text: string): readonly string[] => text.split(/(?<=[.!?])\s+|\n/).map((each) => each.trim());
  const left = new Set(sentences(a));
  const right = new Set(sentences(b));
  const without = (own: ReadonlySet<string>, other: ReadonlySet<string>): string =>
    [...own].filter((each) => !other.has(each)).join(" ");
  return [without(left, right), without(right, left)];
}

function sharedExamples(a: Edge, b: Edge): readonly string[] {
  const normal = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim();
  const others = new Set(exampleList(b.examples).map(normal));
  return exampleList(a.examples).filter((text) => others.has(normal(text)));
}

/** Learns half of the examples of an agent's edges and asks for the other half, both ways. */
async function confusions(
  agent: AgentDefinition,
  classifier: LintClassifier,
): Promise<(a: Edge, b: Edge) => readonly string[]> {
  const examples = agent.handoffs.flatMap((edge) =>
    edge.agent ? exampleList(edge.examples).map((text) => ({ text, label: edge.toolName, intent: edge.toolName })) : [],
  );
  const taken = new Map<string, string>();
  for (const half of [0, 1]) {
    const known = examples.filter((_, i) => i % 2 === half);
    if (new Set(known.map(({ label }) => label)).size < 2) return () => [];
    const learned = await classifier.fit(known);
    for (const { text, label } of examples.filter((_, i) => i % 2 !== half)) {
      const [best] = learned.predict(text);
      if (best && best.label !== label && best.score >= 0.5) taken.set(`${label}\n${text}`, best.label);
    }
  }
  const mistakes = (a: Edge, b: Edge): readonly string[] => {
    const all = exampleList(a.examples);
    const wrong = all.filter((text) => taken.get(`${a.toolName}\n${text}`) === b.toolName);
    return all.length > 0 && wrong.length / all.length >= CONFUSED ? wrong : [];
  };
  return (a, b) => [...mistakes(a, b), ...mistakes(b, a)];
}

function pairs<T>(all: readonly T[]): readonly (readonly [T, T])[] {
  return all.flatMap((a, i) => all.slice(i + 1).map((b) => [a, b] as const));
}
