import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Item, StoreError } from "@batonjs/core";

/** What one file holds: items that follow the first `from`. With `from: 0` the session begins anew. */
interface Entry {
  readonly from: number;
  readonly opId: string;
  readonly items: readonly Item[];
}

/** What the files of a session say. */
export interface Session {
  readonly items: readonly Item[];
  readonly entries: readonly Entry[];
  /** Files from before the session began. */
  readonly outdated: readonly string[];
  /** Name of the file that the next append makes. */
  readonly next: string;
}

/** Reads the session, again where another process changes it meanwhile. */
export async function readSession(path: string, tries = 100): Promise<Session> {
  const files = ((await readdir(path).catch(orNothing)) ?? []).filter((file) => file.endsWith(".json")).sort();
  let items: Item[] = [];
  let entries: Entry[] = [];
  let outdated: string[] = [];
  for (const [at, file] of files.entries()) {
    const text = await readFile(join(path, file), "utf8").catch(orNothing);
    const entry = text === undefined ? undefined : (JSON.parse(text) as Entry);
    if (entry?.from === 0) [items, entries, outdated] = [[], [], files.slice(0, at)];
    if (entry?.from !== items.length) {
      if (tries > 0) return readSession(path, tries - 1);
      throw new StoreError(`the file "${file}" or one before it is missing`, { code: "corrupt_item" });
    }
    entries.push(entry);
    items = items.concat(entry.items);
  }
  const number = Number.parseInt(files.at(-1) ?? "-1", 10) + 1;
  return { items, entries, outdated, next: `${String(number).padStart(10, "0")}.json` };
}

/** Writes a file that does not exist: whole, or not at all. `false` where it exists. */
export async function writeOnce(path: string, file: string, text: string): Promise<boolean> {
  const draft = join(path, `${randomUUID()}.draft`);
  await mkdir(path, { recursive: true });
  await writeFile(draft, text);
  try {
    await link(draft, join(path, file));
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code;

function orNothing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}
