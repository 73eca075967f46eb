/** Runs, from the log that they left. */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { TraceLine } from "./lines.ts";
import { FORMAT } from "./lines.ts";
import { type TraceRun, type SummaryOptions, summarize } from "./summary.ts";

/** A log as it was read. */
export interface Trace {
  /** Oldest first. */
  readonly runs: readonly TraceRun[];
  /** Lines that could not be read: torn by a crash, or of a newer format. */
  readonly skipped: number;
  /** Lines that the writer had to drop. */
  readonly dropped: number;
}

/** Reads the log at `path` with its rotated files, the oldest first. Rejects where there is none. */
export async function readTrace(path: string, options: SummaryOptions = {}): Promise<Trace> {
  const files = [...(await rotated(path)), path];
  const started: TraceLine[][] = [];
  const open = new Map<string, TraceLine[]>();
  let skipped = 0;
  let dropped = 0;
  for (const file of files) {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      if (text === "") continue;
      const line = parsed(text);
      if (!line) skipped++;
      else if (line.type === "dropped") dropped += line.count;
      else {
        let lines = open.get(line.run);
        // The same id again is the same run, taken up again.
        if (!lines || (line.type === "run_started" && line.path === undefined)) {
          started.push((lines = []));
          open.set(line.run, lines);
        }
        lines.push(line);
      }
    }
  }
  return { runs: started.map((lines) => summarize(lines, options)), skipped, dropped };
}

/** `path.3`, `path.2`, `path.1`: full files, the oldest first. */
async function rotated(path: string): Promise<string[]> {
  const name = basename(path);
  const numbers = (await readdir(dirname(path)))
    .filter((each) => each.startsWith(`${name}.`))
    .map((each) => each.slice(name.length + 1))
    .filter((end) => /^[1-9]\d*$/.test(end));
  return numbers
    .map(Number)
    .toSorted((a, b) => b - a)
    .map((number) => join(dirname(path), `${name}.${number}`));
}

function parsed(text: string): TraceLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<TraceLine> | null;
    const known = line?.v === FORMAT && typeof line.run === "string" && typeof line.at === "number";
    return known && typeof line.type === "string" ? (line as TraceLine) : undefined;
  } catch {
    return undefined;
  }
}
