import type { CallVerdict } from "./contracts/engine.ts";
import { StoreError } from "./errors.ts";
import type { Pending } from "./events.ts";
import {
  type ApprovalItem,
  type HandoffItem,
  type Item,
  type MessageItem,
  type ToolCallItem,
  type ToolResultItem,
  type TurnItem,
  type View,
  type ViewItem,
  type VisibleItem,
  isVisible,
  unknownItem,
} from "./items.ts";
import { fromView, insertedBy, originOf, wholeView } from "./views.ts";

/** A call without a result. */
export interface OpenCall {
  readonly call: ToolCallItem;
  asked: boolean;
  /** The first decision. */
  decision: ApprovalItem | undefined;
  /** A `once` tool has been started. */
  started: boolean;
  /** What the call turned out to be, in this process. */
  verdict: CallVerdict | undefined;
  /** The checked arguments, in this process. */
  input: { readonly value: unknown } | undefined;
}

const openCall = (call: ToolCallItem): OpenCall => ({
  call,
  asked: false,
  decision: undefined,
  started: false,
  verdict: undefined,
  input: undefined,
});

/** The provider's name for a prefix of what the active agent sees. */
export interface Since {
  readonly responseId: string;
  readonly provider: string;
  readonly model: string;
  readonly count: number;
}

/** What an agent saw when control left it: the first `count` of `items`. */
interface Left {
  readonly items: VisibleItem[];
  readonly count: number;
  /** Number of items folded by then. */
  readonly at: number;
  readonly since: Since | undefined;
}

/** An agent that waits for an answer, and the call that asked. */
export interface Waiting {
  readonly agent: string;
  /** What the call was answered with when it handed over; the answer that it waits for comes in its place. */
  readonly result: ToolResultItem | undefined;
  /** Who was to get the next message when it asked. */
  readonly nextOwner: string | undefined;
}

/**
 * The record and everything that follows from it, folded forward item by item. Nothing else is state: folding the same
 * items again gives the same.
 */
export class Transcript {
  /** Every item, oldest first. */
  record: Item[] = [];
  /** The agent that has control. */
  active: string;
  /** What it sees. */
  visible: VisibleItem[] = [];
  /** Calls without a result, in the model's order. */
  open: OpenCall[] = [];
  /** The last reply asked for nothing. */
  done = false;
  /** The message that is the answer, if the last reply is one. */
  answer: MessageItem | undefined;
  /** Agents that get control back, the innermost last (`return`). */
  waiting: Waiting[] = [];
  /** Agents that handed over, the latest last. */
  trail: string[] = [];
  /** Who gets the next message, where it is another than the active agent (`turn`). */
  nextOwner: string | undefined;
  /** Model replies since the last input. */
  turns = 0;
  /** Handoffs since the last user message. */
  handoffs = 0;
  /** Answers that did not fit their schema, since the last user message or handoff. */
  outputRetries = 0;
  /** The active agent has replied since the last user message or handoff. */
  replied = false;
  /** The user messages that nobody has answered. */
  unanswered: MessageItem[] = [];
  /** What of `visible` a provider has by a name of its own. */
  since: Since | undefined;
  /** Edges used since something new was said. */
  edges: HandoffItem[] | undefined;
  /** How each agent came to be active. */
  arrivals: HandoffItem[] | undefined;
  /** Transcripts of nested runs, by the call that started them. */
  children: Map<string, Transcript> | undefined;
  /** What a nested run waits for, in this process. */
  paused: readonly Pending[] | undefined;
  readonly #depth: number;
  /** Number of items folded. */
  #position = 0;
  #entry: string;
  #left: Map<string, Left> | undefined;

  constructor(entry: string, depth = 0) {
    this.active = this.#entry = entry;
    this.#depth = depth;
  }

  /** Names the entry agent of a nested run, which its items do not tell. */
  enter(agent: string): void {
    this.#entry ||= agent;
    this.active ||= agent;
  }

