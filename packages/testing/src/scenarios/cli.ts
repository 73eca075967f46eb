/// <reference types="node" />
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Agent, AnyAgent } from "@batonjs/core";
import { entryOf, type Exported, failureText, importModule, numberOption, type Terminal } from "../module.ts";
import { scenarioJUnit } from "./junit.ts";
import type { GivenOptions } from "./options.ts";
import { readScenarioFiles } from "./read.ts";
import type { ScenarioReport } from "./report.ts";
import { runScenarios } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import { scenarioTable } from "./table.ts";

const USAGE = `Usage: baton-scenarios MODULE FILE... [options]

Plays the scenarios of YAML files against the agents that a module exports.

  --agent NAME         the export to begin with: an Agent, or a function without arguments that gives one
                       (default: default, triage, or the only one)
  --filter TEXT        only the scenarios whose name contains the text
  --repeat N           how often each is played (default: 1)
  --min-pass-rate R    the share of its runs that must pass, from 0 to 1 (default: 1)
  --concurrency N      conversations at a time (default: 1)
  --timeout-ms N       milliseconds for one conversation (default: 600000)
  --model NAME         for all agents, over their own; a name that the module's plugins know
  --user-model NAME    plays users that have no model of their own
  --json FILE          writes the report as JSON
  --junit FILE         writes the report as JUnit XML
  --help               this text

A module may export \`scenarios\`: options as runScenarios() takes them, such as plugins and setup.
Exit codes: 0 all scenarios passed, 1 some did not, 2 the program was called in a wrong way, or a file is wrong.`;

/** Runs the program; gives its exit code. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  let report: ScenarioReport;
  try {
    const { values, positionals } = options(args);
    if (values.help) {
      terminal.write(USAGE);
      return 0;
    }
    const [file, ...files] = positionals;
    if (file === undefined || files.length === 0)
      throw new TypeError("Cannot play nothing: name a module, and files with scenarios");
    const exported = await importModule(file);
    const agent = async () => entryOf(exported, values.agent, file);
    const first = await agent();
    const scenarios = filtered(await readScenarioFiles(files, { agent: first }), values.filter);
    const play = playOptions(exported, values);
    checkModel(first, play, file);
    report = await runScenarios(values.agent === undefined ? first : agent, scenarios, play);
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
    if (values.junit !== undefined) await writeFile(values.junit, scenarioJUnit(report));
  } catch (error) {
    terminal.error(failureText(error, USAGE));
    return 2;
  }
  terminal.write(scenarioTable(report));
  return report.ok ? 0 : 1;
}

function options(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      agent: { type: "string" },
      filter: { type: "string" },
      repeat: { type: "string" },
      "min-pass-rate": { type: "string" },
      concurrency: { type: "string" },
      "timeout-ms": { type: "string" },
      model: { type: "string" },
      "user-model": { type: "string" },
      json: { type: "string" },
      junit: { type: "string" },
      help: { type: "boolean" },
    },
  });
}

function filtered(scenarios: readonly Scenario[], text: string | undefined): readonly Scenario[] {
  const chosen = text === undefined ? scenarios : scenarios.filter(({ name }) => name.includes(text));
  if (chosen.length > 0) return chosen;
  throw new TypeError(
    `Cannot find a scenario with "${text}" in its name: known are ${scenarios.map(({ name }) => `"${name}"`).join(", ")}`,
  );
}

/** The options of the module, with those of the command line over them. */
function playOptions(exported: Exported, values: ReturnType<typeof options>["values"]): GivenOptions {
  const numbers = {
    repeat: numberOption("repeat", values.repeat),
    minPassRate: numberOption("min-pass-rate", values["min-pass-rate"]),
    concurrency: numberOption("concurrency", values.concurrency),
    timeoutMs: numberOption("timeout-ms", values["timeout-ms"]),
  };
  const given = { ...numbers, model: values.model, userModel: values["user-model"] };
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...(exported["scenarios"] as GivenOptions | undefined), ...named };
}

/** Before anything is played: who plays from a command line has no `new Runner()` to give a model to. */
function checkModel(agent: AnyAgent, { model, runner, plugins, setup }: GivenOptions, file: string): void {
  const { name, model: own } = agent as Agent;
  const chosen = model ?? own ?? runner?.model;
  if (setup || (typeof chosen === "object" && chosen !== null)) return;
  if (chosen === undefined)
    throw new TypeError(
      `Cannot play the scenarios: agent "${name}" has no model; name one with --model, or write in ${file}: export const scenarios = { model }`,
    );
  if (!plugins?.some((plugin) => plugin.model))
    throw new TypeError(
      `Cannot play the scenarios: no plugin provides the model "${chosen}" of agent "${name}"; write in ${file}: export const scenarios = { plugins: [...] }`,
    );
}
