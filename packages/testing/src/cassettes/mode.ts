/// <reference types="node" />
import { existsSync } from "node:fs";
import process from "node:process";
import { CassetteError, HOW_TO_RECORD } from "./cassette-error.ts";

/** `replay` asks no model; `record` asks the real one and writes the file; `missing` records where there is no file. */
export type CassetteMode = "replay" | "record" | "missing";

const MODES: readonly string[] = ["replay", "record", "missing"] satisfies CassetteMode[];

/**
 * Whether the cassette at `path` is recorded. The environment's flag goes over what the test says. In CI only the flag
 * can ask for a recording: a `mode` that somebody forgot in a test does not.
 */
export function isRecording(path: string, mode: CassetteMode | undefined): boolean {
  const flag = process.env["BATON_CASSETTES"] || undefined;
  for (const [given, where] of [
    [flag, "BATON_CASSETTES"],
    [mode, "mode"],
  ]) {
    if (given !== undefined && !MODES.includes(given))
      throw new TypeError(`Cannot use "${given}" as ${where}: expected ${MODES.join(", ")}`);
  }
  const wanted = flag ?? mode ?? "replay";
  const found = existsSync(path);
  const records = wanted === "record" || (wanted === "missing" && !found);
  if (records && flag === undefined && inCi()) {
    throw new CassetteError(
      "refused",
      path,
      `Cannot record "${path}": this is CI, where mode "${wanted}" of a test records nothing; record it elsewhere, or set BATON_CASSETTES=${wanted}`,
    );
  }
  if (!records && !found)
    throw new CassetteError("missing", path, `Cannot replay "${path}": there is no such file; ${HOW_TO_RECORD}`);
  return records;
}

function inCi(): boolean {
  const ci = process.env["CI"];
  return ci !== undefined && ci !== "" && ci !== "false" && ci !== "0";
}
