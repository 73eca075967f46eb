import type { ToolCallItem } from "../items.ts";
import type { Run } from "../run.ts";
import { type AnySchema, type Checked, parseArguments } from "../schema.ts";

/** A call's arguments as its check has left them; checked again where that was in another process. */
export function argumentsOf(call: ToolCallItem, schema: AnySchema, run: Run): Checked | Promise<Checked> {
  return run.transcript.openCall(call.callId)?.input ?? parseArguments(schema, call.arguments);
}
