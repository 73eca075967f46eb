import "@batonjs/testing/vitest";
import { call, handOff, say, scriptedModel, testClock } from "@batonjs/testing";
import { hostileCallbacks, hostileNumbers, hostileTexts } from "@batonjs/testing/corpus";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  Agent,
  budget,
  compact,
  fallback,
  handBack,
  handoff,
  memorySessions,
  retry,
  run,
  Runner,
  seals,
  stream,
  summarize,
  timeout,
  tool,
} from "./index.ts";

/** Options as a caller without types would write them. */
type Any = never;
const target = new Agent({ name: "Target" });
/** A value as a message shows it. */
const quoted = (value: unknown): string => (typeof value === "string" ? `"${value}"` : String(value));
const agentWith = (options: object) => () => new Agent({ name: "A", ...options } as Any);
const toolWith = (options: object) => () => tool({ name: "t", ...options } as Any);
const handoffWith = (options: object) => () => handoff(target, options as Any);
const handBackWith = (options: object) => () => handBack(options as Any);
const asToolWith = (options: object) => () => target.asTool(options as Any);

const noText: readonly unknown[] = [5, null, true, {}, [], () => "x"];
const noFlag: readonly unknown[] = [5, null, "yes", {}, []];
const noFunction: readonly unknown[] = [5, null, "yes", {}, [], true];
const noGuardrails: readonly unknown[] = [
  5,
  null,
  "x",
  {},
  () => true,
  [null],
  [() => true],
  [{ name: "g" }],
  [{ check: () => true }],
  [{ name: "g", check: "x" }],
];
const noSchema: readonly unknown[] = ["x", 5, true, z.string(), { type: "array" }];
const noExamples: readonly unknown[] = ["text", 5, null, [5], { intent: "text" }, { intent: [5] }, [["nested"]]];
const criteria: readonly (readonly [string, readonly unknown[]])[] = [
  ["when", noText],
  ["notFor", noText],
  ["examples", noExamples],
];

/** What is made, its name in messages, and values that each option refuses. */
const refused: readonly (readonly [
  string,
  (options: object) => () => unknown,
  string,
  readonly (readonly [string, readonly unknown[]])[],
])[] = [
  [
    "Agent",
    agentWith,
    'agent "A"',
    [
      ["instructions", [5, null, true, {}, []]],
      ["handoffDescription", noText],
      ["model", [5, null, true, {}, { stream: "x" }, () => "x"]],
      ["settings", [5, null, "x", []]],
      ["tools", [5, null, "x", {}, new Set()]],
      ["inputGuardrails", noGuardrails],
      ["outputGuardrails", noGuardrails],
      ["toolUseBehavior", [5, null, "stop", {}, { stopAtToolNames: "x" }]],
    ],
  ],
  [
    "tool()",
    toolWith,
    'tool "t"',
    [
      ["description", noText],
      ["strict", [...noFlag, () => true]],
      ["execute", noFunction],
      ["verify", noFunction],
      ["onError", noFunction],
      ["sideEffects", ["twice", 5, null, true]],
      ["needsApproval", noFlag],
      ["isEnabled", noFlag],
      ["inputGuardrails", noGuardrails],
      ["outputGuardrails", noGuardrails],
      ...criteria,
    ],
  ],
  [
    "handoff()",
    handoffWith,
    'a handoff to agent "Target"',
    [
      ["toolDescription", noText],
      ["strict", [...noFlag, () => true]],
      ["onHandoff", noFunction],
      ["inputFilter", [5, null, "x", {}, [5], [() => ({}), "x"]]],
      ["needsApproval", noFlag],
      ["isEnabled", noFlag],
      ["guardrails", noGuardrails],
      ["mode", ["back", "once", 5, null]],
      ...criteria,
    ],
  ],
  [
    "handBack()",
    handBackWith,
    "a handoff back",
    [["toolDescription", noText], ["inputFilter", [5, "x"]], ["isEnabled", noFlag], ...criteria],
  ],
  [
    "asTool()",
    asToolWith,
    'tool "target" of agent "Target"',
    [
      ["description", noText],
      ["input", noFunction],
      ["output", noFunction],
      ["needsApproval", noFlag],
      ["isEnabled", noFlag],
      ...criteria,
    ],
  ],
];

