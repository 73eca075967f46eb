import type { Outcome } from "../contracts/engine.ts";
import { leave } from "../deadlines.ts";
import type { AnyFunctionTool } from "../definitions.ts";
import { RunError, messageOf, truncate } from "../errors.ts";
import type { AgentDefinition } from "../graph.ts";
import { contentText, type ToolCallItem } from "../items.ts";
import { limitsWith } from "../limits.ts";
import { steps } from "../loop.ts";
import { findTool } from "../request.ts";
import type { Run } from "../run.ts";
import type { Checked } from "../schema.ts";
import { resultOf } from "../transitions.ts";
import { argumentsOf } from "./arguments.ts";
import { endsAll } from "./calls.ts";
import { finishedEvent } from "./events.ts";
import { guardInput } from "./guardrails.ts";
import { parseOutput } from "./model.ts";

/** Runs the agent of a tool in a transcript of its own. Where it waits for the caller, the call stays open. */
export async function performAgent(call: ToolCallItem, run: Run): Promise<Outcome> {
  const agent = run.agent(call.agent ?? run.transcript.active);
  const tool = await findTool(agent, call.name, run);
  if (!tool?.nested) return { items: [resultOf(call, `"${call.name}" is no longer here`, "error")] };
  const input = await argumentsOf(call, tool.parameters, agent.name, run);
  if (input.error !== undefined) return { items: [resultOf(call, input.error, "error")] };
  const { clock } = run.config;
  const started = clock.now();
  if (run.listening)
    void run.emit({ type: "tool_started", callId: call.callId, name: call.name, arguments: call.arguments });
  const finished = (output: string, status: "ok" | "error"): Outcome => ({
    items: [resultOf(call, output, status)],
    events: run.listening ? [finishedEvent(call, status, output, clock.now() - started)] : [],
  });
  try {
    const answer = await answerOf(tool, input.value, call, run);
    return answer === undefined ? { items: [] } : finished(answer, "ok");
  } catch (error) {
    if (endsAll(error, run)) throw error;
    return finished(`"${call.name}" could not finish: ${messageOf(error)}`, "error");
  }
}

/** The nested run's final output as text; `undefined` where it waits for the caller. */
async function answerOf(
  tool: AnyFunctionTool,
  input: unknown,
  call: ToolCallItem,
  run: Run,
): Promise<string | undefined> {
  const { agent, input: ask, output } = tool.nested!;
  const { maxNesting, maxToolOutput } = run.limits;
  if (run.path.length >= maxNesting)
    throw new RunError(`agents are nested ${maxNesting} deep, which is the limit maxNesting`);
  const graph = run.config.graphOf(agent as AgentDefinition);
  const nested = run.nested(graph, call.callId, limitsWith(run.limits, tool.nested!));
  const t = nested.transcript;
  if (t.record.length === 0) {
    const message = {
      type: "message" as const,
      role: "user" as const,
      content: written("input", () => ask(input as never), maxToolOutput),
    };
    await guardInput(graph.entry, [{ ...message, id: `${call.id}:input` }], () => true, nested);
    await nested.record({ items: [message] });
  }
  const stop = await steps(nested);
  if (stop.status === "paused") {
    t.paused = stop.pending;
    return undefined;
  }
  if (stop.status === "limit")
    throw new RunError(`it has not finished within ${stop.max} model replies (${stop.limit})`);
  const definition = nested.agent(t.active);
  const text = t.answer ? contentText(t.answer.content) : "";
  const parsed: Checked = nested.output ?? (await parseOutput(definition, text, nested));
  if (parsed.error !== undefined) throw new RunError(parsed.error);
  return written("output", () => output(parsed.value as never), maxToolOutput);
}

/** The text that a callback of `asTool()` gives. What it throws is the call's error, as a tool's is. */
function written(what: "input" | "output", callback: () => unknown, max: number): string {
  let text: unknown;
  try {
    text = callback();
  } catch (cause) {
    throw new RunError(`its ${what} failed: ${messageOf(cause)}`, { cause });
  }
  if (typeof text === "string") return truncate(text, max);
  leave(text);
  throw new RunError(`its ${what} must give text, found ${typeof text}`);
}
