/** Command lines. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { modelName } from "./openai.ts";
import { UsageError } from "./usage-error.ts";

const DEFAULT_PRECISION = 0.97;

export interface ChatOptions {
  readonly message: string | undefined;
  readonly model: string;
  readonly precision: number;
  readonly help: boolean;
}

export interface EvaluateOptions {
  /** The file of messages; without one the app's own. */
  readonly file: string | undefined;
  readonly model: string;
  readonly precision: number;
  /** Instead of a fitted one. */
  readonly threshold: number | undefined;
  readonly concurrency: number;
  readonly html: string | undefined;
  readonly baseline: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const CHAT_HELP = `The front desk of Tidewater Bank.

  pnpm --filter bank-triage start                     a chat; or one message a line on stdin
  pnpm --filter bank-triage start "I lost my card"    one answer

  -m, --model NAME       the triage model behind the router: local (embedded, default) or openai/<name>
      --precision SHARE  how often the router must be right where it decides, default ${DEFAULT_PRECISION}
  -h, --help`;

export const EVALUATE_HELP = `How often the front desk of Tidewater Bank is right.

  pnpm --filter bank-triage evaluate              on its own messages, cases.csv
  pnpm --filter bank-triage evaluate FILE.csv     on yours: rows of text,agent (or .jsonl); agent "none" stays

  -m, --model NAME       the triage model behind the router: local (embedded, default) or openai/<name>
      --precision SHARE  fits the router's threshold for it, default ${DEFAULT_PRECISION}
      --threshold SCORE  takes this one instead, from 0 to 1
      --concurrency N    messages at a time, default 1
      --html FILE        writes a page with the confusion matrix as a heat map
      --json             prints the report as JSON: what --baseline reads
      --baseline FILE    compares with a saved report; exit code 1 where routing is worse
  -h, --help`;

/** Reads the command line of the chat. Throws a `UsageError`. */
export function readChatOptions(args: readonly string[]): ChatOptions {
  const { values, positionals } = parsed(args, {
    model: { type: "string", short: "m", default: "local" },
    precision: { type: "string", default: String(DEFAULT_PRECISION) },
    help: { type: "boolean", short: "h", default: false },
  });
  return {
    message: positionals.length === 0 ? undefined : positionals.join(" "),
    model: modelName(values.model),
    precision: share("--precision", values.precision),
    help: values.help,
  };
}

/** Reads the command line of the evaluation. Throws a `UsageError`. */
export function readEvaluateOptions(args: readonly string[]): EvaluateOptions {
  const { values, positionals } = parsed(args, {
    model: { type: "string", short: "m", default: "local" },
    precision: { type: "string", default: String(DEFAULT_PRECISION) },
    threshold: { type: "string" },
    concurrency: { type: "string", default: "1" },
    html: { type: "string" },
    baseline: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  });
  if (positionals.length > 1)
    throw new UsageError(`Cannot read ${positionals.length} files: give one, found ${positionals.join(", ")}`);
  return {
    file: positionals[0],
    model: modelName(values.model),
    precision: share("--precision", values.precision),
    threshold: values.threshold === undefined ? undefined : share("--threshold", values.threshold),
    concurrency: count("--concurrency", values.concurrency),
    html: values.html,
    baseline: values.baseline,
    json: values.json,
    help: values.help,
  };
}

function parsed<const O extends NonNullable<ParseArgsConfig["options"]>>(args: readonly string[], options: O) {
  // `pnpm start -- --help` hands the `--` on.
  const given = args[0] === "--" ? args.slice(1) : [...args];
  try {
    return parseArgs({ args: given, options, allowPositionals: true });
  } catch (cause) {
    const [what = ""] = (cause instanceof Error ? cause.message : String(cause)).split(/[.\n]/, 1);
    throw new UsageError(`Cannot read the command line: ${what}; --help shows what there is`, { cause });
  }
}

function share(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new UsageError(`Cannot use ${text || "nothing"} as ${flag} as it must be a number from 0 to 1`);
}

function count(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100) return value;
  throw new UsageError(`Cannot use ${text || "nothing"} as ${flag} as it must be a whole number from 1 to 100`);
}
