import { StoreError } from "./errors.ts";
import {
  type NewItem,
  type ToolCallItem,
  type ToolResultItem,
  type View,
  type ViewEntry,
  type VisibleItem,
  isContent,
  isRole,
  isToolResultStatus,
} from "./items.ts";
import { sameJson } from "./json.ts";
import { quote } from "./names.ts";
import { toJson } from "./schema.ts";

/** What a filter or plugin may choose from and put in. */
type Chosen = VisibleItem | (NewItem & { readonly type: VisibleItem["type"] });

/** Finds places in `base`: one walk for choices that keep its order, an index for others. -1: not in it. */
function placesIn(base: readonly VisibleItem[]): (item: unknown) => number {
  let cursor = 0;
  let index: Map<unknown, number> | undefined;
  return (item) => {
    for (let i = cursor; i < base.length && !index; i++) {
      if (base[i] !== item) continue;
      cursor = i + 1;
      return i;
    }
    index ??= new Map(base.map((each, i) => [each, i]));
    return index.get(item) ?? -1;
  };
}

/** `chosen` as a view of `base`: items of `base` by id, the others put in. */
export function toView(base: readonly VisibleItem[], chosen: readonly VisibleItem[]): View {
  const placeOf = placesIn(base);
  const view: ViewEntry[] = [];
  let first = -1; // the run of neighbours that is open, as places in base
  let last = -1;
  const close = (): void => {
    if (first >= 0) view.push(first === last ? base[first]!.id : [base[first]!.id, base[last]!.id]);
    first = -1;
  };
  for (const item of chosen) {
    const place = placeOf(item);
    if (first >= 0 && place === last + 1) {
      last = place;
      continue;
    }
    close();
    if (place < 0) view.push(item);
    else first = last = place;
  }
  close();
  return view;
}

/** The items that `view` names, in its order. `base` is what would be seen without it. */
export function fromView(base: readonly VisibleItem[], view: View, what: string): VisibleItem[] {
  const seen: VisibleItem[] = [];
  let cursor = 0;
  let places: Map<string, number> | undefined; // only for views that reorder
  const placeOf = (id: string): number => {
    for (let i = cursor; i < base.length && !places; i++) if (base[i]!.id === id) return i;
    places ??= new Map(base.map((item, i) => [item.id, i]));
    const place = places.get(id);
    if (place !== undefined) return place;
    throw new StoreError(`Cannot read the view of ${what}: item "${id}" is not among what its agent sees`, {
      code: "corrupt_item",
    });
  };
  for (const entry of view) {
    if (typeof entry === "object" && !Array.isArray(entry)) {
      seen.push(entry as VisibleItem);
      continue;
    }
    const from = placeOf(typeof entry === "string" ? entry : (entry as readonly [string, string])[0]);
    cursor = from;
    const to = typeof entry === "string" ? from : placeOf((entry as readonly [string, string])[1]);
    if (to < from) {
      throw new StoreError(
        `Cannot read the view of ${what}: the range from "${base[from]!.id}" to "${base[to]!.id}" ends before it begins`,
        { code: "corrupt_item" },
      );
    }
    for (let i = from; i <= to; i++) seen.push(base[i]!);
    cursor = to + 1;
  }
  return seen;
}

/** The items that a view puts in. */
export function insertedBy(view: View): VisibleItem[] {
  return view.filter((entry): entry is VisibleItem => typeof entry === "object" && !Array.isArray(entry));
}

/**
 * What was chosen, made valid for providers: each item once; a call and its result together or not at all, results
 * behind their calls in the order of the calls; reasoning directly before what it belongs to. Items that were changed or
 * made anew get ids that begin with `prefix`; those of changed items tell of what (`originOf`). An item whose reasoning was dropped is put in without its provider's data,
 * so that nothing refers to what is gone.
 */
export function settleView(base: readonly VisibleItem[], chosen: readonly Chosen[], prefix: string): VisibleItem[] {
  if (isSame(base, chosen)) return base as VisibleItem[];
  if (leavesWhole(base, chosen)) return chosen as VisibleItem[];
  const settled = wholeView(base, identify(base, chosen, prefix), prefix);
  return isSame(base, settled) ? (base as VisibleItem[]) : settled;
}

/** `items`, chosen from `base` or put in, without what has lost its other half. */
export function wholeView(base: readonly VisibleItem[], items: readonly VisibleItem[], prefix: string): VisibleItem[] {
  return detachLoneItems(base, keepWhole(items, base), prefix);
}

/**
 * Whether `chosen` leaves out some of `base` and does nothing else, and no call without its result: what most filters do,
 * found out in one walk.
 */
