// Schemas of any library that follows the standards; approvals are answered by items.
import { type } from "arktype";
import { z } from "zod";
import {
  Agent,
  approve,
  handoff,
  type InputItem,
  type Item,
  type Parsed,
  reject,
  run,
  tool,
  toolResult,
} from "./index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

const t = tool({
  name: "t",
  parameters: type({ id: "string", "n?": "number" }),
  execute: (args) => {
    same<typeof args.id, string>(true);
    same<typeof args.n, number | undefined>(true);
    return args.id;
  },
});
const a = new Agent({ name: "A", tools: [t], outputType: type({ ok: "boolean" }) });
handoff(a, {
  inputType: type({ reason: "string" }),
  onHandoff: (input) => {
    same<typeof input.reason, string>(true);
  },
});

// What the schema makes is what callbacks get.
same<Parsed<z.ZodObject<{ n: z.ZodPipe<z.ZodString, z.ZodTransform<Date, string>> }>>, { n: Date }>(true);
same<Parsed<undefined>, undefined>(true);
same<Parsed<{ type: "object" }>, unknown>(true);

// Approvals are answered by items, so resuming is run() again.
let result = await run(a, "refund");
while (result.status === "paused") {
  const answers = result.pending.map((p) =>
    p.kind === "tool_result" ? toolResult(p, "done") : p.name === "t" ? approve(p) : reject(p, { reason: "no" }),
  );
  result = await run(a, [...result.toInputList(), ...answers]);
}
same<typeof result.finalOutput, { ok: boolean }>(true);

// @ts-expect-error a tool's schema is a schema
tool({ name: "t", parameters: { id: "string" } });
// @ts-expect-error arguments are an object
tool({ name: "t", parameters: { type: "string" } });
// @ts-expect-error no such kind of side effects
tool({ name: "t", sideEffects: "twice" });
// @ts-expect-error no such option
tool({ name: "t", parameter: z.object({}) });

// Items are a closed union, and input is more than items.
const item = {} as Item;
// @ts-expect-error no such item
if (item.type === "hologram") console.log(item);
const input: InputItem = { role: "user", content: "x" };
// @ts-expect-error an item of any other type has an id
const call: InputItem = { type: "tool_call", callId: "c", name: "x", arguments: "{}" };
void [input, call];
