import { encodeKey, type SessionKey, type SessionLease, type SessionStore } from "./contracts/session.ts";
import type { Clock } from "./environment.ts";
import { StoreError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { pause } from "./wrappers/retry.ts";

/**
 * What happens to a turn that comes while another is under way on its session: it waits, it is refused, or it stops the
 * other. Whatever is chosen, a session has one linear history.
 */
export type ConcurrentTurns = "queue" | "reject" | "interrupt";

/** How long another process may hold a session without a sign of life. */
const LEASE_MS = 10_000;
/** How often a session that another process holds is asked for. */
const LEASE_RETRY_MS = 200;

/** What a turn is to those that come after it. */
interface TurnRun {
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly limits: Limits;
  stop(reason: unknown): void;
  wait<T>(value: T | PromiseLike<T>, ms: number, late: () => Error, graceMs?: number): T | Promise<T>;
}

interface Turn {
  readonly run: TurnRun;
  /** This turn, and those before it, are over. */
  readonly over: Promise<unknown>;
}

/** Lets the turns of a session go on one at a time: in this process, and across processes where the store has leases. */
export class Turns {
  readonly #policy: ConcurrentTurns;
  readonly #store: SessionStore;
  readonly #clock: Clock;
  readonly #last = new Map<string, Turn>();

  constructor(policy: ConcurrentTurns, store: SessionStore, clock: Clock) {
    this.#policy = policy;
    this.#store = store;
    this.#clock = clock;
  }

  /** Resolves when the turn may begin, to what ends it. */
  async enter(run: TurnRun, key: SessionKey): Promise<() => Promise<void>> {
    const name = encodeKey(key);
    const before = this.#last.get(name);
    if (before && this.#policy === "reject") throw busy(key, `run "${before.run.runId}" is under way`);
    if (before && this.#policy === "interrupt")
      before.run.stop(new Error(`Another turn of session "${key.id}" has begun`));
    let leave = (): void => {};
    const over = Promise.all([before?.over, new Promise<void>((resolve) => (leave = resolve))]);
    const turn: Turn = { run, over };
    this.#last.set(name, turn);
    let held: SessionLease | undefined;
    let timer: unknown;
    const end = async (): Promise<void> => {
      this.#clock.clearTimeout(timer);
      const { storeTimeoutMs } = run.limits;
      try {
        if (held) await run.wait(held.release(), storeTimeoutMs, never, storeTimeoutMs);
      } catch {} // it ends by itself
      leave();
      if (this.#last.get(name) === turn) this.#last.delete(name);
    };
    try {
      if (before) await run.wait(before.over, Infinity, never);
      held = await this.#lease(run, key);
    } catch (error) {
      await end();
      throw error;
    }
    const renew = (): void => {
      void renewed(held); // the version guards what is lost
      timer = this.#clock.setTimeout(renew, LEASE_MS / 3);
    };
    if (held) timer = this.#clock.setTimeout(renew, LEASE_MS / 3);
    return end;
  }

  async #lease(run: TurnRun, key: SessionKey): Promise<SessionLease | undefined> {
    if (!this.#store.lease || this.#policy === "interrupt") return undefined;
    while (true) {
      const asked = this.#store.lease(key, run.runId, LEASE_MS);
      try {
        const lease = await run.wait(asked, run.limits.storeTimeoutMs, () => late(key));
        if (lease) return lease;
      } catch (error) {
        void asked.then((lease) => lease?.release()).catch(() => {}); // nobody waits for it any more
        throw error;
      }
      if (this.#policy === "reject") throw busy(key, "another process holds it");
      await pause(LEASE_RETRY_MS, run.signal, this.#clock);
    }
  }
}

/** Renews a lease where it can: nobody waits for it, and no error of a store's may leave a timer. */
async function renewed(lease: SessionLease | undefined): Promise<void> {
  try {
    await lease?.renew(LEASE_MS);
  } catch {}
}

const never = (): Error => new Error("unreachable");

function busy({ id }: SessionKey, why: string): StoreError {
  return new StoreError(`Cannot begin a turn on session "${id}": ${why}`, { code: "session_busy" });
}

function late({ id }: SessionKey): StoreError {
  return new StoreError(`Cannot begin a turn on session "${id}": the store has not answered in time`, {
    code: "store_timeout",
  });
}
