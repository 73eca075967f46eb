import type { Outcome } from "../contracts/engine.ts";
import type { ModelRequest } from "../contracts/model.ts";
import { isThenable, leave } from "../deadlines.ts";
import type { FilterData, FilterResult, InputFilter, MaybePromise } from "../definitions.ts";
import { StoreError, messageOf } from "../errors.ts";
import type { CompiledAgent, Edge } from "../graph.ts";
import {
  type HandoffItem,
  type NewItem,
  type ToolCallItem,
  type ToolResultItem,
  type View,
  type VisibleItem,
  isUserMessage,
} from "../items.ts";
import type { Json } from "../json.ts";
import { isEnabled, requestFor, targetOf } from "../request.ts";
import type { Run } from "../run.ts";
import { parseArguments, NO_PARAMETERS, toJson } from "../schema.ts";
import { placeOfResult, withoutCalls } from "../transcript.ts";
import { refusalOf, refusedEvent, resultOf } from "../transitions.ts";
import { settleView, toView } from "../views.ts";
import { argumentsOf } from "./arguments.ts";
import { inputRefusal, refusalBy } from "./guardrails.ts";

/** Makes a handoff, or answers its call with the reason why not. Its answer and the handoff are one append. */
export async function performHandoff(call: ToolCallItem, rest: readonly ToolCallItem[], run: Run): Promise<Outcome> {
  const started = run.config.clock.now();
  const to = run.transcript.openCall(call.callId)!.verdict!.to!;
  try {
    const source = run.agent(call.agent ?? run.transcript.active);
    const edge = source.edges.get(call.name)!;
    const checked = await argumentsOf(call, edge.inputType ?? NO_PARAMETERS, source.name, run);
    if (checked.error !== undefined) throw new Error(checked.error);
    const input = checked.value;
    if (mayRefuse(edge, to, run)) await agree(edge, to, input, source.name, call, run);
    const answer = answerTo(call, to);
    const filters = filtersOf(edge, run);
    const { view, before, after } =
      filters.length === 0
        ? everything(to, answer, rest, run)
        : await viewFor(filters, edge, to, input, call, answer, rest, source.name, run);
    run.throwIfStopped();
    const payload = payloadOf(edge, input);
    const item = handoffItem(edge, source.name, to, payload, call, view);
    const unmade = rest.map((other) => resultOf(other, "Another handoff was made in this turn.", "error"));
    if (!run.listening) return { items: [answer, ...unmade, item] };
    const durationMs = run.config.clock.now() - started;
    return {
      items: [answer, ...unmade, item],
      events: [
        {
          type: "handoff",
          item: item as never,
          from: source.name,
          to,
          toolName: call.name,
          before,
          after,
          filters: filters.map((filter) => filter.name || "filter"),
          durationMs,
        },
      ],
    };
  } catch (error) {
    run.throwIfStopped();
    if (error instanceof StoreError) throw error;
    const reason = `Cannot hand over to "${to}": ${messageOf(error)}`;
    return { items: [resultOf(call, reason, "error")], events: run.listening ? [refusedEvent(call, reason, to)] : [] };
  }
}

function handoffItem(
  { mode }: Edge,
  from: string,
  to: string,
  payload: Json | undefined,
  call: ToolCallItem,
  view: View | undefined,
): NewItem & { readonly type: "handoff" } {
  return {
    type: "handoff",
    id: `${call.id}:handoff`,
    agent: from,
    callId: call.callId,
    from,
    to,
    ...(payload === undefined ? {} : { input: payload }),
    mode,
    ...(view === undefined ? {} : { view }),
  };
}

/** The answer that the model and the target read. */
function answerTo(call: ToolCallItem, to: string): NewItem & ToolResultItem {
  return {
    ...(resultOf(call, `The conversation is with ${to} now.`, "ok") as ToolResultItem),
    id: `${call.id}:answer`,
  };
}

/** What is recorded of the payload. */
function payloadOf({ inputType }: Edge, input: unknown): Json | undefined {
  if (!inputType) return undefined;
  const payload = toJson(input);
  if (payload === undefined) throw new Error("its payload cannot be written as JSON");
  return payload;
}

/** Whether anybody has to be asked about a handoff. */
function mayRefuse({ isEnabled, guardrails, onHandoff }: Edge, to: string, run: Run): boolean {
  if (isEnabled !== true || guardrails.length > 0 || onHandoff) return true;
  return run.agent(to).definition.inputGuardrails.length > 0;
}

