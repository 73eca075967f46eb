import type { MaybePromise } from "./definitions.ts";
import { isOwn } from "./journal.ts";
import { AbortError, LimitError, RunError, StoreError, messageOf } from "./errors.ts";
import type { CompiledAgent } from "./graph.ts";
import { type GivenInput, sortInput } from "./input.ts";
import {
  type ApprovalItem,
  type Input,
  type Item,
  type MessageItem,
  type NewItem,
  type ToolResultItem,
  contentText,
  isUserMessage,
} from "./items.ts";
import { sameJson } from "./json.ts";
import { steps } from "./loop.ts";
import { guardInput } from "./perform/guardrails.ts";
import { parseOutput } from "./perform/model.ts";
import { Result } from "./result.ts";
import type { Run } from "./run.ts";
import { Transcript } from "./transcript.ts";
import { type Stop, closeAll, nextStep } from "./transitions.ts";

/** A run from its input to its result. */
export async function execute(run: Run, input: Input): Promise<Result> {
  const unfollow = followSignal(run);
  let leave: (() => Promise<void>) | undefined;
  let begun = false;
  try {
    if (run.session) run.throwIfStopped();
    if (run.session) leave = await run.config.turns?.enter(run, run.session);
    const opening = run.session ? openSession(run, input) : open(run, input, undefined);
    const given = opening instanceof Promise ? await opening : opening;
    run.throwIfStopped(); // its error has the conversation that was given
    begun = true;
    void run.emit({ type: "run_started" });
    const taking = run.retold ? inputOf(run) : take(given, run);
    const taken = taking instanceof Promise ? await taking : taking;
    const stop = run.retold ? endOf(run) : await steps(run);
    const finishing = finish(stop, taken, run);
    const result = finishing instanceof Promise ? await finishing : finishing;
    if (run.listening) void run.emit({ type: "run_finished", status: result.status, usage: result.usage });
    return result;
  } catch (error) {
    throw await fail(error, begun, run);
  } finally {
    unfollow?.();
    if (leave) await leave();
    run.close();
  }
}

