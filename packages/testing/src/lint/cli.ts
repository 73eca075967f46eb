/// <reference types="node" />
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { AnyAgent } from "@batonjs/core";
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

/** Where the program writes. */
export interface Terminal {
  readonly write: (line: string) => void;
  readonly error: (line: string) => void;
}

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
    const allowed = values["max-warnings"] === undefined ? Infinity : Number(values["max-warnings"]);
    if (Number.isNaN(allowed)) throw new TypeError(`Cannot use "${values["max-warnings"]}" as --max-warnings`);
    const exported = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
    const entry = await entryOf(exported, values.agent, file);
    const report = await lintAgents(entry, await lintOptions(exported, values));
    terminal.write(values.json ? JSON.stringify(report, undefined, 2) : lintText(report));
    const errors = report.findings.filter(({ severity }) => severity === "error").length;
    return errors > 0 || report.findings.length - errors > allowed ? 1 : 0;
  } catch (error) {
    terminal.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
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
  exported: Readonly<Record<string, unknown>>,
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

async function entryOf(
  exported: Readonly<Record<string, unknown>>,
  name: string | undefined,
  file: string,
): Promise<AnyAgent> {
  const agents = Object.keys(exported).filter((key) => isAgent(exported[key]));
  const only = agents.length === 1 ? agents[0] : undefined;
  const chosen = name ?? ["default", "triage"].find((key) => agents.includes(key)) ?? only;
  const found = chosen === undefined ? undefined : exported[chosen];
  const agent: unknown = typeof found === "function" ? await (found as () => unknown)() : found;
  if (isAgent(agent)) return agent;
  throw new TypeError(
    `Cannot find the agent to begin with in ${file}: ${chosen === undefined ? "say which by --agent" : `"${chosen}" is none`}; its agents are ${agents.join(", ") || "none"}`,
  );
}

const isAgent = (value: unknown): value is AnyAgent =>
  typeof value === "object" && value !== null && (value as Partial<AnyAgent>).kind === "agent";
