/** The front desk of Tidewater Bank: a triage agent, ten specialists, and the router before the triage agent's model. */
import { Agent, type Plugin, handBack, handoff, tool } from "@batonjs/core";
import { local } from "@batonjs/model-local";
import { type Router, type Rule, routed, router, stickyCheck } from "@batonjs/router";
import { openAI } from "./openai.ts";
import { type Specialist, outOfScope, specialists } from "./specialists.ts";
import { UsageError } from "./usage-error.ts";

export const BANK = "Tidewater Bank";
export const FRONT_DESK = "Front Desk";

/** How sure the router must be that a message is for another specialist than the one who has the conversation. */
const STICKY = 0.5;

export interface Bank {
  readonly frontDesk: Agent;
  readonly router: Router;
  readonly plugins: readonly Plugin[];
  /** What stands behind the router, in words. */
  readonly model: string;
}

/** What is so clear that nothing has to be learned. Rules are asked first. */
const rules: readonly Rule[] = [
  { to: "Fraud", match: /\b(?:phishing|scam(?:s|med|mers?)?|fraudsters?|identity theft)\b/i },
  { to: null, match: /\b(?:speak|talk) (?:to|with) (?:a |an )?(?:human|person|real|somebody)\b/i },
];

export interface BankOptions {
  /** For triage: `local` or `openai/<name>`. @default "local" */
  readonly model?: string;
  /** Of the router's examples. @default {0.6} */
  readonly threshold?: number;
  readonly desks?: readonly Specialist[];
}

/** Opens the bank. Throws a `UsageError` for what cannot be used. */
export async function openBank({ model = "local", threshold, desks = specialists }: BankOptions = {}): Promise<Bank> {
  const made = router({
    rules,
    outOfScope,
    ...(threshold === undefined ? {} : { thresholds: { examples: threshold } }),
  });
  const frontDesk = createFrontDesk(model, desks);
  const { untaught } = await made.fit(frontDesk);
  const silent = desks.filter(({ intents }) => Object.values(intents).every(({ examples }) => examples.length === 0));
  const [first] = [...silent.map(({ name }) => name), ...untaught];
  if (first !== undefined)
    throw new UsageError(
      `Cannot open the bank: the specialist "${first}" has no examples for the router to learn from`,
    );
  const others = model === "local" ? [] : [await openAI(model)];
  return {
    frontDesk,
    router: made,
    // What the router is not sure of goes on to the triage agent's own model.
    plugins: [stickyCheck(made, { threshold: STICKY }), routed(made), local(), ...others],
    model: model === "local" ? "the embedded model (no LLM)" : model,
  };
}

function createFrontDesk(model: string, desks: readonly Specialist[]): Agent {
  return new Agent({
    name: FRONT_DESK,
    model,
    instructions: [
      `You are the front desk of ${BANK}. Hand the customer over to the specialist for the matter, at once.`,
      "Answer what is about the bank in general yourself. If nothing fits, say what the bank can help with.",
    ].join("\n"),
    tools: [
      tool({
        name: "get_opening_hours",
        description: "When and where the bank is open.",
        examples: ["when are you open", "where is your next branch", "are you open on Saturday", "your phone number"],
        sideEffects: "none",
        execute: () => ({
          message: "Our branches are open from Monday to Friday, 9 to 17; the phone is answered day and night.",
        }),
      }),
    ],
    handoffs: desks.map((desk) => {
      const { when, notFor, intents } = desk;
      const examples = Object.fromEntries(Object.entries(intents).map(([name, intent]) => [name, intent.examples]));
      return handoff(createSpecialist(desk), { when, ...(notFor === undefined ? {} : { notFor }), examples });
    }),
  });
}

/** A specialist that knows one answer for each intent, and gives back what is not its own. */
function createSpecialist({ name, when, intents }: Specialist): Agent {
  return new Agent({
    name,
    model: "local",
    handoffDescription: `Looks after ${when}.`,
    instructions: `You look after ${when} at ${BANK}. Say what your tools say, and hand back what is not yours.`,
    tools: Object.entries(intents).map(([intent, { answer, examples }]) =>
      tool({
        name: `get_${intent.replaceAll(/\W+/g, "_").toLowerCase()}`,
        description: `Answers customers about: ${intent}.`,
        examples,
        sideEffects: "none",
        execute: () => ({ message: answer }),
      }),
    ),
    handoffs: [handBack()],
  });
}