describe("options", () => {
  for (const [what, make, name, options] of refused) {
    for (const [option, values] of options) {
      it(`${what} refuses a wrong ${option} when it is made, and names it`, () => {
        for (const value of values) {
          expect(make({ [option]: value }), JSON.stringify(value)).toThrow(TypeError);
          expect(make({ [option]: value })).toThrow(` as ${option} of ${name}: expected `);
        }
      });

      it(`${what} takes undefined as ${option} for the default`, () => {
        expect(make({ [option]: undefined })).not.toThrow();
      });
    }

    it(`${what} refuses an option that it does not know, and names those that it does`, () => {
      for (const option of ["tool", "needApproval", "__proto", "constructor"]) {
        expect(make({ [option]: 1 })).toThrow(`Cannot use option "${option}" of ${name}: known options are `);
      }
    });

    it(`${what} refuses schemas that are none of an object`, () => {
      const option = { Agent: undefined, "handBack()": undefined, "handoff()": "inputType" }[what] ?? "parameters";
      if (what === "Agent" || what === "handBack()") return;
      for (const value of noSchema)
        expect(make({ [option]: value })).toThrow(/^Cannot use .* schema of|^Cannot use the schema of/);
    });

    for (const { what: kind, value, expected } of hostileNumbers) {
      const option = { "tool()": "timeoutMs", "asTool()": "maxTurns" }[what];
      if (option === undefined) continue;
      it(`${what} ${expected === "reject" ? "refuses" : "decides about"} ${kind} as ${option}`, () => {
        if (option === "timeoutMs" && kind === "1.5") return; // milliseconds need not be whole
        if (expected === "default") expect(make({ [option]: value })).not.toThrow();
        else if (expected === "reject" || kind === "0") {
          expect(make({ [option]: value })).toThrow(RangeError);
          expect(make({ [option]: value })).toThrow(`Cannot use ${quoted(value)} as ${option}`);
        } else if (option === "timeoutMs") expect(make({ [option]: value })).toThrow(RangeError);
      });
    }
  }

  it("refuse to be missing, or something else", () => {
    for (const options of [undefined, null, 5, "x"]) {
      expect(() => new Agent(options as Any)).toThrow(TypeError);
      expect(() => tool(options as Any)).toThrow(TypeError);
      if (options !== undefined) expect(() => handoff(target, options as Any)).toThrow(TypeError);
    }
  });

  it("of a guardrail refuse a time that no timer takes", () => {
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "5", null]) {
      const guardrail = [{ name: "g", check: () => true, timeoutMs }];
      for (const make of [
        agentWith({ inputGuardrails: guardrail }),
        agentWith({ outputGuardrails: guardrail }),
        toolWith({ inputGuardrails: guardrail }),
        toolWith({ outputGuardrails: guardrail }),
        handoffWith({ guardrails: guardrail }),
      ]) {
        expect(make).toThrow(RangeError);
        expect(make).toThrow(`Cannot use ${quoted(timeoutMs)} as timeoutMs of guardrail "g" of `);
      }
    }
  });

  it("of a tool take any time that timers take", () => {
    for (const timeoutMs of [0.5, 1, 2 ** 31 - 1]) expect(toolWith({ timeoutMs })).not.toThrow();
  });

  it("what is made cannot be changed", () => {
    for (const made of [tool({ name: "t" }), handoff(target), handBack(), target.asTool()]) {
      expect(Object.isFrozen(made)).toBe(true);
    }
  });
});

describe("handoff()", () => {
  it("refuses what is no agent", () => {
    for (const value of [undefined, null, "Billing", 5, {}, { name: "Billing" }, tool({ name: "t" })]) {
      expect(() => handoff(value as Any)).toThrow(/^Cannot make a handoff to .*: expected an Agent$/);
    }
  });
});

describe("agent.handoffs", () => {
  it("refuses what is neither an agent nor a handoff, and says which element", () => {
    for (const value of [undefined, null, "Billing", {}, tool({ name: "t" })]) {
      expect(agentWith({ handoffs: [target, value] })).toThrow(
        /^Cannot use element 1 of the handoffs of agent "A": expected an Agent or a handoff\(\), found /,
      );
    }
    for (const value of [5, null, "x", {}, target]) {
      expect(agentWith({ handoffs: value })).toThrow('Cannot read the handoffs of agent "A": expected a list');
    }
  });
});

describe("agent.tools", () => {
  it("refuses what is no tool before the first model call, and says which element", async () => {
    const model = scriptedModel([]);
    for (const value of [undefined, null, "search", {}, { type: "function" }, target, handoff(target)]) {
      const agent = new Agent({ name: "A", model, tools: [tool({ name: "t" }), value as Any] });
      await expect(run(agent, "Hi")).rejects.toThrow(
        /^Cannot use element 1 of the tools of agent "A": expected a tool\(\)/,
      );
    }
    expect(model.requests).toEqual([]);
  });
});

