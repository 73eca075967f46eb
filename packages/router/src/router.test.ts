import { Agent, handBack, handoff, type JsonSchema, run, Runner } from "@batonjs/core";
import {
  call,
  collect,
  eventSequence,
  fail,
  handOff,
  invariantsOf,
  requestOf,
  say,
  scriptedModel,
  testIds,
} from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { bank, notesOf, PAID, userSays } from "../test/desk.ts";
import { type ClassifierKind, lexical, type Rung, routed, router } from "./index.ts";

describe("router()", () => {
  it("answers a triage turn with the handoff's call: 1 model call, and 1 for the follow-up", async () => {
    const { triage, model } = bank({ "Billing Agent": [say("Refunded."), say("Three days.")] });
    const runner = new Runner({ plugins: [routed()] });
    const first = await runner.run(triage, "refund please");
    expect(first.lastAgent.name).toBe("Billing Agent");
    expect(model.requests).toHaveLength(1);
    const second = await runner.run(triage, [
      ...first.toInputList(),
      { role: "user", content: "when will it arrive?" },
    ]);
    expect(second.finalOutput).toBe("Three days.");
    expect(model.requests).toHaveLength(2);
    expect(invariantsOf(second.history)).toEqual([]);
  });

  it("leaves a message that it is not sure of to the triage model: 2 calls, and 1 for the follow-up", async () => {
    const { triage, model } = bank({
      "Triage Agent": [handOff("billing")],
      "Billing Agent": [say("Refunded."), say("Three days.")],
    });
    const runner = new Runner({ plugins: [routed()] });
    const first = await runner.run(triage, "something is odd with what you took from me");
    expect(model.requests.map(({ at }) => at.agent)).toEqual(["Triage Agent", "Billing Agent"]);
    await runner.run(triage, [...first.toInputList(), { role: "user", content: "when will it arrive?" }]);
    expect(model.requests).toHaveLength(3);
    expect(notesOf(first.history)).toMatchObject([
      { kind: "decision", to: null, rung: "model", abstained: [{ rung: "examples", why: "unsure" }] },
    ]);
  });

  it("tells what it decided, by what, and from which examples, in the record and the events", async () => {
    const { triage } = bank({ "Billing Agent": [say("Refunded.")] });
    const runner = new Runner({ plugins: [routed()], newId: testIds() });
    const events = await collect(runner.stream(triage, "refund please"));
    expect(eventSequence(events, { maxText: 60 })).toMatchInlineSnapshot(`
      [
        "run_started Triage Agent",
        "item user: "refund please"",
        "turn_started Triage Agent, turn 1 of scripted, 1 item, offered transfer_to_billing_agent, transfer_to_technical_agent",
        "item note of router: {"kind":"decision","to":"Billing Agent","handoff":"transfer_…",
        "item Triage Agent calls transfer_to_billing_agent({}) [call_route_25ad2c257744cc1c_0]",
        "item turn of Triage Agent: tool_calls",
        "turn_finished Triage Agent tool_calls",
        "item result of call_route_25ad2c257744cc1c_0: "The conversation is with Billing Agent now."",
        "item handoff Triage Agent → Billing Agent",
        "handoff Triage Agent → Billing Agent",
        "turn_started Billing Agent, turn 2 of scripted, 3 items, offered transfer_back",
        "item Billing Agent: "Refunded."",
        "item turn of Billing Agent: stop",
        "turn_finished Billing Agent stop",
        "run_finished Billing Agent completed",
      ]
    `);
    const notes = notesOf(events.flatMap((event) => (event.type === "item" ? [event.item] : [])));
    expect(notes).toMatchObject([
      {
        to: "Billing Agent",
        handoff: "transfer_to_billing_agent",
        rung: "examples",
        intent: "refund",
        nearest: [{ to: "Billing Agent", text: "refund please" }, {}, {}],
      },
    ]);
  });

  it.each([
    "what is the weather in Lisbon?",
    "tell me a joke",
    " ",
    "?!",
    "12345",
    "хочу поговорить о погоде",
    "天気はどうですか",
  ])("never forces a message out of scope into a specialist: %j", async (text) => {
    const { triage, model } = bank({ "Triage Agent": [say("I cannot help with that.")] });
    await new Runner({ plugins: [routed()] }).run(triage, text);
    expect(model.requests.map(({ at }) => at.agent)).toEqual(["Triage Agent"]);
  });

  it("reads 100,000 characters, other scripts and broken text", async () => {
    const { triage, model } = bank({ "Billing Agent": [say("Done.")] });
    const rules = [{ to: "Billing Agent", match: /返金/g }];
    const plugins = [routed({ rules })];
    await new Runner({ plugins }).run(triage, `返金してください${"あ".repeat(100_000)}`);
    expect(model.requests).toHaveLength(1);
    const { triage: another } = bank({ "Triage Agent": [say("Too long.")] });
    const started = performance.now();
    await new Runner({ plugins }).run(another, "\ud800 word ".repeat(14_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("asks rules first, then own rungs, then examples, then the decider, then the triage model", async () => {
    const asked: string[] = [];
    const own: Rung = {
      name: "own",
      judge: () => {
        asked.push("own");
        return undefined;
      },
    };
    const decider = scriptedModel([say('{"to":"transfer_to_technical_agent","confidence":0.9}')], { name: "small" });
    const { triage, model } = bank({ "Technical Agent": [say("Restart it.")] });
    const rules = [{ to: "Billing Agent", match: () => asked.push("rules") > 1 }];
    const result = await new Runner({ plugins: [routed({ rules, rungs: [own], decider })] }).run(triage, "it is odd");
    expect(asked).toEqual(["rules", "own"]);
    expect(result.lastAgent.name).toBe("Technical Agent");
    expect(model.requests).toHaveLength(1);
    expect(notesOf(result.history)).toMatchObject([
      { rung: "decider", score: 0.9, abstained: [{ rung: "rules" }, { rung: "own" }, { rung: "examples" }] },
    ]);
    expect(result.history.filter((item) => item.type === "turn" && item.purpose === "routing")).toMatchObject([
      { model: "small", usage: { inputTokens: 10, outputTokens: 5 } },
    ]);
    const request = decider.request(0);
    expect(request).toMatchObject({ tools: [], handoffs: [], output: { name: "route" }, at: { purpose: "routing" } });
  });

  it.each([
    ["is not sure", '{"to":"transfer_to_technical_agent","confidence":0.2}'],
    ["chooses none", '{"to":"none","confidence":1}'],
    ["chooses what is not offered", '{"to":"transfer_to_nobody","confidence":1}'],
    ["writes no JSON", "technical, I think"],
    ["writes broken JSON", '{"to": "trans'],
  ])("asks the triage model where the decider %s", async (_, text) => {
    const decider = scriptedModel([say(text)], { name: "small" });
    const { triage, model } = bank({ "Triage Agent": [say("What is it about?")] });
    const result = await new Runner({ plugins: [routed({ decider })] }).run(triage, "it is odd");
    expect(result.finalOutput).toBe("What is it about?");
    expect(model.requests).toHaveLength(1);
    expect(result.usage.inputTokens).toBe(20);
  });

  it("asks the triage model where the decider or a rule fails, and notes it", async () => {
    const decider = scriptedModel([fail(new Error("no route to host"))], { name: "small" });
    const { triage } = bank({ "Triage Agent": [say("What is it about?")] });
    const rules = [{ to: "Billing Agent", match: (): boolean => JSON.parse("{") as boolean }];
    const result = await new Runner({ plugins: [routed({ decider, rules })] }).run(triage, "it is odd");
    expect(notesOf(result.history)).toMatchObject([
      {
        abstained: [
          { rung: "rules", why: expect.stringContaining("failed: ") },
          { rung: "examples" },
          { rung: "decider", why: "failed: no route to host" },
        ],
      },
    ]);
  });

  describe("with a payload", () => {
    const inputType: JsonSchema = { type: "object", properties: { order: { type: "string" } }, required: ["order"] };

    it("leaves a handoff to the next rung where nobody fills it", async () => {
      const script = { "Triage Agent": [handOff("billing", { order: "A-1" })], "Billing Agent": [say("Done.")] };
      const { triage, model } = bank(script, { inputType });
      const result = await new Runner({ plugins: [routed()] }).run(triage, "refund please");
      expect(model.requests).toHaveLength(2);
      expect(notesOf(result.history)).toMatchObject([{ abstained: [{ why: "needs_payload", to: "Billing Agent" }] }]);
    });

    it("makes a handoff with what the given function fills", async () => {
      const { triage, model } = bank({ "Billing Agent": [say("Done.")] }, { inputType });
      const payload = (_: unknown, { text }: { readonly text: string }): { order: string } | undefined => {
        const order = /[A-Z]-\d+/.exec(text)?.[0];
        return order === undefined ? undefined : { order };
      };
      const plugins = [routed({ payload })];
      const result = await new Runner({ plugins }).run(triage, "give me a refund for this order A-1");
      expect(model.requests).toHaveLength(1);
      expect(result.history.find((item) => item.type === "handoff")?.input).toEqual({ order: "A-1" });
    });

    it("asks the triage model where what is filled does not fit", async () => {
      const { triage, model } = bank({ "Triage Agent": [say("Which order?")] }, { inputType });
      const wrong = new Runner({ plugins: [routed({ payload: () => ({ order: 1 }) })] });
      const result = await wrong.run(triage, "refund please");
      expect(result.finalOutput).toBe("Which order?");
      expect(model.requests).toHaveLength(1);
    });

    it("asks the triage model where what is filled is no JSON", async () => {
      const { triage } = bank({ "Triage Agent": [say("Which order?")] }, { inputType });
      const broken = new Runner({ plugins: [routed({ payload: () => ({ order: 1n }) as never })] });
      const { history } = await broken.run(triage, "refund please");
      expect(notesOf(history)).toMatchObject([
        { abstained: [{ why: expect.stringMatching(/^failed: .*BigInt/) }, { why: "needs_payload" }] },
      ]);
    });
  });

  it("leaves an agent that was refused, and one at work, to its model", async () => {
    const closed = { name: "closed", check: () => ({ allow: false as const, reason: "closed" }) };
    const script = { "Triage Agent": [call("clock", {}), say("We are closed.")] };
    const { triage, model } = bank(script, { guardrails: [closed], tools: true });
    const result = await new Runner({ plugins: [routed()] }).run(triage, "refund please");
    expect(result.finalOutput).toBe("We are closed.");
    expect(model.requests).toHaveLength(2);
  });

  it("decides again when a specialist hands back, but not for the same one", async () => {
    const script = { "Billing Agent": [call("transfer_back", {})], "Technical Agent": [say("Restart it.")] };
    const { triage, model } = bank(script);
    const had = ({ request }: { readonly request: { readonly items: readonly unknown[] } }): boolean =>
      request.items.length > 1;
    const rules = [
      { to: "Technical Agent", match: (_: string, question: Parameters<typeof had>[0]) => had(question) },
      { to: "Billing Agent", match: /refund/ },
    ];
    const result = await new Runner({ plugins: [routed({ rules })] }).run(triage, "refund for the crash");
    expect(result.lastAgent.name).toBe("Technical Agent");
    expect(model.requests.map(({ at }) => at.agent)).toEqual(["Billing Agent", "Technical Agent"]);
    const again = bank({ "Billing Agent": [call("transfer_back", {})], "Triage Agent": [say("Hm.")] });
    await new Runner({ plugins: [routed()] }).run(again.triage, "refund please");
    expect(again.model.requests.map(({ at }) => at.agent)).toEqual(["Billing Agent", "Triage Agent"]);
  });

  it("does not route where the agent has no choice, can hand back, or is not named", async () => {
    const model = scriptedModel((request) => say(request.at.agent));
    const one = new Agent({ name: "One", model });
    const two = new Agent({ name: "Two", model });
    const rules = [{ to: "One", match: /./ }];
    const alone = new Agent({ name: "Alone", model, handoffs: [one] });
    const specialist = new Agent({ name: "Specialist", model, handoffs: [one, two, handBack()] });
    const entry = new Agent({ name: "Entry", model, handoffs: [specialist, two] });
    const answerOf = async (agent: Agent, ...plugins: ReturnType<typeof routed>[]): Promise<string | undefined> =>
      (await new Runner({ plugins }).run(agent, "hello")).finalOutput;
    expect(await answerOf(alone, routed({ rules }))).toBe("Alone");
    expect(await answerOf(entry, routed({ rules }))).toBe("Entry");
    expect(await answerOf(entry, routed({ rules: [...rules, { to: "Specialist", match: /./ }] }))).toBe("Specialist");
    expect(await answerOf(alone, routed({ rules, agents: ["Alone"] }))).toBe("One");
    expect(await answerOf(entry, routed({ rules: [{ to: "Two", match: /./ }], agents: ["Alone"] }))).toBe("Entry");
  });

  it("knows handoffs that lead back by their names", async () => {
    const model = scriptedModel((request) => say(request.at.agent));
    const one = new Agent({ name: "One", model });
    const two = new Agent({ name: "Two", model });
    const way = handBack({ toolName: "return_to_desk" });
    const specialist = new Agent({ name: "Specialist", model, handoffs: [one, two, way] });
    const triage = new Agent({ name: "Triage", model, handoffs: [specialist, two] });
    const rules = ["Specialist", "One"].map((to) => ({ to, match: /./ }));
    const runner = new Runner({ plugins: [routed({ rules, back: ["return_to_desk"] })] });
    expect((await runner.run(triage, "hello")).finalOutput).toBe("Specialist");
    const other = new Runner({ plugins: [routed({ rules })] });
    expect((await other.run(triage, "hello")).finalOutput).toBe("One");
  });

  it("is a model: with a triage model behind it, or none", async () => {
    const model = scriptedModel((request) => say(request.at.agent));
    const billing = new Agent({ name: "Billing", model });
    const technical = new Agent({ name: "Technical", model });
    const handoffs = [handoff(billing, PAID), handoff(technical, { when: "crashes, errors" })] as const;
    const without = new Agent({ name: "Triage", model: router(), handoffs });
    expect((await run(without, "hello")).finalOutput).toBe(
      "I can hand you over to: Billing, Technical. What is it about?",
    );
    expect((await run(without, "refund please")).finalOutput).toBe("Billing");
    const behind = router({ model });
    expect([behind.name, behind.provider]).toEqual(["scripted", "scripted"]);
    const result = await run(new Agent({ name: "Triage", model: behind, handoffs }), "hello");
    expect(result.finalOutput).toBe("Triage");
    expect(result.history.findLast((item) => item.type === "turn")).toMatchObject({ model: "scripted" });
  });

  it("does not take a message for a handoff that says it is not for it", async () => {
    const { triage } = bank({ "Triage Agent": [say("Let me think.")] });
    const result = await new Runner({ plugins: [routed()] }).run(triage, "refund please for a tax return");
    expect(result.finalOutput).toBe("Let me think.");
  });

  it("keeps what the agent's own tools are for", async () => {
    const { triage } = bank({ "Triage Agent": [say("It is nine.")] }, { tools: true });
    const result = await new Runner({ plugins: [routed()] }).run(triage, "what time is it");
    expect(result.finalOutput).toBe("It is nine.");
    expect(notesOf(result.history)).toMatchObject([{ to: null, rung: "examples" }]);
  });

  it("knows agents without examples by what describes them", async () => {
    const cards = new Agent({ name: "Cards", handoffDescription: "Lost, stolen and blocked bank cards." });
    const triage = new Agent({ name: "Triage", handoffs: [cards, new Agent({ name: "Loans" })] });
    const made = router();
    expect(await made.fit(triage)).toEqual({ examples: 5, agents: ["Cards", "Loans"], untaught: ["Cards", "Loans"] });
    expect(await made.classify("stolen card", triage)).toMatchObject({ to: "Cards" });
    expect(await made.classify("stolen card", "Triage")).toMatchObject({ to: "Cards" });
    expect(await made.classify("stolen card", "Nobody")).toBeUndefined();
  });

  it("learns the same handoffs once, whoever asks and however they are given", async () => {
    let fits = 0;
    const counting: ClassifierKind = { ...lexical(), fit: (examples) => (fits++, lexical().fit(examples)) };
    const made = router({ classifier: counting });
    for (let i = 0; i < 3; i++) {
      const { triage } = bank({ "Triage Agent": [say("Hm.")] }, { tools: true });
      await new Runner({ plugins: [routed(made)] }).run(triage, "hello there");
      await made.fit(triage);
    }
    expect(fits).toBe(1);
  });

  it("asks the triage model while its classifier cannot be fitted, and tries again", async () => {
    let fits = 0;
    const broken: ClassifierKind = { ...lexical(), fit: () => Promise.reject(new Error(`no memory ${(fits += 1)}`)) };
    const plugins = [routed({ classifier: broken })];
    for (const why of ["failed: no memory 1", "failed: no memory 2"]) {
      const { triage } = bank({ "Triage Agent": [say("Hm.")] });
      const { history } = await new Runner({ plugins }).run(triage, "hello there");
      expect(notesOf(history)).toMatchObject([{ abstained: [{ rung: "examples", why }] }]);
    }
    await expect(router({ classifier: broken }).fit(bank({}).triage)).rejects.toThrow("no memory 3");
  });

  it("stops with the run", async () => {
    const request = requestOf([userSays("refund please")], { signal: AbortSignal.abort(new Error("enough")) });
    await expect(collect(router().stream(request))).rejects.toThrow("enough");
  });
});

describe("the options of router()", () => {
  it.each([
    [{ thresholds: { examples: 1.5 } }, "Cannot use 1.5 as thresholds.examples as it must be a number from 0 to 1"],
    [{ thresholds: { decider: -1 } }, "Cannot use -1 as thresholds.decider as it must be a number from 0 to 1"],
    [{ thresholds: { rules: Number.NaN } }, "Cannot use NaN as thresholds.rules as it must be a number from 0 to 1"],
    [
      { rungs: [{ name: "own", threshold: 2, judge: () => undefined }] },
      'Cannot use 2 as threshold of rung "own" as it must be a number from 0 to 1',
    ],
  ])("are in range: %j", (options, message) => {
    expect(() => router(options)).toThrow(new RangeError(message));
  });
  it.each([
    [
      { thresholds: { example: 1 } },
      'Cannot use "example" as the name of a threshold: expected "rules", "examples", "decider"',
    ],
    [{ threshold: 0.9 }, 'Cannot use option "threshold" of a router: known options are '],
    [{ rules: [{ to: "A" }] }, "Cannot use rule 0 of the router"],
    [{ rungs: [{ name: "own" }] }, "Cannot use rung 0 of the router"],
    [{ model: "gpt" }, "Cannot use the model of the router: expected a Model"],
    [{ classifier: true }, "Cannot use the classifier of the router"],
    [{ saved: { version: 2 } }, "Cannot load a saved router: its version is 2, expected 1"],
    [{ saved: [] }, "Cannot load a saved router: it is not what save() gave"],
  ])("are of the right kind: %j", (options, message) => {
    expect(() => router(options as never)).toThrow(TypeError);
    expect(() => router(options as never)).toThrow(message);
  });
});

describe("save()", () => {
  it("keeps thresholds and what was learned, as JSON", async () => {
    const { triage } = bank({});
    const made = router({ classifier: lexical(), thresholds: { examples: 0.4 } });
    await made.fit(triage);
    const saved = await made.save();
    expect(JSON.parse(JSON.stringify(saved))).toEqual(saved);
    const unfit: ClassifierKind = { ...lexical(), fit: () => Promise.reject(new Error("fitted")) };
    const again = router({ saved, classifier: unfit });
    expect(again.thresholds).toEqual({ rules: 0.5, examples: 0.4, decider: 0.6 });
    expect(await again.classify("refund please", triage)).toEqual(await made.classify("refund please", triage));
    expect(router({ saved, thresholds: { examples: 0.9 } }).thresholds.examples).toBe(0.9);
    const other = router({ saved, classifier: { ...unfit, name: "other" } });
    await expect(other.fit(triage)).rejects.toThrow("fitted");
    const changed = router({ saved, classifier: unfit, outOfScope: ["how is the weather"] });
    await expect(changed.fit(triage)).rejects.toThrow("fitted");
    expect(await again.save()).toEqual(saved);
  });
});

describe("fitThresholds()", () => {
  const messages = [
    { text: "I was charged two times for one order", to: "Billing Agent" },
    { text: "send me the invoice for June", to: "transfer_to_billing_agent" },
    { text: "the app crashes at login every time", to: "Technical Agent" },
    { text: "an error message appears at start", to: "Technical Agent" },
    { text: "please charge my phone", to: null },
    { text: "who won the cup", to: null },
    { text: "Refund please!", to: "Billing Agent" },
  ];

  it("finds the lowest threshold for a wanted precision, and leaves examples out", async () => {
    const made = router();
    const { triage } = bank({});
    const fitted = await made.fitThresholds(triage, messages, { precision: 1 });
    expect(fitted).toMatchObject({ precision: 1, reached: true, messages: 6, leftOut: 1 });
    expect(fitted.coverage).toBeGreaterThan(0.5);
    expect(made.thresholds.examples).toBe(fitted.threshold);
    const loose = await made.fitThresholds(triage, messages, { precision: 0.5 });
    expect(loose.threshold).toBeLessThanOrEqual(fitted.threshold);
    expect(loose.coverage).toBeGreaterThanOrEqual(fitted.coverage);
  });

  it("decides nothing by examples where the precision cannot be had", async () => {
    const wrong = [{ text: "the app crashes at login every time", to: "Billing Agent" }];
    const fitted = await router().fitThresholds(bank({}).triage, wrong, { precision: 0.9 });
    expect(fitted).toMatchObject({ threshold: 1, reached: false, coverage: 0 });
  });

  it("rejects what it cannot use, by name", async () => {
    const made = router();
    const { triage } = bank({});
    await expect(made.fitThresholds(triage, messages, { precision: 97 })).rejects.toThrow(
      new RangeError("Cannot use 97 as precision as it must be a number from 0 to 1"),
    );
    await expect(made.fitThresholds(triage, [{ text: "hm", to: "Sales" }], { precision: 0.9 })).rejects.toThrow(
      'Cannot use message 1 to fit thresholds: agent "Triage Agent" has no handoff to "Sales"; known are "Billing Agent", "Technical Agent"',
    );
    await expect(made.fitThresholds(triage, [], { precision: 0.9 })).rejects.toThrow(
      "there is no message to fit them on",
    );
    const alone = new Agent({ name: "Alone", handoffs: [new Agent({ name: "One" })] });
    await expect(made.fitThresholds(alone, messages, { precision: 0.9 })).rejects.toThrow(
      "it has no two handoffs to tell apart",
    );
  });
});
