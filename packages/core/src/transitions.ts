import type { Effect } from "./contracts/engine.ts";
import type { EventBody, Pending } from "./events.ts";
import type { Json } from "./json.ts";
import {
  type HandoffItem,
  type NewItem,
  type ToolCallItem,
  type ToolResultStatus,
  contentText,
  isUserMessage,
} from "./items.ts";
import type { Limits } from "./limits.ts";
import type { OpenCall, Transcript } from "./transcript.ts";
import { toView } from "./views.ts";

/** What happens next. */
export type Step =
  | { readonly type: "perform"; readonly effects: readonly Effect[] }
  | { readonly type: "record"; readonly items: readonly NewItem[]; readonly events?: readonly EventBody[] }
  | Stop;
export type Stop =
  | { readonly type: "stop"; readonly status: "completed" }
  | { readonly type: "stop"; readonly status: "paused"; readonly pending: readonly Pending[] }
  | {
      readonly type: "stop";
      readonly status: "limit";
      readonly limit: "maxTurns";
      readonly max: number;
      readonly actual: number;
    };

/** What decides beside the transcript. */
export interface Policy {
  readonly entry: string;
  readonly agents: { has(name: string): boolean };
  readonly limits: Limits;
}

/** The next step, from the transcript alone: no await, no clock, no outside call. */
export function nextStep(t: Transcript, policy: Policy): Step {
  if (t.open.length > 0) return nextOfCalls(t, policy);
  if (!policy.agents.has(t.active)) return takeOver(t, policy.entry);
  if (t.done) return t.waiting.length > 0 ? wayBack(t) : { type: "stop", status: "completed" };
  const { maxTurns } = policy.limits;
  if (t.turns >= maxTurns) return { type: "stop", status: "limit", limit: "maxTurns", max: maxTurns, actual: t.turns };
  return perform([{ type: "model", key: `model:${t.record.length}`, agent: t.active }]);
}

const record = (items: readonly NewItem[], events: readonly EventBody[] = []): Step =>
  events.length === 0 ? { type: "record", items } : { type: "record", items, events };
const perform = (effects: readonly Effect[]): Step => ({ type: "perform", effects });

/** Calls without results: checked, then decided, then ordinary ones side by side, then handoffs one by one. */
function nextOfCalls(t: Transcript, policy: Policy): Step {
  const { open } = t;
  if (open.some(isDenied)) {
    const denied = open.filter(isDenied);
    return record(denied.map(deny), denied.flatMap(deniedEvent));
  }
  if (open.some(isUnchecked)) {
    const unchecked = open.filter(isUnchecked).map(({ call }) => call);
    return perform([checkEffect(unchecked, t.active)]);
  }
  if (open.some(isStarted)) return settleStarted(open.filter(isStarted));
  if (open.some(isUndecided)) return paused(t);
  const ready = open.filter((each) => isReady(t, each));
  if (ready.length > 0) return perform(ready.map(callEffect));
  if (open.some(({ verdict }) => verdict?.kind !== "handoff")) return paused(t);
  return nextHandoff(t, policy);
}

const isDenied = ({ decision }: OpenCall): boolean => decision?.decision === "rejected";
const isUnchecked = ({ verdict }: OpenCall): boolean => !verdict;
const isStarted = ({ started }: OpenCall): boolean => started;
const isUndecided = ({ asked, decision }: OpenCall): boolean => asked && !decision;

const checkEffect = (calls: readonly ToolCallItem[], active: string): Effect => {
  const first = calls[0]!;
  return { type: "check", key: `check:${first.id}:${calls.length}`, agent: first.agent ?? active, calls };
};

function callEffect({ call, verdict }: OpenCall): Effect {
  const type = verdict?.kind === "agent" ? "agent" : "tool";
  return { type, key: call.id, agent: call.agent ?? "", call };
}

/** A tool that can start, or a nested run that does not wait for the caller. */
function isReady(t: Transcript, { call, verdict }: OpenCall): boolean {
  if (verdict?.kind === "tool") return true;
  return verdict?.kind === "agent" && !t.children?.get(call.callId)?.paused;
}

/** A `once` tool that was started and has no result: it can tell what happened, or nobody knows. */
function settleStarted(started: readonly OpenCall[]): Step {
  const lost = started.filter(({ verdict }) => verdict?.verifiable !== true);
  if (lost.length > 0) return record(lost.map(({ call }) => resultOf(call, UNKNOWN, "unknown")));
  return perform(
    started.map(({ call }) => ({ type: "tool", key: call.id, agent: call.agent ?? "", call, verify: true })),
  );
}

const UNKNOWN = "The outcome is unknown: this was started and may or may not have happened. Do not simply repeat it.";

const deny = (open: OpenCall): NewItem => resultOf(open.call, denialOf(open), "denied");

const denialOf = ({ decision }: OpenCall): string =>
  decision?.reason === undefined ? "This call was denied." : `This call was denied: ${decision.reason}`;

const deniedEvent = (open: OpenCall): EventBody[] =>
  open.call.handoff ? [refusedEvent(open.call, denialOf(open), open.verdict?.to)] : [];

