/** Changes the code in small ways and runs the tests on each: a mutant that no test notices has survived. */
import { join } from "node:path";

process.env.BATON_MUTATED = process.argv.at(process.argv.indexOf("--mutate") + 1); // for vitest.config.ts

export default {
  testRunner: "vitest",
  plugins: [join(import.meta.dirname, "node_modules/@stryker-mutator/vitest-runner/dist/src/index.js")],
  vitest: { configFile: "mutation/vitest.config.ts", related: true, pool: "forks" },
  coverageAnalysis: "perTest",
  mutate: ["packages/core/src/{transitions,transcript,views,filters,handoff,journal}.ts"],
  ignorePatterns: ["benchmarks", "apps", "docs", "simulation", "**/dist", "**/.turbo", "**/*.sqlite"],
  tsconfigFile: "none", // TypeScript 7 has no API by which it could be read
  reporters: ["clear-text", "json", "progress-append-only"],
  jsonReporter: { fileName: "mutation/report.json" },
  tempDirName: "mutation/.stryker-tmp",
};
