/** The ways out of the program: whatever is open is closed first. */
import { setTimeout as sleep } from "node:timers/promises";

/** How long closing may take before the program ends anyway. */
const CLOSE_MS = 15_000;

/** Closes what has been opened when the program is told to end, or reaches its end. */
export class Exits {
  readonly #open: (() => Promise<void>)[] = [];
  #isLeaving = false;

  /** `close` is called on the way out, once. */
  opened(close: () => Promise<void>): void {
    this.#open.push(close);
  }

  /** Closes everything, the last opened first. Rejects with what the first of them rejects with. */
  async close(): Promise<void> {
    for (let close = this.#open.pop(); close; close = this.#open.pop()) await close();
  }

  /** Closes everything and ends the process. The second call ends it at once. */
  async leave(code: number): Promise<never> {
    if (this.#isLeaving) process.exit(code);
    this.#isLeaving = true;
    await Promise.race([this.close().catch(() => {}), sleep(CLOSE_MS)]);
    process.exit(code);
  }

  /** Leaves when the process is told to: `interrupt` may find a better use for Ctrl-C, and says whether it has. */
  onSignals(interrupt: () => boolean): void {
    process.on("SIGINT", () => void (interrupt() || this.leave(130)));
    process.on("SIGTERM", () => void this.leave(143));
    process.on("SIGHUP", () => void this.leave(129));
  }
}
