import {
  checkKeys,
  isUserMessage,
  type ModelEvent,
  type ModelRequest,
  type Plugin,
  textOf,
  withStream,
} from "@batonjs/core";
import { withNote } from "./notes.ts";
import { share } from "./options.ts";
import { wayBack } from "./question.ts";
import { handoffReply } from "./reply.ts";
import type { Ranking, Router } from "./router.ts";

/** When a specialist gives a message back. */
export interface StickyOptions {
  /** How sure the router must be that the message is for another agent, from 0 to 1; `false` turns the check off. @default 0.8 */
  readonly threshold?: number | false;
}

/**
 * Lets a specialist with a `handBack()` keep the conversation until the user changes the subject: each user message is
 * looked at by the router's examples, without a model, and one that is surely for another agent of the triage is handed
 * back, for triage to decide. A message that has been handed over or back before is not looked at again. The router
 * knows a triage's agents once that has been asked, or by `router.fit(triage)`.
 */
export function stickyCheck(router: Router, options: StickyOptions = {}): Plugin {
  checkKeys(options, new Set(["threshold"]), "stickyCheck()");
  const { threshold = 0.8 } = options;
  if (threshold === false) return { name: "sticky" };
  share("threshold of stickyCheck()", threshold);
  return {
    name: "sticky",
    wrapModel: (model) =>
      withStream(model, async function* (request): AsyncGenerator<ModelEvent> {
        const subject = await newSubject(router, request, threshold);
        request.signal.throwIfAborted();
        if (!subject) {
          yield* model.stream(request);
          return;
        }
        const { handoff, to, score } = subject;
        yield withNote(handoffReply(handoff, {}, request, "back"), "sticky", { to, score });
      }),
  };
}

interface Subject {
  /** Name of the handoff back. */
  readonly handoff: string;
  readonly to: string;
  readonly score: number;
}

/** Whose subject the last message is, where it is surely another agent's. */
async function newSubject(router: Router, request: ModelRequest, threshold: number): Promise<Subject | undefined> {
  const last = request.items.at(-1);
  const way = wayBack(request, router.back);
  if (!way || !last || !isUserMessage(last) || !isFree(request)) return undefined;
  const ranking = await router.classify(textOf(last), way.to).catch((): Ranking | undefined => undefined);
  if (!ranking || ranking.to === null || ranking.to === request.at.agent || ranking.score < threshold) return undefined;
  return { handoff: way.name, to: ranking.to, score: ranking.score };
}

const isFree = ({ settings: { toolChoice = "auto" } }: ModelRequest): boolean =>
  toolChoice === "auto" || toolChoice === "required";
