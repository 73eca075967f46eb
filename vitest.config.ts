import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { defineConfig } from "vitest/config";

const roots = [
  ...globSync("{packages,apps}/*/package.json", { cwd: import.meta.dirname }).map(dirname),
  "scripts",
  "simulation",
];

export default defineConfig({
  test: {
    projects: roots.toSorted().map((root) => ({
      root: `./${root}`,
      test: {
        name: basename(root),
        include: ["**/*.test.ts"],
        setupFiles: [join(import.meta.dirname, "packages/testing/src/vitest-prototypes.ts")],
        exclude: ["**/node_modules/**", "**/dist/**", "portable/**"],
      },
    })),
    // Many tests wait for processes and servers: one worker on two cores would wait alone.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    passWithNoTests: true,
  },
});
