import type { Json } from "@batonjs/core";
import { PostgresStore } from "../src/postgres-store.ts";

/** What the processes that are killed open. */
export function open(config: Json): PostgresStore {
  const { url, schema } = config as { readonly url: string; readonly schema: string };
  return new PostgresStore(url, { schema, maxConnections: 1 });
}
