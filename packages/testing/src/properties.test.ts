import { Agent, dropMessages, handBack, handoff, keepLast, textOf, tool } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { CrossingError, nothingCrosses } from "./index.ts";
import { anyFilterKeepsHistoryValid } from "./properties.ts";

const marked = dropMessages((message) => textOf(message).startsWith("[INTERNAL]"));

describe("nothingCrosses()", () => {
  const billing = new Agent({ name: "Billing", handoffs: [handBack()] });
  const technical = new Agent({ name: "Technical", handoffs: [handBack()] });

  it("passes where every edge filters", async () => {
    const triage = new Agent({
      name: "Triage",
      handoffs: [handoff(billing, { inputFilter: marked }), handoff(technical, { inputFilter: marked })],
    });
    await nothingCrosses(triage, "[INTERNAL]");
    await expect(nothingCrosses(triage, "[INTERNAL]", { places: ["tool_result"] })).rejects.toThrow(CrossingError);
  });

  it("shows each edge, and what the next agent would read", async () => {
    const triage = new Agent({ name: "Triage", handoffs: [handoff(billing, { inputFilter: marked }), technical] });
    const failed = await nothingCrosses(triage, "[INTERNAL]", { places: ["assistant"] }).then(() => {}, String);
    expect(failed).toMatchInlineSnapshot(`
      "CrossingError: 1 marked text crosses a handoff:
      Triage → Technical by transfer_to_technical, of a assistant:
          user: "Can you help me?"
        > Triage: "[INTERNAL] must-not-cross-7f3a"
          user: "Please go on."
          Triage calls transfer_to_technical({}) [handoff_1]
          result of handoff_1: "The conversation is with Technical now.""
    `);
  });
});

describe("anyFilterKeepsHistoryValid()", () => {
  const lookup = tool({ name: "lookup", execute: () => "x" });
  const billing = new Agent({ name: "Billing", tools: [lookup], handoffs: [handBack()] });

  it("holds for filters of core, and for one that drops results", async () => {
    const noResults = ({ inputHistory }: { readonly inputHistory: readonly { readonly type: string }[] }) => ({
      inputHistory: inputHistory.filter(({ type }) => type !== "tool_result") as never,
    });
    const triage = new Agent({
      name: "Triage",
      handoffs: [handoff(billing, { inputFilter: [noResults, keepLast(3)] })],
    });
    await anyFilterKeepsHistoryValid(triage, { numRuns: 15, seed: 1 });
  });

  it("fails for a filter by which no handoff is ever made", async () => {
    const nothing = () => ({ inputHistory: [], preHandoffItems: [], newItems: [] });
    const triage = new Agent({ name: "Triage", handoffs: [handoff(billing, { inputFilter: nothing })] });
    await expect(anyFilterKeepsHistoryValid(triage, { numRuns: 3 })).rejects.toThrow(
      /Triage → Billing by transfer_to_billing is never made.*its filter leaves neither/,
    );
  });

  it("shows the edge and the seed of what fails", async () => {
    const instructions = (): string => {
      throw new Error("no instructions");
    };
    const triage = new Agent({ name: "Triage", handoffs: [new Agent({ name: "Billing", instructions })] });
    await expect(anyFilterKeepsHistoryValid(triage, { numRuns: 3, seed: 1 })).rejects.toThrow(
      /Triage → Billing by transfer_to_billing fails: .*seed: 1/s,
    );
  });
});
