import type { SessionKey, SessionStore } from "./contracts/session.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Clock } from "./environment.ts";
import { StoreError, messageOf } from "./errors.ts";
import { checkItem } from "./input.ts";
import type { InputItem, Item, NewItem } from "./items.ts";
import type { Transcript } from "./transcript.ts";

/** How often an append whose store says that it may help is tried again. */
const MAX_APPEND_RETRIES = 2;

export interface JournalParts {
  readonly transcript: Transcript;
  readonly runId: string;
  /** Different for every attempt at the run: two processes that plan the same append must not both be told yes. */
  readonly attempt: string;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly storeTimeoutMs: number;
  readonly session: { readonly store: SessionStore; readonly key: SessionKey } | undefined;
}

/** Makes items true: stored first, then folded. One append at a time, in the order of arrival. */
export class Journal {
  readonly #parts: JournalParts;
  /** Position of the first item of this run; ids count from it. */
  #base: number | undefined;
  #next = 0;
  #version = 0;
  #appends = 0;
  #tail: Promise<void> = Promise.resolve();
  /** Items that are folded and wait to be stored with the next append. */
  #held: Item[] | undefined;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** Reads the session. */
  async open(): Promise<Item[]> {
    const { session } = this.#parts;
    if (!session) return [];
    const { store, key } = session;
    const { items, version } = await this.#stored("read", () => store.read(key));
    this.#version = version;
    return items.slice();
  }

  /** Takes over what has been recorded before, the array included. Items without an id get one. */
  load(items: (Item | NewItem)[]): void {
    for (let i = 0; i < items.length; i++) {
      if (items[i]?.id === undefined) items[i] = this.stamp([checkItem(items[i] as InputItem, i)], [])[0]!;
      else this.#next++;
    }
    this.#parts.transcript.load(items as Item[]);
  }

  /** The run was started before: its ids go on from its first item. */
  resumeAt(position: number): void {
    this.#base = position;
  }

  /** Items with their ids, times and path, not yet true. */
  stamp(items: readonly NewItem[], path: readonly string[]): Item[] {
    const { clock, runId } = this.#parts;
    const at = clock.now();
    const stamped: Item[] = [];
    for (const item of items) {
      const id = item.id ?? `${runId}:${this.#next - (this.#base ??= this.#next)}`;
      this.#next++;
      stamped.push((path.length === 0 ? { ...item, id, at } : { ...item, id, at, path }) as Item);
    }
    return stamped;
  }

  /** Makes stamped items true. Resolves, or returns, when they are folded. */
  append(items: readonly Item[]): void | Promise<void> {
    if (!this.#parts.session) {
      this.#held = undefined;
      for (const item of items) this.#parts.transcript.fold(item);
      return;
    }
    const held = this.#held;
    this.#held = undefined;
    const appended = this.#tail.then(async () => {
      await this.#store(held ? [...held, ...items] : items);
      for (const item of items) this.#parts.transcript.fold(item);
    });
    this.#tail = appended.catch(() => {});
    return appended;
  }

  /** Folds items now and stores them with the next append. */
  hold(items: readonly Item[]): void {
    this.#held = [...items];
    for (const item of items) this.#parts.transcript.fold(item);
  }

  /** Stores what is held. */
  async release(): Promise<void> {
    if (this.#held && this.#held.length > 0) await this.append([]);
  }

  /** Forgets what is held. Gives the record as it was before. */
  drop(): readonly Item[] {
    const { record } = this.#parts.transcript;
    const count = this.#held?.length ?? 0;
    this.#held = undefined;
    return record.slice(0, record.length - count);
  }

  async #store(items: readonly Item[]): Promise<void> {
    const { store, key } = this.#parts.session!;
    const options = { expectedVersion: this.#version, opId: `${this.#parts.attempt}:${this.#appends++}` };
    for (let attempt = 0; ; attempt++) {
      try {
        this.#version = await this.#stored("append to", () => store.append(key, items, options));
        return;
      } catch (error) {
        if (attempt >= MAX_APPEND_RETRIES || !(error instanceof StoreError) || !error.retryable) throw error;
      }
    }
  }

  /** A call of the store within its time, also when the run is being stopped. */
  async #stored<T>(what: string, call: () => Promise<T>): Promise<T> {
    const { deadlines, storeTimeoutMs, session } = this.#parts;
    const name = JSON.stringify(session?.key.id);
    const late = (): StoreError =>
      new StoreError(`Cannot ${what} session ${name}: the store has not answered within ${storeTimeoutMs} ms`, {
        code: "store_timeout",
        retryable: true,
      });
    try {
      return await deadlines.wait(call(), { ms: storeTimeoutMs, late, graceMs: storeTimeoutMs });
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(`Cannot ${what} session ${name}: ${messageOf(error)}`, { cause: error });
    }
  }
}
