/** What runs leave behind, measured in processes of their own: listeners, timers, memory. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const MIB = 2 ** 20;

/** What a program in `__fixtures__/leaks` says. */
async function measured(program: string, ...args: readonly number[]): Promise<Readonly<Record<string, unknown>>> {
  const file = fileURLToPath(new URL(`__fixtures__/leaks/${program}.mjs`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", file, ...args.map(String)]);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

it(
  "10,000 runs on one signal, of every end, leave no listener, no timer and no memory",
  { timeout: 120_000 },
  async () => {
    const { grown, ...left } = await measured("many-runs", 10_000);
    expect(left).toEqual({ listeners: 0, timers: 0 });
    expect(grown).toBeLessThan(2 * MIB); // 200 bytes a run; a transcript alone has thousands
  },
);

it("what has ended is held by nobody, though its agents and its signal live on", { timeout: 120_000 }, async () => {
  const { watched, left } = await measured("collected");
  expect(watched).toBeGreaterThan(10);
  expect(left).toEqual([]);
});

it(
  "20,000 runs that wait for their model at once take less than 400 MiB, and a stop ends them all",
  { timeout: 120_000 },
  async () => {
    const { mebibytes, waiting, aborted, listeners, timers } = await measured("idle-runs", 20_000);
    expect({ waiting, aborted, listeners, timers }).toEqual({
      waiting: 20_000,
      aborted: 20_000,
      listeners: 0,
      timers: 0,
    });
    expect(mebibytes).toBeLessThan(400);
  },
);
