import type { Json } from "@batonjs/core";
import { FileStore } from "../src/store/file-store.ts";

/** What the processes that are killed open. */
export function open(folder: Json): FileStore {
  return new FileStore(folder as string);
}
