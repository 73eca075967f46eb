/**
 * A reporter for vitest that adds up what `graphCoverage()` has counted in all test files. It needs the setup file:
 *
 * ```ts ignore
 * test: {
 *   setupFiles: ["@batonjs/testing/vitest"],
 *   reporters: ["default", new CoverageReporter({ file: "coverage/agents.json", thresholds: { edges: 100 } })],
 * }
 * ```
 *
 * @module
 */
/// <reference types="node" />
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  coverageProblems,
  type CoverageReport,
  coverageText,
  type CoverageThresholds,
  mergeCoverage,
} from "./coverage.ts";

/** What the reporter does with the sum. */
export interface CoverageReporterOptions {
  /** Where the sum is written as JSON, for `baton-lint --coverage`. @default nowhere */
  readonly file?: string;
  /** Shares in percent below which the test run fails. */
  readonly thresholds?: CoverageThresholds;
  /** Where the table goes. @default the console */
  readonly write?: (text: string) => void;
}

/** A test file, as vitest tells of it. */
export interface TestedModule {
  meta(): object;
}

const WANTED = 'the plugins of a runner need graphCoverage(triage), the setupFiles of vitest "@batonjs/testing/vitest"';

/** Prints a table and the graph with what is cold, writes JSON, and fails the test run below the thresholds. */
export class CoverageReporter {
  readonly #options: CoverageReporterOptions;

  constructor(options: CoverageReporterOptions = {}) {
    this.#options = options;
  }

  onTestRunEnd(modules: readonly TestedModule[]): void {
    const reports = modules.flatMap((module) => {
      const { batonCoverage } = module.meta() as { readonly batonCoverage?: CoverageReport };
      return batonCoverage ? [batonCoverage] : [];
    });
    const { file, thresholds = {}, write = (text) => console.log(text) } = this.#options;
    if (reports.length === 0) {
      const fails = modules.length > 0 && Object.keys(thresholds).length > 0;
      write(`\n${fails ? "FAILED nothing" : "Nothing"} was counted for the coverage of the agents: ${WANTED}`);
      if (fails) process.exitCode = 1;
      return;
    }
    const sum = mergeCoverage(reports);
    write(`\nCoverage of the agents\n${coverageText(sum)}`);
    if (file !== undefined) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify(sum, undefined, 2)}\n`);
    }
    const problems = coverageProblems(sum, thresholds);
    for (const problem of problems) write(`FAILED ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
}
