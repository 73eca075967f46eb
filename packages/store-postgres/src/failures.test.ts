import { StoreError } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { codeOf, ForeignTables, isTransient, isUnprepared, storeError } from "./failures.ts";

const failure = (message: string, code?: unknown): Error => Object.assign(new Error(message), { code });

/** SQLSTATEs and names of the system and of `postgres`: whether to do it again at once, or to offer it again later. */
const CODES: Readonly<Record<string, "at once" | "at once, unprepared" | "later" | "never">> = {
  "40001": "at once",
  "40P01": "at once",
  "57P01": "at once",
  "57P02": "at once",
  "57P03": "at once",
  "57P05": "at once",
  "25P03": "at once",
  "53300": "at once",
  "08000": "at once",
  "08006": "at once",
  "08P01": "at once",
  CONNECTION_CLOSED: "at once",
  CONNECTION_DESTROYED: "at once",
  CONNECT_TIMEOUT: "at once",
  ECONNREFUSED: "at once",
  ECONNRESET: "at once",
  EPIPE: "at once",
  ETIMEDOUT: "at once",
  EAI_AGAIN: "at once",
  EHOSTUNREACH: "at once",
  ENETUNREACH: "at once",
  "26000": "at once, unprepared",
  "42P05": "at once, unprepared",
  "0A000": "at once, unprepared",
  "25006": "later",
  "53100": "later",
  "53200": "later",
  "58030": "later",
  XX000: "later",
  "22008": "never",
  "23505": "never",
  "28P01": "never",
  "3F000": "never",
  "42501": "never",
  "42P01": "never",
  CONNECTION_ENDED: "never",
  ENOTFOUND: "never",
  "": "never",
};

/** What says what it is by its words, as errors of `pg` do, or not at all. */
const WORDS: readonly (readonly [error: unknown, transient: boolean, said: string])[] = [
  [new Error("Connection terminated"), true, "Connection terminated"],
  [new Error("Connection terminated unexpectedly"), true, "Connection terminated unexpectedly"],
  [failure("Connection terminated", 5), true, "Connection terminated"],
  [
    new Error("Client has encountered a connection error and is not queryable"),
    true,
    "Client has encountered a connection error and is not queryable",
  ],
  [new Error("timeout exceeded when trying to connect"), true, "timeout exceeded when trying to connect"],
  [failure("Connection terminated", "42501"), false, "Connection terminated"],
  [new Error("No: Connection terminated"), false, "No: Connection terminated"],
  [new Error("text"), false, "text"],
  [new Error(""), false, "Error"],
  ["Connection terminated", false, "Connection terminated"],
  [{ message: "Connection terminated" }, false, "[object Object]"],
  [{ message: "Query read timeout" }, false, "[object Object]"],
  [{ code: 40_001 }, false, "[object Object]"],
  ["", false, ""],
  [null, false, "null"],
  [undefined, false, "undefined"],
  [5, false, "5"],
];

describe("a failure", () => {
  for (const [code, when] of Object.entries(CODES))
    it(`with code "${code}" may be over ${when}`, () => {
      const cause = failure("from the server", code);
      expect(isTransient(cause)).toBe(when.startsWith("at once"));
      expect(isUnprepared(cause)).toBe(when.endsWith("unprepared"));
      const error = storeError("read", cause);
      const message = "Cannot read: from the server";
      expect(error).toMatchObject({ name: "StoreError", code: "store_error", message, retryable: when !== "never" });
      expect(error.cause).toBe(cause);
    });

  it("without a code is known by its words", () => {
    for (const [cause, transient, said] of WORDS) {
      expect.soft({ cause, transient: isTransient(cause) }).toEqual({ cause, transient });
      expect.soft(isUnprepared(cause)).toBe(false);
      const error = storeError("read", cause);
      const expected = { message: `Cannot read: ${said}`, retryable: transient, code: "store_error" };
      expect.soft(error).toMatchObject(expected);
      expect.soft(error.cause).toBe(cause);
    }
  });

  it("without words is named by its code", () => {
    // As from Node where each address of a host refuses.
    expect(storeError("read", failure("", "ECONNREFUSED")).message).toBe("Cannot read: ECONNREFUSED");
    expect(storeError("read", { code: "40001" })).toMatchObject({ message: "Cannot read: 40001", retryable: true });
  });

  it("of a server or a lock that lets wait too long is a timeout", () => {
    const late = [failure("canceled", "57014"), failure("locked", "55P03"), new Error("Query read timeout")];
    for (const cause of late) {
      const error = storeError("read", cause);
      const message = "Cannot read: PostgreSQL took too long";
      expect(error).toMatchObject({ name: "StoreError", code: "store_timeout", message, retryable: true });
      expect(error.cause).toBe(cause);
      // It has waited once, and may have been done.
      expect(isTransient(cause)).toBe(false);
    }
  });

  it("that is a StoreError stays as it is, and is not tried again", () => {
    for (const error of [new StoreError("no"), new StoreError("no", { code: "40001", retryable: true })]) {
      expect(storeError("read", error)).toBe(error);
      expect(isTransient(error)).toBe(false);
    }
  });

  it("of tables that are not ours says what they are", () => {
    const error = storeError("read", new ForeignTables("the layout is 99"));
    expect(error).toMatchObject({ message: "Cannot read: the layout is 99", code: "store_error", retryable: false });
    expect(error.cause).toBeUndefined();
  });

  it("has the code that it says, where that is a text", () => {
    expect(codeOf({ code: "23505" })).toBe("23505");
    expect(codeOf(failure("x", "EPIPE"))).toBe("EPIPE");
    for (const error of [null, undefined, "23505", {}, { code: 23_505 }, { code: undefined }, new Error("x")])
      expect(codeOf(error)).toBeUndefined();
  });
});
