// The context that a graph needs is what all its tools and callbacks need together.
import { z } from "zod";
import { Agent, type ContextOf, handBack, handoff, run, Runner, type RunContext, stream, tool } from "./index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

interface Db {
  db: { charge(id: string): number };
}
interface Who {
  userId: string;
}

const charge = tool({
  name: "charge",
  parameters: z.object({ id: z.string() }),
  execute: ({ id }, { context }: RunContext<Db>) => context.db.charge(id),
});
const whoami = tool({
  name: "whoami",
  parameters: z.object({}),
  execute: (_, { context }: RunContext<Who>) => context.userId,
});
const plain = tool({ name: "now", parameters: z.object({}), execute: () => "noon" });
const raw = tool({
  name: "raw",
  parameters: { type: "object", properties: { q: { type: "string" } } },
  execute: (args) => {
    same<typeof args, unknown>(true);
    return String(args);
  },
});
const nothing = tool({
  name: "nothing",
  execute: (args, { callId, idempotencyKey, progress }) => {
    same<typeof args, undefined>(true);
    same<typeof callId, string>(true);
    same<typeof idempotencyKey, string>(true);
    progress({ percent: 50 });
    // @ts-expect-error not JSON
    progress(() => 1);
  },
});

// Tools with different needs: the agent needs both.
const billing = new Agent({ name: "Billing", tools: [charge, whoami, plain, raw, nothing] });
same<ContextOf<typeof billing>, Db & Who>(true);
// Triage uses no context itself, and still requires what its graph requires.
const triage = new Agent({
  name: "Triage",
  instructions: "route",
  handoffs: [handoff(billing), new Agent({ name: "Plain" })],
});
same<ContextOf<typeof triage>, Db & Who>(true);
// @ts-expect-error context is required
await run(triage, "x");
// @ts-expect-error context is required
stream(triage, "x", { maxTurns: 1 });
// @ts-expect-error userId is missing
await run(triage, "x", { context: { db: { charge: () => 1 } } });
await run(triage, "x", { context: { db: { charge: () => 1 }, userId: "u" } });
await new Runner().run(triage, "x", { context: { db: { charge: () => 1 }, userId: "u" } });

// An agent that needs none takes any, or none.
await run(new Agent({ name: "Plain" }), "x");
await run(new Agent({ name: "Plain" }), "x", { context: { anything: 1 } });

// Dynamic instructions: an annotated parameter adds to what is needed.
const polite = new Agent({
  name: "Polite",
  instructions: (run: RunContext<{ locale: string }>) => run.context.locale,
  tools: [whoami],
});
same<ContextOf<typeof polite>, { locale: string } & Who>(true);
void new Agent({
  name: "X",
  tools: [whoami],
  // @ts-expect-error context is unknown
  instructions: (run) => run.context.userId,
});

// Guardrails, and rules of tools and handoffs, need context too.
const guarded = new Agent({
  name: "Guarded",
  inputGuardrails: [{ name: "g", check: ({ text }, run: RunContext<Who>) => text !== run.context.userId }],
});
same<ContextOf<typeof guarded>, Who>(true);
const approved = tool({
  name: "approved",
  parameters: z.object({ amount: z.number() }),
  needsApproval: ({ amount }, run: RunContext<Who>) => amount > run.context.userId.length,
  execute: () => "",
});
same<ContextOf<typeof approved>, Who>(true);
const edge = handoff(new Agent<Who>({ name: "Target" }), {
  onHandoff: (_, run) => {
    same<typeof run.context, Who>(true);
  },
});
same<ContextOf<typeof edge>, Who>(true);
const back = handBack();
same<ContextOf<typeof back>, unknown>(true);

// An agent as a tool needs what it needs as an agent.
const host = new Agent({ name: "Host", tools: [billing.asTool()] });
same<ContextOf<typeof host>, Db & Who>(true);

// Needs that conflict: nothing satisfies both, and run() says so.
const other = new Agent({
  name: "Other",
  tools: [tool({ name: "t", execute: (_, run: RunContext<{ userId: number }>) => run.context.userId })],
});
const clash = new Agent({ name: "Clash", handoffs: [billing, other] });
// @ts-expect-error userId cannot be string and number
await run(clash, "x", { context: { db: { charge: () => 1 }, userId: "u" } });
