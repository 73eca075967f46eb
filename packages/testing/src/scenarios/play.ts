/** Plays a scenario once. */
import {
  type AnyAgent,
  type Clock,
  type Item,
  type Model,
  type ModelUsage,
  type Plugin,
  RunError,
  Runner,
  type RunnerOptions,
  usageOf,
} from "@batonjs/core";
import { type Cost, markedTranscript, pathOf } from "../expectations.ts";
import { transcript } from "../transcript.ts";
import { type Miss, missesOf, type Seen } from "./judge.ts";
import type { PlayedTurn, ScenarioFailure, ScenarioRun } from "./report.ts";
import type { Decisions, Scenario, TurnExpectations } from "./scenario.ts";
import { SimulatedUser, type UserTurn } from "./simulated-user.ts";
import { type Exchange, Talk } from "./talk.ts";

/** What a scenario is played with. */
export interface PlayParts {
  readonly agent: AnyAgent;
  readonly context: unknown;
  readonly plugins: readonly Plugin[];
  readonly runner: Omit<RunnerOptions, "plugins">;
  /** For all agents, over their own. */
  readonly model: string | Model | undefined;
  readonly userModel: string | Model | undefined;
  readonly price: Cost["price"];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** Messages of a simulated user at most. */
const MAX_USER_TURNS = 8;

/** Plays `scenario` once. What goes wrong in it is a failure of it; rejects only where the caller stops it. */
export async function play(scenario: Scenario, parts: PlayParts): Promise<ScenarioRun> {
  const { clock, timeoutMs, signal } = parts;
  const late = new AbortController();
  const reason = new Error(`The conversation has not ended within timeoutMs = ${timeoutMs}`);
  const timer = clock.setTimeout(() => late.abort(reason), timeoutMs);
  const started = clock.now();
  try {
    const playing = new Playing(scenario, parts, signal ? AbortSignal.any([signal, late.signal]) : late.signal);
    await playing.play();
    signal?.throwIfAborted();
    return playing.result(clock.now() - started);
  } finally {
    clock.clearTimeout(timer);
  }
}

class Playing {
  readonly #scenario: Scenario;
  readonly #parts: PlayParts;
  readonly #signal: AbortSignal;
  readonly #talk: Talk;
  readonly #exchanges: Exchange[] = [];
  readonly #failures: ScenarioFailure[] = [];
  #goal: { readonly reached: boolean; readonly why: string } | undefined;
  /** What was recorded; of a run that failed, what it had recorded. */
  #record: readonly Item[] = [];

