import type { Item } from "@batonjs/core";
import { type StorageFaults, testSessionStore, type StoreUnderTest } from "@batonjs/testing/session-store";
import { startCuttingProxy, testCrashes, testRunCrashes } from "@batonjs/testing/session-store/crashes";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { hasRedis, type Server, startRedis } from "../test/server.ts";
import type { IoRedisClient, NodeRedisClient } from "./clients.ts";
import { RedisStore, redisSessions } from "./redis-store.ts";

const AOF_ALWAYS = ["--appendonly", "yes", "--appendfsync", "always"];
const AOF_NO = ["--appendonly", "yes", "--appendfsync", "no"];
const key = { id: "s" };
const message = (id: string): Item => ({ type: "message", id, role: "user", content: id });

describe("RedisStore", () => {
  it("refuses what cannot be a URL, a prefix or a time, and shows no password", () => {
    for (const url of ["", "sessions", "http://root:secret@x", "redis://user:secret@[broken"]) {
      expect(() => new RedisStore(url)).toThrow(TypeError);
      expect(() => new RedisStore(url)).not.toThrow("secret");
    }
    for (const prefix of ["a{b", "}", "\ud800"])
      expect(() => new RedisStore("redis://x", { prefix })).toThrow(TypeError);
    for (const ttlMs of [0, -1, 1.5, Number.NaN])
      expect(() => new RedisStore("redis://x", { ttlMs })).toThrow(RangeError);
    expect(() => new RedisStore("redis://x", { retryMs: -1 })).toThrow(RangeError);
  });

  it("says what is wrong with a server that cannot be reached, and shows no password", async () => {
    const store = new RedisStore("redis://user:s3cret@127.0.0.1:9", { retryMs: 50 });
    const error: unknown = await store.read(key).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "StoreError", retryable: true });
    expect(String(error)).toContain("ECONNREFUSED");
    expect(JSON.stringify(error, ["message", "stack", "cause", "code", "input"])).not.toContain("s3cret");
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

    it("redisSessions() makes a connection from a URL and closes it with its runner", async () => {
      const plugin = redisSessions(server.url, { prefix: "plugin:" });
      await plugin.sessions?.append(key, [message("1")], { expectedVersion: 0, opId: "1" });
      await plugin.close?.();
      await plugin.close?.();
      await expect(plugin.sessions?.read(key)).rejects.toThrow("closed");
    });
  });
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
