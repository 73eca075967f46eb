/** The prototypes that a `__proto__` in somebody's JSON could reach, and those that everything is made of. */
const PROTOTYPES: Readonly<Record<string, object>> = {
  "Object.prototype": Object.prototype,
  "Array.prototype": Array.prototype,
  "Function.prototype": Function.prototype,
  "String.prototype": String.prototype,
  "Number.prototype": Number.prototype,
  "Boolean.prototype": Boolean.prototype,
  "Symbol.prototype": Symbol.prototype,
  "RegExp.prototype": RegExp.prototype,
  "Date.prototype": Date.prototype,
  "Error.prototype": Error.prototype,
  "Promise.prototype": Promise.prototype,
  "Map.prototype": Map.prototype,
  "Set.prototype": Set.prototype,
  "Iterator.prototype": Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object,
};

type Own = ReadonlyMap<PropertyKey, PropertyDescriptor>;

function ownOf(object: object): Own {
  return new Map(Reflect.ownKeys(object).map((key) => [key, Object.getOwnPropertyDescriptor(object, key)!]));
}

function same(a: PropertyDescriptor, b: PropertyDescriptor | undefined): boolean {
  return (
    b !== undefined &&
    Object.is(a.value, b.value) &&
    a.get === b.get &&
    a.set === b.set &&
    a.writable === b.writable &&
    a.enumerable === b.enumerable &&
    a.configurable === b.configurable
  );
}

/**
 * Remembers the built-in prototypes as they are now. The function that it gives names what has changed since, as
 * `Object.prototype.x`, and puts it back where that can be done.
 */
export function watchPrototypes(): () => readonly string[] {
  const before = Object.entries(PROTOTYPES).map(([name, object]) => ({ name, object, own: ownOf(object) }));
  return () => before.flatMap(({ name, object, own }) => restored(object, own).map((key) => `${name}.${String(key)}`));
}

function restored(object: object, own: Own): readonly PropertyKey[] {
  const changed: PropertyKey[] = [];
  for (const key of Reflect.ownKeys(object)) {
    if (own.has(key)) continue;
    changed.push(key);
    Reflect.deleteProperty(object, key);
  }
  for (const [key, descriptor] of own) {
    if (same(descriptor, Object.getOwnPropertyDescriptor(object, key))) continue;
    changed.push(key);
    Reflect.defineProperty(object, key, descriptor);
  }
  return changed;
}
