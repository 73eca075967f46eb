/** A log for people: runs, who was at work when, what each handoff passed on. */
import { type Cost, CostMeter } from "@batonjs/core/tracing";
import { type Paint, count, dollars, duration, painter, plural, price, short, tokens } from "./format.ts";
import type { Trace } from "./read.ts";
import type { TraceHandoff, TraceRun, TraceStep, TracedItem } from "./summary.ts";

export interface PrintOptions {
  /** @default {false} */
  readonly colours?: boolean;
  /** Columns. @default {100} */
  readonly width?: number;
  /** Show every step. @default {true} */
  readonly steps?: boolean;
  /** Items shown of what a handoff kept. @default {10} */
  readonly maxItems?: number;
}

interface Page {
  readonly paint: Paint;
  readonly width: number;
  readonly steps: boolean;
  readonly maxItems: number;
}

/** A log as lines for a terminal. */
export function printTrace({ runs, skipped, dropped }: Trace, options: PrintOptions = {}): string[] {
  const page = pageOf(options);
  const lines = runs.flatMap((run) => [...printRun(run, options), ""]);
  lines.push(...sessionLines(runs, page));
  if (skipped > 0) lines.push(page.paint("yellow", `${plural(skipped, "line")} could not be read`));
  if (dropped > 0) lines.push(page.paint("yellow", `${plural(dropped, "line")} had to be dropped when it was written`));
  return lines;
}

function pageOf({ colours = false, width = 100, steps = true, maxItems = 10 }: PrintOptions): Page {
  return { paint: painter(colours), width: Math.max(60, width), steps, maxItems };
}

/** One run as lines for a terminal. */
export function printRun(run: TraceRun, options: PrintOptions = {}): string[] {
  const page = pageOf(options);
  return [
    ...headLines(run, page),
    ...laneLines(run, page),
    ...(page.steps ? stepLines(run, page) : []),
    ...run.handoffs.flatMap((handoff) => handoffLines(handoff, page)),
  ];
}

function headLines(run: TraceRun, { paint, width }: Page): string[] {
  const colour = run.status === "failed" ? "red" : run.status === "completed" ? "green" : "yellow";
  const parts = [
    paint("bold", `run ${short(run.id, 60)}`),
    ...(run.session === undefined ? [] : [`session ${short(run.session, 40)}`]),
    paint(colour, run.status),
    duration(run.durationMs),
    tokens(run.inputTokens, run.outputTokens),
    ...shownPrice(run.cost),
  ];
  const error = run.error === undefined ? [] : [paint("red", `  ${short(run.error, width - 2)}`)];
  return [parts.join("  "), ...error];
}

const shownPrice = (cost: Cost | undefined): string[] => [price(cost)].filter((text) => text !== undefined);

const GLYPH: Readonly<Record<TraceStep["kind"], string>> = {
  model: "█",
  tool: "▓",
  handoff: "▶",
  guardrail: "◆",
  pause: "‖",
  failure: "✗",
};

/** One line for each agent: when it was at work. */
function laneLines(run: TraceRun, { paint, width }: Page): string[] {
  const names = [...new Set([...run.agents.map(({ name }) => name), ...run.steps.map(({ agent }) => agent)])];
  if (names.length === 0) return [];
  const nameWidth = Math.min(24, Math.max(...names.map((name) => name.length)));
  const cells = Math.max(10, Math.floor((width - nameWidth - 4) / 2));
  return names.map((name) => {
    const bar: string[] = Array.from({ length: cells }, () => "·");
    for (const step of run.steps) if (step.agent === name) draw(bar, step, run.durationMs);
    const agent = run.agents.find((each) => each.name === name);
    const sums = agent
      ? [plural(agent.calls, "call"), tokens(agent.inputTokens, agent.outputTokens), ...shownPrice(agent.cost)]
      : [];
    return `  ${paint("cyan", short(name, nameWidth).padEnd(nameWidth))} ${bar.join("")} ${sums.join("  ")}`.trimEnd();
  });
}

function draw(bar: string[], { kind, startMs, durationMs }: TraceStep, totalMs: number): void {
  const cell = (ms: number): number =>
    Math.min(bar.length - 1, totalMs === 0 ? 0 : Math.floor((ms / totalMs) * bar.length));
  const last = cell(startMs + durationMs);
  for (let at = cell(startMs); at <= last; at++) if (kind !== "guardrail" || bar[at] === "·") bar[at] = GLYPH[kind];
}

