/** Copies each package's version from `package.json` to `deno.json`. Runs after `changeset version`. */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The text of a `deno.json` with its `version` set, everything else as it was. */
export function withVersion(denoJson: string, version: string): string {
  const replaced = denoJson.replace(
    /^(\s*"version":\s*)"[^"]*"/m,
    (_, key: string) => `${key}${JSON.stringify(version)}`,
  );
  if ((JSON.parse(replaced) as { version?: string }).version !== version) {
    throw new Error(`Cannot set version ${version}: deno.json has no "version" line`);
  }
  return replaced;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  for (const path of globSync("packages/*/deno.json", { cwd: root })) {
    const { name, version } = JSON.parse(readFileSync(join(root, dirname(path), "package.json"), "utf8")) as {
      name: string;
      version: string;
    };
    const before = readFileSync(join(root, path), "utf8");
    const after = withVersion(before, version);
    if (after === before) continue;
    writeFileSync(join(root, path), after);
    console.log(`${name} ${version}`);
  }
}
