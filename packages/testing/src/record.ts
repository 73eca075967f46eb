import {
  type AnyAgent,
  type HandoffItem,
  type Item,
  isVisible,
  type ToolCallItem,
  type ToolResultItem,
  type TurnItem,
} from "@batonjs/core";
import { type AgentDefinition, agentsOf } from "./graph.ts";
import { illFormed, quote } from "./text.ts";
import { itemLine } from "./transcript.ts";

/** What is known beside the record. */
export interface RecordExpectations {
  /** An agent from which all in the record can be reached, or a function that gives it. */
  readonly graph?: AnyAgent | (() => AnyAgent);
  /** The run has come to its end: no call may be open. @default {false} */
  readonly settled?: boolean;
}

/**
 * What is wrong with a whole record, by the invariants that can be seen in it: one sentence each, beginning with the
 * name of the invariant; nothing where all hold. `items` begins where the conversation begins.
 *
 * ```ts
 * import { expect } from "vitest";
 * import { invariantsOf } from "@batonjs/testing";
 *
 * expect(invariantsOf([])).toEqual([]);
 * ```
 */
export function invariantsOf(items: readonly Item[], expectations: RecordExpectations = {}): string[] {
  const problems: string[] = [];
  const report: Report = (invariant, item, what) =>
    problems.push(`${invariant}: item ${quote(item.id)} ${what}: ${itemLine(item)}`);
  const { graph, settled = false } = expectations;
  const agents = graph === undefined ? undefined : agentsOf("kind" in graph ? graph : graph());
  checkIds(items, report);
  for (const item of items) checkContent(item, report);
  const conversations = new Conversations(agents, report);
  for (const item of items) conversations.fold(item);
  if (settled) for (const call of conversations.openCalls()) report("I1 pairing", call, "has no result");
  return problems;
}

type Report = (invariant: string, item: Item, what: string) => void;

const RUN_ID = /^(.*):(\d+)$/s;

/** I3: no id twice, also of what views put in; a run's own ids count up; some are missing where an append has failed. */
function checkIds(items: readonly Item[], report: Report): void {
  const seen = new Set<string>();
  let before: { readonly run: string; readonly seq: number } | undefined;
  for (const item of items) {
    if (typeof item.id !== "string" || item.id === "") report("I3 order", item, "has no id");
    if (seen.has(item.id)) report("I3 order", item, "has the id of an item before it");
    seen.add(item.id);
    const view = (item.type === "handoff" || item.type === "view" ? item.view : undefined) ?? [];
    for (const entry of view) {
      if (typeof entry !== "object" || !("id" in entry)) continue;
      if (seen.has(entry.id))
        report("I3 order", item, `puts in an item with the id ${quote(entry.id)}, which another has`);
      seen.add(entry.id);
    }
    const [, run, digits] = RUN_ID.exec(item.id) ?? [];
    const own = run === undefined ? undefined : { run, seq: Number(digits) };
    if (own && before?.run === own.run && own.seq <= before.seq) {
      report("I3 order", item, `follows number ${before.seq} of its run`);
    }
    before = own;
  }
}

/** I23, I26, I29: what can be seen in one item alone. */
function checkContent(item: Item, report: Report): void {
  const lone = illFormed(item);
  if (lone !== undefined) report("I26 well-formed", item, `has a lone surrogate in${lone}`);
  const deep = depthOf(item);
  if (deep > MAX_DEPTH) {
    report("I13 bounded", item, `is nested more than ${MAX_DEPTH} deep`);
    return;
  }
  const odd = notJson(item, "");
  if (odd !== undefined) report("I23 state", item, `holds what JSON cannot say in${odd}`);
  if (item.type === "message" && (item.role === "system" || item.role === "developer") && item.agent !== undefined) {
    report("I29 provenance", item, `has the role ${item.role} and an agent`);
  }
  if (item.type === "turn") checkUsage(item, report);
}

/** Deeper ones cannot be written as JSON everywhere: runtimes overflow at some thousands. */
const MAX_DEPTH = 1_000;

