import { type AppendOptions, encodeKey, type Item, MemoryStore, type SessionKey, StoreError } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { testCrashes } from "./crashes.ts";
import { type SessionStoreSuite, type StoreUnderTest, testSessionStore } from "./index.ts";

const CAPABILITIES = {
  durability: "none",
  shared: false,
  list: true,
  lease: true,
  close: false,
  faults: false,
  corruption: false,
} as const;

let now = 0;
const TIME = { now: () => now };

testCrashes({
  describe,
  it: (name, body) => it(name, { timeout: 60_000 }, body),
  create: () => ({ module: new URL("./__fixtures__/memory.ts", import.meta.url), config: null }),
  durability: "none",
  rounds: 3,
});

describe("testSessionStore()", () => {
  it("finds nothing wrong with MemoryStore", async () => {
    expect(await firstFailure(() => new MemoryStore(TIME))).toBeUndefined();
  });

  // Outside of this repository vitest fails a `describe` without a test.
  it("declares no group without a test", () => {
    const counts: number[] = [];
    testSessionStore({
      describe(_, body) {
        counts.push(0);
        body();
      },
      it: () => counts.push((counts.pop() ?? 0) + 1),
      create: () => ({ store: new MemoryStore(), another: () => new MemoryStore() }),
      capabilities: CAPABILITIES,
    });
    expect(counts).not.toContain(0);
    expect(counts.length).toBeGreaterThan(5);
  });

  it("finds a capability that is there but not declared, and the other way round", { timeout: 30_000 }, async () => {
    for (const capability of ["list", "lease", "close", "shared", "faults", "corruption"] as const) {
      const capabilities = { ...CAPABILITIES, [capability]: !CAPABILITIES[capability as "list"] };
      expect(await firstFailure(() => new MemoryStore(TIME), { capabilities }), capability).toBeDefined();
    }
    const capabilities = { ...CAPABILITIES, durability: "machine" } as const;
    expect(await firstFailure(() => new MemoryStore(TIME), { capabilities })).toBeDefined();
  });

  // Each is a mistake that a store's author could make.
  const mistakes: Readonly<Record<string, () => MemoryStore>> = {
    "appends without a look at the version": () =>
      new (class extends MemoryStore {
        override async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
          const { version } = await this.read(key);
          return super.append(key, items, { ...options, expectedVersion: version });
        }
      })(TIME),
    "looks at the version only": () =>
      new (class extends MemoryStore {
        #appends = 0;
        override append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
          return super.append(key, items, { ...options, opId: `${options.opId.slice(0, 150)} ${this.#appends++}` });
        }
      })(TIME),
    "takes a repeated id for a repeated operation": () =>
      new (class extends MemoryStore {
        readonly #versions = new Map<string, number>();
        override async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
          const name = encodeKey(key) + options.opId;
          const version = this.#versions.get(name) ?? (await super.append(key, items, options));
          this.#versions.set(name, version);
          return version;
        }
      })(TIME),
    "appends item by item": () =>
      new (class extends MemoryStore {
        override async append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
          const { expectedVersion, opId } = options;
          if (items.length === 0) throw new StoreError("nothing");
          let version = expectedVersion;
          for (const [at, item] of items.entries()) {
            version = await super.append(key, [item], { expectedVersion: version, opId: `${opId}${at || ""}` });
            if (at < 5) await new Promise((resolve) => setTimeout(resolve, 0));
          }
          return version;
        }
      })(TIME),
    "glues tenant and id": () =>
      new (class extends MemoryStore {
        override read(key: SessionKey, from?: number): ReturnType<MemoryStore["read"]> {
          return super.read({ id: `${key.tenant ?? ""}:${key.id}` }, from);
        }
        override append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
          return super.append({ id: `${key.tenant ?? ""}:${key.id}` }, items, options);
        }
      })(TIME),
    "ends text at NUL": () =>
      new (class extends MemoryStore {
        override append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
          const cut = JSON.parse(JSON.stringify(items).replaceAll(/\\u0000[^"]*/g, "")) as Item[];
          return super.append(key, cut, options);
        }
      })(TIME),
    "replaces lone surrogates": () =>
      new (class extends MemoryStore {
        override append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number> {
          const text = JSON.stringify(items).replaceAll(/\\ud[89a-f]../g, "\ufffd");
          return super.append(key, JSON.parse(text) as Item[], options);
        }
      })(TIME),
    "reads from an offset but forgets the version": () =>
      new (class extends MemoryStore {
        override async read(key: SessionKey, from?: number): ReturnType<MemoryStore["read"]> {
          const { items } = await super.read(key, from);
          return { items, version: items.length };
        }
      })(TIME),
    "deletes only what can be seen": () =>
      new (class extends MemoryStore {
        readonly #deleted = new Map<string, number>();
        override async read(key: SessionKey, from = 0): ReturnType<MemoryStore["read"]> {
          const gone = this.#deleted.get(encodeKey(key)) ?? 0;
          const { items, version } = await super.read(key, from + gone);
          return { items, version: version - gone };
        }
        override async delete(key: SessionKey): Promise<void> {
          this.#deleted.set(encodeKey(key), (await super.read(key)).version);
        }
      })(TIME),
    "lists the sessions of all tenants": () =>
      new (class extends MemoryStore {
        override async list(options?: Parameters<MemoryStore["list"]>[0]): ReturnType<MemoryStore["list"]> {
          const lists = await Promise.all(["t", "a", undefined].map((tenant) => super.list(tenant ? { tenant } : {})));
          return { keys: lists.flatMap(({ keys }) => keys).slice(0, options?.limit) };
        }
      })(TIME),
    "gives a cursor where no page follows": () =>
      new (class extends MemoryStore {
        override async list(options?: Parameters<MemoryStore["list"]>[0]): ReturnType<MemoryStore["list"]> {
          const { keys, cursor } = await super.list(options);
          const isFull = keys.length === (options?.limit ?? 50);
          return isFull ? { keys, cursor: cursor ?? "0" } : { keys };
        }
      })(TIME),
    "does not say which session it could not append to": () =>
      new (class extends MemoryStore {
        override append(...append: Parameters<MemoryStore["append"]>): Promise<number> {
          return super.append(...append).catch((error: unknown) => {
            if (error instanceof StoreError && error.code === "idempotency_mismatch")
              throw new StoreError("Cannot append: it was done with other items", { code: error.code });
            throw error;
          });
        }
      })(TIME),
    "holds a lease a millisecond too long": () =>
      new (class extends MemoryStore {
        override lease(key: SessionKey, run: string, ttlMs: number): ReturnType<MemoryStore["lease"]> {
          return super.lease(key, run, ttlMs > 0 ? ttlMs + 1 : ttlMs);
        }
      })(TIME),
    "gives a lease to everybody": () =>
      new (class extends MemoryStore {
        override lease(key: SessionKey, _: string, ttlMs: number): ReturnType<MemoryStore["lease"]> {
          return super.lease(key, "run", ttlMs);
        }
      })(TIME),
  };
  for (const [mistake, create] of Object.entries(mistakes))
    it(`finds a store that ${mistake}`, async () => {
      expect(await firstFailure(create)).toBeDefined();
    });
});

/** The name of the first test of the suite that fails. */
async function firstFailure(
  store: () => MemoryStore,
  suite: Partial<SessionStoreSuite> = {},
): Promise<string | undefined> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  let group = "";
  testSessionStore({
    describe: (name, body) => {
      group = name;
      body();
    },
    it: (name, body) => void tests.push({ name: `${group} ${name}`, body }),
    create: (): StoreUnderTest => ({ store: store(), another: store, pass: (ms) => void (now += ms) }),
    capabilities: CAPABILITIES,
    runs: { models: 5, interleavings: 3 },
    report: () => {},
    ...suite,
  });
  for (const { name, body } of tests) {
    const failed = await body().then(
      () => false,
      () => true,
    );
    if (failed) return name;
  }
  return undefined;
}
