/** Files that the user names. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type RoutingCase, readCases } from "@batonjs/testing/routing";
import type { Agent } from "@batonjs/core";
import { UsageError, usage } from "./usage-error.ts";

/** The app's own messages, which are no examples of the router. */
export const OWN_CASES = resolve(import.meta.dirname, "../cases.csv");

/** `pnpm --filter` runs in the app's folder: paths are meant where the command was typed. */
const placeOf = (path: string): string => resolve(process.env["INIT_CWD"] ?? process.cwd(), path);

/** The messages of a file, for the agents of `frontDesk`. Throws a `UsageError` that names every broken row. */
export function casesIn(path: string, frontDesk: Agent): readonly RoutingCase[] {
  const format = /\.(?:jsonl|ndjson)$/i.test(path) ? "jsonl" : "csv";
  const text = readText(path);
  return usage(() => readCases(text, { format, agent: frontDesk }));
}

export function readText(path: string): string {
  try {
    return readFileSync(placeOf(path), "utf8");
  } catch (cause) {
    throw new UsageError(`Cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}

export function writeText(path: string, text: string): void {
  try {
    writeFileSync(placeOf(path), text);
  } catch (cause) {
    throw new UsageError(`Cannot write ${path}: ${reasonOf(cause)}`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder",
  EACCES: "it is not allowed",
};

function reasonOf(cause: unknown): string {
  const { code = "", message = String(cause) } = cause as { readonly code?: string; readonly message?: string };
  return REASONS[code] ?? message;
}
