/** ReDoS: no text of a user, model or tool makes an expression take more than linear time. */
import { describe, expect, it } from "vitest";
import { check, expressionsIn, readLedger, writtenExpressions } from "./expressions.ts";

describe("regular expressions of the sources", () => {
  const { safe, accepted } = readLedger();
  const written = writtenExpressions();

  it("are all checked; after a change: node scripts/expressions.ts", () => {
    expect(written.length).toBeGreaterThan(200);
    const unchecked = written.filter((each) => !safe.includes(each.written) && !Object.hasOwn(accepted, each.written));
    expect(unchecked).toEqual([]);
  });

  it("that are not linear have a reason each, and none of the list is gone", () => {
    const known = new Set(written.map((each) => each.written));
    expect(safe.filter((each) => !known.has(each))).toEqual([]);
    for (const [each, reason] of Object.entries(accepted)) {
      expect(known, each).toContain(each);
      expect(reason.length, each).toBeGreaterThan(20);
    }
  });

  it("are found by a parser, not in texts or comments", () => {
    const text = "const a = b / c / d; // /x/\nconst e: RegExp = /[/]x+/giu; const f = `${/y/.source} /z/`; '/w/';";
    expect(expressionsIn(text)).toEqual(["/[/]x+/giu", "/y/"]);
  });

  it("are told apart by the checker: exponential, quadratic and linear", async () => {
    expect(await check("/^(?:a+)+$/")).toBe("vulnerable");
    expect(await check("/[.!?]+$/")).toBe("vulnerable");
    expect(await check("/^[.!?]+/")).toBe("safe");
  });
});
