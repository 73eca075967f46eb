import type { ModelRequest } from "@batonjs/core";

/** A deep copy that cannot be changed. Functions, signals and other objects with a class are kept as they are. */
function frozenCopy<T>(value: T, cache: WeakMap<object, unknown>): T {
  if (typeof value !== "object" || value === null) return value;
  const known = cache.get(value);
  if (known !== undefined) return known as T;
  const copy: unknown = Array.isArray(value)
    ? value.map((element: unknown) => frozenCopy(element, cache))
    : isPlain(value)
      ? // Not an assignment, which `__proto__` as a key would turn into a change of the prototype.
        Object.fromEntries(Object.entries(value).map(([key, element]) => [key, frozenCopy<unknown>(element, cache)]))
      : value;
  if (copy === value) return value;
  Object.freeze(copy);
  cache.set(value, copy);
  return copy as T;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The request as it is now, frozen. `signal` and `preview` are the request's own, and are not enumerable, so that
 * comparisons and snapshots leave them out. `cache` knows the items that were copied before: they are never edited.
 */
export function recordRequest(request: ModelRequest, cache: WeakMap<object, unknown>): ModelRequest {
  const { signal, preview, items, at, ...rest } = request;
  // The lists and the settings may be changed by a mistaken plugin, so that only items are taken from the cache.
  const fresh = new WeakMap<object, unknown>();
  const copy = {
    ...frozenCopy(rest, fresh),
    items: Object.freeze(items.map((item) => frozenCopy(item, cache))),
    at: frozenCopy(at, fresh),
  };
  Object.defineProperty(copy, "signal", { value: signal });
  Object.defineProperty(copy, "preview", { value: preview });
  return Object.freeze(copy) as ModelRequest;
}