describe("agent.model", () => {
  it("missing, or not known, is an error before the first effect that says what to write", async () => {
    await expect(run(new Agent({ name: "A" }), "Hi")).rejects.toThrow(
      'Cannot run agent "A": it has no model; give it one, or give the runner a default: new Runner({ model })',
    );
    await expect(run(new Agent({ name: "A", model: "openai/gpt-4o" }), "Hi")).rejects.toThrow(
      'Cannot find a model for "openai/gpt-4o" of agent "A": this runner has no plugin that provides models; write new Runner({ plugins: [...] }) with one, or pass a Model',
    );
    const plugins = [{ name: "mine", model: () => undefined }];
    await expect(new Runner({ plugins }).run(new Agent({ name: "A", model: "openai/gpt-4o" }), "Hi")).rejects.toThrow(
      'no plugin provides it; plugins that provide models are "mine"',
    );
  });

  it("that is a plugin is told from a model, and a model from a plugin", async () => {
    const model = scriptedModel([]);
    const provider = { name: "mine", model: () => model };
    await expect(new Runner({ model: provider as Any }).run(new Agent({ name: "A" }), "Hi")).rejects.toThrow(
      'Cannot use plugin "mine" as the model of agent "A": put it into plugins, and name one of its models',
    );
    expect(() => new Runner({ plugins: [model] })).toThrow(
      'Cannot use model "scripted" as a plugin: it is the `model` of a runner or an agent',
    );
  });

  it("missing further down the graph is found before the first model call", async () => {
    const model = scriptedModel([]);
    const entry = new Agent({ name: "A", model, handoffs: [new Agent({ name: "B" })] });
    await expect(run(entry, "Hi")).rejects.toThrow('Cannot run agent "B": it has no model');
    expect(model.requests).toEqual([]);
  });
});

describe("agent.clone()", () => {
  it("changes what it is told, keeps the rest, and checks the changes", () => {
    const agent = new Agent({ name: "A", instructions: "x", handoffs: [target], settings: { seed: 1 } });
    const copy = agent.clone({ name: "B", settings: { seed: 2 } });
    expect([copy.name, copy.instructions, copy.settings, copy.handoffs[0]?.agent]).toEqual([
      "B",
      "x",
      { seed: 2 },
      target,
    ]);
    expect([agent.name, agent.settings]).toEqual(["A", { seed: 1 }]);
    expect(() => agent.clone({ name: "" })).toThrow(TypeError);
    expect(() => agent.clone({ instruction: "x" } as Any)).toThrow('Cannot use option "instruction" of agent "A"');
  });
});

describe("agent.asTool()", () => {
  it("is named after the agent, and asks for a name where nothing is left of it", () => {
    expect(new Agent({ name: "Billing Agent" }).asTool().name).toBe("billing_agent");
    expect(() => new Agent({ name: "💸" }).asTool()).toThrow(
      'Cannot name the tool of agent "💸": nothing is left of its name in letters and digits; give asTool() a name',
    );
    expect(new Agent({ name: "💸" }).asTool({ name: "pay" }).name).toBe("pay");
  });
});

describe("runner options", () => {
  it("refuse plugins that are no list", () => {
    for (const plugins of [{ name: "mine" }, "mine", 5, () => []]) {
      expect(() => new Runner({ plugins: plugins as Any })).toThrow(
        /^Cannot use .* as plugins of a runner: expected a list of plugins$/,
      );
    }
  });

  it("refuse filters that are none, when they are given", async () => {
    const agent = new Agent({ name: "A", model: scriptedModel([]) });
    for (const inputFilter of [5, "x", {}, [5]]) {
      expect(() => new Runner({ inputFilter: inputFilter as Any })).toThrow(
        /^Cannot use .* as inputFilter of a runner: expected a function$/,
      );
      await expect(run(agent, "Hi", { inputFilter: inputFilter as Any })).rejects.toThrow("inputFilter of a run");
    }
  });

  it("refuse limits that are none", () => {
    for (const name of ["maxTurns", "maxHandoffs", "maxToolCalls", "callbackTimeoutMs"]) {
      for (const { value, expected } of hostileNumbers) {
        const make = (): Runner => new Runner({ [name]: value } as Any);
        if (expected === "reject") expect(make).toThrow(RangeError);
        if (expected === "default") expect(make).not.toThrow();
      }
    }
    expect(() => new Runner({ callbackTimeoutMs: 2 ** 31 })).toThrow(
      "Cannot use 2147483648 as callbackTimeoutMs as it must be a positive integer of at most 2147483647",
    );
    expect(() => new Runner({ maxTurns: 0 })).toThrow("Cannot use 0 as maxTurns as it must be a positive integer");
    expect(() => new Runner({ maxHandoffs: 0 })).not.toThrow();
  });

  it("a signal that was aborted before the start stops the run before any effect", async () => {
    const model = scriptedModel([]);
    const agent = new Agent({ name: "A", model });
    const running = run(agent, "Hi", { signal: AbortSignal.abort("no") });
    await expect(running).rejects.toMatchObject({ name: "AbortError", cause: "no" });
    expect(model.requests).toEqual([]);
  });

  it("one agent may run in two runners at once", async () => {
    const agent = new Agent({ name: "A" });
    const runners = ["one", "two"].map((text) => new Runner({ model: scriptedModel([say(text)]) }));
    const results = await Promise.all(runners.map((runner) => runner.run(agent, "Hi")));
    expect(results.map(({ finalOutput }) => finalOutput)).toEqual(["one", "two"]);
  });

  it("bad options of stream() are an error before any effect as well", () => {
    const agent = new Agent({ name: "A", model: scriptedModel([]) });
    expect(() => stream(agent, "Hi", { maxTurns: -1 })).toThrow(RangeError);
    expect(() => stream("A" as Any, "Hi")).toThrow("Cannot run");
  });
});