function leavesWhole(base: readonly VisibleItem[], chosen: readonly Chosen[]): boolean {
  let next = 0; // of chosen
  const open: string[] = []; // calls whose result is to come; the lists only grow
  const keeps: boolean[] = [];
  let count = 0;
  for (const item of base) {
    const kept = next < chosen.length && chosen[next] === item;
    if (kept) next++;
    if (item.type === "tool_call") {
      open[count] = item.callId;
      keeps[count++] = kept;
    } else if (item.type === "tool_result") {
      const at = open.indexOf(item.callId);
      if (at < 0 || keeps[at] !== kept) return false;
      open[at] = open[--count]!;
      keeps[at] = keeps[count]!;
      open[count] = "";
    } else if (item.type === "reasoning") return false;
  }
  return next === chosen.length && count === 0;
}

const isSame = (base: readonly VisibleItem[], chosen: readonly Chosen[]): boolean =>
  chosen.length === base.length && chosen.every((item, i) => item === base[i]);

/** Each item once, and those that are not in `base` under ids of their own. */
function identify(base: readonly VisibleItem[], chosen: readonly Chosen[], prefix: string): VisibleItem[] {
  const placeOf = placesIn(base);
  const taken = new Uint8Array(base.length);
  let byId: Map<string, number> | undefined;
  const items: VisibleItem[] = [];
  for (const item of chosen) {
    let place = placeOf(item);
    let changed: VisibleItem | undefined;
    if (place < 0 && item?.id !== undefined) {
      byId ??= new Map(base.map((each, i) => [each.id, i]));
      const copied = byId.get(item.id);
      if (copied !== undefined && sameJson(base[copied], item)) place = copied;
      else if (copied !== undefined) checkVoice((changed = base[copied]!), item);
    }
    if (place < 0) items.push(putIn(item, copyId(`${prefix}/${items.length}`, changed)));
    else if (taken[place] === 0) {
      taken[place] = 1;
      items.push(base[place]!);
    }
  }
  return items;
}

const OF = "/of/";

/** The id of an item that is put in; of a changed copy, also of a copy of a copy, it names what it is a copy of. */
const copyId = (id: string, original: VisibleItem | undefined): string =>
  original ? `${id}${OF}${originOf(original) ?? original.id}` : id;

/** The id of the item that this one, which is put in, is a changed copy of. */
export function originOf({ id }: VisibleItem): string | undefined {
  const at = id.lastIndexOf(OF);
  return at < 0 ? undefined : id.slice(at + OF.length);
}

/** What a model, tool or user has said cannot become the developer's word. */
function checkVoice(before: VisibleItem, now: Chosen): void {
  const role = "role" in now ? now.role : undefined;
  if (role !== "system" && role !== "developer") return;
  if (before.type === "message" && before.role === role) return;
  throw new TypeError(`Cannot put item "${before.id}" into a view as a ${role} message: it was something else before`);
}

/** An item that is in no record. What a provider knows of the item it is a changed copy of does not fit it. */
function putIn(item: Chosen, id: string): VisibleItem {
  const problem = problemOf(item);
  if (problem !== undefined) throw new TypeError(`Cannot put ${nameOf(item)} into a view: ${problem}`);
  const { providerData: _, ...rest } = item as Chosen & { readonly providerData?: unknown };
  const plain = toJson({ ...rest, type: (rest as Fields)["type"] ?? "message", id });
  if (plain === undefined) throw new TypeError(`Cannot put ${nameOf(item)} into a view: it cannot be written as JSON`);
  return plain as unknown as VisibleItem;
}

const nameOf = (item: unknown): string =>
  typeof item === "object" && item !== null ? `an item of type ${quote((item as Fields)["type"])}` : quote(item);

/** Why `item` cannot be shown to a model. What filters and plugins give need not be what their types say. */
function problemOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return "expected an item";
  const { type, role, agent, content, callId, name, arguments: args, output, status, provider } = item as Fields;
  switch (type) {
    case undefined:
    case "message":
      if (!isRole(role)) return `its role is ${quote(role)}`;
      if ((role === "system" || role === "developer") && agent !== undefined) return `an agent has no ${role} messages`;
      return isContent(content) ? undefined : "its content is neither a text nor a list of parts";
    case "tool_call":
      return isName(callId) && isName(name) && typeof args === "string"
        ? undefined
        : "a call has a callId, a name and its arguments as text";
    case "tool_result":
      return isName(callId) && typeof output === "string" && isToolResultStatus(status)
        ? undefined
        : "a result has a callId, an output as text and a status";
    case "reasoning":
    case "provider_item":
      return isName(provider) ? undefined : "it names no provider";
    default:
      return `no model can be shown an item of type ${quote(type)}`;
  }
}

type Fields = { readonly [name: string]: unknown };

const isName = (value: unknown): boolean => typeof value === "string" && value !== "";

/**
 * Calls with their results behind them, in the order of the calls; what has lost its other half is left out. In `base`
 * a result belongs to the last call with its id before it: providers may use an id again.
 */
