import { defineConfig } from "vitest/config";

/** The tests of one package: of the one whose files are mutated (`stryker.config.mjs`). */
const folder = process.env["BATON_MUTATED"] ?? "packages/core";

export default defineConfig({
  test: {
    root: process.cwd(),
    include: [`${folder}/src/**/*.test.ts`],
    // Long, and about what no other test leaves open: memory, listeners, encryption.
    exclude: ["**/node_modules/**", "**/{leaks,encrypted,cached}.test.ts"],
    isolate: false,
    testTimeout: 20_000,
  },
});
