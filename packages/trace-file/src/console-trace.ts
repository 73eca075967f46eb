/** The same, live, while one develops. */
import { type CallSite, checkKeys, type Plugin, type RunEvent } from "@batonjs/core";
import { dollars, duration, painter, plural, short, tokens } from "./format.ts";
import type { LoggedItem, TraceLine } from "./lines.ts";
import { printRun } from "./print.ts";
import { RECORD_OPTIONS, type RecordOptions, Recorder } from "./recorder.ts";
import { summarize } from "./summary.ts";
import { watched } from "./trace-file.ts";

export interface ConsoleTraceOptions extends RecordOptions {
  /** Where lines go. @default `console.error`: what the program prints stays readable */
  readonly write?: (line: string) => void;
  /** @default whether standard error is a terminal that has them */
  readonly colours?: boolean;
  /** Columns. @default those of the terminal, or 100 */
  readonly width?: number;
  /** Show what each run was, in sum, once it has ended. @default {true} */
  readonly summary?: boolean;
}

export interface ConsoleTracePlugin extends Plugin {
  onEvent(event: RunEvent, at: CallSite): void;
}

const OPTIONS: ReadonlySet<string> = new Set([...RECORD_OPTIONS, "write", "colours", "width", "summary"]);
/** Lines of one run that are kept for its summary. */
const MAX_LINES = 10_000;
/** Runs that are followed at once. */
const MAX_RUNS = 1_000;

/** Shows what happens in runs while it happens: for development. */
export function consoleTrace(options: ConsoleTraceOptions = {}): ConsoleTracePlugin {
  checkKeys(options, OPTIONS, "consoleTrace()");
  const { write = console.error, summary = true } = options;
  const { width = terminal()?.columns ?? 100, colours = hasColours() } = options;
  const recorder = new Recorder(options);
  const runs = new Map<string, TraceLine[]>();
  const paint = painter(colours);

  function remember(line: TraceLine): TraceLine[] {
    let lines = runs.get(line.run);
    if (!lines || (line.type === "run_started" && line.path === undefined)) {
      const [oldest] = runs.keys();
      if (runs.size >= MAX_RUNS && oldest !== undefined) runs.delete(oldest);
      runs.set(line.run, (lines = []));
    }
    if (lines.length < MAX_LINES) lines.push(line);
    return lines;
  }

  function show(line: TraceLine): void {
    const lines = remember(line);
    const text = words(line);
    if (text !== undefined) {
      const since = `+${duration(line.at - (lines[0]?.at ?? line.at))}`.padStart(9);
      const agent = line.type === "handoff" ? line.from : line.agent;
      const failed = line.type === "run_failed" || line.type === "handoff_refused";
      const indent = "  ".repeat(line.path?.length ?? 0);
      const head = `${since} ${indent}${paint("cyan", short(agent, 24))}  `;
      const plain = short(text, Math.max(40, width - since.length - indent.length - agent.length - 3));
      write(head + paint(failed ? "red" : line.type === "handoff" ? "magenta" : "dim", plain));
    }
    if (line.path !== undefined || (line.type !== "run_finished" && line.type !== "run_failed")) return;
    runs.delete(line.run);
    if (summary) for (const each of printRun(summarize(lines), { colours, width, steps: false })) write(each);
  }

  return {
    name: "trace-console",
    onEvent(event, at) {
      const line = recorder.lineOf(event, at);
      if (line) show(line);
    },
    wrapModel: (model) => watched(model, recorder),
  };
}

/** What a line says, where it is worth a line. */
function words(line: TraceLine): string | undefined {
  switch (line.type) {
    case "run_started":
      return `run ${line.run}${line.session ? `  session ${line.session.id}` : ""}`;
    case "turn_started":
      return `asks ${line.model} with ${plural(line.items, "item")}`;
    case "turn_finished": {
      const used = tokens(line.usage.inputTokens, line.usage.outputTokens);
      const cost = line.usd === undefined ? [] : [dollars(line.usd)];
      return [`${line.model} ${line.finishReason}`, duration(line.durationMs), used, ...cost].join("  ");
    }
    case "turn_reset":
      return withReason("what was streamed is void", line.reason);
    case "tool_started":
      return `${line.name}${line.arguments === undefined ? "" : ` ${line.arguments}`}`;
    case "tool_finished":
      return `${line.name} ${line.status}  ${duration(line.durationMs)}${line.output === undefined ? "" : `  ${line.output}`}`;
    case "handoff":
      return `→ ${line.to}  ${line.toolName ?? ""} (${line.mode})  ${line.before} → ${plural(line.after, "item")}${line.input === undefined ? "" : `  ${line.input}`}`;
    case "handoff_refused":
      return withReason(`→ ${line.to ?? line.toolName} refused`, line.reason);
    case "guardrail":
      return withReason(`guardrail ${line.name} ${line.allowed ? "allowed" : "refused"}`, line.reason);
    case "approval_needed":
      return `waits: ${line.kind} of ${line.name}`;
    case "run_finished":
      return line.status;
    case "run_failed":
      return withReason(`failed: ${line.name} (${line.code})`, line.message);
    case "item":
      return itemWords(line.item);
    default:
      return undefined;
  }
}

const withReason = (text: string, reason: string | undefined): string =>
  reason === undefined ? text : `${text}: ${reason}`;

/** Messages; the other items have events of their own. */
function itemWords(item: LoggedItem): string | undefined {
  if (item.type !== "message") return undefined;
  return `${item.agent === undefined ? (item.role ?? "") : "says"}: ${item.text ?? plural(item.chars ?? 0, "character")}`;
}

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
}
const terminal = (): Terminal | undefined => (globalThis as { process?: { stderr?: Terminal } }).process?.stderr;

function hasColours(): boolean {
  const { env = {} } = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process ?? {};
  if (env["NO_COLOR"]) return false;
  return env["FORCE_COLOR"] !== undefined ? env["FORCE_COLOR"] !== "0" : terminal()?.isTTY === true;
}
