/** Reads the files that a page tells its reader to write. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.ts";

/** The files of a page by path: a block of code under its name, in bold or as the summary of what is folded. */
export function filesIn(page: string): Readonly<Record<string, string>> {
  const text = readFileSync(join(root, page), "utf8");
  const named =
    /^(?:\*\*`(?<bold>[^`\n]+)`\*\*|<summary><code>(?<folded>[^<\n]+)<\/code><\/summary>)\n\n```\w+\n(?<code>.*?)^```$/gms;
  return Object.fromEntries(
    [...text.matchAll(named)].map(({ groups = {} }) => [
      groups["bold"] ?? groups["folded"] ?? "",
      groups["code"] ?? "",
    ]),
  );
}

/** The commands of a section of a page, each a line of its `sh` blocks. */
export function commandsIn(page: string, section: string): readonly string[] {
  const text = readFileSync(join(root, page), "utf8");
  const start = text.indexOf(`\n${section}\n`);
  if (start === -1) throw new Error(`Cannot read commands of ${page}: it has no section "${section}"`);
  const [body = ""] = text.slice(start + section.length + 1).split(/^## /m);
  return [...body.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = ""]) => block.trim().split("\n"));
}
