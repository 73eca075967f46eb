import type { CallVerdict, Outcome } from "../contracts/engine.ts";
import { ToolCallContext } from "../context.ts";
import { isThenable } from "../deadlines.ts";
import type { AnyFunctionTool, MaybePromise, RunContext } from "../definitions.ts";
import { RunError, StoreError, messageOf, truncate } from "../errors.ts";
import type { EventBody } from "../events.ts";
import type { CompiledAgent, Edge } from "../graph.ts";
import { type Checked, NO_PARAMETERS } from "../schema.ts";
import type { NewItem, ToolCallItem, ToolResultStatus } from "../items.ts";
import { findTool, isEnabled, targetOf } from "../request.ts";
import type { Run } from "../run.ts";
import { refusedEvent, resultOf } from "../transitions.ts";
import { argumentsOf, checkArguments } from "./arguments.ts";
import { refusalBy } from "./guardrails.ts";
import { finishedEvent } from "./events.ts";
import { handoffRefusal } from "./handoff.ts";

/** What a call is, or why it cannot run. */
type Finding =
  | { readonly verdict: CallVerdict; readonly ask?: boolean }
  | { readonly error: string; readonly status?: ToolResultStatus };

/** Finds out what the calls of a reply are. Those that cannot run are answered, those that need approval are asked about. */
export function performCheck(calls: readonly ToolCallItem[], run: Run): MaybePromise<Outcome> {
  const findings = calls.map((call, index) => findingOf(call, index, run));
  if (!findings.some((finding) => finding instanceof Promise)) return outcomeOf(calls, findings as Finding[], run);
  return Promise.all(findings as Promise<Finding>[]).then((found) => outcomeOf(calls, found, run));
}

function outcomeOf(calls: readonly ToolCallItem[], findings: readonly Finding[], run: Run): Outcome {
  const items: NewItem[] = [];
  const verdicts: CallVerdict[] = [];
  const events: EventBody[] = [];
  for (const [i, call] of calls.entries()) {
    const finding = findings[i]!;
    if ("verdict" in finding) {
      verdicts.push(finding.verdict);
      if (finding.ask)
        items.push({
          type: "approval",
          agent: call.agent ?? run.transcript.active,
          callId: call.callId,
          decision: "asked",
        });
    } else if (run.transcript.openCall(call.callId)!.started) {
      verdicts.push({ callId: call.callId, kind: "tool", once: true }); // nobody can tell any more what happened
    } else {
      const { error, status = "error" } = finding;
      items.push(resultOf(call, error, status));
      if (run.listening) events.push(call.handoff ? refusedEvent(call, error) : finishedEvent(call, status, error, 0));
    }
  }
  return { items, verdicts, events };
}

function findingOf(call: ToolCallItem, index: number, run: Run): MaybePromise<Finding> {
  const { maxToolCalls } = run.limits;
  if (index >= maxToolCalls) {
    return {
      error: `Only ${maxToolCalls} calls of one reply are run (maxToolCalls). Call again if it is still needed.`,
    };
  }
  const agent = run.graph.agents.get(call.agent ?? run.transcript.active);
  if (!agent) return { error: `Agent "${call.agent}" is no longer here.` };
  const edge = agent.edges.get(call.name);
  if (edge) return findHandoff(call, edge, agent, run);
  const tool = agent.tools.get(call.name);
  if (tool) return findToolCall(call, tool, agent, run);
  if (agent.sources.length === 0) return { error: unknownName(call.name, agent) };
  return findTool(agent, call.name, run).then((found) =>
    found ? findToolCall(call, found, agent, run) : { error: unknownName(call.name, agent) },
  );
}

function unknownName(name: string, agent: CompiledAgent): string {
  const known = [...agent.specs.keys()].map((each) => `"${each}"`).join(", ");
  return `Cannot call "${truncate(name, 100)}": agent "${agent.name}" has no such tool or handoff${known === "" ? "" : `; it has ${known}`}`;
}

function findToolCall(
  call: ToolCallItem,
  tool: AnyFunctionTool,
  agent: CompiledAgent,
  run: Run,
): MaybePromise<Finding> {
  const checked = checkArguments(call, tool.parameters, agent.name, run);
  if (!(checked instanceof Promise)) return judgeToolCall(call, checked, tool, agent, run);
  return checked.then((later) => judgeToolCall(call, later, tool, agent, run));
}

function judgeToolCall(
  call: ToolCallItem,
  parsed: Checked,
  tool: AnyFunctionTool,
  agent: CompiledAgent,
  run: Run,
): MaybePromise<Finding> {
  if (parsed.error !== undefined) return { error: parsed.error };
  const open = run.transcript.openCall(call.callId)!;
  open.input = parsed;
  const verdict: CallVerdict = {
    callId: call.callId,
    kind: tool.nested ? "agent" : tool.execute ? "tool" : "client",
    once: tool.sideEffects === "once",
    verifiable: tool.verify !== undefined,
  };
  if (open.started || (tool.isEnabled === true && (open.asked || tool.needsApproval === false))) return { verdict };
  return askAboutTool(tool, parsed.value, verdict, open.asked, agent, run);
}

