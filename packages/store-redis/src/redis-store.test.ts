import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Item } from "@batonjs/core";
import { type StorageFaults, testSessionStore, type StoreUnderTest } from "@batonjs/testing/session-store";
import { startCuttingProxy, testCrashes, testRunCrashes } from "@batonjs/testing/session-store/crashes";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { hasRedis, type Server, startRedis } from "../test/server.ts";
import type { IoRedisClient, NodeRedisClient } from "./clients.ts";
import { RedisStore, redisSessions } from "./redis-store.ts";
import * as scripts from "./scripts.ts";

const AOF_ALWAYS = ["--appendonly", "yes", "--appendfsync", "always"];
const AOF_NO = ["--appendonly", "yes", "--appendfsync", "no"];
const key = { id: "s" };
const message = (id: string): Item => ({ type: "message", id, role: "user", content: id });

describe("RedisStore", () => {
  it("refuses what cannot be a URL, a prefix, a time or an option, and shows no password", () => {
    const refused = (name: string, message: string, connection: string, options?: object): void =>
      expect(() => new RedisStore(connection, options)).toThrow(expect.objectContaining({ name, message }));
    for (const url of [
      "",
      "sessions",
      "http://root:secret@x",
      "a+redis://root:secret@x",
      "redis://user:secret@[broken",
    ])
      refused("TypeError", "Cannot use the connection URL: expected redis://user:password@host:port/number", url);
    for (const prefix of ["a{b", "}", "\ud800"]) {
      const message = `Cannot use ${JSON.stringify(prefix)} as prefix: it must be well-formed text without braces`;
      refused("TypeError", message, "redis://x", { prefix });
    }
    for (const ttlMs of [0, -1, 1.5, Number.NaN])
      refused("RangeError", `Cannot use ${ttlMs} as ttlMs: expected a positive integer`, "rediss://x", { ttlMs });
    for (const retryMs of [-1, Number.NaN])
      refused("RangeError", `Cannot use ${retryMs} as retryMs: expected 0 or more`, "redis://x", { retryMs });
    refused(
      "TypeError",
      'Cannot use option "ttl" of sessions in Redis: known options are prefix, ttlMs, retryMs',
      "redis://x",
      { ttl: 1 },
    );
  });

  it("says what is wrong with a server that cannot be reached, and shows no password", async () => {
    const store = new RedisStore("redis://user:s3cret@127.0.0.1:9", { retryMs: 50 });
    const error: unknown = await store.read(key).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "StoreError", retryable: true });
    expect(String(error)).toContain("ECONNREFUSED");
    expect(JSON.stringify(error, ["message", "stack", "cause", "code", "input"])).not.toContain("s3cret");
  });

  it("says what to install where the package redis is missing", async () => {
    vi.doMock("redis", () => {
      throw new Error("Cannot find package");
    });
    onTestFinished(() => {
      vi.doUnmock("redis");
    });
    await expect(new RedisStore("redis://127.0.0.1:9").read(key)).rejects.toMatchObject({
      name: "StoreError",
      message: "Cannot connect to Redis: install the package redis, or pass a client of ioredis",
      cause: expect.any(Error) as Error,
      retryable: false,
    });
  });

  it("says what it could not do, whichever of its scripts fails", async () => {
    const append = (store: RedisStore) => store.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
    const lease = (store: RedisStore) => store.lease(key, "run", 1_000);
    const failures: readonly (readonly [ScriptName, string, (store: RedisStore) => Promise<unknown>])[] = [
      ["READ", 'read session ["s"]', (store) => store.read(key)],
      ["TOUCH", 'append to session ["s"]', append],
      ["APPEND", 'append to session ["s"]', append],
      ["DELETE", 'delete session ["s"]', (store) => store.delete(key)],
      ["FORGET", 'delete session ["s"]', (store) => store.delete(key)],
      ["PAGE", "list sessions", (store) => store.list()],
      ["EXISTS", "list sessions", (store) => store.list()],
      ["FORGET", "list sessions", (store) => store.list()],
      ["TAKE_LEASE", 'hold session ["s"]', lease],
      ["RENEW_LEASE", 'hold session ["s"]', async (store) => (await lease(store))?.renew(1_000)],
      ["RELEASE_LEASE", 'release session ["s"]', async (store) => (await lease(store))?.release()],
    ];
    for (const [script, action, call] of failures) {
      const failure = new Error("ERR unknown");
      const { client } = scripted({ [script]: failure });
      const expected = { name: "StoreError", message: `Cannot ${action}: ERR unknown`, cause: failure };
      await expect(call(new RedisStore(client)), script).rejects.toMatchObject(expected);
    }
  });

  it("rejects an answer to an append that is none", async () => {
    const { client } = scripted({ APPEND: ["perhaps", 1] });
    const appending = new RedisStore(client).append(key, [message("1")], { expectedVersion: 0, opId: "1" });
    await expect(appending).rejects.toThrow('Cannot append to session ["s"]: Redis gave an answer that is none');
  });

  it("begins no session that is not in the index, and goes on with one whatever the index says", async () => {
    const { client, done } = scripted({ TOUCH: new Error("ERR unknown") });
    const store = new RedisStore(client);
    const append = (expectedVersion: number) => store.append(key, [message("1")], { expectedVersion, opId: "1" });
    await expect(append(0)).rejects.toThrow("ERR unknown");
    expect(done).toEqual(["TOUCH"]);
    expect(await append(1)).toBe(1);
    expect(done.slice(1)).toEqual(["TOUCH", "APPEND"]);
  });

  it("tries again after pauses that double up to half a second, for as long as it was told", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
    const random = vi.spyOn(Math, "random");
    onTestFinished(() => {
      random.mockRestore();
      vi.useRealTimers();
    });
    // Half a pause to one and a half of it: many stores do not try again at the same moment.
    const cases: readonly (readonly [retryMs: number | undefined, random: number, tries: readonly number[]])[] = [
      [undefined, 0.5, [0, 10, 30, 70, 150, 310, 630, 1_130, 1_630]],
      [2_130, 0.5, [0, 10, 30, 70, 150, 310, 630, 1_130, 1_630, 2_130]],
      [2_129, 0.5, [0, 10, 30, 70, 150, 310, 630, 1_130, 1_630]],
      [300, 0.9, [0, 14, 42, 98, 210]],
      [0, 0.5, [0]],
    ];
    for (const [retryMs, chance, tries] of cases) {
      random.mockReturnValue(chance);
      const start = performance.now();
      const found: number[] = [];
      const client: NodeRedisClient = {
        evalSha: () => {
          found.push(performance.now() - start);
          return Promise.reject(new Error("LOADING data"));
        },
        eval: () => expect.unreachable(),
      };
      const reading = new RedisStore(client, retryMs === undefined ? {} : { retryMs }).read(key);
      const failed = expect(reading).rejects.toMatchObject({ retryable: true });
      await vi.advanceTimersByTimeAsync(5_000);
      await failed;
      expect(found, `${retryMs}`).toEqual(tries);
    }
  });

  it("asks for the settings again where the connection was lost meanwhile", async () => {
    const { client } = scripted();
    const settings: Readonly<Record<string, string>> = { appendonly: "yes", appendfsync: "no" };
    let asked = 0;
    const configGet = async (name: string): Promise<unknown> => {
      if (asked++ === 0) throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
      return { [name]: settings[name] };
    };
    const store = new RedisStore({ ...client, configGet });
    await store.delete(key);
    expect(store.durability).toBe("process");
    expect(asked).toBe(3);
  });
});

