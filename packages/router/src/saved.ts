import type { Json } from "@batonjs/core";
import { type SavedRouter, type Thresholds, thresholdsOf } from "./options.ts";

/** What `save()` gave, checked. Throws a `TypeError` or `RangeError` for anything else. */
export function readSaved(saved: unknown): SavedRouter {
  const { version, thresholds, classifiers } = fields(saved);
  if (version !== 1) throw bad(`its version is ${String(version)}, expected 1`);
  const { kind, sets } = fields(classifiers);
  if (typeof kind !== "string" || !Array.isArray(sets)) throw bad("its classifiers cannot be read");
  return {
    version,
    thresholds: thresholdsOf(fields(thresholds) as Partial<Thresholds>),
    classifiers: {
      kind,
      sets: sets.map((set) => {
        const { key, data } = fields(set);
        if (typeof key !== "string" || data === undefined) throw bad("a classifier of it has no key or no data");
        return { key, data: data as Json };
      }),
    },
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw bad("it is not what save() gave");
}

const bad = (what: string): TypeError => new TypeError(`Cannot load a saved router: ${what}`);
