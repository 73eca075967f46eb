/**
 * `missing`: there is no recording. `unreadable`: the file is no cassette. `stale`: an agent's definition, or the format,
 * is not what it was at the recording. `mismatch`: the conversation is another one. `unused`: recordings are left over.
 * `refused`: recording is not allowed here.
 */
export type CassetteProblem = "missing" | "unreadable" | "stale" | "mismatch" | "unused" | "refused";

/** A cassette that does not fit the test. */
export class CassetteError extends Error {
  override name = "CassetteError";
  readonly code: CassetteProblem;
  /** The cassette's file. */
  readonly path: string;

  constructor(code: CassetteProblem, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/** What to do about it, as the end of a message. */
export const HOW_TO_RECORD = "run the test with BATON_CASSETTES=record to record it";
