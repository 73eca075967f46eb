import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { fileURLToPath, pathToFileURL } from "node:url";
import { encodeKey, type Item, StoreError } from "@batonjs/core";
import { type StorageFaults, testSessionStore } from "@batonjs/testing/session-store";
import { testCrashes, testRunCrashes } from "@batonjs/testing/session-store/crashes";
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { SqliteStore, sqliteSessions } from "./sqlite-store.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = (): string => join(folder, `${files++}.db`);

const faults = failingStatements();
afterEach(() => vi.restoreAllMocks());

const slow = (name: string, body: () => Promise<void>): unknown => it(name, { timeout: 600_000 }, body);

describe("SqliteStore on a file", () => {
  testSessionStore({
    describe,
    it: slow,
    create: () => fileSubject(newFile()),
    capabilities: {
      durability: "machine",
      shared: true,
      list: true,
      lease: true,
      close: true,
      faults: true,
      corruption: true,
    },
    layouts: [
      { name: "an empty file", create: () => fileSubject(written("")), sessions: [{ key: { id: "s" }, ids: [] }] },
      {
        name: "layout 1",
        create: () => fileSubject(copied("layout-1.db")),
        sessions: [
          { key: { id: "plain" }, ids: ["1", "2", "3"] },
          { key: { tenant: "a\0", id: "NUL\0 and 😀" }, ids: ["1"] },
        ],
      },
      { name: "a layout of the future", create: () => fileSubject(changed("PRAGMA user_version = 99")) },
    ],
  });

  testCrashes({
    describe,
    it: slow,
    create: () => ({ module: new URL("../test/crash.ts", import.meta.url), config: newFile() }),
    durability: "machine",
  });
  testRunCrashes({
    describe,
    it: slow,
    create: () => ({ module: new URL("../test/crash.ts", import.meta.url), config: newFile() }),
  });
});

describe("SqliteStore in memory", () => {
  testSessionStore({
    describe,
    it: slow,
    create: () => {
      let now = 0;
      return {
        store: new SqliteStore(":memory:", { now: () => now }),
        another: () => new SqliteStore(":memory:"),
        pass: (ms) => void (now += ms),
        faults,
      };
    },
    capabilities: {
      durability: "none",
      shared: false,
      list: true,
      lease: true,
      close: true,
      faults: true,
      corruption: false,
    },
  });

  testCrashes({
    describe,
    it: slow,
    create: () => ({ module: new URL("../test/crash.ts", import.meta.url), config: ":memory:" }),
    durability: "none",
    rounds: 2,
  });
});

