import {
  Agent,
  type Agent as AnAgent,
  approve,
  handoff,
  jsonSchemaOf,
  type PausedResult,
  run,
  type SealOptions,
  seals,
  type SessionKey,
  sessionKey,
  tool,
} from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { call, handOff, invariantsOf, say, scriptedModel } from "../index.ts";
import {
  hostileArguments,
  hostileArgumentsSchema,
  hostileCallbacks,
  hostileKeys,
  hostileNamePairs,
  hostileNames,
  hostileNumbers,
  hostilePayloads,
  hostilePayloadSchema,
  hostileResults,
  hostileStates,
  hostileTenantKeys,
  hostileTexts,
  hostileThrown,
} from "./index.ts";

const outcome = (attempt: () => unknown): "accept" | "reject" => {
  try {
    attempt();
    return "accept";
  } catch (error) {
    if (error instanceof TypeError) return "reject";
    throw error;
  }
};

describe("the corpus", () => {
  it("has the arguments 1 to 35, each once", () => {
    expect(hostileArguments.map(({ number }) => number)).toEqual(Array.from({ length: 35 }, (_, i) => i + 1));
    expect(jsonSchemaOf(hostileArgumentsSchema, "a tool")).toBe(hostileArgumentsSchema);
  });

  it("expects execution only of texts that are JSON objects", () => {
    for (const { value, what, expected } of hostileArguments) {
      if (expected !== "execute") continue;
      expect(typeof value, what).toBe("string");
      const parsed: unknown = JSON.parse(value as string);
      expect(parsed !== null && typeof parsed === "object" && !Array.isArray(parsed), what).toBe(true);
    }
  });

  it("reads large values anew each time", () => {
    const large = hostileArguments.find(({ number }) => number === 28);
    expect(String(large?.value)).toHaveLength(5_000_008);
    expect(hostileResults.every(({ what }) => what !== "")).toBe(true);
  });

  it("has every kind of hostile text", () => {
    expect(hostileTexts.filter(({ value }) => !value.isWellFormed()).map(({ what }) => what)).toEqual([
      "a lone high surrogate",
      "a lone low surrogate",
    ]);
    expect(new Set(hostileTexts.map(({ number }) => number))).toEqual(
      new Set(Array.from({ length: 15 }, (_, i) => 150 + i)),
    );
  });

  it("has callbacks, thrown values and numbers", () => {
    expect([hostileCallbacks, hostileThrown, hostileNumbers].map((list) => list.length)).toEqual([6, 8, 9]);
  });
});

describe("names", () => {
  it.each(hostileNames)("$what is accepted or rejected as the catalogue says", ({ value, expected }) => {
    expect({
      agent: outcome(() => new Agent({ name: value })),
      tool: outcome(() => tool({ name: value, execute: () => "" })),
    }).toEqual(expected);
    expect(outcome(() => handoff(new Agent({ name: "A" }), { toolName: value }))).toBe(expected.tool);
  });

  it("come in pairs that are different, or one name twice", () => {
    for (const { names } of hostileNamePairs.agents) expect(names[0]).not.toBe(names[1]);
    expect(hostileNamePairs.tools).toHaveLength(2);
  });
});

describe("keys", () => {
  it.each(hostileKeys)("$what is accepted or rejected as the catalogue says", ({ value, expected }) => {
    expect(outcome(() => sessionKey(value as string))).toBe(expected === "own" ? "accept" : "reject");
  });

  it("with a tenant are all accepted, and all different", () => {
    const keys = hostileTenantKeys.map((key: SessionKey) => sessionKey(key));
    expect(new Set(keys.map(({ tenant, id }) => JSON.stringify([tenant ?? null, id]))).size).toBe(keys.length);
  });
});

describe("sealed states", async () => {
  const options: SealOptions = { keys: [{ id: "1", secret: "0123456789abcdef0123456789abcdef" }] };
  const pay = tool({ name: "pay", needsApproval: true, execute: () => "paid" });
  const model = scriptedModel(({ items }) => (items.at(-1)?.type === "tool_result" ? say("Paid.") : call("pay")));
  const agent = new Agent({ name: "Desk", model, tools: [pay] });
  const sealed = await seals(options).seal((await run(agent, "Pay")) as PausedResult);

  it.each(hostileStates(sealed))("$what is refused, and uses up no nonce (C8 $number)", async ({ value, expected }) => {
    const used: string[] = [];
    const nonces = { use: async (nonce: string) => used.push(nonce) > 0 };
    const opening = seals({ ...options, nonces }).open(value as string);
    await expect(opening).rejects.toMatchObject({ name: "RunError", code: expected });
    expect(used).toEqual([]);
  });

  it("as it was sealed is opened, once, and by its own audience only (C8 193, 194)", async () => {
    await expect(seals({ ...options, audience: "b" }).open(sealed)).rejects.toMatchObject({ code: "state_tampered" });
    const own = seals(options);
    const { items, pending } = await own.open(sealed);
    await expect(own.open(sealed)).rejects.toMatchObject({ code: "state_consumed" });
    expect((await run(agent, [...items, ...pending.map((each) => approve(each))])).finalOutput).toBe("Paid.");
  });
});

describe("payloads of handoffs", () => {
  const desk = (payload: unknown): { readonly triage: Agent; readonly asked: () => string } => {
    const script = scriptedModel(
      ({ at, items }) => {
        if (at.agent === "Billing") return say("Here is Billing.");
        return items.at(-1)?.type === "tool_result" ? say("I stay.") : handOff("Billing", payload as string);
      },
      { graph: () => triage },
    );
    const billing = new Agent({ name: "Billing", instructions: "Bill.", model: script });
    const triage: AnAgent = new Agent({
      name: "Triage",
      instructions: "Route.",
      model: script,
      handoffs: [handoff(billing, { inputType: hostilePayloadSchema })],
    });
    return { triage, asked: () => script.requests.map(({ instructions }) => instructions).join(" ") };
  };

  it.each(hostilePayloads)("with $what are data, or are answered with an error (C10 $number)", async (hostile) => {
    const { triage, asked } = desk(hostile.value);
    const result = await run(triage, "Hi");
    expect(result.finalOutput).toBe(hostile.expected === "handoff" ? "Here is Billing." : "I stay.");
    expect(invariantsOf(result.history, { settled: true, graph: triage })).toEqual([]);
    expect(asked()).toMatch(/^Route\. (Route|Bill)\.$/);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it("cannot lead to a tool of another, out of the graph, or to the agent itself (C10 228, 229, 235)", async () => {
    const ran: string[] = [];
    const refund = tool({ name: "refund", execute: () => void ran.push("refund") });
    const names = ["refund", "transfer_to_admin", "transfer_to_triage"];
    const model = scriptedModel(({ items }) => {
      const name = names[items.filter(({ type }) => type === "tool_call").length];
      return name === undefined ? say("I stay.") : call(name);
    });
    const billing = new Agent({ name: "Billing", model, tools: [refund] });
    const triage: AnAgent = new Agent({ name: "Triage", model, handoffs: (): AnAgent[] => [billing, triage] });
    const { history, finalOutput } = await run(triage, "Hi");
    expect(finalOutput).toBe("I stay.");
    expect(ran).toEqual([]);
    expect(history.flatMap((item) => (item.type === "tool_result" ? [[item.status, item.output]] : []))).toEqual([
      ["error", expect.stringContaining("has no such tool or handoff")],
      ["error", expect.stringContaining("has no such tool or handoff")],
      ["error", expect.stringContaining("it has the conversation already")],
    ]);
  });
});
