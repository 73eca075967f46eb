import {
  handoff,
  Agent,
  type Model,
  type ModelEvent,
  type RunResult,
  Runner,
  type Plugin,
  budget,
} from "@batonjs/core";
import {
  call,
  calls,
  checkRequest,
  fail,
  handOff,
  invariantsOf,
  reason,
  say,
  type Script,
  scriptedModel,
  type TestClock,
  testClock,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { bank, BROKEN, notesOf, PAID } from "../test/desk.ts";
import { predict, routed, router } from "./index.ts";

/** Waits a second of the test's clock before each reply, as a provider does; tells who was asked and cut off. */
function slow(clock: TestClock, log: string[], ms = 1000): Plugin {
  return {
    name: "slow",
    wrapModel: (model: Model) => ({
      name: model.name,
      provider: model.provider,
      async *stream(request): AsyncGenerator<ModelEvent> {
        const { agent } = request.at;
        checkRequest(request);
        log.push(`${clock.now()}: ${agent} asked`);
        await new Promise<void>((resolve, reject) => {
          const stop = (): void => {
            clock.clearTimeout(timer);
            log.push(`${clock.now()}: ${agent} stopped`);
            reject(request.signal.reason as Error);
          };
          const timer = clock.setTimeout(() => {
            request.signal.removeEventListener("abort", stop);
            log.push(`${clock.now()}: ${agent} answers`);
            resolve();
          }, ms);
          request.signal.addEventListener("abort", stop);
        });
        yield* model.stream(request);
      },
    }),
  };
}

interface Played {
  readonly result: RunResult<string>;
  readonly log: readonly string[];
  readonly tookMs: number;
  readonly pending: number;
}

/** Runs the desk with slow models, on one message that the router expects to be for billing. */
async function play(script: Script, options: Parameters<typeof bank>[1] = {}, ...more: Plugin[]): Promise<Played> {
  const clock = testClock(0);
  const log: string[] = [];
  const { triage } = bank(script, options);
  const desk = router();
  await desk.fit(triage); // the words are read from the disk, which the test's clock knows nothing of
  const runner = new Runner({ clock, plugins: [...more, predict(desk), slow(clock, log)] });
  let done = false;
  const result = runner.run(triage, "refund please").finally(() => (done = true));
  result.catch(() => {});
  while (!done && clock.now() < 20_000) await clock.advance(100);
  return { result: await result, log, tookMs: clock.now(), pending: clock.pending };
}

describe("predict()", () => {
  it("makes triage and specialist take as long as one of them", async () => {
    const { result, log, tookMs, pending } = await play({
      "Triage Agent": [handOff("billing")],
      "Billing Agent": [say("Refunded.")],
    });
    expect(result.finalOutput).toBe("Refunded.");
    expect(log).toEqual([
      "0: Triage Agent asked",
      "0: Billing Agent asked",
      "1000: Triage Agent answers",
      "1000: Billing Agent answers",
    ]);
    expect(tookMs).toBeLessThanOrEqual(1100);
    expect(pending).toBe(0);
    expect(result.usage.requests).toBe(2);
    expect(invariantsOf(result.history)).toEqual([]);
    expect(notesOf(result.history)).toEqual([
      {
        kind: "prediction",
        handoff: "transfer_to_billing_agent",
        to: "Billing Agent",
        outcome: "adopted",
        responseId: "resp_billing_agent_2",
      },
    ]);
  });

  it("takes two turns of time without it", async () => {
    const clock = testClock(0);
    const { triage } = bank({ "Triage Agent": [handOff("billing")], "Billing Agent": [say("Refunded.")] });
    const result = new Runner({ clock, plugins: [slow(clock, [])] }).run(triage, "refund please");
    await clock.advance(2000);
    await result;
    expect(clock.now()).toBe(2000);
  });

  it("streams what the specialist says as it is said", async () => {
    const clock = testClock(0);
    const { triage } = bank({ "Triage Agent": [handOff("billing")], "Billing Agent": [say(["Re", "fun", "ded."])] });
    const desk = router();
    await desk.fit(triage);
    const runner = new Runner({ clock, plugins: [predict(desk), slow(clock, [])] });
    const stream = runner.stream(triage, "refund please");
    const texts = Array<string>();
    const reading = (async () => {
      for await (const text of stream.textStream) texts.push(text);
    })();
    await clock.advance(1000);
    await reading;
    expect(texts).toEqual(["Re", "fun", "ded."]);
  });

  it.each([
    ["another handoff", [handOff("technical")], "Technical Agent"],
    ["an answer", [say("It is closed today.")], undefined],
    ["text beside the handoff", [calls(say("One moment."), handOff("billing"))], "Billing Agent"],
    ["two handoffs", [calls(handOff("billing"), handOff("technical"))], "Billing Agent"],
    ["a tool beside the handoff", [calls(call("clock", {}), handOff("billing"))], "Billing Agent"],
  ] as const)("cancels and counts the guess where triage makes %s", async (_, replies, then) => {
    const script = { "Triage Agent": [...replies], ...(then === undefined ? {} : { [then]: [say("Done.")] }) };
    const { result, log, pending } = await play(script, { tools: true });
    expect(log).toContain("1000: Billing Agent stopped");
    expect(notesOf(result.history)).toMatchObject([{ kind: "prediction", outcome: "wrong" }]);
    expect(result.history.filter((item) => item.type === "turn" && item.purpose === "prediction")).toHaveLength(1);
    expect(pending).toBe(0);
    expect(invariantsOf(result.history)).toEqual([]);
  });

  it("cancels a guess whose payload is another", async () => {
    const inputType = { type: "object", properties: { order: { type: "string" } } } as const;
    const script = { "Triage Agent": [handOff("billing", { order: "A-1" })], "Billing Agent": [say("Done.")] };
    const { result, tookMs } = await play(script, { inputType });
    expect(notesOf(result.history)).toMatchObject([{ outcome: "wrong" }]);
    expect(tookMs).toBeGreaterThanOrEqual(2000);
  });

  it("adopts beside the reasoning of triage, which is its own", async () => {
    const script = {
      "Triage Agent": [calls(reason("It is about money."), handOff("billing"))],
      "Billing Agent": [say("Refunded.")],
    };
    const { result, tookMs } = await play(script);
    expect(tookMs).toBeLessThanOrEqual(1100);
    expect(notesOf(result.history)).toMatchObject([{ outcome: "adopted" }]);
    expect(invariantsOf(result.history)).toEqual([]);
  });

  it("guesses nothing where something has to run before the handoff", async () => {
    const open = { name: "open", check: () => ({ allow: true as const }) };
    const script = { "Triage Agent": [handOff("billing")], "Billing Agent": [say("Done.")] };
    const { result, log } = await play(script, { guardrails: [open] });
    expect(log.filter((line) => line.endsWith("asked"))).toEqual([
      "0: Triage Agent asked",
      "1000: Billing Agent asked",
    ]);
    expect(notesOf(result.history)).toEqual([]);
  });

  it("asks the specialist as usual where the guessed call fails", async () => {
    const script = { "Triage Agent": [handOff("billing")], "Billing Agent": [fail(new Error("busy")), say("Done.")] };
    const { triage } = bank(script);
    let wait = Promise.resolve();
    const late: Plugin = {
      name: "late",
      wrapModel: (model, { agent }) => ({
        ...model,
        name: model.name,
        provider: model.provider,
        async *stream(request): AsyncGenerator<ModelEvent> {
          if (agent === "Triage Agent") await wait;
          yield* model.stream(request);
        },
      }),
    };
    wait = new Promise((resolve) => void setTimeout(resolve, 20));
    const result = await new Runner({ plugins: [predict(router()), late] }).run(triage, "refund please");
    expect(result.finalOutput).toBe("Done.");
    expect(notesOf(result.history)).toMatchObject([{ outcome: "unused" }]);
  });

  it("asks the specialist where what it sees is not what was foreseen", async () => {
    const model = scriptedModel({
      "Triage Agent": [handOff("billing")],
      "Billing Agent": [say("Guessed."), say("Asked.")],
    });
    let filtered = 0;
    const billing = new Agent({ name: "Billing Agent", model });
    const technical = new Agent({ name: "Technical Agent", model });
    const inputFilter = ({
      inputHistory,
    }: {
      readonly inputHistory: readonly unknown[];
    }): { inputHistory: never[] } => {
      filtered += 1;
      const put = { type: "message", role: "user", content: `seen ${filtered} times` };
      return { inputHistory: [...inputHistory, put] as never[] };
    };
    const triage = new Agent({
      name: "Triage Agent",
      model,
      handoffs: [handoff(billing, { ...PAID, inputFilter }), handoff(technical, BROKEN)],
    });
    const clock = testClock(0);
    const log: string[] = [];
    const run = new Runner({ clock, plugins: [predict(router()), slow(clock, log, 1000)] }).run(
      triage,
      "refund please",
    );
    await clock.advance(5000);
    const result = await run;
    expect(filtered).toBe(2);
    expect(notesOf(result.history)).toMatchObject([{ outcome: "unused" }]);
    expect(result.history.filter((item) => item.type === "turn")).toHaveLength(3);
  });

  it("stops the guess with the run", async () => {
    const clock = testClock(0);
    const log: string[] = [];
    const { triage } = bank({});
    const plugin = predict(router());
    const controller = new AbortController();
    const runner = new Runner({ clock, plugins: [plugin, slow(clock, log)] });
    const run = runner.run(triage, "refund please", { signal: controller.signal });
    run.catch(() => {});
    await clock.advance(500);
    controller.abort(new Error("the user left"));
    await expect(run).rejects.toThrow();
    await clock.settle();
    expect(log).toContain("500: Billing Agent stopped");
    expect(clock.pending).toBe(0);
  });

  it("stops the guess of a run that ends between triage and specialist", async () => {
    const script = { "Triage Agent": [handOff("billing")], "Billing Agent": [say("Done.")] };
    const clock = testClock(0);
    const log: string[] = [];
    const { triage } = bank(script);
    // The specialist thinks for long, and the budget is used up by triage.
    const plugins = [budget({ maxTokens: 1 }), predict(router()), slow(clock, log)];
    const run = new Runner({ clock, plugins }).run(triage, "refund please");
    run.catch(() => {});
    await clock.advance(999);
    await clock.advance(1);
    await expect(run).rejects.toThrow("maxTokens");
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  it("bounds the calls under way, and lets go of all of them when it is closed", async () => {
    const clock = testClock(0);
    const log: string[] = [];
    const plugin = predict(router(), { maxPending: 2 });
    const runner = new Runner({ clock, plugins: [plugin, slow(clock, log)] });
    const runs = [1, 2, 3].map(() => runner.run(bank({}).triage, "refund please").catch(() => {}));
    await clock.advance(100);
    expect(log.filter((line) => line === "0: Billing Agent asked")).toHaveLength(2);
    await plugin.close?.();
    await clock.settle();
    expect(log.filter((line) => line.endsWith("Billing Agent stopped"))).toHaveLength(2);
    await clock.advance(5000);
    await Promise.all(runs);
  });

  it("starts nothing where the router decides at once", async () => {
    const { result, log } = await play({ "Billing Agent": [say("Refunded.")] }, {}, routed());
    expect(log).toEqual(["0: Billing Agent asked", "1000: Billing Agent answers"]);
    expect(result.finalOutput).toBe("Refunded.");
  });

  it("keeps runs apart that go on at once", async () => {
    const clock = testClock(0);
    const plugins = [predict(router()), slow(clock, [])];
    const runner = new Runner({ clock, plugins });
    const runs = ["refund please", "the app crashes"].map((text, i) => {
      const to = i === 0 ? "Billing Agent" : "Technical Agent";
      return runner.run(bank({ "Triage Agent": [handOff(to)], [to]: [say(text)] }).triage, text);
    });
    await clock.advance(1000);
    expect((await Promise.all(runs)).map(({ finalOutput }) => finalOutput)).toEqual([
      "refund please",
      "the app crashes",
    ]);
  });

  it("checks its options", () => {
    expect(() => predict(router(), { threshold: 2 })).toThrow(RangeError);
    expect(() => predict(router(), { threshold: 2 })).toThrow("Cannot use 2 as threshold of predict()");
    expect(() => predict(router(), { maxPending: 0 })).toThrow(
      "Cannot use 0 as maxPending as it must be a positive integer",
    );
  });
});
