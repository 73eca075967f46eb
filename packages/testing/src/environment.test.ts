import { describe, expect, it } from "vitest";
import { testClock, testIds, testRandom } from "./environment.ts";

describe("testClock()", () => {
  it("fires timers in the order they are due, at their time", async () => {
    const clock = testClock(1_000);
    const fired: string[] = [];
    clock.setTimeout(() => fired.push(`b at ${clock.now()}`), 20);
    clock.setTimeout(() => fired.push(`a at ${clock.now()}`), 10);
    clock.setTimeout(() => fired.push(`late at ${clock.now()}`), 31);
    await clock.advance(30);
    expect(fired).toEqual(["a at 1010", "b at 1020"]);
    expect([clock.now(), clock.pending]).toEqual([1_030, 1]);
  });

  it("fires timers that are set on the way, also behind a promise", async () => {
    const clock = testClock(0);
    const fired: number[] = [];
    const loop = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await new Promise<void>((wake) => clock.setTimeout(wake, 10));
        fired.push(clock.now());
      }
    };
    const done = loop();
    await clock.advance(100);
    await done;
    expect(fired).toEqual([10, 20, 30]);
  });

  it("never fires a timer that was cleared", async () => {
    const clock = testClock();
    const timer = clock.setTimeout(() => {
      throw new Error("fired");
    }, 1);
    clock.clearTimeout(timer);
    await clock.advance(10);
    expect(clock.pending).toBe(0);
  });

  it("rejects with what a timer throws, and refuses to go back", async () => {
    const clock = testClock();
    clock.setTimeout(() => {
      throw new Error("boom");
    }, 1);
    await expect(clock.advance(1)).rejects.toThrow("boom");
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    await expect(clock.advance(Number.NaN)).rejects.toThrow(RangeError);
  });
});

describe("testIds()", () => {
  it("counts up from 1", () => {
    const next = testIds();
    expect([next(), next(), testIds("x")()]).toEqual(["run_1", "run_2", "x_1"]);
  });
});

describe("testRandom()", () => {
  it("gives the same numbers for the same seed, from 0 to 1", () => {
    const numbers = (seed: number): number[] => Array.from({ length: 100 }, testRandom(seed));
    expect(numbers(7)).toEqual(numbers(7));
    expect(numbers(7)).not.toEqual(numbers(8));
    expect(numbers(7).every((n) => n >= 0 && n < 1)).toBe(true);
    expect(new Set(numbers(7)).size).toBe(100);
  });
});
