/** The plugin that writes a log. */
import { type CallSite, checkKeys, type Model, type Plugin, type RunEvent } from "@batonjs/core";
import { LineQueue } from "./line-queue.ts";
import { RECORD_OPTIONS, type RecordOptions, Recorder } from "./recorder.ts";
import { type LogStorage, fileStorage } from "./storage.ts";

export interface TraceFileOptions extends RecordOptions {
  /** Bytes of one file, then it becomes `path.1`. @default {67_108_864} */
  readonly maxBytes?: number;
  /** Full files that are kept. @default {5} */
  readonly keep?: number;
  /** Lines that may wait for the disk; more are dropped and counted. @default {10_000} */
  readonly maxQueue?: number;
  /** Milliseconds that `close()` waits for the disk. @default {5_000} */
  readonly closeTimeoutMs?: number;
}

const OPTIONS: ReadonlySet<string> = new Set([...RECORD_OPTIONS, "maxBytes", "keep", "maxQueue", "closeTimeoutMs"]);

/** What has become of lines. */
export interface TraceStats {
  readonly waiting: number;
  readonly written: number;
  readonly dropped: number;
}

export interface TraceFilePlugin extends Plugin {
  readonly stats: TraceStats;
  onEvent(event: RunEvent, at: CallSite): void;
  close(): Promise<void>;
}

/**
 * Appends every event to the file at `path`, one JSON object a line. `readTrace(path)` reads it back; `baton-trace path`
 * shows it. One process writes a file.
 */
export function traceFile(path: string, options: TraceFileOptions = {}): TraceFilePlugin {
  if (typeof path !== "string" || path === "")
    throw new TypeError("Cannot write a trace to no path: expected the name of a file");
  checkKeys(options, OPTIONS, "traceFile()");
  const keep = options.keep ?? 5;
  if (!Number.isInteger(keep) || keep < 0)
    throw new RangeError(`Cannot use ${keep} as keep of traceFile() as it must be a whole number of at least 0`);
  return traceTo(fileStorage(path, keep), options);
}

/** Appends every event to what `storage` opens. */
export function traceTo(storage: LogStorage, options: TraceFileOptions): TraceFilePlugin {
  const recorder = new Recorder(options);
  const queue = new LineQueue({
    storage,
    maxQueue: positive(options.maxQueue ?? 10_000, "maxQueue"),
    maxBytes: positive(options.maxBytes ?? 64 * 1024 * 1024, "maxBytes"),
    droppedLine: (count) => `${JSON.stringify(recorder.dropped(count))}\n`,
  });
  const closeTimeoutMs = positive(options.closeTimeoutMs ?? 5_000, "closeTimeoutMs");
  return {
    name: "trace-file",
    onEvent(event, at) {
      const line = recorder.lineOf(event, at);
      if (line) queue.add(`${JSON.stringify(line)}\n`);
    },
    wrapModel: (model) => watched(model, recorder),
    close: () => queue.close(closeTimeoutMs),
    get stats() {
      return { waiting: queue.size, written: queue.written, dropped: queue.dropped };
    },
  };
}

/** A model whose requests the recorder sees. */
export function watched(model: Model, recorder: Recorder): Model {
  return {
    get name() {
      return model.name;
    },
    get provider() {
      return model.provider;
    },
    stream(request) {
      recorder.asked(request);
      return model.stream(request);
    },
  };
}

function positive(value: number, name: string): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`Cannot use ${String(value)} as ${name} of traceFile() as it must be a positive integer`);
}
