import type { Durability, SessionKey, SessionStore } from "@batonjs/core";

/** One store to be tested, with nothing in it, and what can be done to it from outside. */
export interface StoreUnderTest {
  readonly store: SessionStore;
  /** Opens one more store where another process would: on the same data, if there is a way to share it. */
  another(): SessionStore | Promise<SessionStore>;
  /** Lets time pass, for leases. @default waits */
  pass?(ms: number): void | Promise<void>;
  /** Makes operations on the storage fail. Needed where `capabilities.faults`. */
  readonly faults?: StorageFaults;
  /** Replaces what is stored as the item `at` (from 0) by text that is no item. Needed where `capabilities.corruption`. */
  corrupt?(key: SessionKey, at: number): void | Promise<void>;
  /** Closes and removes everything. Called after the test. */
  dispose?(): void | Promise<void>;
}

/** Faults of the storage below a store: of a statement, a command, a write. */
export interface StorageFaults {
  /**
   * The `nth` operation from now on (from 0) fails, once. `before`: it did nothing. `after`: it was done, and its answer
   * is lost.
   */
  fail(nth: number, when: "before" | "after"): void;
  /** From now on nothing fails. */
  heal(): void;
  /** Whether it has failed since `fail()`, also after `heal()`. */
  failed(): boolean;
}

/** What a store says of itself. Each statement is tested, also those that say that it cannot. */
export interface SessionStoreCapabilities {
  /** What an acknowledged append outlives. Tested by `testCrashes`. */
  readonly durability: Durability;
  /** Whether a store opened on the same data sees what this one has stored. */
  readonly shared: boolean;
  readonly list: boolean;
  readonly lease: boolean;
  readonly close: boolean;
  /** Whether `StoreUnderTest.faults` is given. */
  readonly faults: boolean;
  /** Whether `StoreUnderTest.corrupt` is given. */
  readonly corruption: boolean;
}

/** Data that an older or newer release has written. */
export interface StoredLayout {
  /** Such as `layout 1`. */
  readonly name: string;
  /** A store on that data. */
  readonly create: () => StoreUnderTest | Promise<StoreUnderTest>;
  /** What has to be found in it; nothing where this release must refuse the data. */
  readonly sessions?: readonly { readonly key: SessionKey; readonly ids: readonly string[] }[];
}

/** A suite for one kind of store. `describe` and `it` come from the test runner. */
export interface SessionStoreSuite {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  /** Makes a store with nothing in it; called for each test. */
  readonly create: () => StoreUnderTest | Promise<StoreUnderTest>;
  readonly capabilities: SessionStoreCapabilities;
  /** Data of other releases: of every older one, and one from the future. */
  readonly layouts?: readonly StoredLayout[];
  /** How often the generated tests run, and appends whose speed is told. @default 30 models, 10 interleavings, 200 for speed */
  readonly runs?: { readonly models?: number; readonly interleavings?: number; readonly speed?: number };
  /** Takes a line about speed. @default console.log */
  readonly report?: (line: string) => void;
}

/** What the groups of tests share. */
export interface Group extends SessionStoreSuite {
  /** A test that is given a store and cleans up. */
  readonly test: (name: string, body: (subject: StoreUnderTest) => Promise<void>) => void;
}
