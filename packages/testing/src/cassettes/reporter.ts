/**
 * A reporter for vitest that names the cassettes which no test has opened, and those that are stale. It needs the setup
 * file:
 *
 * ```ts ignore
 * test: {
 *   setupFiles: ["@batonjs/testing/vitest"],
 *   reporters: ["default", new CassetteReporter()],
 * }
 * ```
 *
 * @module
 */
/// <reference types="node" />
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { FOLDER } from "./for-test.ts";
import type { OpenedCassette } from "./opened.ts";
import { cassettesIn } from "./unused.ts";

/** What the reporter looks at beside the folders of `cassetteFor()`, and what it does. */
export interface CassetteReporterOptions {
  /** Folders with cassettes of other paths. They are looked at when no test of the run was skipped or failed. */
  readonly folders?: readonly string[];
  /** Whether an unused cassette fails the test run. @default {false} */
  readonly fail?: boolean;
  /** Where the list goes. @default the console */
  readonly write?: (text: string) => void;
}

/** A test file, as vitest tells of it. */
export interface CassetteModule {
  readonly moduleId: string;
  readonly children: { allTests(): Iterable<{ result(): { readonly state: string } }> };
  meta(): object;
}

/**
 * Names cassettes that were replayed though an agent has changed, as far as `match` lets it. And those of no test: the
 * cassettes of test files that are gone, and those that a test file whose tests all passed has not opened. A
 * test file of which a test was skipped or failed is left out: that test may need them.
 */
export class CassetteReporter {
  readonly #options: CassetteReporterOptions;

  constructor(options: CassetteReporterOptions = {}) {
    this.#options = options;
  }

  onTestRunEnd(modules: readonly CassetteModule[]): void {
    const { folders = [], fail = false, write = (text) => console.log(text) } = this.#options;
    const opened = modules.flatMap(
      (module) => (module.meta() as { readonly batonCassettes?: readonly OpenedCassette[] }).batonCassettes ?? [],
    );
    const stale = opened.flatMap(({ path, stale }) => stale.map((what) => `  ${path}: ${what}`));
    if (stale.length > 0) write(`\nCassettes that differ from what is asked now\n${stale.join("\n")}`);
    const passed = modules.filter(allPassed);
    const places = [
      ...passed.map(({ moduleId }) => join(dirname(moduleId), FOLDER, basename(moduleId))),
      ...[...new Set(modules.map(({ moduleId }) => dirname(moduleId)))].flatMap(ofFilesThatAreGone),
      ...(passed.length === modules.length ? folders : []),
    ];
    const paths = new Set(opened.map(({ path }) => path));
    const unused = [...new Set(places.flatMap((place) => cassettesIn(place, paths)))];
    if (unused.length === 0) return;
    write(`\nCassettes that no test has opened\n${unused.map((path) => `  ${path}`).join("\n")}`);
    if (fail) process.exitCode = 1;
  }
}

function allPassed({ children }: CassetteModule): boolean {
  for (const test of children.allTests()) if (test.result().state !== "passed") return false;
  return true;
}

/** Folders of cassettes in `folder` whose test file is not there any more. */
function ofFilesThatAreGone(folder: string): readonly string[] {
  const cassettes = join(folder, FOLDER);
  if (!existsSync(cassettes)) return [];
  return readdirSync(cassettes, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !existsSync(join(folder, entry.name)))
    .map(({ name }) => join(cassettes, name));
}
