import type { Schema } from "@batonjs/core";
import {
  type AgentName,
  answers,
  callsTool,
  type Cost,
  costs,
  followsPath,
  handsOffTo,
  needsApproval,
  type Played,
  report,
  staysWith,
  type Verdict,
} from "./expectations.ts";

/** A run that did not do what a test wants. The message has the transcript, with the places marked by `>`. */
export class ExpectationError extends Error {
  override name = "ExpectationError";
}

function hold(played: Played, verdict: Verdict): void {
  if (!verdict.pass) throw new ExpectationError(report(played, verdict));
}

/** Throws unless the run handed over to `agent`. Of the payload only the fields named are compared. */
export function assertHandOffTo(played: Played, agent: AgentName, payload?: unknown): void {
  hold(played, handsOffTo(played, agent, payload));
}

/** Throws unless the run called the tool `name`. Of the arguments only the fields named are compared. */
export function assertCalledTool(played: Played, name: string, args?: unknown): void {
  hold(played, callsTool(played, name, args));
}

/** Throws unless control went through exactly these agents, in this order. */
export function assertPath(played: Played, agents: readonly AgentName[]): void {
  hold(played, followsPath(played, agents));
}

/** Throws unless only `agent` had control. */
export function assertStaysWith(played: Played, agent: AgentName): void {
  hold(played, staysWith(played, agent));
}

/** Throws unless the run waits for a decision, about `name` where it is given. */
export function assertNeedsApproval(played: Played, name?: string): void {
  hold(played, needsApproval(played, name));
}

/** Throws unless the run cost at most so many calls, tokens and money. */
export function assertCost(played: Played, cost: Cost): void {
  hold(played, costs(played, cost));
}

/** Throws unless the answer contains the text, is found by the regular expression, or is accepted by the schema. */
export function assertAnswer(played: Played, wanted: string | RegExp | Schema): void {
  hold(played, answers(played, wanted));
}
