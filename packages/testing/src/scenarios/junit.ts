/** A report for the servers that read JUnit's XML. */
import { visible } from "../text.ts";
import type { ScenarioReport, ScenarioResult } from "./report.ts";
import { failureText } from "./table.ts";

/** A report as JUnit XML: a suite for each file, a case for each scenario. Text that XML cannot have is escaped. */
export function scenarioJUnit(report: ScenarioReport): string {
  const files = [...new Set(report.scenarios.map(({ file }) => file ?? "scenarios"))];
  const suites = files.map((file) =>
    suite(
      file,
      report.scenarios.filter((each) => (each.file ?? "scenarios") === file),
    ),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributes({ ...counts(report.scenarios) })}>\n${suites.join("\n")}\n</testsuites>\n`;
}

function suite(name: string, scenarios: readonly ScenarioResult[]): string {
  const cases = scenarios.map((result) => testCase(name, result));
  return `  <testsuite${attributes({ name, ...counts(scenarios), errors: 0, skipped: 0 })}>\n${cases.join("\n")}\n  </testsuite>`;
}

function testCase(classname: string, result: ScenarioResult): string {
  const { name, file, line, ok, passes, count, passRate, minPassRate } = result;
  const message = result.runs.flatMap(({ failures }) => failures.map((failure) => failure.message.split("\n")[0]))[0];
  const rate = `${passes} of ${count} runs passed, at least ${minPassRate} wanted`;
  const details = passes === count ? "" : failureText(result);
  const outcome = ok
    ? details === ""
      ? ""
      : `      <system-out>${escaped(details)}</system-out>\n`
    : `      <failure${attributes({ message: count === 1 ? (message ?? rate) : `${rate}: ${message}`, type: "ExpectationError" })}>${escaped(details)}</failure>\n`;
  const properties = attributesList({ passes, runs: count, passRate })
    .map(([key, value]) => `        <property${attributes({ name: key, value })}/>\n`)
    .join("");
  const place = { ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }) };
  return `    <testcase${attributes({ classname, name, time: seconds([result]), ...place })}>\n      <properties>\n${properties}      </properties>\n${outcome}    </testcase>`;
}

function counts(scenarios: readonly ScenarioResult[]): Readonly<Record<string, string | number>> {
  return { tests: scenarios.length, failures: scenarios.filter(({ ok }) => !ok).length, time: seconds(scenarios) };
}

const seconds = (scenarios: readonly ScenarioResult[]): string =>
  (scenarios.flatMap(({ runs }) => runs).reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000).toFixed(3);

type Values = Readonly<Record<string, string | number>>;

const attributesList = (values: Values): readonly (readonly [string, string])[] =>
  Object.entries(values).map(([name, value]) => [name, String(value)]);

const attributes = (values: Values): string =>
  attributesList(values)
    .map(([name, value]) => ` ${name}="${escaped(value).replaceAll("\n", "&#10;")}"`)
    .join("");

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escaped = (text: string): string => visible(text).replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);
