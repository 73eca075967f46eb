/** The programs in the pages are run and type-checked, print what the comments under them say, and links lead somewhere. */
import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./command.ts";

const run = promisify(execFile);
const find = (...patterns: string[]): string[] =>
  globSync(patterns, { cwd: root, exclude: ["**/node_modules/**"] }).map((page) => page.replaceAll("\\", "/"));
const read = (page: string): string => readFileSync(join(root, page), "utf8");

const pages = find("README.md", "packages/*/README.md", "docs/**/*.md");
/** Pages that a reader goes through; in the others one looks things up. */
const guides = find("docs/*.md").filter((page) => !["docs/README.md", "docs/lint.md"].includes(page));
/** Its programs are files of a package, which has a test of its own. */
const ELSEWHERE = "docs/write-a-plugin.md";

interface Program {
  readonly page: string;
  readonly file: string;
  readonly code: string;
  readonly prints: string;
}

const codeIn = (page: string): string[] =>
  [...read(page).matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""]) => code);

/** Programs that import something and say what they print, in lines of comment under a `console.log`. */
function programsIn(page: string): Program[] {
  return codeIn(page).flatMap((code, index) => {
    const prints = [...code.matchAll(/^ *console\.log\(.*\);\n((?:^ *\/\/ .*\n)+)/gm)]
      .map(([, comments = ""]) => comments.replaceAll(/^ *\/\/ /gm, ""))
      .join("");
    const file = join(root, dirname(page), `.${basename(page, ".md")}-${index}.tmp.ts`);
    return code.includes("import ") && prints !== "" ? [{ page, file, code, prints }] : [];
  });
}

describe("a program in a page", () => {
  const programs = pages.flatMap(programsIn);
  const project = join(root, "pages.tmp.json");

  beforeAll(() => {
    for (const { file, code } of programs) writeFileSync(file, `${code}export {};\n`);
    const compilerOptions = { incremental: false, tsBuildInfoFile: null };
    const files = programs.map(({ file }) => file);
    writeFileSync(project, JSON.stringify({ extends: "./tsconfig.app.json", compilerOptions, include: [], files }));
  });
  afterAll(() => {
    for (const file of [project, ...programs.map(({ file }) => file)]) rmSync(file, { force: true });
  });

  it.each(programs)("prints what $page says ($file)", { timeout: 60_000 }, async ({ file, prints }) => {
    const { stdout } = await run(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
      cwd: dirname(file),
    });
    expect(stdout).toBe(prints);
  });

  it("type-checks", { timeout: 120_000 }, async () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout } = await run(process.execPath, [tsc, "-p", project], { cwd: root }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe("");
  });

  it.each(pages)("of %s that ends with what it prints is one that is run", (page) => {
    const codes = new Set(programsIn(page).map(({ code }) => code));
    const meant = codeIn(page).filter((code) => code.includes("import ") && /\n *\/\/ [^\n]*\n(}\n)*$/.test(code));
    expect(meant.filter((code) => !codes.has(code))).toEqual([]);
  });

  it("stands in the README", () => expect(programsIn("README.md")).toHaveLength(1));

  it.each(guides.filter((page) => page !== ELSEWHERE))("stands in %s", (page) =>
    expect(programsIn(page).length).toBeGreaterThan(0),
  );
});

/** Targets of the links in a page, those in code left out. */
function linksIn(page: string): string[] {
  const text = read(page)
    .replaceAll(/^```.*?^```/gms, "")
    .replaceAll(/`[^`\n]*`/g, "code");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsIn(page: string): string[] {
  const headings = read(page)
    .replaceAll(/^```.*?^```/gms, "")
    .matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The page that a link to `path` shows: of a folder its README. */
const pageAt = (path: string): string => (statSync(join(root, path)).isDirectory() ? join(path, "README.md") : path);

describe("a link", () => {
  const linked = [...pages, ...find("*.md", "apps/*/README.md", "benchmarks/*.md"), "llms.txt"];

  it.each([...new Set(linked)])("in %s leads to a file and a heading that exist", (page) => {
    const broken = linksIn(page).filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? page : join(dirname(page), file);
      if (!existsSync(join(root, path))) return true;
      return anchor !== undefined && !anchorsIn(pageAt(path)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(["docs/README.md", "llms.txt"])("in %s leads to every guide", (index) => {
    const targets = linksIn(index).map((target) => join(dirname(index), target));
    expect(targets).toEqual(expect.arrayContaining([...guides, "docs/lint.md"]));
  });
});

describe("llms.txt", () => {
  const lines = read("llms.txt").split("\n");

  it("begins with a title and a summary, as llmstxt.org has it", () => {
    expect(lines[0]).toMatch(/^# \S/);
    expect(lines[2]).toMatch(/^> \S/);
  });

  it("lists every package that is published", () => {
    const packages = find("packages/*/README.md").filter(
      (page) => !(JSON.parse(read(join(dirname(page), "package.json"))) as { private?: boolean }).private,
    );
    expect(linksIn("llms.txt")).toEqual(expect.arrayContaining(packages));
  });

  it("says in one line what each link is", () => {
    const links = lines
      .slice(lines.findIndex((line) => line.startsWith("## ")))
      .filter((line) => line.startsWith("- "));
    for (const link of links) expect(link).toMatch(/^- \[[^\]]+\]\([^)\s]+\): \S.*$/);
    expect(links.length).toBeGreaterThan(guides.length);
  });
});
