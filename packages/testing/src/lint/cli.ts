/// <reference types="node" />
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { entryOf, type Exported, failureText, importModule, isAgent, numberOption, type Terminal } from "../module.ts";
import type { LintOptions, LintRule } from "./findings.ts";
import { lintAgents, lintText } from "./lint.ts";

const USAGE = `Usage: baton-lint MODULE [options]

Checks the graph of agents that a module exports. Nothing is run and no model is asked.

  --agent NAME         the export to begin with: an Agent, or a function without arguments that gives one
                       (default: default, triage, or the only one)
  --off RULE=REASON    turn off a rule; may be given several times
  --coverage FILE      a coverage file: also finds edges that no test takes
  --max-warnings N     more warnings than that are a failure (default: any number is none)
  --json               the findings as JSON
  --help               this text

A module may export \`lint\`, options as lintAgents() takes them.
Exit codes: 0 nothing to fix, 1 something to fix, 2 the program was called in a wrong way.`;

/** Runs the program; gives its exit code. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const { values, positionals } = options(args);
    const [file] = positionals;
    if (values.help) {
      terminal.write(USAGE);
      return 0;
    }
    if (file === undefined) throw new TypeError("Cannot lint nothing: name a module");
    const allowed = numberOption("max-warnings", values["max-warnings"]) ?? Infinity;
    const exported = await importModule(file);
    const entry = await entryOf(exported, values.agent, file);
    const report = await lintAgents(entry, await lintOptions(exported, values));
    terminal.write(values.json ? JSON.stringify(report, undefined, 2) : lintText(report));
    const errors = report.findings.filter(({ severity }) => severity === "error").length;
    return errors > 0 || report.findings.length - errors > allowed ? 1 : 0;
  } catch (error) {
    terminal.error(failureText(error, USAGE));
    return 2;
  }
}

function options(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      agent: { type: "string" },
      off: { type: "string", multiple: true },
      coverage: { type: "string" },
      "max-warnings": { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
}

async function lintOptions(
  exported: Exported,
  { off = [], coverage }: ReturnType<typeof options>["values"],
): Promise<LintOptions> {
  const own = (exported["lint"] ?? {}) as LintOptions;
  const turnedOff = off.map((text) => {
    const [rule = "", ...reason] = text.split("=");
    return { rule: rule as LintRule, reason: reason.join("=") };
  });
  const covered = coverage === undefined ? undefined : (JSON.parse(await readFile(coverage, "utf8")) as object);
  return {
    agents: Object.values(exported).filter(isAgent),
    ...own,
    off: [...(own.off ?? []), ...turnedOff],
    ...(covered === undefined ? {} : { coverage: covered as NonNullable<LintOptions["coverage"]> }),
  };
}