  /** Who gets the next user message. */
  get owner(): string {
    return this.done && this.waiting.length === 0 ? (this.nextOwner ?? this.active) : this.active;
  }

  /**
   * Takes over a record, the array included. What is settled is taken over quickly: of a message that has been answered
   * only its place in what is seen matters.
   */
  load(items: Item[]): void {
    const settled = settledCount(items);
    this.record = items;
    for (let i = 0; i < items.length;) {
      i = this.#takeSettled(items, i, settled);
      this.#apply(items[i++]!); // what is settled ends before the last item
    }
  }

  /** Takes over items from `from` on while they need no fold. Gives the place of the first that does. */
  #takeSettled(items: readonly Item[], from: number, settled: number): number {
    if (from >= settled || this.nextOwner !== undefined || this.open.length > 0) return from;
    if (this.visible.at(-1)?.type === "reasoning") return from;
    const sized = this.visible.length === 0;
    const visible = sized ? (items.slice(from, settled) as VisibleItem[]) : this.visible;
    let count = sized ? 0 : visible.length;
    let asked: ToolCallItem | undefined; // a call whose result is expected next
    let turn: TurnItem | undefined; // the last reply, and what was seen with it
    let replied = 0;
    let place = from;
    for (; place < settled; place++) {
      const item = items[place]!;
      if (item.path !== undefined) break;
      if (item.type === "message") visible[count++] = item;
      else if (item.type === "tool_call" && !asked) visible[count++] = asked = item;
      else if (item.type === "tool_result" && asked?.callId === item.callId && visible[count - 1] === asked) {
        visible[count++] = item;
        asked = undefined;
      } else if (item.type === "turn") {
        if (item.purpose !== undefined) continue;
        turn = item;
        replied = count;
      } else if (item.type !== "tool_start") break;
    }
    visible.length = count;
    this.visible = visible;
    if (turn) this.since = sinceOf(turn, replied);
    this.#position += place - from;
    if (asked) this.open.push(openCall(asked));
    return place;
  }

  fold(item: Item): void {
    this.record.push(item);
    this.#apply(item);
  }

  #apply(item: Item): void {
    this.#position++;
    const before = this.visible.at(-1);
    if (before?.type === "reasoning" && !isOfOneRun(before, item)) this.dropLoneReasoning(); // its reply was cut
    if (item.path !== undefined && item.path.length > this.#depth) {
      this.#foldNested(item, item.path[this.#depth]!);
      return;
    }
    switch (item.type) {
      case "message":
        this.#message(item);
        return;
      case "tool_call":
        this.children?.delete(item.callId); // of an earlier call: providers may use an id again
        this.visible.push(item);
        this.open.push(openCall(item));
        this.done = false;
        return;
      case "tool_result":
        this.#answer(item);
        return;
      case "reasoning":
      case "provider_item":
        this.visible.push(item);
        return;
      case "turn":
        this.#turn(item);
        return;
      case "approval":
        this.#decide(item);
        return;
      case "tool_start": {
        const open = this.openCall(item.callId);
        if (open) open.started = true;
        return;
      }
      case "handoff":
        this.#pass(item);
        return;
      case "view":
        this.#look(item);
        return;
      case "rewind":
        this.#rewind(item.to);
        return;
      case "note":
        return;
      default:
        item satisfies never;
        throw unknownItem(item);
    }
  }

  openCall(callId: string): OpenCall | undefined {
    return this.open.find(({ call }) => call.callId === callId);
  }

  /** The transcript of the nested run that a call has started. */
  child(callId: string): Transcript {
    this.children ??= new Map();
    let child = this.children.get(callId);
    if (!child) this.children.set(callId, (child = new Transcript("", this.#depth + 1)));
    return child;
  }

  #foldNested(item: Item, callId: string): void {
    const child = this.child(callId);
    child.paused = undefined;
    child.fold(item);
    if (item.type === "approval" && item.decision !== "asked") this.turns = 0;
  }

  #message(item: MessageItem): void {
    if (item.role !== "assistant") this.dropLoneReasoning();
    if (item.role !== "assistant" && item.agent === undefined && this.done) {
      if (this.nextOwner !== undefined && this.waiting.length === 0) this.#giveBack(this.nextOwner);
      this.unanswered = [];
      this.turns = 0;
      this.done = false;
      this.answer = undefined;
    }
    if (item.role === "user" && item.agent === undefined) {
      this.unanswered.push(item);
      this.visible.push(item);
      this.turns = this.handoffs = this.outputRetries = 0;
      this.edges = this.answer = undefined;
      this.done = this.replied = false;
      return;
    }
    this.visible.push(item);
    if (item.role === "assistant") {
      this.done = true;
      this.answer = item;
    } else if (item.role === "user") {
      this.outputRetries++;
      this.done = false;
    }
  }

  #turn(item: TurnItem): void {
    if (item.purpose !== undefined) return;
    this.turns++;
    this.replied = true;
    if (this.open.length === 0 && isAnswer(item.finishReason)) this.done = true;
    this.dropLoneReasoning();
    this.since = sinceOf(item, this.visible.length);
  }

  /** Reasoning that ends a reply belongs to nothing that could be sent with it. */
  dropLoneReasoning(): void {
    while (this.visible.at(-1)?.type === "reasoning") this.visible.pop();
  }

  #decide(item: ApprovalItem): void {
    const open = this.openCall(item.callId);
    if (!open) return;
    if (item.decision === "asked") open.asked = true;
    else {
      open.decision ??= item;
      this.turns = 0;
    }
  }

  #answer(result: ToolResultItem): void {
    const at = this.open.findIndex(({ call }) => call.callId === result.callId);
    if (at < 0) {
      throw new StoreError(`Cannot read result "${result.id}": no open call has the id "${result.callId}"`, {
        code: "corrupt_item",
      });
    }
    const [{ call }] = this.open.splice(at, 1) as [OpenCall];
    this.#placeResult(result);
    this.done = false;
    this.answer = undefined;
    if (result.agent === undefined) this.turns = 0;
    if (call.handoff === undefined && result.status === "ok") this.edges = undefined;
  }

  #placeResult(result: ToolResultItem): void {
    const { visible } = this;
    const place = placeOfResult(visible, result.callId);
    if (place >= 0) visible.splice(place, 0, result);
  }

  #pass(item: HandoffItem): void {
    const { from, to, mode } = item;
    this.#hideUnmade(item.callId);
    const result = mode === "return" ? lastResult(this.visible, item.callId) : undefined;
    this.#leave(from, to, item.view, item.id);
    if (mode === "back") {
      this.nextOwner = this.waiting.pop()?.nextOwner;
      this.edges = undefined;
    } else {
      const waits = this.waiting.findIndex(({ agent }) => agent === to);
      // Within a consultation nobody answers the user: who gets the next message was decided before.
      if (mode !== "return" && this.waiting.length === 0) this.nextOwner = mode === "turn" ? from : undefined;
      if (mode === "return") this.waiting.push({ agent: from, result, nextOwner: this.nextOwner });
      else if (waits >= 0) this.waiting.length = waits;
      this.handoffs++;
      this.edges = this.edges ? [...this.edges, item] : [item];
      this.arrivals = this.arrivals ? [...this.arrivals.filter((each) => each.to !== to), item] : [item];
    }
    this.#follow(from, to, item);
    this.done = this.replied = false;
    this.answer = undefined;
    this.outputRetries = 0;
  }

  /** Who handed over to whom: coming back to someone undoes what came after. */
  #follow(from: string, to: string, { callId }: HandoffItem): void {
    const before = this.trail.indexOf(to);
    if (before >= 0) this.trail.length = before;
    else if (callId === undefined) this.trail.length = 0;
    else this.trail.push(from);
  }

  /** With the next message, control goes back to the source of a `turn` handoff. */
  #giveBack(owner: string): void {
    this.nextOwner = undefined;
    this.#leave(this.active, owner, undefined, "", this.#position - 1); // the message comes after
    const before = this.trail.indexOf(owner);
    if (before >= 0) this.trail.length = before;
  }

  #leave(from: string, to: string, view: View | undefined, id: string, at: number = this.#position): void {
    const { items, since } = this.startOf(to);
    (this.#left ??= new Map()).set(from, {
      items: this.visible,
      count: this.visible.length,
      at,
      since: this.since,
    });
    this.visible = view === undefined ? items : fromView(items, view, `handoff "${id}"`);
    this.since = view === undefined ? since : undefined;
    this.active = to;
  }

  /**
   * What `to` would see if control passed to it now, without a filter: what the active agent sees; for one that had
   * control before, what it saw when it left, and what the active agent sees of what came after.
   */
  startOf(to: string): { readonly items: VisibleItem[]; readonly since: Since | undefined } {
    const mine = this.#left?.get(to);
    if (!mine || mine.items === this.visible) return { items: this.visible, since: this.since };
    const fresh = new Set<unknown>();
    const ids = new Set<string>();
    for (let i = mine.at; i < this.#position; i++) {
      const item = this.record[i]!;
      ids.add(item.id);
      if (isVisible(item)) fresh.add(item);
      else if ("view" in item && item.view)
        for (const each of insertedBy(item.view)) if (isNew(each, ids)) fresh.add(each);
    }
    const items = mine.items.slice(0, mine.count);
    const before = new Set(items);
    const came = this.visible.filter((item) => fresh.has(item) && !before.has(item));
    items.push(...this.#paired(came));
    return { items, since: mine.since };
  }

  /** Without the answers to those who waited, whose calls came before; calls that are open stay. */
  #paired(items: readonly VisibleItem[]): VisibleItem[] {
    const called = new Map<string, ToolCallItem>();
    const paired = new Set<VisibleItem>(this.open.map(({ call }) => call));
    for (const item of items) {
      if (item.type === "tool_call") called.set(item.callId, item);
      if (item.type !== "tool_result") continue;
      const call = called.get(item.callId);
      if (call) paired.add(call).add(item);
      called.delete(item.callId);
    }
    const isLone = (item: VisibleItem): boolean =>
      (item.type === "tool_call" || item.type === "tool_result") && !paired.has(item);
    return items.filter((item, i) => {
      if (item.type !== "reasoning") return !isLone(item);
      const owner = items.slice(i).find(({ type }) => type !== "reasoning");
      return owner === undefined || !isLone(owner);
    });
  }

  /** What an agent saw when it left. */
  leftBy(agent: string): readonly VisibleItem[] {
    const left = this.#left?.get(agent);
    return left ? left.items.slice(0, left.count) : [];
  }

  /**
   * Calls of handoffs that were not made because another was, and their answers, are in no view. The answers stand
   * between that of the handoff and the handoff itself.
   */
  #hideUnmade(callId: string | undefined): void {
    const unmade = new Set<string>();
    for (let i = this.#position - 2; i >= 0; i--) {
      const item = this.record[i]!;
      if (item.type !== "tool_result") return;
      if (item.callId === callId) break;
      unmade.add(item.callId);
    }
    if (unmade.size === 0) return;
    this.visible = withoutCalls(this.visible, unmade);
    this.since = undefined;
  }

  /** A view for all: what it leaves out is gone from what every agent saw, what it puts in comes in its place. */
  #look({ id, view }: ViewItem): void {
    const before = this.visible;
    this.visible = fromView(before, view, `view "${id}"`);
    this.since = undefined;
    if (!this.#left) return;
    const kept = new Set(this.visible);
    const gone = new Set(before.filter((item) => !kept.has(item)));
    const added = insertedBy(view);
    for (const [agent, left] of this.#left) {
      const seen = left.items.slice(0, left.count);
      const place = seen.findIndex((item) => gone.has(item));
      if (place < 0) continue;
      const rest = [...seen.slice(0, place), ...added, ...seen.slice(place).filter((item) => !gone.has(item))];
      const items = wholeView([...seen, ...added], rest, `${id}:${agent}`); // it may have seen the half of a pair changed
      this.#left.set(agent, { items, count: items.length, at: left.at, since: undefined });
    }
  }

  #rewind(to: string): void {
    const { record } = this;
    const position = this.#position;
    const end = record.findIndex((item) => item.id === to);
    if (end < 0)
      throw new StoreError(`Cannot rewind to item "${to}": it is not in the transcript`, { code: "corrupt_item" });
    const then = new Transcript(this.#entry, this.#depth);
    then.load(record.slice(0, end + 1));
    const { record: _, ...state } = then;
    Object.assign(this, state);
    this.#left = then.#left;
    this.#position = position;
    this.dropLoneReasoning();
  }
}

