import "@batonjs/testing/vitest";
import { Agent, MemoryStore, Runner, type RunnerOptions, type SessionStore, StoreError, tool } from "@batonjs/core";
import { call, invariantsOf, say, scriptedModel, type TestClock, testClock } from "@batonjs/testing";
import { describe, expect, it } from "vitest";

/** Runners as of several processes, on one store that has leases, by one clock. */
function processes(clock: TestClock = testClock()) {
  const store = new MemoryStore({ now: () => clock.now() });
  const runner = (options: RunnerOptions = {}): Runner =>
    new Runner({ clock, plugins: [{ name: "store", sessions: store }], ...options });
  return { clock, store, runner };
}

/** An agent whose tool takes `ms`. */
function slow(name: string, ms: number, clock: TestClock, log: string[] = []): Agent {
  const work = tool({
    name: "work",
    timeoutMs: 1_000_000,
    execute: () => {
      log.push(`${name} begins`);
      return new Promise((resolve) => {
        clock.setTimeout(() => {
          log.push(`${name} ends`);
          resolve("done");
        }, ms);
      });
    },
  });
  const model = scriptedModel(({ items }) => (items.at(-1)!.type === "tool_result" ? say(name) : call("work")));
  return new Agent({ name: "Host", model, tools: [work] });
}

/** What has come of a promise. */
function watch<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const state: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => (state.value = value),
    (error: unknown) => (state.error = error),
  );
  return state;
}

describe("turns of one session in several processes", () => {
  it("go one after the other by default, however long they take", async () => {
    const { clock, store, runner } = processes();
    const log: string[] = [];
    const first = watch(runner().run(slow("a", 100_000, clock, log), "1", { session: "s" }));
    await clock.settle();
    const second = watch(runner().run(slow("b", 50, clock, log), "2", { session: "s" }));
    // Longer than a lease: it is renewed while the turn is under way.
    await clock.advance(99_999);
    expect([first.value, second.value, log]).toEqual([undefined, undefined, ["a begins"]]);
    await clock.advance(1_000);
    expect(first.value?.finalOutput).toBe("a");
    expect(second.value?.finalOutput).toBe("b");
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends"]);
    expect(invariantsOf((await store.read({ id: "s" })).items, { settled: true })).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("are refused while another process holds the session, where the runner says so", async () => {
    const { clock, runner } = processes();
    const first = watch(runner().run(slow("a", 100, clock), "1", { session: "s" }));
    await clock.settle();
    const second = watch(runner({ concurrentTurns: "reject" }).run(slow("b", 100, clock), "2", { session: "s" }));
    await clock.settle();
    expect(second.error).toBeInstanceOf(StoreError);
    expect(second.error).toMatchObject({ code: "session_busy" });
    await clock.advance(100);
    expect(first.value?.finalOutput).toBe("a");
    expect(clock.pending).toBe(0);
  });

  it("wait for a process that is gone no longer than its lease", async () => {
    const { clock, store, runner } = processes();
    await store.lease({ id: "s" }, "a run of a process that is gone", 30_000);
    const next = watch(runner().run(slow("b", 0, clock), "hi", { session: "s" }));
    await clock.advance(29_000);
    expect(next.value).toBeUndefined();
    await clock.advance(2_000);
    expect(next.value?.finalOutput).toBe("b");
    expect(clock.pending).toBe(0);
  });

  it("give the session back when they end, well or not", async () => {
    const { clock, store, runner } = processes();
    const broken = new Agent({
      name: "Host",
      model: scriptedModel([{ reply: "fail", content: [], error: new Error("down") }]),
    });
    for (const agent of [slow("a", 10, clock), broken]) {
      const done = watch(runner().run(agent, "hi", { session: "s" }));
      await clock.advance(10);
      expect(done.value ?? done.error).toBeDefined();
      const lease = await store.lease({ id: "s" }, "someone else", 1_000);
      expect(lease).toBeDefined();
      await lease!.release();
    }
  });

  it("may be stopped while they wait for the session", async () => {
    const { clock, runner } = processes();
    const first = watch(runner().run(slow("a", 100, clock), "1", { session: "s" }));
    await clock.settle();
    const controller = new AbortController();
    const never = new Agent({ name: "Host", model: scriptedModel([]) });
    const second = watch(runner().run(never, "2", { session: "s", signal: controller.signal }));
    await clock.advance(50);
    const cause = new Error("no patience");
    controller.abort(cause);
    await clock.settle();
    expect(second.error).toMatchObject({ name: "AbortError", cause });
    await clock.advance(50);
    expect(first.value?.finalOutput).toBe("a");
    expect(clock.pending).toBe(0);
  });

  it("of other sessions, and of other tenants, do not wait", async () => {
    const { clock, runner } = processes();
    const one = runner();
    const sessions = ["a", "b", { tenant: "t", id: "a" }, { tenant: "u", id: "a" }];
    const all = sessions.map((session, i) => watch(one.run(slow(String(i), 100, clock), "hi", { session })));
    await clock.advance(100);
    expect(all.map(({ value }) => value?.finalOutput)).toEqual(["0", "1", "2", "3"]);
  });

  it.each<[string, (store: SessionStore) => Partial<SessionStore>]>([
    ["cannot be had", () => ({ lease: () => Promise.reject(new StoreError("no leases today")) })],
    [
      "fails at once",
      () => ({
        lease: () => {
          throw new Error("a bug");
        },
      }),
    ],
  ])("end with an error, and leave nothing waiting, where the lease %s", async (_, make) => {
    const { clock, store } = processes();
    const failing: SessionStore = {
      durability: "none",
      read: (key) => store.read(key),
      append: (key, items, options) => store.append(key, items, options),
      delete: (key) => store.delete(key),
      ...make(store),
    };
    const runner = new Runner({ clock, plugins: [{ name: "store", sessions: failing }] });
    const never = new Agent({ name: "Host", model: scriptedModel([]) });
    for (let i = 0; i < 2; i++) {
      const done = watch(runner.run(never, "hi", { session: "s" }));
      await clock.settle();
      expect(done.error).toBeInstanceOf(Error);
    }
    expect(clock.pending).toBe(0);
  });

  it("keep to one history where a lease is lost, or its end fails: the version says who is behind", async () => {
    const { clock, store } = processes();
    const losing: SessionStore = {
      durability: "none",
      read: (key) => store.read(key),
      append: (key, items, options) => store.append(key, items, options),
      delete: (key) => store.delete(key),
      // Everybody gets it, nobody keeps it.
      lease: async () => ({
        renew: () => Promise.reject(new Error("lost")),
        release: () => Promise.reject(new Error("lost")),
      }),
    };
    const runner = (): Runner => new Runner({ clock, plugins: [{ name: "store", sessions: losing }] });
    const both = ["a", "b"].map((name) => watch(runner().run(slow(name, 20_000, clock), name, { session: "s" })));
    await clock.advance(60_000);
    const won = both.filter(({ value }) => value !== undefined);
    expect(won).toHaveLength(1);
    expect(both.find(({ error }) => error !== undefined)?.error).toMatchObject({ code: "session_conflict" });
    expect(invariantsOf((await store.read({ id: "s" })).items, { settled: true })).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("refuses an unknown rule", () => {
    expect(() => new Runner({ concurrentTurns: "parallel" as never })).toThrow(
      'Cannot use "parallel" as concurrentTurns: expected "queue", "reject" or "interrupt"',
    );
  });
});
