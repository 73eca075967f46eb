import { globSync } from "node:fs";
import { join } from "node:path";
import { checkScenario, readScenarioFiles } from "@batonjs/testing/scenarios";
import { describe, it } from "vitest";
import { scenarios as options, triage } from "./scenario-bank.ts";

const folder = join(import.meta.dirname, "../scenarios");
const files = globSync("*.yaml", { cwd: folder }).map((name) => join(folder, name));
const scenarios = await readScenarioFiles(files, { agent: triage });

describe("the bank, by the scenarios of its files", () => {
  for (const scenario of scenarios) it(scenario.name, () => checkScenario(triage, scenario, options));
});
