import type { AppendOptions, Durability, SessionKey, SessionStore } from "../contracts/session.ts";
import type { Item } from "../items.ts";
import { MemoryStore } from "../memory-store.ts";

/** What happens to one operation. `kill`: the process is gone, so that nothing is done or answered any more. */
export type Fault =
  | { readonly type: "throw"; readonly error: unknown }
  | { readonly type: "throw_after"; readonly error: unknown }
  | { readonly type: "hang" }
  | { readonly type: "hang_after" }
  | { readonly type: "kill" }
  | { readonly type: "kill_after" };

/** A store in memory that fails as it is told, and remembers what was acknowledged. It has no leases. */
export class FaultyStore implements SessionStore {
  readonly durability: Durability = "none";
  /** What is stored, whatever the store says. */
  readonly inner: MemoryStore;
  /** Each append that was acknowledged, in order. */
  readonly acknowledged: (readonly Item[])[] = [];
  /** Each append that was tried, also again. */
  readonly tried: AppendOptions[] = [];
  reads = 0;
  appends = 0;
  /** The process that uses this store is gone. */
  dead = false;
  readonly #fault: (operation: "read" | "append", nth: number) => Fault | undefined;

  constructor(fault: (operation: "read" | "append", nth: number) => Fault | undefined = () => undefined, inner: MemoryStore = new MemoryStore()) {
    this.#fault = fault;
    this.inner = inner;
  }

  async read(key: SessionKey, from?: number): Promise<{ readonly items: readonly Item[]; readonly version: number }> {
    return this.#do(this.#fault("read", this.reads++), () => this.inner.read(key, from));
  }

  async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
    this.tried.push(options);
    const copy = JSON.parse(JSON.stringify(items)) as Item[];
    const version = await this.#do(this.#fault("append", this.appends++), () => this.inner.append(key, copy, options));
    this.acknowledged.push(copy);
    return version;
  }

  delete(key: SessionKey): Promise<void> {
    return this.inner.delete(key);
  }

  /** The items of session `id` as they are stored. */
  async stored(id = "s"): Promise<readonly Item[]> {
    return (await this.inner.read({ id })).items;
  }

  async #do<T>(fault: Fault | undefined, act: () => Promise<T>): Promise<T> {
    if (this.dead) return forever();
    switch (fault?.type) {
      case undefined:
        return act();
      case "throw":
        throw fault.error;
      case "throw_after":
        await act();
        throw fault.error;
      case "hang":
        return forever();
      case "hang_after":
        await act();
        return forever();
      case "kill_after":
        await act();
        this.dead = true;
        return forever();
      default:
        this.dead = true;
        return forever();
    }
  }
}

const forever = (): Promise<never> => new Promise(() => {});
