import type {
  AnyAgent,
  Item,
  MessageItem,
  Model,
  ModelEvent,
  ModelReply,
  ModelRequest,
  Plugin,
  ReasoningItem,
  ReplyItem,
  ToolCallItem,
  VisibleItem,
} from "@batonjs/core";
import { type AgentDefinition, agentsOf, isFunctionTool, isHosted } from "./graph.ts";
import { illFormed, quote } from "./text.ts";
import { itemLine, short } from "./transcript.ts";
import { announce } from "./watch.ts";

/** The invariants that can be seen in a request. The numbers are those of the table in the reliability page. */
export type Invariant =
  /** Every call has exactly one result, after it, in call order, before anything else is said or asked. */
  | "I1 pairing"
  /** Reasoning is directly followed by the item it was produced with. */
  | "I2 reasoning"
  /** No id twice; `since` names a true prefix. */
  | "I3 order"
  /** Names of tools and handoffs are unique and legal; edges lead to where they are declared to lead. */
  | "I12 legal handoff"
  /** Every string is well-formed Unicode. */
  | "I26 well-formed"
  /** Only the developer's text is sent as system or developer role. */
  | "I29 provenance"
  /** The tools and handoffs are those that the agent declares. */
  | "I30 least privilege";

/** A request that breaks an invariant. It is a mistake of the framework or of a plugin, not of the agent. */
export class OracleViolation extends Error {
  override name = "OracleViolation";
  readonly invariant: Invariant;
  /** The agent that was to answer the request. */
  readonly agent: string;
  /** Number of the reply in its run. */
  readonly turn: number;
  /** Ids of the items that break it, where items do. */
  readonly items: readonly string[];

  constructor(invariant: Invariant, request: ModelRequest, what: string, items: readonly string[] = []) {
    const { agent, turn } = request.at;
    super(`${invariant} is broken in turn ${turn} of agent ${quote(agent)}: ${what}${listing(request, items)}`);
    this.invariant = invariant;
    this.agent = agent;
    this.turn = turn;
    this.items = items;
  }
}

/** What is known beside the request. */
export interface Expectations {
  /**
   * An agent from which the one that is asked can be reached, or a function that gives it: then tools, handoffs and
   * static instructions are compared with what the agents declare.
   */
  readonly graph?: AnyAgent | (() => AnyAgent);
}

/**
 * Checks one request against the invariants that can be seen in it. Throws an `OracleViolation` for the first that is
 * broken. Fake models call it for every request, so that every test is a test of the invariants; `scriptedModel`,
 * `oracleModel` and the plugin `oracle` do.
 */
export function checkRequest(request: ModelRequest, expectations: Expectations = {}): void {
  checkIds(request);
  checkText(request, new WeakSet());
  checkPairing(request);
  checkReasoning(request);
  checkProvenance(request);
  checkNames(request);
  const { graph } = expectations;
  if (graph !== undefined) checkPrivilege(request, "kind" in graph ? graph : graph());
}

/** Checks requests like `checkRequest`, and against the requests and replies before them. */
export interface RequestOracle {
  /** What was found so far, also where a wrapper swallowed it. */
  readonly violations: readonly OracleViolation[];
  /** Throws an `OracleViolation`. */
  request(request: ModelRequest): void;
  /** Remembers what was replied, for the checks of what comes back. */
  reply(request: ModelRequest, reply: ModelReply): void;
}

/** An oracle with a memory of its own. */
export function requestOracle(expectations: Expectations = {}): RequestOracle {
  const violations: OracleViolation[] = [];
  const partners = new Partners();
  const replies = new Map<string, { readonly ids: readonly string[]; readonly added: number }>();
  // Items are never edited, so that one that was well-formed stays so: a cache by identity.
  const wellFormed = new WeakSet<object>();
  const check = (request: ModelRequest): void => {
    checkIds(request);
    checkText(request, wellFormed);
    checkPairing(request);
    checkReasoning(request);
    partners.check(request);
    checkSince(request, replies);
    checkProvenance(request);
    checkNames(request);
    const { graph } = expectations;
    if (graph !== undefined) checkPrivilege(request, "kind" in graph ? graph : graph());
  };
  return {
    violations,
    request(request) {
      try {
        check(request);
      } catch (error) {
        if (error instanceof OracleViolation) violations.push(error);
        throw error;
      }
    },
    reply(request, reply) {
      partners.learn(reply.items);
      if (reply.responseId === undefined) return;
      replies.set(reply.responseId, { ids: request.items.map((item) => item.id), added: reply.items?.length ?? 0 });
    },
  };
}

/**
 * `model`, with every request checked first: a violation is thrown before the model is asked. For fake models that are
 * not scripted.
 */