/** How many items come before the last answer that a user's message has followed: nothing of theirs is open. */
function settledCount(items: readonly Item[]): number {
  let followed = false; // by a user's message, with nothing that counts between
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i]!;
    if (item.type === "turn" || item.type === "note") continue;
    if (followed && isSaidBy("assistant", item)) return i;
    followed = isSaidBy("user", item);
  }
  return 0;
}

function isSaidBy(role: "user" | "assistant", item: Item): boolean {
  return (
    item.type === "message" &&
    item.role === role &&
    item.path === undefined &&
    (role === "assistant" || item.agent === undefined)
  );
}

/** Whether a reply that ended so is an answer, and its calls may run. */
export function isAnswer(finishReason: string): boolean {
  return finishReason === "stop" || finishReason === "tool_calls";
}

/** Where a result belongs: behind its call, and behind the results of the calls before it. -1: its call is not there. */
export function placeOfResult(visible: readonly VisibleItem[], callId: string): number {
  let place = visible.length - 1;
  const later = new Set<string>();
  for (; place >= 0; place--) {
    const item = visible[place]!;
    if (item.type !== "tool_call") continue;
    if (item.callId === callId) break;
    later.add(item.callId);
  }
  if (place < 0) return -1;
  for (place++; place < visible.length; place++) {
    const item = visible[place]!;
    if (item.type === "tool_result" ? later.has(item.callId) : item.type === "message" && item.role !== "assistant")
      break;
  }
  return place;
}