export function keepWhole(items: readonly VisibleItem[], base: readonly VisibleItem[] = items): readonly VisibleItem[] {
  if (!items.some(({ type }) => type === "tool_call" || type === "tool_result" || type === "reasoning")) return items;
  const results = resultsOf(items, base);
  const whole: VisibleItem[] = [];
  let calls: ToolCallItem[] = []; // of the reply that is being read
  const answer = (): void => {
    for (const call of calls) whole.push(results.get(call)!);
    calls = [];
  };
  for (const item of items) {
    const ofReply =
      item.type === "tool_call" || item.type === "reasoning" || (item.type === "message" && item.role === "assistant");
    if (!ofReply || item.agent !== calls[0]?.agent) answer();
    if (item.type === "tool_result") continue;
    if (item.type === "tool_call") {
      if (!results.has(item) || calls.some((call) => call.callId === item.callId)) continue;
      calls.push(item);
    }
    whole.push(item);
  }
  answer();
  return whole;
}

/** The result of each call among `items` that has one there. */
function resultsOf(
  items: readonly VisibleItem[],
  base: readonly VisibleItem[],
): ReadonlyMap<ToolCallItem, VisibleItem> {
  const here = new Set<VisibleItem>(items.filter(isCallOrResult));
  const callIds = new Set([...here].map((item) => (item as ToolCallItem).callId));
  const known = new Map<VisibleItem, ToolCallItem>(); // results and calls of base -> the call
  for (const [item, call] of pairs(base, callIds)) known.set(item, call).set(call, call);
  const results = new Map<ToolCallItem, VisibleItem>();
  for (const [item, call] of pairs(items, callIds)) {
    const its = known.get(item);
    if (its && here.has(its)) results.set(its, item);
    else if ((!its || !known.has(call)) && sameAgent(call, item)) results.set(call, item); // one of the two was put in
  }
  return results;
}

const sameAgent = (call: VisibleItem, result: VisibleItem): boolean =>
  call.agent === undefined || result.agent === undefined || call.agent === result.agent;

const isCallOrResult = (item: VisibleItem): item is ToolCallItem | ToolResultItem =>
  item.type === "tool_call" || item.type === "tool_result";

/** Each result of these calls with the last call of its id before it; with the next one where there is none. */
function pairs(
  items: readonly VisibleItem[],
  callIds: ReadonlySet<string>,
): [result: ToolResultItem, call: ToolCallItem][] {
  const last = new Map<string, ToolCallItem>();
  const early: ToolResultItem[] = [];
  const found: [ToolResultItem, ToolCallItem][] = [];
  for (const item of items) {
    if (!isCallOrResult(item) || !callIds.has(item.callId)) continue;
    if (item.type === "tool_call") {
      last.set(item.callId, item);
      continue;
    }
    const call = last.get(item.callId);
    if (call) found.push([item, call]);
    else early.push(item);
  }
  for (const item of early) {
    const call = last.get(item.callId);
    if (call) found.push([item, call]);
  }
  return found;
}

/**
 * Drops reasoning that has lost the item it belongs to, and cuts items loose from reasoning that was dropped. What
 * reasoning belongs to is the item behind it in `base`.
 */
function detachLoneItems(base: readonly VisibleItem[], items: readonly VisibleItem[], prefix: string): VisibleItem[] {
  if (!base.some(isReasoning))
    return items.some(isReasoning) ? items.filter((item) => !isReasoning(item)) : (items as VisibleItem[]);
  const reasons = new Map<VisibleItem, VisibleItem[]>(); // item -> its reasoning
  for (let i = 0; i < base.length; i++) {
    if (base[i]!.type !== "reasoning") continue;
    const start = i;
    while (i + 1 < base.length && base[i]!.type === "reasoning") i++;
    const owner = base[i]!;
    const isMade = owner.type === "message" ? owner.role === "assistant" : owner.type !== "tool_result";
    if (owner.type === "reasoning" || !isMade || owner.agent !== base[start]!.agent) continue;
    reasons.set(owner, base.slice(start, i));
  }
  const present = new Set(items);
  const whole: VisibleItem[] = [];
  for (const item of items) {
    if (item.type === "reasoning") continue; // comes with what it belongs to
    const mine = reasons.get(item);
    if (!mine) whole.push(item);
    else if (mine.every((reason) => present.has(reason))) whole.push(...mine, item);
    else whole.push(loose(item, copyId(`${prefix}/loose${whole.length}`, item)));
  }
  return whole;
}

const isReasoning = (item: VisibleItem): boolean => item.type === "reasoning";

function loose(item: VisibleItem, id: string): VisibleItem {
  return item.type === "message" || item.type === "tool_call" ? putIn(item, id) : item;
}
