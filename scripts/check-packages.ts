/** Checks the packed tarballs of the publishable packages with publint and attw. The packages have to be built. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command.ts";
import { packPackages } from "./pack.ts";

const destination = mkdtempSync(join(tmpdir(), "baton-pack-"));
try {
  for (const { name, path } of await packPackages(destination)) {
    const attw = ["--profile", "esm-only", "--no-definitely-typed", "--no-emoji", "--format", "ascii", path];
    const checks = await Promise.all([command("publint", ["run", "--strict", path]), command("attw", attw)]);
    const wrong = checks.filter(({ ok }) => !ok);
    console.log(`${wrong.length === 0 ? "ok    " : "FAILED"} ${name}`);
    for (const { output } of wrong) console.log(output);
    if (wrong.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(destination, { recursive: true, force: true });
}
