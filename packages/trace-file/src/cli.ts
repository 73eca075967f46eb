/** `baton-trace FILE`. */
import { parseArgs } from "node:util";
import { type CalcPrice, genaiPrices, type Prices } from "@batonjs/core/tracing";
import { printTrace } from "./print.ts";
import { type Trace, readTrace } from "./read.ts";

const USAGE = `Usage: baton-trace FILE [options]

Shows the runs of a log: who was at work when, what it cost, what each handoff passed on.

  --run ID          only this run; the start of an id will do
  --session ID      only the runs of this session
  --last N          only the last N runs
  --failed          only runs that failed
  --no-steps        no list of steps
  --json            the runs as JSON, one a line
  --width N         columns
  --help            this text`;

/** Where the program writes, and what it knows of the terminal. */
export interface Terminal {
  readonly write: (line: string) => void;
  readonly error: (line: string) => void;
  readonly colours: boolean;
  readonly width: number | undefined;
}

/** Runs the program; gives its exit code. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  let parsed: ReturnType<typeof options>;
  try {
    parsed = options(args);
  } catch (error) {
    terminal.error(`${messageOf(error)}\n\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [file] = positionals;
  if (values.help === true || file === undefined) {
    (values.help === true ? terminal.write : terminal.error)(USAGE);
    return values.help === true ? 0 : 2;
  }
  let trace: Trace;
  try {
    const prices = await installedPrices();
    trace = await readTrace(file, prices ? { prices } : {});
  } catch (error) {
    terminal.error(`Cannot read ${file}: ${messageOf(error)}`);
    return 1;
  }
  const runs = chosen(trace.runs, values);
  if (values.json === true) for (const { lines: _, ...run } of runs) terminal.write(JSON.stringify(run));
  else {
    const width = values.width === undefined ? (terminal.width ?? 100) : Number(values.width);
    const steps = values["no-steps"] !== true;
    for (const line of printTrace({ ...trace, runs }, { colours: terminal.colours, width, steps }))
      terminal.write(line);
  }
  return 0;
}

function options(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      run: { type: "string" },
      session: { type: "string" },
      last: { type: "string" },
      failed: { type: "boolean" },
      "no-steps": { type: "boolean" },
      json: { type: "boolean" },
      width: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
}

function chosen(
  runs: Trace["runs"],
  { run, session, last, failed }: ReturnType<typeof options>["values"],
): Trace["runs"] {
  const kept = runs.filter(
    (each) =>
      (run === undefined || each.id.startsWith(run)) &&
      (session === undefined || each.session === session || each.session?.endsWith(`/${session}`) === true) &&
      (failed !== true || each.status === "failed"),
  );
  return last === undefined ? kept : kept.slice(-Number(last));
}

/** Prices of `@pydantic/genai-prices`, where it is installed. */
async function installedPrices(): Promise<Prices | undefined> {
  const name: string = "@pydantic/genai-prices";
  try {
    const { calcPrice } = (await import(name)) as { readonly calcPrice: CalcPrice };
    return genaiPrices(calcPrice);
  } catch {
    return undefined;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
