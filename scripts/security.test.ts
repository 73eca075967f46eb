/** SECURITY.md names the test that shows each promise: that test must be there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./command.ts";

const page = readFileSync(join(root, "SECURITY.md"), "utf8");
const promises = page
  .split("## What Baton promises")[1]!
  .split("\n## ")[0]!
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (?:promise|---) /.test(line))
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")) as [promise: string, shown: string]);

describe("a promise of SECURITY.md", () => {
  it.each(promises)("is shown: %s", (_, shown) => {
    const links = [...shown.matchAll(/\]\(([^)]+)\)([^;]*)/g)];
    if (links.length === 0) expect(shown).toMatch(/portable tests/);
    for (const [, path = "", titles = ""] of links) {
      expect(existsSync(join(root, path)), path).toBe(true);
      const named = [...titles.matchAll(/"([^"]+)"/g)].map(([, title]) => title!);
      expect(named, path).not.toEqual([]);
      const text = readFileSync(join(root, path), "utf8");
      for (const title of named) expect(text.includes(title), `${path}: ${title}`).toBe(true);
    }
  });

  it("is there for each of the invariants", () => {
    expect(promises.length).toBeGreaterThanOrEqual(19);
  });

  it("has every id of the lists of OWASP once, in order", () => {
    const ids = (pattern: RegExp): readonly string[] => [...page.matchAll(pattern)].map(([, id]) => id!);
    const numbers = (count: number, pad: number): string[] =>
      Array.from({ length: count }, (_, i) => String(i + 1).padStart(pad, "0"));
    expect(ids(/^\| LLM(\d\d):2025 /gm)).toEqual(numbers(10, 2));
    expect(ids(/^\| ASI(\d\d) /gm)).toEqual(numbers(10, 2));
    expect(ids(/^\| T(\d+) /gm)).toEqual(numbers(17, 1));
  });
});