export function oracleModel(model: Model, expectations: Expectations = {}): Model {
  const checks = requestOracle(expectations);
  announce({ name: `the oracle of model ${quote(model.name)}`, problems: () => checks.violations });
  return watched(model, checks);
}

/** A plugin that checks the requests of all agents. */
export interface OraclePlugin extends Plugin {
  /** What was found so far, also where a wrapper swallowed it. */
  readonly violations: readonly OracleViolation[];
  /** Throws the first violation that was found. */
  assertClean(): void;
}

/**
 * A plugin that checks every request of every agent, whatever its model: put it first to see requests as the run makes
 * them, last to see them as they leave the other plugins. With `entry`, an agent or a function that gives it, tools and
 * handoffs are compared with what the agents of its graph declare.
 */
export function oracle(entry?: AnyAgent | (() => AnyAgent)): OraclePlugin {
  const checks = requestOracle(entry === undefined ? {} : { graph: entry });
  announce({ name: "the plugin oracle()", problems: () => checks.violations });
  return {
    name: "oracle",
    violations: checks.violations,
    wrapModel: (model) => watched(model, checks),
    assertClean() {
      const [first] = checks.violations;
      if (first) throw first;
    },
  };
}

function watched(model: Model, checks: RequestOracle): Model {
  return {
    name: model.name,
    provider: model.provider,
    async *stream(request: ModelRequest): AsyncGenerator<ModelEvent> {
      checks.request(request);
      for await (const event of model.stream(request)) {
        if (event.type === "reply") checks.reply(request, event);
        yield event;
      }
    },
  };
}

/** I3: every item has an id, and no id is there twice. */
function checkIds(request: ModelRequest): void {
  const seen = new Set<string>();
  for (const item of request.items) {
    const id: unknown = item.id;
    if (typeof id !== "string" || id === "") {
      throw new OracleViolation("I3 order", request, `an item has no id: ${itemLine(item)}`, [String(id)]);
    }
    if (seen.has(item.id))
      throw new OracleViolation("I3 order", request, `the id ${quote(item.id)} is there twice`, [item.id]);
    seen.add(item.id);
  }
}

/** I3: the first `since.count` items are the request and the reply that the response id belongs to. */
function checkSince(
  request: ModelRequest,
  replies: ReadonlyMap<string, { readonly ids: readonly string[]; readonly added: number }>,
): void {
  const { since, items } = request;
  if (!since) return;
  const broken = (what: string): OracleViolation =>
    new OracleViolation(
      "I3 order",
      request,
      `since { responseId: ${quote(since.responseId)}, count: ${since.count} } ${what}`,
    );
  if (!Number.isInteger(since.count) || since.count < 1 || since.count > items.length) {
    throw broken(`is no prefix of ${items.length} items`);
  }
  const known = replies.get(since.responseId);
  if (!known) return;
  const replied = items.slice(known.ids.length, since.count);
  // Fewer where the run took less than was replied: a call that was sent twice.
  if (since.count < known.ids.length || replied.length > known.added || !replied.every(isReplied)) {
    throw broken(`counts wrong: the request had ${known.ids.length} items and the reply ${known.added}`);
  }
  const at = known.ids.findIndex((id, i) => items[i]?.id !== id);
  if (at !== -1) throw broken(`does not fit: item ${at} of that request was ${quote(known.ids[at])}`);
}

const isReplied = (item: VisibleItem): boolean =>
  item.type !== "tool_result" && (item.type !== "message" || item.role === "assistant");

/** I1: in the order of the calls, each result directly in the block that follows the reply. */
function checkPairing(request: ModelRequest): void {
  const open: ToolCallItem[] = [];
  let answering = false;
  const broken = (what: string, ...items: readonly Item[]): OracleViolation =>
    new OracleViolation(
      "I1 pairing",
      request,
      what,
      items.map((item) => item.id),
    );
  for (const item of request.items) {
    const [first] = open;
    if (item.type === "tool_result") {
      const call = open.find(({ callId }) => callId === item.callId);
      if (!call) throw broken(`the result of ${quote(item.callId)} has no open call before it`, item);
      if (call !== first) {
        throw broken(
          `the result of ${quote(item.callId)} is before that of ${quote(first?.callId)}, which was called first`,
          item,
        );
      }
      if (item.agent !== undefined && call.agent !== undefined && item.agent !== call.agent) {
        throw broken(`the call of agent ${quote(call.agent)} has a result of agent ${quote(item.agent)}`, call, item);
      }
      open.shift();
      answering = open.length > 0;
      continue;
    }
    if (first && answering)
      throw broken(`the results of one reply are not together: ${quote(first.callId)} is still open`, first, item);
    if (item.type === "tool_call") {
      const twin = open.find(({ callId }) => callId === item.callId);
      if (twin) throw broken(`${quote(item.callId)} is called again before it has a result`, twin, item);
      open.push(item);
    } else if (first && item.type === "message" && item.role !== "assistant") {
      throw broken(`the call ${quote(first.callId)} has no result before the next ${item.role} message`, first, item);
    } else if (first && item.agent !== undefined && first.agent !== undefined && item.agent !== first.agent) {
      throw broken(
        `the call ${quote(first.callId)} has no result before agent ${quote(item.agent)} speaks`,
        first,
        item,
      );
    }
  }
  const [left] = open;
  if (left) throw broken(`the call ${quote(left.callId)} has no result`, left);
}

