import type { Json } from "@batonjs/core";
import { RedisStore } from "../src/redis-store.ts";

/** What the processes that are killed open. */
export function open(url: Json): RedisStore {
  return new RedisStore(url as string);
}
