/** A cassette that was opened. */
export interface OpenedCassette {
  /** As an absolute path. */
  readonly path: string;
  /** What differs from the recording and may; it grows while the cassette is replayed. */
  readonly stale: readonly string[];
}

// One list for the process, by a registered symbol, so that a test setup and the tests may have two installed copies.
const key: unique symbol = Symbol.for("@batonjs/testing/cassettes") as never;

/** The cassettes that this process has opened, oldest first. */
export function openedCassettes(): OpenedCassette[] {
  const place = globalThis as { [key]?: OpenedCassette[] };
  return (place[key] ??= []);
}
