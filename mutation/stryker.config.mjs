/** Changes the code in small ways and runs the tests on each: a mutant that no test notices has survived. */
import { join } from "node:path";

export default {
  testRunner: "vitest",
  plugins: [join(import.meta.dirname, "node_modules/@stryker-mutator/vitest-runner/dist/src/index.js")],
  vitest: { configFile: "mutation/vitest.config.ts", related: true },
  coverageAnalysis: "perTest",
  mutate: ["packages/core/src/{transitions,transcript,views,filters,handoff,journal}.ts"],
  ignorePatterns: ["benchmarks", "apps", "docs", "simulation", "**/dist", "**/.turbo", "**/*.sqlite"],
  tsconfigFile: "none", // TypeScript 7 has no API by which it could be read
  reporters: ["clear-text", "json"],
  jsonReporter: { fileName: "mutation/report.json" },
  tempDirName: "mutation/.stryker-tmp",
};
