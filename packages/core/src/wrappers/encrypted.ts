import { encodeKey, type SessionKey, type SessionStore } from "../contracts/session.ts";
import { StoreError } from "../errors.ts";
import type { Item, NoteItem } from "../items.ts";
import { wrappedStore } from "./wrapped-store.ts";

/** Keys by id, and the id of the one that new items are encrypted with. The others are for what is stored. */
export interface EncryptionKeys {
  readonly current: string;
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

/** What is stored instead of an item: a note, which no model is ever shown. */
type Envelope = NoteItem & {
  readonly data: { readonly key: string; readonly operation: string; readonly text: string };
};

interface Cipher {
  readonly encryption: CryptoKey;
  readonly nonces: CryptoKey;
}

const PLUGIN = "encrypted";
const NONCE_BYTES = 12;

/**
 * A store whose items only those with the key can read: AES-256-GCM, each item by itself.
 *
 * An item is bound to its tenant, session, position and operation, so one that was moved, repeated or exchanged is found
 * out (`corrupt_item`). What is not hidden: session keys, operation ids, how many items there are, and about how long
 * they are. What is not found out: that the last items are missing, or that a whole session is an older copy of itself.
 *
 * `key` is 32 random bytes. To change it, name both: `{ current: "2027", keys: { "2026": old, "2027": key } }`.
 */
export function encrypted(store: SessionStore, key: Uint8Array | EncryptionKeys): SessionStore {
  const { current, keys } = key instanceof Uint8Array ? { current: "1", keys: { "1": key } } : key;
  if (!Object.hasOwn(keys, current)) throw new TypeError(`Cannot encrypt: the key "${current}" is not among the keys`);
  for (const [id, bytes] of Object.entries(keys))
    if (!(bytes instanceof Uint8Array) || bytes.length !== 32)
      throw new TypeError(`Cannot encrypt: the key "${id}" must be a Uint8Array of 32 bytes`);

  const ciphers = new Map<string, Promise<Cipher>>();
  const cipherOf = (id: string): Promise<Cipher> | undefined => {
    const bytes = Object.hasOwn(keys, id) ? keys[id] : undefined;
    if (bytes === undefined) return undefined;
    const cipher = ciphers.get(id) ?? deriveCipher(bytes);
    ciphers.set(id, cipher);
    return cipher;
  };

  const close = async (sessionKey: SessionKey, item: Item, position: number, operation: string): Promise<Envelope> => {
    const cipher = await cipherOf(current);
    if (cipher === undefined) throw new TypeError(`Cannot encrypt: the key "${current}" is gone`);
    const bound = boundTo(sessionKey, position, operation, current);
    const text = await seal(cipher, bound, textOf(item, sessionKey));
    return { type: "note", id: String(position), plugin: PLUGIN, data: { key: current, operation, text } };
  };

  const open = async (sessionKey: SessionKey, item: Item, position: number): Promise<Item> => {
    const fail = (reason: string): StoreError =>
      new StoreError(`Cannot read item ${position} of session ${encodeKey(sessionKey)}: ${reason}`, {
        code: "corrupt_item",
      });
    if (!isEnvelope(item)) throw fail("it is not encrypted");
    const cipher = await cipherOf(item.data.key);
    if (cipher === undefined) throw fail(`its key "${item.data.key}" is not among the keys`);
    const bound = boundTo(sessionKey, position, item.data.operation, item.data.key);
    const text = await unseal(cipher, bound, item.data.text);
    if (text === undefined) throw fail("it was changed or belongs elsewhere, or this is not its key");
    return JSON.parse(text) as Item;
  };

  return wrappedStore(store, {
    async read(sessionKey, from = 0) {
      const { items, version } = await store.read(sessionKey, from);
      return { items: await Promise.all(items.map((item, at) => open(sessionKey, item, from + at))), version };
    },

    async append(sessionKey, items, options) {
      const { expectedVersion, opId } = options;
      const envelopes = await Promise.all(items.map((item, at) => close(sessionKey, item, expectedVersion + at, opId)));
      try {
        return await store.append(sessionKey, envelopes, options);
      } catch (error) {
        if (!(error instanceof StoreError && error.code === "idempotency_mismatch")) throw error;
        // The same items look different where they were encrypted with the key before, or for another position.
        const stored = await store.read(sessionKey);
        const first = stored.items.findIndex((item) => isEnvelope(item) && item.data.operation === opId);
        const last = stored.items.findLastIndex((item) => isEnvelope(item) && item.data.operation === opId);
        const done = stored.items.slice(first, last + 1);
        const opened = await Promise.all(done.map((item, at) => open(sessionKey, item, first + at)));
        if (JSON.stringify(opened) !== JSON.stringify(items)) throw error;
        return last + 1;
      }
    },
  });
}

/** Two keys from one: what encrypts must not also make nonces. */
async function deriveCipher(bytes: Uint8Array): Promise<Cipher> {
  const secret = await crypto.subtle.importKey("raw", Uint8Array.from(bytes), "HKDF", false, ["deriveKey"]);
  const derive = (
    purpose: string,
    type: AesKeyGenParams | HmacKeyGenParams,
    usages: readonly KeyUsage[],
  ): Promise<CryptoKey> =>
    crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(`@batonjs/core encrypted ${purpose}`) },
      secret,
      type,
      false,
      [...usages],
    );
  return {
    encryption: await derive("items", { name: "AES-GCM", length: 256 }, ["encrypt", "decrypt"]),
    nonces: await derive("nonces", { name: "HMAC", hash: "SHA-256", length: 256 }, ["sign"]),
  };
}

/**
 * The nonce comes from what is encrypted and where, so that a repeated append looks the same to the store, and so that
 * two different items never share one but by the chance of 1 in 2^96.
 */
async function seal(cipher: Cipher, bound: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const plain = utf8(text);
  const mac = await crypto.subtle.sign("HMAC", cipher.nonces, joined(lengthOf(bound), bound, plain));
  const iv = new Uint8Array(mac, 0, NONCE_BYTES);
  const body = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound }, cipher.encryption, plain);
  return toBase64(joined(iv, new Uint8Array(body)));
}

async function unseal(cipher: Cipher, bound: Uint8Array<ArrayBuffer>, sealed: string): Promise<string | undefined> {
  try {
    const bytes = fromBase64(sealed);
    const [iv, body] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES)];
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: bound }, cipher.encryption, body);
    return new TextDecoder().decode(plain);
  } catch {
    return undefined;
  }
}

function textOf(item: Item, sessionKey: SessionKey): string {
  try {
    return JSON.stringify(item);
  } catch (error) {
    throw new StoreError(`Cannot append to session ${encodeKey(sessionKey)}: an item is not JSON`, { cause: error });
  }
}

/** What an item belongs to, so that no two places share it. */
function boundTo(
  { tenant, id }: SessionKey,
  position: number,
  operation: string,
  key: string,
): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(["baton", 1, tenant ?? null, id, position, operation, key]));
}

function isEnvelope(item: Item): item is Envelope {
  if (item.type !== "note" || item.plugin !== PLUGIN) return false;
  const { data } = item;
  return (
    typeof data === "object" &&
    data !== null &&
    "key" in data &&
    typeof data["key"] === "string" &&
    typeof data["operation"] === "string" &&
    typeof data["text"] === "string"
  );
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function lengthOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return length;
}

/** `Uint8Array.prototype.toBase64` is not in Node 22 and 24. */
function toBase64(bytes: Uint8Array): string {
  let binary = "";
  // A call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8_192) binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
