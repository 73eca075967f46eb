import { type AnyFunctionTool, checkKeys, type Plugin, type ToolContext } from "@batonjs/core";
import { isLike, shown } from "./matching.ts";
import { announce } from "./watch.ts";

/** What a stub is given beside the arguments. */
export type StubContext = Pick<ToolContext, "agent" | "callId" | "context" | "signal">;

/** What stands in for a tool, and what is expected of its calls. */
export interface ToolStub {
  /** The result, or a function of the arguments that gives it. @default `"ok"` */
  readonly returns?: unknown;
  /** The results of one call after the other; the last stays. */
  readonly returnsInOrder?: readonly unknown[];
  /** Fails with this, as a tool that throws. */
  readonly throws?: string | Error;
  /** How often it is called: exactly, or at least and at most. @default at least once */
  readonly times?: number | { readonly min?: number; readonly max?: number };
  /** What each call's arguments have; fields that are not named may be anything. */
  readonly with?: unknown;
}

/** A stub, a text as the result, or a function of the arguments. */
export type StubLike = ToolStub | string | ((args: never, run: StubContext) => unknown);

/** What becomes of tools without a stub. */
export interface StubOptions {
  /** `fail`: a call is an error, also where the model goes on. `run`: they run. @default "fail" */
  readonly unstubbed?: "fail" | "run";
}

/** A call that reached a stub, or a tool without one. */
export interface StubbedCall {
  readonly agent: string;
  readonly name: string;
  readonly callId: string;
  /** The checked arguments. */
  readonly arguments: unknown;
}

/** A plugin that answers for tools. */
export interface StubbedTools extends Plugin {
  /** The calls of a tool by its name or `agent/name`, or of all, oldest first. */
  calls(name?: string): readonly StubbedCall[];
  /** What went wrong, also where the model went on: arguments, too many calls, tools without a stub. */
  readonly problems: readonly Error[];
  /** Throws what went wrong first, or what was expected and did not happen. */
  assertDone(): void;
}

/** A call that was not expected, or one that was and did not come. */
export class StubError extends Error {
  override name = "StubError";
}

const FIELDS = ["returns", "returnsInOrder", "throws", "times", "with"];

/**
 * Answers for tools, by name or by `agent/name`, so that a test runs no real ones. Arguments are parsed, and guardrails
 * and approvals hold as ever; an agent that is a tool can be stubbed as well. What goes wrong is remembered, so that a
 * model that reads the error and goes on does not hide it.
 *
 * ```ts
 * import { Runner } from "@batonjs/core";
 * import { stubTools } from "@batonjs/testing";
 *
 * const stubs = stubTools({
 *   find_charges: { returns: [{ id: "ch_1", amount: 12.5 }], times: 1 },
 *   "Billing Agent/refund": { with: { charge: "ch_1" }, returns: "refunded" },
 * });
 * const runner = new Runner({ plugins: [stubs] });
 * ```
 */
export function stubTools(stubs: Readonly<Record<string, StubLike>>, options: StubOptions = {}): StubbedTools {
  checkKeys(options, new Set(["unstubbed"]), "stubTools()");
  const { unstubbed = "fail" } = options;
  const table = new Map(Object.entries(stubs).map(([key, each]) => [key, new Stub(key, each)]));
  const calls: StubbedCall[] = [];
  const problems: Error[] = [];
  const failWith = (message: string): never => {
    const error = new StubError(message);
    problems.push(error);
    throw error;
  };
  const outstanding = (): readonly Error[] => [
    ...problems,
    ...[...table.values()].flatMap((stub) => stub.missing() ?? []).map((message) => new StubError(message)),
  ];
  const plugin: StubbedTools = {
    name: "stubTools",
    wrapTool(tool, { agent }) {
      const stub = table.get(`${agent}/${tool.name}`) ?? table.get(tool.name);
      if (stub) stub.known = true;
      else if (unstubbed === "run" || (!tool.execute && !tool.nested)) return tool;
      const { nested: _, ...rest } = tool;
      return {
        ...rest,
        execute: (args: never, run: ToolContext<never>): unknown => {
          calls.push({ agent, name: tool.name, callId: run.callId, arguments: args });
          if (!stub)
            return failWith(`Cannot run tool "${tool.name}" of agent "${agent}": it has no stub; ${known(table)}`);
          return stub.answer(args, run as unknown as StubContext, failWith);
        },
      } as AnyFunctionTool;
    },
    calls: (name) =>
      calls.filter((each) => name === undefined || name === each.name || name === `${each.agent}/${each.name}`),
    problems,
    assertDone() {
      const [first] = outstanding();
      if (first) throw first;
    },
  };
  announce({ name: "stubTools", problems: outstanding });
  return plugin;
}

const known = (table: ReadonlyMap<string, Stub>): string =>
  `stubs are ${[...table.keys()].map((key) => `"${key}"`).join(", ") || "none"}`;

class Stub {
  /** A tool has it. */
  known = false;
  #calls = 0;
  readonly #key: string;
  readonly #stub: ToolStub;
  readonly #min: number;
  readonly #max: number;

  constructor(key: string, given: StubLike) {
    const stub = typeof given === "object" ? given : { returns: given };
    const unknown = Object.keys(stub).find((field) => !FIELDS.includes(field));
    if (unknown !== undefined) {
      throw new TypeError(
        `Cannot stub tool "${key}": "${unknown}" is none of ${FIELDS.join(", ")}; write { returns: … } for an object`,
      );
    }
    const { times = { min: 1 } } = stub;
    this.#key = key;
    this.#stub = stub;
    this.#min = typeof times === "number" ? times : (times.min ?? 0);
    this.#max = typeof times === "number" ? times : (times.max ?? Infinity);
  }

  answer(args: unknown, run: StubContext, failWith: (message: string) => never): unknown {
    this.#calls += 1;
    const { with: wanted, throws, returnsInOrder } = this.#stub;
    if (this.#calls > this.#max)
      return failWith(`Cannot call tool "${this.#key}" again: it was expected ${count(this.#max)}`);
    if (wanted !== undefined && !isLike(args, wanted))
      return failWith(`Cannot call tool "${this.#key}" with ${shown(args)}: expected ${shown(wanted)}`);
    if (throws !== undefined) throw typeof throws === "string" ? new Error(throws) : throws;
    const returns = returnsInOrder
      ? returnsInOrder[Math.min(this.#calls, returnsInOrder.length) - 1]
      : "returns" in this.#stub
        ? this.#stub.returns
        : "ok";
    return typeof returns === "function"
      ? (returns as (args: unknown, run: StubContext) => unknown)(args, run)
      : returns;
  }

  /** What was expected and did not happen. */
  missing(): string | undefined {
    if (this.#calls >= this.#min) return undefined;
    const why = this.known ? `it was called ${count(this.#calls)}` : "no agent that ran has a tool of that name";
    const often = this.#min === 1 ? "" : ` ${count(this.#min)}`;
    return `Expected tool "${this.#key}" to be called${often}, but ${why}`;
  }
}

const count = (times: number): string => (times === 1 ? "once" : times === 0 ? "never" : `${times} times`);