/** Whether one run has made both, as far as their ids tell: `runId:seq`. */
function isOfOneRun({ id: a }: Item, { id: b }: Item): boolean {
  const end = a.lastIndexOf(":") + 1;
  return !b.includes(":") || b.startsWith(a.slice(0, end));
}

/** Whether an item that is put in is new, or a changed copy of one of the items with these ids. */
function isNew(item: VisibleItem, ids: ReadonlySet<string>): boolean {
  const origin = originOf(item);
  return origin === undefined || ids.has(origin);
}

function sinceOf({ responseId, provider, model }: TurnItem, count: number): Since | undefined {
  return responseId === undefined ? undefined : { responseId, provider, model, count };
}

/** The last result with this id. */
function lastResult(items: readonly VisibleItem[], callId: string | undefined): ToolResultItem | undefined {
  return items.findLast((item): item is ToolResultItem => item.type === "tool_result" && item.callId === callId);
}

/** `items` without the last calls with these ids, their results, and the reasoning that led to them. */
export function withoutCalls(items: readonly VisibleItem[], callIds: ReadonlySet<string>): VisibleItem[] {
  const hidden = new Set(callIds);
  const left: VisibleItem[] = [];
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i]!;
    if (item.type === "tool_result" && hidden.has(item.callId)) continue;
    if (item.type === "tool_call" && hidden.delete(item.callId)) {
      while (items[i - 1]?.type === "reasoning") i--;
      continue;
    }
    left.push(item);
  }
  return left.toReversed();
}
