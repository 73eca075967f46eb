/** What the user got wrong, in one sentence. The program ends with exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** What `work` gives. What it refuses as the caller's mistake is the user's. */
export function usage<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof TypeError || cause instanceof RangeError ? new UsageError(cause.message, { cause }) : cause;
  }
}

/** Ends the program with a sentence, and no stack trace. */
export async function exitCodeOf(main: () => Promise<number>): Promise<number> {
  try {
    return await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}