if (hasRedis()) testWithRedis();
else
  describe("Redis", () => {
    it.skipIf(!process.env["CI"])("is not installed: apt-get install redis-server, to test the store with it", () => {
      expect.unreachable("CI has to test the store with Redis");
    });
  });

function testWithRedis(): void {
  const slow = (name: string, body: () => Promise<void>): void => it(name, { timeout: 600_000 }, body);
  let server: Server;
  let client: ReturnType<typeof newClient>;
  let io: Redis;
  const newClient = () => createClient({ url: server.url }).on("error", () => {});
  beforeAll(async () => {
    server = await startRedis(...AOF_ALWAYS);
    client = newClient();
    await client.connect();
    io = new Redis(server.port, "127.0.0.1");
    io.on("error", () => {});
  });
  afterAll(async () => {
    client.destroy();
    io.disconnect();
    await server.dispose();
  });

  let prefixes = 0;
  const subject = (connection: NodeRedisClient | IoRedisClient): StoreUnderTest => {
    const prefix = `test ${prefixes++}:`;
    return {
      store: new RedisStore(connection, { prefix }),
      another: () => new RedisStore(connection, { prefix }),
      corrupt: async ({ tenant, id }, at) => {
        const tag = tenant === undefined ? id : `${tenant}/${id}`;
        await client.lSet(`${prefix}{${tag}}:items`, at, "broken");
      },
    };
  };
  const capabilities = { shared: true, list: true, lease: true, close: true, corruption: true } as const;

  describe("RedisStore through redis", () => {
    testSessionStore({
      describe,
      it: slow,
      create: () => {
        const { faulty, faults } = failing({
          name: "SocketClosedUnexpectedlyError",
          message: "Socket closed unexpectedly",
        });
        const connection: NodeRedisClient = {
          evalSha: (...command) => faulty(() => client.evalSha(...command)),
          eval: (...command) => faulty(() => client.eval(...command)),
          configGet: (name) => client.configGet(name),
        };
        return { ...subject(connection), faults };
      },
      capabilities: { ...capabilities, durability: "machine", faults: true },
      layouts: [
        {
          name: "a layout of the future",
          create: async () => {
            const future = subject(client);
            await client.hSet(`test ${prefixes - 1}:{s}:operations`, "layout", "99");
            return future;
          },
        },
      ],
    });
  });

  describe("RedisStore through ioredis", () => {
    testSessionStore({
      describe,
      it: slow,
      create: () => {
        const { faulty, faults } = failing({ name: "ReplyError", message: "ERR a planned fault" });
        const connection: IoRedisClient = {
          evalsha: (sha, keys, ...values) => faulty(() => io.evalsha(sha, keys, ...values)),
          eval: (text, keys, ...values) => faulty(() => io.eval(text, keys, ...values)),
          config: (operation, name) => io.config(operation, name),
        };
        return { ...subject(connection), faults };
      },
      capabilities: { ...capabilities, durability: "machine", faults: true },
    });
  });

  describe("RedisStore on Redis", () => {
    const crashSubject = async (...settings: string[]) => {
      const server = await startRedis(...settings);
      return {
        module: new URL("../test/crash.ts", import.meta.url),
        config: server.url,
        kill: () => server.kill(),
        restart: () => server.start(),
        dispose: () => server.dispose(),
      };
    };
    testCrashes({
      describe,
      it: slow,
      create: () => ({ module: new URL("../test/crash.ts", import.meta.url), config: server.url }),
      durability: "machine",
    });
    testRunCrashes({
      describe,
      it: slow,
      every: process.env["CI"] ? 4 : 12, // of some sixty moments; SQLite's tests take all of them
      create: () => ({ module: new URL("../test/crash.ts", import.meta.url), config: server.url }),
    });
    testCrashes({
      describe,
      it: slow,
      create: () => crashSubject(...AOF_ALWAYS),
      durability: "machine",
      rounds: process.env["CI"] ? 10 : 2,
      victim: "a server that syncs each write",
    });
    testCrashes({
      describe,
      it: slow,
      create: () => crashSubject(...AOF_NO),
      durability: "process",
      rounds: process.env["CI"] ? 10 : 2,
      victim: "a server that leaves it to the system",
    });
    testCrashes({
      describe,
      it: slow,
      create: () => crashSubject(),
      durability: "none",
      rounds: 2,
      victim: "a server without a log",
    });

    it("reports the durability that the settings of the server promise", async () => {
      const settings: readonly (readonly [string, ...string[]])[] = [
        ["none"],
        ["none", "--appendfsync", "always"],
        ["none", "--appendonly", "yes", "--appendfsync", "everysec"],
        ["process", ...AOF_NO],
        ["process", ...AOF_ALWAYS, "--no-appendfsync-on-rewrite", "yes"],
        ["machine", ...AOF_ALWAYS],
        ["none", ...AOF_ALWAYS, "--rename-command", "CONFIG", ""],
      ];
      for (const [durability, ...arguments_] of settings) {
        const server = await startRedis(...arguments_);
        const io = new Redis(server.port, "127.0.0.1");
        for (const connection of [server.url, io]) {
          const store = new RedisStore(connection);
          expect(store.durability).toBe("none");
          await store.read(key);
          expect(store.durability, arguments_.join(" ")).toBe(durability);
          await store.close();
        }
        io.disconnect();
        await server.dispose();
      }
    });

    it("survives lost connections and a server that starts again", { timeout: 60_000 }, async () => {
      const server = await startRedis(...AOF_ALWAYS);
      const store = new RedisStore(server.url, { retryMs: 20_000 });
      onTestFinished(async () => {
        await store.close();
        await server.dispose();
      });
      let disturbances = 0;
      let writing = true;
      const disturb = async (): Promise<void> => {
        for (; writing; disturbances++) {
          if (disturbances % 5 === 4) {
            await server.kill();
            await server.start();
          } else {
            const admin = createClient({ url: server.url }).on("error", () => {});
            await admin.connect();
            await admin.sendCommand(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
            await admin.close();
          }
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      const write = async (id: string): Promise<void> => {
        for (let at = 0; at < 40 || (disturbances < 10 && at < 10_000); at++)
          await store.append({ id }, [message(`${at}`)], { expectedVersion: at, opId: `${at}` });
      };
      const disturbing = disturb();
      await Promise.all(["a", "b", "c"].map(write)).finally(() => (writing = false));
      await disturbing;
      for (const id of ["a", "b", "c"]) {
        const { items } = await store.read({ id });
        expect(items.map((item) => item.id)).toEqual(items.map((_, at) => `${at}`));
        expect(items.length).toBeGreaterThanOrEqual(40);
      }
    });

    it(
      "stores an append once where the connection is cut after any byte of the answer",
      { timeout: 60_000 },
      async () => {
        const proxy = await startCuttingProxy(server.port);
        const store = new RedisStore(`redis://127.0.0.1:${proxy.port}`, { prefix: "cut:", retryMs: 20_000 });
        onTestFinished(async () => {
          await store.close();
          await proxy.close();
        });
        let version = await store.append(key, [message("0")], { expectedVersion: 0, opId: "0" });
        for (let bytes = 0; ; bytes++) {
          proxy.cutAfter(bytes);
          version = await store.append(key, [message(`${version}`)], { expectedVersion: version, opId: `${version}` });
          proxy.heal();
          expect((await store.read(key)).items.map((item) => item.id)).toEqual(
            Array.from({ length: version }, (_, at) => `${at}`),
          );
          if (!proxy.hasCut()) break;
        }
        expect(version).toBeGreaterThan(20);
      },
    );

    it("works in a cluster, through both packages", { timeout: 60_000 }, async () => {
      // One server with all slots: it refuses a command with keys of several slots as any cluster does.
      const server = await startRedis("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1");
      const admin = createClient({ url: server.url }).on("error", () => {});
      await admin.connect();
      await admin.sendCommand(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
      while (!(await admin.clusterInfo()).includes("cluster_state:ok"))
        await new Promise((resolve) => setTimeout(resolve, 20));
      const cluster = createCluster({ rootNodes: [{ url: server.url }] }).on("error", () => {});
      await cluster.connect();
      const io = new Cluster([{ host: "127.0.0.1", port: server.port }]);
      onTestFinished(async () => {
        admin.destroy();
        cluster.destroy();
        io.disconnect();
        await server.dispose();
      });
      for (const [name, connection] of Object.entries({ cluster, io, plain: server.url })) {
        const store = new RedisStore(connection, { prefix: `${name}:`, ttlMs: 60_000 });
        const ids = ["a", "{b}", "}c{", "d/e", "{}"];
        for (const id of ids)
          for (const at of [0, 1])
            expect(
              await store.append({ tenant: "t}", id }, [message(`${at}`)], { expectedVersion: at, opId: `${at}` }),
            ).toBe(at + 1);
        expect((await store.list({ tenant: "t}" })).keys.map((key) => key.id)).toEqual(ids.toReversed());
        expect((await store.read({ tenant: "t}", id: "{b}" })).version).toBe(2);
        const lease = await store.lease({ id: "{}" }, "run", 1_000);
        expect(await lease?.renew(1_000)).toBe(true);
        await store.delete({ tenant: "t}", id: "{b}" });
        expect((await store.list({ tenant: "t}" })).keys).toHaveLength(4);
        expect(store.durability).toBe("none");
        await store.close();
      }
    });

    it("forgets a session some time after its last append, and lists it no more", async () => {
      const store = new RedisStore(client, { prefix: "ttl:", ttlMs: 400 });
      await store.append({ id: "old" }, [message("1")], { expectedVersion: 0, opId: "1" });
      await store.append({ id: "kept" }, [message("1")], { expectedVersion: 0, opId: "1" });
      await new Promise((resolve) => setTimeout(resolve, 250));
      await store.append({ id: "kept" }, [message("2")], { expectedVersion: 1, opId: "2" });
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect((await store.read({ id: "old" })).version).toBe(0);
      expect((await store.read({ id: "kept" })).version).toBe(2);
      expect((await store.list({ limit: 1 })).keys).toEqual([{ id: "kept" }]);
      expect((await store.list()).keys).toEqual([{ id: "kept" }]);
      expect(await client.zCard("ttl:index")).toBe(1);
      expect(await store.append({ id: "old" }, [message("1")], { expectedVersion: 0, opId: "1" })).toBe(1);
    });

    it("says so when the memory of the server is full, and stores nothing of that append", async () => {
      const server = await startRedis("--maxmemory", "3mb", "--maxmemory-policy", "noeviction");
      const store = new RedisStore(server.url);
      onTestFinished(async () => {
        await store.close();
        await server.dispose();
      });
      await store.append(key, [message("0")], { expectedVersion: 0, opId: "0" });
      let version = 1;
      let error: unknown;
      while (error === undefined && version < 100_000) {
        const items = Array.from({ length: 1_500 }, (_, at) => message(`${version + at} ${"x".repeat(200)}`));
        const appending = store.append(key, items, { expectedVersion: version, opId: `${version}` });
        await appending.then(
          (next) => (version = next),
          (failure: unknown) => (error = failure),
        );
      }
      expect(error).toMatchObject({
        name: "StoreError",
        retryable: true,
        message: expect.stringContaining("memory") as string,
      });
      expect((await store.read(key)).version).toBe(version);
    });

    it("lists whole pages where sessions between have gone, and forgets those", async () => {
      const asked: unknown[] = [];
      const connection: NodeRedisClient = {
        evalSha: (sha, options) => {
          if (sha === scripts.PAGE.sha) asked.push(options.arguments[1]);
          return client.evalSha(sha, options);
        },
        eval: (...command) => client.eval(...command),
      };
      const store = new RedisStore(connection, { prefix: "gone:" });
      for (let at = 0; at < 9; at++)
        await store.append({ id: `${at}` }, [message("1")], { expectedVersion: 0, opId: "1" });
      const gone = ["8", "7", "6", "4", "3"];
      await client.del(gone.map((id) => `gone:{${id}}:items`));
      const first = await store.list({ limit: 2 });
      expect(first.keys).toEqual([{ id: "5" }, { id: "2" }]);
      expect(asked).toEqual(["3", "3", "2"]);
      const { cursor = "none" } = first;
      expect(await store.list({ limit: 2, cursor })).toEqual({ keys: [{ id: "1" }, { id: "0" }] });
      expect(await client.zRange("gone:index", 0, -1)).toEqual(['["0"]', '["1"]', '["2"]', '["5"]']);
    });

    it("sends the text of a script once, after that its digest", async () => {
      let texts = 0;
      const connection: NodeRedisClient = {
        evalSha: (...command) => client.evalSha(...command),
        eval: (...command) => {
          texts++;
          return client.eval(...command);
        },
      };
      await client.scriptFlush();
      for (let at = 0; at < 3; at++) await new RedisStore(connection).read(key);
      expect(texts).toBe(1);
      expect(await client.scriptExists(scripts.READ.sha)).toEqual([1]);
    });

    it("redisSessions() makes a connection from a URL and closes it with its runner", async () => {
      const server = await startRedis();
      const admin = createClient({ url: server.url });
      await admin.connect();
      onTestFinished(async () => {
        admin.destroy();
        await server.dispose();
      });
      const connections = async (): Promise<number> =>
        (await admin.clientList()).filter(({ name }) => name === "baton").length;
      const plugin = redisSessions(server.url);
      expect(plugin.name).toBe("redis");
      await plugin.sessions?.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
      expect(await connections()).toBe(1);
      await plugin.close?.();
      await plugin.close?.();
      await vi.waitFor(async () => expect(await connections()).toBe(0));
      await expect(plugin.sessions?.read(key)).rejects.toThrow('Cannot read session ["s"]: the store is closed');
      // Other releases find the same keys.
      expect((await admin.keys("*")).toSorted()).toEqual(["baton:index", "baton:{s}:items", "baton:{s}:operations"]);
      expect(await admin.hGet("baton:{s}:operations", "layout")).toBe("1");
    });

    it("rejects where the server is gone for longer than it tries, and goes on with it when it is back", async () => {
      const server = await startRedis(...AOF_ALWAYS);
      const impatient = { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 20 };
      const io = new Redis(server.port, "127.0.0.1", impatient).on("error", () => {});
      const stores = [server.url, io].map((connection) => new RedisStore(connection, { retryMs: 200 }));
      onTestFinished(async () => {
        io.disconnect();
        await server.dispose();
      });
      await stores[0]?.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
      for (const store of stores) expect((await store.read(key)).version).toBe(1);
      await server.kill();
      for (const store of stores)
        await expect(store.read(key)).rejects.toMatchObject({ name: "StoreError", retryable: true });
      await server.start();
      for (const store of stores) await vi.waitFor(async () => expect((await store.read(key)).version).toBe(1), 10_000);
      await server.kill();
      for (const store of stores) {
        await expect(store.read(key)).rejects.toMatchObject({ retryable: true });
        await store.close();
      }
    });

    it("leaves no connection open on which it could not ask for the settings", async () => {
      const redis = await import("redis");
      const busy = { configGet: () => Promise.reject(new Error("BUSY Redis is busy")) };
      const made: { readonly isOpen: boolean }[] = [];
      vi.doMock("redis", () => ({
        ...redis,
        createClient: (options: object) => {
          const client = redis.createClient(options);
          return made.push(client) === 1 ? Object.assign(client, busy) : client;
        },
      }));
      onTestFinished(() => {
        vi.doUnmock("redis");
      });
      const store = new RedisStore(server.url);
      await store.read(key);
      expect(store.durability).toBe("machine");
      expect(made.map(({ isOpen }) => isOpen)).toEqual([false, true]);
      await store.close();
      expect(made.map(({ isOpen }) => isOpen)).toEqual([false, false]);
    });

    it("keeps the process alive by its own connection only while it waits for an answer", async () => {
      const alive = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
      const others = alive();
      const store = new RedisStore(server.url, { prefix: "alive:" });
      onTestFinished(() => store.close());
      const long: Item = { type: "message", id: "1", role: "user", content: "x".repeat(5_000_000) };
      await store.append({ id: "long" }, [long], { expectedVersion: 0, opId: "1" });
      expect(alive()).toBe(others);
      for (let round = 0; round < 2; round++) {
        let hasLong = false;
        const readings = [store.read({ id: "short" }), store.read({ id: "long" }).then(() => (hasLong = true))];
        await readings[0];
        expect({ hasLong, alive: alive() }).toEqual({ hasLong: false, alive: others + 1 });
        await readings[1];
        expect(alive()).toBe(others);
      }
    });

    it("lets a program end that does not close its connection, but not in the middle of a call", async () => {
      const program = fileURLToPath(new URL("../test/idle.ts", import.meta.url));
      const server = await startRedis();
      onTestFinished(() => server.dispose());
      for (const isGone of [false, true]) {
        const child = spawn(process.execPath, [program, server.url], { timeout: 8_000 });
        let err = "";
        child.stderr.on("data", (chunk) => (err += chunk));
        const ended = new Promise((resolve) => child.once("close", (...how) => resolve(how)));
        const out = await new Promise((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk))));
        if (isGone) await server.kill();
        child.stdin.end();
        expect({ out, ended: await ended }, err).toEqual({ out: "1\n", ended: [0, null] });
      }
    });
  });
}

type ScriptName = Exclude<keyof typeof scripts, "LAYOUT">;

/** A client that answers each script so, or fails; what was run is written down. */
function scripted(answers: { readonly [name in ScriptName]?: unknown } = {}) {
  const done: string[] = [];
  const usual: Readonly<Record<string, unknown>> = { APPEND: ["done", 1], PAGE: ['["s"]', "7"], EXISTS: 0 };
  const client: NodeRedisClient = {
    evalSha: async (sha) => {
      const name = Object.entries(scripts).find(([, script]) => typeof script === "object" && script.sha === sha)?.[0];
      done.push(String(name));
      const answer: unknown = { ...usual, ...answers }[String(name)] ?? 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    eval: () => expect.unreachable(),
  };
  return { client, done };
}

/** Lets a command fail with an error of this kind. */
function failing(kind: { readonly name: string; readonly message: string }) {
  let left = -1;
  let when = "before";
  let hasFailed = false;
  const faulty = async <T>(command: () => Promise<T>): Promise<T> => {
    const fails = left-- === 0;
    hasFailed ||= fails;
    const failure = Object.assign(new Error(kind.message), { name: kind.name });
    if (fails && when === "before") throw failure;
    const result = await command();
    if (fails) throw failure;
    return result;
  };
  const faults: StorageFaults = {
    fail: (nth, moment) => {
      left = nth;
      when = moment;
      hasFailed = false;
    },
    heal: () => void (left = -1),
    failed: () => hasFailed,
  };
  return { faulty, faults };
}
