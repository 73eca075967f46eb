/** Something made by a test that can say afterwards that something went wrong, also where an error was swallowed. */
export interface Watched {
  /** What it is, for messages. */
  readonly name: string;
  /** What went wrong so far. */
  problems(): readonly Error[];
  /** What it has counted, as plain data. */
  readonly coverage?: () => object;
}

/** Takes note of what tests make. */
export type Watcher = (made: Watched) => void;

// One for the process, by a registered symbol, so that a test setup and the code under test may be two installed copies.
const watcher: unique symbol = Symbol.for("@batonjs/testing/watcher") as never;
type Watchable = { [watcher]?: Watcher };

/** Tells the watcher of this process, if a test setup has set one. */
export function announce(made: Watched): void {
  (globalThis as Watchable)[watcher]?.(made);
}

/** Sets the watcher of this process. */
export function watchAll(next: Watcher): void {
  (globalThis as Watchable)[watcher] = next;
}
