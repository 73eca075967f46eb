/** Plays the scenarios on the embedded model and checks what came of them: `main.ts --verify`. */
import type { ModelRequest, Pending, Plugin, RunEvent } from "@batonjs/core";
import { textOf } from "@batonjs/core";
import assert from "node:assert/strict";
import { INTERNAL } from "./agents.ts";
import { all } from "./database.ts";
import { openHelpDesk } from "./desk.ts";
import { readOptions } from "./options.ts";
import { type Scenario, type Step, scenarios } from "./scenarios.ts";
import type { View } from "./view.ts";

/** What was seen of one step. */
interface Seen {
  readonly events: RunEvent[];
  readonly asked: Pending[];
}

/** Plays a scenario. Throws an `AssertionError` for the first thing that is not as it must be. */
export async function play({ customer, decide = { approved: true }, steps, rows = [] }: Scenario): Promise<void> {
  const requests: ModelRequest[] = [];
  let seen: Seen = { events: [], asked: [] };
  const view = watching((event) => seen.events.push(event));
  const options = readOptions(customer === undefined ? [] : ["--customer", customer]);
  const desk = await openHelpDesk(
    options,
    view,
    async (pending) => {
      seen.asked.push(pending);
      return decide === "open" ? undefined : decide;
    },
    [recorder(requests)],
  );
  try {
    for (const step of steps) {
      seen = { events: [], asked: [] };
      const { status, text, agent } = await desk.conversation.say(step.say);
      check(step, seen, { status, text: text ?? "", agent });
    }
    for (const [sql, wanted] of rows) {
      const found = all<object>(desk.support.db, sql).map((row) => ({ ...row }));
      assert.deepEqual(found, wanted, `${sql} gives ${JSON.stringify(found)}`);
    }
    const leaked = requests.filter((request) => request.at.agent !== "Triage Agent" && mentionsNotes(request));
    assert.equal(leaked.length, 0, `a note of the staff was shown to ${leaked[0]?.at.agent}`);
    assert.ok(requests.some(mentionsNotes) || customer === "cus_9999", "no note of the staff was shown to triage");
  } finally {
    await desk.close();
  }
}

function check(
  step: Step,
  { events, asked }: Seen,
  outcome: { readonly status: string; readonly text: string; readonly agent: string },
): void {
  const said = `after “${step.say.slice(0, 60)}”`;
  const handoffs = events.filter((event) => event.type === "handoff");
  const tools = events.filter((event) => event.type === "tool_started").map(({ name }) => name);
  assert.equal(outcome.status, step.status ?? "completed", `${said} the run is ${outcome.status}`);
  if (step.agent !== undefined)
    assert.equal(outcome.agent, step.agent, `${said} ${outcome.agent} has the conversation`);
  if (step.handoffs)
    assert.deepEqual(
      handoffs.map(({ to }) => to),
      step.handoffs,
      `${said} it goes to ${handoffs.map(({ to }) => to).join(", ")}`,
    );
  if (step.payload) assert.deepEqual(handoffs.at(-1)?.item.input, step.payload, `${said} the payload is another`);
  if (step.tools) assert.deepEqual(tools, step.tools, `${said} ${tools.join(", ") || "nothing"} ran`);
  if (step.asked)
    assert.deepEqual(
      asked.map(({ name }) => name),
      step.asked,
      `${said} a person was asked about ${asked.length} calls`,
    );
  if (step.answer) assert.match(outcome.text, step.answer, `${said} the answer is “${outcome.text}”`);
  // What was streamed is what was answered.
  const streamed = events.filter((event) => event.type === "text_delta").map(({ delta }) => delta);
  if (outcome.status === "completed")
    assert.ok(streamed.join("").endsWith(outcome.text), `${said} the stream says something else`);
}

const mentionsNotes = ({ items }: ModelRequest): boolean =>
  items.some((item) => textOf(item).includes(INTERNAL) && item.type === "message" && item.role === "system");

/** Keeps every request that a model gets. */
function recorder(requests: ModelRequest[]): Plugin {
  return {
    name: "recorder",
    wrapModel: (model) => ({
      ...model,
      stream: (request) => {
        requests.push(request);
        return model.stream(request);
      },
    }),
  };
}

function watching(onEvent: (event: RunEvent) => void): View {
  const nothing = (): void => {};
  return {
    user: nothing,
    event: onEvent,
    approval: nothing,
    decision: nothing,
    note: nothing,
    problem: nothing,
    answered: nothing,
  };
}

/** Plays all scenarios and says how they went. Gives the exit code. */
export async function verify(): Promise<number> {
  let failed = 0;
  for (const scenario of scenarios) {
    try {
      await play(scenario);
      console.log(`ok      ${scenario.title}`);
    } catch (error) {
      failed += 1;
      console.log(
        `FAILED  ${scenario.title}\n        ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
      );
    }
  }
  console.log(`\n${scenarios.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
