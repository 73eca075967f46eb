import { type Plugin, Agent, Runner } from "@batonjs/core";
import { say } from "../script.ts";
import { scriptedModel } from "../scripted-model.ts";
import { check } from "../session-store/checks.ts";
import { SCENARIOS } from "./scenarios.ts";
import { outcomeOf } from "./tracer.ts";

/**
 * What is wrong with where spans or lines go: it takes long, it never answers, it says no, it throws, or it is well.
 */
export type ExporterFault = "none" | "slow" | "hangs" | "refuses" | "throws";

/** What has become of what was to be exported. */
export interface ExporterStats {
  /** Spans or lines that wait. */
  readonly waiting: number;
  readonly dropped: number;
}

/** A tracer whose exporter has a fault, and a small queue. */
export interface ExporterUnderTest {
  readonly plugin: Plugin;
  readonly stats: () => ExporterStats;
  /** Spans or lines that may wait at most. */
  readonly maxQueue: number;
  dispose?(): void | Promise<void>;
}

/** A suite for one exporter. `describe` and `it` come from the test runner. */
export interface ExporterSuite {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly create: (fault: ExporterFault) => ExporterUnderTest | Promise<ExporterUnderTest>;
  /** Faults that can be made. @default all */
  readonly faults?: readonly Exclude<ExporterFault, "none">[];
  /** Milliseconds within which `close()` must come back, whatever the fault. */
  readonly closeWithinMs: number;
}

/** A run is this slow at most, whatever the exporter does: far more than it takes, far less than a hanging request. */
const RUN_WITHIN_MS = 2_000;

/** Declares the suite's tests: no fault reaches a run, the queue is bounded, what is lost is counted. */
export function testExporter(suite: ExporterSuite): void {
  const { faults = ["slow", "hangs", "refuses", "throws"] } = suite;
  const test = (name: string, fault: ExporterFault, body: (subject: ExporterUnderTest) => Promise<void>): void => {
    suite.it(name, async () => {
      const subject = await suite.create(fault);
      try {
        await body(subject);
      } finally {
        await subject.dispose?.();
      }
    });
  };

  for (const fault of faults) {
    suite.describe(`an exporter that ${fault === "slow" ? "is slow" : fault}`, () => {
      test("changes no run", fault, async ({ plugin }) => {
        for (const scenario of SCENARIOS) {
          const plain = await outcomeOf(scenario, []);
          const traced = await outcomeOf(scenario, [plugin]);
          check(JSON.stringify(traced) === JSON.stringify(plain), `${scenario.name} is not what it is without it`);
        }
        await plugin.close?.();
      });
      test("holds no run up", fault, async ({ plugin }) => {
        const started = performance.now();
        await flood(plugin, 20);
        const took = performance.now() - started;
        check(took < RUN_WITHIN_MS, `20 runs took ${Math.round(took)} ms`);
        await plugin.close?.();
      });
      test("lets close() come back", fault, async ({ plugin }) => {
        await flood(plugin, 20);
        const started = performance.now();
        await plugin.close?.();
        const took = performance.now() - started;
        check(took < suite.closeWithinMs, `close() took ${Math.round(took)} ms`);
      });
      test("has a queue that is bounded, and counts what it drops", fault, async ({ plugin, stats, maxQueue }) => {
        let most = 0;
        for (let i = 0; i < 10; i++) {
          await flood(plugin, Math.ceil(maxQueue / 10));
          most = Math.max(most, stats().waiting);
        }
        check(most <= maxQueue, `${most} waited, and ${maxQueue} is the most`);
        await plugin.close?.();
        const { waiting, dropped } = stats();
        check(waiting === 0, `${waiting} still wait after close()`);
        if (fault !== "slow") check(dropped > 0, "nothing was counted as dropped");
      });
    });
  }
  suite.describe("an exporter that is well", () => {
    test("drops nothing", "none", async ({ plugin, stats }) => {
      await flood(plugin, 1);
      await plugin.close?.();
      const { waiting, dropped } = stats();
      check(waiting === 0 && dropped === 0, `${waiting} wait and ${dropped} were dropped`);
    });
  });
}

/** Runs that have a span or line of each kind. */
async function flood(plugin: Plugin, runs: number): Promise<void> {
  const model = scriptedModel(() => say("done"));
  const runner = new Runner({ plugins: [plugin] });
  const agent = new Agent({ name: "Solo", model });
  for (let i = 0; i < runs; i++) await runner.run(agent, "hello");
}