/** I2: what follows reasoning can have been produced with it. */
function checkReasoning(request: ModelRequest): void {
  for (const [i, item] of request.items.entries()) {
    if (item.type !== "reasoning") continue;
    const next = request.items[i + 1];
    const problem =
      next === undefined
        ? "is the last item"
        : next.type === "tool_result" || (next.type === "message" && next.role !== "assistant")
          ? `is followed by what its model did not write: ${itemLine(next)}`
          : next.agent !== item.agent
            ? `is followed by an item of ${next.agent === undefined ? "no agent" : `agent ${quote(next.agent)}`}`
            : undefined;
    if (problem === undefined) continue;
    throw new OracleViolation(
      "I2 reasoning",
      request,
      `reasoning ${quote(item.id)} ${problem}`,
      next ? [item.id, next.id] : [item.id],
    );
  }
}

/** I2 with a memory: what reasoning was produced with, as replies said it and as requests showed it first. */
class Partners {
  readonly #replied = new Map<string, Set<string>>();
  readonly #shown = new Map<string, string>();

  /** What a fake model replies may be broken: that is for the run to find. */
  learn(items: readonly (ReplyItem | null)[] | null): void {
    if (!Array.isArray(items)) return;
    for (const [i, item] of items.entries()) {
      const next = items[i + 1] as ReplyItem | null | undefined;
      if (item?.type !== "reasoning" || !next) continue;
      const key = reasoningKey(item);
      this.#replied.set(key, (this.#replied.get(key) ?? new Set()).add(kindOf(next)));
    }
  }

  check(request: ModelRequest): void {
    const { runId, session, path } = request.at;
    const conversation = JSON.stringify([session ?? runId, path]);
    for (const [i, item] of request.items.entries()) {
      const next = request.items[i + 1];
      if (item.type !== "reasoning" || next === undefined) continue;
      const produced = this.#replied.get(reasoningKey(item));
      if (produced && !produced.has(kindOf(next))) {
        throw this.#broken(request, item, next, [...produced].join(" or "));
      }
      const key = `${conversation} ${item.id}`;
      const shown = this.#shown.get(key);
      if (shown === undefined) this.#shown.set(key, next.id);
      else if (shown !== next.id) throw this.#broken(request, item, next, `item ${quote(shown)}`);
    }
  }

  #broken(request: ModelRequest, item: ReasoningItem, next: VisibleItem, with_: string): OracleViolation {
    const what = `reasoning ${quote(item.id)} was produced with ${with_} and is followed by item ${quote(next.id)}`;
    return new OracleViolation("I2 reasoning", request, what, [item.id, next.id]);
  }
}

const reasoningKey = (item: { readonly provider: string; readonly data: unknown }): string =>
  JSON.stringify([item.provider, item.data]);

// Not the text: a wrapper between the model and the run may have changed it, a redaction for one.
function kindOf(item: ReplyItem | VisibleItem): string {
  return item.type === "tool_call"
    ? `a tool_call ${item.callId}`
    : item.type === "reasoning"
      ? "reasoning"
      : `a ${item.type}`;
}

/** I29: nothing that an agent made comes as the developer's. */
function checkProvenance(request: ModelRequest): void {
  for (const item of request.items) {
    if (item.type !== "message" || !isDevelopers(item) || item.agent === undefined) continue;
    const what = `what agent ${quote(item.agent)} made is sent as ${item.role}`;
    throw new OracleViolation("I29 provenance", request, what, [item.id]);
  }
}

const isDevelopers = (item: MessageItem): boolean => item.role === "system" || item.role === "developer";

const LEGAL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** I12: a model could not tell two tools of one name apart. */
function checkNames(request: ModelRequest): void {
  const seen = new Set<string>();
  for (const spec of [...request.tools, ...request.handoffs]) {
    if (spec.type === "hosted") continue;
    if (!LEGAL_NAME.test(spec.name)) {
      throw new OracleViolation(
        "I12 legal handoff",
        request,
        `${quote(spec.name)} cannot be the name of a ${spec.type}`,
      );
    }
    if (seen.has(spec.name)) {
      throw new OracleViolation("I12 legal handoff", request, `the name ${quote(spec.name)} is there twice`);
    }
    seen.add(spec.name);
  }
}

