import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type AppendOptions,
  appendTexts,
  checkFrom,
  encodeKey,
  type Item,
  messageOf,
  otherItems,
  type Plugin,
  RunError,
  SessionConflict,
  type SessionKey,
  sessionKey,
  type SessionStore,
  StoreError,
} from "@batonjs/core";
import { readSession, writeOnce } from "./session-files.ts";

/**
 * Sessions as JSON files: a folder for each session, in it a file for each append. Several processes may use them at
 * once. Nothing is flushed: an append outlives a killed process, not a power cut. Every call reads the whole session.
 */
export class FileStore implements SessionStore {
  readonly durability = "process";
  readonly #folder: string;

  constructor(folder: string) {
    if (folder === "") throw new TypeError('Cannot keep sessions in "": expected the path of a folder');
    this.#folder = folder;
  }

  async read(key: SessionKey, from = 0): Promise<{ readonly items: readonly Item[]; readonly version: number }> {
    const name = encodeKey(sessionKey(key));
    checkFrom(from);
    const { items } = await attempt(`read session ${name}`, () => readSession(this.#path(name)));
    return { items: items.slice(from), version: items.length };
  }

  async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
    const name = encodeKey(sessionKey(key));
    const action = `append to session ${name}`;
    const texts = appendTexts(action, items, options).join();
    const { expectedVersion, opId } = options;
    return attempt(action, async () => {
      // Where another process was first to write the next file, everything is asked again.
      while (true) {
        const session = await readSession(this.#path(name));
        const done = session.entries.find((entry) => entry.opId === opId);
        if (done && done.items.map((item) => JSON.stringify(item)).join() !== texts) throw otherItems(action, opId);
        if (done) return done.from + done.items.length;
        const version = session.items.length;
        if (version !== expectedVersion) throw new SessionConflict(name, expectedVersion, version);
        const entry = `{"from":${version},"opId":${JSON.stringify(opId)},"items":[${texts}]}`;
        if (await writeOnce(this.#path(name), session.next, entry)) return version + items.length;
      }
    });
  }

  async delete(key: SessionKey): Promise<void> {
    const name = encodeKey(sessionKey(key));
    const path = this.#path(name);
    await attempt(`delete session ${name}`, async () => {
      let session = await readSession(path);
      while (session.items.length > 0) {
        await writeOnce(path, session.next, '{"from":0,"opId":"","items":[]}');
        session = await readSession(path);
      }
      // The newest first: what a killed process leaves can still be read.
      for (const file of session.outdated.toReversed()) await rm(join(path, file), { force: true });
    });
  }

  /** A key may have any length and any characters: the folder is called by its hash. */
  #path(name: string): string {
    return join(this.#folder, createHash("sha256").update(name).digest("hex"));
  }
}

/** Sessions in the files of `folder`, as a plugin. The folder is made when it is first needed. */
export function fileSessions(folder: string): Plugin {
  return { name: "files", sessions: new FileStore(folder) };
}

/** Everything that goes wrong is a `StoreError`. */
async function attempt<T>(action: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw new StoreError(`Cannot ${action}: ${messageOf(error)}`, { cause: error });
  }
}
