/** What to do about a conversation: call a tool, hand over, or say something. No randomness, no clock, no effect. */
import type { ModelRequest } from "@batonjs/core";
import { fieldsOf } from "./arguments/fields.ts";
import { fill } from "./arguments/fill.ts";
import { goalOf } from "./goal.ts";
import { withoutValues } from "./match.ts";
import { type Decision, offering, said, take } from "./plan.ts";
import { smallTalk, type SmallTalk } from "./small-talk.ts";
import { type Deciding, filling, rank, readState, type State } from "./state.ts";
import { contentOf } from "./text.ts";
import { askChoice, type Choice, offers, outOfScope, problem, reply, WHO } from "./words.ts";

/** The most calls of one agent after one message of the user. */
const MAX_CALLS = 6;
/** Decides what to answer. The same request gives the same decision. */
export function decide(request: ModelRequest, deciding: Deciding): Decision {
  const state = readState(request, deciding);
  const choice = request.settings.toolChoice ?? "auto";
  if (choice === "none") return inWords(state);
  const settled = afterCalls(state);
  if (settled) return settled;
  if (typeof choice === "object") {
    const named = [...state.own, ...state.back].find(({ name }) => name === choice.name);
    return named ? take(named, state, true) : inWords(state);
  }
  const goal = goalOf(state);
  if (goal.type === "take") return take(goal.choice, goal.answers ? state : unasked(state), goal.agreed);
  if (choice === "required") {
    const [best] = rank(state, state.talk.message);
    if (best) return take(best.choice, state, true);
  }
  return goal.type === "ask" ? askWhichOf(goal.choices) : inWords(state);
}

/** The state without the question before the last message, which is about something else. */
function unasked(state: State): State {
  const { question: _, ...talk } = state.talk;
  return { ...state, talk };
}

/** What own calls since the user's message leave to say, if anything. */
function afterCalls(state: State): Decision | undefined {
  const { talk, mine } = state;
  const last = mine.at(-1);
  if (!last) return undefined;
  const choice = [...state.choices, ...state.back].find(({ name }) => name === last.name);
  if (last.status !== "ok")
    return said(
      choice?.type === "handoff" ? `${problem(last, choice)} ${offers(state.own)}`.trim() : problem(last, choice),
    );
  if (choice?.type === "handoff") {
    // Control never left, or is back with the answer: a consultation. After a way back other calls follow.
    return talk.endsWithResult && talk.round.at(-1) === last ? said(reply(last)) : undefined;
  }
  return mine.length >= MAX_CALLS ? said(reply(last)) : undefined;
}

const askWhichOf = (choices: readonly Choice[]): Decision => ({
  type: "say",
  text: askChoice(choices),
  question: { kind: "choice", names: choices.map(({ name }) => name) },
});

/** What to say where nothing is to be called. */
function inWords(state: State): Decision {
  const { talk, mine, own, request } = state;
  const last = mine.findLast(({ name }) => state.tools.some((tool) => tool.name === name));
  if (last) return said(problem(last, undefined));
  const small = smallTalk(talk.message);
  if (small === "yes") {
    const failed = failedBefore(state);
    if (failed) return failed;
  }
  if (small !== undefined) return said(smallReply(small, state));
  const back = wayBack(state);
  return back ?? said(outOfScope(own, request.at.agent));
}

/** A yes after a call that did not go well: what came of it, and whether to try again. */
function failedBefore({ talk, tools, request }: State): Decision | undefined {
  const last = talk.before.at(-1);
  const tool = tools.find(({ name }) => name === last?.name);
  if (!last || !tool || last.status === "ok" || (last.agent !== undefined && last.agent !== request.at.agent))
    return undefined;
  // What may have gone through must not be done again for a yes.
  return last.status === "unknown" ? said(problem(last, tool)) : offering(tool, problem(last, tool));
}

/** The way back, for a message that came straight to this agent and is about something else. */
function wayBack(state: State): Decision | undefined {
  const { back, talk } = state;
  const [way] = back;
  if (!way || talk.round.length > 0 || contentOf(withoutValues(talk.message)).length === 0) return undefined;
  const filled = fill(fieldsOf(way.parameters), filling(way, state));
  if (filled.missing.length > 0) return undefined;
  return { type: "call", name: way.name, arguments: filled.arguments, handoff: true };
}

function smallReply(kind: SmallTalk, { own, request, talk }: State): string {
  const help = offers(own);
  switch (kind) {
    case "greeting":
      return `Hello! ${help === "" ? `This is ${request.at.agent}.` : help} What can I do for you?`;
    case "thanks":
      return "You're welcome! Is there anything else I can do for you?";
    case "goodbye":
      return "Goodbye, and thank you for getting in touch!";
    case "about":
      return `${WHO} ${help === "" ? `You are talking to ${request.at.agent}.` : help}`;
    case "help":
      return help === "" ? outOfScope(own, request.at.agent) : `${help} What is it about?`;
    case "yes":
      return `All right. ${help === "" ? "" : `${help} `}What would you like me to do?`;
    case "no":
    case "stop":
      return "All right, I have not done anything further. Is there anything else I can do for you?";
    case "empty":
      return `${talk.begun ? "I did not get any text." : "Hello!"} ${help === "" ? "What can I do for you?" : help}`.trim();
    default:
      kind satisfies never;
      return help;
  }
}
