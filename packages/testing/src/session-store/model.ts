import { type Item, SessionConflict, type SessionKey, type SessionStore } from "@batonjs/core";
import fc from "fast-check";
import { check, equal, failure, rejects } from "./checks.ts";
import type { Group, StoreUnderTest } from "./subject.ts";

/** What a store must be indistinguishable from. */
interface Session {
  readonly items: Item[];
  readonly operations: Map<string, { readonly items: readonly Item[]; readonly version: number }>;
}
type Model = Map<SessionKey, Session>;

interface Real {
  readonly subject: StoreUnderTest;
  readonly shared: boolean;
  store: SessionStore;
  readonly opened: SessionStore[];
  /** Set apart from the sessions of other runs on the same store. */
  readonly named: (key: SessionKey) => SessionKey;
}

type Command = fc.AsyncCommand<Model, Real>;

const KEYS: readonly SessionKey[] = [{ id: "a" }, { id: "b" }, { tenant: "a", id: "a" }, { tenant: "", id: "a" }];

export function testModel({ test, capabilities, runs }: Group): void {
  test("behaves as a list of items with its operations", async (subject) => {
    let run = 0;
    const property = fc.asyncProperty(
      fc.commands(commands(capabilities.shared), { maxCommands: 30 }),
      async (sequence) => {
        const prefix = `${run++}/`;
        const real: Real = {
          subject,
          shared: capabilities.shared,
          store: subject.store,
          opened: [],
          named: (key) => ({ ...key, id: prefix + key.id }),
        };
        try {
          await fc.asyncModelRun(() => ({ model: new Map(KEYS.map((key) => [key, empty()])), real }), sequence);
        } finally {
          for (const store of real.opened) await store.close?.();
        }
      },
    );
    await fc.assert(property, { numRuns: runs?.models ?? 30 });
  });
}

function commands(shared: boolean): fc.Arbitrary<Command>[] {
  const key = fc.constantFrom(...KEYS);
  const items = fc.array(item(), { minLength: 1, maxLength: 5 });
  const opId = fc.constantFrom("1", "2", "3", "4", "5", "6", "7", "8");
  const list: fc.Arbitrary<Command>[] = [
    fc.tuple(key, fc.nat(20)).map(([key, from]) => read(key, from)),
    fc.tuple(key, items, opId).map(([key, items, opId]) => append(key, items, opId, 0)),
    fc.tuple(key, items, opId).map(([key, items, opId]) => append(key, items, opId, 0)),
    fc.tuple(key, items, opId, fc.integer({ min: -5, max: 5 })).map((parts) => append(...parts)),
    fc.tuple(key, opId, fc.integer({ min: -5, max: 5 })).map((parts) => repeat(...parts)),
    key.map((key) => forget(key)),
  ];
  if (shared) list.push(fc.constant(reopen()));
  return list;
}

function read(key: SessionKey, from: number): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      const { items } = session(model, key);
      const found = await real.store.read(real.named(key), from);
      equal(found, { items: items.slice(from), version: items.length }, "read");
    },
    toString: () => `read(${JSON.stringify(key)}, ${from})`,
  };
}

/** An append at the head, or `off` from it. */
function append(key: SessionKey, items: readonly Item[], opId: string, off: number): Command {
  return {
    check: (model) => session(model, key).items.length + off >= 0,
    run: async (model, real) => {
      const known = session(model, key);
      const expectedVersion = known.items.length + off;
      const appending = real.store.append(real.named(key), items, { expectedVersion, opId });
      const done = known.operations.get(opId);
      if (done !== undefined) {
        if (JSON.stringify(done.items) === JSON.stringify(items)) equal(await appending, done.version, "repeated");
        else await rejects(appending, "other items", "idempotency_mismatch");
      } else if (off !== 0) {
        const error = await failure(appending, "append at a wrong version");
        check(error instanceof SessionConflict, `expected a SessionConflict, found ${String(error)}`);
      } else {
        known.items.push(...items);
        known.operations.set(opId, { items, version: known.items.length });
        equal(await appending, known.items.length, "append");
      }
    },
    toString: () => `append(${JSON.stringify(key)}, ${JSON.stringify(items)}, "${opId}", head + ${off})`,
  };
}

function repeat(key: SessionKey, opId: string, off: number): Command {
  return {
    check: (model) => session(model, key).operations.has(opId) && session(model, key).items.length + off >= 0,
    run: async (model, real) => {
      const known = session(model, key);
      const done = known.operations.get(opId);
      check(done !== undefined, "checked before");
      const expectedVersion = known.items.length + off;
      const version = await real.store.append(real.named(key), done.items, { expectedVersion, opId });
      equal(version, done.version, "repeated");
    },
    toString: () => `repeat(${JSON.stringify(key)}, "${opId}", head + ${off})`,
  };
}

function forget(key: SessionKey): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      model.set(key, empty());
      await real.store.delete(real.named(key));
    },
    toString: () => `delete(${JSON.stringify(key)})`,
  };
}

/** Goes on with another store on the same data. */
function reopen(): Command {
  return {
    check: () => true,
    run: async (_, real) => {
      if (real.opened.length >= 3) return;
      real.store = await real.subject.another();
      real.opened.push(real.store);
    },
    toString: () => "reopen()",
  };
}

function item(): fc.Arbitrary<Item> {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("a", "\0", "\ud800", "\udc00", "😀", "\u2028", "\n", "\\", '"') }),
  );
  return fc.oneof(
    fc.record({ type: fc.constant("message" as const), id: text, role: fc.constant("user" as const), content: text }),
    fc.record({ type: fc.constant("note" as const), id: text, plugin: text, data: json() }),
  );
}

function json(): fc.Arbitrary<null> {
  // Through JSON, as a store may: `-0` is `0` there.
  return fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as null);
}

function session(model: Model, key: SessionKey): Session {
  const found = model.get(key);
  check(found !== undefined, "a key of KEYS");
  return found;
}

function empty(): Session {
  return { items: [], operations: new Map() };
}