describe("SqliteStore", () => {
  const message = (id: string): Item => ({ type: "message", id, role: "user", content: id });
  const open = (path: string, options?: ConstructorParameters<typeof SqliteStore>[1]): SqliteStore => {
    const store = new SqliteStore(path, options);
    onTestFinished(() => store.close());
    return store;
  };
  const raw = (path: string): DatabaseSync => {
    const database = new DatabaseSync(path);
    onTestFinished(() => {
      if (database.isOpen) database.close();
    });
    return database;
  };
  const failureOf = (promise: Promise<unknown>): Promise<StoreError> =>
    promise.then(
      () => expect.unreachable("expected a rejection"),
      (error: unknown) => error as StoreError,
    );

  it("creates its files for their owner only", async () => {
    const path = newFile();
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    await open(path).append({ id: "s" }, [message("1")], { expectedVersion: 0, opId: "1" });
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777, file).toBe(0o600);
  });

  it("leaves the mode of a file that is there as it is", async () => {
    const path = written("");
    chmodSync(path, 0o640);
    await open(path).append({ id: "s" }, [message("1")], { expectedVersion: 0, opId: "1" });
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it("does not touch the disk before it is used", async () => {
    const path = newFile();
    await new SqliteStore(path).close();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  it("takes a file URL, and any text as a file name", async () => {
    const path = newFile();
    const key = { id: "s" };
    await open(path).append(key, [message("1")], { expectedVersion: 0, opId: "1" });
    const byUrl = new SqliteStore(pathToFileURL(path));
    onTestFinished(() => byUrl.close());
    expect((await byUrl.read(key)).version).toBe(1);
    await open(join(folder, "a b?mode=memory#é.db")).append(key, [message("1")], { expectedVersion: 0, opId: "1" });
    expect(statSync(join(folder, "a b?mode=memory#é.db")).size).toBeGreaterThan(0);
    expect(() => new SqliteStore(new URL("https://example.com/x.db"))).toThrow(TypeError);
  });

  it("says which path or option it cannot use", () => {
    const refused = (path: string, options?: object): unknown => {
      try {
        return new SqliteStore(path, options);
      } catch (error) {
        return error;
      }
    };
    expect(refused("")).toEqual(new TypeError('Cannot use "" as a path'));
    expect(refused("a\0b")).toEqual(new TypeError('Cannot use "a\\u0000b" as a path'));
    for (const lockWaitMs of [-1, Number.NaN])
      expect(refused("x.db", { lockWaitMs })).toEqual(
        new RangeError(`Cannot use ${lockWaitMs} as lockWaitMs: expected 0 or more`),
      );
    expect(refused("x.db", { lockWait: 1 })).toMatchInlineSnapshot(
      `[TypeError: Cannot use option "lockWait" of sessions in SQLite: known options are lockWaitMs, now]`,
    );
    expect(refused("x.db", { lockWaitMs: 0 })).toBeInstanceOf(SqliteStore);
  });

  it("writes no file for a database in memory", async () => {
    onTestFinished(() => rmSync(":memory:", { force: true }));
    await open(":memory:").append({ id: "s" }, [message("1")], { expectedVersion: 0, opId: "1" });
    expect(statSync(":memory:", { throwIfNoEntry: false })).toBeUndefined();
  });

  it("syncs each append to the disk", async () => {
    const path = newFile();
    const databases = connections();
    await open(path).append({ id: "s" }, [message("1")], { expectedVersion: 0, opId: "1" });
    await open(":memory:").read({ id: "s" });
    const settings = databases().map((database) =>
      [
        "journal_mode",
        "synchronous",
        "fullfsync",
        "checkpoint_fullfsync",
        "journal_size_limit",
        "busy_timeout",
      ].flatMap((name) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})),
    );
    const [FULL, EXTRA] = [2, 3];
    expect(settings).toEqual([
      ["wal", FULL, 1, 1, 2 ** 26, 10],
      ["memory", EXTRA, 1, 1, 2 ** 26, 10],
    ]);
  });

  const canTrace = spawnSync("strace", ["-qq", "true"]).status === 0;
  it.skipIf(!canTrace)(
    "is on the disk before it is acknowledged (shown by strace; skipped where there is none)",
    { timeout: 60_000 },
    () => {
      const trace = join(folder, "strace.txt");
      const script = fileURLToPath(new URL("../test/appends.ts", import.meta.url));
      const options = ["-f", "-qq", "-e", "trace=fsync,fdatasync,write", "-o", trace];
      execFileSync("strace", [...options, process.execPath, script, newFile()], { stdio: "pipe" });
      const calls = readFileSync(trace, "utf8").split("\n");
      const events = calls.flatMap((call) => {
        if (call.includes('write(1, "begun')) return ["begun"];
        if (call.includes('write(1, "acknowledged')) return ["acknowledged"];
        return /f(data)?sync\(\d+\) += 0/.test(call) ? ["synced"] : [];
      });
      const between = events.join(" ").split("begun ").slice(1);
      expect(between).toHaveLength(5);
      for (const appended of between) expect(appended).toMatch(/^(synced )+acknowledged/);
    },
  );

  it("refuses files that are none of its own, and changes nothing in them", async () => {
    const other = newFile();
    raw(other).exec("CREATE TABLE theirs (a); PRAGMA user_version = 3");
    const unmarked = newFile();
    raw(unmarked).exec("CREATE TABLE theirs (a)");
    const marked = newFile();
    raw(marked).exec("PRAGMA application_id = 1");
    const databases = connections();
    const messages = [];
    for (const path of [
      other,
      unmarked,
      marked,
      written("no database at all, but long enough to be looked at".repeat(20)),
    ]) {
      const error = await failureOf(open(path).read({ id: "s" }));
      expect(error).toBeInstanceOf(StoreError);
      messages.push(error.message.replace(path, "FILE"));
    }
    expect(messages).toMatchInlineSnapshot(`
      [
        "Cannot read session ["s"]: "FILE": it is another program's database; give the sessions a file of their own",
        "Cannot read session ["s"]: "FILE": it is another program's database; give the sessions a file of their own",
        "Cannot read session ["s"]: "FILE": it is another program's database; give the sessions a file of their own",
        "Cannot read session ["s"]: "FILE": it is no SQLite database",
      ]
    `);
    expect(databases().map((database) => database.isOpen)).toEqual([false, false, false, false]);
    expect(raw(other).prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  });

  it("says what is wrong with a path", async () => {
    const missing = await failureOf(open(join(folder, "missing", "x.db")).read({ id: "s" }));
    expect(missing.message.replace(folder, "")).toMatchInlineSnapshot(
      `"Cannot read session ["s"]: "/missing/x.db": its folder does not exist"`,
    );
    const isFolder = await failureOf(open(folder).read({ id: "s" }));
    expect(isFolder.message.replace(folder, "FOLDER")).toMatchInlineSnapshot(
      `"Cannot read session ["s"]: "FOLDER": the file cannot be opened; does its folder exist?"`,
    );
  });

  it("loses nothing acknowledged when the disk is full, and goes on when there is room again", async () => {
    const databases = connections();
    const store = open(newFile());
    const key = { id: "s" };
    await store.append(key, [message("0")], { expectedVersion: 0, opId: "0" });
    const [database] = databases();
    const pages = Number(database?.prepare("PRAGMA page_count").get()?.["page_count"]);
    database?.exec(`PRAGMA max_page_count = ${pages + 20}`);
    const big = (id: string): Item[] => [message(`${id} ${"x".repeat(9_000)}`), message(id)];
    let version = 1;
    let error: StoreError | undefined;
    while (error === undefined) {
      const outcome = await store.append(key, big(`${version}`), { expectedVersion: version, opId: `${version}` }).then(
        (next) => next,
        (error: unknown) => error as StoreError,
      );
      if (typeof outcome === "number") version = outcome;
      else error = outcome;
    }
    expect(error.retryable).toBe(true);
    expect(error.message).toContain("the disk is full");
    expect((await store.read(key)).items).toHaveLength(version);
    database?.exec("PRAGMA max_page_count = 100000");
    expect(await store.append(key, big(`${version}`), { expectedVersion: version, opId: `${version}` })).toBe(
      version + 2,
    );
  });

  it("waits for a lock that another process holds, and gives up in time", async () => {
    const path = newFile();
    const key = { id: "s" };
    const store = open(path, { lockWaitMs: 200 });
    await store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
    const other = raw(path);
    other.exec("BEGIN IMMEDIATE");
    const error = await failureOf(store.append(key, [message("2")], { expectedVersion: 1, opId: "2" }));
    expect(error).toMatchObject({ code: "store_timeout", retryable: true, cause: { errcode: 5 } });
    expect(error.message).toBe(
      `Cannot append to session ["s"]: another connection has held the lock of "${path}" for more than 200 ms`,
    );
    expect((await store.read(key)).version).toBe(1);

    const waiting = [2, 3].map((at) =>
      store.append({ id: `s${at}` }, [message("1")], { expectedVersion: 0, opId: "1" }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.exec("ROLLBACK");
    expect(await Promise.all(waiting)).toEqual([1, 1]);
  });

  it("tries again after pauses that grow to 50 ms, so that waiting costs little", async () => {
    const path = newFile();
    const store = open(path, { lockWaitMs: 200 });
    await store.read({ id: "s" });
    raw(path).exec("BEGIN IMMEDIATE");
    const pauses: unknown[] = [];
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    vi.spyOn(Math, "random").mockReturnValue(0.75);
    vi.spyOn(globalThis, "setTimeout").mockImplementation((body, ms = 0) => {
      pauses.push(ms);
      now += ms;
      return setImmediate(body) as never;
    });
    await failureOf(store.delete({ id: "s" }));
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 50, 50].map((pause) => pause * 1.25));
  });

  it("can be opened and read while another process writes", async () => {
    const path = newFile();
    await open(path).append({ id: "s" }, [message("1")], { expectedVersion: 0, opId: "1" });
    raw(path).exec("BEGIN IMMEDIATE");
    expect((await open(path, { lockWaitMs: 0 }).read({ id: "s" })).version).toBe(1);
  });

  it("reads one state of the file, whatever others write meanwhile, and holds nothing afterwards", async () => {
    const path = newFile();
    const store = open(path);
    const key = { id: "s" };
    await store.append(key, ["1", "2"].map(message), { expectedVersion: 0, opId: "1" });
    const other = raw(path);
    const all = StatementSync.prototype.all;
    vi.spyOn(StatementSync.prototype, "all").mockImplementationOnce(function (this: StatementSync, ...values) {
      other.exec("DELETE FROM items");
      return all.apply(this, values);
    });
    expect((await store.read(key)).items).toHaveLength(2);
    expect(await failureOf(store.read(key))).toMatchObject({ code: "corrupt_item" });
    expect(other.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()).toMatchObject({ busy: 0 });
  });

  it("gives the lock back, does nothing twice and goes on after a write that failed", async () => {
    const path = newFile();
    const store = open(path);
    const append = (): Promise<number> => store.append({ id: "s" }, [message("1")], { expectedVersion: 0, opId: "1" });
    await store.read({ id: "s" });
    faults.fail(3, "before");
    const error = await failureOf(append());
    expect(error).toMatchObject({ retryable: true, cause: { errcode: 10 } });
    expect(error.message).toBe(`Cannot append to session ["s"]: "${path}": the disk failed`);
    raw(path).exec("BEGIN IMMEDIATE; ROLLBACK");
    expect(await append()).toBe(1);
  });

  it("does the writes that it was given before close(), also when none has opened the file", async () => {
    const path = newFile();
    const store = open(path);
    const appended = store.append({ id: "s" }, [message("1")], { expectedVersion: 0, opId: "1" });
    await store.close();
    expect(await appended).toBe(1);
    expect((await open(path).read({ id: "s" })).version).toBe(1);
  });

  it("opens nothing again for a read that waited for a lock when it was closed", async () => {
    const path = newFile();
    const other = raw(path);
    other.exec("BEGIN EXCLUSIVE");
    const store = open(path);
    const reading = failureOf(store.read({ id: "s" }));
    await store.close();
    other.exec("ROLLBACK");
    expect((await reading).message).toBe('Cannot read session ["s"]: the store is closed');
  });

  it("leaves nothing of a deleted session in the file", async () => {
    const path = newFile();
    const store = open(path);
    for (const id of ["kept", "gone"])
      await store.append({ id }, ["1", "2"].map(message), { expectedVersion: 0, opId: "1" });
    await store.delete({ id: "gone" });
    const rows = ["sessions", "items", "appends"].map(
      (table) => raw(path).prepare(`SELECT * FROM ${table}`).all().length,
    );
    expect(rows).toEqual([1, 2, 1]);
  });

  it("stores appends that come together in one flush, each with its own outcome", async () => {
    const commits = vi.spyOn(StatementSync.prototype, "run");
    const store = open(newFile());
    const append = (id: string, expectedVersion: number, opId: string): Promise<number> =>
      store.append({ id }, [message(opId)], { expectedVersion, opId });
    await append("a", 0, "1");
    commits.mockClear();
    const outcomes = await Promise.allSettled([
      append("a", 1, "2"),
      append("b", 0, "1"),
      append("a", 1, "3"),
      append("a", 2, "4"),
      append("b", 0, "1"),
      append("c", 1, "1"),
    ]);
    const shown = outcomes.map((one) => (one.status === "fulfilled" ? one.value : (one.reason as StoreError).code));
    expect(shown).toEqual([2, 1, "session_conflict", 3, 1, "session_conflict"]);
    const isCommit = (at: number): boolean => (commits.mock.contexts[at] as StatementSync).sourceSQL === "COMMIT";
    expect(commits.mock.calls.filter((_, at) => isCommit(at))).toHaveLength(1);
  });

  it("does the others where one append of a flush cannot be stored", async () => {
    const store = open(newFile());
    await store.read({ id: "s" });
    const appends = ["a", "b", "c"].map((id) =>
      store.append({ id }, [message("1")], { expectedVersion: 0, opId: "1" }),
    );
    // The first append's statement, in the shared transaction and when it is tried alone.
    faults.fail(3, "before");
    expect(await Promise.all(appends)).toEqual([1, 1, 1]);
    expect(faults.failed()).toBe(true);
    for (const id of ["a", "b", "c"]) expect((await store.read({ id })).version).toBe(1);
  });

  it("notices an item that is gone", async () => {
    const path = newFile();
    const store = open(path);
    const key = { id: "s" };
    await store.append(key, ["1", "2", "3"].map(message), { expectedVersion: 0, opId: "1" });
    const database = raw(path);
    for (const seq of [1, 2]) {
      database.exec(`DELETE FROM items WHERE seq = ${seq}`);
      expect(await failureOf(store.read(key))).toMatchObject({
        code: "corrupt_item",
        message: 'Cannot read item 1 of session ["s"]: it is missing',
      });
    }
  });

  it("rejects items that are not JSON before anything is written", async () => {
    const store = open(newFile());
    const circular: { self?: unknown } = {};
    circular.self = circular;
    for (const data of [
      circular,
      1n,
      {
        toJSON: () => {
          throw new Error("no");
        },
      },
    ]) {
      const items = [message("1"), { type: "note", id: "2", plugin: "p", data } as unknown as Item];
      const error = await failureOf(store.append({ id: "s" }, items, { expectedVersion: 0, opId: "1" }));
      expect(error.message).toContain("item 1 of the append is not JSON");
    }
    expect((await store.read({ id: "s" })).version).toBe(0);
  });

  it("lists in the order of the changes also when the clock goes back", async () => {
    let now = 1_000_000;
    const store = open(newFile(), { now: () => now });
    for (const id of ["a", "b", "c"]) {
      await store.append({ id }, [message("1")], { expectedVersion: 0, opId: "1" });
      now -= 3_600_000;
    }
    expect((await store.list()).keys).toEqual([{ id: "c" }, { id: "b" }, { id: "a" }]);
  });

  it("sqliteSessions() closes the store with its runner", async () => {
    const plugin = sqliteSessions(newFile());
    expect(plugin.name).toBe("sqlite");
    await plugin.sessions?.read({ id: "s" });
    await plugin.close?.();
    await expect(plugin.sessions?.read({ id: "s" })).rejects.toThrow("closed");
  });
});

/** The connections that are opened from now on. */
function connections(): () => DatabaseSync[] {
  const exec = vi.spyOn(DatabaseSync.prototype, "exec");
  return () => [...new Set(exec.mock.contexts)] as DatabaseSync[];
}

function fileSubject(path: string) {
  return {
    store: new SqliteStore(path),
    another: () => new SqliteStore(path),
    faults,
    corrupt: (key: { tenant?: string; id: string }, at: number) => {
      const database = new DatabaseSync(path);
      database
        .prepare("UPDATE items SET item = 'broken' WHERE seq = ? AND session = (SELECT id FROM sessions WHERE key = ?)")
        .run(at, encodeKey(key));
      database.close();
    },
  };
}

function written(text: string): string {
  const path = newFile();
  writeFileSync(path, text);
  return path;
}

function copied(fixture: string): string {
  const path = newFile();
  copyFileSync(new URL(`__fixtures__/${fixture}`, import.meta.url), path);
  return path;
}

/** A file of this release to which `sql` was done. */
function changed(sql: string): string {
  const path = copied("layout-1.db");
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
  return path;
}

/** Counts what is asked of SQLite, by every connection of this process, and lets one of it fail. */
function failingStatements(): StorageFaults {
  let left = -1;
  let when = "before";
  let hasFailed = false;
  const failure = (): Error => Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 10 });
  const failing = <T extends object>(prototype: T, name: keyof T): void => {
    const original = prototype[name] as (...values: unknown[]) => unknown;
    prototype[name] = function (this: T, ...values: unknown[]): unknown {
      const fails = left-- === 0;
      hasFailed ||= fails;
      if (fails && when === "before") throw failure();
      const result = original.apply(this, values);
      if (fails) throw failure();
      return result;
    } as T[keyof T];
  };
  failing(StatementSync.prototype, "run");
  failing(StatementSync.prototype, "get");
  failing(StatementSync.prototype, "all");
  failing(DatabaseSync.prototype, "exec");
  return {
    fail: (nth, moment) => {
      left = nth;
      when = moment;
      hasFailed = false;
    },
    heal: () => void (left = -1),
    failed: () => hasFailed,
  };
}
