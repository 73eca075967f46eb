/** A report as one page that needs nothing else: no script, no font, no address. */
import type { CalibrationReport, CoveragePoint, RoutingReport } from "./report.ts";
import { duration, percent, shown } from "./words.ts";

const MAX_NAME = 60;
const MAX_TEXT = 300;
/** Wrong messages that the page lists. */
const MAX_WRONG = 500;

/** The page. The same report gives the same page. */
export function routingHtml(report: RoutingReport): string {
  const title = `Routing of ${safe(report.agent, MAX_NAME)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${[summary(report), matrix(report), edges(report), rungs(report), curves(report), wrong(report)].filter((part) => part !== "").join("\n")}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1a1d21, #e8eaed); --soft: light-dark(#667, #9aa3ad); --line: light-dark(#dde1e6, #343a41); --good: 22, 138, 90; --bad: 214, 69, 52; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #14171a); }
main { max-width: 1100px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .75rem; }
p, caption, figcaption, .note { color: var(--soft); } caption { text-align: left; padding-bottom: .5rem; }
dl { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 0; } dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: right; } th { font-weight: 500; } th:first-child, td.text, .list th { text-align: left; }
thead th { color: var(--soft); font-size: .85rem; border-bottom: 1px solid var(--line); vertical-align: bottom; }
.heat td { min-width: 2.1rem; text-align: center; border: 1px solid var(--line); } .heat thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; border: 0; }
.heat thead th:first-child { writing-mode: initial; transform: none; } .zero { color: var(--line); }
.charts { display: flex; flex-wrap: wrap; gap: 2rem; } figure { margin: 0; } svg { width: 320px; height: 240px; } svg text { font-size: 11px; fill: var(--soft); }
.axis { stroke: var(--line); fill: none; } .curve { stroke: rgb(var(--good)); fill: none; stroke-width: 2; } .ideal { stroke: var(--soft); stroke-dasharray: 3 4; } .dot { fill: rgb(var(--good)); }
td.text { overflow-wrap: anywhere; max-width: 32rem; }
`;

function summary(report: RoutingReport): string {
  const { messages, right, failed, accuracy, calls, usage, cost, latencyMs } = report;
  const facts: readonly (readonly [string, string])[] = [
    ["right", percent(accuracy)],
    ["messages", `${right} of ${messages}`],
    ["failed", String(failed)],
    ["model calls", String(calls.total)],
    ["calls per correct route", calls.perRight === null ? "–" : calls.perRight.toFixed(2)],
    ["tokens", usage.totalTokens.toLocaleString("en-US")],
    ...(cost === null ? [] : ([["cost", cost.toFixed(cost < 1 ? 4 : 2)]] as const)),
    ["latency, median", duration(latencyMs.median)],
    ["latency, 95 of 100", duration(latencyMs.p95)],
  ];
  return `<dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join("")}</dl>`;
}

function matrix({ confusion: { expected, actual, counts } }: RoutingReport): string {
  const head = actual.map((name) => `<th scope="col">${safe(name, MAX_NAME)}</th>`).join("");
  const rows = counts.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, j) => cell(count, total, i === j, `${expected[i]} → ${actual[j]}`)).join("");
    return `<tr><th scope="row">${safe(expected[i] ?? "", MAX_NAME)}</th>${cells}</tr>`;
  });
  return `<h2>Where messages went</h2>
<div class="scroll"><table class="heat"><caption>Each row is what was expected, each column where it went. Green is right, red is wrong; the stronger, the larger its share of the row.</caption>
<thead><tr><th scope="col">expected</th>${head}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div>`;
}

function cell(count: number, total: number, isRight: boolean, title: string): string {
  if (count === 0) return `<td class="zero">·</td>`;
  const strength = (0.15 + (0.7 * count) / total).toFixed(2);
  const label = `${safe(title, 2 * MAX_NAME)}: ${count} of ${total}`;
  return `<td style="background: rgba(var(--${isRight ? "good" : "bad"}), ${strength})" title="${label}">${count}</td>`;
}

