import { type Clock, randomId, systemClock } from "./environment.ts";
import { RunError } from "./errors.ts";
import type { Pending } from "./events.ts";
import type { Item } from "./items.ts";
import { quote } from "./names.ts";
import { checkKeys } from "./options.ts";
import type { RunResult } from "./result.ts";

/** A secret that signs. `id` is told to whoever holds the state; `secret` has at least 32 bytes. */
export interface SealKey {
  readonly id: string;
  readonly secret: string | Uint8Array;
}

/** Remembers which states were opened, so that each is opened once. Shared by all processes that open. */
export interface Nonces {
  /** `true` the first time, `false` after. May forget after `expiresAt`, in milliseconds since the epoch. */
  use(nonce: string, expiresAt: number): Promise<boolean>;
}

export interface SealOptions {
  /** The first seals; all open. Add a new one in front to rotate. */
  readonly keys: readonly SealKey[];
  /** Whom the state is for: a user, a tenant. Another audience cannot open it. */
  readonly audience?: string;
  /** @default one hour */
  readonly expiresInMs?: number;
  /** @default in this process */
  readonly nonces?: Nonces;
  readonly clock?: Clock;
}

/** State that has come back unchanged. */
export interface OpenedState {
  /** The transcript: input for `run`. */
  readonly items: readonly Item[];
  /** What waits: for `approve`, `reject` and `toolResult`. */
  readonly pending: readonly Pending[];
}

export interface Seals {
  /** The transcript and what waits in it, as text that may leave the server. It is signed, not encrypted. */
  seal(result: RunResult<unknown>): Promise<string>;
  /** Rejects with a `RunError`, before anything is parsed, for text that was not sealed by one of the keys. */
  open(sealed: string): Promise<OpenedState>;
}

/** The longest sealed state that is opened, in characters. */
export const MAX_SEALED_LENGTH = 16_000_000;

const SEAL_OPTIONS = new Set(["keys", "audience", "expiresInMs", "nonces", "clock"]);
const VERSION = "baton1";
const MIN_SECRET_BYTES = 32;

interface Payload extends OpenedState {
  readonly audience: string | null;
  readonly expiresAt: number;
  readonly nonce: string;
}

/**
 * Signs state that leaves the server and checks it when it comes back: an approval shown in a browser, an exported
 * transcript. HMAC-SHA256 over version, key id and payload; with an audience, an expiry and a nonce that is good once.
 */
export function seals(options: SealOptions): Seals {
  checkKeys(options, SEAL_OPTIONS, "seals()");
  const { audience, expiresInMs = 3_600_000, clock = systemClock, nonces = memoryNonces(clock) } = options;
  if (!(typeof expiresInMs === "number" && expiresInMs > 0 && expiresInMs < Infinity))
    throw new RangeError(`Cannot use ${quote(expiresInMs)} as expiresInMs as it must be a positive number`);
  const [first] = options.keys;
  if (!first) throw new TypeError("Cannot seal without a key: expected at least one { id, secret }");
  const secrets = new Map(options.keys.map((key) => [key.id, secretOf(key)]));
  if (secrets.size < options.keys.length) throw new TypeError("Cannot seal with two keys of the same id");
  return {
    async seal(result) {
      const payload: Payload = {
        audience: audience ?? null,
        expiresAt: clock.now() + expiresInMs,
        nonce: randomId(),
        items: result.history,
        pending: result.pending,
      };
      const signed = `${VERSION}.${encode(utf8(first.id))}.${encode(utf8(JSON.stringify(payload)))}`;
      return `${signed}.${encode(await mac(secrets.get(first.id)!, signed))}`;
    },
    async open(sealed) {
      const payload = await verified(sealed, secrets);
      if (payload.audience !== (audience ?? null)) throw refused("it is for another audience", "state_tampered");
      if (clock.now() > payload.expiresAt) throw refused("it has expired", "state_expired");
      if (!(await nonces.use(payload.nonce, payload.expiresAt)))
        throw refused("it was opened before", "state_consumed");
      return { items: payload.items, pending: payload.pending };
    },
  };
}

async function verified(sealed: string, secrets: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): Promise<Payload> {
  if (typeof sealed !== "string") throw refused("it is no text", "state_tampered");
  if (sealed.length > MAX_SEALED_LENGTH)
    throw refused(`it is longer than ${MAX_SEALED_LENGTH} characters`, "state_too_large");
  const parts = sealed.split(".");
  const [version, keyId = "", body = "", tag = ""] = parts;
  if (version !== VERSION) throw refused("its version is not known", "state_unknown_version");
  if (parts.length !== 4) throw refused("it is not whole", "state_tampered");
  const secret = secrets.get(text(keyId));
  if (!secret) throw refused("its key is not known", "state_tampered");
  const key = await hmacKey(secret, "verify");
  if (!(await crypto.subtle.verify("HMAC", key, decode(tag), utf8(`${version}.${keyId}.${body}`)))) {
    throw refused("its signature does not fit", "state_tampered");
  }
  return JSON.parse(text(body)) as Payload;
}

function refused(why: string, code: string): RunError {
  return new RunError(`Cannot open the state: ${why}`, { code });
}

function secretOf({ id, secret }: SealKey): Uint8Array<ArrayBuffer> {
  const bytes = typeof secret === "string" ? utf8(secret) : new Uint8Array(secret);
  if (typeof id !== "string" || id === "") throw new TypeError("Cannot seal with a key without an id");
  if (bytes.length < MIN_SECRET_BYTES)
    throw new TypeError(`Cannot seal with key "${id}": its secret must have at least ${MIN_SECRET_BYTES} bytes`);
  return bytes;
}

function hmacKey(secret: Uint8Array<ArrayBuffer>, use: "sign" | "verify"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [use]);
}

async function mac(secret: Uint8Array<ArrayBuffer>, signed: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey(secret, "sign"), utf8(signed)));
}

function memoryNonces(clock: Clock): Nonces {
  const used = new Map<string, number>();
  return {
    use(nonce, expiresAt) {
      for (const [old, end] of used) if (end < clock.now()) used.delete(old);
      const fresh = !used.has(nonce);
      used.set(nonce, expiresAt);
      return Promise.resolve(fresh);
    },
  };
}

const utf8 = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

function encode(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(encoded: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (character) =>
      character.charCodeAt(0),
    );
  } catch {
    throw refused("it is not whole", "state_tampered");
  }
}

const text = (encoded: string): string => new TextDecoder().decode(decode(encoded));
