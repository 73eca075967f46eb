import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { PLANTS } from "./plants.ts";
import { simulate } from "./simulate.ts";

const run = promisify(execFile);
/** `BATON_SEEDS=300000` for a night. */
const seeds = Number(process.env["BATON_SEEDS"] ?? (process.env["CI"] ? 3_000 : 300));
const CHUNK = 300;
/** Within how many seeds a planted bug is found. */
const SEEDS_FOR_PLANT = 2_000;

describe("a simulated world", () => {
  for (let from = 1; from <= seeds; from += CHUNK) {
    const to = Math.min(from + CHUNK - 1, seeds);
    it(
      `holds every invariant at every step, and goes on in the end: seeds ${from} to ${to}`,
      { timeout: 300_000 },
      async () => {
        for (let seed = from; seed <= to; seed++) {
          const { problems } = await simulate(seed);
          expect(problems, `again: pnpm simulate --seed ${seed}`).toEqual([]);
        }
      },
    );
  }

  it("is the same for the same seed: every record, byte by byte, and every step", async () => {
    for (const seed of [1, 2, 3, 5, 8, 13, 21, 34]) {
      const first = await simulate(seed, { verbose: true });
      const second = await simulate(seed, { verbose: true });
      expect(second).toEqual(first);
      expect(first.journals.length).toBeGreaterThan(0);
    }
  });

  it("sees runs that complete, pause, fail and die: it is not all faults", async () => {
    const ends: Record<string, number> = {};
    for (let seed = 1; seed <= 100; seed++)
      for (const [end, count] of Object.entries((await simulate(seed)).ends)) ends[end] = (ends[end] ?? 0) + count;
    for (const end of [
      "completed",
      "paused",
      "died",
      "aborted",
      "session_conflict",
      "store_timeout",
      "guardrail_tripped",
      "fork",
      "rewind",
    ])
      expect(ends[end], end).toBeGreaterThan(0);
  });
});

describe("a bug planted in the core", () => {
  for (const [name, { breaks }] of Object.entries(PLANTS)) {
    it(`is found: ${name} breaks "${breaks}"`, { timeout: 300_000 }, async () => {
      const args = [join(import.meta.dirname, "main.ts"), "--plant", name, "--seeds", String(SEEDS_FOR_PLANT)];
      const outcome = await run(process.execPath, args).then(
        () => "no problem",
        (error: { readonly stdout?: string; readonly code?: number }) => `${error.code} ${error.stdout}`,
      );
      expect(outcome).toMatch(/^1 [^]*SEED \d+: /);
    });
  }
});
