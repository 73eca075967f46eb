import { StoreError } from "@batonjs/core";
import { describe, expect, it } from "vitest";
import { isBusy, storeError } from "./database.ts";

/** An error of `node:sqlite`, with an extended result code. */
const failure = (errcode: number): Error => Object.assign(new Error("from SQLite"), { errcode });
const extended = (code: number): number => code | (7 << 8);

const nothingKnown = [null, undefined, "text", 5, {}, new Error("text"), { code: 5 }];

describe("isBusy()", () => {
  it("is true where another connection holds a lock", () => {
    for (const code of [5, 6])
      for (const errcode of [code, extended(code)]) expect(isBusy(failure(errcode))).toBe(true);
    for (const error of [failure(1), failure(10), ...nothingKnown]) expect(isBusy(error)).toBe(false);
  });
});

describe("storeError()", () => {
  const reasons: readonly (readonly [number, string, retryable: boolean])[] = [
    [8, "it is read-only", false],
    [10, "the disk failed", true],
    [11, "the file is damaged", false],
    [13, "the disk is full", true],
    [14, "the file cannot be opened; does its folder exist?", false],
    [26, "it is no SQLite database", false],
    [1, "from SQLite", false],
  ];
  for (const [code, reason, retryable] of reasons)
    it(`says of code ${code} that ${reason}, and ${retryable ? "may" : "cannot"} go away`, () => {
      for (const errcode of [code, extended(code)]) {
        const cause = failure(errcode);
        const error = storeError("read", "/x.db", cause);
        expect(error).toMatchObject({ message: `Cannot read: "/x.db": ${reason}`, retryable });
        expect(error.cause).toBe(cause);
      }
    });

  it("says what any other error says", () => {
    const shown = [...nothingKnown, Object.assign(new Error("no such file"), { code: "ENOENT" })].map((cause) => {
      const error = storeError("read", "/x.db", cause);
      expect(error.cause).toBe(cause);
      expect(error.retryable).toBe(false);
      return error.message;
    });
    expect(shown).toMatchInlineSnapshot(`
      [
        "Cannot read: "/x.db": null",
        "Cannot read: "/x.db": undefined",
        "Cannot read: "/x.db": text",
        "Cannot read: "/x.db": 5",
        "Cannot read: "/x.db": [object Object]",
        "Cannot read: "/x.db": text",
        "Cannot read: "/x.db": [object Object]",
        "Cannot read: "/x.db": its folder does not exist",
      ]
    `);
  });

  it("names no path of a database in memory", () => {
    expect(storeError("read", ":memory:", failure(10)).message).toBe("Cannot read: the disk failed");
  });

  it("leaves a StoreError as it is", () => {
    const error = new StoreError("Cannot read: no");
    expect(storeError("append", "/x.db", error)).toBe(error);
  });
});
