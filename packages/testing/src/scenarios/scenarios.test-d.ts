// A setup is required where the agents need a context, and must have it.
import { Agent, type RunContext, tool } from "@batonjs/core";
import { checkScenario, runScenarios } from "./index.ts";

const whoami = tool({
  name: "whoami",
  execute: (_, { context }: RunContext<{ customer: string }>) => context.customer,
});
const desk = new Agent({ name: "Desk", tools: [whoami] });
const plain = new Agent({ name: "Plain" });

void runScenarios(plain, []);
void runScenarios(() => plain, [], { repeat: 2, setup: () => ({ close: () => {} }) });
void runScenarios(desk, [], { setup: ({ data }) => ({ context: { customer: JSON.stringify(data) } }) });
void runScenarios(async () => desk, [], { setup: async () => ({ context: { customer: "Maya" } }) });
// @ts-expect-error no setup
void runScenarios(desk, []);
// @ts-expect-error no context
void runScenarios(desk, [], { setup: () => ({}) });
// @ts-expect-error another context
void checkScenario(desk, { name: "x" }, { setup: () => ({ context: { customer: 7 } }) });
// @ts-expect-error an expectation that is none
void checkScenario(plain, { name: "x", turns: [{ user: "hi", expect: { handOffTo: "Plain" } }] });
