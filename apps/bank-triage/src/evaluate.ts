/** `pnpm --filter bank-triage evaluate FILE.csv`: how often the front desk is right. */
import { basename } from "node:path";
import {
  type RoutingComparison,
  type RoutingReport,
  compareRouting,
  routingHtml,
  routingTable,
} from "@batonjs/testing/routing";
import { type Bank, BANK, openBank } from "./bank.ts";
import { type Evaluated, evaluateBank } from "./evaluation.ts";
import { OWN_CASES, casesIn, readText, writeText } from "./files.ts";
import { EVALUATE_HELP, type EvaluateOptions, readEvaluateOptions } from "./options.ts";
import { UsageError, exitCodeOf, usage } from "./usage-error.ts";

const { stdout, stderr } = process;

async function main(): Promise<number> {
  const options = readEvaluateOptions(process.argv.slice(2));
  if (options.help) {
    stdout.write(`${EVALUATE_HELP}\n`);
    return 0;
  }
  const { file = OWN_CASES, model, threshold, concurrency } = options;
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline);
  const bank = await openBank({ model, ...(threshold === undefined ? {} : { threshold }) });
  const cases = casesIn(file, bank.frontDesk);
  const precision = threshold === undefined ? { precision: options.precision } : {};
  const evaluated = await evaluateBank(bank, cases, { ...precision, concurrency });

  const { report, fitted } = evaluated;
  const words = [heading(bank, options, report), thresholdLine(evaluated, options), ladderLine(report)].join("\n");
  if (options.json) stdout.write(`${JSON.stringify({ ...report, ...(fitted ? { fitted } : {}) })}\n`);
  else stdout.write(`${words}\n\n${routingTable(report)}\n`);
  if (options.html !== undefined) {
    writeText(options.html, routingHtml(report));
    stderr.write(`Wrote ${options.html}\n`);
  }
  if (baseline === undefined) return report.failed === report.messages ? 1 : 0;
  const compared = usage(() => compareRouting(report, baseline));
  (options.json ? stderr : stdout).write(`\n${comparison(compared)}\n`);
  return compared.ok ? 0 : 1;
}

function readBaseline(path: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`Cannot read ${path}: it is not JSON; make a baseline with --json`, { cause });
  }
}

function heading({ model }: Bank, { file }: EvaluateOptions, { messages }: RoutingReport): string {
  return `${BANK} · ${messages} messages of ${basename(file ?? OWN_CASES)} · behind the router: ${model}`;
}

function thresholdLine({ fitted, known }: Evaluated, { precision, threshold }: EvaluateOptions): string {
  const seen = known === 0 ? "" : `\n${known} of the messages are the router's own examples, which flatters it`;
  if (threshold !== undefined) return `threshold ${threshold}, as given${seen}`;
  if (!fitted) return `threshold 0.6, the default: too few messages to fit one${seen}`;
  const { all, parts } = fitted;
  const [low, high] = [Math.min(...parts), Math.max(...parts)].map((each) => each.toFixed(2));
  if (!all.reached)
    return `threshold: none reaches a precision of ${share(precision)}, so examples decide nothing${seen}`;
  return (
    `threshold ${all.threshold.toFixed(2)}, fitted for a precision of ${share(precision)} on all messages;` +
    ` below, each fifth is measured with one that was fitted on the others, ${low} to ${high}${seen}`
  );
}

/** What the router saved, and how good it was. */
function ladderLine({ results }: RoutingReport): string {
  const own = results.filter(({ calls }) => calls === 0);
  const right = own.filter((each) => each.right).length;
  return `${own.length} of ${results.length} messages needed no model call; ${share(own.length === 0 ? 0 : right / own.length)} of these went right`;
}

function comparison({ ok, messages, accuracy, worse, newlyWrong, newlyRight }: RoutingComparison): string {
  const was = `${share(accuracy.now)} right, was ${share(accuracy.before)}`;
  const changed = `${newlyWrong.length} newly wrong, ${newlyRight.length} newly right`;
  const head = `${ok ? "Not worse" : "Worse"} than the baseline on ${messages} messages: ${was}; ${changed}`;
  return [head, ...worse.map((each) => `  ${each}`)].join("\n");
}

const share = (value: number): string => `${(value * 100).toFixed(1)} %`;

process.exitCode = await exitCodeOf(main);