function stepLines(run: TraceRun, { paint, width }: Page): string[] {
  return run.steps.map((step) => {
    const { kind, agent, name, startMs, durationMs, outcome, failed, usage, usd, detail, depth } = step;
    const what = kind === "handoff" ? `${agent} → ${name}` : `${agent}  ${name}`;
    const facts = [
      ...(durationMs > 0 ? [duration(durationMs)] : []),
      outcome,
      ...(usage ? [tokens(usage.inputTokens, usage.outputTokens)] : []),
      ...(usd === undefined ? [] : [dollars(usd)]),
    ].join("  ");
    const head = `  ${`+${duration(startMs)}`.padStart(9)} ${"  ".repeat(depth)}${GLYPH[kind]} ${short(what, 48)}`;
    const line = `${head}  ${paint(failed ? "red" : "dim", facts)}`;
    const room = width - head.length - facts.length - 4;
    return detail === undefined || room < 20 ? line : `${line}  ${paint("dim", short(detail, room))}`;
  });
}

function handoffLines(handoff: TraceHandoff, page: Page): string[] {
  const { paint, width } = page;
  const { from, to, toolName, mode, refused, reason, input, filters, scores } = handoff;
  const by = toolName === undefined ? "" : ` by ${toolName}`;
  const head = paint(refused ? "red" : "magenta", `  handoff ${from} → ${to}${by} (${mode})`);
  const lines = [head];
  const add = (name: string, text: string): void => void lines.push(`    ${name.padEnd(9)} ${text}`);
  if (reason !== undefined) add("because", short(reason, width - 15));
  if (input !== undefined) add("payload", short(input, width - 15));
  const best = Object.entries(scores).toSorted(([, a], [, b]) => b - a);
  if (best.length > 0) add("scores", short(best.map(([name, score]) => `${name} ${score}`).join(", "), width - 15));
  if (refused) return lines;
  if (filters.length > 0) add("filters", filters.join(", "));
  const about = (tokens: number | undefined): string => (tokens === undefined ? "" : `, about ${count(tokens)} tokens`);
  add("before", `${plural(handoff.before, "item")}${about(handoff.tokensBefore)}`);
  add("passed on", `${plural(handoff.after, "item")}${about(handoff.tokensAfter)}`);
  if (handoff.putIn > 0) add("put in", plural(handoff.putIn, "item"));
  return [...lines, ...itemLines("kept", "+", handoff.kept, page), ...itemLines("dropped", "-", handoff.dropped, page)];
}

/** The newest of the items, and how many are not shown. */
function itemLines(
  what: string,
  sign: string,
  items: readonly TracedItem[],
  { paint, width, maxItems }: Page,
): string[] {
  const hidden = items.length - maxItems;
  const lines = items
    .slice(-maxItems)
    .map(({ id, item }) =>
      paint(sign === "-" ? "red" : "green", `      ${sign} ${short(nameOf(id, item), width - 8)}`),
    );
  return hidden > 0 ? [`      ${sign} ${plural(hidden, "older item")} ${what}`, ...lines] : lines;
}

function nameOf(id: string, item: TracedItem["item"]): string {
  if (!item) return `item ${id} of an earlier run`;
  const who = item.type === "message" ? (item.agent ?? item.role ?? "") : (item.agent ?? "");
  const what = [item.type, item.name, who === "" ? undefined : `of ${who}`].filter(Boolean).join(" ");
  return `${what}${item.text === undefined ? ` (${count(item.chars ?? 0)} characters)` : `: ${item.text}`}`;
}

/** What conversations of several runs have cost together. */
function sessionLines(runs: readonly TraceRun[], { paint }: Page): string[] {
  const sessions = Map.groupBy(
    runs.filter(({ session }) => session !== undefined),
    ({ session }) => session!,
  );
  return [...sessions]
    .filter(([, its]) => its.length > 1)
    .map(([session, its]) => {
      const sum = (of: (run: TraceRun) => number): number => its.reduce((total, run) => total + of(run), 0);
      const used = tokens(
        sum((run) => run.inputTokens),
        sum((run) => run.outputTokens),
      );
      const head = paint("bold", `session ${short(session, 40)}`);
      return [head, plural(its.length, "run"), used, ...shownPrice(costOf(its))].join("  ");
    });
}

/** What runs have cost together. */
function costOf(runs: readonly TraceRun[]): Cost | undefined {
  const costs = runs.flatMap(({ cost }) => (cost ? [cost] : []));
  if (costs.length === 0) return undefined;
  const sum = new CostMeter(() => undefined);
  for (const { usd } of costs) if (usd !== undefined) sum.count({ model: "", provider: "", usage: NO_USAGE }, usd);
  return { usd: sum.cost.usd, unknown: [...new Set(costs.flatMap(({ unknown }) => unknown))] };
}
const NO_USAGE = { inputTokens: 0, outputTokens: 0 };
