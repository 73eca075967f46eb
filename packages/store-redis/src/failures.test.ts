import { StoreError } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { isTransient, storeError } from "./failures.ts";

const failure = (message: string, fields: object = {}): Error => Object.assign(new Error(message), fields);

/** What Redis or a client fails with; whether to do it again at once, and whether to offer it again later. */
const FAILURES: readonly (readonly [error: unknown, transient: boolean, retryable: boolean])[] = [
  [failure("LOADING Redis is loading the dataset in memory"), true, true],
  [failure("TRYAGAIN Multiple keys request during rehashing of slot"), true, true],
  [failure("CLUSTERDOWN The cluster is down"), true, true],
  [failure("MASTERDOWN Link with MASTER is down"), true, true],
  [failure("READONLY You can't write against a read only replica"), true, true],
  [failure("BUSY Redis is busy running a script"), true, true],
  [failure("OOM command not allowed when used memory > 'maxmemory'"), false, true],
  [failure("MISCONF Redis is configured to save RDB snapshots"), false, true],
  [failure("NOREPLICAS Not enough good replicas to write"), false, true],
  [failure("connect ECONNREFUSED 127.0.0.1:6379", { code: "ECONNREFUSED" }), true, true],
  [failure("read ECONNRESET", { code: "ECONNRESET" }), true, true],
  [failure("write EPIPE", { code: "EPIPE" }), true, true],
  [failure("connect ETIMEDOUT", { code: "ETIMEDOUT" }), true, true],
  [failure("getaddrinfo EAI_AGAIN", { code: "EAI_AGAIN" }), true, true],
  [failure("connect EHOSTUNREACH", { code: "EHOSTUNREACH" }), true, true],
  [failure("connect ENETUNREACH", { code: "ENETUNREACH" }), true, true],
  [new (class ClientOfflineError extends Error {})("The client is offline"), true, true],
  [new (class ConnectionTimeoutError extends Error {})("Connection timeout"), true, true],
  [new (class DisconnectsClientError extends Error {})("Disconnects client"), true, true],
  [new (class SocketClosedUnexpectedlyError extends Error {})("Socket closed unexpectedly"), true, true],
  [new (class SocketTimeoutError extends Error {})("Socket timeout"), true, true],
  [new (class MaxRetriesPerRequestError extends Error {})("Reached the max retries per request limit"), true, true],
  [failure("minified", { name: "MaxRetriesPerRequestError" }), true, true],
  [failure("Stream isn't writeable and enableOfflineQueue options is false"), true, true],
  [failure("Cluster isn't ready and enableOfflineQueue options is false"), true, true],
  [failure("Connection is closed."), false, false], // for good, as ioredis says it
  [failure("ERR unknown command"), false, false],
  [failure("WRONGTYPE Operation against a key of another kind: LOADING "), false, false],
  [failure("OOMPH"), false, false],
  [failure("no such file", { code: "ENOENT" }), false, false],
  [failure("a number as code", { code: 104 }), false, false],
  ["LOADING as text", false, false],
  [{ code: "ECONNRESET", message: "an object" }, false, false],
  [null, false, false],
  [undefined, false, false],
];

describe("failures", () => {
  it("are tried again, or called retryable, where that may help", () => {
    for (const [error, transient, retryable] of FAILURES) {
      expect.soft({ error, transient: isTransient(error) }).toEqual({ error, transient });
      const { name, code, cause, ...found } = storeError("read session x", error);
      expect.soft({ name, code, cause }).toEqual({ name: "StoreError", code: "store_error", cause: error });
      expect.soft({ error, retryable: found.retryable }).toEqual({ error, retryable });
    }
  });

  it("say what was attempted and why it failed", () => {
    const said = (error: unknown): string => storeError('append to session ["s"]', error).message;
    expect(said(failure("ERR unknown"))).toBe('Cannot append to session ["s"]: ERR unknown');
    expect(said(failure("MISCONF no disk"))).toBe('Cannot append to session ["s"]: MISCONF no disk');
    expect(said(failure("OOM x"))).toBe('Cannot append to session ["s"]: the memory that Redis may use is full');
    expect(said("a text")).toBe('Cannot append to session ["s"]: a text');
    expect(said(null)).toBe('Cannot append to session ["s"]: null');
  });

  it("that are a StoreError stay what they are", () => {
    for (const retryable of [true, false]) {
      const error = new StoreError("Cannot read session x: the store is closed", { retryable });
      expect(storeError("read session y", error)).toBe(error);
      expect(error.retryable).toBe(retryable);
      expect(isTransient(error)).toBe(false);
    }
  });
});
