import type { Item } from "../items.ts";

/** Names a session. The same id of two tenants is two sessions. Stores encode it injectively. */
export interface SessionKey {
  readonly tenant?: string;
  readonly id: string;
}

/**
 * What a store promises about an acknowledged append: `none`: nothing outlives the process; `process`: it outlives a
 * killed process; `machine`: it outlives a power cut.
 */
export type Durability = "none" | "process" | "machine";

export interface AppendOptions {
  /** The version that the caller has read or was last given. */
  readonly expectedVersion: number;
  /** Names the append, so that one whose answer was lost can be repeated. At most 200 characters. */
  readonly opId: string;
}

/** Keeps transcripts: one linear history for each key. Rejects with a `StoreError`, never throws synchronously. */
export interface SessionStore {
  readonly durability: Durability;
  /**
   * The items after the first `from`, in order, and the version: the number of items stored. A session that does not
   * exist is `{ items: [], version: 0 }`. Always a committed prefix.
   */
  read(key: SessionKey, from?: number): Promise<{ readonly items: readonly Item[]; readonly version: number }>;
  /**
   * Appends `items` after everything stored under `key`, in order; resolves to the new version.
   *
   * Contract: all or nothing; idempotent by `opId` (a repeat with the same items gives the version it gave then, with
   * others it rejects with code `idempotency_mismatch`); rejects with `SessionConflict` unless `expectedVersion` is
   * the version. Must not keep a reference to `items`. An empty `items` is a `StoreError`.
   */
  append(key: SessionKey, items: readonly Item[], options: AppendOptions): Promise<number>;
  /** Forgets the session, its operations included. A session that does not exist is no error. */
  delete(key: SessionKey): Promise<void>;
  /** Keys of a tenant, most recently changed first, a page at a time. */
  list?(options?: {
    readonly tenant?: string;
    readonly limit?: number;
    readonly cursor?: string;
  }): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor?: string }>;
  /**
   * Holds the session for `runId`, over all processes, until `ttlMs` has passed or it is released. Resolves to
   * `undefined` where another run holds it.
   */
  lease?(key: SessionKey, runId: string, ttlMs: number): Promise<SessionLease | undefined>;
  close?(): Promise<void>;
}

export interface SessionLease {
  /** Holds on for another `ttlMs`; `false` where it is lost. */
  renew(ttlMs: number): Promise<boolean>;
  release(): Promise<void>;
}

/** `id` or `{ tenant, id }` as a key. Throws a `TypeError` for anything else, an empty id included. */
export function sessionKey(session: string | SessionKey): SessionKey {
  const key = typeof session === "string" ? { id: session } : session;
  if (typeof key !== "object" || key === null || typeof key.id !== "string" || key.id === "") {
    throw new TypeError(`Cannot use ${describe(session)} as a session: expected a non-empty string or { tenant?, id }`);
  }
  if (key.tenant !== undefined && typeof key.tenant !== "string") {
    throw new TypeError(`Cannot use ${describe(session)} as a session: its tenant must be a string`);
  }
  if (!key.id.isWellFormed() || key.tenant?.isWellFormed() === false) {
    throw new TypeError("Cannot use a session key with lone surrogates: it must be well-formed text");
  }
  return key;
}

/** A key as one string; two keys never share it. */
export function encodeKey({ tenant, id }: SessionKey): string {
  return JSON.stringify(tenant === undefined ? [id] : [tenant, id]);
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "this value";
  }
}
