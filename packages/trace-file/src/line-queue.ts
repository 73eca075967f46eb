/** Lines on their way to a log: in order, bounded, written in the background. */
import type { LogStorage, OpenLog } from "./storage.ts";

export interface LineQueueOptions {
  readonly storage: LogStorage;
  /** Lines that may wait; more are dropped and counted. */
  readonly maxQueue: number;
  /** Bytes of one log. */
  readonly maxBytes: number;
  /** The line that says how many are missing. */
  readonly droppedLine: (count: number) => string;
}

/** Lines in one write. */
const MAX_BATCH = 1_000;

export class LineQueue {
  readonly #options: LineQueueOptions;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #log: OpenLog | undefined;
  /** Dropped since the log was last told. */
  #untold = 0;
  #inFlight = 0;
  /** Given up: what is being written is not waited for any more. */
  #generation = 0;
  written = 0;
  dropped = 0;

  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(line: string): void {
    if (this.#waiting.length >= this.#options.maxQueue) {
      this.#drop(1);
      return;
    }
    this.#waiting.push(line);
    this.#writing ??= this.#write(this.#generation);
  }

  /** Writes what waits and closes the log, within `ms`; then lets go of the rest. Never rejects. */
  async close(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, ms, "late");
    });
    const outcome = await Promise.race([this.#finish(), late]);
    clearTimeout(timer);
    if (outcome !== "late") return;
    this.#generation++;
    this.#writing = undefined;
    this.#log = undefined;
    this.#drop(this.#waiting.length + this.#inFlight);
    this.#waiting = [];
    this.#inFlight = 0;
  }

  async #finish(): Promise<void> {
    while (this.#writing) await this.#writing;
    const log = this.#log;
    this.#log = undefined;
    await log?.close().catch(() => {});
  }

  #drop(count: number): void {
    this.dropped += count;
    this.#untold += count;
  }

  /** Writes until nothing waits. */
  async #write(generation: number): Promise<void> {
    await Promise.resolve(); // lines of the same tick go together
    while (this.#waiting.length > 0 && generation === this.#generation) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      if (this.#untold > 0) batch.unshift(this.#options.droppedLine(this.#untold));
      this.#untold = 0;
      this.#inFlight = batch.length;
      try {
        await this.#append(batch);
        if (generation !== this.#generation) return;
        this.written += batch.length;
        this.#inFlight = 0;
      } catch {
        if (generation !== this.#generation) return;
        this.#drop(batch.length);
        this.#inFlight = 0;
        // Half a line may have been written: what opens the log again mends it.
        await this.#log?.close().catch(() => {});
        this.#log = undefined;
      }
    }
    if (generation === this.#generation) this.#writing = undefined;
  }

  /** Appends lines, a log's worth at a time. */
  async #append(batch: readonly string[]): Promise<void> {
    const { storage, maxBytes } = this.#options;
    let rest = batch;
    while (rest.length > 0) {
      this.#log ??= await storage.open();
      const count = fitting(rest, maxBytes - this.#log.size);
      if (count === 0 && this.#log.size > 0) {
        await this.#log.close();
        this.#log = undefined;
        await storage.rotate();
        continue;
      }
      const now = rest.slice(0, Math.max(1, count));
      await this.#log.append(now.join(""));
      rest = rest.slice(now.length);
    }
  }
}

/** How many of `lines` fit into `room` bytes. */
function fitting(lines: readonly string[], room: number): number {
  let bytes = 0;
  const first = lines.findIndex((line) => (bytes += Buffer.byteLength(line)) > room);
  return first < 0 ? lines.length : first;
}
