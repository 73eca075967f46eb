import "@batonjs/testing/vitest";
import { type TestClock, testClock } from "@batonjs/testing";
import { describe, expect, it } from "vitest";
import { Deadlines } from "./deadlines.ts";

/** A clock that remembers how long its timers were set for. */
function watched(): { clock: TestClock; set: number[] } {
  const clock = testClock(0);
  const set: number[] = [];
  const { setTimeout } = clock;
  clock.setTimeout = (wake, ms) => (set.push(ms), setTimeout(wake, ms));
  return { clock, set };
}

const never = (): Promise<never> => new Promise(() => {});
const outcome = (promise: unknown): { now: unknown } => {
  const state: { now: unknown } = { now: "open" };
  Promise.resolve(promise).then(
    (value) => (state.now = value),
    (error: unknown) => (state.now = error),
  );
  return state;
};

describe("Deadlines", () => {
  it("gives back what is no promise, and sets no timer for it", () => {
    const { clock, set } = watched();
    expect(new Deadlines(clock).wait(5, { ms: 10, late: () => "late" })).toBe(5);
    expect(set).toEqual([]);
  });

  it("ends each wait when its own time is over, with one timer at a time", async () => {
    const { clock } = watched();
    const deadlines = new Deadlines(clock);
    const outcomes = [30, 10, 20].map((ms) => outcome(deadlines.wait(never(), { ms, late: () => `late ${ms}` })));
    for (const [ms, expected] of [
      [9, ["open", "open", "open"]],
      [1, ["open", "late 10", "open"]],
      [10, ["open", "late 10", "late 20"]],
      [10, ["late 30", "late 10", "late 20"]],
    ] as const) {
      expect(clock.pending).toBe(1);
      await clock.advance(ms);
      expect(outcomes.map(({ now }) => now)).toEqual(expected);
    }
    expect(clock.pending).toBe(0);
  });

  it("asks nobody who was in time, and sets no timer where nobody waits any more", async () => {
    const { clock, set } = watched();
    const deadlines = new Deadlines(clock);
    let asked = 0;
    const late = (): string => ((asked += 1), "late");
    const first = outcome(deadlines.wait(Promise.resolve("in time"), { ms: 10, late }));
    const second = outcome(deadlines.wait(Promise.reject(new Error("failed in time")), { ms: 20, late }));
    await clock.advance(100);
    expect(first.now).toBe("in time");
    expect(second.now).toMatchObject({ message: "failed in time" });
    expect(asked).toBe(0);
    expect(clock.pending).toBe(0);
    expect(set).toEqual([10]);
    for (const ms of set) expect(Number.isFinite(ms)).toBe(true);
  });

  it("sets no timer for a wait without a limit, and still ends it when the run stops", async () => {
    const { clock, set } = watched();
    const deadlines = new Deadlines(clock);
    const waiting = outcome(deadlines.wait(never(), { ms: Infinity, late: () => "late" }));
    await clock.advance(1e12);
    expect([waiting.now, set]).toEqual(["open", []]);
    deadlines.stop("stopped");
    await clock.settle();
    expect(waiting.now).toBe("stopped");
  });

  it("ends all waits when the run stops, those with a grace when it is over, and those that begin later at once", async () => {
    const { clock } = watched();
    const deadlines = new Deadlines(clock);
    const plain = outcome(deadlines.wait(never(), { ms: 1_000, late: () => "late" }));
    const graced = outcome(deadlines.wait(never(), { ms: 1_000, late: () => "grace is over", graceMs: 50 }));
    const short = outcome(deadlines.wait(never(), { ms: 20, late: () => "time is over", graceMs: 50 }));
    deadlines.stop("stopped");
    deadlines.stop("again");
    await clock.settle();
    expect([plain.now, graced.now, short.now]).toEqual(["stopped", "open", "open"]);
    const later = outcome(deadlines.wait(never(), { ms: 1_000, late: () => "late" }));
    const laterGraced = outcome(deadlines.wait(never(), { ms: 1_000, late: () => "later grace", graceMs: 30 }));
    await clock.advance(20);
    expect([later.now, short.now, laterGraced.now]).toEqual(["stopped", "time is over", "open"]);
    await clock.advance(10);
    expect([laterGraced.now, graced.now]).toEqual(["later grace", "open"]);
    await clock.advance(20);
    expect(graced.now).toBe("grace is over");
    expect(clock.pending).toBe(0);
  });

  it("takes what comes within the grace", async () => {
    const { clock } = watched();
    const deadlines = new Deadlines(clock);
    const slow = new Promise((resolve) => void clock.setTimeout(() => resolve("done"), 40));
    const waiting = outcome(deadlines.wait(slow, { ms: 1_000, late: () => "late", graceMs: 50 }));
    deadlines.stop("stopped");
    await clock.advance(40);
    expect(waiting.now).toBe("done");
    deadlines.close();
    expect(clock.pending).toBe(0);
  });
});
