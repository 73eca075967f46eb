/** A report for the terminal. */
import { visible } from "../text.ts";
import { oneLine } from "../transcript.ts";
import type { ScenarioReport, ScenarioResult, ScenarioRun } from "./report.ts";

/** A report as lines of text: each scenario, then what failed, with transcripts. Without colours. */
export function scenarioTable(report: ScenarioReport): string {
  const rate = Math.max(...report.scenarios.map((result) => rateText(result).length));
  const name = Math.min(90, Math.max(...report.scenarios.map((result) => oneLine(result.name).length)));
  const lines = report.scenarios.map((result) =>
    [
      result.ok ? "ok    " : "FAILED",
      rateText(result).padEnd(rate),
      oneLine(result.name).padEnd(name),
      costText(result),
    ].join("  "),
  );
  const failed = report.scenarios.filter(({ passes, count }) => passes < count);
  const runs = report.scenarios.reduce((sum, { count }) => sum + count, 0);
  const passes = report.scenarios.reduce((sum, result) => sum + result.passes, 0);
  const text = [
    ...lines,
    ...failed.flatMap((result) => ["", `${oneLine(result.name)}${placeText(result)}`, indented(failureText(result))]),
    "",
    `${report.passed} of ${report.scenarios.length} scenarios passed; ${passes} of ${runs} runs passed`,
  ].join("\n");
  return visible(text);
}

/** What went wrong in the runs of a scenario. What several runs have in common is told once. */
export function failureText({ runs, passes, count, minPassRate, passRate, ok }: ScenarioResult): string {
  const told = new Map<string, number[]>();
  for (const [i, run] of runs.entries()) {
    if (run.ok) continue;
    const text = runText(run);
    told.set(text, [...(told.get(text) ?? []), i + 1]);
  }
  if (count === 1) return [...told.keys()].join("\n\n");
  const wanted = `${ok ? "at least" : "wanted at least"} ${percent(minPassRate)}`;
  return [
    `${passes} of ${count} runs passed, ${percent(passRate)}; ${wanted}`,
    ...[...told].map(([text, which]) => `${which.length === 1 ? "run" : "runs"} ${which.join(", ")}: ${text}`),
  ].join("\n\n");
}

function runText({ failures }: ScenarioRun): string {
  return failures
    .map(({ turn, message, transcript }) => {
      const head = `${turn === null ? "the conversation" : `turn ${turn}`}: ${message}`;
      return transcript.length === 0 ? head : `${head}\n\n${transcript.join("\n")}`;
    })
    .join("\n\n");
}

const rateText = ({ passes, count, passRate }: ScenarioResult): string => `${passes}/${count} ${percent(passRate)}`;

/** `72 %`; what is not all is never rounded up to it. */
const percent = (share: number): string => `${Math.floor(share * 1_000 + 1e-9) / 10} %`;

/** What a run costs on average. */
function costText({ runs }: ScenarioResult): string {
  const mean = (what: string, value: (run: ScenarioRun) => number): string => {
    const all = Math.round((runs.reduce((sum, run) => sum + value(run), 0) / runs.length) * 10) / 10;
    return `${all.toLocaleString("en-US")} ${what}${all === 1 ? "" : "s"}`;
  };
  return `${mean("call", ({ calls }) => calls)}, ${mean("token", ({ tokens }) => tokens)}`;
}

const placeText = ({ file, line }: ScenarioResult): string =>
  file === undefined ? "" : ` (${file}${line === undefined ? "" : `:${line}`})`;

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "  ");
