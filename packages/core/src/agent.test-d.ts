// The programs of a newcomer, line by line, and what must not compile.
import { z } from "zod";
import {
  Agent,
  type AnyAgent,
  compose,
  type ContextOf,
  dropMessages,
  type FilterData,
  type FilterResult,
  handBack,
  handoff,
  type Input,
  type InputItem,
  keepLast,
  type ReachOf,
  run,
  type RunContext,
  Runner,
  textOf,
  tool,
  user,
} from "./index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

// A basic setup.
const billing = new Agent({
  name: "Billing Agent",
  instructions: "You handle billing questions",
  model: "openai/gpt-4o",
});
const technical = new Agent({
  name: "Technical Agent",
  instructions: "You handle technical support",
  model: "openai/gpt-4o",
});
const triage = new Agent({
  name: "Triage Agent",
  instructions: "Route",
  model: "openai/gpt-4o-mini",
  handoffs: [billing, technical],
});

const answer = await run(triage, "I was charged twice for my subscription last month");
console.log(answer.finalOutput, answer.lastAgent.name, answer.usage.totalTokens);
same<typeof answer.finalOutput, string | undefined>(true);
if (answer.status === "completed") same<typeof answer.finalOutput, string>(true);
if (answer.status === "completed") same<typeof answer.pending, readonly []>(true);
if (answer.status === "paused") {
  const [first] = answer.pending;
  same<typeof first.callId, string>(true);
  same<typeof answer.finalOutput, undefined>(true);
}

// A filter.
function billingFilter(data: FilterData): FilterResult {
  return {
    inputHistory: data.inputHistory.filter(
      (item) => !(item.type === "message" && textOf(item).startsWith("[INTERNAL]")),
    ),
  };
}
const plain = handoff(billing, { inputFilter: billingFilter });
const composed = handoff(billing, {
  toolName: "to_billing",
  inputFilter: compose(
    dropMessages((m) => textOf(m).startsWith("[INTERNAL]")),
    keepLast(20),
  ),
});
void new Agent({ name: "Triage", instructions: "x", handoffs: [plain, composed, technical] });

// A payload.
const BillingHandoffData = z.object({
  issueType: z.enum(["duplicate_charge", "refund_request"]),
  amountMentioned: z.number().nullable(),
  urgency: z.enum(["high", "low"]),
});
const structured = handoff(billing, {
  inputType: BillingHandoffData,
  toolName: "transfer_to_billing",
  onHandoff: (input, run) => {
    same<typeof input, z.infer<typeof BillingHandoffData>>(true);
    same<typeof run, RunContext<unknown>>(true);
  },
  inputFilter: ({ input, newItems }) => {
    same<typeof input.urgency, "high" | "low">(true);
    return { newItems };
  },
  guardrails: [
    {
      name: "small",
      check: ({ input }) => {
        same<typeof input.amountMentioned, number | null>(true);
        return true;
      },
    },
  ],
  needsApproval: (input) => input.urgency === "high",
});
void new Agent({ name: "Triage", handoffs: [structured], model: "gpt-4o-mini" });
handoff(billing, {
  inputType: z.object({ a: z.string() }),
  onHandoff: (input) => {
    same<typeof input, { a: string }>(true);
  },
});
handoff(billing, {
  onHandoff: (input) => {
    same<typeof input, undefined>(true);
  },
});
handoff(billing, {
  inputType: { type: "object" },
  onHandoff: (input) => {
    same<typeof input, unknown>(true);
  },
});
// @ts-expect-error no such mode
handoff(billing, { mode: "back" });
// @ts-expect-error no such option
handoff(billing, { toolname: "x" });
// @ts-expect-error an agent is no option
handoff({ agent: billing });

// Many turns, as a list that is pushed to.
const runner = new Runner();
let currentInput: InputItem[] = [];
for (const userMessage of ["a", "b"]) {
  currentInput.push({ role: "user", content: userMessage });
  const result = await runner.run(triage, currentInput);
  currentInput = result.toInputList();
  console.log(result.lastAgent.name, result.finalOutput);
}
async function implicitType(messages: string[]): Promise<void> {
  let input = [] as InputItem[];
  for (const message of messages) {
    const result = await run(triage, [...input, user(message)]);
    input = result.toInputList();
  }
}
async function declaredType(messages: string[]): Promise<void> {
  let list: Extract<Input, readonly unknown[]> = [];
  for (const message of messages) {
    const result = await runner.run(triage, [...list, { role: "user", content: message }]);
    list = result.toInputList();
  }
}
async function unionType(messages: string[]): Promise<void> {
  let input: string | InputItem[] = "hello"; // a union that assignments narrow
  for (const message of messages) {
    // @ts-expect-error TS7022: result is implicitly any
    const result = await run(triage, input);
    input = [...result.toInputList(), { role: "user", content: message }];
  }
}
void [implicitType, declaredType, unionType];
// @ts-expect-error no such role
await run(triage, [{ role: "human", content: "x" }]);
// @ts-expect-error no such option
await run(triage, "x", { sesion: "y" });

// Outputs are those of the whole graph.
const typed = new Agent({ name: "Typed", outputType: z.object({ refunded: z.boolean() }) });
const list = new Agent({ name: "List", outputType: z.array(z.string()) });
const deep = new Agent({ name: "Deep", handoffs: [typed] });
const top = new Agent({ name: "Top", handoffs: [deep, handoff(list, { mode: "return" })] });
same<ReachOf<typeof top>, string | { refunded: boolean }>(true); // an agent that is consulted adds nothing
const outcome = await run(top, "x");
if (outcome.status === "completed" && typeof outcome.finalOutput !== "string")
  same<typeof outcome.finalOutput, { refunded: boolean }>(true);
const back = new Agent({ name: "Back", handoffs: [handBack()] });
same<ReachOf<typeof back>, string>(true); // the way back adds nothing
// @ts-expect-error the output is an object
typed.asTool({ output: (text: string) => text });
typed.asTool({ output: ({ refunded }) => String(refunded) });

// Cycles: by handBack(), or by a function that is annotated.
interface App {
  readonly userId: string;
}
const whoami = tool({ name: "whoami", execute: (_, { context }: ToolRun<App>) => context.userId });
type ToolRun<Context> = RunContext<Context>;
const desk: Agent<App> = new Agent({ name: "Desk", tools: [whoami], handoffs: (): Agent<App>[] => [expert] });
const expert: Agent<App> = new Agent({ name: "Expert", handoffs: () => [desk] });
await run(desk, "x", { context: { userId: "u" } });
// @ts-expect-error the context is missing
await run(expert, "x");

// An agent's own option types.
// @ts-expect-error no name
void new Agent({ instructions: "x" });
// @ts-expect-error no such option
void new Agent({ name: "X", instruction: "x" });
// @ts-expect-error a tool is no handoff
void new Agent({ name: "X", handoffs: [whoami] });
// @ts-expect-error an agent is no tool
void new Agent({ name: "X", tools: [billing] });
// @ts-expect-error nothing of an agent is changed
billing.name = "x";
const copy = desk.clone({ name: "Copy" });
same<ContextOf<typeof copy>, App>(true);

// Any agent is an agent; a context that is not known is not one that is not needed.
const any: AnyAgent = desk;
same<typeof any.name, string>(true);
