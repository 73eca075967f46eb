import type { MaybePromise } from "../definitions.ts";
import { messageOf } from "../errors.ts";
import type { ToolCallItem } from "../items.ts";
import type { Run } from "../run.ts";
import { type AnySchema, type Checked, parseArguments } from "../schema.ts";

/** A call's arguments, checked: at once where the schema answers at once, else within the time of a callback. */
export function checkArguments(call: ToolCallItem, schema: AnySchema, agent: string, run: Run): MaybePromise<Checked> {
  const checked = parseArguments(schema, call.arguments);
  return checked instanceof Promise ? answered(checked, call, agent, run) : checked;
}

async function answered(checked: Promise<Checked>, call: ToolCallItem, agent: string, run: Run): Promise<Checked> {
  try {
    const what = `the schema of ${call.handoff ? "handoff" : "tool"} "${call.name}"`;
    return await run.call(what, agent, () => checked);
  } catch (error) {
    run.throwIfStopped();
    return { error: messageOf(error) };
  }
}

/** A call's arguments as its check has left them; checked again where that was in another process. */
export function argumentsOf(call: ToolCallItem, schema: AnySchema, agent: string, run: Run): MaybePromise<Checked> {
  return run.transcript.openCall(call.callId)?.input ?? checkArguments(call, schema, agent, run);
}