async function askAboutTool(
  tool: AnyFunctionTool,
  input: unknown,
  verdict: CallVerdict,
  asked: boolean,
  agent: CompiledAgent,
  run: Run,
): Promise<Finding> {
  if (!(await isEnabled(tool.isEnabled, `tool "${tool.name}"`, agent.name, run)))
    return { error: `Cannot call "${tool.name}": it is not available now.` };
  if (asked || tool.needsApproval === false) return { verdict };
  return decided(tool.needsApproval, input, verdict, agent.name, run);
}

/** Whether a call needs approval. A rule that fails, or says anything but yes or no, denies it. */
async function decided(
  rule: true | ((args: never, run: RunContext<never>) => MaybePromise<boolean>),
  input: unknown,
  verdict: CallVerdict,
  agent: string,
  run: Run,
): Promise<Finding> {
  if (rule === true) return { verdict, ask: true };
  let needed: unknown;
  try {
    needed = await run.call("needsApproval", agent, (context) => rule(input as never, context as never));
  } catch {
    run.throwIfStopped();
  }
  if (typeof needed === "boolean") return { verdict, ask: needed };
  return { error: "This call was denied: whether it needs approval could not be found out.", status: "denied" };
}

function findHandoff(call: ToolCallItem, edge: Edge, agent: CompiledAgent, run: Run): MaybePromise<Finding> {
  const to = targetOf(edge, run.transcript.trail.at(-1));
  if (to === undefined) return { error: `Cannot call "${call.name}": nobody handed this conversation over.` };
  if (!run.graph.agents.has(to)) return { error: `Cannot hand over to "${to}": it is no longer here.` };
  const checked = checkArguments(call, edge.inputType ?? NO_PARAMETERS, agent.name, run);
  if (!(checked instanceof Promise)) return judgeHandoff(call, checked, edge, to, agent, run);
  return checked.then((later) => judgeHandoff(call, later, edge, to, agent, run));
}

function judgeHandoff(
  call: ToolCallItem,
  parsed: Checked,
  edge: Edge,
  to: string,
  agent: CompiledAgent,
  run: Run,
): MaybePromise<Finding> {
  if (parsed.error !== undefined) return { error: parsed.error };
  const open = run.transcript.openCall(call.callId)!;
  open.input = parsed;
  const verdict: CallVerdict = { callId: call.callId, kind: "handoff", to };
  if (edge.isEnabled === true && (open.asked || edge.needsApproval === false)) return { verdict };
  return askAboutHandoff(call, edge, verdict, to, parsed.value, open.asked, agent, run);
}

async function askAboutHandoff(
  call: ToolCallItem,
  edge: Edge,
  verdict: CallVerdict,
  to: string,
  input: unknown,
  asked: boolean,
  agent: CompiledAgent,
  run: Run,
): Promise<Finding> {
  try {
    if (!(await isEnabled(edge.isEnabled, `handoff "${edge.toolName}"`, agent.name, run)))
      throw new Error("this handoff is not available now.");
    if (asked || edge.needsApproval === false) return { verdict };
    // Nobody is asked about a handoff that a guardrail forbids.
    const refusal = await handoffRefusal(edge, to, input, agent.name, run, call.callId);
    if (refusal !== undefined) throw new Error(refusal);
  } catch (error) {
    run.throwIfStopped();
    return { error: `Cannot hand over to "${to}": ${messageOf(error)}` };
  }
  return decided(edge.needsApproval, input, verdict, agent.name, run);
}

/** Runs a tool, or asks it whether a call whose outcome is unknown has happened. */
export async function performTool(call: ToolCallItem, verify: boolean, run: Run): Promise<Outcome> {
  const agent = run.agent(call.agent ?? run.transcript.active);
  const tool = agent.tools.get(call.name) ?? (await findTool(agent, call.name, run));
  if (!tool) return unable(call, unknownName(call.name, agent), verify);
  const input = await argumentsOf(call, tool.parameters, agent.name, run);
  if (input.error !== undefined) return unable(call, input.error, verify);
  const context = new ToolCallContext(run, agent.name, call);
  const started = run.listening ? run.config.clock.now() : 0;
  const answer = await (verify ? verified : executed)(tool, input.value, context, call, run);
  const { output, status } =
    tool.outputGuardrails.length === 0 ? answer : await guarded(answer, tool, input.value, context, run);
  context.end();
  const events = run.listening ? [finishedEvent(call, status, output, run.config.clock.now() - started)] : [];
  return { items: [resultOf(call, output, status)], events };
}

/** The answer to a call that can no longer be made. What was started may have happened. */
function unable(call: ToolCallItem, why: string, started: boolean): Outcome {
  const { output, status } = started ? unknown(why) : { output: why, status: "error" as const };
  return { items: [resultOf(call, output, status)] };
}

