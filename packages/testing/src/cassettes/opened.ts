// One list for the process, by a registered symbol, so that a test setup and the tests may have two installed copies.
const key: unique symbol = Symbol.for("@batonjs/testing/cassettes") as never;

/** The cassettes that this process has opened, as absolute paths. */
export function openedCassettes(): Set<string> {
  const place = globalThis as { [key]?: Set<string> };
  return (place[key] ??= new Set());
}
