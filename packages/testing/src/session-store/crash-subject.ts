import type { Json, SessionStore } from "@batonjs/core";

/** A place where sessions are kept. */
export interface CrashSubject {
  /** A module that exports `open(config)`, which gives a store on that place. Each writing process imports it. */
  readonly module: string | URL;
  readonly config: Json;
  /** Kills what keeps the data, such as a database server, while processes write. @default only these are killed */
  readonly kill?: () => Promise<void>;
  /** Starts again what `kill` killed. */
  readonly restart?: () => Promise<void>;
  readonly dispose?: () => void | Promise<void>;
}

/** Opens the store anew, as another process would, and closes it. */
export async function withStore(subject: CrashSubject, body: (store: SessionStore) => Promise<void>): Promise<void> {
  const { open } = (await import(String(subject.module))) as {
    open: (config: Json) => SessionStore | Promise<SessionStore>;
  };
  const store = await open(subject.config);
  try {
    await body(store);
  } finally {
    await store.close?.();
  }
}