interface Answer {
  readonly output: string;
  readonly status: ToolResultStatus;
}

const unknown = (why: string): Answer => ({ output: `The outcome is unknown: ${why}`, status: "unknown" });

async function executed(
  tool: AnyFunctionTool,
  input: unknown,
  context: ToolCallContext,
  call: ToolCallItem,
  run: Run,
): Promise<Answer> {
  const { callId, agent } = context;
  if (tool.inputGuardrails.length > 0) {
    const data = { name: tool.name, callId, arguments: input };
    const refusal = await refusalBy(tool.inputGuardrails, "tool_input", data, agent, run, callId);
    if (refusal) return { output: `Refused: ${refusal.reason}`, status: "error" };
  }
  const once = tool.sideEffects === "once";
  const noted = once ? run.record({ items: [{ type: "tool_start", agent, callId }] }) : undefined;
  if (noted) await noted;
  return begin(tool, input, context, call, once, run);
}

/** Says that a tool is called, and calls it. */
function begin(
  tool: AnyFunctionTool,
  input: unknown,
  context: ToolCallContext,
  { callId, arguments: args }: ToolCallItem,
  once: boolean,
  run: Run,
): Promise<Answer> {
  if (run.listening) void run.emit({ type: "tool_started", callId, name: tool.name, arguments: args });
  run.throwIfStopped();
  return answerOf(tool, tool.execute!, input, context, once, run);
}

/** What a tool's output guardrails let the model read. */
async function guarded(
  answer: Answer,
  { name, outputGuardrails }: AnyFunctionTool,
  input: unknown,
  { callId, agent }: ToolCallContext,
  run: Run,
): Promise<Answer> {
  const data = { name, callId, arguments: input, output: answer.output };
  const refusal = await refusalBy(outputGuardrails, "tool_output", data, agent, run, callId);
  return refusal ? { output: `The result is withheld: ${refusal.reason}`, status: answer.status } : answer;
}

/** Calls a tool's function. Whatever goes wrong in it is an answer. */
async function answerOf(
  tool: AnyFunctionTool,
  body: NonNullable<AnyFunctionTool["execute"]>,
  input: unknown,
  context: ToolCallContext,
  once: boolean,
  run: Run,
): Promise<Answer> {
  const ms = tool.timeoutMs ?? run.limits.toolTimeoutMs;
  let timedOut: RunError | undefined;
  const late = (): Error =>
    (timedOut = new RunError(`it has not finished within ${ms} ms`, { code: "callback_timeout" }));
  try {
    const returned = body.call(tool, input as never, context as never);
    const value = isThenable(returned)
      ? await run.wait(returned, ms, late, once ? run.limits.abortGraceMs : 0)
      : returned;
    return { output: outputText(value, run), status: "ok" };
  } catch (error) {
    if (timedOut) {
      context.end(timedOut);
      return once
        ? unknown(
            `"${tool.name}" was started and has not finished ${run.stopped ? "before the run was stopped" : `within ${ms} ms`}. It may or may not have happened.`,
          )
        : { output: `"${tool.name}" has not finished within ${ms} ms`, status: "error" };
    }
    if (run.stopped && error === run.stopped) throw error;
    return { output: await errorText(tool, error, context, run), status: "error" };
  }
}

async function errorText(tool: AnyFunctionTool, error: unknown, context: ToolCallContext, run: Run): Promise<string> {
  if (tool.onError) {
    try {
      const text: unknown = await run.call("onError", context.agent, () => tool.onError!(error, context as never));
      if (typeof text === "string") return truncate(text, run.limits.maxToolOutput);
    } catch {
      run.throwIfStopped();
    }
  }
  return `"${tool.name}" failed: ${messageOf(error)}`;
}

async function verified(
  tool: AnyFunctionTool,
  input: unknown,
  context: ToolCallContext,
  call: ToolCallItem,
  run: Run,
): Promise<Answer> {
  let found: unknown;
  const verify: AnyFunctionTool["execute"] = async (args, its) => (found = await tool.verify!(args, its));
  const answer = await answerOf(tool, verify, input, context, true, run);
  if (answer.status === "error") return unknown(answer.output);
  return answer.status === "ok" && (found === undefined || found === null)
    ? begin(tool, input, context, call, true, run)
    : answer;
}

/** What a tool returned, as the text that the model reads. */
function outputText(value: unknown, { limits }: Run): string {
  if (typeof value === "string") return truncate(value, limits.maxToolOutput);
  if (value === undefined) return "Done.";
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw new TypeError(`its result cannot be written as JSON: ${messageOf(error)}`, { cause: error });
  }
  if (text === undefined) throw new TypeError(`its result, a ${typeof value}, cannot be written as JSON`);
  return truncate(text, limits.maxToolOutput);
}

/** Whether an error ends the run that it comes from and the runs around it: nobody can answer it. */
export function endsAll(error: unknown, run: Run): boolean {
  return error instanceof StoreError || run.stopped !== undefined || !(error instanceof RunError);
}
