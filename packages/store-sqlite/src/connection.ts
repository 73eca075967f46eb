import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "@batonjs/core";
import { isBusy, openDatabase, storeError } from "./database.ts";
import { rollBack } from "./layouts.ts";
import { prepare, type Statements } from "./statements.ts";

/** A write that waits for its transaction. */
interface Write {
  readonly action: string;
  readonly work: (statements: Statements) => unknown;
  readonly since: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One connection to a file: opened when it is first needed, reads at once, writes in turn. Writes that come in the same
 * turn of the event loop share a transaction, and so one flush to the disk.
 */
export class Connection {
  readonly path: string;
  readonly #waitMs: number;
  #open: { readonly database: DatabaseSync; readonly statements: Statements } | undefined;
  #waiting: Write[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  /** `waitMs` is how long to wait for a lock that others hold. */
  constructor(path: string, waitMs: number) {
    this.path = path;
    this.#waitMs = waitMs;
  }

  /** Gives what `work` gives, which sees one state of the file. */
  async read<T>(action: string, work: (statements: Statements) => T): Promise<T> {
    return this.#patiently(action, performance.now(), () => {
      this.#check(action);
      const { database, statements } = this.#opened();
      statements.beginReading.run();
      try {
        return work(statements);
      } finally {
        rollBack(database);
      }
    });
  }

  /** Does `work` in a transaction. It must be all right to do it again, and to throw a `StoreError` before any write. */
  async write<T>(action: string, work: (statements: Statements) => T): Promise<T> {
    this.#check(action);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ action, work, since: performance.now(), resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Waits for the writes under way. Reads that wait for a lock, and every call after this one, reject. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    this.#open?.database.close();
    this.#open = undefined;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const writes = this.#waiting;
      this.#waiting = [];
      if (writes.length > 1 && this.#tryTogether(writes)) continue;
      for (const write of writes) await this.#writeAlone(write);
    }
    this.#writing = undefined;
  }

  /** Does all writes in one transaction; `false` where something else than a `StoreError` came in between. */
  #tryTogether(writes: readonly Write[]): boolean {
    try {
      const outcomes = this.#transaction(writes);
      for (const [at, { resolve, reject }] of writes.entries()) {
        const outcome = outcomes[at];
        if (outcome instanceof StoreError) reject(outcome);
        else resolve(outcome as never);
      }
      return true;
    } catch {
      return false;
    }
  }

  async #writeAlone(write: Write): Promise<void> {
    try {
      const [outcome] = await this.#patiently(write.action, write.since, () => this.#transaction([write]));
      if (outcome instanceof StoreError) throw outcome;
      write.resolve(outcome as never);
    } catch (error) {
      write.reject(error);
    }
  }

  /** What each write gives, or the `StoreError` it threw. Anything else undoes all of them and is thrown on. */
  #transaction(writes: readonly Write[]): unknown[] {
    const { database, statements } = this.#opened();
    statements.begin.run();
    try {
      const outcomes = writes.map(({ work }) => {
        try {
          return work(statements);
        } catch (error) {
          if (error instanceof StoreError) return error;
          throw error;
        }
      });
      statements.commit.run();
      return outcomes;
    } catch (error) {
      rollBack(database);
      throw error;
    }
  }

  /** Tries again while others hold a lock, with growing pauses, until `waitMs` after `since`. */
  async #patiently<T>(action: string, since: number, attempt: () => T): Promise<T> {
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error)) throw storeError(action, this.path, error);
        if (performance.now() - since > this.#waitMs)
          throw new StoreError(
            `Cannot ${action}: another connection has held the lock of "${this.path}" for more than ${this.#waitMs} ms`,
            { code: "store_timeout", cause: error, retryable: true },
          );
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
  }

  #opened(): { readonly database: DatabaseSync; readonly statements: Statements } {
    if (this.#open === undefined) {
      const database = openDatabase(this.path);
      this.#open = { database, statements: prepare(database) };
    }
    // A transaction that could not be ended before.
    if (this.#open.database.isTransaction) rollBack(this.#open.database);
    return this.#open;
  }

  #check(action: string): void {
    if (this.#closed) throw new StoreError(`Cannot ${action}: the store is closed`);
  }
}
