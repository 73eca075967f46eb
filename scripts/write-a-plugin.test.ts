/** The page "Write your own plugin" and the template are the same; `runtime-tests/plugin.ts` does what the page says. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./command.ts";
import { commandsIn, filesIn } from "./page-files.ts";

const template = "packages/plugin-template";
const files = filesIn("docs/write-a-plugin.md");
const sources = globSync("src/**/*.ts", { cwd: join(root, template) }).map((path) => path.replaceAll("\\", "/"));

describe('the page "Write your own plugin"', () => {
  it("has every file of the template, and no other source", () => {
    expect(
      Object.keys(files)
        .filter((path) => path.startsWith("src/"))
        .toSorted(),
    ).toEqual(sources.toSorted());
  });
  for (const path of sources) {
    it(`has ${path} as it is in the template`, () => {
      expect(files[path]).toBe(readFileSync(join(root, template, path), "utf8"));
    });
  }
  it("runs its suite with the four test runners", () => {
    const runners = commandsIn("docs/write-a-plugin.md", "## 3. Run the suite").map((line) => line.split(" ")[0]);
    expect(runners).toEqual(["npm", "sed", "node", "deno", "bun"]);
    expect(() => commandsIn("docs/write-a-plugin.md", "## 9")).toThrow('it has no section "## 9"');
  });
  it("names the versions of libraries that the template uses", () => {
    const manifest = JSON.parse(readFileSync(join(root, template, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const { imports } = JSON.parse(files["jsr.json"] ?? "{}") as { imports: Record<string, string> };
    for (const [name, range] of Object.entries(manifest.dependencies))
      expect(imports[name]).toBe(`npm:${name}@${range}`);
  });
});