/** How deep `value` is nested; a little more than `MAX_DEPTH` for all that is deeper. */
function depthOf(value: unknown): number {
  let level: unknown[] = [value];
  for (let depth = 0; ; depth++) {
    const next = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
    if (next.length === 0 || depth > MAX_DEPTH) return depth;
    level = next;
  }
}

function checkUsage(item: TurnItem, report: Report): void {
  for (const [name, count] of Object.entries(item.usage) as [string, unknown][]) {
    if (count === undefined || (typeof count === "number" && count >= 0 && Number.isFinite(count))) continue;
    report("I23 state", item, `counts ${JSON.stringify(count)} as ${name}`);
  }
}

/** Where `value` has what does not survive being written and read as JSON. Fields that are undefined are left out. */
function notJson(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path;
  if (typeof value !== "object") return path;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return path;
  for (const [key, element] of Object.entries(value)) {
    if (element === undefined && !Array.isArray(value)) continue;
    const found = notJson(element, `${path} ${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface OpenCall {
  readonly call: ToolCallItem;
  started: boolean;
  asked: boolean;
  decision: "approved" | "rejected" | undefined;
}

/** The record's own conversation and those of nested runs, each with its calls and its active agent. */
class Conversations {
  readonly #agents: ReadonlyMap<string, readonly AgentDefinition[]> | undefined;
  readonly #report: Report;
  readonly #byPath = new Map<string, Conversation>();
  readonly #record: Item[] = [];

  constructor(agents: ReadonlyMap<string, readonly AgentDefinition[]> | undefined, report: Report) {
    this.#agents = agents;
    this.#report = report;
  }

  fold(item: Item): void {
    if (item.type === "rewind") this.#rewind(item.to, item);
    else this.#at(item.path ?? []).fold(item);
    this.#record.push(item);
  }

  openCalls(): ToolCallItem[] {
    return [...this.#byPath.values()].flatMap((conversation) => conversation.openCalls());
  }

  #at(path: readonly string[]): Conversation {
    const key = JSON.stringify(path);
    let found = this.#byPath.get(key);
    if (!found) this.#byPath.set(key, (found = new Conversation(this.#agents, this.#report)));
    return found;
  }

  /** All is as it was right after item `to`. */
  #rewind(to: string, item: Item): void {
    const end = this.#record.findIndex(({ id }) => id === to);
    if (end === -1) {
      this.#report("I3 order", item, "goes back to an item that is not before it");
      return;
    }
    const silent = new Conversations(this.#agents, () => {});
    for (const each of this.#record.slice(0, end + 1)) silent.fold(each);
    this.#byPath.clear();
    for (const [key, conversation] of silent.#byPath) this.#byPath.set(key, conversation.reporting(this.#report));
  }
}

/** One transcript, folded forward. */
class Conversation {
  readonly #agents: ReadonlyMap<string, readonly AgentDefinition[]> | undefined;
  #report: Report;
  #open: OpenCall[] = [];
  /** The last call and result of each call id. */
  readonly #answered = new Map<string, { readonly call: ToolCallItem; readonly result: ToolResultItem }>();
  #active: string | undefined;
  /** Who gets the next message after a `turn`. */
  #next: string | undefined;
  #waiting: string[] = [];

  constructor(agents: ReadonlyMap<string, readonly AgentDefinition[]> | undefined, report: Report) {
    this.#agents = agents;
    this.#report = report;
  }

  reporting(report: Report): this {
    this.#report = report;
    return this;
  }

  openCalls(): ToolCallItem[] {
    return this.#open.map(({ call }) => call);
  }

  fold(item: Item): void {
    switch (item.type) {
      case "tool_call":
        if (this.#find(item.callId)) this.#report("I1 pairing", item, "has the call id of a call that is open");
        this.#speaks(item);
        this.#open.push({ call: item, started: false, asked: false, decision: undefined });
        return;
      case "tool_result":
        this.#result(item);
        return;
      case "tool_start": {
        const open = this.#openCall(item, item.callId);
        if (!open) return;
        if (open.started) this.#report("I9 at most once", item, "starts a call that was started");
        if (open.asked && open.decision !== "approved")
          this.#report("I11 approval binding", item, "starts a call that was not approved");
        open.started = true;
        return;
      }
      case "approval": {
        const open = this.#openCall(item, item.callId);
        if (!open) return;
        if (item.decision === "asked") open.asked = true;
        else open.decision ??= item.decision;
        return;
      }
      case "handoff":
        this.#handoff(item);
        return;
      case "turn":
        if (item.purpose === undefined) this.#speaks(item);
        return;
      case "message":
        if (item.role === "assistant") this.#speaks(item);
        return;
      default:
        if (isVisible(item)) this.#speaks(item);
    }
  }

  #find(callId: string): OpenCall | undefined {
    return this.#open.find(({ call }) => call.callId === callId);
  }

  #openCall(item: Item, callId: string): OpenCall | undefined {
    const open = this.#find(callId);
    if (!open) this.#report("I1 pairing", item, "has no open call before it");
    return open;
  }

  #result(item: ToolResultItem): void {
    const open = this.#openCall(item, item.callId);
    if (!open) return;
    const { call, asked, decision } = open;
    if (item.agent !== undefined && item.agent !== call.agent)
      this.#report("I1 pairing", item, `answers a call of ${quote(call.agent)}`);
    if (asked && decision !== "approved" && item.status === "ok") {
      this.#report("I11 approval binding", item, `is ok for a call that was ${decision ?? "never decided"}`);
    }
    this.#open = this.#open.filter((each) => each !== open);
    this.#answered.set(item.callId, { call, result: item });
  }

  /** I12: only the agent that has control speaks and calls. */
  #speaks(item: Item & { readonly agent?: string }): void {
    const { agent } = item;
    if (agent === undefined || agent === this.#active) return;
    // Whoever was consulted answers first, also what the user says meanwhile.
    if (this.#active !== undefined && (agent !== this.#next || this.#waiting.length > 0)) {
      this.#report("I12 legal handoff", item, `is of ${quote(agent)} while ${quote(this.#active)} has control`);
    }
    this.#active = agent;
    this.#next = undefined;
  }

  #handoff(item: HandoffItem): void {
    const { from, to, mode, callId } = item;
    const wrong = (what: string): void => this.#report("I12 legal handoff", item, what);
    if (from === to) wrong("leads to the agent that it comes from");
    if (this.#active !== undefined && from !== this.#active && from !== this.#next)
      wrong(`is from ${quote(from)} while ${quote(this.#active)} has control`);
    if (mode === "back") {
      const waiting = this.#waiting.pop();
      if (to !== waiting)
        wrong(waiting === undefined ? "goes back though nobody waits" : `goes back while ${quote(waiting)} waits`);
    } else {
      if (callId !== undefined) this.#asked(item, callId, wrong);
      const waits = this.#waiting.indexOf(to);
      // Within a consultation nobody answers the user: who gets the next message was decided before.
      if (mode !== "return" && this.#waiting.length === 0) this.#next = mode === "turn" ? from : undefined;
      if (mode === "return") this.#waiting.push(from);
      else if (waits !== -1) this.#waiting.length = waits;
    }
    this.#active = to;
  }

  /** A handoff follows the answer to the call that asked for it, along a declared edge. */
  #asked(item: HandoffItem, callId: string, wrong: (what: string) => void): void {
    const answered = this.#answered.get(callId);
    if (!answered) {
      wrong("has no answered call before it");
      return;
    }
    const { call, result } = answered;
    if (call.agent !== item.from) wrong(`was called for by ${quote(call.agent)}`);
    if (result.status !== "ok") wrong(`was made though its call was answered with ${result.status}`);
    const sources = this.#agents?.get(item.from);
    if (!this.#agents || !sources) return;
    const edges = sources.flatMap((source) => source.handoffs).filter((edge) => edge.toolName === call.name);
    const legal = edges.some((edge) => (edge.agent ? edge.agent.name === item.to : this.#agents?.has(item.to)));
    if (!legal) wrong("is no edge of the graph");
  }
}