/** Everything that may refuse a handoff; a refusal is a throw with its reason. */
async function agree(
  edge: Edge,
  to: string,
  input: unknown,
  source: string,
  call: ToolCallItem,
  run: Run,
): Promise<void> {
  if (!(await isEnabled(edge.isEnabled, `handoff "${edge.toolName}"`, source, run)))
    throw new Error("it is not available now");
  const refusal = await handoffRefusal(edge, to, input, source, run, call.callId);
  if (refusal !== undefined) throw new Error(refusal);
  const { onHandoff } = edge;
  if (!onHandoff) return;
  await run.call("onHandoff", source, (context) => {
    context.idempotencyKey = call.id;
    return onHandoff(input as never, context as never);
  });
}

/** Why a handoff may not be made: its own guardrails, and those of the target about messages that nobody has answered. */
export async function handoffRefusal(
  edge: Edge,
  to: string,
  input: unknown,
  from: string,
  run: Run,
  callId: string,
): Promise<string | undefined> {
  if (edge.guardrails.length > 0) {
    const data = { from, to, input, visible: run.transcript.visible.slice() };
    const refusal = await refusalBy(edge.guardrails, "handoff", data, from, run, callId);
    if (refusal) return refusal.reason;
  }
  if (run.judged?.has(to)) return undefined;
  const tripped = await inputRefusal(to, run.transcript.unanswered, () => true, run);
  if (tripped) return tripped.reason;
  (run.judged ??= new Set()).add(to);
  return undefined;
}

type AnyFilter = (data: never) => MaybePromise<FilterResult>;

/** The run's filters or else the runner's, then the handoff's own. */
function filtersOf({ inputFilters }: Edge, { config, options }: Run): readonly AnyFilter[] {
  const outer = options.inputFilter ?? config.inputFilter;
  return outer
    ? [...([outer].flat() as readonly InputFilter[] as readonly AnyFilter[]), ...inputFilters]
    : inputFilters;
}

interface Chosen {
  readonly view: View | undefined;
  readonly before: number;
  readonly after: number;
}

/** Without filters the target sees everything. */
function everything(to: string, answer: ToolResultItem, rest: readonly ToolCallItem[], run: Run): Chosen {
  const count =
    rest.length === 0 ? run.transcript.startOf(to).items.length + 1 : startWith(to, answer, rest, run).length;
  return { view: undefined, before: count, after: count };
}

/** What the target sees, as a view of what it would see unfiltered. */
async function viewFor(
  filters: readonly AnyFilter[],
  edge: Edge,
  to: string,
  input: unknown,
  call: ToolCallItem,
  answer: ToolResultItem,
  rest: readonly ToolCallItem[],
  from: string,
  run: Run,
): Promise<Chosen> {
  const base = startWith(to, answer, rest, run);
  let chosen: readonly VisibleItem[] = base;
  for (const filter of filters) {
    const settled = chosen;
    chosen = await run.call("inputFilter", from, async (context) => {
      context.idempotencyKey = call.id;
      const pieces = piecesOf(settled, call);
      const data = dataOf(pieces, { from, to, input, context: run.context, run: context });
      return settleView(base, together(pieces, await filter(data as never)), `${call.id}:view`);
    });
  }
  if (chosen === base) return { view: undefined, before: base.length, after: base.length };
  if (!saysEnough(chosen, edge)) throw new Error("its filter leaves neither a user message nor a payload nor a result");
  return { view: toView(base, chosen), before: base.length, after: chosen.length };
}

/** Whether the target has something to work on. */
function saysEnough(chosen: readonly VisibleItem[], { inputType }: Edge): boolean {
  return inputType !== undefined || chosen.some((item) => isUserMessage(item) || item.type === "tool_result");
}

/** What `to` would see once the call is answered: the handoffs that are not made are hidden. */
function startWith(
  to: string,
  answer: ToolResultItem,
  rest: readonly ToolCallItem[],
  run: Run,
): readonly VisibleItem[] {
  const { items } = run.transcript.startOf(to);
  const start = rest.length === 0 ? items.slice() : withoutCalls(items, new Set(rest.map(({ callId }) => callId)));
  const place = placeOfResult(start, answer.callId);
  if (place >= 0) start.splice(place, 0, answer);
  return start;
}

type FilterFrame = Pick<FilterData, "from" | "to" | "input" | "context" | "run">;

