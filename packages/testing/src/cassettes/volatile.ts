import type { Json, JsonObject } from "@batonjs/core";

/** Gives ids their names. */
export interface Names {
  /** The name of a call's id. */
  call(id: string): string;
  /** The name of any other id. */
  id(id: string): string;
  /** Whether `id()` has named it. */
  knows(text: string): boolean;
}

/** Ids by the order in which they appear: requests that differ in ids alone become the same. */
export function namesInOrder(): Names {
  return { call: counted(() => "call", new Map()), ...otherIds() };
}

/**
 * Names for a file: `call_1` … for calls that the model made, `given_1` … for those that the test brought along. A name
 * that the test's own calls have is left out, so that a replayed call never gets it.
 */
export function namesForFile(ofReplies: ReadonlySet<string>, ofRequests: ReadonlySet<string>): Names {
  const brought = new Set([...ofRequests].filter((id) => !ofReplies.has(id)));
  return { call: counted((id) => (brought.has(id) ? "given" : "call"), new Map(), brought), ...otherIds() };
}

function otherIds(): Omit<Names, "call"> {
  const names = new Map<string, string>();
  return { id: counted(() => "id", names), knows: (text) => names.has(text) };
}

function counted(
  word: (id: string) => string,
  names: Map<string, string>,
  taken: ReadonlySet<string> = new Set(),
): (id: string) => string {
  const counts = new Map<string, number>();
  return (id) => {
    let name = names.get(id);
    if (name !== undefined) return name;
    const kind = word(id);
    let count = counts.get(kind) ?? 0;
    do name = `${kind}_${(count += 1)}`;
    while (taken.has(name));
    counts.set(kind, count);
    names.set(id, name);
    return name;
  };
}

/** An item, of a request or of a reply, with the names of its ids, and without what a provider makes anew each time. */
export function steadyItem(item: JsonObject, names: Names): JsonObject {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => {
      if (key === "callId" && typeof value === "string") return [key, names.call(value)];
      return [key, key === "data" || key === "providerData" ? steadyData(value, names) : value];
    }),
  );
}

const ID = /^id$|_id$|Id$/;
const TIME = /_at$|At$|_ms$|Ms$|^(?:created|timestamp|duration|latency)$/;
/** Encrypted by the provider: new in every reply, and of use to nobody else. */
const ENCRYPTED = /^(?:encrypted_content|encryptedContent)$/;

/** A provider's own data: ids named, times 0, keys in order. */
export function steadyData(data: Json, names: Names): Json {
  const ids = new Set<string>();
  collectIds(data, ids);
  const steady = (value: Json): Json => {
    // An id of this item or, as a reference, of one before it.
    if (typeof value === "string") return ids.has(value) || names.knows(value) ? names.id(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (isList(value)) return value.map(steady);
    const keys = Object.keys(value).toSorted();
    return Object.fromEntries(
      keys.map((key) => {
        const each = value[key] as Json;
        if (ENCRYPTED.test(key) && typeof each === "string") return [key, "[encrypted]"];
        if (ID.test(key) && typeof each === "string") return [key, names.id(each)];
        return [key, TIME.test(key) && (typeof each === "number" || typeof each === "string") ? 0 : steady(each)];
      }),
    );
  };
  return steady(data);
}

function collectIds(value: Json, ids: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  if (isList(value)) {
    for (const each of value) collectIds(each, ids);
    return;
  }
  for (const [key, each] of Object.entries(value)) {
    if (ID.test(key) && typeof each === "string") ids.add(each);
    collectIds(each, ids);
  }
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
