/** Where lines are kept: a file that is appended to, mended and rotated. */
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** A log that is open for appending. */
export interface OpenLog {
  /** Bytes in it. */
  readonly size: number;
  append(text: string): Promise<void>;
  close(): Promise<void>;
}
/** Opens logs and puts full ones away. */
export interface LogStorage {
  open(): Promise<OpenLog>;
  rotate(): Promise<void>;
}

/** Bytes read at once in search of the last line. */
const BLOCK = 64 * 1024;

/** The file at `path`; full ones are `path.1` (the newest) to `path.<keep>`. */
export function fileStorage(path: string, keep: number): LogStorage {
  return {
    async open() {
      await mkdir(dirname(path), { recursive: true });
      await mend(path);
      const file = await open(path, "a");
      let { size } = await file.stat();
      return {
        get size() {
          return size;
        },
        async append(text) {
          const bytes = Buffer.from(text);
          await file.appendFile(bytes);
          size += bytes.length;
        },
        close: () => file.close(),
      };
    },
    async rotate() {
      await rm(`${path}.${keep}`, { force: true });
      for (let number = keep - 1; number >= 1; number--) await move(`${path}.${number}`, `${path}.${number + 1}`);
      if (keep > 0) await move(path, `${path}.1`);
      else await rm(path, { force: true });
    },
  };
}

async function move(from: string, to: string): Promise<void> {
  if (await exists(from)) await rename(from, to);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Mends a log whose last line was torn by a crash: a whole one is ended, half of one is cut off. */
async function mend(path: string): Promise<void> {
  if (!(await exists(path))) return;
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const { end, tail } = await lastLine(file, size);
    if (tail.length === 0) return;
    if (isJson(tail)) await file.write("\n", size);
    else await file.truncate(end);
  } finally {
    await file.close();
  }
}

/** What stands behind the last line break, and where that is. */
async function lastLine(file: FileHandle, size: number): Promise<{ end: number; tail: string }> {
  let tail = Buffer.alloc(0);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - BLOCK);
    const block = Buffer.alloc(end - start);
    await file.read(block, 0, block.length, start);
    const cut = block.lastIndexOf(0x0a);
    tail = Buffer.concat([block.subarray(cut + 1), tail]);
    if (cut >= 0) return { end: start + cut + 1, tail: tail.toString() };
    end = start;
  }
  return { end: 0, tail: tail.toString() };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
