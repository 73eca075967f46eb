/** A report for the terminal. */
import type { RoutingReport, RoutingResult } from "./report.ts";
import { duration, percent, shown } from "./words.ts";

/** What `routingTable` shows. */
export interface RoutingTableOptions {
  /** Wrong messages that are listed. @default {10} */
  readonly wrong?: number;
  /** How much of each message is shown, in characters. @default {60} */
  readonly maxText?: number;
}

const MAX_NAME = 24;

/** A report as lines of text, without colours. */
export function routingTable(report: RoutingReport, options: RoutingTableOptions = {}): string {
  const parts = [summary(report), edges(report), rungs(report), matrix(report), curves(report), wrong(report, options)];
  return parts.filter((part) => part !== "").join("\n\n");
}

function summary({ agent, messages, right, failed, accuracy, calls, usage, cost, latencyMs }: RoutingReport): string {
  const tokens = usage.totalTokens === 0 ? "" : `, ${usage.totalTokens.toLocaleString("en-US")} tokens`;
  const perRight = calls.perRight === null ? "–" : calls.perRight.toFixed(2);
  return [
    `${shown(agent, MAX_NAME)}: ${right} of ${messages} messages right, ${percent(accuracy)}${failed === 0 ? "" : `; ${failed} failed`}`,
    `${calls.total} model calls, ${perRight} for each correct route${tokens}${cost === null ? "" : `, cost ${rounded(cost)}`}`,
    `latency ${duration(latencyMs.median)} median, ${duration(latencyMs.p95)} for 95 of 100, ${duration(latencyMs.max)} at most`,
  ].join("\n");
}

function edges({ edges: all }: RoutingReport): string {
  return table(
    ["agent", "messages", "routed", "right", "precision", "recall"],
    all.map(({ agent, expected, routed, right, precision, recall }) => [
      shown(agent, MAX_NAME),
      String(expected),
      String(routed),
      String(right),
      percent(precision),
      percent(recall),
    ]),
  );
}

function rungs({ rungs: all }: RoutingReport): string {
  return table(
    ["decided by", "messages", "right", "share right", "model calls"],
    all.map(({ by, messages, right, calls }) => [
      shown(by, MAX_NAME),
      String(messages),
      String(right),
      percent(messages === 0 ? null : right / messages),
      String(calls),
    ]),
  );
}

/** Rows are what was expected, columns where it went; columns are numbered so that the table stays narrow. */
function matrix({ confusion: { expected, actual, counts } }: RoutingReport): string {
  const rows = counts.map((row, i) => [
    `${i + 1} ${shown(expected[i] ?? "", MAX_NAME)}`,
    ...row.map((count) => (count === 0 ? "·" : String(count))),
  ]);
  const heads = actual.map((name, i) => (i < expected.length ? String(i + 1) : name));
  return table(["expected ↓  went to →", ...heads], rows);
}

function curves({ coverage, calibration }: RoutingReport): string {
  if (!coverage || !calibration) return "";
  const shownAt = new Set([0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
  const rows = coverage
    .filter(({ threshold }) => shownAt.has(threshold))
    .map((point) => [
      point.threshold.toFixed(1),
      percent(point.coverage),
      percent(point.precision),
      percent(point.outOfScope),
    ]);
  return `${table(["threshold", "decided", "right of these", "for nobody, yet decided"], rows)}\ncalibration error ${percent(calibration.error)}`;
}

function wrong({ agent, results }: RoutingReport, { wrong: max = 10, maxText = 60 }: RoutingTableOptions): string {
  const all = results.filter(({ right }) => !right);
  if (all.length === 0 || max === 0) return "";
  const lines = all.slice(0, max).map((result) => wrongLine(result, agent, maxText));
  const more = all.length > max ? [`  and ${all.length - max} more`] : [];
  return [`wrong:`, ...lines, ...more].join("\n");
}

function wrongLine({ text, line, expected, actual, by, error }: RoutingResult, agent: string, maxText: number): string {
  const went =
    error === undefined ? `went to ${name(actual, agent)} (${shown(by, MAX_NAME)})` : `failed: ${shown(error, 160)}`;
  const where = line === undefined ? "" : `line ${line} `;
  return `  ${where}"${shown(text, maxText)}"\n    for ${name(expected, agent)}, ${went}`;
}

const name = (to: string | null, agent: string): string => shown(to ?? agent, MAX_NAME);

const rounded = (cost: number): string => cost.toFixed(cost < 1 ? 4 : 2);

/** Columns, the first to the left and the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(...[cell, ...rows.map((row) => row[i] ?? "")].map(widthOf)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const space = " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell)));
        return i === 0 ? cell + space : space + cell;
      })
      .join("  ")
      .trimEnd();
  return [line(head), ...rows.map(line)].join("\n");
}

/** Columns that a terminal takes; characters of East Asian scripts take two. */
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u;
const widthOf = (text: string): number => [...text].reduce((width, letter) => width + (WIDE.test(letter) ? 2 : 1), 0);
