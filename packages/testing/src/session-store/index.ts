/**
 * The suite that every session store passes: ours and yours.
 *
 * ```ts
 * import { describe, it } from "vitest";
 * import { testSessionStore } from "@batonjs/testing/session-store";
 * import { MemoryStore } from "@batonjs/core";
 *
 * testSessionStore({
 *   describe,
 *   it,
 *   create: () => ({ store: new MemoryStore(), another: () => new MemoryStore() }),
 *   capabilities: {
 *     durability: "none", shared: false, list: true, lease: true, close: false, faults: false, corruption: false,
 *   },
 * });
 * ```
 *
 * @module
 */
import { testAppend } from "./append.ts";
import { testDelete } from "./delete.ts";
import { testFaults } from "./faults.ts";
import { declareGroup } from "./group.ts";
import { testInterleavings } from "./interleavings.ts";
import { testKeys } from "./keys.ts";
import { testLatency } from "./latency.ts";
import { testLayouts } from "./layouts.ts";
import { testLeases } from "./leases.ts";
import { testList } from "./list.ts";
import { testModel } from "./model.ts";
import { testRead } from "./read.ts";
import type { SessionStoreSuite } from "./subject.ts";
import { testUse } from "./use.ts";
import { testValues } from "./values.ts";

export type {
  SessionStoreCapabilities,
  SessionStoreSuite,
  StorageFaults,
  StoredLayout,
  StoreUnderTest,
} from "./subject.ts";

const GROUPS = {
  "read()": testRead,
  "append()": testAppend,
  "delete()": testDelete,
  "concurrent appends": testInterleavings,
  values: testValues,
  keys: testKeys,
  "list()": testList,
  "lease()": testLeases,
  "a failing storage": testFaults,
  "a store": testUse,
  layouts: testLayouts,
  "any sequence of operations": testModel,
  speed: testLatency,
} as const;

/** Declares the suite's tests. Capabilities are verified both ways: what a store says it cannot do must fail, too. */
export function testSessionStore(suite: SessionStoreSuite): void {
  for (const [name, declare] of Object.entries(GROUPS)) {
    declareGroup(suite, name, (it) => {
      declare({
        ...suite,
        it,
        test: (name, body) => {
          it(name, async () => {
            const subject = await suite.create();
            try {
              await body(subject);
            } finally {
              await subject.dispose?.();
            }
          });
        },
      });
    });
  }
}
