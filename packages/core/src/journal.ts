import type { SessionKey, SessionStore } from "./contracts/session.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Clock } from "./environment.ts";
import { StoreError, messageOf } from "./errors.ts";
import { checkItem } from "./input.ts";
import type { InputItem, Item, NewItem } from "./items.ts";
import type { Transcript } from "./transcript.ts";

/** How often an append whose store says that it may help is tried again. */
export const MAX_APPEND_RETRIES = 2;

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
  /** Items that are folded and will not be stored. */
  #unstored: Set<Item> | undefined;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** Reads the session, which the run has. */
  async open(): Promise<Item[]> {
    const { store, key } = this.#parts.session!;
    const { items, version } = (await this.#stored("read", () => store.read(key))) ?? {};
    if (!Array.isArray(items) || !Number.isSafeInteger(version)) {
      throw new StoreError(`Cannot read session ${JSON.stringify(key.id)}: the store gave no items and version`, {
        code: "corrupt_item",
      });
    }
    this.#version = version;
    return items.slice() as Item[];
  }

  /** Takes over what has been recorded before, the array included. Items without an id get one. */
  load(items: (Item | NewItem)[]): void {
    let fresh = 0; // a transcript has none such
    while (fresh < items.length && items[fresh]?.id !== undefined) fresh++;
    this.#next += fresh;
    for (let i = fresh; i < items.length; i++) {
      if (items[i]?.id === undefined) items[i] = this.stamp([checkItem(items[i] as InputItem, i)], [])[0]!;
      else this.#next++;
    }
    this.#parts.transcript.load(items as Item[]);
    this.#parts.transcript.dropLoneReasoning(); // of a record that was cut within a reply
  }

  /** The run was started before: its ids go on after its last one. Some may be missing: appends that failed. */
  resume(): void {
    const { transcript, runId } = this.#parts;
    let last = -1;
    for (const item of transcript.record)
      if (isOwn(item, runId)) last = Math.max(last, Number(item.id.slice(runId.length + 1)));
    this.#base = this.#next - last - 1;
  }

  /** Items with their ids, times and path, not yet true. */
  stamp(items: readonly NewItem[], path: readonly string[]): Item[] {
    const { clock, runId } = this.#parts;
    const at = clock.now();
    return items.map((item) => {
      const id = item.id ?? `${runId}:${this.#next - (this.#base ??= this.#next)}`;
      this.#next++;
      return (path.length === 0 ? { ...item, id, at } : { ...item, id, at, path }) as Item;
    });
  }

  /** Makes stamped items true. Resolves, or returns, when they are folded. */
  append(items: readonly Item[]): void | Promise<void> {
    if (this.#held || !this.#parts.session) {
      this.#held?.push(...items);
      for (const item of items) this.#parts.transcript.fold(item);
      return;
    }
    return this.#inTurn(async () => {
      await this.#store(items);
      for (const item of items) this.#parts.transcript.fold(item);
    });
  }

  /** Folds items now. They, and what comes after them, are stored when they are released. */
  hold(items: readonly Item[]): void {
    this.#held = [...items];
    for (const item of items) this.#parts.transcript.fold(item);
  }

  /** Stores what is held. */
  async release(): Promise<void> {
    const held = this.#held!;
    this.#held = undefined;
    await this.#storeFolded(held);
  }

  /** Forgets what is held, but for the replies of models that were asked beside. */
  async drop(): Promise<void> {
    const held = this.#held ?? [];
    this.#held = undefined;
    const used = held.filter(({ type }) => type === "turn");
    this.#forget(held.filter(({ type }) => type !== "turn"));
    await this.#storeFolded(used);
  }

  /** Stores items that are folded already. What cannot be stored is forgotten. */
  async #storeFolded(items: readonly Item[]): Promise<void> {
    if (!this.#parts.session || items.length === 0) return;
    try {
      await this.#inTurn(() => this.#store(items));
    } catch (error) {
      this.#forget(items);
      throw error;
    }
  }

  #forget(items: readonly Item[]): void {
    for (const item of items) (this.#unstored ??= new Set()).add(item);
  }

  /** The record as it can be gone on with: without what was folded and then forgotten, or could not be stored. */
  get kept(): readonly Item[] {
    const { record } = this.#parts.transcript;
    const unstored = this.#unstored;
    return unstored ? record.filter((item) => !unstored.has(item)) : record;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => {});
    return done;
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
    const name = JSON.stringify(session!.key.id);
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

/** Whether the run `runId` has made the item: its id is `runId:seq`. */
export function isOwn(item: { readonly id?: unknown } | null | undefined, runId: string): boolean {
  const id = item?.id;
  return typeof id === "string" && id.startsWith(`${runId}:`) && /^\d+$/.test(id.slice(runId.length + 1));
}