  constructor(scenario: Scenario, parts: PlayParts, signal: AbortSignal) {
    this.#scenario = scenario;
    this.#parts = parts;
    this.#signal = signal;
    const { agent, context, model, plugins, runner, clock } = parts;
    this.#talk = new Talk({
      runner: new Runner({ ...runner, clock, plugins }),
      agent,
      options: { context, signal, ...(model === undefined ? {} : { model }) },
    });
  }

  async play(): Promise<void> {
    const { turns = [], user, approve, expect } = this.#scenario;
    for (const turn of turns) await this.#say(turn.user, turn.approve ?? approve, turn.expect ?? {});
    if (user) await this.#letUserTalk();
    if (this.#failures.length > 0 || !expect) return;
    const last = this.#exchanges.at(-1);
    const seen: Seen = {
      items: this.#record,
      pauses: this.#talk.pauses,
      lastAgent: last?.lastAgent,
      finalOutput: last?.finalOutput,
    };
    this.#judge(null, missesOf(expect, seen, this.#parts.price));
  }

  result(durationMs: number): ScenarioRun {
    const { price } = this.#parts;
    const usage = usageOf(this.#record);
    return {
      ok: this.#failures.length === 0,
      failures: this.#failures,
      turns: this.#exchanges.map(playedTurn),
      ...(this.#goal ? { goal: this.#goal } : {}),
      calls: usage.requests,
      tokens: usage.totalTokens,
      ...(price ? { usd: spent(this.#record, price) } : {}),
      durationMs,
      transcript: transcript(this.#record),
    };
  }

  /** One turn; nothing where one before has failed. */
  async #say(text: string, decisions: Decisions | undefined, expect: TurnExpectations): Promise<void> {
    if (this.#failures.length > 0) return;
    const turn = this.#exchanges.length + 1;
    try {
      const exchange = await this.#talk.say(text, decisions);
      this.#record = this.#talk.record;
      this.#exchanges.push(exchange);
      this.#judge(turn, [...missesOf(expect, exchange, this.#parts.price), ...openCalls(exchange, expect)]);
    } catch (error) {
      this.#record = error instanceof RunError && error.items.length > 0 ? error.items : this.#talk.record;
      this.#judge(turn, [{ message: `The run failed: ${this.#messageOf(error)}`, marks: [] }]);
    }
  }

  async #letUserTalk(): Promise<void> {
    const { user, approve, expect } = this.#scenario;
    if (!user || this.#failures.length > 0) return;
    const { maxTurns = MAX_USER_TURNS } = user;
    const wanted = expect?.goalReached ?? true;
    const simulated = this.#simulated();
    for (let said = 0; this.#failures.length === 0; said++) {
      const next = await this.#userTurn(simulated);
      if (!next) return;
      if (next.type === "end") {
        this.#goal = { reached: next.reached, why: next.why };
        if (next.reached !== wanted)
          this.#goalMiss(`the user says that it is ${next.reached ? "" : "not "}reached: ${next.why}`);
        return;
      }
      if (said === maxTurns)
        return this.#goalMiss(`the user has not ended the conversation within maxTurns = ${maxTurns}`);
      await this.#say(next.text, approve, {});
    }
  }

  #simulated(): SimulatedUser {
    const { userModel, plugins, runner, clock } = this.#parts;
    const { model: _, ...rest } = runner;
    const user = this.#scenario.user!;
    // That there is a model was checked before any run.
    return new SimulatedUser({
      user,
      model: user.model ?? userModel!,
      plugins,
      runner: { ...rest, clock },
      signal: this.#signal,
    });
  }

  /** What the user does next; nothing where playing the user has failed. */
  async #userTurn(simulated: SimulatedUser): Promise<UserTurn | undefined> {
    const said = this.#exchanges.map((exchange) => ({ user: exchange.user, answer: answerOf(exchange) ?? "" }));
    let message: string;
    try {
      const next = await simulated.next(said);
      if (next.type === "end" || next.text.trim() !== "") return next;
      message = "The model that plays the user has said nothing";
    } catch (error) {
      message = `The model that plays the user failed: ${this.#messageOf(error)}`;
    }
    this.#judge(null, [{ message, marks: [] }]);
    return undefined;
  }

  #goalMiss(found: string): void {
    const wanted = this.#scenario.expect?.goalReached ?? true;
    const message = `Expected the user ${wanted ? "" : "not "}to reach the goal ${JSON.stringify(this.#scenario.user?.goal)}: ${found}`;
    this.#judge(null, [{ message, marks: [] }]);
  }

  #judge(turn: number | null, misses: readonly Miss[]): void {
    if (misses.length === 0) return;
    const marks = misses.flatMap((miss) => miss.marks);
    this.#failures.push({
      turn,
      message: misses.map(({ message }) => message).join("\n"),
      transcript: markedTranscript(
        this.#record,
        marks,
        misses.some((miss) => miss.marks.length === 0),
      ),
    });
  }

  /** Of an error; where time is over, that it is. */
  #messageOf(error: unknown): string {
    const { reason } = this.#signal;
    const shown: unknown = this.#signal.aborted && reason instanceof Error ? reason : error;
    return shown instanceof Error ? shown.message : String(shown);
  }
}

/** A turn that ends with a question to a person, of which the scenario says nothing. */
function openCalls({ open, items }: Exchange, { needsApproval: wanted }: TurnExpectations): readonly Miss[] {
  if (open.length === 0) return [];
  const calls = open.map(({ name }) => JSON.stringify(name)).join(", ");
  const marks = items.filter((item) => item.type === "tool_call" && open.some(({ callId }) => callId === item.callId));
  if (open.some(({ kind }) => kind === "tool_result"))
    return [{ message: `The run waits for the result of ${calls}: answer for it with stubTools()`, marks }];
  if (wanted !== undefined && wanted !== false) return [];
  return [{ message: `The run waits for a decision about ${calls}: say "approve", or expect "needsApproval"`, marks }];
}

function playedTurn(exchange: Exchange): PlayedTurn {
  const { user, items, lastAgent } = exchange;
  return {
    user,
    answer: answerOf(exchange) ?? null,
    agent: lastAgent?.name ?? null,
    path: pathOf(items).path,
    calls: items.flatMap((item) => (item.type === "tool_call" && !item.handoff ? [item.name] : [])),
  };
}

function answerOf({ finalOutput }: Seen): string | undefined {
  if (finalOutput === undefined) return undefined;
  return typeof finalOutput === "string" ? finalOutput : JSON.stringify(finalOutput);
}

/** `NaN`, which JSON writes as `null`, where a price is not known. */
function spent(
  items: readonly Item[],
  price: (reply: {
    readonly model: string;
    readonly provider: string;
    readonly usage: ModelUsage;
  }) => number | undefined,
): number {
  return items.reduce((sum, item) => (item.type === "turn" ? sum + (price(item) ?? NaN) : sum), 0);
}