function edges({ edges: all }: RoutingReport): string {
  const rows = all.map(({ agent, expected, routed, right, precision, recall, f1 }) => [
    safe(agent, MAX_NAME),
    String(expected),
    String(routed),
    String(right),
    percent(precision),
    percent(recall),
    percent(f1),
  ]);
  return table("Agents", ["agent", "messages", "routed", "right", "precision", "recall", "F1"], rows);
}

function rungs({ rungs: all }: RoutingReport): string {
  const rows = all.map(({ by, messages, right, calls }) => [
    safe(by, MAX_NAME),
    String(messages),
    percent(messages === 0 ? null : right / messages),
    String(calls),
  ]);
  return table("Who decided", ["rung", "messages", "right", "model calls"], rows);
}

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]): string =>
    row.map((value, i) => (i === 0 ? `<th scope="row">${value}</th>` : `<td>${value}</td>`)).join("");
  return `<h2>${title}</h2>
<div class="scroll"><table><thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join("\n")}</tbody></table></div>`;
}

function curves({ coverage, calibration }: RoutingReport): string {
  if (!coverage || !calibration) return "";
  return `<h2>What scores are worth</h2>
<div class="charts">
${coverageChart(coverage)}
${calibrationChart(calibration)}
</div>`;
}

/** A chart of shares: both axes from 0 to 1. */
function chart(name: string, x: string, y: string, content: string): string {
  return `<figure><svg viewBox="0 0 320 240" role="img" aria-label="${name}"><path class="axis" d="M40 10V200H310"/>${content}
<text x="175" y="232" text-anchor="middle">${x}</text><text x="12" y="105" text-anchor="middle" transform="rotate(-90 12 105)">${y}</text>
<text x="36" y="14" text-anchor="end">1</text><text x="36" y="204" text-anchor="end">0</text><text x="310" y="214" text-anchor="middle">1</text></svg>
<figcaption>${name}</figcaption></figure>`;
}

const point = (x: number, y: number): string => `${(40 + 270 * x).toFixed(1)} ${(200 - 190 * y).toFixed(1)}`;

function coverageChart(points: readonly CoveragePoint[]): string {
  const drawn = points.flatMap(({ coverage, precision }) =>
    coverage === null || precision === null ? [] : [point(coverage, precision)],
  );
  const line = drawn.length === 0 ? "" : `<path class="curve" d="M${drawn.join("L")}"/>`;
  return chart("Coverage against precision, by threshold", "share decided", "share right of these", line);
}

function calibrationChart({ bins, error }: CalibrationReport): string {
  const most = Math.max(...bins.map(({ messages }) => messages));
  const dots = bins.map(({ score, right, messages }) => {
    const [x, y] = point(score, right).split(" ");
    return `<circle class="dot" cx="${x}" cy="${y}" r="${(3 + 6 * Math.sqrt(messages / most)).toFixed(1)}"><title>${messages} messages</title></circle>`;
  });
  const ideal = `<path class="ideal" d="M${point(0, 0)}L${point(1, 1)}"/>`;
  return chart(`Calibration: error ${percent(error)}`, "score", "share right", ideal + dots.join(""));
}

function wrong({ agent, results }: RoutingReport): string {
  const all = results.filter(({ right }) => !right);
  if (all.length === 0) return "";
  const rows = all
    .slice(0, MAX_WRONG)
    .map(({ text, line, expected, actual, by, guess, error }) =>
      [
        `<td>${line ?? ""}</td>`,
        `<td class="text">${safe(text, MAX_TEXT)}</td>`,
        `<td class="text">${safe(expected ?? agent, MAX_NAME)}</td>`,
        `<td class="text">${safe(error ?? actual ?? agent, error === undefined ? MAX_NAME : MAX_TEXT)}</td>`,
        `<td class="text">${safe(by, MAX_NAME)}</td>`,
        `<td>${guess ? guess.score.toFixed(2) : ""}</td>`,
      ].join(""),
    );
  const more = all.length > MAX_WRONG ? `<p>and ${all.length - MAX_WRONG} more</p>` : "";
  const heads = ["line", "message", "expected", "went to", "decided by", "score"];
  return `<h2>Wrong</h2>
<div class="scroll"><table class="list"><thead><tr>${heads.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row}</tr>`).join("\n")}</tbody></table></div>${more}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A foreign text in the page. */
const safe = (text: string, max: number): string => shown(text, max).replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign]!);