describe("callbacks that do not do what they should", () => {
  for (const { what, value: callback } of hostileCallbacks) {
    it(`end in an answer or a named error: one that ${what}`, async () => {
      const clock = testClock();
      const places: readonly (readonly [string, () => Agent])[] = [
        ["instructions", () => new Agent({ name: "A", instructions: callback as Any })],
        [
          "isEnabled of a tool",
          () => new Agent({ name: "A", tools: [tool({ name: "t", isEnabled: callback as Any })] }),
        ],
        [
          "isEnabled of a handoff",
          () => new Agent({ name: "A", handoffs: [handoff(target, { isEnabled: callback as Any })] }),
        ],
        ["onHandoff", () => new Agent({ name: "A", handoffs: [handoff(target, { onHandoff: callback as Any })] })],
        ["inputFilter", () => new Agent({ name: "A", handoffs: [handoff(target, { inputFilter: callback as Any })] })],
        [
          "needsApproval",
          () => new Agent({ name: "A", handoffs: [handoff(target, { needsApproval: callback as Any })] }),
        ],
        [
          "guardrail",
          () =>
            new Agent({
              name: "A",
              handoffs: [handoff(target, { guardrails: [{ name: "g", check: callback as Any }] })],
            }),
        ],
        ["inputGuardrail", () => new Agent({ name: "A", inputGuardrails: [{ name: "g", check: callback as Any }] })],
        ["outputGuardrail", () => new Agent({ name: "A", outputGuardrails: [{ name: "g", check: callback as Any }] })],
        ["execute", () => new Agent({ name: "A", tools: [tool({ name: "t", execute: callback as Any })] })],
      ];
      for (const [place, make] of places) {
        const model = scriptedModel(({ at, handoffs, tools, items }) => {
          const asked = items.some(({ type }) => type === "tool_call");
          if (at.agent === "Target" || asked) return say("Done");
          if (handoffs[0]) return handOff(handoffs[0].name);
          return tools[0] ? call(tools[0].name) : say("Done");
        });
        const running = new Runner({ model, clock, plugins: [memorySessions()] }).run(make(), "Hi").then(
          (result) => result.status,
          (error: Error) => error.name,
        );
        await clock.advance(600_000);
        expect(await running, place).toMatch(/^(completed|RunError|GuardrailError)$/);
        expect(clock.pending, place).toBe(0);
      }
    });
  }
});

describe("an option of a plugin or filter that is misspelt", () => {
  const model = scriptedModel([]);
  const secret = "0123456789abcdef0123456789abcdef";
  const attempts: readonly [string, (options: never) => unknown, object][] = [
    ["retry()", retry, { maxRetry: 3 }],
    ["timeout()", timeout, { idelMs: 1 }],
    ["fallback()", (options) => fallback([model], options), { onlyWhen: () => true }],
    ["budget()", budget, { maxToken: 1_000 }],
    ["compact()", compact, { model, atItem: 10 }],
    ["summarize()", (options) => summarize(model, options), { keepLast: 2 }],
    ["seals()", seals, { keys: [{ id: "1", secret }], expiresIn: 1_000 }],
  ];

  it.each(attempts)("is a TypeError of %s: it would do nothing", (what, make, options) => {
    const wrong = Object.keys(options).at(-1)!;
    expect(() => make(options as never)).toThrow(`Cannot use option "${wrong}" of ${what}: known options are `);
    expect(() => make(options as never)).toThrow(TypeError);
  });
});

describe("texts of the developer", () => {
  it("are sent well-formed, whatever they are", async () => {
    for (const { value } of hostileTexts.filter(({ value }) => value.length < 20_000)) {
      const model = scriptedModel([say("Done")]);
      const t = tool({ name: "t", description: value, when: value, examples: [value] });
      const edge = handoff(target, { toolDescription: value, notFor: value, examples: { [value]: [value] } });
      const agent = new Agent({ name: "A", instructions: value, tools: [t], handoffs: [edge] });
      await new Runner({ model }).run(agent, value);
      expect(model.problems).toEqual([]);
      const dynamic = agent.clone({ instructions: () => Promise.resolve(value) });
      await new Runner({ model: scriptedModel([say("Done")]) }).run(dynamic, "Hi");
    }
  });
});