/** I26: in all that is sent; `known` holds items that were found to be well-formed. */
function checkText(request: ModelRequest, known: WeakSet<object>): void {
  for (const item of request.items) {
    if (known.has(item)) continue;
    const path = illFormed(item);
    if (path !== undefined) {
      throw new OracleViolation("I26 well-formed", request, `item ${quote(item.id)} has a lone surrogate in${path}`, [
        item.id,
      ]);
    }
    known.add(item);
  }
  const { instructions, tools, handoffs, output, settings } = request;
  const path = illFormed({ instructions, tools, handoffs, output, settings });
  if (path !== undefined)
    throw new OracleViolation("I26 well-formed", request, `the request has a lone surrogate in${path}`);
}

/** I30: exactly what is declared; what can be switched off may be missing. */
function checkPrivilege(request: ModelRequest, entry: AnyAgent): void {
  const agents = agentsOf(entry);
  const named = agents.get(request.at.agent);
  if (!named) {
    const what = `the agent is not in the graph of ${quote(entry.name)}`;
    throw new OracleViolation("I30 least privilege", request, what);
  }
  const problems = named.map((agent) => privilegeProblem(request, agent, agents));
  if (problems.includes(undefined)) return;
  const [first] = problems;
  if (first) throw new OracleViolation(first[0], request, first[1]);
}

function privilegeProblem(
  request: ModelRequest,
  agent: AgentDefinition,
  agents: ReadonlyMap<string, readonly AgentDefinition[]>,
): readonly [Invariant, string] | undefined {
  const tools = agent.tools.filter(isFunctionTool);
  const hosted = new Set(agent.tools.filter(isHosted).map((tool) => tool.name));
  const declared = new Set(tools.map((tool) => tool.name));
  const hasSource = agent.tools.some((tool) => !isFunctionTool(tool) && !isHosted(tool));
  for (const spec of request.tools) {
    const known = spec.type === "hosted" ? hosted.has(spec.name) : hasSource || declared.has(spec.name);
    if (!known) return ["I30 least privilege", `the tool ${quote(spec.name)} is offered and not declared`];
  }
  for (const spec of request.handoffs) {
    const edge = agent.handoffs.find((edge) => edge.toolName === spec.name);
    if (!edge) return ["I30 least privilege", `the handoff ${quote(spec.name)} is offered and not declared`];
    if (edge.agent ? edge.agent.name !== spec.to : !agents.has(spec.to)) {
      const to = edge.agent ? `agent ${quote(edge.agent.name)}` : "an agent of the graph";
      return [
        "I12 legal handoff",
        `the handoff ${quote(spec.name)} is declared to lead to ${to} and leads to ${quote(spec.to)}`,
      ];
    }
  }
  if (isSideQuestion(request, agent)) return undefined;
  const offered = new Set([...request.tools, ...request.handoffs].map((spec) => spec.name));
  const always = [
    ...tools.filter((tool) => tool.isEnabled === true).map((tool) => tool.name),
    ...hosted,
    ...agent.handoffs.filter((edge) => edge.isEnabled === true && edge.agent).map((edge) => edge.toolName),
  ];
  const missing = always.find((name) => !offered.has(name));
  if (missing !== undefined)
    return ["I30 least privilege", `${quote(missing)} is declared, cannot be switched off and is not offered`];
  if (typeof agent.instructions === "string" && (request.instructions ?? "") !== agent.instructions) {
    return ["I29 provenance", `the instructions are not those of the agent: ${short(request.instructions)}`];
  }
  return undefined;
}

// A filter or guardrail may ask the agent's model beside the conversation. Nothing in a request says so; it has no tools.
function isSideQuestion(request: ModelRequest, agent: AgentDefinition): boolean {
  return request.tools.length === 0 && request.handoffs.length === 0 && request.instructions !== agent.instructions;
}

/** How many items a message shows. */
const MAX_LISTED = 30;

/** The request's items, those at fault marked, for the message. */
function listing(request: ModelRequest, marked: readonly string[]): string {
  if (marked.length === 0) return "";
  const lines = request.items.map((item) => `${marked.includes(item.id) ? ">" : " "} ${item.id}  ${itemLine(item)}`);
  const first = Math.max(0, request.items.findIndex((item) => marked.includes(item.id)) - MAX_LISTED / 2);
  return `\n${lines.slice(first, first + MAX_LISTED).join("\n")}`;
}
