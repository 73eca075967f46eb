/**
 * A setup file for vitest: `test: { setupFiles: ["@batonjs/testing/vitest"] }`.
 *
 * After each test it fails the test if a promise was rejected that nobody handled, if a scripted model has replies left
 * or was asked for more, if an oracle found a violation that somebody swallowed, or if a built-in prototype has changed. A test that failed already is left
 * as it is. What `graphCoverage()` has counted and which cassettes were opened is kept with the file, for the reporters.
 * Models made outside of tests are looked at when the file has ended. Of tests that run side by side, the last one to end
 * fails for all.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { openedCassettes } from "./cassettes/opened.ts";
import "./vitest-prototypes.ts";
import { type CoverageReport, mergeCoverage } from "./coverage.ts";
import { type Watched, watchAll } from "./watch.ts";

/** What of Node's `process` is used; other runtimes have none. */
interface Process {
  on(event: "unhandledRejection", listener: (reason: unknown) => void): void;
  off(event: "unhandledRejection", listener: (reason: unknown) => void): void;
}

let running = 0;
let ofTests: Watched[] = [];
const ofFile: Watched[] = [];
const counting: (() => object)[] = [];
let rejections: unknown[] = [];

const { process } = globalThis as { readonly process?: Process };
const onRejection = (reason: unknown): void => void rejections.push(reason);
// At import, before the test file is: it may make models at its top.
watchAll((made) => {
  (running > 0 ? ofTests : ofFile).push(made);
  if (made.coverage) counting.push(made.coverage);
});

beforeAll(() => {
  process?.on("unhandledRejection", onRejection);
});

beforeEach(() => {
  running += 1;
});

afterEach(async ({ task }) => {
  // A rejection is reported when the microtasks are done.
  await new Promise((resolve) => setTimeout(resolve, 0));
  running -= 1;
  if (running > 0) return;
  const made = ofTests;
  const unhandled = rejections;
  ofTests = [];
  rejections = [];
  if (task.result?.state === "fail") return;
  throwFirst([...unhandled.map(rejected), ...made.flatMap(({ problems }) => problems())]);
});

// oxlint-disable-next-line no-empty-pattern -- vitest reads which fixtures are wanted from the pattern
afterAll(({}, { meta }) => {
  process?.off("unhandledRejection", onRejection);
  if (counting.length > 0) {
    const batonCoverage = mergeCoverage(counting.map((report) => report() as CoverageReport));
    Object.assign(meta, { batonCoverage });
  }
  if (openedCassettes().length > 0) Object.assign(meta, { batonCassettes: openedCassettes() });
  throwFirst(ofFile.flatMap(({ problems }) => problems()));
});

function rejected(reason: unknown): Error {
  return new Error("A promise was rejected and nobody handled it", { cause: reason });
}

function throwFirst(problems: readonly Error[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  throw new AggregateError(problems, `${problems.length} things went wrong unseen; the first: ${first.message}`, {
    cause: first,
  });
}
