import { type SessionKey, type SessionStore, sessionKey } from "./contracts/session.ts";
import type { NewId } from "./environment.ts";
import { StoreError } from "./errors.ts";
import { type InputItem, type Item, type ToolCallItem, type Usage, usageByAgent, usageOf } from "./items.ts";
import { Transcript } from "./transcript.ts";
import { closeAll } from "./transitions.ts";

/** A stored conversation: to read, to copy, to take back. */
export class Session {
  readonly key: SessionKey;
  readonly #store: SessionStore;
  readonly #newId: NewId;

  constructor(key: SessionKey, store: SessionStore, newId: NewId) {
    this.key = key;
    this.#store = store;
    this.#newId = newId;
  }

  /** The whole record, oldest first; empty where there is none. */
  async items(): Promise<readonly Item[]> {
    return (await this.#store.read(this.key)).items;
  }

  /** The record as input for a run without this session. */
  async toInputList(): Promise<InputItem[]> {
    return (await this.items()).slice();
  }

  /** Name of the agent that gets the next message; none where nothing has been said, or nobody was handed over to. */
  async activeAgent(): Promise<string | undefined> {
    const { owner } = await this.#folded();
    return owner === "" ? undefined : owner;
  }

  /**
   * Calls that have no result: a run was stopped, or waits for a decision. `run(agent, [], { session })` goes on, or
   * pauses again, and its `pending` is what `approve()` takes.
   */
  async openCalls(): Promise<readonly ToolCallItem[]> {
    return (await this.#folded()).open.map(({ call }) => call);
  }

  async #folded(): Promise<Transcript> {
    const t = new Transcript("");
    t.load((await this.items()).slice());
    return t;
  }

  /** Of all runs of the session. */
  async usage(): Promise<Usage> {
    return usageOf(await this.items());
  }

  async usageByAgent(): Promise<ReadonlyMap<string, Usage>> {
    return usageByAgent(await this.items());
  }

  /**
   * Copies the record up to and including item `at` (all of it without one) to another session, which must be empty.
   * Calls that are open there are answered `abandoned` in the copy.
   */
  async fork(to: string | SessionKey, at?: string): Promise<Session> {
    const key = sessionKey(to);
    const items = await this.items();
    const end = at === undefined ? items.length - 1 : items.findIndex(({ id }) => id === at);
    if (end < 0)
      throw new StoreError(`Cannot fork session "${this.key.id}" at item "${at ?? ""}": it is not in the session`, {
        code: "unknown_item",
      });
    let count = end + 1;
    while (count > 1 && items[count - 1]!.type === "reasoning") count--; // it belongs to what is not copied
    const copied = items.slice(0, count);
    const t = new Transcript("");
    t.load(copied.slice());
    const prefix = `${this.#newId()}:fork`;
    const answers = abandon(t, "This was left open where the conversation was copied.", prefix);
    await this.#store.append(key, [...copied, ...answers], { expectedVersion: 0, opId: prefix });
    return new Session(key, this.#store, this.#newId);
  }

  /**
   * From here on the conversation is as it was right after item `to`. The record keeps what came after. Calls that were
   * open there are answered `abandoned`: what has run once is not run again.
   */
  async rewind(to: string): Promise<void> {
    const { items, version } = await this.#store.read(this.key);
    if (!items.some(({ id }) => id === to)) {
      throw new StoreError(`Cannot rewind session "${this.key.id}" to item "${to}": it is not in the session`, {
        code: "unknown_item",
      });
    }
    const id = `${this.#newId()}:rewind`;
    const rewind: Item = { type: "rewind", id, to };
    const t = new Transcript("");
    t.load([...items, rewind]);
    const answers = abandon(t, "The conversation was taken back to before this was done.", id);
    await this.#store.append(this.key, [rewind, ...answers], { expectedVersion: version, opId: id });
  }

  /** Forgets everything. */
  async delete(): Promise<void> {
    await this.#store.delete(this.key);
  }
}

/** Answers for all that is open. */
function abandon(t: Transcript, because: string, prefix: string): Item[] {
  return closeAll(t, because, "abandoned", "abandoned").map(
    ({ item, path }, i) => ({ ...item, id: `${prefix}${i}`, ...(path.length === 0 ? {} : { path }) }) as Item,
  );
}
