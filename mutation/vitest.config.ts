import { defineConfig } from "vitest/config";

/** Only tests of core and of stores that need no server. */
export default defineConfig({
  test: {
    root: process.cwd(),
    include: ["packages/{core,store-sqlite}/src/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 20_000,
  },
});
