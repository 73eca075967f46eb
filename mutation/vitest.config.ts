import { basename, join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The file or files that are mutated (`stryker.config.mjs`): the tests of their package are run. */
const mutated = process.env["BATON_MUTATED"] ?? "";
const folder = /^packages\/[^/]+/.exec(mutated)?.[0] ?? "packages/core";
const SLOW = ["memory-store", "abort", "session", "never-answers", "handoff-random", "fault-matrix"].concat(
  ["sqlite", "redis", "postgres"].map((name) => `${name}-store`),
  "postgres-server",
);

/** First the tests of the mutated file, last the slow ones: most mutants are killed by one of the first tests. */
class KillersFirst extends BaseSequencer {
  override sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const name = basename(moduleId, ".test.ts");
      return name === basename(mutated, ".ts") ? -1 : SLOW.indexOf(name) + 1;
    };
    return Promise.resolve(specifications.toSorted((a, b) => rank(a) - rank(b)));
  }
}

export default defineConfig({
  resolve: {
    alias: { "@batonjs/testing/session-store/crashes": join(process.cwd(), "mutation/no-crashes.ts") },
  },
  test: {
    root: process.cwd(),
    include: [`${folder}/src/**/*.test.ts`],
    // Long, and about what no other test leaves open: memory, listeners, encryption.
    exclude: ["**/node_modules/**", "**/{leaks,encrypted,cached}.test.ts"],
    isolate: false,
    sequence: { sequencer: KillersFirst },
    testTimeout: 20_000,
  },
});
