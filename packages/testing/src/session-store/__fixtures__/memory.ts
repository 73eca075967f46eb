import { MemoryStore } from "@batonjs/core";

/** What `testCrashes` opens to show that a store in memory does not outlive its process. */
export function open(): MemoryStore {
  return new MemoryStore();
}
