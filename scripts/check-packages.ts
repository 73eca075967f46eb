/** Checks the packed tarballs of the publishable packages: contents, publint and attw. The packages have to be built. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, type Finished } from "./command.ts";
import { packPackages, type Tarball } from "./pack.ts";
import { wrongContents } from "./tarball-contents.ts";

const destination = mkdtempSync(join(tmpdir(), "baton-pack-"));
try {
  for (const tarball of await packPackages(destination)) {
    const { name, path } = tarball;
    const attw = ["--profile", "esm-only", "--no-definitely-typed", "--no-emoji", "--format", "ascii", path];
    const checks = await Promise.all([
      contents(tarball),
      command("publint", ["run", "--strict", path]),
      command("attw", attw),
    ]);
    const wrong = checks.filter(({ ok }) => !ok);
    console.log(`${wrong.length === 0 ? "ok    " : "FAILED"} ${name}`);
    for (const { output } of wrong) console.log(output);
    if (wrong.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(destination, { recursive: true, force: true });
}

/** What the tarball holds, beside what publint and attw look at. */
async function contents({ path }: Tarball): Promise<Finished> {
  const folder = path.replace(/\.tgz$/, "");
  mkdirSync(folder);
  const unpacked = await command("tar", ["-xzf", path, "-C", folder, "--strip-components=1"]);
  if (!unpacked.ok) return unpacked;
  const wrong = wrongContents(folder);
  return { ok: wrong.length === 0, output: wrong.join("\n") };
}
