import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Agent, handoff, run, tool } from "@batonjs/core";
import { call, handOff, say, scriptedModel } from "@batonjs/testing";
import { type BatonMatchers, matchers } from "@batonjs/testing/matchers";

const lookup = tool({ name: "lookup", execute: () => "found" });
const billing = new Agent({ name: "Billing", tools: [lookup] });
const triage = new Agent({ name: "Triage", handoffs: [handoff(billing)] });

const charged = (): ReturnType<typeof run> =>
  run(triage, "I was charged twice", {
    model: scriptedModel({
      Triage: [handOff("billing")],
      Billing: [call("lookup", {}), say("You were charged once.")],
    }),
  });

/** What `expect` of bun and jest has, as far as it is used here. */
type Expect = ((value: unknown) => BatonMatchers & { readonly not: BatonMatchers }) & {
  extend(matchers: object): void;
};

describe("matchers", () => {
  it("say what is so and what is not", async () => {
    const result = await charged();
    assert.equal(matchers.toHandOffTo(result, billing).pass, true);
    assert.equal(matchers.toHaveCalledTool(result, "lookup").pass, true);
    assert.equal(matchers.toFollowPath(result, [triage, billing]).pass, true);
    assert.equal(matchers.toAnswer(result, "charged once").pass, true);
    assert.equal(matchers.toCost(result, { calls: 3 }).pass, true);
    assert.equal(matchers.toNeedApproval(result).pass, false);
    const { pass, message } = matchers.toStayWith(result, triage);
    assert.equal(pass, false);
    assert.match(message(), /> handoff/);
  });

  if ("Bun" in globalThis)
    it("extend bun's expect", async () => {
      const { expect } = (await import("bun:test" as string)) as { readonly expect: Expect };
      expect.extend(matchers);
      const result = await charged();
      expect(result).toHandOffTo(billing);
      expect(result).toHaveCalledTool("lookup", {});
      expect(result).toFollowPath(["Triage", "Billing"]);
      expect(result).toAnswer(/once/);
      expect(result).not.toStayWith(triage);
      expect(result).not.toNeedApproval();
      assert.throws(() => expect(result).toStayWith("Triage"), /> handoff/);
    });
});
