import { StoreError } from "./errors.ts";
import { sameJson } from "./json.ts";
import type { NewItem, ToolCallItem, View, ViewEntry, VisibleItem } from "./items.ts";

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
 * made anew get ids that begin with `prefix`. An item whose reasoning was dropped is put in without its provider's data,
 * so that nothing refers to what is gone.
 */
export function settleView(base: readonly VisibleItem[], chosen: readonly Chosen[], prefix: string): VisibleItem[] {
  if (chosen.length === base.length && chosen.every((item, i) => item === base[i])) return base as VisibleItem[];
  return detachLoneItems(base, keepWhole(identify(base, chosen, prefix)), prefix);
}

/** Each item once, and those that are not in `base` under ids of their own. */
function identify(base: readonly VisibleItem[], chosen: readonly Chosen[], prefix: string): VisibleItem[] {
  const placeOf = placesIn(base);
  const taken = new Uint8Array(base.length);
  let byId: Map<string, number> | undefined;
  const items: VisibleItem[] = [];
  for (const item of chosen) {
    let place = placeOf(item);
    if (place < 0 && item.id !== undefined) {
      byId ??= new Map(base.map((each, i) => [each.id, i]));
      const copied = byId.get(item.id);
      if (copied !== undefined && sameJson(base[copied], item)) place = copied;
    }
    if (place < 0) items.push(putIn(item, `${prefix}/${items.length}`));
    else if (taken[place] === 0) {
      taken[place] = 1;
      items.push(base[place]!);
    }
  }
  return items;
}

/** An item that is in no record. What a provider knows of the item it is a changed copy of does not fit it. */
function putIn(item: Chosen, id: string): VisibleItem {
  const { providerData: _, ...rest } = item as Chosen & { readonly providerData?: unknown };
  return { ...rest, id } as VisibleItem;
}

/** Calls with their results behind them, in the order of the calls; what has lost its other half is left out. */
export function keepWhole(items: readonly VisibleItem[]): readonly VisibleItem[] {
  const results = new Map<string, VisibleItem>();
  let lone = false;
  for (const item of items) {
    if (item.type === "tool_result") results.set(item.callId, item);
    else if (item.type === "tool_call" || item.type === "reasoning") lone = true;
  }
  if (!lone && results.size === 0) return items;
  const whole: VisibleItem[] = [];
  let calls: ToolCallItem[] = []; // of the reply that is being read
  const answer = (): void => {
    for (const { callId } of calls) {
      whole.push(results.get(callId)!);
      results.delete(callId);
    }
    calls = [];
  };
  for (const item of items) {
    const ofReply =
      item.type === "tool_call" || item.type === "reasoning" || (item.type === "message" && item.role === "assistant");
    if (!ofReply) answer();
    if (item.type === "tool_result") continue;
    if (item.type === "tool_call") {
      if (!results.has(item.callId) || calls.some((call) => call.callId === item.callId)) continue;
      calls.push(item);
    }
    whole.push(item);
  }
  answer();
  return whole;
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
    if (owner.type === "reasoning") continue;
    reasons.set(owner, base.slice(start, i));
  }
  const present = new Set(items);
  const whole: VisibleItem[] = [];
  for (const item of items) {
    if (item.type === "reasoning") continue; // comes with what it belongs to
    const mine = reasons.get(item);
    if (!mine) whole.push(item);
    else if (mine.every((reason) => present.has(reason))) whole.push(...mine, item);
    else whole.push(loose(item, `${prefix}/loose${whole.length}`));
  }
  return whole;
}

const isReasoning = (item: VisibleItem): boolean => item.type === "reasoning";

function loose(item: VisibleItem, id: string): VisibleItem {
  return item.type === "message" || item.type === "tool_call" ? putIn(item, id) : item;
}
