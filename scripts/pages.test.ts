/** The programs in the pages are run, and print what the comments under them say. */
import { execFile } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { root } from "./command.ts";

const run = promisify(execFile);
const pages = globSync(["README.md", "packages/*/README.md", "docs/**/*.md"], { cwd: root }).map((page) =>
  page.replaceAll("\\", "/"),
);

/** Programs that import something and say what they print, in lines of comment under a `console.log`. */
function programsIn(page: string): { readonly code: string; readonly prints: string }[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].flatMap(([, code = ""]) => {
    const prints = [...code.matchAll(/^ *console\.log\(.*\);\n((?:^ *\/\/ .*\n)+)/gm)]
      .map(([, comments = ""]) => comments.replaceAll(/^ *\/\/ /gm, ""))
      .join("");
    return code.includes("import ") && prints !== "" ? [{ code, prints }] : [];
  });
}

describe("a program in a page", () => {
  for (const page of pages) {
    for (const [index, { code, prints }] of programsIn(page).entries()) {
      it(`prints what ${page} says (program ${index + 1})`, { timeout: 60_000 }, async () => {
        const file = join(root, dirname(page), `.page-${index}.tmp.ts`);
        writeFileSync(file, code);
        try {
          const { stdout } = await run(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
            cwd: dirname(file),
          });
          expect(stdout).toBe(prints);
        } finally {
          rmSync(file);
        }
      });
    }
  }
  it("stands in the README", () => expect(programsIn("README.md")).toHaveLength(1));
});