/** The caller's signal stops the run. */
function followSignal(run: Run): (() => void) | undefined {
  const { signal } = run.options;
  if (!signal) return undefined;
  const stop = (): void => run.stop(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return () => signal.removeEventListener("abort", stop);
}

async function openSession(run: Run, input: Input): Promise<GivenInput> {
  return open(run, input, await run.journal.open());
}

/** Takes over what has been recorded before, in the session or in the input. */
function open(run: Run, input: Input, stored: Item[] | undefined): MaybePromise<GivenInput> {
  const sorted = sortInput(input, stored);
  const record = stored ?? sorted.known;
  const first = run.options.runId === undefined ? -1 : record.findIndex((item) => isOwn(item, run.runId));
  if (first >= 0) retell(record as Item[], run);
  try {
    run.journal.load(record);
  } catch (cause) {
    run.start = run.transcript.record.length; // before any effect
    if (!stored || cause instanceof RunError) throw cause;
    throw new StoreError(`Cannot read the session: ${messageOf(cause)}`, { cause, code: "corrupt_item" });
  }
  if (record.length + sorted.known.length + sorted.answers.length + sorted.messages.length === 0)
    throw new TypeError(
      "Cannot run without input: expected a message, or a session or list with a conversation to go on with",
    );
  if (!stored || sorted.known.length === 0) return begin(run, sorted, first);
  return Promise.resolve(run.record({ items: sorted.known })).then(() => begin(run, sorted, first));
}

/** Finds out where the run begins: it may have been started before. */
function begin(run: Run, sorted: GivenInput, first: number): GivenInput {
  run.start = run.transcript.record.length;
  if (first < 0) return sorted;
  const taken = inputOf(run);
  for (const message of sorted.messages) {
    // It may have stopped before it took them.
    if (taken.length > 0 && !taken.some((item) => sameJson(contentOf(item), contentOf(message))))
      throw new TypeError(
        `Cannot run "${run.runId}" again with other messages: a new message needs a runId of its own`,
      );
  }
  run.start = first;
  run.journal.resume();
  return taken.length > 0 ? { ...sorted, messages: [] } : sorted;
}

/** The messages that the run was given, where it was started before. */
function inputOf({ runId, options, transcript }: Run): readonly Item[] {
  if (options.runId === undefined) return [];
  return transcript.record.filter(
    (item) => item.type === "message" && item.agent === undefined && item.path === undefined && isOwn(item, runId),
  );
}

const contentOf = (item: Item | NewItem): unknown => (item.type === "message" ? item.content : undefined);

/** A run whose conversation has gone on since is not run again: what it led to is told again. */
function retell(record: Item[], run: Run): void {
  const end = record.findLastIndex((item) => isOwn(item, run.runId)) + 1;
  if (!record.slice(end).some(isUserMessage)) return;
  record.length = end;
  run.retold = true;
}

/** How the run has ended before. */
function endOf(run: Run): Stop {
  const step = nextStep(run.transcript, run.policy);
  if (step.type === "stop") return step;
  throw new StoreError(
    `Cannot go on with run "${run.runId}": it did not finish, and the conversation has gone on since`,
    { code: "run_superseded" },
  );
}

/** Takes decisions and results, settles what is open, and appends the messages. Gives the items of the input. */
function take(given: GivenInput, run: Run): MaybePromise<readonly Item[]> {
  const { answers, messages } = given;
  const t = run.transcript;
  const taken = inputOf(run);
  if (answers.length > 0 || t.open.length > 0) return takeAnswers(given, taken, run);
  return messages.length === 0 ? taken : takeMessages(messages, taken, run);
}

async function takeAnswers(
  { answers, messages }: GivenInput,
  taken: readonly Item[],
  run: Run,
): Promise<readonly Item[]> {
  checkAnswers(answers, run.transcript);
  const stamped = answers.map((answer) => run.journal.stamp([answer], answer.path ?? [])[0]!);
  if (stamped.length > 0) await run.journal.append(stamped);
  run.announce(stamped);
  const input = [...taken, ...stamped];
  if (messages.length === 0) return input;
  await settle(run);
  return takeMessages(messages, input, run);
}

function takeMessages(messages: readonly NewItem[], taken: readonly Item[], run: Run): MaybePromise<readonly Item[]> {
  const t = run.transcript;
  const stamped = run.journal.stamp(messages, []);
  const said = stamped.filter((item): item is MessageItem => isUserMessage(item));
  const owner = run.graph.agents.has(t.owner) ? t.owner : run.graph.entry;
  const guarded = said.length > 0 && run.agent(owner).definition.inputGuardrails.length > 0;
  const told = (): readonly Item[] => {
    if (!run.gate) run.announce(stamped);
    return taken.length === 0 ? stamped : [...taken, ...stamped];
  };
  const appended = guarded ? guard(owner, said, stamped, run) : run.journal.append(stamped);
  return appended ? appended.then(told) : told();
}

/** Asks the guardrails of the agent that will answer. Those beside the model hold back the append, and the reply. */
async function guard(owner: string, said: readonly MessageItem[], stamped: readonly Item[], run: Run): Promise<void> {
  await run.performAll([{ type: "guardrail", key: `guardrail:${stamped[0]!.id}`, agent: owner, messages: said }]);
  run.judged = new Set([owner]);
  const beside = run.agent(owner).definition.inputGuardrails.some(({ runInParallel }) => runInParallel === true);
  if (!beside) {
    await run.journal.append(stamped);
    return;
  }
  run.journal.hold(stamped);
  run.gate = guardInput(owner, said, ({ runInParallel }) => runInParallel === true, run).then(async () => {
    await run.journal.release();
    run.gate = undefined;
    run.announce(stamped);
  });
  run.gate.catch((error: RunError) => run.stop(error, error));
}

/** Finishes, or gives up, what an earlier run has left open: the user went on. */
async function settle(run: Run): Promise<void> {
  const t = run.transcript;
  while (t.open.length > 0) {
    run.throwIfStopped();
    const step = nextStep(t, run.policy);
    if (step.type === "record") await run.record(step);
    else if (step.type === "perform") await run.performAll(step.effects);
    else await giveUp(t, "The user went on without it.", "unknown", run);
  }
}

/** Answers all that is open, also in nested runs. */
async function giveUp(t: Transcript, because: string, status: "unknown" | "abandoned", run: Run): Promise<void> {
  const stamped = closeAll(t, because, status).map(({ item, path }) => run.journal.stamp([item], path)[0]!);
  await run.journal.append(stamped);
  run.announce(stamped);
}

/** Each decision or result must be for a call that waits for it, and that no other is for. */
function checkAnswers(answers: GivenInput["answers"], root: Transcript): void {
  const calls = new Set<string>();
  for (const answer of answers) {
    checkAnswer(answer, root);
    const call = JSON.stringify([answer.path ?? [], answer.callId]);
    if (root.record.some(({ id }) => id === answer.id))
      throw new TypeError(`Cannot take "${answer.id}": the transcript has an item with this id`);
    if (calls.has(call)) throw new TypeError(`Cannot take "${answer.id}": call "${answer.callId}" is answered twice`);
    calls.add(call);
  }
}

function checkAnswer(answer: ApprovalItem | ToolResultItem, root: Transcript): void {
  let t: Transcript | undefined = root;
  for (const callId of answer.path ?? []) t = t?.children?.get(callId);
  const open = t?.openCall(answer.callId);
  const what = answer.type === "approval" ? "decision" : "result";
  if (!open)
    throw new TypeError(`Cannot take the ${what} "${answer.id}": no call with the id "${answer.callId}" is open`);
  const [, of] = /^(.*):(?:approval|result)$/s.exec(answer.id) ?? []; // as approve() and its like name it
  if (of !== undefined && of !== open.call.id)
    throw new TypeError(`Cannot take the ${what} "${answer.id}": it is for another call than "${open.call.id}"`);
  if (answer.type === "approval" && !open.asked)
    throw new TypeError(
      `Cannot take the decision "${answer.id}": call "${answer.callId}" of "${open.call.name}" was not asked about`,
    );
  if (answer.type === "tool_result" && open.asked && !open.decision)
    throw new TypeError(
      `Cannot take the result "${answer.id}": call "${answer.callId}" of "${open.call.name}" waits for a decision`,
    );
  if (answer.type === "approval" && open.decision)
    throw new TypeError(
      `Cannot take the decision "${answer.id}": call "${answer.callId}" of "${open.call.name}" has been decided already`,
    );
}

function finish(stop: Stop, input: readonly Item[], run: Run): MaybePromise<Result> {
  const t = run.transcript;
  if (stop.status === "limit") {
    const { limit, max, actual } = stop;
    throw new LimitError(
      `Cannot go on with agent "${t.active}": ${actual} model replies since the last input, and the limit ${limit} is ${max}`,
      { limit, max, actual, agent: t.active, code: "max_turns" },
    );
  }
  const pending = stop.status === "paused" ? stop.pending : [];
  if (run.listening) for (const each of pending) void run.emit({ type: "approval_needed", pending: each });
  const result = (output: unknown): Result =>
    new Result({
      runId: run.runId,
      record: t.record,
      start: run.start,
      input,
      lastAgent: run.agent(t.active).definition,
      activeAgent: (run.graph.agents.get(t.owner) ?? run.agent(run.graph.entry)).definition,
      pending,
      finalOutput: output,
    });
  if (stop.status === "paused") return result(undefined);
  const output = run.output ? run.output.value : finalOutput(run);
  return output instanceof Promise ? output.then(result) : result(output);
}

function finalOutput(run: Run): unknown {
  const { answer, active } = run.transcript;
  const agent = run.agent(answer?.agent !== undefined && run.graph.agents.has(answer.agent) ? answer.agent : active);
  const text = answer ? contentText(answer.content) : "";
  return agent.output ? parsedOutput(agent, text, run) : text;
}

async function parsedOutput(agent: CompiledAgent, text: string, run: Run): Promise<unknown> {
  const parsed = await parseOutput(agent, text, run);
  if (parsed.error === undefined) return parsed.value;
  throw new RunError(`Cannot use the answer of agent "${agent.name}": ${parsed.error}`, {
    code: "invalid_output",
    agent: agent.name,
  });
}

/** Leaves the transcript so that it can go on, and gives the error to throw. */
async function fail(cause: unknown, begun: boolean, run: Run): Promise<unknown> {
  const { transcript: t } = run;
  if (cause instanceof TypeError && t.record.length === run.start) {
    if (begun) void run.emit({ type: "run_failed", error: cause, code: "invalid_input" });
    return cause; // the caller's mistake, before any effect
  }
  if (run.gate) await run.gate.catch(() => {}); // the guardrails beside the model say whether the input is kept
  let error =
    run.stopped ??
    (cause instanceof RunError
      ? cause
      : new RunError(`Cannot go on with agent "${t.active}": ${messageOf(cause)}`, { cause, agent: t.active }));
  try {
    if (run.gate) await run.journal.drop();
    else if (begun && error instanceof AbortError && t.open.length > 0 && !waitsForCaller(t))
      await giveUp(t, "The run was stopped before this was done.", "abandoned", run);
  } catch {
    // Nobody was told that this is stored: the next run settles what is open. What ended the run is what matters.
  }
  if (Object.isFrozen(error))
    error = new RunError(error.message, { cause: error, code: error.code, agent: error.agent });
  error.agent ??= t.active;
  error.items = run.journal.kept;
  run.stop(error, error);
  void run.emit({ type: "run_failed", error, code: error.code });
  return error;
}

/** Whether something waits for the caller, also in a nested run: it stays open. */
function waitsForCaller(t: Transcript): boolean {
  return t.open.some(
    ({ call, asked, decision, verdict }) =>
      (asked ? !decision : verdict?.kind === "client") || waitsForCaller(t.children?.get(call.callId) ?? NOBODY),
  );
}

const NOBODY: Transcript = new Transcript("");
