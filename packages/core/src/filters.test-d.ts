// Filters: payloads are told where they are known, and items cannot be written to.
import { z } from "zod";
import {
  Agent,
  compose,
  dropMessages,
  dropToolItems,
  type FilterData,
  type FilterResult,
  handoff,
  type InputFilter,
  keepLast,
  redact,
  Runner,
  summarize,
  textOf,
} from "./index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

const billing = new Agent({ name: "B" });
const schema = z.object({ urgency: z.enum(["high", "low"]) });

// The payload is typed inside an inline filter, beside generic ones.
handoff(billing, {
  inputType: schema,
  inputFilter: [
    dropMessages((m) => textOf(m).startsWith("[INTERNAL]")),
    keepLast(20),
    ({ input, newItems }) => {
      same<typeof input, { urgency: "high" | "low" }>(true);
      return { newItems };
    },
  ],
});
// Inline inside compose() it is not inferred.
handoff(billing, {
  inputType: schema,
  inputFilter: compose(keepLast(20), ({ input, newItems }) => {
    same<typeof input, unknown>(true);
    return { newItems };
  }),
});
const urgent = (data: FilterData<{ urgency: string }>): FilterResult =>
  data.input.urgency === "high" ? {} : { preHandoffItems: [] };
handoff(billing, { inputType: schema, inputFilter: urgent });
handoff(billing, { inputType: schema, inputFilter: compose(keepLast(3), urgent) });
// @ts-expect-error this filter needs a payload that the edge does not carry
handoff(billing, { inputFilter: urgent });
// @ts-expect-error the same through compose
handoff(billing, { inputFilter: compose(keepLast(3), urgent) });
// @ts-expect-error the same for a runner, which knows of no payload
void new Runner({ inputFilter: urgent });

const reusable: InputFilter = compose(
  keepLast(3),
  dropMessages(() => true),
  dropToolItems,
  redact(/x/),
  summarize("m"),
);
handoff(billing, { inputType: schema, inputFilter: reusable });
void new Runner({ inputFilter: reusable });
void new Runner({ inputFilter: [reusable, dropToolItems] });

// What is put in needs no id; what is no item does not compile.
const putting: InputFilter = () => ({ inputHistory: [{ type: "message", role: "user", content: "x" }] });
// @ts-expect-error no model is shown an approval
const approving: InputFilter = () => ({ inputHistory: [{ type: "approval", callId: "c", decision: "approved" }] });
// @ts-expect-error a text is no item
const texting: InputFilter = () => ({ inputHistory: ["x"] });
// @ts-expect-error no such piece
const misspelt: InputFilter = () => ({ history: [] });
void [putting, approving, texting, misspelt];

// A filter never changes the record: it cannot write to what it is given.
const writing: InputFilter = ({ inputHistory, newItems }) => {
  const [item] = inputHistory;
  if (item?.type === "message") {
    // @ts-expect-error items are not edited
    item.content = "x";
    // @ts-expect-error nor are their parts
    if (typeof item.content !== "string" && item.content[0]?.type === "text") item.content[0].text = "x";
    // @ts-expect-error nor are parts added
    if (typeof item.content !== "string") item.content.push({ type: "text", text: "x" });
  }
  // @ts-expect-error nor is the list
  newItems.pop();
  return {};
};
void writing;
