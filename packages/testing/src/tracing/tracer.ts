import { type AnyAgent, type Plugin, type RunEvent, type RunnerOptions, Agent, Runner, messageOf } from "@batonjs/core";
import { secret } from "@batonjs/core/tracing";
import { testClock, testIds } from "../environment.ts";
import { eventSequence } from "../events.ts";
import { say } from "../script.ts";
import { scriptedModel } from "../scripted-model.ts";
import { transcript } from "../transcript.ts";
import { check, equal } from "../session-store/checks.ts";
import { CANARIES, type Canaries, SCENARIOS, SECRETS, type Scenario, type ScenarioSetup } from "./scenarios.ts";

/** A tracer, and all that it has given away. */
export interface TracerUnderTest {
  readonly plugin: Plugin;
  /** Everything that has left it, as text: spans with their attributes, lines of a file. Called after `plugin.close()`. */
  written(): string | Promise<string>;
  dispose?(): void | Promise<void>;
}

/** A suite for one tracer. `describe` and `it` come from the test runner. */
export interface TracerSuite {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  /** Makes a tracer; `capture` asks it for all contents. Called for each test. */
  readonly create: (options: { readonly capture: boolean }) => TracerUnderTest | Promise<TracerUnderTest>;
}

/** Declares the suite's tests. */
export function testTracer(suite: TracerSuite): void {
  const test = (name: string, capture: boolean, body: (subject: TracerUnderTest) => Promise<void>): void => {
    suite.it(name, async () => {
      secret(CANARIES.wrapped);
      const subject = await suite.create({ capture });
      try {
        await body(subject);
      } finally {
        await subject.dispose?.();
      }
    });
  };

  suite.describe("a tracer changes nothing", () => {
    for (const scenario of SCENARIOS) {
      test(`of ${scenario.name}`, true, async ({ plugin }) => {
        const plain = await outcomeOf(scenario, []);
        const traced = await outcomeOf(scenario, [plugin]);
        equal(traced, plain, "the run with the tracer");
        await plugin.close?.();
      });
    }
    test("of many runs at once", false, async ({ plugin }) => {
      const runner = new Runner({ plugins: [plugin] });
      const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => answerOf(runner, i)));
      equal(
        answers,
        answers.map((_, i) => `answer ${i}`),
        "the answers",
      );
      await runner.close();
    });
    test("where a stream is left early", false, async ({ plugin }) => {
      const model = scriptedModel([say(["one", "two", "three"])]);
      const runner = new Runner({ plugins: [plugin] });
      const stream = runner.stream(new Agent({ name: "Solo", model }), "hello");
      stream.result.catch(() => {});
      for await (const event of stream) if (event.type === "text_delta") break;
      await stream.result.catch(() => {});
      await runner.close();
    });
  });

  suite.describe("a tracer tells", () => {
    for (const scenario of SCENARIOS) {
      test(`of ${scenario.name}`, false, async ({ plugin, written }) => {
        const { agents } = await outcomeOf(scenario, [plugin]);
        await plugin.close?.();
        const text = await written();
        for (const agent of agents) check(text.includes(agent), `agent "${agent}" is not in what was written`);
      });
    }
  });

  suite.describe("a tracer gives away", () => {
    for (const scenario of SCENARIOS) {
      test(`no contents of ${scenario.name}`, false, async ({ plugin, written }) => {
        await outcomeOf(scenario, [plugin]);
        await plugin.close?.();
        const text = await written();
        for (const [kind, canary] of Object.entries(CANARIES)) absent(text, canary, kind);
      });
      test(`no secrets of ${scenario.name}, whatever is captured`, true, async ({ plugin, written }) => {
        await outcomeOf(scenario, [plugin]);
        await plugin.close?.();
        const text = await written();
        for (const kind of SECRETS) absent(text, CANARIES[kind], kind);
      });
    }
    test("contents, where they are asked for", true, async ({ plugin, written }) => {
      for (const scenario of SCENARIOS) await outcomeOf(scenario, [plugin]);
      await plugin.close?.();
      const text = await written();
      const asked: readonly (keyof Canaries)[] = ["message", "answer", "argument", "payload", "result", "reason"];
      for (const kind of asked)
        check(text.includes(CANARIES[kind]), `the ${kind} is not in what was written although it was asked for`);
    });
  });

  suite.describe("a tracer closes", () => {
    test("twice, and before any run", false, async ({ plugin }) => {
      await plugin.close?.();
      await plugin.close?.();
    });
  });
}

function absent(text: string, canary: string, kind: string): void {
  const forms = [canary, JSON.stringify(canary).slice(1, -1), encodeURIComponent(canary), btoa(canary)];
  const found = forms.find((form) => text.includes(form));
  if (found === undefined) return;
  const at = text.indexOf(found);
  throw new Error(`the ${kind} got out: …${text.slice(Math.max(0, at - 120), at + found.length + 40)}…`);
}

interface Outcome {
  readonly result: readonly string[];
  readonly events: readonly string[];
  readonly agents: readonly string[];
  readonly error: string | undefined;
}

/** All that a run has led to, without what differs from run to run. */
export async function outcomeOf(
  scenario: Scenario,
  plugins: readonly Plugin[],
  options: RunnerOptions = {},
): Promise<Outcome> {
  const setup = scenario.setup();
  const runner = new Runner({ plugins, clock: testClock(), newId: testIds(), ...options });
  const events: RunEvent[] = [];
  const done = await runOf(runner, setup, setup.input, events);
  let items = done.items;
  if (setup.resume && done.pending) {
    items = (await runOf(runner, setup, setup.resume(items, done.pending), events)).items;
  }
  check(
    (done.error !== undefined) === (scenario.fails === true),
    `${scenario.name}: ${done.error === undefined ? "it did not fail" : `it failed: ${messageOf(done.error)}`}`,
  );
  if (!scenario.fails) setup.model.assertDone();
  return {
    result: transcript(items),
    events: eventSequence(events, { deltas: true }),
    agents: [...new Set(events.map(({ agent }) => agent))],
    error: done.error === undefined ? undefined : messageOf(done.error),
  };
}

type Pending = Parameters<NonNullable<ScenarioSetup["resume"]>>[1];
type Items = Parameters<NonNullable<ScenarioSetup["resume"]>>[0];
interface Done {
  readonly items: readonly Extract<Items[number], { readonly id: string }>[];
  readonly pending?: Pending | undefined;
  readonly error?: unknown;
}

async function runOf(
  runner: Runner,
  { agent, options = {} }: ScenarioSetup,
  input: ScenarioSetup["input"],
  events: RunEvent[],
): Promise<Done> {
  const stream = runner.stream(agent as Agent, input, options);
  stream.result.catch(() => {});
  try {
    for await (const event of stream) events.push(event);
    const { history, pending } = await stream.result;
    return { items: history, pending: pending[0] };
  } catch (error) {
    const items = (error as { readonly items?: Done["items"] }).items ?? [];
    return { items, error };
  }
}

async function answerOf(runner: Runner, number: number): Promise<string> {
  const model = scriptedModel([say(`answer ${number}`)]);
  const agent: AnyAgent = new Agent({ name: `Agent ${number}`, model });
  return (await runner.run(agent as Agent, `question ${number}`)).finalOutput ?? "";
}
