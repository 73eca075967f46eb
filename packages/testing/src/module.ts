/// <reference types="node" />
/** The module that a command line program is given. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { AnyAgent } from "@batonjs/core";

/** What a module exports. */
export type Exported = Readonly<Record<string, unknown>>;

/** Where a program writes. */
export interface Terminal {
  readonly write: (line: string) => void;
  readonly error: (line: string) => void;
}

/** Imports the module in `file`. */
export const importModule = async (file: string): Promise<Exported> =>
  (await import(pathToFileURL(resolve(file)).href)) as Exported;

/** What a program says of `error`: of a wrong option with `usage` under it. */
export function failureText(error: unknown, usage: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = String((error as { readonly code?: unknown } | undefined)?.code);
  if (code === "ERR_UNKNOWN_FILE_EXTENSION")
    return `${message}: Node reads TypeScript from 22.18 on; take a newer one, or name a module in JavaScript`;
  return code.startsWith("ERR_PARSE_ARGS") ? `${message}\n\n${usage}` : message;
}

/**
 * The agent to begin with: the export `name`, an Agent or a function that gives one; else `default`, `triage`, or the
 * only agent. Throws a `TypeError` where there is none.
 */
export async function entryOf(exported: Exported, name: string | undefined, file: string): Promise<AnyAgent> {
  const agents = Object.keys(exported).filter((key) => isAgent(exported[key]));
  const only = agents.length === 1 ? agents[0] : undefined;
  const chosen = name ?? ["default", "triage"].find((key) => agents.includes(key)) ?? only;
  const found = chosen === undefined ? undefined : exported[chosen];
  const agent: unknown = typeof found === "function" ? await (found as () => unknown)() : found;
  if (isAgent(agent)) return agent;
  const functions = Object.keys(exported).filter((key) => typeof exported[key] === "function");
  throw new TypeError(
    `Cannot find the agent to begin with in ${file}: ${chosen === undefined ? "say which by --agent" : `"${chosen}" is none`}; it exports the agents ${agents.join(", ") || "(none)"} and the functions ${functions.join(", ") || "(none)"}`,
  );
}

export const isAgent = (value: unknown): value is AnyAgent =>
  typeof value === "object" && value !== null && (value as Partial<AnyAgent>).kind === "agent";

/** The number given as option `name`. Throws a `TypeError` for what is none. */
export function numberOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new TypeError(`Cannot use "${text}" as --${name}: expected a number`);
  return value;
}
