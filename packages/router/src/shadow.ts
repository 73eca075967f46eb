import { checkKeys, type ModelEvent, type ModelReply, type ModelRequest, type Plugin, withStream } from "@batonjs/core";
import type { Decision } from "./decision.ts";
import { noteOf, withNote } from "./notes.ts";
import { isTriage } from "./question.ts";
import type { Router } from "./router.ts";

/** What a shadow router looks at. */
export interface ShadowOptions {
  /** Names of the agents. @default those that have two handoffs or more, and none back */
  readonly agents?: readonly string[];
  /** Asks the router's decider too, which costs a model call. @default {false} */
  readonly decider?: boolean;
}

const OPTIONS: ReadonlySet<string> = new Set(["agents", "decider"]);

/**
 * A router that decides beside the real triage and does nothing: its decision, and whether triage did the same, are
 * noted with the reply. `disagreements(items)` lists where they differ. It never fails or delays a run by more than its
 * decision takes.
 */
export function shadow(router: Router, options: ShadowOptions = {}): Plugin {
  checkKeys(options, OPTIONS, "shadow()");
  const { agents, decider = false } = options;
  return {
    name: "shadow",
    wrapModel: (model) =>
      withStream(model, async function* (request): AsyncGenerator<ModelEvent> {
        if (!isTriage(request, agents, router.back)) {
          yield* model.stream(request);
          return;
        }
        const decided = router.decide(request, { local: !decider }).catch((): Decision | undefined => undefined);
        for await (const event of model.stream(request)) {
          const decision = event.type === "reply" ? await decided : undefined;
          yield event.type === "reply" && decision ? compared(event, decision, request) : event;
        }
      }),
  };
}

function compared(reply: ModelReply, decision: Decision, { handoffs }: ModelRequest): ModelReply {
  const called = reply.items.find(
    (item) => item.type === "tool_call" && handoffs.some(({ name }) => name === item.name),
  );
  const actual = handoffs.find(({ name }) => called?.type === "tool_call" && name === called.name)?.to ?? null;
  // A rung that is sure of nobody has decided too.
  const agreed = decision.rung === undefined ? null : (decision.to ?? null) === actual;
  return withNote(reply, "shadow", { ...noteOf(decision), actual, agreed }, decision.used);
}
