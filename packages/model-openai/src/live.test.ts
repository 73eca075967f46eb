import process from "node:process";
import { Agent, Runner } from "@batonjs/core";
import { expect, it } from "vitest";
import { openai } from "./index.ts";

// Asks OpenAI, and costs a fraction of a cent. Runs where a key is set, and nowhere else.
const hasKey = (process.env["OPENAI_API_KEY"] ?? "") !== "";
const why = hasKey ? "" : " (left out: OPENAI_API_KEY is not set)";

for (const api of ["responses", "chat"] as const) {
  it.skipIf(!hasKey)(`a handoff works at OpenAI over ${api}${why}`, { timeout: 60_000 }, async () => {
    const runner = new Runner({ plugins: [openai({ api })] });
    const poet = new Agent({
      name: "Poet",
      handoffDescription: "Writes poems.",
      instructions: "Answer with one short line of verse.",
      model: "openai/gpt-4o-mini",
    });
    const triage = new Agent({
      name: "Triage",
      instructions: "Hand every request for a poem over.",
      model: "openai/gpt-4o-mini",
      handoffs: [poet],
    });
    const result = await runner.run(triage, "A poem about the sea, please.");
    expect(result.lastAgent.name).toBe("Poet");
    expect(result.finalOutput).not.toBe("");
    expect(result.usage.inputTokens).toBeGreaterThan(0);
  });
}
