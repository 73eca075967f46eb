import type { Guardrail, InputGuardrail, MaybePromise, RunContext, Verdict } from "../definitions.ts";
import { GuardrailError } from "../errors.ts";
import type { EventBody } from "../events.ts";
import { type MessageItem, contentText } from "../items.ts";
import type { Run } from "../run.ts";

type Kind = Extract<EventBody, { readonly type: "guardrail" }>["kind"];
type AnyGuardrail = Guardrail<never, never>;

interface Refusal {
  readonly guardrail: string;
  readonly reason: string;
}

/**
 * Asks guardrails in turn. Gives the first refusal. One that throws, does not answer in time or answers with anything
 * but a verdict refuses.
 */
export async function refusalBy(
  guardrails: readonly AnyGuardrail[],
  kind: Kind,
  data: unknown,
  agent: string,
  run: Run,
  callId?: string,
): Promise<Refusal | undefined> {
  for (const guardrail of guardrails) {
    const started = run.config.clock.now();
    const reason = await reasonOf(guardrail, data, agent, run);
    if (run.listening) {
      void run.emit({
        type: "guardrail",
        kind,
        name: guardrail.name,
        allowed: reason === undefined,
        ...(reason === undefined ? {} : { reason }),
        ...(callId === undefined ? {} : { callId }),
        durationMs: run.config.clock.now() - started,
      });
    }
    if (reason !== undefined) return { guardrail: guardrail.name, reason };
  }
  return undefined;
}

async function reasonOf(guardrail: AnyGuardrail, data: unknown, agent: string, run: Run): Promise<string | undefined> {
  const check = (context: RunContext<unknown>): MaybePromise<Verdict> =>
    guardrail.check(data as never, context as never);
  let verdict: Verdict;
  try {
    verdict = await run.call(`guardrail "${guardrail.name}"`, agent, check, guardrail.timeoutMs);
  } catch {
    run.throwIfStopped();
    return `guardrail "${guardrail.name}" failed`;
  }
  if (verdict === true) return undefined;
  if (typeof verdict === "object" && verdict !== null) {
    if (verdict.allow === true) return undefined;
    if (verdict.allow === false) return verdict.reason ?? `guardrail "${guardrail.name}" said no`;
  }
  return verdict === false ? `guardrail "${guardrail.name}" said no` : `guardrail "${guardrail.name}" gave no verdict`;
}

/** Asks an agent's input guardrails about messages. Throws a `GuardrailError` where one says no. */
export async function guardInput(
  agent: string,
  messages: readonly MessageItem[],
  which: (guardrail: InputGuardrail<never>) => boolean,
  run: Run,
): Promise<void> {
  const refusal = await inputRefusal(agent, messages, which, run);
  if (!refusal) return;
  throw new GuardrailError(
    refusal.guardrail,
    refusal.reason,
    `Cannot take the input of agent "${agent}": ${refusal.reason}`,
    { agent },
  );
}

/** The first refusal by an agent's input guardrails. */
export async function inputRefusal(
  agent: string,
  messages: readonly MessageItem[],
  which: (guardrail: InputGuardrail<never>) => boolean,
  run: Run,
): Promise<Refusal | undefined> {
  const guardrails = run.agent(agent).definition.inputGuardrails.filter(which);
  if (guardrails.length === 0 || messages.length === 0) return undefined;
  const text = messages.map(({ content }) => contentText(content)).join("\n");
  return refusalBy(guardrails, "input", { messages, text }, agent, run);
}

/** Asks an agent's output guardrails about a text. */
export async function outputRefusal(agent: string, text: string, run: Run): Promise<Refusal | undefined> {
  const { outputGuardrails } = run.agent(agent).definition;
  if (outputGuardrails.length === 0 || text === "") return undefined;
  return refusalBy(outputGuardrails, "output", { text }, agent, run);
}