type Pieces = Pick<FilterData, "inputHistory" | "preHandoffItems" | "newItems">;

/** The three pieces that filters work on. */
function piecesOf(items: readonly VisibleItem[], call: ToolCallItem): Pieces {
  const afterUser = items.findLastIndex(isUserMessage) + 1;
  let reply = items.findLastIndex((item) => item.type === "tool_call" && item.callId === call.callId);
  while (reply > afterUser && isOfReply(items[reply - 1]!, call.agent)) reply--;
  const asked = reply < 0 ? items.length : Math.max(reply, afterUser);
  return {
    inputHistory: items.slice(0, afterUser),
    preHandoffItems: items.slice(afterUser, asked),
    newItems: items.slice(asked),
  };
}

/** Filters get lists of their own: what they do to them is not what they return. */
function dataOf({ inputHistory, preHandoffItems, newItems }: Pieces, frame: FilterFrame): FilterData {
  return {
    inputHistory: inputHistory.slice(),
    preHandoffItems: preHandoffItems.slice(),
    newItems: newItems.slice(),
    ...frame,
  };
}

function isOfReply(item: VisibleItem, agent: string | undefined): boolean {
  return item.type !== "tool_result" && item.agent === agent && !(item.type === "message" && item.role !== "assistant");
}

function together(pieces: Pieces, result: FilterResult): readonly VisibleItem[] {
  if (typeof result !== "object" || result === null) throw new Error("its filter gave no object");
  const lists = [
    result.inputHistory ?? pieces.inputHistory,
    result.preHandoffItems ?? pieces.preHandoffItems,
    result.newItems ?? pieces.newItems,
  ];
  if (!lists.every((list) => Array.isArray(list)))
    throw new Error("its filter gave something else than lists of items");
  return ([] as VisibleItem[]).concat(...(lists as VisibleItem[][]));
}

/**
 * The request that the target of a handoff would get if it was made now, with nothing done: none where a callback,
 * guardrail, approval or filter that waits would have to run first, or where the handoff would be refused.
 */
export async function previewOf(
  source: CompiledAgent,
  name: string,
  input: unknown,
  run: Run,
): Promise<ModelRequest | undefined> {
  const { transcript: t } = run;
  const edge = source.edges.get(name);
  if (!edge) return undefined;
  const to = targetOf(edge, t.trail.at(-1));
  const target = to && run.graph.agents.get(to);
  if (!target || refusalOf(t, to, run.limits) !== undefined) return undefined;
  const plain =
    !edge.onHandoff && edge.guardrails.length === 0 && edge.needsApproval === false && edge.isEnabled === true;
  if (!plain || target.definition.inputGuardrails.length > 0) return undefined;
  try {
    const text = JSON.stringify(input ?? {});
    const parsed = await parseArguments(edge.inputType ?? NO_PARAMETERS, text);
    if (parsed.error !== undefined) return undefined;
    const call: ToolCallItem = {
      type: "tool_call",
      id: "preview:call",
      agent: source.name,
      callId: "preview",
      name,
      arguments: text,
      handoff: true,
    };
    const items = previewItems(edge, source.name, to, parsed.value, call, run);
    if (!items) return undefined;
    const arrival = handoffItem(edge, source.name, to, payloadOf(edge, parsed.value), call, undefined) as HandoffItem;
    const before = t.trail.indexOf(to);
    const back = before < 0 ? source.name : t.trail[before - 1];
    const request = await requestFor(target, { items, since: undefined, replied: false, back, arrival }, run);
    const { preview: _, at, ...rest } = request;
    return { ...rest, at: { ...at, turn: at.turn + 1 } };
  } catch {
    return undefined; // and the handoff itself would fail
  }
}

function previewItems(
  edge: Edge,
  from: string,
  to: string,
  input: unknown,
  call: ToolCallItem,
  run: Run,
): readonly VisibleItem[] | undefined {
  const base = [...run.transcript.startOf(to).items, call, answerTo(call, to)];
  let chosen: readonly VisibleItem[] = base;
  for (const filter of filtersOf(edge, run)) {
    const frame = { from, to, input, context: run.context, run: undefined as never };
    const pieces = piecesOf(chosen, call);
    const result = filter(dataOf(pieces, frame) as never);
    if (isThenable(result)) {
      leave(result);
      return undefined;
    }
    chosen = settleView(base, together(pieces, result), "preview:view");
  }
  return saysEnough(chosen, edge) ? chosen : undefined;
}
