import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testCrashes } from "@batonjs/testing/session-store/crashes";
import { describe, it } from "vitest";

describe("FileStore", () => {
  testCrashes({
    describe,
    it: (name, body) => it(name, { timeout: 120_000 }, body),
    create: () => {
      const folder = mkdtempSync(join(tmpdir(), "file-store-"));
      const module = new URL("./open.ts", import.meta.url);
      return { module, config: folder, dispose: () => rmSync(folder, { recursive: true }) };
    },
    durability: "process",
    rounds: 3,
  });
});
