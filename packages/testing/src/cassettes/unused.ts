/// <reference types="node" />
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { openedCassettes } from "./opened.ts";

/** The cassettes in `folder` and below that this process has not opened, sorted. For after all tests. */
export function unusedCassettes(folder: string): readonly string[] {
  return cassettesIn(folder, new Set(openedCassettes().map(({ path }) => path)));
}

/** The cassettes in `folder` and below that are not in `opened`. */
export function cassettesIn(folder: string, opened: ReadonlySet<string>): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith(".json") && !opened.has(resolve(path)))
    .toSorted();
}