const paused = (t: Transcript): Stop => ({ type: "stop", status: "paused", pending: pendingOf(t) });

/** What waits for the caller, in the order of the calls, nested runs included. */
export function pendingOf(t: Transcript): readonly Pending[] {
  return t.open.flatMap(({ call, asked, decision, verdict }) => {
    if (asked && !decision) return [pending("approval", call)];
    if (verdict?.kind === "client") return [pending("tool_result", call)];
    return t.children?.get(call.callId)?.paused ?? [];
  });
}

function pending(kind: Pending["kind"], call: ToolCallItem): Pending {
  const { id, callId, agent = "", name, path = [] } = call;
  return { kind, id, callId, agent, name, arguments: JSON.parse(call.arguments) as Json, path };
}

/** The first handoff that nothing forbids; one that is forbidden is answered with the reason. */
function nextHandoff(t: Transcript, policy: Policy): Step {
  const [first, ...others] = t.open as [OpenCall, ...OpenCall[]];
  const refusal = refusalOf(t, first.verdict?.to ?? "", policy.limits);
  if (refusal !== undefined) {
    return record([resultOf(first.call, refusal, "error")], [refusedEvent(first.call, refusal, first.verdict?.to)]);
  }
  return perform([
    { type: "handoff", key: first.call.id, agent: t.active, call: first.call, rest: others.map(({ call }) => call) },
  ]);
}

/** Why the active agent may not hand over to `to` now. */
export function refusalOf(t: Transcript, to: string, limits: Limits): string | undefined {
  if (to === t.active) return `Cannot hand over to "${to}": it has the conversation already.`;
  if (t.handoffs >= limits.maxHandoffs) {
    return `Cannot hand over to "${to}": ${t.handoffs} handoffs were made since the user spoke, and the limit maxHandoffs is ${limits.maxHandoffs}. Answer the user yourself.`;
  }
  if (t.edges?.some((edge) => edge.from === t.active && edge.to === to)) {
    return `Cannot hand over to "${to}": "${t.active}" has done that already, and nothing is new since. Answer the user yourself.`;
  }
  return undefined;
}

/** The answer of an agent that was consulted, as the result of the call that asked. */
function wayBack(t: Transcript): Step {
  const { agent: to, result } = t.waiting.at(-1)!;
  const output = t.answer ? contentText(t.answer.content) : "";
  const { items } = t.startOf(to);
  const left = t.leftBy(to);
  const from = t.active;
  const asked = left.slice();
  const place = result ? left.indexOf(result) : -1;
  if (result && place >= 0) asked[place] = { ...result, id: `${idOfNext(t)}/answer`, output };
  else
    asked.push({
      type: "message",
      id: `${idOfNext(t)}/answer`,
      role: "user",
      agent: from,
      content: `${from}: ${output}`,
    });
  const said = items.slice(left.length).filter(isUserMessage);
  const seen = [...asked, ...said];
  return passes(
    { type: "handoff", id: idOfNext(t), agent: from, from, to, mode: "back", view: toView(items, seen) },
    items.length,
    seen.length,
  );
}

/** The entry agent takes over from one that is no longer in the graph. */
function takeOver(t: Transcript, entry: string): Step {
  const count = t.startOf(entry).items.length;
  return passes(
    { type: "handoff", id: idOfNext(t), agent: entry, from: t.active, to: entry, mode: "pass" },
    count,
    count,
  );
}

const idOfNext = ({ record }: Transcript): string => `${record.at(-1)!.id}:handoff`;

/** Control passes without a call. `before` and `after` count what the target would have seen and sees. */
function passes(item: HandoffItem, before: number, after: number): Step {
  const { from, to } = item;
  return record([item], [{ type: "handoff", item, from, to, before, after, filters: [], durationMs: 0 }]);
}

/** Tells that a handoff was not made. */
export function refusedEvent({ callId, name }: ToolCallItem, reason: string, to?: string): EventBody {
  return { type: "handoff_refused", callId, toolName: name, ...(to === undefined ? {} : { to }), reason };
}

/** The answer to a call. */
export function resultOf(call: ToolCallItem, output: string, status: ToolResultStatus): NewItem {
  return { type: "tool_result", agent: call.agent ?? "", callId: call.callId, output, status };
}

/**
 * Answers for all that is open, so that the conversation can go on without it. `unstarted` is for calls that have not
 * run, `undecided` for those that wait for a decision; what was started is unknown.
 */
export function closeAll(
  t: Transcript,
  because: string,
  unstarted: ToolResultStatus,
  undecided: ToolResultStatus = "denied",
): { readonly item: NewItem; readonly path: readonly string[] }[] {
  return t.open.flatMap(({ call, asked, decision, started }) => {
    const child = t.children?.get(call.callId);
    const status = started ? "unknown" : asked && !decision ? undecided : unstarted;
    const output = started ? UNKNOWN : because;
    const inner = child ? closeAll(child, because, unstarted, undecided) : [];
    return [...inner, { item: resultOf(call, output, status), path: call.path ?? [] }];
  });
}
