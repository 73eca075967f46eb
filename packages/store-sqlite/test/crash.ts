import type { Json } from "@batonjs/core";
import { SqliteStore } from "../src/sqlite-store.ts";

/** What the processes that are killed open. */
export function open(path: Json): SqliteStore {
  return new SqliteStore(path as string);
}
