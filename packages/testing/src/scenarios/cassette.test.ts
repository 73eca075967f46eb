import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "@batonjs/core";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openCassette } from "../cassettes/index.ts";
import { handOff } from "../script.ts";
import { functionModel } from "../smoke.ts";
import { runScenarios, type Scenario } from "./index.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-scenario-"));
  vi.stubEnv("CI", "");
  vi.stubEnv("BATON_CASSETTES", "");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

it("a scenario is played against a cassette as against the model that it was recorded from", async () => {
  const model = functionModel(({ items }) =>
    JSON.stringify(items).includes("charge") ? handOff("billing") : "Hello!",
  );
  const billing = new Agent({ name: "Billing", model: functionModel(() => "You were charged once.") });
  const triage = new Agent({ name: "Triage", model, handoffs: [billing] });
  const scenario = (last: string): Scenario => ({
    name: "goes to billing",
    turns: [
      { user: "hello", expect: { staysWith: triage } },
      { user: "a charge", expect: { handsOffTo: billing } },
      { user: last, expect: { staysWith: billing, answer: "once" } },
    ],
  });
  const play = (last: string) =>
    runScenarios(triage, [scenario(last)], {
      setup: async ({ name }) => {
        const cassette = await openCassette(join(folder, `${name}.json`), { mode: "missing" });
        return { plugins: [cassette.plugin], close: () => cassette.close() };
      },
    });

  const recorded = await play("sure?");
  const asked = model.requests.length;
  const replayed = await play("sure?");
  expect([recorded.ok, replayed.ok, model.requests.length]).toEqual([true, true, asked]);
  expect(replayed.scenarios[0]?.runs[0]?.turns).toEqual(recorded.scenarios[0]?.runs[0]?.turns);

  const changed = await play("really?");
  expect(changed.scenarios[0]?.runs[0]?.failures[0]).toMatchObject({
    turn: 3,
    message: expect.stringContaining("goes to billing.json"),
  });
});
