import { type HandoffSpec, type JsonObject, messageOf, sameJson } from "@batonjs/core";
import type { Abstention, AlsoUsed, Decision, Judgement, Question, Rung } from "./decision.ts";
import type { RouterOptions } from "./options.ts";
import { findHandoff, needsNothing } from "./question.ts";

const DEFAULT_THRESHOLD = 0.5;

interface ClimbOptions {
  readonly payload: RouterOptions["payload"];
  /** In place of those of the rungs. */
  readonly threshold: number | undefined;
}

/** Asks the rungs in order until one is sure, of an agent or that the message is for nobody. */
export async function climb(
  rungs: readonly Rung[],
  question: Question,
  { payload, threshold }: ClimbOptions,
): Promise<Decision> {
  const abstained: Abstention[] = [];
  const used: AlsoUsed[number][] = [];
  let told: Judgement | undefined; // what is known of the scores, whoever decides
  for (const rung of rungs) {
    const judgement = await ask(rung, question, abstained);
    if (!judgement) continue;
    used.push(...(judgement.used ?? []));
    if (judgement.scores) told = judgement;
    const { to } = judgement;
    const score = clamp(judgement.score ?? 1);
    const pass = (why: string): void => void abstained.push({ rung: rung.name, why, to, score });
    if (score < (threshold ?? rung.threshold ?? DEFAULT_THRESHOLD)) {
      pass("unsure");
      continue;
    }
    if (to === null) return decision(undefined, undefined, rung, judgement, told, abstained, used);
    const handoff = findHandoff(question.handoffs, to);
    if (!handoff) {
      pass("not_offered");
      continue;
    }
    const filled = await fill(handoff, question, payload, rung, abstained);
    if (filled) return decision(handoff, filled, rung, judgement, told, abstained, used);
  }
  return decision(undefined, undefined, undefined, undefined, told, abstained, used);
}

async function ask(rung: Rung, question: Question, abstained: Abstention[]): Promise<Judgement | undefined> {
  try {
    const judgement = await rung.judge(question);
    if (!judgement) abstained.push({ rung: rung.name, why: "silent" });
    return judgement;
  } catch (error) {
    if (question.request.signal.aborted) throw error;
    abstained.push({ rung: rung.name, why: `failed: ${messageOf(error)}` });
    return undefined;
  }
}

/** The payload of a handoff, or nothing where it cannot be filled. */
async function fill(
  handoff: HandoffSpec,
  question: Question,
  payload: RouterOptions["payload"],
  rung: Rung,
  abstained: Abstention[],
): Promise<JsonObject | undefined> {
  const given = await payloadOf(handoff, question, payload, rung, abstained);
  if (given === undefined && needsNothing(handoff)) return {};
  if (given === undefined) abstained.push({ rung: rung.name, why: "needs_payload", to: handoff.to });
  return given;
}

async function payloadOf(
  handoff: HandoffSpec,
  question: Question,
  payload: RouterOptions["payload"],
  rung: Rung,
  abstained: Abstention[],
): Promise<JsonObject | undefined> {
  try {
    const given = await payload?.(handoff, question);
    if (given === undefined) return undefined;
    // What JSON cannot say would reach the agent as something else.
    if (sameJson(JSON.parse(JSON.stringify(given)), given)) return given;
    abstained.push({ rung: rung.name, why: "failed: the payload is not JSON", to: handoff.to });
  } catch (error) {
    abstained.push({ rung: rung.name, why: `failed: ${messageOf(error)}`, to: handoff.to });
  }
  return undefined;
}

function decision(
  handoff: HandoffSpec | undefined,
  payload: JsonObject | undefined,
  rung: Rung | undefined,
  judgement: Judgement | undefined,
  told: Judgement | undefined,
  abstained: readonly Abstention[],
  used: AlsoUsed,
): Decision {
  return {
    handoff: handoff?.name,
    to: handoff?.to,
    payload,
    rung: rung?.name,
    score: clamp(judgement?.score ?? (rung ? 1 : 0)),
    intent: judgement?.intent,
    scores: told?.scores ?? [],
    nearest: told?.nearest ?? [],
    abstained,
    used,
  };
}

const clamp = (score: number): number => (Number.isFinite(score) ? Math.min(1, Math.max(0, score)) : 0);
