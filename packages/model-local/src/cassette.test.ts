import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, handoff, type Model, run, tool } from "@batonjs/core";
import { transcript } from "@batonjs/testing";
import { openCassette } from "@batonjs/testing/cassettes";
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { localModel } from "./index.ts";

function desk(model: Model): Agent {
  const lookup = tool({
    name: "find_charges",
    description: "Finds the charges of a customer.",
    when: "charged twice, duplicate charges",
    parameters: z.object({}),
    sideEffects: "none",
    execute: () => "2 charges of 29 EUR",
  });
  const billing = new Agent({ name: "Billing", model, tools: [lookup] });
  const technical = new Agent({ name: "Technical", model });
  return new Agent({
    name: "Triage",
    model,
    handoffs: [
      handoff(billing, { when: "refunds, duplicate charges, invoices" }),
      handoff(technical, { when: "errors, crashes and outages" }),
    ],
  });
}

it("a cassette of the local model gives the same run, and is the same when it is made again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-cassette-"));
  const path = join(folder, "local.json");
  vi.stubEnv("CI", "");
  vi.stubEnv("BATON_CASSETTES", "");
  try {
    const record = async (): Promise<readonly string[]> => {
      const cassette = await openCassette(path, { mode: "record", record: localModel() });
      const { history } = await run(desk(cassette.model), "I was charged twice, I want a refund");
      cassette.close();
      return transcript(history);
    };
    const recorded = await record();
    expect(recorded.join("\n")).toContain("handoff Triage → Billing");
    const file = readFileSync(path, "utf8");
    await record();
    expect(readFileSync(path, "utf8")).toBe(file);

    const cassette = await openCassette(path);
    const { history } = await run(desk(cassette.model), "I was charged twice, I want a refund");
    cassette.close();
    const ids = (lines: readonly string[]): string => lines.join("\n").replaceAll(/(?<=\[|result of )[^\]:\s]+/g, "id");
    expect(ids(transcript(history))).toBe(ids(recorded));
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});
