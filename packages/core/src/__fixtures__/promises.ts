import type { RunError } from "../errors.ts";

/** What `promise` rejects with; an error where it does not. */
export async function rejection(promise: Promise<unknown>): Promise<RunError> {
  try {
    await promise;
  } catch (error) {
    return error as RunError;
  }
  throw new Error("It did not reject");
}

/** Lets timers that are due run. */
export const tick = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));
