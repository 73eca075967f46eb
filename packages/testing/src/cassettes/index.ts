/**
 * Recordings of what real models were asked and answered, to be replayed in tests. It reads and writes files: Node, Deno
 * or Bun.
 *
 * @module
 */
export { type Cassette, type CassetteOptions, openCassette } from "./cassette.ts";
export { CassetteError, type CassetteProblem } from "./cassette-error.ts";
export { cassetteFor, cassettePath, type CassetteTest } from "./for-test.ts";
export type { CassetteMode } from "./mode.ts";
export type { RequestField } from "./player.ts";
export { unusedCassettes } from "./unused.ts";
