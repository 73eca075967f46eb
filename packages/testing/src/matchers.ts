/**
 * Matchers for `expect` of vitest, jest and bun: `expect.extend(matchers)`. Their types:
 *
 * ```ts ignore
 * declare module "vitest" {
 *   interface Matchers<R> extends BatonMatchers<R> {}
 * }
 * ```
 *
 * @module
 */
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

/** What `expect` can do with the result of a run. */
export interface BatonMatchers<R = void> {
  /** The run handed over to the agent; of the payload only the fields named are compared. */
  toHandOffTo(agent: AgentName, payload?: unknown): R;
  /** The run called the tool; of the arguments only the fields named are compared. */
  toHaveCalledTool(name: string, args?: unknown): R;
  /** Control went through exactly these agents, in this order. */
  toFollowPath(agents: readonly AgentName[]): R;
  /** Only this agent had control. */
  toStayWith(agent: AgentName): R;
  /** The run waits for a decision, about the tool or handoff `name` where it is given. */
  toNeedApproval(name?: string): R;
  /** The run cost at most so much. */
  toCost(cost: Cost): R;
  /** The answer contains the text, is found by the regular expression, or is accepted by the schema. */
  toAnswer(wanted: string | RegExp | Schema): R;
}

/** What a matcher gives back to `expect`. */
export interface Matched {
  readonly pass: boolean;
  message(): string;
}

type Matcher<Arguments extends readonly unknown[]> = (played: Played, ...args: Arguments) => Matched;

const matcher =
  <Arguments extends readonly unknown[]>(check: (played: Played, ...args: Arguments) => Verdict): Matcher<Arguments> =>
  (played, ...args) => {
    const verdict = check(played, ...args);
    return { pass: verdict.pass, message: () => report(played, verdict) };
  };

/** For `expect.extend()`. */
export const matchers: {
  readonly [Name in keyof BatonMatchers]: Matcher<Parameters<BatonMatchers[Name]>>;
} = {
  toHandOffTo: matcher(handsOffTo),
  toHaveCalledTool: matcher(callsTool),
  toFollowPath: matcher(followsPath),
  toStayWith: matcher(staysWith),
  toNeedApproval: matcher(needsApproval),
  toCost: matcher(costs),
  toAnswer: matcher(answers),
};
